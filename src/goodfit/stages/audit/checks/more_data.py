"""AUD044: would more rows help? A learning curve of a linear probe on frozen vectors, extended to twice the rows.

The method is that of `audit/curve`; what it says is a lower bound of what fine-tuning gains, since a fine-tuned model also improves its
vectors (methods 4).
"""

from __future__ import annotations

import numpy as np

from goodfit.monitor.words import metric, percent
from goodfit.score import Score
from goodfit.stages.audit.check import Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.curve import Curve, Forecast, forecast, targets_of
from goodfit.stages.audit.scene import Scene, listing

HELPS = 0.01
"""Gain from twice the rows, at the lower end of its interval, that is worth a note."""
CLASSES_SHOWN = 3


@check(code="AUD044", kind="more_data_would_help", severity="note", looks_for="a score that more rows would still raise")
def more_data(scene: Scene) -> Outcome:
    """The gain from twice the rows, with its interval, and the classes that would gain most."""
    learned = scene.learned
    if isinstance(learned, str):
        return not_applicable(learned)
    n, rows = scene.splits.counts["train"], scene.featured
    curve, seen, name = learned.curve, learned.ahead, learned.metric
    if seen.answer != "forecast":
        return _no_forecast(curve, seen, name)
    value, low, high = seen.gain(1, 0)
    gain = Score(name=f"{name}_gain", value=value, low=low, high=high, n=len(rows), unit="share", method="model_average", split="train")
    level = f"A linear model on frozen vectors of {rows.encoder} reaches {percent(float(curve.mean[-1]))} of {metric(name)} on " \
            f"{int(curve.sizes[-1]):,} rows"  # fmt: skip
    bound = "A model that is fine-tuned whole usually gains more from more rows than this one."
    detail = f"{level}; {_gains(seen, n)}. {_of_classes(learned.classes, scene.labels, n, scene.recipe.seed)}{bound}"
    title = f"twice the rows: {_gain(value, low, high)} of {metric(name)}"
    if low <= HELPS:
        return passed(f"more rows are not sure to help; {title}", detail=detail, evidence=(gain,))
    fix = "gather more rows, first of the classes that gain most; or keep these and accept the score"
    return found("note", title, detail=detail, evidence=(gain,), fix=fix)


def _no_forecast(curve: Curve, seen: Forecast, name: str) -> Outcome:
    if seen.answer == "too_few_sizes":
        return not_applicable("there are too few rows for each class to see a curve")
    best = int(curve.mean.argmax())
    sizes, (top, last) = curve.sizes, (percent(float(curve.mean[place])) for place in (best, -1))
    return found(
        "note", "more rows make the score worse: this is no learning curve",
        detail=f"{metric(name)} is {top} on {int(sizes[best]):,} rows and {last} on all {int(sizes[-1]):,}. Rows of another kind, or wrong "
        "labels, may have come in; nothing can be forecast from such a curve.", fix="look at the rows by source and by time",
    )  # fmt: skip


def _gains(seen: Forecast, n: int) -> str:
    base, more = (int(size) for size in seen.targets[:2])
    far = "" if base == n else f" (more than {more:,} is beyond what {n:,} rows of this kind can tell)"
    return f"from {base:,} to {more:,} rows {_gain(*seen.gain(1, 0))}{far}"


def _of_classes(curves: list[Curve | None], labels: tuple[str, ...], n: int, seed: int) -> str:
    """`Most to gain: sales +4.1 points [1.0, 8.0].`"""
    gains = []
    for label, curve in zip(labels, curves, strict=True):
        if curve is not None:
            seen = forecast(curve, targets_of(curve, n), np.random.default_rng(seed))
            if seen.answer == "forecast":
                gains.append((seen.gain(1, 0), label))
    gains = sorted(gains, reverse=True)[:CLASSES_SHOWN]
    if not gains:
        return ""
    return f"Most recall to gain: {listing([f'{label} {_gain(*gain)}' for gain, label in gains])}. "


def _gain(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} points [{100 * low:.1f}, {100 * high:.1f}]"
