"""evaluate: scores with intervals, strong baselines on the same rows, verdicts, gates, the most confident mistakes."""

from goodfit.stages.evaluate.outcome import Evaluation
from goodfit.stages.evaluate.stage import evaluate

__all__ = ["Evaluation", "evaluate"]
