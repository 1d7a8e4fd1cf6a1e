"""Texts made safe to read, numbers made easy to read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.facts import homeless
from goodfit.stages.report.text import TEXT_SHOWN, clean, label, mask, name, shown, visible


def test_controls_are_spelled_out() -> None:
    assert visible("a\u202egnp.exe\u0000\u200b\ufeff\u2066") == "a⟨U+202E⟩gnp.exe⟨U+0000⟩⟨U+200B⟩⟨U+FEFF⟩⟨U+2066⟩"
    assert visible("\U000e0041\u3164\u00ad") == "⟨U+E0041⟩⟨U+3164⟩⟨U+00AD⟩"


def test_what_people_write_stays() -> None:
    for text in ("café naïve", "日本語、です。", "می‌خواهم", "👩‍👩‍👧 ❤️", "नमस्ते", "a b"):
        assert visible(text) == text
    assert visible("a\tb\r\nc\u2028d") == "a b\nc\nd"


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    left = [c for c in visible(text) if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") and c not in "\n\u200c\u200d"]
    assert left == []


@given(st.text())
def test_masking_keeps_the_shape_and_no_letter_or_digit(text: str) -> None:
    masked = mask(text)
    assert {c for c in masked if unicodedata.category(c)[0] in "LN"} <= {"x", "X", "0"}
    assert len(masked) == sum(unicodedata.category(c)[0] != "M" for c in text)
    assert [c for c in masked if c.isspace()] == [c for c in text if c.isspace()]


def test_masking() -> None:
    assert mask("Anna owes £20.50, ĉu ne?") == "Xxxx xxxx £00.00, xx xx?"
    assert mask("नमस्ते 東京 Ⅷ ٣") == "xxxx xx 0 0"


def test_long_rows_are_cut_before_anything_else() -> None:
    cut = shown("word " * 10_000_000, "masked")
    assert cut is not None
    assert len(cut) == TEXT_SHOWN
    assert cut.endswith("…")
    assert shown(None, "full") is None
    assert shown("x", "none") is None


def test_names_stay_on_one_line() -> None:
    assert name("a\n b\t\tc") == "a b c"
    assert len(name("y" * 1000)) == 120


def test_clean() -> None:
    assert clean({"a": [float("nan"), float("inf"), 1.5, None], "\ud800b": "x\udfff"}) == {"a": [None, None, 1.5, None], "?b": "x?"}


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (Score(name="accuracy", value=0.8421, low=0.815, high=0.867, n=9), "84.2% [81.5, 86.7]"),
        (Score(name="log_loss", value=0.5, low=0.4, high=0.6, n=9, unit="nats"), "0.500 [0.400, 0.600]"),
        (Score(name="mcc", value=-0.25, n=9, unit="ratio"), "−0.250 (no interval)"),
        (Score(name="x", value=1234.0, n=9, unit="count"), "1,234"),
        (Score(name="x", value=2.5, low=1.0, high=4.0, n=9, unit="points"), "2.5 points [1.0, 4.0]"),
        (Score(name="roc_auc", n=9, why_absent="one class only"), "not scored: one class only"),
    ],
)
def test_scores_in_words(score: Score, text: str) -> None:
    assert words.score(score) == text


def test_differences_of_shares_are_points() -> None:
    gap = Score(name="d", value=-0.041, low=-0.06, high=0.022, n=9)
    assert words.difference(gap) == "−4.1 points [−6.0, 2.2]"
    assert words.difference(gap.model_copy(update={"unit": "nats"})) == "−0.041 [−0.060, 0.022]"


def test_a_difference_without_its_direction() -> None:
    worse = Score(name="d", value=-0.041, low=-0.06, high=-0.022, n=9)
    assert words.difference(words.size_of(worse), sign=False) == "4.1 points [2.2, 6.0]"
    assert words.difference(Score(name="d", value=0.0, low=-0.01, high=0.01, n=9)) == "0.0 points [−1.0, 1.0]"


def test_sentences_begin_with_a_capital() -> None:
    assert words.sentence("labels are wrong") == "Labels are wrong"
    assert words.sentence("macro_f1 is low") == "macro_f1 is low"
    assert words.sentence("41 texts") == "41 texts"
    assert words.sentence("") == ""


def test_small_words() -> None:
    assert words.sides("model vs tfidf on macro_f1") == ("model", "tfidf", "macro_f1")
    assert words.sides("is it raining") is None
    assert words.listing(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert words.reasons({"missing_label": 3, "duplicate": 41, "leak": 0}) == "41 duplicate and 3 missing label"
    assert words.count(1, "class", "classes") == "1 class"
    assert words.metric("my_own_metric") == "my own metric"
    assert words.day("2026-05-01T08:59:40Z") == "2026-05-01 08:59 UTC"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("cannot read /home/anna/data/t.csv: gone", "cannot read t.csv: gone"),
        (r"cannot read C:\Users\anna\t.csv", "cannot read t.csv"),
        ("see https://example.com/a/b and 3/4 of a/b", "see https://example.com/a/b and 3/4 of a/b"),
        ("~/secret/place is full", "place is full"),
    ],
)
def test_folders_of_the_machine_are_left_out(text: str, left: str) -> None:
    assert homeless(text) == left


@pytest.mark.parametrize(
    ("raw", "seen"),
    [("a b", "a b"), ("a ", "'a␣'"), (" a", "'␣a'"), ("a  b", "'a␣␣b'"), ("a\u00a0b", "'a␣b'"), ("", ""), ("a\u202eb", "a⟨U+202E⟩b")],
)
def test_spaces_of_labels_are_seen(raw: str, seen: str) -> None:
    assert label(raw) == seen
    assert len(label(raw + " " * 300)) <= 120
