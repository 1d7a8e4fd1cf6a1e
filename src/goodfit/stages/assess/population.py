"""A population: rows that were answered, and which groups each belongs to. Part of assess.

An axis says, for each of its members, which rows are inside it; the rest that it is compared with is every other row of which a member is
known. By a column: the rows of all other members. By terms: the rows that name others of the axis and not this one; and, as an axis with
the one member ANY, the rows that name any of them against those that name none, for a model may treat all mentions alike and still treat
them worse than other texts.

Shapes: n rows, K members of an axis, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.recipe.assess import CROSS, axes_in

Mask = npt.NDArray[np.bool_]
ANY = "(any)"
"""The member of an axis of terms that holds the rows that name one of its members."""
MEMBERS = 24
"""Members of an axis that are looked at, the largest; the smaller ones are named as not measured."""
PAIRS = 60
"""Members of an intersection that are looked at."""


@dataclass(frozen=True)
class Axis:
    """A way in which rows belong to groups."""

    name: str
    members: tuple[str, ...]
    inside: Mask
    """[n, K]"""
    known: Mask
    """[n] rows that are compared."""
    source: str
    """`column:region`, `terms:gender-en`, `gender x age`."""
    left_out: tuple[str, ...] = ()
    """Members that are too many or too small to be looked at."""

    @property
    def of_any(self) -> bool:
        """Whether it asks of all mentions together."""
        return self.members == (ANY,)

    @property
    def title(self) -> str:
        """`gender`, or `gender (any)`."""
        return f"{self.name} {ANY}" if self.of_any else self.name


def by_column(name: str, values: Sequence[str | None] | pa.ChunkedArray, column: str) -> Axis:
    """An axis from what stands in a column; a missing value belongs to nothing."""
    cells = pa.chunked_array([values]) if isinstance(values, pa.Array) else values
    text = cells if isinstance(cells, pa.ChunkedArray) else pa.chunked_array([pa.array(cells, pa.string())])
    encoded = text.combine_chunks().dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = [str(one) for one in encoded.dictionary.to_pylist()]
    counts = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.array(sorted(range(len(names)), key=lambda k: (-counts[k], names[k])), dtype=np.int64)
    kept = order[:MEMBERS]
    inside = codes[:, None] == kept[None, :]
    return Axis(name, tuple(names[k] for k in kept), inside, codes >= 0, f"column:{column}", tuple(names[k] for k in order[MEMBERS:]))


def by_terms(name: str, members: Sequence[str], named: Mask, source: str) -> list[Axis]:
    """From which members' terms a text names ([n, K]): the members against each other, and ANY against none."""
    anyone = np.asarray(named.any(axis=1))
    whole = Axis(name, (ANY,), anyone[:, None], np.ones(len(named), dtype=bool), f"terms:{source}")
    return [Axis(name, tuple(members), named, anyone, f"terms:{source}"), whole]


def crossed(first: Axis, second: Axis) -> Axis:
    """The intersection of two axes: every pair of members against all other rows of which both are known."""
    places = [(i, j) for i in range(len(first.members)) for j in range(len(second.members))]
    both = (
        np.column_stack([first.inside[:, i] & second.inside[:, j] for i, j in places]) if places else np.zeros((len(first.inside), 0), bool)
    )
    sizes = both.sum(axis=0)
    order = sorted(range(len(places)), key=lambda k: (-int(sizes[k]), k))
    kept = sorted(order[:PAIRS])
    names = [f"{first.members[i]}{CROSS}{second.members[j]}" for i, j in places]
    title = f"{first.name}{CROSS}{second.name}"
    left = tuple(names[k] for k in sorted(order[PAIRS:]))
    return Axis(title, tuple(names[k] for k in kept), both[:, kept], first.known & second.known, title, left)


@dataclass(frozen=True)
class Population:
    """Answered rows and their groups."""

    name: str
    """`test`, `valid`, `folds`, or a suite's."""
    labels: tuple[str, ...]
    """The task's, then those that only these rows have."""
    multi_label: bool
    truth: npt.NDArray[Any]
    """int64 [n], or bool [n, L]."""
    rows: pa.Array
    """[n] row ids (of a suite: the file's lines)."""
    clusters: npt.NDArray[np.int64] | None
    axes: tuple[Axis, ...] = ()
    said: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    """System -> predictions, as truth."""
    probabilities: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)
    """System -> [n, L of the task]."""
    texts: Sequence[str] | None = None
    functions: tuple[str | None, ...] | None = None
    """Of a suite: what each text tests."""

    def __len__(self) -> int:
        return len(self.truth)


def asked_axes(found: Sequence[Axis], by: Sequence[str]) -> tuple[list[Axis], list[str]]:
    """The axes and intersections that `assess.by` names (all axes when it names none), and those that are not to be had here."""
    plain = {axis.name: axis for axis in found if not axis.of_any}
    out: list[Axis] = []
    missing: list[str] = []
    for name in list(by) or list(plain):
        parts = axes_in(name)
        if any(part not in plain for part in parts):
            missing.append(name)
            continue
        axis = plain[parts[0]]
        for part in parts[1:]:
            axis = crossed(axis, plain[part])
        out.append(axis)
        out += [one for one in found if one.of_any and one.name == name]
    return out, missing
