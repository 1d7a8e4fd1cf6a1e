"""Learned too much, or the wrong thing: overfitting, overconfidence, labels learned by heart, a validation set too small to act on.

Part of monitor's diagnosis.
"""

from __future__ import annotations

import numpy as np

from goodfit.monitor.diagnosis import thresholds as at
from goodfit.monitor.diagnosis.evidence import Evidence, Seen
from goodfit.monitor.diagnosis.turning import Turn
from goodfit.monitor.diagnosis.verdicts import Sign
from goodfit.monitor.words import count
from goodfit.score import Score
from goodfit.statistics.scoring import score

TOO_FEW = "it takes four looks at 20 validation rows of different groups"


def matters(turn: Turn, valid: Seen) -> bool:
    """Whether the rise is no accident and large enough to change a decision: the test, and the effect floor."""
    means = valid.loss.mean(axis=1)
    lowest = float(means[turn.place])
    reach = float(means.max() - means.min())
    noise = float(np.diff(means[-6:]).std()) if len(means) > 2 else 0.0
    floor = max(at.RISE_OF_RANGE * reach, at.RISE_OF_NOISE * noise if _wavers(means) else 0.0, at.RISE_OF_LOSS * lowest)
    return turn.significant and (turn.rise > floor or turn.right_high < -at.FALL_OF_RIGHT)


def _wavers(means: object) -> bool:
    """Whether the last looks go both up and down: a curve that only rises has no noise to be told apart from."""
    moves = np.diff(np.asarray(means)[-6:])
    return bool((moves > 0).any() and (moves < 0).any())


def overfitting(evidence: Evidence) -> Sign:
    """TRN009: validation has turned: its loss rises, and the rows right no longer become more."""
    sign = _turned(evidence)
    return sign if sign.kind == "overfitting" else Sign("TRN009", "overfitting", not_applicable=sign.not_applicable)


def overconfident(evidence: Evidence) -> Sign:
    """TRN010: the loss rises although more rows are right: the probabilities are off, not the answers."""
    sign = _turned(evidence)
    return sign if sign.kind == "overconfident" else Sign("TRN010", "overconfident", not_applicable=sign.not_applicable)


def _turned(evidence: Evidence) -> Sign:
    valid = evidence.valid
    turn = None if valid is None else valid.turn
    if valid is None or turn is None:
        return Sign("TRN009", "turned", not_applicable=TOO_FEW)
    if not matters(turn, valid):
        return Sign("TRN009", "turned")
    means = valid.loss.mean(axis=1)
    lowest, step = float(means[turn.place]), int(valid.steps[turn.place])
    share = 100 / max(lowest, 1e-9)
    rise = Score(
        name="rise_of_loss", value=turn.rise, low=turn.low, high=turn.high, n=valid.n, unit="nats", split="valid", higher_is_better=False,
        method="cross_fitted_paired",
    )  # fmt: skip
    change = Score(
        name="change_of_share_right", value=turn.right, low=turn.right_low, high=turn.right_high, n=valid.n, split="valid",
        method="cross_fitted_paired",
    )  # fmt: skip
    said = (
        f"The validation loss was lowest at step {step:,} ({lowest:.3f}) and is {float(means[-2:].mean()):.3f} at the end: "
        f"{share * turn.rise:.0f}% higher [{share * turn.low:.0f}, {share * turn.high:.0f}], measured on rows that did not "
        f"choose that step. Of the rows right {100 * turn.right:+.1f} points [{100 * turn.right_low:.1f}, {100 * turn.right_high:.1f}]."
    )
    better = turn.right_low > 0 and evidence.plan.primary not in ("loss", "log_loss")
    if better:
        return Sign(
            "TRN010", "overconfident", True, "warning" if turn.rise > at.RISE_NAMED * lowest else "note",
            f"the validation loss rose by {share * turn.rise:.0f}% since step {step:,} while more rows became right",
            detail=said, evidence=(rise, change), step=step,
            fix="nothing, if only the answers count; probabilities are corrected by the temperature",
        )  # fmt: skip
    return Sign(
        "TRN009", "overfitting", True, "warning",
        f"overfitting since step {step:,}: the validation loss rose by {share * turn.rise:.0f}% "
        f"[{share * turn.low:.0f}, {share * turn.high:.0f}]",
        detail=said, evidence=(rise, change), step=step, fix=_shorter(evidence, step),
    )  # fmt: skip


def _shorter(evidence: Evidence, step: int) -> str:
    plan = evidence.plan
    epochs = plan.epochs * step / max(1, plan.steps_total)
    kept = "the weights kept are those of the best look (train.metric_for_best_model: log_loss goes by the loss)"
    return f"train.num_train_epochs={max(1.0, round(epochs, 1)):g}; {kept}"


def noise_memorised(evidence: Evidence) -> Sign:
    """TRN008: validation has turned, and rows whose label audit suspects were learned later than the others, and learned all the same."""
    learned, valid = evidence.learned, evidence.valid
    if learned is None or learned.suspect.sum() < at.SUSPECTS or (~learned.suspect).sum() < at.SUSPECTS:
        return Sign(
            "TRN008", "noise_memorised", not_applicable=f"it takes {at.SUSPECTS} suspected rows among those whose learning was followed"
        )
    late, others = learned.last_wrong[learned.suspect], learned.last_wrong[~learned.suspect]
    share = score("rate", None, late < 1).about(name="suspects_fitted", split="train")
    later = score("roc_auc", learned.suspect.astype(np.int64), learned.last_wrong).about(name="suspects_later", split="train")
    turn = None if valid is None else valid.turn
    turned = turn is not None and valid is not None and matters(turn, valid)
    fitted = (share.value or 0.0) >= at.FITTED and learned.suspect.mean() >= at.THEIR_SHARE
    if not turned or not fitted or (later.value or 0.0) < at.LATER:
        return Sign("TRN008", "noise_memorised", evidence=(later, share))
    order = np.argsort(-late, kind="stable")
    names = np.array(learned.rows, dtype=object)[learned.suspect][order].tolist() if learned.rows else []
    return Sign(
        "TRN008", "noise_memorised", True, "warning",
        f"{int((late < 1).sum()):,} labels that audit suspects were learned by heart, and late",
        detail=f"Validation has turned. {count(len(late), 'suspected row')} were wrong until {100 * late.mean():.0f}% of the training, the "
        f"others until {100 * others.mean():.0f}%; {100 * (share.value or 0):.0f}% of them are fitted to their label in the end.",
        evidence=(later, share), rows=tuple(names),
        fix="goodfit review RUN --of suspects; until then fewer epochs, or train.label_smoothing_factor",
    )  # fmt: skip


def memorising(evidence: Evidence) -> Sign:
    """TRN011: the training rows are known by heart, and far more of them are right than of validation. A note: a good model may do so."""
    valid, probe = evidence.valid, evidence.probe
    if valid is None or probe is None or not valid.looks or evidence.plan.writes:
        return Sign(
            "TRN011", "memorising", not_applicable="it takes classes, validation rows and training rows that were looked at", cause=False
        )
    mine, theirs = probe.right[-1], valid.right[-1]
    gap = float(mine.mean() - theirs.mean())
    error = float(np.sqrt(mine.var() / len(mine) + theirs.var() / len(theirs)))
    apart = Score(name="accuracy_gap", value=gap, low=gap - 1.96 * error, high=gap + 1.96 * error, n=len(mine) + len(theirs),
                  method="welch", higher_is_better=False)  # fmt: skip
    if mine.mean() < at.LEARNED or gap - 1.96 * error < at.GAP_BY_HEART:
        return Sign("TRN011", "memorising", evidence=(apart,), cause=False)
    return Sign(
        "TRN011", "memorising", True, "note",
        f"{100 * mine.mean():.0f}% of the training rows are right and {100 * theirs.mean():.0f}% of validation",
        detail="The training rows are known by heart. That is no fault by itself: what counts is whether validation still improves.",
        evidence=(apart,), fix="more rows bring more than more epochs", step=int(valid.steps[-1]), cause=False,
    )  # fmt: skip


def validation_too_small(evidence: Evidence) -> Sign:
    """TRN012: too few validation rows to tell one step from another, which is what they are for."""
    valid = evidence.valid
    if valid is None or valid.looks < 2:
        return Sign("TRN012", "validation_too_small", not_applicable="it takes two looks at validation rows")
    score_of = valid.right.mean(axis=1)
    best = int(score_of.argmax())
    other = valid.looks - 1 if best < valid.looks - 1 else best - 1
    deviation = max(float((valid.right[best] - valid.right[other]).std()), _LEAST_DEVIATION)
    units = valid.n if valid.groups is None else len(np.unique(valid.groups))
    visible = 2.8 * deviation / units**0.5
    shown = Score(
        name="visible_difference", value=min(visible, 1.0), n=valid.n, split="valid", method="none: power 80% at 5%", higher_is_better=False
    )
    if visible <= at.VISIBLE:
        return Sign("TRN012", "validation_too_small", evidence=(shown,))
    needed = int(np.ceil((2.8 * deviation / (at.VISIBLE / 2)) ** 2))
    return Sign(
        "TRN012", "validation_too_small", True, "warning",
        f"{count(units, 'validation row')} show no difference below {100 * visible:.0f} points",
        detail="The step that is kept, and when to stop, are chosen on these rows: smaller differences than that are chance.",
        evidence=(shown,),
        fix=f"about {needed:,} validation rows (split.valid_size)", step=int(valid.steps[best]),
    )  # fmt: skip


_LEAST_DEVIATION = 0.3
"""Of the difference of two looks on a row, at least: two looks that happen to agree on few rows say little of how they differ."""


def noise_ceiling(evidence: Evidence) -> Sign:
    """TRN013: as many validation rows are right as have a right label."""
    noise, valid = evidence.noise, evidence.valid
    if noise is None or noise.value is None or noise.low is None or noise.high is None or valid is None or not valid.looks:
        return Sign(
            "TRN013", "noise_ceiling", not_applicable="the share of wrong labels is not known: nobody has reviewed enough rows", cause=False
        )
    best = int(valid.right.mean(axis=1).argmax())
    mine = score("rate", None, valid.right[best] > 0.5, clusters=valid.groups).about(name="accuracy", split="valid", selected=True)
    low, high = 1 - noise.high, 1 - noise.low
    if mine.value is None or mine.high is None or mine.high < low:
        return Sign("TRN013", "noise_ceiling", evidence=(noise,), cause=False)
    return Sign(
        "TRN013", "noise_ceiling", True, "note",
        f"{100 * mine.value:.1f}% right is within the ceiling that wrong labels set, {100 * low:.0f} to {100 * high:.0f}%",
        detail="Where labels of validation are wrong, a perfect model is counted wrong: a better score cannot be seen on these rows.",
        evidence=(mine, noise), fix="correct the labels (goodfit review RUN --of suspects) before more is tuned",
        step=int(valid.steps[best]), cause=False,
    )  # fmt: skip


def seed_dependent(evidence: Evidence) -> Sign:
    """TRN014: trainings that differ in their seed alone end far apart."""
    scores = np.array(evidence.seeds)
    if len(scores) < at.SEEDS:
        return Sign("TRN014", "seed_dependent", not_applicable=f"it takes {at.SEEDS} runs of this recipe with other seeds", cause=False)
    spread = float(scores.max() - scores.min())
    n = evidence.valid.n if evidence.valid is not None else 0
    middle = float(np.clip(np.median(scores), 0.01, 0.99))
    error = (middle * (1 - middle) / max(1, n)) ** 0.5
    if spread <= max(at.SEED_POINTS, at.SEED_ERRORS * error):
        return Sign("TRN014", "seed_dependent", cause=False)
    over = Score(
        name=f"{evidence.plan.primary}_spread", value=spread, n=len(scores), method="none: largest less smallest", higher_is_better=False
    )
    return Sign(
        "TRN014", "seed_dependent", True, "warning", f"{len(scores)} seeds end {100 * spread:.1f} points apart in {evidence.plan.primary}",
        detail="Of one recipe, on one data set: between " + f"{100 * scores.min():.1f}% and {100 * scores.max():.1f}%.", evidence=(over,),
        fix="more steps, a longer warm-up or a lower rate make it steadier; compare recipes over several seeds only", cause=False,
    )  # fmt: skip
