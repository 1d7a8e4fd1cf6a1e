"""A 95% interval holds the truth about 95 times of 100, for every row of the table."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import coverage
from goodfit.statistics import KINDS

CELLS = list(coverage.grid())
QUICK = [cell for cell in CELLS if cell.quick]
CONSERVATIVE = {
    ("accuracy", "100 clusters of 5, p 0.98, icc 0.2"), ("ece", "5 classes, temperature 0.6, n 300, 30 clusters"),
    ("ece", "5 classes, temperature 2.0, n 300"),
}  # fmt: skip
"""Cells close to a boundary, where few rows (or clusters) carry any mistake: more than 98% is allowed, less than 91% is not."""


def name(cell: coverage.Cell) -> str:
    return f"{cell.kind}, {cell.about}"


def test_every_row_of_the_table_has_cells() -> None:
    simulated = {cell.kind for cell in CELLS}
    assert simulated == {kind.name for kind in KINDS.values()}
    assert {cell.kind for cell in QUICK} == simulated


@pytest.mark.parametrize("cell", QUICK, ids=name)
def test_quick_coverage(cell: coverage.Cell) -> None:
    found = coverage.simulate(cell, 300, seed=1)
    allowed = cell.boundary or (cell.kind, cell.about) in CONSERVATIVE
    assert 0.91 <= found.held <= (1.0 if allowed else 0.98), str(found)
    assert found.absent <= 0.02


@pytest.mark.slow
def test_coverage_of_the_whole_grid() -> None:
    found = [coverage.simulate(cell, 2000) for cell in CELLS]
    inner = [c for c in found if not c.cell.boundary]
    assert 0.93 <= np.mean([c.held for c in inner]) <= 0.97
    assert min(c.held for c in inner) >= 0.92, str(min(inner, key=lambda c: c.held))
    for kind in {c.cell.kind for c in inner}:
        assert 0.93 <= np.mean([c.held for c in inner if c.cell.kind == kind]) <= 0.975


def test_claims_are_rows_that_say_what_was_reached() -> None:
    cells = [cell for cell in QUICK if cell.kind in ("accuracy", "ece")][:3] + [cell for cell in QUICK if cell.kind == "ece"]
    found = [coverage.simulate(cell, 40) for cell in cells]
    null = next(coverage.nulls())
    rows = coverage.claims_of(found, [(null, 0.05, 40), (null, 0.5, 40)])
    assert rows[0]["claim"] == "coverage of 95% intervals, average over the grid"
    assert {"claim", "goal", "value", "n", "passed", "command", "commit", "date", "machine"} <= set(rows[0])
    assert [row["passed"] for row in rows[-2:]] == [True, False]
    assert rows[1]["low"] <= rows[1]["value"] <= rows[1]["high"]
