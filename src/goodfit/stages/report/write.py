"""Writes what the report is: one dict, rendered three ways, into the run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goodfit.files import write_atomic, write_json
from goodfit.run import CARD, DATA_CARD, REPORT_HTML, REPORT_JSON
from goodfit.stages.report.card import card
from goodfit.stages.report.collect import gather
from goodfit.stages.report.data_card import data_card
from goodfit.stages.report.folder import Folder
from goodfit.stages.report.render import html


def write_report(folder: Path) -> dict[str, Any]:
    """Writes report.json, report.html, README.md and, once the data was read, DATACARD.md, each whole or not at all; gives the dict.

    Raises RunError where `folder` is no run, MachineError or UserError where it cannot be written.
    """
    opened = Folder.open(folder)
    report = gather(opened).to_json()
    page, model_card, of_data = html(report), card(report), data_card(report, opened)
    write_json(folder / REPORT_JSON, report)
    for file, text in ((REPORT_HTML, page), (CARD, model_card), (DATA_CARD, of_data)):
        if text is None:
            continue
        with write_atomic(folder / file) as handle:
            handle.write(text)
    return report
