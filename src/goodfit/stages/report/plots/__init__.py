"""Which charts the report has: each reads the facts, and says in a sentence and a table what it shows.

Part of the report stage (`collect` calls them). `charts` holds the vocabulary of the specifications, `draw` makes SVG of them.
Every function yields charts, or nothing where the facts are absent.
"""

from goodfit.stages.report.plots.assess import compared, functions
from goodfit.stages.report.plots.audit import doubted, learning_curve, topics
from goodfit.stages.report.plots.calibration import reliability
from goodfit.stages.report.plots.classes import classes, confusion
from goodfit.stages.report.plots.data import labels, lengths
from goodfit.stages.report.plots.promised import withheld
from goodfit.stages.report.plots.scores import folds, headline, verdicts
from goodfit.stages.report.plots.training import curves, data_map
from goodfit.stages.report.plots.tuning import parallel, trial_slices
from goodfit.stages.report.plots.weak import robustness, slices

__all__ = [
    "classes",
    "compared",
    "confusion",
    "curves",
    "data_map",
    "doubted",
    "folds",
    "functions",
    "headline",
    "labels",
    "learning_curve",
    "lengths",
    "parallel",
    "reliability",
    "robustness",
    "slices",
    "topics",
    "trial_slices",
    "verdicts",
    "withheld",
]
