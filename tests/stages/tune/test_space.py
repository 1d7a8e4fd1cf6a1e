"""What a search may try: ranges that are checked where they are written, the usual space, even points, ends of ranges."""

from __future__ import annotations

import math

import pytest

from goodfit.errors import SettingsError
from goodfit.recipe import Peft, Range, Train, Tune
from goodfit.settings import parse
from goodfit.stages.tune.defaults import Facts
from goodfit.stages.tune.space import at, contains, edge, matters, space_of, spread

SMALL = Facts(rows=3000, parameters=22_000_000, causal=False, lora=False)
ADAPTED = Facts(rows=3000, parameters=22_000_000, causal=False, lora=True)
BASE = "data: {path: a.csv}\n"


@pytest.mark.parametrize(
    ("tune", "words", "line"),
    [
        ("trials: 4\n  space:\n    train.learning_rat: {low: 1.0e-5, high: 1.0e-3}", "did you mean train.learning_rate", 5),
        ("trials: 4\n  space:\n    train.learning_rate: {low: 1.0e-3, high: 1.0e-5}", "is not below high", 5),
        ("trials: 4\n  space:\n    train.learning_rate: {low: 0.0, high: 1.0e-3, log: true}", "starts above 0", 5),
        ("trials: 4\n  space:\n    train.learning_rate: {low: 1.0e-5}", "needs low and high", 5),
        ("trials: 4\n  space:\n    train.learning_rate: {low: 1.0e-5, high: 2}", "cannot be 2", 5),
        ("trials: 4\n  space:\n    peft.r: {low: 4, high: 16.5}", "whole numbers", 5),
        ("trials: 4\n  space:\n    peft.r: [8, 8]", "each once", 5),
        ("trials: 4\n  space:\n    peft.r: [8, lots]", "cannot be lots", 5),
        ("trials: 4\n  space:\n    train.save_steps: [8, 16]", "nothing that is learned", 5),
        ("trials: 4\n  space:\n    data.path: [a, b]", "cannot be searched", 5),
        ("trials: -1", "at least 0", 3),
        ("trials: 4\n  budget: soon", "30min", 4),
        ("trials: 4\n  seeds: 1", "at least 2", 4),
        ("trials: 4\n  storage: postgresql://me:secret@host/db", "holds a password", 4),
        ("trials: 4\n  sampler: bayes", "not one of auto, tpe", 4),
    ],
)
def test_every_mistake_is_named_with_its_line(tune: str, words: str, line: int) -> None:
    with pytest.raises(SettingsError) as told:
        parse(f"{BASE}tune:\n  {tune}\n", file="recipe.yaml")
    assert words in str(told.value)
    assert f"recipe.yaml:{line}" in str(told.value), str(told.value)


def test_a_space_may_be_written_flat_nested_and_on_the_command_line() -> None:
    flat = parse(f"{BASE}tune: {{trials: 4, space: {{train.learning_rate: {{low: 1.0e-5, high: 1.0e-3}}}}}}")
    nested = parse(f"{BASE}tune: {{trials: 4, space: {{train: {{learning_rate: {{low: 1.0e-5, high: 1.0e-3}}}}}}}}")
    typed = parse(f"{BASE}tune: {{trials: 4}}", ["tune.space={train.learning_rate: {low: 1.0e-5, high: 1.0e-3}}"])
    assert flat == nested == typed
    assert parse(f"{BASE}tune: false").tune is False


def test_the_usual_space_lies_around_the_default() -> None:
    space = space_of(Tune(trials=8), Train(), Peft(), SMALL)
    assert space.default["train.learning_rate"] == pytest.approx(1e-4)
    assert set(space.tried) == {"train.learning_rate", "train.per_device_train_batch_size"}
    assert space.inside() == space.default
    assert space.implied == {"train.num_train_epochs": 11.0}, "every trial sees as many rows as the default"
    assert space.comparable
    assert "peft.r" in space_of(Tune(trials=8), Train(), Peft(method="lora"), ADAPTED).tried
    assert "train.warmup_steps" in space_of(Tune(trials=20), Train(), Peft(), SMALL).tried


def test_where_lengths_differ_the_schedule_is_flat_until_its_end_or_nothing_is_stopped() -> None:
    asked = Tune(trials=8, space={"train.num_train_epochs": Range(low=2, high=9)})
    assert space_of(asked, Train(), Peft(), SMALL).implied == {"train.lr_scheduler_type": "warmup_stable_decay"}
    assert space_of(asked, Train(), Peft(), SMALL).comparable
    assert not space_of(asked, Train(lr_scheduler_type="cosine"), Peft(), SMALL).comparable
    fixed = space_of(Tune(trials=8), Train(max_steps=100), Peft(), SMALL)
    assert set(fixed.tried) == {"train.learning_rate"}, "so many steps of larger batches would be a longer training"
    batches = Tune(trials=8, space={"train.per_device_train_batch_size": Range(choices=(8, 16))})
    assert space_of(batches, Train(max_steps=100), Peft(), SMALL).implied == {"train.lr_scheduler_type": "warmup_stable_decay"}
    schedules = Tune(trials=8, space={"train.lr_scheduler_type": Range(choices=("linear", "cosine"))})
    assert not space_of(schedules, Train(), Peft(), SMALL).comparable


def test_even_points_are_in_range_even_and_the_same_again() -> None:
    space = space_of(Tune(trials=8), Train(), Peft(), SMALL)
    points = [spread(space, Peft(), 7, k) for k in range(8)]
    assert points == [spread(space, Peft(), 7, k) for k in range(8)]
    assert all(contains(space.tried[key], value) for point in points for key, value in point.items())
    shares = sorted((math.log(p["train.learning_rate"]) - math.log(1.25e-5)) / math.log(64) for p in points)
    assert all(k / 8 <= share <= (k + 1) / 8 for k, share in enumerate(shares)), "one in each eighth"


def test_numbers_of_an_adapter_are_drawn_only_where_there_is_one() -> None:
    section = Tune(trials=8, space={"peft.method": Range(choices=("full", "lora")), "peft.r": Range(choices=(4, 8, 16))})
    space = space_of(section, Train(), Peft(), SMALL)
    points = [spread(space, Peft(), 0, k) for k in range(16)]
    assert {p["peft.method"] for p in points} == {"full", "lora"}
    assert all(("peft.r" in p) == (p["peft.method"] == "lora") for p in points)
    assert matters("peft.r", {}, Peft(method="lora"))


@pytest.mark.parametrize(
    ("tried", "key", "share", "wanted"),
    [
        (Range(low=1e-5, high=1e-3, log=True), "train.learning_rate", 0.5, 1e-4),
        (Range(low=2, high=10, step=2), "train.num_train_epochs", 0.99, 10),
        (Range(low=4, high=64, log=True), "peft.r", 0.5, 16),
        (Range(low=1, high=4), "peft.r", 0.99, 4),
        (Range(choices=("a", "b")), "train.lr_scheduler_type", 0.5, "b"),
    ],
)
def test_places_in_a_range(tried: Range, key: str, share: float, wanted: object) -> None:
    assert at(tried, share, key) == pytest.approx(wanted) if isinstance(wanted, float) else at(tried, share, key) == wanted


def test_edges() -> None:
    rate = Range(low=1e-5, high=1e-3, log=True)
    assert edge(rate, 1.1e-5) == "lowest"
    assert edge(rate, 9e-4) == "highest"
    assert edge(rate, 1e-4) is None
    assert edge(Range(choices=(4, 8, 16)), 16) == "highest"
    assert edge(Range(choices=("none", "balanced")), "none") is None
