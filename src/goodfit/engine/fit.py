"""Fit: examples and a plan go in, a trained model comes out. One loop, whatever the task; read it first.

    training.optimise()    one optimiser step: the whole batch, cut to fit memory
    training.look()        validation and a sample of train; keep the best; stop when it no longer improves
    training.keep()        a checkpoint when one is due
    training.heed()        what listeners and signals asked for

Everything that the loop does is in `training.py` and the modules that it names; the same seed gives the same bits on one machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from goodfit.engine.checkpoint import Checkpoints, InMemory
from goodfit.engine.events import OnEvent, ignore
from goodfit.engine.examples import Examples
from goodfit.engine.fitted import Fitted
from goodfit.engine.objective import Objective
from goodfit.engine.plan import Plan
from goodfit.engine.training import Training

__all__ = ["Fitted", "fit"]


def fit(
    model: nn.Module | Any,
    examples: Mapping[str, Examples | None],
    plan: Plan,
    *,
    objective: Objective,
    on_event: OnEvent = ignore,
    checkpoints: Checkpoints | None = None,
) -> Fitted:
    """Train `model` in place on `examples["train"]`, looking at `examples["valid"]`; it ends with its best weights.

    `model` is a transformers `…ForSequenceClassification` or a PeftModel around one; parameters without `requires_grad` stay as they
    are. With `checkpoints`, a training that was cut goes on where it was, bit for bit (same machine, threads and torch); without,
    nothing is written. Every event of the schema goes to `on_event`, whose Action is obeyed before the next step.

    Raises Diverged (a loss, gradient or weight is not finite; the event names the rows), Interrupted (after a checkpoint),
    RunError (a checkpoint of another plan or other data), ModelError (no tier suits the model), MachineError (memory, disk).
    """
    training = Training(model, examples, plan, objective, on_event, checkpoints or InMemory())
    with training.running():
        while not training.over:
            training.optimise()
            training.look()
            training.keep()
            training.heed()
    return training.fitted()
