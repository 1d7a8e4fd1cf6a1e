"""Rates and gaps: every question of the grid, asked of every population. Part of assess.

All gaps of all populations are one assessment: they are corrected together (statistics.gaps.family), so that an assessment of a model
without any gap raises an alarm in at most 5 of 100 cases. Shapes: n rows, L labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.recipe.assess import CROSS
from goodfit.score import Score
from goodfit.stages.assess.before import members_of
from goodfit.stages.assess.grid import Grid, Measure
from goodfit.stages.assess.population import Axis, Population
from goodfit.stages.assess.probe import PROBE
from goodfit.stages.assess.rows import MODEL
from goodfit.statistics.gaps import LEAST_RATE, METRICS, Facts, Family, Gap, answer_of, correct, family_of, gap, per_row, rate


@dataclass(frozen=True)
class Asked:
    """One measure on one axis of one population."""

    population: Population
    axis: Axis
    measure: Measure
    values: npt.NDArray[np.float64]
    counted: npt.NDArray[np.bool_]

    @property
    def family(self) -> str:
        """`gender x fpr of 'hate'`, with the population before it."""
        return f"{self.population.name}: {self.axis.title}{CROSS}{self.measure.name}"


@dataclass(frozen=True)
class Measured:
    """What came of all questions."""

    rates: list[Score]
    gaps: list[dict[str, Any]]
    omnibus: list[dict[str, Any]]
    not_measured: list[dict[str, str]]


def measured(populations: Sequence[tuple[Population, Sequence[Axis]]], grid: Grid, margin: float, seed: int) -> Measured:
    """Rates, gaps with answers, and what could not be measured."""
    asked: list[Asked] = []
    missing: list[dict[str, str]] = []
    for population, axes in populations:
        for axis in axes:
            missing += [{"what": f"{population.name}: {axis.title} {name!r}", "why": "too many members, this is one of the smallest"}
                        for name in axis.left_out]  # fmt: skip
            for measure in grid.measures:
                made = _asked(population, axis, measure)
                if isinstance(made, str):
                    missing.append({"what": f"{population.name}: {axis.title}{CROSS}{measure.name}", "why": made})
                else:
                    asked.append(made)
    families = correct([_family(one, seed) for one in asked])
    gaps = [line for one, family in zip(asked, families, strict=True) for line in _lines(one, family, margin)]
    missing += [{"what": _what(line), "why": line["why"]} for line in gaps if line["answer"] == "not_measured"]
    kept = [line for line in gaps if line["answer"] != "not_measured"]
    rates = [found for one in asked for system in _systems(one.population) for found in _rates(one, system)]
    omnibus = [{"family": one.family, "p": family.omnibus.p, "method": family.omnibus.method, "primary": one.measure.primary}
               for one, family in zip(asked, families, strict=True)]  # fmt: skip
    return Measured(rates, sorted(kept, key=_first), omnibus, missing)


def facts_of(population: Population, system: str) -> Facts:
    """One system's answers as statistics take them."""
    scores = population.probabilities.get(system)
    if scores is not None and scores.shape[1] < len(population.labels):
        more = np.zeros((len(scores), len(population.labels) - scores.shape[1]), scores.dtype)
        scores = np.concatenate([scores, more], axis=1)
    return Facts(population.truth, population.said[system], scores)


def per_row_of(population: Population, measure: Measure, system: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """What each row contributes to a measure, and whether it counts."""
    label = None if measure.label is None else population.labels.index(measure.label)
    return per_row(measure.metric, facts_of(population, system), label)


def _asked(population: Population, axis: Axis, measure: Measure) -> Asked | str:
    if measure.label is not None and measure.label not in population.labels:
        return "the label does not occur"
    values, counted = per_row_of(population, measure, MODEL)
    if not (counted & axis.known).any():
        return f"there are no {METRICS[measure.metric].conditioning} of which a member is known"
    return Asked(population, axis, measure, values, counted)


def _systems(population: Population) -> list[str]:
    return [system for system in (MODEL, PROBE) if system in population.said]


def _family(asked: Asked, seed: int) -> Family:
    axis = members_of(asked.axis, asked.population.clusters)
    return family_of(asked.family, asked.values, asked.counted, axis, primary=asked.measure.primary, seed=seed)


def group_of(axis: Axis, member: str) -> dict[str, str]:
    """`{"gender": "women"}`; of an intersection one entry an axis."""
    names, members = axis.name.split(CROSS), member.split(CROSS)
    return dict(zip(names, members, strict=True)) if len(names) == len(members) else {axis.name: member}


def _lines(asked: Asked, family: Family, margin: float) -> list[dict[str, Any]]:
    base = _base_gaps(asked)
    out = []
    for member, found in family.gaps.items():
        said = answer_of(found, margin, family.p_adjusted.get(member), alpha=family.alpha)
        line = {
            "set": asked.population.name, "name": f"{asked.measure.metric}_gap", "form": "one_vs_rest", "system": MODEL,
            "label": asked.measure.label, "group": group_of(asked.axis, member), "axis": asked.axis.title, **_numbers(found),
            "margin": margin, "answer": said.answer, "why": said.why, "rows_needed": said.rows_needed, "family": asked.family, "p": found.p,
            "p_adjusted": family.p_adjusted.get(member), "correction": "holm", "primary": asked.measure.primary,
            "harm_when": METRICS[asked.measure.metric].harm, "base": base.get(member),
        }  # fmt: skip
        out.append(line)
    return out


def _numbers(found: Gap) -> dict[str, Any]:
    """The gap and both rates; nothing of cells that are too small to be shown."""
    if found.value is None:
        return {"value": None, "low": None, "high": None, "n": found.n_inside if found.n_inside >= LEAST_RATE else None,
                "n_rest": found.n_outside if found.n_outside >= LEAST_RATE else None, "rate": None, "rate_rest": None, "method": None,
                "clusters": None, "why_absent": found.why_absent}  # fmt: skip
    return {
        "value": found.value, "low": found.low, "high": found.high, "n": found.n_inside, "n_rest": found.n_outside,
        "rate": found.rate_inside, "rate_rest": found.rate_outside, "method": found.method,
        "clusters": list(found.clusters) if found.clusters else None,
    }  # fmt: skip


def _base_gaps(asked: Asked) -> dict[str, dict[str, Any]]:
    """The same gaps of the base model under a probe, where it was asked."""
    population, axis = asked.population, asked.axis
    if PROBE not in population.said or (METRICS[asked.measure.metric].needs_scores and PROBE not in population.probabilities):
        return {}
    values, counted = per_row_of(population, asked.measure, PROBE)
    out = {}
    for k, member in enumerate(axis.members):
        found = gap(values, counted, axis.inside[:, k], population.clusters, known=axis.known)
        if found.value is not None:
            out[member] = {"system": PROBE, "value": found.value, "low": found.low, "high": found.high, "rate": found.rate_inside}
    return out


def _rates(asked: Asked, system: str) -> list[Score]:
    """The rate of every member by one system."""
    population, axis, measure = asked.population, asked.axis, asked.measure
    values, counted = (asked.values, asked.counted) if system == MODEL else per_row_of(population, measure, system)
    better = METRICS[measure.metric].higher_is_better
    return [
        rate(values, counted, axis.inside[:, k] & axis.known, population.clusters, name=measure.metric).about(
            system=system, split=population.name, label=measure.label, group=group_of(axis, member), higher_is_better=better,
        )
        for k, member in enumerate(axis.members)
    ]  # fmt: skip


def _what(line: Mapping[str, Any]) -> str:
    return f"{line['family']} of {' x '.join(line['group'].values())!r}"


ORDER = {"gap": 0, "not_enough_data": 1, "no_gap_above_margin": 2}


def _first(line: Mapping[str, Any]) -> tuple[Any, ...]:
    """Gaps first, the declared ones before the others, the largest first."""
    return (not line["primary"], ORDER.get(line["answer"], 3), -abs(line["value"] or 0.0), line["family"])
