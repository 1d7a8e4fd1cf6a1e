"""What the report says of runs of every kind: whole, stopped, failed, running, damaged, hostile."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from goodfit.errors import RunError
from goodfit.finding import Finding
from goodfit.run import RunRecord
from goodfit.schemas import FILES, MODELS
from goodfit.stages.report import collect, html
from goodfit.stages.report.schema import ReportDocument, json_schema
from goodfit.stages.report.sentences import FEW_ROWS
from tests.stages.report.make_run import HOSTILE, LABELS, TEXTS, Made, make_run

VALIDATOR = jsonschema.Draft202012Validator(json_schema())
SEVENTY_SEVEN = tuple(f"intent {i}" for i in range(77))
KINDS = {
    "two": Made(labels=("negative", "positive")),
    "five": Made(),
    "seventy_seven": Made(labels=SEVENTY_SEVEN, n_test=2000, models_scored=4),
    "multi_label": Made(multi_label=True),
    "stopped": Made(status="stopped", until="audit"),
    "failed": Made(status="failed", until="choose"),
    "hostile": Made(labels=HOSTILE, show_text="full"),
}


def edit(folder: Path, file: str, **changes: Any) -> None:
    path = folder / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize("kind", KINDS)
def test_the_made_up_run_is_as_the_schemas_have_it(tmp_path: Path, kind: str) -> None:
    folder = make_run(tmp_path / "run", KINDS[kind])
    seen = 0
    for file, name in FILES.items():
        path = folder / file
        if path.is_file():
            lines = path.read_text().splitlines() if file.endswith(".jsonl") else [path.read_text()]
            for line in lines:
                MODELS[name].model_validate(json.loads(line))
            seen += 1
    assert seen == {"stopped": 3, "failed": 4}.get(kind, 10)
    assert RunRecord.model_validate_json((folder / "run.json").read_text()).name == "support-tickets"


@pytest.mark.parametrize("kind", KINDS)
def test_report_json_validates_against_the_published_schema(tmp_path: Path, kind: str) -> None:
    report = collect(make_run(tmp_path / "run", KINDS[kind]))
    plain = json.loads(json.dumps(report, allow_nan=False))
    VALIDATOR.validate(plain)
    assert ReportDocument.model_validate(plain).to_json() == report
    assert len(report["answer"]["sentences"]) == 5
    assert all(sentence["text"].endswith(".") for sentence in report["answer"]["sentences"])


def test_the_published_schema_is_the_one_of_the_code() -> None:
    published = Path(__file__).resolve().parents[3] / "docs" / "reference" / "schemas" / "report.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema(), "python -m scripts.reference --write"


def test_the_same_folder_gives_the_same_report(run: Path) -> None:
    folder = run
    assert json.dumps(collect(folder)) == json.dumps(collect(folder))


def test_a_good_run_says_yes_with_its_evidence(run: Path) -> None:
    report = collect(run)
    assert report["answer"]["word"] == "yes"
    score, bar, training, data, limits = (s["text"] for s in report["answer"]["sentences"])
    assert "On 750 test rows that it never saw, its macro F1 is 83.0% [80.3, 85.7]" in score
    assert "better than TF-IDF with logistic regression by 4.1 points [2.2, 6.0]" in score
    assert "macro F1 ≥ 75% is met" in bar
    assert "neither over- nor underfitting" in training
    assert "step 360 were kept" in training
    assert "93.3% on training rows and 84.3% on validation rows" in training
    assert "Of 5,060 rows read, 5,000 used and 60 dropped (41 missing label and 19 empty text)" in data
    assert "1 warning" in data
    assert "off by 3.1 points [1.8, 4.6]" in limits
    assert "was not measured" in limits
    evidence = [e["text"] for s in report["answer"]["sentences"] for e in s["evidence"]]
    assert "macro F1 83.0% [80.3, 85.7]" in evidence
    assert any(text.startswith("AUD004") for text in evidence)


def test_worse_is_told_without_a_minus(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", Made(answers=("better", "worse"))))
    assert report["answer"]["word"] == "no"
    assert "worse than TF-IDF with logistic regression by 4.1 points [2.2, 6.0]" in report["answer"]["sentences"][0]["text"]


def test_near_perfect_calibration_is_bounded_from_above_only(run: Path) -> None:
    document = json.loads((run / "evaluate" / "scores.json").read_text())
    edit(run, "evaluate/scores.json", calibration={"ece": document["calibration"]["ece"] | {"value": 0.01, "low": 0.0, "high": 0.04}})
    assert "its probabilities may be off by up to 4.0 points" in collect(run)["answer"]["sentences"][4]["text"].lower()


def test_a_temperature_that_was_not_applied_is_not_told_as_one(run: Path) -> None:
    document = json.loads((run / "evaluate" / "scores.json").read_text())
    edit(run, "evaluate/scores.json", calibration=document["calibration"] | {"temperature_applied": False, "reason": "no gain"})
    assert collect(run)["calibration"]["temperature"] is None
    assert collect(run)["calibration"]["reason"] == "no gain"


def test_the_plan_is_shown_with_its_reasons(run: Path) -> None:
    plan = collect(run)["training"]["plan"]
    assert plan[0] == {"key": "train.learning_rate", "value": "5e-05", "reason": "an encoder of 23 M parameters"}
    assert plan[1] == {"key": "train.num_train_epochs", "value": "4", "reason": "given in the recipe"}
    assert {"key": "train.per_device_train_batch_size", "value": "32", "reason": ""} in plan


def test_rows_in_are_rows_used_and_dropped(run: Path) -> None:
    data = collect(run)["data"]
    assert data["read"] == data["used"] + sum(data["dropped"].values())
    assert data["used"] == sum(data["splits"].values())


def test_first_screen_has_at_most_three_findings_and_no_notes(tmp_path: Path) -> None:
    many = tuple(
        Finding(code=f"AUD{i:03d}", stage="audit", severity=severity, kind="imbalance", title=f"number {i}", n_rows=i)
        for i, severity in enumerate(("note", "warning", "warning", "warning", "warning", "error", "note"))
    )
    report = collect(make_run(tmp_path / "run", Made(findings=many)))
    first = [next(f for f in report["findings"] if f["id"] == key) for key in report["first"]]
    assert [f["severity"] for f in first] == ["error", "warning", "warning"]
    assert [f["n_rows"] for f in first] == [5, 4, 3]


def test_a_clean_run_has_nothing_to_look_at_first(tmp_path: Path) -> None:
    report = collect(
        make_run(tmp_path / "run", Made(findings=(Finding(code="AUD001", stage="audit", severity="note", kind="x", title="y"),)))
    )
    assert report["first"] == []
    assert "the checks of the data raised no warning" in report["answer"]["sentences"][3]["text"]


def test_classes_are_weakest_first_with_their_rows(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["seventy_seven"]))
    values = [c["scores"]["f1"]["value"] for c in report["classes"]]
    assert values == sorted(values)
    assert sum(c["support"] for c in report["classes"]) == 2000
    thin = sum(c["support"] < FEW_ROWS for c in report["classes"])
    assert f"{thin} of 77 classes have fewer than {FEW_ROWS} rows" in report["answer"]["sentences"][4]["text"]


def test_a_reused_test_set_is_told_with_the_wider_interval(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", Made(models_scored=4)))
    assert report["scores"]["ledger"]["models_scored"] == 4
    assert report["scores"]["widened"]["level"] == pytest.approx(0.9875)
    assert report["headline"]["level"] == 0.95
    assert "these rows have judged 4 models" in report["answer"]["sentences"][4]["text"]


def test_missing_parts_are_named_with_the_reason(tmp_path: Path, run: Path) -> None:
    stopped = collect(make_run(tmp_path / "stopped", KINDS["stopped"]))
    assert {gap["what"] for gap in stopped["missing"]} == {"choose", "prepare", "tune", "train", "evaluate"}
    assert all("a finding stopped the run" in gap["why"] for gap in stopped["missing"])
    failed = collect(make_run(tmp_path / "failed", KINDS["failed"]))
    assert {gap["why"] for gap in failed["missing"]} == {"not done: the run failed before it"}
    assert collect(run)["missing"] == []


def test_stages_of_other_versions_are_not_mentioned(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["stopped"]))
    assert report["assess"] is None
    text = json.dumps(report)
    assert "assess/" not in text
    assert "stage assess" not in text
    assert "export" not in text


def test_a_file_that_should_be_there_is_missed_by_name(run: Path) -> None:
    folder = run
    (folder / "evaluate" / "predictions.parquet").unlink()
    gaps = collect(folder)["missing"]
    assert [gap["what"] for gap in gaps] == ["evaluate/predictions.parquet"]
    assert "ended well" in gaps[0]["why"]


def test_a_skipped_stage_says_why(run: Path) -> None:
    folder = run
    for file in (folder / "audit").iterdir():
        file.unlink()
    stages = json.loads((folder / "run.json").read_text())["stages"]
    stages["audit"] = {"state": "skipped", "reason": "audit: false"}
    edit(folder, "run.json", stages=stages)
    report = collect(folder)
    assert report["missing"] == [{"what": "audit", "why": "left out: audit: false"}]
    assert "the data were not audited" in report["answer"]["sentences"][3]["text"]


@pytest.mark.parametrize(
    "file",
    ["run.json", "resolved.yaml", "split/manifest.json", "train/events.jsonl", "evaluate/scores.json", "evaluate/predictions.parquet"],
)
@pytest.mark.parametrize("content", [b"", b'{"a": ', b"[1, 2]\n", b"\xff\xfe\x00", b"\x00" * 40])
def test_damaged_files_never_stop_the_report(run: Path, file: str, content: bytes) -> None:
    folder = run
    (folder / file).write_bytes(content)
    report = collect(folder)
    VALIDATOR.validate(report)
    # A log that holds no event, or a last line that was cut short, is what a run that has just begun looks like.
    benign = file.endswith("jsonl") or (file, content) == ("resolved.yaml", b"")
    assert benign or any(gap["what"] == file for gap in report["missing"]), report["missing"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_told(run: Path) -> None:
    folder = run
    (folder / "evaluate" / "scores.json").chmod(0)
    assert any(gap["what"] == "evaluate/scores.json" for gap in collect(folder)["missing"])


def test_numbers_that_json_cannot_hold_do_not_reach_the_report(run: Path) -> None:
    folder = run
    with (folder / "train" / "events.jsonl").open("a") as handle:
        handle.write('{"event": "step", "attempt": 1, "step": 421, "loss": NaN, "nonfinite": "nan", "rows": ["ab"]}\n')
        handle.write('{"event": "step", "attempt": 1, "step": 422, "loss": 1e999}\n{"event": "st')
    text = json.dumps(collect(folder), allow_nan=False)
    assert "step 421: the loss or a gradient was nan" in text


def test_lone_surrogates_do_not_stop_the_report(run: Path) -> None:
    folder = run
    (folder / "evaluate" / "mistakes.jsonl").write_text(
        '{"row": "a", "label": "\\ud800x", "prediction": "y", "p": 0.9, "text": "\\udfff"}\n'
    )
    json.dumps(collect(folder), ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize("make", ["nothing", "file", "empty"])
def test_what_is_no_run_is_an_error_of_the_user(tmp_path: Path, make: str) -> None:
    path = tmp_path / "place"
    if make == "file":
        path.write_text("x")
    elif make == "empty":
        path.mkdir()
    with pytest.raises(RunError, match="not a"):
        collect(path)


def test_a_run_of_a_newer_goodfit_is_refused(run: Path) -> None:
    folder = run
    edit(folder, "run.json", schema="goodfit/run/2")
    with pytest.raises(RunError, match="another version"):
        collect(folder)


def test_a_run_without_its_record_still_reports(run: Path) -> None:
    folder = run
    (folder / "run.json").unlink()
    report = collect(folder)
    assert report["run"]["id"] == "run"
    assert report["headline"]["value"] == pytest.approx(0.83)


def test_the_page_that_is_written_last_calls_the_run_done(run: Path) -> None:
    folder = run
    stages = json.loads((folder / "run.json").read_text())["stages"]
    edit(folder, "run.json", status="running", stages=stages | {"report": {"state": "running"}})
    report = collect(folder)
    assert report["run"]["status"] == "done"
    assert "report" not in [stage["name"] for stage in report["run"]["stages"]]


@pytest.mark.parametrize(
    ("how", "expected"), [("masked", "Xxxxx 0000 xxx xxxxxxx xxxxx"), ("full", "Order 4711 was charged twice"), ("none", None)]
)
def test_row_texts_are_shown_as_the_recipe_wants(tmp_path: Path, how: str, expected: str | None) -> None:
    report = collect(make_run(tmp_path / "run", Made(show_text=how)))
    texts = [m["text"] for m in report["mistakes"]]
    assert report["mistakes"]
    if expected is None:
        assert set(texts) == {None}
    else:
        assert any(text.startswith(expected) for text in texts)
    if how != "full":
        held = json.dumps(report)
        assert not any(word in held for text in TEXTS for word in text.split() if len(word) > 9)


@pytest.mark.parametrize(("how", "text"), [("masked", "Xxxx xxx 0"), ("full", "Cold tea 7"), ("none", None)])
def test_labels_to_look_at_first_stand_beside_their_texts(tmp_path: Path, how: str, text: str | None) -> None:
    folder = make_run(tmp_path / "run", Made(show_text=how))
    assert collect(folder)["suspects"] == []
    line = {
        "row": "ab",
        "at": "rows.csv:7",
        "label": "x<b>",
        "likelier": "billing",
        "suggested": "billing",
        "probability": 0.9,
        "text": "Cold tea 7",
        "flagged": True,
    }
    (folder / "audit").mkdir(exist_ok=True)
    (folder / "audit" / "first.jsonl").write_text(json.dumps(line) + "\n{broken\n" + json.dumps(line | {"flagged": False}) + "\n")
    [told] = collect(folder)["suspects"]
    assert (told["row"], told["prediction"], told["p"], told["text"]) == ("rows.csv:7", "billing", 0.9, text)
    page = html(collect(folder))
    assert "Labels to look at first" in page
    assert "x<b>" not in page


def test_an_unknown_word_for_show_text_masks(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", Made(settings={"report": {"show_text": "everything"}})))
    assert report["show_text"] == "masked"


def test_folders_of_the_machine_stay_out(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", Made(status="failed", until="choose", base="/home/somebody/models/my-base"))
    edit(folder, "run.json", error={"message": "the disk is full while writing /home/somebody/runs/x/train/checkpoints"},
         model={"base": "/home/somebody/models/my-base", "kind": "full"})  # fmt: skip
    report = collect(folder)
    assert "somebody" not in json.dumps(report)
    assert report["run"]["model"]["base"] == "my-base"
    assert report["run"]["error"] == "the disk is full while writing checkpoints"


def test_steps_done_again_after_a_resume_count_once(run: Path) -> None:
    folder = run
    events = folder / "train" / "events.jsonl"
    lines = events.read_text().splitlines()
    again = [json.dumps({"event": "resumed", "attempt": 2, "step": 200, "checkpoint": "checkpoints/step-000200"})]
    again += [json.dumps({"event": "step", "attempt": 2, "step": step, "loss": 9.0, "n": 1}) for step in range(204, 421, 4)]
    events.write_text("\n".join(lines[:-1] + again) + "\n")
    training = collect(folder)["training"]
    late = [p["value"] for p in training["loss"] if p["split"] == "train" and p["step"] > 200]
    assert late
    assert set(late) == {9.0}
    assert any("resumed" in message for message in training["messages"])


def test_long_curves_are_thinned_and_keep_their_mean(run: Path) -> None:
    folder = run
    lines = [json.dumps({"event": "step", "attempt": 1, "step": i, "loss": i / 1000, "n": 4}) for i in range(1, 5001)]
    (folder / "train" / "events.jsonl").write_text("\n".join(lines))
    points = collect(folder)["training"]["loss"]
    assert len(points) == 200
    assert sum(p["value"] for p in points) / len(points) == pytest.approx(2.5005)


def test_the_reliability_bins_are_counted_from_the_predictions(run: Path) -> None:
    import pyarrow.parquet as pq

    folder = run
    table = pq.read_table(folder / "evaluate" / "predictions.parquet").to_pylist()
    mine = [row for row in table if row["system"] == "model"]
    bins = collect(folder)["calibration"]["bins"]
    assert sum(b["n"] for b in bins) == len(mine) == 750
    assert sum(b["n"] * b["right"] for b in bins) == pytest.approx(sum(row["label"] == row["prediction"] for row in mine))
    confidence = sum(max(row[f"p_{label}"] for label in LABELS) for row in mine)
    assert sum(b["n"] * b["confidence"] for b in bins) == pytest.approx(confidence, rel=1e-6)
    assert all(b["right_low"] <= b["right"] <= b["right_high"] for b in bins)
    assert max(b["n"] for b in bins) - min(b["n"] for b in bins) <= 10


def test_bins_that_evaluate_made_are_taken_as_they_are(run: Path) -> None:
    folder = run
    given = [{"n": 400, "low": 0.1, "high": 0.5, "confidence": 0.4, "right": 0.5, "right_low": 0.45, "right_high": 0.55}]
    calibration = json.loads((folder / "evaluate" / "scores.json").read_text())["calibration"]
    edit(folder, "evaluate/scores.json", calibration=calibration | {"bins": given})
    assert [b["n"] for b in collect(folder)["calibration"]["bins"]] == [400]


def test_multi_label_counts_every_promise(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["multi_label"]))
    assert sum(b["n"] for b in report["calibration"]["bins"]) == 750 * len(LABELS)
    assert report["confusion"] is None


def test_a_hundred_thousand_predictions_are_read_in_batches(tmp_path: Path) -> None:
    made = dataclasses.replace(KINDS["two"], n_test=100_000)
    assert sum(b["n"] for b in collect(make_run(tmp_path / "run", made))["calibration"]["bins"]) == 100_000


def test_candidates_that_were_measured_stand_with_what_they_reached(run: Path) -> None:
    """Those of the catalog, which are not on this machine, do not."""
    listed = collect(run)["candidates"]
    assert [c["measured"] for c in listed] == [
        "linear probe 71.2% [68.9, 73.4], best with chance 84%", "", "linear probe 69.0% [66.0, 72.0], best with chance 16%",
    ]  # fmt: skip
    assert [c["answer"] for c in listed] == ["chosen", "needs 41 GB of memory", "not chosen"]
