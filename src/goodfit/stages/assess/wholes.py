"""One number for a whole axis, rankings without a threshold, and the model beside its base at equal false alarms. Part of assess.

The names are the field's: demographic parity and equalised odds differences (Hardt et al. 2016), FPED and FNED (Dixon et al. 2018), GAP-RMS
(De-Arteaga et al. 2019), subgroup, BPSN and BNSP AUC (Borkan et al. 2019). They are above 0 where no group differs, so statistics takes off
what chance gives; no verdict hangs on them. Shapes: n rows, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.stages.assess.before import members_of
from goodfit.stages.assess.grid import Grid, Measure
from goodfit.stages.assess.measure import group_of, per_row_of
from goodfit.stages.assess.population import Axis, Population
from goodfit.stages.assess.probe import PROBE
from goodfit.stages.assess.rows import MODEL
from goodfit.statistics.gaps import Axis as Members
from goodfit.statistics.gaps import Facts, Systems, Whole, at_equal_fpr, change_of_gap, equality_difference, gap, gap_rms, max_min, ranked
from goodfit.statistics.gaps import per_row as contributions

AUCS = ("subgroup_auc", "bpsn_auc", "bnsp_auc")
PerRow = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


def wholes_of(population: Population, axes: Sequence[Axis], grid: Grid, seed: int) -> list[dict[str, Any]]:
    """Every number of every axis, the model's."""
    out = []
    for axis in axes:
        if axis.of_any:
            continue
        members = members_of(axis, population.clusters)
        for name, label, made in _numbers(population, members, grid, seed):
            score = made.score.about(system=MODEL, split=population.name, label=label)
            out.append({"set": population.name, "axis": axis.title, **score.to_json(), "raw": made.raw, "lowest": made.lowest,
                        "highest": made.highest, "name": name})  # fmt: skip
        out += _over_classes(population, axis, grid, seed)
    return out


def _numbers(population: Population, axis: Members, grid: Grid, seed: int) -> list[tuple[str, str | None, Whole]]:
    out: list[tuple[str, str | None, Whole]] = []
    error = _part(population, "error", None)
    out.append(("largest_error_difference", None, max_min("largest_error_difference", [error], axis, seed=seed)))
    for label in (label for label in grid.labels if label in population.labels):
        part = {metric: _part(population, metric, label) for metric in ("selection", "tpr", "fpr", "fnr")}
        for name, parts in (("demographic_parity_difference", ["selection"]), ("equal_opportunity_difference", ["tpr"]),
                            ("equalised_odds_difference", ["tpr", "fpr"])):  # fmt: skip
            out.append((name, label, max_min(name, [part[one] for one in parts], axis, seed=seed)))
        for name, metric in (("fped", "fpr"), ("fned", "fnr")):
            out.append((name, label, equality_difference(name, part[metric], axis, seed=seed)))
    return out


def _over_classes(population: Population, axis: Axis, grid: Grid, seed: int) -> list[dict[str, Any]]:
    """GAP-RMS of every member: its gaps in true-positive rates, over all classes that are looked at."""
    labels = [label for label in grid.labels if label in population.labels]
    if len(labels) < 2:
        return []
    classes = {label: _part(population, "tpr", label) for label in labels}
    out = []
    for k, member in enumerate(axis.members):
        made = gap_rms(classes, Members({member: axis.inside[:, k]}, axis.known, population.clusters), seed=seed)
        if made.score.value is not None:
            about = made.score.about(system=MODEL, split=population.name, group=group_of(axis, member))
            out.append({"set": population.name, "axis": axis.title, **about.to_json(), "raw": made.raw})
    return out


def _part(population: Population, metric: str, label: str | None) -> PerRow:
    return per_row_of(population, Measure(metric, label, primary=False), MODEL)


def rankings_of(population: Population, axes: Sequence[Axis], grid: Grid) -> list[dict[str, Any]]:
    """Subgroup, BPSN and BNSP AUC of every member and label."""
    out = []
    scores = population.probabilities[MODEL]
    for label in (label for label in grid.labels if label in population.labels[: scores.shape[1]]):
        code = population.labels.index(label)
        truth = population.truth[:, code] if population.multi_label else population.truth == code
        for axis in axes:
            for k, member in enumerate(axis.members):
                for kind in AUCS:
                    found = ranked(kind, scores[:, code], truth, axis.inside[:, k], population.clusters, known=axis.known)  # type: ignore[arg-type]
                    if found.value is not None:
                        about = found.about(system=MODEL, split=population.name, label=label, group=group_of(axis, member))
                        out.append({"set": population.name, "axis": axis.title, **about.to_json()})
    return out


def beside_base(population: Population, axes: Sequence[Axis], grid: Grid) -> list[dict[str, Any]]:
    """The gaps of model and base model, each at the threshold with the model's overall rate of false alarms: what fine-tuning added."""
    if PROBE not in population.said or population.multi_label:
        return []
    out = []
    for label in (label for label in grid.labels if label in population.labels[: population.probabilities[MODEL].shape[1]]):
        code = population.labels.index(label)
        truth = (population.truth == code).astype(np.int64)
        if not 0 < truth.sum() < len(truth):
            continue
        values, counted = _part(population, "fpr", label)
        target = float(values[counted].mean())
        decided = {
            system: at_equal_fpr(population.probabilities[system][:, code].astype(float), truth, target) for system in (PROBE, MODEL)
        }
        for metric in ("fpr", "tpr"):
            parts = {system: contributions(metric, Facts(truth, made.decisions.astype(np.int64)), 1) for system, made in decided.items()}
            systems_of = (parts[PROBE], parts[MODEL])
            for axis in axes:
                out += [{"set": population.name, "label": label, "metric": metric, "overall": round(target, 4),
                         "achieved": {system: round(made.achieved, 4) for system, made in decided.items()}, **line}
                        for line in _changes(population, axis, systems_of)]  # fmt: skip
    return out


def _changes(population: Population, axis: Axis, parts: tuple[PerRow, PerRow]) -> list[dict[str, Any]]:
    systems = Systems(*parts, clusters=population.clusters, known=axis.known)
    out = []
    for k, member in enumerate(axis.members):
        inside = axis.inside[:, k]
        made = [gap(*part, inside, population.clusters, known=axis.known) for part in parts]
        change = change_of_gap(systems, inside)
        if change.value is None:
            continue
        out.append({
            "axis": axis.title, "group": group_of(axis, member), "n": made[1].n_inside, "base": _ends(made[0]), "model": _ends(made[1]),
            "change": {"value": change.value, "low": change.low, "high": change.high, "p": change.p, "method": change.method},
        })  # fmt: skip
    return out


def _ends(found: Any) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "rate": found.rate_inside}
