"""AUD030 to AUD035: near-duplicates, leaks, contradictions, templates, benchmarks, paraphrases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.errors import DataError
from goodfit.stages.audit.check import CHECKS
from goodfit.stages.audit.kin import difference, tokens
from goodfit.stages.audit.scene import Scene
from tests.data.test_near import sentences, typo
from tests.stages.audit.make import audit_rows, audit_splits, clean_rows, finding, recipe_of
from tests.stages.split.make import LABELS, run_split, write
from tests.stages.split.test_near import OFF, labelled, with_edits

LEXICAL = {"encoder": "tfidf_svd"}
KIN = ("AUD030", "AUD031", "AUD032", "AUD033", "AUD034", "AUD035")


@pytest.mark.parametrize(("edited", "status", "severity"), [(2, "passed", "note"), (20, "open", "note"), (60, "open", "warning")])
def test_near_duplicates_by_their_share(tmp_path: Path, edited: int, status: str, severity: str) -> None:
    done, _ = audit_rows(tmp_path, with_edits(400, edited))
    found = finding(done, "AUD030")
    assert (found.status, found.severity) == (status, severity)
    assert found.evidence[0].value == pytest.approx(edited / (400 + edited))
    if status == "open":
        assert found.n_rows == 2 * edited
        assert f"{edited} groups" in found.detail
        assert "data.jsonl:" in found.detail


def test_the_largest_group_comes_first(tmp_path: Path) -> None:
    content = with_edits(200, 20)
    rng = np.random.default_rng(9)
    content += [content[150] | {"text": typo(rng, content[150]["text"])} for _ in range(4)]
    found = finding(audit_rows(tmp_path, content)[0], "AUD030")
    assert found.where is not None
    assert found.where.line == 151
    assert "the largest with 5 rows" in found.detail


@pytest.mark.parametrize(("leaking", "status", "severity"), [(1, "passed", "note"), (4, "open", "note"), (20, "open", "warning")])
def test_near_leaks_between_given_splits(tmp_path: Path, leaking: int, status: str, severity: str) -> None:
    rng = np.random.default_rng(0)
    test = labelled(sentences(rng, 200))
    train = labelled(sentences(rng, 300)) + [row | {"text": typo(rng, row["text"])} for row in test[:leaking]]
    write(tmp_path / "train.jsonl", train)
    write(tmp_path / "test.jsonl", test)
    document: dict[str, Any] = {"data": {"train": "train.jsonl", "test": "test.jsonl"}}
    splits, run = run_split(tmp_path, document)
    done = audit_splits(splits, run, document)
    found = finding(done, "AUD031")
    assert (found.status, found.severity) == (status, severity)
    assert finding(done, "AUD008").status == "passed"
    assert found.evidence[0].value == pytest.approx(leaking / 200)
    if status == "open":
        assert len(found.rows) == leaking
        assert not set(found.rows) & set(splits.row_ids("test").to_pylist())
    document["split"] = {"leaks": "drop"}
    splits, run = run_split(tmp_path, document, workspace="dropped")
    assert finding(audit_splits(splits, run, document), "AUD031").status == "passed"


def test_what_decides_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = labelled(sentences(rng, 300))
    for k, row in enumerate(content[:12]):
        words = row["text"].split()
        new = ["not"] if k < 6 else [f"{rng.integers(1000, 9999)}"] if k < 10 else [f"xq{'abcdef'[k % 6] * 4}"]
        content.append({"text": " ".join([*words[:4], *new, *words[4:]]), "label": LABELS[(LABELS.index(row["label"]) + 1) % 3]})
    found = finding(audit_rows(tmp_path, content)[0], "AUD032")
    assert (found.status, found.severity, found.n_rows) == ("open", "note", 24)
    assert "Differs by: not (" in found.detail
    assert "a number (" in found.detail
    assert "a rare word (" in found.detail
    assert "xq" not in found.detail


def test_texts_of_test_rows_are_not_looked_at(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    test = labelled(sentences(rng, 60))
    train = labelled(sentences(rng, 200)) + [
        {"text": "not " + row["text"], "label": LABELS[(LABELS.index(row["label"]) + 1) % 3]} for row in test[:10]
    ]
    write(tmp_path / "train.jsonl", train)
    write(tmp_path / "test.jsonl", test)
    document = {"data": {"train": "train.jsonl", "test": "test.jsonl"}}
    splits, run = run_split(tmp_path, document)
    found = finding(audit_splits(splits, run, document), "AUD032")
    assert (found.status, found.n_rows) == ("open", 20)
    assert "test set" in found.detail


def test_words_by_which_texts_differ() -> None:
    assert difference(tokens("i do like it"), tokens("i do not like it")) == ((), ("not",))
    assert difference(tokens("我喜欢它"), tokens("我不喜欢它")) == ((), ("不",))
    assert difference(tokens("a b b"), tokens("b a c")) == (("b",), ("c",))


@pytest.mark.parametrize(("filled", "status", "severity"), [(10, "passed", "note"), (80, "open", "note"), (400, "open", "warning")])
def test_templates(tmp_path: Path, filled: int, status: str, severity: str) -> None:
    content = labelled(sentences(np.random.default_rng(0), 300))
    content += [
        {"text": f"my order number {1000 + 37 * i} has not arrived yet, where is it", "label": LABELS[i % 3]} for i in range(filled)
    ]
    found = finding(audit_rows(tmp_path, content)[0], "AUD033")
    assert (found.status, found.severity) == (status, severity)
    if status == "open":
        assert found.n_rows == filled
        assert f"{filled:,} rows differ from one another in their numbers only" in found.detail


def test_all_of_them_are_not_applicable_where_the_recipe_does_not_ask(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, with_edits(200, 60), OFF)
    for code in ("AUD030", "AUD031", "AUD032", "AUD033"):
        assert finding(done, code).reason == "split.near_duplicates is false"


def test_clean_rows_raise_none_of_them(tmp_path: Path) -> None:
    for seed in range(3):
        (tmp_path / str(seed)).mkdir()
        done, _ = audit_rows(tmp_path / str(seed), clean_rows(seed, 500, 3, topics=seed % 2 == 0))
        assert {finding(done, code).status for code in KIN} <= {"passed", "not_applicable"}


# -- AUD034: benchmarks ----------------------------------------------------------------------------------------------------


def test_rows_of_a_benchmark_are_found_with_their_twins(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = labelled(sentences(rng, 300, (8, 14)))
    asked = [{"question": text, "answer": "42"} for text in sentences(rng, 80, (30, 40))]
    short = [{"question": text, "answer": "7"} for text in sentences(rng, 20, (6, 9))]
    content[3]["text"] = f"{content[3]['text']} {asked[5]['question']} and so on"
    content[8]["text"] = short[2]["question"] + "!"
    content[9]["text"] = typo(rng, short[4]["question"])
    write(tmp_path / "bench.jsonl", asked + short)
    document = {"audit": LEXICAL | {"benchmarks": ["bench.jsonl"]}, "split": {"test_size": 0}}
    done, run = audit_rows(tmp_path, content, document)
    found = finding(done, "AUD034")
    assert (found.status, found.severity, found.n_rows) == ("open", "warning", 3)
    assert found.evidence[0].value == pytest.approx(0.03)
    assert "3 of 100 rows of bench.jsonl (3.0%)" in found.detail
    table = pq.read_table(run.path / "audit" / "AUD034.parquet").to_pylist()
    assert {row["benchmark"] for row in table} == {"bench.jsonl:6", "bench.jsonl:83", "bench.jsonl:85"}
    assert {row["row"] for row in table} == set(found.rows)


def test_another_benchmark_passes_and_its_content_is_an_input(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = labelled(sentences(rng, 300))
    write(tmp_path / "bench.jsonl", [{"text": text} for text in sentences(rng, 50, (20, 30))])
    document = {"audit": LEXICAL | {"benchmarks": ["bench.jsonl"]}}
    first, _ = audit_rows(tmp_path, content, document)
    assert finding(first, "AUD034").status == "passed"
    write(tmp_path / "bench.jsonl", [{"text": content[0]["text"]}])
    second, _ = audit_rows(tmp_path, content, document)
    assert second.fingerprint != first.fingerprint
    assert finding(audit_rows(tmp_path, content)[0], "AUD034").status == "not_applicable"


@pytest.mark.parametrize(("name", "content"), [("nowhere.jsonl", None), ("numbers.jsonl", '{"a": 1}\n'), ("empty.txt", "")])
def test_a_benchmark_that_is_none_is_an_error_in_words(tmp_path: Path, name: str, content: str | None) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError) as caught:
        audit_rows(tmp_path, labelled(sentences(np.random.default_rng(0), 60)), {"audit": LEXICAL | {"benchmarks": [name]}})
    assert name in str(caught.value)


# -- AUD035: paraphrases ---------------------------------------------------------------------------------------------------


class Fake:
    """An encoder that has an opinion of its own: rows with the same last word mean the same."""

    name, content = "fake", "fake"

    def embed(self, texts: pa.Array, tell: object = None) -> np.ndarray:
        out = []
        for text in texts.to_pylist():
            near = np.random.default_rng(list(text.split()[-1].encode())).standard_normal(64)
            vector = near + 0.3 * np.random.default_rng(list(text.encode())).standard_normal(64)
            out.append(vector / np.linalg.norm(vector))
        return np.array(out, dtype=np.float32)


def test_rows_that_mean_the_same_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"{text} tail{i if i < 380 else i - 80}" for i, text in enumerate(sentences(np.random.default_rng(0), 460))]
    document = {"data": {"path": "data.jsonl"}, "split": {"test_size": 0, "valid_size": 0.1}}
    write(tmp_path / "data.jsonl", labelled(texts))
    splits, run = run_split(tmp_path, document)
    monkeypatch.setattr("goodfit.stages.audit.scene.encoder_of", lambda recipe, base: (Fake(), "because"))
    outcome = CHECKS["AUD035"].look(Scene(recipe_of(document), splits, run.screen))
    assert outcome.status == "open"
    assert outcome.evidence[0].value == pytest.approx(0.3, abs=0.1)
    assert outcome.table is not None
    assert outcome.table.schema.names == ["row", "twin", "similarity"]
    assert "the vectors of fake" in outcome.detail
    text = {row["row"]: row["text"] for row in splits.table("train").to_pylist()}
    right = [
        text[a].split()[-1] == text[b].split()[-1] for a, b in zip(outcome.table["row"].to_pylist(), outcome.table["twin"].to_pylist())
    ]
    assert np.mean(right) > 0.9


def test_paraphrases_need_an_encoder_and_rows(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, clean_rows(0, 400, 3), {"audit": LEXICAL})
    assert "no encoder" in (finding(done, "AUD035").reason or "")
    few, _ = audit_rows(tmp_path, clean_rows(0, 100, 3))
    assert "200 training rows" in (finding(few, "AUD035").reason or "")
