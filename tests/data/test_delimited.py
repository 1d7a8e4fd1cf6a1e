"""csv and tsv: whatever a writer may produce comes back, with the line on which each row begins."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from goodfit.data import Columns, Source, read
from goodfit.data.peek import peek
from goodfit.data.readers.dialect import looks_headless, sniff
from goodfit.errors import DataError
from tests.data.reading import TEXT_LABEL, Write, lines, pairs, rows

# No NUL (refused), no lone surrogates (not UTF-8).
CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)


def _written(table: list[list[str]], **options: str) -> str:
    out = io.StringIO()
    csv.writer(out, **options).writerows(table)  # type: ignore[arg-type]
    return out.getvalue()


def _read_back(content: str, names: tuple[str, ...], suffix: str) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        path.write_bytes(content.encode("utf-8"))
        (source, columns) = Source(str(path)), Columns(text=(names[0],), groups={name: name for name in names[1:]})
        found = [row for batch in read([source], columns) for row in batch.to_pylist()]
    return [[row["text"], *(row[f"group.{name}"] or "" for name in names[1:])] for row in found]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(CELL, CELL), min_size=1, max_size=12),
    st.sampled_from([(",", ".csv"), ("\t", ".tsv"), (";", ".csv"), ("|", ".csv")]),
    st.sampled_from(["\r\n", "\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
)
def test_what_a_csv_writer_writes_comes_back(table: list[tuple[str, str]], form: tuple[str, str], end: str, quoting: int) -> None:
    names = ("the text", "größe")
    content = _written([list(names), *map(list, table)], delimiter=form[0], lineterminator=end, quoting=quoting)
    # Python's writer leaves a lone carriage return unquoted where the line end is "\n"; no reader can tell it from a line end.
    assume(quoting != csv.QUOTE_MINIMAL or end != "\n" or not any("\r" in cell for row in table for cell in row))
    expected = [[text, other if other.strip() else ""] for text, other in table]
    assert _read_back(content, names, form[1]) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=12))
def test_line_numbers_are_those_of_an_editor(table: list[list[str]]) -> None:
    content = _written([["text", "label"]])
    expected = []
    for row in table:
        expected.append(content.count("\n") + 1)
        out = io.StringIO()
        csv.writer(out, quoting=csv.QUOTE_ALL).writerow(row)
        content += out.getvalue()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content.encode())
        assert lines(str(path)) == expected


def test_line_numbers_after_blank_lines_and_line_breaks_in_quotes(write: Write) -> None:
    path = write("a.csv", 'text,label\n\na,x\n"b\n\nc",x\r\n\n"d",x')
    assert lines(path) == [3, 4, 8]
    assert [text for text, _ in pairs(path)] == ["a", "b\n\nc", "d"]
    assert rows(path)[1]["at"] == f"{path}:4"


def test_unicode_line_separators_do_not_end_a_line(write: Write) -> None:
    path = write("a.csv", "text,label\na\u2028b\x85c\x0cd\x1ce,x\nf,y\n")
    assert pairs(path) == [("a\u2028b\x85c\x0cd\x1ce", "x"), ("f", "y")]
    assert lines(path) == [2, 3]


def test_old_mac_line_ends(write: Write) -> None:
    path = write("a.csv", "text,label\ra,x\rb,y\r")
    assert pairs(path) == [("a", "x"), ("b", "y")]
    assert lines(path) == [2, 3]


def test_quotes_that_are_text_in_a_tsv(write: Write) -> None:
    path = write("a.tsv", 'text\tlabel\n"hello\tx\nshe said "no"\ty\n"both"\tz\n')
    assert pairs(path) == [('"hello', "x"), ('she said "no"', "y"), ('"both"', "z")]
    assert "quotes are ordinary characters in this file" in peek(path).notes


def test_quotes_that_quote_in_a_tsv(write: Write) -> None:
    path = write("a.tsv", 'text\tlabel\n"tab\there"\tx\n"two\nlines ""quoted"""\ty\n')
    assert pairs(path) == [("tab\there", "x"), ('two\nlines "quoted"', "y")]
    assert lines(path) == [2, 3]


def test_quotes_that_are_text_far_behind_the_head_of_a_tsv(write: Write) -> None:
    plain = "some words here\tx\n" * 20_000
    assert len(pairs(write("a.tsv", "text\tlabel\n" + plain + '"opened\ty\n' + plain))) == 40_001


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_whatever_the_texts_hold(write: Write, delimiter: str) -> None:
    others = [sign for sign in (",", ";", "|") if sign != delimiter]
    body = "".join(f"text {i} with {' and '.join(others * (i % 3))}{delimiter}x{i % 2}\n" for i in range(50))
    path = write("a.csv", f"text{delimiter}label\n{body}")
    assert peek(path).delimiter == delimiter
    assert len(pairs(path)) == 50


def test_named_columns_decide_where_two_delimiters_fit() -> None:
    head = "a,b;c,d\n1,2;3,4\n"
    assert sniff(head, whole=True, default=",", given=None, wanted=()).delimiter == ","
    assert sniff(head, whole=True, default=",", given=None, wanted=("b;c",)).delimiter == ","
    assert sniff(head, whole=True, default=",", given=None, wanted=("c,d",)).delimiter == ";"


def test_a_space_after_each_delimiter_belongs_to_it(write: Write) -> None:
    assert pairs(write("a.csv", 'text, label\n"a, b", x\n"c", y\n')) == [("a, b", "x"), ("c", "y")]


def test_a_single_column_is_a_table(write: Write) -> None:
    path = write("a.csv", "text\nhello, world\n")
    with pytest.raises(DataError, match="header has 1"):
        rows(path, Columns(text=("text",)))
    assert [row["text"] for row in rows(write("b.csv", 'text\n"hello, world"\nplain\n'), Columns(text=("text",)))] == [
        "hello, world",
        "plain",
    ]


def test_a_file_without_header_is_known_by_a_label_that_comes_back(write: Write) -> None:
    content = "ham\tsee you at five\nspam\twin now\nham\tok\nham\tlate\n"
    path = write("a.tsv", content)
    assert peek(path).names == ("column_1", "column_2")
    assert pairs(path, Columns(text=("column_2",), label=("column_1",)))[0] == ("see you at five", "ham")
    assert lines(path, Columns(text=("column_2",))) == [1, 2, 3, 4]
    assert peek(Source(path, header=True)).names == ("ham", "see you at five")
    assert peek(Source(write("b.csv", "text,label\na,x\nb,y\n"), header=False)).rows == 3


def test_what_does_not_make_a_file_headless() -> None:
    assert not looks_headless([["text", "label"], ["a", "x"], ["b", "x"]], ())
    assert not looks_headless([["label", "text"], ["label", "text"], ["a", "b"], ["label", "text"]], ())  # a header repeated
    assert not looks_headless([["a", "b"], ["a", "c"], ["a", "d"]], ("a", "b"))  # named by the user
    assert looks_headless([["x", "b"], ["x", "c"], ["x", "d"]], ("text",))


def test_chunks_are_bounded_in_rows_and_characters(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.csv", "text,label\n" + "".join(f"{'w' * 100},x\n" for _ in range(300)))
    monkeypatch.setattr("goodfit.data.readers.delimited.CHUNK_ROWS", 128)
    assert [len(b) for b in read([Source(path)], TEXT_LABEL)] == [128, 128, 44]
    monkeypatch.setattr("goodfit.data.readers.delimited.CHUNK_CHARACTERS", 5000)
    assert max(len(b) for b in read([Source(path)], TEXT_LABEL)) < 60
