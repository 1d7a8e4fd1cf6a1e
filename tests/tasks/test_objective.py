"""The loss equals torch's; the streamed scores equal those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score, f1_score, log_loss

from goodfit.engine.objective import primary_value
from goodfit.errors import SettingsError
from goodfit.tasks import Classification
from goodfit.tasks.thresholds import GRID


def draw(n: int, labels: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    return torch.randn(n, labels, generator=g), torch.randint(0, labels, (n,), generator=g), torch.rand(n, generator=g) + 0.5


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_single_label_loss_equals_torch(smoothing: float, weighted: bool) -> None:
    z, y, ones = *draw(32, 4)[:2], torch.ones(32)
    weights = np.array([1.0, 2.0, 0.5, 3.0], np.float32) if weighted else None
    objective = Classification(tuple("abcd")).objective(weights, smoothing)
    wanted = F.cross_entropy(z, y, weight=None if weights is None else torch.from_numpy(weights), label_smoothing=smoothing)
    got = objective.loss(z, y, ones) / objective.weight_total(y.numpy(), ones.numpy())
    torch.testing.assert_close(got, wanted)


def test_row_weights_count_rows() -> None:
    z, y, w = draw(10, 3)
    objective = Classification(tuple("abc")).objective()
    twice = objective.loss(torch.cat([z, z]), torch.cat([y, y]), torch.ones(20))
    torch.testing.assert_close(objective.loss(z, y, torch.full((10,), 2.0)), twice)
    assert objective.weight_total(y.numpy(), w.numpy()) == pytest.approx(float(w.sum()), rel=1e-6)


def test_multi_label_loss_equals_torch() -> None:
    z = draw(16, 3)[0]
    t = (torch.rand(16, 3, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    positive = np.array([1.0, 5.0, 2.0], np.float32)
    objective = Classification(tuple("abc"), multi_label=True).objective(positive)
    wanted = F.binary_cross_entropy_with_logits(z, t, pos_weight=torch.from_numpy(positive))
    got = objective.loss(z, t, torch.ones(16)) / objective.weight_total(t.numpy(), np.ones(16, np.float32))
    torch.testing.assert_close(got, wanted)
    smooth = Classification(tuple("abc"), multi_label=True).objective(label_smoothing=0.2)
    torch.testing.assert_close(smooth.loss(z, t, torch.ones(16)) / 16, F.binary_cross_entropy_with_logits(z, t * 0.8 + 0.1))


def test_loss_is_summed_in_float32() -> None:
    z, y, w = draw(64, 3)
    objective = Classification(tuple("abc")).objective()
    loss = objective.loss((z * 50).to(torch.bfloat16), y, w.to(torch.bfloat16))
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)


@pytest.mark.parametrize("n", [3, 19, 300])
def test_streamed_scores_equal_the_whole(n: int) -> None:
    z, y, _ = draw(n, 4)
    accumulator = Classification(tuple("abcd")).objective().accumulator()
    for start in range(0, n, 7):
        accumulator.add(z[start : start + 7], y[start : start + 7].numpy())
    scores = {score["name"]: score for score in accumulator.scores()}
    answers = z.argmax(1)
    assert scores["macro_f1"]["value"] == pytest.approx(f1_score(y, answers, average="macro"))
    assert scores["accuracy"]["value"] == pytest.approx(accuracy_score(y, answers))
    assert scores["log_loss"]["value"] == pytest.approx(log_loss(y, torch.softmax(z.double(), 1), labels=range(4)), rel=1e-5)
    assert ("low" in scores["macro_f1"]) and (scores["macro_f1"]["low"] is None) == (n < 20)
    objective = Classification(tuple("abcd")).objective()
    assert primary_value(objective, 0.5, accumulator.scores()) == scores["macro_f1"]["value"]


def test_nothing_streamed_has_no_scores() -> None:
    for multi_label in (False, True):
        for score in Classification(("a", "b"), multi_label=multi_label).objective().accumulator().scores():
            assert "value" not in score
            assert score["why_absent"]


def test_multi_label_is_scored_at_the_common_threshold() -> None:
    """An early model gives every label less than one half; steps must be told apart all the same."""
    rng = np.random.default_rng(0)
    truth = rng.random((200, 9)) < 0.2
    z = torch.from_numpy(rng.normal(0, 1, truth.shape) + 2.0 * truth - 4.0)
    accumulator = Classification(tuple("abcdefghi"), multi_label=True).objective().accumulator()
    for start in range(0, 200, 33):
        accumulator.add(z[start : start + 33], truth[start : start + 33].astype(np.float32))
    scores = {score["name"]: score["value"] for score in accumulator.scores()}
    best = max((f1_score(truth, z.numpy() >= cut, average="macro", zero_division=0), cut) for cut in GRID)
    assert scores["macro_f1"] == pytest.approx(best[0], abs=1e-9)
    assert scores["macro_f1"] > 0.5
    assert set(scores) == {"macro_f1", "micro_f1", "subset_accuracy", "log_loss"}


@pytest.mark.parametrize(
    ("asked", "multi_label", "found"),
    [
        ("auto", False, "macro_f1"),
        ("accuracy", False, "accuracy"),
        ("auto", True, "macro_f1"),
        ("subset_accuracy", True, "subset_accuracy"),
    ],
)
def test_the_best_step_is_chosen_by_the_score_that_was_asked_for(asked: str, multi_label: bool, found: str) -> None:
    objective = Classification(("a", "b"), multi_label=multi_label).objective(best=asked)
    assert objective.primary == found
    assert objective.higher_is_better
    assert found in {score["name"] for score in objective.accumulator().scores()}


def test_log_loss_is_better_when_it_is_lower() -> None:
    assert not Classification(("a", "b")).objective(best="log_loss").higher_is_better


@pytest.mark.parametrize(
    ("asked", "multi_label", "said"), [("acuracy", False, "did you mean accuracy"), ("accuracy", True, "subset_accuracy")]
)
def test_a_score_that_validation_does_not_have_is_refused(asked: str, multi_label: bool, said: str) -> None:
    with pytest.raises(SettingsError, match="metric_for_best_model") as raised:
        Classification(("a", "b"), multi_label=multi_label).objective(best=asked)
    assert said in str(raised.value.fix)
