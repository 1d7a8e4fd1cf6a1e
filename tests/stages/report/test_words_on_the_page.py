"""What the page and the card say is true and readable: counts, names, units, labels, remedies; nothing told twice."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from goodfit.finding import Finding
from goodfit.recipe import Train
from goodfit.score import Score
from goodfit.stages.report import card, collect, html
from goodfit.stages.report.draw import svg
from tests.stages.report.make_run import Made, make_run
from tests.stages.report.test_collect import KINDS, edit


def test_the_numbers_of_a_training_stand_under_the_keys_of_the_recipe_and_none_is_auto(run: Path) -> None:
    path = run / "tune" / "plan.json"
    plan = {"learning_rate": 1e-4, "num_train_epochs": 5.0, "train_batch_size": 16, "weight_decay": 0.01, "lr_scheduler_type": "linear",
            "warmup_steps": 0.06, "precision": "auto", "save_seconds": 60.0, "logging_seconds": 1.0, "threads": None, "seed": 42}  # fmt: skip
    reasons = {"train.per_device_train_batch_size": "257 training rows", "train.learning_rate": "an encoder"}
    path.write_text(json.dumps({"schema": "goodfit/plan/1", "plan": plan, "reasons": reasons, "lora_dropout": 0.0}))
    settings = yaml.safe_load((run / "resolved.yaml").read_text())
    train = {"learning_rate": "auto", "per_device_train_batch_size": "auto", "gradient_accumulation_steps": 2, "class_weights": "balanced"}
    (run / "resolved.yaml").write_text(yaml.safe_dump(settings | {"train": train}))
    training = collect(run)["training"]
    keys = [entry["key"] for entry in training["plan"]]
    assert keys[:3] == ["train.learning_rate", "train.num_train_epochs", "train.per_device_train_batch_size"]
    assert len(keys) == len(set(keys))
    assert all(key == "seed" or key.split(".")[1] in Train.model_fields for key in keys)
    values = {entry["key"]: entry["value"] for entry in training["plan"]}
    assert values["train.per_device_train_batch_size"] == "8"
    assert values["train.precision"] == "bfloat16"
    assert values["train.class_weights"] == "balanced"
    assert "auto" not in values.values()
    facts = list(training["facts"].items())
    assert facts[:8] == [
        ("learning rate", "0.0001"), ("epochs", "5"), ("batch", "32 rows"), ("schedule", "linear"), ("warm-up", "6% of the steps"),
        ("weight decay", "0.01"), ("precision", "bfloat16"), ("seed", "42"),
    ]  # fmt: skip


def test_rows_cut_are_counted_once_whatever_labels_they_carry(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", KINDS["multi_label"])
    edit(folder, "prepare/manifest.json", truncated={"billing": 1, "sales": 1, "refund": 1}, truncated_rows={"train": 0, "valid": 1})
    edit(folder, "prepare/manifest.json", lengths={"unit": "tokens", "split": "train", "edges": [0, 8, 200], "counts": [0, 3500]})
    report = collect(folder)
    assert "1 validation row was cut at 128 tokens" in report["answer"]["sentences"][3]["text"]
    chart = next(c for c in report["charts"] if c["id"] == "lengths")
    assert chart["text"].endswith("(dashed line): no training row lost its end, 1 validation row did.")
    assert "\n- 1 validation row cut at 128 tokens" in card(report)
    edit(folder, "prepare/manifest.json", truncated_rows={"train": 2, "valid": 1})
    assert "3 rows (2 training, 1 validation) were cut" in collect(folder)["answer"]["sentences"][3]["text"]


@pytest.mark.parametrize(
    ("edges", "counts", "said"),
    [
        ([0, 8, 16, 24], [0, 5, 3], "8 training rows, about 8 to 24 tokens long."),
        ([0, 8, 16, 24], [1, 5, 2], "8 training rows, up to about 24 tokens long."),
        ([3, 4, 5, 6, 7], [0, 5, 3, 0], "8 training rows, 4 to 5 tokens long."),
        ([3, 4, 5], [0, 8], "8 training rows, 4 tokens long."),
    ],
)
def test_the_ends_of_bins_are_not_told_as_lengths(run: Path, edges: list[int], counts: list[int], said: str) -> None:
    edit(run, "prepare/manifest.json", lengths={"unit": "tokens", "split": "train", "edges": edges, "counts": counts})
    assert next(c for c in collect(run)["charts"] if c["id"] == "lengths")["text"].startswith(said)


def test_a_failed_run_tells_its_error_once_and_what_to_do(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", KINDS["failed"])
    message = "tickets.csv: column 'Kunde' not found; the file has: " + ", ".join(f"'column {i}'" for i in range(20))
    edit(folder, "run.json", error={"code": "DataError", "message": message, "fix": "did you mean 'Kundennr'?"})
    report = collect(folder)
    for text in (html(report), card(report)):
        assert text.count("column 19") == 1
        assert text.count("Kundennr") == 1
        assert "What to do: did you mean" in text
    assert report["reproduce"]["command"] == ""
    assert "Repair the cause first" in report["reproduce"]["note"]
    edit(folder, "run.json", error={"code": "MachineError", "message": "the disk is full", "fix": "free some space"})
    again = collect(folder)["reproduce"]
    assert (again["command"], "goes on where it stopped" in again["note"]) == ("goodfit run 2026-05-01-support-tickets-7f3a", True)


def test_the_finding_that_explains_the_word_stands_first(tmp_path: Path) -> None:
    loud = Finding(code="AUD005", stage="audit", severity="warning", kind="duplicates", title="many repeats", n_rows=900)
    open_ = Finding(code="EVA001", stage="evaluate", severity="warning", kind="worse_than_baseline", title="not shown to beat TF-IDF")
    spent = Finding(code="EVA009", stage="evaluate", severity="warning", kind="test_reused", title="spent")
    made = Made(answers=("better", "cannot_tell"), findings=(loud, spent, open_))
    assert [key[:6] for key in collect(make_run(tmp_path / "a", made))["first"]] == ["EVA001", "EVA009", "AUD005"]
    missed = Finding(code="EVA007", stage="evaluate", severity="note", kind="gate", title="undecided")
    report = collect(make_run(tmp_path / "b", Made(gate="undecided", findings=(loud, missed))))
    assert (report["answer"]["rule"], [key[:6] for key in report["first"]]) == ("gate_undecided", ["EVA007", "AUD005"])


def test_fewer_rows_than_there_are_would_not_tell(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", Made(labels=("0", "1"), answers=("cannot_tell", "better"), n_test=75))
    document = json.loads((folder / "evaluate" / "scores.json").read_text())
    for verdict in document["verdicts"]:
        verdict["rows_needed"] = 69
    edit(folder, "evaluate/scores.json", verdicts=document["verdicts"], support={"0": 72, "1": 3}, confusion=None)
    report = collect(folder)
    assert report["answer"]["because"].endswith("the same answer: only 3 rows of the class “1”.")
    for text in (html(report), card(report), json.dumps(report["answer"])):
        assert "69 rows" not in text


def test_a_score_without_an_interval_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", Made(labels=("a", "b"), n_test=30))
    document = json.loads((folder / "evaluate" / "scores.json").read_text())
    few = [s | {"low": None, "high": None, "value": 1.0} if "value" in s else s for s in document["scores"]]
    edit(folder, "evaluate/scores.json", scores=few)
    report = collect(folder)
    for text in (html(report), card(report)):
        assert "An interval holds the true value" not in text
        assert "too few for an interval" in text
        assert re.search(r"100(\\)?\.0% \(no interval\)", text)


def test_the_first_table_of_two_classes_has_the_rarer_one_and_no_number_twice(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", Made(labels=("ham", "spam")))
    document = json.loads((folder / "evaluate" / "scores.json").read_text())
    accuracy = next(s for s in document["scores"] if s["name"] == "accuracy")
    edit(folder, "evaluate/scores.json", scores=[*document["scores"], accuracy | {"name": "micro_f1"}], support={"ham": 700, "spam": 50},
         confusion=None)  # fmt: skip
    report = collect(folder)
    assert any(s["name"] == "micro_f1" for s in report["scores"]["scores"])
    table = card(report).split("### By class")[0].split("## Scores")[1]
    assert "micro F1" not in table
    assert [line.split("|")[1].strip() for line in table.splitlines() if "of “" in line] == [
        "precision of “spam”", "recall of “spam”", "F1 of “spam”",
    ]  # fmt: skip
    assert "recall of “spam”" in html(report)
    many = collect(make_run(tmp_path / "many", KINDS["multi_label"]))
    assert "recall of" not in card(many).split("### By class")[0]


def test_labels_that_differ_in_spaces_only_are_told_apart(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", Made(labels=("Lieferung", "Lieferung ", "a  b"))))
    page, text = html(report), card(report)
    assert "Lieferung␣" in page
    assert "'Lieferung␣'" in text
    assert "'a␣␣b'" in text
    names = [row[0] for row in next(c for c in report["charts"] if c["id"] == "class-f1")["rows"]]
    assert sorted(names) == ["'Lieferung␣'", "'a␣␣b'", "Lieferung"]


def test_why_a_temperature_is_not_used_is_told_in_plain_words(run: Path) -> None:
    reason = "temperature 1.110 not applied: it is not sure to lower the log-loss (by -1.8521 [-12.3235, 8.6193], out of fold)"
    document = json.loads((run / "evaluate" / "scores.json").read_text())
    edit(run, "evaluate/scores.json", calibration=document["calibration"] | {"temperature_applied": False, "reason": reason})
    page = html(collect(run))
    assert "out of fold" not in page
    assert "not shown to lower the log-loss (change +1.852 nats [\u22128.619, 12.323])" in page


def test_evidence_says_whose_number_it_is(tmp_path: Path) -> None:
    scores = tuple(Score(name="macro_f1", value=v, low=v - 0.1, high=v + 0.1, n=9, system=s) for s, v in (("model", 0.5), ("tfidf", 0.8)))
    found = Finding(code="EVA001", stage="evaluate", severity="warning", kind="worse_than_baseline", title="x", evidence=scores)
    page = html(collect(make_run(tmp_path / "run", Made(findings=(found,)))))
    assert "this model: macro F1 50.0% [40.0, 60.0]; TF-IDF: macro F1 80.0% [70.0, 90.0]" in page


def test_mistakes_say_probability_of_what(tmp_path: Path) -> None:
    page = html(collect(make_run(tmp_path / "one")))
    assert " with a probability of " in page
    folder = make_run(tmp_path / "many", KINDS["multi_label"])
    (folder / "evaluate" / "mistakes.jsonl").write_text('{"row": "a", "label": ["K"], "prediction": [], "p": 0.813, "text": "x"}\n')
    page = html(collect(folder))
    assert "<b>no label</b>" in page
    assert ", each label decided with at least 81.3%" in page


def test_the_constant_answer_is_not_called_a_class(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["multi_label"]))
    assert "commonest class" not in html(report) + card(report)
    assert "giving every row the same answer" in card(report)


def test_findings_are_counted_in_words_that_agree(tmp_path: Path) -> None:
    page = html(collect(make_run(tmp_path / "run")))
    assert re.search(r"\d findings? (is|are) open \((\d (error|warning|note)s?(, )?)+\); ", page)
    assert not re.search(r"\b1 (errors|warnings|notes|rows|models)\b", page)
    assert "1 of 2 classes has fewer" in " ".join(s["text"] for s in collect(_rare_of_two(tmp_path / "two"))["answer"]["sentences"])


def _rare_of_two(path: Path) -> Path:
    folder = make_run(path, Made(labels=("ham", "spam")))
    edit(folder, "evaluate/scores.json", support={"ham": 740, "spam": 10}, confusion=None)
    return folder


def test_names_above_their_marks_are_not_crossed_by_lines(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run"))
    spec = next(c for c in report["charts"] if c["id"] == "verdicts")["spec"]
    drawing = svg(spec, 335, "")
    names = [float(y) for y in re.findall(r'<text class="above" x="0" y="([\d.]+)"', drawing)]
    assert len(names) == 4
    stretches = [tuple(map(float, s)) for s in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", drawing)]
    assert stretches
    assert not [(name, s) for name in names for s in stretches if min(s) < name < max(s)]


def test_a_bar_that_is_not_drawn_is_not_told(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    assert "dashed: the bar set beforehand" in html(collect(folder))
    edit(
        folder, "evaluate/scores.json", gates=[{"gate": "accuracy >= 0.5", "answer": "met", "value": 0.85, "low": 0.8, "high": 0.9, "n": 9}]
    )
    assert "dashed: the bar set beforehand" not in html(collect(folder))


def test_names_that_fit_are_not_cut(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run", KINDS["seventy_seven"]))
    spec = next(c for c in report["charts"] if c["id"] == "confusion")["spec"]
    assert "…" not in svg(spec, 920, "")


def test_bins_that_lie_close_are_drawn_apart(run: Path) -> None:
    """All confidences between 99.0 and 99.9: every bin has a line of its own, and the axis begins near the data."""
    bins = [{"n": 75, "confidence": 0.99 + i / 1000, "right": 0.99, "right_low": 0.93, "right_high": 0.999} for i in range(10)]
    document = json.loads((run / "evaluate" / "scores.json").read_text())
    edit(run, "evaluate/scores.json", calibration=document["calibration"] | {"bins": bins})
    spec = next(c for c in collect(run)["charts"] if c["id"] == "reliability")["spec"]
    drawing = svg(spec, 335, "")
    circles = [float(y) for y in re.findall(r'<circle [^>]*cy="([\d.]+)"', drawing)]
    assert len(set(circles)) == 10
    assert not re.findall(r">says [^<]*\(2\)<", drawing)
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domain"] == [90, 100]
