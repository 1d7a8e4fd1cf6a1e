"""Each finding speaks when it should, is silent when it should, and its severity follows the interval."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.finding import Finding
from goodfit.ledger import Looks
from goodfit.recipe import Evaluate
from goodfit.stages.evaluate.answering import ModelSystem
from goodfit.stages.evaluate.findings import findings
from goodfit.stages.evaluate.mistakes import lines, most_confident
from goodfit.stages.evaluate.scoring import score_split
from goodfit.tasks import Classification
from goodfit.tasks.decision import Decision
from tests.stages.evaluate.make import answered, guesses

PAGES = Path(__file__).resolve().parents[3] / "docs" / "findings"
CODES = [f"EVA{number:03d}" for number in range(1, 11)]


def look(
    labels: list[Any], systems: dict[str, np.ndarray], *, task: Classification | None = None, looks: Looks | None = None, **section: Any
) -> dict[str, list[Finding]]:
    task = task or Classification(tuple(sorted(set(labels))))
    found, _ = answered(task, labels, systems)
    scored = score_split(found, Evaluate(**section), looks, {}, selected=False)
    model = ModelSystem(None)  # type: ignore[arg-type]
    model.rows = len(labels)
    out: dict[str, list[Finding]] = {}
    for finding in findings(scored, model):
        out.setdefault(finding.code, []).append(finding)
    return out


def drawn(n: int, right: float, seed: int = 0, classes: int = 3) -> tuple[list[str], np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, n)
    return ["abcdefghij"[i] for i in y], guesses(y, classes, right, rng), rng


def truth(labels: list[str]) -> np.ndarray:
    return np.array(["abcdefghij".index(label) for label in labels])


def test_every_question_is_answered_once_and_has_a_page() -> None:
    labels, p, _ = drawn(300, 0.9)
    found = look(labels, {"model": p})
    assert list(found) == CODES
    for code in CODES:
        page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {code} · ")
        for part in ("What it says", "How it is computed", "Severity", "What to do"):
            assert f"**{part}.**" in page, (code, part)


def test_a_good_model_is_left_in_peace() -> None:
    """No warning on 20 good models, whatever the draw."""
    for seed in range(20):
        labels, _, rng = drawn(600, 0.9, seed)
        y = truth(labels)
        sharp = np.full((600, 3), 0.05, np.float32)
        sharp[np.arange(600), np.where(rng.random(600) < 0.9, y, rng.integers(0, 3, 600))] = 0.9
        found = look(labels, {"model": sharp, "majority": np.tile(np.float32([0.4, 0.3, 0.3]), (600, 1))}, gates={"accuracy": ">= 0.5"})
        loud = [f for listed in found.values() for f in listed if f.status == "open" and f.severity != "note"]
        assert not loud, loud


@pytest.mark.parametrize(
    ("mine", "theirs", "severity", "status"),
    [(0.9, 0.6, "note", "passed"), (0.6, 0.9, "error", "open"), (0.75, 0.75, "warning", "open")],
)
def test_baselines(mine: float, theirs: float, severity: str, status: str) -> None:
    labels, p, rng = drawn(600, mine)
    [found] = look(labels, {"model": p, "tfidf": guesses(truth(labels), 3, theirs, rng)})["EVA001"]
    assert (found.severity, found.status, found.kind) == (severity, status, "worse_than_baseline")
    assert [s.system for s in found.evidence] == ["model", "tfidf"]
    assert found.verdict is not None
    assert found.verdict.p_adjusted is not None
    assert "TF-IDF" in found.title
    assert "tfidf" not in found.title + found.fix
    assert "macro_f1" not in found.title + found.fix


def test_what_would_settle_a_comparison_is_said_with_its_number() -> None:
    labels, p, rng = drawn(300, 0.80)
    [found] = look(labels, {"model": p, "tfidf": guesses(truth(labels), 3, 0.78, rng)})["EVA001"]
    assert found.status == "open"
    assert found.verdict is not None
    assert found.verdict.rows_needed is not None
    assert found.fix.startswith(f"about {found.verdict.rows_needed:,} scored rows would settle")
    [alike] = look(labels, {"model": p, "tfidf": p.copy()})["EVA001"]
    assert "score alike on these rows" in alike.fix
    rare = ["a"] * 72 + ["b"] * 3
    sure = guesses(truth(rare), 2, 1.0, rng)
    [scarce] = look(rare, {"model": sure, "majority": np.tile(np.float32([0.9, 0.1]), (75, 1))})["EVA001"]
    assert scarce.status == "open"
    assert scarce.verdict is not None
    assert scarce.verdict.rows_needed is None
    assert scarce.fix == "score on more rows of 'b': there are only 3"


def test_why_probabilities_stay_as_they_are_is_told_in_plain_words() -> None:
    """The sentence that the task wrote when it fitted the decision comes with a unit, and without the field's shorthand."""
    rng = np.random.default_rng(1)
    names, y = ("a", "b", "c"), rng.integers(0, 3, 400)
    chosen = np.where(rng.random(400) < 0.55, y, (y + 1) % 3)
    sure = np.full((400, 3), 0.01, np.float32)
    sure[np.arange(400), chosen] = 0.98
    reason = "temperature 1.110 not applied: it is not sure to lower the log-loss (by -1.8521 [-12.3235, 8.6193], out of fold)"
    task = Classification(names).with_decision(Decision(None, 1.11, False, "valid", 88, reason))
    [found] = look([names[i] for i in y], {"model": sure}, task=task)["EVA004"]
    assert "A temperature of 1.11 was fitted on validation rows but is not used" in found.detail
    assert "+1.852 nats" in found.detail
    assert "out of fold" not in found.detail


def test_no_baseline_is_said() -> None:
    labels, p, _ = drawn(100, 0.9)
    [found] = look(labels, {"model": p})["EVA001"]
    assert (found.status, found.reason) == ("not_applicable", "no baseline was asked for")


def test_collapsed() -> None:
    labels, _, _ = drawn(100, 0.9)
    [found] = look(labels, {"model": np.tile(np.float32([0.2, 0.5, 0.3]), (100, 1))})["EVA002"]
    assert (found.status, found.severity, found.title) == ("open", "error", "the model answers 'b' to every row")
    many = Classification(("a", "b"), multi_label=True)
    [found] = look([["a"], ["b"]] * 40, {"model": np.tile(np.float32([0.2, 0.1]), (80, 1))}, task=many)["EVA002"]
    assert (found.status, found.title) == ("open", "the model gives no row any label")
    [found] = look(["a"] * 50, {"model": np.tile(np.float32([0.9, 0.1]), (50, 1))}, task=Classification(("a", "b")))["EVA002"]
    assert found.status == "not_applicable"


def test_weak_label() -> None:
    labels, _, rng = drawn(900, 0.9)
    y = truth(labels)
    p = guesses(y, 3, 0.97, rng)
    p[y == 1] = guesses(np.where(rng.random((y == 1).sum()) < 0.25, 1, 2), 3, 1.0, rng)
    [found] = look(labels, {"model": p})["EVA003"]
    assert (found.status, found.severity) == ("open", "warning")
    assert [s.label for s in found.evidence] == ["b"]
    assert found.n_rows == pytest.approx(0.75 * 300, abs=40)
    assert "'b' 0." in found.detail


def test_weak_labels_are_not_found_by_chance() -> None:
    """30 labels of equal difficulty, 20 draws: no alarm."""
    names = tuple(f"c{i:02d}" for i in range(30))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = np.arange(900) % 30
        [found] = look([names[i] for i in y], {"model": guesses(y, 30, 0.8, rng)}, task=Classification(names))["EVA003"]
        assert found.status == "passed", seed


def test_calibration() -> None:
    names = ("a", "b")
    labels, _, rng = drawn(900, 0.7)
    y = truth(labels)
    chosen = np.where(rng.random(900) < 0.55, y, (y + 1) % 3)
    sure = np.full((900, 3), 0.01, np.float32)
    sure[np.arange(900), chosen] = 0.98
    [found] = look(labels, {"model": sure})["EVA004"]
    assert (found.kind, found.severity, found.status) == ("overconfident", "warning", "open")
    shy = np.full((900, 3), 0.3, np.float32)
    shy[np.arange(900), y] = 0.4
    [found] = look(labels, {"model": shy})["EVA004"]
    assert (found.kind, found.status) == ("underconfident", "open")
    two, noise = rng.integers(0, 2, 900), rng.random(900) < 0.1  # ranked well, but always on the side of b: too sure, and too timid
    p_b = np.where((two == 1) ^ noise, 0.85, 0.65).astype(np.float32)
    mixed = np.stack([1 - p_b, p_b], axis=1)
    [found] = look([names[i] for i in two], {"model": mixed}, task=Classification(names))["EVA004"]
    assert (found.kind, found.status) == ("miscalibrated", "open"), found.title
    [found] = look(labels[:30], {"model": sure[:30]})["EVA004"]
    assert (found.status, found.reason) == ("not_applicable", "30 test rows; at least 50 are needed")


def test_few_rows() -> None:
    labels, p, _ = drawn(60, 0.6)
    [found] = look(labels, {"model": p})["EVA005"]
    assert (found.status, found.severity) == ("open", "warning")
    differ, better = map(float, re.findall(r"([\d.]+)(?:%| points)", found.detail))
    assert found.detail.endswith("points better to be told apart.")
    assert better <= differ
    labels, p, _ = drawn(88, 1.0)
    [close] = look(labels, {"model": p})["EVA005"]  # nobody can be better on more rows than are answered otherwise
    assert close.detail.endswith("of the rows otherwise cannot be told apart, even if it is right wherever they differ.")
    labels, p, _ = drawn(4_000, 0.9)
    [found] = look(labels, {"model": p})["EVA005"]
    assert found.status == "passed"
    [found] = look(labels[:10], {"model": p[:10]}, task=Classification(("a", "b", "c")))["EVA005"]
    assert found.title.startswith("macro F1 is not scored: ")
    assert found.title.endswith(" test rows; at least 20 are needed")


def test_rare_labels() -> None:
    labels = ["a"] * 50 + ["b"] * 50 + ["c"] * 3
    p = np.full((103, 4), 0.25, np.float32)
    [found] = look(labels, {"model": p}, task=Classification(("a", "b", "c", "d")))["EVA006"]
    assert found.title == "2 of 4 labels have fewer than 10 rows; 1 of them has none, and nothing is known of it"
    assert "'d' 0, 'c' 3" in found.detail


def test_gates() -> None:
    labels, p, _ = drawn(500, 0.8)
    bars = {"accuracy": ">= 0.5", "macro_f1": ">= 0.99", "micro_f1": ">= 0.865"}
    found = look(labels, {"model": p}, gates=bars)["EVA007"]
    assert [(f.status, f.severity) for f in found] == [("passed", "note"), ("open", "error"), ("open", "note")]
    assert "missed" in found[1].title
    assert "rows would decide" in found[2].title
    assert look(labels, {"model": p})["EVA007"][0].status == "not_applicable"


def test_unknown_labels() -> None:
    labels, p, _ = drawn(100, 0.9)
    labels[:4] = ["new"] * 4
    [found] = look(labels, {"model": p}, task=Classification(("a", "b", "c")))["EVA008"]
    assert (found.status, found.severity, found.n_rows) == ("open", "warning", 4)
    assert "'new'" in found.detail


@pytest.mark.parametrize(("models", "status", "severity"), [(1, "passed", "note"), (3, "open", "note"), (9, "open", "warning")])
def test_reused_rows(models: int, status: str, severity: str) -> None:
    labels, p, _ = drawn(400, 0.9)
    [found] = look(labels, {"model": p}, looks=Looks(models, 400))["EVA009"]
    assert (found.status, found.severity) == (status, severity)
    if models > 1:
        assert found.evidence[0].level == pytest.approx(1 - 0.05 / models)


def test_cut_rows() -> None:
    labels, p, _ = drawn(100, 0.9)
    found, _ = answered(Classification(("a", "b", "c")), labels, {"model": p})
    scored = score_split(found, Evaluate(), None, {}, selected=False)
    for cut, status, severity in ((0, "passed", "note"), (5, "open", "note"), (30, "open", "warning")):
        model = ModelSystem(None)  # type: ignore[arg-type]
        model.rows, model.truncated = 100, cut
        last = findings(scored, model)[-1]
        assert (last.code, last.status, last.severity, last.n_rows) == ("EVA010", status, severity, cut)


def test_mistakes_are_sorted_by_how_sure_the_model_was() -> None:
    labels = ["a", "b", "a", "b", "a"]
    p = np.float32([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.4, 0.6], [0.3, 0.7]])
    found, _ = answered(Classification(("a", "b")), labels, {"model": p})
    places = most_confident(found)
    assert places.tolist() == [2, 1, 4]
    assert most_confident(found, 1).tolist() == [2]
    import pyarrow as pa

    table = pa.table({"row": ["r2", "r1", "r4"], "label": ["a", "b", "a"], "text": ["x" * 5_000, "y", "z"]})
    listed = lines(found, places, table)
    assert [(line["row"], line["label"], line["prediction"], line["p"]) for line in listed] == [
        ("r2", "a", "b", pytest.approx(0.95)), ("r1", "b", "a", pytest.approx(0.8)), ("r4", "a", "b", pytest.approx(0.7)),
    ]  # fmt: skip
    assert len(listed[0]["text"]) == 2_000


def test_multi_label_mistakes() -> None:
    task = Classification(("a", "b"), multi_label=True)
    p = np.float32([[0.9, 0.1], [0.9, 0.6], [0.1, 0.2]])
    found, _ = answered(task, [["a"], ["a"], ["b", "other"]], {"model": p})
    places = most_confident(found)
    assert places.tolist() == [2, 1]  # 0.8 for the least sure of its decisions, then 0.6
    import pyarrow as pa

    table = pa.table({"row": ["r2", "r1"], "label": [["b", "other"], ["a"]], "text": ["x", "y"]})
    assert [line["prediction"] for line in lines(found, places, table)] == [[], ["a", "b"]]
