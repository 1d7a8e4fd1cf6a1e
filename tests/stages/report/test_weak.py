"""The page says where a classifier is weak: slices with their answer, confused labels with examples, training rows near a mistake; masked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goodfit.files import read_json, read_jsonl, write_json, write_jsonl
from goodfit.score import Score
from goodfit.stages.report import collect, html
from goodfit.stages.report.draw import MARKS
from tests.stages.report.make_run import make_run
from tests.stages.report.test_collect import KINDS

HOSTILE = '<script>alert(1)</script> "x" \u202e'


def slice_of(where: str, state: str, value: float) -> dict[str, Any]:
    score = Score(name="accuracy", value=value, low=value - 0.1, high=value + 0.1, n=63, split="test", system="model", slice=where)
    return {"where": where, "n": 63, "score": score.to_json(), "score_found": score.to_json(), "shrunken": -0.21, "points": 0.013, "state": state,
            "verdict": {"answer": "worse"}, "found_on": "valid"}  # fmt: skip


@pytest.fixture
def weak(tmp_path: Path) -> Path:
    folder = make_run(tmp_path / "run", KINDS["five"])
    document = read_json(folder / "evaluate" / "scores.json")
    slices = [slice_of(f"contains {HOSTILE}", "confirmed", 0.5), slice_of("length > 20 words", "not_confirmed", 0.6)]
    write_json(
        folder / "evaluate" / "scores.json",
        document | {"slices": slices, "slices_searched": {"candidates": 1234, "visible": 0.17, "why_not": None}},
    )
    share = Score(name="confusion_rate", value=0.2, low=0.1, high=0.3, n=40).to_json()
    pair = {"label": "billing", "prediction": HOSTILE, "rows": 8, "rows_of_label": 40, "share": share, "the_other_way": 3,
            "examples": [{"row": "abc", "p": 0.9, "text": "Secret words 42"}]}  # fmt: skip
    write_jsonl(folder / "evaluate" / "confusions.jsonl", [pair])
    lines = read_jsonl(folder / "evaluate" / "mistakes.jsonl")
    near = [{"row": "r1", "label": HOSTILE, "text": "Neighbour text 7", "similarity": 0.93}]
    write_jsonl(folder / "evaluate" / "mistakes.jsonl", [lines[0] | {"nearest": near, "reading": "label_in_doubt"}, *lines[1:]])
    return folder


def test_what_the_page_says(weak: Path) -> None:
    report = collect(weak)
    page = html(report)
    assert report["weak"]["slices"][0]["gap"] == pytest.approx(21)
    assert [one["state"] for one in report["weak"]["slices"]] == ["confirmed", "not_confirmed"]
    [chart] = [one for one in report["charts"] if one["id"] == "slices"]
    assert chart["section"] == "weak"
    assert "1 of them confirmed" in chart["text"]
    assert all(one["mark"]["type"] in MARKS for one in chart["spec"]["layer"])
    assert "<script>alert" not in page
    assert "Where it is weak" in page
    assert "1,234 slices" in page
    assert "is the label wrong?" in page
    assert "Secret words" not in page
    assert "Xxxxxx xxxxx 00" in page
    assert "Neighbour" not in page
    assert "\u202e" not in page


def test_texts_in_full_or_not_at_all(weak: Path) -> None:
    settings = (weak / "resolved.yaml").read_text()
    for how, seen in (("full", True), ("none", False)):
        (weak / "resolved.yaml").write_text(
            settings + f"\nreport: {{show_text: {how}}}\n" if "report:" not in settings else settings.replace("masked", how)
        )
        page = html(collect(weak))
        assert ("Secret words 42" in page) is seen
        assert ("Neighbour text 7" in page) is seen


def test_nothing_weak_and_damaged_files(weak: Path) -> None:
    document = read_json(weak / "evaluate" / "scores.json")
    write_json(weak / "evaluate" / "scores.json", document | {"slices": [], "slices_searched": {"candidates": 50, "visible": 0.2}})
    assert "No slice of 50 candidates" in html(collect(weak))
    write_json(weak / "evaluate" / "scores.json", document | {"slices": [{"where": 3}, "x"], "slices_searched": {"why_not": "too few"}})
    (weak / "evaluate" / "confusions.jsonl").write_text(json.dumps({"label": 1}) + "\n")
    page = html(collect(weak))
    assert "Slices were not looked for: too few." in page


def test_written_otherwise_and_behaviour(weak: Path) -> None:
    document = read_json(weak / "evaluate" / "scores.json")
    before = Score(name="accuracy", value=0.8, low=0.75, high=0.85, n=300).to_json()
    gap = Score(name="rate_difference", value=-0.1, low=-0.15, high=-0.05, n=300).to_json()
    shaken = {"name": "upper", "what": f"capitals {HOSTILE}", "preserving": True, "n": 300, "before": before, "after": before,
              "flips": before, "verdict": {"answer": "worse", "difference": gap}}  # fmt: skip
    lost = shaken | {"name": "cut_50", "what": "half lost", "preserving": False}
    told = {"rows": 300, "perturbations": [shaken, lost, "x"], "worst": before, "plain": before, "left_out": {}}
    tests = [{"name": f"names {HOSTILE}", "kind": "INV", "cases": 12, "failed": before, "answer": "failed",
              "examples": [{"texts": ["Anna said so", HOSTILE], "answers": ["a", ["b", "c"]]}, {"texts": 3}]}, 7]  # fmt: skip
    write_json(weak / "evaluate" / "scores.json", document | {"robustness": told, "behaviour": tests})
    report = collect(weak)
    page = html(report)
    [chart] = [one for one in report["charts"] if one["id"] == "robustness"]
    assert "Of 1 change with the same meaning, 1 lower" in chart["text"]
    assert "half lost *" in json.dumps(chart["rows"])
    assert "must not matter" in page
    assert "Anna said so" in page
    assert "<script>alert" not in page
    write_json(weak / "evaluate" / "scores.json", document | {"robustness": {"why_not": "evaluate.robustness: false"}})
    assert "was not measured: evaluate.robustness: false" in html(collect(weak))
