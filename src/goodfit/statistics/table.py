"""The table: kind of score -> what it needs, its estimator with its interval, its paired test, its smallest n, unit, direction.

Part of statistics, and its centre: no metric without a row here. A row names a *family* (how the number is estimated, how its interval
and its paired comparison are made) and the function that makes the number from rows; `scoring` and `comparing` are the doors.
benchmarks/coverage.py simulates the coverage of every row.

    family        interval                                          two systems on the same rows
    Rate          Wilson                                            Tango's interval, McNemar mid-p
    Share         Wilson among the rows that count                  paired bootstrap, swap test
    MeanOfShares  score interval of a mean of shares                paired bootstrap, swap test
    Counted       BCa bootstrap of counts                           paired bootstrap, swap test
    Influenced    t, on the scale where it is closest to normal     t on the differences
    CalibrationError  debiased bins                                 the two intervals joined (MOVER)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from goodfit.errors import SettingsError, nearest
from goodfit.score import Unit
from goodfit.statistics import averages, calibration, counted, ranking, written
from goodfit.statistics.counted import Counted, Edge, Ends
from goodfit.statistics.influence import Influenced
from goodfit.statistics.proportions import mean_of_shares, normal_quantile, wilson
from goodfit.statistics.rates import MeanOfShares, Rate, Share
from goodfit.statistics.sample import Contrast, Estimate, Floats, Needs, Sample


class Family(Protocol):
    """How kinds of one sort are measured and compared."""

    @property
    def interval(self) -> str:
        """Name of the interval's method."""

    @property
    def test(self) -> str:
        """Name of the paired comparison's method."""

    def point(self, sample: Sample) -> float:
        """The number alone; Unscorable where it does not exist."""

    def measure(self, sample: Sample, level: float, rng: np.random.Generator) -> Estimate:
        """The number with its interval; Unscorable where it does not exist."""

    def contrast(self, a: Sample, b: Sample, level: float, rng: np.random.Generator) -> Contrast:
        """a - b on the same rows."""


@dataclass(frozen=True)
class Kind:
    """One row of the table."""

    name: str
    needs: Needs
    family: Family
    about: str
    """What the number says, in words for a report."""
    unit: Unit = "share"
    higher_is_better: bool = True
    min_n: int = 1
    """Rows below which nothing is said."""
    right_at: float | None = None
    """The value that is right, where neither more nor less is better (two systems are not compared on it then)."""

    @property
    def multilabel(self) -> bool:
        """Whether labels are [n, L]."""
        return self.needs.startswith("multilabel")


SMALL = 20
"""Rows from which numbers without an exact interval are given."""


def by_recall(total: Floats, units: int, level: float) -> Ends:
    """Macro-F1 as the mean of recalls, each class a share without a miss (or hit)."""
    carried, hits = _all_or_none(total, units)
    if not carried.any():
        return None
    return mean_of_shares(hits[carried > 0], carried[carried > 0], normal_quantile(level))


def by_accuracy(total: Floats, units: int, level: float) -> Ends:
    """A share of all rows without a miss (or hit)."""
    carried, hits = _all_or_none(total, units)
    return wilson(float(hits.sum()), float(carried.sum()), level) if carried.any() else None


def by_agreement(total: Floats, units: int, level: float) -> Ends:
    """Kappa and MCC with the margins held and accuracy at its Wilson bound; -1 is the mirror image."""
    carried, hits = _all_or_none(total, units)
    if np.count_nonzero(carried) < 2:
        return None
    low, high = wilson(float(hits.sum()), float(carried.sum()), level)
    left = 1 - float(np.sum((carried / carried.sum()) ** 2))
    if hits.any():
        return 1 - (1 - low) / left, 1.0
    return (-1.0, -1 + high / left) if abs(float(counted.mcc(total)) + 1) < 1e-9 else None


def _all_or_none(total: Floats, units: int) -> tuple[Floats, Floats]:
    """Rows and hits per class, as many as there are independent units; no rows where some are right and some are wrong."""
    carried, hits = np.split(total, 3)[0], np.split(total, 3)[2]
    if not carried.any() or (hits.any() and not np.array_equal(total, np.tile(carried, 3))):
        return np.zeros(1), np.zeros(1)
    shrink = min(1.0, units / float(carried.sum()))
    return carried * shrink, hits * shrink


def _of_classes(statistic: Any, edge: Edge) -> Counted:
    return Counted(counted.class_rows, statistic, edge, strata=True, interval="bca_confusion")


def _of_labels(statistic: Any, edge: Edge) -> Counted:
    return Counted(counted.label_rows, statistic, edge, interval="bca_labels")


def _right(sample: Sample) -> Floats:
    return np.asarray(sample.labels == sample.predictions, dtype=np.float64)


def _wrong(sample: Sample) -> Floats:
    return 1 - _right(sample)


def _all_labels_right(sample: Sample) -> Floats:
    return np.asarray((sample.labels == sample.predictions).all(axis=1), dtype=np.float64)


def _flags(sample: Sample) -> Floats:
    return np.asarray(sample.predictions, dtype=np.float64)


def _ranked(curve: Any, method: str, test: str) -> Influenced:
    return Influenced(curve, method, test, scale="logit", at_edge=ranking.perfect_ranking)


def _mean(curve: Any, bounds: tuple[float, float] = (-np.inf, np.inf)) -> Influenced:
    return Influenced(curve, "t", "paired_t", bounds=bounds)


def _bounded(curve: Any) -> Influenced:
    return Influenced(curve, "wilson_effective", "paired_t", scale="wilson", at_edge=averages.same_everywhere)


def _one_class(name: str) -> Share:
    """precision, recall or F1 of one class against the rest."""
    statistic = {"precision": counted.precision, "recall": counted.recall, "f1": counted.macro_f1}[name]
    rows = {
        "precision": lambda s: s.predictions.astype(np.float64),
        "recall": lambda s: s.labels.astype(np.float64),
        "f1": lambda s: (s.labels | s.predictions).astype(np.float64),
    }[name]
    empty = "never predicted" if name == "precision" else "no rows of this class"
    return Share(rows, Counted(counted.label_rows, statistic), empty, f1=name == "f1")


_SINGLE = [
    Kind("accuracy", "prediction", Rate(_right), "share of rows with the right class"),
    Kind("error_rate", "prediction", Rate(_wrong), "share of rows with a wrong class", higher_is_better=False),
    Kind("micro_f1", "prediction", Rate(_right), "F1 of all decisions together; with one label a row it is the accuracy"),
    Kind("balanced_accuracy", "prediction", MeanOfShares(_of_classes(counted.balanced_accuracy, by_recall)), "mean recall of the classes"),
    Kind("macro_f1", "prediction", _of_classes(counted.macro_f1, by_recall), "mean F1 of the classes", min_n=SMALL),
    Kind(
        "macro_f1_common", "prediction", Counted(counted.common_rows, counted.macro_f1, by_recall, interval="bca_confusion"),
        f"mean F1 of the classes with at least {counted.COMMON} rows", min_n=SMALL,
    ),
    Kind("weighted_f1", "prediction", _of_classes(counted.weighted_f1, by_accuracy), "mean F1 weighted by rows", min_n=SMALL),
    Kind("mcc", "prediction", _of_classes(counted.mcc, by_agreement), "correlation of labels and predictions", "ratio", min_n=SMALL),
    Kind("kappa", "prediction", _of_classes(counted.kappa, by_agreement), "agreement beyond chance", "ratio", min_n=SMALL),
    Kind("precision", "binary", _one_class("precision"), "share right among the rows predicted as the class"),
    Kind("recall", "binary", _one_class("recall"), "share found among the rows of the class"),
    Kind("f1", "binary", _one_class("f1"), "harmonic mean of precision and recall"),
]  # fmt: skip

_PROBABILITY = [
    Kind("roc_auc", "probability", _ranked(ranking.roc_auc, "delong_logit", "delong_paired"),
         "chance that a row of the class ranks above another", min_n=SMALL),
    Kind("pr_auc", "probability", _ranked(ranking.pr_auc, "influence_logit", "influence_paired"),
         "average precision over all thresholds", min_n=SMALL),
    Kind("log_loss", "probability", _mean(averages.log_loss, (0.0, np.inf)), "mean -log of the probability given to the truth",
         "nats", higher_is_better=False, min_n=SMALL),
    Kind("brier", "probability", _mean(averages.brier, (0.0, 2.0)), "mean squared distance of the probabilities to the truth",
         "ratio", higher_is_better=False, min_n=SMALL),
    Kind("ece", "probability", calibration.CalibrationError(),
         "how far probabilities are from the share right (debiased, root mean square)", higher_is_better=False, min_n=50),
    Kind("calibration_slope", "probability", Influenced(calibration.slope, "wald", "influence_paired"),
         "1 is calibrated, below 1 overconfident", "ratio", min_n=50, right_at=1.0),
    Kind("calibration_intercept", "probability", Influenced(calibration.intercept, "wald", "influence_paired"),
         "0 is calibrated, below 0 too confident on average (log-odds)", "nats", min_n=50, right_at=0.0),
]  # fmt: skip

_MULTILABEL = [
    Kind("macro_f1", "multilabel_prediction", _of_labels(counted.macro_f1, by_recall), "mean F1 of the labels", min_n=SMALL),
    Kind("macro_f1_common", "multilabel_prediction", Counted(counted.common_rows, counted.macro_f1, by_recall, interval="bca_labels"),
         f"mean F1 of the labels with at least {counted.COMMON} rows", min_n=SMALL),
    Kind("micro_f1", "multilabel_prediction", _of_labels(counted.micro_f1, by_accuracy), "F1 of all decisions together", min_n=SMALL),
    Kind("weighted_f1", "multilabel_prediction", _of_labels(counted.weighted_f1, by_accuracy), "mean F1 weighted by rows", min_n=SMALL),
    Kind("subset_accuracy", "multilabel_prediction", Rate(_all_labels_right), "share of rows with every label right"),
    Kind("hamming_loss", "multilabel_prediction", _bounded(averages.hamming_loss), "share of label decisions that are wrong",
         higher_is_better=False, min_n=SMALL),
    Kind("samples_f1", "multilabel_prediction", _bounded(averages.samples_f1), "mean over rows of the F1 within the row", min_n=SMALL),
]  # fmt: skip

_VALUES = [
    Kind("rate", "flags", Rate(_flags), "share of rows"),
    Kind("mean", "values", _mean(averages.values), "mean over rows", "ratio", min_n=SMALL),
    Kind("loss", "values", _mean(averages.values), "mean loss over rows", "nats", higher_is_better=False, min_n=SMALL),
    Kind("bounded_mean", "values", _bounded(averages.shares), "mean over rows of a number between 0 and 1", min_n=SMALL),
    Kind("pearson", "pair", averages.Correlation(averages.pearson), "linear correlation", "ratio", min_n=SMALL),
    Kind("spearman", "pair", averages.Correlation(averages.spearman, ranks=True), "rank correlation", "ratio", min_n=SMALL),
]

_WRITTEN = [
    Kind("fault_rate", "flags", Rate(_flags), "share of rows with a fault", higher_is_better=False),
    Kind("chrf", "sums", Counted(lambda s: sparse.csr_array(s.predictions), written.chrf, written.chrf_edge, uneven=True),
         "F2 of the character n-grams (1 to 6) of predictions and references", min_n=SMALL),
    Kind("token_loss", "ratio", _mean(written.per_size, (0.0, np.inf)), "loss per token", "nats", higher_is_better=False, min_n=SMALL),
    Kind("perplexity", "ratio", Influenced(written.perplexity, "t_log", "paired_t", scale="log", bounds=(1.0, np.inf)),
         "exp of the loss per token", "ratio", higher_is_better=False, min_n=SMALL),
    Kind("bits_per_byte", "ratio", _mean(written.bits_per_size, (0.0, np.inf)), "loss per byte of text",
         "bits", higher_is_better=False, min_n=SMALL),
    Kind("distinct", "sums", Influenced(written.distinct, "jackknife", "paired_jackknife", bounds=(0.0, 1.0)),
         "distinct n-grams among all n-grams of as many texts", min_n=SMALL),
]  # fmt: skip

_MULTILABEL_PROBABILITY = [replace(kind, needs="multilabel_probability") for kind in _PROBABILITY]

KINDS: dict[tuple[str, bool], Kind] = {
    (kind.name, kind.multilabel): kind for kind in _SINGLE + _PROBABILITY + _MULTILABEL + _MULTILABEL_PROBABILITY + _VALUES + _WRITTEN
}
"""(name, multi-label) -> row."""
PER_CLASS = ("precision", "recall", "f1")
"""Kinds that `per_class` gives for each class or label."""


def kind_of(name: str, *, multilabel: bool = False) -> Kind:
    """The row of a kind; SettingsError with the nearest name where there is none."""
    found = KINDS.get((name, multilabel)) or (KINDS.get((name, False)) if name in _EITHER else None)
    if found is not None:
        return found
    names = sorted({known for known, of_labels in KINDS if of_labels == multilabel})
    guess = nearest(name, names)
    task = "multi-label" if multilabel else "single-label"
    fix = f"did you mean {guess}?" if guess else f"one of: {', '.join(names)}"
    raise SettingsError(f"there is no score called {name!r} for {task} data", fix=fix)


_EITHER = {kind.name for kind in _VALUES + _WRITTEN} | set(PER_CLASS)
