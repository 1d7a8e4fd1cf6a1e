"""Does `choose` pick a good base model? Regret of its pick against training all of them, beside simpler rules; and what measuring costs.

`python -m benchmarks.choose` takes the fine-tuned scores of `choose_cells` (hours on two cores; resumable) and what `choose_measured` found
before any training, and writes benchmarks/results/3-choose.json. Regret is the macro-F1 lost on test rows against the best of all
candidates, in points. The unit is the data set: intervals resample sets, their seeds with them. Nothing here is fitted on the set that it is
judged on; the forecast's own constants come from `stages/choose/ranking.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from benchmarks.choose_cells import EPOCHS, RANDOM, SEEDS, encoders, known
from benchmarks.choose_measured import measured, measured_of
from benchmarks.choose_sets import SETS, TRAIN, draw
from benchmarks.claims import record, row
from goodfit.stages.choose.measure import MEASURES, Measured
from goodfit.stages.choose.race import body_of
from goodfit.stages.choose.ranking import MISSED, MOST_DOUBLINGS, PER_DOUBLING, forecast, rank

COMMAND = "python -m benchmarks.choose"
WANTED_SETS = 6
DOWNLOADED = "all-MiniLM-L6-v2"
"""The most downloaded of the candidates by far (catalog.yaml)."""
RESAMPLES = 10_000
USUAL_STEPS = 1000
"""Optimiser steps of a usual training of so few rows (tune's default)."""
COST_SET, COST_ROWS = "hausa", 2000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Case:
    """One sample of one set: M candidates, measured before and scored after training."""

    set: str
    seed: int
    names: tuple[str, ...]
    found: tuple[Measured, ...]
    body: Floats
    parameters: Floats
    after: Floats
    """[M] macro-F1 on the test rows."""
    measure_seconds: Floats
    train_seconds: Floats
    """[M] CPU seconds of the fine-tuning in the cell."""

    def forecast(self) -> Floats:
        """[M] as choose makes it."""
        center = [np.array([one.value[name] for one in self.found]) for name in MEASURES]
        return forecast(center, center, self.body)

    def values(self, name: str) -> Floats:
        """[M] one measure."""
        return np.array([one.value[name] for one in self.found])

    def regret(self, place: int) -> float:
        """Points lost by taking that candidate."""
        return 100 * float(self.after.max() - self.after[place])


def cases() -> list[Case]:
    """Every sample of which all candidates are trained."""
    of: dict[tuple[str, int], dict[str, dict[str, Any]]] = defaultdict(dict)
    for cell in known():
        of[cell["set"], cell["seed"]][cell["model"]] = cell
    names, out = tuple(encoders()), []
    for (set_name, seed), cells in of.items():
        if set_name not in SETS or set(names) - set(cells):
            continue
        pairs = [measured(set_name, name, seed) for name in names]
        out.append(Case(
            set_name, seed, names, tuple(found for found, _ in pairs), np.array([float(body_of(base)) for _, base in pairs]),
            np.array([float(base.parameters) for _, base in pairs]), np.array([cells[name]["macro_f1"] for name in names]),
            np.array([found.seconds for found, _ in pairs]), np.array([cells[name]["cpu_seconds"] for name in names]),
        ))  # fmt: skip
    return out


Rule = Callable[[Case, Sequence[Case]], Floats]


def always(case: Case, others: Sequence[Case]) -> Floats:
    """The candidate that is best on average on the other sets."""
    elsewhere = [other.after for other in others if other.set != case.set]
    return np.mean(elsewhere, axis=0) if elsewhere else np.zeros(len(case.names))


def refitted(case: Case, others: Sequence[Case]) -> Floats:
    """The forecast with the credit for size fitted on the other sets."""
    elsewhere = [other for other in others if other.set != case.set]
    if not elsewhere:
        return case.forecast()
    features = np.concatenate([_parts(other) for other in elsewhere])
    truth = np.concatenate([other.after - other.after.mean() for other in elsewhere])
    weights, *_ = np.linalg.lstsq(features, truth, rcond=None)
    return np.asarray(_parts(case) @ weights)


def _parts(case: Case) -> Floats:
    """[M, 2] what the features tell without any credit for size, and doublings of the body; both around their mean."""
    doublings = np.log2(case.body)
    told = case.forecast() - PER_DOUBLING * (np.minimum(np.log2(case.body / case.body.min()), MOST_DOUBLINGS))
    return np.stack([told - told.mean(), doublings - doublings.mean()], axis=1)


RULES: dict[str, Rule] = {
    "choose": lambda case, _: case.forecast(),
    "choose, its credit for size fitted on the other sets": refitted,
    "a linear probe alone": lambda case, _: case.values("probe"),
    "nearest neighbours alone": lambda case, _: case.values("neighbours"),
    "H-score alone": lambda case, _: case.values("h_score"),
    "LogME alone": lambda case, _: case.values("log_me"),
    "the largest": lambda case, _: case.parameters,
    "the most downloaded": lambda case, _: np.array([float(name == DOWNLOADED) for name in case.names]),
    "always the same, the best on the other sets": always,
}


def regrets(rule: Rule, given: Sequence[Case]) -> dict[str, list[float]]:
    """Set -> regret of each of its seeds."""
    out: dict[str, list[float]] = defaultdict(list)
    for case in given:
        out[case.set].append(case.regret(int(rule(case, given).argmax())))
    return out


def by_chance(given: Sequence[Case]) -> dict[str, list[float]]:
    """The same for a candidate drawn by chance, the control not among them."""
    out: dict[str, list[float]] = defaultdict(list)
    for case in given:
        out[case.set].append(float(np.mean([case.regret(i) for i, name in enumerate(case.names) if name != RANDOM])))
    return out


def over_sets(values: dict[str, list[float]], of: Callable[[Floats], float]) -> tuple[float, float, float]:
    """A statistic of the sets' means with its 95% interval, sets resampled."""
    means = np.array([np.mean(v) for v in values.values()])
    drawn = np.random.default_rng(0).integers(0, len(means), size=(RESAMPLES, len(means)))
    low, high = np.quantile([of(means[d]) for d in drawn], [0.025, 0.975])
    return of(means), float(low), float(high)


def taus(given: Sequence[Case]) -> dict[str, list[float]]:
    """Kendall's tau of the forecast and the fine-tuned scores, by set."""
    out: dict[str, list[float]] = defaultdict(list)
    for case in given:
        out[case.set].append(float(kendalltau(case.forecast(), case.after).statistic))
    return out


def claims(given: list[Case]) -> list[dict[str, Any]]:
    """All rows; `passed` stays open until enough sets and seeds are trained."""
    goal = {"median": "<= 1 point", "mean": "<= 1.5 points"}
    if not given:
        return [row(f"choose: {name} regret of its pick", goal[name], None, passed=None, command=COMMAND,
                    why_absent="no set is trained yet (python -m benchmarks.choose_cells)") for name in goal]  # fmt: skip
    whole = {case.set for case in given if sum(other.set == case.set for other in given) == len(SEEDS)}
    enough = len(whole) >= WANTED_SETS
    facts = {"n": len(given), "sets": sorted({case.set for case in given}), "candidates": list(given[0].names), "command": COMMAND}
    where = f"{len({case.set for case in given})} sets, {len(given)} samples of {TRAIN} rows, {len(given[0].names)} encoders, {EPOCHS:.0f} epochs"
    peers = {name: round(over_sets(regrets(rule, given), np.mean)[0], 2) for name, rule in RULES.items() if name != "choose"}
    peers["a candidate by chance"] = round(over_sets(by_chance(given), np.mean)[0], 2)
    ours = regrets(RULES["choose"], given)
    out = []
    for name, of, most in (("median", np.median, 1.0), ("mean", np.mean, 1.5)):
        value, low, high = over_sets(ours, of)  # type: ignore[arg-type]
        out.append(row(f"choose: {name} regret of its pick, points of macro-F1 ({where})", goal[name], round(value, 3), low=round(low, 3),
                       high=round(high, 3), passed=bool(value <= most) if enough else None, peers=peers if name == "mean" else {}, **facts))  # fmt: skip
    value, low, high = over_sets(taus(given), np.mean)
    out.append(row(f"choose: Kendall's tau of forecast and fine-tuned scores ({where})", "reported", round(value, 3), low=round(low, 3),
                   high=round(high, 3), passed=None, **facts))  # fmt: skip
    return [*out, *sureness(given), *picks(given)]


def sureness(given: list[Case]) -> list[dict[str, Any]]:
    """Is it as sure as it may be? What the forecasts missed, and whether the best candidate was among those that were called tied."""
    missed = np.concatenate([case.forecast() - (case.after - case.after.mean()) for case in given])
    among = []
    for case in given:
        ranking = rank(case.found, [int(b) for b in case.body], case.seed)
        among.append(int(case.after.argmax()) in ranking.tied)
    return [
        row("choose: standard deviation of what the forecasts missed, points of macro-F1", f"reported; {100 * MISSED:.0f} is assumed",
            round(100 * float(missed.std()), 2), n=len(missed), passed=None, command=COMMAND),
        row("choose: the best candidate is among those that are called tied", "reported", round(float(np.mean(among)), 3), n=len(among),
            passed=None, command=COMMAND),
    ]  # fmt: skip


def cost() -> dict[str, Any]:
    """CPU seconds of measuring all candidates on COST_ROWS rows over those of training all of them as tune plans it, timed on the way.

    A training step of 16 rows is timed by choose itself, on the same rows and machine; tune plans 1,000 steps of 32 rows for so many rows.
    """
    drawn = draw(COST_SET, 0, train=COST_ROWS)
    pairs = [measured_of(drawn, name, 0)[0] for name in encoders()]
    trained = [one.step * 2 * USUAL_STEPS for one in pairs]
    share = sum(one.seconds for one in pairs) / sum(trained)
    each = [one.seconds / seconds for one, seconds in zip(pairs, trained, strict=True)]
    return row(
        f"choose: seconds of measuring over those of training all, without racing ({len(drawn.train):,} rows of {COST_SET}, {len(pairs)} encoders, "
        f"{USUAL_STEPS} steps of 32 rows, a step timed on the way)", "<= 0.15", round(share, 4), low=round(min(each), 4), high=round(max(each), 4), n=len(pairs),
        passed=bool(share <= 0.15), command=COMMAND,
    )  # fmt: skip


def picks(given: list[Case]) -> list[dict[str, Any]]:
    """What was taken where, and what would have been best."""
    out = []
    for case in given:
        place, best = int(case.forecast().argmax()), int(case.after.argmax())
        scores = {name: round(float(score), 3) for name, score in zip(case.names, case.after, strict=True)}
        out.append(row(f"choose on {case.set}, seed {case.seed}: takes {case.names[place]}, best is {case.names[best]}; regret in points",
                       "reported", round(case.regret(place), 2), passed=None, command=COMMAND, peers=scores))  # fmt: skip
    return out


def main() -> None:
    """Prints and records."""
    found = [*claims(cases()), cost()]
    for one in found:
        print(one["claim"], one.get("value"), one.get("low"), one.get("high"), one.get("peers"))
    record("choose", found, part=3)


if __name__ == "__main__":
    main()
