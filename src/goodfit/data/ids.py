"""Row ids: names for rows that survive relabelling, moving and renaming of files.

Layer: data. A row id is the first 16 hex digits of blake2b over the canonical JSON of the task's *input* columns; `-2`, `-3`
mark repeats in file order. Rows added by a method will be `<source>+<method>.<n>`. Every artefact speaks row ids; `file:line`
(column `at` of the store) is for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from json import encoder

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


def row_id(inputs: Mapping[str, str | None]) -> str:
    """The id of one row from its input columns `{column: text}` (its first occurrence: without `-2`)."""
    names = tuple(sorted(inputs))
    return f"{int(input_hashes(names, [[inputs[name]] for name in names])[0]):016x}"


def input_hashes(names: Sequence[str], columns: Sequence[Sequence[str | None]]) -> Hashes:
    """One uint64 per row, shape (n,): the first 8 bytes of blake2b over `{"column": "text", …}`.

    Canonical JSON as of `json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))`; a lone surrogate is
    kept as it is.
    """
    quote = encoder.encode_basestring
    order = sorted(range(len(names)), key=lambda i: names[i])
    heads = [("{" if k == 0 else ",") + quote(names[i]) + ":" for k, i in enumerate(order)]
    blake = hashlib.blake2b
    digests = bytearray()
    for cells in zip(*(columns[i] for i in order)):
        text = "".join([head + ("null" if cell is None else quote(cell)) for head, cell in zip(heads, cells)]) + "}"
        digests += blake(text.encode("utf-8", "surrogatepass"), digest_size=64).digest()[:8]
    return np.frombuffer(bytes(digests), dtype=">u8").astype(np.uint64)


class RowNumbers:
    """Counts repeats of a hash in file order, batch by batch, in 8 bytes a row (sorted runs, merged as they grow)."""

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self._repeats: dict[int, int] = {}

    def count(self, hashes: Hashes) -> Counts:
        """For each row of a batch which occurrence of its hash it is, from 1; shape (n,)."""
        order = np.argsort(hashes, kind="stable")
        ranked = hashes[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]) if len(ranked) else np.zeros(0, np.int64)
        sizes = np.diff(np.r_[starts, len(ranked)])
        unique = ranked[starts]
        before = self._before(unique)
        out = np.empty(len(hashes), dtype=np.int64)
        out[order] = np.arange(len(ranked)) - np.repeat(starts, sizes) + 1 + np.repeat(before, sizes)
        total = before + sizes
        self._repeats |= {int(h): int(n) for h, n in zip(unique[total > 1], total[total > 1])}
        self._add(unique[before == 0])
        return out

    def _before(self, unique: Hashes) -> Counts:
        """How often each hash was seen in earlier batches."""
        seen = np.zeros(len(unique), dtype=np.int64)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, unique), len(run) - 1)
            seen |= run[place] == unique
        for i in np.flatnonzero(seen):
            seen[i] = self._repeats.get(int(unique[i]), 1)
        return seen

    def _add(self, fresh: Hashes) -> None:
        """Keeps the number of sorted runs logarithmic: a run is merged with its neighbour while that one is not larger."""
        if not len(fresh):
            return
        while self._runs and len(self._runs[-1]) <= 2 * len(fresh):
            fresh = np.sort(np.concatenate([self._runs.pop(), fresh]), kind="stable")
        self._runs.append(fresh)


_HEX = np.frombuffer("".join(f"{i:02x}" for i in range(256)).encode(), dtype=np.uint8).reshape(256, 2)


def format_ids(hashes: Hashes, counts: Counts) -> pa.Array:
    """Row ids as an Arrow string array: 16 hex digits, and `-k` from the second occurrence on."""
    n = len(hashes)
    digits = _HEX[hashes.astype(">u8").view(np.uint8).reshape(n, 8)].reshape(n * 16)
    offsets = np.arange(n + 1, dtype=np.int32) * 16
    ids = pa.StringArray.from_buffers(n, pa.py_buffer(offsets.tobytes()), pa.py_buffer(digits.tobytes()))
    again = counts > 1
    if not again.any():
        return ids
    tails = pc.cast(pa.array(counts[again]), pa.string())
    return pc.replace_with_mask(ids, pa.array(again), pc.binary_join_element_wise(ids.filter(pa.array(again)), tails, "-"))


def test_fingerprint(row_ids: pa.Array | pa.ChunkedArray | Sequence[str]) -> str:
    """`b2:` and 32 hex digits of blake2b over the sorted row ids, joined by line breaks: the name of a test set."""
    ids = row_ids if isinstance(row_ids, (pa.Array, pa.ChunkedArray)) else pa.array(row_ids, pa.string())
    ordered = ids.take(pc.sort_indices(ids))
    digest = hashlib.blake2b(digest_size=16)
    chunks = ordered.chunks if isinstance(ordered, pa.ChunkedArray) else [ordered]
    first = True
    for chunk in chunks:
        for start in range(0, len(chunk), 65536):
            digest.update(("" if first else "\n").encode() + "\n".join(chunk.slice(start, 65536).to_pylist()).encode())
            first = False
    return f"b2:{digest.hexdigest()}"


test_fingerprint.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever pytest thinks of its name
