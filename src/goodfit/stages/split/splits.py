"""Splits: the handle on divided rows that every later stage takes. Test rows need the key that `Run.unseal` returns.

Result of split, the first stage of the path. The handle is small: row ids and their sides live in `split/assignment.parquet`, texts
and labels in the row store of the cache, which is read again from the user's files when it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.data import cache
from goodfit.data.conversations import question_of
from goodfit.data.conversations.reading import Turns
from goodfit.data.decided import decided_store
from goodfit.data.decisions import read_decisions
from goodfit.data.duplicates import text_keys
from goodfit.data.fingerprint import data_fingerprint
from goodfit.data.named import opened
from goodfit.data.rows import Rows
from goodfit.data.source import Columns, Source
from goodfit.data.store import FOLDER, RowStore, open_store
from goodfit.errors import DataError, RunError
from goodfit.files import read_json
from goodfit.run import ASSIGNMENT, DECISIONS, MANIFEST, Run
from goodfit.stages.split.hygiene import HYGIENE, HYGIENE_ROWS
from goodfit.stages.split.sources import shown

Side = Literal["train", "valid", "test"]
SIDES: tuple[Side, ...] = ("train", "valid", "test")
READ_AS = ("weight", "format", "split", "encoding", "delimiter", "header")
"""What the manifest keeps of a source beside its name: enough to read it again."""


@dataclass
class Splits:
    """Rows divided into train, valid and test.

    Tables and batches have the columns `row` (string id), `text` (string), `label` (string; list<string> for multi-label),
    `group` (int32: the cluster: rows of one customer, document, or normalised text; the unit of every interval),
    `weight` (float32), `at` (`file:line`), a string column `group.<axis>` per axis of `groups`, and where rows are conversations
    `conversation` (JSON; `text` is then what is asked, `label` the answer). `choices` (JSON) where the recipe names it. Where it
    is asked for, `source` (int16: which file).
    Order: that of the files.
    """

    folder: Path
    """The run's `split/` folder."""
    labels: tuple[str, ...]
    """Every class in order: the recipe's list, else the names in the used rows (of all splits), sorted; none of conversations."""
    multi_label: bool
    counts: dict[str, int]
    """Used rows per split: `{"train": 3500, "valid": 750, "test": 750}`; 0 for one that there is not."""
    axes: tuple[str, ...]
    """Names of the recipe's `groups`."""
    clustered: bool
    """Some cluster has more than one row, so that intervals must resample clusters."""
    data_fingerprint: str
    """`b2:…` of the content of the user's files."""
    test_fingerprint: str | None
    """`b2:…` of the sorted test row ids; None where there are no test rows."""
    base: Path
    """The folder that paths of the recipe start from."""
    fingerprint: str = ""
    """Set by @stage."""

    @classmethod
    def load(cls, run: Run) -> Splits:
        """The handle from the run's folder: FileNotFoundError or ValueError where it is not whole.

        Rows are looked for when first asked for: RunError where the cache was emptied and the user's files have changed since.
        """
        folder = run.path / "split"
        manifest = read_json(folder / MANIFEST)
        for name in (ASSIGNMENT, HYGIENE, HYGIENE_ROWS):
            if not (folder / name).is_file():
                raise FileNotFoundError(folder / name)
        return cls(
            folder=folder, labels=tuple(manifest["labels"]), multi_label=manifest["multi_label"], counts=dict(manifest["splits"]),
            axes=tuple(manifest["columns"]["groups"]), clustered=manifest["clusters"]["largest"] > 1, data_fingerprint=manifest["data"],
            test_fingerprint=manifest["test"], base=run.base,
        )  # fmt: skip

    # -- rows ---------------------------------------------------------------------------------------------------------

    def table(self, split: Side, *, key: object | None = None, columns: tuple[str, ...] | None = None) -> pa.Table:
        """All rows of one split (`columns`: some of them); `test` needs the key of `Run.unseal`, else SealBroken."""
        batches = list(self.batches(split, size=1 << 16, key=key, columns=columns))
        return pa.Table.from_batches(batches, schema=self._schema(columns))

    def batches(
        self, split: Side, *, size: int = 8192, key: object | None = None, columns: tuple[str, ...] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows of one split, at most `size` at a time, in the order of `table`; `test` needs the key, else SealBroken."""
        schema = self._schema(columns)
        stored = [name for name in schema.names if name != "group"] or ["row"]
        return self._with_group(split, self._rows.batches(split, size, columns=stored, key=key), schema)

    def take(self, row_ids: list[str], *, key: object | None = None, columns: tuple[str, ...] = ("row", "text", "label", "at")) -> pa.Table:
        """These rows in this order (columns of the store); DataError where an id is unknown, SealBroken where one is a test row."""
        found = self._rows.take(row_ids, columns=columns, key=key)
        return self._shown(found) if "at" in columns else found

    def row_ids(self, split: Side) -> pa.ChunkedArray:
        """The row ids of a split, string [n], in the order of `table` (needs no key: an id tells nothing of its row)."""
        return self._of_split(split, "row")

    def clusters(self, split: Side) -> npt.NDArray[np.int64]:
        """The cluster of every row of a split, int64 [n], in the order of `table` (needs no key: it holds no text and no label)."""
        out: npt.NDArray[np.int64] = self._of_split(split, "group").to_numpy().astype(np.int64)
        return out

    def question_keys(self, split: Side) -> npt.NDArray[np.uint64]:
        """A hash of what each row of a split asks, uint64 [n, 2], normalised (needs no key: it tells nothing of the row but itself).

        Rows from elsewhere that ask the same are found by it; of conversations only.
        """
        places = pc.index_in(self.row_ids(split), value_set=self._store().column("row"))
        told = self._store().column("conversation").take(places).to_pylist()
        return text_keys(pa.array([question_of(json.loads(text)) for text in told], pa.string()))

    def source_names(self) -> list[str]:
        """The user's files in order; the column `source` counts them from 0."""
        return [str(file["path"]) for file in self._manifest["files"]]

    def source_weights(self) -> list[float]:
        """The weight of each of them."""
        return [float(file.get("weight", 1.0)) for file in self._manifest["files"]]

    # -- what split counted -------------------------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any]:
        """split/manifest.json: what became of every row that was read (needs no key)."""
        return self._manifest

    def hygiene(self) -> dict[str, Any]:
        """split/hygiene.json: what is wrong with the rows, over all splits (needs no key)."""
        document: dict[str, Any] = read_json(self.folder / HYGIENE)
        return document

    def hygiene_rows(self) -> pa.Table:
        """split/hygiene.parquet: every row that was dropped or repeats a text (columns in hygiene.py)."""
        return pq.read_table(self.folder / HYGIENE_ROWS)

    def label_counts(self) -> dict[str, dict[str, int]]:
        """Label -> split -> rows (needs no key)."""
        counts: dict[str, dict[str, int]] = self._manifest["labels"]
        return counts

    # -- inside -------------------------------------------------------------------------------------------------------

    @cached_property
    def _manifest(self) -> dict[str, Any]:
        document: dict[str, Any] = read_json(self.folder / MANIFEST)
        return document

    @cached_property
    def _assignment(self) -> pa.Table:
        return pq.read_table(self.folder / ASSIGNMENT, columns=["row", "split", "group"])

    @cached_property
    def _rows(self) -> Rows:
        try:
            return Rows(self._store(), self._assignment)
        except DataError as error:
            raise RunError(f"the rows of {self.folder.parent.name} cannot be read again: {error.message}", fix=error.fix) from error

    @cached_property
    def _names(self) -> dict[str, str]:
        """Opened name -> name as the user wrote it, where they differ."""
        pairs = {opened(file["path"], self.base): str(file["path"]) for file in self._manifest["files"]}
        return {name: written for name, written in pairs.items() if name != written}

    def _store(self) -> RowStore:
        """The rows with what was decided of them."""
        return self._decided

    @cached_property
    def _decided(self) -> RowStore:
        store, file = self._as_read(), self.folder / DECISIONS
        if not file.is_file():
            return store
        return decided_store(store, read_decisions(file).last, _columns(self._manifest["columns"]))[0]

    def _as_read(self) -> RowStore:
        """The row store from the cache, or read again from files that have not changed."""
        fingerprint = str(self._manifest["store"])
        path = cache.root() / FOLDER / f"{fingerprint.removeprefix('b2:')}.arrow"
        if path.is_file():
            try:
                store = RowStore(path, fingerprint)
            except (pa.ArrowInvalid, OSError):
                pass  # damaged: open_store makes it anew
            else:
                cache.touch(path)
                return store
        sources = [Source(opened(file["path"], self.base), **{key: file[key] for key in READ_AS}) for file in self._manifest["files"]]
        if data_fingerprint(sources) != self.data_fingerprint:
            raise RunError(
                f"the data of {self.folder.parent.name} has changed since it was split ({', '.join(s.path for s in sources)})",
                fix="put the file back as it was, or start a new run with goodfit run RECIPE --new",
            )
        return open_store(sources, _columns(self._manifest["columns"]))

    def _schema(self, columns: tuple[str, ...] | None) -> pa.Schema:
        whole = pa.schema([
            ("row", pa.string()), ("text", pa.string()), ("label", pa.list_(pa.string()) if self.multi_label else pa.string()),
            ("group", pa.int32()), ("weight", pa.float32()), ("at", pa.string()), *((f"group.{axis}", pa.string()) for axis in self.axes),
            *([("conversation", pa.string())] if self._manifest["columns"].get("turns") else []),
            *([("choices", pa.string())] if self._manifest["columns"].get("choices") else []),
            *((f"annotator.{name}", pa.string()) for name in self._manifest["columns"].get("annotators", ())),
        ])  # fmt: skip
        if columns is None:
            return whole
        return pa.schema([pa.field("source", pa.int16()) if name == "source" else whole.field(name) for name in columns])

    def _with_group(self, split: Side, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        groups = self._of_split(split, "group").combine_chunks() if "group" in schema.names else None
        start = 0
        for batch in batches:
            arrays = {name: batch.column(name) for name in batch.schema.names}
            if groups is not None:
                arrays["group"] = groups.slice(start, len(batch))
            if "at" in arrays and self._names:
                arrays["at"] = shown(arrays["at"], self._names)
            start += len(batch)
            yield pa.record_batch([arrays[name] for name in schema.names], schema=schema)

    def _shown(self, table: pa.Table) -> pa.Table:
        return table.set_column(table.schema.get_field_index("at"), "at", shown(table["at"], self._names))

    def _of_split(self, split: Side, column: str) -> pa.ChunkedArray:
        return self._assignment.filter(pc.equal(self._assignment["split"], split))[column]


def _columns(document: Mapping[str, Any]) -> Columns:
    """`Columns` from its JSON form."""
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    turns = values.pop("turns", None)
    return Columns(**values, turns=None if turns is None else Turns(**turns))
