"""A cleaned copy: what was decided is done and nothing else, in every format; undone it is the data again, byte for byte or row for row."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goodfit.data.beside import decisions_of
from goodfit.data.decisions import Decision, Decisions
from goodfit.data.fix.ledger import Ledger, ledger_of
from goodfit.data.fix.undo import undo
from goodfit.data.fix.whole import Fixed, Wish, fix
from goodfit.data.source import Columns, Source
from goodfit.data.store import open_store
from goodfit.errors import DataError, UserError
from goodfit.ledger import record
from goodfit.recipe import Data

TEXT = Columns(text=("text",), label=("label",))
EARLY, LATE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


def rows_of(sources: Sequence[Source], columns: Columns = TEXT) -> list[dict[str, Any]]:
    return list(open_store(sources, columns).table().to_pylist())


def said(row: str, action: str, value: Any = None, *, by: str = "anna", time: str = EARLY, line: int = 1) -> Decision:
    return Decision(row, action, value, by, f"because of {row}", time, line)  # type: ignore[arg-type]


def fixed(folder: Path, sources: Sequence[Source], decisions: Sequence[Decision], columns: Columns = TEXT, **more: Any) -> Fixed:
    return fix(
        Wish(tuple(sources), columns, more.pop("labels", None), Decisions(None, decisions), "decisions.jsonl", folder / "runs", **more)
    )


def check(folder: Path, sources: Sequence[Source], decisions: Sequence[Decision], columns: Columns = TEXT, **more: Any) -> Fixed:
    """Fixes; holds the copy against what was decided, and the restored file against the data."""
    before = rows_of(sources, columns)
    out = fixed(folder, sources, decisions, columns, **more)
    told = {d.row: d for d in decisions}
    meant = []
    for row in before:
        decision = told.get(row["row"])
        if decision is None or decision.action == "keep":
            meant.append((row["text"], row["label"]))
        elif decision.action == "relabel":
            meant.append((row["text"], decision.value))
        elif decision.action == "mask":
            meant.append((decision.value if isinstance(decision.value, str) else "\n".join(decision.value.values()), row["label"]))  # type: ignore[union-attr]
    copies = [Source(str(one.copy), **({"header": sources[0].header, "delimiter": sources[0].delimiter, "encoding": sources[0].encoding} if one.copy.suffix in (".csv", ".tsv") else {})) for one in out.files]  # fmt: skip
    after = [(row["text"] or None, row["label"]) for row in rows_of(copies, columns)]
    assert after == [(text or None, label) for text, label in meant]
    for one in out.files:
        restored = undo(one.ledger, out=folder / f"restored-{one.copy.name}", force=True)
        assert restored.records == one.end.records
        assert restored.exact == one.end.exact
    return out


def middle(
    rows: Sequence[Mapping[str, Any]], label: Callable[[str], Any] = lambda name: "bug" if name != "bug" else "sales"
) -> list[Decision]:
    """The first row relabelled, the second dropped, the third kept, the last dropped."""
    return [
        said(rows[0]["row"], "relabel", label(rows[0]["label"]), line=3), said(rows[1]["row"], "drop", line=4), said(rows[2]["row"], "keep"),
        said(rows[-1]["row"], "drop", line=6),
    ]  # fmt: skip


CONTENT = [
    {"text": f"row {i} says {'x' * (i % 3)}", "label": ("billing", "bug", "sales")[i % 3], "note": f"n{i}", "id": i} for i in range(30)
]
CONTENT[4]["text"] = 'He said "hi", and left;\nthen\tcame back'
CONTENT[7]["text"] = "=1+1 é ü ñ"


def as_csv(content: Sequence[Mapping[str, Any]] = CONTENT, **how: Any) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(content[0]), **how)
    writer.writeheader()
    writer.writerows(content)
    return out.getvalue()


TEXTS: dict[str, tuple[str, bytes]] = {
    "csv": ("t.csv", as_csv().encode()),
    "csv, line feeds": ("t.csv", as_csv(lineterminator="\n").encode()),
    "csv, everything quoted": ("t.csv", as_csv(quoting=csv.QUOTE_ALL).encode()),
    "csv, semicolons, mark": ("t.csv", b"\xef\xbb\xbf" + as_csv(delimiter=";").encode()),
    "csv, Western": ("t.csv", as_csv().encode("cp1252")),
    "csv, Western with a gap": ("t.csv", as_csv().replace("é", "é\x81").encode("latin-1")),
    "csv, UTF-16": ("t.csv", as_csv().encode("utf-16")),
    "csv, UTF-16 big end first": ("t.csv", b"\xfe\xff" + as_csv().encode("utf-16-be")),
    "csv, UTF-16 without a mark": ("t.csv", as_csv().encode("utf-16-le")),
    "csv, no end of line": ("t.csv", as_csv(lineterminator="\n").rstrip("\n").encode()),
    "csv, blank lines": ("t.csv", as_csv(lineterminator="\n").replace("\nrow 1", "\n\n\nrow 1").replace("\nrow 2 ", "\n\nrow 2 ").encode() + b"\n\n"),
    "csv, carriage returns": ("t.csv", b"text,label\r" + "".join(f"row {i},{'ab'[i % 2]}ug\r" for i in range(30)).encode()),
    "csv, spaces after commas": ("t.csv", b'text, label, note\n' + b"".join(b'"row %d, x", %s, n\n' % (i, (b"bug", b"sales")[i % 2]) for i in range(30))),
    "tsv": ("t.tsv", as_csv([r | {"text": r["text"].replace("\t", " ")} for r in CONTENT], delimiter="\t").encode()),
    "tsv, quotes are text": ("t.tsv", b"text\tlabel\n" + b"".join(b'"row %d\t%s\n' % (i, (b"bug", b"sales")[i % 2]) for i in range(29)) + b'last " one"\tbug\n'),
    "txt that is csv": ("t.txt", as_csv(CONTENT[8:], lineterminator="\n").encode()),
    "jsonl": ("t.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in CONTENT).encode()),
    "jsonl, escapes, blank lines": ("t.jsonl", "\n\n".join(json.dumps(row, separators=(",", ":")) for row in CONTENT).encode()),
    "jsonl, mark, crlf": ("t.jsonl", b"\xef\xbb\xbf" + "".join(json.dumps(row) + "\r\n" for row in CONTENT).encode()),
    "json that is jsonl": ("t.json", "".join(json.dumps(row) + "\n" for row in CONTENT).encode()),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_text_files_keep_every_other_character_and_come_back_byte_for_byte(tmp_path: Path, name: str) -> None:
    file, content = TEXTS[name]
    path = tmp_path / file
    path.write_bytes(content)
    source = Source(str(path))
    rows = rows_of([source])
    out = check(tmp_path, [source], middle(rows))
    one = out.files[0]
    assert path.read_bytes() == content, "never in place"
    assert one.end.exact
    assert (tmp_path / f"restored-{one.copy.name}").read_bytes() == content
    assert one.end.counts == {"kept": len(rows) - 3, "relabel": 1, "drop": 2}
    lines, copied = content.split(b"\n"), set(one.copy.read_bytes().split(b"\n"))
    if "carriage" not in name and "UTF-16" not in name:
        assert sum(line in copied for line in lines) >= len(lines) - 6, "other lines stand as they stood"


def test_a_file_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("".join(f"row {i},{('bug', 'sales')[i % 2]}\n" for i in range(30)), encoding="utf-8")
    source = Source(str(path), header=False)
    columns = Columns(text=("column_1",), label=("column_2",))
    out = check(tmp_path, [source], middle(rows_of([source], columns)), columns)
    assert (tmp_path / f"restored-{out.files[0].copy.name}").read_bytes() == path.read_bytes()


def test_the_ledger_says_what_where_who_why_and_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "tickets.csv"
    path.write_text(as_csv(lineterminator="\n"), encoding="utf-8")
    rows = rows_of([Source(str(path))])
    out = fixed(tmp_path, [Source(str(path))], middle(rows))
    assert out.files[0].copy == tmp_path / "tickets.clean.csv"
    ledger = Ledger(out.files[0].ledger)
    first, second, third = ledger.entries()
    assert (first.record, first.row, first.at, first.action) == (0, rows[0]["row"], f"{path}:2", "relabel")
    assert first.columns == {"label": ("billing", "bug")}
    assert (first.by, first.reason, first.decision) == ("anna", f"because of {rows[0]['row']}", "decisions.jsonl:3")
    assert first.was == "row 0 says ,billing,n0,0\n"
    assert (second.action, second.was, third.record) == ("drop", "row 1 says x,bug,n1,1\n", 29)
    assert ledger.end.counts == {"kept": 27, "relabel": 1, "drop": 2}
    assert ledger.head.source == str(path)


@pytest.mark.parametrize("packer", [gzip.compress, bz2.compress])
def test_compressed_files_are_written_unpacked(tmp_path: Path, packer: Callable[[bytes], bytes]) -> None:
    path = tmp_path / ("t.csv.gz" if packer is gzip.compress else "t.csv.bz2")
    path.write_bytes(packer(as_csv().encode()))
    out = check(tmp_path, [Source(str(path))], middle(rows_of([Source(str(path))])))
    assert out.files[0].copy.name == "t.clean.csv"
    assert (tmp_path / "restored-t.clean.csv").read_bytes() == as_csv().encode()


@pytest.mark.parametrize("kind", ["list", "columns", "data"])
def test_json_is_written_as_jsonl(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "t.json"
    content = {
        "list": CONTENT,
        "data": {"version": 1, "data": CONTENT},
        "columns": {name: [row[name] for row in CONTENT] for name in CONTENT[0]},
    }
    path.write_text(json.dumps(content[kind], indent=1), encoding="utf-8")
    source = Source(str(path))
    out = check(tmp_path, [source], middle(rows_of([source])))
    assert out.files[0].copy.name == "t.clean.jsonl"
    restored = [json.loads(line) for line in (tmp_path / "restored-t.clean.jsonl").read_text(encoding="utf-8").splitlines()]
    assert restored == CONTENT
    assert not out.files[0].end.exact


def test_xlsx_is_written_as_csv(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["text", "label", "n"])
    for i in range(20):
        sheet.append([f"row {i}\nsecond, line" if i != 5 else None, ("bug", "sales")[i % 2], i])
    book.save(tmp_path / "t.xlsx")
    source = Source(str(tmp_path / "t.xlsx"))
    out = check(tmp_path, [source], middle(rows_of([source])))
    assert out.files[0].copy.name == "t.clean.csv"
    restored = list(csv.DictReader((tmp_path / "restored-t.clean.csv").open(encoding="utf-8", newline="")))
    assert [row["n"] for row in restored] == [str(i) for i in range(20)]


def test_a_folder_of_texts_is_written_as_csv(tmp_path: Path) -> None:
    for i in range(20):
        folder = tmp_path / "texts" / ("bug", "sales")[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.txt").write_text(f"text {i}\nof two lines\n", encoding="utf-8")
    source = Source(str(tmp_path / "texts"))
    out = check(tmp_path, [source], middle(rows_of([source])))
    assert out.files[0].copy == tmp_path / "texts.clean.csv"


ARROW_TABLE = pa.table({
    "text": pa.array([row["text"] for row in CONTENT], pa.large_string()), "label": pa.array([row["label"] for row in CONTENT]).dictionary_encode(),
    "when": pa.array(range(30), pa.timestamp("ns", "UTC")), "blob": pa.array([b"\xff%d" % i for i in range(30)]),
    "nested": pa.array([{"a": [i], "b": None} for i in range(30)]),
})  # fmt: skip


@pytest.mark.parametrize("kind", ["parquet", "arrow", "stream"])
def test_typed_tables_keep_their_types_and_come_back_row_for_row(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("t.parquet" if kind == "parquet" else "t.arrow")
    if kind == "parquet":
        pq.write_table(ARROW_TABLE, path, compression="zstd", row_group_size=7)
    else:
        make = pa.ipc.new_file if kind == "arrow" else pa.ipc.new_stream
        with path.open("wb") as handle, make(handle, ARROW_TABLE.schema) as writer:
            writer.write_table(ARROW_TABLE, max_chunksize=7)
    source = Source(str(path))
    rows = rows_of([source])
    decisions = [
        *middle(rows),
        said(rows[7]["row"], "relabel", "sales" if rows[7]["label"] != "sales" else "bug"),
        said(rows[14]["row"], "drop"),
    ]
    out = check(tmp_path, [source], decisions)
    copy, restored = out.files[0].copy, tmp_path / f"restored-{out.files[0].copy.name}"
    read = pq.read_table if kind == "parquet" else (lambda p: pa.ipc.open_file(pa.memory_map(str(p))).read_all())
    form = pq.read_schema(path) if kind == "parquet" else ARROW_TABLE.schema
    assert read(copy).schema.equals(form, check_metadata=True)
    assert read(restored).combine_chunks().equals(ARROW_TABLE.combine_chunks())
    assert read(restored).schema.equals(form)


def test_class_numbers_of_datasets_stay_numbers(tmp_path: Path) -> None:
    told = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["billing", "bug", "sales"]}, "text": {"_type": "Value"}}}}
    table = pa.table({"text": [f"row {i}" for i in range(20)], "label": pa.array([i % 3 for i in range(20)], pa.int64())})
    table = table.replace_schema_metadata({"huggingface": json.dumps(told)})
    pq.write_table(table, tmp_path / "t.parquet")
    source = Source(str(tmp_path / "t.parquet"))
    rows = rows_of([source])
    assert rows[0]["label"] == "billing"
    out = check(tmp_path, [source], [said(rows[0]["row"], "relabel", "sales"), said(rows[4]["row"], "drop")])
    copy = pq.read_table(out.files[0].copy)
    assert copy["label"].to_pylist()[0] == 2
    assert copy.schema.field("label").type == pa.int64()


def test_numbers_and_truths_stay_what_they_are(tmp_path: Path) -> None:
    for name, cells, value, wanted in (
        ("a", [1, 2], "2", 2),
        ("b", [0.5, 1.5], "1.5", 1.5),
        ("c", [True, False], "false", False),
        ("d", [-1, 0], "0", 0),
    ):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps({"text": f"{name} {i}", "label": cells[i % 2]}) + "\n" for i in range(20)), encoding="utf-8")
        row = rows_of([Source(str(path))])[0]["row"]
        out = check(tmp_path, [Source(str(path))], [said(row, "relabel", value)])
        first = json.loads(out.files[0].copy.read_text(encoding="utf-8").splitlines()[0])["label"]
        assert (first, type(first)) == (wanted, type(wanted))


MULTI: dict[str, tuple[str, Callable[[list[str]], Any]]] = {
    "bars in csv": ("csv", "|".join), "semicolons in csv": ("csv", ";".join), "commas in csv": ("csv", ",".join),
    "lists in csv": ("csv", json.dumps), "lists in jsonl": ("jsonl", list), "bars in jsonl": ("jsonl", "|".join),
}  # fmt: skip


@pytest.mark.parametrize("name", MULTI)
def test_several_labels_in_a_cell_are_written_as_the_file_writes_them(tmp_path: Path, name: str) -> None:
    kind, write = MULTI[name]
    sets = [["bug"], ["bug", "urgent"], ["sales", "urgent"], ["sales"]]
    content = [{"text": f"row {i}", "label": write(sets[i % 4])} for i in range(40)]
    path = tmp_path / f"t.{kind}"
    path.write_text(
        as_csv(content, lineterminator="\n") if kind == "csv" else "".join(json.dumps(row) + "\n" for row in content), encoding="utf-8"
    )
    columns = Columns(text=("text",), label=("label",), multi_label=True)
    rows = rows_of([Source(str(path))], columns)
    decisions = [said(rows[0]["row"], "relabel", ["sales", "urgent"]), said(rows[1]["row"], "drop"), said(rows[2]["row"], "relabel", [])]
    out = check(tmp_path, [Source(str(path))], decisions, columns)
    assert (tmp_path / f"restored-{out.files[0].copy.name}").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_one_column_per_label(tmp_path: Path, kind: str) -> None:
    cells: list[Any] = ["no", "yes"] if kind == "csv" else [0, 1]
    content = [{"text": f"row {i}", "bug": cells[i % 2], "sales": cells[i // 2 % 2]} for i in range(40)]
    path = tmp_path / f"t.{kind}"
    path.write_text(
        as_csv(content, lineterminator="\n") if kind == "csv" else "".join(json.dumps(row) + "\n" for row in content), encoding="utf-8"
    )
    columns = Columns(text=("text",), label=("bug", "sales"), multi_label=True)
    rows = rows_of([Source(str(path))], columns)
    out = check(tmp_path, [Source(str(path))], [said(rows[0]["row"], "relabel", ["sales"]), said(rows[3]["row"], "relabel", [])], columns)
    lines = out.files[0].copy.read_text(encoding="utf-8").splitlines()
    assert lines[1 if kind == "csv" else 0] == ("row 0,no,yes" if kind == "csv" else '{"text": "row 0", "bug": 0, "sales": 1}')


def test_masked_texts_of_one_column_and_of_several(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(as_csv(), encoding="utf-8")
    one, two = Columns(text=("text",), label=("label",)), Columns(text=("note", "text"), label=("label",))
    rows = rows_of([Source(str(path))], one)
    check(tmp_path, [Source(str(path))], [said(rows[4]["row"], "mask", 'He said "***", and left\r\n;')], one)
    rows = rows_of([Source(str(path))], two)
    out = check(tmp_path, [Source(str(path))], [said(rows[3]["row"], "mask", {"note": "***", "text": "row ***"})], two, force=True)
    assert "row ***,billing,***,3" in out.files[0].copy.read_text(encoding="utf-8")


def test_shards_given_splits_and_several_sources_become_a_folder(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    for k in range(3):
        (tmp_path / "parts" / f"p{k}.csv").write_text(as_csv([row | {"text": f"{k} {row['text']}"} for row in CONTENT[:10]]), encoding="utf-8", newline="")  # fmt: skip
    folder = Source(str(tmp_path / "parts"))
    rows = rows_of([folder])
    decisions = [
        said(rows[0]["row"], "drop"),
        said(rows[9]["row"], "drop"),
        said(rows[10]["row"], "relabel", "sales"),
        said(rows[29]["row"], "drop"),
    ]
    out = fixed(tmp_path, [folder], decisions)
    assert out.place == tmp_path / "parts-clean"
    assert [one.copy.name for one in out.files] == ["p0.csv", "p1.csv", "p2.csv"]
    assert [one.end.counts for one in out.files] == [{"kept": 8, "drop": 2}, {"kept": 9, "relabel": 1}, {"kept": 9, "drop": 1}]
    assert len(rows_of([Source(str(out.place))])) == 27, "ledgers beside the copies are no data"
    for k, one in enumerate(out.files):
        undo(one.ledger, out=tmp_path / "back.csv", force=True)
        assert (tmp_path / "back.csv").read_bytes() == (tmp_path / "parts" / f"p{k}.csv").read_bytes()
    given = [Source(str(tmp_path / "parts" / f"p{k}.csv"), split=split) for k, split in enumerate(("train", "valid", "test"))]
    out = fixed(tmp_path, given, decisions, out=tmp_path / "other")
    assert sorted(p.name for p in (tmp_path / "other").iterdir() if p.suffix == ".csv") == ["p0.csv", "p1.csv", "p2.csv"]


def test_exact_duplicates_go_only_where_they_are_asked_for(tmp_path: Path) -> None:
    content = [*CONTENT, CONTENT[0], CONTENT[0] | {"label": "sales"}, CONTENT[1] | {"note": "other"}, CONTENT[2], CONTENT[2]]
    path = tmp_path / "t.csv"
    path.write_text(as_csv(content), encoding="utf-8")
    source, rows = Source(str(path)), rows_of([Source(str(path))])
    with pytest.raises(UserError, match="nothing was decided"):
        fixed(tmp_path, [source], [])
    (tmp_path / "u.csv").write_text(as_csv(), encoding="utf-8")
    with pytest.raises(UserError, match="no row repeats another"):
        fixed(tmp_path, [Source(str(tmp_path / "u.csv"))], [], duplicates=True)
    out = fixed(tmp_path, [source], [], duplicates=True)
    assert out.counts == {"kept": 31, "duplicate": 4}
    entries = list(Ledger(out.files[0].ledger).entries())
    assert [entry.row for entry in entries] == [rows[i]["row"] for i in (30, 32, 33, 34)]
    assert entries[0].reason == f"the same input and label as {rows[0]['row']} ({path}:2)"
    assert entries[0].by == "goodfit:fix"
    assert entries[0].decision is None
    undo(out.files[0].ledger, out=tmp_path / "back.csv")
    assert (tmp_path / "back.csv").read_bytes() == path.read_bytes()
    # A first row that was relabelled is no longer the same.
    out = fixed(tmp_path, [source], [said(rows[0]["row"], "relabel", "bug"), said(rows[2]["row"], "drop")], duplicates=True, force=True)
    assert {e.row: e.action for e in Ledger(out.files[0].ledger).entries()} == {
        rows[0]["row"]: "relabel", rows[2]["row"]: "drop", rows[32]["row"]: "duplicate", rows[34]["row"]: "duplicate",
    }  # fmt: skip


def test_only_people_and_only_before_rows_were_opened(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(as_csv(), encoding="utf-8")
    rows = [row["row"] for row in rows_of([Source(str(path))])]
    record(tmp_path / "runs", test="b2:00", rows=pa.array(rows[:5]), look={"run": "r", "stage": "evaluate", "reason": "x"})
    decisions = [
        said(rows[0], "drop", time=LATE), said(rows[1], "drop"), said(rows[6], "drop", by="model:x"), said(rows[7], "drop", time=LATE),
        said("0" * 16, "drop"), said(rows[8], "drop"), said(rows[8], "keep"),
    ]  # fmt: skip
    out = fixed(tmp_path, [Source(str(path))], decisions)
    assert {e.row for e in Ledger(out.files[0].ledger).entries()} == {rows[1], rows[7]}
    assert out.settled.unknown == 1
    assert dict(out.settled.refused) == {"decided after these rows had been opened": 1, "not decided by a person": 1}
    with pytest.raises(UserError, match="nothing is to be changed"):
        fixed(tmp_path, [Source(str(path))], [said(rows[6], "drop", by="model:x"), said("0" * 16, "drop")], force=True)


def test_a_copy_is_not_mended_twice(tmp_path: Path) -> None:
    """Ids of repeats shift where a row goes: a decision that a copy holds already is not applied to it again."""
    content = [*CONTENT, CONTENT[0]]
    (tmp_path / "t.csv").write_text(as_csv(content), encoding="utf-8")
    rows = rows_of([Source(str(tmp_path / "t.csv"))])
    decision = said(rows[0]["row"], "drop", time="2026-05-01T09:00:00Z")
    (tmp_path / "decisions.jsonl").write_text(json.dumps(decision.to_json()) + "\n", encoding="utf-8")
    data = Data(path=str(tmp_path / "t.csv"))
    out = fix(Wish((Source(str(tmp_path / "t.csv")),), TEXT, None, decisions_of(data, tmp_path)[0], "d", tmp_path / "runs"))
    copy = Data(path=str(out.place))
    assert rows[0]["row"] in [row["row"] for row in rows_of([Source(str(out.place))])], "the repeat has taken its id"
    assert decisions_of(data, tmp_path)[0]
    assert not decisions_of(copy, tmp_path)[0]


# -- what is refused ------------------------------------------------------------------------------------------------------


def test_nothing_is_overwritten_and_never_the_data(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(as_csv(), encoding="utf-8")
    source, decisions = Source(str(path)), middle(rows_of([Source(str(path))]))
    for out, force, what in (
        (path, True, "never changed in place"),
        (tmp_path / "t.jsonl", False, "the copy is a csv file"),
        (tmp_path, True, "the copy is a csv file"),
    ):
        with pytest.raises(UserError, match=what):
            fixed(tmp_path, [source], decisions, out=out, force=force)
    done = fixed(tmp_path, [source], decisions)
    with pytest.raises(UserError, match="there already"):
        fixed(tmp_path, [source], decisions)
    done.files[0].copy.unlink()
    with pytest.raises(UserError, match="ledger.jsonl is there already"):
        fixed(tmp_path, [source], decisions)
    fixed(tmp_path, [source], decisions, force=True)
    assert sorted(p.name for p in tmp_path.iterdir() if not p.is_dir()) == ["t.clean.csv", "t.clean.csv.ledger.jsonl", "t.csv"]
    assert path.read_text(
        encoding="utf-8",
    ) == as_csv().replace("\r\n", "\n")


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(as_csv().encode("cp1252"))
    rows = rows_of([Source(str(path))])
    with pytest.raises(DataError, match="cannot be written in cp1252"):
        fixed(tmp_path, [Source(str(path))], [said(rows[0]["row"], "mask", "█")])
    tabs = tmp_path / "q.tsv"
    tabs.write_bytes(
        b"text\tlabel\n" + b"".join(b'"row %d\t%s\n' % (i, (b"bug", b"sales")[i % 2]) for i in range(29)) + b'last " one"\tbug\n'
    )
    row = rows_of([Source(str(tabs))])[0]["row"]
    with pytest.raises(DataError, match="cannot be written in this file"):
        fixed(tmp_path, [Source(str(tabs))], [said(row, "mask", "a\tb")])
    with pytest.raises(DataError, match="no label of these data"):
        fixed(tmp_path, [Source(str(path))], [said(rows[0]["row"], "relabel", "nope")])
    with pytest.raises(UserError, match="no row would be left"):
        fixed(tmp_path, [Source(str(path))], [said(row["row"], "drop") for row in rows])
    assert not [p for p in tmp_path.iterdir() if "clean" in p.name or p.name.startswith(".goodfit")]


def test_a_copy_that_would_be_read_otherwise_is_not_written(tmp_path: Path) -> None:
    """Whoever drops all rows that show that the file has no header, gets one: that is seen, and said."""
    path = tmp_path / "t.csv"
    path.write_text("".join(f"row {i},{'bug' if i < 20 else 'sales'}\n" for i in range(40)), encoding="utf-8")
    columns = Columns(text=("column_1",), label=("column_2",))
    rows = rows_of([Source(str(path))], columns)
    with pytest.raises(DataError, match="t.clean.csv: the copy (could|would) not be read"):
        fixed(tmp_path, [Source(str(path))], [said(row["row"], "drop") for row in rows[1:20]], columns)
    assert not (tmp_path / "t.clean.csv").exists()


def test_undo_wants_the_copy_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(as_csv(), encoding="utf-8")
    one = fixed(tmp_path, [Source(str(path))], middle(rows_of([Source(str(path))]))).files[0]
    undo(one.ledger)
    assert (tmp_path / "t.restored.csv").read_bytes() == path.read_bytes()
    with pytest.raises(UserError, match="there already"):
        undo(one.ledger)
    with pytest.raises(UserError, match="the copy itself"):
        undo(one.ledger, out=one.copy, force=True)
    with pytest.raises(DataError, match="no ledger"):
        undo(path)
    lines = one.ledger.read_text(encoding="utf-8").splitlines(keepends=True)
    one.ledger.write_text("".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(DataError, match="cut off"):
        undo(one.ledger, force=True)
    one.ledger.write_text("".join([lines[0], lines[1].replace("billing", "belling"), *lines[2:]]), encoding="utf-8")
    with pytest.raises(DataError, match="the ledger was changed"):
        undo(one.ledger, force=True)
    assert (tmp_path / "t.restored.csv").read_bytes() == path.read_bytes(), "a failed undoing leaves what was there"
    one.ledger.write_text("".join(lines), encoding="utf-8")
    one.copy.write_bytes(one.copy.read_bytes() + b"x,bug,n,1\n")
    with pytest.raises(DataError, match="changed since"):
        undo(one.ledger, force=True)
    one.copy.unlink()
    with pytest.raises(UserError, match="not there"):
        undo(one.ledger, force=True)


def test_conversations_lose_rows(tmp_path: Path) -> None:
    from goodfit.data.conversations.reading import Turns

    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"prompt": f"p {i}", "completion": f"c {i}"}) + "\n" for i in range(20)), encoding="utf-8")
    columns = Columns(turns=Turns())
    rows = rows_of([Source(str(path))], columns)
    out = fixed(tmp_path, [Source(str(path))], [said(rows[3]["row"], "drop")], columns)
    assert len(rows_of([Source(str(out.place))], columns)) == 19
    with pytest.raises(DataError, match="is for classification"):
        fixed(tmp_path, [Source(str(path))], [said(rows[3]["row"], "relabel", "x")], columns, force=True)


def test_given_splits_in_one_json_file_become_a_file_each(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"train": CONTENT[:20], "test": CONTENT[20:]}), encoding="utf-8")
    sources = [Source(str(path), split="train"), Source(str(path), split="test")]
    rows = rows_of(sources)
    out = fixed(
        tmp_path,
        sources,
        [said(rows[0]["row"], "drop"), said(rows[25]["row"], "relabel", "sales" if rows[25]["label"] != "sales" else "bug")],
    )
    assert [one.copy.relative_to(tmp_path).as_posix() for one in out.files] == ["clean/t-train.jsonl", "clean/t-test.jsonl"]
    assert [one.end.counts for one in out.files] == [{"kept": 19, "drop": 1}, {"kept": 9, "relabel": 1}]


def test_a_mask_that_the_file_cannot_hold_as_its_kind_is_said_with_the_name_of_the_copy(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps({"text": i, "label": "ab"[i % 2]}) + "\n" for i in range(20)), encoding="utf-8")
    row = rows_of([Source(str(path))])[3]["row"]
    with pytest.raises(DataError, match=r"t.clean.jsonl: the copy could not be read at line 4 .*changes its type"):
        fixed(tmp_path, [Source(str(path))], [said(row, "mask", "***")])
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["t.jsonl"]


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@given(
    st.lists(st.tuples(CELL, st.sampled_from(["bug", "sales", "x, y", 'a "b"'])), min_size=3, max_size=25), st.integers(0, 10**9),
    st.sampled_from([",", ";", "\t"]), st.booleans(), st.sampled_from(["csv", "jsonl"]),
)  # fmt: skip
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_any_decisions_come_back(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]], seed: int, delimiter: str, quoted: bool, kind: str
) -> None:
    import random

    rng, folder = random.Random(seed), tmp_path_factory.mktemp("any")
    content = [{"text": text, "label": label} for text, label in cells]
    path = folder / f"t.{kind}"
    how = {"delimiter": delimiter, "quoting": csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL}
    text = as_csv(content, **how) if kind == "csv" else "".join(json.dumps(row, ensure_ascii=quoted) + "\n" for row in content)
    path.write_bytes(text.encode())
    source = Source(str(path), delimiter=delimiter if kind == "csv" else None, header=True if kind == "csv" else None)
    rows = rows_of([source])
    labels = sorted({row["label"] for row in rows if row["label"]})
    decisions = []
    for row in rows[1:]:
        action = rng.choice(["keep", "drop", "relabel", "none"])
        if action == "relabel":
            decisions.append(said(row["row"], "relabel", rng.choice(labels)))
        elif action != "none":
            decisions.append(said(row["row"], action))
    if not [d for d in decisions if d.action != "keep"]:
        return
    out = check(folder, [source], decisions)
    assert (folder / f"restored-{out.files[0].copy.name}").read_bytes() == path.read_bytes()
    assert ledger_of(out.files[0].copy).is_file()
