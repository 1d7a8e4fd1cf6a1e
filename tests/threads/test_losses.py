"""Group 1.4, losses that are wrong, zero or not a number: through `goodfit train` and its events.

UN = unslothai/unsloth, AX = axolotl, LF = LLaMA-Factory. The same per family and to 1e-6: tests/engine/test_fit.py and test_tier.py; against
another trainer: tests/engine/test_trl.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as tf
from safetensors.torch import load_file, save_file

from goodfit.files import read_jsonl
from goodfit.tasks.language import LanguageObjective
from tests import made, tiny
from tests.threads.making import SHORT, Answered, answer, ask, assistant, chat, user, with_bad


def events(out: Answered, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_jsonl(out.run / "train" / "events.jsonl") if line["event"] == kind]


def losses(out: Answered) -> list[float]:
    assert out.document["error"] is None, out.document["error"]
    return [float(line["loss"]) for line in events(out, "step")]


UNEVEN = [chat(user(f"{i}"), assistant("y" * (1 + 7 * (i % 5)))) for i in range(48)]
"""Answers of very different lengths: where a mean of means is far from the mean."""


def test_transformers_34191_accumulated_is_the_whole_batch(tmp_path: Path) -> None:
    """Accumulation averaged per micro-batch, in every trainer built on it (#35438, #37766, #38448, ms-swift#2263, trl#4104, UN#3527, #4725)."""
    whole, parts, packed = (
        losses(answer(tmp_path / name, "train", content=UNEVEN, train=SHORT | settings))
        for name, settings in {
            "whole": {"per_device_train_batch_size": 8},
            "parts": {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4},
            "packed": {"per_device_train_batch_size": 8, "batch_tokens": 96},
        }.items()
    )
    assert len(whole) >= 4
    assert parts == pytest.approx(whole, rel=1e-5)
    assert packed == pytest.approx(whole, rel=1e-5)


def linear_attention(folder: Path) -> None:
    """A tiny Qwen3.5: every other layer is a recurrence, which no mask of attention keeps within a row."""
    tokenizer = tiny.byte_tokenizer()
    config = tf.Qwen3_5TextConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8,
        intermediate_size=64, max_position_embeddings=256, bos_token_id=None, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, linear_num_value_heads=4, linear_num_key_heads=2, linear_key_head_dim=8,
        linear_value_head_dim=8, layer_types=["linear_attention", "full_attention"], tie_word_embeddings=True,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tf.AutoModelForCausalLM.from_config(config).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")


def test_ax_3453_packing_on_an_architecture_that_leaks_is_not_done(tmp_path: Path) -> None:
    """Packed rows of Qwen3.5 (linear attention) trained to loss 0 and perplexity 1, silently: rows saw each other."""
    linear_attention(tmp_path)
    out = answer(tmp_path, "train", content=made.chats(40))
    assert out.document["error"] is None
    (start,) = events(out, "start")
    assert start["tier"] == "padded"
    assert "packed: differs by" in start["tier_reason"]
    assert start["tier_max_difference"] < 1e-5
    assert min(losses(out)) > 1, "a model that learned nothing yet has no loss near 0"


def test_lf_2916_a_loss_that_is_no_number_stops_the_run_and_names_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loss 0, gradient nan, and the advice "try another model" (also LF#7263, #5627, #4850, #9462, #8088: an attention kernel).

    A kernel that gives NaN is not at hand on every machine: here the loss itself does, from its third time on.
    """
    real, times = LanguageObjective.loss, []

    def broken(self: LanguageObjective, *args: Any) -> torch.Tensor:
        times.append(1)
        return real(self, *args) * (torch.nan if len(times) > 2 else 1.0)

    monkeypatch.setattr(LanguageObjective, "loss", broken)
    out = answer(tmp_path, "run")
    assert (out.code, out.error["code"]) == (1, "Diverged")
    (bad,) = [line for line in read_jsonl(out.run / "train" / "events.jsonl") if line.get("nonfinite")]
    assert bad["loss"] is None
    assert bad["rows"]
    assert not (out.run / "train" / "model").exists(), "weights that are no numbers are never written"


def test_lf_2916_a_model_whose_files_hold_nan_is_refused(tmp_path: Path) -> None:
    """One cause of those threads: the weights were broken before the first step."""
    made.writing(tmp_path, train=SHORT)
    path = tmp_path / "model" / "model.safetensors"
    weights = load_file(path)
    name = next(iter(weights))
    weights[name][0] = torch.nan
    save_file(weights, path, metadata={"format": "pt"})
    out = ask(tmp_path, "train")
    assert (out.code, out.error["code"]) == (2, "ModelError")
    assert "numbers that are not finite" in out.said


def test_trl_1173_half_precision_without_its_hardware_is_a_message(tmp_path: Path) -> None:
    """23,000 steps in fp16 on a V100, then 0.0: here precision is float32 or bfloat16, and the run says which and why."""
    out = answer(tmp_path / "asked", train=SHORT | {"precision": "float16"})
    assert out.code == 2
    assert "train.precision" in out.said
    chosen = answer(tmp_path / "auto", "train", train=SHORT | {"precision": "auto"})
    (start,) = events(chosen, "start")
    assert start["dtype"] in ("float32", "bfloat16")
    assert start["dtype_reason"]


def test_un_2933_what_a_run_was_made_with_is_written_down(tmp_path: Path) -> None:
    """Same code and data, a new version, "always overfits" (also UN#2957): which versions, nobody knew. The same ones give the same bits."""
    first, second = (answer(tmp_path / name, "train", content=made.chats(40)) for name in ("first", "second"))
    versions = first.json("run.json")["versions"]
    assert {"torch", "transformers", "tokenizers", "goodfit"} <= set(versions) | {"goodfit"}
    assert json.dumps(losses(first)) == json.dumps(losses(second))


def test_a_loss_of_zero_because_nothing_is_learned(tmp_path: Path) -> None:
    """One more cause of a loss of 0 (LF#5627): nothing of a row is learned. It is said before there is a step."""
    out = answer(tmp_path, "run", content=with_bad(chat(user("a"), assistant("b", train=False))))
    assert (out.code, out.document["status"]) == (1, "stopped")
    assert out.open("PRE002")["where"]["line"] == 61
    assert not (out.run / "train").exists()
