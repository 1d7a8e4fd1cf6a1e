"""audit as a stage: one finding per check, muting, the profile, the seal, the contract that every check keeps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.errors import SettingsError, Stopped
from goodfit.files import read_json, read_jsonl
from goodfit.finding import SEVERITIES, Finding
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import Outcome, Scene, audit, found
from goodfit.stages.audit.check import CHECKS, Check, check
from goodfit.stages.split import Splits
from tests.stages.audit.make import MULTI, audit_rows, audit_splits, clean_rows, finding, recipe_of
from tests.stages.split.make import rows, run_split, write

PAGES = Path(__file__).resolve().parents[3] / "docs" / "findings"


def test_every_check_answers_once_in_the_order_of_codes(tmp_path: Path) -> None:
    done, run = audit_rows(tmp_path, rows(300))
    lines = [Finding.model_validate(line) for line in read_jsonl(run.path / "audit" / "findings.jsonl")]
    assert [f.code for f in lines] == sorted(CHECKS) == sorted(page.stem for page in PAGES.glob("AUD*.md"))
    assert tuple(lines) == done.findings
    assert run.record.stages["audit"].findings == {"error": 0, "warning": 0, "note": 0}


def test_muted_findings_are_written_with_the_reason(tmp_path: Path) -> None:
    content = rows(300) + rows(60)
    done, _ = audit_rows(tmp_path, content, {"audit": {"ignore": ["AUD005", "AUD001"]}})
    muted = finding(done, "AUD005")
    assert (muted.status, muted.reason, muted.n_rows) == ("muted", "audit.ignore in the recipe", 120)
    assert finding(done, "AUD001").status == "passed"
    with pytest.raises(SettingsError, match="'AUD05' is no check of audit") as caught:
        audit_rows(tmp_path, content, {"audit": {"ignore": ["AUD05"]}})
    assert "did you mean AUD" in str(caught.value.fix)


def test_audit_false_says_so(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, rows(300), {"audit": False})
    assert {(f.status, f.reason) for f in done.findings} == {("not_applicable", "the recipe says audit: false")}
    assert done.profile["skipped"] == "audit: false"


def test_an_error_stops_the_path(tmp_path: Path) -> None:
    content = rows(300)
    for row in content[:100]:
        row["text"] = None
    with pytest.raises(Stopped, match="SPL003"):
        audit_rows(tmp_path, content, {"fail_on": "error"})
    with pytest.raises(Stopped, match="AUD005"):
        audit_rows(tmp_path, rows(300) + rows(60), {"fail_on": "warning"})


def test_many_rows_stand_in_a_file(tmp_path: Path) -> None:
    done, run = audit_rows(tmp_path, rows(300) + rows(140))
    repeated = finding(done, "AUD005")
    assert len(repeated.rows) == 100
    assert repeated.rows_file == "audit/AUD005.parquet"
    stored = pq.read_table(run.path / repeated.rows_file)["row"].to_pylist()
    assert len(stored) == repeated.n_rows == 280
    assert stored[:100] == list(repeated.rows)


def test_the_profile_counts_train_and_validation(tmp_path: Path) -> None:
    done, run = audit_rows(tmp_path, rows(400))
    profile = done.profile
    assert profile == read_json(run.path / "audit" / "profile.json")
    assert profile["rows"] == {"read": 400, "used": 400, "train": 280, "valid": 60, "test": 60}
    for name in ("lengths", "words", "characters", "tokens_estimated"):
        edges, heights = profile[name]["edges"], profile[name]["counts"]
        assert len(edges) == len(heights) + 1
        assert all(a < b for a, b in zip(edges, edges[1:]))
        assert sum(heights) == 340
    assert sum(entry["n"] for entry in profile["by_label"].values()) == 340
    assert set(profile["by_label"]) == set(profile["labels"])
    quantiles = list(profile["words"]["quantiles"].values())
    assert quantiles == sorted(quantiles)


@pytest.mark.parametrize("document", [{}, MULTI], ids=["single", "multi"])
def test_no_check_ever_asks_for_a_test_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]) -> None:
    asked: list[str] = []
    batches, table = Splits.batches, Splits.table

    def watched_batches(self: Splits, split: Any, **more: Any) -> Any:
        asked.append(split)
        assert more.get("key") is None
        return batches(self, split, **more)

    def watched_table(self: Splits, split: Any, **more: Any) -> Any:
        asked.append(split)
        return table(self, split, **more)

    monkeypatch.setattr(Splits, "batches", watched_batches)
    monkeypatch.setattr(Splits, "table", watched_table)
    content = [row | ({"label": [row["label"]]} if document else {}) for row in rows(400)]
    audit_rows(tmp_path, content, document)
    assert set(asked) == {"train", "valid"}


def test_audit_depends_on_what_it_reads_only(tmp_path: Path) -> None:
    """The stage view raises for any section that is not declared."""
    write(tmp_path / "data.jsonl", rows(300))
    document = {"data": {"path": "data.jsonl"}}
    splits, run = run_split(tmp_path, document)
    first = audit_splits(splits, run, document)
    other = Run.create(run.workspace, name="t", recipe_text="{}\n", recipe_hash="b2:0", base=tmp_path)
    again, more = run_split(tmp_path, document)
    recipe = recipe_of({"train": {"max_steps": 3}} | document)
    second = audit(recipe, again, more)
    assert more.record.stages["audit"].state == "reused"
    assert second.fingerprint == first.fingerprint
    assert other.record.stages == {}


# -- the contract of a check ------------------------------------------------------------------------------------------------

EDGES: dict[str, Any] = {
    "clean": lambda: (clean_rows(1, 400, 3), {}),
    "ten rows": lambda: (rows(10), {}),
    "two rows a class": lambda: ([row | {"label": f"k{i // 2}"} for i, row in enumerate(rows(40))], {}),
    "one huge text": lambda: ([*rows(300), {"text": "x" * 3_000_000, "label": "bug"}], {}),
    "no letters": lambda: ([{"text": f"{i} !!!", "label": "ab"[i % 2]} for i in range(300)], {}),
    "right to left and emoji": lambda: ([{"text": f"שלום 😀 {i}", "label": "ab"[i % 2]} for i in range(300)], {}),
    "hostile names": lambda: ([row | {"label": f"<b>'{row['label']}\"\n|"} for row in rows(300)], {}),
    "several labels": lambda: ([row | {"label": [row["label"], "x"][: i % 3]} for i, row in enumerate(rows(300))], MULTI),
    "one label of several": lambda: ([{"text": row["text"], "label": ["x"] if i % 3 else []} for i, row in enumerate(rows(300))], MULTI),
    "no test": lambda: (rows(300), {"split": {"test_size": 0}}),
    "only train": lambda: (rows(300), {"split": {"test_size": 0, "valid_size": 0}}),
    "label never seen": lambda: (rows(300), {"task": {"text": "text", "label": "label", "labels": ["bug", "sales", "billing", "spam"]}}),
    "one customer holds half": lambda: (
        [row | {"customer": "c" if i % 2 else f"c{i}"} for i, row in enumerate(rows(300))], {"split": {"by": "customer"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_every_check_answers_on_any_data(tmp_path: Path, name: str) -> None:
    content, document = EDGES[name]()
    done, run = audit_rows(tmp_path, content, document)
    for answer in done.findings:
        declared = CHECKS[answer.code]
        assert answer.kind == declared.kind
        assert SEVERITIES.index(answer.severity) <= SEVERITIES.index(declared.severity)
        assert answer.title
        assert answer.status != "open" or (answer.detail and answer.fix)
        assert len(answer.rows) <= answer.n_rows
        known = set(pq.read_table(run.path / "split" / "assignment.parquet")["row"].to_pylist())
        known |= set(pq.read_table(run.path / "split" / "hygiene.parquet")["row"].to_pylist())
        assert set(answer.rows) <= known


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_has_a_page_that_says_what_it_is(code: str) -> None:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code} · {CHECKS[code].kind}: ")
    assert all(part in page for part in ("**What it says.**", "**How it is computed.**", "**Severity.**", "**What to do.**"))
    worst = CHECKS[code].severity
    assert f"*{worst}*" in page
    module = Path(__import__(CHECKS[code].ask.__module__, fromlist=["x"]).__file__ or "")
    assert module.parent.name == "checks"
    assert sum(1 for other in CHECKS.values() if other.ask.__module__ == CHECKS[code].ask.__module__) == 1, "one check per file"
    assert re.match(rf"^{code}: ", module.read_text(encoding="utf-8").removeprefix('"""'))


@pytest.mark.parametrize("code", [f"SPL{k:03d}" for k in range(1, 8)])
def test_every_finding_of_split_has_a_page(code: str) -> None:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code} · ")
    assert "**Severity.**" in page


def test_a_check_may_not_answer_above_its_promise(tmp_path: Path) -> None:
    loud = Check("AUD900", "loud", "note", ("single_label",), "noise", lambda scene: found("error", "boo", fix="hush", detail="loud"))
    splits, run = _splits(tmp_path)
    scene = Scene(Recipe.model_validate({"data": {"path": "x"}}), splits, run.screen)
    with pytest.raises(AssertionError, match="above note"):
        loud.look(scene)


def test_a_check_is_not_asked_for_a_task_that_it_does_not_name(tmp_path: Path) -> None:
    def never(scene: Scene) -> Outcome:
        raise AssertionError("asked")

    other = Check("AUD901", "other", "note", ("multi_label",), "something", never)
    splits, run = _splits(tmp_path)
    answer = other.look(Scene(Recipe.model_validate({"data": {"path": "x"}}), splits, run.screen))
    assert (answer.status, answer.reason) == ("not_applicable", "it is for multi-label data")


def test_two_checks_cannot_share_a_code() -> None:
    with pytest.raises(AssertionError, match="two checks"):
        check(code="AUD001", kind="x", severity="note", looks_for="x")(lambda scene: found("note", "x"))


def test_an_outcome_without_rows_has_none() -> None:
    assert found("note", "x").rows.equals(pa.array([], pa.string()))


def _splits(folder: Path) -> tuple[Splits, Run]:
    write(folder / "data.jsonl", rows(100))
    return run_split(folder, {"data": {"path": "data.jsonl"}})
