"""The memory estimate: what autograd keeps per token, counted on the model itself, and the parts that follow from sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine.batches import assemble
from goodfit.engine.examples import Examples
from goodfit.engine.forward import Forward
from goodfit.engine.tier import find_tier
from goodfit.models.heads import Classifier
from goodfit.models.memory import estimate
from goodfit.models.source import resolve
from tests import tiny


def kept_bytes(model: Any, *, rows: int, length: int, half: bool) -> int:
    """What the forward pass keeps for the backward pass, parameters left out."""
    ids = np.random.default_rng(0).integers(5, 60, rows * length)
    data = Examples.from_arrays(ids, np.arange(rows + 1) * length, np.zeros(rows))
    found = find_tier(model, data)
    forward = Forward(
        model, tier=found.name, dtype=torch.bfloat16 if half else torch.float32, position_offset=found.position_offset
    )  # fmt: skip
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    seen: dict[int, int] = {}
    alive: list[torch.Tensor] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            seen[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    model.train()
    with forward.ready(), torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        forward(assemble(data, np.arange(rows))).logits.sum()
    return sum(seen.values())


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("family", ["bert", "roberta", "electra", "modernbert", "llama", "qwen3", "mistral", "gpt2"])
def test_activations_are_near_what_autograd_keeps(tmp_path: Path, family: str, half: bool) -> None:
    rows, length = 40, 12
    folder = tiny.folder(family, tmp_path / "m")
    counted = kept_bytes(tiny.model(family), rows=rows, length=length, half=half)
    told = estimate(folder, head=Classifier.of(3), batch_tokens=rows * length, longest=length, half=half).activations
    # The estimate also holds what the backward pass adds; a tiny model's head and embeddings weigh more than a real one's.
    assert 0.75 < told / counted < 1.9


def test_weights_gradients_and_moments_follow_from_the_parameters(tmp_path: Path) -> None:
    folder = tiny.folder("bert", tmp_path / "m")
    parameters = sum(p.numel() for p in tiny.model("bert").parameters())
    told = estimate(folder, head=Classifier.of(3))
    assert (told.weights, told.gradients, told.optimiser) == (4 * parameters, 4 * parameters, 8 * parameters)
    assert told.total == sum(v for k, v in told.to_json().items() if k != "total")


def test_an_adapter_needs_less_and_more_tokens_need_more(tmp_path: Path) -> None:
    source = resolve(tiny.folder("llama", tmp_path / "m"))
    whole, adapter = estimate(source), estimate(source, lora_r=2)
    assert adapter.gradients + adapter.optimiser < 0.5 * (whole.gradients + whole.optimiser)
    assert estimate(source, batch_tokens=8192).activations == pytest.approx(2 * whole.activations, rel=0.01)
    assert estimate(source, longest=8, half=True).activations < estimate(source, longest=8).activations
