"""Gaps between groups: rates, one against the rest, families of them, composites, rankings, changes between systems, planning.

    values, counted = per_row("tpr", Facts(truth, said), label=1)      rate(values, counted, inside) -> Score
    family = family_of("language x tpr", values, counted, Axis(members))   correct([family, …]) -> [Family]
    answer_of(family.gaps["es"], 0.05, family.p_adjusted["es"], alpha=family.alpha) -> Answered

Part of statistics; numpy and scipy only. Reading order: `rows` (what counts), `rate`, `gap` (with `difference`), `family` (with `omnibus`),
then `whole`, `ranked`, `threshold`, `paired`, `plan`. Checked by `python -m benchmarks.gaps`.
"""

from goodfit.statistics.gaps.family import Family, correct, family_of, first_alpha
from goodfit.statistics.gaps.gap import Answered, Gap, answer_of, gap, rows_needed
from goodfit.statistics.gaps.omnibus import Omnibus, omnibus
from goodfit.statistics.gaps.paired import Change, NotWorse, Systems, change_of_gap, nobody_worse, not_worse
from goodfit.statistics.gaps.plan import power_of, rows_for, rows_for_equivalence, smallest_gap
from goodfit.statistics.gaps.ranked import auc_gap, ranked
from goodfit.statistics.gaps.rate import LEAST_CLUSTERS, LEAST_RATE, LEAST_VERDICT, rate, shown
from goodfit.statistics.gaps.rows import METRICS, Axis, Facts, Metric, per_row
from goodfit.statistics.gaps.threshold import AtFpr, at_equal_fpr
from goodfit.statistics.gaps.whole import Whole, equality_difference, gap_rms, max_min, whole

__all__ = [
    "Answered",
    "AtFpr",
    "Axis",
    "Change",
    "Facts",
    "Family",
    "Gap",
    "LEAST_CLUSTERS",
    "LEAST_RATE",
    "LEAST_VERDICT",
    "METRICS",
    "Metric",
    "NotWorse",
    "Omnibus",
    "Systems",
    "Whole",
    "answer_of",
    "at_equal_fpr",
    "auc_gap",
    "change_of_gap",
    "correct",
    "equality_difference",
    "family_of",
    "first_alpha",
    "gap",
    "gap_rms",
    "max_min",
    "nobody_worse",
    "not_worse",
    "omnibus",
    "per_row",
    "power_of",
    "ranked",
    "rate",
    "rows_for",
    "rows_for_equivalence",
    "rows_needed",
    "shown",
    "smallest_gap",
    "whole",
]
