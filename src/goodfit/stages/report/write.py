"""Writes what the report is: one dict, rendered three ways, into the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.files import write_atomic, write_json
from goodfit.run import CARD, REPORT_HTML, REPORT_JSON
from goodfit.stages.report.card import card
from goodfit.stages.report.collect import collect
from goodfit.stages.report.render import html


def write_report(folder: Path) -> dict[str, Any]:
    """Writes report.json, report.html and README.md into the run folder, each whole or not at all; returns the report's dict.

    Raises RunError where `folder` is no run, MachineError or UserError where it cannot be written.
    """
    report = collect(folder)
    page, model_card = html(report), card(report)
    write_json(folder / REPORT_JSON, report)
    for file, text in ((REPORT_HTML, page), (CARD, model_card)):
        with write_atomic(folder / file) as handle:
            handle.write(text)
    return report
