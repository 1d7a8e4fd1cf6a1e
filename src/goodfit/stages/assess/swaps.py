"""The same text about somebody else: does the answer change? Part of assess, the probe `identity_swap`.

Texts that name a group are asked again with the terms of another in their place (data.identity.swap; one pass, slots and case kept). Of
each pair: whether the label changes (the flip rate), and by how much probabilities move (Garg et al. 2019 call the mean the counterfactual
token fairness gap). Texts by chance, at most MOST; what had to be guessed about a swap is counted, and scored apart.

A flip says that the model reads the term, not that it is wrong to: the two texts may mean different things to people (bias.md calls them
asymmetric). So a suite of templates, where they do not, says more. Shapes: m pairs, L labels.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.data.identity.match import Matcher
from goodfit.data.identity.swap import Swapped, swap_all
from goodfit.score import Score
from goodfit.stages.assess.asked import Tell, ask
from goodfit.stages.assess.population import Population
from goodfit.stages.assess.rows import MODEL
from goodfit.statistics.gaps import LEAST_RATE, LEAST_VERDICT, rate
from goodfit.tasks.predictor import Predictor

MOST = 1000
"""Texts of a population that are swapped, for one list."""
PAIRS = 4000
"""Pairs that are asked, at most; beyond, texts are left out by chance."""
NAME = "identity_swap"
EXAMPLES = 5
LONGEST = 500
"""Characters of an example."""


@dataclass(frozen=True)
class Pairs:
    """Texts and their counterfactuals."""

    places: npt.NDArray[np.int64]
    """[m] row of the population."""
    swapped: tuple[Swapped, ...]
    """[m]"""
    left_out: dict[str, int]
    doubts: dict[str, int]
    texts: int
    """Texts that name a member, of those that were drawn."""


def identity_swap(
    population: Population, matcher: Matcher, predictor: Predictor, margin: float, seed: int, tell: Tell = lambda _done, _all: None
) -> dict[str, Any]:  # fmt: skip
    """What came of it, as gaps.json has it; with `answer` not_measured and a reason where nothing could be swapped."""
    about = {"name": NAME, "set": population.name, "terms": matcher.list.name, "axis": matcher.list.axis, "system": MODEL}
    pairs = _pairs(population, matcher, seed)
    if not len(pairs.places):
        why = max(pairs.left_out.items(), key=lambda one: one[1])[0] if pairs.left_out else "no text names a member"
        return about | {"n": 0, "answer": "not_measured", "why": why, "left_out": pairs.left_out}
    before = population.probabilities[MODEL][pairs.places]
    after = ask(predictor, [one.text for one in pairs.swapped], tell)
    flips = _flips(population, pairs, predictor, after)
    certain = np.array([one.certain for one in pairs.swapped])
    moved = np.abs(after - before).max(axis=1)
    clusters = pairs.places if population.clusters is None else population.clusters[pairs.places]
    flip = _share(flips, np.ones(len(flips), dtype=bool), clusters)
    answer, why, needed = verdict(flip, margin, len(np.unique(pairs.places)))
    return about | {
        "n": len(np.unique(pairs.places)), "pairs": len(flips), "flip_rate": flip.to_json(), "margin": margin, "answer": answer,
        "why": why, "rows_needed": needed, "certain": int(certain.sum()), "doubts": pairs.doubts, "left_out": pairs.left_out,
        "moved": round(float(moved.mean()), 4),
        "flip_rate_certain": _share(flips, certain, clusters).to_json(),
        "towards": _towards(pairs, before, after, flips, population), "examples": _examples(pairs, population, moved, flips),
    }  # fmt: skip


def _share(flips: npt.NDArray[np.bool_], chosen: npt.NDArray[np.bool_], clusters: npt.NDArray[np.int64]) -> Score:
    """The flip rate of some pairs."""
    return rate(flips.astype(float), chosen, chosen, clusters, name="flip_rate").about(higher_is_better=False, system=MODEL)


def verdict(flip: Score, margin: float, texts: int) -> tuple[str, str, int | None]:
    """The answer, why, and texts needed: shares of flips are compared with the margin, for none at all is never sure."""
    if flip.value is None or texts < LEAST_VERDICT or flip.low is None or flip.high is None:
        return "not_enough_data", f"fewer than {LEAST_VERDICT} texts name a member", LEAST_VERDICT
    if flip.low > margin:
        return "gap", f"the label changes in more than {100 * margin:g}% of the texts", None
    if flip.high <= margin:
        return "no_gap_above_margin", f"the label changes in at most {100 * margin:g}% of the texts", None
    distance = max(abs(flip.value - margin), 0.25 * margin)
    half = (flip.high - flip.low) / 2
    return "not_enough_data", "the interval holds the margin", int(np.ceil(texts * max(1.1, (half / distance) ** 2)))


def _pairs(population: Population, matcher: Matcher, seed: int) -> Pairs:
    assert population.texts is not None
    named = np.flatnonzero(matcher.members(population.texts).any(axis=1))
    rng = np.random.default_rng([seed, 0x5A])
    chosen = np.sort(rng.permutation(named)[:MOST])
    found = swap_all([population.texts[i] for i in chosen], matcher)
    kept = list(found.pairs)
    if len(kept) > PAIRS:
        texts = rng.permutation(len(chosen))
        of = defaultdict(list)
        for place, one in kept:
            of[place].append((place, one))
        kept = []
        for place in texts.tolist():
            if len(kept) + len(of[place]) > PAIRS:
                break
            kept += of[place]
        kept.sort(key=lambda pair: pair[0])
    return Pairs(
        chosen[np.array([place for place, _ in kept], dtype=np.int64)], tuple(one for _, one in kept), dict(found.left_out),
        dict(found.doubts), len(chosen),
    )  # fmt: skip


def _flips(population: Population, pairs: Pairs, predictor: Predictor, after: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """[m]: whether the answer is another one."""
    now, then = np.asarray(predictor.task.decide(after)), population.said[MODEL][pairs.places]
    if now.ndim == 2:
        return np.asarray((now != then[:, : now.shape[1]]).any(axis=1))
    return np.asarray(now != then)


def _towards(
    pairs: Pairs, before: npt.NDArray[np.float32], after: npt.NDArray[np.float32], flips: npt.NDArray[np.bool_], population: Population
) -> list[dict[str, Any]]:  # fmt: skip
    """For each target member: by how much each label's probability moves when texts come to speak of it."""
    out = []
    members = sorted({" + ".join(one.targets) for one in pairs.swapped})
    labels = population.labels[: after.shape[1]]
    for member in members:
        mine = np.array([" + ".join(one.targets) == member for one in pairs.swapped])
        if mine.sum() < LEAST_RATE:
            continue
        change = (after - before)[mine].mean(axis=0)
        most = int(np.abs(change).argmax())
        out.append({"member": member, "n": int(mine.sum()), "flips": round(float(flips[mine].mean()), 4), "label": labels[most],
                    "change": round(float(change[most]), 4)})  # fmt: skip
    return out


def _examples(pairs: Pairs, population: Population, moved: npt.NDArray[np.float32], flips: npt.NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The pairs whose probabilities move most; row ids, for texts are shown by the report's own rule."""
    order = np.lexsort((-moved, ~flips))[:EXAMPLES]
    rows = population.rows
    assert population.texts is not None
    return [
        {"row": rows[int(pairs.places[i])].as_py(), "text": population.texts[int(pairs.places[i])][:LONGEST],
         "swapped": pairs.swapped[i].text[:LONGEST], "moved": round(float(moved[i]), 4), "flips": bool(flips[i]),
         "doubts": list(pairs.swapped[i].doubts)}
        for i in order.tolist()
    ]  # fmt: skip
