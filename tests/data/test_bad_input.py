"""Every kind of file that cannot be read: the message says what, where (file and line) and what to do; nothing is left behind."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.data import Columns, Source, open_store, read
from goodfit.data import store as store_module
from goodfit.data.cache import root
from goodfit.errors import DataError, MissingExtra, UserError
from tests.data.reading import TEXT_LABEL, Write, pairs, refused, rows


def says(error: DataError, *parts: str, line: int | None = None) -> None:
    text = str(error)
    assert error.place.line == line, text
    for part in parts:
        assert part in text, f"{part!r} is not in: {text}"


def test_a_missing_file_names_the_nearest(write: Write, tmp_path: Path) -> None:
    write("tickets.csv", "text,label\na,x\n")
    says(refused(str(tmp_path / "ticket.csv")), "ticket.csv: no such file or folder", "did you mean", "tickets.csv'")


def test_a_missing_folder_is_said_and_the_hub_form_is_shown() -> None:
    says(refused("no-such-owner/no-such-name"), "there is no folder 'no-such-owner'", "hub:no-such-owner/no-such-name")


def test_an_empty_file(write: Write) -> None:
    says(refused(write("a.csv", "")), "a.csv: it is empty (0 bytes)", "rows in it")
    says(refused(write("b.csv", "\n \n\t\n")), "b.csv: it is empty")
    says(refused(write("c.jsonl", b"\xef\xbb\xbf\n")), "c.jsonl: it is empty")
    says(refused(write("d.csv.gz", gzip.compress(b""))), "it is empty")


def test_a_header_without_rows(write: Write) -> None:
    says(refused(write("a.csv", "text,label\n")), "it has no rows", "at least one row under the header")
    says(refused(write("a.json", "[]")), "it has no rows")
    says(refused(write("b.json", '{"data": []}')), "without rows")


def test_a_folder_without_data(tmp_path: Path, write: Write) -> None:
    write("folder/readme.md", "hello")
    says(refused(str(tmp_path / "folder")), "a folder without data files", "txt files per class")


def test_a_folder_with_given_splits_is_not_mixed(tmp_path: Path, write: Write) -> None:
    for name in ("train.csv", "test.csv"):
        write(f"data/{name}", "text,label\na,x\n")
    says(refused(str(tmp_path / "data")), "several parts", f"train: {tmp_path}/data/train.csv", f"test: {tmp_path}/data/test.csv")


def test_a_folder_of_several_formats(tmp_path: Path, write: Write) -> None:
    write("data/a.csv", "text,label\na,x\n")
    write("data/b.jsonl", '{"text": "a", "label": "x"}\n')
    says(refused(str(tmp_path / "data")), "several formats: a.csv, b.jsonl", "data.sources")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20),
        ("a.jsonl", pickle.dumps({"a": list(range(1000))}, protocol=4)),
        ("a.csv", b"%PDF-1.7 " + os.urandom(5000)),
        ("a.tsv", bytes(3000)),
    ],
    ids=["png", "pickle", "pdf", "zeros"],
)
def test_a_binary_file(write: Write, name: str, content: bytes) -> None:
    error = refused(write(name, content))
    assert "binary" in str(error) or "NUL" in str(error)


def test_parquet_called_csv_is_a_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    pq.write_table(pa.table({"text": ["a"], "label": ["b"]}), path)
    says(refused(str(path)), "binary")


def test_an_unknown_ending(write: Write) -> None:
    says(refused(write("a.docx", "text,label\na,x\n")), "files that end in .docx are not read", "csv, tsv, jsonl")
    says(refused(write("a.xls", b"\xd0\xcf\x11\xe0" + bytes(512))), ".xls are not read", "save it as .xlsx")
    says(refused(write("notes.txt", "one line\nanother line, with a comma\n")), "no columns that can be told apart")


def test_an_unknown_format(write: Write) -> None:
    says(refused(write("a.csv", "text,label\na,x\n"), format="cvs"), "no format called 'cvs'", "did you mean 'csv'?")


def test_a_text_file_whose_content_is_clear_needs_no_ending(write: Write) -> None:
    assert pairs(write("SMSSpamCollection", "text\tlabel\na b\tx\nc, d\ty\n")) == [("a b", "x"), ("c, d", "y")]
    assert pairs(write("rows.txt", '{"text": "a", "label": "x"}\n')) == [("a", "x")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file(write: Write) -> None:
    path = write("a.csv", "text,label\na,x\n")
    Path(path).chmod(0)
    says(refused(path), "cannot be read", "permissions")


def test_a_missing_column_lists_what_there_is(write: Write) -> None:
    path = write("a.csv", "body,queue,Text\na,x,b\n")
    says(refused(path), "column 'text' not found; the file has: 'body', 'queue', 'Text'", "did you mean 'Text'?")
    says(refused(path, Columns(text=("body",), label=("quue",))), "'quue' not found", "did you mean 'queue'?")
    says(refused(path, Columns(text=("body",), label=("queue",), groups={"x": "lang"})), "'lang' not found")


def test_a_missing_column_in_the_second_file_is_said_before_any_row_is_read(write: Write) -> None:
    first, second = write("a.csv", "text,label\na,x\n"), write("b.csv", "text,lable\na,x\n")
    with pytest.raises(DataError, match=r"b\.csv: column 'label' not found.*\n.*did you mean 'lable'"):
        read([Source(first), Source(second)], TEXT_LABEL)


def test_a_wrong_delimiter(write: Write) -> None:
    says(refused(write("a.csv", "text^label\na^x\n")), "'text^label'", "single column", "delimiter: '^'")
    assert pairs(write("b.csv", "text^label\na^x\n"), delimiter="^") == [("a", "x")]
    says(refused(write("c.csv", "text;label\na;x\n"), delimiter=","), "'text;label'", "delimiter: ';'")
    says(refused(write("d.csv", "text,label\na,x\n"), delimiter="::"), "not one character")


def test_ragged_rows_name_the_line_on_which_they_begin(write: Write) -> None:
    head = 'text,label\n"two\nlines",x\n'
    says(refused(write("a.csv", head + "a,b,x\n")), "3 fields where the header has 2", "a comma", "double quotes", line=4)
    says(refused(write("b.csv", head + "\n\nalone\n")), "1 field where the header has 2", "fill in", line=6)


def test_an_unclosed_quote(write: Write) -> None:
    body = "".join(f"row {i},x\n" for i in range(50))
    path = write("a.csv", 'text,label\n"fine",x\n"never closed,x\n' + body)
    says(refused(path), "a quote is opened here and never closed", '""hi""', line=3)


def test_a_quote_that_swallows_rows_is_noticed_at_the_next_quote(write: Write) -> None:
    path = write("a.csv", 'text,label\n"never closed,x\nb,y\nc,"z"\n')
    says(refused(path), "ends in the middle of a field", line=2)


def test_inner_quotes_that_are_not_doubled_are_forgiven_within_one_line(write: Write) -> None:
    assert pairs(write("a.csv", 'text,label\n"He said "hi" to me",x\n')) == [('He said hi" to me"', "x")]


def test_duplicate_and_missing_names(write: Write) -> None:
    says(refused(write("a.csv", "text,label,text\na,x,b\n")), "two columns 'text' (columns 1 and 3)", "its own name", line=1)
    says(refused(write("b.csv", ",,\na,x,b\n")), "the header names no column", line=1)


def test_nameless_columns_are_called_by_their_place(write: Write) -> None:
    path = write("a.csv", ",text,label,,\n0,a,x,,\n1,b,y,,more\n")
    assert pairs(path) == [("a", "x"), ("b", "y")]
    assert [row["text"] for row in rows(path, Columns(text=("column_5",)))] == ["", "more"]


def test_a_nul_byte_names_the_line(write: Write) -> None:
    says(refused(write("a.csv", "text,label\n" + "fine,x\n" * 20 + "a\0b,x\n")), "a NUL byte stands here", line=22)
    says(refused(write("a.jsonl", '{"text": "a", "label": "x"}\n' * 5 + "\0\n")), "NUL", line=6)


def test_a_bare_carriage_return(write: Write) -> None:
    says(refused(write("a.csv", "text,label\nb,y\na\rb,x\n")), "carriage return", "quotes", line=3)
    assert pairs(write("b.csv", "text,label\r\r\na,x\r\r\nb,y\r\r\n")) == [("a", "x"), ("b", "y")]


def test_mixed_encodings_name_the_line(write: Write) -> None:
    good = "text,label\n" + "größe,x\n" * 30
    path = write("a.csv", good.encode() + "café,x\n".encode("latin-1") + b"plain,x\n")
    says(refused(path), "the encodings are mixed", "0xE9 at column 4", "UTF-8", line=32)
    mostly = "text,label\n" + "größe,x\n" * 30
    path = write("b.csv", mostly.encode("latin-1") + "café,x\n".encode())
    says(refused(path), "the encodings are mixed", "30 are not", line=32)


def test_an_encoding_that_cannot_be_told_is_asked_for(write: Write) -> None:
    russian = "text,label\n" + "Как мне вернуть деньги за заказ,возврат\n" * 5
    path = write("a.csv", russian.encode("cp1251"))
    says(refused(path), "its encoding cannot be told", "encoding: cp1251", line=2)
    assert pairs(path, encoding="cp1251")[0] == ("Как мне вернуть деньги за заказ", "возврат")
    says(refused(path, encoding="utf-8"), "this line is not utf-8", line=2)
    says(refused(path, encoding="utf-99"), "no encoding called 'utf-99'")


def test_damaged_archives(write: Write, tmp_path: Path) -> None:
    content = "text,label\n" + "".join(f"row number {i * 7919 % 1000},x\n" for i in range(3000))
    for name, pack in (("a.csv.gz", gzip.compress), ("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress)):
        packed = pack(content.encode())
        says(refused(write(name, packed[: len(packed) // 2])), "damaged or cut off" if "bz2" not in name else "damaged")
    says(refused(write("b.csv.gz", content)), "it is called .gz but is not a gzip file")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", content)
        archive.writestr("b.csv", content)
    says(refused(str(tmp_path / "two.zip")), "holds 2 files (a.csv, b.csv)", "unpack it")


def test_damaged_tables(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a" * 1000] * 500, "label": ["b"] * 500}), path)
    content = path.read_bytes()
    says(refused(write("b.parquet", content[:-20])), "damaged or not a parquet file")
    says(refused(write("d.arrow", b"ARROW1\0\0 not really")), "damaged or not an Arrow file")
    says(refused(write("e.parquet", "text,label\na,b\n")), "not a parquet file")
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), path)
    says(refused(str(path)), "it has no rows")


def test_jsonl_lines_that_are_no_rows(write: Write) -> None:
    good = '{"text": "a", "label": "x"}\n'
    says(refused(write("a.jsonl", good * 3 + '{"text": "b", "la')), "not JSON", "cut off", line=4)
    says(refused(write("b.jsonl", good + "[1, 2]\n")), "a list, not an object", '{"text"', line=2)
    says(refused(write("c.jsonl", '{\n "text": "a"\n}\n')), "not JSON", "put each on one line", line=1)
    says(refused(write("d.jsonl", good + "{'text': 'b'}\n")), "not JSON", "double quotes", line=2)
    says(refused(write("e.jsonl", good + "[" * 100_000 + "\n")), line=2)


def test_json_that_is_no_table(write: Write) -> None:
    says(refused(write("a.json", '[{"text": "a", "label": "x"},\n {"text": "b" "label": "x"}]')), "not JSON", line=2)
    says(refused(write("b.json", '[{"text": "a"},\n {"text": "b')), "cut off", line=2)
    says(refused(write("c.json", '["a", "b"]')), "is text, not an object", '[{"text"', line=1)
    says(refused(write("d.json", '{"text": ["a", "b"], "label": ["x"]}')), "different lengths: 'text' 2, 'label' 1")
    says(refused(write("e.json", '"hello"')), "it is not a table", line=1)
    says(refused(write("f.json", '[{"text": "a"}]\n{"more": 1}')), "something follows", line=2)


def test_a_field_that_changes_its_type_names_row_field_and_both_types(write: Write) -> None:
    good = "".join(json.dumps({"text": f"t{i}", "label": "spam" if i % 2 else "ham"}) + "\n" for i in range(12_344))
    path = write("a.jsonl", good + '{"text": "t", "label": 1}\n')
    says(refused(path), "column 'label' changes its type here: integer (1), while it is text since line 1", "as text", line=12_345)
    path = write("b.jsonl", good + '{"text": 404, "label": "ham"}\n')
    says(refused(path), "column 'text' changes its type here: number (404), while it is text", line=12_345)
    says(refused(write("c.json", '[{"text": "a", "label": 1}, {"text": "b", "label": 1.5}]')), "number (1.5)", "integer", line=1)
    says(refused(write("d.jsonl", '{"text": "a", "label": true}\n{"text": "b", "label": 1}\n')), "integer (1)", "true/false", line=2)


def test_structures_where_text_is_expected(write: Write) -> None:
    says(refused(write("a.jsonl", '{"text": {"a": 1}, "label": "x"}\n')), "column 'text' holds an object", line=1)
    says(refused(write("b.jsonl", '{"text": "a", "label": ["x", "y"]}\n')), "holds a list", "multi_label: true", line=1)


def test_a_field_of_50_megabytes_is_read_and_a_longer_one_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    big = "word " * 10_000_000
    assert len(pairs(write("a.csv", f'text,label\n"{big}",x\nb,y\n'))[0][0]) == 50_000_000
    assert len(pairs(write("a.jsonl", json.dumps({"text": big, "label": "x"}) + "\n"))[0][0]) == 50_000_000
    monkeypatch.setattr("goodfit.data.readers.lines.MAX_ROW", 1000)
    says(refused(write("b.csv", "text,label\nb,y\n" + "a" * 2000 + ",x\n")), "longer than", "one row per line", line=3)


def test_an_extra_that_is_absent_is_named(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'goodfit\[xlsx\]'"):
        open_store([Source(write("a.xlsx", b"PK\x03\x04"))], TEXT_LABEL)
    with pytest.raises(MissingExtra, match=r"pip install 'goodfit\[hub\]'"):
        open_store([Source("hub:owner/name")], TEXT_LABEL)


def test_a_cache_that_cannot_be_written(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = write("blocked", "a file, not a folder")
    monkeypatch.setenv("GOODFIT_CACHE", f"{blocked}/cache")
    with pytest.raises(UserError, match="GOODFIT_CACHE"):
        open_store([Source(write("a.csv", "text,label\na,x\n"))], TEXT_LABEL)


def test_a_full_disk(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    from goodfit.errors import MachineError

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = write("a.csv", "text,label\na,x\n")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(MachineError, match="the disk is full") as caught:
        open_store([Source(path)], TEXT_LABEL)
    assert "GOODFIT_CACHE" in str(caught.value)
    assert caught.value.exit_code == 4
    assert not [p for p in root().rglob("*") if p.is_file()]


def test_what_lies_where_the_data_should_be(write: Write) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    says(refused(write("a.parquet", pointer)), "a Git LFS pointer", "git lfs pull")
    says(refused(write("a.csv", "\n<!DOCTYPE html>\n<html><body>Not found</body></html>")), "a web page", "Raw")


def test_a_file_that_changes_while_it_is_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.csv", "text,label\na,x\n")
    real = store_module.read

    def slow(*args: object, **options: object) -> object:
        batches = list(real(*args, **options))  # type: ignore[arg-type]
        write("a.csv", "text,label\nother,x\n")
        return iter(batches)

    monkeypatch.setattr(store_module, "read", slow)
    says(refused(path), "changed while it was read")


def test_a_write_that_fails_half_way(write: Write, tmp_path: Path) -> None:
    """A limit on the size of files stands for a disk that fills up while rows are written."""
    path = write("a.csv", "text,label\n" + "some words,x\n" * 20_000)
    script = (
        "import resource, signal, sys\n"
        "from goodfit.data import Columns, Source, open_store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "try:\n    open_store([Source(sys.argv[1])], Columns(text=('text',)))\n"
        "except Exception as error:\n    print(type(error).__name__, error.exit_code, error)\n"
    )
    environment = {**os.environ, "GOODFIT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.startswith("MachineError 4 File too large while writing the cache"), done.stdout + done.stderr
    assert "GOODFIT_CACHE" in done.stdout
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_file_whose_name_is_not_utf_8(tmp_path: Path) -> None:
    for label in ("pos", "neg"):
        (tmp_path / "texts" / label).mkdir(parents=True)
        Path(os.fsdecode(os.fsencode(tmp_path / "texts" / label) + b"/\xff.txt")).write_text("a")
    error = refused(str(tmp_path / "texts"))
    assert "the name of the file \\udcff.txt is not UTF-8" in error.message


def test_lines_that_end_in_a_label_behind_a_sign(write: Write) -> None:
    path = write("a.txt", "".join(f"Profit rose by {', ' * (i % 3)}{i} .@{'positive' if i % 2 else 'neutral'}\n" for i in range(30)))
    assert "format: csv, delimiter: '@', header: false" in str(refused(path).fix)
    assert pairs(path, Columns(text=("column_1",), label=("column_2",)), format="csv", delimiter="@", header=False)[1][1] == "positive"
