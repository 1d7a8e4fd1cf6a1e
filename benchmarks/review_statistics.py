"""Do the statistics of reviews keep their word? Simulated raters, whose true preference is known.

    python -m benchmarks.review_statistics [--repetitions 2000] [--no-record]

Coverage of the 95% intervals (win share, Bradley-Terry, position effect, Krippendorff's alpha), false answers of the verdict and of the
sequential test when it is looked at after every judgement, power at the number of judgements that we ask for, and Krippendorff's published
values. tests/statistics/test_review.py uses the same functions with fewer repetitions. Writes benchmarks/results/2-review-statistics.json.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.claims import record, row
from goodfit.score import Score
from goodfit.statistics import Judgements, agreement, bradley_terry, decisive_needed, krippendorff, preferred, sequence, win_share
from goodfit.statistics.proportions import wilson

REPETITIONS = 2_000
COMMAND = "python -m benchmarks.review_statistics"
Rng = np.random.Generator
POSITION, TIE = 0.3, -0.7
"""What the answer shown first gains, and the log of the tie parameter."""


# --- raters -------------------------------------------------------------------------------------------------------------------------


def raters(
    rng: Rng, prompts: int, *, strengths: Sequence[float] = (0.5, -0.5), each: int = 1, spread: float = 0.8, weighted: bool = False,
) -> Judgements:  # fmt: skip
    """`each` judgements per prompt; a prompt favours systems by N(0, spread) of its own, the answer shown first gains POSITION.

    Weighted: prompts with a large effect are drawn three times as often, and weights undo it.
    """
    k = len(strengths)
    own = rng.normal(0, spread, size=(prompts * (8 if weighted else 1), k))
    weights = np.ones(prompts)
    if weighted:
        chance = np.where(own[:, 0] > 0, 3.0, 1.0)
        kept = rng.choice(len(own), size=prompts, p=chance / chance.sum(), replace=False)
        own, weights = own[kept], 1 / chance[kept]
    at = np.repeat(np.arange(prompts), each)
    first = rng.integers(k, size=len(at))
    second = (first + rng.integers(1, k, size=len(at))) % k
    merit = np.asarray(strengths) + own
    lift = merit[at, first] - merit[at, second] + POSITION
    logits = np.stack([lift / 2, -lift / 2, np.full(len(at), TIE)], axis=1)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    drawn = rng.random(len(at))
    outcome = np.where(drawn < chances[:, 0], 1.0, np.where(drawn < chances[:, 0] + chances[:, 1], 0.0, 0.5))
    return Judgements.of([f"s{i}" for i in range(k)], first, second, outcome, prompts=at, weights=weights[at])


def scales(rng: Rng, units: int, *, count: int = 2, missing: float = 0.1, skew: float = 0.0) -> Any:
    """Ratings [raters, units] on 1 to 5: a unit's merit plus each rater's noise, cut into levels; `skew` moves all towards the top."""
    merit = rng.normal(0, 1, size=units) + skew
    seen = merit + rng.normal(0, 0.8, size=(count, units))
    out = 1.0 + np.searchsorted(np.linspace(-1.2, 1.2, 4), seen).astype(float)
    out[rng.random(out.shape) < missing] = np.nan
    return out


def coverage(make: Callable[[Rng], Score], truth: float, repetitions: int, seed: int = 0) -> float:
    """Share of repetitions whose interval holds the truth; one without an interval counts as a miss."""
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(repetitions):
        made = make(rng)
        held += made.low is not None and made.high is not None and made.low <= truth <= made.high
    return held / repetitions


def cells() -> dict[str, tuple[Callable[[Rng], Score], Callable[[Rng], float]]]:
    """What is claimed -> (a score from a fresh sample, the truth from a large one)."""
    four = (0.6, 0.2, -0.2, -0.6)
    out: dict[str, tuple[Callable[[Rng], Score], Callable[[Rng], float]]] = {}

    def value(score: Score) -> float:
        assert score.value is not None
        return score.value

    def share(about: str, **how: Any) -> None:
        n = how.pop("prompts")
        out[f"win share, {about}"] = (
            lambda rng: win_share(raters(rng, n, **how), "s0", "s1"), lambda rng: value(win_share(raters(rng, 400_000, **how), "s0", "s1")),
        )  # fmt: skip

    share("50 prompts", prompts=50)
    share("200 prompts", prompts=200)
    share("60 prompts, 3 reviewers", prompts=60, each=3)
    share("nearly always won, 100 prompts", prompts=100, strengths=(2.0, -2.0))
    share("drawn with unequal probabilities, 100 prompts", prompts=100, weighted=True)
    out["Bradley-Terry, 4 systems, 100 prompts of 3 judgements"] = (
        lambda rng: bradley_terry(raters(rng, 100, strengths=four, each=3)).win_share("s0", "s3"),
        lambda rng: value(bradley_terry(raters(rng, 100_000, strengths=four, each=3)).win_share("s0", "s3")),
    )
    far = (1.5, -1.5)
    out["Bradley-Terry, 2 systems far apart, 60 prompts"] = (
        lambda rng: bradley_terry(raters(rng, 60, strengths=far)).win_share("s0", "s1"),
        lambda rng: value(bradley_terry(raters(rng, 200_000, strengths=far)).win_share("s0", "s1")),
    )
    out["position effect, 4 systems, 100 prompts of 3 judgements"] = (
        lambda rng: bradley_terry(raters(rng, 100, strengths=four, each=3)).position_effect(),
        lambda rng: value(bradley_terry(raters(rng, 100_000, strengths=four, each=3)).position_effect()),
    )
    for units, count, metric, skew in (
        (50, 2, "ordinal", 0.0),
        (100, 3, "nominal", 0.0),
        (200, 2, "interval", 0.0),
        (100, 2, "ordinal", 1.5),
    ):
        about = f"alpha ({metric}), {count} raters, {units} units" + (", most values alike" if skew else "")
        how: dict[str, Any] = {"count": count, "skew": skew}
        out[about] = (
            lambda rng, units=units, metric=metric, how=how: agreement(scales(rng, units, **how), metric).alpha,
            lambda rng, metric=metric, how=how: float(np.mean([krippendorff(scales(rng, 20_000, **how), metric) for _ in range(5)])),
        )  # fmt: skip
    return out


# --- false answers ------------------------------------------------------------------------------------------------------------------


def peeking(rng: Rng, prompts: int, *, ties: float = 0.0, weighted: bool = False) -> bool:
    """Whether the sequential test, looked at after each of `prompts` judgements of equal systems, ever decides."""
    values = np.where(rng.random(prompts) < ties, 0.5, rng.integers(0, 2, size=prompts).astype(float))
    weights = np.where(rng.random(prompts) < 0.5, 1.0, 0.4) if weighted else None
    return sequence(values, weights=weights, mean_weight=0.7 if weighted else None).decided


def naive_peeking(rng: Rng, prompts: int) -> bool:
    """The same with an ordinary 95% interval, looked at after each judgement from the 30th: what the sequential test is there to avoid."""
    won = np.cumsum(rng.integers(0, 2, size=prompts))
    n = np.arange(1, prompts + 1)
    z = np.abs(won / n - 0.5) / np.sqrt(0.25 / n)
    return bool((z[29:] > 1.96).any())


def false_verdict(rng: Rng, **how: Any) -> bool:
    """Whether one of two equally good systems is called preferred."""
    return preferred(raters(rng, strengths=(0.0, 0.0), **how), "s0", "s1").answer != "cannot_tell"


def power_at_needed(rng: Rng, share: float) -> bool:
    """Whether the verdict is firm with as many decisive judgements as we ask for."""
    n = decisive_needed(share) or 0
    won = (rng.random(n) < share).astype(float)
    judged = Judgements.of(["s0", "s1"], np.zeros(n, int), np.ones(n, int), won, prompts=np.arange(n))
    return preferred(judged, "s0", "s1").answer == "better"


def rate(event: Callable[[Rng], bool], repetitions: int, seed: int = 0) -> float:
    """Share of repetitions in which it happens."""
    rng = np.random.default_rng(seed)
    return sum(event(rng) for _ in range(repetitions)) / repetitions


def judgements_to_decide(rng: Rng, share: float, most: int = 2000) -> int:
    """How many decisive judgements the sequential test takes, where one system wins a `share`."""
    return sequence((rng.random(most) < share).astype(float)).decided_at or most


FALSE: dict[str, Callable[[Rng], bool]] = {
    "sequential test looked at after each of 300 judgements": lambda rng: peeking(rng, 300),
    "sequential test looked at after each of 300 judgements, 40% ties": lambda rng: peeking(rng, 300, ties=0.4),
    "sequential test looked at after each of 300 judgements, prompts drawn with unequal probabilities": lambda rng: peeking(
        rng, 300, weighted=True
    ),
    "preference verdict, 100 prompts": lambda rng: false_verdict(rng, prompts=100),
    "preference verdict, 60 prompts, 3 reviewers": lambda rng: false_verdict(rng, prompts=60, each=3),
    "preference verdict, 100 prompts drawn with unequal probabilities": lambda rng: false_verdict(
        rng, prompts=100, spread=0.0, weighted=True
    ),
}
"""Two equally good systems: any answer is a false one."""

NA = float("nan")
PUBLISHED = [
    ("nominal", 0.743, [[1, 2, 3, 3, 2, 1, 4, 1, 2, NA, NA, NA], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NA, 3],
                        [NA, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NA], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NA]]),
    ("nominal", 0.095, [[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]]),
    ("nominal", 0.692, [["aabbdcccedda".index(c) for c in "aabbdcccedda"], ["aabbdcccedda".index(c) for c in "babbbccceddd"]]),
]  # fmt: skip
PUBLISHED += [("ordinal", 0.815, PUBLISHED[0][2]), ("interval", 0.849, PUBLISHED[0][2])]
"""(metric, alpha, ratings) of Krippendorff 2011."""


# --- claims -------------------------------------------------------------------------------------------------------------------------


def _ends(share: float, n: int) -> dict[str, float]:
    low, high = wilson(share * n, n)
    return {"low": round(low, 4), "high": round(high, 4)}


def claims(repetitions: int) -> list[dict[str, Any]]:
    """Every row, printed as it comes."""
    out = []

    def add(claim: str, goal: str, share: float, n: int, passed: Callable[[dict[str, float]], bool]) -> None:
        ends = _ends(share, n)
        out.append(row(claim, goal, round(share, 4), n=n, passed=passed(ends), command=COMMAND) | ends)
        print(f"{claim:100} {share:.4f} {ends} {out[-1]['passed']}", flush=True)

    for about, (make, truth) in cells().items():
        held = coverage(make, truth(np.random.default_rng(1)), repetitions)
        add(f"simulated raters: coverage of {about}", "0.93 to 0.97 (within its interval)", held, repetitions,
            lambda e: e["high"] >= 0.93 and e["low"] <= 0.97)  # fmt: skip
    for about, event in FALSE.items():
        add(f"simulated raters: false answers of the {about}", "<= 0.05 (within its interval)", rate(event, repetitions), repetitions,
            lambda e: e["low"] <= 0.05)  # fmt: skip
    naive = rate(lambda rng: naive_peeking(rng, 300), repetitions)
    sequential = next(c for c in out if "sequential" in c["claim"])
    sequential["peers"] = {"an ordinary 95% interval looked at as often": round(naive, 4)}
    add("simulated raters: firm answers at the 194 decisive judgements asked for at a true 60:40", "0.75 to 0.85",
        rate(lambda rng: power_at_needed(rng, 0.6), repetitions), repetitions, lambda e: e["high"] >= 0.75 and e["low"] <= 0.85)  # fmt: skip
    rng = np.random.default_rng(0)
    took = np.array([judgements_to_decide(rng, 0.6) for _ in range(max(repetitions // 4, 20))])
    out.append(
        row("simulated raters: judgements that the sequential test takes at a true 60:40, four of five reviews decide within", "reported",
            int(np.quantile(took, 0.8)), n=len(took), passed=None, command=COMMAND, median=int(np.median(took)),
            peers={"a number fixed beforehand, 80% power": decisive_needed(0.6)})
    )  # fmt: skip
    worst = max(abs(round(krippendorff(ratings, metric), 3) - alpha) for metric, alpha, ratings in PUBLISHED)  # type: ignore[arg-type]
    out.append(
        row("Krippendorff's alpha: largest difference from five published examples, 3 decimals", "0", round(worst, 6), passed=worst < 5e-4,
            n=len(PUBLISHED), command=COMMAND)
    )  # fmt: skip
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulates, prints, records."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--no-record", action="store_true", help="print only")
    asked = parser.parse_args(arguments)
    made = claims(asked.repetitions)
    if not asked.no_record:
        print(record("review-statistics", made, part=2))


if __name__ == "__main__":
    main()
