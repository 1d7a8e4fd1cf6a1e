"""Embeddings: unit vectors that plain transformers makes too, from the cache where they are there, and the encoder that was asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import AutoModel

from goodfit.errors import ModelError
from goodfit.models.load import load_tokenizer
from goodfit.tasks import embeddings
from goodfit.tasks.embeddings import LEXICAL, MOST_TOKENS, LexicalEncoder, ModelEncoder, find_encoder
from tests import tiny

TEXTS = ["w1 w2 w3", "w4", "", "w1 w2 w3", "w5 w6 " * 100, "w7 w8 w9 w10"]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "cache"))


def _encoder(folder: Path, family: str = "bert") -> ModelEncoder:
    found, why = find_encoder("auto", str(tiny.folder(family, folder)), folder)
    assert isinstance(found, ModelEncoder)
    assert why == "the model that is to be trained"
    return found


def _plain(folder: Path, texts: list[str], prefix: str = "") -> np.ndarray:
    """Mean of the last hidden states over the tokens, text by text, with transformers alone."""
    model, tokenizer = AutoModel.from_pretrained(folder).eval(), load_tokenizer(folder)
    most = min(MOST_TOKENS, model.config.max_position_embeddings)
    out = []
    for text in texts:
        ids = tokenizer(prefix + text, truncation=True, max_length=most, return_tensors="pt")
        with torch.no_grad():
            out.append(model(**ids).last_hidden_state[0].mean(0).numpy())
    return np.stack(out)


def test_a_vector_is_the_mean_that_plain_transformers_gives(tmp_path: Path) -> None:
    vectors = _encoder(tmp_path / "m").encode(TEXTS)
    expected = _plain(tmp_path / "m", TEXTS)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=0.02)  # bfloat16 where the machine has it


def test_the_second_time_nothing_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "m"
    first = _encoder(folder).embed(pa.chunked_array([TEXTS[:2], TEXTS[2:]]))
    again = _encoder(folder)
    monkeypatch.setattr(again, "_encode", lambda texts: pytest.fail(f"computed {texts}"))
    np.testing.assert_array_equal(again.embed(pa.array(TEXTS[::-1])), first[::-1])
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=2e-3)


def test_only_what_is_new_is_computed_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "m"
    _encoder(folder).embed(pa.array(TEXTS[:2]))
    encoder, asked = _encoder(folder), []
    real = encoder._encode

    def heard(texts: list[str | None]) -> Any:
        asked.extend(texts)
        return real(texts)

    monkeypatch.setattr(encoder, "_encode", heard)
    encoder.embed(pa.array([*TEXTS, "w3 w3", "w3 w3", None]))
    assert sorted(map(str, asked)) == sorted(["", TEXTS[4], TEXTS[5], "w3 w3"])


def test_other_weights_have_other_vectors(tmp_path: Path) -> None:
    one, other = _encoder(tmp_path / "a"), _encoder(tmp_path / "b", "roberta")
    assert one.content != other.content
    assert not np.allclose(one.embed(pa.array(TEXTS)), other.embed(pa.array(TEXTS)), atol=0.01)


def test_a_family_s_words_stand_before_every_text(tmp_path: Path) -> None:
    folder = tmp_path / "my-e5-small"
    vectors = _encoder(folder).encode(["w1 w2", "w3"])
    expected = _plain(folder, ["w1 w2", "w3"], "query: ")
    np.testing.assert_allclose(vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=0.02)


def test_progress_is_told_with_what_is_left(tmp_path: Path) -> None:
    told: list[tuple[Any, ...]] = []
    _encoder(tmp_path / "m").embed(pa.array(TEXTS), lambda *said: told.append(said))
    assert told[-1][1:3] == (5, 5)  # one text stands twice
    assert told[-1][3].endswith("left")


def test_a_model_that_writes_is_not_taken_by_itself(tmp_path: Path) -> None:
    tiny.folder("llama", tmp_path / "writer")
    found, _ = find_encoder("auto", "writer", tmp_path)
    assert found.name != "writer"
    named, why = find_encoder("writer", "auto", tmp_path)
    assert (Path(named.name).name, why) == ("writer", "named in the recipe")
    assert np.isfinite(named.embed(pa.array(TEXTS))).all()


def test_without_an_encoder_words_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "installed_encoders", list)
    found, why = find_encoder("auto", "auto", tmp_path)
    assert (found.name, why) == (LEXICAL, "no encoder is installed")


def test_an_encoder_that_is_not_here_is_an_error_and_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not on this machine"):
        find_encoder("somebody/some-model", "auto", tmp_path)


def test_lexical_vectors_put_texts_of_the_same_words_together() -> None:
    rng = np.random.default_rng(0)
    topics = [["cat", "dog", "horse", "cow"], ["red", "blue", "green", "white"]]
    texts = [" ".join(rng.choice(topics[i % 2], 6)) for i in range(200)]
    vectors = LexicalEncoder().embed(pa.array(texts))
    similar = vectors @ vectors.T
    assert similar[::2, ::2].mean() > similar[::2, 1::2].mean() + 0.3
    np.testing.assert_array_equal(vectors, LexicalEncoder().embed(pa.array(texts)))


@pytest.mark.parametrize("texts", [[""], ["", ""], ["a"], ["!!!", "???"], ["same"] * 5])
def test_texts_without_anything_to_go_by_do_not_break_it(texts: list[str]) -> None:
    vectors = LexicalEncoder().embed(pa.array(texts, pa.string()))
    assert len(vectors) == len(texts)
    assert np.isfinite(vectors).all()
