"""What training answers cost the model that is taken, before any training: those it need not learn, and those far beyond the others.

Part of choose, for generation. Costs are those that candidates are compared by, row by row; `choose.base_loss: true` reads them for a
single model too. The end of an answer and its first words cost most: a short answer costs more a byte than a long one, and says less. So
answers are held against each other as if each were SHORT bytes longer. Shapes: n answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goodfit.data.conversations import answer_text
from goodfit.errors import DataError, MachineError, ModelError
from goodfit.models.identity import Identity
from goodfit.stages.choose.outcome import Asked
from goodfit.stages.choose.writers import FEWEST, Told, read, sample
from goodfit.tasks.likelihood import Likelihood

EASY, EASY_BESIDE = 0.25, 0.5
"""Bits a byte up to which an answer is predicted almost whole; up to which it is where the others cost far more."""
HARD = 0.5
"""Bits a byte below which no answer is hard, whatever the others cost; nor below what the middle one of them costs."""
FAR = 3.5
"""Robust standard deviations from which an answer is far from the others (Iglewicz and Hoaglin 1993)."""
LEAST, WIDE = 0.12, 0.4
"""The robust standard deviation of log bits a byte: at least; and what it is taken for where nearly all answers are easy."""
SHORT = 24
"""Bytes that are added to every answer before answers are held against each other."""
REFERENCE = 20
"""Answers that are not easy, from which the others are judged beside them alone."""
PLAIN = "the training rows are plain texts: there is no answer to a prompt"
READING = "reading training answers"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Costs:
    """n answers that could be read whole."""

    rows: tuple[str, ...]
    bits: Floats
    """Of the whole answer."""
    bytes: Floats
    clusters: NDArray[np.int64]
    of: int
    """Training rows in all."""

    def __len__(self) -> int:
        """Number of answers."""
        return len(self.rows)

    @property
    def each(self) -> Floats:
        """Bits a byte."""
        return self.bits / self.bytes


def answered(told: Told) -> NDArray[np.bool_]:
    """Rows with an answer that is not blank."""
    return np.array([bool((answer_text(json.loads(one)) or "").strip()) for one in told.conversations], dtype=bool)


def costs_of(told: Told, found: Likelihood, of: int) -> Costs | str:
    """The answers that were read whole; why not, where they are too few."""
    has = answered(told)
    if not has.any():
        return PLAIN
    places = np.flatnonzero(has & found.known & ~found.cut)
    if len(places) < FEWEST:
        return f"only {len(places)} training answers can be read whole; it takes {FEWEST}"
    return Costs(
        tuple(told.ids[place] for place in places), found.losses[places] / np.log(2), found.bytes[places].astype(np.float64),
        told.clusters[places], of,
    )  # fmt: skip


def read_one(asked: Asked, base: Identity) -> Costs | str:
    """The costs of a model that was not compared with others, read for their own sake."""
    told = sample(asked.splits, asked.recipe.seed, base.parameters)
    has, n, screen = answered(told), len(told.ids), asked.run.screen
    if not has.any():
        return PLAIN
    screen.progress(READING, 0, n, base.name)
    try:
        found, _ = read(base, told, asked.recipe, asked.run.base, lambda done: screen.progress(READING, done, n, base.name))
    except (ModelError, MachineError, DataError) as error:
        return f"the base model could not be read with: {error.message}"
    return costs_of(told, found, asked.splits.counts["train"])


@dataclass(frozen=True)
class Apart:
    """Which answers stand apart."""

    easy: NDArray[np.bool_]
    hard: NDArray[np.bool_]
    times: Floats
    """[n] what an answer costs, over what one of its length costs here."""


def apart(costs: Costs) -> Apart:
    """Easy: next to nothing a byte, or far below the others and little; hard: far above the others, and dear by the byte too.

    The others are those that are not easy; where these are few, all, each taken to cost what an easy one costs at most.
    """
    each = costs.each
    easy = each <= EASY
    several = np.count_nonzero(~easy) >= REFERENCE
    among = ~easy if several else np.ones(len(costs), dtype=bool)
    logs = np.log(np.maximum(each, EASY) * costs.bytes / (costs.bytes + SHORT))
    rest = logs - np.median(logs[among])
    spread = max(1.4826 * float(np.median(np.abs(rest[among]))), LEAST if several else WIDE)
    dear = max(HARD, float(np.median(each[among])))
    return Apart(
        easy | ((rest <= -FAR * spread) & (each <= EASY_BESIDE)), (rest >= FAR * spread) & (each >= dear),
        np.exp(rest) * np.minimum(each / EASY, 1.0),
    )  # fmt: skip
