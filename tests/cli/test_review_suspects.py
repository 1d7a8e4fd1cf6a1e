"""`goodfit review RUN --of suspects`: the terminal form, what it says at the end, results, what it refuses, and the run that follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from goodfit.cli import main
from goodfit.data.decisions import read_decisions
from goodfit.improve.suspects import Desk
from goodfit.run import Run, list_runs
from goodfit.stages.split import Splits
from tests import suspecting


def review(run: Run, *words: str, keys: str | None = None) -> Result:
    return CliRunner().invoke(main, ["review", run.id, "-w", str(run.workspace), "--of", "suspects", *words], input=keys)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return suspecting.run(tmp_path)


def test_keys_keep_relabel_choose_drop_skip_note_back_and_quit(run: Run, tmp_path: Path) -> None:
    desk = Desk.open(run)
    a, b, c, d, e = desk.sequence[:5]
    third = next(name for name in desk.labels if name not in (*desk.show("x", c).given, desk.show("x", c).suggestion))
    keys = f"z\nk\nn\nasks for a price\nr\nc\n{third[:3]}\nu\nu\nd\nd\ns\nq\n"
    out = review(run, "-r", "Anna", keys=keys)
    assert out.exit_code == 0, out.output
    found = read_decisions(tmp_path / "decisions.jsonl")
    assert found.last[a].action == "keep"
    assert (found.last[b].action, found.by_row[b][0].action) == ("drop", "relabel"), "u goes back, and the later word counts"
    assert found.by_row[b][0].value == desk.show("x", b).suggestion
    assert found.by_row[b][0].reason.endswith("; asks for a price")
    assert (found.last[c].action, found.last[c].value) == ("relabel", third)
    assert found.last[d].action == "drop"
    assert e not in found.last
    assert desk.lines("anna")[e]["skipped"]
    assert "anna: 5 of 20 answered" in out.stdout
    assert "decisions.jsonl" in out.stderr
    assert f"goodfit audit {run.id} --fix" in out.stdout
    again = review(run, "-r", "anna", keys="k\n")
    assert "6 of 20" in again.stdout


def test_labels_are_chosen_by_name_beginning_or_number(run: Run, tmp_path: Path) -> None:
    desk = Desk.open(run)
    wanted = {}
    keys = ""
    for row, form in zip(desk.sequence[:4], ("name", "number", "upper", "typo")):
        label = next(name for name in desk.labels if name not in desk.show("x", row).given)
        wanted[row] = label
        keys += (
            "c\n?\n"
            + {"name": label, "number": str(desk.labels.index(label) + 1), "upper": label.upper(), "typo": f"xyz\n{label}"}[form]
            + "\n"
        )
    out = review(run, "-r", "anna", keys=keys + "c\n\nq\n")
    assert out.exit_code == 0, out.output
    assert {row: d.value for row, d in read_decisions(tmp_path / "decisions.jsonl").last.items()} == wanted
    assert "no one label is meant by 'xyz'" in out.stdout
    assert "    1  billing" in out.stdout


def test_several_labels_in_the_terminal(tmp_path: Path) -> None:
    content = [row | {"label": [row["label"], *(["urgent"] if i % 3 == 0 else [])]} for i, row in enumerate(suspecting.rows())]
    run = suspecting.run(tmp_path, content, task={"multi_label": True})
    desk = Desk.open(run)
    out = review(run, "-r", "anna", keys="r\nc\n-\nc\nbug, urg, sales\nq\n")
    assert out.exit_code == 0, out.output
    doubted = desk.show("x", desk.sequence[0])
    assert f"doubted  {doubted.concerned}" in out.stdout
    assert ("it may be missing" in out.stdout.split("1 of 20")[1].split("2 of 20")[0]) == (doubted.concerned not in doubted.given)
    values = [read_decisions(tmp_path / "decisions.jsonl").last[row].value for row in desk.sequence[:3]]
    assert values == [desk.show("x", desk.sequence[0]).suggestion, [], ["bug", "sales", "urgent"]]


def test_relabelling_to_the_given_label_is_answered_and_asked_again(run: Run, tmp_path: Path) -> None:
    given = Desk.open(run).show("x", Desk.open(run).sequence[0]).given[0]
    out = review(run, "-r", "anna", keys=f"c\n{given}\nk\nq\n")
    assert "the row has this label already" in out.stdout
    assert next(iter(read_decisions(tmp_path / "decisions.jsonl").last.values())).action == "keep"


def test_no_control_character_reaches_the_terminal(tmp_path: Path) -> None:
    labels = ("bill\x1b[31m", "b\u202eug", "sales")
    run = suspecting.run(tmp_path, suspecting.rows(labels=labels))
    out = review(run, "-r", "anna", keys="c\n?\n3\n" + "k\n" * 20)
    assert "20 of 20" in out.stdout
    assert "<script>" in out.stdout
    assert "\\x1b[31mred" in out.stdout
    assert not set(out.output) & set("\x1b\x07\u202e")


def test_results_as_text_and_as_one_document(run: Run) -> None:
    review(run, "-r", "anna", "--sample", "40", keys="k\nd\n" * 20)
    review(run, "-r", "ben", keys="k\nk\n" * 20)
    out = review(run, "--results")
    assert out.exit_code == 0, out.output
    for words in (
        "anna",
        "40 of 40",
        "labels found wrong, of 40 rows decided",
        "most suspicious 5%",
        "reviewers agree",
        "decided differently",
    ):
        assert words in out.stdout
    document = json.loads(review(run, "--results", "--json").stdout)
    assert document["review"]["decided"] == 40
    assert sum(s["drawn"] for s in document["review"]["strata"]) == 40
    assert (run.path / document["files"]["results"]).is_file()


def test_results_before_anybody_reviewed(run: Run) -> None:
    out = review(run, "--results")
    assert out.exit_code == 0
    assert "nobody has reviewed yet" in out.stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--json"], "--results"), (["--prefer"], "is for answers"), (["--rate"], "is for answers"), (["--items", "0"], "--items 1"),
        (["--sample", "3"], "--sample 20"), (["--items", "3", "--sample", "30"], "one of them"), (["-r", "a:b/.."], ""),
    ],
)  # fmt: skip
def test_what_is_refused(run: Run, words: list[str], what: str) -> None:
    out = review(run, *words, keys="")
    assert out.exit_code == (2 if what else 0)
    assert what in out.stdout + out.stderr
    assert "Traceback" not in out.output


def test_a_reviewer_is_always_a_person(run: Run, tmp_path: Path) -> None:
    review(run, "-r", "goodfit:fix", keys="k\nq\n")
    assert all(decision.person for decision in read_decisions(tmp_path / "decisions.jsonl").last.values())


def test_the_two_reviews_point_to_each_other(run: Run) -> None:
    out = CliRunner().invoke(main, ["review", run.id, "-w", str(run.workspace)], input="")
    assert out.exit_code == 2
    assert "--of suspects" in out.stderr
    out = CliRunner().invoke(main, ["review", run.id, "-w", str(run.workspace), "--sample", "30"], input="")
    assert out.exit_code == 2
    (run.path / "audit" / "suspects.parquet").unlink()
    out = review(run, keys="")
    assert out.exit_code == 2
    assert "--of answers" in out.stderr
    out = CliRunner().invoke(main, ["review", run.id, run.id, "-w", str(run.workspace), "--of", "suspects"], input="")
    assert "those of one run" in out.stderr


def test_what_was_decided_makes_a_new_run_and_only_where_something_changes(tmp_path: Path) -> None:
    """From the review to the data that the next run learns from, by the commands alone."""
    run = suspecting.run(tmp_path)
    recipe = str(tmp_path / "recipe.yaml")

    def split() -> Splits:
        out = CliRunner().invoke(main, ["split", recipe, "-w", str(run.workspace), "-q"])
        assert out.exit_code == 0, out.output
        return Splits.load(list_runs(run.workspace)[-1])

    review(run, "-r", "anna", keys="k\nk\nq\n")
    split()
    assert len(list_runs(run.workspace)) == 1, "rows that were kept change nothing"
    row = Desk.open(run).next("anna")
    assert row is not None
    wanted = Desk.open(run).show("anna", row).suggestion
    review(run, "-r", "anna", keys="r\nd\nq\n")
    after = split()
    runs = list_runs(run.workspace)
    assert len(runs) == 2
    assert runs[-1].record.parent == run.id
    assert after.take([row])["label"].to_pylist() == [wanted]
    assert after.manifest()["dropped"] == {"decision": 1}
    split()
    assert len(list_runs(run.workspace)) == 2, "equal decisions, equal run"
    out = CliRunner().invoke(main, ["split", run.id, "-w", str(run.workspace), "-q"])
    assert out.exit_code in (0, 2)
    assert "Traceback" not in out.output


def test_show_says_what_was_decided_about_a_row(tmp_path: Path) -> None:
    run = suspecting.run(tmp_path)
    kept, relabelled, dropped = Desk.open(run).sequence[:3]
    review(run, "-r", "anna", keys="k\nn\nabout money\nr\nd\nq\n")
    out = CliRunner().invoke(main, ["split", str(tmp_path / "recipe.yaml"), "-w", str(run.workspace), "-q"])
    assert out.exit_code == 0, out.output

    def show(row: str) -> Result:
        return CliRunner().invoke(main, ["show", "last", "-w", str(run.workspace), "--row", row])

    assert "decision" not in show(kept).stdout
    assert "relabel to" in show(relabelled).stdout
    assert "by anna: suspect: " in show(relabelled).stdout
    assert "about money" in show(relabelled).stdout
    for words in ("not used", "reason      decision", "data.jsonl:", "drop, by anna"):
        assert words in show(dropped).stdout
    assert show("0" * 16).exit_code == 2
