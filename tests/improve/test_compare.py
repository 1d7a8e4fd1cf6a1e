"""Two models that write, side by side: paired verdicts on made-up answers, what reviews say of both, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.errors import RunError
from goodfit.improve.compare import compare
from goodfit.improve.review import Book
from goodfit.run import Run, StageRecord
from goodfit.stages.evaluate.language_answerer import PREDICTIONS_SCHEMA
from tests import reviewing

REFERENCES = [f"the answer to question {i} is {'yes' if i % 3 else 'no'}, as everybody knows" for i in range(60)]
OTHER = ["something else entirely, with no relation"] * 60


def made(folder: Path, name: str, texts: list[str], **changes: Any) -> Run:
    """A run folder as evaluate leaves it, with one system: `texts` to the 60 rows; `changes`: task, primary, loss, learned, split, recipe."""
    recipe = {"name": name, "data": {"path": "x.jsonl"}, "task": {"kind": "generation"}, "evaluate": changes.get("evaluate", {})}
    run = Run.create(folder, name=name, recipe_text=json.dumps(recipe), base=folder, recipe_hash="b2:0")
    n, on = len(texts), changes.get("split", "test")
    rows = [f"{changes.get('rows', 'row')}{i:03d}" for i in range(n)]
    losses = [changes.get("loss", 2.0) * (1 + (i % 5) / 10) for i in range(n)]
    columns = {
        "row": rows, "split": [on] * n, "system": ["model"] * n, "label": REFERENCES[:n], "prediction": texts, "logprob": [-x for x in losses],
        "stopped": [i % 2 == 0 for i in range(n)], "tokens": [9] * n, "learned": [changes.get("learned", 9)] * n,
        "bytes": [changes.get("bytes", 30)] * n,
    }  # fmt: skip
    pq.write_table(pa.table(columns, schema=PREDICTIONS_SCHEMA), run.folder("evaluate") / "predictions.parquet")
    groups = {"row": rows, "split": [on] * n, "group": [i // changes.get("cluster", 1) for i in range(n)]}
    pq.write_table(pa.table(groups), run.folder("split") / "assignment.parquet")
    names = changes.get("names", ["chrf", "exact_match", "self_stop_rate", "token_loss"])
    scores = [{"name": one, "system": "model", "value": 0.5, "level": 0.95, "n": n} for one in names]
    document = {
        "task": changes.get("task", "generation"), "on": on, "n": n, "labels": [], "primary": changes.get("primary", "chrf"), "scores": scores,
        "verdicts": [],
    }  # fmt: skip
    (run.path / "evaluate" / "scores.json").write_text(json.dumps(document))
    return run


def answers(base: Run, other: Run) -> dict[str, str]:
    """Metric -> answer."""
    verdicts = compare([base, other])["verdicts"]
    assert all(v["question"].startswith(f"{other.id} vs {base.id}") for v in verdicts)
    return {v["question"].rpartition(" ")[2]: v["answer"] for v in verdicts}


def half(n: int) -> list[str]:
    """Right for the first n rows."""
    return REFERENCES[:n] + OTHER[n:]


def test_better_and_worse_are_the_same_answer_seen_from_both_sides(tmp_path: Path) -> None:
    good, bad = made(tmp_path, "good", half(55), loss=1.0), made(tmp_path, "bad", half(5), loss=2.0)
    assert answers(bad, good) == {"chrf": "better", "exact_match": "better", "self_stop_rate": "cannot_tell", "token_loss": "better"}
    assert answers(good, bad) == {"chrf": "worse", "exact_match": "worse", "self_stop_rate": "cannot_tell", "token_loss": "worse"}


def test_equal_answers_cannot_be_told_apart(tmp_path: Path) -> None:
    one, other = made(tmp_path, "one", half(30)), made(tmp_path, "other", OTHER[:30] + REFERENCES[30:])
    found = compare([one, other])
    assert {v["answer"] for v in found["verdicts"]} == {"cannot_tell"}
    assert all(v["text"].startswith("cannot tell") for v in found["verdicts"])


def test_few_clusters_decide_nothing(tmp_path: Path) -> None:
    good, bad = made(tmp_path, "good", half(55), cluster=12), made(tmp_path, "bad", half(5), cluster=12)
    assert set(answers(bad, good).values()) == {"cannot_tell"}


def test_rows_whose_references_differ_are_left_out(tmp_path: Path) -> None:
    one, other = made(tmp_path, "one", half(55)), made(tmp_path, "other", half(5))
    path = other.path / "evaluate" / "predictions.parquet"
    table = pq.read_table(path)
    labels = [f"another {i}" if i < 20 else REFERENCES[i] for i in range(60)]
    pq.write_table(table.set_column(3, "label", pa.array(labels)), path)
    assert all(v["difference"]["n"] == 40 for v in compare([one, other])["verdicts"])
    pq.write_table(table.set_column(3, "label", pa.array([f"another {i}" for i in range(60)])), path)
    (verdict,) = compare([one, other])["verdicts"]
    assert (verdict["answer"], verdict["text"]) == ("cannot_tell", "cannot be compared row by row: they share no scored row")


def test_other_tokens_are_compared_by_the_byte_and_other_texts_not_at_all(tmp_path: Path) -> None:
    one, finer, apart = (
        made(tmp_path, name, half(30), learned=learned, bytes=size, loss=loss)
        for name, learned, size, loss in (("one", 9, 30, 1.0), ("finer", 12, 30, 2.0), ("apart", 12, 31, 2.0))
    )
    assert answers(one, finer)["bits_per_byte"] == "worse"
    assert "token_loss" not in answers(one, finer)
    assert answers(finer, apart)["token_loss"] == "cannot_tell"  # the same tokens
    last = compare([one, apart])["verdicts"][-1]
    assert last["question"].endswith("bits_per_byte")
    assert "learn different parts of the rows" in last["text"]


def test_an_older_run_without_sizes_is_compared_by_its_texts(tmp_path: Path) -> None:
    one, older = made(tmp_path, "one", half(55)), made(tmp_path, "older", half(5))
    path = older.path / "evaluate" / "predictions.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["learned", "bytes"]), path)
    assert set(answers(one, older)) == {"chrf", "exact_match", "self_stop_rate"}


@pytest.mark.parametrize(("sections", "asked"), [(("a+", "a+"), True), (("a+", "b+"), False), ((None, "b+"), False)])
def test_a_pattern_is_compared_only_where_it_is_the_same(tmp_path: Path, sections: tuple[str | None, str | None], asked: bool) -> None:  # noqa: FBT001
    runs = [
        made(tmp_path, f"run{i}", half(30), names=["chrf", "regex_match"], evaluate={"regex": pattern} if pattern else {})
        for i, pattern in enumerate(sections)
    ]
    assert ("regex_match" in answers(*runs)) is asked


def test_choices_are_not_kept_row_by_row(tmp_path: Path) -> None:
    how = {"primary": "choice_accuracy", "names": ["choice_accuracy", "chrf", "token_loss"]}
    first, *others = compare([made(tmp_path, name, half(30), **how) for name in ("one", "other")])["verdicts"]
    assert (first["answer"], first["question"].rpartition(" ")[2]) == ("cannot_tell", "choice_accuracy")
    assert "not kept row by row" in first["text"]
    assert [v["question"].rpartition(" ")[2] for v in others] == ["token_loss"]


def test_other_rows_of_the_data_are_not_paired(tmp_path: Path) -> None:
    one, other = made(tmp_path, "one", half(30)), made(tmp_path, "other", half(30), split="valid")
    (verdict,) = compare([one, other])["verdicts"]
    assert "one was scored on test rows, the other on valid rows" in verdict["text"]


def test_a_classifier_and_a_writer_are_not_compared(tmp_path: Path) -> None:
    one, other = made(tmp_path, "writer", half(30)), made(tmp_path, "classifier", half(30), task="classification")
    with pytest.raises(RunError, match="of the task generation, .* of the task classification") as raised:
        compare([one, other])
    assert raised.value.fix


def test_a_review_of_both_says_which_people_prefer(tmp_path: Path) -> None:
    base, other, third = (made(tmp_path, name, half(30)) for name in ("base", "other", "third"))
    for run, seed in ((base, 0), (other, 1)):
        lines = reviewing.samples(60, systems=("model",), seed=seed)
        path = run.path / "evaluate" / "samples.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    assert compare([base, other])["reviews"] == []
    book = Book.open(base, [other], items=50)
    reviewing.judge(book, "anna", reviewing.prefers(f"{other.id}:model"))
    (found,) = compare([base, other])["reviews"]
    assert found["verdict"]["answer"] == "better"
    assert (found["review"], found["reviewers"], found["losses"]) == (base.id, ["anna"], 0)
    assert found["win_share"]["value"] == pytest.approx(1.0)
    (turned,) = compare([other, base])["reviews"]
    assert (turned["verdict"]["answer"], turned["wins"], turned["losses"]) == ("worse", 0, found["wins"])
    assert compare([base, third])["reviews"] == []


def test_different_test_sets_get_no_verdict(tmp_path: Path) -> None:
    """By the ledger's rule: half of the smaller set's rows or fewer in common."""
    base = made(tmp_path, "a", REFERENCES)
    for name, rows in (("b", "other"), ("c", "row")):
        other = made(tmp_path, name, REFERENCES if name == "c" else half(30), rows=rows)
        verdicts = compare([base, other])["verdicts"]
        assert ("test rows are not the same" in verdicts[0]["text"]) == (rows == "other")
    validated = [made(tmp_path, name, REFERENCES, split="valid", rows=rows) for name, rows in (("d", "row"), ("e", "other"))]
    assert "share no scored row" in compare(validated)["verdicts"][0]["text"]


def test_where_runs_come_from_and_what_they_cost(tmp_path: Path) -> None:
    first, second = made(tmp_path, "a", REFERENCES), made(tmp_path, "b", REFERENCES)
    second.record.parent, second.record.proposal, second.record.overrides = first.id, "lower_rate", ["train.learning_rate=0.001"]
    second.record.stages["train"] = StageRecord(state="done", seconds=12.5)
    second.save()
    second.folder("train")
    (second.path / "train" / "best.json").write_text(json.dumps({"tokens": 900}))
    events = [{"event": "eval", "split": split, "step": step, "loss": loss}
              for step in (5, 9) for split, loss in (("valid", 2.0 / step), ("train_probe", 1.0 / step))]  # fmt: skip
    (second.path / "train" / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    found = compare([first, second])["runs"]
    assert [one["id"] for one in found[1]["lineage"]] == [first.id, second.id]
    assert found[1]["lineage"][1] == {"id": second.id, "proposal": "lower_rate", "changed": {"name": "b", "train.learning_rate": 0.001}}
    assert found[1]["cost"] == {"seconds": 12.5, "train_seconds": 12.5, "tokens": 900, "parameters": None}
    assert found[0]["cost"]["train_seconds"] is None
    assert found[1]["curve"] == [{"step": 5, "train": 0.2, "valid": 0.4}, {"step": 9, "train": 1 / 9, "valid": 2 / 9}]
