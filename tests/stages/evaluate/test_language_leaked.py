"""EVA018 for models that write: what leaked rows take off the loss, exactly, with an interval that covers, beside the base model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodfit.files import read_json
from goodfit.pipeline import start
from goodfit.recipe import Recipe
from goodfit.stages.evaluate.language_leaked import Leaking, leaked_language, taken_off, without
from goodfit.stages.evaluate.language_scoring import Heard, LanguageScored, score_language
from goodfit.statistics import score
from goodfit.statistics.scoring import left_out
from goodfit.tasks.writing.said import Said
from tests import made


def losses(n: int, seen: int, on: float, off: float, rng: np.random.Generator) -> tuple[Any, Any]:
    """Nats and bytes of n rows, the first of them at `on` bits a byte, the others at `off`."""
    sizes = rng.integers(20, 200, n)
    each = np.where(np.arange(n) < seen, on, off) * np.exp(rng.normal(0, 0.2, n) - 0.02)
    return each * sizes * np.log(2), sizes


def scored(n: int, seen: int, on: float, off: float, *, clusters: Any = None, base: Any = None) -> tuple[LanguageScored, Leaking]:
    rng = np.random.default_rng(0)
    nats, sizes = losses(n, seen, on, off, rng)
    about = {"learned_tokens": sizes // 4 + 1, "bytes": sizes, "clusters": clusters}
    drawn = np.arange(n) % 2 == 0
    references = [f"answer {i}" for i in range(0, n, 2)]
    wrote = Said(references=references, predictions=[r if i % 3 else "wrong" for i, r in enumerate(references)],
                 stopped=np.ones(len(references), bool), clusters=None if clusters is None else clusters[drawn])  # fmt: skip
    heard = {"model": Heard(wrote, Said(losses=nats, **about))}
    if base is not None:
        heard["base"] = Heard(wrote, Said(losses=losses(n, seen, *base, rng)[0], **about))
    recipe = Recipe.model_validate({"task": {"kind": "generation"}, "data": {"path": "x"}})
    made_of = score_language("test", heard, Heard(), recipe.evaluate, None, selected=False)
    mask = np.arange(n) < seen
    return made_of, Leaking(mask, mask[drawn])


@pytest.mark.parametrize(
    ("seen", "on", "off", "status", "severity"),
    [
        (0, 1.0, 1.0, "passed", "note"),
        (10, 0.1, 1.0, "passed", "note"),
        (300, 1.0, 1.0, "passed", "note"),
        (300, 0.3, 1.0, "open", "warning"),
        (25, 0.8, 1.0, "open", "note"),
    ],
    ids=["none", "few", "no better", "much", "little"],
)
def test_what_they_take_off(seen: int, on: float, off: float, status: str, severity: str) -> None:
    made_of, leaking = scored(1000, seen, on, off)
    found = leaked_language(made_of, leaking)
    assert (found.code, found.kind, found.status, found.severity) == ("EVA018", "leakage", status, severity)
    if status == "open":
        read = made_of.heard["model"].read
        assert read is not None and read.losses is not None and read.bytes is not None  # noqa: PT018
        bits, rest = read.losses / np.log(2), ~leaking.read
        value = bits[rest].sum() / read.bytes[rest].sum() - bits.sum() / read.bytes.sum()
        assert f"they take {value:.3f} bits a byte" in found.title
        assert [(one.slice, one.n) for one in found.evidence[:3]] == [
            (None, 1000),
            ("without leaked rows", 1000 - seen),
            ("leaked rows", seen),
        ]
        assert "chrF" in found.detail
        assert found.n_rows == seen
        assert found.fix


def test_ease_is_told_from_memory_by_the_base_model() -> None:
    made_of, leaking = scored(600, 200, 0.4, 1.0, base=(2.0, 2.0))
    assert "of the base model, which was not trained on them here" in leaked_language(made_of, leaking).detail
    memory, ease = taken_off(made_of, leaking.read), taken_off(made_of, leaking.read, "base")
    assert memory.low is not None
    assert memory.low > 0.1
    assert ease.low is not None
    assert ease.high is not None
    assert ease.low < 0 < ease.high
    alone, leaking = scored(600, 200, 0.4, 1.0)
    assert "or that are merely easy, look alike here" in leaked_language(alone, leaking).detail


def test_clusters_widen_the_interval_and_too_few_are_set_aside() -> None:
    free, leaking = scored(400, 200, 0.5, 1.0)
    tied, _ = scored(400, 200, 0.5, 1.0, clusters=np.arange(400) // 20)
    few, _ = scored(400, 200, 0.5, 1.0, clusters=np.arange(400) // 100)
    widths = [found.high - found.low for one in (free, tied, few) if (found := taken_off(one, leaking.read)).high is not None]  # type: ignore[operator]
    assert widths[1] > 1.5 * widths[0]
    assert widths[2] == widths[0]
    assert taken_off(tied, leaking.read).method == "t_left_out_clustered"


def test_scores_without_them_stand_in_the_document() -> None:
    made_of, leaking = scored(400, 100, 0.5, 1.0, base=(1.0, 1.0))
    told = without(made_of, leaking)
    assert told is not None
    assert told["rows"] == 100
    names = [(s["system"], s["name"], s["n"], s["slice"]) for s in told["scores"]]
    wanted = [(system, name, n) for system in ("model", "base") for name, n in (("chrf", 150), ("bits_per_byte", 300))]
    assert names == [(*one, "without leaked rows") for one in wanted]
    none, every = Leaking(np.zeros(400, bool), np.zeros(200, bool)), Leaking(np.ones(400, bool), np.ones(200, bool))
    assert without(made_of, none) is None
    assert without(made_of, every) is None


def test_the_interval_of_what_is_taken_off_covers() -> None:
    rng = np.random.default_rng(0)
    inside = tied = 0
    for _ in range(400):
        seen = rng.random(160) < 0.25
        sizes = rng.integers(20, 200, 160)
        each = np.where(seen, 0.6, 1.0) * np.exp(rng.normal(0, 0.4, 160) - 0.08)
        found = left_out("bits_per_byte", sizes, each * sizes * np.log(2), ~seen)
        inside += found.low <= 0.1 <= found.high  # type: ignore[operator]
        group = np.arange(160) // 4
        shared = np.exp(rng.normal(0, 0.4, 40) - 0.08)[group]
        found = left_out("bits_per_byte", np.full(160, 50), np.where(seen, 0.6, 1.0) * shared * 50 * np.log(2), ~seen, clusters=group)
        tied += found.low <= 0.1 <= found.high  # type: ignore[operator]
    assert 0.92 * 400 <= inside <= 0.985 * 400
    assert 0.91 * 400 <= tied <= 0.985 * 400


def test_left_out_of_a_mean_is_the_difference_of_two_scores() -> None:
    values, kept = np.random.default_rng(1).normal(3, 1, 80), np.arange(80) >= 30
    found = left_out("mean", None, values, kept)
    both = score("mean", None, values[kept]).value, score("mean", None, values).value
    assert found.value == pytest.approx(both[0] - both[1])  # type: ignore[operator]
    assert left_out("mean", None, np.ones(30), np.arange(30) > 3).low is None
    assert left_out("mean", None, values, np.zeros(80, bool)).why_absent == "no rows"
    with pytest.raises(ValueError, match="no influence"):
        left_out("macro_f1", np.zeros(30, int), np.zeros(30, int), np.arange(30) > 3)


def test_part_of_what_was_said() -> None:
    said = Said(references=["a", "b", "c"], predictions=("x", "y", "z"), losses=np.arange(3.0), pattern="p", level=0.99)
    some = said.part(np.array([True, False, True]))
    assert (some.n, list(some.references or ()), list(some.said), some.pattern, some.level) == (2, ["a", "c"], ["x", "z"], "p", 0.99)
    assert some.losses is not None
    assert some.losses.tolist() == [0.0, 2.0]


def test_rows_learned_by_heart_along_the_path(tmp_path: Path) -> None:
    """Answers are chance: what the model gets right on given test rows, it has seen. The base model has seen none."""
    rng = random.Random(0)

    def row() -> dict[str, Any]:
        words = " ".join("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=5)) for _ in range(4))
        return {"prompt": words, "completion": "".join(rng.choices("abcdefgh", k=4))}

    train = [row() for _ in range(70)]
    made.lines(tmp_path / "valid.jsonl", train[30:50])  # leaked too: the step that is kept is a late one
    made.lines(tmp_path / "test.jsonl", train[:25] + [row() for _ in range(25)])
    recipe = made.writing(
        tmp_path, content=train, data={"train": "chats.jsonl", "valid": "valid.jsonl", "test": "test.jsonl"},
        train={"num_train_epochs": 40, "learning_rate": 0.005, "precision": "float32", "early_stopping": False},
        evaluate={"baselines": ["base"]}, audit=False,
    )  # fmt: skip
    run = start(recipe, workspace=tmp_path / "runs").run
    (found,) = [one for one in run.findings("evaluate") if one.code == "EVA018"]
    assert (found.status, found.severity, found.n_rows) == ("open", "warning", 25)
    assert found.title.startswith("25 of 50 scored rows stand, or nearly, in a lower split: they take")
    told = read_json(run.path / "evaluate" / "scores.json")["leaks"]
    assert told["rows"] == 25
    assert {(s["system"], s["n"]) for s in told["scores"]} == {("model", 25), ("base", 25)}
