"""A text template over columns: strict, and nothing but text."""

from __future__ import annotations

import pytest

from goodfit.data.conversations import PromptTemplate
from goodfit.errors import SettingsError

COLUMNS = ["question", "context", "a.b", "x!r", "__class__"]


def filled(text: str, **values: str | None) -> str:
    return PromptTemplate.parse(text, COLUMNS).fill(values)


def test_filling() -> None:
    assert filled("Question: {question}\nContext: {context}", question="Why?", context="Rome") == "Question: Why?\nContext: Rome"
    assert filled("{question}{question}", question="x") == "xx"
    assert filled("{question}: {context}", question="x", context=None) == "x: "
    assert PromptTemplate.parse("{context} {question} {context}", COLUMNS).columns == ("context", "question")


def test_braces_of_the_text_are_doubled() -> None:
    assert filled('{{"q": "{question}"}}', question="x") == '{"q": "x"}'
    assert filled("{{{question}}}", question="x") == "{x}"


def test_values_are_text() -> None:
    """Neither braces nor format specifications in data or names are interpreted."""
    assert filled("{question}", question="{context} {0} %s {{}}") == "{context} {0} %s {{}}"
    assert PromptTemplate.parse("{a.b}|{x!r}|{__class__}", COLUMNS).fill({"a.b": "1", "x!r": "2", "__class__": "3"}) == "1|2|3"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{qestion}", r"did you mean \{question\}"),
        ("{ question }", r"did you mean \{question\}"),
        ("{question.__class__}", "names the column"),
        ("{question!r}", "names the column"),
        ("{question:>10}", "names the column"),
        ("{}", "empty braces"),
        ("{question", "a single '{'"),
        ("question}", "a single '}'"),
        ("{{question}}", "names no column"),
        ("", "names no column"),
    ],
)
def test_what_is_refused(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        PromptTemplate.parse(text, COLUMNS)
    assert caught.value.place.key == "task.template"
    assert caught.value.fix
