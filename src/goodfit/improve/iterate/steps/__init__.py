"""The steps that can be proposed: each looks at the evidence and proposes one thing, or nothing. START HERE to add one.

A step is a function `(evidence, history, rng) -> Proposal | None`. It names the cause that it is against, the evidence, what it changes,
the gain as a distribution (gain.py), and what it costs. It never reads a test row: `Evidence` has none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goodfit.improve.iterate.evidence import Evidence
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Proposal
from goodfit.improve.iterate.steps import choice, classes, labels, rows, training

Step = Callable[[Evidence, History, np.random.Generator], Proposal | None]
STEPS: tuple[Step, ...] = (
    training.lower_rate,
    training.raise_rate,
    training.longer,
    training.larger_adapter,
    training.search,
    labels.leave_out,
    labels.review,
    rows.more,
    rows.slice_rows,
    classes.weights,
    choice.other_base,
    choice.longer_rows,
)
"""In no order that matters: the ranking decides."""
