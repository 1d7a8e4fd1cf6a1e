"""A model that writes, assessed: every set is asked of it, then of its base model, in the same words. Part of assess.language."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.errors import MachineError, ModelError
from goodfit.finding import Finding
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.assess.language.asking import Asked, Models
from goodfit.stages.assess.language.findings import language_findings
from goodfit.stages.assess.language.measure import BASE, MODEL, counts_of, lines_of
from goodfit.stages.assess.language.probes import ASKS, Probe, probe_of

NOT_BUILT = (
    ("sentiment and toxicity of continuations, by group (BOLD, HolisticBias)",
     "no scorer of sentiment or toxicity is installed that could be assessed first; a biased scorer would be taken for a biased model"),
    ("how often other groups than women and men stand in what it writes", "only gender is counted, in continuations of BOLD's professions"),
    ("refusals by group", "telling a refusal from an answer is not built"),
    ("groups in its answers to test rows", "its answers are compared with references only (evaluate)"),
)  # fmt: skip
"""What is not measured of a model that writes, and why."""


def assess_language(recipe: Recipe, folder: Path, run: Run, plan: dict[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """What stands in gaps.json beside the keys of every assessment, and the findings. `folder`: train/model."""
    section = recipe.assess
    assert section is not False
    probes = {name: probe_of(suite, run.base, recipe.seed) for name, suite in section.suites.items()}
    answers, missing = _answers(probes, folder, run)
    lines = lines_of({name: probe.measures(answers[name]) for name, probe in probes.items()}, section.margin)
    for line in lines:
        kind = section.suites[line["set"]].kind or ""
        line |= {"probe": kind, "asks": ASKS[kind], "sample": probes[line["set"]].facts, "seed": recipe.seed}
    missing += [{"what": f"{line['set']}: {line['name']}", "why": line["why"]} for line in lines if line["answer"] == "not_measured"]
    missing += [{"what": ASKS[kind], "why": f"assess.suites names no set of the kind {kind}"}
                for kind in ASKS if kind not in {suite.kind for suite in section.suites.values()}]  # fmt: skip
    missing += [{"what": what, "why": why} for what, why in NOT_BUILT]
    counts = counts_of(lines) | {"not_measured": len(missing)}
    systems = [name for name in (MODEL, BASE) if any(name in of for of in answers.values())]
    document = {
        "plan": plan["hash"], "systems": systems, "margin": section.margin, "counts": counts, "not_measured": missing,
        "sets": [{"name": name, "n": probe.facts["items"]} for name, probe in probes.items()],
        "probes": [line for line in lines if line["answer"] != "not_measured"],
    }  # fmt: skip
    return document, language_findings(document)


def _answers(probes: dict[str, Probe], folder: Path, run: Run) -> tuple[dict[str, dict[str, Any]], list[dict[str, str]]]:
    """Set -> system -> what it answered; the base model's are left out, and said, where it cannot be asked."""
    models = Models(folder, run)
    out: dict[str, dict[str, Any]] = {name: {} for name in probes}
    _ask(probes, MODEL, models.trained(), out, run)
    try:
        with models.base() as base:
            _ask(probes, BASE, base, out, run)
    except (ModelError, MachineError) as error:
        for of in out.values():
            of.pop(BASE, None)
        return out, [{"what": "the base model on the same items", "why": f"it could not be asked: {error.message}"}]
    return out, []


def _ask(probes: dict[str, Probe], system: str, asked: Asked, out: dict[str, dict[str, Any]], run: Run) -> None:
    for name, probe in probes.items():

        def say(what: str, name: str = name) -> Any:
            return lambda done, total: run.screen.progress(f"{what} ({name}, {system})", done, total)

        facts = probe.facts
        if facts["drawn"] and system == MODEL:
            run.screen.say(
                f"  {name}: {facts['items']:,} of {facts['of']:,} items are asked, drawn by the seed (assess.suites.{name}.rows)"
            )
        out[name][system] = probe.ask(asked, say)
