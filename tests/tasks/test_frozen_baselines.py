"""knn and zero_shot: votes as written out in loops, k by rows left out with their clusters, labels read as transformers reads them."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from goodfit.errors import ModelError
from goodfit.models.load import load_language
from goodfit.tasks import Classification
from goodfit.tasks.baselines import Around, TrainingRows, fit_baseline, left_out, neighbours, zero_shot
from goodfit.tasks.baselines.neighbours import shares
from tests import tiny


class Words:
    """An encoder whose vectors are bags of hashed words."""

    name = "words"

    def __init__(self) -> None:
        self.asked = 0

    def embed(self, texts: Any) -> np.ndarray:
        listed = texts.to_pylist()
        self.asked += len(listed)
        out = np.zeros((len(listed), 256), np.float32)
        for i, text in enumerate(listed):
            for word in text.split():
                out[i, zlib.crc32(word.encode()) % 256] += 1 if word[0] == "c" else 4
        length = np.linalg.norm(out, axis=1, keepdims=True)
        return np.divide(out, length, out=np.zeros_like(out), where=length > 0)


def data(n: int, seed: int = 0) -> tuple[TrainingRows, list[str], np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    own = ["kw", "qz", "xj"]
    texts = [f"{own[k]} {' '.join(f'c{j}' for j in rng.integers(0, 30, 4))}" for k in y]
    return TrainingRows(pa.chunked_array([texts]), y.astype(np.int64)), texts, y


def test_votes_are_similarities_and_shares_are_drawn_to_the_prior() -> None:
    carried = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    near, similar = np.array([[0, 2]]), np.array([[0.9, 0.3]], np.float32)
    prior = carried.mean(axis=0)
    wanted = [(0.9 + prior[0]) / 2.2, (0.3 + prior[1]) / 2.2]
    np.testing.assert_allclose(shares(near, similar, carried), [wanted], rtol=1e-6)
    np.testing.assert_allclose(shares(near, np.full((1, 2), -np.inf, np.float32), carried), [prior], rtol=1e-6)


def test_neighbours_learn_what_the_vectors_know() -> None:
    rows, _, _ = data(300)
    _, test, truth = data(90, seed=1)
    encoder = Words()
    found = fit_baseline("knn", Classification(("a", "b", "c")), rows, around=Around(encoder))
    answers = found.answer(test)
    assert (answers.predictions == truth).mean() > 0.9
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, atol=1e-6)
    assert found.facts["encoder"] == "words"
    assert found.facts["k"] in neighbours.SIZES
    k, vectors = found.facts["k"], Words().embed(rows.text.combine_chunks())
    similar = Words().embed(pa.array(test)) @ vectors.T
    for i in range(10):  # as written out
        best = np.argsort(-similar[i], kind="stable")[:k]
        votes = np.zeros(3)
        for j in best:
            votes[rows.targets[j]] += similar[i, j]
        if len(set(np.round(similar[i], 6))) > k:
            assert votes[answers.predictions[i]] >= votes.max() - 0.2


def test_a_cluster_is_no_witness_of_itself() -> None:
    """Pairs of equal texts with labels by chance: the twin knows the label, others do not."""
    rng = np.random.default_rng(0)
    texts = [f"t{i // 2}" for i in range(200)]
    y = np.repeat(rng.integers(0, 2, 100), 2)
    plain = TrainingRows(pa.chunked_array([texts]), y)
    tied = TrainingRows(pa.chunked_array([texts]), y, clusters=np.arange(200) // 2)
    scores = [fit_baseline("knn", Classification(("a", "b")), rows, around=Around(Words())).facts["score"] for rows in (plain, tied)]
    assert scores[0] > 0.9
    assert scores[1] < 0.75


def test_neighbours_with_several_labels_one_row_and_too_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, texts, y = data(240)
    several = TrainingRows(rows.text, np.eye(3, dtype=np.float32)[y])
    task = Classification(("a", "b", "c"), multi_label=True)
    answers = fit_baseline("knn", task, several, around=Around(Words())).answer(texts)
    assert (answers.predictions == np.eye(3, dtype=bool)[y]).mean() > 0.9
    one = TrainingRows(pa.chunked_array([["x"]]), np.array([1]))
    assert fit_baseline("knn", Classification(("a", "b")), one, around=Around(Words())).answer(["x", "y"]).predictions.tolist() == [1, 1]
    monkeypatch.setattr(neighbours, "MOST_CHARACTERS", 2_000)
    some = fit_baseline("knn", Classification(("a", "b", "c")), rows, around=Around(Words()))
    assert some.facts["rows"] < 240 == some.facts["rows_available"]
    around = Around(Words(), scored=10_000)
    why = left_out("knn", task, rows, around, asked=False)
    assert why is not None
    assert "10,000 rows" in why
    assert left_out("knn", task, rows, around, asked=True) is None
    assert left_out("knn", task, rows, Around(), asked=False) == "no encoder is installed"


def test_without_an_encoder_both_say_so() -> None:
    rows, _, _ = data(30)
    for name in ("knn", "zero_shot"):
        with pytest.raises(ModelError, match="needs an encoder"):
            fit_baseline(name, Classification(("a", "b", "c")), rows)


def test_the_nearest_label_by_name_and_description() -> None:
    task = Classification(("card_lost", "refund"))
    around = Around(Words(), descriptions={"refund": "money back please"})
    found = fit_baseline("zero_shot", task, data(3)[0], around=around)
    assert found.answer(["my card", "give money back"]).predictions.tolist() == [0, 1]
    many = fit_baseline("zero_shot", Classification(task.labels, multi_label=True), data(3)[0], around=around)
    assert many.answer(["my card"]).predictions.tolist() == [[True, False]]
    assert len(many.answer([]).predictions) == 0
    assert zero_shot.described(["a_b", "_"], {}) == ["a b", "_"]


def test_the_likeliest_label_is_read_as_transformers_reads_it(tmp_path: Path) -> None:
    tiny.writer(tmp_path / "base")
    task = Classification(("ab", "c", "dab"))
    found = fit_baseline("zero_shot", task, data(3)[0], around=Around(writer=str(tmp_path / "base")))
    assert isinstance(found, zero_shot.LikeliestLabel)
    loaded = load_language(tmp_path / "base")

    def loss(text: str, label: str) -> float:
        before = loaded.tokenizer(f"Labels: ab; c; dab\nText: {text}\nLabel:")["input_ids"]
        own = loaded.tokenizer(f" {label}", add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = loaded.model(torch.tensor([before + own])).logits[0].double().log_softmax(-1)
        return -sum(float(logits[len(before) + i - 1, token]) for i, token in enumerate(own))

    told = found.answer(["red blue", "green"])
    for i, text in enumerate(("red blue", "green")):
        gain = np.array([loss("", label) - loss(text, label) for label in task.labels])
        wanted = np.exp(gain - gain.max()) / np.exp(gain - gain.max()).sum()
        np.testing.assert_allclose(told.probabilities[i], wanted, atol=1e-4)
    assert left_out("zero_shot", task, data(3)[0], Around(writer="x", scored=10**6), asked=True) is not None
