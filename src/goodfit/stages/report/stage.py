"""The last line of the path: the run gets its final status, then its page, its JSON and its model card."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from goodfit.recipe import Recipe
from goodfit.run import REPORT_JSON, Run
from goodfit.stage import stage
from goodfit.stages.report.write import write_report


@dataclass
class Report:
    """Where the report stands."""

    folder: Path
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Report:
        """FileNotFoundError where there is none yet."""
        if not (run.path / REPORT_JSON).is_file():
            raise FileNotFoundError(run.path / REPORT_JSON)
        return cls(run.path)


@stage("report", result=Report, version=1, reads=("report",))
def report(recipe: Recipe, run: Run) -> Report:
    """Writes report.html, report.json and README.md; the status is set first, because the page shows it."""
    run.finish("done")
    write_report(run.path)
    return Report(run.path)
