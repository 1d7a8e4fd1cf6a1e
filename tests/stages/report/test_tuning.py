"""A search on the page: its one sentence, the charts of its trials, which keys mattered; and what a damaged or strange search leaves."""

from __future__ import annotations

import json
import math
import random
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from goodfit.stages.report import collect
from goodfit.stages.report.draw import MARKS, svg
from goodfit.stages.report.frame import least_width
from goodfit.stages.report.render import html
from goodfit.stages.report.schema import ReportDocument
from tests.stages.report.make_run import make_run
from tests.stages.report.test_collect import KINDS

SENTENCE = (
    "best over default by 0.6 points [-0.3, 1.5] of macro_f1 (3 seeds each, 300 validation rows that chose nothing): not worth keeping"
)
SPACE = {
    "train.learning_rate": {"low": 1e-5, "high": 1e-3, "log": True, "choices": []},
    "train.per_device_train_batch_size": {"low": None, "high": None, "log": False, "choices": [8, 16, 32]},
    "peft.method": {"low": None, "high": None, "log": False, "choices": ["full", "lora"]},
}


def trial(k: int, rng: random.Random) -> dict[str, Any]:
    rate = 10 ** rng.uniform(-5, -3)
    state = "pruned" if k % 5 == 4 else "complete"
    params = {
        "train.learning_rate": rate,
        "train.per_device_train_batch_size": rng.choice([8, 16, 32]),
        "peft.method": rng.choice(["full", "lora"]),
    }
    value = 0.8 - 0.1 * abs(math.log10(rate) + 4) + rng.gauss(0, 0.01)
    return {"trial": k, "phase": "search", "seed": 42, "params": params, "default": k == 0, "state": state, "scores": [], "seconds": 9.0,
            "value": value if state == "complete" else None, "pruned_at": None, "steps": 10, "rows": 80}  # fmt: skip


def searched(folder: Path, *, n: int = 16, lines: str | None = None, **facts: Any) -> dict[str, Any]:
    run = make_run(folder, KINDS["five"])
    rng = random.Random(0)
    tune = run / "tune"
    written = [json.dumps(trial(k, rng)) for k in range(n)] + [json.dumps(trial(0, rng) | {"phase": "repeat"})] * 6
    (tune / "trials.jsonl").write_text(lines if lines is not None else "\n".join(written) + "\n", encoding="utf-8")
    search = {
        "schema": "goodfit/search/1",
        "primary": "macro_f1",
        "space": SPACE,
        "seconds": 220.0,
        "choosing": 300,
        "judging": 300,
    } | facts
    (tune / "search.json").write_text(json.dumps(search), encoding="utf-8")
    plan = json.loads((tune / "plan.json").read_text(encoding="utf-8"))
    plan["search"] = {"sentence": SENTENCE, "taken": None, "compared": 3, "verdict": None}
    (tune / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    return collect(run)


def test_the_search_has_its_sentence_its_charts_and_its_tables(tmp_path: Path) -> None:
    absent = {"name": "train.learning_rate", "n": 12, "why_absent": "too few trials: 12 complete, 30 are needed"}
    report = searched(tmp_path / "run", importance={"train.learning_rate": absent})
    found = report["tuning"]
    assert found["sentence"] == SENTENCE
    assert (len(found["trials"]), found["states"], found["repeats"]) == (16, {"complete": 13, "pruned": 3}, 6)
    charts = {chart["id"]: chart for chart in report["charts"] if chart["section"] == "tuning"}
    assert set(charts) == {"tuning-parallel", "tuning-slice-0", "tuning-slice-1"}
    assert len(charts["tuning-parallel"]["rows"]) == 16
    assert charts["tuning-slice-0"]["columns"][1] == "train.learning_rate"
    page = html(report)
    assert "not worth keeping" in page
    assert "Too few trials" in page
    assert 'href="#tuning"' in page


@pytest.mark.parametrize("width", [335.0, 920.0])
def test_the_drawings_are_well_formed(tmp_path: Path, width: float) -> None:
    for chart in searched(tmp_path / "run")["charts"]:
        if chart["section"] != "tuning":
            continue
        assert all(one["mark"]["type"] in MARKS for one in chart["spec"]["layer"])
        root = ET.fromstring(svg(chart["spec"], max(width, least_width(chart["spec"])), chart["title"]))
        assert "NaN" not in json.dumps([e.attrib for e in root.iter()])
        lines = [e for e in root.iter() if e.tag.endswith("polyline")]
        assert len(lines) == (16 if chart["id"] == "tuning-parallel" else 0), "a line per trial"


def test_importance_is_a_table(tmp_path: Path) -> None:
    known = {"name": "train.learning_rate", "value": 0.8, "low": 0.6, "high": 0.9, "n": 40, "method": "fanova_bootstrap"}
    report = searched(tmp_path / "run", importance={"train.learning_rate": known})
    assert report["tuning"]["importance"][0]["value"] == 0.8
    assert "80.0% [60.0, 90.0]" in html(report)


@pytest.mark.parametrize(
    "lines", ["", "not json\n", '{"trial": "x"}\n', '{"phase": "search", "trial": 1, "params": 3, "value": "high"}\n', "[]\n"]
)
def test_a_damaged_search_is_left_out_or_told_as_far_as_it_goes(tmp_path: Path, lines: str) -> None:
    report = searched(tmp_path / "run", lines=lines)
    ReportDocument.model_validate(report)
    assert not [chart for chart in report["charts"] if chart["section"] == "tuning"]
    html(report)


def test_hostile_words_are_escaped(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>"
    space = SPACE | {"peft.target_modules": {"low": None, "high": None, "log": False, "choices": [hostile, "q"]}}
    page = html(searched(tmp_path / "run", space=space, primary=hostile))
    assert "<script>alert" not in page


def test_no_search_no_section(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["five"]))
    assert report["tuning"] is None
    assert 'id="tuning"' not in html(report)
