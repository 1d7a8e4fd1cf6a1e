"""Tokens that are added: their rows, what learns them, and the same answers in plain transformers and PEFT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as tf
from peft import AutoPeftModelForCausalLM, PeftModel

from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.plan import Plan
from goodfit.models.adapters import add_lora
from goodfit.models.load import LoadedModel, load_language, load_tokenizer, load_trained
from goodfit.models.save import save
from goodfit.models.vocabulary import Vocabulary
from goodfit.tasks.language import LanguageObjective
from tests import tiny

NEW = Vocabulary(("<|colour|>",), ("turquoise",))


def base(folder: Path, **changes: Any) -> Path:
    return tiny.writer(folder, **changes)


def test_new_rows_are_the_mean_of_the_old_and_old_tokens_keep_theirs(tmp_path: Path) -> None:
    path = base(tmp_path / "m", tie_word_embeddings=False)
    plain, grown = load_language(path), NEW.extend(load_language(path))
    known = len(plain.tokenizer)
    assert len(grown.tokenizer) == known + 2
    assert grown.new_tokens == (known, known + 1)
    for made, was in (
        (grown.model.get_input_embeddings(), plain.model.get_input_embeddings()),
        (grown.model.get_output_embeddings(), plain.model.get_output_embeddings()),
    ):
        assert torch.equal(made.weight[:known], was.weight)
        assert torch.allclose(made.weight[known:], was.weight.mean(dim=0).expand(2, -1), atol=1e-6)
    ids = torch.tensor([[5, 9, 40, 7]])
    assert torch.equal(grown.model(ids).logits[..., :known], plain.model(ids).logits)
    assert grown.model.config.vocab_size == known + 2


def test_rows_in_reserve_are_used_before_new_ones_are_made(tmp_path: Path) -> None:
    path = base(tmp_path / "m", vocab_size=300)
    grown = NEW.extend(load_language(path))
    weight = grown.model.get_input_embeddings().weight
    known = len(load_tokenizer(path))
    assert weight.shape[0] == 300
    assert torch.allclose(weight[known], weight[:known].mean(dim=0), atol=1e-6)


def test_a_token_is_one_token_and_only_the_special_one_is_left_out_of_texts(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(base(tmp_path / "m"))
    NEW.add_to(tokenizer)
    ids = tokenizer("a<|colour|>turquoise b", add_special_tokens=False)["input_ids"]
    assert len(ids) == 5
    assert tokenizer.decode(ids, skip_special_tokens=True) == "aturquoise b"
    tokenizer.save_pretrained(tmp_path / "again")
    assert tf.AutoTokenizer.from_pretrained(tmp_path / "again")("a<|colour|>turquoise b", add_special_tokens=False)["input_ids"] == ids


def test_nothing_to_add_changes_nothing(tmp_path: Path) -> None:
    loaded = load_language(base(tmp_path / "m"))
    assert Vocabulary().extend(loaded) is loaded
    known = Vocabulary(("<|im_start|>",)).extend(loaded)
    assert known.new_tokens == (loaded.tokenizer.convert_tokens_to_ids("<|im_start|>"),)  # its row is learned, and stays where it was
    assert known.model.get_input_embeddings().num_embeddings == len(loaded.tokenizer)


def rows(loaded: LoadedModel) -> Examples:
    texts = ["what? <|colour|>turquoise", "and? <|colour|>blue turquoise<|im_end|>", "turquoise<|colour|>"] * 4
    ids = [loaded.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    learned = [[False] + [True] * (len(row) - 1) for row in ids]
    return Examples.from_arrays(
        np.concatenate(ids), np.concatenate([[0], np.cumsum([len(row) for row in ids])]), learned=np.concatenate(learned)
    )


def plan(**changes: Any) -> Plan:
    return Plan(
        **{"learning_rate": 0.02, "num_train_epochs": 4.0, "train_batch_size": 6, "early_stopping": False, "precision": "float32"} | changes
    )  # type: ignore[arg-type]


@pytest.mark.parametrize("tied", [True, False])
def test_an_adapter_learns_the_rows_and_plain_peft_answers_the_same(tmp_path: Path, tied: bool) -> None:  # noqa: FBT001
    path = base(tmp_path / "base", tie_word_embeddings=tied)
    loaded = add_lora(NEW.extend(load_language(path)), r=4)
    examples, ids = rows(loaded), loaded.new_tokens
    before = loaded.model.get_input_embeddings()(torch.tensor(ids)).detach().clone()
    fit(loaded.model, {"train": examples}, plan(), objective=LanguageObjective("loss"))
    after = loaded.model.eval().get_input_embeddings()(torch.tensor(ids)).detach()
    assert (after - before).abs().max() > 1e-3
    save(loaded.model, loaded.tokenizer, tmp_path / "saved", base=loaded.identity)
    asked = torch.tensor([examples.ids(0).tolist()])
    wanted = loaded.model(asked).logits
    tokenizer = tf.AutoTokenizer.from_pretrained(tmp_path / "saved")
    plain = tf.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    plain.resize_token_embeddings(len(tokenizer))
    again = PeftModel.from_pretrained(plain, str(tmp_path / "saved")).eval()
    ours = load_trained(tmp_path / "saved")
    for other in (again, ours.model):
        assert torch.allclose(other(asked).logits, wanted, atol=1e-5)
    assert ours.tokenizer.get_vocab() == loaded.tokenizer.get_vocab()
    file = tmp_path / "saved" / "adapter_model.safetensors"
    assert file.stat().st_size < 0.5 * sum(f.stat().st_size for f in path.glob("*.safetensors"))  # rows, not whole tables
    auto = AutoPeftModelForCausalLM.from_pretrained(tmp_path / "saved", dtype=torch.float32) if tied else None
    assert auto is None or torch.allclose(auto.eval()(asked).logits, wanted, atol=1e-5)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("lora", [True, False])
def test_the_first_step_is_that_of_plain_torch(tmp_path: Path, tied: bool, lora: bool) -> None:  # noqa: FBT001
    """The gradient of added rows goes through embeddings and output layer, whether these are one table or two."""
    path = base(tmp_path / "base", tie_word_embeddings=tied)

    def begun() -> LoadedModel:
        grown = NEW.extend(load_language(path))
        return add_lora(grown, r=4) if lora else grown

    ours, theirs = begun(), begun().model
    examples = rows(ours)
    settings = {"max_steps": 1, "train_batch_size": len(examples), "weight_decay": 0.0, "max_grad_norm": 0.0, "warmup_steps": 0.0}
    fit(ours.model, {"train": examples}, plan(**settings, lr_scheduler_type="constant"), objective=LanguageObjective("loss"))
    theirs.eval()
    optimiser = torch.optim.AdamW(
        [p for p in theirs.parameters() if p.requires_grad], lr=0.02, betas=(0.9, 0.999), eps=1e-8, weight_decay=0
    )
    total, n = torch.zeros(()), 0
    for place in range(len(examples)):
        ids = torch.tensor(examples.ids(place).tolist())
        total = total + torch.nn.functional.cross_entropy(theirs(ids[None]).logits[0, :-1], ids[1:], reduction="sum")
        n += len(ids) - 1
    (total / n).backward()
    optimiser.step()
    wanted = {name: p for name, p in theirs.named_parameters() if p.requires_grad}
    assert any("trainable_tokens_delta" in name for name in wanted) is lora
    for name, p in ours.model.named_parameters():
        if name in wanted:
            moved = (p - wanted[name]).abs()
            assert float((moved > 2e-3).float().mean()) < 0.01, name  # Adam's first step is a sign: where a gradient is 0 it may be either
