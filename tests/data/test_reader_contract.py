"""What every reader owes: the same content gives the same rows, whatever the format; chunks, lines, names are as promised."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data import Columns, Source, open_store, read
from goodfit.data.readers import known_formats, open_table, reader
from goodfit.data.readers.base import Chunk, DataFile, Opened
from goodfit.data.readers.registry import _READERS, _SUFFIXES
from goodfit.errors import DataError
from tests.data.reading import Write, pairs, rows

COLUMNS = Columns(text=("subject", "body"), label=("queue",), groups={"language": "language"}, by="customer", time="day")
LETTERS = list("abc ,;|\t\n\"'\\äß日😀{}[]") + ["word ", "  "]


def _table(n: int = 60) -> list[dict[str, str]]:
    rng = np.random.default_rng(3)
    text = lambda size: "x" + "".join(rng.choice(LETTERS, size=size)) + "y"  # noqa: E731
    return [
        {
            "subject": text(5),
            "body": text(30),
            "queue": f"q{i % 3}",
            "language": "en",
            "customer": f"c{i % 7}",
            "day": f"2026-01-{i % 28 + 1:02d}",
        }
        for i in range(n)
    ]


def _csv(table: list[dict[str, str]], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(table[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode(encoding)


def _jsonl(table: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table).encode()


def _to_bytes(write_to: Callable[[Any], object]) -> bytes:
    out = io.BytesIO()
    write_to(out)
    return out.getvalue()


def _arrow(table: list[dict[str, str]], *, stream: bool) -> bytes:
    whole = pa.Table.from_pylist(table)
    out = io.BytesIO()
    with (pa.ipc.new_stream if stream else pa.ipc.new_file)(out, whole.schema) as writer:
        writer.write_table(whole, max_chunksize=17)
    return out.getvalue()


def _zip(table: list[dict[str, str]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("inner.jsonl", _jsonl(table))
        archive.writestr("__MACOSX/._inner.jsonl", b"junk")
    return out.getvalue()


def _xlsx(table: list[dict[str, str]]) -> bytes:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(list(table[0]))
    for row in table:
        book.active.append(list(row.values()))
    return _to_bytes(book.save)


FORMATS: dict[str, Callable[[list[dict[str, str]]], bytes]] = {
    "a.csv": _csv,
    "semicolon.csv": lambda t: _csv(t, ";"),
    "utf16.csv": lambda t: _csv(t, encoding="utf-16"),
    "a.tsv": lambda t: _csv(t, "\t"),
    "a.jsonl": _jsonl,
    "a.json": lambda t: json.dumps(t, indent=2).encode(),
    "columns.json": lambda t: json.dumps({name: [row[name] for row in t] for name in t[0]}).encode(),
    "a.parquet": lambda t: _to_bytes(lambda out: pq.write_table(pa.Table.from_pylist(t), out, row_group_size=7)),
    "a.arrow": lambda t: _arrow(t, stream=False),
    "stream.arrow": lambda t: _arrow(t, stream=True),
    "a.xlsx": _xlsx,
    "a.csv.gz": lambda t: gzip.compress(_csv(t)),
    "a.jsonl.bz2": lambda t: bz2.compress(_jsonl(t)),
    "a.tsv.xz": lambda t: lzma.compress(_csv(t, "\t")),
    "a.jsonl.zst": lambda t: pa.Codec("zstd").compress(_jsonl(t), asbytes=True),
    "a.zip": _zip,
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_content_gives_the_same_rows(write: Write, name: str) -> None:
    table = _table()
    found = rows(write(name, FORMATS[name](table)), COLUMNS)
    expected = rows(write("expected.jsonl", _jsonl(table)), COLUMNS)
    for row in (*found, *expected):
        del row["at"]
    assert found == expected
    assert found[0]["text"] == f"{table[0]['subject']}\n{table[0]['body']}"
    assert (found[8]["label"], found[8]["by"], found[8]["group.language"], found[8]["time"]) == ("q2", "c1", "en", "2026-01-09")


@pytest.mark.parametrize("name", FORMATS)
def test_the_contract_of_a_reader(write: Write, name: str) -> None:
    path = write(name, FORMATS[name](_table(30)))
    opened = open_table(DataFile(name=path))
    assert opened.columns == ("subject", "body", "queue", "language", "customer", "day")
    for wanted in (None, ("body",), ("queue", "subject")):
        chunks = list(opened.chunks(wanted))
        assert sum(len(chunk.lines) for chunk in chunks) == 30
        assert all(set(chunk.values) == set(wanted or opened.columns) for chunk in chunks)
        assert all(len(cells) == len(chunk.lines) for chunk in chunks for cells in chunk.values.values())
        numbers = [line for chunk in chunks for line in chunk.lines]
        assert numbers == sorted(set(numbers))
        assert numbers[0] >= 1
        done = [chunk.done for chunk in chunks]
        assert done == sorted(done)
        assert opened.total is None or done[-1] <= opened.total
        assert opened.rows in (None, 30)


def test_the_kinds_of_an_arrow_table_are_read_as_text(tmp_path: Path) -> None:
    from datetime import UTC, date, datetime
    from decimal import Decimal

    path = tmp_path / "a.parquet"
    table = pa.table(
        {
            "text": pa.array(["a", "b", "a"]).dictionary_encode(),
            "label": pa.array([1, None, 2], pa.int8()),
            "day": pa.array([date(2026, 5, 1)] * 3),
            "when": pa.array([datetime(2026, 5, 1, 9, 30, tzinfo=UTC)] * 3, pa.timestamp("us", tz="UTC")),
            "price": pa.array([Decimal("1.50")] * 3, pa.decimal128(5, 2)),
            "ok": pa.array([True, False, None]),
            "long": pa.array(["x"] * 3, pa.large_string()),
        }
    )
    pq.write_table(table, path)
    columns = Columns(text=("text", "long"), label=("label",), groups={name: name for name in ("day", "price", "ok")}, time="when")
    found = rows(str(path), columns)
    assert [row["label"] for row in found] == ["1", None, "2"]
    assert found[0]["text"] == "a\nx"
    assert [found[0][f"group.{name}"] for name in ("day", "price", "ok")] == ["2026-05-01", "1.50", "true"]
    assert found[0]["time"] == "2026-05-01T09:30:00+00:00"


def test_class_numbers_whose_names_stand_in_the_metadata(tmp_path: Path) -> None:
    features = {
        "info": {"features": {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}}
    }
    form = pa.schema([("text", pa.string()), ("label", pa.int64())], metadata={"huggingface": json.dumps(features)})
    pq.write_table(pa.table({"text": ["a", "b", "c"], "label": [1, 0, -1]}, schema=form), tmp_path / "a.parquet")
    assert pairs(str(tmp_path / "a.parquet")) == [("a", "pos"), ("b", "neg"), ("c", None)]


def test_a_saved_data_set_is_read_in_the_order_of_its_state(tmp_path: Path, write: Write) -> None:
    for number in (0, 1):
        write(f"saved/data-{number}.arrow", _arrow([{"text": f"t{number}{i}", "label": "x"} for i in range(3)], stream=True))
    files = [{"filename": "data-1.arrow"}, {"filename": "data-0.arrow"}]
    write("saved/state.json", json.dumps({"_data_files": files}))
    found = rows(str(tmp_path / "saved"))
    assert [row["text"] for row in found] == ["t10", "t11", "t12", "t00", "t01", "t02"]
    assert found[0]["at"] == f"{tmp_path}/saved/data-1.arrow:1"


def test_shards_and_patterns_are_one_table(tmp_path: Path, write: Write) -> None:
    for number in (0, 1, 2):
        write(f"shards/train-{number:05d}-of-00003.csv", f"text,label\nt{number},x\n")
    for path in (tmp_path / "shards", tmp_path / "shards/train-*.csv", tmp_path / "shards" / "train-0000[0-2]*.csv"):
        found = rows(str(path))
        assert [row["text"] for row in found] == ["t0", "t1", "t2"]
        assert found[2]["at"] == f"{tmp_path}/shards/train-00002-of-00003.csv:2"
    write("shards/train-00003-of-00003.csv", "text,lable\nt4,x\n")
    with pytest.raises(DataError, match="column 'label' of .*train-00000-of-00003.csv is not in this file"):
        rows(str(tmp_path / "shards"))


def test_a_folder_of_txt_files_per_class(tmp_path: Path, write: Write) -> None:
    write("reviews/neg/b.txt", "bad\nfilm\n")
    write("reviews/neg/a.txt", "größe".encode("cp1252"))
    write("reviews/pos/c.txt", b"\xef\xbb\xbfgood")
    write("reviews/pos/empty.txt", b"")
    write("reviews/readme.txt", "not a row")
    found = rows(str(tmp_path / "reviews"))
    assert [(row["text"], row["label"]) for row in found] == [("größe", "neg"), ("bad\nfilm", "neg"), ("good", "pos"), ("", "pos")]
    assert found[1]["at"] == f"{tmp_path}/reviews/neg/b.txt:1"
    with pytest.raises(DataError, match=r"several parts \(reviews\)"):
        rows(str(tmp_path))


def test_xlsx_cells_and_sheets(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "cover"
    sheet = book.create_sheet("rows")
    for row in (["text", None, "label"], ["a", 1, 1], [None, None, None], [404, 2.5, True], ["c"]):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    assert pairs(str(tmp_path / "a.xlsx")) == [("a", "1"), ("404", "true"), ("c", None)]
    assert [row["at"].rpartition(":")[2] for row in rows(str(tmp_path / "a.xlsx"))] == ["2", "4", "5"]


def test_several_sources_with_weights_are_one_stream(write: Write) -> None:
    first, second = write("a.csv", "text,label\na,x\nb,y\n"), write("b.jsonl", '{"label": "x", "text": "a"}\n')
    sources = [Source(first, weight=0.5), Source(second, weight=2)]
    found = open_store(sources, Columns(text=("text",), label=("label",))).table().to_pylist()
    assert [(row["source"], row["weight"], row["text"]) for row in found] == [(0, 0.5, "a"), (0, 0.5, "b"), (1, 2.0, "a")]
    assert found[2]["row"] == found[0]["row"] + "-2"
    assert found[2]["at"] == f"{second}:1"


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_is_a_number_above_zero(weight: float) -> None:
    with pytest.raises(DataError, match="not a number above 0"):
        Source("a.csv", weight=weight)


def test_another_package_can_bring_a_reader(write: Write) -> None:
    @reader("words", ".words")
    def open_words(file: DataFile) -> Opened:
        words = file.path.read_text().split()

        def chunks(wanted: Any) -> Any:
            yield Chunk({"text": words}, range(1, len(words) + 1))

        return Opened(columns=("text",), chunks=chunks, typed=False)

    try:
        assert "words" in known_formats()
        batches = list(read([Source(write("a.words", "one two"))], Columns(text=("text",))))
        assert batches[0].column("text").to_pylist() == ["one", "two"]
    finally:
        del _READERS["words"], _SUFFIXES[".words"]


def test_hub_data_sets_come_by_their_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    from goodfit.data.discover import discover
    from goodfit.data.fingerprint import data_fingerprint
    from goodfit.data.readers import hub

    class FakeTable:
        """As much of datasets.Dataset as is used."""

        def __init__(self, table: pa.Table, fingerprint: str) -> None:
            self.table = table
            self._fingerprint = fingerprint
            self.features = types.SimpleNamespace(arrow_schema=table.schema)

        def __len__(self) -> int:
            return int(self.table.num_rows)

        def with_format(self, kind: str, columns: list[str] | None = None) -> FakeTable:
            assert kind == "arrow"
            return FakeTable(self.table.select(columns) if columns else self.table, self._fingerprint)

        def iter(self, batch_size: int) -> Any:
            yield from (self.table.slice(i, batch_size) for i in range(0, len(self), batch_size))

    asked: list[tuple[str, str | None]] = []

    def load_dataset(name: str, config: str | None = None) -> dict[str, FakeTable]:
        asked.append((name, config))
        if name == "no/where":
            raise ConnectionError("Couldn't reach the Hub\nlong trace")
        return {split: FakeTable(pa.table({"text": [split], "label": ["x"]}), split) for split in ("train", "validation")}

    hub._load_cached.cache_clear()
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    sources = discover("hub:owner/name:en")
    assert [(source.path, source.split) for source in sources] == [("hub:owner/name:en", "train"), ("hub:owner/name:en", "valid")]
    found = open_store(sources, Columns(text=("text",), label=("label",))).table().to_pylist()
    assert [(row["text"], row["at"]) for row in found] == [("train", "hub:owner/name:en:1"), ("validation", "hub:owner/name:en:1")]
    assert asked == [("owner/name", "en")]
    assert data_fingerprint(sources) != data_fingerprint(sources[:1])
    with pytest.raises(DataError, match="no split for test; it has train, validation"):
        read([Source("hub:owner/name:en", split="test")], Columns(text=("text",)))
    with pytest.raises(DataError, match=r"cannot be loaded \(Couldn't reach the Hub\)") as caught:
        read([Source("hub:no/where")], Columns(text=("text",)))
    assert "long trace" not in str(caught.value)
    hub._load_cached.cache_clear()
