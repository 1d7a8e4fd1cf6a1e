"""What rows are measured on, how tokenizers read them, where models are found, and how candidates are ranked."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from goodfit.models.heads import Classifier, Language
from goodfit.models.hubcache import cached, whole
from goodfit.recipe import Choose, Peft
from goodfit.recipe.prepare import bytes_of
from goodfit.stages.choose import candidates
from goodfit.stages.choose.candidates import around, labels_of, named
from goodfit.stages.choose.catalog import catalog
from goodfit.stages.choose.measure import MEASURES, Measured
from goodfit.stages.choose.race import FEWEST_STEPS, MOST_STEPS, steps_of
from goodfit.stages.choose.ranking import after_race, forecast, rank
from goodfit.stages.choose.reading import read
from goodfit.stages.choose.rows import FEWEST_OF_CLASS, Rows, _share, by_language, script_of
from tests import tiny


def rows(*texts: str, languages: tuple[str, ...] = ()) -> Rows:
    n = len(texts)
    return Rows(
        tuple(map(str, range(n))), texts, np.ones((n, 1), bool), ("a",), np.arange(n), languages or tuple(map(script_of, texts)), False, n
    )


def test_scripts() -> None:
    assert [script_of(t) for t in ("Dobrý den", "Привет мир", "مرحبا", "你好，世界", "ጤና ይስጥልኝ", "1234 !!", "")] == [
        "Latin", "Cyrillic", "Arabic", "Han", "Ethiopic", "none", "none",
    ]  # fmt: skip
    assert {name: places.tolist() for name, places in by_language(("b", "a", "b")).items()} == {"b": [0, 2], "a": [1]}


def test_every_class_has_its_share_and_small_ones_their_rows() -> None:
    strata = np.repeat([0, 1, 2, 3], [5000, 900, 100, 4])
    chosen = _share(np.arange(len(strata)), strata, 600, np.random.default_rng(0))
    counts = np.bincount(strata[chosen], minlength=4)
    assert counts.sum() <= 600 + 4
    assert counts.tolist()[:2] == [499, 89]
    assert counts[2] >= FEWEST_OF_CLASS
    assert counts[3] == 4
    assert (np.diff(chosen) > 0).all()
    assert len(_share(np.arange(50), strata[:50], 600, np.random.default_rng(0))) == 50


def word_tokenizer(*, strip: bool) -> Any:
    inner = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "kafe": 2, "kafé": 3, "un": 4}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if strip:
        inner.normalizer = normalizers.Sequence([normalizers.NFD(), normalizers.StripAccents()])
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]", pad_token="[PAD]")


def test_reading_counts_words_unknowns_accents_and_what_is_beyond() -> None:
    given = rows("un kafé kafé", "un xyz", "un " * 40, languages=("cs", "cs", "fr"))
    kept = read(given, word_tokenizer(strip=False), 32)
    assert (kept.whole.words, kept.whole.tokens, kept.whole.unknown) == (45, 45, 1)
    assert (kept.whole.beyond, kept.whole.lost) == (1, 8)
    assert kept.whole.fertility == pytest.approx(1.0)
    assert kept.whole.unknown_rate == pytest.approx(1 / 37)  # of the tokens that the model sees
    assert (kept.whole.marks, kept.whole.marks_lost) == (2, 0)
    assert set(kept.languages) == {"cs", "fr"}
    dropped = read(given, word_tokenizer(strip=True), None)
    assert (dropped.whole.marks, dropped.whole.marks_lost, dropped.whole.beyond) == (2, 2, 0)
    assert dropped.to_json()["marks_dropped"] == 1.0
    assert dropped.languages["fr"].to_json()["marks_dropped"] is None
    assert read(rows("你好世界 ok"), word_tokenizer(strip=False), None).whole.words == 5


@pytest.mark.parametrize(("n", "steps"), [(50, 125), (2000, 125), (8000, 188), (1_000_000, MOST_STEPS)])
def test_a_race_is_an_eighth_of_a_usual_training(n: int, steps: int) -> None:
    assert steps_of(n) == steps
    assert steps_of(n) >= FEWEST_STEPS


def measured(value: float, noise: float, seed: int) -> Measured:
    draws = np.random.default_rng(seed).normal(0, noise, 200)
    return Measured({}, dict.fromkeys(MEASURES, value), dict.fromkeys(MEASURES, value + 5 + draws), {}, 1.0, 1.0)


def test_ranking_says_how_sure_it_is() -> None:
    sure = rank([measured(0.5, 0.01, 0), measured(0.8, 0.01, 1), measured(0.3, 0.01, 2)], [10**7] * 3, 0)
    assert sure.order == (1, 0, 2)
    assert sure.best.tolist()[1] > 0.98
    assert sure.tied == (1,)
    assert sure.low[1] < sure.fit[1] < sure.high[1]
    tie = rank([measured(0.50, 0.01, 0), measured(0.51, 0.01, 1)], [10**7] * 2, 0)
    assert set(tie.tied) == {0, 1}
    assert 0.2 < tie.best[0] < 0.8
    assert tie.best.sum() == pytest.approx(1.0)


def test_a_race_that_many_rows_judge_decides_and_one_of_few_hardly() -> None:
    forecasts, raced = np.array([0.02, 0.0]), np.array([0.60, 0.70])
    rng = np.random.default_rng(0)
    sure = after_race(forecasts, raced, raced + rng.normal(0, 0.005, (200, 2)), 0)
    assert sure.order == (1, 0)
    assert sure.tied == (1,)
    assert sure.chance[1] > 0.9
    unsure = after_race(forecasts, np.array([0.60, 0.62]), np.array([0.60, 0.62]) + rng.normal(0, 0.2, (200, 2)), 0)
    assert unsure.order == (0, 1)
    assert set(unsure.tied) == {0, 1}


def test_equal_features_of_a_larger_model_are_worth_more() -> None:
    center = [np.array([0.6, 0.6]) for _ in MEASURES]
    fit = forecast(center, center, np.array([1e7, 4e7]))
    assert fit[1] - fit[0] == pytest.approx(0.04)
    huge = forecast(center, center, np.array([1e6, 1e12]))
    assert huge[1] - huge[0] == pytest.approx(0.12)


def test_measures_in_other_units_weigh_as_much_as_scores() -> None:
    scores, evidence = np.array([0.5, 0.7]), np.array([-400.0, -300.0])
    fit = forecast([scores, scores, evidence, evidence], [scores, scores, evidence, evidence], np.array([1e7, 1e7]))
    assert fit[1] - fit[0] == pytest.approx(0.2)


def hub(folder: Path, name: str, base: Path) -> Path:
    """A model as the hub's cache holds it: blobs, a snapshot of links, and a reference to it."""
    entry = folder / f"models--{name.replace('/', '--')}"
    snapshot = entry / "snapshots" / "abc123"
    snapshot.mkdir(parents=True)
    (entry / "blobs").mkdir()
    for path in base.iterdir():
        shutil.copy(path, entry / "blobs" / path.name)
        (snapshot / path.name).symlink_to(entry / "blobs" / path.name)
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text("abc123", encoding="utf-8")
    return snapshot


def test_the_hubs_cache_gives_what_lies_there_whole(tmp_path: Path) -> None:
    base = tiny.folder("bert", tmp_path / "base")
    good = hub(tmp_path / "hub", "me/good", base)
    half = hub(tmp_path / "hub", "me/half", base)
    (tmp_path / "hub" / "models--me--half" / "blobs" / "model.safetensors").unlink()
    parts = hub(tmp_path / "hub", "me/parts", base)
    (parts / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors"}}), encoding="utf-8"
    )
    (tmp_path / "hub" / "datasets--me--data").mkdir()
    (tmp_path / "hub" / "models--me--empty").mkdir()
    assert cached(tmp_path / "hub") == {"me/good": good}
    assert not whole(half)
    assert cached(tmp_path / "nowhere") == {}


def test_auto_takes_the_hubs_cache_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tiny.folder("bert", tmp_path / "base")
    (base / "README.md").write_text("---\nlicense: mit\n---\n", encoding="utf-8")
    snapshots = {"me/good": hub(tmp_path / "hub", "me/good", base), "me/again": hub(tmp_path / "hub", "me/again", base)}
    secret = tiny.folder("bert", tmp_path / "secret", seed=1)
    snapshots["me/unlicensed"] = hub(tmp_path / "hub", "me/unlicensed", secret)
    (secret / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n", encoding="utf-8")
    snapshots["me/not-free"] = hub(tmp_path / "hub", "me/not-free", secret)
    snapshots["me/writes"] = hub(tmp_path / "hub", "me/writes", tiny.writer(tmp_path / "writer"))
    monkeypatch.setattr(candidates, "cached", lambda: snapshots)
    monkeypatch.setattr(candidates.packaged, "discover", tuple)
    found = {one.name: one for one in around(Classifier.of(3), Choose(), Peft())}
    assert found["me/good"].usable
    assert "same model as me/good" in (found["me/again"].refused or "")
    assert "licence is not known" in (found["me/unlicensed"].refused or "")
    assert "cc-by-nc-4.0: name it" in (found["me/not-free"].refused or "")
    assert "not an encoder" in (found["me/writes"].refused or "")
    assert found["me/good"].memory is not None
    writers = {one.name: one for one in around(Language(), Choose(), Peft())}
    assert "not one that writes" in (writers["me/good"].refused or "")


def test_names_that_people_read(tmp_path: Path) -> None:
    for place in ("a/base", "b/base", "b/other"):
        tiny.folder("bert", tmp_path / place, seed=len(place) + ord(place[0]))
    found = named([str(tmp_path / p) for p in ("a/base", "b/base", "b/other")], tmp_path, Classifier.of(2), Choose(), Peft())
    assert labels_of(found) == [str(tmp_path / "a/base"), str(tmp_path / "b/base"), "other"]


def test_the_catalog_is_whole() -> None:
    entries = catalog(None, Path())
    assert len({entry.id for entry in entries}) == len(entries) >= 20
    assert all(entry.downloads is None or entry.downloads_from for entry in entries)
    assert {task for entry in entries for task in entry.tasks} == {"classification", "generation"}


def test_sizes_of_memory() -> None:
    assert [bytes_of(size) for size in ("16GB", "1.5 gb", "800MB", "2TiB", "4g")] == [
        16 * 10**9,
        1_500_000_000,
        800_000_000,
        2 * 10**12,
        4 * 10**9,
    ]
    for wrong in ("16", "-1GB", "0GB", "GB", "much", "1PB"):
        with pytest.raises(ValueError, match="16GB"):
            Choose(max_memory=wrong)


def test_rows_of_a_few_customers_are_not_measured_on() -> None:
    given = rows(*(f"w{i}" for i in range(200)))
    few = dataclasses.replace(given, clusters=np.arange(200) % 9, labels=("a", "b"), targets=np.eye(2, dtype=bool)[np.arange(200) % 2])
    assert "9 clusters" in (few.enough() or "")
    assert dataclasses.replace(few, clusters=np.arange(200)).enough() is None
    assert "fewer than two classes" in (given.enough() or "")
