"""The row store: written once per content, memory-mapped, never stale, never half-written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from goodfit.data import Columns, Source, open_store
from goodfit.data.fingerprint import data_fingerprint
from goodfit.data.store import store_fingerprint
from tests.data.reading import TEXT_LABEL, Write, refused

CSV = "text,label,team,lang\n" + "".join(f"row {i},{'ab'[i % 2]},t{i % 3},\n" for i in range(10))


def stored(cache: Path) -> list[Path]:
    return sorted((cache / "rows").glob("*"))


def test_the_columns_of_the_store(write: Write) -> None:
    path = write("a.csv", CSV)
    columns = Columns(text=("text",), label=("label",), groups={"language": "lang"}, by="team", time="team")
    store = open_store([Source(path, weight=2)], columns)
    table = store.table()
    assert table.column_names == ["row", "text", "label", "source", "at", "weight", "group.language", "by", "time"]
    kinds = dict(zip(table.column_names, (str(t) for t in table.schema.types)))
    assert kinds["source"] == "int16"
    assert kinds["weight"] == "float"
    assert table.slice(3, 1).drop_columns("row").to_pylist() == [
        {"text": "row 3", "label": "b", "source": 0, "at": f"{path}:5", "weight": 2.0, "group.language": None, "by": "t0", "time": "t0"}
    ]
    assert len(store) == 10
    assert sum(len(batch) for batch in store.batches(("text",), size=3)) == 10


def test_the_store_is_written_once(write: Write, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(write("a.csv", CSV))
    first = open_store([source], TEXT_LABEL)
    monkeypatch.setattr("goodfit.data.store.read", None)
    assert open_store([source], TEXT_LABEL).table().equals(first.table())
    assert len(stored(cache)) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda s, c: (s, Columns(text=("text", "team"), label=("label",))),
        lambda s, c: (s, Columns(text=("text",), label=("team",))),
        lambda s, c: (s, Columns(text=("text",), label=("label",), by="team")),
        lambda s, c: (Source(s.path, weight=3), c),
        lambda s, c: (Source(s.path, header=False, delimiter=","), Columns(text=("column_1",), label=("column_2",))),
    ],
    ids=["text", "label", "by", "weight", "header"],
)
def test_whatever_changes_the_rows_changes_the_store(
    write: Write, cache: Path, change: Callable[[Source, Columns], tuple[Source, Columns]]
) -> None:
    source = Source(write("a.csv", CSV))
    open_store([source], TEXT_LABEL)
    other_source, other_columns = change(source, TEXT_LABEL)
    assert store_fingerprint([source], TEXT_LABEL) != store_fingerprint([other_source], other_columns)
    open_store([other_source], other_columns)
    assert len(stored(cache)) == 2


def test_a_changed_file_is_read_again(write: Write) -> None:
    source = Source(write("a.csv", CSV))
    times = Path(source.path).stat()
    assert len(open_store([source], TEXT_LABEL)) == 10
    write("a.csv", CSV.replace("row 3", "ROW 3"))
    os.utime(source.path, ns=(times.st_atime_ns, times.st_mtime_ns))  # same size, same time, other content
    assert "ROW 3" in open_store([source], TEXT_LABEL).column("text").to_pylist()


@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"", lambda c: b"x" * len(c)])
def test_a_damaged_store_is_made_again(write: Write, cache: Path, damage: Callable[[bytes], bytes]) -> None:
    source = Source(write("a.csv", CSV))
    whole = open_store([source], TEXT_LABEL).table().to_pylist()
    path = stored(cache)[0]
    path.write_bytes(damage(path.read_bytes()))
    assert open_store([source], TEXT_LABEL).table().to_pylist() == whole


def test_a_store_stays_readable_when_the_cache_is_deleted(write: Write, cache: Path) -> None:
    store = open_store([Source(write("a.csv", CSV))], TEXT_LABEL)
    stored(cache)[0].unlink()
    assert store.column("text").to_pylist()[9] == "row 9"


def test_the_store_lies_in_the_file_not_in_memory(write: Write) -> None:
    path = write("a.csv", "text\n" + "some words and more words\n" * 50_000)
    before = pa.total_allocated_bytes()
    store = open_store([Source(path)], Columns(text=("text",)))
    assert store.table().nbytes > 2_000_000
    assert pa.total_allocated_bytes() - before < 100_000


def test_the_data_fingerprint_is_of_content_only(write: Write, tmp_path: Path) -> None:
    a, b = write("a.csv", CSV), write("other/b.csv", CSV)
    assert data_fingerprint([Source(a)]) == data_fingerprint([Source(b, weight=2)])
    assert data_fingerprint([Source(a)]).startswith("b2:")
    assert len(data_fingerprint([Source(a)])) == 35
    assert data_fingerprint([Source(a), Source(b)]) != data_fingerprint([Source(a)])
    assert data_fingerprint([Source(a, split="train")]) != data_fingerprint([Source(a, split="test")])
    write("texts/pos/1.txt", "good")
    write("texts/neg/2.txt", "bad")
    before = data_fingerprint([Source(str(tmp_path / "texts"))])
    (tmp_path / "texts" / "pos" / "1.txt").rename(tmp_path / "texts" / "neg" / "1.txt")
    assert data_fingerprint([Source(str(tmp_path / "texts"))]) != before


def test_progress_is_told(write: Write) -> None:
    calls: list[tuple[Any, ...]] = []
    source = Source(write("a.csv", CSV))
    open_store([source], TEXT_LABEL, on_progress=lambda *call: calls.append(call))
    texts = {text for _, _, text in calls}
    assert texts == {f"hashing {source.path}", f"reading {source.path}"}
    size = Path(source.path).stat().st_size
    assert [call[:2] for call in calls if call[2].startswith("reading")][-1] == (size, size)


def test_multi_label_cells(write: Write) -> None:
    columns = Columns(text=("text",), label=("labels",), multi_label=True)
    form = "text,labels\na,x|y\nb,x\nc,\nd,y|x|y\ne, y | z \nf,nan\ng,z\n"
    for separator in ("|", ";"):
        store = open_store([Source(write("a.csv", form.replace("|", separator)))], columns)
        assert store.column("label").to_pylist() == [["x", "y"], ["x"], None, ["y", "x"], ["y", "z"], None, ["z"]]
    lists = '{"text": "a", "labels": ["x", "y"]}\n{"text": "b", "labels": []}\n{"text": "c"}\n{"text": "d", "labels": [1, null, "x"]}\n'
    store = open_store([Source(write("a.jsonl", lists))], columns)
    assert store.column("label").to_pylist() == [["x", "y"], [], None, ["1", "x"]]
    quoted = 'text,labels\na,"[\'x\', \'y\']"\nb,"[""x""]"\nc,[]\n'
    assert open_store([Source(write("b.csv", quoted))], columns).column("label").to_pylist() == [["x", "y"], ["x"], []]


def test_a_given_separator_wins(write: Write) -> None:
    path = write("a.csv", 'text,labels\na,"x, y;z"\nb,z\n')
    columns = Columns(text=("text",), label=("labels",), multi_label=True, separator=";")
    assert open_store([Source(path)], columns).column("label").to_pylist() == [["x, y", "z"], ["z"]]


def test_one_column_per_label(write: Write) -> None:
    path = write("a.csv", "text,toxic,threat\na,1,0\nb,0,0\nc,1.0,true\nd,,1\n")
    columns = Columns(text=("text",), label=("toxic", "threat"), multi_label=True)
    assert open_store([Source(path)], columns).column("label").to_pylist() == [["toxic"], [], ["toxic", "threat"], None]


def test_missing_labels_are_rows_without_a_label(write: Write) -> None:
    path = write("a.csv", "text,label\na,\nb,  \nc,nan\nd,NaN\ne,null\nf,None\ng,NA\nh, x \n")
    found = open_store([Source(path)], TEXT_LABEL).column("label").to_pylist()
    assert found == [None, None, None, None, None, "None", "NA", " x "]


def test_unlabelled_rows(write: Write) -> None:
    store = open_store([Source(write("a.csv", "text\na\n"))], Columns(text=("text",)))
    assert store.column("label").to_pylist() == [None]


def test_several_text_columns_are_joined(write: Write) -> None:
    path = write("a.jsonl", '{"a": "x", "b": "y"}\n{"a": "", "b": "y"}\n{"a": null, "b": null}\n{"a": "x"}\n{"a": "", "b": ""}\n')
    store = open_store([Source(path)], Columns(text=("a", "b")))
    assert store.column("text").to_pylist() == ["x\ny", "y", None, "x", ""]


MULTI = Columns(text=("text",), label=("labels",), multi_label=True)


def test_no_separator_where_cells_hold_several_words_is_told(write: Write) -> None:
    path = write("a.csv", "text,labels\na,tech sales billing\nb,tech\nc,sales tech\n")
    store = open_store([Source(path)], MULTI)
    assert store.column("label").to_pylist() == [["tech sales billing"], ["tech"], ["sales tech"]]
    assert len(store.notes) == 1
    assert "each whole cell is taken as one label, such as 'tech sales billing'" in store.notes[0]
    assert open_store([Source(path)], Columns(text=("text",), label=("labels",), multi_label=True, separator=" ")).notes == ()
    assert open_store([Source(write("b.csv", "text,labels\na,tech\nb,sales\n"))], MULTI).notes == ()


def test_notes_are_kept_with_the_rows(write: Write) -> None:
    path = write("a.csv", "text,label\nGröße,x\nTür,y\n".encode("cp1252"))
    first = open_store([Source(path)], TEXT_LABEL)
    assert first.notes == open_store([Source(path)], TEXT_LABEL).notes == (
        f"{path}: not UTF-8: read as cp1252 (Western European); name `encoding` if letters look wrong",
    )  # fmt: skip
    assert first.column("text").to_pylist() == ["Größe", "Tür"]


@pytest.mark.parametrize(
    "rows",
    [
        ['{"text": "a", "labels": [0, 1, 0]}', '{"text": "b", "labels": [1, 0, 1]}'],
        ['{"text": "a", "labels": [0.0, 0.0]}', '{"text": "b", "labels": [1.0, 0.0]}'],
        ['{"text": "a", "labels": [false, true, false]}'],
        ['{"text": "a", "labels": "[0, 1, 0]"}', '{"text": "b", "labels": "[1 1 1]"}'],
    ],
)
def test_vectors_of_zeros_and_ones_are_no_names(write: Write, rows: list[str]) -> None:
    error = refused(write("a.jsonl", "\n".join(rows)), MULTI)
    assert "vectors of" in error.message
    assert "one 0/1 column per label" in str(error.fix)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (['{"text": "a", "labels": [0, 1]}', '{"text": "b", "labels": [1]}'], [["0", "1"], ["1"]]),
        (['{"text": "a", "labels": [0, 1]}', '{"text": "b", "labels": [1, 0]}'], [["0", "1"], ["1", "0"]]),
        (['{"text": "a", "labels": [2, 1, 0]}', '{"text": "b", "labels": [1, 0, 1]}'], [["2", "1", "0"], ["1", "0"]]),
        (['{"text": "a", "labels": ["0", "1", "0"]}'], [["0", "1"]]),
    ],
)
def test_lists_of_class_numbers_are_names(write: Write, rows: list[str], expected: list[list[str]]) -> None:
    assert open_store([Source(write("a.jsonl", "\n".join(rows)))], MULTI).column("label").to_pylist() == expected
