"""`goodfit predict --abstain-at --sets`: what is withheld and the sets in text, JSON and files; refused where it cannot be promised."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.cli.predict import _line
from goodfit.predict import EMPTY, Ask, Model, Prediction
from goodfit.predict.kept import WITHHELD
from goodfit.statistics.selective import Level
from goodfit.tasks.promises import LAC, Promises
from tests.cli.test_path import call
from tests.test_predict import LABELS, TEXTS, saved, table

RISKY = tuple(Level(t, c, e) for t, c, e in ((0.5, 300, 1), (0.36, 500, 20), (-1.0, 800, 300)))


def promises(threshold: float = 0.7) -> Promises:
    return Promises(LAC, 500, {f"{alpha:g}": (threshold,) for alpha in (0.01, 0.02, 0.05, 0.1, 0.2)}, RISKY, "by hand")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("model") / "model", promises=promises(), temperature=2.0, temperature_applied=True)


def wanted(folder: Path, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which answers are given, and the sets, from the probabilities as they are given out."""
    p = Model.load(folder).probabilities(texts) ** 2
    raw = p / p.sum(axis=1, keepdims=True)
    inside = 1 - raw <= 0.7
    inside[np.arange(len(raw)), raw.argmax(axis=1)] = True
    return raw.max(axis=1) > 0.36, inside


def test_in_json_and_python(folder: Path, tmp_path: Path) -> None:
    given, inside = wanted(folder, TEXTS)
    code, document = call(tmp_path, "predict", str(folder), *TEXTS, "--abstain-at", "0.1", "--sets", "0.9")
    assert code == 0
    for one, ok, held in zip(document["predictions"], given, inside, strict=True):
        assert (one["label"] is not None) is bool(ok)
        assert one["reason"] == (None if ok else WITHHELD)
        assert set(one["set"]) == {name for name, there in zip(LABELS, held, strict=True) if there}
        assert sum(one["probabilities"].values()) == pytest.approx(1)
    model = Model.load(folder)
    assert [p.to_json() for p in model.predict(TEXTS, ask=Ask(0.1, 0.9))] == document["predictions"]
    assert "set" not in model.predict(TEXTS)[0].to_json()
    assert [p.reason for p in model.predict(["", "w1"], ask=Ask(at_most_wrong=0.1))][0] == EMPTY


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_in_a_file(folder: Path, tmp_path: Path, ending: str) -> None:
    given, inside = wanted(folder, TEXTS)
    source = table(tmp_path / "in.csv", [*TEXTS, ""])
    code, document = call(tmp_path, "predict", str(folder), "-f", "in.csv", "-o", f"out.{ending}", "--abstain-at", "0.1", "--sets", "0.9")
    assert code == 0, document["error"]
    assert source.exists()
    assert document["not_answered"].get(WITHHELD, 0) == int((~given).sum())
    path = tmp_path / f"out.{ending}"
    rows: list[dict[str, Any]]
    if ending == "parquet":
        rows = pq.read_table(path).to_pylist()
    elif ending == "csv":
        with path.open(encoding="utf-8", newline="") as handle:
            rows = [row | {"set": json.loads(row["set"]), "prediction": row["prediction"] or None} for row in csv.DictReader(handle)]
    else:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row, ok, held in zip(rows, given, inside, strict=False):
        assert (row["prediction"] is not None) is bool(ok)
        assert set(row["set"]) == {name for name, there in zip(LABELS, held, strict=True) if there}
    assert rows[-1]["set"] == []


def test_what_is_refused(folder: Path, tmp_path: Path) -> None:
    for words, message in (
        (["--abstain-at", "0.0001"], "cannot be promised"), (["--sets", "1.2"], "no share between 0 and 1"), (["--sets", "0.9999"], "was not calibrated"),
    ):  # fmt: skip
        code, document = call(tmp_path, "predict", str(folder), "w1", *words)
        assert code == 2
        assert message in document["error"]["message"]
    plain = saved(tmp_path / "plain")
    code, document = call(tmp_path, "predict", str(plain), "w1", "--sets", "0.9")
    assert code == 2
    assert "can promise nothing" in document["error"]["message"]


def test_lines() -> None:
    p = {"billing": 0.6, "bug": 0.4}
    assert _line(Prediction("billing", ("billing",), 0.6, p, None, ("billing", "bug"))) == "billing 60.0%  bug 40.0%  {billing, bug}"
    assert _line(Prediction(None, (), 0.6, p, WITHHELD)) == f"not answered: {WITHHELD} (billing 60.0%  bug 40.0%)"
