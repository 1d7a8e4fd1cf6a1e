"""Which metrics a task has, in which order, and how one more is declared."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.errors import SettingsError
from goodfit.score import Score
from goodfit.tasks import metrics
from goodfit.tasks.metrics import METRICS, MULTI, SINGLE, Outcome, metric


def test_auto_lists() -> None:
    assert metrics.names_for("auto", SINGLE) == [
        "macro_f1", "accuracy", "balanced_accuracy", "micro_f1", "mcc", "roc_auc", "pr_auc", "log_loss", "ece",
    ]  # fmt: skip
    assert metrics.names_for("auto", MULTI) == [
        "macro_f1", "subset_accuracy", "micro_f1", "samples_f1", "hamming_loss", "roc_auc", "pr_auc", "log_loss", "ece",
    ]  # fmt: skip
    assert metrics.names_for(["kappa", "accuracy", "kappa"], SINGLE) == ["kappa", "accuracy"]


@pytest.mark.parametrize("task", [SINGLE, MULTI])
def test_every_metric_gives_a_score_on_few_and_on_many_rows(task: str) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 5, 200):
        p = rng.dirichlet([1, 1, 1], n).astype(np.float32)
        truth = rng.random((n, 3)) < 0.4 if task == MULTI else rng.integers(0, 3, n)
        answers = p >= 0.4 if task == MULTI else p.argmax(1)
        outcome = Outcome(("a", "b", "c"), truth, answers, p)
        names = [name for name, one in METRICS.items() if task in one.tasks]
        scores = metrics.measure(names, outcome)
        assert [score.name for score in scores] == names
        assert all((score.value is None) == (score.why_absent is not None) for score in scores)
        assert n < 200 or all(score.value is not None and score.n == n for score in scores), scores
        assert len(metrics.measure_labels(outcome)) == 9


def test_one_more_metric() -> None:
    @metric("share_of_a", tasks=(SINGLE,))
    def share_of_a(outcome: Outcome) -> Score:
        return Score(name="share_of_a", value=float((outcome.predictions == 0).mean()), n=len(outcome.truth))

    try:
        outcome = Outcome(("a", "b"), np.array([0, 1]), np.array([0, 0]), np.array([[0.9, 0.1]] * 2))
        assert metrics.names_for(["share_of_a"], SINGLE) == ["share_of_a"]
        assert metrics.measure(["share_of_a"], outcome)[0].value == 1.0
        assert metrics.against("share_of_a", outcome, outcome, question="?") is None
        with pytest.raises(SettingsError, match="not a score of a multi-label task"):
            metrics.names_for(["share_of_a"], MULTI)
        with pytest.raises(AssertionError):
            metric("share_of_a")(share_of_a)
    finally:
        del METRICS["share_of_a"]


def test_comparison_turns_with_the_direction() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 400)
    good = np.where(np.arange(2) == y[:, None], 0.9, 0.1)
    bad = np.full((400, 2), 0.5)
    a = Outcome(("a", "b"), y, good.argmax(1), good + rng.random((400, 2)) * 0.01)
    b = Outcome(("a", "b"), y, rng.integers(0, 2, 400), bad)
    for name in ("accuracy", "macro_f1", "log_loss", "error_rate"):
        verdict = metrics.against(name, a, b, question=f"a vs b on {name}")
        assert verdict is not None
        assert verdict.answer == "better", name
        assert verdict.question == f"a vs b on {name}"
