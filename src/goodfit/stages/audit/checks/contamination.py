"""AUD034: training rows that hold rows of the benchmark files which the recipe names: what is measured on those would flatter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.grams import Sought
from goodfit.data.near import near_groups
from goodfit.data.texts import placed_texts
from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import SEEN, Scene, listing, one_array, percent, place, rate

WARNING = 0.01
"""Share of a benchmark's rows that stand in train or validation."""
KEY = "audit.benchmarks"


@dataclass(frozen=True)
class Hits:
    """Texts of a benchmark that stand in the data; arrays of one entry per text and row, surest first."""

    texts: np.ndarray
    rows: np.ndarray
    """Numbers of rows of train and validation."""
    share: np.ndarray
    """Of the text's 8-grams that stand there; of near-duplicates 1."""


@check(code="AUD034", kind="contamination", severity="warning", looks_for="rows of benchmarks in the data", tasks=ALL_TASKS)
def contamination(scene: Scene) -> Outcome:
    """Every named file against train and validation."""
    assert scene.recipe.audit is not False
    files = scene.recipe.audit.benchmarks
    if not files:
        return not_applicable(f"the recipe names no benchmark files ({KEY})")
    data = pa.concat_tables([scene.splits.table(name, columns=("row", "text", "label", "at")) for name in SEEN])  # type: ignore[arg-type]
    told, evidence, tables, worst = [], [], [], 0.0
    for path in files:
        placed = list(placed_texts(path, scene.base, KEY, scene.recipe.task.text))
        hits = hits_of(pa.array([text for _, text in placed], pa.string()), data, generation=scene.task == "generation")
        lines = np.array([line for line, _ in placed])
        n, k = len(np.unique(lines)), len(np.unique(lines[hits.texts]))
        evidence.append(rate("contamination_rate", k, n).about(slice=path))
        worst = max(worst, k / n)
        tables.append(_table(path, lines, hits, data))
        if k:
            at = f"{path}:{lines[hits.texts[0]]} and {data['at'][int(hits.rows[0])].as_py()}"
            told.append(f"{k:,} of {noun_count(n, 'row')} of {path} ({percent(k / n)}), for example {at}")
    if not told:
        return passed(f"no row of {listing(list(files))} stands in train or validation", evidence=tuple(evidence))
    table = pa.concat_tables(tables)
    table = table.take(pc.sort_indices(table, sort_keys=[("share", "descending")]))
    rows = pc.unique(one_array(table["row"]))
    return found(
        "warning" if worst >= WARNING else "note", f"{len(rows):,} rows of train and validation hold rows of a benchmark",
        detail=f"{'; '.join(told)}. A row is held where half of its runs of eight words stand in a training row, or, where it is short, "
        "where a training row is nearly the same. What is measured on those rows is memory.",
        rows=rows, table=table, where=place(str(_at(data, rows[0]))), evidence=tuple(evidence),
        fix="leave these rows out of the data, or leave those rows out of the benchmark",
    )  # fmt: skip


def hits_of(texts: pa.Array, data: pa.Table, *, generation: bool = False) -> Hits:
    """Where texts stand in the rows of `data` (columns text, label; in `generation` an answer is part of the row)."""
    sought = Sought(texts)
    long = sought.within(_whole(data, generation))
    short = np.flatnonzero(~sought.long)
    text, row = _near(texts.take(pa.array(short)), data["text"])
    order = np.argsort(-np.r_[long.share, np.ones(len(text))], kind="stable")
    return Hits(np.r_[long.texts, short[text]][order], np.r_[long.rows, row][order], np.r_[long.share, np.ones(len(text))][order])


def _whole(data: pa.Table, generation: bool) -> Iterator[pa.Array]:
    for batch in data.to_batches(max_chunksize=8192):
        texts = batch["text"]
        yield pc.binary_join_element_wise(texts.fill_null(""), batch["label"].fill_null(""), "\n") if generation else texts


def _near(texts: pa.Array, column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Short texts and the rows that nearly say the same: of each the one that it was found near to, or the first of its group."""
    nothing = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if not len(texts):
        return nothing
    n = len(column)
    groups = near_groups(pa.chunked_array([*column.chunks, texts], pa.string()))
    own = np.arange(n, n + len(texts))
    row = np.where((groups.twin[own] >= 0) & (groups.twin[own] < n), groups.twin[own], groups.group[own])
    hit = np.flatnonzero(row < n)
    return hit, row[hit]


def _table(path: str, lines: np.ndarray, hits: Hits, data: pa.Table) -> pa.Table:
    """row, benchmark (`file:line`), share."""
    return pa.table({
        "row": one_array(data["row"]).take(pa.array(hits.rows)),
        "benchmark": pa.array([f"{path}:{line}" for line in lines[hits.texts]], pa.string()),
        "share": pa.array(hits.share, pa.float64()),
    })  # fmt: skip


def _at(data: pa.Table, row: pa.Scalar) -> str:
    return str(data["at"][pc.index(data["row"], row).as_py()].as_py())
