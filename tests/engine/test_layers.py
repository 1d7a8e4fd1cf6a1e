"""Layer means: equal to plain transformers, row by row, whatever tier the model gets."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodfit.engine.layers import layer_means
from goodfit.engine.parts import base_model
from tests import tiny


def plain(model: torch.nn.Module, examples: object, row: int) -> np.ndarray:
    """The mean over tokens and over the layers above the embeddings, one row at a time, as transformers gives it."""
    ids = torch.from_numpy(examples.ids(row).astype(np.int64))[None]
    with torch.inference_mode():
        states = base_model(model)(input_ids=ids, attention_mask=torch.ones_like(ids), output_hidden_states=True).hidden_states
    return torch.stack(states[1:]).mean(dim=0)[0].mean(dim=0).numpy()


@pytest.mark.parametrize("family", [*tiny.PACKED, *tiny.PADDED])
def test_equal_to_one_row_at_a_time(family: str) -> None:
    model, examples = tiny.model(family), tiny.examples(17)
    done: list[int] = []
    found = layer_means(model, examples, precision="float32", batch_tokens=64, on_done=done.append)
    expected = np.stack([plain(model, examples, row) for row in range(17)])
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())
    assert done[-1] == 17
    assert done == sorted(done)


def test_no_rows() -> None:
    assert layer_means(tiny.model("bert"), tiny.examples(4).subset([0, 1])).shape == (2, 32)
