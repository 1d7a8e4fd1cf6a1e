"""The guess as a commented recipe: what was found stands as keys, why as comments, and what may be wanted next commented out.

Layer: init. The text is what a newcomer reads first; `settings.parse` reads it back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from goodfit.data.labels import LIST
from goodfit.init.profile import Column
from goodfit.init.reasons import Seen, rows_in_words
from goodfit.init.roles import Roles
from goodfit.settings import inline

_ROLE_NAMES = (
    "train",
    "test",
    "valid",
    "validation",
    "val",
    "dev",
    "data",
    "dataset",
    "rows",
    "samples",
    "examples",
    "labels",
    "all",
    "full",
)


TERMS = "# groups: {gender: {terms: gender-en}}  # whom texts speak of, by lists of terms; or {region: {column: region}}"
FOLDS = "  # folds: 5  # in place of test_size and evaluate.on: all rows are scored, each by one of 5 models that did not learn from it"


def recipe_text(name: str, seen: Seen, found: Roles, reasons: Mapping[str, str]) -> str:
    """The recipe; `reasons` are the sentences for each part."""
    parts = [
        head(name, seen),
        data(seen, reasons),
        _task(found, reasons),
        groups(found, reasons),
        split(seen, found, reasons),
        _rest(seen, reasons),
    ]
    return together(parts)


def together(parts: Sequence[Sequence[str]]) -> str:
    """The sections of a recipe, with a blank line between them."""
    return "\n".join(line for part in parts for line in [*part, ""] if part).rstrip() + "\n"


def name_of(path: str) -> str:
    """A name for the run: the file's, or its folder's where the file is only called train or data."""
    place = Path(path.removeprefix("hub:"))
    stem = place.name.split(".")[0]
    if stem.lower() in _ROLE_NAMES and place.resolve().parent.name:
        stem = place.resolve().parent.name
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:60]
    return clean or "model"


def comment(text: str, indent: str = "") -> str:
    """One comment line: no line break and no control character of a column's name can end it."""
    clean = "".join(c if c.isprintable() else " " for c in text)
    return f"{indent}# {' '.join(clean.split())}"


def said(reasons: Mapping[str, str], *keys: str, indent: str = "  ") -> list[str]:
    """The sentences for these parts, as comments."""
    return [comment(reasons[key], indent) for key in keys if key in reasons]


def head(name: str, seen: Seen) -> list[str]:
    """What was looked at, the run's name, the purpose."""
    return [
        comment(f"Written by `goodfit init {seen.peek.path}` after looking at {rows_in_words(seen.peek)}."),
        "# Every line can be changed. `goodfit check` fills in all defaults; the keys are in docs/reference/recipe.md.",
        f"name: {inline(name)}",
        'purpose: ""  # what the model is for, and whom it serves: stands in the model card',
    ]


def data(seen: Seen, reasons: Mapping[str, str]) -> list[str]:
    """The section `data`."""
    lines = ["data:", *said(reasons, "data", "split_column", "beside")]
    return lines + [f"  {key}: {inline(path)}" for key, path in seen.data.items()]


def _task(found: Roles, reasons: Mapping[str, str]) -> list[str]:
    text = [column.name for column in found.text]
    lines = ["task:", "  kind: classification", *said(reasons, "text"), f"  text: {inline(text if len(text) > 1 else text[0])}"]
    if found.switches:
        return [*lines, *said(reasons, "label"), f"  label: {inline([c.name for c in found.switches])}", "  multi_label: true"]
    assert found.label is not None
    lines += [*said(reasons, "label", "rivals", "sorted", "one", "missing", "order"), f"  label: {inline(found.label.name)}"]
    separator = found.label.separator
    if separator is not None:
        lines += [*said(reasons, "multi_label"), "  multi_label: true"]
        lines += [] if separator == LIST else [f"  label_separator: {inline(separator)}"]
    names = list(found.label.names)
    if 1 < len(names) <= 20:
        lines += ["  # Name the classes to forbid others (a description of each goes after a colon: {name: what it means}):"]
        lines += [f"  # labels: {inline(sorted(names))}"]
    return lines


def groups(found: Roles, reasons: Mapping[str, str]) -> list[str]:
    """The section `groups`; how to name some where no column is one."""
    if not (found.groups or found.more_groups):
        return [TERMS]
    lines = ["groups:", *said(reasons, "groups")]
    lines += [f"  {inline(axis)}: {{column: {inline(column.name)}}}" for axis, column in _axes(found.groups).items()]
    lines += said(reasons, "more_groups")
    return lines + [f"  # {inline(axis)}: {{column: {inline(column.name)}}}" for axis, column in _axes(found.more_groups[:4]).items()]


def _axes(columns: Sequence[Column]) -> dict[str, Column]:
    """A short name for each group column."""
    out: dict[str, Column] = {}
    for column in columns:
        name = "_".join(column.words) or column.name
        out[name if name not in out else column.name] = column
    return out


def split(seen: Seen, found: Roles, reasons: Mapping[str, str]) -> list[str]:
    """The section `split`."""
    given = "path" not in seen.data
    lines = ["split:", *said(reasons, "small")]
    if found.by is not None:
        lines += [*said(reasons, "by"), f"  by: {inline(found.by.name)}"]
    if not (given and "test" in seen.data):
        lines += ["  test_size: 0.15  # kept for one honest look at the end"]
        if "small" in reasons:
            lines += [FOLDS]
    if not (given and "valid" in seen.data):
        lines += ["  valid_size: 0.15  # for the best step and the thresholds"]
    if found.by is None:
        column = inline(found.maybe_by[0].name) if found.maybe_by else "COLUMN"
        lines += [*said(reasons, "maybe_by"), f"  # by: {column}  # rows of one customer, document or conversation stay on one side"]
    if found.time is not None:
        lines += [*said(reasons, "time"), f"  # time: {inline(found.time.name)}"]
    return lines if any(not line.lstrip().startswith("#") for line in lines[1:]) else ["split: {}", *lines[1:]]


def _rest(seen: Seen, reasons: Mapping[str, str]) -> list[str]:
    lines = ["choose:", *said(reasons, "language"), "  model_name_or_path: auto  # or a folder, a hub id, an installed package", ""]
    lines += [
        "train:",
        "  learning_rate: auto",
        "  num_train_epochs: auto",
        "  # class_weights: balanced  # if rare classes matter as much as common ones",
    ]
    lines += [
        "",
        "evaluate:",
        "  # A bar set before the score is known: met, missed, or undecided with the rows that it would take.",
        '  # gates: {macro_f1: ">= 0.80"}',
    ]
    on = "  on: test  # each model scored there wears it out: try things with `on: valid`, and score the one you choose on test"
    whom = [
        "",
        "assess:  # for whom it works worse: name groups (a column, or the terms in the text), then `goodfit assess RECIPE --plan`",
        "  margin: 0.05  # differences between groups up to five points do not matter",
        "  # label: LABEL  # one that has consequences for people: its false alarms and misses are harms of their own",
    ]
    return [*lines[:-2], on, *lines[-2:], *whom]
