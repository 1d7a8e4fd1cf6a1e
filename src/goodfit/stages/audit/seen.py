"""What a check is shown of the rows: lengths, samples, vectors, groups, annotators, as columns. Part of audit; `scene.py` fills them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.stages.audit.association import Axis


@dataclass(frozen=True)
class Lengths:
    """Lengths of the n rows of train and validation, each array of shape (n,)."""

    characters: npt.NDArray[np.int32]
    words: npt.NDArray[np.int32]
    """Runs of characters between spaces."""
    tokens: npt.NDArray[np.int32]
    """Estimated (estimate_tokens)."""
    label_rows: npt.NDArray[np.int64]
    """Row and class of every label, as two arrays of equal length: a row of several labels stands several times."""
    label_codes: npt.NDArray[np.int64]
    in_train: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sampled:
    """Some training rows with all that they say, in file order. Shapes: n rows, L classes."""

    rows: pa.Array
    texts: pa.Array
    labels: npt.NDArray[Any]
    """int64 [n] class of each; multi-label: bool [n, L]; generation: -1 everywhere."""
    clusters: npt.NDArray[np.int64]
    files: pa.Array
    """The file that each row came from."""

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Featured(Sampled):
    """The same, with a vector for each text."""

    vectors: npt.NDArray[np.float32]
    """[n, d], of length 1; a text without anything to go by is zeros."""
    encoder: str
    """What made them: a model's name, or `tfidf_svd`."""


@dataclass(frozen=True)
class Grouped:
    """Training rows with their groups and sources. Shapes: n rows, L classes."""

    axes: list[Axis]
    """The recipe's groups, and `source` where there are several files."""
    labels: npt.NDArray[Any]
    """int64 [n], or bool [n, L]."""
    words: npt.NDArray[np.int32]
    """[n]"""
    clusters: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Annotated:
    """Training rows that somebody labelled (`task.annotators`). Shapes: n rows, a annotators."""

    rows: pa.Array
    names: tuple[str, ...]
    labels: tuple[str, ...]
    codes: npt.NDArray[np.int64]
    """[n, a] class that each said, -1 for none."""
    given: npt.NDArray[np.int64]
    """[n] class of the label column."""
    unknown: int
    """Labels that are none of the classes."""


@dataclass(frozen=True)
class Reference:
    """Texts that the training data should be like. Shapes: m texts."""

    name: str
    """`validation` or `production`."""
    rows: pa.Array
    """[m] ids; of production empty strings."""
    texts: pa.Array
    clusters: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]
