"""The YAML of recipes: every way to get it wrong is a sentence with a line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.errors import SettingsError
from goodfit.settings import parse
from goodfit.settings.document import compose, scalar

WRONG = [
    ("a:\n\tb: 1", 2, "indented with a tab"),
    ("a:\n  b: 1\n c: 2", 3, "indentation"),
    ("a: 1\n  b: 2", 2, "a colon where none can be"),
    ("a: b: c", 1, "a colon where none can be"),
    ("a: [1, 2\nb: 3", 1, "a bracket is opened here and never closed"),
    ("x: 1\na: {b: 1", 2, "a bracket is opened here and never closed"),
    ("a: 'x\nb: 2\n", 1, "a quote is opened here and never closed"),
    ('a: "C:\\data"', 1, "a backslash in double quotes"),
    ("a: 'it's'", 1, "text follows a closed quote"),
    ("a: @x", 1, "a value cannot begin with this character"),
    ("a: *x", 1, "a value that begins with *"),
    ("{a: 1}}", 1, "a bracket is closed that was not opened"),
    ("a: 1\n---\nb: 2", 2, "a second document begins here"),
    ("a: !!python/object/apply:os.system [x]", 1, "tags"),
    ("a: !x 5", 1, "tags"),
    ("<<: {a: 1}", 1, "merge keys"),
    ("? [1, 2]\n: 3", 1, "a key must be a word"),
    ("name: a\x00b", 1, "an unreadable character (code 0)"),
    ("a: 1\nb: \x07", 2, "an unreadable character (code 7)"),
    ("hello", 1, "this is a line of text"),
    ("5", 1, "this is a single value"),
]


@pytest.mark.parametrize(("text", "line", "words"), WRONG)
def test_what_cannot_be_read(text: str, line: int, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse(text, file="recipe.yaml")
    assert words in caught.value.message
    assert caught.value.place.line == line
    assert caught.value.fix


def test_files_that_unfold_without_end_are_refused() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
    for text in (bomb, "a: &x [*x]", "a: &x {b: *x}", "a: " + "[" * 100_000, "a: " + "[" * 60 + "]" * 60):
        with pytest.raises(SettingsError, match=r"too many values|too deeply"):
            parse(text)


def test_modest_aliases_are_read() -> None:
    assert compose("a: &x [1, 2]\nb: *x").values == {"a": [1, 2], "b": [1, 2]}


def test_a_key_that_stands_twice_is_told_with_both_lines() -> None:
    document = compose("a: 1\nb:\n  c: 1\n  c: 2\n", "r.yaml")
    assert [str(p) for p in document.problems] == ["r.yaml:4: b.c stands twice (first in line 3)\n  fix: keep one of the two"]


def test_scalars_follow_the_core_schema() -> None:
    read = {
        text: scalar(text) for text in ("true", "True", "yes", "on", "null", "~", "", "12", "012", "1.5", "5e-5", "1_0", "0o7", ".inf", "=")
    }
    assert read == {
        "true": True, "True": True, "yes": "yes", "on": "on", "null": None, "~": None, "": None, "12": 12, "012": 12, "1.5": 1.5,
        "5e-5": 5e-5, "1_0": "1_0", "0o7": "0o7", ".inf": ".inf", "=": "=",
    }  # fmt: skip
    assert scalar("9" * 5000) == "9" * 5000


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=80), st.text(alphabet="ab:-[]{}&*!|>'\"#%@, \n\t?<=0", max_size=40)))
def test_any_text_is_either_a_recipe_or_a_settings_error(text: str) -> None:
    with contextlib.suppress(SettingsError):
        assert parse(text).data
