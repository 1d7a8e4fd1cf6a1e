"""Statistics that decide: one table from kind of score to estimator, interval, paired test and smallest n, behind two doors.

    score("macro_f1", labels, predictions) -> Score            per_class("recall", labels, predictions, names=…) -> [Score]
    compare("macro_f1", labels, a, b) -> Verdict               adjust(verdicts, "baselines") -> [Verdict]

What people say about answers has doors of its own: `preference` (win share, Bradley-Terry), `agreement` (Krippendorff's alpha),
`sequential` (stopping whenever one likes).

Between the nouns and `data`; numpy and scipy only. Reading order: `table` (the kinds), `sample` (what they need), the families
`rates`, `counted`, `influence`, `calibration`, then `scoring` and `comparing`. Why these methods, with their simulated coverage:
docs/why/statistics.md.
"""

from goodfit.statistics.agreement import Agreement, agreement, krippendorff
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
from goodfit.statistics.preference import (
    BradleyTerry,
    Judgements,
    bradley_terry,
    decisive_needed,
    judgements_needed,
    mean_rating,
    preferred,
    rated_higher,
    win_share,
)
from goodfit.statistics.scoring import per_class, point, rare_classes, score
from goodfit.statistics.sequential import Sequence, sequence
from goodfit.statistics.table import KINDS, PER_CLASS, Kind, kind_of

__all__ = [
    "Agreement",
    "BradleyTerry",
    "Judgements",
    "KINDS",
    "Kind",
    "PER_CLASS",
    "Question",
    "ReliabilityBin",
    "Sequence",
    "Temperature",
    "adjust",
    "agreement",
    "benjamini_hochberg",
    "bradley_terry",
    "compare",
    "decisive_needed",
    "half_width",
    "half_width_auc",
    "half_width_macro",
    "half_width_mean",
    "holm",
    "judgements_needed",
    "kind_of",
    "krippendorff",
    "level_for",
    "per_class",
    "mean_rating",
    "point",
    "preferred",
    "rare_classes",
    "rated_higher",
    "reliability",
    "rows_for_mean",
    "rows_for_paired",
    "score",
    "sequence",
    "smallest_difference",
    "smallest_gap",
    "temperature",
    "widen",
    "win_share",
]
