"""`goodfit audit --fix` and `--undo`: from a review to a cleaned copy and back, by the commands; what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from goodfit.cli import main
from goodfit.data.decisions import Decision, append
from goodfit.improve.suspects import Desk
from goodfit.run import Run, list_runs
from tests import made, suspecting


def goodfit(*words: Any, keys: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=keys)


def document(*words: Any) -> dict[str, Any]:
    out = goodfit(*words, "--json")
    assert "Traceback" not in out.output
    return dict(json.loads(out.stdout))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return suspecting.run(tmp_path)


def test_review_fix_audit_again_and_undo(run: Run, tmp_path: Path) -> None:
    desk = Desk.open(run)
    wanted = desk.show("anna", desk.sequence[1]).suggestion
    out = goodfit("review", run.id, "--of", "suspects", "-r", "anna", keys="k\nr\nd\ns\nd\nq\n")
    assert out.exit_code == 0, out.output
    before = (tmp_path / "data.jsonl").read_bytes()
    out = goodfit("audit", run.id, "--fix", "-q")
    assert out.exit_code == 0, out.output
    assert out.stdout.splitlines()[:2] == [
        "data.clean.jsonl: 198 of 200 rows of data.jsonl; 1 relabelled, 2 dropped", "  ledger data.clean.jsonl.ledger.jsonl"
    ] or "2 dropped, 1 relabelled" in out.stdout  # fmt: skip
    assert (tmp_path / "data.jsonl").read_bytes() == before
    rows = [json.loads(line) for line in (tmp_path / "data.clean.jsonl").read_text(encoding="utf-8").splitlines()]
    text = desk.show("anna", desk.sequence[1]).text
    assert next(row["label"] for row in rows if row["text"] == text) == wanted
    for target in (run.path, tmp_path / "recipe.yaml", "recipe.yaml"):
        assert goodfit("audit", target, "--fix", "-q").exit_code == 2, "the copy is there already"
        assert goodfit("audit", target, "--fix", "-q", "--force").exit_code == 0
    out = goodfit("audit", "data.clean.jsonl.ledger.jsonl", "--undo", "--out", "back.jsonl")
    assert out.exit_code == 0, out.output
    assert "200 rows as they were, byte for byte; 3 put back" in out.stdout
    assert (tmp_path / "back.jsonl").read_bytes() == before
    out = goodfit("split", "recipe.yaml", "data.path=data.clean.jsonl", "-q")
    assert out.exit_code == 0, out.output
    manifest = json.loads((list_runs(tmp_path / "runs")[-1].path / "split" / "manifest.json").read_text())
    assert (manifest["read"], manifest["dropped"]) == (198, {}), "what the copy holds already is not decided again"


def test_a_data_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    content = made.rows(120)
    made.table(tmp_path / "in" / "tickets.csv", [*content, content[0], content[1]])
    out = goodfit("audit", "in/tickets.csv", "--fix", "-q")
    assert out.exit_code == 2
    assert "nothing was decided about these rows" in out.stderr
    assert "goodfit review RUN --of suspects" in out.stderr
    found = document("audit", "in/tickets.csv", "--fix", "--drop-duplicates", "-q")
    assert (found["exit_code"], found["fixed"]["data"]) == (0, "in/tickets.clean.csv")
    assert found["fixed"]["files"][0]["counts"] == {"kept": 120, "duplicate": 2}
    assert found["next"][0] == "goodfit audit in/tickets.clean.csv"
    restored = document("audit", "in/tickets.clean.csv.ledger.jsonl", "--undo")
    assert restored["restored"] == {"file": "in/tickets.restored.csv", "records": 122, "put_back": 2, "exact": True}
    assert (tmp_path / "in" / "tickets.restored.csv").read_bytes() == (tmp_path / "in" / "tickets.csv").read_bytes()


def test_decisions_beside_the_data_go_with_a_data_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    made.table(tmp_path / "in" / "tickets.csv", made.rows(120))
    assert goodfit("split", "in/tickets.csv", "-q").exit_code == 0
    run = list_runs(tmp_path / "runs")[-1]
    assert run.record.guessed
    from goodfit.stages.split import Splits

    row = Splits.load(run).row_ids("train")[0].as_py()
    append(tmp_path / "in" / "decisions.jsonl", [Decision(row, "drop", None, "anna", "", "2026-05-01T00:00:00Z")])
    found = document("audit", "in/tickets.csv", "--fix", "-q")
    assert found["fixed"]["files"][0]["counts"] == {"kept": 119, "drop": 1}
    assert goodfit("split", "in/tickets.csv", "-q").exit_code == 0
    assert len(list_runs(tmp_path / "runs")) == 2
    assert list_runs(tmp_path / "runs")[-1].record.data["decisions"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--fix", "--undo"], "one of them"), (["--drop-duplicates"], "goes with --fix"), (["--out", "x.csv"], "go with --fix"),
        (["--force"], "go with --fix"), (["--undo"], "ledger"), (["--fix", "--drop-duplicates", "--out", "data.jsonl", "--force"], "in place"),
        (["--fix", "--drop-duplicates", "--out", "x.csv"], "the copy is a jsonl file"),
        (["--fix", "data.decisions=data.jsonl"], "no file of decisions"), (["--fix", "nonsense"], ""),
    ],
)  # fmt: skip
def test_what_is_refused(run: Run, words: list[str], what: str) -> None:
    found = document("audit", "data.jsonl", *words, "-q")
    assert found["exit_code"] == 2
    assert what in json.dumps(found["error"])
    assert found["error"]["fix"] or not what


def test_a_damaged_file_of_decisions_stops_every_verb_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").write_text(
        '{"row": "x", "action": "drop", "by": "a", "time": "2026-01-01"}\n{"row": "x"}\n', encoding="utf-8"
    )
    for words in (["split", "recipe.yaml"], ["audit", "recipe.yaml", "--fix"], ["check", "recipe.yaml"], ["run", "recipe.yaml"]):
        found = document(*words, *(["-q"] if words[0] != "check" else []))
        assert found["exit_code"] == 2, words
        assert (found["error"]["file"], found["error"]["line"], found["error"]["code"]) == ("decisions.jsonl", 2, "DataError"), words


def test_check_counts_as_decided(run: Run, tmp_path: Path) -> None:
    desk = Desk.open(run)
    rows = desk.sequence[:3]
    append(tmp_path / "decisions.jsonl", [Decision(row, "drop", None, "anna", "", "2026-05-01T00:00:00Z") for row in rows])
    out = goodfit("check", "recipe.yaml", "choose.model_name_or_path=all-MiniLM-L6-v2")
    assert "3 decision" in out.stdout, out.output
