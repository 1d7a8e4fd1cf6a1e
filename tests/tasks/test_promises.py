"""Promises of a model: made on validation, kept with it, without the temperature; refused where rows are too few; one row of each cluster."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.errors import UserError
from goodfit.predict.kept import Ask, Kept
from goodfit.tasks import Classification
from goodfit.tasks.promises import FOUND, LAC, PER_CLASS, RAPS, Promises, fit_promises


def logits_of(n: int, classes: int, seed: int = 0, sharp: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = 1.5 * rng.normal(size=(n, classes))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    y = (rng.random((n, 1)) > np.cumsum(p, axis=1)).sum(axis=1).clip(0, classes - 1)
    return sharp * z, y.astype(np.int64)


def names(classes: int) -> tuple[str, ...]:
    return tuple(f"c{i}" for i in range(classes))


@pytest.mark.parametrize(("n", "classes", "method"), [(90, 5, LAC), (2000, 4, PER_CLASS), (600, 30, RAPS)])
def test_sets_cover_as_promised(n: int, classes: int, method: str) -> None:
    seen = []
    for seed in range(25):
        logits, y = logits_of(n, classes, seed)
        task = Classification(names(classes))
        task = task.with_decision(task.fit_decision(logits, y))
        made = task.decision.promises
        assert made is not None
        assert made.method == method
        more, truth = logits_of(3000, classes, 1000 + seed)
        inside = made.sets(task.untempered(task.probabilities(more)), "0.1")
        assert inside.any(axis=1).all()
        seen.append(inside[np.arange(3000), truth].mean())
    assert np.mean(seen) > 0.9 - 3 * np.std(seen) / 5
    assert np.mean(seen) < 0.9 + 3.5 * np.std(seen) / 5 + 1.5 / n
    if method == PER_CLASS:
        by_class = [inside[truth == k, k].mean() for k in range(classes)]
        assert min(by_class) > 0.83


def test_withheld_answers_keep_their_promise_and_the_temperature_changes_nothing() -> None:
    logits, y = logits_of(800, 4)
    task = Classification(names(4))
    task = task.with_decision(task.fit_decision(logits, y))
    assert task.decision.temperature_applied
    kept = Kept.of(task, Ask(at_most_wrong=0.25, coverage=0.9))
    more, truth = logits_of(4000, 4, 7)
    p = task.probabilities(more)
    decided = task.decide(p)
    held = kept.withheld(p, decided)
    assert 0.05 < held.mean() < 0.95
    assert (decided != truth)[~held].mean() <= 0.25
    plain = np.exp(more - more.max(axis=1, keepdims=True))
    np.testing.assert_allclose(task.untempered(p), plain / plain.sum(axis=1, keepdims=True), atol=1e-6)
    sets = kept.sets(p)
    assert sets is not None
    assert all(one[0] == task.labels[k] for one, k in zip(sets, p.argmax(axis=1), strict=True))
    empty = np.full((1, 4), np.nan)
    assert kept.sets(empty) == [[]]


def test_written_and_read_again() -> None:
    logits, y = logits_of(120, 30)
    task = Classification(names(30))
    task = task.with_decision(task.fit_decision(logits, y))
    again = Classification.from_json(task.to_json())
    assert again.decision == task.decision
    assert isinstance(again.decision.promises, Promises)
    assert again.decision.promises.to_json() == task.decision.promises.to_json()  # type: ignore[union-attr]
    old = task.to_json()
    del old["decision"]["promises"]
    assert Classification.from_json(old).decision.promises is None


def test_several_labels() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(900, 5))
    y = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(np.float32)
    task = Classification(names(5), multi_label=True)
    task = task.with_decision(task.fit_decision(2 * z[:400], y[:400]))
    made = task.decision.promises
    assert made is not None
    assert made.method == FOUND
    p = task.probabilities(2 * z[400:])
    inside = made.sets(task.untempered(p), "0.1")
    truth = y[400:] > 0.5
    missed = (truth & ~inside).sum(axis=1) / np.maximum(truth.sum(axis=1), 1)
    assert missed[truth.any(axis=1)].mean() < 0.14
    assert Kept.of(task, Ask(coverage=0.9)).sets(p) is not None


def test_labels_that_the_model_cannot_give_are_wrong_and_in_no_set() -> None:
    logits, y = logits_of(400, 3)
    strange = y.copy()
    strange[:100] = -1
    task = Classification(names(3))
    made = task.fit_decision(logits, strange).promises
    assert made is not None
    assert made.levels[-1].errors >= 100
    assert all(q == float("inf") for q in made.quantiles["0.1"])  # a quarter of the rows has a label of another kind


def test_one_row_of_each_cluster_calibrates() -> None:
    logits, y = logits_of(100, 3)
    z, labels = np.repeat(logits, 10, axis=0), np.repeat(y, 10)
    task = Classification(names(3))
    made = task.fit_decision(z, labels, clusters=np.arange(1000) // 10).promises
    assert made is not None
    assert made.levels[-1].covered == 100
    assert "one of each of 100 clusters" in made.reason
    assert task.fit_decision(z[:400], labels[:400], clusters=np.arange(400) // 10).promises is None


def test_what_cannot_be_promised_is_refused() -> None:
    logits, y = logits_of(60, 3)
    task = Classification(names(3))
    fitted = task.with_decision(task.fit_decision(logits, y))
    for ask, message in (
        (Ask(at_most_wrong=0.001), "cannot be promised"), (Ask(coverage=0.999), "was not calibrated"), (Ask(coverage=1.5), "no share between"),
        (Ask(at_most_wrong=-1), "no share between"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=message):
            Kept.of(fitted, ask)
    with pytest.raises(UserError, match="can promise nothing"):
        Kept.of(task, Ask(coverage=0.9))
    assert fit_promises(np.ones((20, 2)) / 2, np.zeros(20, np.int64), np.ones(20, bool), np.ones(20), clusters=None, seed=0) is None
