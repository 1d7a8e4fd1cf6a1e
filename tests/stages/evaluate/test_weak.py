"""Weak slices: candidates by brute force, a planted slice found on validation and confirmed on test, quiet where there is none."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from goodfit.files import read_jsonl
from goodfit.schemas import MODELS
from goodfit.stages.evaluate.weak.predicates import Rows, bounds, predicates_of
from goodfit.stages.evaluate.weak.search import Answered, Slices, candidates_of, slices_of
from goodfit.stages.evaluate.weak.told import weak_slices
from tests.stages.evaluate.test_stage import go, place, scores

COMMON = [f"word{i}" for i in range(25)]


def rows_of(n: int, seed: int, *, labels: int = 3, german: bool = True) -> tuple[Rows, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, labels, n)
    texts = []
    for _ in range(n):
        words = rng.choice(COMMON, rng.integers(3, 25)).tolist()
        if rng.random() < 0.12:
            words.insert(int(rng.integers(len(words))), "refund")
        if rng.random() < 0.3:
            words.append(str(rng.integers(1000)))
        texts.append(" ".join(words) + ("?" if rng.random() < 0.25 else ""))
    region = rng.choice(["north", "south", "east"], n, p=[0.6, 0.3, 0.1]).tolist()
    tokens = np.array([len(text) // 4 for text in texts])
    return Rows(texts, y[:, None] == np.arange(labels)[None], tokens, {"region": region}), y


def answered(rows: Rows, y: np.ndarray, wrong: np.ndarray, name: str = "v", clusters: Any = None) -> Answered:
    return Answered(rows, wrong, [f"{name}{i}" for i in range(len(rows))], y, clusters)


def test_candidates_equal_those_of_brute_force() -> None:
    rows, _ = rows_of(400, 0)
    predicates = predicates_of(rows, ("a", "b", "c"), None, 0)
    names, member = candidates_of(predicates, rows)
    least, most = bounds(400)
    masks = [one.test(rows) for one in predicates]
    wanted = {mask.tobytes() for mask in masks if least <= mask.sum() <= most}
    for a, b in itertools.combinations(range(len(predicates)), 2):
        both = masks[a] & masks[b]
        if predicates[a].family != predicates[b].family and least <= both.sum() <= most:
            wanted.add(both.tobytes())
    wanted -= {mask.tobytes() for mask in masks if not least <= mask.sum() <= most}
    assert {member[:, s].tobytes() for s in range(member.shape[1])} == wanted
    assert len(names) == member.shape[1] == len(wanted)
    for name, column in zip(names, member.T, strict=True):
        np.testing.assert_array_equal(column, np.logical_and.reduce([masks[i] for i in name]))


def test_what_is_said_of_rows() -> None:
    texts = ["Is it 5?", "no way", "HELLO WORLD", "see https://x.y", "a\nb", "smile 🙂", "plain text here"] * 10
    rows = Rows(texts, np.ones((70, 1), bool), np.full(70, 3), {"g": [None, "x", "y", "x", "y", "x", "y"] * 10})
    found = {one.name: one.test(rows)[:7].tolist() for one in predicates_of(rows, ("l",), None, 0)}
    assert found["has a question mark"] == [True] + [False] * 6
    assert found["has digits"] == [True] + [False] * 6
    assert found["has a negation"] == [False, True, *[False] * 5]
    assert found["has mostly capital letters"] == [False, False, True, *[False] * 4]
    assert found["has a web address or a handle"] == [False] * 3 + [True] + [False] * 3
    assert found["has several lines"] == [False] * 4 + [True, False, False]
    assert found["has emoji or other symbols"] == [False] * 5 + [True, False]
    assert found["g = x"] == [False, True, False, True, False, True, False]
    scripts = Rows(["私は学生です", "彼は先生です"] * 100, np.ones((200, 1), bool), np.full(200, 6))
    assert any(one.family == "word" for one in predicates_of(scripts, ("l",), None, 0))


def test_a_planted_slice_is_found_and_confirmed() -> None:
    (valid, y), (test, z) = rows_of(1500, 1), rows_of(1500, 2)
    rng = np.random.default_rng(0)

    def wrong(rows: Rows, labels: np.ndarray) -> np.ndarray:
        hard = np.array(["refund" in text for text in rows.texts])
        return rng.random(len(rows)) < np.where(hard, 0.5, 0.1 + 0.05 * labels)

    found = slices_of(answered(valid, y, wrong(valid, y)), answered(test, z, wrong(test, z), "t"), ("a", "b", "c"), None, seed=0)
    assert [one.where for one in found.found] == ['contains "refund"']
    [one] = found.found
    assert one.state == "confirmed"
    assert one.confirmed is not None
    assert one.confirmed.high < 0.65
    assert one.verdict.difference.low <= one.verdict.difference.value <= one.verdict.difference.high < 0
    assert one.verdict.difference.value <= one.shrunken < 0
    assert 0 < one.points < 0.1
    document = one.to_json("test")
    assert (document["found_on"], document["confirmed_on"], document["n"]) == ("valid", "test", one.confirmed.n)
    judged: Any = SimpleNamespace(split="test")
    [said] = list(weak_slices(judged, found))
    assert (said.severity, said.status, said.kind) == ("warning", "open", "weak_slice")
    assert 'contains "refund"' in said.title
    assert all(row.startswith("v") for row in said.rows)
    alone = slices_of(answered(valid, y, wrong(valid, y)), None, ("a", "b", "c"), None, seed=0)
    assert [one.state for one in alone.found] == ["not_asked"]
    assert next(weak_slices(judged, alone)).severity == "note"
    vanished = slices_of(
        answered(valid, y, wrong(valid, y)), answered(test, z, rng.random(1500) < 0.15, "t"), ("a", "b", "c"), None, seed=0
    )
    assert {one.state for one in vanished.found} == {"not_confirmed"}
    quiet = next(weak_slices(judged, vanished))
    assert quiet.status == "passed"
    assert "not confirmed" in quiet.detail


def test_a_hard_class_is_no_slice_and_noise_is_quiet() -> None:
    rng = np.random.default_rng(4)
    alarms = 0
    for seed in range(12):
        rows, y = rows_of(600, 10 + seed)
        found = slices_of(answered(rows, y, rng.random(600) < np.array([0.05, 0.1, 0.6])[y]), None, ("a", "b", "c"), None, seed=seed)
        alarms += bool(found.found)
        assert found.candidates > 100
    assert alarms <= 2


def test_clusters_topics_and_novelty() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 16))
    member = rng.integers(0, 6, 900)
    vectors = centres[member] + 0.2 * rng.normal(size=(900, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    rows, y = rows_of(900, 0)
    rows = Rows(rows.texts, rows.carried, rows.tokens, {}, vectors)
    wrong = rng.random(900) < np.where(member == 2, 0.6, 0.1)
    found = slices_of(answered(rows, y, wrong), None, ("a", "b", "c"), vectors[::2], seed=0)
    assert found.found[0].where.startswith("topic ")


@pytest.mark.parametrize(
    ("n", "errors", "why"),
    [
        (60, 20, "100 validation rows; there are 60"),
        (300, 4, "10 mistakes among the validation rows; there are 4"),
        (300, 296, "10 right answers"),
    ],
)
def test_too_little_to_look(n: int, errors: int, why: str) -> None:
    rows, y = rows_of(n, 0)
    found = slices_of(answered(rows, y, np.arange(n) < errors), None, ("a", "b", "c"), None, seed=0)
    assert why in str(found.why_not)
    [said] = list(weak_slices(SimpleNamespace(split="test"), found))  # type: ignore[arg-type]
    assert said.status == "not_applicable"
    assert said.reason == found.why_not
    assert Slices().to_json()["candidates"] == 0


def test_odd_rows() -> None:
    """One text for all, empty ones, several labels, no label, a group that is missing everywhere."""
    rng = np.random.default_rng(0)
    for texts in (["same"] * 200, [""] * 200, ["x" * i for i in range(200)]):
        rows = Rows(texts, rng.random((200, 4)) < 0.3, np.ones(200, np.int64), {"g": [None] * 200})
        found = slices_of(Answered(rows, rng.random(200) < 0.3, [str(i) for i in range(200)], None), None, tuple("abcd"), None, seed=0)
        assert found.why_not is None or "no slice has" in found.why_not


def test_files_of_a_run_with_an_encoder(tmp_path: Path) -> None:
    made = place(tmp_path, test=90)
    go(made)
    folder = made[3].path / "evaluate"
    document = scores(made[3])
    assert document["slices"] == []
    assert "100 validation rows" in document["slices_searched"]["why_not"]
    mistakes = read_jsonl(folder / "mistakes.jsonl")
    train = set(made[2].table("train")["row"].to_pylist())
    for line in mistakes:
        MODELS["mistake"].model_validate(line)
        assert len(line["nearest"]) == 3
        assert {one["row"] for one in line["nearest"]} <= train
        assert line["nearest"][0]["similarity"] >= line["nearest"][1]["similarity"]
    pairs = read_jsonl(folder / "confusions.jsonl")
    assert pairs
    for line in pairs:
        MODELS["confused_pair"].model_validate(line)
        matrix = document["confusion"]
        at = [matrix["labels"].index(line[key]) for key in ("label", "prediction")]
        assert line["rows"] == matrix["matrix"][at[0]][at[1]]
        assert line["the_other_way"] == matrix["matrix"][at[1]][at[0]]
        assert line["share"]["value"] == pytest.approx(line["rows"] / line["rows_of_label"])
        assert 1 <= len(line["examples"]) <= 3
