"""Steps against a training that went wrong: its rate, its length, the size of its adapter, numbers that nobody searched for.

Part of iterate. What a better-trained model would reach is not known before it is trained; the bound is what simple methods reach on the
same validation rows and a little more, and history says how much of it is usually obtained.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from goodfit.finding import Finding
from goodfit.improve.iterate.defaults import default_of
from goodfit.improve.iterate.evidence import Evidence
from goodfit.improve.iterate.gain import DRAWS, Floats, Gain, around, realised
from goodfit.improve.iterate.history import History
from goodfit.improve.iterate.proposal import Cost, Proposal

TOO_HIGH = ("diverged", "rate_too_high", "collapsed", "dead")
TOO_LOW = ("rate_too_low",)
TOO_SHORT = ("too_short", "underfitting")
WEAK = ("worse_than_baseline",)
FAR = 3.0
"""Times the computed value, or a part of it, from which a number of the recipe is suspected where the model is weak."""
RATE, EPOCHS = "train.learning_rate", "train.num_train_epochs"
STEP_OF_RATE = 4.0
"""Where the rate was computed already: that much lower or higher."""
BEYOND = (0.0, 0.06)
"""What a fine-tuned model has above the best simple method, between these (our own runs; benchmarks/results/1-classification.json)."""
LEAST = 1 / 3
"""Of BEYOND, what a training with a fault has lost even where it is better than every simple method."""
SEARCH = (0.004, -0.004, 0.02)
"""Gain of a search over computed defaults with its 95% interval, on average (benchmarks/results/4-search.json)."""
TRIALS = 16
MOST_EPOCHS = 40


class _What(NamedTuple):
    """The words of a proposal."""

    action: str
    cause: str
    title: str
    changes: dict[str, Any]
    why: str = ""
    """Where no finding says it."""


def lower_rate(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """A lower rate, where the diagnosis says that it was too high."""
    found = evidence.named(*TOO_HIGH) or _far_off(evidence, RATE, lower=True)
    return _rate(evidence, history, rng, found, lower=True) if found else None


def raise_rate(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """A higher rate, where hardly anything moved."""
    found = evidence.named(*TOO_LOW) or _far_off(evidence, RATE, lower=False)
    return _rate(evidence, history, rng, found, lower=False) if found else None


def _far_off(evidence: Evidence, key: str, *, lower: bool) -> list[Finding]:
    """What says that the model is no better than a simple method, where a number of the recipe is far from the computed one."""
    given, computed = evidence.given(key), default_of(evidence, key)
    if given == "auto" or computed is None or not evidence.named(*WEAK):
        return []
    far = float(given) >= FAR * computed if lower else float(given) * FAR <= computed
    return evidence.named(*WEAK) if far else []


def _rate(evidence: Evidence, history: History, rng: np.random.Generator, found: list[Finding], *, lower: bool) -> Proposal | None:
    rate = float(evidence.settled(RATE))
    computed = default_of(evidence, RATE)
    fits = computed is not None and (computed < rate if lower else computed > rate)
    value: Any = "auto" if evidence.given(RATE) != "auto" and fits else rate / STEP_OF_RATE if lower else rate * STEP_OF_RATE
    said = f"auto ({computed:g})" if value == "auto" else f"{value:g}"
    changes: dict[str, Any] = {RATE: value}
    if value == "auto" and evidence.given("train.head_learning_rate") != "auto":
        changes["train.head_learning_rate"] = "auto"
    name = "lower_rate" if lower else "raise_rate"
    title = f"train again with a {'lower' if lower else 'higher'} rate: {said} in place of {rate:g}"
    draws = realised(_bound(evidence, rng), history.shares(name), rng)
    return _proposal(evidence, _What(name, "rate", title, changes), found, draws)


def longer(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """More epochs, where the score was still rising or never came to what simple methods reach."""
    found = evidence.named(*TOO_SHORT) or _far_off(evidence, EPOCHS, lower=False)
    if not found:
        return None
    epochs = float(evidence.settled(EPOCHS))
    computed = default_of(evidence, EPOCHS)
    fits = evidence.given(EPOCHS) != "auto" and computed is not None and computed >= 1.5 * epochs
    value: Any = "auto" if fits else min(MOST_EPOCHS, 2 * epochs)
    if value != "auto" and value <= epochs:
        return None
    changes: dict[str, Any] = {EPOCHS: value}
    if evidence.given("train.max_steps") is not None:
        changes["train.max_steps"] = None
    said = f"auto ({computed:g})" if value == "auto" else f"{value:g}"
    factor = (float(computed or 0) if fits else float(value)) / max(epochs, 1e-9)
    what = _What("longer", "too_short", f"train longer: {said} epochs in place of {epochs:g}", changes)
    return _proposal(evidence, what, found, realised(_bound(evidence, rng), history.shares("longer"), rng), factor=max(1.0, factor))


def larger_adapter(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """A larger adapter, where an adapter was trained and could not take up the data."""
    found = evidence.named("underfitting")
    if not found or evidence.given("peft.method") != "lora":
        return None
    rank = int(evidence.given("peft.r"))
    changes = {"peft.r": 4 * rank, "peft.lora_alpha": 4 * float(evidence.given("peft.lora_alpha"))}
    what = _What("larger_adapter", "capacity", f"a larger adapter: rank {4 * rank} in place of {rank}", changes)
    return _proposal(evidence, what, found, realised(0.5 * _bound(evidence, rng), history.shares("larger_adapter"), rng), factor=1.2)


def search(evidence: Evidence, history: History, rng: np.random.Generator) -> Proposal | None:
    """A search over the numbers of the training, where none was made."""
    trials = getattr(getattr(evidence.recipe, "tune", None), "trials", None)
    if trials is None or trials:
        return None
    title = f"search the numbers of the training: {TRIALS} trials"
    why = "Nobody searched them for this data; on average a search gains little over computed defaults."
    what = _What("search", "search", title, {"tune.trials": TRIALS}, why)
    return _proposal(evidence, what, [], around(*SEARCH, rng), factor=TRIALS / 2)


def _bound(evidence: Evidence, rng: np.random.Generator) -> Floats:
    """[DRAWS] what a training without fault may reach above this one: the best simple method and BEYOND, less the score; never nothing."""
    mine = evidence.score.value or 0.0
    simple = [value for name in ("tfidf", "knn") if (value := evidence.of_system(name)) is not None]
    reach = max(simple, default=mine)
    beyond = rng.uniform(*BEYOND, size=DRAWS)
    drawn: Floats = np.maximum(reach + beyond - mine, LEAST * beyond)
    return drawn


def _proposal(evidence: Evidence, what: _What, found: list[Finding], draws: Floats, *, factor: float = 1.0) -> Proposal:
    """`factor`: how many times the run's own training and evaluation it costs."""
    gain = Gain(draws)
    return Proposal(
        action=what.action, kind="recipe", cause=what.cause, title=what.title, changes=what.changes,
        why=what.why or ". ".join(f.title for f in found[:2]) + ".", findings=tuple(f.code for f in found),
        evidence=tuple(s for f in found[:2] for s in f.evidence[:2]), gain=gain.score(evidence.primary, evidence.score.n),
        chance=gain.chance, cost=Cost(seconds=round(evidence.seconds * factor, 1)),
    )  # fmt: skip
