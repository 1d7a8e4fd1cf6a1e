"""What the sample shows of one column: how many values, how long, how often each; and what its name says.

Layer: init. `roles` decides by these facts; nothing here decides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from goodfit.data.cells import MISSING_LABELS
from goodfit.data.labels import LIST, detect_separator, parse_labels
from goodfit.data.peek import Peek

LOOKED_AT = 1000
"""Values whose length is measured."""
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}(\s.*)?"
    r"|[A-Z][a-z]{2,8}\.? \d{1,2},? \d{4}.*|\d{1,2} [A-Z][a-z]{2,8} \d{4}.*"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2} .*"
)
_ADDRESS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+\.\w+")
_WIDE = re.compile(r"[぀-ヿ㐀-鿿가-힯฀-๿]")


@dataclass(frozen=True)
class Column:
    """One column of the sample."""

    name: str
    kind: str
    """As `peek` saw it: `text`, `integer`, `number`, `true/false`, `time`, `list`, `object`, `mixed`, `empty`."""
    position: int
    rows: int
    """Rows of the sample."""
    counts: Mapping[str, int]
    """Value -> rows, missing ones left out; of a list column, its lists as text."""
    lists: tuple[tuple[str, ...], ...] = ()
    """The lists of a list column."""
    runs: int = 0
    """Stretches of rows with the same value: as few as values where the file is sorted."""

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return sum(self.counts.values())

    @property
    def missing(self) -> float:
        """Share of rows without a value."""
        return 1 - self.filled / self.rows if self.rows else 1.0

    @property
    def distinct(self) -> int:
        """Different values."""
        return len(self.counts)

    @property
    def repeats(self) -> float:
        """Rows per value."""
        return self.filled / self.distinct if self.distinct else 0.0

    @property
    def novelty(self) -> float:
        """Share of the values that are different: 1 where no value comes twice."""
        return self.distinct / self.filled if self.filled else 0.0

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the name, lower case: `drugName` -> drug, name."""
        spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.name)
        return tuple(re.findall(r"[^\W\d_]+|\d+", spaced.lower()))

    @cached_property
    def length(self) -> float:
        """Mean number of characters; one of a script without spaces counts for three."""
        values = [value for value, _ in zip(self.counts, range(LOOKED_AT))]
        return sum(len(v) + 2 * len(_WIDE.findall(v)) for v in values) / len(values) if values else 0.0

    @cached_property
    def spoken(self) -> float:
        """Mean number of words; three letters of a script without spaces count as one."""
        values = [value for value, _ in zip(self.counts, range(LOOKED_AT))]
        return sum(len(v.split()) + len(_WIDE.findall(v)) / 3 for v in values) / len(values) if values else 0.0

    @cached_property
    def is_time(self) -> bool:
        """Whether the values are dates or times."""
        values = [value for value, _ in zip(self.counts, range(50))]
        return self.kind == "time" or (bool(values) and self.kind == "text" and all(_DATE.fullmatch(v.strip()) for v in values))

    @cached_property
    def is_address(self) -> bool:
        """Whether the values are web or mail addresses."""
        values = [value for value, _ in zip(self.counts, range(50))]
        return bool(values) and all(_ADDRESS.fullmatch(v.strip()) for v in values)

    @cached_property
    def is_switch(self) -> bool:
        """Whether the values are 0 and 1, or true and false."""
        return bool(self.counts) and {v.strip().lower() for v in self.counts} <= {"0", "1", "0.0", "1.0", "true", "false"}

    @cached_property
    def separator(self) -> str | None:
        """What separates several names in a cell (`list` for lists), or None where a cell is one name."""
        if self.lists:
            return LIST
        if self.kind not in ("text", "mixed") or self.length > 200:
            return None
        found = detect_separator([value for value, n in self.counts.items() for _ in range(min(n, 2))])
        if found == LIST and any(_names(value, LIST) == [value] for value, _ in zip(self.counts, range(LOOKED_AT))):
            return None  # lists of lists, or text in square brackets
        return found

    @cached_property
    def names(self) -> Mapping[str, int]:
        """Class name -> rows: the values, or the parts of multi-label cells; the commonest first."""
        if self.separator is None:
            return dict(Counter({value: n for value, n in self.counts.items() if value not in MISSING_LABELS}).most_common())
        parts: Counter[str] = Counter()
        if self.lists:
            for row in self.lists:
                parts.update(set(row))
        else:
            for cell, n in self.counts.items():
                parts.update(dict.fromkeys(_names(cell, self.separator), n))
        return dict(parts.most_common())


def _names(cell: str, separator: str) -> list[str]:
    try:
        return parse_labels(cell, separator)
    except ValueError:
        return [cell]


def profile(seen: Peek) -> tuple[Column, ...]:
    """The columns of a sample."""
    columns = []
    for position, column in enumerate(seen.columns):
        cells = seen.sample.column(column.name).to_pylist()
        lists = tuple(_listed(cell) for cell in cells if cell is not None) if column.kind == "list" and _flat(cells) else ()
        texts = [" | ".join(map(str, cell)) if isinstance(cell, list) else cell for cell in cells if cell is not None]
        counts = Counter(text for text in texts if text.strip() or lists)
        runs = sum(1 for _ in groupby(texts))
        columns.append(Column(column.name, column.kind, position, len(cells), counts, lists, runs))
    return tuple(columns)


def _listed(cell: Any) -> tuple[str, ...]:
    """The names of a list cell as split reads them: without missing ones and the space around them."""
    items = cell if isinstance(cell, list) else [cell]
    return tuple(text for item in items if item is not None and (text := str(item).strip()) and text not in MISSING_LABELS)


def _flat(cells: list[object]) -> bool:
    return any(isinstance(cell, list) for cell in cells)
