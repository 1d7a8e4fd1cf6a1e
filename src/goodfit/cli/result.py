"""What a run has to say when a verb ends: the JSON document of SCHEMAS (`goodfit run --json`) and the lines that people read.

Layer: cli. Reads the run folder only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodfit import run as names
from goodfit.cli.envelope import Answer
from goodfit.files import json_object, read_json
from goodfit.finding import Finding, count, worst_first
from goodfit.monitor.words import count as counted_noun
from goodfit.monitor.words import duration, visible
from goodfit.run import Run
from goodfit.score import Score

if TYPE_CHECKING:
    from goodfit.pipeline import Outcome

SPENT = "EVA009"
"""Whatever else there is to say, a worn-out test set is said."""
ANSWERS = ("gap", "no_gap_above_margin", "not_enough_data", "not_measured")
"""Counts of assess/gaps.json."""
SIGNS = {"met": "✓", "missed": "✗", "undecided": "?", "better": "✓", "worse": "✗", "cannot_tell": "?", "no_difference": "="}


def run_answer(outcome: Outcome, *, resumed: bool, seconds: float) -> Answer:
    """The whole answer of `goodfit run` and of the stage verbs."""
    run = outcome.run
    scores = read_scores(run)
    findings = run.findings()
    document = outcome.to_json() | {
        "run": {"id": run.id, "path": _relative(run.path), "parent": run.record.parent, "resumed": resumed},
        "headline": headline(scores),
        "verdicts": scores.get("verdicts", []),
        "gates": scores.get("gates", []),
        "diagnosis": diagnosis(findings),
        "findings": count(findings) | {"worst": [f.id for f in worst_first(findings)[:3]]},
        "assessment": assessment(run),
        "files": files(run),
        "seconds": round(seconds, 3),
        "next": next_steps(outcome, scores),
    }
    return Answer(document, _text(outcome, scores, findings), outcome.exit_code, outcome.error)


def diagnosis(findings: list[Finding]) -> dict[str, Any] | None:
    """What the training suffers from, in one word: the kind of its named cause, or `good`; None where nothing was trained."""
    mine = [f for f in findings if f.stage == "train"]
    if not mine:
        return None
    cause = mine[0] if mine[0].status == "open" and mine[0].severity != "note" else None
    return {"cause": cause.kind if cause else "good", "finding": cause.id if cause else None, "text": cause.title if cause else None}


def headline(scores: dict[str, Any]) -> dict[str, Any] | None:
    """The model's primary score."""
    for score in scores.get("scores", []):
        if score["name"] == scores["primary"] and score.get("system") == "model" and not score.get("label") and not score.get("group"):
            return dict(score)
    return None


def assessment(run: Run) -> dict[str, int] | None:
    """How the declared questions of groups were answered, and how many were not measured; None where nothing was assessed."""
    counts = read_gaps(run).get("counts")
    if not isinstance(counts, dict) or not all(isinstance(counts.get(key), int) for key in ANSWERS):
        return None
    return {key: counts[key] for key in ANSWERS}


def read_gaps(run: Run) -> dict[str, Any]:
    """assess/gaps.json, or an empty dict where it is absent or damaged."""
    return json_object(run.path / "assess" / names.GAPS)


def files(run: Run) -> dict[str, str]:
    """What stands in the run folder, relative to it."""
    wanted = {"report": names.REPORT_HTML, "report_json": names.REPORT_JSON, "model": f"train/{names.MODEL}"}
    wanted |= {"card": names.CARD, "data_card": names.DATA_CARD, "log": names.LOG}
    return {key: path for key, path in wanted.items() if (run.path / path).exists()}


def next_steps(outcome: Outcome, scores: dict[str, Any]) -> list[str]:
    """Commands that make sense from here."""
    run = outcome.run
    if outcome.status == "interrupted":
        return [f"goodfit run {run.id}"]
    if outcome.status == "partial":
        return [f"goodfit run {run.id}", f"goodfit show {run.id}"]
    if outcome.status == "done":
        writes = scores.get("task") == "generation"
        return [f"goodfit show {run.id}", f"goodfit chat {run.id}" if writes else f'goodfit predict {run.id} "some text"']
    return [f"goodfit show {run.id}"]


def read_scores(run: Run) -> dict[str, Any]:
    """evaluate/scores.json, or an empty dict."""
    path = run.path / "evaluate" / names.SCORES
    return dict(read_json(path)) if path.is_file() else {}


def _text(outcome: Outcome, scores: dict[str, Any], findings: list[Finding]) -> str:
    run = outcome.run
    lines: list[str] = []
    top = headline(scores)
    if top is not None:
        rows = {"folds": "out-of-fold"}.get(scores["on"], scores["on"])
        lines.append(f"{Score.model_validate(top)} on {top['n']:,} {rows} rows")
    lines += [f"  {SIGNS.get(v['answer'], '·')} {v['question']}: {v['text']}" for v in scores.get("verdicts", [])]
    lines += [f"  {SIGNS.get(g['answer'], '·')} gate {g['gate']}: {g['answer']}" for g in scores.get("gates", [])]
    groups = read_gaps(run).get("text")
    lines += [f"  {visible(groups, 200)}"] if isinstance(groups, str) and groups else []
    lines += _finding_lines(findings, scored=top is not None)
    lines.append(f"{outcome.status} in {duration(sum(r.seconds for r in run.record.stages.values()))}")
    for key, path in files(run).items():
        if key in ("report", "model"):
            lines.append(f"  {key:<7}{_relative(run.path / path)}")
    lines += [f"  next   {step}" for step in next_steps(outcome, scores)[:2]]
    return "\n".join(lines)


def _finding_lines(findings: list[Finding], *, scored: bool) -> list[str]:
    """After scores the three that matter most; before there are scores, what was looked for is the answer."""
    ranked = worst_first(findings)
    if scored:
        shown = [f for f in ranked[:3] if f.severity != "note"]
        shown += [f for f in ranked[3:] if f.code == SPENT]
        return [f"  {f.severity} {f.code} {visible(f.title)}" for f in shown]
    found, quiet = count(findings), sum(f.status == "passed" for f in findings)
    counted = ", ".join(counted_noun(found[severity], severity) for severity in ("error", "warning", "note"))
    silent = sum(f.status == "not_applicable" for f in findings)
    lines = [f"{counted}; {counted_noun(quiet, 'check')} passed" + (f", {silent} not applicable" if silent else "")]
    for finding in ranked[:12]:
        lines.append(f"  {finding.severity:<8}{finding.code}  {visible(finding.title)}")
        lines += [f"                   {visible(finding.fix, 160)}"] if finding.fix and finding.severity != "note" else []
    if ranked:
        lines.append(f"  more: goodfit show last audit, goodfit explain {ranked[0].code}")
    return lines if findings else []


def _relative(path: Path) -> str:
    try:
        return os.path.relpath(path)
    except ValueError:  # another drive
        return str(path)
