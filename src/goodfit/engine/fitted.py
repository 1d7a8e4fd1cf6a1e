"""Fitted: what a training came to. The train stage writes best.json from it, tune and choose compare it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from goodfit.engine.progress import Progress
from goodfit.engine.tier import Tier


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """The trained model and how it got there."""

    model: Any
    """The model that was given, with its best weights, in eval mode."""
    primary: str
    """The score that decided."""
    higher_is_better: bool
    best_step: int
    """The step whose weights the model has; the last one where there were no validation rows."""
    best_score: float | None
    best_loss: float | None
    last_step: int
    last_score: float | None
    """The primary score of the last evaluation."""
    reason: str
    """In words: why this step."""
    steps_total: int
    """Planned."""
    stopped_by: str
    """`epochs`, `max_steps`, `early_stopping` or `action`."""
    history: list[dict[str, Any]]
    """One entry per evaluation: `{step, valid: {loss, n, scores}, train_probe: {…}}`."""
    tier: Tier
    dtype: str
    seconds: float
    """Wall time of all attempts."""
    tokens: int
    """Training tokens seen."""
    resumed_from: str | None = None

    @property
    def margin(self) -> float | None:
        """By how much the best beats the last, in the direction of the score; 0 where they are the same."""
        if self.best_score is None or self.last_score is None:
            return None
        return (self.best_score - self.last_score) * (1 if self.higher_is_better else -1)


def reason_for(progress: Progress, primary: str) -> str:
    """Why the model has the weights it has, in one sentence."""
    if progress.best is None:
        return f"step {progress.step} is the last one: there were no validation rows to choose by"
    best = progress.best
    words = f"{primary} {best.value:.4f} on validation at step {best.step}, the best of {progress.evaluations} evaluations"
    if best.step == progress.step:
        return f"{words} and the last"
    return f"{words}; step {progress.step} was the last"
