"""The conversations of one opened table: their form found once, then chunk by chunk what the row store keeps of each.

Layer: data, between the readers and `source.read`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from goodfit.data.clean.mask import Mask
from goodfit.data.conversations import names
from goodfit.data.conversations.asked import asked, refusal
from goodfit.data.conversations.forms import answer_text, canonical, input_text, prompt_of, stored
from goodfit.data.conversations.normaliser import Normaliser
from goodfit.data.conversations.shape import SAMPLE, Shape, detect
from goodfit.data.readers.base import Chunk, Opened


@dataclass(frozen=True)
class Turns:
    """What is known beforehand of where the conversations stand; nothing named: found by looking at each file."""

    columns: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    """messages, prompt (one column or several), completion, system, tools, text -> column."""
    template: str | None = None
    """A text template over columns that makes the prompt."""
    speakers: Mapping[str, str] = field(default_factory=dict)
    """Spelling -> role."""
    answers: bool = True
    """False: rows wait for their answer (prediction), and one without is no loss."""


class Told(NamedTuple):
    """The rows of a chunk, each list [n]; all but the reason None where a row is not used."""

    inputs: list[str | None]
    """Canonical JSON of what is asked (of a plain text: of itself): the row's identity."""
    texts: list[str | None]
    """The input as a person reads it."""
    answers: list[str | None]
    """The last assistant turn; None for plain texts too."""
    conversations: list[str | None]
    """The whole conversation as JSON, every key in its order."""
    reasons: list[str | None]


class Conversations:
    """Reads the rows of one table in order."""

    def __init__(self, name: str, opened: Opened, turns: Turns, mask: Mask | None = None) -> None:
        """DataError or SettingsError where the form is not clear, or the named columns are not there."""
        self._name = name
        self.shape = shape_of(name, opened, turns)
        self._normaliser = Normaliser(self.shape, name, answers=turns.answers)
        self._waiting = not turns.answers
        self._mask = mask or Mask((), Counter())

    def read(self, chunk: Chunk) -> Told:
        """What the store keeps of a chunk's rows; DataError with the line of a row that is structurally wrong."""
        told = Told([], [], [], [], [])
        for place, cells in enumerate(_rows(chunk)):
            found, reason = self._normaliser.conversation(cells, chunk.place(place, self._name))
            kept = (None,) * 4 if found is None else self._kept(found)
            for column, value in zip(told, (*kept, reason), strict=True):
                column.append(value)
        return told

    def _kept(self, found: dict[str, Any]) -> tuple[str | None, ...]:
        asked_for = found if self._waiting else prompt_of(found)
        said = self._mask.value(found)
        return canonical(asked_for), input_text(said, answered=not self._waiting), answer_text(said), stored(said)

    @property
    def notes(self) -> list[str]:
        """In which form the rows were read, and what of them is not used."""
        ignored = [f"{n:,} {what}" for what, n in self._normaliser.ignored.most_common(8)]
        return [f"read as {self.shape}"] + ([f"not used: {', '.join(ignored)}"] if ignored else [])


def shape_of(name: str, opened: Opened, turns: Turns) -> Shape:
    """The form of a table's conversations, named by the user or found in its first rows."""
    first = next(iter(opened.chunks(None)), None)
    sample = [] if first is None else [cells for cells, _ in zip(_rows(first), range(SAMPLE))]
    columns = tuple(dict.fromkeys([*opened.columns, *(first.values if first else ())]))
    if turns.columns or turns.template is not None:
        return asked(turns.columns, columns, sample, template=turns.template, speakers=turns.speakers, name=name)
    found = detect(columns, sample)
    if not turns.answers and (found is None or (found.kind == "text" and found.columns["text"].casefold() not in names.TEXT)):
        found = _unanswered(columns) or found
    if found is None:
        raise refusal(columns, sample, name)
    return found


def _unanswered(columns: Sequence[str]) -> Shape | None:
    """Prompts without a column of answers, under the names that they have beside one."""
    there = {column.strip().casefold(): column for column in columns}
    prompt = next((there[name] for name in names.PROMPT if name in there), None)
    if prompt is None:
        return None
    rules = next((there[name] for name in names.SYSTEM if name in there), None)
    system = {} if rules is None else {"system": rules}
    beside = next((there[name] for name in names.INPUT if name in there and there[name] != prompt), None)
    if "instruction" in there and beside:
        return Shape("prompt_completion", system, joined=(there["instruction"], beside))
    about = next((there[name] for name in names.CONTEXT if name in there and there[name] != prompt), None)
    if prompt.casefold() in ("question", "query") and about:
        return Shape("prompt_completion", system, joined=(about, prompt))
    return Shape("prompt_completion", {"prompt": prompt, **system})


def _rows(chunk: Chunk) -> Iterator[dict[str, Any]]:
    names = tuple(chunk.values)
    for cells in zip(*chunk.values.values()):
        yield dict(zip(names, cells))
