"""What a training leaves of single rows: the facts of every look at them, and how the training rows were learned.

Every look at validation and at the train probe leaves a row of facts (`FACTS`) for each of their rows: what a paired test of two steps
needs. While it trains, the predictions that the loss is made of are noted for some training rows: a data map without one forward pass more
(Pleiss et al. 2020 and Swayamdipta et al. 2020 take them the same way, dropout on). Both survive a cut: looks lie on disk beside the
checkpoints, the notes inside them, so that a resumed training leaves the same files as one that was never cut.

Shapes: n rows, T looks, F facts (`FACTS`, in order).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from goodfit.engine.batches import Indices
from goodfit.engine.examples import Examples
from goodfit.files import write_atomic

FACTS = ("loss", "right", "margin")
"""Of a row: its loss in nats (unweighted; of tokens their mean), 1 where it is right (of tokens the share), how far the score of the
given answer lies above the best other one."""
LOSS, RIGHT, MARGIN = range(3)
Facts = NDArray[np.float32]
KEPT = 256
"""Looks of a split that are kept; of more every second, fourth … is, and the last two."""
FOLLOWED = 20_000
"""Training rows whose learning is followed, at most."""
_LARGEST = 6e4
"""Looks are kept in float16."""


class Looks:
    """The facts of every look; with a `folder` on disk, else in memory only."""

    def __init__(self, folder: Path | None = None, *, follow: int = 0) -> None:
        """`follow`: training rows to be followed, at most."""
        self.folder, self.follow = folder, follow
        self.followed: Followed | None = None
        self._held: dict[str, dict[int, NDArray[np.float16]]] = {}
        self._taken: dict[str, list[int]] = {}

    def add(self, split: str, step: int, facts: Facts) -> None:
        """A look at a split: facts [n, F] of its rows in their order."""
        held, taken = self._held.setdefault(split, {}), self._taken.setdefault(split, [])
        held[step] = np.clip(facts, -_LARGEST, _LARGEST).astype(np.float16)
        taken.append(step)
        if self.folder is not None:
            with write_atomic(self.folder / f"{split}-{step:08d}.npy", "wb") as handle:  # on the disk before the checkpoint counts on it
                np.save(handle, held[step], allow_pickle=False)
        stride = 1 << max(0, -(-len(taken) // KEPT) - 1).bit_length()
        for place, old in enumerate(taken[:-2]):
            if place % stride and held.pop(old, None) is not None and self.folder is not None:
                (self.folder / f"{split}-{old:08d}.npy").unlink(missing_ok=True)

    def resume(self, steps: list[int]) -> None:
        """Read back what an earlier attempt left of the looks after these steps; what it saw later is looked at again."""
        self._held, self._taken = {}, {}
        for path in sorted(self.folder.glob("*.npy")) if self.folder is not None else ():
            split, _, step = path.stem.rpartition("-")
            if int(step) not in steps:
                path.unlink(missing_ok=True)
                continue
            self._held.setdefault(split, {})[int(step)] = np.load(path, allow_pickle=False)
            self._taken[split] = list(steps)

    def of(self, split: str) -> tuple[list[int], NDArray[np.float16]]:
        """The steps of the looks that are kept, and their facts [T, n, F]; empty where the split was not looked at."""
        held = self._held.get(split, {})
        steps = sorted(held)
        return steps, np.stack([held[step] for step in steps]) if steps else np.zeros((0, 0, len(FACTS)), np.float16)

    def follow_rows(self, train: Examples, seed: int) -> Followed | None:
        """Begin to follow a fixed sample of the training rows; None where none is to be followed, or where tokens are predicted."""
        if not self.follow or train.learned is not None:
            return None
        n = len(train)
        places = np.arange(n) if n <= self.follow else np.sort(np.random.default_rng([seed, 0xF0110]).choice(n, self.follow, replace=False))
        self.followed = Followed.begin(places, n)
        return self.followed


@dataclass
class Followed:
    """How m followed rows were learned: sums over the times that each was trained on."""

    places: Indices
    """[m] places in the training rows."""
    number: NDArray[np.int32]
    """[rows] which followed row a training row is; -1 for none."""
    state: dict[str, NDArray[Any]] = field(default_factory=dict)
    """[m] each: `seen` (times), `confidence` and `square` (sums of the probability of the given label and of its square), `margin` (sum),
    `right` (times), `last_wrong` (the last time that it was wrong, counted from 1; 0 for never)."""

    @classmethod
    def begin(cls, places: Indices, rows: int) -> Followed:
        """Nothing seen yet."""
        number = np.full(rows, -1, dtype=np.int32)
        number[places] = np.arange(len(places), dtype=np.int32)
        whole = ("seen", "right", "last_wrong")
        state: dict[str, NDArray[Any]] = {name: np.zeros(len(places), np.int64) for name in whole}
        return cls(places, number, state | {name: np.zeros(len(places)) for name in ("confidence", "square", "margin")})

    def add(self, indices: Indices, facts: Facts) -> None:
        """What a batch's rows looked like before the step that they were part of: facts [b, F]. A row twice counts twice."""
        at = self.number[indices]
        inside = at >= 0
        at, facts = at[inside], facts[inside].astype(np.float64)
        given, right, state = np.exp(-facts[:, LOSS]), facts[:, RIGHT] > 0.5, self.state
        np.add.at(state["seen"], at, 1)
        np.add.at(state["confidence"], at, given)
        np.add.at(state["square"], at, given**2)
        np.add.at(state["margin"], at, facts[:, MARGIN])
        np.add.at(state["right"], at, right)
        state["last_wrong"][at[~right]] = state["seen"][at[~right]]

    def tensors(self) -> dict[str, torch.Tensor]:
        """For a checkpoint."""
        return {name: torch.from_numpy(values.copy()) for name, values in self.state.items()}

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """What `tensors` gave."""
        self.state = {name: tensors[name].numpy().copy() for name in self.state}
