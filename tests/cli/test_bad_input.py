"""Bad input: a clear sentence (what, where, what to do), the designed exit code, no traceback, nothing half-written that looks whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import made, tiny
from tests.cli.test_path import call

HEAD = "subject,body,queue,customer,region\n"


def rewrite(text: str | bytes) -> Callable[[Path], None]:
    """The table replaced by something else."""

    def apply(folder: Path) -> None:
        path = folder / "tickets.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return apply


def body(n: int = 60, queue: Callable[[int], str] = lambda i: made.LABELS[i % 3]) -> str:
    return "".join(f"w{i % 50},w{i % 40} w{i % 7} w{i % 11} w{i},{queue(i)},c{i},n\n" for i in range(n))


def without(folder: Path) -> None:
    (folder / "tickets.csv").unlink()


def a_folder(folder: Path) -> None:
    without(folder)
    (folder / "tickets.csv").mkdir()


def recipe(**changes: Any) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "recipe.yaml"
        values = json.loads(path.read_text())
        for key, value in changes.items():
            values[key] = values.get(key, {}) | value if isinstance(value, dict) else value
        path.write_text(json.dumps(values, indent=1))

    return apply


def no_tokenizer(folder: Path) -> None:
    for path in (folder / "model").glob("tokenizer*"):
        path.unlink()


def pickle_only(folder: Path) -> None:
    (folder / "model" / "model.safetensors").rename(folder / "model" / "pytorch_model.bin")


def broken_weights(folder: Path) -> None:
    path = folder / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


CASES: dict[str, tuple[Callable[[Path], None], int, tuple[str, ...]]] = {
    "missing file": (without, 2, ("tickets.csv",)),
    "empty file": (rewrite(""), 2, ("tickets.csv", "empty")),
    "header only": (rewrite(HEAD), 2, ("tickets.csv",)),
    "directory": (a_folder, 2, ("tickets.csv",)),
    "binary": (rewrite(bytes(range(256)) * 40), 2, ("tickets.csv", "binary")),
    "wrong delimiter": (rewrite("subject#body#queue\n" + "a#b#c\n" * 40), 2, ("subject",)),
    "ragged rows": (rewrite(HEAD + body() + "w1,w2\n"), 2, ("tickets.csv:62", "5")),
    "too many fields": (rewrite(HEAD + body() + "w1,w2,bug,c1,n,more\n"), 2, ("tickets.csv:62", "6")),
    "unclosed quote": (rewrite(HEAD + body() + 'w1,"w2 w3,bug,c1,n\n' + body()), 2, ("tickets.csv:62", "quot")),
    "duplicate columns": (rewrite("subject,body,queue,customer,body\n" + body()), 2, ("tickets.csv:1", "body", "name")),
    "missing column": (recipe(task={"label": "quueue"}), 2, ("quueue", "queue")),
    "missing group column": (recipe(groups={"region": {"column": "land"}}), 2, ("land",)),
    "one class only": (rewrite(HEAD + body(queue=lambda i: "bug")), 2, ("bug", "one class")),
    "more classes than rows can carry": (rewrite(HEAD + body(queue=lambda i: f"label {i}")), 2, ("class",)),
    "one row": (rewrite(HEAD + body(1)), 2, ("row",)),
    "labels all missing": (rewrite(HEAD + body(queue=lambda i: "")), 2, ("queue",)),
    "label list that does not match": (recipe(task={"labels": ["billing", "bugs"]}), 2, ("bug", "sales")),
    "mixed encodings": (
        rewrite((HEAD + body(30)).encode() + "w1,é,bug,c9,n\n".encode() + "w1,é,bug,c9,n\n".encode("latin-1")),
        2,
        ("tickets.csv",),
    ),
    "unknown key": (recipe(train={"learnin_rate": 1e-4}), 2, ("recipe.yaml:", "learnin_rate", "learning_rate")),
    "foreign key": (recipe(max_seq_length=128), 2, ("max_seq_length", "prepare.max_length")),
    "wrong type": (recipe(train={"num_train_epochs": "three"}), 2, ("recipe.yaml:", "num_train_epochs", "three")),
    "out of range": (recipe(split={"test_size": 1.5}), 2, ("test_size",)),
    "no rows left for training": (recipe(split={"test_size": 0.6, "valid_size": 0.5}), 2, ("test_size",)),
    "not a yaml": (lambda f: (f / "recipe.yaml").write_text("task: [unclosed") and None, 2, ("recipe.yaml:1",)),
    "wrong model path": (recipe(choose={"model_name_or_path": "./nowhere"}), 2, ("nowhere",)),
    "unknown model": (recipe(choose={"model_name_or_path": "nobody/nothing"}), 2, ("nobody/nothing",)),
    "model folder without tokenizer": (no_tokenizer, 2, ("tokenizer",)),
    "pickle weights only": (pickle_only, 2, ("pickle",)),
    "cut weights": (broken_weights, 2, ("weights",)),
    "max_length too small": (recipe(prepare={"max_length": 2}), 2, ("max_length",)),
    "unknown metric": (recipe(evaluate={"metrics": ["accuracyy"]}), 2, ("accuracyy", "accuracy")),
    "unknown gate": (recipe(evaluate={"gates": {"f2": ">= 0.5"}}), 2, ("f2",)),
    "unknown class in class_weights": (recipe(train={"class_weights": {"bugg": 2.0}}), 2, ("bugg", "bug")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_message_says_what_where_and_what_to_do(tmp_path: Path, name: str) -> None:
    change, exit_code, words = CASES[name]
    made.project(tmp_path)
    change(tmp_path)
    code, document = call(tmp_path, "run", "recipe.yaml")
    error = document["error"]
    assert error is not None, document["status"]
    text = f"{error['message']} {error['fix']}"
    assert code == document["exit_code"] == exit_code, text
    assert document["status"] == "failed"
    for word in words:
        assert word.lower() in text.lower(), text
    assert error["fix"], text
    assert "Traceback" not in text
    for log in tmp_path.glob("runs/*/log.txt"):
        assert "Traceback" not in log.read_text()
    leftovers = [p for p in tmp_path.rglob("*") if p.name.endswith((".tmp", ".part", ".partial"))]
    assert not leftovers
    assert not list(tmp_path.glob("runs/*/train/model"))


def test_rows_without_a_label_or_a_text_are_counted_not_fatal(tmp_path: Path) -> None:
    made.project(tmp_path)
    rewrite(HEAD + body(200) + "w1,w2 w3,,c1,n\n,,bug,c2,n\n  , ,bug,c3,n\nw1,w2 w9,NaN,c4,n\n")(tmp_path)
    code, document = call(tmp_path, "split", "recipe.yaml")
    assert code == 0, document["error"]
    manifest = json.loads(next(tmp_path.glob("runs/*/split/manifest.json")).read_text())
    assert manifest["read"] == 204
    assert manifest["dropped"]["missing_label"] == 2
    assert sum(manifest["dropped"].values()) >= 4
    assert "NaN" not in manifest["labels"]


def test_a_field_whose_type_changes_is_named_with_its_row(tmp_path: Path) -> None:
    made.project(tmp_path, data={"path": "tickets.jsonl"})
    lines = [
        {"subject": f"w{i % 9}", "body": f"w{i % 50} w{i % 13} {i}", "queue": made.LABELS[i % 3], "customer": "c", "region": "n"}
        for i in range(12_400)
    ]
    lines[12_344]["body"] = {"deep": 1}  # type: ignore[assignment]
    (tmp_path / "tickets.jsonl").write_text("\n".join(map(json.dumps, lines)))
    code, document = call(tmp_path, "split", "recipe.yaml")
    assert code == 2
    assert "12345" in document["error"]["message"]
    assert "body" in document["error"]["message"]


@pytest.mark.parametrize("megabytes", [5, pytest.param(50, marks=pytest.mark.slow)])
def test_a_huge_row_is_read_and_cut_knowingly(tmp_path: Path, megabytes: int) -> None:
    made.project(tmp_path)
    rewrite(HEAD + body(120) + f"w1,{'w2 ' * (340_000 * megabytes)},bug,c999,n\n")(tmp_path)
    code, document = call(tmp_path, "prepare", "recipe.yaml")
    assert code == 0, document["error"]


def test_a_full_disk_is_exit_4_and_can_be_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    made.project(tmp_path)
    real = os.fsync

    def full(descriptor: int) -> None:
        if "train" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    code, document = call(tmp_path, "run", "recipe.yaml")
    assert code == 4, document["error"]
    assert "disk is full" in document["error"]["message"]
    monkeypatch.undo()
    code, document = call(tmp_path, "run", "recipe.yaml")
    assert (code, document["run"]["resumed"]) == (0, True)


def test_a_base_model_with_weights_that_are_no_numbers_is_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    made.project(tmp_path)
    path = tmp_path / "model" / "model.safetensors"
    weights = load_file(path)
    name = next(n for n in weights if "word_embeddings" in n)
    weights[name][tiny.VOCABULARY - 5] = torch.nan
    save_file(weights, path, metadata={"format": "pt"})
    code, document = call(tmp_path, "run", "recipe.yaml")
    assert code == 2, document
    assert "not finite" in document["error"]["message"]
    assert "word_embeddings" in document["error"]["message"]


def test_a_non_finite_loss_stops_the_run_and_names_the_rows(tmp_path: Path) -> None:
    made.project(tmp_path, data={"sources": [{"path": "tickets.csv", "weight": 3e38}]})
    code, document = call(tmp_path, "run", "recipe.yaml")
    assert (code, document["status"], document["error"]["code"]) == (1, "failed", "Diverged")
    events = [json.loads(line) for line in next(tmp_path.glob("runs/*/train/events.jsonl")).read_text().splitlines()]
    bad = next(e for e in events if e.get("nonfinite"))
    assert bad["loss"] is None
    assert bad["rows"]
    assert not list(tmp_path.glob("runs/*/train/model"))


def test_a_read_only_workspace_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.project(tmp_path)
    (tmp_path / "runs").write_text("a file where the folder should be")
    code, document = call(tmp_path, "run", "recipe.yaml")
    assert (code, document["command"]) == (2, "run")
    assert "runs" in document["error"]["message"]
    assert document["error"]["fix"]
