"""Shape: in which form the rows of a file hold their conversations, found from the columns' names and a few rows.

Layer: data. `detect` is asked once per source, `Normaliser` (normaliser.py) reads the rows by its answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from goodfit.data.conversations import names
from goodfit.data.conversations.wrong import RowError, parse_cell

Kind = Literal["messages", "sharegpt", "alpaca", "prompt_completion", "text"]
SAMPLE = 200
"""Rows that are looked at."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """Which columns hold what. Frozen and comparable; two sources of one run may have different ones."""

    kind: Kind
    columns: Mapping[str, str]
    """Role -> column. messages, sharegpt: `messages`; alpaca: `instruction`, `input`, `output`, `history`; prompt_completion:
    `prompt`, `completion`; text: `text`; and `system`, `tools` for all but text."""
    joined: tuple[str, ...] = ()
    """Several columns that make the prompt, joined by a line break in this order; then `columns` has no `prompt`."""
    template: str | None = None
    """A text template over columns that makes the prompt (template.py); then `columns` has no `prompt`."""
    turns: tuple[str, ...] = ()
    """Which of `prompt` and `completion` hold lists of turns (TRL's conversational prompt-completion)."""
    keys: tuple[str, str] = names.OPENAI_KEYS
    """What a turn calls its speaker and its text: (role, content), (from, value) …"""
    speakers: Mapping[str, str] = field(default_factory=dict)
    """How the file spells its speakers -> canonical role, as far as they were seen or given."""

    def __str__(self) -> str:
        """`sharegpt (conversations: from/value)`, `alpaca (instruction, input, output)`."""
        if self.kind in ("messages", "sharegpt"):
            return f"{self.kind} ({self.columns['messages']}: {'/'.join(self.keys)})"
        return f"{self.kind} ({', '.join([*self.joined, *self.columns.values()])})"

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every column that is read, each once. (A Normaliser given all columns also recognises rows of another format.)"""
        return tuple(dict.fromkeys([*self.joined, *self.columns.values()]))

    @property
    def main(self) -> tuple[str, ...]:
        """The columns without which a row is not of this shape."""
        roles = ("messages", "instruction", "output", "prompt", "completion", "text")
        return tuple(dict.fromkeys([*self.joined, *(self.columns[role] for role in roles if role in self.columns)]))


def detect(columns: Sequence[str], sample: Sequence[Row]) -> Shape | None:
    """The shape of a file with these columns and first rows; None where it is not clear (refusal.py says why).

    Lists of turns come first, under a usual name or any other, as lists or as JSON text in a cell; then alpaca, then pairs of
    columns with usual names, then `text`. The labels of a classification task are not looked at: ask this for generation only.
    """
    rows = sample[:SAMPLE]
    there = _names([column for column in columns if not rows or cells(rows, column)])
    if all(name in there for name in names.PREFERENCE) or judged(columns, rows):
        return None
    every = _names(columns)
    others = [name for name in there if name not in (*names.TOOLS, *names.HISTORY)]
    return (
        _listed(there, every, names.MESSAGES, rows)
        or _turn_pair(there, every, rows)
        or _listed(there, every, others, rows)
        or _alpaca(there, every, rows)
        or _pair(there, every, rows)
        or _text(there, rows)
    )


def judged(columns: Sequence[str], rows: Sequence[Row]) -> str | None:
    """The column that says true or false of each answer (unpaired preference): half of such answers are not to be learned."""
    for column in columns:
        if column.casefold() in names.VERDICT and (held := cells(rows, column)) and all(isinstance(cell, bool) for cell in held):
            return column
    return None


def turn_keys(cell: Any) -> tuple[str, str] | None:
    """What the turns in a cell call speaker and text; None where the cell is no list of turns (or JSON text of one)."""
    turns = as_list(cell)
    for turn in turns or ():
        if isinstance(turn, Mapping):
            role = next((key for key in names.ROLE_KEYS if isinstance(turn.get(key), str)), None)
            content = next((key for key in names.CONTENT_KEYS if key in turn), None)
            if role and (content or "tool_calls" in turn):
                return role, content or "content"
    return None


def as_list(cell: Any) -> list[Any] | None:
    """A cell that is a list, or JSON text of one, or a single turn; else None."""
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        try:
            cell = parse_cell(cell, "")
        except RowError:
            return None
    if isinstance(cell, Mapping) and any(key in cell for key in names.ROLE_KEYS):
        return [cell]
    return list(cell) if isinstance(cell, (list, tuple)) else None


def cells(rows: Iterable[Row], column: str) -> list[Any]:
    """The cells of a column that are neither missing nor blank."""
    values = (row.get(column) for row in rows)
    return [value for value in values if value is not None and not (isinstance(value, str) and not value.strip())]


def with_turns(kind: Kind, columns: dict[str, str], rows: Sequence[Row], **facts: Any) -> Shape:
    """A shape whose speakers are looked up in the turns of its columns."""
    shape = Shape(kind, columns, **facts)
    held = [columns[role] for role in ("messages", *shape.turns) if role in columns]
    spoken = {
        turn[shape.keys[0]]
        for column in held
        for cell in cells(rows, column)
        for turn in as_list(cell) or ()
        if isinstance(turn, Mapping) and isinstance(turn.get(shape.keys[0]), str)
    }
    given = dict(shape.speakers)
    known = {spelling: role for spelling in sorted(spoken) if (role := names.SPEAKERS.get(spelling.strip().casefold()))}
    return Shape(kind, columns, **{**facts, "speakers": {**known, **given}})


def extras(every: Mapping[str, str]) -> dict[str, str]:
    """The columns with a system prompt and with tools; also ones that are empty in the first rows, since later ones may fill them."""
    roles = {"system": names.SYSTEM, "tools": names.TOOLS}
    return {role: every[name] for role, usual in roles.items() if (name := _first(every, usual))}


def kind_of_keys(keys: tuple[str, str]) -> Kind:
    """OpenAI's role/content are `messages`; all others are read as ShareGPT."""
    return "messages" if keys == names.OPENAI_KEYS else "sharegpt"


def _names(columns: Sequence[str]) -> dict[str, str]:
    """Casefolded name -> column (the first of those that differ by case only)."""
    return {column.strip().casefold(): column for column in reversed(columns)}


def _first(there: Mapping[str, str], usual: Sequence[str]) -> str | None:
    return next((name for name in usual if name in there), None)


def _listed(there: Mapping[str, str], every: Mapping[str, str], candidates: Sequence[str], rows: Sequence[Row]) -> Shape | None:
    """The column with lists of turns. One with a usual name may hold broken turns (its rows are then refused by line)."""
    found: list[tuple[str, tuple[str, str]]] = []
    for name in candidates:
        if name in there:
            held = cells(rows, there[name])
            usual = name in names.MESSAGES
            keys = next((keys for cell in held if (keys := turn_keys(cell)) and (usual or _known_speaker(cell, keys[0]))), None)
            if keys is None and name in ("messages", "conversations") and any(as_list(cell) for cell in held):
                keys = names.OPENAI_KEYS if name == "messages" else names.SHAREGPT_KEYS
            if keys:
                found.append((there[name], keys))
    if not found or (len(found) > 1 and candidates is not names.MESSAGES):
        return None
    column, keys = found[0]
    return with_turns(kind_of_keys(keys), {"messages": column, **extras(every)}, rows, keys=keys)


def _known_speaker(cell: Any, role_key: str) -> bool:
    """True where a speaker is one that formats know: a list of comments with authors is no conversation."""
    spoken = [turn.get(role_key) for turn in as_list(cell) or () if isinstance(turn, Mapping)]
    return any(isinstance(speaker, str) and speaker.strip().casefold() in names.SPEAKERS for speaker in spoken)


def _turn_pair(there: Mapping[str, str], every: Mapping[str, str], rows: Sequence[Row]) -> Shape | None:
    """TRL's prompt and completion as lists of turns; the completion may be text."""
    prompt, completion = _first(there, names.PROMPT), _first(there, names.COMPLETION)
    if prompt is None or completion is None:
        return None
    keys = next((keys for cell in cells(rows, there[prompt]) if (keys := turn_keys(cell))), None)
    if keys is None:
        return None
    listed = any(turn_keys(cell) for cell in cells(rows, there[completion]))
    columns = {"prompt": there[prompt], "completion": there[completion], **extras(every)}
    return with_turns("prompt_completion", columns, rows, keys=keys, turns=("prompt", "completion") if listed else ("prompt",))


def _alpaca(there: Mapping[str, str], every: Mapping[str, str], rows: Sequence[Row]) -> Shape | None:
    instruction, output = _first(there, names.INSTRUCTION), _first(there, names.OUTPUT)
    beside, history = _first(every, names.INPUT), _first(every, names.HISTORY)
    if instruction is None or output is None or (output != "output" and not beside and not history):
        return None
    columns = {"instruction": there[instruction], "output": there[output], **extras(every)}
    columns |= {role: every[name] for role, name in (("input", beside), ("history", history)) if name}
    return Shape("alpaca", columns) if _scalar(rows, [there[instruction], there[output]]) else None


def _pair(there: Mapping[str, str], every: Mapping[str, str], rows: Sequence[Row]) -> Shape | None:
    prompt, completion = _first(there, names.PROMPT), _first(there, names.COMPLETION)
    if prompt is None or completion is None or not _scalar(rows, [there[prompt], there[completion]]):
        return None
    columns = {"completion": there[completion], **extras(every)}
    about = _first(every, names.CONTEXT) if prompt in ("question", "query") else None
    if about and _scalar(rows, [every[about]]):
        return Shape("prompt_completion", columns, joined=(every[about], there[prompt]))
    return Shape("prompt_completion", {"prompt": there[prompt], **columns})


def _text(there: Mapping[str, str], rows: Sequence[Row]) -> Shape | None:
    column = there.get("text") or (next(iter(there.values())) if len(there) == 1 else None)
    if column is None or not rows or not _most(cells(rows, column), lambda cell: isinstance(cell, str)):
        return None
    return Shape("text", {"text": column})


def _scalar(rows: Sequence[Row], columns: Sequence[str]) -> bool:
    """True where most cells of each column are no lists or objects (a single odd one is refused later, with its line)."""
    return all(_most(cells(rows, column), lambda cell: not isinstance(cell, (list, tuple, dict, bytes))) for column in columns)


def _most(values: Sequence[Any], fits: Callable[[Any], bool]) -> bool:
    return 2 * sum(map(fits, values)) > len(values) or not values
