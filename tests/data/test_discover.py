"""What a path holds: one table, or given splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.data.discover import discover
from goodfit.data.peek import peek
from goodfit.data.readers.locate import role_of
from goodfit.errors import DataError
from tests.data.reading import Write


def found(path: Path) -> list[tuple[str, str | None]]:
    return [(str(Path(source.path).relative_to(path)), source.split) for source in discover(str(path))]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train.csv", "test.csv"], [("train.csv", "train"), ("test.csv", "test")]),
        (["train.jsonl.gz", "dev.jsonl.gz", "test.jsonl.gz"], [("train.jsonl.gz", "train"), ("dev.jsonl.gz", "valid"), ("test.jsonl.gz", "test")]),
        (["data/train-00000-of-00002.csv", "data/train-00001-of-00002.csv", "data/validation-00000-of-00001.csv", "README.md"],
         [("data/train-*.csv", "train"), ("data/validation-00000-of-00001.csv", "valid")]),
        (["train/pos/a.txt", "train/neg/b.txt", "test/pos/c.txt", "README"], [("train", "train"), ("test", "test")]),
        (["train/part.csv", "val/part.csv"], [("train", "train"), ("val", "valid")]),
        (["drugsComTrain.tsv", "drugsComTest.tsv"], [("drugsComTrain.tsv", "train"), ("drugsComTest.tsv", "test")]),
        (["part0_train.csv", "part1_train.csv", "part0_test.csv"], [("part*_train.csv", "train"), ("part0_test.csv", "test")]),
        (["a.csv", "b.csv"], [(".", None)]),
        (["pos/a.txt", "neg/b.txt"], [(".", None)]),
    ],
)  # fmt: skip
def test_given_splits_are_known_by_their_names(
    tmp_path: Path, write: Write, names: list[str], expected: list[tuple[str, str | None]]
) -> None:
    for name in names:
        write(f"data set/{name}", "text,label\na,x\n")
    assert found(tmp_path / "data set") == expected


def test_a_file_is_one_source(write: Write) -> None:
    path = write("train.csv", "text,label\na,x\n")
    assert [(source.path, source.split) for source in discover(path)] == [(path, None)]


def test_a_folder_that_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="a folder without data files"):
        discover(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("train.csv", "train"), ("Train.CSV.gz", "train"), ("validation", "valid"), ("dev.tsv", "valid"), ("test-00001-of-00009.parquet", "test"),
        ("train_0.csv", "train"), ("eval.jsonl", "test"), ("training.csv", "train"),
        ("test_suite_cases.csv", "test"), ("train_clean.tsv", "train"), ("drugsComTrain.tsv", "train"), ("my-DEV.v2.csv", "valid"),
        ("testing2.csv", "test"), ("TrainSet.csv", "train"), ("valset.csv", "valid"), ("imdb_test1.jsonl.gz", "test"),
        ("tested.csv", None), ("data.csv", None), ("latest.csv", None), ("train_test_split.csv", None), ("device.csv", None),
    ],
)  # fmt: skip
def test_roles(name: str, role: str | None) -> None:
    assert role_of(name) == role


@pytest.mark.parametrize(
    "names",
    [
        ["train_clean.tsv", "train_noisy.tsv", "dev.tsv", "test.tsv"],
        ["train.csv", "train_more.csv", "test.csv"],
        ["test_suite_cases.csv", "test_suite_annotations.csv", "all_cases.csv"],
    ],
)
def test_training_files_that_are_no_shards_are_not_mixed(tmp_path: Path, write: Write, names: list[str]) -> None:
    for name in names:
        write(f"data/{name}", "text,label\na,x\n" if name.endswith("csv") else "text\tlabel\na\tx\n")
    with pytest.raises(DataError, match="it holds several parts") as caught:
        discover(str(tmp_path / "data"))
    assert all(name in caught.value.message for name in names)


def test_files_that_are_read_as_one_table_are_named(write: Write) -> None:
    folder = str(Path(write("data/a.csv", "text,label\na,x\n")).parent)
    assert peek(folder).notes == ()
    write("data/b.csv", "text,label\nb,y\n")
    assert peek(folder).notes == ("2 files are read as one table: a.csv, b.csv",)


def test_a_folder_of_data_sets_names_all_of_them(tmp_path: Path, write: Write) -> None:
    write("all/hausa/train.tsv", "text\tlabel\na\tx\n")
    write("all/yoruba/train.tsv", "text\tlabel\na\tx\n")
    for name in ("africa", "sport"):
        write(f"all/yoruba/lexicon/{name}.txt", "w\n")
    with pytest.raises(DataError, match="hausa, yoruba"):
        discover(str(tmp_path / "all"))


def test_texts_and_labels_in_two_files_line_by_line(tmp_path: Path, write: Write) -> None:
    for name in ("test_labels", "test_text", "train_labels", "train_text", "mapping"):
        write(f"emotion/{name}.txt", "0\n1\n")
    with pytest.raises(DataError, match="texts and labels in separate txt files") as caught:
        discover(str(tmp_path / "emotion"))
    assert "paste train_text.txt train_labels.txt > train.tsv" in str(caught.value.fix)
