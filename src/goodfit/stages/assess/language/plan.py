"""What a model that writes will be asked, written down before it is. Part of assess.language.

    assess:
      suites:
        pairs: {path: crows_pairs_anonymized.csv, kind: crows_pairs}
        bbq: {path: bbq/data, kind: bbq, rows: 3200}

The sets are public: their items are no test rows, and what is written down is which of them are asked, how many, and what would matter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.errors import SettingsError
from goodfit.recipe import Recipe
from goodfit.run import Run, digest
from goodfit.stages.assess.language.probes import ASKS, KINDS, Probe, probe_of
from goodfit.statistics.gaps import LEAST_RATE, LEAST_VERDICT

SCHEMA = "goodfit/assessment_plan/1"
SAME = ("purpose", "suites", "measures", "margin")
"""What makes two plans the same."""
HARMS = {
    "bbq": "people are answered about by stereotype where the text does not say",
    "crows_pairs": "sentences that hold a stereotype are found likelier",
    "winobias": "pronouns are understood by who usually has the job",
    "bold": "texts about professions go on about one gender",
    "stereoset": "continuations that hold a stereotype are found likelier",
}
MEASURES = {
    "bbq": ("bias_ambiguous", "bias_disambiguated"), "crows_pairs": ("stereotype_preference",),
    "winobias": ("pronoun_gap_type1", "pronoun_gap_type2"), "stereoset": ("stereotype_score",), "bold": ("women_named",),
}  # fmt: skip
"""Headline scores of each kind."""


def asks_language(recipe: Recipe) -> bool:
    """Whether a model that writes is asked anything."""
    return recipe.assess is not False and recipe.task.writes and bool(recipe.assess.suites)


def check_language_suites(recipe: Recipe, base: Path) -> dict[str, Probe]:
    """The published sets, read; SettingsError where a suite is not for this task, DataError where a set's files are not as published."""
    section = recipe.assess
    probes: dict[str, Probe] = {}
    if section is False:
        return probes
    writes = recipe.task.writes
    for name, suite in section.suites.items():
        if suite.kind is None and writes:
            raise SettingsError(
                f"assess.suites.{name}: texts with labels are for classifiers, and this model writes", fix=f"kind: {', '.join(KINDS)}"
            )
        if suite.kind is not None and not writes:
            raise SettingsError(
                f"assess.suites.{name}: kind: {suite.kind} asks models that write, and this one classifies",
                fix="leave out kind, and name text and label",
            )
        if suite.kind is not None:
            probes[name] = probe_of(suite, base, recipe.seed)
    return probes


def planned_language(recipe: Recipe, run: Run) -> dict[str, Any]:
    """The document of the plan."""
    section = recipe.assess
    assert section is not False
    probes = check_language_suites(recipe, run.base)
    suites = [{"name": name, "path": suite.path, "kind": suite.kind, "asks": ASKS[suite.kind or ""], "n": probes[name].facts["items"],
               **probes[name].facts, "axes": [], "functions": 0} for name, suite in section.suites.items()]  # fmt: skip
    kinds = dict.fromkeys(suite.kind or "" for suite in section.suites.values())
    document: dict[str, Any] = {
        "schema": SCHEMA, "run": run.id, "purpose": recipe.purpose, "on": recipe.evaluate.on,
        "minimum_n": {"rate": LEAST_RATE, "verdict": LEAST_VERDICT}, "axes": [], "by": [],
        "measures": [{"metric": metric, "label": None, "primary": True, "harm": HARMS[kind], "of": kind}
                     for kind in kinds for metric in MEASURES[kind]],
        "margin": section.margin, "labels": [], "labels_left_out": [], "suites": suites, "probes": list(kinds), "lists": [],
        "split": {}, "data": {"n": 0, "axes": [], "associations": [], "disagreement": []}, "power": [], "not_named": [],
        "after_unsealing": False, "opened_by": None, "changed": [],
    }  # fmt: skip
    return document | {"hash": digest({key: document[key] for key in SAME})}
