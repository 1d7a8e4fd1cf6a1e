"""Too fast, too slow, too short: what the course of the loss and the size of the updates say of the rate. Part of monitor's diagnosis."""

from __future__ import annotations

import math

import numpy as np

from goodfit.monitor.diagnosis import thresholds as at
from goodfit.monitor.diagnosis.evidence import Evidence
from goodfit.monitor.diagnosis.fit import matters
from goodfit.monitor.diagnosis.measures import Stretches, brief, falling, stretches
from goodfit.monitor.diagnosis.verdicts import Sign
from goodfit.score import Score
from goodfit.statistics.comparing import Question, compare
from goodfit.statistics.scoring import score


def course(evidence: Evidence) -> Stretches | None:
    """The training between the looks."""
    split = evidence.probe or evidence.valid
    return None if split is None or not split.looks else stretches(evidence.curves.steps, split.steps)


def rate_too_high(evidence: Evidence) -> Sign:
    """TRN004: the loss was blown up beyond that of the untrained model, or the weights are overwritten faster than they can learn."""
    between, split = course(evidence), evidence.probe or evidence.valid
    if between is None or split is None or split.looks < 2:
        return Sign("TRN004", "rate_too_high", not_applicable="there were fewer than two looks")
    start = between.first or evidence.constant_loss
    highest = float(np.nanmax(between.loss)) if np.isfinite(between.loss).any() else math.nan
    fast = height_of_updates(evidence, between, 1.0)
    risen = at.RISEN_AT_ONCE if brief(evidence) else at.RISEN
    blown = start is not None and highest > risen * max(start, evidence.constant_loss or 0.0)
    shrunk = decayed(evidence)
    overwritten = fast - shrunk > at.FAST and not _arrived(evidence) and not brief(evidence)
    spiked = spikes(between)
    if not (blown or overwritten or (spiked >= at.SPIKES and fast > at.FAST / 2)):
        return Sign("TRN004", "rate_too_high")
    said = [f"its mean over a stretch rose to {highest:.3f}, from {start:.3f} before the first step"] if blown else []
    said += [f"one step changes the weights by {100 * fast:.1f}% of their size"] if fast > at.FAST / 2 else []
    said += [f"{spiked} stretches have a step whose loss stands far above the others"] if spiked >= at.SPIKES else []
    ratio = _ratio("update_ratio", fast, split.looks)
    return Sign(
        "TRN004", "rate_too_high", True, "warning", f"the rate {evidence.plan.learning_rate:.2g} is too high: {said[0]}",
        detail=f"{'; '.join(said)}. Gradients were clipped in {100 * np.nanmean(between.clipped):.0f}% of the steps.", evidence=ratio,
        step=int(split.steps[-1]),
        fix=f"train.learning_rate={evidence.plan.learning_rate / 5:.1g}, or train.act: {{rate_too_high: lower_rate}}",
    )  # fmt: skip


def decayed(evidence: Evidence) -> float:
    """Share of the weights that the decay takes at a step of the full rate."""
    return evidence.plan.learning_rate * evidence.plan.weight_decay


def height_of_updates(evidence: Evidence, between: Stretches, quantile: float = 0.75) -> float:
    """Update over weights, referred to the peak of the rate; NaN where it is not known.

    By default the upper quartile over the looks, as updates shrink once all is learned.
    """
    split = evidence.probe or evidence.valid
    assert split is not None
    rates = evidence.plan.rates
    if not len(rates):
        return math.nan
    rate = rates[np.clip(split.steps, 1, len(rates)) - 1]
    known = np.isfinite(between.ratio) & (rate > 0.05)
    return float(np.quantile(between.ratio[known] / rate[known], quantile)) if known.any() else math.nan


def spikes(between: Stretches) -> int:
    """Stretches with a step whose loss stands far above the largest ones of the others."""
    held = between.largest[np.isfinite(between.largest)]
    if len(held) < 5:
        return 0
    trend = held - np.interp(np.arange(len(held)), np.arange(len(held)), np.sort(held)[::-1])
    mad = float(np.median(np.abs(trend - np.median(trend))))
    return int((trend > np.median(trend) + at.SPIKE * 1.4826 * mad).sum()) if mad > 0 else 0


def _arrived(evidence: Evidence) -> bool:
    """Whether the training rows are learned all the same."""
    probe = evidence.probe
    if probe is None:
        return False
    return bool(probe.right[-1].mean() > at.LEARNED or (evidence.constant_loss or math.inf) * 0.5 > probe.loss[-1].mean())


def underfitting(evidence: Evidence) -> Sign:
    """TRN005: a linear model on the features of the untrained base gets more rows right."""
    if evidence.floor is None or evidence.valid is None or not evidence.valid.looks:
        return Sign("TRN005", "underfitting", not_applicable="no linear model on the frozen features was there to compare with")
    if not evidence.ended:
        return Sign("TRN005", "underfitting", not_applicable="the training is not over")
    if evidence.probe is not None and evidence.probe.right[-1].mean() >= at.LEARNED:
        return Sign("TRN005", "underfitting", not_applicable="the training rows are learned")
    places, floor, rows = evidence.floor
    seen = evidence.valid
    best = int(seen.right.mean(axis=1).argmax())
    mine = seen.right[best, places] > 0.5
    groups = None if seen.groups is None else seen.groups[places]
    asked = Question("frozen_features vs model on accuracy", margin=at.FLOOR_GAP)
    verdict = compare("rate", None, floor, mine, clusters=groups, question=asked)
    if verdict.answer != "better" or verdict.difference is None:
        return Sign("TRN005", "underfitting", verdict=verdict)
    each = tuple(score("rate", None, flags, clusters=groups).about(name="accuracy", system=who, split="valid")
                 for who, flags in (("frozen_features", floor), ("model", mine)))  # fmt: skip
    return Sign(
        "TRN005", "underfitting", True, "warning",
        f"a linear model on the untrained base's features gets {100 * (verdict.difference.value or 0):.1f} points more rows right",
        detail=f"It had {rows:,} training rows, and is compared with the best look of this training on {len(places):,} validation rows.",
        fix="train longer or at a higher rate; less dropout, weight decay, freezing, even class weights", evidence=each, verdict=verdict,
        step=int(seen.steps[best]),
    )  # fmt: skip


def too_short(evidence: Evidence) -> Sign:
    """TRN006: the validation loss still falls, by an amount that matters, when the training ends."""
    sign = _unfinished(evidence)
    return sign if sign.kind == "too_short" else Sign("TRN006", "too_short", not_applicable=sign.not_applicable)


def rate_too_low(evidence: Evidence) -> Sign:
    """TRN007: the weights hardly move, and there is much left to learn."""
    sign = _unfinished(evidence)
    return sign if sign.kind == "rate_too_low" else Sign("TRN007", "rate_too_low", not_applicable=sign.not_applicable)


def _unfinished(evidence: Evidence) -> Sign:
    """Which of the two it is, if it is one."""
    split, between = evidence.valid or evidence.probe, course(evidence)
    if not evidence.ended:
        return Sign("TRN006", "unfinished", not_applicable="the training is not over")
    if split is None or between is None or split.looks < 3:
        return Sign("TRN006", "unfinished", not_applicable="there were fewer than three looks")
    if split.n < at.FALLING_ROWS:
        return Sign("TRN006", "unfinished", not_applicable=f"it takes {at.FALLING_ROWS} validation rows")
    found = falling(split, evidence.plan)
    assert found is not None
    level = float(split.loss[-1].mean())
    start = between.first or evidence.constant_loss or level
    much = found.z > at.FALLING_Z and found.ahead > max(at.AHEAD * level, at.OF_FALL * (start - level))
    goes_on = much and not (split.turn is not None and split.turn.significant) and _above(evidence, at.UNLEARNED)
    fast = height_of_updates(evidence, between)
    turned = split.turn is not None and matters(split.turn, split)  # what moves too little does not overfit
    slow, short = fast < at.SLOW and decayed(evidence) < at.SHRUNK and not turned, brief(evidence)
    if not (goes_on or ((slow or short) and evidence.constant_loss is not None and _above(evidence, at.HARDLY))):
        return Sign("TRN006", "unfinished")
    fall = Score(
        name="fall_of_loss", value=found.last, low=found.last - 1.96 * found.error, high=found.last + 1.96 * found.error, n=split.n,
        unit="nats", method="paired_t", split="valid", higher_is_better=False,
    )  # fmt: skip
    ahead = f"over the last third it fell by {found.last:.3f} nats, and by its course another third would take off {found.ahead:.3f}"
    if slow:
        return Sign(
            "TRN007", "rate_too_low", True, "warning",
            f"the rate {evidence.plan.learning_rate:.2g} is too low: a step changes the weights by {100 * fast:.2g}% of their size",
            detail=f"The validation loss is {level:.3f}; {ahead}.", evidence=(fall, *_ratio("update_ratio", fast, split.looks)),
            step=int(split.steps[-1]), fix=f"train.learning_rate={evidence.plan.learning_rate * 10:.1g}, or many more epochs",
        )  # fmt: skip
    return Sign(
        "TRN006", "too_short", True, "warning", f"the training ended while the validation loss still fell ({found.ahead:.3f} nats ahead)",
        detail=f"The validation loss is {level:.3f}; {ahead} (pace measured in units of the rate, which falls towards the end).",
        evidence=(fall,),
        step=int(split.steps[-1]), fix=f"train.num_train_epochs={max(1.0, round(2 * evidence.plan.epochs, 1)):g}, or a higher rate",
    )  # fmt: skip


def _above(evidence: Evidence, share: float) -> bool:
    """Whether the loss on training rows is above a share of that of knowing only how common each label is; of tokens always."""
    if evidence.constant_loss is None or evidence.probe is None:
        return True
    return bool(evidence.probe.loss[-1].mean() > share * evidence.constant_loss)


def _ratio(name: str, value: float, looks: int) -> tuple[Score, ...]:
    if not math.isfinite(value):
        return ()
    return (Score(name=name, value=value, n=looks, unit="ratio", method="none: at the height of the rate"),)
