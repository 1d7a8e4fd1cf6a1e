"""Infer: what transformers says row by row, for any number of rows, in bounded memory, in any tier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine import infer as module
from goodfit.engine.infer import in_order, infer
from goodfit.errors import DataError
from tests import tiny

ROWS = tiny.examples(37)


def plain(model: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    logits, means = [], []
    base = getattr(model, model.base_model_prefix)
    with torch.no_grad():
        for i in range(len(ROWS)):
            ids = torch.from_numpy(ROWS.ids(i).astype(np.int64))[None]
            logits.append(model(input_ids=ids).logits[0].numpy())
            means.append(base(input_ids=ids).last_hidden_state[0].mean(0).numpy())
    return np.array(logits), np.array(means)


@pytest.mark.parametrize("family", tiny.CONFIGS)
def test_logits_and_embeddings_are_those_of_plain_transformers(family: str) -> None:
    model = tiny.model(family)
    model.train()
    logits, means = [], []
    indices: list[int] = []
    for batch in infer(model, ROWS, want=("logits", "hidden_mean"), batch_tokens=90):
        assert batch.logits is not None
        assert batch.hidden_mean is not None
        indices += batch.indices.tolist()
        logits.append(batch.logits)
        means.append(batch.hidden_mean)
        assert len(batch.indices) < len(ROWS)
    assert model.training
    model.eval()
    expected_logits, expected_means = plain(model)
    assert sorted(indices) == list(range(len(ROWS)))
    np.testing.assert_allclose(np.concatenate(logits), expected_logits[indices], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.concatenate(means), expected_means[indices], rtol=1e-4, atol=1e-5)


def test_what_was_not_asked_for_is_not_there() -> None:
    batch = next(infer(tiny.model("bert"), ROWS))
    assert batch.hidden_mean is None
    only = next(infer(tiny.model("bert"), ROWS, want=("hidden_mean",)))
    assert only.logits is None


def test_windows_bound_what_is_sorted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("bert")
    whole = in_order(infer(model, ROWS), len(ROWS))
    monkeypatch.setattr(module, "_WINDOW", 5)
    batches = list(infer(model, ROWS))
    assert len(batches) == 8
    assert all(set(b.indices // 5) == {k} for k, b in enumerate(batches))
    np.testing.assert_allclose(in_order(iter(batches), len(ROWS)), whole, rtol=1e-4, atol=1e-6)


def test_no_rows_give_nothing_and_rows_without_tokens_are_refused() -> None:
    assert list(infer(tiny.model("bert"), ROWS.subset([]))) == []
    from goodfit.engine.examples import Examples

    hollow = Examples.from_arrays([2, 3], [0, 0, 2], [0, 1], row=["hollow", "full"])
    with pytest.raises(DataError, match="hollow"):
        list(infer(tiny.model("bert"), hollow))


def test_an_abandoned_iteration_gives_the_model_back() -> None:
    model = tiny.model("bert")
    model.train()
    batches = infer(model, ROWS, batch_tokens=40)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert model.training
    assert "forward" not in model.bert.__dict__


def test_bfloat16_inference_stays_near() -> None:
    model = tiny.model("bert")
    exact = in_order(infer(model, ROWS), len(ROWS))
    coarse = in_order(infer(model, ROWS, precision="bfloat16"), len(ROWS))
    assert 0 < np.abs(coarse - exact).max() < 0.05 * np.abs(exact).max() + 0.05
