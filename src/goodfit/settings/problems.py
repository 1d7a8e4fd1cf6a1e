"""What pydantic found -> sentences with a line and a remedy, all of them at once.

Layer: settings. Three sorts of problem: a key that the recipe does not have (a typo, a right name in the wrong section, the word
of another tool), a value that does not fit, and values that do not fit together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from goodfit.errors import Place, SettingsError, nearest
from goodfit.settings import foreign
from goodfit.settings.document import Document, Path_, dotted
from goodfit.settings.keys import keys, names_in, section_of, sections_with
from goodfit.settings.tree import value_at

Error = dict[str, Any]
"""One entry of `ValidationError.errors()`."""

_KINDS = {
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of that size",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a set of `name: value` lines",
    "model_type": "a set of `key: value` lines",
    "model_attributes_type": "a set of `key: value` lines",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_NAME_RULE = "may hold letters, digits, dots, dashes and underscores, begins with a letter or a digit, and has at most 80 of them"
_REFERENCE = "see docs/reference/recipe.md"
_PERCENT = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*%\s*")


def sentences(error: ValidationError, document: Document) -> list[SettingsError]:
    """One SettingsError for each place that is wrong."""
    by_path: dict[Path_, list[Error]] = {}
    for entry in error.errors(include_url=False):
        by_path.setdefault(place_of(dict(entry), document.values), []).append(dict(entry))
    found, answered = [], set()
    for path, entries in by_path.items():
        if any(other[: len(path)] == path and len(other) > len(path) for other in by_path):
            # A branch of a union that did not fit as a whole; the branch that did says more.
            entries = [e for e in entries if e["type"] not in _KINDS and e["type"] != "literal_error"]
        if entries and entries[0]["type"] == "extra_forbidden":
            problem = unknown_key(path, document)
            answered.add((problem.fix or "").split(".")[0])
            found.append(problem)
        elif entries:
            found.append(_misfit(path, entries, document))
    # A section that is missing because its foreign name was answered above is one problem, not two.
    return [p for p in found if not (p.message.endswith(" is missing") and p.place.key in answered)]


def joined(problems: Sequence[SettingsError]) -> SettingsError:
    """One error for all: the first is the primary one, the others are listed below it."""
    first = problems[0]
    if len(problems) == 1:
        return first
    others = [f"{p.place}: {p.message}" if str(p.place) else p.message for p in problems[1:]]
    fixes = [f"{_where(p.place)}: {p.fix}" for p in problems if p.fix]
    return SettingsError("\n  ".join([first.message, *others]), place=first.place, fix="\n       ".join(fixes) or None)


def _where(place: Place) -> str:
    return f"line {place.line}" if place.line else place.key or "recipe"


def place_of(entry: Error, values: Any) -> Path_:
    """Where an error stands, from pydantic's location: without union branches, with a last part that is missing."""
    path: list[str | int] = []
    for part in entry["loc"]:
        if (isinstance(values, dict) and part in values) or (isinstance(values, list) and isinstance(part, int) and part < len(values)):
            path.append(part)
            values = values[part]
    if entry["type"] == "missing":
        path.append(entry["loc"][-1])
    return tuple(path)


def complain(path: Path_, message: str, fix: str | None, document: Document) -> SettingsError:
    """A SettingsError at `path`; what came from the command line says so."""
    origin = " (on the command line)" if document.touched(path) else ""
    return SettingsError(message + origin, place=document.place(path), fix=fix)


# A key that the recipe does not have


def normal(name: str) -> str:
    """`--learning-rate`, `learningRate` and `LEARNING_RATE` are all `learning_rate`."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip().lstrip("-"))
    return re.sub(r"[\s-]+", "_", snake).lower()


def unknown_key(path: Path_, document: Document) -> SettingsError:
    """A typo, a right key in the wrong section, or the word of another tool: which, and what to write."""
    written, section, name = dotted(path), section_of(path[:-1]), normal(str(path[-1]))
    inside = names_in(section)
    if name in inside:
        return complain(path, f"{written} is not a key; did you mean {name}?", _join(section, name), document)
    if "." in str(path[-1]):
        return _dotted_key(path, document)
    homes = [home for home in sections_with(name) if home != section]
    if homes:
        home, typo = homes[0], nearest(name, inside, cutoff=0.8)
        where = f"under {home}" if home else "at the top of the recipe"
        aside = f"; or did you mean {typo}?" if typo else ""
        subject = written if written == name else f"{written}: {name}"
        return complain(path, f"{subject} belongs {where}{aside}", _join(home, name), document)
    answer = foreign.answer(name)
    if answer is not None:
        return complain(path, f"{written} {answer.says}", answer.fix, document)
    return _guess(path, section, inside, document)


def _guess(path: Path_, section: str, inside: tuple[str, ...], document: Document) -> SettingsError:
    written, name = dotted(path), normal(str(path[-1]))
    close = nearest(name, inside)
    if close:
        return complain(path, f"{written} is not a key; did you mean {close}?", _join(section, close), document)
    elsewhere = nearest(name, [key.name for key in keys()], cutoff=0.75)
    if elsewhere:
        right = _join(sections_with(elsewhere)[0], elsewhere)
        return complain(path, f"{written} is not a key; did you mean {right}?", right, document)
    word = nearest(name, foreign.table(), cutoff=0.85)
    if word:
        answer = foreign.table()[word]
        return complain(path, f"{written} is not a key; if {word} is meant, it {answer.says}", answer.fix, document)
    where = section or "the recipe"
    return complain(path, f"{written} is not a key", f"the keys of {where} are {', '.join(inside)}", document)


def _dotted_key(path: Path_, document: Document) -> SettingsError:
    """`train.learning_rate: 1e-4` as one word, where a recipe has sections."""
    *outer, last = str(path[-1]).split(".")
    lines = f"{': {'.join([*outer, last])}: …{'}' * len(outer)}"
    return complain(path, f"{path[-1]} is written as one word, and a recipe has sections", f"write `{lines}`", document)


def _join(section: str, name: str) -> str:
    return f"{section}.{name}" if section else name


# A value that does not fit


def _misfit(path: Path_, entries: list[Error], document: Document) -> SettingsError:
    key, first = dotted(path), entries[0]
    value = value_at(document.values, path)
    if first["type"] == "missing":
        return complain(path, f"{key} is missing", _missing_fix(path), document)
    if value is None and first["type"] != "value_error":
        return complain(path, f"{key} is empty", "give a value, or remove the line", document)
    bound = next((e for e in entries if e["type"] in _BOUNDS), None)
    if bound is not None:
        word, name = _BOUNDS[bound["type"]]
        limit = f"{word} {bound['ctx'][name]:g}"
        share = f"a share: {value / 100:g} for {value:g}%" if limit == "below 1" and _is_percentage(value) else None
        return complain(path, f"{key}: {_shown(value)} must be {limit}", share or f"give a number {limit}", document)
    if all(e["type"] in _KINDS or e["type"] == "literal_error" for e in entries):
        return _wrong_kind(path, entries, document)
    if first["type"] == "string_pattern_mismatch":
        rule = _NAME_RULE if key == "name" else f"does not have the form {first['ctx']['pattern']}"
        return complain(path, f"{key}: {_shown(value)} {rule}", None, document)
    reason = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
    return complain(path, f"{key}: {reason}" if key else reason, _REFERENCE, document)


def _wrong_kind(path: Path_, entries: list[Error], document: Document) -> SettingsError:
    key, value = dotted(path), value_at(document.values, path)
    options = [word for e in entries if e["type"] == "literal_error" for word in _options(e)]
    kinds = list(dict.fromkeys(_KINDS[e["type"]] for e in entries if e["type"] in _KINDS))
    text = f"one of {', '.join(options)}" if len(options) > 1 else "".join(options)
    wanted = " or ".join([*kinds, text] if text else kinds)
    message = f"{key}: {_shown(value)} is not {wanted}"
    known = foreign.value_answer(_pattern(path), value)
    close = None if known or not isinstance(value, str) else nearest(value.lower(), options)
    if close:
        message += f"; did you mean {close}?"
    return complain(path, message, known or close or _form_fix(path, value, entries) or f"give {wanted}", document)


def _options(entry: Error) -> list[str]:
    """The allowed words of a literal, as YAML spells them."""
    expected = entry["ctx"]["expected"]
    return re.findall(r"'([^']*)'", expected) or [expected.lower()]


def _is_percentage(value: Any) -> bool:
    return isinstance(value, int | float) and 1 < value <= 100


def _form_fix(path: Path_, value: Any, entries: list[Error]) -> str | None:
    """The share that somebody meant by `15%`; the section that somebody meant by one word (`data: tickets.csv`)."""
    percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if percent:
        return f"write {float(percent[1]) / 100:g} for {percent[1]}%"
    inside = names_in(section_of(path))
    if isinstance(value, str) and inside and entries[0]["type"].startswith("model"):
        return f"write `{dotted(path)}: {{{inside[0]}: {value}}}`"
    return None


def _missing_fix(path: Path_) -> str:
    if path == ("data",):
        return "say where the rows are: `data: {path: FILE}`; `goodfit init DATA` writes a whole recipe"
    return f"add `{path[-1]}: …`"


def _pattern(path: Path_) -> str:
    return ".".join(str(part) for part in path)


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
