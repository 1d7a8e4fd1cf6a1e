"""Two runs that answered the same rows: what every comparison of runs needs. Part of improve, used by `compare` and `written`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.run import ASSIGNMENT, Run
from goodfit.score import Verdict

MODEL = "model"


@dataclass(frozen=True)
class Pair:
    """`other` against `base`, both scored on the same split."""

    base: Run
    other: Run
    theirs: dict[str, Any]
    """scores.json of `base`."""
    mine: dict[str, Any]
    """scores.json of `other`."""
    question: str
    """`OTHER vs BASE`"""


def untold(question: str, why: str) -> Verdict:
    """There is nothing to pair."""
    return Verdict(question=question, answer="cannot_tell", text=f"cannot be compared row by row: {why}")


def clusters_of(run: Run, rows: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """The clusters of the rows, where rows come in clusters."""
    assignment = pq.read_table(run.path / "split" / ASSIGNMENT, columns=["row", "group"])
    places = pc.index_in(rows, value_set=assignment["row"].combine_chunks())
    groups: NDArray[np.int64] = assignment["group"].take(places).to_numpy().astype(np.int64)
    return groups if len(np.unique(groups)) < len(groups) else None
