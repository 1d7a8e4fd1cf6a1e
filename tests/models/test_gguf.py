"""A GGUF file is a base model like any other: converted once, the same numbers, found by path, by folder and in a package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
import transformers as tf

from goodfit.errors import ModelError
from goodfit.models import gguf as ours
from goodfit.models import packaged
from goodfit.models.identity import identify
from goodfit.models.load import load, load_tokenizer
from goodfit.models.source import resolve

TOKENS = ["<unk>", "<s>", "</s>", *(chr(c) for c in range(97, 123)), "Ġ", "th", "the", "Ġthe"]
MERGES = ["t h", "th e", "Ġ the"]


def _permuted(weights: torch.Tensor, heads: int) -> np.ndarray[Any, Any]:
    """Llama's query and key rows in llama.cpp's order (halves interleaved)."""
    shape = weights.shape
    return weights.reshape(heads, 2, shape[0] // heads // 2, *shape[1:]).swapaxes(1, 2).reshape(shape).numpy()


@pytest.fixture(scope="module")
def llama() -> Any:
    torch.manual_seed(0)
    config = tf.LlamaConfig(
        vocab_size=len(TOKENS), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=128, rms_norm_eps=1e-5, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    model = tf.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.normal_(1.0 if p.ndim == 1 else 0.0, 0.2)
    return model


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, llama: Any) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "Tiny-Llama.F32.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    c = llama.config
    for add, value in (
        (writer.add_block_count, 2), (writer.add_context_length, 128), (writer.add_embedding_length, 32), (writer.add_feed_forward_length, 64),
        (writer.add_head_count, 4), (writer.add_head_count_kv, 2), (writer.add_layer_norm_rms_eps, c.rms_norm_eps),
        (writer.add_rope_dimension_count, 8), (writer.add_vocab_size, len(TOKENS)), (writer.add_rope_freq_base, 10000.0),
        (writer.add_bos_token_id, 1), (writer.add_eos_token_id, 2), (writer.add_unk_token_id, 0),
    ):  # fmt: skip
        add(value)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(TOKENS)
    writer.add_token_merges(MERGES)
    writer.add_token_types([3, 3, 3] + [1] * (len(TOKENS) - 3))
    writer.add_chat_template("{% for m in messages %}{{ m.content }}</s>{% endfor %}")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
    for name, weights in llama.state_dict().items():
        stem, _, ending = name.rpartition(".")
        array = weights.numpy()
        if stem.endswith("q_proj"):
            array = _permuted(weights, 4)
        elif stem.endswith("k_proj"):
            array = _permuted(weights, 2)
        writer.add_tensor(f"{names.get_name(stem)}.{ending}", np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_folder_holds_the_same_model_and_tokenizer(file: Path, llama: Any) -> None:
    found = resolve(file)
    assert found.kind == "file"
    assert found.path.parent.name == "models"
    again = tf.AutoModelForCausalLM.from_pretrained(found.path, local_files_only=True).eval()
    ids = torch.tensor([[1, 5, 9, 20, 30, 2]])
    with torch.no_grad():
        assert torch.allclose(again(ids).logits, llama(ids).logits, atol=1e-5)
    tokenizer = load_tokenizer(found)
    assert tokenizer.tokenize("to the") == ["t", "o", "Ġthe"]
    assert tokenizer.eos_token == "</s>"
    assert "</s>" in tokenizer.chat_template
    assert not getattr(again, "is_quantized", False)


def test_it_is_converted_once_and_again_when_the_cache_was_emptied(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    write = ours._write
    monkeypatch.setattr(ours, "_write", lambda *a: (calls.append(1), write(*a)))
    folder = resolve(file).path
    first = identify(file).content
    assert not calls or folder.is_dir()
    before = len(calls)
    resolve(file)
    assert len(calls) == before
    (folder / "model.safetensors").unlink()
    assert resolve(file).path == folder
    assert len(calls) == before + 1
    assert identify(file).content == first
    assert not list(folder.parent.glob("converting-*"))


def test_it_is_a_base_model_for_a_classifier(file: Path) -> None:
    loaded = load(file, labels=["a", "b", "c"])
    assert type(loaded.model).__name__ == "LlamaForSequenceClassification"
    assert loaded.identity.max_length == 128
    assert loaded.identity.causal


def test_a_folder_with_one_file_is_that_file_and_with_two_a_question(tmp_path: Path, file: Path) -> None:
    (tmp_path / file.name).write_bytes(file.read_bytes())
    assert resolve(tmp_path).path == resolve(file).path
    (tmp_path / "other.Q4_0.gguf").write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="2 GGUF files") as raised:
        resolve(tmp_path)
    assert "other.Q4_0.gguf" in str(raised.value.fix)


@pytest.mark.parametrize(("content", "said"), [(b"hello", "not a GGUF file"), (b"GGUF\x03\x00\x00\x00broken", "cannot be read")])
def test_a_file_that_is_none(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=said):
        resolve(path)


def test_a_part_of_several_is_refused(tmp_path: Path, file: Path) -> None:
    path = tmp_path / "m-00001-of-00002.gguf"
    path.write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="one part"):
        resolve(path)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("A-1B.Q4_K_M.gguf", "A-1B"), ("a-q4-k-m.gguf", "a-q4-k-m"), ("B-f16.gguf", "B"), ("C.IQ3_XS.gguf", "C"), ("D-v2.gguf", "D-v2")],
)
def test_names_without_the_quantisation(name: str, plain: str) -> None:
    assert packaged.plain_name(Path(name)) == plain
