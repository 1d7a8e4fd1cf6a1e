"""A label in the form in which the file writes labels: a number where labels are numbers, a list where they are lists, 0 and 1.

Part of fix.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from goodfit.data.decisions import Decision
from goodfit.data.labels import LIST_NAMES, NO_SEPARATOR
from goodfit.data.readers.base import DataFile, Opened
from goodfit.data.source import Columns
from goodfit.data.values import as_text

_TRUE = ("1", "1.0", "true", "True", "TRUE", "yes")
_FALSE = ("0", "0.0", "false", "False", "FALSE", "no")


class Cells:
    """What a decision writes into the cells of one file."""

    def __init__(self, file: DataFile, opened: Opened, columns: Columns) -> None:
        self.file = file
        self._opened = opened
        self._columns = columns
        """With the separator found, where one is needed."""
        self._forms: dict[str, Any] | None = None
        self._lists = False

    def of(self, decision: Decision) -> dict[str, Any]:
        """Column -> new cell."""
        if decision.action == "mask":
            value = decision.value
            return dict(value) if isinstance(value, dict) else {self._columns.text[0]: value}
        names = decision.value if isinstance(decision.value, list) else [str(decision.value)]
        columns = self._columns.label
        if len(columns) > 1:
            return {column: self._switch(on=column in names) for column in columns}
        if not self._columns.multi_label:
            return {columns[0]: self._form(names[0])}
        return {columns[0]: self._set(names)}

    def _set(self, names: Sequence[str]) -> Any:
        """Several labels in one cell: a list, or names with the separator between them."""
        self._look()
        if self._lists:
            return [self._form(name) for name in names]
        separator = self._columns.separator or NO_SEPARATOR
        if not names or separator in LIST_NAMES:
            return json.dumps(list(names), ensure_ascii=False)
        if separator == NO_SEPARATOR and len(names) > 1:
            fix = "set task.label_separator, as the file has it"
            raise self.file.error(f"{', '.join(names)}: no separator between labels is known", key=self._columns.label[0], fix=fix)
        return separator.join(names)

    def _form(self, name: str) -> Any:
        """A label as the file writes it: the cell of the same text, else of the kind of the others."""
        forms = self._look()
        if name in forms or not self._opened.typed:
            return forms.get(name, name)
        kinds = {type(cell) for cell in forms.values()}
        for kind in (int, float):
            if kinds and kinds <= {int, float} and kind in kinds:
                try:
                    return kind(name)
                except ValueError:
                    continue
        return name

    def _switch(self, *, on: bool) -> Any:
        """1 or 0, as the file writes them."""
        forms = self._look()
        found = next((forms[text] for text in (_TRUE if on else _FALSE) if text in forms), None)
        return found if found is not None else (int(on) if self._opened.typed else str(int(on)))

    def _look(self) -> dict[str, Any]:
        """Text -> cell, of every label that the file holds; read once, when a label is first written."""
        if self._forms is None:
            self._forms = {}
            plain = not self._opened.typed and len(self._columns.label) < 2
            for chunk in () if plain else self._opened.chunks(self._columns.label):
                for column in self._columns.label:
                    self._add(chunk.values.get(column, ()))
        return self._forms

    def _add(self, cells: Sequence[Any]) -> None:
        assert self._forms is not None
        for cell in cells:
            if isinstance(cell, list | tuple):
                self._lists = True
                self._add(cell)
            elif cell is not None and not (isinstance(cell, float) and math.isnan(cell)):
                self._forms.setdefault(as_text(cell) or "", cell)
