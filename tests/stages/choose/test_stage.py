"""choose along the path: what is measured, what is refused and why, what is kept, and what is said where nothing can be measured."""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.data import cache
from goodfit.errors import ModelError, SettingsError
from goodfit.files import read_json
from goodfit.pipeline import start
from goodfit.schemas import Candidates
from goodfit.stages.choose import measure as measuring
from goodfit.stages.choose import race as racing
from tests import made, tiny
from tests.made import chats, rows

project = functools.partial(made.project, audit=False)
writing = functools.partial(made.writing, audit=False)
LOOKED = {"origin", "here", "chance_best", "epoch_seconds", "reading", "command", "memory_bytes", "seconds", "license", "refused"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three base models that differ in family, a pickle, one that needs code of its own, and one without a tokenizer."""
    folder = tmp_path_factory.mktemp("models")
    for name, family in (("one", "bert"), ("two", "electra"), ("three", "llama")):
        tiny.folder(family, folder / name, seed=len(name))
    for name in ("pickle", "code", "bare"):
        shutil.copytree(folder / "one", folder / name)
    (folder / "pickle" / "model.safetensors").rename(folder / "pickle" / "pytorch_model.bin")
    config = read_json(folder / "code" / "config.json")
    (folder / "code" / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "x.Y"}}), encoding="utf-8")
    for path in (folder / "bare").glob("tokenizer*"):
        path.unlink()
    return folder


def chosen(recipe: Path, folder: Path, overrides: tuple[str, ...] = ()) -> tuple[Any, dict[str, Any]]:
    """The run as far as choose, and its candidates.json, which is as the schema says."""
    outcome = start(recipe, overrides, workspace=folder / "runs", until="choose")
    assert outcome.error is None, outcome.error
    document = read_json(outcome.run.path / "choose" / "candidates.json")
    Candidates.model_validate(document)
    return outcome.run, document


def choosing(models: Path, *names: str, **more: Any) -> dict[str, Any]:
    return {"candidates": [str(models / name) for name in names], **more}


def test_candidates_are_measured_on_the_training_rows(tmp_path: Path, models: Path) -> None:
    recipe = project(tmp_path, choose=choosing(models, "one", "two", "three", "pickle", "code", "bare", "nowhere", race=False))
    run, document = chosen(recipe, tmp_path)
    listed = {Path(one["model"]).name: one for one in document["candidates"] if one["origin"] == "named"}
    assert set(listed) == {"one", "two", "three", "pickle", "code", "bare", "nowhere"}
    assert document["measured"]
    assert all(set(one) >= LOOKED for one in listed.values())
    for name in ("one", "two", "three"):
        named = {score["name"] for score in listed[name]["scores"]}
        assert named == {"macro_f1", "h_score", "log_me", "forecast"}
        assert all(score["low"] <= score["value"] <= score["high"] for score in listed[name]["scores"])
        assert listed[name]["reading"]["tokens_per_word"] == pytest.approx(1.0)
        assert listed[name]["epoch_seconds"] > 0
    assert sum(listed[name]["chance_best"] for name in ("one", "two", "three")) == pytest.approx(1.0)
    assert len(document["verdicts"]) == 2
    for name, said in (("pickle", "pickle"), ("code", "code"), ("bare", "tokenizer"), ("nowhere", "no model folder")):
        assert said in listed[name]["refused"]
        assert not listed[name]["scores"]
    assert document["chosen"] == document["candidates"][0]["model"]
    assert run.record.resolved["choose.model_name_or_path"] == document["base"]["path"]
    assert "training rows" in document["reason"]


def test_a_second_run_measures_nothing_twice(tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = project(tmp_path, content=rows(400), choose=choosing(models, "one", "two", race=True))
    _, before = chosen(recipe, tmp_path)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "_measured", never)
    monkeypatch.setattr(racing, "_trained", never)
    _, after = chosen(recipe, tmp_path / "other")
    assert [one["scores"] for one in after["candidates"]] == [one["scores"] for one in before["candidates"]]
    assert after["chosen"] == before["chosen"]
    raced = [score for one in before["candidates"] for score in one["scores"] if score["system"].endswith("raced")]
    assert len(raced) == 2
    assert all(score["split"] == "valid" and score["selected"] for score in raced)
    assert sum(one["chance_best"] or 0.0 for one in before["candidates"]) == pytest.approx(1.0)
    assert before["chosen"] == before["candidates"][0]["model"]


def test_a_damaged_cache_is_measured_again(tmp_path: Path, models: Path) -> None:
    recipe = project(tmp_path, choose=choosing(models, "one", "two", race=False))
    _, before = chosen(recipe, tmp_path)
    for path in (cache.root() / "choose").glob("*.npz"):
        path.write_bytes(b"PK\x03\x04 half a file")
    _, after = chosen(recipe, tmp_path / "other")
    assert [one["chance_best"] for one in after["candidates"]] == [one["chance_best"] for one in before["candidates"]]


def test_the_better_features_win(tmp_path: Path, models: Path) -> None:
    """A model whose embeddings are all alike can tell nothing from the words."""
    from safetensors.torch import load_file, save_file

    blind = tmp_path / "blind"
    shutil.copytree(models / "one", blind)
    weights = load_file(blind / "model.safetensors")
    name = next(key for key in weights if "word_embeddings" in key)
    weights[name][:] = weights[name][:1].clone()
    save_file(weights, blind / "model.safetensors", metadata={"format": "pt"})
    recipe = project(tmp_path / "p", choose={"candidates": [str(blind), str(models / "one")], "race": False})
    _, document = chosen(recipe, tmp_path)
    assert document["chosen"] == str(models / "one")
    assert document["candidates"][0]["chance_best"] > 0.95
    assert document["verdicts"][0]["answer"] == "better"
    assert document["tied"] == [str(models / "one")]


def test_the_named_model_stays_and_a_better_one_is_a_finding(tmp_path: Path, models: Path) -> None:
    from safetensors.torch import load_file, save_file

    blind = tmp_path / "blind"
    shutil.copytree(models / "one", blind)
    weights = load_file(blind / "model.safetensors")
    name = next(key for key in weights if "word_embeddings" in key)
    weights[name][:] = weights[name][:1].clone()
    save_file(weights, blind / "model.safetensors", metadata={"format": "pt"})
    recipe = project(tmp_path / "p", choose={"model_name_or_path": str(blind), "candidates": [str(models / "one")], "race": False})
    run, document = chosen(recipe, tmp_path)
    assert document["chosen"] == str(blind)
    assert document["reason"] == "named in the recipe"
    found = {finding.code: finding for finding in run.findings("choose")}
    assert found["CHO005"].verdict is not None
    assert "choose.model_name_or_path" in found["CHO005"].fix
    assert found["CHO008"].severity == "warning" if "CHO008" in found else True


@pytest.mark.parametrize("n", [24, 90])
def test_too_few_rows_are_said_and_the_rule_too(tmp_path: Path, models: Path, n: int) -> None:
    recipe = project(tmp_path, content=rows(n), choose=choosing(models, "one", "three"), split={"test_size": 0.2, "valid_size": 0.2})
    _, document = chosen(recipe, tmp_path)
    assert not document["measured"]
    assert "too few to measure on" in document["reason"]
    assert "the largest of 2" in document["reason"]
    sizes = {one["model"]: one["parameters"] for one in document["candidates"] if one["here"]}
    assert sizes[document["chosen"]] == max(sizes.values())


def test_one_candidate_is_not_measured(tmp_path: Path, models: Path) -> None:
    _, document = chosen(project(tmp_path, choose=choosing(models, "one", "pickle")), tmp_path)
    assert not document["measured"]
    assert "nothing was measured" in document["reason"]


def test_none_that_can_be_used_is_an_error_with_each_reason(tmp_path: Path, models: Path) -> None:
    outcome = start(project(tmp_path, choose=choosing(models, "pickle", "code")), workspace=tmp_path / "runs", until="choose")
    assert isinstance(outcome.error, ModelError)
    assert "pickle" in str(outcome.error)
    assert "auto_map" in str(outcome.error)


def test_bounds_of_the_recipe(tmp_path: Path, models: Path) -> None:
    (models / "two" / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    _, document = chosen(project(tmp_path, choose=choosing(models, "one", "two", licenses=["MIT"])), tmp_path)
    refused = {Path(one["model"]).name: one["refused"] for one in document["candidates"] if one["here"]}
    assert "choose.licenses does not name" in refused["one"]
    assert refused["two"] is None
    outcome = start(
        project(tmp_path / "p", choose=choosing(models, "one", "two", max_memory="1MB")), workspace=tmp_path / "r", until="choose"
    )
    assert "choose.max_memory is 1.0 MB" in str(outcome.error)
    with pytest.raises(SettingsError, match="16GB"):
        start(project(tmp_path / "q", choose=choosing(models, "one", max_memory="much")), workspace=tmp_path / "r")


def test_several_labels_a_row(tmp_path: Path, models: Path) -> None:
    content = [row | {"queue": row["queue"] if i % 3 else f"{row['queue']}|urgent"} for i, row in enumerate(rows(400))]
    task = {"text": ["subject", "body"], "label": "queue", "multi_label": True}
    recipe = project(tmp_path, content=content, task=task, choose=choosing(models, "one", "two", race=True))
    _, document = chosen(recipe, tmp_path)
    assert document["measured"]
    assert len(document["verdicts"]) == 2
    assert all(np.isfinite(score["value"]) for one in document["candidates"] for score in one["scores"])


def test_writers_are_compared_in_bits_per_byte(tmp_path: Path) -> None:
    for seed in (0, 1):
        tiny.writer(tmp_path / f"w{seed}", seed=seed)
    tiny.folder("bert", tmp_path / "reads")
    recipe = writing(tmp_path, content=chats(120), choose={"candidates": ["w0", "w1", "reads"]})
    _, document = chosen(recipe, tmp_path)
    listed = {one["model"]: one for one in document["candidates"] if one["here"] or one["origin"] == "named"}
    assert {score["name"] for score in document["candidates"][0]["scores"]} == {"bits_per_byte"}
    values = [one["scores"][0]["value"] for one in document["candidates"][:2]]
    assert values == sorted(values)
    assert any("encoder" in (one["refused"] or "") for one in listed.values())
    assert document["verdicts"][0]["difference"]["unit"] == "bits"


def test_what_is_not_here_is_listed_with_what_gets_it(tmp_path: Path, models: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(
        "models:\n  - {id: me/mine, tasks: classification, languages: ha, parameters: 1000, context: 128, license: mit,\n"
        "     source: 'https://example.org/mine', seen: 2026-11-30}\n",
        encoding="utf-8",
    )
    recipe = project(tmp_path, choose=choosing(models, "one", catalog=str(own)))
    _, document = chosen(recipe, tmp_path)
    absent = {one["model"]: one for one in document["candidates"] if not one["here"]}
    assert absent["me/mine"]["command"] == "hf download me/mine"
    assert "answerdotai/ModernBERT-base" in absent
    assert all(one["source"].startswith("https://") and one["refused"] for one in absent.values())
    assert not any("SmolLM2" in name for name in absent)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: [{id: a/b}]", "1"),
        ("things: []", "`models`"),
        (
            "models:\n  - {id: a/b, tasks: dancing, languages: en, parameters: 1, context: 1, license: mit, source: 'https://x', seen: 2026-01-01}",
            "tasks",
        ),
        ("- a", "list"),
    ],
)
def test_a_catalog_that_is_wrong_is_told_with_its_line(tmp_path: Path, models: Path, text: str, said: str) -> None:
    (tmp_path / "wrong.yaml").write_text(text, encoding="utf-8")
    recipe = project(tmp_path, choose=choosing(models, "one", catalog="wrong.yaml"))
    outcome = start(recipe, workspace=tmp_path / "runs", until="choose")
    assert isinstance(outcome.error, SettingsError)
    assert said in str(outcome.error)
    assert "wrong.yaml" in str(outcome.error)
