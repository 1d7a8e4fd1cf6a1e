"""Models that write: loaded with their own head, saved so that plain transformers and PEFT write the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import transformers as tf
from peft import AutoPeftModelForCausalLM

from goodfit.errors import ModelError
from goodfit.models.adapters import add_lora
from goodfit.models.heads import Language
from goodfit.models.identity import identify
from goodfit.models.load import load_language, load_trained
from goodfit.models.save import save
from tests import tiny

IDS = torch.tensor([[2, 9, 11, 30, 7, 21]])


def saved(family: str, folder: Path) -> Path:
    tiny.language_model(family).save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(input_ids=IDS).logits


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt2"])
def test_a_decoder_comes_with_its_own_head_and_goes_back_to_plain_transformers(family: str, tmp_path: Path) -> None:
    loaded = load_language(saved(family, tmp_path / "base"))
    assert not loaded.has_fresh_head
    assert loaded.identity.causal
    with torch.no_grad():
        next(loaded.model.parameters()).add_(0.01)
    save(loaded.model, loaded.tokenizer, tmp_path / "out")
    assert torch.equal(logits(tf.AutoModelForCausalLM.from_pretrained(tmp_path / "out")), logits(loaded.model))
    again = load_trained(tmp_path / "out")
    assert again.labels == ()
    assert torch.equal(logits(again.model), logits(loaded.model))


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_an_adapter_learns_alone_and_loads_in_plain_peft(family: str, tmp_path: Path) -> None:
    adapted = add_lora(load_language(saved(family, tmp_path / "base")), r=4)
    learning = {name for name, p in adapted.model.named_parameters() if p.requires_grad}
    assert learning
    assert all("lora_" in name for name in learning)
    with torch.no_grad():
        for name, p in adapted.model.named_parameters():
            if "lora_B" in name:
                p.normal_(0, 0.1)
    save(adapted.model, adapted.tokenizer, tmp_path / "out")
    theirs = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "out")
    assert torch.allclose(logits(theirs), logits(adapted.model), atol=1e-6)
    assert torch.allclose(logits(load_trained(tmp_path / "out").model), logits(adapted.model), atol=1e-6)


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "distilbert"])
def test_an_encoder_does_not_write(family: str, tmp_path: Path) -> None:
    folder = tiny.folder(family, tmp_path / "m")
    with pytest.raises(ModelError, match=r"does not write|no head for generating") as raised:
        load_language(folder)
    assert "decoder" in str(raised.value.fix)


def test_files_without_the_head_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="hold no head"):
        load_language(tiny.folder("llama", tmp_path / "m"))


def test_identity_counts_the_language_head_once_where_it_is_tied(tmp_path: Path) -> None:
    model = tiny.language_model("gemma2")
    folder = saved("gemma2", tmp_path / "m")
    assert identify(folder, Language()).parameters == sum(p.numel() for p in model.parameters())
