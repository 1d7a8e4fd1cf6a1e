"""The dict of `collect` -> report.html: one offline file without a single line of script.

Part of the report stage. The page loads nothing: its style stands inside it, named by hash in a content security policy that
forbids everything else; charts are inline SVG (`draw`), once for wide and once for narrow screens.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from goodfit.finding import SEVERITIES
from goodfit.score import Score, Verdict
from goodfit.stages.report import assess_words as of_groups
from goodfit.stages.report import words
from goodfit.stages.report.answer import bar, gate_score
from goodfit.stages.report.draw import svg
from goodfit.stages.report.frame import least_width
from goodfit.stages.report.plots.scores import question
from goodfit.stages.report.results import MODEL, first_table
from goodfit.stages.report.schema import ClassFacts, DataFacts, ScoreFacts
from goodfit.stages.report.schema_assess import NotMeasured
from goodfit.stages.report.text import label, name, visible
from goodfit.stages.report.written import of_classes

WIDE, HALF, NARROW = 920.0, 440.0, 335.0
"""Widths at which charts are drawn: the page, one of two columns, a phone."""
STYLES = ("assets/tokens.css", "assets/report.css")


def html(report: dict[str, Any]) -> str:
    """The page of a report (schema `goodfit/report/1`)."""
    style = "\n".join(_resource(path) for path in STYLES)
    template = _environment().get_template("templates/report.html")
    return template.render(report=report, style=Markup(style), policy=_policy(style), charts=_by_section(report), **_lookups(report))


def _policy(style: str) -> str:
    """Nothing but this very style sheet: no script, no picture, no font, no connection, no form, no frame."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _by_section(report: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    out: dict[str, list[dict[str, Any]]] = {}
    for chart in report["charts"]:
        out.setdefault(chart["section"], []).append(chart)
    return out


def _lookups(report: dict[str, Any]) -> dict[str, Any]:
    """What the template needs in another order than the dict has it."""
    by_id = {finding["id"]: finding for finding in report["findings"]}
    return {
        "findings": _by_status([f for f in report["findings"] if not (report["generation"] and of_classes(f))]),
        "first": [by_id[key] for key in report["first"]],
        "by_id": by_id,
        "own_scores": _own(report["scores"]),
        "splits": [(f"{words.split(split)} rows", f"{n:,}") for split, n in report["data"]["splits"].items()],
        "group_splits": list(dict.fromkeys(split for group in report["data"]["groups"] for split in group["splits"])),
        "severities": _severities(report["findings"]),
        "gate_score": gate_score,
        "bar_drawn": _bar_drawn(report["scores"]),
        "calibration_facts": _calibration(report["calibration"]),
        "made_with": _made_with(report),
        "lacking": _lacking(report["missing"]),
        "cut": words.cut_rows(cut) if (cut := DataFacts.model_validate(report["data"]).cut) else "",
        **_score_table(report),
    }


def _bar_drawn(scores: dict[str, Any] | None) -> bool:
    """Whether a bar was set on the primary score, which is what the first chart shows."""
    return scores is not None and any(gate["gate"].split(" ")[0] == scores["primary"] for gate in scores["gates"])


def _severities(findings: list[dict[str, Any]]) -> str:
    """`1 error, 2 warnings, 3 notes` of the open findings."""
    held = [f["severity"] for f in findings if f["status"] == "open"]
    return ", ".join(words.count(held.count(severity), severity) for severity in reversed(SEVERITIES) if severity in held)


def _lacking(missing: list[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """What is missing, by reason: one cause is told once."""
    reasons: dict[str, list[str]] = {}
    for gap in missing:
        reasons.setdefault(gap["why"], []).append(gap["what"])
    return list(reasons.items())


def _by_status(findings: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {"open": [], "muted": [], "passed": [], "not_applicable": []}
    for finding in findings:
        groups[finding["status"]].append(finding)
    groups["open"].sort(key=lambda f: (-SEVERITIES.index(f["severity"]), -f["n_rows"]))
    return groups


def _score_table(report: dict[str, Any]) -> dict[str, Any]:
    """One row per score, one column per system, the model first."""
    if report["scores"] is None:
        return {"score_systems": [], "score_rows": [], "intervals": ""}
    scores = ScoreFacts.model_validate(report["scores"])
    classes = [ClassFacts.model_validate(c) for c in report["classes"]]
    listed = first_table(scores, classes, multi_label=report["run"]["multi_label"])
    cells = {(s.name, s.label, s.system or MODEL): s.to_json() for s in listed}
    systems = sorted({key[2] for key in cells}, key=lambda system: (system != MODEL, list(scores.systems).index(system)))
    rows = [
        {
            "name": words.named(metric, of),
            "means": words.means(metric) if report["generation"] else "",
            "cells": [cells.get((metric, of, system)) for system in systems],
        }
        for metric, of in dict.fromkeys(key[:2] for key in cells)
    ]
    return {"score_systems": systems, "score_rows": rows, "intervals": words.intervals(listed)}


def _own(scores: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Name -> the model's score."""
    return {s["name"]: s for s in scores["scores"] if (s["system"] or MODEL) == MODEL} if scores else {}


def _calibration(found: dict[str, Any] | None) -> list[tuple[str, str]]:
    return [(words.metric(s["name"]), words.score(Score.model_validate(s))) for s in found["scores"]] if found else []


def _made_with(report: dict[str, Any]) -> list[tuple[str, str]]:
    again, model = report["reproduce"], report["run"]["model"]
    own = {"goodfit": " ".join(filter(None, (again["goodfit"], again["commit"] and f"(commit {again['commit']})")))}
    base = {
        "base model": model.get("base"),
        "licence of the base": model.get("license"),
        "seed": again["seed"],
        "parent run": report["run"]["parent"],
    }
    return [(key, name(value)) for key, value in (own | base | again["versions"] | again["hardware"]).items() if value not in (None, "")]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_resource),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "name": name,
        "visible": visible,
        "score": lambda value: words.score(Score.model_validate(value)),
        "amount": lambda value: words.number(value["value"], value["unit"]),
        "interval": lambda value: words.interval(value["low"], value["high"], value["unit"]),
        "difference": lambda value: words.difference(Score.model_validate(value)),
        "question": lambda value: question(Verdict.model_validate(value)),
        "metric": words.metric,
        "system": words.system,
        "system_short": lambda key: words.system(key, short=True),
        "rating": lambda value: words.rating(Score.model_validate(value)),
        "left_out": words.left_out,
        "preference": words.preference,
        "splitname": words.split,
        "answer": words.answer,
        "bar": bar,
        "duration": words.duration,
        "day": words.day,
        "percent": words.number,
        "sentence": words.sentence,
        "reasons": words.reasons,
        "count": words.count,
        "label": label,
        "fullstop": words.full_stop,
        "evidence": lambda value: words.evidence(Score.model_validate(value)),
        "rowsneeded": lambda value: words.rows_needed(Verdict.model_validate(value)),
        "chart": _chart,
        "groupname": of_groups.member,
        "axisname": of_groups.axis,
        "measureof": of_groups.measure_of,
        "rowsofgroup": of_groups.rows,
        "probeanswer": of_groups.probe_answer,
        "margin": of_groups.margin_words,
        "byreason": lambda found: of_groups.by_reason([NotMeasured.model_validate(one) for one in found]),
        "points": lambda value: words.number(100 * value, "points"),
        "pointschange": lambda value: words.number(round(100 * value, 1) + 0.0, "points", sign=True),
    }
    return environment


def _chart(chart: dict[str, Any]) -> Markup:
    """Both drawings of a chart; the style sheet shows the one that fits. What cannot be read so narrow scrolls in its place."""
    page, out = WIDE if chart["wide"] else HALF, Markup("")
    for room, kind in ((page, "on-wide"), (NARROW, "on-narrow")):
        width = max(room, least_width(chart["spec"]))
        look = Markup('class="{} scroll" tabindex="0"').format(kind) if width > room else Markup('class="{}"').format(kind)
        out += Markup("<div {}>{}</div>").format(look, Markup(svg(chart["spec"], width, chart["text"])))
    return out


def _resource(path: str) -> str:
    return files("goodfit.stages.report").joinpath(path).read_text(encoding="utf-8")
