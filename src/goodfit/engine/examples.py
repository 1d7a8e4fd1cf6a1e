"""Examples: the rows that a model sees, as memory-mapped columns. The prepare stage writes them, `fit` and `infer` read them.

A folder of Examples holds `input_ids.npy` (int32, all rows one after another), `offsets.npy` (int64 [n+1]), `target.npy`
(int64 [n]: class index, or float32 [n, L]: one 0/1 per label), `weight.npy` (float32 [n]), `row.npy` (row ids, bytes) and
`examples.json` (counts and the content's fingerprint). Where tokens are predicted, `learned.npy` (bool, as long as `input_ids`) says
which, and a row's target is their number. No row is a Python object for longer than a batch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goodfit.errors import DataError

SCHEMA = "goodfit/examples/1"
Draws = tuple[tuple[int, int], ...]
_COLUMNS = ("input_ids", "offsets", "target", "weight", "row")
_AGAIN = "delete the folder; it is made again"
_CHUNK = 8192
"""Rows gathered at a time where a whole column is walked."""


@dataclass(frozen=True, eq=False)
class Examples:
    """n tokenised rows. `starts` and `lengths` point into the flat `input_ids`, so that a subset copies no tokens."""

    input_ids: NDArray[np.int32]
    """[all tokens], possibly memory-mapped."""
    starts: NDArray[np.int64]
    """[n] where each row begins in `input_ids`."""
    lengths: NDArray[np.int64]
    """[n] tokens of each row."""
    target: NDArray[Any]
    """int64 [n] or float32 [n, L]."""
    weight: NDArray[np.float32]
    """[n]"""
    row: NDArray[np.bytes_]
    """[n] row ids."""
    known_fingerprint: str | None = None
    learned: NDArray[np.bool_] | None = None
    """[all tokens] where tokens are predicted: those with a loss. The first token of a row is never one of them."""
    draws: Draws = ()
    """Where rows are drawn, not all taken once, in an epoch: (rows, drawn in an epoch) of each block of rows that stand together."""

    @classmethod
    def from_arrays(
        cls,
        input_ids: ArrayLike,
        offsets: ArrayLike,
        target: ArrayLike | None = None,
        *,
        weight: ArrayLike | None = None,
        row: Sequence[str] | None = None,
        learned: ArrayLike | None = None,
    ) -> Examples:
        """From whole columns in memory. `weight` is 1 and `row` the position where they are not given; `target` or `learned` is."""
        ends = np.asarray(offsets, dtype=np.int64)
        n = len(ends) - 1
        mask = None if learned is None else np.asarray(learned, dtype=np.bool_)
        if mask is not None:
            target = counts_of(mask, np.diff(ends))
        assert target is not None
        out = cls(
            input_ids=np.asarray(input_ids, dtype=np.int32),
            starts=ends[:-1],
            lengths=np.diff(ends),
            target=_as_target(target),
            weight=np.ones(n, np.float32) if weight is None else np.asarray(weight, dtype=np.float32),
            row=np.array([r.encode() for r in (row if row is not None else map(str, range(n)))], dtype=np.bytes_),
            learned=mask,
        )
        out._check()
        return out

    @classmethod
    def load(cls, folder: Path) -> Examples:
        """Memory-map a folder that an ExamplesWriter finished; DataError where it is missing, damaged or of another schema."""
        try:
            facts = json.loads((folder / "examples.json").read_text(encoding="utf-8"))
            names = (*_COLUMNS, "learned") if facts.get("learned") else _COLUMNS
            columns = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
        except (OSError, ValueError) as error:
            raise DataError(f"the tokenised rows in {folder} cannot be read ({error})", fix=_AGAIN) from error
        if facts.get("schema") != SCHEMA or facts.get("rows") != len(columns["weight"]):
            raise DataError(f"the tokenised rows in {folder} are incomplete or of another version", fix=_AGAIN)
        offsets = columns["offsets"]
        return cls(
            columns["input_ids"], offsets[:-1], np.diff(offsets), columns["target"], columns["weight"], columns["row"],
            facts["fingerprint"], columns.get("learned"),
        )  # fmt: skip

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.lengths)

    @property
    def n_labels(self) -> int | None:
        """L of a multi-label target; None for class indices."""
        return int(self.target.shape[1]) if self.target.ndim == 2 else None

    @cached_property
    def tokens(self) -> int:
        """Tokens of all rows."""
        return int(self.lengths.sum())

    @property
    def epoch_rows(self) -> int:
        """Rows of an epoch."""
        return sum(drawn for _, drawn in self.draws) if self.draws else len(self)

    @cached_property
    def epoch_tokens(self) -> int:
        """Tokens of an epoch; where rows are drawn, what is to be expected."""
        ends = np.cumsum([rows for rows, _ in self.draws], dtype=np.int64)
        parts = [self.lengths[end - rows : end] for end, (rows, _) in zip(ends.tolist(), self.draws, strict=True)]
        drawn = sum(float(part.mean()) * n for part, (_, n) in zip(parts, self.draws, strict=True) if len(part))
        return round(drawn) if self.draws else self.tokens

    def ids(self, index: int) -> NDArray[np.int32]:
        """The tokens of one row."""
        start = int(self.starts[index])
        return self.input_ids[start : start + int(self.lengths[index])]

    def gather(self, indices: ArrayLike) -> NDArray[np.int32]:
        """The tokens of some rows, one after another (a copy)."""
        return self.input_ids[self._places(indices)]

    def gather_learned(self, indices: ArrayLike) -> NDArray[np.bool_]:
        """Which of `gather`'s tokens are learned."""
        assert self.learned is not None
        return self.learned[self._places(indices)]

    def _places(self, indices: ArrayLike) -> NDArray[np.int64]:
        index = np.asarray(indices, dtype=np.int64)
        starts, lengths = np.asarray(self.starts[index]), np.asarray(self.lengths[index])
        ends = np.cumsum(lengths)
        within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)
        return np.asarray(np.repeat(starts, lengths) + within)

    def row_ids(self, indices: ArrayLike) -> list[str]:
        """The row ids of some rows."""
        return [bytes(r).decode() for r in self.row[np.asarray(indices, dtype=np.int64)]]

    def subset(self, indices: ArrayLike) -> Examples:
        """The rows at `indices`, in that order; the tokens stay where they are."""
        index = np.asarray(indices, dtype=np.int64)
        return dataclasses.replace(
            self,
            starts=np.asarray(self.starts[index]),
            lengths=np.asarray(self.lengths[index]),
            target=np.asarray(self.target[index]),
            weight=np.asarray(self.weight[index]),
            row=np.asarray(self.row[index]),
            known_fingerprint=None,
            draws=(),
        )

    def drawn(self, draws: Draws) -> Examples:
        """The same rows, of which an epoch draws so many from each block; all of them once where every block gives all it has."""
        assert sum(rows for rows, _ in draws) == len(self), "the blocks are not the rows"
        if all(rows == n for rows, n in draws):
            return self
        name = hashlib.blake2b(f"{self.fingerprint} {draws}".encode(), digest_size=16).hexdigest()
        return dataclasses.replace(self, draws=draws, known_fingerprint=f"b2:{name}")

    def with_weight(self, weight: ArrayLike) -> Examples:
        """The same rows with other weights [n]."""
        new = np.asarray(weight, dtype=np.float32)
        assert new.shape == self.weight.shape
        return dataclasses.replace(self, weight=new, known_fingerprint=None)

    @cached_property
    def fingerprint(self) -> str:
        """`b2:` and a hash of the content, row by row in order: equal for equal rows, however they are stored."""
        if self.known_fingerprint:
            return self.known_fingerprint
        hasher = _Hasher()
        for indices in _chunks(len(self)):
            lengths, target, weight, row = map(
                np.asarray, (self.lengths[indices], self.target[indices], self.weight[indices], self.row[indices])
            )
            mask = None if self.learned is None else self.gather_learned(indices)
            hasher.add(self.gather(indices), lengths, target, weight, row, mask)
        return hasher.digest()

    def _check(self) -> None:
        n = len(self.lengths)
        assert self.target.shape[:1] == self.weight.shape == self.row.shape == (n,), "columns of different lengths"
        assert n == 0 or self.lengths.min() >= 0, "offsets run backwards"
        assert n == 0 or int(self.starts[-1] + self.lengths[-1]) <= len(self.input_ids), "offsets beyond the tokens"
        if self.learned is not None:
            assert self.learned.shape == self.input_ids.shape, "columns of different lengths"
            assert not self.learned[self.starts[self.lengths > 0]].any(), "nothing stands before a row's first token to predict it from"


class ExamplesWriter:
    """Writes Examples batch by batch: `with ExamplesWriter(folder) as w: w.append(...)`.

    Everything goes to `<folder>.part`, which becomes `folder` when the block ends without an error: a folder that exists is
    whole. Errors of the disk are OSError; the caller says what was being done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._part = folder.with_name(folder.name + ".part")
        self._columns: dict[str, _Column] = {}
        self._hasher = _Hasher()
        self._rows = 0
        self._tokens = 0

    def __enter__(self) -> ExamplesWriter:
        """Start afresh; what an interrupted writer left is removed."""
        remove_folder(self._part)
        self._part.mkdir(parents=True)
        for name, dtype in (("input_ids", "<i4"), ("offsets", "<i8"), ("weight", "<f4"), ("row", "|u1")):
            self._columns[name] = _Column(self._part / f"{name}.npy", np.dtype(dtype))
        self._columns["offsets"].append(np.zeros(1, np.int64))
        self._row_widths: list[NDArray[np.int32]] = []
        return self

    def append(  # noqa: PLR0913 - one argument a column
        self, input_ids: ArrayLike, lengths: ArrayLike, target: ArrayLike | None = None, *, row: Sequence[str],
        weight: ArrayLike | None = None, learned: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        """Add a batch: flat tokens, tokens per row, row ids, weights (1 if not given), and either targets (class indices or [b, L]) or
        which of the tokens are learned.
        """
        flat, sizes = np.asarray(input_ids, dtype=np.int32), np.asarray(lengths, dtype=np.int64)
        mask = None if learned is None else np.asarray(learned, dtype=np.bool_)
        goal = _as_target(target) if mask is None else counts_of(mask, sizes)
        weights = np.ones(len(sizes), np.float32) if weight is None else np.asarray(weight, dtype=np.float32)
        names = np.array([r.encode() for r in row], dtype=np.bytes_)
        assert len(flat) == sizes.sum(), "lengths do not add up to the tokens"
        assert len(sizes) == len(goal) == len(weights) == len(names), "columns of different lengths"
        if "target" not in self._columns:
            self._columns["target"] = _Column(self._part / "target.npy", goal.dtype, goal.shape[1:])
            if mask is not None:
                self._columns["learned"] = _Column(self._part / "learned.npy", np.dtype("|b1"))
        if len(sizes) == 0:
            return
        for name, part in (("input_ids", flat), ("offsets", self._tokens + np.cumsum(sizes)), ("target", goal), ("weight", weights)):
            self._columns[name].append(part)
        if mask is not None:
            assert len(mask) == len(flat), "columns of different lengths"
            self._columns["learned"].append(mask)
        self._columns["row"].append(np.frombuffer(b"".join(names.tolist()), np.uint8))
        self._row_widths.append(np.char.str_len(names).astype(np.int32))
        self._hasher.add(flat, sizes, goal, weights, names, mask)
        self._rows += len(sizes)
        self._tokens += int(sizes.sum())

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Finish and rename; after an error nothing of the folder stays."""
        for column in self._columns.values():
            column.close()
        if kind is not None:
            remove_folder(self._part)
            return
        if "target" not in self._columns:
            _Column(self._part / "target.npy", np.dtype("<i8")).close()
        self._finish_rows()
        facts = {"schema": SCHEMA, "rows": self._rows, "tokens": self._tokens, "fingerprint": self._hasher.digest()}
        facts |= {"learned": True} if "learned" in self._columns else {}
        (self._part / "examples.json").write_text(json.dumps(facts), encoding="utf-8")
        remove_folder(self.folder)
        self._part.rename(self.folder)

    def _finish_rows(self) -> None:
        """Row ids of different widths become one fixed-width column, chunk by chunk."""
        flat = np.load(self._part / "row.npy", mmap_mode="r") if self._rows else np.zeros(0, np.uint8)
        widths = np.concatenate(self._row_widths) if self._row_widths else np.zeros(0, np.int32)
        width = max(1, int(widths.max(initial=1)))
        column, start = _Column(self._part / "row.new.npy", np.dtype(f"S{width}")), 0
        for indices in _chunks(self._rows):
            part = widths[indices].astype(np.int64)
            padded = np.zeros((len(part), width), np.uint8)
            padded[np.arange(width) < part[:, None]] = flat[start : start + int(part.sum())]
            column.append(padded.view(f"S{width}")[:, 0])
            start += int(part.sum())
        column.close()
        (self._part / "row.new.npy").replace(self._part / "row.npy")


class _Column:
    """One .npy file that grows; numpy's header leaves room for the final length."""

    def __init__(self, path: Path, dtype: np.dtype[Any], tail: tuple[int, ...] = ()) -> None:
        self._file, self._dtype, self._tail, self._n = path.open("wb"), dtype, tail, 0
        self._header()

    def append(self, values: NDArray[Any]) -> None:
        assert values.shape[1:] == self._tail
        self._file.write(np.ascontiguousarray(values, dtype=self._dtype).tobytes())
        self._n += len(values)

    def close(self) -> None:
        if self._file.closed:
            return
        self._file.seek(0)
        self._header()
        self._file.close()

    def _header(self) -> None:
        shape = {"shape": (self._n, *self._tail), "fortran_order": False, "descr": np.lib.format.dtype_to_descr(self._dtype)}
        np.lib.format.write_array_header_1_0(self._file, shape)


class _Hasher:
    """A hash over columns that come in parts of any size."""

    def __init__(self) -> None:
        self._columns = [hashlib.blake2b(digest_size=16) for _ in range(5)]
        self._learned: Any = None

    def add(  # noqa: PLR0913 - one argument a column
        self, ids: NDArray[Any], lengths: NDArray[Any], target: NDArray[Any], weight: NDArray[Any], row: NDArray[Any],
        learned: NDArray[np.bool_] | None = None,
    ) -> None:  # fmt: skip
        goal = np.ascontiguousarray(target, dtype=np.float32 if target.ndim == 2 else np.int64)
        names = b"\n".join([*row.tolist(), b""])
        parts = (ids.astype("<i4").tobytes(), lengths.astype("<i8").tobytes(), goal.tobytes(), weight.astype("<f4").tobytes(), names)
        for column, data in zip(self._columns, parts, strict=True):
            column.update(data)
        if learned is not None:
            self._learned = self._learned or hashlib.blake2b(digest_size=16)
            self._learned.update(learned.tobytes())

    def digest(self) -> str:
        columns = [*self._columns, self._learned] if self._learned else self._columns
        whole = hashlib.blake2b(b"".join(c.digest() for c in columns), digest_size=16)
        return f"b2:{whole.hexdigest()}"


def counts_of(learned: NDArray[np.bool_], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """[n] learned tokens of each row, of a mask over all tokens."""
    ends = np.concatenate([[0], np.cumsum(learned)])[np.concatenate([[0], np.cumsum(lengths)])]
    return np.diff(ends).astype(np.int64)


def _as_target(target: Any) -> NDArray[Any]:
    values = np.asarray(target)
    return values.astype(np.float32, copy=False) if values.ndim == 2 else values.astype(np.int64, copy=False)


def _chunks(n: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, n, _CHUNK):
        yield np.arange(start, min(n, start + _CHUNK))


def remove_folder(folder: Path) -> None:
    """Delete a folder of plain files, if it is there."""
    if not folder.exists():
        return
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
