"""Decision: how probabilities are made of logits, and answers of probabilities. Chosen on validation, kept with the model.

Part of tasks. The temperature is fitted by minimising the log-loss on validation (Guo 2017; methods 10) and applied only where a
paired bootstrap says that it helps. Multi-label thresholds are chosen per label for the best F1, drawn towards 0.5 where a
label has few rows, and left at 0.5 where it has next to none.

Shapes: n rows, L labels.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from goodfit.statistics.calibration import temperature
from goodfit.statistics.scoring import score
from goodfit.tasks.promises import Promises, fit_promises
from goodfit.tasks.thresholds import choose_thresholds

Floats = NDArray[np.float64]

FEWEST_ROWS = 50
"""Validation rows below which no temperature is fitted."""
FOLDS = 5


@dataclass(frozen=True)
class Decision:
    """One temperature for all logits; for multi-label one threshold per label."""

    thresholds: tuple[float, ...] | None = None
    """[L] multi-label only; None: 0.5 for each."""
    temperature: float = 1.0
    """The value fitted on validation; 1 where it was not fitted."""
    temperature_applied: bool = False
    """True where dividing the logits by it was shown to help."""
    fitted_on: str | None = None
    """`valid`, or None: nothing was fitted."""
    n: int = 0
    """Rows it was fitted on."""
    reason: str = "not fitted"
    """Why the temperature is applied or not, in words."""
    promises: Promises | None = None
    """What validation allows to promise of answers to come; None where it had too few rows."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        return {
            "thresholds": None if self.thresholds is None else list(self.thresholds),
            "temperature": self.temperature, "temperature_applied": self.temperature_applied,
            "fitted_on": self.fitted_on, "n": self.n, "reason": self.reason,
            "promises": None if self.promises is None else self.promises.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Decision:
        """What `to_json` gave; KeyError or TypeError where it is not whole."""
        thresholds, promises = values["thresholds"], values.get("promises")
        return cls(
            None if thresholds is None else tuple(map(float, thresholds)),
            float(values["temperature"]), bool(values["temperature_applied"]), values["fitted_on"], int(values["n"]), str(values["reason"]),
            None if promises is None else Promises.from_json(promises),
        )  # fmt: skip


def probabilities(logits: NDArray[Any], multi_label: bool, decision: Decision) -> Floats:
    """Softmax over the labels, or a sigmoid per label, of logits [n, L] at the decision's temperature."""
    z = np.asarray(logits, dtype=np.float64)
    if decision.temperature_applied:
        z = z / decision.temperature
    if multi_label:
        return np.exp(-np.logaddexp(0.0, -z))
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def untempered(probs: NDArray[Any], multi_label: bool, decision: Decision) -> Floats:
    """Probabilities [n, L] as they were before the temperature was applied (the promises are made on these)."""
    p = np.asarray(probs, dtype=np.float64)
    if not decision.temperature_applied:
        return p
    with np.errstate(divide="ignore"):
        if multi_label:
            return np.asarray(special.expit(decision.temperature * special.logit(p)))
        z = decision.temperature * np.log(p)
    return np.asarray(special.softmax(z, axis=1))


def certainty(probs: NDArray[Any], predictions: NDArray[Any], multi_label: bool) -> Floats:
    """How probable each answer is, by the model [n]: of the class given; multi-label: of its least certain yes or no."""
    p = np.asarray(probs, dtype=np.float64)
    if not multi_label:
        return np.asarray(np.take_along_axis(p, np.asarray(predictions)[:, None], axis=1)[:, 0])
    return np.asarray(np.where(predictions, p, 1 - p).min(axis=1))


def decide(probs: NDArray[Any], multi_label: bool, decision: Decision) -> NDArray[Any]:
    """The most probable class int64 [n] (the first of equals), or bool [n, L]: at or above the threshold of each label."""
    if not multi_label:
        return np.asarray(probs.argmax(axis=1), dtype=np.int64)
    thresholds = 0.5 if decision.thresholds is None else np.asarray(decision.thresholds)
    return np.asarray(probs >= thresholds)


def fit_decision(
    logits: NDArray[Any], targets: NDArray[Any], multi_label: bool, *, clusters: NDArray[np.int64] | None = None, seed: int = 0
) -> Decision:
    """Temperature and thresholds from the logits [n, L] and targets of validation rows. Never given test rows.

    Rows whose target is unknown (-1) are left out. `clusters` int64 [n]: rows of one cluster stay in one fold.
    """
    known = np.ones(len(logits), dtype=bool) if multi_label else np.asarray(targets) >= 0
    z, y = np.asarray(logits, dtype=np.float64)[known], np.asarray(targets)[known]
    units = np.arange(len(z)) if clusters is None else np.unique(np.asarray(clusters)[known], return_inverse=True)[1]
    rng = np.random.default_rng([seed, 11])
    decision = _fit_temperature(z, y, multi_label, units, rng)
    if multi_label and len(z):
        decision = _with_thresholds(decision, z, y, units, rng)
    return _with_promises(decision, np.asarray(logits, dtype=np.float64), np.asarray(targets), multi_label, clusters, seed)


def _with_thresholds(decision: Decision, z: Floats, y: NDArray[Any], units: NDArray[np.int64], rng: np.random.Generator) -> Decision:
    scale = decision.temperature if decision.temperature_applied else 1.0
    cuts, how = choose_thresholds(z / scale, y > 0.5, clusters=units, rng=rng)
    thresholds = tuple(float(1.0 / (1.0 + np.exp(-cut))) for cut in cuts)
    return dataclasses.replace(decision, thresholds=thresholds, reason=f"{decision.reason}; {how}")


def _with_promises(  # noqa: PLR0913 - what `fit_decision` was given
    decision: Decision, z: Floats, y: NDArray[Any], multi_label: bool, clusters: NDArray[np.int64] | None, seed: int
) -> Decision:
    """A row with a label that the model cannot give is wrong whatever it says, and no set holds its label."""
    if not len(z):
        return decision
    raw = probabilities(z, multi_label, dataclasses.replace(decision, temperature_applied=False))
    answers = decide(probabilities(z, multi_label, decision), multi_label, decision)
    right = (answers == (y > 0.5)).all(axis=1) if multi_label else answers == y
    made = fit_promises(raw, y, right, certainty(raw, answers, multi_label), clusters=clusters, seed=seed)
    return dataclasses.replace(decision, promises=made)


def log_losses(logits: Floats, targets: NDArray[Any], multi_label: bool) -> Floats:
    """The log-loss of each row [n] in nats; multi-label: the mean over the labels."""
    if multi_label:
        return np.asarray((np.logaddexp(0.0, logits) - targets * logits).mean(axis=1))
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(shifted)), targets])


def _fit_temperature(z: Floats, y: NDArray[Any], multi_label: bool, units: NDArray[np.int64], rng: np.random.Generator) -> Decision:
    """The temperature on all rows; applied where, fitted on the other folds, it lowers the log-loss for certain."""
    if len(z) < FEWEST_ROWS:
        return Decision(n=len(z), reason=f"temperature not fitted: {len(z)} validation rows are fewer than {FEWEST_ROWS}")
    found = _temperature(z, y, multi_label)
    fold = (rng.permutation(int(units.max()) + 1) % FOLDS)[units]
    gain = np.zeros(len(z))
    for k in range(FOLDS):
        inside, outside = fold != k, fold == k
        if not inside.any() or not outside.any():
            continue
        other = _temperature(z[inside], y[inside], multi_label)
        gain[outside] = log_losses(z[outside], y[outside], multi_label) - log_losses(z[outside] / other, y[outside], multi_label)
    change = score("mean", None, gain, clusters=units)
    applied = change.low is not None and change.low > 0
    interval = "" if change.low is None else f" [{change.low:.4f}, {change.high:.4f}]"
    verb = "applied: it lowers" if applied else "not applied: it is not sure to lower"
    reason = f"temperature {found:.3f} {verb} the log-loss (by {gain.mean():.4f}{interval}, out of fold)"
    return Decision(None, found, applied, "valid", len(z), reason)


def _temperature(z: Floats, y: NDArray[Any], multi_label: bool) -> float:
    return temperature(z, y > 0.5 if multi_label else y).value
