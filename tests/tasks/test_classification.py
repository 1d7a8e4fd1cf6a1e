"""Labels, targets, weights, and what logits become."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodfit.errors import DataError, SettingsError
from goodfit.recipe import Task as TaskSection
from goodfit.tasks import Classification, Decision, task_of
from goodfit.tasks.classification import HEAVIEST, UNKNOWN

HOSTILE = ("p_a", "a/b", 'say "hi"', "1", "1.0", "true", "", " ", "日本語", "a,b", "a\nb", "<b>", "row")


def test_task_of_the_recipe() -> None:
    task = task_of(TaskSection(text=("body",), label="queue", multi_label=True), ["x", "y"])
    assert (task.labels, task.multi_label, task.problem_type) == (("x", "y"), True, "multi_label_classification")
    assert task_of(TaskSection(), ["x", "y"]).problem_type == "single_label_classification"


def test_vocabulary_is_declared_or_counted_in_training() -> None:
    assert Classification.vocabulary({"b": 3, "a": 1, "only in test": 0}) == ("a", "b")
    assert Classification.vocabulary({"b": 3, "a": 1}, ("b", "c", "a")) == ("b", "c", "a")
    assert Classification.vocabulary({"10": 1, "9": 1}) == ("10", "9")  # names, not numbers


def test_targets_of_hostile_names() -> None:
    task = Classification(HOSTILE)
    assert task.encode_targets(list(HOSTILE)).tolist() == list(range(len(HOSTILE)))
    assert task.names(np.arange(len(HOSTILE))) == list(HOSTILE)
    many = Classification(HOSTILE, multi_label=True)
    targets = many.encode_targets([["1", "1.0"], [], None, ["a/b"]])
    assert targets.dtype == np.float32
    assert targets.sum(axis=1).tolist() == [2, 0, 0, 1]
    assert many.names(targets > 0.5) == [["1", "1.0"], [], [], ["a/b"]]


def test_an_unknown_label_is_named_or_marked() -> None:
    task = Classification(("billing", "bug"))
    with pytest.raises(DataError, match="'biling' is not one of the 2 labels.*'billing', 'bug'") as caught:
        task.encode_targets(["bug", "biling"])
    assert caught.value.fix is not None
    assert "did you mean 'billing'" in caught.value.fix
    assert task.encode_targets(["bug", "biling"], unknown="mark").tolist() == [1, UNKNOWN]
    many = Classification(("billing", "bug"), multi_label=True)
    with pytest.raises(DataError, match="'x'"):
        many.encode_targets([["bug", "x"]])
    assert many.encode_targets([["bug", "x"]], unknown="mark").tolist() == [[0.0, 1.0]]


def test_class_weights() -> None:
    task = Classification(("a", "b", "c"))
    assert task.class_weights("none", [1, 2, 3], 6) is None
    balanced = task.class_weights("balanced", [10, 20, 30], 60)
    assert balanced is not None
    np.testing.assert_allclose(balanced, [2.0, 1.0, 2 / 3], rtol=1e-6)  # n / (classes * count), as in scikit-learn
    rare = task.class_weights("balanced", [1, 10_000, 0], 10_001)
    assert rare is not None
    assert rare.max() == HEAVIEST
    given = task.class_weights({"b": 3.0}, [1, 2, 3], 6)
    assert given is not None
    assert given.tolist() == [1.0, 3.0, 1.0]
    with pytest.raises(SettingsError, match="'bb', which is no label") as caught:
        task.class_weights({"bb": 1.0}, [1, 2, 3], 6)
    assert "did you mean 'b'" in str(caught.value)
    positive = Classification(("a", "b"), multi_label=True).class_weights("balanced", [25, 50], 100)
    assert positive is not None
    assert positive.tolist() == [3.0, 1.0]


def test_probabilities_equal_torch() -> None:
    logits = np.random.default_rng(0).normal(0, 30, (50, 5)).astype(np.float32)
    single = Classification(tuple("abcde")).probabilities(logits)
    np.testing.assert_allclose(single, torch.softmax(torch.from_numpy(logits).double(), 1).numpy(), atol=1e-12)
    many = Classification(tuple("abcde"), multi_label=True).probabilities(logits)
    np.testing.assert_allclose(many, torch.sigmoid(torch.from_numpy(logits).double()).numpy(), atol=1e-12)
    hot = Classification(tuple("abcde"), decision=Decision(temperature=2.0, temperature_applied=True)).probabilities(logits)
    np.testing.assert_allclose(hot, torch.softmax(torch.from_numpy(logits).double() / 2, 1).numpy(), atol=1e-12)
    fitted = Classification(tuple("abcde"), decision=Decision(temperature=2.0, temperature_applied=False)).probabilities(logits)
    np.testing.assert_array_equal(fitted, single)


def test_decisions_and_how_sure_they_are() -> None:
    single = Classification(("a", "b", "c"))
    p = np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]])
    assert single.decide(p).tolist() == [1, 0]  # the first of equals
    np.testing.assert_allclose(single.certainty(p, single.decide(p)), [0.5, 0.4])
    many = Classification(("a", "b"), multi_label=True, decision=Decision(thresholds=(0.3, 0.9)))
    q = np.array([[0.3, 0.8], [0.1, 0.95]])
    assert many.decide(q).tolist() == [[True, False], [False, True]]
    np.testing.assert_allclose(many.certainty(q, many.decide(q)), [0.2, 0.9])  # 1 - 0.8 for the "no" to b
