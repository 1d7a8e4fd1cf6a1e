"""json and jsonl: the forms in which people keep tables, streamed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data import Columns, Source, open_store, read
from goodfit.data.discover import discover
from goodfit.data.readers import json_text
from goodfit.data.readers.base import DataFile
from goodfit.data.readers.lines import open_text
from tests.data.reading import TEXT_LABEL, Write, lines, pairs, refused

ROWS = [{"text": "a", "label": "x"}, {"text": 'b "q"\n', "label": "y"}, {"text": "", "label": None}]
EXPECTED = [("a", "x"), ('b "q"\n', "y"), ("", None)]
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        {"data": ROWS},
        {"version": 1, "meta": {"by": "me"}, "rows": ROWS, "more": [1, 2]},
        {"text": [row["text"] for row in ROWS], "label": [row["label"] for row in ROWS], "name": "my table"},
        {"text": {str(i): row["text"] for i, row in enumerate(ROWS)}, "label": {str(i): row["label"] for i, row in enumerate(ROWS)}},
    ],
    ids=["list", "data", "rows", "columns", "columns by number"],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_forms_of_json(write: Write, value: object, indent: int | None) -> None:
    assert pairs(write("a.json", json.dumps(value, indent=indent))) == EXPECTED


def test_jsonl_called_json(write: Write) -> None:
    path = write("a.json", "".join(json.dumps(row) + "\n" for row in ROWS))
    assert pairs(path) == EXPECTED
    assert lines(path) == [1, 2, 3]


def test_jsonl_called_json_whose_first_line_is_long(write: Write) -> None:
    path = write("a.json", "".join(json.dumps({"text": "w" * 400_000, "label": label}) + "\n" for label in "xy"))
    assert [label for _, label in pairs(path)] == ["x", "y"]


def test_json_called_jsonl(write: Write) -> None:
    path = write("a.jsonl", json.dumps(ROWS, indent=1))
    assert pairs(path) == EXPECTED
    assert lines(path) == [2, 6, 10]


def test_lines_in_json(write: Write) -> None:
    assert lines(write("a.json", json.dumps(ROWS, indent=1))) == [2, 6, 10]
    assert lines(write("a.jsonl", '\n{"text": "a"}\n\n\n{"text": "b"}\n'), Columns(text=("text",))) == [2, 5]


def test_keys_that_some_rows_lack_are_missing_values(write: Write) -> None:
    path = write("a.jsonl", '{"text": "a"}\n{"label": "x", "more": 1}\n{"text": null, "label": "y"}\n')
    assert pairs(path) == [("a", None), (None, "x"), (None, "y")]


def test_a_column_that_first_appears_late_is_found(write: Write) -> None:
    rows = "".join(json.dumps({"text": f"t{i}"} | ({"label": "x"} if i > 20_000 else {})) + "\n" for i in range(20_010))
    found = pairs(write("a.jsonl", rows))
    assert found[0] == ("t0", None)
    assert found[-1] == ("t20009", "x")


def test_numbers_and_truth_values_are_read_as_their_text_form(write: Write) -> None:
    rows = [{"text": i, "label": bool(i % 2), "g": i / 2} for i in range(3)]
    columns = Columns(text=("text",), label=("label",), groups={"g": "g"})
    path = write("a.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    found = [row for batch in read([Source(path)], columns) for row in batch.to_pylist()]
    assert [(row["text"], row["label"], row["group.g"]) for row in found] == [
        ("0", "false", "0.0"),
        ("1", "true", "0.5"),
        ("2", "false", "1.0"),
    ]


def test_nan_is_a_missing_value(write: Write) -> None:
    assert pairs(write("a.jsonl", '{"text": "a", "label": NaN}\n{"text": "b", "label": "x"}\n')) == [("a", None), ("b", "x")]


def test_whole_and_broken_numbers_may_mix_outside_labels(write: Write) -> None:
    path = write("a.jsonl", '{"text": 1, "label": "x"}\n{"text": 1.5, "label": "x"}\n')
    assert pairs(path) == [("1", "x"), ("1.5", "x")]


@settings(max_examples=80, deadline=None)
@given(st.lists(VALUE, max_size=6), st.sampled_from([None, 1]), st.integers(1, 40))
def test_the_scanner_reads_what_json_reads_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, values: list[object], indent: int | None, block: int
) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), encoding="utf-8")
    file = DataFile(name=str(path), encoding="utf-8")
    text = open_text(file)
    with pytest.MonkeyPatch.context() as patch, text.lines() as opened:
        patch.setattr(json_text, "_BLOCK", block)
        scanner = json_text.Scanner(file, opened)
        assert [value for _, _, value in scanner.items()] == values


def test_a_value_larger_than_a_block_costs_a_few_readings_only(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("a.json", json.dumps([{"text": "w" * 3_000_000, "label": "x"}] * 2))
    monkeypatch.setattr(json_text, "_BLOCK", 1000)
    reads = []
    more = json_text.Scanner._more
    monkeypatch.setattr(json_text.Scanner, "_more", lambda self: reads.append(1) or more(self))
    assert len([*read([Source(path)], TEXT_LABEL)][0]) == 2
    assert len(reads) < 200


def items(n: int, start: int = 0) -> list[dict[str, str]]:
    return [{"text": f"t{i}", "label": "xy"[i % 2]} for i in range(start, start + n)]


def notes(path: str, columns: Columns = TEXT_LABEL) -> tuple[str, ...]:
    return open_store([Source(path)], columns).notes


@pytest.mark.parametrize("indent", [None, 1])
def test_an_object_of_splits_holds_given_splits(write: Write, indent: int | None) -> None:
    path = write(
        "a.json", json.dumps({"label_names": [{"id": 0}], "train": items(5), "validation": items(2, 5), "test": items(3, 7)}, indent=indent)
    )
    sources = discover(path)
    assert [(source.path, source.split) for source in sources] == [(path, "train"), (path, "valid"), (path, "test")]
    assert [row["text"] for batch in read(sources, TEXT_LABEL) for row in batch.to_pylist()] == [f"t{i}" for i in range(10)]
    error = refused(path)
    assert "several parts ('label_names' 1, 'train' 5, 'validation' 2, 'test' 3)" in error.message
    assert f"data: {{train: {path}, valid: {path}, test: {path}}}" in str(error.fix)


def test_a_split_that_an_object_of_splits_lacks(write: Write) -> None:
    error = refused(write("a.json", json.dumps({"train": items(5), "test": items(3, 7)})), split="valid")
    assert "no list for valid" in error.message


@pytest.mark.parametrize(
    ("document", "note"),
    [
        ({"label_names": [{"id": 0}, {"id": 1}], "data": items(4)}, ("read from 'data'; not from 'label_names' 2",)),
        ({"data": items(4), "label_names": [{"id": 0}, {"id": 1}]}, ("read from 'data'; not from 'label_names' 2",)),
        ({"classes": [{"id": 0}], "train": items(4)}, ("read from 'train'; not from 'classes' 1",)),
        ({"license": "x", "rows": items(4)}, ()),
        ({"names": [{"id": 0}], **{key: [row[key] for row in items(4)] for key in ("text", "label")}}, ("read from the columns; not from 'names' 1",)),
    ],
)  # fmt: skip
def test_lists_beside_the_table_are_not_read_as_it_and_are_told(write: Write, document: object, note: tuple[str, ...]) -> None:
    path = write("a.json", json.dumps(document))
    assert [text for text, _ in pairs(path)] == ["t0", "t1", "t2", "t3"]
    assert notes(path) == tuple(f"{path}: {one}" for one in note)


@pytest.mark.parametrize(
    "document",
    [
        {"spam": items(4), "ham": items(3)},
        {"data": items(4), "rows": items(3)},
        {"data": items(4), "test": items(3)},
        {"validation": items(4), "test": items(3)},
        {"train": items(4), "training": items(3), "test": items(3)},
    ],
)
def test_where_it_cannot_be_told_which_list_is_the_table(write: Write, document: dict[str, list[object]]) -> None:
    error = refused(write("a.json", json.dumps(document)))
    assert all(f"{key!r} {len(rows)}" in error.message for key, rows in document.items())


def test_columns_and_a_list_of_objects_of_the_same_length(write: Write) -> None:
    document = {"text": ["a", "b"], "label": ["x", "y"], "meta": [{"id": 0}, {"id": 1}]}
    assert "columns ('text' 2, 'label' 2) and lists of objects ('meta' 2)" in refused(write("a.json", json.dumps(document))).message


def test_a_list_that_stands_twice(write: Write) -> None:
    rows = json.dumps(items(3))
    assert "'data' stands here for the second time" in refused(write("a.json", f'{{"data": {rows},\n "data": {rows}}}')).message


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_half_a_surrogate_pair_is_replaced_and_counted(write: Write, name: str) -> None:
    rows = [
        '{"text": "cut \\ud83d", "label": "x"}',
        '{"text": "whole \\ud83d\\ude00", "label": "\\uDC00y"}',
        '{"t\\ud800": 1, "text": "c", "label": "x"}',
    ]
    path = write(name, "\n".join(rows) if name.endswith("l") else f"[{','.join(rows)}]")
    assert pairs(path) == [("cut \ufffd", "x"), ("whole \U0001f600", "\ufffdy"), ("c", "x")]
    assert [note.partition(":")[0] for note in notes(path)] == ["3 rows"]
    assert f"(first at {path}:1)" in notes(path)[0]
    assert pairs(path, Columns(text=("t\ufffd",)))[2][0] == "1"


def test_a_key_that_stands_twice_in_a_row_is_told(write: Write) -> None:
    path = write("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b", "label": "x", "label": "y"}\n')
    assert pairs(path) == [("a", "x"), ("b", "y")]
    assert notes(path) == (f"1 row: JSON objects hold a key twice: its last value counts (first at {path}:2)",)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt"])
def test_a_number_of_too_many_digits(write: Write, name: str) -> None:
    rows = ['{"text": "a", "label": 1}', '{"text": "b", "label": ' + "7" * 5000 + "}"]
    content = "[" + ",\n".join(rows) + "]" if name == "a.json" else "\n".join(rows) + "\n"
    error = refused(write(name, content))
    assert "more than 4,300 digits" in error.message
    assert error.place is not None
    assert error.place.line == 2
