"""What a path holds: one table, or given splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodfit.data.discover import discover
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
        ("test_suite_cases.csv", None), ("train_clean.tsv", None), ("tested.csv", None), ("data.csv", None), ("testing2.csv", None),
    ],
)  # fmt: skip
def test_roles(name: str, role: str | None) -> None:
    assert role_of(name) == role
