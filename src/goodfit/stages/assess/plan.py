"""The plan before the seal: what will be asked of whom, how much is too much, and what the rows can show. Part of assess.

`assess/plan.json` is written as soon as the rows are divided, from the recipe, the counts that `split` made, training and validation
rows: nothing in it has seen a test label or an answer. Where the test rows had been opened before by a run of another plan, what differs
from the first such plan is listed. Its hash stands in gaps.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodfit.data.identity.lint import lint
from goodfit.data.identity.match import Matcher
from goodfit.data.identity.reading import shipped, term_list
from goodfit.errors import SettingsError, nearest
from goodfit.files import json_object, read_json, read_jsonl, write_json, write_jsonl
from goodfit.ledger import LEDGER
from goodfit.recipe import Recipe
from goodfit.recipe.assess import axes_in
from goodfit.run import CONTEXTS, MANIFEST, PLAN, Run, digest
from goodfit.stages.assess.before import data_facts, learned_rows
from goodfit.stages.assess.grid import Grid, Measure, grid_of
from goodfit.stages.assess.language import asks_language, check_language_suites, planned_language
from goodfit.stages.assess.mentions import contexts_of, mentions_of, sample_of
from goodfit.stages.assess.rows import SplitRows
from goodfit.stages.assess.suites import check_suite, suite_rows
from goodfit.statistics.gaps import LEAST_RATE, LEAST_VERDICT, METRICS, first_alpha, power_of, smallest_gap
from goodfit.statistics.gaps.family import share_of
from goodfit.tasks import Classification

SCHEMA = "goodfit/assessment_plan/1"
FOLDER = "assess"
GUESSED = {"error": 0.2, "accuracy": 0.8}
"""Rates that are taken before anything was answered."""
OTHERWISE = 0.1
SAME = ("purpose", "on", "axes", "measures", "margin", "suites", "probes", "split")
"""What makes two plans the same."""
WORDS = {
    "error": "answers are wrong more often", "accuracy": "answers are right less often", "tpr": "rows of {label} are found less often",
    "fpr": "others are taken for {label} more often", "fnr": "rows of {label} are missed more often",
    "tnr": "others are left alone less often", "ppv": "what is called {label} is so less often", "selection": "{label} is given more often",
}  # fmt: skip


@dataclass(frozen=True)
class Planned:
    """What assess works from."""

    document: dict[str, Any]
    grid: Grid
    matchers: dict[str, Matcher]
    """Name of a list -> its matcher."""
    contexts: tuple[dict[str, Any], ...] = ()
    """Matches of the lists with the words around them."""


def lists_named(recipe: Recipe) -> list[str]:
    """Names of the lists of terms that the recipe and its suites name, once each."""
    suites = recipe.assess.suites.values() if recipe.assess else ()
    axes = [*recipe.groups.values(), *(axis for suite in suites for axis in suite.groups.values())]
    return list(dict.fromkeys(axis.terms for axis in axes if axis.terms is not None))


def matchers_of(recipe: Recipe, base: Path) -> dict[str, Matcher]:
    """Every list of terms that the recipe names, by its name; SettingsError where one is not there or not as it should be."""
    return {name: Matcher(term_list(name, base)) for name in lists_named(recipe)}


def foresee_assessment(recipe: Recipe, base: Path) -> None:
    """What would fail after hours is said before: lists of terms, axes, suites that are not there or lack a column."""
    section = recipe.assess
    if section is False:
        return
    matchers_of(recipe, base)
    check_axes(recipe)
    check_language_suites(recipe, base)
    for suite in section.suites.values():
        if suite.kind is None:
            check_suite(suite, recipe, base)


def plan_of(recipe: Recipe, run: Run) -> Planned | None:
    """The plan that was written for this run; None where nobody asks for an assessment."""
    if asks_language(recipe):
        return _of_language(read_json(run.path / FOLDER / PLAN))
    if not _asks(recipe):
        return None
    matchers, _, grid = _asked(recipe, run)
    return Planned(read_json(run.path / FOLDER / PLAN), grid, matchers)


def _asks(recipe: Recipe) -> bool:
    """Whether a classifier is to be assessed."""
    section = recipe.assess
    return section is not False and not recipe.task.writes and bool(recipe.groups or section.suites)


def _of_language(document: dict[str, Any]) -> Planned:
    return Planned(document, Grid(tuple(Measure(one["metric"], None, primary=True) for one in document["measures"]), (), ()), {})


def _asked(recipe: Recipe, run: Run) -> tuple[dict[str, Matcher], tuple[str, ...], Grid]:
    """The lists of terms by name, the labels of the task, and the questions; SettingsError where one asks for what there is not."""
    section = recipe.assess
    assert section is not False
    manifest = read_json(run.path / "split" / MANIFEST)
    check_axes(recipe)
    counts = {label: sides.get("train", 0) for label, sides in manifest["labels"].items()}
    labels = Classification.vocabulary(counts, tuple(recipe.task.labels) if recipe.task.labels else None)
    _check_labels(section.label, labels)
    return matchers_of(recipe, run.base), labels, grid_of(section, labels, counts, multi_label=bool(manifest["multi_label"]))


def planned(recipe: Recipe, splits: SplitRows, run: Run) -> Planned | None:
    """The plan of this recipe, made anew; None where nobody asks for an assessment."""
    section = recipe.assess
    if asks_language(recipe):
        return _of_language(planned_language(recipe, run))
    if section is False or not _asks(recipe):
        return None
    check_language_suites(recipe, run.base)
    manifest = read_json(run.path / "split" / MANIFEST)
    matchers, labels, grid = _asked(recipe, run)
    table = learned_rows(recipe, splits)
    places, texts = sample_of(table["text"].to_pylist(), recipe.seed)
    suites = {name: suite_rows(suite, name, recipe, (run.base, labels, matchers)) for name, suite in section.suites.items()}
    document: dict[str, Any] = {
        "schema": SCHEMA, "run": run.id, "purpose": recipe.purpose, "on": recipe.evaluate.on,
        "minimum_n": {"rate": LEAST_RATE, "verdict": LEAST_VERDICT},
        "axes": [_axis(recipe, name, manifest, matchers) for name in recipe.groups], "by": list(section.by) or list(recipe.groups),
        "measures": [_measure(recipe, one) for one in grid.measures], "margin": section.margin,
        "labels": list(grid.labels), "labels_left_out": list(grid.left_out),
        "suites": [{"name": name, "path": section.suites[name].path, "n": len(rows), "axes": [axis.name for axis in rows.axes],
                    "functions": len({f for f in rows.functions or () if f})} for name, rows in suites.items()],
        "probes": ["identity_swap"] if section.probes == "auto" else list(section.probes),
        "lists": [_list(name, matcher) for name, matcher in matchers.items()],
        "split": {"counts": manifest["splits"], "test": manifest["test"]},
        "data": data_facts(recipe, splits, table, (labels, matchers)), "mentions": mentions_of(matchers, texts),
    }  # fmt: skip
    document["power"] = _power(document, grid, manifest)
    document["not_named"] = _not_named(recipe, matchers)
    document["hash"] = digest({key: document[key] for key in SAME})
    document |= _opened(run, document)
    ids = table["row"].take(places).to_pylist()
    return Planned(document, grid, matchers, tuple(contexts_of(matchers, ids, texts, recipe.seed)))


def write_plan(planned: Planned | None, run: Run) -> None:
    """Writes assess/plan.json, and says so in one line."""
    if planned is None:
        return
    write_json(run.folder(FOLDER) / PLAN, planned.document)
    if planned.contexts:
        write_jsonl(run.folder(FOLDER) / CONTEXTS, list(planned.contexts))
    axes = ", ".join(axis["axis"] for axis in planned.document["axes"]) or "suites only"
    declared = ", ".join(one.name for one in planned.grid.primary)
    run.screen.say(f"  for whom it may work worse: {axes}; declared: {declared}; written down before test rows are opened (assess/{PLAN})")


def check_axes(recipe: Recipe) -> None:
    """SettingsError where `assess.by`, `assess.why` or `assess.harms` names what there is not."""
    section = recipe.assess
    assert section is not False
    suites = {axis for suite in section.suites.values() for axis in suite.groups}
    known = [*recipe.groups, *sorted(suites - set(recipe.groups))]
    for key, names in (("by", section.by), ("why", tuple(section.why))):
        for part in (part for name in names for part in axes_in(name)):
            if part not in known:
                near = nearest(part, known)
                raise SettingsError(
                    f"assess.{key}: there is no axis {part!r}",
                    fix=f"did you mean {near!r}?" if near else f"groups names {', '.join(known) or 'none'}",
                )
    for metric in section.harms:
        if metric not in METRICS:
            near = nearest(metric, list(METRICS))
            raise SettingsError(
                f"assess.harms: there is no measure {metric!r}", fix=f"did you mean {near!r}?" if near else "fpr, fnr, error …"
            )


def _check_labels(asked: tuple[str, ...], labels: tuple[str, ...]) -> None:
    for label in asked:
        if label not in labels:
            near = nearest(label, list(labels))
            raise SettingsError(
                f"assess.label: {label!r} is no label of the task",
                fix=f"did you mean {near!r}?" if near else f"the task has {', '.join(labels[:8])}",
            )


def _axis(recipe: Recipe, name: str, manifest: dict[str, Any], matchers: Mapping[str, Matcher]) -> dict[str, Any]:
    axis, section = recipe.groups[name], recipe.assess
    assert section is not False
    counted = manifest["groups"].get(name, {})
    return {
        "axis": name, "source": f"column:{axis.column}" if axis.column else f"terms:{axis.terms}", "why": section.why.get(name),
        "members": [{"member": member, "n": {side: _told(n) for side, n in sides.items()}} for member, sides in counted.items()],
        "overlapping": axis.terms is not None,
    }  # fmt: skip


def _told(n: int) -> int | str:
    """Small cells are not told apart."""
    return n if n >= LEAST_RATE or n == 0 else f"below {LEAST_RATE}"


def _measure(recipe: Recipe, one: Any) -> dict[str, Any]:
    section = recipe.assess
    assert section is not False
    words = section.harms.get(one.metric) or WORDS.get(one.metric, "").replace("{label}", repr(one.label))
    return {"metric": one.metric, "label": one.label, "primary": one.primary, "harm": words, "of": METRICS[one.metric].conditioning}


def _list(name: str, matcher: Matcher) -> dict[str, Any]:
    terms = matcher.list
    return {
        "name": name, "axis": terms.axis, "language": terms.language, "swap": terms.swap, "license": terms.license, "review": terms.review,
        "terms": {member.name: len(member.forms) for member in terms.members}, "ambiguous": dict(terms.ambiguous),
        "lint": [{"kind": fault.kind, "where": fault.where, "words": fault.words, "fix": fault.fix} for fault in lint(terms)],
    }  # fmt: skip


def _power(document: dict[str, Any], grid: Grid, manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """What the rows can show of every member, by declared measure: the smallest gap found with 80% power, and the power at the margin."""
    on = document["on"]
    sides = ("train", "valid") if on == "folds" else (on,)
    total = sum(manifest["splits"].get(side, 0) for side in sides)
    shares = _label_shares(manifest)
    out = []
    members = [(axis["axis"], name, sum(counts.get(side, 0) for side in sides))
               for axis in document["axes"] for name, counts in manifest["groups"].get(axis["axis"], {}).items()
               if not name.startswith("(")]  # fmt: skip
    asked = {tier: len(members) * sum(one.primary is tier for one in grid.measures) for tier in (True, False)}
    alpha = first_alpha(asked[True], share_of(True, asked))
    for axis, member, n in members:
        for one in grid.primary:
            share = _counted_share(one.metric, shares.get(one.label, 0.5))
            inside, outside = n * share, (total - n) * share
            rate = GUESSED.get(one.metric, OTHERWISE)
            enough = min(inside, outside) >= LEAST_VERDICT
            found = smallest_gap(inside, outside, rate, alpha) if min(inside, outside) >= 2 else None
            at = power_of(inside, outside, rate, document["margin"], alpha) if min(inside, outside) >= 2 else None
            out.append({
                "axis": axis, "member": member, "metric": one.metric, "label": one.label, "rows": _told(round(inside)),
                "rate_assumed": rate, "smallest_gap": None if found is None else round(found, 3),
                "power_at_margin": None if at is None else round(at, 3),
                "can_have_a_verdict": bool(enough),
            })  # fmt: skip
    return out


def _label_shares(manifest: dict[str, Any]) -> dict[str | None, float]:
    """Shares of the labels among training and validation rows."""
    counts = {label: sides.get("train", 0) + sides.get("valid", 0) for label, sides in manifest["labels"].items()}
    total = max(1, sum(manifest["splits"].get(side, 0) for side in ("train", "valid")))
    return {label: n / total for label, n in counts.items()}


def _counted_share(metric: str, of_label: float) -> float:
    """Share of rows that count for a measure, as far as labels tell before anything was answered."""
    return {"tpr": of_label, "fnr": of_label, "ppv": of_label, "fpr": 1 - of_label, "tnr": 1 - of_label}.get(metric, 1.0)


def _not_named(recipe: Recipe, matchers: Mapping[str, Matcher]) -> list[str]:
    """Axes for which Goodfit has a list of terms, and which the recipe does not name in any way."""
    named = {matcher.list.axis for matcher in matchers.values()} | set(recipe.groups)
    return sorted({name.rsplit("-", 1)[0] for name in shipped()} - named)


def _opened(run: Run, document: dict[str, Any]) -> dict[str, Any]:
    """Whether these test rows had been opened before this plan was written, by runs of another plan; and what differs from the first."""
    test = document["split"]["test"]
    lines = [line for line in read_jsonl(run.workspace / LEDGER) if line["test"] == test and line["run"] != run.id]
    for line in sorted(lines, key=lambda one: str(one["time"])):
        first = json_object(run.workspace / str(line["run"]) / FOLDER / PLAN)
        if first.get("hash") == document["hash"]:
            break
        changed = [key for key in SAME if first.get(key) != document[key]] if first else ["there was no plan"]
        return {"after_unsealing": True, "opened_by": line["run"], "changed": changed}
    return {"after_unsealing": False, "opened_by": None, "changed": []}
