"""The rows that candidates are measured on: some training rows, every class by its share, with language and cluster. Part of choose.

Validation rows are not among them (they judge the races and the training), test rows never.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import regex
from numpy.typing import NDArray

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

MOST = 3000
"""Rows, at most."""
FEWEST, FEWEST_OF_CLASS = 100, 5
"""Rows below which nothing is measured, and rows that a class needs to count."""
FEWEST_CLUSTERS = 10
"""Clusters (documents, customers) below which cross-validation says nothing."""
BATCH = 8192
LANGUAGE = re.compile(r"^(lang|language|locale)$", re.IGNORECASE)
"""The axis of `groups` that tells the language."""
SCRIPTS = ("Latin", "Cyrillic", "Arabic", "Han", "Devanagari", "Greek", "Hebrew", "Hangul", "Hiragana", "Katakana", "Thai", "Bengali",
           "Tamil", "Telugu", "Georgian", "Armenian", "Ethiopic", "Khmer", "Myanmar", "Gujarati", "Gurmukhi", "Kannada", "Malayalam",
           "Sinhala", "Lao", "Tibetan")  # fmt: skip
_SCRIPT = regex.compile("|".join(rf"(?P<{name}>\p{{Script={name}}})" for name in SCRIPTS))
LONGEST = 100_000
"""Characters of a text that are kept."""
LOOKED_AT = 200
"""Characters of a text that tell its script."""


@dataclass(frozen=True)
class Rows:
    """n training rows."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    targets: NDArray[np.bool_]
    """[n, L]: one label a row or several; of the classes with enough rows only."""
    labels: tuple[str, ...]
    """The L classes that count."""
    clusters: NDArray[np.int64]
    languages: tuple[str, ...]
    """Of every row: a member of the language axis, else a script."""
    multi_label: bool
    of: int
    """Training rows in all."""
    left_out: tuple[str, ...] = ()
    """Classes with too few rows to be cross-validated."""
    by_column: bool = False
    """Whether languages come from a column of the data."""

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.texts)

    def enough(self) -> str | None:
        """Why these rows are too few to measure on, or None."""
        if len(self) < FEWEST:
            return f"{len(self)} training rows are too few to measure on; it takes {FEWEST}"
        groups = len(np.unique(self.clusters))
        if groups < FEWEST_CLUSTERS:
            return f"the training rows form {groups} cluster{'s' if groups > 1 else ''}; it takes {FEWEST_CLUSTERS}"
        if len(self.labels) < (1 if self.multi_label else 2):
            return f"fewer than two classes have {FEWEST_OF_CLASS} training rows"
        return None


def sample(splits: Splits, seed: int, *, most: int = MOST) -> Rows:
    """At most `most` training rows, each class (of several labels a row's rarest) by its share, in the order of the files."""
    names = pa.array(splits.labels, pa.string())
    codes, members = _labels(splits, names)
    counts = np.bincount(members[1], minlength=len(names))
    kept = np.flatnonzero(counts >= FEWEST_OF_CLASS)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")
    strata = np.full(codes, len(names))
    np.minimum.at(strata, members[0], rank[members[1]])
    usable = np.ones(codes, dtype=bool)
    if not splits.multi_label:
        usable = np.zeros(codes, dtype=bool)
        usable[members[0][np.isin(members[1], kept)]] = True
    chosen = _share(np.flatnonzero(usable), strata, most, np.random.default_rng([seed, 5]))
    table, languages, by_column = _read(splits, chosen, codes)
    place = np.full(codes, -1)
    place[chosen] = np.arange(len(chosen))
    column = np.full(len(names), -1)
    column[kept] = np.arange(len(kept))
    targets = np.zeros((len(chosen), len(kept)), dtype=bool)
    held = (place[members[0]] >= 0) & (column[members[1]] >= 0)
    targets[place[members[0][held]], column[members[1][held]]] = True
    return Rows(
        ids=tuple(table["row"].to_pylist()), texts=tuple(pc.utf8_slice_codeunits(table["text"], 0, LONGEST).to_pylist()), targets=targets,
        labels=tuple(splits.labels[i] for i in kept), clusters=splits.clusters("train")[chosen], languages=languages,
        multi_label=splits.multi_label, of=codes, by_column=by_column,
        left_out=tuple(splits.labels[i] for i, n in enumerate(counts) if 0 < n < FEWEST_OF_CLASS),
    )  # fmt: skip


def _labels(splits: Splits, names: pa.Array) -> tuple[int, tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training rows, and (row, class) of every label they carry."""
    rows: list[NDArray[np.int64]] = []
    codes: list[NDArray[np.int64]] = []
    n = 0
    for batch in splits.batches("train", size=BATCH, columns=("label",)):
        column = batch.column(0)
        several = pa.types.is_list(column.type)
        parents = pc.list_parent_indices(column).to_numpy() if several else np.arange(len(column))
        found = pc.index_in(pc.list_flatten(column) if several else column, value_set=names).fill_null(-1).to_numpy()
        rows.append(n + parents[found >= 0].astype(np.int64))
        codes.append(found[found >= 0].astype(np.int64))
        n += len(batch)
    return n, (np.concatenate(rows) if rows else np.zeros(0, np.int64), np.concatenate(codes) if codes else np.zeros(0, np.int64))


def _share(usable: NDArray[np.int64], strata: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions of at most `most` rows, every stratum by its share but at least FEWEST_OF_CLASS where it has as many; rising."""
    if len(usable) <= most:
        return usable
    mixed = rng.permutation(usable)
    order = mixed[np.argsort(strata[mixed], kind="stable")]
    _, start, size = np.unique(strata[order], return_index=True, return_counts=True)
    within = np.arange(len(order)) - np.repeat(start, size)
    wanted = np.maximum(np.floor(most * size / len(order)), np.minimum(size, FEWEST_OF_CLASS))
    return np.sort(order[within < np.repeat(wanted, size)])


def _read(splits: Splits, chosen: NDArray[np.int64], n: int) -> tuple[pa.Table, tuple[str, ...], bool]:
    axis = next((name for name in splits.axes if LANGUAGE.match(name)), None)
    columns = ("row", "text") if axis is None else ("row", "text", f"group.{axis}")
    wanted = np.zeros(n, dtype=bool)
    wanted[chosen] = True
    parts, start = [], 0
    for batch in splits.batches("train", size=BATCH, columns=columns):
        parts.append(batch.filter(pa.array(wanted[start : start + len(batch)])))
        start += len(batch)
    table = pa.Table.from_batches(parts)
    if axis is None:
        return table, tuple(map(script_of, table["text"].to_pylist())), False
    return table, tuple(value or "not given" for value in table[f"group.{axis}"].to_pylist()), True


def script_of(text: str) -> str:
    """The script that most letters at the beginning of a text belong to; `none` where it has no letters of a known one."""
    counts: dict[str, int] = {}
    for found in _SCRIPT.finditer(text[:LOOKED_AT]):
        name = str(found.lastgroup)
        counts[name] = counts.get(name, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else "none"


def by_language(languages: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """Language -> its rows, largest first."""
    names, inverse, counts = np.unique(np.asarray(languages, dtype=object).astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return {str(names[i]): np.flatnonzero(inverse == i) for i in order}
