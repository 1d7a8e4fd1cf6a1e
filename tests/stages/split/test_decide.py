"""Decisions applied by split: counted, in the fingerprint, moving no other row; test rows only by people, before they were opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.data.decisions import Decision, append, read_decisions
from goodfit.errors import DataError
from goodfit.finding import Finding
from goodfit.run import Run
from goodfit.schemas import SplitManifest
from goodfit.stages.split import Splits
from goodfit.stages.split.stage import summary
from tests.stages.split.make import LABELS, everything, rows, run_split, sides, split_rows, write

EARLY, LATE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


def decide(folder: Path, *said: Sequence[Any], by: str = "anna", time: str = EARLY, name: str = "decisions.jsonl") -> Path:
    """Appends decisions `(row, action[, value])`."""
    append(folder / name, [Decision(s[0], s[1], s[2] if len(s) > 2 else None, by, "", time) for s in said])
    return folder / name


def by_row(splits: Splits, run: Run) -> dict[str, dict[str, Any]]:
    return {row["row"]: row | {"group": None} for row in everything(splits, run)}  # groups are numbered over the used rows


def finding(run: Run, code: str) -> Finding:
    return next(f for f in run.findings("split") if f.code == code)


def ids(splits: Splits, split: str) -> list[str]:
    return list(splits.row_ids(split).to_pylist())  # type: ignore[arg-type]


def other(label: str) -> str:
    return LABELS[(LABELS.index(label) + 1) % len(LABELS)]


def test_relabel_drop_keep_and_mask_are_applied_counted_and_told(tmp_path: Path) -> None:
    content = rows(300)
    before, first = split_rows(tmp_path, content)
    held = by_row(before, first)
    a, b, c, d = ids(before, "train")[:4]
    decide(tmp_path, (a, "relabel", other(held[a]["label"])), (b, "drop"), (c, "keep"), (d, "mask", "w1 ***"))
    after, run = split_rows(tmp_path, content)
    assert run.id != first.id
    assert run.record.stages["split"].state == "done"
    now = by_row(after, run)
    assert now[a]["label"] == other(held[a]["label"])
    assert b not in now
    assert now[c] == held[c]
    assert now[d]["text"] == "w1 ***"
    assert now[d]["row"] == d
    manifest = after.manifest()
    assert SplitManifest.model_validate(manifest).read == 300
    assert (manifest["used"], manifest["dropped"]) == (299, {"decision": 1})
    assert manifest["decisions"]["applied"] == {"relabel": 1, "drop": 1, "mask": 1}
    assert manifest["decisions"]["by"] == {"anna": 3}
    assert run.record.data["decisions"] == manifest["decisions"]["fingerprint"]
    assert "1 not used (1 decision); decided: 1 relabelled, 1 dropped, 1 masked" in summary(manifest)
    assert finding(run, "SPL009").status == finding(run, "SPL010").status == "passed"
    table = {row["row"]: row for row in after.hygiene_rows().to_pylist()}
    assert table[b]["reason"] == "decision"


def test_no_other_row_moves_in_a_fresh_split(tmp_path: Path) -> None:
    """Invariant: a run without a parent gives every other row the side that it would have without decisions."""
    content = rows(400, customers=120)
    recipe = {"split": {"by": "customer"}}
    before, first = split_rows(tmp_path, content, recipe)
    old, held = sides(before), by_row(before, first)
    rng = np.random.default_rng(3)
    chosen = [str(row) for row in rng.permutation(sorted(old))[:120]]
    said: list[tuple[Any, ...]] = [(row, "relabel", other(held[row]["label"])) for row in chosen[:60]]
    said += [(row, "drop") for row in chosen[60:90]] + [(row, "mask", f"masked {i}") for i, row in enumerate(chosen[90:])]
    decide(tmp_path, *said)
    after, _ = split_rows(tmp_path, content, recipe, workspace="others")
    new = sides(after)
    assert new == {row: side for row, side in old.items() if row not in chosen[60:90]}


@pytest.mark.parametrize("seed", range(6))
def test_any_decisions_move_no_other_row_and_lose_none(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = rows(120, seed=seed, customers=40 if seed % 2 else None)
    content += [dict(content[int(i)]) | {"label": LABELS[int(rng.integers(3))]} for i in rng.integers(0, 120, 20)]
    for row in content[::17]:
        row["label"] = ""
    recipe: dict[str, Any] = {"split": {"by": "customer"} if seed % 2 else {"duplicates": "drop" if seed % 4 else "keep"}}
    before, _ = split_rows(tmp_path, content, recipe)
    old = sides(before)
    actions = {}
    for row in rng.permutation(sorted(old))[:50].tolist():
        actions[row] = ("relabel", "drop", "keep")[int(rng.integers(3))]
    decide(
        tmp_path,
        *[(row, action, LABELS[int(rng.integers(3))]) if action == "relabel" else (row, action) for row, action in actions.items()],
    )
    after, run = split_rows(tmp_path, content, recipe, workspace="others")
    new, manifest = sides(after), after.manifest()
    assert all(new[row] == old[row] for row in new.keys() & old.keys())
    assert manifest["read"] == manifest["used"] + sum(manifest["dropped"].values())
    gone = {row for row, action in actions.items() if action == "drop"}
    assert not gone & new.keys()
    assert not finding(run, "SPL009").n_rows


def test_a_child_keeps_sides_and_reuses_what_is_equal(tmp_path: Path) -> None:
    content = rows(300)
    before, parent = split_rows(tmp_path, content)
    row = ids(before, "train")[0]
    decide(tmp_path, (row, "keep"))
    _, same = split_rows(tmp_path, content, parent=parent)
    assert same.record.stages["split"].state == "reused", "rows that were only kept change nothing"
    decide(tmp_path, (row, "drop"))
    after, child = split_rows(tmp_path, content, parent=parent)
    assert child.record.stages["split"].state == "done"
    assert sides(after) == {r: s for r, s in sides(before).items() if r != row}
    decide(tmp_path, (row, "drop"))
    _, again = split_rows(tmp_path, content, parent=child)
    assert again.record.stages["split"].state == "reused", "what is said twice is said once"
    decide(tmp_path, (row, "keep"))
    back, last = split_rows(tmp_path, content, parent=child)
    assert last.record.stages["split"].state == "done"
    assert sides(back).keys() == sides(before).keys()


def test_rows_are_read_again_as_decided_when_the_cache_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = rows(200)
    before, _ = split_rows(tmp_path, content)
    row = ids(before, "train")[3]
    decide(tmp_path, (row, "relabel", "bug"), (ids(before, "train")[4], "drop"))
    _, run = split_rows(tmp_path, content)
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "empty"))
    decide(tmp_path, (row, "relabel", "sales"))  # of a later day: the run keeps what it applied
    again = Splits.load(Run.open(run.path))
    assert again.take([row])["label"].to_pylist() == ["bug"]
    assert len(again.row_ids("train")) == len(before.row_ids("train")) - 1


def test_a_class_that_was_decided_away_is_no_class(tmp_path: Path) -> None:
    content = rows(200)
    for row in content[:4]:
        row["label"] = "bugg"
    before, first = split_rows(tmp_path, content)
    assert "bugg" in before.labels
    decide(tmp_path, *[(row["row"], "relabel", "bug") for row in everything(before, first) if row["label"] == "bugg"])
    after, _ = split_rows(tmp_path, content, workspace="others")
    assert after.labels == LABELS


def test_a_row_without_a_label_gets_one(tmp_path: Path) -> None:
    content = rows(100)
    content[7]["label"] = None
    split_rows(tmp_path, content)
    row = next(iter(set(everything_ids(tmp_path, content)) - {None}))
    decide(tmp_path, (row, "relabel", "bug"))
    after, run = split_rows(tmp_path, content)
    assert after.manifest()["dropped"] == {}
    assert by_row(after, run)[row]["label"] == "bug"


def everything_ids(folder: Path, content: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """The ids of the rows without a label."""
    from goodfit.data.ids import row_id

    return [row_id({"text": row["text"]}) if row["label"] is None else None for row in content]


def test_data_without_any_label_is_labelled_by_decisions(tmp_path: Path) -> None:
    from goodfit.data.ids import row_id

    content = [row | {"label": None} for row in rows(60)]
    decide(tmp_path, *[(row_id({"text": row["text"]}), "relabel", LABELS[i % 3]) for i, row in enumerate(content)])
    splits, run = split_rows(tmp_path, content, {"task": {"text": "text", "label": "label", "labels": list(LABELS)}})
    assert splits.manifest()["used"] == 60
    assert finding(run, "SPL010").n_rows == splits.counts["test"], "labels that people gave to test rows are counted"


# -- test rows ----------------------------------------------------------------------------------------------------------


def test_test_rows_change_by_people_only_before_they_were_opened(tmp_path: Path) -> None:
    content = rows(300)
    before, first = split_rows(tmp_path, content)
    held = by_row(before, first)  # opens the test set
    early, late, program, gone, train = *ids(before, "test")[:4], ids(before, "train")[0]
    decide(tmp_path, (early, "relabel", other(held[early]["label"])), (gone, "drop"))
    decide(tmp_path, (late, "relabel", other(held[late]["label"])), time=LATE)
    decide(tmp_path, (program, "drop"), (train, "drop"), by="goodfit:mitigate")
    decide(tmp_path, (early, "keep"), time=LATE)
    after, run = split_rows(tmp_path, content)
    now = by_row(after, run)
    assert now[early]["label"] == other(held[early]["label"]), "what was allowed stands, whatever is said later"
    assert now[late] == held[late]
    assert now[program] == held[program]
    assert gone not in now
    assert train not in now
    told = finding(run, "SPL010")
    assert (told.severity, told.status, told.n_rows) == ("warning", "open", 4)
    assert set(told.rows) == {early, late, program, gone}
    assert "2 not: decided after" in told.detail
    assert "1 not: not decided by a person" in told.detail
    assert after.manifest()["decisions"] | {"fingerprint": "", "file": ""} == {
        "file": "", "fingerprint": "", "applied": {"relabel": 1, "drop": 2}, "by": {"anna": 2, "goodfit:mitigate": 1}, "unknown": 0, "refused": 3,
        "test_rows": 2,
    }  # fmt: skip


def test_a_test_set_that_was_never_opened_may_be_mended_and_it_is_said(tmp_path: Path) -> None:
    content = rows(300)
    before, _ = split_rows(tmp_path, content)
    decide(tmp_path, *[(row, "relabel", "bug") for row in ids(before, "test")[:5]], time=LATE)
    after, run = split_rows(tmp_path, content)
    told = finding(run, "SPL010")
    assert (told.severity, told.n_rows) == ("note", 5)
    now = by_row(after, run)
    assert all(now[row]["label"] == "bug" for row in ids(before, "test")[:5])


def test_an_opening_in_another_run_of_the_workspace_counts(tmp_path: Path) -> None:
    content = rows(300)
    before, first = split_rows(tmp_path, content)
    first.unseal("a look", stage="evaluate")
    decide(tmp_path, (ids(before, "test")[0], "drop"), time=LATE)
    after, run = split_rows(tmp_path, content, {"seed": 42})
    assert ids(before, "test")[0] in sides(after)
    assert finding(run, "SPL010").severity == "warning"


def test_a_later_keep_about_an_opened_row_is_no_refusal(tmp_path: Path) -> None:
    content = rows(200)
    before, first = split_rows(tmp_path, content)
    first.unseal("a look", stage="evaluate")
    decide(tmp_path, (ids(before, "test")[0], "keep"), (ids(before, "train")[0], "drop"), time=LATE)
    _, run = split_rows(tmp_path, content)
    assert finding(run, "SPL010").status == "passed"


# -- what is wrong --------------------------------------------------------------------------------------------------------


def test_unknown_rows_are_a_finding(tmp_path: Path) -> None:
    content = rows(200)
    before, _ = split_rows(tmp_path, content)
    decide(tmp_path, ("0" * 16, "drop"), *[(row, "drop") for row in ids(before, "train")[:3]])
    after, run = split_rows(tmp_path, content)
    told = finding(run, "SPL009")
    assert (told.severity, told.status, told.n_rows, told.rows) == ("note", "open", 1, ("0" * 16,))
    assert "1 of rows that are not in the data" in summary(after.manifest())
    decide(tmp_path, *[(f"{i:016x}", "keep") for i in range(20)])
    _, run = split_rows(tmp_path, content)
    assert finding(run, "SPL009").severity == "warning"


@pytest.mark.parametrize(
    ("value", "task", "says", "fix"),
    [
        ("biling", {}, "'biling' is no label of these data", "did you mean 'billing'?"),
        ("xyz", {"labels": ["billing", "bug", "sales"]}, "'xyz' is no label", "the labels are billing, bug, sales"),
        (["bug"], {}, "one label: the value must be a text", '"value": "bug"'),
    ],
)
def test_a_wrong_value_is_an_error_with_its_line(tmp_path: Path, value: Any, task: dict[str, Any], says: str, fix: str) -> None:
    content = rows(200)
    before, _ = split_rows(tmp_path, content)
    decide(tmp_path, (ids(before, "train")[1], "drop"), (ids(before, "train")[0], "relabel", value))
    with pytest.raises(DataError) as caught:
        split_rows(tmp_path, content, {"task": {"text": "text", "label": "label"} | task})
    assert says in caught.value.message
    assert fix in str(caught.value.fix)
    assert str(caught.value.place).endswith("decisions.jsonl:2")


def test_several_labels_per_row(tmp_path: Path) -> None:
    content = [row | {"label": [row["label"], *(["urgent"] if i % 5 == 0 else [])]} for i, row in enumerate(rows(200))]
    recipe = {"task": {"text": "text", "label": "label", "multi_label": True}}
    before, _ = split_rows(tmp_path, content, recipe)
    a, b = ids(before, "train")[:2]
    decide(tmp_path, (a, "relabel", ["bug", "urgent"]), (b, "relabel", []))
    after, _ = split_rows(tmp_path, content, recipe)
    assert after.take([a, b])["label"].to_pylist() == [["bug", "urgent"], []]
    decide(tmp_path, (a, "relabel", "bug"))
    with pytest.raises(DataError, match="several labels: the value must be a list"):
        split_rows(tmp_path, content, recipe)


def test_several_input_columns_are_masked_together(tmp_path: Path) -> None:
    content = [{"subject": row["text"].split()[0], "body": row["text"], "label": row["label"]} for row in rows(200)]
    recipe = {"task": {"text": ["subject", "body"], "label": "label"}}
    before, _ = split_rows(tmp_path, content, recipe)
    row = ids(before, "train")[0]
    decide(tmp_path, (row, "mask", {"subject": "s", "body": "b ***"}))
    after, _ = split_rows(tmp_path, content, recipe)
    assert after.take([row])["text"].to_pylist() == ["s\nb ***"]
    for wrong in ("b", {"body": "b"}):
        decide(tmp_path, (row, "mask", wrong))
        with pytest.raises(DataError, match="mask"):
            split_rows(tmp_path, content, recipe)


def test_conversations_are_dropped_not_relabelled(tmp_path: Path) -> None:
    content = [{"prompt": f"what is {i}", "completion": f"it is {i}"} for i in range(80)]
    recipe = {"task": {"kind": "generation"}}
    before, _ = split_rows(tmp_path, content, recipe)
    row, second = ids(before, "train")[:2]
    decide(tmp_path, (row, "drop"))
    after, _ = split_rows(tmp_path, content, recipe)
    assert row not in sides(after)
    assert after.table("train", columns=("row", "conversation")).num_rows == len(ids(before, "train")) - 1
    decide(tmp_path, (second, "relabel", "x"))
    with pytest.raises(DataError, match="relabel is for classification"):
        split_rows(tmp_path, content, recipe)


def test_a_masked_text_that_stands_on_another_side_leaves_training(tmp_path: Path) -> None:
    content = rows(200)
    before, first = split_rows(tmp_path, content)
    held = by_row(before, first)
    train, test = ids(before, "train")[0], ids(before, "test")[0]
    decide(tmp_path, (train, "mask", held[test]["text"].upper()))
    after, _ = split_rows(tmp_path, content)
    assert after.manifest()["dropped"] == {"leak": 1}
    assert sides(after) == {row: side for row, side in sides(before).items() if row != train}


def test_given_splits_take_decisions(tmp_path: Path) -> None:
    for k, name in enumerate(("train", "valid", "test")):
        write(tmp_path / f"{name}.jsonl", rows(80, seed=k))
    recipe = {"data": {name: f"{name}.jsonl" for name in ("train", "valid", "test")}}
    before, first = run_split(tmp_path, recipe)
    first.unseal("a look", stage="evaluate")
    decide(tmp_path, (ids(before, "train")[0], "drop"), (ids(before, "test")[0], "drop"), time=LATE)
    after, run = run_split(tmp_path, recipe)
    assert after.counts == {"train": 79, "valid": 80, "test": 80}
    assert finding(run, "SPL010").severity == "warning"


# -- which file -----------------------------------------------------------------------------------------------------------


def test_the_file_is_named_or_found_beside_the_recipe_or_the_data_or_left_out(tmp_path: Path) -> None:
    content = rows(200)
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "data.jsonl", content)
    data = {"path": "in/data.jsonl"}
    before, _ = run_split(tmp_path, {"data": data})
    a, b, c = ids(before, "train")[:3]
    decide(tmp_path / "in", (a, "drop"))
    assert run_split(tmp_path, {"data": data})[0].manifest()["decisions"]["applied"] == {"drop": 1}
    decide(tmp_path, (b, "drop"))
    after, _ = run_split(tmp_path, {"data": data})
    assert (a in sides(after), b in sides(after)) == (True, False), "beside the recipe comes first"
    decide(tmp_path, (c, "drop"), name="mine.jsonl")
    after, _ = run_split(tmp_path, {"data": data | {"decisions": "mine.jsonl"}})
    assert (b in sides(after), c in sides(after)) == (True, False)
    after, run = run_split(tmp_path, {"data": data | {"decisions": False}})
    assert sides(after).keys() == sides(before).keys()
    assert finding(run, "SPL009").reason == "the recipe says data.decisions: false"
    _, run = run_split(tmp_path, {"data": data | {"decisions": "typo.jsonl"}})
    assert finding(run, "SPL009").title == "typo.jsonl is not there: no decision is applied"


def test_a_data_set_of_that_name_is_no_file_of_decisions(tmp_path: Path) -> None:
    write(tmp_path / "decisions.jsonl", rows(200))
    splits, run = run_split(tmp_path, {"data": {"path": "decisions.jsonl"}})
    assert splits.manifest()["used"] == 200
    write(tmp_path / "data.jsonl", rows(200, seed=1))
    _, run = run_split(tmp_path, {"data": {"path": "data.jsonl"}})
    told = finding(run, "SPL009")
    assert (told.status, told.severity) == ("open", "note")
    assert "is no file of decisions" in told.title


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = decide(tmp_path, ("r1", "relabel", ["a", "b"]), ("r1", "drop"), ("r2", "mask", {"t": "x"}), ("r3", "relabel", "é\u202e\ud800"))
    found = read_decisions(path)
    assert found.read == 4
    assert [d.action for d in found.by_row["r1"]] == ["relabel", "drop"]
    assert found.last["r3"].value == "é\u202e\\ud800"
    assert [json.loads(line)["row"] for line in path.read_text(encoding="utf-8").splitlines()] == ["r1", "r1", "r2", "r3"]
