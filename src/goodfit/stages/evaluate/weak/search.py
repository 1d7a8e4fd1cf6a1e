"""The search: predicates and pairs of two families on validation rows, what stands out, and what of it the evaluated rows confirm.

Part of evaluate. On validation the whole family is controlled at 5% (statistics/slices.py); what is called there is asked once more of the
evaluated rows, with Holm over what is asked. Losses are 0/1 (an answer that is not wholly right), exchanged within classes. With
`evaluate.on: valid` there are no other rows: slices are found, not confirmed, and say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from goodfit.score import Score, Verdict
from goodfit.stages.evaluate.weak.predicates import Predicate, Rows, bounds, predicates_of
from goodfit.statistics.multiple import holm
from goodfit.statistics.scoring import score_of
from goodfit.statistics.slices import Found, distinct, shrunken, stand_out, units_of

MOST_CANDIDATES = 4_000
"""Pairs beyond are left out, the smallest first."""
MOST_SHOWN = 10
LEVEL = 0.05
LEAST_ROWS, LEAST_ERRORS = 100, 10
"""Validation rows, and mistakes among them (and right answers), below which nothing is looked for."""
CONFIRM_ROWS = 20
"""Evaluated rows of a slice below which it cannot be confirmed."""
CONFIRM_DRAWS = 9_999
State = Literal["confirmed", "not_confirmed", "too_few_rows", "not_asked"]


@dataclass(frozen=True)
class Answered:
    """Rows, and how the model answered them."""

    rows: Rows
    wrong: NDArray[np.bool_]
    """[n]"""
    ids: Sequence[str]
    strata: NDArray[np.int64] | None
    """[n] the class of every row; None where rows may have several."""
    clusters: NDArray[np.int64] | None = None
    split: str = "valid"
    """Of which split they are; `folds`: a half of the rows that folds' models answered."""
    folds: int | None = None
    """How many models answered them, each those that it did not learn from."""

    def part(self, places: NDArray[np.int64]) -> Answered:
        """Some of the rows."""
        strata, clusters = (None if of is None else of[places] for of in (self.strata, self.clusters))
        ids = [self.ids[i] for i in places.tolist()]
        return replace(self, rows=self.rows.part(places), wrong=self.wrong[places], ids=ids, strata=strata, clusters=clusters)

    @property
    def called(self) -> str:
        """What these rows are, in words."""
        return ROWS_OF[self.split]


ROWS_OF = {"valid": "validation rows", "test": "test rows", "folds": "rows of the half that was searched"}


@dataclass(frozen=True)
class Slice:
    """A slice that stood out on validation."""

    where: str
    """Its predicates: `length > 20 words and label = bug`."""
    n: int
    """Validation rows."""
    accuracy: Score
    """On validation; it was chosen for being low."""
    verdict: Verdict
    """Against all validation rows, within classes; the interval holds for all candidates together."""
    shrunken: float
    """The difference as it is to be expected (empirical Bayes)."""
    points: float
    """Accuracy of all rows that it would bring, were the slice as good as they are."""
    rows: tuple[str, ...]
    """Ids of its wrong validation rows."""
    state: State = "not_asked"
    confirmed: Score | None = None
    """Accuracy on the evaluated rows."""
    p_confirmed: float | None = None
    """Of those, corrected by Holm."""

    def to_json(self, on: str) -> dict[str, Any]:
        """An entry of `slices` of scores.json: `score` is that of the evaluated rows where these were asked."""
        shown = self.accuracy if self.confirmed is None else self.confirmed
        return {
            "where": self.where, "n": shown.n, "score": shown.to_json(), "verdict": self.verdict.to_json(),
            "found_on": self.accuracy.split,
            "n_found": self.n, "score_found": self.accuracy.to_json(), "shrunken": self.shrunken, "points": self.points,
            "state": self.state, "confirmed_on": on if self.confirmed is not None else None, "p_confirmed": self.p_confirmed,
        }  # fmt: skip


@dataclass(frozen=True)
class Slices:
    """What came of the search."""

    found: list[Slice] = field(default_factory=list)
    candidates: int = 0
    """Slices looked at."""
    called: int = 0
    """Of these, the ones that stood out, before those that are the same rows again became one."""
    why_not: str | None = None
    """Why nothing was looked for."""
    visible: float | None = None
    """The smallest gap that a slice of a tenth of the rows would have shown in four of five cases."""

    def to_json(self) -> dict[str, Any]:
        """`slices_searched` of scores.json."""
        return {"candidates": self.candidates, "called": self.called, "why_not": self.why_not, "visible": self.visible}


def slices_of(
    valid: Answered, scored: Answered | None, labels: Sequence[str], training: NDArray[np.float32] | None, *, seed: int
) -> Slices:
    """The weak slices of a model; `scored`: the evaluated rows, None where they are the validation rows themselves."""
    n, wrong = len(valid.rows), int(valid.wrong.sum())
    if n < LEAST_ROWS or min(wrong, n - wrong) < LEAST_ERRORS:
        return Slices(why_not=_too_little(n, wrong, valid.called))
    predicates = predicates_of(valid.rows, labels, training, seed)
    names, member = candidates_of(predicates, valid.rows)
    if not names:
        return Slices(why_not=f"no slice has {bounds(n)[0]} to {bounds(n)[1]:,} of the {n:,} {valid.called}")
    units = units_of(valid.wrong.astype(float), member, valid.strata, valid.clusters)
    result = stand_out(units, seed=seed)
    called = np.flatnonzero((result.p <= LEVEL) & (result.z > 0)).tolist()
    chosen = distinct(units, result, called, MOST_SHOWN)
    made = _described(valid, member, result, chosen) if chosen else []
    if scored is not None and made:
        made = _confirmed(made, [[predicates[i] for i in names[s]] for s in chosen], scored, seed)
    texts = [" and ".join(predicates[i].name for i in names[s]) for s in chosen]
    made = [_named(one, text) for one, text in zip(made, texts, strict=True)]
    return Slices(made, len(names), len(called), None, _visible(valid.wrong.mean(), n, result.critical))


def candidates_of(predicates: Sequence[Predicate], rows: Rows) -> tuple[list[tuple[int, ...]], NDArray[np.bool_]]:
    """Places of the predicates of every slice (one or two), and which rows it has [n, S]: of fitting size, none twice."""
    least, most = bounds(len(rows))
    single = np.stack([one.test(rows) for one in predicates], axis=1) if predicates else np.zeros((len(rows), 0), bool)
    counts = single.sum(axis=0)
    both = single.astype(np.float32).T @ single.astype(np.float32)
    pairs = [
        (i, j) for i, j in zip(*np.nonzero(np.triu(both >= least, 1)), strict=True)
        if predicates[i].family != predicates[j].family and both[i, j] <= most and both[i, j] < min(counts[i], counts[j])
    ]  # fmt: skip
    pairs.sort(key=lambda pair: (-both[pair], pair))
    names: list[tuple[int, ...]] = [(int(i),) for i in np.flatnonzero((counts >= least) & (counts <= most))]
    names += [(int(i), int(j)) for i, j in pairs[: max(0, MOST_CANDIDATES - len(names))]]
    kept: dict[bytes, tuple[int, ...]] = {}
    columns = []
    for name in names:
        mask = np.logical_and.reduce([single[:, i] for i in name])
        key = np.packbits(mask).tobytes()
        if key not in kept:
            kept[key] = name
            columns.append(mask)
    return list(kept.values()), np.stack(columns, axis=1) if columns else np.zeros((len(rows), 0), bool)


def _described(valid: Answered, member: NDArray[np.bool_], result: Found, chosen: list[int]) -> list[Slice]:
    """Each slice with its numbers on validation."""
    out, expected = [], _all_shrunken(valid, member)
    for s in chosen:
        mask, n = member[:, s], int(member[:, s].sum())
        clusters = None if valid.clusters is None else valid.clusters[mask]
        own = score_of("rate", None, ~valid.wrong[mask], clusters=clusters, folds=valid.folds)
        accuracy = own.about(name="accuracy", split=valid.split, system="model", selected=True)
        ids = tuple(valid.ids[i] for i in np.flatnonzero(mask & valid.wrong).tolist())
        out.append(Slice("", n, accuracy, _verdict(valid, mask, result, s), float(expected[s]), float(-expected[s]) * n / len(mask), ids))
    return out


def _verdict(valid: Answered, mask: NDArray[np.bool_], result: Found, s: int) -> Verdict:
    gap, error = _gap(valid, mask)
    half, n = result.critical * error, int(mask.sum())
    difference = Score(
        name="accuracy_difference", value=gap, low=max(-1.0, gap - half), high=min(1.0, gap + half), n=n, method="max_t_permutation",
        split=valid.split, selected=True,
    )  # fmt: skip
    return Verdict(
        question="slice vs all rows on accuracy", answer="worse", difference=difference, p=float(result.alone[s]),
        p_adjusted=float(result.p[s]), family="slices", correction="max_t",
        text=f"worse by {-100 * gap:.1f} points than other rows of the same classes, on {n:,} {valid.called}",
    )  # fmt: skip


def _gap(valid: Answered, mask: NDArray[np.bool_]) -> tuple[float, float]:
    """Accuracy of a slice minus that of all rows of its classes (by the classes it has), and the standard error under exchange."""
    strata = np.zeros(len(mask), np.int64) if valid.strata is None else np.unique(valid.strata, return_inverse=True)[1]
    size = np.bincount(strata).astype(float)
    mean = np.bincount(strata, weights=valid.wrong) / size
    held = np.bincount(strata[mask], minlength=len(size)).astype(float)
    spread = np.bincount(strata, weights=(valid.wrong - mean[strata]) ** 2) / np.maximum(size - 1, 1)
    m = max(1, int(mask.sum()))
    return float((mean @ held - valid.wrong[mask].sum()) / m), float(np.sqrt(spread @ (held * (1 - held / size))) / m)


def _all_shrunken(valid: Answered, member: NDArray[np.bool_]) -> NDArray[np.float64]:
    pairs = np.array([_gap(valid, member[:, s]) for s in range(member.shape[1])])
    return shrunken(pairs[:, 0], pairs[:, 1])


def _confirmed(made: list[Slice], predicates: list[list[Predicate]], scored: Answered, seed: int) -> list[Slice]:
    """The same slices on the evaluated rows: one-sided, within classes, corrected by Holm over those that have rows."""
    masks = [np.logical_and.reduce([one.test(scored.rows) for one in of]) for of in predicates]
    asked = [i for i, mask in enumerate(masks) if mask.sum() >= CONFIRM_ROWS]
    p = np.ones(len(made))
    if asked:
        units = units_of(scored.wrong.astype(float), np.stack([masks[i] for i in asked], axis=1), scored.strata, scored.clusters)
        p[asked] = holm(stand_out(units, draws=CONFIRM_DRAWS, seed=seed).alone.tolist())
    out = []
    for i, (one, mask) in enumerate(zip(made, masks, strict=True)):
        clusters = None if scored.clusters is None else scored.clusters[mask]
        own = score_of("rate", None, ~scored.wrong[mask], clusters=clusters, folds=scored.folds)
        own = own.about(name="accuracy", system="model", split=scored.split)
        state: State = "too_few_rows" if i not in asked else "confirmed" if p[i] <= LEVEL else "not_confirmed"
        out.append(replace(one, state=state, confirmed=own, p_confirmed=float(p[i]) if i in asked else None))
    return out


def _named(one: Slice, where: str) -> Slice:
    own = None if one.confirmed is None else one.confirmed.about(slice=where)
    return replace(one, where=where, accuracy=one.accuracy.about(slice=where), confirmed=own)


def _too_little(n: int, wrong: int, rows: str) -> str:
    if n < LEAST_ROWS:
        return f"it takes {LEAST_ROWS} {rows}; there are {n:,}"
    few, what = (wrong, "mistakes") if wrong <= n - wrong else (n - wrong, "right answers")
    return f"it takes {LEAST_ERRORS} {what} among the {rows}; there are {few}"


def _visible(error: float, n: int, critical: float) -> float:
    """The gap that a slice of a tenth of the rows shows with 80% power at this threshold."""
    m = max(1, n // 10)
    return float((critical + 0.84) * np.sqrt(error * (1 - error) * (1 / m - 1 / n)))
