"""Each check: what it finds with which numbers, when it keeps still, and what its severity stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.finding import Finding
from goodfit.stages.audit.checks.imbalance import effective_classes
from goodfit.stages.audit.scene import estimate_tokens, label_pairs
from goodfit.stages.audit.surface import surface_of
from tests.stages.audit.make import MULTI, audit_rows, audit_splits, clean_rows, finding
from tests.stages.split.make import LABELS, rows, run_split, write


def said(folder: Path, content: list[dict[str, Any]], code: str, document: dict[str, Any] | None = None) -> Finding:
    done, _ = audit_rows(folder, content, document)
    return finding(done, code)


# -- AUD001, AUD002, AUD009: rows that are lost ---------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "cell"), [("AUD001", {"text": None}), ("AUD002", {"text": " \t"}), ("AUD009", {"label": None})])
@pytest.mark.parametrize(("lost", "severity"), [(1, "note"), (4, "warning"), (120, "error")])
def test_lost_rows(tmp_path: Path, code: str, cell: dict[str, Any], lost: int, severity: str) -> None:
    content = rows(300)
    for i in range(lost):
        content[2 * i + 1] = content[2 * i + 1] | cell
    found = said(tmp_path, content, code)
    assert (found.status, found.severity, found.n_rows, len(found.rows)) == ("open", severity, lost, min(lost, 100))
    assert found.where is not None
    assert (found.where.file, found.where.line, found.where.column) == ("data.jsonl", 2, next(iter(cell)))
    assert found.evidence[0].value == pytest.approx(lost / 300)


def test_unreadable_texts_name_the_encoding(tmp_path: Path) -> None:
    content = rows(300)
    content[4]["text"] = "\ufffd\ufffd\ufffd\ufffd x"
    found = said(tmp_path, content, "AUD002")
    assert found.n_rows == 1
    assert "UTF-8" in found.fix


# -- AUD003: labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "status", "severity"),
    [
        (["billing"] * 150 + ["Billing"] * 50 + ["sales"] * 100, "open", "warning"),
        (["refund issue"] * 150 + ["refundissue"] * 50 + ["sales"] * 100, "open", "warning"),
        (["billing"] * 195 + ["biling"] * 5 + ["sales"] * 100, "open", "warning"),
        (["sign up"] * 100 + ["sign-up"] * 100 + ["sales"] * 100, "open", "note"),
        (["c++"] * 100 + ["c#"] * 100 + ["c"] * 100, "passed", "note"),
        (["-1"] * 100 + ["1"] * 100 + ["0"] * 100, "passed", "note"),
        (["v1.0"] * 195 + ["v10"] * 5 + ["v2"] * 100, "passed", "note"),
        (["typical"] * 100 + ["atypical"] * 100 + ["sales"] * 100, "passed", "note"),
        (["grade 1"] * 100 + ["grade 2"] * 100 + ["grade 3"] * 100, "passed", "note"),
        (["billing"] * 150 + ["sales"] * 150, "passed", "note"),
    ],
    ids=["case", "spaces", "typo", "punctuation", "signs", "two words", "minus", "versions", "numbers", "different"],
)
def test_similar_labels(tmp_path: Path, labels: list[str], status: str, severity: str) -> None:
    content = [row | {"label": label} for row, label in zip(rows(300), labels)]
    found = said(tmp_path, content, "AUD003")
    assert (found.status, found.severity) == (status, severity)
    assert found.fix.startswith("write one name") == (severity == "warning")


# -- AUD004, AUD005: repeats ------------------------------------------------------------------------------------------------


def test_conflicting_labels_largest_group_first(tmp_path: Path) -> None:
    content = rows(400) + [
        {"text": "one", "label": "bug"}, {"text": "One", "label": "sales"},
        {"text": "two two", "label": "bug"}, {"text": "two, two", "label": "bug"}, {"text": "TWO TWO", "label": "sales"},
        {"text": "three", "label": "bug"}, {"text": "three.", "label": "bug"},
    ]  # fmt: skip
    found = said(tmp_path, content, "AUD004")
    assert (found.status, found.severity, found.n_rows) == ("open", "warning", 5)
    assert found.title == "2 texts carry different labels"
    assert found.where is not None
    assert found.where.line == 403
    assert found.evidence[0].value == pytest.approx(5 / 407)
    assert "2 texts (4 rows, 1.0%) the same up to case and spaces; 1 more row of these texts (0.2%)" in found.detail


def test_sets_of_labels_conflict_as_sets(tmp_path: Path) -> None:
    content = [{"text": row["text"], "label": [row["label"]]} for row in rows(200)]
    same = [{"text": "x y", "label": ["bug", "sales"]}, {"text": "x y", "label": ["sales", "bug"]}]
    assert said(tmp_path, content + same, "AUD004", MULTI).status == "passed"
    other = [*same, {"text": "X Y", "label": ["bug"]}]
    assert said(tmp_path, content + other, "AUD004", MULTI).n_rows == 3


@pytest.mark.parametrize(("copies", "severity"), [(3, "note"), (40, "warning")])
def test_duplicates(tmp_path: Path, copies: int, severity: str) -> None:
    content = rows(300)
    content += [content[0]] * copies + [content[9] | {"text": content[9]["text"].upper()}]
    found = said(tmp_path, content, "AUD005")
    assert (found.status, found.severity, found.n_rows) == ("open", severity, copies + 3)
    assert f"{copies} of them are equal character by character, 1 only in this way" in found.detail
    assert found.rows[0].endswith("-2") or found.rows[1].endswith("-2")  # the largest group comes first
    assert found.evidence[0].value == pytest.approx((copies + 1) / (301 + copies))


def test_duplicates_that_were_dropped_are_a_note(tmp_path: Path) -> None:
    content = rows(300)
    found = said(tmp_path, content + content[:60], "AUD005", {"split": {"duplicates": "drop"}})
    assert (found.status, found.severity) == ("open", "note")
    assert "60 of them were dropped" in found.detail


# -- AUD006, AUD007: classes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rare", "status", "severity"), [(6, "open", "warning"), (20, "open", "note"), (100, "passed", "note")])
def test_few_rows(tmp_path: Path, rare: int, status: str, severity: str) -> None:
    content = [row | {"label": "rare" if i < rare else LABELS[i % 2]} for i, row in enumerate(rows(500))]
    found = said(tmp_path, content, "AUD006")
    assert (found.status, found.severity) == (status, severity)
    assert "macro-F1 of 80% will have an interval of about ±" in found.detail
    if status == "open":
        assert f"'rare' {found.n_rows}" in found.detail


@pytest.mark.parametrize(
    ("counts", "status", "severity"),
    [((100, 100, 100), "passed", "note"), ((400, 20, 20), "open", "note"), ((1000, 6, 6), "open", "warning")],
)
def test_imbalance(tmp_path: Path, counts: tuple[int, ...], status: str, severity: str) -> None:
    labels = [name for name, n in zip(LABELS, counts) for _ in range(n)]
    found = said(tmp_path, [row | {"label": y} for row, y in zip(rows(len(labels)), labels)], "AUD007")
    assert (found.status, found.severity) == (status, severity)
    largest = found.evidence[0]
    assert largest.label == "billing"
    assert largest.value == pytest.approx(counts[0] / sum(counts), abs=0.01)


def test_effective_classes_is_the_exponential_of_the_entropy() -> None:
    assert effective_classes(np.array([5, 5, 5, 5])) == pytest.approx(4)
    assert effective_classes(np.array([1])) == pytest.approx(1)
    shares = np.array([0.7, 0.2, 0.1])
    assert effective_classes(np.array([70, 20, 10])) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


# -- AUD008: given splits ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("leaks", "severity"), [(1, "note"), (5, "warning"), (30, "error")])
def test_leakage(tmp_path: Path, leaks: int, severity: str) -> None:
    test = rows(200, seed=2)
    train = rows(300, seed=1) + [row | {"text": row["text"].title()} for row in test[:leaks]]
    write(tmp_path / "train.jsonl", train)
    write(tmp_path / "test.jsonl", test)
    document: dict[str, Any] = {"data": {"train": "train.jsonl", "test": "test.jsonl"}}
    splits, run = run_split(tmp_path, document)
    found = finding(audit_splits(splits, run, document), "AUD008")
    assert (found.status, found.severity, found.n_rows) == ("open", severity, leaks)
    assert found.evidence[0].value == pytest.approx(leaks / 200)
    document["split"] = {"leaks": "drop"}
    splits, run = run_split(tmp_path, document)
    found = finding(audit_splits(splits, run, document), "AUD008")
    assert found.status == "passed"
    assert "were dropped" in found.title


def test_leakage_by_customer_is_counted(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(300, seed=1, customers=50))
    write(tmp_path / "test.jsonl", [row | {"customer": "c7" if i < 30 else f"d{i}"} for i, row in enumerate(rows(200, seed=2))])
    document: dict[str, Any] = {"data": {"train": "train.jsonl", "test": "test.jsonl"}, "split": {"by": "customer"}}
    splits, run = run_split(tmp_path, document)
    found = finding(audit_splits(splits, run, document), "AUD008")
    assert (found.severity, found.n_rows) == ("error", 30)
    assert "30 by their customer" in found.detail


def test_splits_that_were_made_cannot_leak(tmp_path: Path) -> None:
    found = said(tmp_path, rows(100), "AUD008")
    assert found.status == "not_applicable"
    assert found.reason


# -- AUD010: length ---------------------------------------------------------------------------------------------------------


def test_long_texts_per_class(tmp_path: Path) -> None:
    content = rows(300)
    for row in content:
        if row["label"] == "sales":
            row["text"] += " word" * 700
    found = said(tmp_path, content, "AUD010")
    assert (found.status, found.severity) == ("open", "warning")
    assert "'sales' 100.0%" in found.detail
    assert "'bug'" not in found.detail
    assert found.title.startswith("about ")
    assert said(tmp_path, content, "AUD010", {"prepare": {"max_length": 2000}}).status == "passed"
    assert "longer than 2,000 tokens" in said(tmp_path, content, "AUD010", {"prepare": {"max_length": 2000}}).title


def test_tokens_are_estimated_within_reason() -> None:
    import pyarrow as pa

    texts = pa.array(["how do I reset my password?", "今天的天气很好", "", "a" * 480])
    characters = np.array([27, 7, 0, 480], dtype=np.int32)
    assert estimate_tokens(texts, characters).tolist() == [9, 10, 2, 100]


def test_label_pairs_of_a_sliced_list_count_from_its_own_start() -> None:
    import pyarrow as pa

    labels = pa.array([["a"], ["b", "a"], [], ["b"]])
    found, codes = label_pairs(labels.slice(1, 3), pa.array(["a", "b"]))
    assert found.tolist() == [0, 0, 2]
    assert codes.tolist() == [1, 0, 1]


# -- AUD011: the look -------------------------------------------------------------------------------------------------------

PLANTS: dict[str, Any] = {
    "a space at the end": lambda text: text + " ",
    "lower case": lambda text: text.lower(),
    "no punctuation": lambda text: text.rstrip(".!?"),
    "numbers": lambda text: text + " 4711",
    "first word": lambda text: "Dear " + text,
    "length": lambda text: text + " " + text,
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_look_is_found(tmp_path: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    content = clean_rows(3, 600, 3)
    for row in content:
        if row["label"] == "classaaa" and rng.random() < 0.9:
            row["text"] = PLANTS[name](row["text"])
    done, run = audit_rows(tmp_path, content)
    found = finding(done, "AUD011")
    assert found.status == "open"
    assert found.verdict is not None
    assert found.verdict.answer == "better"
    assert found.verdict.difference is not None
    assert found.verdict.difference.level == 0.99
    assert found.rows_file == "audit/AUD011.parquet"
    assert len(pq.read_table(run.path / found.rows_file)) == found.n_rows


def test_a_strong_sign_is_named(tmp_path: Path) -> None:
    content = clean_rows(4, 600, 2)
    for row in content:
        row["text"] = row["text"] + "  x" if row["label"] == "classaaa" else row["text"]
    found = said(tmp_path, content, "AUD011")
    assert found.severity == "warning"
    assert "number of double spaces" in found.detail


def test_a_source_file_gives_itself_away(tmp_path: Path) -> None:
    content = clean_rows(5, 600, 2, topics=False)
    write(tmp_path / "a.jsonl", [row | {"label": "yes"} for row in content[:300]])
    write(tmp_path / "b.jsonl", [row | {"label": "no" if i % 10 else "yes"} for i, row in enumerate(content[300:])])
    document = {"data": {"sources": [{"path": "a.jsonl"}, {"path": "b.jsonl"}]}}
    splits, run = run_split(tmp_path, document)
    found = finding(audit_splits(splits, run, document), "AUD011")
    assert found.severity == "warning"
    assert "source 'a.jsonl'" in found.detail or "source 'b.jsonl'" in found.detail


def test_labels_told_by_words_alone_are_no_artefact(tmp_path: Path) -> None:
    assert said(tmp_path, clean_rows(6, 800, 4), "AUD011").status == "passed"


def test_too_little_data_for_the_look(tmp_path: Path) -> None:
    few = said(tmp_path, rows(150), "AUD011")
    assert few.status == "not_applicable"
    assert str(few.reason).startswith("it takes 200 training rows; there are 10")
    one_customer_each = [row | {"customer": f"c{i % 7}"} for i, row in enumerate(rows(600))]
    assert "clusters" in str(said(tmp_path, one_customer_each, "AUD011", {"split": {"by": "customer"}}).reason)


def test_the_surface_of_equal_texts_is_empty() -> None:
    import pyarrow as pa

    surface = surface_of(pa.array(["same"] * 30), pa.array(["f"] * 30))
    assert surface.features.shape == (30, 0)
