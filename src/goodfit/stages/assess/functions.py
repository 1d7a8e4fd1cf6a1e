"""What a suite tests, one function at a time, and each function by group: tests in the style of HateCheck and CheckList. Part of assess.

Roettger et al. 2021 (HateCheck), Ribeiro et al. 2020 (CheckList). A function is met where the model is right; rates of fewer
than LEAST_RATE texts are not shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from goodfit.stages.assess.grid import Measure
from goodfit.stages.assess.measure import group_of, per_row_of
from goodfit.stages.assess.population import Axis, Population
from goodfit.stages.assess.rows import MODEL
from goodfit.statistics.gaps import LEAST_RATE, rate

RIGHT = Measure("accuracy", None, primary=False)
GROUPS = 40
"""Groups of a function that are written down, the worst."""


def functions_of(population: Population, axes: Sequence[Axis]) -> list[dict[str, Any]]:
    """Every function with its accuracy, the worst first."""
    if population.functions is None:
        return []
    values, counted = per_row_of(population, RIGHT, MODEL)
    names = np.array([one or "" for one in population.functions])
    out = []
    for name in sorted(set(names.tolist()) - {""}):
        mine = names == name
        found = rate(values, counted, mine, population.clusters, name="accuracy").about(system=MODEL, split=population.name)
        labels = sorted({population.labels[code] for code in np.unique(population.truth[mine])}) if not population.multi_label else []
        groups = [one for axis in axes if not axis.of_any for one in _by_group(axis, values, mine & counted, population)]
        out.append({"set": population.name, "function": name, "n": int(mine.sum()) if mine.sum() >= LEAST_RATE else None, "labels": labels,
                    "accuracy": found.to_json(), "groups": sorted(groups, key=lambda one: one["accuracy"]["value"])[:GROUPS]})  # fmt: skip
    return sorted(out, key=lambda one: one["accuracy"].get("value", 2.0))


def _by_group(axis: Axis, values: Any, counted: Any, population: Population) -> list[dict[str, Any]]:
    out = []
    for k, member in enumerate(axis.members):
        found = rate(values, counted, axis.inside[:, k], population.clusters, name="accuracy")
        if found.value is not None:
            out.append({"group": group_of(axis, member), "accuracy": found.to_json()})
    return out
