"""From a run's rows to audit/suspects.parquet and the findings AUD020 and AUD021: what is said, what is left out, and when nothing is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.files import read_jsonl
from goodfit.run import FIRST_SUSPECTS, SUSPECTS, Run
from goodfit.stages.audit.check import CHECKS, Outcome
from goodfit.stages.audit.labels import Suspects, first_rows
from goodfit.stages.audit.labels.suspects import SCHEMA
from goodfit.stages.audit.scene import Scene
from goodfit.stages.audit.stage import _keep_suspects
from goodfit.stages.report.facts import _doubted
from goodfit.stages.report.plots import doubted
from goodfit.stages.report.schema import DataFacts
from tests.stages.audit.make import clean_rows, recipe_of
from tests.stages.split.make import run_split, write

SEVERAL = {"task": {"text": "text", "label": "label", "multi_label": True}}
Rows = list[dict[str, Any]]


def scene_of(folder: Path, content: Rows, document: Mapping[str, Any] | None = None) -> tuple[Scene, Run]:
    """What the checks of audit see of one file of rows."""
    write(folder / "data.jsonl", content)
    whole = {"data": {"path": "data.jsonl"}} | dict(document or {})
    splits, run = run_split(folder, whole)
    return Scene(recipe_of(whole), splits, run.screen, run.base), run


def said(scene: Scene, code: str) -> Outcome:
    return CHECKS[code].look(scene)


def wronged(content: Rows, share: float, seed: int = 7) -> tuple[Rows, set[str]]:
    """Rows with a share of the labels changed, and the texts of these."""
    rng, labels = np.random.default_rng(seed), sorted({row["label"] for row in content})
    rows = rng.permutation(len(content))[: round(share * len(content))]
    out = list(content)
    for i in rows:
        out[i] = content[i] | {"label": str(rng.choice([name for name in labels if name != content[i]["label"]]))}
    return out, {content[i]["text"] for i in rows}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Run]:
    return scene_of(tmp_path_factory.mktemp("clean"), clean_rows(4, 900, 3))


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Run, set[str], dict[str, str]]:
    content = clean_rows(4, 900, 3)
    given, texts = wronged(content, 0.12)
    return *scene_of(tmp_path_factory.mktemp("wrong"), given), texts, {row["text"]: row["label"] for row in content}


def test_wrong_labels_stand_on_top_with_the_right_one_beside_them(wrong: Any) -> None:
    scene, _, texts, right = wrong
    suspects = scene.suspects
    assert isinstance(suspects, Suspects)
    assert suspects.table.schema == SCHEMA
    assert suspects.judged == suspects.of == scene.splits.counts["train"]
    top = suspects.table.slice(0, 40).to_pylist()
    shown = scene.splits.take([row["row"] for row in top]).to_pylist()
    hits = [row["text"] in texts for row in shown]
    assert np.mean(hits) > 0.9
    assert np.mean([t["suggested"] == right[r["text"]] for t, r, hit in zip(top, shown, hits) if hit]) > 0.9
    assert [t["label"] for t in top] == [r["label"] for r in shown]
    assert np.mean([t["flagged"] for t in top]) > 0.9


def test_the_columns_are_what_they_say(wrong: Any) -> None:
    table = wrong[0].suspects.table
    n = table.num_rows
    suspicion = table["suspicion"].to_numpy()
    assert suspicion[0] == 1
    assert (np.diff(suspicion) < 0).all()
    assert suspicion[-1] == pytest.approx(1 / n)
    assert len(set(table["row"].to_pylist())) == n
    assert set(table["split"].to_pylist()) == {"train"}
    assert np.bincount(table["stratum"].to_numpy()) / n == pytest.approx([0.05, 0.1, 0.25, 0.6], abs=0.005)
    assert ((table["probability"].to_numpy() >= 0) & (table["probability"].to_numpy() <= 1)).all()


def test_the_file_and_the_lines_of_the_screen(wrong: Any) -> None:
    scene, run, _, _ = wrong
    told = _keep_suspects(scene, run)
    assert pq.read_table(run.path / "audit" / SUSPECTS).equals(scene.suspects.table)
    lines = told.splitlines()
    assert lines[0].startswith("  review these 20 rows first")
    assert len(lines) == 21
    first = scene.suspects.table.slice(0, 1).to_pylist()[0]
    assert lines[1].split()[0].startswith("data.jsonl:")
    assert f"{first['label']}" in lines[1]
    assert f"→ {first['suggested']}" in lines[1]
    kept = read_jsonl(run.path / "audit" / FIRST_SUSPECTS)
    assert [line["row"] for line in kept] == scene.suspects.table["row"].to_pylist()[:20]
    texts = scene.splits.take([line["row"] for line in kept])["text"].to_pylist()
    assert [line["text"] for line in kept] == texts
    assert all(line["likelier"] == line["suggested"] != line["label"] for line in kept)


def test_the_profile_counts_pairs_of_labels(wrong: Any) -> None:
    told = wrong[0].suspects.to_json()
    assert told["flags"] == sum(pair["n"] for pair in told["pairs"])
    assert all(pair["label"] != pair["likelier"] for pair in told["pairs"])
    assert told["at_least"] <= 0.12 <= told["at_most"]
    facts = DataFacts(doubted=_doubted(told))
    (chart,) = doubted(facts)
    first = told["pairs"][0]
    assert chart.rows[0] == [first["label"], first["likelier"], f"{first['n']:,}"]
    assert not list(doubted(DataFacts(doubted=_doubted({"pairs": [{"label": 3}], "flags": "x"}))))


def test_the_findings_of_wrong_labels(wrong: Any) -> None:
    scene = wrong[0]
    found = said(scene, "AUD020")
    assert (found.status, found.severity) == ("open", "note")
    assert len(found.rows) == 20
    assert f"{scene.suspects.flags} rows are flagged" in found.detail
    assert "of 100 flags would be real" in found.detail
    assert {s.name for s in found.evidence} == {"agreed_rate", "flag_precision", "planted_recall"}
    noise = said(scene, "AUD021")
    least, most = noise.evidence
    assert least.low is not None
    assert most.high is not None
    assert least.low <= 0.12 <= most.high
    assert noise.title.startswith("between ")
    assert noise.verdict is not None
    assert (noise.verdict.answer, noise.verdict.rows_needed) == ("cannot_tell", 200)  # at 12% the sure rows are few; only people can tell


def test_clean_labels_are_ranked_and_not_blamed(clean: Any) -> None:
    scene, _ = clean
    for code in ("AUD020", "AUD021"):
        assert said(scene, code).status == "passed"
    assert len(said(scene, "AUD020").rows) == 20
    assert said(scene, "AUD021").title.startswith("between 0% and ")


def test_a_class_with_few_rows_is_left_out_and_named(tmp_path: Path) -> None:
    content = clean_rows(1, 300, 2)
    for i in range(4):
        content[i] = content[i] | {"label": "rare\x1b[31m"}
    scene, _ = scene_of(tmp_path, content, {"split": {"test_size": 0, "valid_size": 0.1}})
    suspects = scene.suspects
    assert isinstance(suspects, Suspects)
    assert set(suspects.left_out) == {"rare\x1b[31m"}
    assert "rare\x1b[31m" not in suspects.table["label"].to_pylist()
    assert "rare\x1b[31m" not in suspects.table["suggested"].to_pylist()
    detail = said(scene, "AUD020").detail
    assert "Left out: 1 class with too few rows" in detail
    assert "\x1b" not in detail


@pytest.mark.parametrize(
    ("content", "document", "why"),
    [
        (clean_rows(1, 60, 2), {}, "it takes 50 training rows"),
        ([row | {"label": f"c{i // 3}"} for i, row in enumerate(clean_rows(1, 240, 2))], {}, "fewer than two classes"),
        (
            [row | {"who": f"p{i % 4}"} for i, row in enumerate(clean_rows(1, 400, 2))],
            {"split": {"by": "who", "test_size": 0.25, "valid_size": 0}},
            "cluster",
        ),
    ],
    ids=["rows", "classes", "clusters"],
)
def test_where_nothing_can_be_said_the_reason_is(tmp_path: Path, content: Rows, document: dict[str, Any], why: str) -> None:
    scene, run = scene_of(tmp_path, content, document)
    for code in ("AUD020", "AUD021"):
        outcome = said(scene, code)
        assert outcome.status == "not_applicable"
        assert why in str(outcome.reason)
    assert _keep_suspects(scene, run) == ""
    assert not (run.path / "audit" / SUSPECTS).exists()


def test_the_fewest_rows_that_are_judged(tmp_path: Path) -> None:
    scene, _ = scene_of(tmp_path, clean_rows(2, 56, 2), {"split": {"test_size": 0, "valid_size": 0.1}})
    assert isinstance(scene.suspects, Suspects)
    assert scene.suspects.judged == scene.splits.counts["train"] >= 50


def test_several_labels_name_the_one_concerned_and_suggest_a_set(tmp_path: Path) -> None:
    content = clean_rows(4, 900, 3)
    several = [row | {"label": [row["label"]]} for row in content]
    rng = np.random.default_rng(0)
    wrong = {
        int(i): str(rng.choice([c["label"] for c in content[:50] if c["label"] != content[i]["label"]])) for i in rng.permutation(900)[:80]
    }
    for i, name in wrong.items():
        several[i] = several[i] | {"label": [several[i]["label"][0], name]}
    scene, run = scene_of(tmp_path, several, SEVERAL)
    top = scene.suspects.table.slice(0, 30).to_pylist()  # type: ignore[union-attr]
    shown = scene.splits.take([row["row"] for row in top]).to_pylist()
    planted = {content[i]["text"]: name for i, name in wrong.items()}
    assert np.mean([row["text"] in planted for row in shown]) > 0.8
    for told, row in zip(top, shown):
        changed = set(json.loads(told["suggested"])) ^ set(row["label"])
        assert changed == {told["label"]}
    assert np.mean([planted.get(row["text"]) == told["label"] for told, row in zip(top, shown)]) > 0.8
    assert "without it" in {line["likelier"] for line in first_rows(scene.suspects.table, scene.splits)}  # type: ignore[union-attr]
    assert said(scene, "AUD020").status != "not_applicable"
    assert _keep_suspects(scene, run).startswith("  review these")


def test_hostile_labels_do_not_reach_the_screen(tmp_path: Path) -> None:
    content = [row | {"label": row["label"] + "\x1b[2J\n[red]"} for row in clean_rows(3, 200, 2)]
    scene, run = scene_of(tmp_path, content)
    told = _keep_suspects(scene, run)
    assert "\x1b" not in told
    assert len(told.splitlines()) == 21


def test_generation_is_not_asked(tmp_path: Path) -> None:
    content = [{"prompt": f"what is {i}?", "completion": f"it is {i}"} for i in range(80)]
    write(tmp_path / "data.jsonl", content)
    whole = {"data": {"path": "data.jsonl"}, "task": {"kind": "generation", "prompt": "prompt", "completion": "completion"}}
    splits, run = run_split(tmp_path, whole)
    scene = Scene(recipe_of(whole), splits, run.screen, run.base)
    assert said(scene, "AUD020").status == "not_applicable"
    assert _keep_suspects(scene, run) == ""
