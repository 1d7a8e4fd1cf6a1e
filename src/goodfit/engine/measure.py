"""Two cheap measurements on a copy of the model: the rates that it can take, and how many rows a step can use. They change the model.

*Range test* (Smith 2017): a hundred steps, each at a higher rate; where the loss falls fastest and where it breaks bound a good rate. With
a fresh head the first steps measure the head alone, so the fastest fall is looked for after them.

*Noise scale* (McCandlish et al. 2018, appendix A.1): with gradients of b and of B rows, |G|^2 = (B |G_B|^2 - b |G_b|^2) / (B - b) and
S = (|G_b|^2 - |G_B|^2) / (1/b - 1/B) are unbiased; S / |G|^2 is the number of rows beyond which more rows per step hardly help. Both
are averaged over some points before they are divided; the interval is a jackknife over the points. It grows while a model trains: it
bounds a batch, it does not choose one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from goodfit.engine.batches import Cutter, Indices, Order, assemble
from goodfit.engine.examples import Examples
from goodfit.engine.finite import NotFinite
from goodfit.engine.infer import cutter_for
from goodfit.engine.objective import Objective
from goodfit.engine.optimiser import Optimiser
from goodfit.engine.plan import Plan
from goodfit.engine.precision import precision_of
from goodfit.engine.step import Stepper, dropout_seed
from goodfit.engine.tier import find_tier
from goodfit.engine.vocabulary import vocabulary_of

STEPS, LOW, HIGH = 100, 1e-7, 1e-1
HEAD_STEPS = 20
SMOOTH = 0.9
NOISE_STEPS, POINTS, FEWEST_POINTS = 48, 12, 6
"""Steps over which the noise scale is measured, at how many points, and the fewest that say anything."""
PIECES, FEWEST_PIECES, MOST_ROWS = 16, 4, 1024
"""Steps' worth of rows whose gradients are compared with that of all of them, at most and at least; and the most rows."""
T_OF_POINTS, UNSURE = 2.2, 10.0
"""Student's t for so many points; an interval wider than this factor on either side says nothing."""


@dataclass(frozen=True)
class RangeTest:
    """The loss of each step at its rate [n], and what is read off."""

    rates: list[float]
    losses: list[float]
    smoothed: list[float]
    steepest: float | None
    """Rate at which the smoothed loss falls fastest; None where it never falls."""
    diverged_at: float | None
    """First rate at which the smoothed loss rises clearly above its start, or back to it, or is no number; None within the range."""
    steps: int

    @property
    def suggestion(self) -> float | None:
        """The rate of the steepest fall, but at most a tenth of the one that breaks."""
        known = [rate for rate in (self.steepest, None if self.diverged_at is None else self.diverged_at / 10) if rate is not None]
        return min(known, default=None)

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self) | {"suggestion": self.suggestion}


@dataclass(frozen=True)
class NoiseScale:
    """Rows beyond which a larger step hardly helps, with a 95% interval; no `scale` with `why_absent`."""

    scale: float | None
    low: float | None
    high: float | None
    points: int
    rows_small: int
    rows_large: int
    why_absent: str | None = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


def range_test(
    model: nn.Module, train: Examples, plan: Plan, objective: Objective, *, steps: int = STEPS, span: tuple[float, float] = (LOW, HIGH)
) -> RangeTest:
    """Train for `steps` steps while the body's rate rises evenly on a logarithmic scale; the head's stays in the plan's proportion."""
    low, high = span
    rates = [low * (high / low) ** (k / (steps - 1)) for k in range(steps)]
    head = None if plan.head_learning_rate is None else plan.head_learning_rate / plan.learning_rate
    flat = dataclasses.replace(
        plan, learning_rate=1.0, head_learning_rate=head, lr_scheduler_type="constant", max_steps=steps, save_seconds=1e9
    )  # fmt: skip
    losses: list[float] = []
    broken = False
    with _ready(model, train, flat, objective) as (stepper, order, cutter):
        for k, rate in enumerate(rates):
            try:
                done = stepper(k, order.batch(k), cutter, scale=rate)
            except NotFinite:
                broken = True
                break
            losses.append(done.loss_sum / max(done.weight_total, 1e-12))
            if len(losses) > HEAD_STEPS and losses[-1] > 4 * losses[0] + 1:
                break
    return read_off(rates, losses, broken=broken)


def read_off(rates: list[float], losses: list[float], *, broken: bool = False) -> RangeTest:
    """The steepest fall and the break in a range test's losses (`rates` may be longer: the rest was never reached)."""
    smoothed = _smooth(losses)
    steepest = diverged = None
    if len(smoothed) > HEAD_STEPS + 2:
        falls = np.gradient(np.array(smoothed), np.log(np.array(rates[: len(smoothed)])))
        place = HEAD_STEPS + int(np.argmin(falls[HEAD_STEPS:]))
        steepest = rates[place] if falls[place] < 0 else None
        diverged = _first_break(rates, smoothed, float(np.mean(losses[:5])))
    if broken and diverged is None:
        diverged = rates[min(len(losses), len(rates) - 1)]
    return RangeTest(rates[: len(losses)], losses, smoothed, steepest, diverged, len(losses))


def _first_break(rates: list[float], smoothed: list[float], start: float) -> float | None:
    """The rate at which the loss is a quarter above its start, or back there after it had fallen by a fifth."""
    fallen = False
    for k, loss in enumerate(smoothed):
        fallen = fallen or loss < 0.8 * start
        if k >= HEAD_STEPS and (loss >= 1.25 * start or (fallen and loss >= 0.98 * start)):
            return rates[k]
    return None


def _smooth(losses: list[float]) -> list[float]:
    """An exponential average, corrected for its beginning."""
    out, mean = [], 0.0
    for k, loss in enumerate(losses):
        mean = SMOOTH * mean + (1 - SMOOTH) * loss
        out.append(mean / (1 - SMOOTH ** (k + 1)))
    return out


def noise_scale(model: nn.Module, train: Examples, plan: Plan, objective: Objective, *, steps: int = NOISE_STEPS) -> NoiseScale:
    """Measured at some points of the first `steps` steps of the plan's training, on many more rows than one of its steps has."""
    rows = plan.train_batch_size or 1
    pieces = min(PIECES, len(train) // 2 // rows, MOST_ROWS // rows)
    large = pieces * rows
    if pieces < FEWEST_PIECES:
        return NoiseScale(
            None, None, None, 0, rows, large, f"{len(train):,} rows in steps of {rows} are too few to compare two sizes of step"
        )
    found: list[tuple[float, float]] = []
    with _ready(model, train, plan, objective) as (stepper, order, cutter):
        steps = min(steps, order.steps_total)
        points = set(np.unique(np.linspace(steps // 4, steps - 1, num=POINTS).astype(int)).tolist())
        for k in range(steps):
            if k in points:
                rng = np.random.default_rng([plan.seed, k, 0x5CA1E])
                parts = np.array_split(rng.choice(len(train), size=large, replace=False), pieces)
                found.append(_two_norms(stepper, train, objective, (parts, dropout_seed(plan.seed, k, 0)), cutter))
            try:
                stepper(k, order.batch(k), cutter)
            except NotFinite:
                break
    return _scale_of(np.array(found), rows, large)


def _two_norms(
    stepper: Stepper, train: Examples, objective: Objective, at: tuple[list[Indices], int], cutter: Cutter
) -> tuple[float, float]:
    """(mean squared gradient norm of the pieces, squared norm of the whole); the pieces have equal numbers of rows."""
    pieces, seed = at
    whole: list[torch.Tensor] | None = None
    squares = []
    torch.manual_seed(seed)
    for rows in pieces:
        total = objective.weight_total(np.asarray(train.target[rows]), np.asarray(train.weight[rows])) or 1.0
        for part in cutter.cut(rows, train.lengths):
            (stepper.forward.loss(assemble(train, part), objective) / total).backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad.detach() / len(pieces) for p in stepper.optimiser.parameters.values() if p.grad is not None]
        stepper.optimiser.forget_gradients()
        squares.append(_square(gradients) * len(pieces) ** 2)
        whole = gradients if whole is None else [w.add_(g) for w, g in zip(whole, gradients, strict=True)]
    assert whole is not None
    return float(np.mean(squares)), _square(whole)


def _square(gradients: list[torch.Tensor]) -> float:
    return float(sum(float(g.double().square().sum()) for g in gradients))


def _scale_of(norms: NDArray[np.float64], small: int, large: int) -> NoiseScale:
    """S / |G|^2 from squared norms [points, 2] of gradients of `small` and of `large` rows, with a jackknife over the points."""
    many = len(norms)

    def absent(why: str) -> NoiseScale:
        return NoiseScale(None, None, None, many, small, large, why)

    if many < FEWEST_POINTS or not np.isfinite(norms).all():
        return absent(f"{many} points of the training are too few to average over")

    def ratio(part: NDArray[np.float64]) -> float:
        of_small, of_large = part.mean(axis=0)
        signal = (large * of_large - small * of_small) / (large - small)
        noise = (of_small - of_large) / (1 / small - 1 / large)
        return float(noise / signal) if signal > 0 else math.inf

    scale = ratio(norms)
    without = np.log([max(ratio(np.delete(norms, k, axis=0)), 1e-9) for k in range(many)])
    if not math.isfinite(scale) or scale <= 0 or not np.isfinite(without).all():
        return absent(f"the gradient's noise drowns its direction in {large} rows: the noise scale is far above")
    error = math.sqrt((many - 1) / many * float(np.sum((without - without.mean()) ** 2)))
    half = T_OF_POINTS * error
    if half > math.log(UNSURE):
        return absent(f"about {scale:.0f} rows, but that is not known to a factor of {UNSURE:.0f}")
    return NoiseScale(scale, scale * math.exp(-half), scale * math.exp(half), many, small, large)


@contextmanager
def _ready(model: nn.Module, train: Examples, plan: Plan, objective: Objective) -> Iterator[tuple[Stepper, Order, Cutter]]:
    """What steps are made of, as `fit` makes it."""
    order = Order(np.asarray(train.lengths), plan, train.draws)
    with vocabulary_of(model, train):
        optimiser = Optimiser(model, plan, order.steps_total)
        forward = find_tier(model, train).forward(model, precision_of(plan.precision, model)[0])
        with forward.ready():
            model.train()
            yield Stepper(forward, optimiser, objective, train, plan.seed), order, cutter_for(forward, plan.batch_tokens, plan.batch_rows)
    model.eval()
