"""LoRA and freezing: what learns, what does not, and what is said when nothing fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from goodfit.engine.optimiser import head_names, trainable
from goodfit.errors import ModelError, SettingsError
from goodfit.models.adapters import add_lora
from goodfit.models.freeze import freeze, layers
from goodfit.models.load import load
from tests import tiny

LABELS = ["a", "b", "c"]


@pytest.mark.parametrize("family", tiny.CONFIGS)
def test_adapter_and_head_learn_and_nothing_else(tmp_path: Path, family: str) -> None:
    loaded = load(tiny.folder(family, tmp_path / "base"), labels=LABELS)
    body = {name for name, _ in loaded.model.named_parameters()} - loaded.fresh
    adapted = add_lora(loaded, r=3, lora_alpha=6)
    learning = trainable(adapted.model)
    assert learning
    assert all("lora_" in name or ".modules_to_save." in name for name in learning)
    assert not any(name in learning for name in body)
    linear = [m for m in adapted.model.modules() if hasattr(m, "lora_A")]
    assert len(linear) >= 2 * 4
    assert head_names(adapted.model) >= {name for name in learning if ".modules_to_save." in name}
    assert not any("lora_" in name for name in head_names(adapted.model) & learning.keys())


def test_equal_seeds_give_equal_adapters(tmp_path: Path) -> None:
    folder = tiny.folder("bert", tmp_path / "base")
    first, second, other = (
        {n: p for n, p in add_lora(load(folder, labels=LABELS), seed=s).model.named_parameters() if "lora_A" in n} for s in (1, 1, 2)
    )
    assert all(torch.equal(first[k], second[k]) for k in first)
    assert not any(torch.equal(first[k], other[k]) for k in first)


def test_chosen_layers_and_a_name_that_fits_nothing(tmp_path: Path) -> None:
    folder = tiny.folder("bert", tmp_path / "base")
    made = add_lora(load(folder, labels=LABELS), target_modules=["query", "value"])
    assert {n.split(".lora_")[0].rsplit(".", 1)[-1] for n in trainable(made.model) if "lora_" in n} == {"query", "value"}
    with pytest.raises(ModelError, match="q_proj") as caught:
        add_lora(load(folder, labels=LABELS), target_modules=["q_proj"])
    assert "query" in (caught.value.fix or "")


@pytest.mark.parametrize("family", tiny.CONFIGS)
def test_freezing_from_below(family: str) -> None:
    model: Any = tiny.model(family)
    base = getattr(model, model.base_model_prefix)
    total = model.config.num_hidden_layers
    assert len(layers(base)) == total
    counts = [freeze(tiny.model(family), what) for what in ("none", "embeddings", 1, total, "body")]
    assert counts[0] == 0
    assert counts == sorted(counts)
    freeze(model, 1)
    word = model.get_input_embeddings().weight
    assert not word.requires_grad
    assert not any(p.requires_grad for p in layers(base)[0].parameters())
    assert all(p.requires_grad for p in layers(base)[1].parameters())
    freeze(model, "body")
    assert {n for n, p in model.named_parameters() if p.requires_grad} == set(head_names(model))


def test_more_layers_than_there_are() -> None:
    with pytest.raises(SettingsError, match="has 2 layers"):
        freeze(tiny.model("bert"), 3)
