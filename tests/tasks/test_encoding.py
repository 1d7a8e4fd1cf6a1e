"""The tokens are those of plain transformers; what is cut is counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import transformers as tf
from tokenizers import Tokenizer, models, pre_tokenizers

from goodfit.errors import SettingsError
from goodfit.tasks import encode
from goodfit.tasks import encoding as module
from tests import tiny

TEXTS = ["w1 w2 w3", "", "w4", "w5 " * 40, "unknown words w6", "[SEP] w1 [MASK]"]


def rows(encoded: Any) -> list[list[int]]:
    ends = np.cumsum(encoded.lengths)
    return [encoded.input_ids[end - n : end].tolist() for end, n in zip(ends, encoded.lengths, strict=True)]


@pytest.mark.parametrize("max_length", [4, 16, 60])
def test_equals_plain_transformers(max_length: int) -> None:
    tokenizer = tiny.tokenizer()
    encoded = encode(TEXTS, tokenizer, max_length)
    plain = tokenizer(TEXTS, truncation=True, max_length=max_length)["input_ids"]
    uncut = [len(ids) for ids in tokenizer(TEXTS)["input_ids"]]
    assert rows(encoded) == plain
    assert encoded.full_lengths.tolist() == uncut
    assert encoded.truncated.tolist() == [n > max_length for n in uncut]
    assert encoded.input_ids.dtype == np.int32


def test_leaves_the_tokenizer_as_it_was() -> None:
    tokenizer = tiny.tokenizer()
    encode(TEXTS, tokenizer, 4)
    assert [len(ids) for ids in tokenizer(["w1 " * 30])["input_ids"]] == [32]
    encode(TEXTS, tokenizer, 10)
    assert tokenizer.backend_tokenizer.truncation is None


def test_a_row_is_the_same_alone_and_in_a_batch() -> None:
    tokenizer = tiny.tokenizer()
    together = rows(encode(TEXTS, tokenizer, 12))
    assert together == [rows(encode([text], tokenizer, 12))[0] for text in TEXTS]


def test_no_rows() -> None:
    encoded = encode([], tiny.tokenizer(), 8)
    assert [len(part) for part in encoded] == [0, 0, 0, 0]


def test_no_room_for_the_text_is_refused() -> None:
    with pytest.raises(SettingsError, match="2 leaves no room: this tokenizer adds 2 special tokens") as caught:
        encode(["w1"], tiny.tokenizer(), 2)
    assert "prepare.max_length=3" in str(caught.value)


def test_a_huge_text_is_tried_by_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAD_CHARACTERS", 2_000)
    tokenizer, huge = tiny.tokenizer(), "w1 w2 " * 10_000
    encoded = encode([huge, "w3"], tokenizer, 10)
    assert rows(encoded)[0] == tokenizer(huge, truncation=True, max_length=10)["input_ids"]
    assert encoded.full_lengths[0] == pytest.approx(20_002, rel=0.01)
    # A head that gives too few tokens (one endless word) is not trusted: the whole is read.
    hidden = "x" * 5_000 + " w7" * 30
    assert rows(encode([hidden], tokenizer, 10))[0] == tokenizer(hidden, truncation=True, max_length=10)["input_ids"]


def test_a_decoder_gets_one_token_for_nothing() -> None:
    """A tokenizer without special tokens gives none for an empty text; a model needs one to look at."""
    inner = Tokenizer(models.WordLevel({"<s>": 0, "</s>": 1, "w": 2, "<unk>": 3}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = tf.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", unk_token="<unk>")
    assert rows(encode(["", "w w"], tokenizer, 4)) == [[1], [2, 2]]


def test_a_slow_tokenizer_gives_the_same() -> None:
    class Slow:
        is_fast = False

        def __init__(self) -> None:
            self._fast = tiny.tokenizer()

        def num_special_tokens_to_add(self, pair: bool) -> int:
            return 2

        def __call__(self, text: str, **settings: Any) -> Any:
            return self._fast(text, **settings)

    slow, fast = encode(TEXTS, Slow(), 6), encode(TEXTS, tiny.tokenizer(), 6)
    for a, b in zip(slow, fast, strict=True):
        np.testing.assert_array_equal(a, b)
