"""Weak slices: planted ones found, false discoveries, alarms on shuffled mistakes; Benjamini & Hochberg on the same candidates beside it.

`python -m benchmarks.slices` writes benchmarks/results/4-slices.json. Texts and labels are real (banking77, tweeteval emotion, medical
abstracts of `shared/data`); mistakes are drawn: 15% of the rows on average, more in some classes than in others, and in a slice that is planted
(a predicate or a pair of the search's own candidates, drawn by chance among those of the right size) by so many points more. Nothing was tuned
on these draws: 5%, 1,000 exchanges and the sizes of slices are the method's.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.claims import record, row
from benchmarks.sets import rows_of
from goodfit.stages.evaluate.weak.predicates import Rows, predicates_of
from goodfit.stages.evaluate.weak.search import LEVEL, candidates_of
from goodfit.statistics.multiple import benjamini_hochberg, holm
from goodfit.statistics.proportions import wilson
from goodfit.statistics.slices import distinct, jaccard, stand_out, units_of

COMMAND = "python -m benchmarks.slices"
SETS = ("banking77", "emotion", "medical")
BASE = 0.15
PLANTED = ((1000, (60, 80), 0.30), (3000, (200, 240), 0.20))
"""Rows, rows of the slice, points."""
TRIES, SHUFFLES = 70, 140
"""Of each set."""
THRESHOLD = 4.0
"""z that some 400 to 4,000 overlapping candidates ask for; the searches say their own, 3.3 to 4.3."""
POWER = 0.95
FALSE_BELOW = 0.02
"""A slice whose true excess of mistakes over its classes is less is a false discovery."""


@dataclass
class Table:
    """Rows of a set with all candidates."""

    rows: Rows
    strata: np.ndarray
    member: np.ndarray


def table(name: str, n: int, seed: int) -> Table:
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    pool = rows_of(name)
    some = [pool[i] for i in rng.permutation(len(pool))[:n]]
    labels = sorted({label for _, label in some})
    y = np.array([labels.index(label) for _, label in some])
    texts = [text for text, _ in some]
    rows = Rows(texts, y[:, None] == np.arange(len(labels))[None], np.array([max(1, len(text) // 4) for text in texts]))
    _, member = candidates_of(predicates_of(rows, labels, None, 0), rows)
    return Table(rows, y, member)


def chances(made: Table, rng: np.random.Generator) -> np.ndarray:
    """The chance of a mistake of every row, by its class, 15% on average."""
    of_class = rng.uniform(0.5, 1.5, made.strata.max() + 1)[made.strata]
    return np.asarray(BASE * of_class / of_class.mean())


def excess(made: Table, p: np.ndarray, s: int) -> float:
    """True excess of mistakes of a candidate over its classes."""
    size = np.bincount(made.strata)
    mean = np.bincount(made.strata, weights=p) / np.maximum(size, 1)
    mine = made.member[:, s]
    return float((p[mine] - mean[made.strata[mine]]).mean())


def trial(made: Table, planted: tuple[tuple[int, int], float] | None, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    p, target = chances(made, rng), None
    if planted is not None:
        sizes = made.member.sum(axis=0)
        fitting = np.flatnonzero((sizes >= planted[0][0]) & (sizes <= planted[0][1]))
        target = made.member[:, rng.choice(fitting)]
        p = np.minimum(p + planted[1] * target, 0.99)
    power = 0.0 if target is None else theoretical(made, p, target)
    losses = (rng.random(len(p)) < p).astype(float)
    units = units_of(losses, made.member, made.strata, None)
    found = stand_out(units, seed=seed)
    chosen = {
        "max-T": distinct(units, found, np.flatnonzero((found.p <= LEVEL) & (found.z > 0)).tolist(), 10),
        "BH": distinct(units, found, np.flatnonzero(benjamini_hochberg(_normal(found.z)) <= LEVEL).tolist(), 10),
    }
    out: dict[str, Any] = {"power": power}
    for name, called in chosen.items():
        hit = target is not None and any(jaccard(made.member[:, s], target) > 0.5 for s in called)
        false = sum(excess(made, p, s) < FALSE_BELOW for s in called)
        out[name] = {"hit": hit, "called": len(called), "false": false}
    out["confirmed"] = confirmed(made, chosen["max-T"], p, target, rng)
    return out


def confirmed(made: Table, called: list[int], p: np.ndarray, target: np.ndarray | None, rng: np.random.Generator) -> dict[str, Any]:
    """What of it as many other rows of the same kind confirm, as evaluate asks: one-sided, Holm over what is asked."""
    if not called:
        return {"hit": False, "called": 0, "false": 0}
    again = (rng.random(len(p)) < p).astype(float)
    units = units_of(again, made.member[:, called], made.strata, None)
    kept = [s for s, q in zip(called, holm(stand_out(units, draws=1999, seed=1).alone.tolist()), strict=True) if q <= LEVEL]
    hit = target is not None and any(jaccard(made.member[:, s], target) > 0.5 for s in kept)
    return {"hit": hit, "called": len(kept), "false": sum(excess(made, p, s) < FALSE_BELOW for s in kept)}


def theoretical(made: Table, p: np.ndarray, target: np.ndarray) -> float:
    """The chance that z of the planted slice is beyond THRESHOLD, by the normal law: mistakes compared within classes, as the search does."""
    from scipy import stats

    size = np.bincount(made.strata).astype(float)
    mean = np.bincount(made.strata, weights=p) / np.maximum(size, 1)
    held = np.bincount(made.strata[target], minlength=len(size))
    deviation = np.sqrt(np.sum(mean * (1 - mean) * held * (1 - held / np.maximum(size, 1))))
    return float(stats.norm.sf(THRESHOLD - (p[target].sum() - mean @ held) / max(deviation, 1e-9)))


def _normal(z: np.ndarray) -> list[float]:
    from scipy import stats

    return [float(one) for one in stats.norm.sf(z)]


def main() -> None:
    rows = []
    with threadpool_limits(1):
        for n, size, points in PLANTED:
            told: list[dict[str, Any]] = []
            for k, name in enumerate(SETS):
                made = table(name, n, 0)
                told += [trial(made, (size, points), 1000 * k + t) for t in range(TRIES)]
                print(n, name, made.member.shape, np.mean([one["max-T"]["hit"] for one in told]), flush=True)
            rows += planted_rows(told, n, size, points)
        shuffled = []
        for k, name in enumerate(SETS):
            made = table(name, 1000, 1)
            shuffled += [trial(made, None, 9000 + 1000 * k + t) for t in range(SHUFFLES)]
            print("shuffled", name, np.mean([one["max-T"]["called"] > 0 for one in shuffled]), flush=True)
        rows.append(shuffled_row(shuffled))
    print(record("slices", rows, part=4))


def planted_rows(told: list[dict[str, Any]], n: int, size: tuple[int, int], points: float) -> list[dict[str, Any]]:
    what = f"weak slices: {size[0]} to {size[1]} of {n:,} rows with {100 * points:.0f} points more mistakes"
    everything = float(np.mean([one["max-T"]["hit"] for one in told]))
    told, all_of_them = [one for one in told if one["power"] >= POWER], len(told)
    hits, tries = sum(one["max-T"]["hit"] for one in told), len(told)
    low, high = wilson(hits, tries)
    peers = {
        "BH, share found": round(float(np.mean([one["BH"]["hit"] for one in told])), 4),
        "BH, false discovery rate": round(float(np.mean(false_shares(told, "BH"))), 4),
    }
    return [
        row(f"{what}, theoretical power >= 0.95: share found", ">= 0.9", round(hits / tries, 4), low=round(low, 4), high=round(high, 4), n=tries,
            passed=hits / tries >= 0.9, command=COMMAND, peers=peers, planted=all_of_them, share_found_of_all=round(everything, 4)),
        false_row(f"{what}: false discovery rate", told, "max-T", peers=peers),
        false_row(f"{what}: false discovery rate after as many other rows confirmed them", told, "confirmed",
                  share_found=round(float(np.mean([one["confirmed"]["hit"] for one in told])), 4)),
    ]  # fmt: skip


def false_shares(told: list[dict[str, Any]], how: str) -> Any:
    """Of each search, the share of its calls that are false; 0 without calls."""
    return np.array([one[how]["false"] / max(1, one[how]["called"]) for one in told])


def false_row(claim: str, told: list[dict[str, Any]], how: str, **more: Any) -> dict[str, Any]:
    """The false discovery rate as Benjamini & Hochberg (1995) define it, the mean over searches of the false share of their calls, with a
    bootstrap interval over searches; beside it the false share of all calls together, in which searches with many calls weigh more.
    """
    shares = false_shares(told, how)
    means = shares[np.random.default_rng(0).integers(0, len(shares), (4000, len(shares)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    calls, false = (sum(one[how][key] for one in told) for key in ("called", "false"))
    return row(claim, "<= 0.05", round(float(shares.mean()), 4), low=round(float(low), 4), high=round(float(high), 4), n=len(shares),
               passed=float(shares.mean()) <= 0.05, command=COMMAND, calls=calls, false=false,
               share_of_all_calls=round(false / max(1, calls), 4), **more)  # fmt: skip


def shuffled_row(told: list[dict[str, Any]]) -> dict[str, Any]:
    alarms, tries = sum(one["max-T"]["called"] > 0 for one in told), len(told)
    low, high = wilson(alarms, tries)
    return row(
        "weak slices: alarms where mistakes depend on the class alone", "<= 0.07", round(alarms / tries, 4), low=round(low, 4),
        high=round(high, 4), n=tries, passed=alarms / tries <= 0.07, command=COMMAND,
        peers={"BH": round(float(np.mean([one["BH"]["called"] > 0 for one in told])), 4)},
    )  # fmt: skip


if __name__ == "__main__":
    main()
