"""Shift, thin regions and topics: planted ones are found, and samples of one source are not told apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.errors import DataError
from goodfit.stages.audit.likeness import coverage, distinctive, effective_number, regions, shift, topics_of, word_counts
from goodfit.stages.audit.likeness.words import words_of
from goodfit.tasks.embeddings import LexicalEncoder, unit
from tests.stages.audit.make import audit_rows, audit_splits, finding
from tests.stages.split.make import run_split, write

D = 16


def _cloud(rng: np.random.Generator, n: int, *, towards: float = 0.0) -> np.ndarray:
    return unit(rng.normal(size=(n, D)) + towards * np.eye(D)[0])


def _shift(first: np.ndarray, second: np.ndarray, seed: int = 0) -> Any:
    n, m = len(first), len(second)
    lengths = tuple(np.random.default_rng(seed).integers(20, 60, size) for size in (n, m))
    return shift(first, second, (lengths[0], lengths[1]), (np.arange(n), -1 - np.arange(m)), seed=seed)


def test_samples_of_one_source_are_told_apart_no_more_than_by_chance() -> None:
    """300 draws at the 99% level: at most 2% are called different at all."""
    sure = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, 1])
        found = _shift(_cloud(rng, 200), _cloud(rng, 120), seed)
        sure += found.auc.low > 0.5
    assert sure <= 6


def test_a_planted_shift_is_found_and_its_rows_come_first() -> None:
    rng = np.random.default_rng(0)
    second = np.concatenate([_cloud(rng, 300), _cloud(rng, 100, towards=4)])
    found = _shift(_cloud(rng, 1000), second)
    assert found.auc.low > 0.53
    assert (np.argsort(-found.odds)[:50] >= 300).mean() > 0.9


def test_too_few_clusters_are_no_sample() -> None:
    rng = np.random.default_rng(0)
    few = np.repeat(np.arange(10), 20)
    assert shift(_cloud(rng, 200), _cloud(rng, 200), (few, few), (np.arange(200), few), seed=0) is None
    assert coverage(_cloud(rng, 200), _cloud(rng, 30), np.arange(200), seed=0) is None


def test_rows_of_one_customer_do_not_make_a_shift() -> None:
    """Each cluster has its own place; both samples draw clusters from the same source."""
    sure = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 2])
        places = _cloud(rng, 120) * 3
        group = np.repeat(np.arange(120), 8)
        vectors = unit(places[group] + rng.normal(size=(960, D)))
        train = group < 70
        lengths = rng.integers(20, 60, 960)
        found = shift(vectors[train], vectors[~train], (lengths[train], lengths[~train]), (group[train], group[~train]), seed=seed)
        sure += found is not None and found.auc.low > 0.5
    assert sure <= 2


def test_far_texts_are_counted_and_five_percent_are_by_chance() -> None:
    shares = []
    for seed in range(40):
        rng = np.random.default_rng([seed, 3])
        shares.append(coverage(_cloud(rng, 600), _cloud(rng, 300), np.arange(600), seed=seed).far.value)  # type: ignore[union-attr]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.015)
    rng = np.random.default_rng(0)
    train = _cloud(rng, 600)
    train[:, 8:] = 0
    mixed = np.concatenate([_cloud(rng, 200), _cloud(rng, 100)])
    mixed[:200, 8:] = 0
    found = coverage(unit(train), unit(mixed), np.arange(600), seed=0)
    assert found is not None
    assert found.far.low is not None
    assert found.far.low > 0.2
    assert (np.argsort(-found.distance)[:60] >= 200).mean() > 0.9


def test_repeats_within_training_do_not_make_others_far() -> None:
    rng = np.random.default_rng(0)
    base = _cloud(rng, 300)
    twice = np.concatenate([base, base])
    found = coverage(twice, _cloud(rng, 300), np.r_[np.arange(300), np.arange(300)], seed=0)
    assert found is not None
    assert found.far.value == pytest.approx(0.05, abs=0.05)


def test_a_cluster_that_is_fuller_in_the_second_sample_is_thin() -> None:
    first, second = np.repeat([0, 1, 2], [500, 480, 20]), np.repeat([0, 1, 2], [200, 190, 60])
    found = regions(first, second, 4)
    assert [region.cluster for region in found] == [2]
    assert found[0].share == pytest.approx(60 / 450)
    assert regions(first, np.repeat([0, 1, 2], [205, 200, 8]), 3) == []


TOPICS = [["card", "lost", "stolen", "bank"], ["parcel", "late", "address", "courier"], ["menu", "soup", "waiter", "table"]]


def _talk(n: int, shares: list[float], seed: int) -> tuple[list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    which = rng.choice(len(TOPICS), size=n, p=shares)
    filler = ["please", "today", "again", "about", "with", "this", "that"]
    return [" ".join(rng.permutation([*rng.choice(TOPICS[k], 4), *rng.choice(filler, 3), f"n{i}"])) for i, k in enumerate(which)], which


def test_topics_are_found_named_and_stable() -> None:
    texts, which = _talk(600, [0.5, 0.3, 0.2], 0)
    found = topics_of(texts, LexicalEncoder().encode(texts), seed=0)
    assert found is not None
    assert sum(topic.rows for topic in found.topics) == 600
    assert [topic.rows for topic in found.topics] == sorted((topic.rows for topic in found.topics), reverse=True)
    purity = sum(np.bincount(which[found.member == k]).max() for k in range(len(found.topics))) / 600
    assert purity > 0.95
    named = {word for topic in found.topics for word in topic.words}
    assert named & {word for topic in TOPICS for word in topic}
    assert (found.of(found.centres) == np.arange(len(found.topics))).all()
    assert topics_of(texts[:20], LexicalEncoder().encode(texts[:20]), seed=0) is None


def test_structure_that_is_not_there_is_called_unstable() -> None:
    found = topics_of([f"t{i}" for i in range(800)], _cloud(np.random.default_rng(0), 800), seed=0)
    assert found is not None
    assert not found.stable


def test_texts_that_are_all_the_same_are_one_topic() -> None:
    found = topics_of(["same words here"] * 60, np.ones((60, 3), np.float32) / np.sqrt(3, dtype=np.float32), seed=0)
    assert found is not None
    assert [topic.rows for topic in found.topics] == [60]


def test_the_effective_number_counts_different_texts() -> None:
    """The Vendi score of k orthogonal groups of equal size is k (Friedman & Dieng 2023)."""
    assert effective_number(np.eye(12, dtype=np.float32)[np.arange(600) % 5]) == pytest.approx(5)
    assert effective_number(np.tile(np.eye(12, dtype=np.float32)[0], (50, 1))) == pytest.approx(1)
    assert effective_number(np.zeros((5, 3), np.float32)) == pytest.approx(1)


def test_words_tell_two_sets_apart_and_nothing_is_said_of_one() -> None:
    texts = ["the red house"] * 30 + ["the blue house"] * 30
    counts, words = word_counts(texts)
    here, there = (np.asarray(part.sum(axis=0)).reshape(-1).astype(float) for part in (counts[:30], counts[30:]))
    assert distinctive(here, there, words) == ["red"]
    assert distinctive(here, here, words) == []
    assert word_counts(["!!", "??"]) == (None, [])


def test_scripts_without_spaces_are_read_by_pairs() -> None:
    assert words_of("我要退款") == ["我要", "要退", "退款"]
    assert words_of("L’été 2024 Ünder_score") == ["l’été", "ünder", "score"]  # noqa: RUF001


def _rows(shares: list[float], n: int, seed: int) -> list[dict[str, str]]:
    texts, which = _talk(n, shares, seed)
    return [{"text": text, "label": "xyz"[k]} for text, k in zip(texts, which, strict=True)]


def test_production_that_speaks_of_other_things_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path / "production.jsonl", [{"text": row["text"]} for row in _rows([0.05, 0.05, 0.9], 400, 5)])
    audit = {"encoder": "tfidf_svd", "production": "production.jsonl"}
    done, _ = audit_rows(tmp_path, _rows([0.55, 0.4, 0.05], 800, 1), {"audit": audit})
    moved, thin = finding(done, "AUD040"), finding(done, "AUD041")
    assert (moved.status, moved.severity) == ("open", "warning")
    assert "production" in moved.title
    assert any(word in moved.detail for word in TOPICS[2])
    assert (thin.status, thin.rows) == ("open", ())
    assert "production" in thin.title
    topics = done.profile["topics"]
    assert topics["encoder"] == "tfidf_svd"
    assert sum(topic["n"] for topic in topics["topics"]) == topics["n"]


def test_rows_divided_by_chance_are_alike(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows([0.4, 0.4, 0.2], 800, 1))
    assert finding(done, "AUD040").status == "passed"
    assert finding(done, "AUD041").status == "passed"


def test_given_splits_of_different_sources_are_a_finding_with_rows(tmp_path: Path) -> None:
    for name, shares, n, seed in (
        ("train", [0.6, 0.4, 0.0], 600, 1),
        ("valid", [0.2, 0.2, 0.6], 200, 2),
        ("test", [0.4, 0.4, 0.2], 200, 3),
    ):
        write(tmp_path / f"{name}.jsonl", _rows(shares, n, seed))
    given = {
        "data": {"train": "train.jsonl", "valid": "valid.jsonl", "test": "test.jsonl"},
        "task": {"text": "text", "label": "label", "labels": ["x", "y", "z"]},
    }
    splits, run = run_split(tmp_path, given)
    done = audit_splits(splits, run, given)
    moved = finding(done, "AUD040")
    assert moved.severity == "warning"
    ids = dict(zip(*splits.table("valid", columns=("row", "text")).to_pydict().values(), strict=True))
    assert all(any(word in ids[row] for word in TOPICS[2]) for row in moved.rows[:20])


def test_a_file_without_the_column_is_an_error_that_names_it(tmp_path: Path) -> None:
    write(tmp_path / "production.jsonl", [{"a": "x", "b": "y"}])
    with pytest.raises(DataError, match=r"audit\.production: it has no column 'text'"):
        audit_rows(tmp_path, _rows([0.4, 0.4, 0.2], 300, 1), {"audit": {"encoder": "tfidf_svd", "production": ["production.jsonl"]}})
