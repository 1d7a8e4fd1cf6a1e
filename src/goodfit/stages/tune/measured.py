"""Range test and noise scale of the default's training, where the recipe asks for them: tune/measured.json. Part of tune."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from goodfit.engine.examples import Examples
from goodfit.engine.measure import NoiseScale, RangeTest, noise_scale, range_test
from goodfit.engine.objective import Objective
from goodfit.engine.plan import Plan
from goodfit.files import write_json
from goodfit.recipe import Tune
from goodfit.run import MEASURED, Screen
from goodfit.stages.tune.trial import Ground

SCHEMA = "goodfit/measured/1"
FASTER = 10.0
"""An adapter's range ends ten times higher."""


@dataclass(frozen=True)
class Measured:
    """What was asked for."""

    range_test: RangeTest | None = None
    noise_scale: NoiseScale | None = None


def measure(section: Tune, ground: Ground, folder: Path, screen: Screen) -> Measured:
    """Each on a copy of the model of its own; nothing is kept but the numbers."""
    settled = ground.settled({})
    train = ground.tokens.examples("train")
    found = Measured()

    def copy() -> tuple[nn.Module, Examples, Plan, Objective]:
        loaded = ground.start.model(ground.train, ground.peft, lora_dropout=settled.lora_dropout, seed=ground.seed)
        return loaded.model, train, settled.plan, ground.start.objective(ground.train)

    if section.range_test:
        screen.say("  range test: a hundred steps on a copy")
        high = 1e-1 * (FASTER if ground.peft.method == "lora" else 1.0)
        found = Measured(range_test=range_test(*copy(), span=(1e-7, high)))
    if section.noise_scale:
        screen.say("  noise scale: the first steps on a copy")
        found = Measured(found.range_test, noise_scale(*copy()))
    if found != Measured():
        write_json(folder / MEASURED, {
            "schema": SCHEMA, "rate": settled.plan.learning_rate, "batch": settled.plan.train_batch_size,
            **{name: value.to_json() for name in ("range_test", "noise_scale") if (value := getattr(found, name)) is not None},
        })  # fmt: skip
    return found
