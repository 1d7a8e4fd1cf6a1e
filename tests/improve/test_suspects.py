"""The desk of suspects: what is shown, what is saved and where, several reviewers, samples with known chances, results."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goodfit.data.decisions import read_decisions
from goodfit.errors import RunError, UserError
from goodfit.improve.suspects import Desk, Said, results, write_results
from goodfit.improve.suspects.desk import chance_words
from goodfit.improve.suspects.listing import Suspects
from goodfit.improve.suspects.sample import ALLOCATION, allocate, draw
from goodfit.run import SUSPECTS, Run
from goodfit.schemas import MODELS
from goodfit.stages.split import Splits
from tests import suspecting


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return suspecting.run(tmp_path)


def test_the_most_suspicious_come_first_with_what_is_known_of_them(run: Run) -> None:
    desk = Desk.open(run)
    table = pq.read_table(run.path / "audit" / SUSPECTS)
    assert desk.sequence == table["row"].to_pylist()[:20]
    shown = desk.show("anna", desk.sequence[2])
    first = table.slice(2, 1).to_pylist()[0]
    held = Splits.load(run).take([shown.row], columns=("text", "label", "at")).to_pylist()[0]
    assert (shown.text, shown.given, shown.at) == (held["text"], (held["label"],), held["at"])
    assert (shown.suggestion, shown.probability, shown.number, shown.of) == (first["suggested"], first["probability"], 3, 20)
    assert (shown.before, shown.after) == (desk.sequence[1], desk.sequence[3])
    assert any("number 3 of 140" in why for why in shown.why)
    assert [chance_words(p) for p in (1.0, 0.93, 0.004)] == ["over 99%", "93%", "under 1%"]
    assert "flagged as a likely error" in shown.why
    assert len(Desk.open(run, items=50).sequence) == 50
    assert len(Desk.open(run, items=100_000).sequence) == 140
    with pytest.raises(UserError, match="not among those"):
        desk.show("anna", desk.suspects.rows[-1])


def test_a_decision_is_in_the_decisions_file_with_who_and_why(run: Run, tmp_path: Path) -> None:
    desk = Desk.open(run)
    a, b, c, d = desk.sequence[:4]
    desk.save("anna", a, Said("keep"))
    desk.save("anna", b, Said("relabel", desk.show("anna", b).suggestion, note="it asks for a price"))
    desk.save("anna", c, Said("drop"))
    desk.save("anna", d, Said(skipped=True))
    found = read_decisions(tmp_path / "decisions.jsonl")
    assert {row: decision.action for row, decision in found.last.items()} == {a: "keep", b: "relabel", c: "drop"}
    decision = found.last[b]
    assert decision.value == desk.show("anna", b).suggestion
    assert decision.by == "anna"
    assert decision.person
    assert decision.reason.startswith(f"suspect: {desk.show('anna', b).given[0]} given, {decision.value} likelier (")
    assert decision.reason.endswith("; it asks for a price")
    assert desk.progress("anna") == (4, 20)
    assert desk.next("anna") == desk.sequence[4]
    again = Desk.open(run)  # a reload
    assert again.show("anna", b).said == Said("relabel", decision.value, "it asks for a price")
    assert again.show("anna", d).said == Said(skipped=True)
    assert again.progress("anna") == (4, 20)


def test_a_second_thought_takes_the_first_back(run: Run, tmp_path: Path) -> None:
    desk = Desk.open(run)
    row = desk.sequence[0]
    desk.save("anna", row, Said("drop"))
    desk.save("anna", row, Said(skipped=True))
    last = read_decisions(tmp_path / "decisions.jsonl").last[row]
    assert (last.action, last.reason.startswith("taken back")) == ("keep", True)
    desk.save("anna", row, Said("drop"))
    assert read_decisions(tmp_path / "decisions.jsonl").last[row].action == "drop"
    desk.save("anna", desk.sequence[1], Said(skipped=True))
    assert desk.sequence[1] not in read_decisions(tmp_path / "decisions.jsonl").last, "nothing was said, so there is nothing to take back"


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (Said(), "say keep, relabel or drop"), (Said("keep", skipped=True), "say keep"), (Said("mask", "x"), "nothing that is asked"),
        (Said("relabel", "typo"), "no label"), (Said("relabel", ["bug"]), "a label, or a list"), (Said("relabel", None), "a label, or a list"),
        (Said("keep", note="x" * 2001), "at most 2000"),
    ],
)  # fmt: skip
def test_what_is_no_decision(run: Run, tmp_path: Path, said: Said, what: str) -> None:
    desk = Desk.open(run)
    with pytest.raises(UserError, match=what):
        desk.save("anna", desk.sequence[0], said)
    assert not (tmp_path / "decisions.jsonl").exists()
    assert desk.reviewers() == []


def test_relabelling_to_the_same_label_is_none(run: Run) -> None:
    desk = Desk.open(run)
    shown = desk.show("anna", desk.sequence[0])
    with pytest.raises(UserError, match="already"):
        desk.save("anna", shown.row, Said("relabel", shown.given[0]))


def test_several_labels_per_row(tmp_path: Path) -> None:
    content = [row | {"label": [row["label"], *(["urgent"] if i % 3 == 0 else [])]} for i, row in enumerate(suspecting.rows())]
    run = suspecting.run(tmp_path, content, task={"multi_label": True})
    desk = Desk.open(run, items=60)
    for row in desk.sequence:
        shown = desk.show("anna", row)
        suspect = desk.suspects.of_row(row)
        assert suspect is not None
        assert shown.concerned == suspect.label
        assert (suspect.label in shown.given) != (suspect.label in shown.suggestion), "the doubted label is taken off, or put on"
    row = desk.sequence[0]
    desk.save("anna", row, Said("relabel", ["urgent", "bug"] if set(desk.show("anna", row).given) != {"urgent", "bug"} else ["bug"]))
    value = read_decisions(tmp_path / "decisions.jsonl").last[row].value
    assert isinstance(value, list)
    assert value == [name for name in desk.labels if name in value]
    with pytest.raises(UserError, match="a label, or a list"):
        desk.save("anna", row, Said("relabel", "bug"))


def test_reviewers_do_not_see_each_other_and_conflicts_are_told(run: Run) -> None:
    desk = Desk.open(run)
    for i, row in enumerate(desk.sequence[:12]):
        desk.save("Anna", row, Said("keep" if i % 2 else "drop"))
    for row in desk.sequence[:10]:
        desk.save("ben", row, Said("keep"))
    assert desk.next("ben") == desk.sequence[10]
    assert desk.show("ben", desk.sequence[11]).said == Said()
    found = results(run)
    assert {r["name"]: (r["answered"], r["keep"], r["drop"]) for r in found["reviewers"]} == {"anna": (12, 6, 6), "ben": (10, 10, 0)}
    assert len(found["conflicts"]) == 5
    assert found["conflicts"][0]["said"] == {"anna": {"action": "drop", "value": None}, "ben": {"action": "keep", "value": None}}
    assert found["agreement"]["raw"]["value"] == pytest.approx(0.5)
    assert found["actions"] == {"keep": 11, "drop": 1}, "the last decision of a row counts"
    assert found["wrong_of_decided"]["value"] == pytest.approx(1 / 12)
    assert found["wrong_of_decided"]["low"] < 1 / 12 < found["wrong_of_decided"]["high"]
    MODELS["suspect_review"].model_validate(write_results(run))
    MODELS["suspect_items"].model_validate(json.loads((run.path / "review/suspects/items.json").read_text()))
    for line in (run.path / "review/suspects/anna.jsonl").read_text().splitlines():
        MODELS["suspect_answer"].model_validate(json.loads(line))


def test_a_whole_set_may_be_suggested(tmp_path: Path) -> None:
    content = [row | {"label": [row["label"]]} for row in suspecting.rows()]
    run = suspecting.run(tmp_path, content, task={"multi_label": True})
    path = run.path / "audit" / SUSPECTS
    table = pq.read_table(path)
    wanted = ['["sales", "bug"]', "[]", "[no list", "bug"] * (len(table) // 4 + 1)
    pq.write_table(table.set_column(3, "suggested", pa.array(wanted[: len(table)])), path)
    desk = Desk.open(run)
    assert [desk.show("anna", row).suggestion for row in desk.sequence[:2]] == [["bug", "sales"], []]
    assert isinstance(desk.show("anna", desk.sequence[2]).suggestion, list)


# -- samples --------------------------------------------------------------------------------------------------------------


def test_a_sample_is_stratified_with_known_chances_and_only_grows(tmp_path: Path) -> None:
    run = suspecting.run(tmp_path, suspecting.rows(3000))
    desk = Desk.open(run, sample=200)
    sizes = desk.suspects.sizes()
    assert sizes == [105, 210, 525, 1260]
    drawn = desk.sampled
    taken = [round(200 * share) for share in ALLOCATION]
    assert [sum(d.stratum == s for d in drawn) for s in range(4)] == taken
    assert {d.stratum: d.p for d in drawn} == pytest.approx({s: taken[s] / sizes[s] for s in range(4)})
    assert len(set(desk.sequence)) == 200
    for n in (20, 60, 120):
        seen = [sum(d.stratum == s for d in drawn[:n]) for s in range(4)]
        assert np.abs(np.array(seen) - n * np.array(ALLOCATION)).max() <= 1.5, "whoever stops early has seen a stratified sample"
    more = Desk.open(run, sample=300)
    assert set(desk.sequence) < set(more.sequence)
    assert len(more.sequence) == 300
    assert len(Desk.open(run, sample=100).sequence) == 300, "what was drawn stays"
    assert Desk.open(run, items=30).by == "suspicion"
    assert Desk.open(run).sequence == desk.suspects.rows[:30]
    assert len(Desk.open(run, sample=300).sampled) == 300
    found = results(run)
    assert [s["drawn"] for s in found["strata"]] == [round(300 * share) for share in ALLOCATION]


def test_rows_of_a_stratum_have_equal_chances(tmp_path: Path) -> None:
    run = suspecting.run(tmp_path, suspecting.rows(400))
    suspects = Suspects.of(run)
    counts: dict[str, int] = dict.fromkeys(suspects.rows, 0)
    for seed in range(400):
        for drawn in draw(suspects, 60, seed):
            counts[drawn.row] += 1
    sizes = suspects.sizes()
    for stratum, taken in enumerate(allocate(60, sizes)):
        p = taken / sizes[stratum]
        held = np.array([counts[row] for row, s in zip(suspects.rows, suspects.strata) if s == stratum])
        assert held.mean() == pytest.approx(400 * p)
        if p < 1:
            assert ((held - 400 * p) ** 2).mean() < 2.5 * 400 * p * (1 - p) + 1


@given(st.integers(1, 400), st.lists(st.integers(0, 200), min_size=4, max_size=4))
@settings(max_examples=200, deadline=None)
def test_the_allocation_sums_and_fits(n: int, sizes: list[int]) -> None:
    out = allocate(n, sizes)
    assert sum(out) == min(n, sum(sizes))
    assert all(0 <= taken <= size for taken, size in zip(out, sizes))
    if all(size >= n for size in sizes):
        assert np.abs(np.array(out) - n * np.array(ALLOCATION)).max() <= 1


def test_a_sample_estimates_how_many_labels_are_wrong_and_the_worst_rows_do_not(tmp_path: Path) -> None:
    run = suspecting.run(tmp_path, suspecting.rows(3000))
    suspects = Suspects.of(run)
    wrong = {row for row, stratum in zip(suspects.rows, suspects.strata) if int(row[:6], 16) % 100 < (60, 20, 5, 2)[stratum]}
    for how in ({"items": 60}, {"sample": 200}):
        desk = Desk.open(run, **how)
        for row in desk.sequence:
            if row not in desk.lines("anna"):
                desk.save("anna", row, Said("drop" if row in wrong else "keep"))
        noise = results(run)["noise"]
        if "items" in how:
            assert noise.get("value") is None
            assert "suspicious" in noise["why_absent"]
        else:
            assert noise["low"] < len(wrong) / len(suspects) < noise["high"]
            assert noise["high"] - noise["low"] < 0.12


# -- what cannot be reviewed ----------------------------------------------------------------------------------------------


def test_a_run_without_suspects_says_what_to_do(run: Run) -> None:
    (run.path / "audit" / SUSPECTS).unlink()
    with pytest.raises(RunError, match="no suspects") as caught:
        Desk.open(run)
    assert "goodfit audit" in str(caught.value.fix)


def test_damaged_and_empty_suspects(run: Run) -> None:
    path = run.path / "audit" / SUSPECTS
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 0), path)
    with pytest.raises(RunError, match="nothing to review"):
        Desk.open(run)
    pq.write_table(table.drop_columns(["stratum"]), path)
    with pytest.raises(RunError, match="damaged"):
        Desk.open(run)
    path.write_bytes(b"PAR1 no")
    with pytest.raises(RunError, match="damaged"):
        Desk.open(run)


def test_test_rows_are_never_shown(run: Run) -> None:
    path = run.path / "audit" / SUSPECTS
    table = pq.read_table(path)
    tests = Splits.load(run).row_ids("test").to_pylist()[:3]
    more = pa.Table.from_pylist([table.slice(0, 1).to_pylist()[0] | {"row": row, "split": "test"} for row in tests], table.schema)
    pq.write_table(pa.concat_tables([more, table]), path)
    assert not set(tests) & set(Desk.open(run, items=140).sequence)


@pytest.mark.parametrize(
    ("how", "fix"), [({"items": 0}, "--items 1"), ({"sample": 5}, "--sample 20"), ({"items": 5, "sample": 20}, "leave")]
)
def test_numbers_that_cannot_be(run: Run, how: dict[str, Any], fix: str) -> None:
    with pytest.raises(UserError) as caught:
        Desk.open(run, **how)
    assert fix in str(caught.value.fix)


def test_decisions_that_would_not_be_applied_are_not_asked_for(tmp_path: Path) -> None:
    run = suspecting.run(tmp_path)
    text = (run.path / "recipe.yaml").read_text()
    (run.path / "recipe.yaml").write_text(text.replace('"data.jsonl"', '"data.jsonl", "decisions": false'))
    with pytest.raises(UserError, match="would not be applied"):
        Desk.open(run)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_at_once(run: Run, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UserError, match="cannot be written"):
            Desk.open(run)
    finally:
        tmp_path.chmod(0o700)


def test_damaged_files_of_the_review_are_said(run: Run) -> None:
    desk = Desk.open(run)
    desk.save("anna", desk.sequence[0], Said("keep"))
    (desk.folder / "anna.jsonl").write_text('{"row": 1\n{"row": "x"}\n')
    with pytest.raises(RunError, match="damaged"):
        desk.progress("anna")
    (desk.folder / "items.json").write_text("{")
    with pytest.raises(RunError, match="damaged"):
        Desk.open(run)


def test_audit_done_again_shows_other_rows_and_loses_nothing(run: Run) -> None:
    desk = Desk.open(run, items=30)
    for row in desk.sequence[:5]:
        desk.save("anna", row, Said("keep"))
    suspecting.suspects(run, seed=9)
    again = Desk.open(run)
    assert again.sequence != desk.sequence[:20]
    said = again.lines("anna")
    assert len(said) == 5
    assert all(again.next("anna") != row for row in said)


def test_the_data_that_changed_since_are_not_shown_as_they_were_not(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOODFIT_CACHE", str(tmp_path / "other"))
    (tmp_path / "data.jsonl").write_text('{"text": "x", "label": "bug"}\n')
    desk = Desk.open(run)
    with pytest.raises(RunError, match="changed"):
        desk.show("anna", desk.sequence[0])
    shutil.rmtree(tmp_path / "other", ignore_errors=True)
