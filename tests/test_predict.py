"""A saved model answers texts and files as it was evaluated, whatever stands beside a row."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import transformers as tf

from benchmarks.peak import PEAK
from goodfit.errors import DataError, ModelError, RunError, UserError
from goodfit.models.adapters import add_lora
from goodfit.models.load import load
from goodfit.models.save import save
from goodfit.predict import EMPTY, Model
from goodfit.run import Run, StageRecord
from goodfit.tasks import Classification, Decision, Saved
from tests import tiny

LABELS = ("a/b", 'say "hi", ok', "3")
TEXTS = ["w1 w2 w3", "w4", "w5 w6 " * 20, "unknown w7"]


def saved(folder: Path, *, multi_label: bool = False, family: str = "bert", text: tuple[str, ...] = ("text",), **decision: Any) -> Path:
    """A tiny trained model with its task."""
    model = tiny.model(family, labels=3, multi_label=multi_label)
    model.config.id2label = dict(enumerate(LABELS))
    model.config.label2id = {name: i for i, name in enumerate(LABELS)}
    save(model, tiny.tokenizer(), folder)
    task = Classification(LABELS, multi_label=multi_label, decision=Decision(**decision))
    Saved(task, text, 16).save(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "model")


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return Model.load(folder)


def table(path: Path, texts: list[str], column: str = "text") -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", column])
        writer.writerows([[i, text] for i, text in enumerate(texts)])
    return path


def test_equals_plain_transformers(model: Model, folder: Path) -> None:
    plain = tf.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    assert tuple(plain.config.id2label.values()) == model.labels == LABELS
    for text, found in zip(TEXTS, model.predict(TEXTS), strict=True):
        batch = tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
        with torch.no_grad():
            wanted = torch.softmax(plain(**batch).logits[0], 0)
        np.testing.assert_allclose([found.probabilities[name] for name in LABELS], wanted.numpy(), atol=1e-5)
        assert found.label == LABELS[int(wanted.argmax())]
        assert found.labels == (found.label,)
        assert found.p == pytest.approx(float(wanted.max()), abs=1e-5)


@pytest.mark.parametrize("family", ["bert", "distilbert", "deberta-v2", "llama", "gpt2", "modernbert"])
def test_neighbours_do_not_matter(tmp_path: Path, family: str) -> None:
    model = Model.load(saved(tmp_path / "m", family=family))
    texts = [" ".join(f"w{(i * j) % 60}" for j in range(1, 2 + i % 13)) for i in range(40)]
    together = model.probabilities(texts)
    np.testing.assert_allclose(model.probabilities(texts, batch_rows=7), together, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([model.probabilities([text]) for text in texts[:6]]), together[:6], atol=1e-5)
    np.testing.assert_allclose(model.probabilities(texts[::-1])[::-1], together, atol=1e-5)
    np.testing.assert_allclose(together.sum(1), 1)


def test_one_text_many_texts_and_none(model: Model) -> None:
    assert [p.label for p in model.predict("w1 w2")] == [p.label for p in model.predict(["w1 w2"])]
    assert model.predict([]) == []
    assert model.probabilities([]).shape == (0, 3)


def test_empty_texts_get_no_answer(model: Model) -> None:
    found = model.predict(["", "w1", " \n\t", None])  # type: ignore[list-item]
    assert [p.reason for p in found] == [EMPTY, None, EMPTY, EMPTY]
    assert (found[0].label, found[0].labels, found[0].p, dict(found[0].probabilities)) == (None, (), None, {})
    assert found[1].label in LABELS
    assert np.isnan(model.probabilities(["", "w1"])).tolist() == [[True] * 3, [False] * 3]
    assert all(p.reason == EMPTY for p in model.predict(["", " "]))


def test_anything_odd_in_a_text(model: Model) -> None:
    odd = ["\ud800 lone surrogate", "\x00\x01", "👩‍👩‍👧", "ﷺ" * 500, "[CLS] [SEP]", "a" * 100_000]
    assert all(p.label in LABELS for p in model.predict(odd))


def test_temperature_and_thresholds_are_those_of_the_evaluation(tmp_path: Path) -> None:
    cold = Model.load(saved(tmp_path / "a"))
    warm = Model.load(saved(tmp_path / "b", temperature=4.0, temperature_applied=True))
    z, w = np.log(cold.probabilities(TEXTS)), np.log(warm.probabilities(TEXTS))
    np.testing.assert_allclose((z - z[:, :1]) / 4, w - w[:, :1], atol=1e-5)
    many = Model.load(saved(tmp_path / "c", multi_label=True, thresholds=(0.0, 1.0, 0.5)))
    assert many.multi_label
    for p, found in zip(many.probabilities(TEXTS), many.predict(TEXTS), strict=True):
        assert found.label is None
        assert found.labels == tuple(name for name, x, cut in zip(LABELS, p, (0.0, 1.0, 0.5), strict=True) if x >= cut)
        assert LABELS[0] in found.labels
        assert LABELS[1] not in found.labels


def test_dicts_with_the_input_columns(tmp_path: Path) -> None:
    model = Model.load(saved(tmp_path / "m", text=("subject", "body")))
    found = model.predict([{"subject": "w1", "body": "w2 w3", "id": 7}, {"subject": None, "body": "w2"}, {"subject": None, "body": None}])
    assert found[0].probabilities == pytest.approx(dict(model.predict("w1\nw2 w3")[0].probabilities), abs=1e-5)
    assert found[1].probabilities == pytest.approx(dict(model.predict("w2")[0].probabilities), abs=1e-5)
    assert found[2].reason == EMPTY
    with pytest.raises(DataError, match="'body' not found; the file has: 'subject', 'bdy'"):
        model.predict([{"subject": "w1", "bdy": "w2"}])
    with pytest.raises(DataError, match="text 2 is a int, not a text"):
        model.predict(["w1", 3])  # type: ignore[list-item]


def test_a_file_in_every_format(model: Model, tmp_path: Path) -> None:
    texts = [*TEXTS, "", 'w1, "quoted"\nand a second line', "w9"]
    source = table(tmp_path / "in.csv", texts)
    told: list[tuple[float, float | None]] = []
    for ending in ("parquet", "csv", "jsonl"):
        done = model.predict_file(source, tmp_path / f"out.{ending}", on_progress=lambda n, total: told.append((n, total)), batch_rows=3)
        assert (done.rows, dict(done.not_answered)) == (7, {EMPTY: 1})
    parquet = pq.read_table(tmp_path / "out.parquet")
    assert parquet.column_names == ["id", "text", "row", "at", "prediction", "p", *(f"p_{name}" for name in LABELS), "reason"]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as handle:
        from_csv = list(csv.DictReader(handle))
    from_jsonl = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = parquet.to_pylist()
    assert [row["at"].rsplit(":", 1)[1] for row in rows] == ["2", "3", "4", "5", "6", "7", "9"]
    assert [row["reason"] for row in rows] == [None] * 4 + [EMPTY] + [None] * 2
    assert rows == from_jsonl
    assert [row["text"] or "" for row in rows] == texts
    assert [row["prediction"] or "" for row in rows] == [row["prediction"] for row in from_csv]
    wanted = model.probabilities(texts)
    for i, row in enumerate(rows):
        if row["reason"] is None:
            np.testing.assert_allclose([row[f"p_{name}"] for name in LABELS], wanted[i], atol=1e-5)
            assert float(from_csv[i][f"p_{LABELS[1]}"]) == pytest.approx(wanted[i, 1], abs=1e-5)
    assert told
    assert told[-1][0] == told[-1][1] == source.stat().st_size


def test_the_columns_of_the_file_come_back_whatever_is_in_them(model: Model, tmp_path: Path) -> None:
    lines = [
        {"text": "w1 w2", "ticket": 17, "prediction": "theirs", "meta": {"tags": ["a", 1]}},
        {"text": "w3", "ticket": None, "meta": None},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    model.predict_file(tmp_path / "in.jsonl", tmp_path / "out.parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["ticket"], row["prediction_input"], row["meta"]) for row in rows] == [
        ("17", "theirs", '{"tags": ["a", 1]}'), (None, None, None),
    ]  # fmt: skip
    assert rows[0]["prediction"] in LABELS


def test_a_multi_label_file(tmp_path: Path) -> None:
    model = Model.load(saved(tmp_path / "m", multi_label=True, thresholds=(0.0, 0.0, 1.0)))
    source = table(tmp_path / "in.csv", ["w1", ""])
    for ending in ("parquet", "csv", "jsonl"):
        model.predict_file(source, tmp_path / f"out.{ending}")
    assert pq.read_table(tmp_path / "out.parquet")["prediction"].to_pylist() == [list(LABELS[:2]), None]
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as handle:
        assert [row["prediction"] for row in csv.DictReader(handle)] == [json.dumps(LABELS[:2]), ""]
    assert json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])["prediction"] == list(LABELS[:2])


def test_what_a_file_may_lack(model: Model, tmp_path: Path) -> None:
    source = table(tmp_path / "in.csv", TEXTS, column="txt")
    out = tmp_path / "out.parquet"
    out.write_text("old")
    with pytest.raises(DataError, match="column 'text' not found; the file has: 'id', 'txt'") as caught:
        model.predict_file(source, out)
    assert "did you mean 'txt'" in str(caught.value)
    with pytest.raises(UserError, match="cannot write a .xml file"):
        model.predict_file(source, tmp_path / "out.xml")
    with pytest.raises(UserError, match="a file whose name has no ending"):
        model.predict_file(source, tmp_path / "out")
    good = table(tmp_path / "good.csv", TEXTS)
    with pytest.raises(DataError, match=r"is the file that is read"):
        model.predict_file(good, good)
    with pytest.raises(DataError):
        model.predict_file(tmp_path / "absent.csv", out)
    damaged = tmp_path / "damaged.csv"
    damaged.write_text("id,text\n" + "".join(f"{i},w1 w2\n" for i in range(20_000)) + '7,"never closed\n')
    with pytest.raises(DataError):
        model.predict_file(damaged, out)
    assert out.read_text() == "old"  # replaced only when all is answered
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged.csv", "good.csv", "in.csv", "out.parquet"]


def make_run(path: Path, state: str) -> Run:
    run = Run.create(path / "runs", name="t", recipe_text="{}", recipe_hash="b2:0", base=path)
    saved(run.path / "train" / "model")
    run.record.stages["train"] = StageRecord.model_validate({"state": state})
    run.save()
    return run


def test_from_a_run(tmp_path: Path) -> None:
    run = make_run(tmp_path, "done")
    texts = ["w1 w2"]
    wanted = Model.load(run).predict(texts)
    assert Model.load(run.path).predict(texts) == wanted
    assert Model.load(str(run.path)).predict(texts) == wanted
    assert Model.load("last", workspace=run.workspace).predict(texts) == wanted
    assert Model.load(run.id[:14], workspace=run.workspace).predict(texts) == wanted
    assert Model.load(run.path / "train" / "model").predict(texts) == wanted


@pytest.mark.parametrize("state", ["running", "pending", "failed"])
def test_an_unfinished_training_has_no_model(tmp_path: Path, state: str) -> None:
    run = make_run(tmp_path, state)
    with pytest.raises(RunError, match=f"has no model: its training is {state}") as caught:
        Model.load(run.path)
    assert ("goodfit list" if run.record.status == "failed" else "goodfit run") in str(caught.value)


def test_what_is_no_model(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(RunError, match="neither a run nor a model folder"):
        Model.load(tmp_path / "absent")
    with pytest.raises(RunError, match="is no run of"):
        Model.load("absent", workspace=tmp_path)
    with pytest.raises(ModelError, match="no model that Goodfit trained"):
        Model.load(tmp_path)
    (tmp_path / "goodfit.json").write_text("{")
    with pytest.raises(ModelError, match="is damaged"):
        Model.load(tmp_path)
    (tmp_path / "goodfit.json").write_text((folder / "goodfit.json").read_text())
    with pytest.raises(ModelError):
        Model.load(tmp_path)
    with pytest.raises(ModelError, match="the device 'nonsense' cannot be used"):
        Model.load(folder, device="nonsense")


def test_a_lora_adapter(tmp_path: Path) -> None:
    loaded = load(tiny.folder("llama", tmp_path / "base"), labels=LABELS)
    adapted = add_lora(loaded, r=4, seed=0)
    with torch.no_grad():
        for name, p in adapted.model.named_parameters():
            if "lora_B" in name:
                p.normal_(0, 0.2)
    save(adapted.model, adapted.tokenizer, tmp_path / "adapter", base=adapted.identity)
    Saved(Classification(LABELS), ("text",), 16).save(tmp_path / "adapter")
    model = Model.load(tmp_path / "adapter")
    ids = loaded.tokenizer(TEXTS[0], return_tensors="pt")["input_ids"]
    with torch.no_grad():
        wanted = torch.softmax(adapted.model.eval()(input_ids=ids).logits[0], 0).numpy()
    np.testing.assert_allclose(model.probabilities(TEXTS[:1])[0], wanted, atol=1e-5)


@pytest.mark.slow
def test_a_million_rows_stay_under_two_gigabytes(tmp_path: Path, folder: Path) -> None:
    source = tmp_path / "big.csv"
    with source.open("w", encoding="utf-8") as handle:
        handle.write("id,text\n")
        handle.writelines(f"{i},w{i % 60} w{i % 7} {'x' * 190}\n" for i in range(1_000_000))
    program = (
        "from goodfit.predict import Model\n"
        f"done = Model.load({str(folder)!r}).predict_file({str(source)!r}, {str(tmp_path / 'out.parquet')!r})\n"
        "print(done.rows, peak())"
    )
    out = subprocess.run([sys.executable, "-c", PEAK + program], capture_output=True, text=True, check=True)
    rows, held = map(int, out.stdout.split())
    assert rows == 1_000_000
    assert held < 2_000_000_000


def test_a_reader_that_ends_early_is_told(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full while answers are written is said, and nothing half-written stays."""
    from goodfit.errors import MachineError
    from goodfit.tasks import tables

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables.pq.ParquetWriter, "write_table", full)
    with pytest.raises(MachineError, match="the disk is full"):
        model.predict_file(table(tmp_path / "in.csv", TEXTS), tmp_path / "out.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
