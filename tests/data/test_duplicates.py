"""The same text in other clothes, disagreeing labels, and texts that are none."""

from __future__ import annotations

import unicodedata
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data.duplicates import (
    conflicts,
    duplicate_groups,
    group_sizes,
    hash_strings,
    label_codes,
    no_text,
    repeats,
    text_keys,
)  # fmt: skip
from goodfit.data.normalise import normalise, normalise_text, without_case, without_ordinary

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def groups_of(texts: list[str | None]) -> list[int]:
    return duplicate_groups(text_keys(pa.array(texts, pa.string()))).tolist()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Where is my card?", "where is my card"),
        ("Where  is\tmy\ncard", "where is my card"),
        ("don't", "Don’t"),
        ("don't", "dont"),
        ("check-in (today)", "check in today"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full width"),
        ("caf\u00e9", "cafe\u0301"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\u00a0b", "a b"),
        ("ﬁne", "fine"),
        ("great ❤️", "great ❤"),
        ("GRÖSSE", "größe".replace("ß", "ss")),
    ],
)
def test_the_same_after_normalisation(a: str, b: str) -> None:
    assert normalise_text(a) == normalise_text(b)
    assert groups_of([a, b]) == [0, 0]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("C++", "C"),
        ("$5", "5"),
        ("great 😀", "great 😡"),
        ("1.5", "15"),
        ("not bad", "bad"),
        ("😀", "😡"),
        ("!!!", "???"),
        ("...", ".."),
        ("日本", "日"),
    ],
)
def test_what_stays_apart(a: str, b: str) -> None:
    assert groups_of([a, b]) == [0, 1]


def test_texts_of_punctuation_only_are_the_same_only_when_equal() -> None:
    assert groups_of(["!!!", "???", "!!!", "😀!", "😀"]) == [0, 1, 0, 3, 3]


def test_texts_that_are_none_belong_to_no_group() -> None:
    assert groups_of([None, "", " ", None, "\u200b", "", "a", "A."]) == [0, 1, 2, 3, 4, 5, 6, 6]


@settings(max_examples=300)
@given(TEXT)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise_text(text)
    assert normalise_text(once) == once
    assert once == once.strip()
    assert "  " not in once
    assert not any(unicodedata.category(c).startswith(("P", "Cf")) for c in once)


@settings(max_examples=100)
@given(st.lists(st.none() | st.sampled_from(["a", "A", "a!", "b", "", "!", "?", " ", "b b", "B  b"]), max_size=30))
def test_groups_are_those_of_a_dictionary(texts: list[str | None]) -> None:
    first: dict[str, int] = {}
    expected = []
    for i, text in enumerate(texts):
        if text is None or not text.strip():
            expected.append(i)
        else:
            expected.append(first.setdefault(normalise_text(text) or "\0" + text, i))
    assert groups_of(texts) == expected


def test_sizes_and_repeats() -> None:
    groups = np.array(groups_of(["a", "b", "A", "a.", "c"]))
    assert group_sizes(groups).tolist() == [3, 1, 3, 3, 1]
    assert repeats(groups).tolist() == [False, False, True, True, False]
    empty = duplicate_groups(text_keys(pa.chunked_array([], pa.string())))
    assert len(empty) == len(group_sizes(empty)) == len(repeats(empty)) == 0


@settings(max_examples=100)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["x", "y", None])), max_size=25))
def test_conflicts_are_those_of_a_dictionary(rows: list[tuple[str, str | None]]) -> None:
    seen = defaultdict(set)
    for text, label in rows:
        if label is not None:
            seen[text].add(label)
    expected = [label is not None and len(seen[text]) > 1 for text, label in rows]
    groups = duplicate_groups(text_keys(pa.array([text for text, _ in rows], pa.string())))
    assert conflicts(groups, pa.array([label for _, label in rows], pa.string())).tolist() == expected


def test_sets_of_labels_conflict_only_when_the_sets_differ() -> None:
    labels = pa.chunked_array([[["x", "y"], ["y", "x"]], [["x"], [], None]], pa.list_(pa.string()))
    assert len(set(label_codes(labels)[:2])) == 1
    assert label_codes(labels)[4] == -1
    assert conflicts(np.zeros(5, np.int64), labels).tolist() == [True, True, True, True, False]
    assert not conflicts(np.array([0, 0, 2, 3, 4]), labels).any()


def test_keys_do_not_depend_on_how_the_column_is_cut() -> None:
    texts = [f"text {i % 7}" for i in range(50)] + [None, "", "!"]
    whole = pa.array(texts, pa.string())
    pieces = pa.chunked_array([whole.slice(0, 3), whole.slice(3, 0), whole.slice(3, 30), whole.slice(33)])
    assert (text_keys(whole) == text_keys(pieces)).all()
    assert (hash_strings(whole.slice(5, 20)) == hash_strings(whole)[5:25]).all()
    assert (hash_strings(pa.array([None, None], pa.string())) == 0).all()


def test_what_is_no_text() -> None:
    texts = [
        None,
        "",
        "  \n\t",
        "\u200b\u00a0",
        "fine",
        "\ufffd\ufffd\ufffda",
        "caf\ufffd au lait, please",
        "\x00\x01\x02",
        "\ue000\ue001",
        "?",
        "😀",
        "a\tb\r\n",
    ]
    found = no_text(pa.array(texts, pa.string()))
    names = ["missing", "empty", "whitespace", "whitespace", "", "unreadable", "", "unreadable", "unreadable", "", "", ""]
    for name in ("missing", "empty", "whitespace", "unreadable"):
        assert getattr(found, name).tolist() == [n == name for n in names], name
    assert found.any.tolist() == [bool(n) for n in names]


def test_progress_ends_at_the_number_of_rows() -> None:
    calls: list[tuple[int, int | None, str]] = []
    text_keys(pa.array(["a"] * 10), on_progress=lambda *call: calls.append(call))
    assert calls[-1] == (10, 10, "comparing texts")


def test_normalise_keeps_nulls_and_form() -> None:
    assert normalise(pa.chunked_array([["A", None], ["B!"]])).to_pylist() == ["a", None, "b"]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("great :)", "great :("), (":)", ":("), ("it is ;)", "it is ;("), ("see D:", "see D"), ("привет)", "привет("), ("great.:)", "great.:("),
        ("5", "-5"), ("it is -5 outside", "it is 5 outside"), ("3/6", "3*6"), ("3-6", "3+6"), ("1.5", "15"), ("12:30", "1230"), ("(5)", "5"),
        ("really?", "really!"), ("really?", "really"), ("5'", '5"'), ("C++", "C"), ("$5", "5"), ("50%", "50"),
    ],
)  # fmt: skip
def test_what_carries_the_meaning_keeps_texts_apart(a: str, b: str) -> None:
    assert len(set(without_ordinary(pa.array([a, b])).to_pylist())) == 2


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Hello, World.", "hello world"), ('"hi" there', "hi there"), ("don't", "Dont"), ("check-in now", "check in now"), ("well - ok", "well ok"),
        ("a (nice) day...", "a nice day"), ("Note: x", "note x"), ("well-to-do a-b-c", "well to do a b c"), ("你好。", "你好"), ("end 5.", "end 5"),
        ("wow, :D", "wow :D"),
    ],
)  # fmt: skip
def test_ordinary_punctuation_does_not_keep_texts_apart(a: str, b: str) -> None:
    assert len(set(without_ordinary(pa.array([a, b])).to_pylist())) == 1
    assert len(set(without_case(pa.array([a, b])).to_pylist())) == 2


def test_case_spaces_and_invisible_characters_alone() -> None:
    texts = pa.array(["Where  is\tIT", " where is it", "where\u200b is it", "caf\u00e9", "CAFE\u0301", None])
    assert without_case(texts).to_pylist() == ["where is it"] * 3 + ["caf\u00e9"] * 2 + [None]


@settings(max_examples=100, deadline=None)
@given(TEXT, st.sampled_from([without_case, without_ordinary]))
def test_the_narrow_forms_are_stable(text: str, form: object) -> None:
    once = form(pa.array([text]))  # type: ignore[operator]
    assert without_case(once).to_pylist() == once.to_pylist()
