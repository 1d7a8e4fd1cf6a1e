"""Does a 95% interval hold the truth 95 times of 100? Simulated for every row of the statistics table, with the paired tests too.

    python -m benchmarks.coverage [--repetitions 2000] [--only generation] [--kinds macro_f1,mcc] [--no-record]

Each cell draws data sets of a known population (`populations`), scores them through the door `score`, and counts how often the interval
holds the population's value. The paired comparisons are asked (half as often) about two equally good systems: any answer but "cannot
tell" is a false one. tests/statistics uses the same functions with fewer repetitions. Writes benchmarks/results/1-coverage.json (kinds for classification) and
2-coverage-generation.json (kinds for written text), and prints one line per cell. One thread; the whole grid takes about an hour.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks import populations as of
from benchmarks import populations_written as written
from benchmarks.claims import RESULTS, record, row
from goodfit.statistics import compare, counted, score
from goodfit.statistics.proportions import wilson

REPETITIONS = 2_000
COMMAND = "python -m benchmarks.coverage"


@dataclass(frozen=True)
class Cell:
    """One population: how to draw rows of it, and the value that the interval should hold."""

    kind: str
    about: str
    draw: of.Draw
    population: float | Callable[[], float]
    """The truth, or what computes it (by simulation of large samples) when it is asked for."""
    quick: bool = False
    """Part of the quick tests too."""
    boundary: bool = False
    """The truth lies on the edge of what is possible: more than 97% is allowed, and the cell stays out of averages."""

    @property
    def truth(self) -> float:
        """The population's value."""
        return self.population() if callable(self.population) else self.population


@dataclass(frozen=True)
class Coverage:
    """What came of a cell: shares of repetitions whose interval held the truth, lay above it, lay below it, or had no value."""

    cell: Cell
    truth: float
    repetitions: int
    held: float
    above: float
    below: float
    absent: float
    width: float

    def __str__(self) -> str:
        """One line for a log."""
        tails = f"above {self.above:.3f}  below {self.below:.3f}  absent {self.absent:.3f}  width {self.width:.4f}"
        return f"{self.cell.kind:21} {self.cell.about:48} truth {self.truth:7.4f}  held {self.held:.4f}  {tails}"


def simulate(cell: Cell, repetitions: int = REPETITIONS, seed: int = 0) -> Coverage:
    """Coverage of one cell; a score that is absent is left out, a score without an interval counts as a miss."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{cell.kind} {cell.about}".encode())])
    truth = cell.truth
    held, above, below, absent, widths = 0, 0, 0, 0, [0.0]
    for i in range(repetitions):
        labels, predictions, clusters = cell.draw(rng)
        made = score(cell.kind, labels, predictions, clusters=clusters, seed=i)
        if made.value is None:
            absent += 1
        elif made.low is not None and made.high is not None:
            above += made.low > truth + 1e-12
            below += made.high < truth - 1e-12
            held += made.low <= truth + 1e-12 and made.high >= truth - 1e-12
            widths.append(made.high - made.low)
    there = max(repetitions - absent, 1)
    return Coverage(cell, truth, repetitions, held / there, above / there, below / there, absent / repetitions, sum(widths) / there)


# --- the grid -----------------------------------------------------------------------------------------------------------------------


def rates() -> Iterator[Cell]:
    """accuracy and the like: Wilson."""
    for n in (100, 300, 1000):
        for p in (0.05, 0.2, 0.5, 0.8, 0.95, 0.98):
            yield Cell("accuracy", f"n {n}, p {p}", of.draw_classes(5, p, 0, n), p, quick=n == 300)
    for groups, size in ((30, 10), (100, 5), (300, 3)):
        for p in (0.05, 0.5, 0.8, 0.95, 0.98):
            for icc in (0.05, 0.2, 0.4):
                draw = of.draw_classes(5, p, 0, groups * size, groups=groups, icc=icc)
                quick = groups == 100 and icc == 0.2
                yield Cell("accuracy", f"{groups} clusters of {size}, p {p}, icc {icc}", draw, p, quick=quick)
    for p in (0.02, 0.3):
        yield Cell("error_rate", f"n 300, p {p}", of.draw_classes(5, 1 - p, 0, 300), p, quick=True)
        yield Cell("rate", f"n 300, p {p}", lambda rng, p=p: (None, rng.random(300) < p, None), p, quick=True)
    yield Cell("micro_f1", "n 300, p 0.8", of.draw_classes(5, 0.8, 0, 300), 0.8, quick=True)


CLASSES = [
    (2, 0.05, 0, 100), (2, 0.5, 0, 100), (2, 0.8, 2, 100), (2, 0.95, 0, 100), (2, 0.98, 0, 100), (2, 0.95, 2, 300), (2, 0.98, 2, 300),
    (5, 0.5, 1, 100), (5, 0.8, 1, 100), (5, 0.95, 1, 300), (5, 0.98, 1, 300), (5, 0.8, 1.5, 1000), (20, 0.05, 0, 300), (20, 0.5, 0, 300),
    (20, 0.8, 0, 300), (20, 0.98, 0, 1000), (20, 0.8, 0.7, 1000), (77, 0.05, 0, 1000), (77, 0.5, 0, 1000), (77, 0.9, 0, 1000),
    (77, 0.98, 0, 1000),
]  # fmt: skip
CLUSTERED = [(2, 0.8, 0, 30, 0.2), (2, 0.95, 1, 100, 0.1), (5, 0.8, 1, 30, 0.1), (5, 0.9, 1, 100, 0.3), (20, 0.8, 0, 100, 0.2)]
STRATIFIED = [(5, 0.8, 20), (20, 0.9, 15), (77, 0.9, 10)]
STATISTICS: dict[str, Callable[[Any], Any]] = {
    "macro_f1": counted.macro_f1, "balanced_accuracy": counted.balanced_accuracy, "weighted_f1": counted.weighted_f1,
    "mcc": counted.mcc, "kappa": counted.kappa, "macro_f1_common": counted.macro_f1,
}  # fmt: skip


def confusions() -> Iterator[Cell]:
    """macro-F1 and other numbers of a confusion matrix."""
    quick = {(2, 0.98, 2, 300), (5, 0.8, 1, 100), (20, 0.5, 0, 300)}
    for name, statistic in STATISTICS.items():
        every = {"macro_f1": 1, "balanced_accuracy": 1, "macro_f1_common": 6}.get(name, 3)
        for shape in (s for i, s in enumerate(CLASSES) if i % every == 0 or s in quick):
            classes, accuracy, skew, n = shape
            truth = float(statistic(of.classes_population(classes, accuracy, skew)))
            if name != "macro_f1_common" or n * of.priors(classes, skew).min() > 20:
                about = f"{classes} classes, accuracy {accuracy}, skew {skew}, n {n}"
                yield Cell(name, about, of.draw_classes(*shape), truth, quick=shape in quick and (classes < 20 or name == "macro_f1"))
        for classes, accuracy, rows in STRATIFIED if every < 6 else ():
            truth = float(statistic(of.classes_population(classes, accuracy, 0)))
            about = f"{classes} classes of exactly {rows}, accuracy {accuracy}"
            yield Cell(name, about, of.draw_stratified(classes, accuracy, rows), truth)
        for classes, accuracy, skew, groups, icc in CLUSTERED[:: 1 if every == 1 else 2]:
            truth = float(statistic(of.classes_population(classes, accuracy, skew)))
            if name != "macro_f1_common":
                draw = of.draw_classes(classes, accuracy, skew, groups * 10, groups=groups, icc=icc)
                about = f"{classes} classes, accuracy {accuracy}, {groups} clusters, icc {icc}"
                yield Cell(name, about, draw, truth, quick=groups == 100 and classes == 5)


def one_class() -> Iterator[Cell]:
    """precision, recall, F1 of one class."""
    for share, found, alarms, n, groups in [
        (0.5, 0.8, 0.1, 100, 0), (0.1, 0.9, 0.02, 100, 0), (0.1, 0.5, 0.05, 300, 0), (0.3, 0.98, 0.005, 300, 0), (0.05, 0.95, 0.002, 1000, 0),
        (0.3, 0.1, 0.1, 300, 0), (0.3, 0.8, 0.05, 600, 60), (0.3, 0.9, 0.05, 300, 30),
    ]:  # fmt: skip
        sums = np.array([share, share * found + (1 - share) * alarms, share * found])
        for name in ("precision", "recall", "f1"):
            truth = float({"precision": counted.precision, "recall": counted.recall, "f1": counted.macro_f1}[name](sums))
            about = f"share {share}, found {found}, false {alarms}, n {n}" + (f", {groups} clusters" if groups else "")
            yield Cell(name, about, of.draw_one_class(share, found, alarms, n, groups=groups), truth, quick=n >= 300)


def labels() -> Iterator[Cell]:
    """Multi-label numbers."""
    shapes = [(5, 100, 0.3, 0.8, 0.05, 0), (5, 300, 0.3, 0.98, 0.005, 0), (5, 300, 0.3, 0.1, 0.1, 0), (20, 300, 0.1, 0.6, 0.03, 0),
              (20, 1000, 0.05, 0.9, 0.01, 0), (50, 1000, 0.03, 0.7, 0.01, 0), (5, 300, 0.3, 0.8, 0.05, 30), (20, 1000, 0.1, 0.8, 0.02, 100)]  # fmt: skip
    for count, n, share, found, alarms, groups in shapes:
        draw = of.draw_labels(count, n, share, found, alarms, groups=groups)
        large = of.draw_labels(count, 100_000, share, found, alarms)
        sums = of.labels_population(count, share, found, alarms)
        about = f"{count} labels, n {n}, share {share}, found {found}" + (f", {groups} clusters" if groups else "")
        quick = (count, n) == (5, 300) and found > 0.5
        for name in ("macro_f1", "micro_f1", "weighted_f1"):
            yield Cell(name, about, draw, float(getattr(counted, name)(sums)), quick=quick and (name == "macro_f1" or not groups))
        for name in ("subset_accuracy", "hamming_loss", "samples_f1"):
            yield Cell(name, about, draw, partial(of.by_simulation, name, large, 10), quick=quick)
    draw = of.draw_labels(5, 300, 0.3, 0.8, 0.05)
    yield Cell("macro_f1_common", "5 labels, n 300", draw, float(counted.macro_f1(of.labels_population(5, 0.3, 0.8, 0.05))), quick=True)


def rankings() -> Iterator[Cell]:
    """ROC-AUC and average precision."""
    for n in (100, 300, 1000):
        for share in (0.1, 0.3, 0.5):
            for auc in (0.55, 0.8, 0.95, 0.98):
                draw, about = of.draw_scores(share, auc, n), f"n {n}, share {share}, AUC {auc}"
                quick = n == 300 and share == 0.3
                yield Cell("roc_auc", about, draw, auc, quick=quick)
                yield Cell("pr_auc", about, draw, of.average_precision_truth(share, auc), quick=quick)
    for groups, share, auc in ((30, 0.5, 0.8), (30, 0.3, 0.95), (100, 0.2, 0.8), (100, 0.3, 0.95)):
        draw, about = of.draw_scores(share, auc, groups * 10, groups=groups), f"{groups} clusters of 10, share {share}, AUC {auc}"
        yield Cell("roc_auc", about, draw, auc, quick=groups == 100)
        yield Cell("pr_auc", about, draw, of.average_precision_truth(share, auc), quick=groups == 100)
    for classes, n in ((4, 300), (20, 1000)):
        for name in ("roc_auc", "pr_auc"):
            truth = partial(of.by_simulation, name, of.draw_probabilities(classes, 50_000, 2.5, 1.0), 6)
            yield Cell(name, f"{classes} classes, n {n}", of.draw_probabilities(classes, n, 2.5, 1.0), truth, quick=n == 300)


def probabilities() -> Iterator[Cell]:
    """log-loss, Brier score, calibration."""
    for classes, sharpness, temperature in ((2, 1.5, 1.0), (2, 3.0, 0.5), (5, 3.0, 0.6), (5, 1.0, 2.0), (20, 4.0, 1.0)):
        for n, groups in ((100, 0), (300, 0), (1000, 0), (300, 30), (1000, 100)):
            large = of.draw_probabilities(classes, 200_000, sharpness, temperature, groups=50_000 if groups else 0)
            draw = of.draw_probabilities(classes, n, sharpness, temperature, groups=groups)
            about = f"{classes} classes, temperature {temperature}, n {n}" + (f", {groups} clusters" if groups else "")
            quick = n == 300 and classes == 5 and temperature < 1
            for name in ("log_loss", "brier"):
                yield Cell(name, about, draw, partial(of.by_simulation, name, large, 10), quick=quick)
            error = partial(of.calibration_error_truth, large, 5 if n < 200 else 10)
            yield Cell("ece", about, draw, 0.0 if temperature == 1 else error, quick=n == 300 and classes == 5, boundary=temperature == 1)
            if classes == 2:
                yield Cell("calibration_slope", about, draw, temperature, quick=n == 300)
            if temperature == 1:
                yield Cell("calibration_intercept", about, draw, 0.0, quick=n == 300 and classes == 2)


def averages() -> Iterator[Cell]:
    """Means and correlations."""
    for shape, kind in (("normal", "mean"), ("gamma", "loss"), ("beta", "bounded_mean"), ("nearly all right", "bounded_mean")):
        for n, groups in ((100, 0), (300, 0), (1000, 0), (300, 30), (500, 100)):
            if shape == "nearly all right" and groups:
                continue
            draw, truth = of.draw_values(shape, n, groups=groups)
            yield Cell(kind, f"{shape}, n {n}" + (f", {groups} clusters" if groups else ""), draw, truth, quick=n == 300)
    for r in (0.0, 0.5, 0.9):
        for n, groups in ((100, 0), (300, 0), (300, 30), (500, 100)):
            draw, about = of.draw_pairs(r, n, groups=groups), f"r {r}, n {n}" + (f", {groups} clusters" if groups else "")
            yield Cell("pearson", about, draw, r, quick=n == 300)
            yield Cell("spearman", about, draw, float(6 / np.pi * np.arcsin(r / 2)), quick=n == 300)


def generation() -> Iterator[Cell]:
    """Kinds for written text: chrF, losses per token and byte, distinct n-grams."""
    for p in (0.02, 0.3):
        yield Cell("fault_rate", f"n 300, p {p}", lambda rng, p=p: (None, rng.random(300) < p, None), p, quick=True)
    for quality, n, groups in [(0.2, 100, 0), (0.2, 300, 0), (0.6, 100, 0), (0.6, 300, 0), (0.95, 100, 0), (0.95, 300, 0),
                               (0.6, 0, 40), (0.6, 0, 100), (0.9, 0, 40)]:  # fmt: skip
        about = f"quality {quality}, " + (f"{groups} clusters of 6" if groups else f"n {n}")
        truth = partial(written.answers_truth, quality, clustered=groups > 0)
        draw = _drawn(written.answers, quality, n or groups, clustered=groups > 0)
        yield Cell("chrf", about, draw, truth, quick=n == 300 or groups == 100)
    for spread in (0.5, 1.2):
        for n, groups in ((100, 0), (300, 0), (1000, 0), (0, 40), (0, 100)):
            about = f"lengths spread {spread}, " + (f"{groups} clusters of 6" if groups else f"n {n}")
            draw = _drawn(written.documents, spread, n or groups, clustered=groups > 0)
            for kind, of_loss in (("token_loss", float), ("perplexity", np.exp), ("bits_per_byte", lambda x: x / np.log(2))):
                truth = partial(_truth_of_loss, of_loss, spread, clustered=groups > 0)
                yield Cell(kind, about, draw, truth, quick=n == 300 or groups == 100)
    for order in (1, 2):
        for n, groups in ((100, 0), (300, 0), (1000, 0), (300, 40), (500, 100)):
            about = f"{order}-grams, n {n}" + (f", {groups} clusters" if groups else "")
            truth = partial(written.texts_truth, order, n, groups=groups, draws=400 if n == 1000 else 1500)
            yield Cell(
                "distinct", about, written.texts(order, n, groups=groups), truth, quick=(order, n, groups) in ((1, 300, 0), (2, 300, 40))
            )


def _drawn(pool: Callable[..., written.Pool], level: float, units: int, *, clustered: bool) -> of.Draw:
    """Draws from a population that is made when it is first drawn from."""
    return lambda rng: pool(level, clustered=clustered).draw(units)(rng)


def _truth_of_loss(of_loss: Callable[[float], Any], spread: float, *, clustered: bool) -> float:
    return float(of_loss(written.documents_truth(spread, clustered=clustered)))


def classification() -> Iterator[Cell]:
    """Kinds for labels, probabilities and values."""
    for part in (rates, confusions, one_class, labels, rankings, probabilities, averages):
        yield from part()


def grid() -> Iterator[Cell]:
    """Every cell."""
    yield from classification()
    yield from generation()


# --- two equally good systems -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Null:
    """Two systems of one quality on the same rows: `draw` gives labels, a, b, clusters."""

    kind: str
    about: str
    draw: Callable[[np.random.Generator], tuple[Any, Any, Any, Any]]
    quick: bool = True


def generation_nulls() -> Iterator[Null]:
    """Two systems that write equally well."""
    yield Null("fault_rate", "n 300", lambda rng: (None, rng.random(300) < 0.1, rng.random(300) < 0.1, None))
    for units, clustered in ((200, False), (40, True)):
        about = f"{units} clusters of 6" if clustered else f"n {units}"
        yield Null("chrf", about, lambda rng, u=units, c=clustered: written.answers(0.6, clustered=c).two(u)(rng))
        for kind in ("token_loss", "perplexity", "bits_per_byte"):
            yield Null(kind, about, lambda rng, u=units, c=clustered: written.documents(1.2, clustered=c).two(u)(rng))
    for order in (1, 2):
        yield Null("distinct", f"{order}-grams, n 200", written.two_writers(order, 200))
    yield Null("distinct", "2-grams, n 240, 40 clusters", written.two_writers(2, 240, groups=40))


def nulls() -> Iterator[Null]:
    """One for each kind of paired test: of labels, probabilities and values, then of texts."""
    yield from classification_nulls()
    yield from generation_nulls()


def classification_nulls() -> Iterator[Null]:
    """Two systems that classify equally well."""
    for kind in ("accuracy", "balanced_accuracy", "macro_f1", "mcc"):
        for n, groups in ((100, 0), (400, 0), (400, 40)):
            yield Null(
                kind, f"5 classes, n {n}" + (f", {groups} clusters" if groups else ""), of.two_classifiers(5, n, groups=groups), n > 100
            )
    yield Null("accuracy", "2 classes, n 1000, 98% right", of.two_classifiers(2, 1000, accuracy=0.98))
    yield Null("macro_f1", "77 classes, n 1000", of.two_classifiers(77, 1000), quick=False)
    for kind in ("f1", "recall", "precision"):
        yield Null(kind, "one class, n 300", of.two_detectors(300))
    for kind in ("macro_f1", "micro_f1", "subset_accuracy", "hamming_loss", "samples_f1"):
        yield Null(kind, "6 labels, n 300", of.two_taggers(6, 300))
    for kind in ("roc_auc", "pr_auc", "log_loss", "brier", "ece"):
        for groups in (0, 40):
            about = "binary, n 400" + (f", {groups} clusters" if groups else "")
            yield Null(kind, about, of.two_scorers(400, groups=groups), kind != "ece" or not groups)
    for kind in ("pearson", "spearman"):
        yield Null(kind, "n 300", of.two_columns(300))


def false_answers(null: Null, repetitions: int, seed: int = 0) -> float:
    """Share of repetitions in which one of two equally good systems was called better."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{null.kind} {null.about}".encode())])
    wrong = 0
    for _ in range(repetitions):
        labels, a, b, clusters = null.draw(rng)
        wrong += compare(null.kind, labels, a, b, clusters=clusters).answer != "cannot_tell"
    return wrong / repetitions


# --- claims -------------------------------------------------------------------------------------------------------------------------


def claims_of(found: Sequence[Coverage], rejected: Sequence[tuple[Null, float, int]], command: str = COMMAND) -> list[dict[str, Any]]:
    """Rows for benchmarks/results: the average, the lowest cell, each kind, and the paired tests."""
    of_what = "coverage" if command == COMMAND else f"{command.rsplit(maxsplit=1)[-1]}: coverage"
    inner = [c for c in found if not c.cell.boundary]
    lowest = min(inner, key=lambda c: c.held)
    average = float(np.mean([c.held for c in inner]))
    total = sum(c.repetitions for c in inner)
    out = [
        row(f"{of_what} of 95% intervals, average over the grid", "0.93 to 0.97", round(average, 4), n=total, cells=len(inner),
            passed=0.93 <= average <= 0.97, command=command),
        row(f"{of_what} of 95% intervals, lowest cell ({lowest.cell.kind}: {lowest.cell.about})", ">= 0.92", round(lowest.held, 4),
            n=lowest.repetitions, passed=lowest.held >= 0.92, command=command) | _ends(lowest.held, lowest.repetitions),
    ]  # fmt: skip
    for kind in dict.fromkeys(c.cell.kind for c in found):
        of_kind = [c for c in found if c.cell.kind == kind]
        held = [c.held for c in of_kind if not c.cell.boundary]
        at_edge = [c.held for c in of_kind if c.cell.boundary]
        mean = float(np.mean(held))
        more = {"cells": len(held), "lowest": round(min(held), 4), "highest": round(max(held), 4)}
        more |= {"on_the_boundary": round(float(np.mean(at_edge)), 4)} if at_edge else {}
        out.append(
            row(f"coverage of {kind}", "average 0.93 to 0.97, no cell below 0.92", round(mean, 4), n=sum(c.repetitions for c in of_kind),
                passed=0.93 <= mean <= 0.97 and min(held) >= 0.92, command=command, **more)
        )  # fmt: skip
    for null, share, repetitions in rejected:
        claim = f"false answers of the paired {null.kind} comparison, two equally good systems ({null.about})"
        made = row(claim, "<= 0.055 (within its interval)", round(share, 4), n=repetitions, passed=None, command=command)
        ends = _ends(share, repetitions)
        out.append(made | ends | {"passed": ends["low"] <= 0.055})
    return out


def _ends(share: float, n: int) -> dict[str, float]:
    low, high = wilson(share * n, n)
    return {"low": round(low, 4), "high": round(high, 4)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the grid, prints it, records the claims."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--only", choices=sorted(PARTS), help="only this part of the grid")
    parser.add_argument("--kinds", default="", help="only these kinds, with commas: their rows alone are written anew")
    parser.add_argument("--no-record", action="store_true", help="print only")
    asked = parser.parse_args(arguments)
    wanted = set(filter(None, asked.kinds.split(",")))
    for name, part in PARTS.items():
        if asked.only in (None, name):
            found, rejected = _run(part, wanted, asked.repetitions)
            if asked.no_record or not found:
                continue
            command = COMMAND if name == "classification" else f"{COMMAND} --only {name}"
            made = claims_of(found, rejected, f"{command} --kinds {asked.kinds}" if wanted else command)
            print(record(part.slug, _beside_others(part, made) if wanted else made, part=part.issue))


def _beside_others(part: Part, made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows on disk with those of some kinds made anew; the two rows of the whole grid stay as they were."""
    anew = {new["claim"]: new for new in made[2:]}
    path = RESULTS / f"{part.issue}-{part.slug}.json"
    return [anew.get(old["claim"], old) for old in json.loads(path.read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Part:
    """A part of the grid with a file of its own."""

    slug: str
    issue: int
    cells: Callable[[], Iterator[Cell]]
    nulls: Callable[[], Iterator[Null]]


PARTS = {
    "classification": Part("coverage", 1, classification, classification_nulls),
    "generation": Part("coverage-generation", 2, generation, generation_nulls),
}


def _run(part: Part, wanted: set[str], repetitions: int) -> tuple[list[Coverage], list[tuple[Null, float, int]]]:
    """Simulates a part and prints a line per cell."""
    found: list[Coverage] = []
    rejected: list[tuple[Null, float, int]] = []
    for cell in part.cells():
        if not wanted or cell.kind in wanted:
            found.append(simulate(cell, repetitions))
            print(found[-1], flush=True)
    half = max(repetitions // 2, 1)
    for null in part.nulls():
        if not wanted or null.kind in wanted:
            rejected.append((null, false_answers(null, half), half))
            print(f"{null.kind:21} {null.about:48} false answers {rejected[-1][1]:.4f}", flush=True)
    return found, rejected


if __name__ == "__main__":
    main()
