"""Scores equal scikit-learn's, whatever the labels are called and however few there are; the document keeps its schema."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from goodfit.ledger import Looks
from goodfit.recipe import Evaluate
from goodfit.schemas import ScoredRows
from goodfit.stages.evaluate.scoring import Scored, confusion, document, score_split, support
from goodfit.tasks import Classification
from tests.stages.evaluate.make import answered, guesses

HOSTILE = ("a/b", 'say "hi"', "1", "1.0", "true", "日本語", "a,b", "a\nb", "<b>", "p_a")


def run(
    task: Classification, labels: list[Any], systems: dict[str, np.ndarray], *, groups: list[int] | None = None, **section: Any
) -> Scored:
    found, _ = answered(task, labels, systems, groups=groups)
    return score_split(found, Evaluate(**section), section.pop("looks", None), {}, selected=False)


def whole(scored: Scored) -> dict[str, Any]:
    made = document(scored, run="r", kind="classification", rows="b2:0")
    json.dumps(made, allow_nan=False)
    ScoredRows.model_validate(made)
    return made


def value(scored: Scored, name: str, system: str = "model") -> float:
    found = scored.of(name, system)
    assert found is not None
    assert found.value is not None, found
    return found.value


@pytest.mark.parametrize("classes", [2, 3, 77])
def test_scores_equal_sklearn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    y = rng.integers(0, classes, 20 * classes + 100)
    p = guesses(y, classes, 0.8, rng)
    names = tuple(f"c{i:02d}" for i in range(classes))
    scored = run(Classification(names), [names[i] for i in y], {"model": p})
    d, q = p.argmax(1), p.astype(np.float64) / p.astype(np.float64).sum(1, keepdims=True)
    wanted = {
        "macro_f1": sk.f1_score(y, d, average="macro"),
        "accuracy": sk.accuracy_score(y, d),
        "balanced_accuracy": sk.balanced_accuracy_score(y, d),
        "micro_f1": sk.f1_score(y, d, average="micro"),
        "mcc": sk.matthews_corrcoef(y, d),
        "log_loss": sk.log_loss(y, q),
        "roc_auc": sk.roc_auc_score(y, q[:, 1] if classes == 2 else q, multi_class="ovr"),
    }
    for name, number in wanted.items():
        assert value(scored, name) == pytest.approx(number, abs=1e-6), name
        found = scored.of(name)
        assert found is not None
        assert found.low is not None
        assert found.low <= number <= found.high  # type: ignore[operator]
        assert (found.system, found.split, found.n) == ("model", "test", len(y))
    per_label = sk.precision_recall_fscore_support(y, d, labels=range(classes), zero_division=0)
    for position, kind in enumerate(("precision", "recall", "f1")):
        got = [s.value for s in scored.labels if s.name == kind]
        np.testing.assert_allclose(got, per_label[position], atol=1e-9)
    assert list(support(scored.answered).values()) == per_label[3].tolist()
    assert confusion(scored.answered)["matrix"] == sk.confusion_matrix(y, d, labels=range(classes)).tolist()
    assert whole(scored)["primary"] == "macro_f1"


def test_multi_label_equals_sklearn() -> None:
    rng = np.random.default_rng(0)
    names = ("a", "b/c", "d", "never")
    y = rng.random((300, 4)) < [0.4, 0.2, 0.1, 0.0]
    p = np.clip(np.where(y, 0.7, 0.2) + rng.normal(0, 0.25, y.shape), 0.001, 0.999).astype(np.float32)
    task = Classification(names, multi_label=True)
    scored = run(task, [[names[i] for i in np.flatnonzero(row)] for row in y], {"model": p})
    d = p >= 0.5
    assert value(scored, "micro_f1") == pytest.approx(sk.f1_score(y, d, average="micro"))
    assert value(scored, "macro_f1") == pytest.approx(sk.f1_score(y, d, average="macro", zero_division=0))
    assert value(scored, "subset_accuracy") == pytest.approx((y == d).all(1).mean())
    assert value(scored, "hamming_loss") == pytest.approx(sk.hamming_loss(y, d))
    assert scored.of("accuracy") is None
    made = whole(scored)
    assert "confusion" not in made
    recall = next(s for s in made["scores"] if s["name"] == "recall" and s["label"] == "never")
    assert recall["why_absent"] == "no rows of this class"
    assert made["support"] == dict(zip(names, y.sum(0).tolist(), strict=True))


def test_hostile_label_names_survive_the_file(tmp_path: Any) -> None:
    import pyarrow.parquet as pq

    rng = np.random.default_rng(1)
    y = rng.integers(0, len(HOSTILE), 200)
    p = guesses(y, len(HOSTILE), 0.7, rng)
    task = Classification(HOSTILE)
    found, table = answered(task, [HOSTILE[i] for i in y], {"model": p, "tfidf": p[::-1].copy()})
    pq.write_table(table, tmp_path / "p.parquet")
    back = pq.read_table(tmp_path / "p.parquet")
    assert back.column_names == ["row", "split", "system", "label", "prediction", *(f"p_{name}" for name in HOSTILE)]
    mine = back.filter(np.asarray(back["system"]) == "model")
    assert mine["label"].to_pylist() == [HOSTILE[i] for i in y]
    assert mine["prediction"].to_pylist() == [HOSTILE[i] for i in p.argmax(1)]
    columns = [np.asarray(mine[f"p_{name}"]) for name in HOSTILE]
    np.testing.assert_array_equal(np.stack(columns, 1), found.answers["model"].probabilities)
    assert {s.label for s in score_split(found, Evaluate(), None, {}, selected=False).labels} == set(HOSTILE)


def test_order_of_the_rows_does_not_matter() -> None:
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 400)
    systems = {"model": guesses(y, 3, 0.8, rng), "tfidf": guesses(y, 3, 0.6, rng)}
    order = rng.permutation(400)
    task, names = Classification(("a", "b", "c")), "abc"
    one = run(task, [names[i] for i in y], systems)
    other = run(task, [names[i] for i in y[order]], {name: p[order] for name, p in systems.items()})
    for a, b in zip([*one.scores, *one.labels], [*other.scores, *other.labels], strict=True):
        assert a.value == pytest.approx(b.value, abs=1e-9), a.name
        assert a.low == pytest.approx(b.low, abs=0.005), a.name
        assert a.high == pytest.approx(b.high, abs=0.005), a.name
    assert [v.answer for v in one.verdicts] == [v.answer for v in other.verdicts] == ["better", "better"]


def test_one_class_only() -> None:
    p = np.tile(np.float32([0.9, 0.1]), (60, 1))
    scored = run(Classification(("a", "b")), ["a"] * 60, {"model": p, "majority": p})
    assert value(scored, "accuracy") == 1.0
    auc = scored.of("roc_auc")
    assert auc is not None
    assert auc.why_absent
    assert all(v.answer == "cannot_tell" for v in scored.verdicts)
    whole(scored)


def test_a_class_that_the_rows_lack() -> None:
    rng = np.random.default_rng(3)
    y = rng.integers(0, 2, 100)
    p = guesses(y, 3, 1.0, rng)
    p[:5] = [0.0, 0.0, 1.0]
    scored = run(Classification(("a", "b", "absent")), ["ab"[i] for i in y], {"model": p})
    assert value(scored, "macro_f1") == pytest.approx(sk.f1_score(y, p.argmax(1), average="macro"))  # scikit-learn counts it as well
    assert next(s for s in scored.labels if s.label == "absent" and s.name == "recall").value is None
    whole(scored)


def test_very_few_rows_say_why() -> None:
    p = np.float32([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    scored = run(Classification(("a", "b")), ["a", "b", "b"], {"model": p, "majority": p}, gates={"macro_f1": ">= 0.5"})
    assert scored.headline.value is None
    assert scored.headline.why_absent == "n below 20"
    assert scored.gates[0]["answer"] == "undecided"
    assert [v.answer for v in scored.verdicts] == ["cannot_tell"] * 2
    whole(scored)


def test_labels_that_the_model_does_not_have_count_as_mistakes() -> None:
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, 90)
    p = guesses(y, 2, 1.0, rng)
    labels = ["ab"[i] for i in y]
    labels[:9] = ["zz"] * 6 + ["new"] * 3
    scored = run(Classification(("a", "b")), labels, {"model": p})
    assert value(scored, "accuracy") == pytest.approx(0.9)
    loss = scored.of("log_loss")
    assert loss is not None
    assert loss.n == 81
    made = whole(scored)
    assert made["unknown_labels"] == {"labels": ["new", "zz"], "rows": 9}
    assert made["confusion"]["labels"] == ["a", "b", "new", "zz"]
    assert sum(map(sum, made["confusion"]["matrix"])) == 90


def test_multi_label_with_unknown_labels() -> None:
    task = Classification(("a", "b"), multi_label=True)
    p = np.tile(np.float32([0.9, 0.1]), (40, 1))
    scored = run(task, [["a"]] * 30 + [["a", "other"]] * 10, {"model": p})
    assert value(scored, "subset_accuracy") == 0.75
    assert scored.answered.unknown_rows == 10
    assert whole(scored)["unknown_labels"]["labels"] == ["other"]


def test_many_classes_are_given_as_pairs() -> None:
    rng = np.random.default_rng(5)
    names = tuple(f"c{i}" for i in range(250))
    y = np.arange(500) % 250
    p = guesses(y, 250, 0.5, rng)
    scored = run(Classification(names), [names[i] for i in y], {"model": p}, metrics=["accuracy"])
    pairs = confusion(scored.answered)["pairs"]
    wrong = p.argmax(1) != y
    assert sum(pair["rows"] for pair in pairs) <= wrong.sum()
    assert pairs[0]["rows"] == max(pair["rows"] for pair in pairs)
    assert all(pair["label"] != pair["prediction"] for pair in pairs)
    whole(scored)


def test_a_user_s_metrics_come_first_and_gates_are_scored_too() -> None:
    rng = np.random.default_rng(6)
    y = rng.integers(0, 2, 500)
    systems = {"model": guesses(y, 2, 0.9, rng), "majority": np.tile(np.float32([0.6, 0.4]), (500, 1))}
    gates = {"mcc": ">= 0.5", "accuracy": ">= 99%", "log_loss": "<= 5"}
    scored = run(Classification(("a", "b")), ["ab"[i] for i in y], systems, metrics=["accuracy", "kappa"], gates=gates)
    assert scored.primary == "accuracy"
    assert [s.name for s in scored.scores if s.system == "model"] == ["accuracy", "kappa", "mcc", "log_loss"]
    assert [(gate["gate"], gate["answer"]) for gate in scored.gates] == [
        ("mcc >= 0.5", "met"), ("accuracy >= 0.99", "missed"), ("log_loss <= 5", "met"),
    ]  # fmt: skip
    assert [v.question for v in scored.verdicts] == ["model vs majority on accuracy"]  # the second score is the primary one


def test_a_reused_test_set_widens_what_is_trusted() -> None:
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 400)
    found, _ = answered(Classification(("a", "b")), ["ab"[i] for i in y], {"model": guesses(y, 2, 0.8, rng)})
    section = Evaluate(gates={"accuracy": ">= 0.865"})
    fresh = score_split(found, section, Looks(1, 400), {}, selected=False)
    reused = score_split(found, section, Looks(5, 400), {}, selected=False)
    plain, wide = [s for s in reused.scores if s.name == "macro_f1"]
    assert (plain.level, wide.level) == (0.95, 0.99)
    assert plain.low is not None
    assert wide.low is not None
    assert wide.low < plain.low
    assert reused.headline == plain
    assert len(fresh.scores) + 2 == len(reused.scores)
    assert (fresh.gates[0]["level"], reused.gates[0]["level"]) == (0.95, 0.99)
    assert whole(reused)["ledger"] == {"models_scored": 5, "level_corrected": 0.99, "state": "reused"}


def test_validation_scores_are_marked_as_selected() -> None:
    rng = np.random.default_rng(8)
    y = rng.integers(0, 2, 100)
    p = guesses(y, 2, 0.8, rng)
    found, _ = answered(Classification(("a", "b")), ["ab"[i] for i in y], {"model": p, "tfidf": p})
    scored = score_split(found, Evaluate(), None, {}, selected=True)
    assert all(s.selected == (s.system == "model") for s in scored.scores)
    assert "ledger" not in whole(scored)


def test_clusters_widen_the_intervals() -> None:
    rng = np.random.default_rng(9)
    y = np.repeat(rng.integers(0, 2, 60), 10)
    p = np.repeat(guesses(y[::10], 2, 0.8, rng), 10, axis=0)
    labels = ["ab"[i] for i in y]
    alone = run(Classification(("a", "b")), labels, {"model": p})
    together = run(Classification(("a", "b")), labels, {"model": p}, groups=np.repeat(np.arange(60), 10).tolist())
    a, b = alone.of("accuracy"), together.of("accuracy")
    assert a is not None
    assert b is not None
    assert b.clusters == 60
    assert (b.high - b.low) > 2 * (a.high - a.low)  # type: ignore[operator]
