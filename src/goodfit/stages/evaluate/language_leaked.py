"""EVA018 for models that write: what rows of a given test set that stand, or nearly stand, in a lower split are worth.

Part of evaluate. Losses are of all rows, written answers of some: so bits per byte decide. Bits per byte without the leaked rows minus
bits per byte of all is what these rows take off the loss; the interval is that of the difference of both influences, row by row, with
the clusters of the other scores. The base model, which was not trained on these rows here, is asked the same: what it gains is ease.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.finding import Finding
from goodfit.monitor.words import metric
from goodfit.score import Score
from goodfit.stages.evaluate.language_ready import BASE
from goodfit.stages.evaluate.language_scoring import LOSSES, LanguageScored
from goodfit.stages.evaluate.leaked import FEW, WITHOUT, counted
from goodfit.stages.evaluate.questions import finding, interval
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.statistics.scoring import left_out
from goodfit.tasks.writing import metrics
from goodfit.tasks.writing.said import Said

DECIDES = "bits_per_byte"
WARNING = 0.01
"""Share of the bits per byte of the other rows that leaked rows take off for certain."""
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Leaking:
    """Which rows leak."""

    read: Flags
    """Of those whose losses were measured."""
    wrote: Flags
    """Of those that were answered by writing."""

    def of(self, name: str) -> Flags:
        """Of the rows that a metric is made from."""
        return self.read if name in LOSSES else self.wrote


def leaked_language(scored: LanguageScored, leaking: Leaking) -> Finding:
    """Note where leaked rows cost the model less for certain, warning where that takes a hundredth off its bits per byte."""
    code, kind, n, k = "EVA018", "leakage", len(leaking.read), int(leaking.read.sum())
    if not k:
        return finding(code, kind, "no scored row stands, or nearly stands, in a lower split", scored, state="passed")
    said = counted(k, n)
    if min(k, n - k) < FEW:
        return finding(code, kind, f"{said}: what that adds cannot be told from so few", scored, state="passed", n_rows=k)
    off, rest = taken_off(scored, leaking.read), _score(scored, DECIDES, MODEL, ~leaking.read)
    if off.value is None or off.low is None or off.high is None or not rest.value:
        why = off.why_absent or off.method or "the loss of the others is none"
        return finding(code, kind, f"{said}: what that adds cannot be told", scored, state="not_applicable", n_rows=k, reason=why)
    on = _score(scored, DECIDES, MODEL, leaking.read).about(slice="leaked rows")
    facts: dict[str, Any] = {"detail": _detail(scored, leaking, on, rest), "evidence": _evidence(scored, leaking, rest, on), "n_rows": k}
    if off.low <= 0:
        return finding(code, kind, f"{said}; the model is not shown to do better on them ({_bits(off)} off the loss)", scored,
                       state="passed", **facts)  # fmt: skip
    return finding(
        code, kind, f"{said}: they take {_bits(off)} off the loss", scored, **facts,
        severity="warning" if off.low >= WARNING * rest.value else "note", fix="set split.leaks: drop, or quote the score without them",
    )  # fmt: skip


def taken_off(scored: LanguageScored, leaks: Flags, system: str = MODEL) -> Score:
    """Bits per byte without the leaked rows minus bits per byte of all; rows count as independent where there are too few clusters."""
    read = scored.heard[system].read
    assert read is not None
    found = left_out(DECIDES, read.bytes, read.losses, ~leaks, clusters=read.clusters)
    found = found if found.low is not None else left_out(DECIDES, read.bytes, read.losses, ~leaks)
    return found.about(system=system, split=scored.split)


def without(scored: LanguageScored, leaking: Leaking) -> dict[str, Any] | None:
    """`leaks` of scores.json: every system's primary score and bits per byte on the rows that do not leak; None where all or none do."""
    if not leaking.read.any() or leaking.read.all():
        return None
    names = dict.fromkeys([scored.primary, DECIDES])
    kept = [_score(scored, name, system, ~leaking.of(name)) for system in scored.systems for name in names if _said(scored, name, system)]
    return {"rows": int(leaking.read.sum()), "scores": [s.to_json() for s in kept]}


def _said(scored: LanguageScored, name: str, system: str) -> Said | None:
    return scored.heard[system].of(name)


def _score(scored: LanguageScored, name: str, system: str, part: Flags) -> Score:
    said = _said(scored, name, system)
    assert said is not None
    return metrics.measure([name], said.part(part))[0].about(system=system, split=scored.split, slice=WITHOUT)


def _detail(scored: LanguageScored, leaking: Leaking, on: Score, rest: Score) -> str:
    """With and without them, the same of the base model, and what the answers say where enough were written."""
    out = [f"Bits per byte: {interval(on)} on them, {interval(rest)} on the others."]
    base = scored.heard.get(BASE)
    ease = None if base is None or base.read is None else taken_off(scored, leaking.read, BASE)
    if ease is not None and ease.low is not None:
        out.append(f"They take {_bits(ease)} off the loss of the base model, which was not trained on them here.")
    if scored.primary not in LOSSES and scored.headline.value is not None:
        others = _score(scored, scored.primary, MODEL, ~leaking.wrote)
        if others.value is not None:
            out.append(f"{metric(scored.primary)}: {interval(scored.headline)} on all rows, {interval(others)} without them.")
    return " ".join([*out, "Rows that the model has seen, or that are merely easy, look alike here." if ease is None else ""]).strip()


def _evidence(scored: LanguageScored, leaking: Leaking, rest: Score, on: Score) -> tuple[Score, ...]:
    top = scored.of(DECIDES) or _score(scored, DECIDES, MODEL, np.ones_like(leaking.read)).about(slice=None)
    return top, rest, on, taken_off(scored, leaking.read)


def _bits(score: Score) -> str:
    """`0.081 bits a byte [0.050, 0.112]`."""
    return f"{score.value:.3f} bits a byte [{score.low:.3f}, {score.high:.3f}]"
