"""Trainings that broke down: not finite, nothing learned, one answer for all. Part of monitor's diagnosis."""

from __future__ import annotations

import math

import numpy as np

from goodfit.monitor.diagnosis import thresholds as at
from goodfit.monitor.diagnosis.evidence import Evidence, Floats
from goodfit.monitor.diagnosis.measures import brief
from goodfit.monitor.diagnosis.verdicts import Sign
from goodfit.monitor.words import count, visible
from goodfit.score import Score
from goodfit.statistics.proportions import wilson
from goodfit.statistics.scoring import score


def diverged(evidence: Evidence) -> Sign:
    """TRN001: a loss, a gradient or a weight that is not a number."""
    sign = Sign("TRN001", "diverged")
    broken = next((e for e in evidence.curves.steps if e.get("nonfinite")), None)
    if broken is None:
        return sign
    before = [e for e in evidence.curves.steps if e.get("loss") is not None and e["step"] < broken["step"]]
    rows = tuple(str(row) for row in broken.get("rows", ()))
    trend = ""
    if before and before[-1].get("grad_norm") is not None:
        last = before[-1]
        trend = f" Before it: norm of the gradient {last['grad_norm']:.3g}, loss {last['loss']:.3g}, rate {last['learning_rate']:.3g}."
    named = f" {count(len(rows), 'row')} of that batch named." if rows else ""
    return Sign(
        "TRN001", "diverged", True, "error", f"the {broken.get('where', 'loss')} of step {broken['step']:,} is {broken['nonfinite']}",
        detail=f"The training ended there; the weights before it are whole.{trend}{named}", rows=rows, step=int(broken["step"]),
        fix="look at the rows named first; else lower train.learning_rate, or train.act: {diverged: lower_rate}",
    )  # fmt: skip


def dead(evidence: Evidence) -> Sign:
    """TRN002: the training rows are answered no better than by a model that knows how common each label is."""
    sign, probe = Sign("TRN002", "dead"), evidence.probe
    if probe is None or probe.looks < 2 or evidence.early:
        return Sign("TRN002", "dead", not_applicable="the training rows were looked at fewer than twice")
    if brief(evidence):
        return Sign("TRN002", "dead", not_applicable=f"there were fewer than {at.FEW_STEPS} steps")
    if evidence.constant_loss is None:
        return _dead_language(evidence)
    loss = _mean("train_loss", probe.loss[-1], evidence)
    floor = max(evidence.constant_loss, 1e-9)
    right = float(probe.right[-1].mean())
    if _nothing_holds(evidence, floor):
        return _by_heart_at_most(evidence, loss, floor)
    if (loss.value or 0.0) < at.DEAD_LOSS * floor or not _at_chance(evidence, probe.right[-1]):
        return sign
    return Sign(
        "TRN002", "dead", True, "warning",
        f"nothing was learned: the loss on training rows is {loss.value:.3f}, that of knowing nothing {floor:.3f}",
        detail=f"A model that answers every row by how common each label is has a loss of {floor:.3f} nats. Of the training rows that "
        f"were looked at, {100 * right:.1f}% are right.", evidence=(loss,), step=int(probe.steps[-1]),
        fix="look at a few tokenised rows (goodfit prepare RUN --show 5): is there a text, and does it say the label?",
    )  # fmt: skip


def _at_chance(evidence: Evidence, right: Floats) -> bool:
    """Hardly more rows are right than those of the commonest class, within what so many rows can tell."""
    if evidence.shares is None:
        return True
    low, _ = wilson(float(right.sum()), len(right))
    return low <= max(evidence.shares) + at.DEAD_POINTS


def _nothing_holds(evidence: Evidence, floor: float) -> bool:
    """At no look is validation known better than by how common each class is: neither the loss nor the rows right."""
    valid = evidence.valid
    probe = evidence.probe
    if valid is None or probe is None or evidence.shares is None or valid.n < at.FALLING_ROWS:
        return False
    if probe.loss[-1].mean() < at.UNLEARNED * floor or probe.right[-1].mean() >= at.LEARNED:
        return False
    best = valid.right[int(valid.right.mean(axis=1).argmax())]
    return bool(valid.loss.mean(axis=1).min() >= at.DEAD_VALID * floor) and _at_chance(evidence, best)


def _by_heart_at_most(evidence: Evidence, loss: Score, floor: float) -> Sign:
    assert evidence.valid is not None
    lowest = float(evidence.valid.loss.mean(axis=1).min())
    return Sign(
        "TRN002", "dead", True, "warning", f"nothing was learned that holds: the validation loss never fell below {lowest:.3f}",
        detail=f"A model that answers every row by how common each class is has a loss of {floor:.3f} nats. On training rows it ended at "
        f"{loss.value:.3f}: what fell there was learned by heart.", evidence=(loss,), step=int(evidence.valid.steps[-1]),
        fix="do the labels belong to these texts? look at a few rows (goodfit prepare RUN --show 5), and at what AUD020 suspects",
    )  # fmt: skip


def _dead_language(evidence: Evidence) -> Sign:
    """Of a language model: the loss on training rows is where it was before the first step."""
    probe, first = evidence.probe, next((e for e in evidence.curves.steps if e.get("loss") is not None), None)
    assert probe is not None
    if first is None or first["step"] != 1 or not evidence.ended:
        return Sign("TRN002", "dead", not_applicable="the loss before the first step is not known")
    loss = _mean("train_loss", probe.loss[-1], evidence)
    if loss.low is None or loss.value is None or first["loss"] > loss.value * 1.01 or first["loss"] > (loss.high or math.inf):
        return Sign("TRN002", "dead")
    return Sign(
        "TRN002", "dead", True, "warning",
        f"nothing was learned: the loss was {first['loss']:.3f} at the first step and is {loss.value:.3f} now",
        detail="The loss per token on training rows has not fallen.", evidence=(loss,), step=int(probe.steps[-1]),
        fix="look at what is learned of a few rows (goodfit prepare RUN --show 5), then at the rate and train.freeze",
    )  # fmt: skip


def collapsed(evidence: Evidence) -> Sign:
    """TRN003: nearly every row is given the same class, which nearly every row does not have."""
    if evidence.shares is None:
        return Sign("TRN003", "collapsed", not_applicable="a row has one class of several only in single-label classification")
    looks = evidence.curves.evals.get("valid") or evidence.curves.evals.get("train_probe") or []
    told = [e["answers"] for e in looks[-2:] if e.get("answers")]
    if not told or evidence.early or (evidence.valid is None and evidence.probe is None):
        return Sign("TRN003", "collapsed", not_applicable="there was no look at the answers yet")
    if brief(evidence):
        return Sign("TRN003", "collapsed", not_applicable=f"there were fewer than {at.FEW_STEPS} steps")
    split = evidence.valid or evidence.probe
    assert split is not None
    last = told[-1]
    label = int(last["label"])
    base = float(np.mean(split.labels == label)) if split.labels is not None else evidence.shares[label]
    base = max(base, evidence.shares[label])
    if any(one["largest"] <= at.ONE_CLASS or int(one["label"]) != label for one in told) or base >= at.ITS_SHARE:
        return Sign("TRN003", "collapsed")
    name = visible(evidence.labels[label], 60) if label < len(evidence.labels) else str(label)
    share = score("rate", None, np.arange(last["n"]) < round(last["largest"] * last["n"])).about(
        name="share_of_answers", label=name, split="valid"
    )
    return Sign(
        "TRN003", "collapsed", True, "warning",
        f"{100 * last['largest']:.0f}% of the rows are answered “{name}”, which {100 * base:.0f}% are",
        detail=f"Of {count(len(evidence.labels), 'class', 'classes')} {last.get('given', 1)} are given at all.", evidence=(share,),
        step=int(looks[-1]["step"]), fix="train.class_weights and the rate are the usual reasons; look at the labels of the training rows",
    )  # fmt: skip


def _mean(name: str, values: Floats, evidence: Evidence) -> Score:
    """A mean loss of the train probe, with its interval."""
    assert evidence.probe is not None
    return score("loss", None, values, clusters=evidence.probe.groups).about(name=name, split="train")
