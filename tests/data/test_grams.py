"""Texts found inside others: word 8-grams, frames, dense scripts, and what is too short for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data.grams import FEWEST, WIDTH, Sought, grams
from tests.data.test_near import sentences

WORDS = [f"word{i}" for i in range(40)]


def contained(texts: list[str], rows: list[str], cut: int = 3) -> list[tuple[int, int, float]]:
    batches = [pa.array(rows[i : i + cut], pa.string()) for i in range(0, len(rows), cut)]
    found = Sought(pa.array(texts, pa.string())).within(batches)
    return list(zip(found.texts.tolist(), found.rows.tolist(), np.round(found.share, 6).tolist()))


def pieces(text: str) -> set[tuple[str, ...]]:
    words = text.split()
    return {tuple(words[i : i + WIDTH]) for i in range(len(words) - WIDTH + 1)}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=30), min_size=1, max_size=8))
def test_grams_are_the_runs_of_eight_words(texts: list[list[str]]) -> None:
    joined = [" ".join(words) for words in texts]
    found = grams(pa.array(joined, pa.string()))
    assert np.bincount(found.rows, minlength=len(texts)).tolist() == [len(pieces(text)) for text in joined]
    assert len(np.unique(found.hashes)) == len(set().union(*(pieces(text) for text in joined)))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(20, 40), st.integers(0, 60))
def test_containment_is_that_of_sets(seed: int, words: int, around: int) -> None:
    rng = np.random.default_rng(seed)
    text = " ".join(rng.choice(WORDS, size=words))
    cut = int(rng.integers(words))
    row = " ".join([*rng.choice(WORDS, size=around), *text.split()[cut:], *rng.choice(WORDS, size=around)])
    share = len(pieces(text) & pieces(row)) / len(pieces(text))
    found = contained([text], [row])
    if len(pieces(text)) >= FEWEST and share >= 0.5:
        assert found == [(0, 0, pytest.approx(share, abs=1e-5))]
    else:
        assert found == []


def test_a_benchmark_row_inside_a_long_document_is_found_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    documents = [" ".join(sentences(rng, 20, (15, 30))) for _ in range(40)]
    asked = sentences(rng, 30, (25, 40))
    documents[7] += " " + asked[3].upper().replace(" ", ", ")
    documents[9] = asked[5]
    assert contained(asked, documents) == [(3, 7, 1.0), (5, 9, 1.0)]


def test_a_frame_that_all_benchmark_rows_share_does_not_count() -> None:
    rng = np.random.default_rng(0)
    frame = "answer the following question with one of the choices that are given below and explain why you chose it"
    asked = [f"{frame} {text}" for text in sentences(rng, 40, (22, 30))]
    rows = [f"{frame} {text}" for text in sentences(rng, 40, (22, 30))]
    assert contained(asked, rows) == []
    assert contained(asked, [*rows, asked[2]]) == [(2, 40, 1.0)]


def test_dense_scripts_are_read_by_character() -> None:
    text = "我们明天上午九点在公司门口集合然后一起坐车去郊外的农场参观并且学习怎样种植蔬菜"
    assert contained([text], ["你好" + text + "再见", "今天天气很好我们去公园散步吧朋友们都来了大家一起唱歌跳舞非常开心"]) == [(0, 0, 1.0)]


def test_short_missing_and_empty_texts_are_never_found() -> None:
    assert contained(["two words", "", "..."], ["two words", "", "..."]) == []
    assert contained([], ["a"]) == []
    assert contained(["a b c"], []) == []
