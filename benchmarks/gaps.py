"""Gaps between groups: false alarms of whole assessments, gaps that are found beside the power that was planned, intervals, equivalence.

`python -m benchmarks.gaps` writes benchmarks/results/5-gaps.json; about six minutes on one core. Everything is drawn, from five ways in
which rows can hang together (`DESIGNS`). An assessment has three families on one axis: fnr and fpr are primary, error is secondary.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.claims import record, row
from goodfit.statistics.gaps import Axis, Facts, Family, answer_of, correct, family_of, first_alpha, gap, max_min, per_row, power_of, rate
from goodfit.statistics.proportions import wilson

COMMAND = "python -m benchmarks.gaps"
MARGIN = 0.05
DESIGNS = ("rows", "overlap", "templates", "nested", "uneven")
"""overlap: members share rows, and some rows have none. templates: each holds every member once, correlation 0.3. nested: customers of 4 rows
and one membership, correlation 0.2. uneven: customers of 1 to 20 rows."""
NULLS = (
    (2, 40, 0.3),
    (2, 100, 0.02),
    (2, 150, 0.5),
    (3, 400, 0.05),
    (4, 200, 0.1),
    (6, 120, 0.3),
    (8, 150, 0.05),
    (8, 100, 0.2),
    (4, 1000, 0.02),
)
"""Members, rows of each in either class, rate."""
TRIES, PLANTED_TRIES, EDGE_TRIES, COVERAGE_TRIES, WHOLE_TRIES = 60, 200, 800, 500, 200


@dataclass(frozen=True)
class Drawn:
    """0/1 mistakes [n], masks of members, clusters."""

    wrong: np.ndarray
    axis: Axis


def draw(design: str, members: int, n: int, rate: float, rng: np.random.Generator, *, planted: float = 0.0) -> Drawn:
    """Mistakes at `rate`, `planted` more in member 0; `n` rows of a member (about so many where membership is drawn)."""
    total, clusters = members * n, None
    if design == "overlap":
        held = rng.random((total, members)) < min(1.3 / members, 0.6)
        chance = np.where(held[:, 0], rate + planted, rate)
        return Drawn((rng.random(total) < chance).astype(float), axis_of(held.T, None))
    if design == "rows":
        group = np.arange(total) % members
        chance = np.where(group == 0, rate + planted, rate)
    elif design == "templates":
        clusters, group = np.arange(total) // members, np.arange(total) % members
        common = of_cluster(rate, 0.3, n, rng)[clusters]
        chance = np.where(group == 0, common + planted * (1 - common) / (1 - rate), common)
    else:
        sizes = np.full(total // 4, 4) if design == "nested" else np.minimum(rng.geometric(0.25, total // 4), 20)
        clusters = np.repeat(np.arange(len(sizes)), sizes)
        of = np.arange(len(sizes)) % members if design == "nested" else rng.integers(0, members, len(sizes))
        group = of[clusters]
        both = [of_cluster(r, 0.2, len(sizes), rng) for r in (rate, rate + planted)]
        chance = np.where(of == 0, both[1], both[0])[clusters]
    masks = np.stack([group == k for k in range(members)])
    return Drawn((rng.random(len(chance)) < chance).astype(float), axis_of(masks, clusters))


def axis_of(masks: np.ndarray, clusters: np.ndarray | None) -> Axis:
    return Axis({f"m{k}": mask for k, mask in enumerate(masks)}, clusters=clusters)


def of_cluster(rate: float, correlation: float, size: int, rng: np.random.Generator) -> np.ndarray:
    """Chances of clusters: beta with this mean; two rows of a cluster correlate so."""
    strength = (1 - correlation) / correlation
    return np.asarray(rng.beta(rate * strength, (1 - rate) * strength, size))


def assessment(made: Drawn, rng: np.random.Generator, seed: int) -> list[Family]:
    """Three families of one assessment: labels are drawn by halves, mistakes turn them round."""
    truth = rng.integers(0, 2, len(made.wrong))
    facts = Facts(truth, np.where(made.wrong > 0, 1 - truth, truth))
    asked = (("fnr", 1, True), ("fpr", 1, True), ("error", None, False))
    return correct([family_of(f"axis x {m}", *per_row(m, facts, label), made.axis, primary=p, seed=seed) for m, label, p in asked])


def called(families: list[Family]) -> list[str]:
    """The answers that say gap."""
    return [m for f in families for m, g in f.gaps.items() if answer_of(g, MARGIN, f.p_adjusted[m], alpha=f.alpha).answer == "gap"]


def nulls() -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for design in DESIGNS:
        for members, n, r in NULLS:
            rng = np.random.default_rng([len(told), 1])
            for i in range(TRIES):
                families = assessment(draw(design, members, 2 * n, r, rng), rng, i)
                gaps = [g for f in families for m, g in f.gaps.items() if m in f.questions]
                told.append({
                    "design": design, "alarm": bool(called(families)), "asked": len(gaps), "raw": any(g.p < 0.05 for g in gaps),
                    "omnibus": [(f.omnibus.p or 1) <= 0.05 for f in families if f.omnibus.p is not None],
                })  # fmt: skip
        print("null", design, np.mean([one["alarm"] for one in told if one["design"] == design]), flush=True)
    rows = [share_row("gaps: assessments without any gap that call one", "<= 0.05", [one["alarm"] for one in told], below=0.05,
                      peers={"any unadjusted p below 0.05": round(float(np.mean([one["raw"] for one in told])), 4)})]  # fmt: skip
    rows += [share_row(f"gaps: assessments without any gap that call one, {design}", "<= 0.05",
                       [one["alarm"] for one in told if one["design"] == design], below=0.05) for design in DESIGNS]  # fmt: skip
    alarms = [x for one in told for x in one["omnibus"]]
    return [*rows, share_row("gaps: omnibus tests that reject where there is no gap", "<= 0.05", alarms, below=0.05)]


def share_row(claim: str, goal: str, hits: list[bool], *, below: float | None = None, **more: Any) -> dict[str, Any]:
    value, (low, high) = float(np.mean(hits)), wilson(float(np.sum(hits)), len(hits))
    return row(claim, goal, round(value, 4), low=round(low, 4), high=round(high, 4), n=len(hits), command=COMMAND,
               passed=None if below is None else value <= below, **more)  # fmt: skip


def planted() -> list[dict[str, Any]]:
    """Member 0 is 10 points worse; the rows are those for which a plan promises about 80%."""
    rows = []
    for design in ("rows", "templates", "nested"):
        found: list[bool] = []
        promised, cells = [], {}
        for members in (2, 4, 8):
            for r in (0.05, 0.1, 0.3):
                n, chance = planned(design, members, r)
                rng, hits = np.random.default_rng([DESIGNS.index(design), members, int(100 * r), 2]), []
                for i in range(PLANTED_TRIES):
                    made = draw(design, members, n, r, rng, planted=0.10)
                    [family] = correct([family_of("axis x error", made.wrong, np.ones(len(made.wrong), bool), made.axis, seed=i)])
                    one = answer_of(family.gaps["m0"], MARGIN, family.p_adjusted["m0"])
                    hits.append(one.answer == "gap" and family.gaps["m0"].value > 0)
                cells[f"{members} members of {n}, rate {r}"] = [round(float(np.mean(hits)), 3), round(chance, 3)]
                found += hits
                promised += [chance] * len(hits)
        print("planted", design, np.mean(found), np.mean(promised), cells, flush=True)
        goal = round(float(np.mean(promised)) - 0.03, 4)
        rows.append(share_row(f"gaps: planted gaps of 10 points that are found, {design}", f">= {goal} (promised, less 3 points)", found,
                              promised=round(float(np.mean(promised)), 4), cells=cells))  # fmt: skip
        rows[-1]["passed"] = float(np.mean(found)) >= goal
    return rows


def planned(design: str, members: int, r: float) -> tuple[int, float]:
    """Rows of a member and the power that they promise: about 80%, and 100 rows at least."""
    alpha = first_alpha(1 if members == 2 else members)
    for n in range(100, 2_000, 20):
        chance = power_of(n, n * (members - 1), r, 0.10, alpha, design=variance_ratio(design, members, r, 0.10))
        if chance >= 0.8:
            break
    return n, chance


def variance_ratio(design: str, members: int, r: float, planted: float) -> float:
    """Variance of member 0's gap over that of independent rows, from how `draw` draws."""
    if design == "nested":
        return 1 + (4 - 1) * 0.2
    if design != "templates":
        return 1.0
    inside, outside, rest = (r + planted) * (1 - r - planted), r * (1 - r), members - 1
    shared = 0.3 * outside * (1 - planted / (1 - r))
    return (inside + outside * (0.7 / rest + 0.3) - 2 * shared) / (inside + outside / rest)


def edges() -> dict[str, Any]:
    """The true gap is the margin itself: `no_gap_above_margin` is wrong."""
    wrong: list[bool] = []
    cells = {}
    for design in DESIGNS:
        for members, n, r in ((2, 400, 0.05), (4, 400, 0.1), (4, 1000, 0.3)):
            rng, told = np.random.default_rng([DESIGNS.index(design), members, n, 3]), []
            for _ in range(EDGE_TRIES):
                made = draw(design, members, n, r, rng, planted=MARGIN)
                told.append(answer_of(gap_of(made), MARGIN, None).answer == "no_gap_above_margin")
            cells[f"{design}, {members} members of {n}, rate {r}"] = round(float(np.mean(told)), 4)
            wrong += told
    print("edge", np.mean(wrong), cells, flush=True)
    return share_row("gaps: true gap at the margin, yet 'no gap above the margin'", "<= 0.05", wrong, below=0.05, cells=cells)


def gap_of(made: Drawn) -> Any:
    return gap(made.wrong, np.ones(len(made.wrong), bool), made.axis.members["m0"], made.axis.clusters)


def coverage() -> list[dict[str, Any]]:
    held: dict[str, list[bool]] = {"rate": [], "gap": []}
    cells: dict[str, dict[str, float]] = {"rate": {}, "gap": {}}
    for design in DESIGNS:
        for members, n, r, more in (
            (2, 100, 0.1, 0.0),
            (4, 150, 0.3, 0.1),
            (8, 200, 0.05, 0.1),
            (3, 400, 0.05, 0.0),
            (2, 400, 0.5, 0.2),
            (4, 1000, 0.02, 0.05),
        ):
            rng = np.random.default_rng([DESIGNS.index(design), members, n, 4])
            told: dict[str, list[bool]] = {"rate": [], "gap": []}
            for _ in range(COVERAGE_TRIES):
                made = draw(design, members, n, r, rng, planted=more)
                seen, found = rate(made.wrong, np.ones(len(made.wrong), bool), made.axis.members["m0"], made.axis.clusters), gap_of(made)
                told["rate"].append(seen.low is not None and seen.low <= r + more <= seen.high)
                told["gap"].append(found.low is not None and found.low <= more <= found.high)
            for what, hits in told.items():
                cells[what][f"{design}, {members} members of {n}, rate {r}, gap {more}"] = round(float(np.mean(hits)), 4)
                held[what] += hits
    rows = []
    for what, hits in held.items():
        off = {k: v for k, v in cells[what].items() if not 0.93 - 0.02 <= v <= 0.97 + 0.02}
        print("coverage", what, np.mean(hits), cells[what], flush=True)
        rows.append(share_row(f"gaps: 95% intervals of a {what} that hold the truth", "0.93 to 0.97", hits, cells=cells[what],
                              cells_beyond_two_points_of_it=off))  # fmt: skip
        rows[-1]["passed"] = 0.93 <= float(np.mean(hits)) <= 0.97
    return rows


def composites() -> list[dict[str, Any]]:
    """Six members of 100 rows: the largest difference, with and without a gap."""
    rows = []
    for more in (0.0, 0.15):
        for design in ("rows", "templates"):
            rng, hits, raw, corrected, percentile = np.random.default_rng([int(100 * more), 5]), [], [], [], []
            for i in range(WHOLE_TRIES):
                made = draw(design, 6, 100, 0.2, rng, planted=more)
                found = max_min("error_difference", [(made.wrong, np.ones(len(made.wrong), bool))], made.axis, seed=i)
                hits.append(found.score.low <= more <= found.score.high)
                raw.append(found.raw)
                corrected.append(found.score.value)
                percentile.append(by_percentile(made, rng, more) if design == "rows" else False)
            peers = {"percentile bootstrap of the raw difference": round(float(np.mean(percentile)), 4)} if design == "rows" else {}
            rows.append(share_row(f"gaps: intervals of the largest of six rates minus the smallest that hold it, {design}, true value {more}",
                                  ">= 0.94", hits, peers=peers, mean_raw=round(float(np.mean(raw)), 4),
                                  mean_corrected=round(float(np.mean(corrected)), 4)))  # fmt: skip
            rows[-1]["passed"] = float(np.mean(hits)) >= 0.94
            print(rows[-1]["claim"], rows[-1]["value"], rows[-1]["mean_raw"], rows[-1]["mean_corrected"], peers, flush=True)
    return rows


def by_percentile(made: Drawn, rng: np.random.Generator, truth: float) -> bool:
    """The interval that peers give: percentiles of the difference in 200 resamples."""
    masks = np.stack(list(made.axis.members.values())).astype(float)
    drawn = rng.multinomial(len(made.wrong), np.full(len(made.wrong), 1 / len(made.wrong)), size=200)
    rates = (drawn * made.wrong) @ masks.T / np.maximum(drawn @ masks.T, 1)
    low, high = np.quantile(np.ptp(rates, axis=1), [0.025, 0.975])
    return bool(low <= truth <= high)


def main() -> None:
    with threadpool_limits(1):
        rows = [*nulls(), *planted(), edges(), *coverage(), *composites()]
    print(record("gaps", rows, part=5))
    sys.exit(0 if all(one["passed"] for one in rows) else 1)


if __name__ == "__main__":
    main()
