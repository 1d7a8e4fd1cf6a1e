"""What a search may try: the recipe's space, or the usual one around the computed defaults; and the points that are drawn from it.

Part of tune. A point is a dict of dotted recipe keys and values. What a point leaves open is settled by the same rules as without a search,
so a rate is still ten times higher for a fresh head. Where nobody searches the length of the training, every trial has the default's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import qmc

from goodfit.recipe import Peft, Range, Train, Tune
from goodfit.recipe.tune import is_whole
from goodfit.stages.tune.defaults import Facts, Settled, settle

Point = dict[str, Any]
RATE, BATCH, EPOCHS, STEPS, SCHEDULE = (
    "train.learning_rate", "train.per_device_train_batch_size", "train.num_train_epochs", "train.max_steps", "train.lr_scheduler_type",
)  # fmt: skip
ROWS_PER_STEP = {BATCH, "train.gradient_accumulation_steps"}
METHOD, RANK = "peft.method", "peft.r"
AROUND = 8.0
"""The usual range of a rate: from an eighth of the default to eight times it."""
LEAST_BATCH = 4
FLAT = ("constant", "constant_with_warmup", "warmup_stable_decay")
"""Schedules whose beginnings do not depend on how long the training is."""
BOLD_TRIALS = 13
"""Trials from which more than rate, batch and rank are tried."""


@dataclass(frozen=True)
class Space:
    """The keys that are searched, and what every trial but the default has beside them."""

    tried: dict[str, Range]
    implied: Point
    """Fixed for all trials: the default's epochs; a schedule whose prefixes are comparable where lengths differ."""
    default: Point
    """What the default has for the searched keys."""
    comparable: bool
    """Whether trials can be compared at equal numbers of rows seen."""

    @property
    def keys(self) -> list[str]:
        """The searched keys, those that decide whether others matter first."""
        return sorted(self.tried, key=lambda key: (key != METHOD, key))

    def inside(self) -> Point:
        """The part of the default that the space contains: a sampler can learn from no more."""
        return {key: value for key, value in self.default.items() if contains(self.tried[key], value)}

    def whole(self, point: Point) -> Point:
        """A point with what is implied."""
        return self.implied | point


def space_of(section: Tune, train: Train, peft: Peft, facts: Facts) -> Space:
    """The space of a search over these sections."""
    settled = settle(train, peft, facts, seed=0)
    tried = dict(section.space) or usual(train, peft, settled, section.trials)
    default = {key: _default(key, train, peft, settled) for key in tried}
    length = {EPOCHS, STEPS} & set(tried) or (ROWS_PER_STEP & set(tried) if train.max_steps is not None else set())
    implied: Point = {}
    if not length and train.max_steps is None and train.num_train_epochs == "auto":
        implied[EPOCHS] = settled.plan.num_train_epochs
    if length and SCHEDULE not in tried and train.lr_scheduler_type == "auto":
        implied[SCHEDULE] = "warmup_stable_decay"
    return Space(tried, implied, default, _comparable(tried, train, implied, bool(length)))


def usual(train: Train, peft: Peft, settled: Settled, trials: int) -> dict[str, Range]:
    """Rate, rows per step and rank around the defaults; with many trials warm-up and decay too."""
    rate = settled.plan.learning_rate
    tried = {RATE: Range(low=float(f"{rate / AROUND:.3g}"), high=float(f"{min(rate * AROUND, 0.99):.3g}"), log=True)}
    rows = (settled.plan.train_batch_size or 0) // train.gradient_accumulation_steps
    batches = tuple(sorted({max(min(LEAST_BATCH, rows), rows // 2), rows, 2 * rows}))
    if len(batches) > 1 and train.max_steps is None:  # so many steps of larger batches would be a longer training
        tried[BATCH] = Range(choices=batches)
    if peft.method == "lora":
        tried[RANK] = Range(choices=tuple(sorted({max(1, peft.r // 2), peft.r, 2 * peft.r, 4 * peft.r})))
    if trials >= BOLD_TRIALS:
        tried["train.warmup_steps"] = Range(low=0.0, high=0.3)
        tried["train.weight_decay"] = Range(choices=tuple(sorted({0.0, 0.01, 0.1, settled.plan.weight_decay})))
    return tried


def _default(key: str, train: Train, peft: Peft, settled: Settled) -> Any:
    """What the recipe, or the rule for its `auto`, has for a key."""
    section, name = key.split(".", 1)
    value = getattr(train if section == "train" else peft, name)
    return settled.resolved.get(key, value) if value == "auto" else value


def _comparable(tried: Mapping[str, Range], train: Train, implied: Point, length: bool) -> bool:
    """Beginnings can be compared where all have one schedule, and either one length or a schedule that is flat until its end."""
    if SCHEDULE in tried:
        return all(choice in FLAT for choice in tried[SCHEDULE].choices)
    return not length or implied.get(SCHEDULE, train.lr_scheduler_type) in FLAT


def contains(tried: Range, value: Any) -> bool:
    """Whether a value is one that may be tried."""
    if tried.choices:
        return any(value == choice and isinstance(value, bool) == isinstance(choice, bool) for choice in tried.choices)
    assert tried.low is not None
    assert tried.high is not None
    known = isinstance(value, int | float) and not isinstance(value, bool) and tried.low <= value <= tried.high
    return known and (tried.step is None or abs((value - tried.low) / tried.step - round((value - tried.low) / tried.step)) < 1e-9)


def matters(key: str, point: Point, peft: Peft) -> bool:
    """Whether a key changes anything beside the keys drawn so far: the numbers of an adapter only where there is one."""
    return key == METHOD or not key.startswith("peft.") or point.get(METHOD, peft.method) == "lora"


def at(tried: Range, share: float, key: str) -> Any:
    """The value at a share (0 <= share < 1) of the way through what may be tried."""
    if tried.choices:
        return tried.choices[min(int(share * len(tried.choices)), len(tried.choices) - 1)]
    assert tried.low is not None
    assert tried.high is not None
    if tried.step is not None or is_whole(key):
        step = tried.step or 1.0
        many = int((tried.high - tried.low) / step + 1e-9) + 1
        if tried.log:
            return round(math.exp(math.log(tried.low) + share * (math.log(tried.high) - math.log(tried.low))))
        value = tried.low + step * min(int(share * many), many - 1)
        return int(value) if is_whole(key) else float(f"{value:.12g}")
    if tried.log:
        return math.exp(math.log(tried.low) + share * (math.log(tried.high) - math.log(tried.low)))
    return tried.low + share * (tried.high - tried.low)


def spread(space: Space, peft: Peft, seed: int, place: int) -> Point:
    """The point at a place (0, 1, 2 …) of a scrambled Sobol sequence over the space: even however few are taken."""
    drawn = qmc.Sobol(len(space.keys), scramble=True, seed=np.random.default_rng([seed, 0x50B01])).random_base2(_power(place))
    out: Point = {}
    for key, share in zip(space.keys, drawn[place].tolist(), strict=True):
        if matters(key, out, peft):
            out[key] = at(space.tried[key], share, key)
    return out


def _power(place: int) -> int:
    return max(1, math.ceil(math.log2(place + 1)))


def edge(tried: Range, value: Any) -> str | None:
    """`lowest` or `highest` where a value is at (or within a twentieth of) an end of its range; None inside, and for words."""
    if tried.choices:
        numbers = [c for c in tried.choices if isinstance(c, int | float) and not isinstance(c, bool)]
        if len(numbers) < len(tried.choices) or len(numbers) < 3:
            return None
        return "lowest" if value == min(numbers) else "highest" if value == max(numbers) else None
    assert tried.low is not None
    assert tried.high is not None
    low, high, here = (math.log(x) if tried.log else float(x) for x in (tried.low, tried.high, value))
    share = (here - low) / (high - low)
    return "lowest" if share <= 0.05 else "highest" if share >= 0.95 else None
