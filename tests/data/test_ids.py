"""Row ids: what they are made of, what they survive, how repeats are counted."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data import Columns, Source, open_store
from goodfit.data.ids import RowNumbers, format_ids, input_hashes, row_id, test_fingerprint
from tests.data.reading import Write, rows

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


def canonical(row: dict[str, str | None]) -> str:
    """The definition, written down once more with the json module."""
    text = json.dumps(row, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@given(st.dictionaries(st.text(max_size=8), st.none() | st.text(max_size=30), min_size=1, max_size=4))
def test_an_id_is_blake2b_of_canonical_json(row: dict[str, str | None]) -> None:
    assert row_id(row) == canonical(row)


def test_the_known_value() -> None:
    """Ids stand in the artefacts of past runs: this value may never change."""
    assert row_id({"text": "hello"}) == "9afbd3e699735a2f"


def test_ids_survive_relabelling_reordering_and_other_columns(write: Write) -> None:
    columns = Columns(text=("subject", "body"), label=("label",))
    before = rows(write("a.csv", "id,subject,body,label\n1,a,b,x\n2,c,d,y\n3,e,f,z\n"), columns)
    after = rows(write("b.csv", "body,label,subject\nf,other,e\nb,x,a\nd,,c\n"), columns)
    assert {r["text"]: r["row"] for r in before} == {r["text"]: r["row"] for r in after}
    swapped = rows(write("c.csv", "subject,body,label\nb,a,x\n"), columns)
    assert swapped[0]["row"] not in {r["row"] for r in before}


def test_ids_do_not_depend_on_the_order_in_which_columns_are_named(write: Write) -> None:
    path = write("a.csv", "a,b\n1,2\n")
    assert rows(path, Columns(text=("a", "b")))[0]["row"] == rows(path, Columns(text=("b", "a")))[0]["row"] == row_id({"a": "1", "b": "2"})


def test_repeats_are_numbered_in_file_order(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodfit.data.readers.delimited.CHUNK_ROWS", 2)
    path = write("a.csv", "text\nb\na\na\na\nb\n\nc\na\n")
    found = [row["row"] for row in rows(path, Columns(text=("text",)))]
    a, b, c = (row_id({"text": t}) for t in "abc")
    assert found == [b, a, f"{a}-2", f"{a}-3", f"{b}-2", c, f"{a}-4"]


@settings(max_examples=100)
@given(st.lists(st.lists(st.integers(0, 12), max_size=30), max_size=12))
def test_counting_in_batches_is_counting_at_once(batches: list[list[int]]) -> None:
    numbers, seen = RowNumbers(), Counter[int]()
    for batch in batches:
        expected = []
        for value in batch:
            seen[value] += 1
            expected.append(seen[value])
        assert numbers.count(np.array(batch, dtype=np.uint64)).tolist() == expected


def test_counting_a_million_hashes_keeps_few_runs() -> None:
    rng = np.random.default_rng(0)
    numbers = RowNumbers()
    for _ in range(60):
        assert (numbers.count(rng.integers(0, 2**63, 8192).astype(np.uint64)) == 1).all()
    assert len(numbers._runs) <= 12
    assert sum(map(len, numbers._runs)) == 60 * 8192


def test_ids_of_large_numbers_keep_their_leading_zeros() -> None:
    found = format_ids(np.array([0, 1, 2**64 - 1], dtype=np.uint64), np.array([1, 12, 2]))
    assert found.to_pylist() == ["0" * 16, "0" * 15 + "1-12", "f" * 16 + "-2"]
    assert format_ids(np.zeros(0, np.uint64), np.zeros(0, np.int64)).to_pylist() == []


@given(st.lists(TEXT, max_size=20), st.randoms())
def test_the_name_of_a_test_set_does_not_depend_on_order(ids: list[str], random: object) -> None:
    shuffled = list(ids)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected = "b2:" + hashlib.blake2b("\n".join(sorted(ids, key=lambda i: i.encode())).encode(), digest_size=16).hexdigest()
    assert test_fingerprint(ids) == test_fingerprint(pa.chunked_array([shuffled], pa.string())) == expected


def test_missing_input_is_not_empty_input(write: Write) -> None:
    found = rows(write("a.jsonl", '{"text": ""}\n{"text": null}\n{}\n{"text": "x"}\n'), Columns(text=("text",)))
    assert [row["row"] for row in found[:3]] == [row_id({"text": ""}), row_id({"text": None}), row_id({"text": None}) + "-2"]


def test_hashes_of_a_batch_equal_those_of_its_rows() -> None:
    names, columns = ("b", "a"), (["1", None, 'q"'], ["x", "y", "\n"])
    expected = [int(canonical({"b": b, "a": a}), 16) for b, a in zip(*columns)]
    assert input_hashes(names, columns).tolist() == expected


def test_the_store_holds_the_ids(write: Write) -> None:
    store = open_store([Source(write("a.csv", "text\na\na\n"))], Columns(text=("text",)))
    assert store.column("row").to_pylist() == [row_id({"text": "a"}), row_id({"text": "a"}) + "-2"]
