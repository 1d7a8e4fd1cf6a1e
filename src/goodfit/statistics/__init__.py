"""Statistics that decide: one table from kind of score to estimator, interval, paired test and smallest n, behind two doors.

    score("macro_f1", labels, predictions) -> Score            per_class("recall", labels, predictions, names=…) -> [Score]
    compare("macro_f1", labels, a, b) -> Verdict               adjust(verdicts, "baselines") -> [Verdict]

Between the nouns and `data`; numpy and scipy only. Reading order: `table` (the kinds), `sample` (what they need), the families
`rates`, `counted`, `influence`, `calibration`, then `scoring` and `comparing`. Why these methods, with their simulated coverage:
docs/why/statistics.md.
"""

from goodfit.statistics.calibration import ReliabilityBin, Temperature, reliability, temperature
from goodfit.statistics.comparing import Question, compare
from goodfit.statistics.multiple import adjust, benjamini_hochberg, holm, level_for, widen
from goodfit.statistics.power import (
    half_width,
    half_width_auc,
    half_width_macro,
    half_width_mean,
    rows_for_mean,
    rows_for_paired,
    smallest_difference,
    smallest_gap,
)
from goodfit.statistics.scoring import per_class, point, rare_classes, score
from goodfit.statistics.table import KINDS, PER_CLASS, Kind, kind_of

__all__ = [
    "KINDS",
    "PER_CLASS",
    "Kind",
    "Question",
    "ReliabilityBin",
    "Temperature",
    "adjust",
    "benjamini_hochberg",
    "compare",
    "half_width",
    "half_width_auc",
    "half_width_macro",
    "half_width_mean",
    "holm",
    "kind_of",
    "level_for",
    "per_class",
    "point",
    "rare_classes",
    "reliability",
    "rows_for_mean",
    "rows_for_paired",
    "score",
    "smallest_difference",
    "smallest_gap",
    "temperature",
    "widen",
]
