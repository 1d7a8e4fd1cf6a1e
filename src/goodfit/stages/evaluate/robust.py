"""EVA022: what becomes of the answers when people write the same otherwise: typing errors, casing, punctuation, cuts. Part of evaluate.

Some of the evaluated rows are asked again after each perturbation (tasks/perturb.py), the model's answers paired with those to the rows as
they are; rows that a perturbation does not change do not count for it. Corrected together (Holm).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.data.clean.language import languages_of
from goodfit.finding import Finding
from goodfit.monitor.words import count
from goodfit.score import Score, Verdict
from goodfit.stages.evaluate.questions import Judged, finding
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.statistics import score
from goodfit.statistics.comparing import Question, compare
from goodfit.statistics.multiple import adjust
from goodfit.tasks.perturb import PERTURBATIONS, Perturbation, perturb

ROWS = 400
"""Evaluated rows that are asked, at most."""
TOKENS = 400_000
"""Tokens of all that is asked, at most: a minute or two of a small model on two cores."""
FEWEST = 100
"""Rows that are asked whatever they cost, where there are so many."""
CHANGED = 30
"""Rows that a perturbation must change to be judged."""
ENGLISH = 0.5
"""Share of the texts that must be English for what is for English only."""
LISTED = 3
"""Perturbations that the finding tells of; all of them are in scores.json and on the page."""
MUCH, SOME = 0.05, 0.02
"""Points of accuracy: a warning where so many are lost for certain; a note where so many are, and some for certain."""


@dataclass(frozen=True)
class Shaken:
    """One perturbation."""

    one: Perturbation
    n: int
    """Rows that it changes."""
    before: Score
    after: Score
    flips: Score
    """Of the rows that were right, those that become wrong."""
    verdict: Verdict


@dataclass(frozen=True)
class Robust:
    """What came of all of them."""

    rows: int = 0
    shaken: list[Shaken] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    worst: Score | None = None
    """Rows that stay right under every perturbation that keeps the meaning: a worst case of several, not an average."""
    plain: Score | None = None
    """The same rows as they are."""

    def to_json(self) -> dict[str, Any]:
        """`robustness` of scores.json."""
        return {
            "rows": self.rows, "left_out": self.left_out, "plain": None if self.plain is None else self.plain.to_json(),
            "worst": None if self.worst is None else self.worst.to_json(),
            "perturbations": [
                {"name": x.one.name, "what": x.one.what, "preserving": x.one.preserving, "n": x.n, "before": x.before.to_json(),
                 "after": x.after.to_json(), "flips": x.flips.to_json(), "verdict": x.verdict.to_json()}
                for x in self.shaken
            ],
        }  # fmt: skip


Answer = Callable[[Sequence[str]], NDArray[Any]]
"""Texts -> predictions int64 [n] or bool [n, L]."""


def rows_for(n: int, tokens_each: float) -> int:
    """How many rows are asked."""
    affordable = int(TOKENS / max(1.0, tokens_each * len(PERTURBATIONS)))
    return min(n, ROWS, max(FEWEST, affordable))


def robustness(
    texts: list[str], truth: NDArray[Any], plain: NDArray[Any], clusters: NDArray[np.int64] | None, answer: Answer, *, seed: int
) -> Robust:  # fmt: skip
    """Asks the model after every perturbation; `plain` are its answers to the rows as they are, `truth` what they carry."""
    right = _right(plain, truth)
    english = bool(texts) and np.mean([code == "en" for code in languages_of(texts)]) >= ENGLISH
    left_out: dict[str, str] = {}
    shaken, kept = [], right.copy()
    for one in PERTURBATIONS:
        if one.english and not english:
            left_out[one.name] = "the texts are not in English"
            continue
        changed = perturb(one, texts, seed)
        touched = np.array([a != b for a, b in zip(texts, changed, strict=True)], dtype=bool)
        if touched.sum() < CHANGED:
            left_out[one.name] = f"it changes {count(int(touched.sum()), 'row')}; it takes {CHANGED}"
            continue
        now = right.copy()
        now[touched] = _right(answer([text for text, there in zip(changed, touched.tolist(), strict=True) if there]), truth[touched])
        kept &= now if one.preserving else True
        shaken.append(_measured(one, right, now, touched, clusters))
    verdicts = adjust([x.verdict for x in shaken], "robustness")
    shaken = [Shaken(x.one, x.n, x.before, x.after, x.flips, v) for x, v in zip(shaken, verdicts, strict=True)]
    worst = score("rate", None, kept, clusters=clusters).about(name="right_under_all", system=MODEL, method="worst_of_several")
    plain_score = score("rate", None, right, clusters=clusters).about(name="accuracy", system=MODEL)
    return Robust(len(texts), shaken, left_out, worst if shaken else None, plain_score)


def _right(predictions: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.bool_]:
    same = predictions == truth[:, : predictions.shape[1]] if truth.ndim == 2 else predictions == truth
    if truth.ndim == 1:
        return np.asarray(same)
    return np.asarray(same.all(axis=1) & ~truth[:, predictions.shape[1] :].any(axis=1))


def _measured(
    one: Perturbation, right: NDArray[np.bool_], now: NDArray[np.bool_], touched: NDArray[np.bool_], clusters: NDArray[np.int64] | None
) -> Shaken:  # fmt: skip
    """On the rows that it changes."""
    groups = None if clusters is None else clusters[touched]
    before, after = right[touched], now[touched]
    flips = score("rate", None, ~after[before], clusters=None if groups is None else groups[before])
    verdict = compare("rate", None, after, before, clusters=groups, question=Question(f"{one.name} vs as it is on accuracy"))
    named = {"system": MODEL}
    return Shaken(
        one, int(touched.sum()), score("rate", None, before, clusters=groups).about(name="accuracy", **named),
        score("rate", None, after, clusters=groups).about(name="accuracy", slice=one.what, **named),
        flips.about(name="flip_rate", higher_is_better=False, slice=one.what, **named), verdict,
    )  # fmt: skip


def fragile(scored: Judged, found: Robust | str) -> Iterator[Finding]:
    """Warning where a change that keeps the meaning costs 5 points for certain, note where it costs 2 and some for certain."""
    code, kind = "EVA022", "fragile"
    if isinstance(found, str):
        yield finding(code, kind, "robustness was not measured", scored, state="not_applicable", reason=found)
        return
    judged = [x for x in found.shaken if x.one.preserving and x.verdict.answer == "worse" and x.verdict.difference is not None]
    lost = sorted(((-(x.verdict.difference.value or 0.0), x) for x in judged if x.verdict.difference), key=lambda pair: -pair[0])
    told = [(drop, x) for drop, x in lost if drop >= SOME]
    if not told:
        title = f"none of {count(len(found.shaken), 'perturbation')} costs {100 * SOME:g} points of accuracy for certain"
        yield finding(code, kind, title, scored, state="passed", detail=_worst(found))
        return
    much = [x for _, x in told if x.verdict.difference and x.verdict.difference.high is not None and x.verdict.difference.high <= -MUCH]
    listed = "; ".join(f"{x.one.what}: {_points(x)}, {_flips(x)}" for _, x in told[:LISTED])
    listed += f"; and {len(told) - LISTED} more" if len(told) > LISTED else ""
    yield finding(
        code, kind, f"{told[0][1].one.what} cost {_points(told[0][1])} of accuracy", scored, severity="warning" if much else "note",
        detail=f"{listed}. On {count(found.rows, 'row')}, corrected together. {_worst(found)}",
        evidence=tuple(s for _, x in told[:3] for s in (x.before, x.after)),
        fix="train on texts as they will come: more data of that kind, or such changes made to training rows",
    )  # fmt: skip


def _points(x: Shaken) -> str:
    """`6.2 points [3.1, 9.3]`."""
    gap = x.verdict.difference
    if gap is None or gap.value is None:
        return "not measured"
    ends = "" if gap.low is None or gap.high is None else f" [{-100 * gap.high:.1f}, {-100 * gap.low:.1f}]"
    return f"{-100 * gap.value:.1f} points{ends}"


def _flips(x: Shaken) -> str:
    return "" if x.flips.value is None else f"{100 * x.flips.value:.0f}% of the right answers become wrong"


def _worst(found: Robust) -> str:
    if found.worst is None or found.worst.value is None or found.plain is None or found.plain.value is None:
        return ""
    kept = sum(x.one.preserving for x in found.shaken)
    worst, plain = (f"{100 * one.value:.1f}%" for one in (found.worst, found.plain) if one.value is not None)
    return f"{worst} of the rows stay right under all {kept} that keep the meaning (the worst of several); {plain} are right as they are."
