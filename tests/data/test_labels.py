"""Labels: counted, ordered, compared, and taken out of cells."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.data.labels import (
    LIST,
    detect_separator,
    label_order,
    one_slip,
    parse_labels,
    similar_labels,
    vocabulary,
)  # fmt: skip

BANKING = ["card_arrival", "card_linking", "top_up_failed", "top_up_reverted", "pending_top_up", "pending_transfer", "transfer_timing"]


def test_a_vocabulary_counts_and_orders() -> None:
    found = vocabulary(pa.chunked_array([["b", "a", None], ["b"]], pa.string()))
    assert (dict(found.counts), found.names, found.missing, found.rows, found.multi_label) == ({"a": 1, "b": 2}, ("a", "b"), 1, 4, False)
    lists = vocabulary(pa.array([["b", "a"], ["a", "a"], [], None]))
    assert (dict(lists.counts), lists.missing, lists.multi_label) == ({"a": 2, "b": 1}, 1, True)
    assert vocabulary(pa.chunked_array([], pa.string())).names == ()


def test_numbers_are_ordered_as_numbers() -> None:
    assert label_order(["10", "2", "-1", "1"]) == ["-1", "1", "2", "10"]
    assert label_order(["10", "2", "b"]) == ["10", "2", "b"]
    assert label_order(["Ä", "b", "A"]) == ["A", "b", "Ä"]


@pytest.mark.parametrize(
    ("rare", "common", "how"),
    [
        ("Billing", "billing", "case"),
        (" billing", "billing", "spaces"),
        ("card arrival", "cardarrival", "spaces"),
        ("card_arrival", "card arrival", "punctuation"),
        ("Card-Arrival", "card arrival", "punctuation"),
        ("biling", "billing", "typo"),
        ("billling", "billing", "typo"),
        ("biliing", "billing", "typo"),
        ("bililng", "billing", "typo"),
        ("Bilingual supprt", "bilingual support", "typo"),
    ],
)
def test_labels_that_are_probably_one(rare: str, common: str, how: str) -> None:
    found = similar_labels({rare: 2, common: 200, "other": 50})
    assert [(pair.rare, pair.common, pair.how, pair.rows) for pair in found] == [(rare, common, how, 2)]


@pytest.mark.parametrize(
    "counts",
    [
        {"typical": 90, "atypical": 100},
        {"class1": 1, "class2": 100},
        {"cat": 1, "bat": 100},
        {"grade_10": 2, "grade_11": 300},
        {"positive": 50, "negative": 50, "neutral": 50},
        dict.fromkeys(BANKING, 100),
        {"safe": 10, "unsafe": 100},
        {"C": 5, "C++": 100},
        {"C": 5, "C#": 100},
        {"-1": 50, "1": 40},
        {"v1.0": 2, "v10": 100},
        {"inf": 5, "-inf": 9},
        {"1.5": 5, "1,5": 100},
        {"positive+": 2, "positive": 100},
        {"-positive": 2, "positive": 100},
        {"-": 1, "+": 5},
    ],
)
def test_labels_that_are_two(counts: dict[str, int]) -> None:
    assert similar_labels(counts) == []


def test_the_rarer_of_two_is_named_first_and_the_worst_stands_on_top() -> None:
    found = similar_labels({"spam": 100, "Spam": 30, "SPAM": 1, "hamster": 500, "hamsterr": 3})
    assert [(pair.rare, pair.common, pair.rows) for pair in found] == [
        ("Spam", "spam", 30),
        ("hamsterr", "hamster", 3),
        ("SPAM", "spam", 1),
    ]


@given(st.text(max_size=8), st.text(max_size=8))
def test_one_slip_is_symmetric_and_never_of_equals(a: str, b: str) -> None:
    assert one_slip(a, b) == one_slip(b, a)
    assert not one_slip(a, a)


@given(
    st.text(alphabet="abcde", min_size=1, max_size=8),
    st.integers(0, 7),
    st.sampled_from("xyz"),
    st.sampled_from(["insert", "delete", "change", "swap"]),
)
def test_every_single_slip_is_one(word: str, place: int, letter: str, kind: str) -> None:
    i = place % len(word)
    other = {
        "insert": word[:i] + letter + word[i:],
        "delete": word[:i] + word[i + 1 :],
        "change": word[:i] + letter + word[i + 1 :],
        "swap": word[:i] + word[i : i + 2][::-1] + word[i + 2 :],
    }[kind]
    assert one_slip(word, other) == (word != other)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["a|b", "a", "b", "b|c", None, ""], "|"),
        (["a;b", "a;c", "b;c", "a"], ";"),
        (["a, b", "a", "b, c, a", "c"], ","),
        (['["a", "b"]', "[]", '["c"]'], LIST),
        (["['a']", "['b', 'a']"], LIST),
        ([["a"], ["b", "a"], None], LIST),
        (["a", "b", "c"], None),
        (["Arts, music", "Sports", "News, local"], None),
        (["Sorry, no", "Thanks, yes", "ok"], None),
        ([], None),
        ([1, 2, 3], None),
    ],
)
def test_the_separator_is_found(cells: list[object], expected: str | None) -> None:
    assert detect_separator(cells) == expected


def test_where_the_task_is_multi_label_any_separator_will_do() -> None:
    cells = ["a|b", "c", "d"]
    assert detect_separator(cells) is None
    assert detect_separator(cells, multi_label=True) == "|"
    assert detect_separator(["a", "b"], multi_label=True) is None


@pytest.mark.parametrize(
    ("cell", "separator", "names"),
    [
        ("a|b| a ||", "|", ["a", "b"]),
        ("a|b", "", ["a|b"]),
        ('["a", "b c"]', LIST, ["a", "b c"]),
        ("['a', 'b c']", LIST, ["a", "b c"]),
        ("[a, b c]", LIST, ["a", "b c"]),
        ("[1, 2.5, null]", LIST, ["1", "2.5"]),
        ("[]", LIST, []),
        (" [] ", "|", []),
        ("[]", "", []),
    ],
)
def test_cells_are_parsed(cell: str, separator: str, names: list[str]) -> None:
    assert parse_labels(cell, separator) == names


@pytest.mark.parametrize("cell", ["a, b", "[[1], 2]", '[{"a": 1}]', "__import__('os')"])
def test_cells_that_are_no_lists(cell: str) -> None:
    with pytest.raises(ValueError, match="it is not a"):
        parse_labels(cell, LIST)


@pytest.mark.parametrize("names", [["--5", "1", "2"], ["-", "1"], ["1-", "2"], ["5" * 5000, "1"], ["²", "1"]])
def test_names_that_only_look_like_numbers_are_ordered_as_text(names: list[str]) -> None:
    assert label_order(names) == sorted(names)
