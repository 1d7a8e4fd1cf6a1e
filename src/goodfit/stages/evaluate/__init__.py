"""evaluate: scores with intervals, strong baselines on the same rows, verdicts, gates, the most confident mistakes."""

from goodfit.stages.evaluate.stage import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]
