"""assess: for whom the model works worse. Eighth stage of the path; the second and last that may open the test rows.

Takes the answers that evaluate wrote, asks the model the suites and the swapped texts, and the base model the same rows. Leaves `gaps.json`
(and `gaps.<on>.json`), `predictions.parquet` (what was asked here), `swapped.jsonl` and `findings.jsonl`; `plan.json` was there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from goodfit.data.identity.match import Matcher
from goodfit.files import file_hash, read_json, write_json, write_jsonl
from goodfit.recipe import Recipe
from goodfit.recipe.assess import CROSS, axes_in
from goodfit.run import GAPS, SWAPPED, Run
from goodfit.stage import stage
from goodfit.stages.assess.asked import answered
from goodfit.stages.assess.findings import counted, findings, not_assessed
from goodfit.stages.assess.functions import functions_of
from goodfit.stages.assess.kept import write_answers
from goodfit.stages.assess.language import asks_language, assess_language
from goodfit.stages.assess.measure import group_of, measured
from goodfit.stages.assess.plan import Planned, lists_named, plan_of
from goodfit.stages.assess.population import Axis, Population, asked_axes
from goodfit.stages.assess.probe import PROBE, BaseProbe, base_probe
from goodfit.stages.assess.rows import MODEL, SplitRows, scored_rows
from goodfit.stages.assess.suites import suite_rows
from goodfit.stages.assess.swaps import identity_swap
from goodfit.stages.assess.wholes import beside_base, rankings_of, wholes_of
from goodfit.statistics.gaps import LEAST_RATE, LEAST_VERDICT
from goodfit.tasks.base import base_path
from goodfit.tasks.predictor import Predictor

SCHEMA = "goodfit/gaps/1"
FOLDER = "assess"
TEST, FOLDS = "test", "folds"
Asked = list[tuple[Population, list[Axis]]]


class TrainedModel(Protocol):
    """What assess asks of the Result of `train`."""

    @property
    def folder(self) -> Path:
        """train/model"""


@dataclass
class Assessment:
    """How the declared questions were answered."""

    counts: dict[str, int] = field(default_factory=dict)
    text: str = ""
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Self:
        """From assess/gaps.json; FileNotFoundError, KeyError or ValueError where it is not whole."""
        found = read_json(run.path / FOLDER / GAPS)
        return cls(found["counts"], found["text"])


def _files(recipe: Recipe, run: Run) -> dict[str, Any]:
    """The content of the suites and of the lists of terms that are the user's own: part of the stage's inputs."""
    suites = recipe.assess.suites.values() if recipe.assess else ()
    names = dict.fromkeys([*(suite.path for suite in suites), *lists_named(recipe)])
    found = {name: run.base / Path(name).expanduser() for name in names}
    return {name: _content(path) for name, path in found.items()}


def _content(path: Path) -> Any:
    """The hash of a file, or of each file of a folder; None where there is nothing."""
    if path.is_dir():
        return {one.name: _content(one) for one in sorted(path.iterdir()) if one.is_file()}
    if not path.is_file():
        return None
    return file_hash(path)


@stage(
    "assess",
    result=Assessment,
    version=1,
    reads=("task", "groups", "assess", "evaluate", "seed", "split", "purpose"),
    extra=_files,
    keep=True,
)
def assess(recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run) -> Assessment:
    """Rates and gaps of every group, with an answer to each question of the plan, or the reason why it has none."""
    plan = plan_of(recipe, run)
    if plan is None:
        return _nothing(recipe, run)
    if asks_language(recipe):
        return _writer(recipe, trained, run, plan)
    return _Assess(recipe, trained, splits, run, plan).done()


def _nothing(recipe: Recipe, run: Run) -> Assessment:
    """Nobody asked, or the task is one that is not assessed: said in gaps.json too."""
    if recipe.assess is False:
        why = "assess: false"
    elif recipe.task.writes:
        why = "of a model that writes only published sets are asked, and assess.suites names none"
    else:
        why = "the recipe names no groups and no suites"
    document = _empty(recipe, run) | {"not_measured": [{"what": "every group", "why": why}], "text": f"not measured: {why}"}
    write_json(run.folder(FOLDER) / GAPS, document)
    run.report([not_assessed(why)])
    return Assessment(document["counts"], document["text"])


def _writer(recipe: Recipe, trained: TrainedModel, run: Run, plan: Planned) -> Assessment:
    """A model that writes, asked published sets."""
    assert recipe.assess is not False
    found, said = assess_language(recipe, trained.folder, run, plan.document)
    document = _empty(recipe, run) | found
    document["text"] = text_of(document["counts"], recipe.assess.margin, of="published sets")
    for name in (f"gaps.{recipe.evaluate.on}.json", GAPS):
        write_json(run.folder(FOLDER) / name, document)
    run.report(said)
    run.screen.say(f"  {document['text']}")
    return Assessment(document["counts"], document["text"])


def _empty(recipe: Recipe, run: Run) -> dict[str, Any]:
    return {
        "schema": SCHEMA, "run": run.id, "on": recipe.evaluate.on, "plan": None, "plan_changed_after_unsealing": False, "systems": [],
        "minimum_n": {"rate": LEAST_RATE, "verdict": LEAST_VERDICT}, "groups": [], "rates": [], "gaps": [], "omnibus": [], "probes": [],
        "functions": [], "wholes": [], "rankings": [], "beside_base": [], "worst": None, "counts": counted([], 1),
        "not_measured": [], "text": "",
    }  # fmt: skip


class _Assess:
    """One assessment."""

    def __init__(self, recipe: Recipe, trained: TrainedModel, splits: SplitRows, run: Run, plan: Planned) -> None:
        assert recipe.assess is not False
        self.recipe, self.splits, self.run, self.plan, self.section = recipe, splits, run, plan, recipe.assess
        self.predictor = Predictor.load(trained.folder)
        self.missing: list[dict[str, str]] = []

    def done(self) -> Assessment:
        """Everything, and its files."""
        asked = self._with_axes(self._with_base(self._populations()))
        found = measured(asked, self.plan.grid, self.section.margin, self.recipe.seed)
        probes = self._probes([population for population, _ in asked])
        functions = [one for population, axes in asked for one in functions_of(population, axes)]
        grid, seed = self.plan.grid, self.recipe.seed
        missing = [*self.missing, *found.not_measured, *self._standing()]
        document = self._document(asked, missing) | {
            "rates": [one.to_json() for one in found.rates], "gaps": found.gaps, "omnibus": found.omnibus,
            "probes": [{key: value for key, value in one.items() if key != "examples"} for one in probes], "functions": functions,
            "wholes": [one for population, axes in asked for one in wholes_of(population, axes, grid, seed)],
            "rankings": [one for population, axes in asked for one in rankings_of(population, axes, grid)],
            "beside_base": [one for population, axes in asked for one in beside_base(population, axes, grid)],
            "worst": worst_of(found.gaps), "counts": counted(found.gaps, len(missing)),
        }  # fmt: skip
        document["text"] = text_of(document["counts"], self.section.margin)
        folder = self.run.folder(FOLDER)
        write_jsonl(
            folder / SWAPPED, [{"set": one["set"], "terms": one["terms"]} | pair for one in probes for pair in one.get("examples", [])]
        )
        write_answers(folder, [population for population, _ in asked], self.predictor.task)
        write_json(folder / f"gaps.{self.recipe.evaluate.on}.json", document)
        write_json(folder / GAPS, document)
        self.run.report(findings(document, self.plan.document))
        self.run.screen.say(f"  {document['text']}")
        return Assessment(document["counts"], document["text"])

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _populations(self) -> list[Population]:
        """The rows that evaluate scored, then the suites, all answered by the model."""
        out = []
        if self.recipe.groups:
            on = self.recipe.evaluate.on
            key = self.run.unseal(f"assess {self.run.id}", stage="assess") if on == TEST else None
            out.append(scored_rows(self.recipe, self.splits, self.run, self.predictor.task, self.plan.matchers, key))
        labels = self.predictor.task.labels
        for name, suite in self.section.suites.items():
            rows = suite_rows(suite, name, self.recipe, (self.run.base, labels, self.plan.matchers))
            out.append(answered(rows, self.predictor, self._tell(f"asking the suite {name}")))
        return out

    def _with_base(self, populations: list[Population]) -> list[Population]:
        """The same, answered by the base model under a probe too."""
        task, screen = self.predictor.task, self.run.screen
        table = self.splits.table("train", columns=("text", "label"))
        target = np.asarray(task.encode_targets(table["label"].to_pylist(), unknown="mark"))
        known = np.ones(len(target), bool) if target.ndim == 2 else target >= 0
        texts = [text for text, keep in zip(table["text"].to_pylist(), known, strict=True) if keep]
        probe = base_probe(base_path(self.run, self.predictor.saved), task, (texts, target[known]), self.recipe.seed, screen.progress)
        if not isinstance(probe, BaseProbe):
            self.missing.append({"what": "the base model on the same rows", "why": probe})
            return populations
        for population in populations:
            if population.name == FOLDS:
                self.missing.append(
                    {"what": "the base model on the same rows", "why": "with split.folds a probe would have learned from them"}
                )
                continue
            assert population.texts is not None
            found = probe.answer(population.texts)
            said = np.asarray(task.decide(found)) if task.multi_label else found.argmax(axis=1)
            population.said[PROBE], population.probabilities[PROBE] = _wide(said, population), found
        return populations

    def _with_axes(self, populations: list[Population]) -> Asked:
        """Each with the axes that the recipe asks for; an axis that a population lacks is not measured there."""
        out: Asked = []
        for population in populations:
            axes, missing = asked_axes(population.axes, self._by(population))
            self.missing += [{"what": f"{population.name}: {name}", "why": "no row of it is known"} for name in missing]
            out.append((population, axes))
        return out

    def _by(self, population: Population) -> list[str]:
        """What is asked of a population: of a suite its own axes, and of what the recipe asks that which it has."""
        suite = self.section.suites.get(population.name)
        if suite is None or not self.section.by:
            return list(self.section.by)
        plain = {axis.name for axis in population.axes}
        fitting = [name for name in self.section.by if all(part in plain for part in axes_in(name))]
        return list(dict.fromkeys([*fitting, *(axis for axis in suite.groups if axis in plain)]))

    # -- probes -------------------------------------------------------------------------------------------------------

    def _probes(self, populations: Sequence[Population]) -> list[dict[str, Any]]:
        """The same texts about somebody else, for every list of terms and population."""
        if self.section.probes != "auto" and "identity_swap" not in self.section.probes:
            self.missing.append({"what": "identity_swap", "why": "assess.probes leaves it out"})
            return []
        out = []
        for population in populations:
            if population.name == FOLDS:
                self.missing.append({"what": "folds: identity_swap", "why": "with split.folds no one model has left all rows unseen"})
                continue
            for matcher in self._lists(population):
                tell = self._tell(f"asking {population.name} texts about somebody else ({matcher.list.name})")
                found = identity_swap(population, matcher, self.predictor, self.section.margin, self.recipe.seed, tell)
                if found["answer"] == "not_measured":
                    self.missing.append({"what": f"{population.name}: identity_swap of {matcher.list.name}", "why": found["why"]})
                else:
                    out.append(found)
        return out

    def _lists(self, population: Population) -> list[Matcher]:
        """The lists of terms that hold for a population, once each."""
        own = self.section.suites.get(population.name)
        axes = [*self.recipe.groups.values(), *(own.groups.values() if own else ())]
        return [self.plan.matchers[name] for name in dict.fromkeys(axis.terms for axis in axes if axis.terms is not None)]

    def _standing(self) -> list[dict[str, str]]:
        """What this recipe leaves out, whatever the rows are."""
        out = [{"what": f"groups by {axis}", "why": "the recipe does not name them"} for axis in self.plan.document["not_named"]]
        out += [{"what": f"rates of {label!r} by themselves", "why": "among the less frequent labels; assess.label names it"}
                for label in self.plan.grid.left_out]  # fmt: skip
        if not self.section.suites:
            out.append({"what": "functional tests and templates", "why": "assess.suites names none"})
        if not any(CROSS in name for name in self.section.by) and len(self.recipe.groups) > 1:
            out.append({"what": "intersections of groups", "why": "assess.by names none"})
        return out

    # -- the document -------------------------------------------------------------------------------------------------

    def _document(self, asked: Asked, missing: list[dict[str, str]]) -> dict[str, Any]:
        plan = self.plan.document
        systems = [name for name in (MODEL, PROBE) if any(name in population.said for population, _ in asked)]
        return _empty(self.recipe, self.run) | {
            "plan": plan["hash"], "plan_changed_after_unsealing": plan["after_unsealing"], "systems": systems,
            "margin": self.section.margin, "sets": [{"name": population.name, "n": len(population)} for population, _ in asked],
            "groups": [line for population, axes in asked for axis in axes for line in groups_of(population, axis)],
            "not_measured": missing,
        }  # fmt: skip

    def _tell(self, what: str) -> Any:
        return lambda done, total: self.run.screen.progress(what, done, total)


def _wide(said: np.ndarray, population: Population) -> np.ndarray:
    """Predictions with columns for the labels that only these rows have."""
    if said.ndim == 1 or said.shape[1] == len(population.labels):
        return said.astype(bool if said.ndim == 2 else np.int64)
    return np.concatenate([said.astype(bool), np.zeros((len(said), len(population.labels) - said.shape[1]), bool)], axis=1)


def groups_of(population: Population, axis: Axis) -> list[dict[str, Any]]:
    """The members of an axis with their rows and the shares of labels among them; small cells are not shown."""
    out = []
    for k, member in enumerate(axis.members):
        mine = axis.inside[:, k]
        n = int(mine.sum())
        truth = population.truth[mine]
        shares = truth.mean(axis=0) if population.multi_label else np.bincount(truth, minlength=len(population.labels)) / max(1, n)
        base = (
            {label: round(float(share), 4) for label, share in zip(population.labels, shares.tolist(), strict=False)}
            if n >= LEAST_RATE
            else {}
        )
        out.append({"set": population.name, "axis": axis.title, "member": member, "group": group_of(axis, member),
                    "n": n if n >= LEAST_RATE else None, "below": None if n >= LEAST_RATE else LEAST_RATE, "base_rate": base,
                    "source": axis.source})  # fmt: skip
    return out


def worst_of(gaps: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The largest declared gap that is sure; else the largest that was measured, with its answer."""
    declared = [line for line in gaps if line["primary"] and line["value"] is not None]
    if not declared:
        return None
    first = max(declared, key=lambda line: (line["answer"] == "gap", abs(line["value"])))
    return {key: first[key] for key in ("set", "name", "label", "group", "value", "low", "high", "n", "answer")}


def text_of(counts: dict[str, int], margin: float, of: str = "groups") -> str:
    """`groups: 1 gap found, 5 within 5 points, 2 undecided, 3 not measured`."""
    words = [(counts["gap"], "gap found" if counts["gap"] == 1 else "gaps found"),
             (counts["no_gap_above_margin"], f"within {100 * margin:g} points"), (counts["not_enough_data"], "undecided"),
             (counts["not_measured"], "not measured")]  # fmt: skip
    return f"{of}: " + ", ".join(f"{n} {what}" for n, what in words if n or what.startswith("gap"))
