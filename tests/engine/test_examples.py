"""Examples: columns on disk and in memory say the same, and a folder that exists is whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.engine.examples import Examples, ExamplesWriter
from goodfit.errors import DataError
from tests import tiny


def write(folder: Path, whole: Examples, *, batch: int) -> Examples:
    with ExamplesWriter(folder) as writer:
        for first in range(0, len(whole), batch):
            part = np.arange(first, min(len(whole), first + batch))
            names = whole.row_ids(part)
            writer.append(whole.gather(part), whole.lengths[part], whole.target[part], row=names, weight=whole.weight[part])
    return Examples.load(folder)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_what_is_written_is_read_again(tmp_path: Path, multi_label: bool, batch: int) -> None:
    made = tiny.examples(25, multi_label=multi_label)
    read = write(tmp_path / "e", made, batch=batch)
    assert isinstance(read.input_ids, np.memmap)
    assert read.fingerprint == made.fingerprint
    assert read.n_labels == (3 if multi_label else None)
    for i in (0, 11, 24):
        assert read.ids(i).tolist() == made.ids(i).tolist()
    np.testing.assert_array_equal(read.target, made.target)
    assert read.row_ids([3, 0]) == made.row_ids([3, 0]) == ["row0003", "row0000"]


def test_row_ids_of_different_widths_survive(tmp_path: Path) -> None:
    names = ["a", "9f1c2ab07d33e1a4+swap.12", "ü", "9f1c2ab07d33e1a4-2"]
    with ExamplesWriter(tmp_path / "e") as writer:
        for name in names:
            writer.append([1, 2], [2], [0], row=[name])
    assert Examples.load(tmp_path / "e").row_ids(range(4)) == names


def test_rows_without_tokens_and_no_rows_at_all(tmp_path: Path) -> None:
    with ExamplesWriter(tmp_path / "e") as writer:
        writer.append([5, 6], [0, 2, 0], [0, 1, 0], row=["a", "b", "c"])
    read = Examples.load(tmp_path / "e")
    assert read.gather([0, 1, 2]).tolist() == [5, 6]
    assert read.gather([0]).tolist() == []
    with ExamplesWriter(tmp_path / "none"):
        pass
    assert len(Examples.load(tmp_path / "none")) == 0


def test_an_error_while_writing_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), ExamplesWriter(tmp_path / "e") as writer:
        writer.append([1], [1], [0], row=["a"])
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_writing_again_replaces_the_folder(tmp_path: Path) -> None:
    for label in (0, 1):
        with ExamplesWriter(tmp_path / "e") as writer:
            writer.append([1, 2], [2], [label], row=["a"])
    assert Examples.load(tmp_path / "e").target.tolist() == [1]


@pytest.mark.parametrize("damage", ["missing", "cut", "schema"])
def test_a_damaged_folder_is_refused_with_the_remedy(tmp_path: Path, damage: str) -> None:
    write(tmp_path / "e", tiny.examples(10), batch=4)
    if damage == "missing":
        (tmp_path / "e" / "target.npy").unlink()
    elif damage == "cut":
        data = (tmp_path / "e" / "input_ids.npy").read_bytes()
        (tmp_path / "e" / "input_ids.npy").write_bytes(data[: len(data) // 2])
    else:
        (tmp_path / "e" / "examples.json").write_text('{"schema": "goodfit/examples/0", "rows": 10}')
    with pytest.raises(DataError, match="made again"):
        Examples.load(tmp_path / "e")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=12), st.data())
def test_gather_is_the_rows_one_after_another(lengths: list[int], data: st.DataObject) -> None:
    flat = np.arange(sum(lengths))
    made = Examples.from_arrays(flat, np.concatenate([[0], np.cumsum(lengths)]), np.zeros(len(lengths)))
    picks = data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=10))
    expected = [int(t) for i in picks for t in made.ids(i)]
    assert made.gather(picks).tolist() == expected
    part = made.subset(picks)
    assert part.gather(np.arange(len(picks))).tolist() == expected
    assert part.tokens == len(expected)


def test_the_fingerprint_hears_every_change() -> None:
    made = tiny.examples(9)
    seen = {made.fingerprint, made.subset(range(8)).fingerprint, made.subset([1, 0, *range(2, 9)]).fingerprint}
    seen.add(made.with_weight(np.full(9, 2.0)).fingerprint)
    other = np.array(made.target)
    other[3] = (other[3] + 1) % 3
    seen.add(Examples.from_arrays(made.input_ids, [*made.starts, len(made.input_ids)], other, row=made.row_ids(range(9))).fingerprint)
    assert len(seen) == 5
    assert made.subset(range(9)).fingerprint == made.fingerprint
