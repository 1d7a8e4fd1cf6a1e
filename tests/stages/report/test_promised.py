"""The page shows what can be promised: withheld answers, sets, the risk curve; whatever is damaged is left out."""

from __future__ import annotations

from pathlib import Path

from goodfit.files import read_json, write_json
from goodfit.schemas import ScoredRows
from goodfit.stages.evaluate.kept import promises_of
from goodfit.stages.report import collect, html
from tests.stages.evaluate.test_kept import scored
from tests.stages.report.make_run import make_run
from tests.stages.report.test_collect import KINDS


def test_what_the_page_shows(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", KINDS["five"])
    document = read_json(folder / "evaluate" / "scores.json")
    told = promises_of(scored(4, 400, 1), measured=True)
    write_json(folder / "evaluate" / "scores.json", document | {"calibration": document["calibration"] | told})
    ScoredRows.model_validate(read_json(folder / "evaluate" / "scores.json"))
    report = collect(folder)
    facts = report["calibration"]["promised"]
    assert [one["coverage"] for one in facts["sets"]] == [0.99, 0.98, 0.95, 0.9, 0.8]
    assert facts["measured"]
    page = html(report)
    assert "What can be promised" in page
    assert "--sets 0.9" in page
    assert ("--abstain-at" in page) is any(one["threshold"] is not None for one in facts["withheld"])
    [chart] = [one for one in report["charts"] if one["id"] == "withheld"]
    assert chart["section"] == "calibration"
    assert len(chart["spec"]["data"]["values"]) == len(facts["curve"])


def test_nothing_promised_and_damage(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", KINDS["five"])
    document = read_json(folder / "evaluate" / "scores.json")
    broken = {
        "promises": {"why_not": "fewer than 50 rows"},
        "abstention": {"curve": [[1], "x", [0.5, 0.1]], "at": [3, {}]},
        "sets": {"at": "no"},
    }
    write_json(folder / "evaluate" / "scores.json", document | {"calibration": document["calibration"] | broken})
    assert "Nothing: fewer than 50 rows." in html(collect(folder))
