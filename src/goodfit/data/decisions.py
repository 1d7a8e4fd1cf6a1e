"""Decisions on rows: what people (and mitigations) said is to become of a row, in a file that only grows.

Layer: data. `decisions.jsonl` has one line per decision: `{row, action, value, by, reason, time}`.

    keep      the row is right as it stands                     value null
    relabel   it gets another label                             value a label; for several labels per row a list of labels
    drop      it is not used                                    value null
    mask      its text is replaced                              value the new text, or {column: text} where the input has several columns

The last decision of a row counts, and `keep` takes an earlier one back. `by` names a person; whatever is not a person is written with a
colon (`goodfit:mitigate`, `model:gpt`), and counts for less: it never changes a test row and never a cleaned copy. Reviews append
here, `split` applies (stages/split/decide.py), `goodfit audit --fix` writes a cleaned copy.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

from goodfit.data.journal import append_lines
from goodfit.data.values import as_text
from goodfit.errors import DataError, Place, machine_error, nearest

NAME = "decisions.jsonl"
Action = Literal["keep", "relabel", "drop", "mask"]
ACTIONS: tuple[Action, ...] = ("keep", "relabel", "drop", "mask")
KEYS = ("row", "action", "value", "by", "reason", "time")
Value = str | list[str] | dict[str, str] | None
_FORM = '{"row": "9f1c2ab07d33e1a4", "action": "relabel", "value": "billing", "by": "anna", "reason": "", "time": "2026-05-01T09:00:00Z"}'
_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody decided about a row."""

    row: str
    action: Action
    value: Value
    by: str
    reason: str
    time: str
    line: int | None = field(default=None, compare=False)
    """Of the file."""

    @property
    def person(self) -> bool:
        """Whether a person decided: no colon in `by`."""
        return ":" not in self.by

    @property
    def moment(self) -> datetime:
        """When, with its time zone (UTC where none is written)."""
        return moment_of(self.time)

    def to_json(self) -> dict[str, Any]:
        """The line of the file."""
        return {key: getattr(self, key) for key in KEYS}

    def says_as(self, other: Decision) -> bool:
        """Whether it says the same as another of its row, and with the same weight."""
        return (self.action, self.value, self.person) == (other.action, other.value, other.person)


class Decisions:
    """The decisions of one file (or of none): row -> what was decided about it, in order, said again left out."""

    def __init__(self, path: Path | None = None, listed: Sequence[Decision] = ()) -> None:
        self.path = path
        self.read = len(listed)
        """Lines."""
        found: dict[str, list[Decision]] = defaultdict(list)
        for decision in listed:
            held = found[decision.row]
            if held and decision.says_as(held[-1]):
                held[-1] = replace(held[-1], reason=decision.reason, line=decision.line)  # when it was said first is what counts
            else:
                held.append(decision)
        self.by_row: dict[str, tuple[Decision, ...]] = {row: tuple(held) for row, held in found.items()}

    def __bool__(self) -> bool:
        return bool(self.by_row)

    @property
    def last(self) -> dict[str, Decision]:
        """Row -> the decision that counts."""
        return {row: held[-1] for row, held in self.by_row.items()}

    def without(self, done: set[tuple[str, str, str]]) -> Decisions:
        """Those that are not in `done` (row, action, time)."""
        out = Decisions(self.path)
        out.read = self.read
        kept = {row: tuple(d for d in held if (row, d.action, d.time) not in done) for row, held in self.by_row.items()}
        out.by_row = {row: held for row, held in kept.items() if held}
        return out

    @property
    def fingerprint(self) -> str | None:
        """`b2:…` of all that can change a row; None where nothing does. Rows that were only kept do not count."""
        changing = {row: held for row, held in self.by_row.items() if any(d.action != "keep" for d in held)}
        if not changing:
            return None
        digest = hashlib.blake2b(digest_size=16)
        for row in sorted(changing):
            told = [row, [[d.action, d.value, d.person, d.time] for d in changing[row]]]
            digest.update(json.dumps(told, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass") + b"\n")
        return f"b2:{digest.hexdigest()}"


def now() -> str:
    """The time as a decision holds it: UTC, to the millisecond."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23] + "Z"


def moment_of(text: str) -> datetime:
    """An ISO 8601 time; ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def append(path: Path, decisions: Sequence[Decision]) -> None:
    """Adds decisions, on disk when this returns; RunError where another process keeps the file, UserError where it cannot be written."""
    append_lines(path, [decision.to_json() for decision in decisions])


def looks_like_decisions(path: Path) -> bool:
    """Whether a file called `decisions.jsonl` is one of ours: its first line is an object with `row` and `action`, or it is empty."""
    try:
        with path.open("rb") as handle:
            head = handle.read(_HEAD).decode("utf-8-sig", "replace")
    except OSError:
        return False
    first = next((line for line in head.split("\n") if line.strip()), None)
    if first is None:
        return True
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return '"row"' in first and '"action"' in first  # one of ours, damaged: reading it says where
    return isinstance(value, dict) and {"row", "action"} <= set(value)


def read_decisions(path: Path, shown: str | None = None) -> Decisions:
    """Every decision of a file; DataError with its line for the first that cannot be one. `shown`: the name in errors."""
    name = shown or str(path)
    return Decisions(path, list(_decisions(path, name)))


def _decisions(path: Path, name: str) -> Iterator[Decision]:
    try:
        with path.open("rb") as handle:
            for number, raw in enumerate(handle, start=1):
                content = _decoded(raw, name, number).strip()
                if content:
                    yield _parsed(content, name, number)
    except OSError as error:
        raise machine_error(error, "reading", name) from error


def _decoded(raw: bytes, name: str, number: int) -> str:
    try:
        return raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise _wrong(name, number, "this line is not UTF-8", "save the file as UTF-8") from None


def _wrong(name: str, line: int, message: str, fix: str, key: str | None = None) -> DataError:
    return DataError(message, place=Place(file=name, line=line, key=key), fix=fix)


def _parsed(content: str, name: str, number: int) -> Decision:
    """One line; DataError where it is no decision."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        fix = "correct or delete the line" if content.endswith("}") else "the line is cut off: delete it"
        raise _wrong(name, number, "this line is not JSON", f"{fix}; a decision is {_FORM}") from None
    if not isinstance(value, dict):
        raise _wrong(name, number, "this line is no object", f"a decision is {_FORM}")
    strange = next((key for key in value if key not in KEYS), None)
    if strange is not None:
        near = nearest(str(strange), KEYS)
        fix = f"did you mean {near!r}?" if near else f"the keys are {', '.join(KEYS)}"
        raise _wrong(name, number, f"{strange!r} is no key of a decision", fix, str(strange))
    return _checked(value, name, number)


def _checked(value: Mapping[str, Any], name: str, number: int) -> Decision:
    for key in ("row", "action", "by", "time"):
        if not isinstance(value.get(key), str) or not value[key].strip():
            raise _wrong(name, number, f"{key} must be a text", f"a decision is {_FORM}", key)
    if value["action"] not in ACTIONS:
        near = nearest(value["action"], ACTIONS)
        fix = f"did you mean {near!r}?" if near else f"one of {', '.join(ACTIONS)}"
        raise _wrong(name, number, f"{value['action']!r} is no action", fix, "action")
    try:
        moment_of(value["time"])
    except ValueError:
        raise _wrong(name, number, f"{value['time']!r} is no time", "write it like 2026-05-01T09:00:00Z", "time") from None
    reason = value.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise _wrong(name, number, "reason must be a text", f"a decision is {_FORM}", "reason")
    action = cast(Action, value["action"])
    return Decision(
        value["row"].strip(),
        action,
        _value(action, value.get("value"), name, number),
        value["by"].strip(),
        reason or "",
        value["time"],
        number,
    )


def _value(action: Action, value: Any, name: str, number: int) -> Value:
    """The value as its action needs it; a label may be written as a number or true/false, as in the data."""
    if action in ("keep", "drop"):
        if value is not None:
            raise _wrong(name, number, f"{action} has no value", "value: null, or relabel", "value")
        return None
    if action == "mask":
        whole = isinstance(value, dict) and value and all(isinstance(text, str) for text in value.values())
        if not isinstance(value, str) and not whole:
            raise _wrong(name, number, "the value of mask must be the new text, or {column: new text}", f"for example {_FORM}", "value")
        return cast(Value, value)
    if isinstance(value, list):
        names = [_label(item) for item in value]
        if None not in names:
            return list(dict.fromkeys(cast(list[str], names)))
    elif (label := _label(value)) is not None:
        return label
    message = "the value of relabel must be a label, or a list of labels where rows have several"
    raise _wrong(name, number, message, f"for example {_FORM}", "value")


def _label(value: Any) -> str | None:
    text = as_text(value) if isinstance(value, str | bool | int | float) else None
    return text if text is not None and text.strip() else None
