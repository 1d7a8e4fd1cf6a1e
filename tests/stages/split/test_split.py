"""split from file to folder: leak-free, counted, exact, sealed, and clear about what it refuses."""

from __future__ import annotations

import collections
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodfit.data.ids import test_fingerprint as fingerprint_of
from goodfit.data.normalise import normalise_text
from goodfit.data.rows import SealBroken
from goodfit.errors import DataError, RunError
from goodfit.files import read_json
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.schemas import SplitManifest
from goodfit.stages.split import Splits, assign, split
from goodfit.stages.split.groups import LabelSets
from tests.stages.split.make import LABELS, everything, rows, run_split, sides, split_rows, write

# -- the shape of what is written --------------------------------------------------------------------------------------


def test_the_folder_is_as_designed(tmp_path: Path) -> None:
    splits, run = split_rows(tmp_path, rows(400), {"groups": {"kind": {"column": "label"}}})
    table = pq.read_table(run.path / "split" / "assignment.parquet")
    assert table.schema.names == ["row", "split", "fold", "group", "stratum", "at"]
    assert table["fold"].null_count == table.num_rows == 400
    assert set(table["stratum"].to_pylist()) == set(LABELS)
    assert table["at"].to_pylist() == [f"data.jsonl:{i + 1}" for i in range(400)]
    manifest = SplitManifest.model_validate(read_json(run.path / "split" / "manifest.json"))
    assert (manifest.read, manifest.used, manifest.dropped) == (400, 400, {})
    assert manifest.splits == splits.counts == {"train": 280, "valid": 60, "test": 60}
    kinds = manifest.groups["kind"]
    assert {k: sum(v.values()) for k, v in kinds.items()} == {k: sum(v.values()) for k, v in splits.label_counts().items()}
    assert run.record.data == {"fingerprint": splits.data_fingerprint, "rows": 400, "splits": manifest.splits}
    assert run.record.test == {"fingerprint": splits.test_fingerprint, "models_scored": 0}
    assert {f.code for f in run.findings("split")} == {f"SPL{k:03d}" for k in range(1, 11)}


def test_the_handle_gives_rows_in_order(tmp_path: Path) -> None:
    content = rows(300, customers=40)
    splits, run = split_rows(tmp_path, content, {"split": {"by": "customer"}, "groups": {"who": {"column": "customer"}}})
    assert splits.labels == LABELS
    assert splits.clustered
    table = splits.table("train")
    assert table.schema.names == ["row", "text", "label", "group", "weight", "at", "group.who"]
    assert table.schema.field("group").type == pa.int32()
    assert [int(at.split(":")[1]) for at in table["at"].to_pylist()] == sorted(int(at.split(":")[1]) for at in table["at"].to_pylist())
    for row in table.to_pylist():
        line = int(row["at"].split(":")[1])
        assert (row["text"], row["label"], row["group.who"]) == tuple(content[line - 1][k] for k in ("text", "label", "customer"))
    parts = list(splits.batches("train", size=50, columns=("group", "row")))
    assert [b.schema.names for b in parts] == [["group", "row"]] * len(parts)
    assert max(len(b) for b in parts) == 50
    assert [r for b in parts for r in b["row"].to_pylist()] == splits.row_ids("train").to_pylist() == table["row"].to_pylist()
    assert splits.clusters("train").tolist() == table["group"].to_pylist() == [g for b in parts for g in b["group"].to_pylist()]
    by_customer = collections.defaultdict(set)
    for group, who in zip(table["group"].to_pylist(), table["group.who"].to_pylist()):
        by_customer[who].add(group)
    assert all(len(groups) == 1 for groups in by_customer.values())
    wanted = table["row"].to_pylist()[5:2:-1]
    assert splits.take(wanted)["row"].to_pylist() == wanted


def test_test_rows_need_the_key(tmp_path: Path) -> None:
    splits, run = split_rows(tmp_path, rows(200))
    for attempt in (
        lambda: splits.table("test"),
        lambda: next(splits.batches("test")),
        lambda: splits.take(splits.row_ids("test").to_pylist()[:1]),
    ):
        with pytest.raises(SealBroken):
            attempt()
    assert len(splits.row_ids("test")) == 30  # ids tell nothing
    assert splits.test_fingerprint == fingerprint_of(splits.row_ids("test"))
    key = run.unseal("a test of the seal", stage="evaluate")
    assert splits.table("test", key=key).num_rows == 30


# -- leak-free ----------------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    ["Hello, world", "hello world", "HELLO  WORLD!", "a", "A.", "b", "c c", "C-c", "d", "!!!", "???", "😀", "ｅ", "e", "f f", "x y z"]
)
CELLS = st.tuples(TEXTS, st.sampled_from(["p", "q", "r"]), st.sampled_from([None, "1", "2", "3", "4", "5", "6"]))


@given(st.lists(CELLS, min_size=30, max_size=120), st.booleans(), st.integers(0, 3), st.sampled_from(["keep", "drop"]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_and_no_customer_on_two_sides(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str, str | None]], by: bool, seed: int, duplicates: str
) -> None:
    content = [{"text": t, "label": y, "customer": c} for t, y, c in cells] + rows(12, seed=seed, labels=("p", "q"))
    recipe = {"seed": seed, "split": {"by": "customer" if by else None, "duplicates": duplicates}, "groups": {"c": {"column": "customer"}}}
    try:
        splits, run = split_rows(tmp_path_factory.mktemp("leaks"), content, recipe)
    except DataError as error:
        if "too few" in error.message:  # everything is one group, tied by text and customer
            return
        raise
    where: dict[Any, set[str]] = collections.defaultdict(set)
    cluster: dict[Any, set[int]] = collections.defaultdict(set)
    found = everything(splits, run)
    for row in found:
        tokens = [("text", normalise_text(row["text"]) or row["text"])] + ([("by", row["group.c"])] if by and row["group.c"] else [])
        for token in tokens:
            where[token].add(row["split"])
            cluster[token].add(row["group"])
    assert all(len(names) == 1 for names in where.values())
    assert all(len(groups) == 1 for groups in cluster.values())
    manifest = splits.manifest()
    assert manifest["read"] == len(content) == len(found) + sum(manifest["dropped"].values())
    assert manifest["leaks"]["left"] == {
        "by_text": 0, "by_value": 0, "by_near": 0, "text_touches": {"valid": 0, "test": 0}, "value_touches": {"valid": 0, "test": 0},
        "near_touches": {"valid": 0, "test": 0},
    }  # fmt: skip


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    content = rows(500, customers=60)
    first, _ = split_rows(tmp_path / "a", content, {"split": {"by": "customer"}}) if (tmp_path / "a").mkdir() is None else (None, None)
    (tmp_path / "b").mkdir()
    order = np.random.default_rng(1).permutation(len(content))
    second, _ = split_rows(tmp_path / "b", [content[i] for i in order], {"split": {"by": "customer"}})
    assert sides(first) == sides(second)
    assert first.test_fingerprint == second.test_fingerprint


def test_the_seed_decides(tmp_path: Path) -> None:
    content = rows(300)
    made = [sides(split_rows(tmp_path, content, {"seed": seed}, workspace=f"runs{k}")[0]) for k, seed in enumerate((1, 1, 2))]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_a_customer_column_without_any_value_joins_nothing(tmp_path: Path) -> None:
    splits, _ = split_rows(tmp_path, [row | {"customer": None} for row in rows(100)], {"split": {"by": "customer"}})
    assert splits.counts == {"train": 70, "valid": 15, "test": 15}
    assert not splits.clustered


# -- what is not used ---------------------------------------------------------------------------------------------------


def test_every_row_that_is_not_used_has_a_reason(tmp_path: Path) -> None:
    content: list[dict[str, Any]] = rows(120)
    content[3]["text"] = None
    content[7]["text"] = ""
    content[8]["text"] = " \u200b\n"
    content[11]["text"] = "\ufffd\ufffd\ufffd a"
    content[20]["label"] = None
    content[21]["label"] = "  "
    content[22] = {"text": None, "label": None}
    splits, run = split_rows(tmp_path, content)
    assert splits.manifest()["dropped"] == {"missing_text": 2, "empty_text": 2, "unreadable": 1, "missing_label": 2}
    hygiene = [row for row in splits.hygiene_rows().to_pylist() if row["reason"]]
    assert {row["at"]: row["reason"] for row in hygiene} == {
        "data.jsonl:4": "missing_text", "data.jsonl:8": "empty_text", "data.jsonl:9": "empty_text", "data.jsonl:12": "unreadable",
        "data.jsonl:21": "missing_label", "data.jsonl:22": "missing_label", "data.jsonl:23": "missing_text",
    }  # fmt: skip
    finding = next(f for f in run.findings("split") if f.code == "SPL003")
    assert (finding.severity, finding.n_rows, finding.where and finding.where.line) == ("note", 7, 4)
    assert set(finding.rows) == {row["row"] for row in hygiene}


def test_duplicates_drop_keeps_the_first_of_those_that_agree(tmp_path: Path) -> None:
    content = rows(60) + [
        {"text": "Same text", "label": "bug"}, {"text": "same, text!", "label": "bug"}, {"text": "SAME TEXT", "label": "sales"},
        {"text": "same text", "label": "sales"},
    ]  # fmt: skip
    kept, _ = split_rows(tmp_path, content)
    assert kept.manifest()["dropped"] == {}
    assert kept.hygiene()["duplicates"] == {"groups": 1, "rows": 4, "extra": 3, "exact_extra": 0, "largest": 4}
    # "same, text!" keeps its exclamation mark: it may carry the meaning.
    assert kept.hygiene()["conflicts"] == {"groups": 1, "rows": 3, "up_to_punctuation": {"groups": 0, "rows": 0}}
    dropped, _ = split_rows(tmp_path, content, {"split": {"duplicates": "drop"}}, workspace="other")
    assert dropped.manifest()["dropped"] == {"duplicate": 2}
    lost = [row["at"] for row in dropped.hygiene_rows().to_pylist() if row["reason"] == "duplicate"]
    assert lost == ["data.jsonl:62", "data.jsonl:64"]


def test_exact_and_normalised_repeats_are_told_apart(tmp_path: Path) -> None:
    content = rows(60) + [{"text": "ab cd", "label": "bug"}, {"text": "ab cd", "label": "bug"}, {"text": "AB cd", "label": "bug"}]
    splits, _ = split_rows(tmp_path, content)
    assert splits.hygiene()["duplicates"] == {"groups": 1, "rows": 3, "extra": 2, "exact_extra": 1, "largest": 3}
    assert [(r["exact"], r["size"], r["conflict"]) for r in splits.hygiene_rows().to_pylist()] == [
        (True, 3, False),
        (True, 3, False),
        (False, 3, False),
    ]


# -- labels -------------------------------------------------------------------------------------------------------------


def test_labels_are_the_declared_ones_in_their_order(tmp_path: Path) -> None:
    splits, run = split_rows(
        tmp_path, rows(100), {"task": {"text": "text", "label": "label", "labels": ["sales", "bug", "billing", "spam"]}}
    )
    assert splits.labels == ("sales", "bug", "billing", "spam")
    assert splits.label_counts()["spam"] == {"train": 0, "valid": 0, "test": 0}
    finding = next(f for f in run.findings("split") if f.code == "SPL006")
    assert (finding.status, finding.severity) == ("open", "warning")
    assert "'spam'" in finding.detail


def test_a_label_column_of_zeros_only_is_a_class_without_rows(tmp_path: Path) -> None:
    content = [{"text": row["text"], "toxic": i % 2, "never": 0, "threat": i % 3 == 0} for i, row in enumerate(rows(100))]
    splits, run = split_rows(tmp_path, content, {"task": {"text": "text", "label": ["toxic", "never", "threat"], "multi_label": True}})
    assert splits.labels == ("never", "threat", "toxic")
    assert splits.label_counts()["never"] == {"train": 0, "valid": 0, "test": 0}
    finding = next(f for f in run.findings("split") if f.code == "SPL006")
    assert (finding.status, finding.severity) == ("open", "warning")
    assert "'never'" in finding.detail


@pytest.mark.parametrize("given", [False, True])
def test_training_rows_of_one_class_speak_of_given_splits_only_where_there_are_some(given: bool) -> None:
    sides = np.array([0, 0, 2, 2], dtype=np.int8)
    sets = LabelSets(np.array([0, 0, 1, 1]), np.arange(5))
    roles = sides if given else np.full(4, -1, dtype=np.int8)
    look = SimpleNamespace(sets=sets, names=("bug", "sales"), times=None, roles=roles)
    recipe = Recipe.model_validate({"data": {"path": "a.csv"}, "task": {"text": "text", "label": "label"}})
    with pytest.raises(DataError, match="only the class 'bug'") as caught:
        assign._learnable(sides, look, recipe)  # type: ignore[arg-type]
    assert ("given" in caught.value.message) == given


def test_how_the_files_were_read_is_told(tmp_path: Path) -> None:
    _, run = split_rows(tmp_path, rows(60))
    assert next(f for f in run.findings("split") if f.code == "SPL008").status == "passed"
    lines = [json.dumps(row) for row in rows(60)]
    lines[3] = '{"text": "cut \\ud83d", "label": "bug"}'
    lines[7] = '{"text": "twice", "label": "bug", "label": "sales"}'
    (tmp_path / "odd.jsonl").write_text("\n".join(lines))
    _, run = run_split(tmp_path, {"data": {"path": "odd.jsonl"}}, workspace="other")
    finding = next(f for f in run.findings("split") if f.code == "SPL008")
    assert (finding.status, finding.severity) == ("open", "note")
    assert "(first at odd.jsonl:4)" in finding.detail
    assert "(first at odd.jsonl:8)" in finding.detail


def test_an_object_of_splits_is_split_as_given(tmp_path: Path) -> None:
    whole = {"train": rows(60, seed=1), "dev": rows(20, seed=2), "test": rows(30, seed=3)}
    (tmp_path / "all.json").write_text(json.dumps(whole))
    for name, data in {"a": {"path": "all.json"}, "b": {"train": "all.json", "valid": "all.json", "test": "all.json"}}.items():
        splits, _ = run_split(tmp_path, {"data": data}, workspace=name)
        assert splits.counts == {"train": 60, "valid": 20, "test": 30}
        assert [file["path"] for file in splits.manifest()["files"]] == ["all.json"] * 3


def test_conflicts_are_counted_apart_by_what_makes_texts_the_same(tmp_path: Path) -> None:
    content = rows(60) + [
        {"text": "one two", "label": "bug"}, {"text": "One  two", "label": "sales"},
        {"text": "three, four.", "label": "bug"}, {"text": "three four", "label": "sales"}, {"text": "three four", "label": "sales"},
        {"text": "great :)", "label": "bug"}, {"text": "great :(", "label": "sales"},
        {"text": "it is 5", "label": "bug"}, {"text": "it is -5", "label": "sales"},
        {"text": "what is 3/6", "label": "bug"}, {"text": "what is 3*6", "label": "sales"},
        {"text": "really?", "label": "bug"}, {"text": "really!", "label": "sales"},
    ]  # fmt: skip
    splits, _ = split_rows(tmp_path, content)
    assert splits.hygiene()["conflicts"] == {"groups": 1, "rows": 2, "up_to_punctuation": {"groups": 1, "rows": 3}}
    table = splits.hygiene_rows().to_pylist()
    assert [row["at"] for row in table if row["conflict"]] == ["data.jsonl:61", "data.jsonl:62"]
    assert [row["at"] for row in table if row["conflict_punctuation"]] == ["data.jsonl:63", "data.jsonl:64", "data.jsonl:65"]
    assert splits.hygiene()["duplicates"]["groups"] == 6  # the net that nothing leaks through stays wide


def test_some_rows_outside_the_list_are_an_error_finding(tmp_path: Path) -> None:
    content = rows(100)
    content[5]["label"] = "bugg"
    splits, run = split_rows(tmp_path, content, {"fail_on": "never", "task": {"text": "text", "label": "label", "labels": LABELS}})
    assert splits.manifest()["dropped"] == {"unknown_label": 1}
    finding = next(f for f in run.findings("split") if f.code == "SPL004")
    assert (finding.status, finding.severity, finding.n_rows) == ("open", "error", 1)
    assert "'bug'" in finding.fix
    assert splits.hygiene()["unknown_labels"] == {"bugg": 1}


def test_whole_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    splits, _ = split_rows(tmp_path, rows(200, labels=("10", "2", "1")))
    assert splits.labels == ("1", "2", "10")


def test_several_labels_rare_ones_spread(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = []
    for row in rows(600):
        labels = [name for name, p in (("common", 0.8), ("medium", 0.3), ("rare", 0.05)) if rng.random() < p]
        content.append({"text": row["text"], "label": labels})
    splits, run = split_rows(tmp_path, content, {"task": {"text": "text", "label": "label", "multi_label": True}})
    assert splits.labels == ("common", "medium", "rare")
    counts = splits.label_counts()
    for name in splits.labels:
        total = sum(counts[name].values())
        assert abs(counts[name]["test"] - 0.15 * total) <= max(2, 0.03 * total)
    assert counts["rare"]["train"] > 0
    assert splits.table("valid").schema.field("label").type == pa.list_(pa.string())
    empty = sum(not labels for labels in splits.table("train")["label"].to_pylist())
    assert empty > 0  # rows of no label are rows


# -- given splits -------------------------------------------------------------------------------------------------------


def given_files(folder: Path, *, valid: bool = True) -> dict[str, Any]:
    """60 test rows, of which 6 stand (differently written) in train; one validation row in test, one in train."""
    train, test = rows(300, seed=1), rows(60, seed=2)
    for i in range(6):
        train[10 * i] = {"text": test[i]["text"].upper() + " !", "label": test[i]["label"]}
    write(folder / "train.jsonl", train)
    write(folder / "test.jsonl", test)
    data = {"train": "train.jsonl", "test": "test.jsonl"}
    if valid:
        check = rows(80, seed=3)
        check[0], check[1] = dict(test[50]), dict(train[5])
        write(folder / "valid.jsonl", check)
        data["valid"] = "valid.jsonl"
    return data


def test_given_splits_never_move_and_leaks_are_said(tmp_path: Path) -> None:
    splits, run = run_split(tmp_path, {"data": given_files(tmp_path)})
    assert splits.counts == {"train": 300, "valid": 80, "test": 60}
    for row in everything(splits, run):
        assert row["at"].startswith(row["split"])
    finding = next(f for f in run.findings("split") if f.code == "SPL001")
    assert (finding.status, finding.severity, finding.n_rows) == ("open", "note", 8)  # audit judges it
    assert "7 of 60 test rows" in finding.detail
    assert splits.manifest()["leaks"]["left"]["by_text"] == 8


def test_leaks_drop_takes_them_from_the_lower_split(tmp_path: Path) -> None:
    splits, run = run_split(tmp_path, {"data": given_files(tmp_path), "split": {"leaks": "drop"}})
    assert splits.counts == {"train": 293, "valid": 79, "test": 60}
    assert splits.manifest()["dropped"] == {"leak": 8}
    assert splits.manifest()["leaks"]["left"]["by_text"] == 0
    finding = next(f for f in run.findings("split") if f.code == "SPL001")
    assert (finding.severity, finding.n_rows) == ("note", 8)


def test_validation_is_cut_from_train_where_only_test_is_given(tmp_path: Path) -> None:
    splits, run = run_split(tmp_path, {"data": given_files(tmp_path, valid=False), "split": {"valid_size": 0.2}})
    assert splits.counts == {"train": 240, "valid": 60, "test": 60}
    assert all(row["at"].startswith("train") == (row["split"] != "test") for row in everything(splits, run))


def test_customers_in_two_given_splits_are_found(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(300, seed=1, customers=30))
    write(tmp_path / "test.jsonl", [row | {"customer": f"d{i}" if i else "c3"} for i, row in enumerate(rows(120, seed=2))])
    recipe = {"data": {"train": "train.jsonl", "test": "test.jsonl"}, "split": {"by": "customer"}}
    splits, run = run_split(tmp_path, recipe)
    finding = next(f for f in run.findings("split") if f.code == "SPL002")
    assert (finding.status, finding.severity) == ("open", "note")  # 1 of 120 test rows
    assert finding.n_rows == sum(row["customer"] == "c3" for row in rows(300, seed=1, customers=30))


def test_a_folder_of_given_splits_is_respected(tmp_path: Path) -> None:
    given_files(tmp_path)
    splits, run = run_split(tmp_path.parent, {"data": {"path": tmp_path.name}})
    assert splits.counts == {"train": 300, "valid": 80, "test": 60}


# -- by time ------------------------------------------------------------------------------------------------------------


def test_by_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = [row | {"when": f"2024-{1 + int(rng.integers(12)):02d}-{1 + int(rng.integers(28)):02d}"} for row in rows(400)]
    content[9]["when"] = None
    splits, run = split_rows(tmp_path, content, {"split": {"time": "when"}, "groups": {"when": {"column": "when"}}})
    assert splits.manifest()["dropped"] == {"missing_time": 1}
    found = everything(splits, run)
    moments = {name: [row["group.when"] for row in found if row["split"] == name] for name in ("train", "valid", "test")}
    assert max(moments["train"]) < min(moments["valid"]) <= max(moments["valid"]) < min(moments["test"])
    assert splits.counts["test"] == pytest.approx(60, abs=3)
    content[30]["when"] = "soon"
    with pytest.raises(DataError, match=r"data\.jsonl:31: column 'when' holds 'soon'"):
        split_rows(tmp_path, content, {"split": {"time": "when"}})


# -- refused ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "recipe", "words"),
    [
        (rows(1), {}, ("1 usable row", "at least 10")),
        (rows(60, labels=("bug",)), {}, ("only one class", "'bug'")),
        ([row | {"label": f"id{i}"} for i, row in enumerate(rows(50))], {}, ("'label' has 50 different values", "text or an id")),
        (rows(40), {"task": {"text": "text", "label": "label", "labels": [f"k{i}" for i in range(9)]}}, ("billing", "task.labels")),
        (rows(40), {"task": {"text": "text", "label": "label", "labels": [*LABELS, *(f"k{i}" for i in range(60))]}}, ("more classes",)),
        ([row | {"label": None} for row in rows(40)], {}, ("0 usable rows", "40 missing label", "'label'")),
        ([row | {"customer": "c"} for row in rows(40)], {"split": {"by": "customer"}}, ("1 group", "too few")),
        ([{"text": "same", "label": LABELS[i % 3]} for i in range(40)], {}, ("1 group", "too few")),
        (rows(40), {"task": {"text": "text", "label": "lable"}}, ("'lable' not found", "'label'")),
    ],
)  # fmt: skip
def test_data_that_cannot_be_split_is_refused_in_words(
    tmp_path: Path, content: list[dict[str, Any]], recipe: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(DataError) as caught:
        split_rows(tmp_path, content, recipe)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.fix
    assert "data.jsonl" in str(caught.value) or "group" in caught.value.message
    assert not list((tmp_path / "runs").glob("*/split/manifest.json"))


def test_a_given_split_without_usable_rows_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(100))
    write(tmp_path / "test.jsonl", [row | {"label": None} for row in rows(20, seed=5)])
    with pytest.raises(DataError, match="the test split would be empty: all 20 of its rows were dropped \\(20 missing label\\)"):
        run_split(tmp_path, {"data": {"train": "train.jsonl", "test": "test.jsonl"}})


def test_training_rows_of_one_class_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rows(100, labels=("bug",)))
    write(tmp_path / "test.jsonl", rows(60, seed=5))
    with pytest.raises(DataError, match="the training rows have only the class 'bug'"):
        run_split(tmp_path, {"data": {"train": "train.jsonl", "test": "test.jsonl"}})
    content = [row | {"label": "bug" if i < 90 else "sales", "when": i} for i, row in enumerate(rows(100))]
    with pytest.raises(DataError, match="all the oldest rows carry it"):
        split_rows(tmp_path, content, {"split": {"time": "when"}})
    content = [{"text": row["text"], "label": ["bug"] if i > 90 else [], "when": i} for i, row in enumerate(rows(100))]
    with pytest.raises(DataError, match="none of them has a label"):
        split_rows(tmp_path, content, {"split": {"time": "when"}, "task": {"text": "text", "label": "label", "multi_label": True}})


def test_no_test_split_where_none_is_asked_for(tmp_path: Path) -> None:
    splits, run = split_rows(tmp_path, rows(100), {"split": {"test_size": 0}})
    assert splits.counts == {"train": 85, "valid": 15, "test": 0}
    assert splits.test_fingerprint is None
    assert run.record.test is None


# -- read again ---------------------------------------------------------------------------------------------------------


def test_rows_are_read_again_where_the_cache_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "cache"))
    splits, run = split_rows(tmp_path, rows(100))
    before = splits.table("train")
    shutil.rmtree(tmp_path / "cache")
    again = Splits.load(Run.open(run.path))
    assert again.table("train").equals(before)
    shutil.rmtree(tmp_path / "cache")
    write(tmp_path / "data.jsonl", rows(100, seed=9))
    with pytest.raises(RunError, match="has changed since it was split"):
        Splits.load(run).table("train")
    (tmp_path / "data.jsonl").unlink()
    with pytest.raises(RunError, match="cannot be read again"):
        Splits.load(run).table("train")


def test_a_file_is_read_again_the_way_the_recipe_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "cache"))
    lines = [f"{row['label']}~caf\xe9 {row['text']}" for row in rows(80)]
    (tmp_path / "odd.txt").write_bytes(("label~text\n" + "\n".join(lines) + "\n").encode("cp1252"))
    data = {"path": "odd.txt", "format": "csv", "encoding": "cp1252", "delimiter": "~"}
    splits, run = run_split(tmp_path, {"data": data})
    before = splits.table("train")
    assert before["text"][0].as_py().startswith("caf\xe9 ")
    shutil.rmtree(tmp_path / "cache")
    assert Splits.load(run).table("train").equals(before)


def test_a_damaged_cache_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "cache"))
    splits, run = split_rows(tmp_path, rows(100))
    before = splits.table("valid")
    for file in (tmp_path / "cache").rglob("*.arrow"):
        file.write_bytes(file.read_bytes()[:500])
    assert Splits.load(run).table("valid").equals(before)


def test_a_folder_that_is_not_whole_is_not_loaded(tmp_path: Path) -> None:
    _, run = split_rows(tmp_path, rows(60))
    (run.path / "split" / "assignment.parquet").unlink()
    with pytest.raises(FileNotFoundError):
        Splits.load(run)


def test_names_are_shown_as_the_user_wrote_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe's folder is not the current one, nor above it."""
    (tmp_path / "project" / "sub").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    write(tmp_path / "project" / "sub" / "data.jsonl", rows(60))
    monkeypatch.chdir(tmp_path / "elsewhere")
    splits, run = run_split(tmp_path / "project", {"data": {"path": "sub/data.jsonl"}})
    assert splits.table("train", columns=("at",))["at"][0].as_py().startswith("sub/data.jsonl:")
    assert splits.manifest()["files"][0]["path"] == "sub/data.jsonl"
    assert str(tmp_path) not in (run.path / "split" / "manifest.json").read_text()
    monkeypatch.chdir(tmp_path / "project" / "sub")
    shutil.rmtree(os.environ["GOODFIT_CACHE"], ignore_errors=True)
    assert Splits.load(run).table("train", columns=("row", "at")).num_rows == splits.counts["train"]


def test_sources_have_weights(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", rows(60, seed=1))
    write(tmp_path / "b.jsonl", rows(60, seed=2))
    splits, _ = run_split(tmp_path, {"data": {"sources": [{"path": "a.jsonl"}, {"path": "b.jsonl", "weight": 0.25}]}})
    table = splits.table("train")
    assert {(at[:1], weight) for at, weight in zip(table["at"].to_pylist(), table["weight"].to_pylist())} == {("a", 1.0), ("b", 0.25)}
    assert [file["read"] for file in splits.manifest()["files"]] == [60, 60]


def test_an_equal_split_is_reused_and_another_recipe_is_not(tmp_path: Path) -> None:
    splits, run = split_rows(tmp_path, rows(100))
    again, other = split_rows(tmp_path, rows(100), parent=run)
    assert other.record.stages["split"].state == "reused"
    assert other.record.test == run.record.test
    assert again.table("train").equals(splits.table("train"))
    third, changed = split_rows(tmp_path, rows(100), {"split": {"test_size": 0.3}}, parent=run)
    assert changed.record.stages["split"].state == "done"
    assert third.counts["test"] == 30


def test_real_data_banking77(shared: Path, tmp_path: Path) -> None:
    """10,003 rows of 77 classes, with 30 pairs of equal texts."""
    recipe = Recipe.model_validate(
        {"data": {"path": str(shared / "banking77" / "train.csv")}, "task": {"text": "text", "label": "category"}}
    )
    run = Run.create(tmp_path, name="t", recipe_text="{}\n", recipe_hash="b2:0", base=tmp_path)
    splits = split(recipe, run)
    assert splits.counts == {"train": 7003, "valid": 1500, "test": 1500}
    assert all(min(counts.values()) > 0 for counts in splits.label_counts().values())
    assert splits.hygiene()["duplicates"]["rows"] == 60
