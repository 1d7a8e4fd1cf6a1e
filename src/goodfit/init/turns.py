"""Rows that a model can learn to write from: found in any of the usual formats, read as a run reads them, told in sentences.

Layer: init. The form is found by `data/conversations`; here it is only decided whether the rows are rather for sorting into classes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from goodfit.data.conversations import REASONS, Shape
from goodfit.data.conversations.reading import Conversations, Turns
from goodfit.data.readers import open_table
from goodfit.data.source import Source, file_of
from goodfit.errors import DataError, Place
from goodfit.init import hints
from goodfit.init.profile import Column
from goodfit.init.reasons import Seen, beside, language_of, only_said
from goodfit.init.roles import SURE, Roles

ALWAYS: tuple[tuple[str, ...], ...] = (
    ("messages",), ("conversations",), ("conversation",), ("chosen", "rejected"), ("instruction", "output"), ("instruction", "response"),
)  # fmt: skip
"""Columns that mean writing, whatever stands beside them."""


@dataclass(frozen=True)
class Told:
    """What the first rows hold, read as a run would read them."""

    shape: Shape
    turns: Turns
    """What the user named; nothing where the form was found."""
    rows: int
    """That were looked at."""
    conversations: tuple[Mapping[str, Any], ...]
    """The usable ones, canonical."""
    dropped: Counter[str]
    """Reason -> rows."""
    notes: tuple[str, ...]


def to_write(source: Source, columns: Sequence[Column], found: Roles, turns: Turns, *, asked: bool) -> Conversations | None:
    """A reader of the rows' conversations, where they are for writing; None where they are rather for sorting into classes.

    `asked`: the user says that they are for writing.

    DataError where the columns mean writing beyond doubt, and cannot be learned from (preferences, one turn a row).
    """
    named = asked or bool(turns.columns)
    known = {column.name.casefold(): column for column in columns}
    always = next((names for names in ALWAYS if all(name in known and _holds_talk(known[name]) for name in names)), None)
    try:
        reader = Conversations(source.path, open_table(file_of(source)), turns)
    except DataError:
        if named or always:
            raise
        return None
    return reader if named or always or _means_writing(reader.shape, known, columns, found) else None


def read_first(reader: Conversations, source: Source, turns: Turns, most: int) -> Told:
    """The first rows; DataError with the line of one that is structurally wrong, or where none can be learned from."""
    kept: list[Mapping[str, Any]] = []
    dropped: Counter[str] = Counter()
    rows = 0
    for chunk in open_table(file_of(source)).chunks(None):
        told = reader.read(chunk)
        kept += [json.loads(text) for text in told.conversations if text is not None]
        dropped.update(reason for reason in told.reasons if reason)
        rows += len(told.reasons)
        if rows >= most:
            break
    if not kept:
        reason, n = dropped.most_common(1)[0]
        said = f"none of the {rows:,} rows can be learned from: of {n:,} {REASONS.get(reason, reason.replace('_', ' '))}"
        fix = "name the columns in a recipe: task: {kind: generation, messages: …}, or prompt and completion, or text"
        raise DataError(said, place=Place(file=source.path), fix=fix)
    return Told(reader.shape, turns, rows, tuple(kept), dropped, tuple(reader.notes[1:]))


def turn_reasons(seen: Seen, told: Told, around: Roles) -> dict[str, str]:
    """Part of the recipe -> sentence, the most important first."""
    lost = ", ".join(f"{n:,} {REASONS.get(reason, reason)}" for reason, n in told.dropped.most_common())
    said = {
        "form": f"read as {told.shape}: {_size(told)}",
        "learned": _learned(told),
        "dropped": f"{told.dropped.total():,} of {told.rows:,} rows that were looked at are left out, and counted: {lost}" if lost else "",
        "ignored": "; ".join(told.notes),
        "language": language_of(_texts(told)),
    }
    return only_said(said | beside(seen, around))


def _means_writing(shape: Shape, known: Mapping[str, Column], columns: Sequence[Column], found: Roles) -> bool:
    """Lists of turns always; an answer that is different in most rows where no label stands beside it; texts that stand alone."""
    if shape.kind in ("messages", "sharegpt") or shape.turns:
        return True
    if found.label_score >= SURE or found.switches:
        return False
    answer = shape.columns.get("completion") or shape.columns.get("output")
    if answer is not None:
        return _is_varied(known[answer.casefold()])
    return found.label is None and len(found.text) == 1 and all(c in found.text or _only_names(c, found) for c in columns)


def _only_names(column: Column, found: Roles) -> bool:
    """Says which document it is, or when and where it was written: no target."""
    return column.is_time or column.is_address or (column in found.ids and bool(set(column.words) & hints.ID))


def _holds_talk(column: Column) -> bool:
    """A list of turns, or text that is different in most rows."""
    return column.kind in ("list", "object") and not column.lists or _is_varied(column)


def _is_varied(column: Column) -> bool:
    return column.novelty > 0.3 and (column.spoken >= 2 or column.kind in ("object", "mixed"))


def _size(told: Told) -> str:
    """`120 conversations of 2 turns (median; user, assistant), answers of 40 characters (median; 90 at most)`."""
    first = told.conversations[0]
    n = f"{len(told.conversations):,}"
    if "text" in first:
        return f"{n} plain texts of {median(len(c['text']) for c in told.conversations):,.0f} characters (median)"
    answers = sorted(len(text) for text in _answers(told))
    answer = f"answers of {median(answers):,.0f} characters (median; {answers[-1]:,} at most)" if answers else "no answers"
    if "messages" not in first:
        return f"{n} prompts, {answer}"
    spoken = Counter(turn["role"] for c in told.conversations for turn in c["messages"])
    turns = median(len(c["messages"]) for c in told.conversations)
    return f"{n} conversations of {turns:.0f} turns (median; {', '.join(spoken)}), {answer}"


def _answers(told: Told) -> list[str]:
    out: list[str] = []
    for conversation in told.conversations:
        if "messages" in conversation:
            out += [turn["content"] or "" for turn in conversation["messages"] if turn["role"] == "assistant"]
        elif conversation.get("completion") is not None:
            out.append(conversation["completion"])
    return out


def _texts(told: Told) -> list[str]:
    return [c["text"] for c in told.conversations[:400]] if "text" in told.conversations[0] else _answers(told)[:400]


def _learned(told: Told) -> str:
    first = told.conversations[0]
    if "text" in first:
        return "every token of the texts is learned (continued pre-training on the domain)"
    if "messages" in first:
        return "the assistant's turns are learned, all others only read; a turn with train: false is not learned"
    return "the completion is learned, the prompt only read: a user's and an assistant's turn where the model has a chat template"
