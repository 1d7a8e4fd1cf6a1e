"""Bins of similar confidence: what the model promised and what it kept, for the reliability plot.

Part of the report stage (`collect` calls it). Takes the bins of scores.json (`calibration.bins`) where evaluate made some, else
counts them from evaluate/predictions.parquet in one pass of constant memory. Bins hold about equally many rows; the interval of
what was kept is Wilson's (methods 8.1). For multi-label every (row, label) is one promise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.run import PREDICTIONS
from goodfit.stages.report.folder import Folder, many, mapping, word
from goodfit.stages.report.results import MODEL
from goodfit.stages.report.schema import Bin
from goodfit.statistics.proportions import wilson

FINE = 20_000
"""Fine bins between 0 and 1 that are counted in the pass, and merged afterwards."""
MOST_BINS = 10
LEAST_ROWS = 30
"""Rows that a bin should hold at least: below, its interval says nothing."""

Floats = NDArray[np.float64]


def reliability(folder: Folder, document: Mapping[str, Any], *, multi_label: bool) -> list[Bin]:
    """The bins in order of confidence; empty where there are no probabilities, or too few rows."""
    given = many(Bin, mapping(document, "calibration").get("bins"))
    if given:
        return sorted(given, key=lambda b: b.confidence)
    if not folder.has("evaluate", PREDICTIONS):
        return []
    held = np.zeros((3, FINE))
    try:
        for confidence, right in _promises(folder, word(document, "on") or "test", multi_label=multi_label):
            at = np.minimum((confidence * FINE).astype(np.int64), FINE - 1)
            for row, weight in enumerate((None, confidence, right)):
                held[row] += np.bincount(at, weights=weight, minlength=FINE)
    except (OSError, pa.ArrowException, KeyError) as error:
        folder.damaged.setdefault(f"evaluate/{PREDICTIONS}", str(error).splitlines()[0])
        return []
    return merged(held)


def _promises(folder: Folder, on: str, *, multi_label: bool) -> Iterator[tuple[Floats, Floats]]:
    """(confidence, 1 if right else 0) of the model's rows of a split, a batch at a time."""
    file = pq.ParquetFile(folder.path / "evaluate" / PREDICTIONS)
    columns = [name for name in file.schema_arrow.names if name.startswith("p_")]
    if not columns:
        return
    for batch in file.iter_batches(batch_size=16_384, columns=["split", "system", "label", "prediction", *columns]):
        mine = np.array(
            [s == on and m == MODEL for s, m in zip(batch["split"].to_pylist(), batch["system"].to_pylist(), strict=True)], dtype=bool
        )
        chosen = batch.filter(pa.array(mine))
        if multi_label:
            yield _each_label(chosen, columns)
        else:
            yield _most_probable(chosen, columns)


def _most_probable(rows: pa.RecordBatch, columns: list[str]) -> tuple[Floats, Floats]:
    """The highest probability of each row, and whether the prediction is its label."""
    top = np.zeros(rows.num_rows)
    for column in columns:
        np.maximum(top, _numbers(rows, column), out=top)
    right = np.array([a == b for a, b in zip(rows["label"].to_pylist(), rows["prediction"].to_pylist(), strict=True)], dtype=np.float64)
    whole = np.isfinite(top)
    return np.clip(top[whole], 0.0, 1.0), right[whole]


def _each_label(rows: pa.RecordBatch, columns: list[str]) -> tuple[Floats, Floats]:
    """The probability of each label of each row, and whether the label holds."""
    held = [set(labels or ()) for labels in rows["label"].to_pylist()]
    p = np.concatenate([_numbers(rows, column) for column in columns])
    holds = np.array([column[2:] in labels for column in columns for labels in held], dtype=np.float64)
    whole = np.isfinite(p)
    return np.clip(p[whole], 0.0, 1.0), holds[whole]


def _numbers(rows: pa.RecordBatch, column: str) -> Floats:
    return np.asarray(rows[column].to_numpy(zero_copy_only=False), dtype=np.float64)


def merged(held: Floats) -> list[Bin]:
    """Neighbouring fine bins put together until each holds its share of the rows. `held` [3, FINE]: rows, sum of confidence, right."""
    total = held[0].sum()
    n_bins = int(min(MOST_BINS, total // LEAST_ROWS))
    if n_bins < 1:
        return []
    share = np.minimum((np.cumsum(held[0]) - held[0] / 2) * n_bins / total, n_bins - 1e-9).astype(np.int64)
    sums = np.stack([np.bincount(share, weights=row, minlength=n_bins) for row in held], axis=1)
    return [_bin(int(n), confidence / n, right / n) for n, confidence, right in sums if n > 0]


def _bin(n: int, confidence: float, right: float) -> Bin:
    low, high = wilson(right * n, n)
    return Bin(n=n, confidence=confidence, right=right, right_low=low, right_high=high)
