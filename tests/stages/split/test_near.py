"""Near-duplicates stay on one side, are counted, follow their kin into child runs, and never make data that cannot be divided."""

from __future__ import annotations

import collections
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data.near import near_groups
from goodfit.files import read_json
from goodfit.schemas import Hygiene
from goodfit.stages.split.cut import TEST, TRAIN, UNDECIDED, VALID
from goodfit.stages.split.inherit import extend
from goodfit.stages.split.leaks import find_leaks
from goodfit.stages.split.near import largest_group
from tests.data.test_near import dropped, sentences, typo, wrapped
from tests.stages.split.make import LABELS, everything, run_split, sides, split_rows, write

OFF = {"split": {"near_duplicates": False}}


def labelled(texts: list[str], seed: int = 0) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [{"text": text, "label": LABELS[int(rng.integers(3))]} for text in texts]


def with_edits(n: int, edited: int, seed: int = 0) -> list[dict[str, Any]]:
    """n different rows, and edits of the first ones under the same label."""
    rng = np.random.default_rng(seed)
    content = labelled(sentences(rng, n))
    kinds = (typo, dropped, wrapped)
    return content + [row | {"text": kinds[i % 3](rng, row["text"])} for i, row in enumerate(content[:edited])]


def test_near_duplicates_stand_on_one_side_in_one_group(tmp_path: Path) -> None:
    content = with_edits(300, 90)
    splits, run = split_rows(tmp_path, content)
    found = {int(row["at"].split(":")[1]) - 1: row for row in everything(splits, run)}
    for i in range(90):
        assert found[i]["split"] == found[300 + i]["split"]
        assert found[i]["group"] == found[300 + i]["group"]
    assert splits.manifest()["clusters"] == {"n": 300, "largest": 2, "rows_in_larger_than_one": 180}
    assert splits.clustered
    hygiene = Hygiene.model_validate(read_json(run.path / "split" / "hygiene.json"))
    assert hygiene.near_duplicates is not None
    assert hygiene.near_duplicates.model_dump() == {"groups": 90, "rows": 180, "extra": 90, "largest": 2, "not_kept_together": 0}
    assert splits.hygiene()["leaks"]["left"]["by_near"] == 0
    table = [row for row in splits.hygiene_rows().to_pylist() if row["near"] is not None]
    assert len(table) == 180
    assert all(row["near_size"] == 2 and row["twin"] and not row["near_conflict"] for row in table)


def test_without_near_duplicates_they_are_divided_by_chance(tmp_path: Path) -> None:
    content = with_edits(300, 90)
    splits, run = split_rows(tmp_path, content, OFF)
    found = {int(row["at"].split(":")[1]) - 1: row["split"] for row in everything(splits, run)}
    assert sum(found[i] != found[300 + i] for i in range(90)) > 15
    assert splits.hygiene()["near_duplicates"] == {"groups": 0, "rows": 0, "extra": 0, "largest": 0, "not_kept_together": 0}
    assert not splits.clustered


def test_near_duplicates_with_other_labels_are_told_with_their_twin(tmp_path: Path) -> None:
    content = with_edits(200, 30)
    for i in range(10):
        content[200 + i]["label"] = LABELS[(LABELS.index(content[i]["label"]) + 1) % 3]
    splits, run = split_rows(tmp_path, content)
    assert splits.hygiene()["near_conflicts"] == {"groups": 10, "rows": 20}
    at = {row["row"]: int(row["at"].split(":")[1]) - 1 for row in splits.hygiene_rows().to_pylist()}
    for row in splits.hygiene_rows().to_pylist():
        if row["near_conflict"]:
            assert abs(at[row["row"]] - at[row["twin"]]) == 200


def test_given_splits_share_near_duplicates(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    test = labelled(sentences(rng, 60))
    train = labelled(sentences(rng, 300)) + [row | {"text": typo(rng, row["text"])} for row in test[:12]] + [dict(test[20])]
    write(tmp_path / "train.jsonl", train)
    write(tmp_path / "test.jsonl", test)
    document: dict[str, Any] = {"data": {"train": "train.jsonl", "test": "test.jsonl"}, "split": {"valid_size": 0.1}}
    splits, run = run_split(tmp_path, document)
    left = splits.manifest()["leaks"]["left"]
    assert (left["by_near"], left["by_text"]) == (12, 1)
    assert left["near_touches"] == {"valid": 0, "test": 12}
    leaking = [row["at"] for row in splits.hygiene_rows().to_pylist() if row["near_leak"]]
    assert len([at for at in leaking if at.startswith("train")]) == 12
    assert len([at for at in leaking if at.startswith("test")]) == 12
    document["split"]["leaks"] = "drop"
    splits, run = run_split(tmp_path, document)
    assert splits.manifest()["dropped"] == {"leak": 13}
    assert splits.manifest()["leaks"]["left"]["by_near"] == 0
    assert splits.counts["test"] == 60


# -- templates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 50, 400])
def test_rows_of_one_template_can_be_divided(tmp_path: Path, n: int) -> None:
    content = [{"text": f"my order number {1000 + 37 * i} has not arrived yet, where is it", "label": LABELS[i % 3]} for i in range(n)]
    splits, _ = split_rows(tmp_path, content)
    assert abs(splits.counts["test"] - 0.15 * n) <= 1
    templates = splits.hygiene()["templates"]
    assert templates["by_numbers"] == n
    assert templates["rows"] == n


def test_a_group_of_near_duplicates_is_bounded() -> None:
    assert [largest_group(n) for n in (10, 50, 100, 400, 1000, 100_000)] == [2, 12, 20, 20, 50, 5000]


def test_the_usual_sentences_of_many_customers_do_not_tie_all_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    usual = sentences(rng, 30)
    content = [row | {"text": typo(rng, usual[i % 30]), "customer": f"c{i % 97}"} for i, row in enumerate(labelled(["x"] * 600))]
    splits, _ = split_rows(tmp_path, content, {"split": {"by": "customer"}})
    assert 60 <= splits.counts["test"] <= 120
    counts = splits.hygiene()["near_duplicates"]
    assert counts["groups"] == 30
    assert counts["not_kept_together"] == counts["rows"] == 600


def test_numbers_without_words_are_no_template(tmp_path: Path) -> None:
    content = [{"text": f"{17 * i} + {i + 3}", "label": LABELS[i % 3]} for i in range(100)]
    splits, _ = split_rows(tmp_path, content)
    assert splits.hygiene()["templates"]["by_numbers"] <= 1


# -- child runs ------------------------------------------------------------------------------------------------------------


def test_new_rows_join_their_near_kin_and_no_id_changes_side(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = with_edits(400, 60)
    before, parent = split_rows(tmp_path, content)
    old = sides(before)
    new = [row | {"text": wrapped(rng, row["text"])} for row in content[100:200]] + labelled(sentences(rng, 40), seed=3)
    order = rng.permutation(len(content) + len(new))
    mixed = [(content + new)[i] for i in order]
    after, child = split_rows(tmp_path, mixed, parent=parent)
    now = sides(after)
    assert all(now[row] == side for row, side in old.items())
    found = {int(order[int(row["at"].split(":")[1]) - 1]): row["split"] for row in everything(after, child)}
    assert all(found[460 + k] == found[100 + k] for k in range(100))
    assert after.manifest()["dropped"] == {}


def test_a_new_row_that_is_near_to_both_sides_goes(tmp_path: Path) -> None:
    """Half of it is a row of train, half a row of test: it is near to both, and those two are not near to each other."""
    rng = np.random.default_rng(1)
    content = labelled(sentences(rng, 200, (12, 13)))
    before, parent = split_rows(tmp_path, content)
    by_side = collections.defaultdict(list)
    for row in everything(before, parent):
        by_side[row["split"]].append(row["text"])
    one, other = by_side["train"][0], by_side["test"][0]
    bridge = f"{one} {other}"
    assert near_groups(_column([one, other, bridge])).group.tolist() == [0, 0, 0]
    after, child = split_rows(tmp_path, [*content, {"text": bridge, "label": "bug"}], parent=parent)
    assert after.manifest()["dropped"] == {"leak": 1}
    assert all(sides(after)[row] == side for row, side in sides(before).items())
    # What is equal to a known row, character by character, stays with it all the same.
    again, _ = split_rows(tmp_path, [*content, {"text": bridge, "label": "bug"}, {"text": one, "label": "bug"}], parent=parent)
    assert again.manifest()["dropped"] == {"leak": 1}


def _column(texts: list[str]) -> Any:
    import pyarrow as pa

    return pa.chunked_array([texts])


def test_a_parent_that_did_not_look_for_them_is_not_inherited_from(tmp_path: Path) -> None:
    content = with_edits(200, 50)
    _, parent = split_rows(tmp_path, content, OFF)
    after, _ = split_rows(tmp_path, content, parent=parent)
    assert after.manifest()["inherited"] is None
    assert after.manifest()["leaks"]["left"]["by_near"] == 0


CELLS = st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(-1, 5), st.sampled_from([TRAIN, VALID, TEST, UNDECIDED]))


@given(st.lists(CELLS, min_size=1, max_size=40))
@settings(max_examples=300, deadline=None)
def test_extend_keeps_known_sides_whatever_is_near(cells: list[tuple[int, int, int, int]]) -> None:
    texts = [t for t, _, _, _ in cells]
    kind = {t: k for t, k, _, _ in reversed(cells)}  # a text belongs to one group of near-duplicates
    same, by = np.array([texts.index(t) for t in texts]), np.array([b for _, _, b, _ in cells])
    kinds = [kind[t] for t in texts]
    near = np.array([kinds.index(k) for k in kinds])
    start = np.array([s for _, _, _, s in cells], dtype=np.int8)
    joined, gone = extend(start, same, by, np.ones(len(cells), bool), near)
    known = (start != UNDECIDED) & ~gone
    assert (joined[known] == start[known]).all()
    assert not (gone & (start == TEST)).any()
    final = np.where(gone, np.int8(UNDECIDED), joined)
    assert not find_leaks(final, same, by).any.any()
    # A new row never stands across from a near-duplicate that was known, but by its own text.
    for i in np.flatnonzero((start == UNDECIDED) & ~gone & (joined != UNDECIDED)):
        kin = (near == near[i]) & known
        if kin.any() and not (known & (same == same[i])).any():
            assert set(joined[kin].tolist()) == {int(joined[i])}


def test_what_speakers_are_called_makes_no_prompts_alike(tmp_path: Path) -> None:
    """The same short questions as turns of a conversation and as prompts: the same groups of near-duplicates."""
    rng = np.random.default_rng(1)
    asked = [f"{int(rng.integers(10, 99))} {word}" for word in ("red", "blue", "green", "black", "white") for _ in range(24)]
    forms = {
        "messages": ({"messages": "messages"}, [{"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": "ok"}]} for q in asked]),
        "prompts": ({"prompt": "q", "completion": "a"}, [{"q": q, "a": "ok"} for q in asked]),
    }  # fmt: skip
    found = {}
    for name, (columns, content) in forms.items():
        (tmp_path / name).mkdir()
        splits, _ = split_rows(tmp_path / name, content, {"task": {"kind": "generation", **columns}})
        found[name] = (splits.hygiene()["near_duplicates"], splits.manifest()["clusters"])
    assert found["messages"] == found["prompts"]
