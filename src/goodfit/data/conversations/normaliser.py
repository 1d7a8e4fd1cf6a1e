"""Rows of a source to canonical conversations: every row is read, dropped with a reason, or refused with its line.

Layer: data. What is missing is a reason that is counted (REASONS); what is structurally wrong is a DataError.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from goodfit.data.conversations import names
from goodfit.data.conversations.shape import Shape, detect
from goodfit.data.conversations.template import PromptTemplate
from goodfit.data.conversations.tools import tools
from goodfit.data.conversations.turns import Message, TurnReader, check_order
from goodfit.data.conversations.wrong import RowError, named, parse_cell, shown
from goodfit.data.values import as_text, kind_of
from goodfit.errors import DataError, Place

REASONS = {
    "missing_prompt": "nothing stands before the answer",
    "missing_completion": "the cell of the answer is missing",
    "empty_answer": "an answer is blank",
    "no_answer": "no turn is the assistant's",
    "no_messages": "there are no turns",
    "missing_text": "the text is missing or blank",
}
"""Why a row is dropped."""
_PADDED = (".parquet", ".pq", ".arrow", ".feather", ".ipc")
_BESIDE: Mapping[str, tuple[str, ...]] = {
    "alpaca": (*names.INPUT, *names.HISTORY, *names.SYSTEM, *names.TOOLS),
    **dict.fromkeys(("messages", "sharegpt", "prompt_completion"), (*names.SYSTEM, *names.TOOLS)),
}
"""Columns that belong to a format: counted as ignored where a later row brings one that the shape does not have."""
Outcome = tuple[dict[str, Any] | None, str | None]


class Normaliser:
    """Reads the rows of one source, in order; one object per source, because it remembers the types of its fields."""

    def __init__(self, shape: Shape, name_of_file: str, *, answers: bool = True, padded: bool | None = None) -> None:
        """`answers` False keeps rows without an answer (prediction). `padded`: the source fills absent members of objects with null, as
        parquet and arrow do; None: by the file's ending.
        """
        self.shape = shape
        self._name = name_of_file
        self._answers = answers
        self._padded = _is_padded(name_of_file) if padded is None else padded
        self._reader = TurnReader(shape.keys, shape.speakers, padded=self._padded)
        self._kinds: dict[str, tuple[str, int | None]] = {}
        self._usual: set[str] = set()
        self._first: int | None = None
        beside = _BESIDE.get(shape.kind, ())
        self._beside = tuple(column for column in beside if column not in (*shape.wanted, *shape.columns))
        self._template: PromptTemplate | None = None
        kinds: dict[str, Callable[[Mapping[str, Any], Place], Outcome]] = {
            "messages": self._messages, "sharegpt": self._messages, "alpaca": self._alpaca, "prompt_completion": self._pair,
            "text": self._plain,
        }  # fmt: skip
        self._read = kinds[shape.kind]

    @property
    def ignored(self) -> Counter[str]:
        """What was read but not used: keys of turns, a system column beside a system turn -> number of turns or rows."""
        return self._reader.ignored

    def conversation(self, cells: Mapping[str, Any], place: Place) -> Outcome:
        """(canonical conversation, None) or (None, a reason of REASONS).

        `cells` are all the cells of a row (not only those of `shape.wanted`, so that a row in another format is recognised). Raises
        DataError with file, line and field for a row that is structurally wrong.
        """
        try:
            found, reason = self._read(cells, place)
            if found is None:
                self._check_format(cells)
            else:
                _check_encodable(found)
        except RowError as error:
            raise self._located(error, place) from None
        if found is not None:
            for column in self._beside:
                if cells.get(column):
                    self._reader.ignored[f"column {column}"] += 1
            self._first = place.line if self._first is None else self._first
            self._usual.update([column for column, value in cells.items() if value is not None])
        return found, reason

    # -- one method per kind --------------------------------------------------------------------------------------------

    def _messages(self, cells: Mapping[str, Any], place: Place) -> Outcome:
        for column in names.MEDIA:
            if cells.get(column):
                fix = "only text can be learned; leave the column out, or the rows that have one"
                raise RowError(column, f"the column {column!r} is filled: images and sound are not supported", fix)
        column = self.shape.columns["messages"]
        return self._finish(self._turns(column, cells, place), column, cells, place)

    def _alpaca(self, cells: Mapping[str, Any], place: Place) -> Outcome:
        columns = self.shape.columns
        asked = [self._text(columns[role], cells, place) for role in ("instruction", "input") if role in columns]
        answer = self._text(columns["output"], cells, place)
        messages = self._history(cells, place)
        messages.append({"role": "user", "content": _joined(asked)})
        return self._answered(messages, answer, cells, place)

    def _pair(self, cells: Mapping[str, Any], place: Place) -> Outcome:
        columns, turns = self.shape.columns, self.shape.turns
        if "prompt" in turns:
            column = columns["prompt"]
            messages = self._turns(column, cells, place)
            if "completion" in turns:
                return self._finish(messages + self._turns(columns["completion"], cells, place, single=True), column, cells, place)
            return self._answered(messages, self._text(columns["completion"], cells, place), cells, place)
        prompt = self._prompt(cells, place)
        answer = self._text(columns["completion"], cells, place) if "completion" in columns else None
        if "system" in columns or "tools" in columns:
            return self._answered([{"role": "user", "content": prompt}], answer, cells, place)
        if not prompt.strip():
            return None, "missing_prompt"
        reason = self._no_answer(answer)
        return (None, reason) if reason else ({"prompt": prompt, "completion": answer}, None)

    def _plain(self, cells: Mapping[str, Any], place: Place) -> Outcome:
        text = self._text(self.shape.columns["text"], cells, place)
        return ({"text": text}, None) if text and text.strip() else (None, "missing_text")

    # -- parts of a row -------------------------------------------------------------------------------------------------

    def _answered(self, messages: list[Message], answer: str | None, cells: Mapping[str, Any], place: Place) -> Outcome:
        """Messages and the text of the last answer, which may be missing."""
        if not any(message["content"].strip() for message in messages):
            return None, "missing_prompt"
        if reason := self._no_answer(answer):
            return None, reason
        turn = [{"role": "assistant", "content": answer}] if answer is not None else []
        return self._finish(messages + turn, self.shape.kind, cells, place)

    def _no_answer(self, answer: str | None) -> str | None:
        if not self._answers or "completion" not in self.shape.columns and "output" not in self.shape.columns:
            return None
        if answer is None:
            return "missing_completion"
        return None if answer.strip() else "empty_answer"

    def _finish(self, messages: list[Message], field: str, cells: Mapping[str, Any], place: Place) -> Outcome:
        """The system prompt and the tools of the row added, its order and its answers looked at."""
        columns = self.shape.columns
        check_order(messages, field)
        if not messages:
            return None, "no_messages"
        if "system" in columns and (system := self._text(columns["system"], cells, place)) and system.strip():
            if messages[0]["role"] != "system":
                messages.insert(0, {"role": "system", "content": system})
            elif messages[0]["content"] != system:
                self._reader.ignored[f"column {columns['system']}, beside a system turn"] += 1
        reason = verdict(messages, answers=self._answers)
        if reason:
            return None, reason
        conversation: dict[str, Any] = {"messages": messages}
        if "tools" in columns:
            column = columns["tools"]
            found = tools(cells.get(column), column, padded=self._padded)
            if found:
                conversation["tools"] = found
        return conversation, None

    def _prompt(self, cells: Mapping[str, Any], place: Place) -> str:
        shape = self.shape
        if shape.template is None:
            return _joined([self._text(column, cells, place) for column in shape.joined or (shape.columns["prompt"],)])
        if self._template is None:
            self._template = PromptTemplate.parse(shape.template, shape.joined)
        values = {column: self._text(column, cells, place) for column in shape.joined}
        return self._template.fill(values) if any(value and value.strip() for value in values.values()) else ""

    def _turns(self, column: str, cells: Mapping[str, Any], place: Place, *, single: bool = False) -> list[Message]:
        """The turns in a cell; `single`: it may hold one turn that is in no list."""
        if single and isinstance(cells.get(column), Mapping):
            self._check_kind(column, "object", cells[column], place)
            return self._reader.read([cells[column]], column)
        value = self._list(column, cells, place, "turns")
        return self._reader.read(value, column) if value else []

    def _history(self, cells: Mapping[str, Any], place: Place) -> list[Message]:
        """Alpaca's earlier rounds: [[question, answer], …]."""
        column = self.shape.columns.get("history")
        messages: list[Message] = []
        for i, pair in enumerate(self._list(column, cells, place, "rounds") or () if column else ()):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
                fix = 'write the earlier rounds as [["question", "answer"], …]'
                raise RowError(f"{column}[{i}]", f"{column}[{i}] is not a pair of question and answer", fix)
            messages += [{"role": "user", "content": pair[0]}, {"role": "assistant", "content": pair[1]}]
        return messages

    # -- cells ----------------------------------------------------------------------------------------------------------

    def _list(self, column: str, cells: Mapping[str, Any], place: Place, of: str) -> Sequence[Any] | None:
        value = cells.get(column)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        self._check_kind(column, "JSON text" if isinstance(value, str) else kind_of(value), value, place)
        if isinstance(value, str):
            value = parse_cell(value, column)
        if not isinstance(value, (list, tuple)):
            raise RowError(column, f"{column} is {named(value)} where a list of {of} is expected", f"write [{{…}}, {{…}}], a list of {of}")
        return value

    def _text(self, column: str, cells: Mapping[str, Any], place: Place) -> str | None:
        """A cell as text, by the rules of cells.py: of one kind from its first value on, numbers as their text form."""
        value = cells.get(column)
        if type(value) is str:
            if column not in self._kinds or self._kinds[column][0] != "text":
                self._check_kind(column, "text", value, place)
            return value
        if as_text(value) is None:
            return None
        kind = "number" if kind_of(value) == "integer" else kind_of(value)
        if kind in ("list", "object", "bytes") and column not in self._kinds:
            raise RowError(column, f"{column} is {named(value)} where text is expected", "write it as text, or name another column")
        self._check_kind(column, kind, value, place)
        return as_text(value)

    def _check_kind(self, column: str, kind: str, value: Any, place: Place) -> None:
        known, line = self._kinds.setdefault(column, (kind, place.line))
        if known != kind:
            message = f"{column} changes its type here: {named(value)}, while it is {known} since line {line}"
            raise RowError(column, message, f"write {column} as {known} in every row")

    # -- refusals -------------------------------------------------------------------------------------------------------

    def _check_format(self, cells: Mapping[str, Any]) -> None:
        """RowError where a row without anything in this shape's columns is a whole row of another shape."""
        if any(cells.get(column) is not None for column in self.shape.main):
            return
        filled = [column for column, value in cells.items() if value is not None]
        other = detect(filled, [cells])
        named_text = other is not None and (other.kind != "text" or other.columns["text"].casefold() in names.TEXT)
        if other and named_text and not set(other.main) <= self._usual:
            since = f" since line {self._first}" if self._first is not None else ""
            message = f"this row is {other}, while the file is {self.shape}{since}: two formats in one file"
            raise RowError(other.main[0], message, "put the rows of each format into a file of their own (data.sources takes several)")

    def _located(self, error: RowError, place: Place) -> DataError:
        since = f", while it is {error.expected} since line {self._first}" if error.expected and self._first is not None else ""
        expected = f"; {error.expected} is expected" if error.expected and not since else ""
        where = Place(file=place.file or self._name, line=place.line, row=place.row, key=error.field)
        return DataError(f"{error.message}{since}{expected}", place=where, fix=error.fix)


def verdict(messages: Sequence[Message], *, answers: bool = True) -> str | None:
    """Why a conversation cannot be learned (a reason of REASONS), or None; with `answers` False, why nothing can be answered."""
    last = next((i for i in range(len(messages) - 1, -1, -1) if messages[i]["role"] == "assistant"), None)
    if last is None and answers:
        return "no_answer"
    if answers and any(_is_empty(message) for message in messages):
        return "empty_answer"
    before = messages[:last] if last is not None else messages
    return None if any(message["content"].strip() or message.get("tool_calls") for message in before) else "missing_prompt"


def _is_empty(message: Message) -> bool:
    """An assistant turn that would teach to say nothing."""
    said = message["content"].strip() or message.get("tool_calls") or any(message.get(key) for key in names.THOUGHT_KEYS)
    return message["role"] == "assistant" and not said and message.get("train") is not False


def _joined(parts: Sequence[str | None]) -> str:
    """Several parts of a prompt, joined by a line break; missing and blank ones left out."""
    return "\n".join([part for part in parts if part and part.strip()])


def _is_padded(name: str) -> bool:
    return name.startswith("hub:") or PurePath(name).suffix.lower() in _PADDED


def _check_encodable(conversation: Mapping[str, Any]) -> None:
    """RowError where a text holds half of a surrogate pair (no encoding can write it), or tools hold what is no JSON (a time, NaN)."""
    plain = [message["content"] for message in conversation.get("messages", ()) if len(message) == 2]
    rest = {key: value for key, value in conversation.items() if key != "messages"}
    rest["messages"] = [message for message in conversation.get("messages", ()) if len(message) != 2]
    try:
        for text in plain:
            if not text.isascii():
                text.encode("utf-8")
        if len(rest) > 1 or rest["messages"]:
            json.dumps(rest, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        near = ascii(error.object[max(0, error.start - 10) : error.start + 10])
        fix = "the text was cut or decoded wrongly: correct it, or write it anew with json.dumps"
        raise RowError("text", f"half of a surrogate pair stands near {near}: this is no text", fix) from None
    except (TypeError, ValueError, RecursionError) as error:
        raise RowError("tools", f"tools or tool calls hold what is not JSON: {shown(str(error))}", "write them as JSON text") from None
