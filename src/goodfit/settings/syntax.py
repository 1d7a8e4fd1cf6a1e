"""PyYAML's complaints -> one sentence with the line and a remedy.

Layer: settings. PyYAML speaks of tokens and block ends; this table says what a person did and how to undo it. An unknown
complaint keeps its own words.
"""

from __future__ import annotations

import yaml

from goodfit.errors import Place, SettingsError

_ALIGN = ("the indentation of this line does not fit the lines above", "start keys of one section in the same column")
_CODE = ("a backslash in double quotes starts a code", "use single quotes, or / instead of \\")
_CLOSED = ("a bracket is closed that was not opened", "remove it")
_WORDS: tuple[tuple[str, str, str], ...] = (
    ("expected a single document", "a second document begins here (---)", "a recipe is one document: remove the line"),
    ("mapping values are not allowed", "there is a colon where none can be", "check the line above, or quote the value"),
    ("could not find expected ':'", "this line has no colon", "write `key: value`"),
    ("undefined alias", "a value that begins with * is read as a reference", "put it in quotes"),
    ("unknown escape character", *_CODE),
    ("expected escape sequence", *_CODE),
    ("found unexpected end of stream", "a quote is opened here and never closed", "close it, or remove it"),
    ("expected ',' or", "a bracket is opened here and never closed, or a comma is missing", "close it, or add the comma"),
    ("that cannot start any token", "a value cannot begin with this character", "put the value in quotes"),
    ("but found '<scalar>'", "text follows a closed quote or bracket", "double a quote inside single quotes: 'it''s'"),
    ("but found '}'", *_CLOSED),
    ("but found ']'", *_CLOSED),
    ("sequence entries are not allowed", "a list item stands where a value is expected", "begin each item on a line of its own"),
    ("expected <block end>", *_ALIGN),
    ("unindent", *_ALIGN),
    ("did not find expected key", *_ALIGN),
)
_OPENED_AT_CONTEXT = ("found unexpected end of stream", "expected ',' or")
"""Complaints whose cause stands where the construct began, not where the reader gave up."""


def syntax_error(error: yaml.YAMLError, text: str, file: str | None) -> SettingsError:
    """The SettingsError for a YAML text that cannot be read."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        code = ord(error.character) if isinstance(error.character, str) else error.character
        return SettingsError(f"an unreadable character (code {code})", place=Place(file=file, line=line), fix="remove it")
    if not isinstance(error, yaml.MarkedYAMLError):
        return SettingsError(f"this is not YAML: {error}", place=Place(file=file), fix="see docs/reference/recipe.md")
    problem = " ".join(filter(None, (error.context, error.problem)))
    line = _line(error, problem)
    place = Place(file=file, line=line)
    if _tab(text, line):
        return SettingsError("the line is indented with a tab", place=place, fix="indent with spaces")
    for fragment, message, fix in _WORDS:
        if fragment in problem:
            return SettingsError(message, place=place, fix=fix)
    return SettingsError(f"this is not YAML: {problem}", place=place, fix="see docs/reference/recipe.md")


def _line(error: yaml.MarkedYAMLError, problem: str) -> int | None:
    marks = [error.problem_mark, error.context_mark]
    if any(fragment in problem for fragment in _OPENED_AT_CONTEXT):
        marks.reverse()
    mark = next((m for m in marks if m is not None), None)
    return None if mark is None else mark.line + 1


def _tab(text: str, line: int | None) -> bool:
    lines = text.splitlines()
    if line is None or line > len(lines):
        return False
    content = lines[line - 1]
    return "\t" in content[: len(content) - len(content.lstrip())]
