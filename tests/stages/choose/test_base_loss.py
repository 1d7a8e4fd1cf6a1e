"""CHO011: answers that the base model need not learn, and answers far harder than the others, are found; sound ones are left alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from goodfit.finding import Finding
from goodfit.pages import finding_page
from goodfit.pipeline import start
from goodfit.stages.choose import writers
from goodfit.stages.choose.base_loss import base_loss
from goodfit.stages.choose.candidates import Candidate
from goodfit.stages.choose.costs import PLAIN, Costs, apart, costs_of
from goodfit.stages.choose.outcome import Asked, Outcome
from goodfit.stages.choose.writers import Told
from goodfit.tasks.likelihood import Likelihood
from tests import made, tiny
from tests.stages.choose.test_findings import identity


def sound(rng: np.random.Generator, n: int = 200, spread: float = 0.3, level: float = 1.0) -> tuple[Any, Any]:
    """Bits and bytes of n answers: what a byte costs is log-normal; the first word and the end cost some bits more."""
    sizes = np.round(np.exp(rng.normal(4.5, 0.8, n))).clip(4, 2000)
    return 12 + level * sizes * np.exp(spread * rng.normal(size=n)), sizes


def costs(bits: Any, sizes: Any, of: int | None = None, clusters: Any = None) -> Costs:
    n = len(bits)
    rows = tuple(f"r{i}" for i in range(n))
    return Costs(rows, np.asarray(bits, float), np.asarray(sizes, float), np.arange(n) if clusters is None else clusters, of or n)


def told(what: Costs | str | None, folder: Path) -> Finding:
    base = identity("mine")
    outcome = Outcome((Candidate("mine", "named", base, "mit"),), 0, "said", costs=what)
    run = SimpleNamespace(folder=lambda name: folder)
    (found,) = base_loss(outcome, Asked(SimpleNamespace(), SimpleNamespace(), run, ()))  # type: ignore[arg-type]
    assert (found.code, found.kind, found.stage) == ("CHO011", "base_loss", "choose")
    return found


@pytest.mark.parametrize("n", [60, 300])
@pytest.mark.parametrize("spread", [0.05, 0.25, 0.45])
@pytest.mark.parametrize("level", [0.7, 1.5])
def test_sound_answers_rarely_alarm(n: int, spread: float, level: float, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    found = [told(costs(*sound(rng, n, spread, level)), tmp_path).status for _ in range(100)]
    assert found.count("open") <= 5


def test_garbled_answers_are_found_worst_first(tmp_path: Path) -> None:
    bits, sizes = sound(np.random.default_rng(1), spread=0.1)
    bits[:5], sizes[:5] = np.array([500, 510, 520, 530, 540]), 90.0
    found = told(costs(bits, sizes, of=4000), tmp_path)
    assert (found.status, found.severity, found.n_rows) == ("open", "note", 5)
    assert found.rows == ("r4", "r3", "r2", "r1", "r0")
    assert found.title == "5 of 200 training answers cost mine far more than the others"
    assert "Looked at 200 of 4,000 training rows; the others were not drawn" in found.detail
    rate = found.evidence[0]
    assert (rate.name, rate.value, rate.method) == ("too_hard_rate", 0.025, "wilson")
    table = pq.read_table(tmp_path / "CHO011.parquet").to_pylist()
    assert [(row["row"], row["found"]) for row in table] == [(f"r{i}", "too_hard") for i in (4, 3, 2, 1, 0)]
    assert table[0]["bits_per_byte"] == pytest.approx(6.0)
    assert 3 < table[0]["times"] < 6
    assert found.fix
    assert finding_page("CHO011")


def test_answers_that_need_no_training_are_found_from_a_certain_share(tmp_path: Path) -> None:
    bits, sizes = sound(np.random.default_rng(2))
    bits[:2] = 0.1 * sizes[:2]
    assert told(costs(bits, sizes), tmp_path).status == "passed"
    bits[:12] = 0.1 * sizes[:12]
    found = told(costs(bits, sizes), tmp_path)
    assert (found.status, found.severity, found.n_rows) == ("open", "note", 12)
    assert found.title == "12 of 200 training answers cost mine next to nothing"
    assert set(found.rows) == {f"r{i}" for i in range(12)}
    bits[:40] = 0.1 * sizes[:40]
    assert told(costs(bits, sizes), tmp_path).severity == "warning"


def test_copies_that_cost_some_bits_are_easy_beside_dear_answers() -> None:
    bits, sizes = sound(np.random.default_rng(3), level=1.2, spread=0.15)
    bits[:3], sizes[:3] = 0.26 * 300, 300.0
    found = apart(costs(bits, sizes))
    assert np.flatnonzero(found.easy).tolist() == [0, 1, 2]
    bits, sizes = sound(np.random.default_rng(3), level=0.6, spread=0.3)
    bits[:3], sizes[:3] = 0.26 * 300, 300.0
    assert not apart(costs(bits, sizes)).easy.any()


def test_many_easy_answers_do_not_make_the_others_hard() -> None:
    bits, sizes = sound(np.random.default_rng(4), level=0.8)
    bits[:140] = 0.02 * sizes[:140]
    found = apart(costs(bits, sizes))
    assert found.easy.sum() == 140
    assert not found.hard.any()
    bits[:195] = 0.02 * sizes[:195]
    bits[198:], sizes[198:] = 550, 100
    found = apart(costs(bits, sizes))
    assert found.hard[198:].all()
    assert not found.hard[:195].any()


def test_a_short_right_answer_is_not_hard_and_neither_is_a_long_one_among_short_ones() -> None:
    bits, sizes = sound(np.random.default_rng(5), spread=0.2)
    bits[0], sizes[0] = 30, 6
    assert not apart(costs(bits, sizes)).hard.any()
    bits, sizes = np.full(100, 9.0) * np.exp(np.random.default_rng(5).normal(0, 0.1, 100)), np.full(100, 3.0)
    bits[0], sizes[0] = 500, 500
    assert not apart(costs(bits, sizes)).hard.any()


def test_a_large_share_for_certain_is_a_warning_and_clusters_widen_it(tmp_path: Path) -> None:
    bits, sizes = sound(np.random.default_rng(6), spread=0.15)
    bits[:36], sizes[:36] = 700, 100
    assert told(costs(bits, sizes), tmp_path).severity == "warning"
    clusters = np.concatenate([np.arange(36) // 18, 10 + np.arange(164) // 4])
    found = told(costs(bits, sizes, clusters=clusters), tmp_path)
    assert found.severity == "note"
    assert found.evidence[0].method == "wilson_clustered"


def test_more_rows_than_a_finding_holds_stand_in_the_file(tmp_path: Path) -> None:
    bits, sizes = sound(np.random.default_rng(7), n=300)
    bits[:130] = 0.1 * sizes[:130]
    bits[130:133], sizes[130:133] = 900, 100
    found = told(costs(bits, sizes), tmp_path)
    assert found.title == "3 of 300 training answers cost mine far more than the others; 130 cost it next to nothing"
    assert len(found.rows) == 100
    assert set(found.rows[:3]) == {"r130", "r131", "r132"}
    assert found.rows_file == "choose/CHO011.parquet"
    assert pq.read_table(tmp_path / "CHO011.parquet").num_rows == found.n_rows == 133


def test_what_cannot_be_looked_at_says_why(tmp_path: Path) -> None:
    assert told("choose.base_loss is false", tmp_path).reason == "choose.base_loss is false"
    assert told(None, tmp_path).status == "not_applicable"


def read(n: int, **changes: Any) -> tuple[Told, Likelihood]:
    talks = tuple('{"prompt":"p","completion":"an answer"}' for _ in range(n))
    found = {"losses": np.ones(n), "tokens": np.full(n, 3), "bytes": np.full(n, 9), "cut": np.zeros(n, bool)} | changes
    return Told(tuple(f"r{i}" for i in range(n)), talks, np.arange(n)), Likelihood(**found)


def test_only_answers_that_were_read_whole_count() -> None:
    seen, found = read(40, tokens=np.array([0] * 3 + [3] * 37), cut=np.arange(40) > 36)
    made_of = costs_of(seen, found, 500)
    assert isinstance(made_of, Costs)
    assert made_of.rows == tuple(f"r{i}" for i in range(3, 37))
    assert made_of.each == pytest.approx(1 / np.log(2) / 9)
    few = costs_of(*read(40, cut=np.arange(40) > 20), 500)
    assert few == "only 21 training answers can be read whole; it takes 30"
    blank = Told(seen.ids, ('{"prompt":"p","completion":" "}',) * 5 + seen.conversations[5:], seen.clusters)
    assert len(costs_of(blank, read(40)[1], 40)) == 35
    assert costs_of(Told(seen.ids, ('{"text":"plain"}',) * 40, seen.clusters), found, 40) == PLAIN


# --- whole stages, with tiny models ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def knows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that has learned the toy task: `12 red` -> `rr`."""
    folder = tmp_path_factory.mktemp("knows")
    train = {"num_train_epochs": 12, "learning_rate": 0.005, "precision": "float32", "early_stopping": False}
    outcome = start(made.writing(folder, content=made.chats(300), train=train), workspace=folder / "runs", until="train")
    assert outcome.error is None, outcome.error
    return outcome.run.path / "train" / "model"


def chosen(folder: Path, content: Any, **section: Any) -> tuple[Finding, Any]:
    """CHO011 and the run as far as choose; every row of `content` is a training row."""
    folder.mkdir(exist_ok=True)
    made.lines(folder / "valid.jsonl", made.chats(20, seed=8))
    made.lines(folder / "test.jsonl", made.chats(20, seed=9))
    data = {"train": "chats.jsonl", "valid": "valid.jsonl", "test": "test.jsonl"}
    recipe = made.writing(folder, content=content, data=data, choose=section, audit=False)
    outcome = start(recipe, workspace=folder / "runs", until="choose")
    assert outcome.error is None, outcome.error
    return cho011(outcome.run), outcome.run


def cho011(run: Any) -> Finding:
    (found,) = [one for one in run.findings("choose") if one.code == "CHO011"]
    return found  # type: ignore[no-any-return]


def flagged(run: Any, found: Finding) -> dict[int, str]:
    """Line of the training file (from 0) -> what the file of rows says of it."""
    rows = pq.read_table(run.path / "split" / "assignment.parquet").to_pylist()
    where = {row["row"]: int(row["at"].rsplit(":", 1)[1]) - 1 for row in rows}
    return {where[row["row"]]: row["found"] for row in pq.read_table(run.path / str(found.rows_file)).to_pylist()}


def test_planted_rows_are_found_along_the_path(knows: Path, tmp_path: Path) -> None:
    """Answers that belong to other prompts, and gibberish, among answers that the model knows."""
    content = made.chats(160, seed=3)
    asked = [row["theme"] for row in content]
    planted = {i: next(w[0] * 2 for w in made.WISHES if w[0] != asked[i][0]) for i in range(4)} | dict.fromkeys(range(4, 7), "xqzvkj wpq")
    for i, answer in planted.items():
        content[i]["messages"][1]["content"] = answer
    found, run = chosen(tmp_path, content, model_name_or_path=str(knows), base_loss=True)
    rows = flagged(run, found)
    assert {i for i, what in rows.items() if what == "too_hard"} == set(planted)
    assert sum(what == "too_easy" for what in rows.values()) > 0.9 * (160 - len(planted))
    assert (found.status, found.severity) == ("open", "warning"), "nine answers of ten teach this model nothing"
    assert "All 160 training rows were looked at" in found.detail
    assert "xqzvkj" not in found.title + found.detail


def test_a_sentence_that_the_model_knows_is_told_from_answers_that_it_must_learn(knows: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    content = made.chats(100, seed=4)
    boilerplate = set(range(0, 100, 5))
    for i in set(range(100)) - boilerplate:
        content[i]["messages"][1]["content"] = "".join(rng.choice(list("acdefhijklmnopqst"), 12))
    found, run = chosen(tmp_path, content, model_name_or_path=str(knows), base_loss=True)
    assert {i for i, what in flagged(run, found).items() if what == "too_easy"} == boilerplate
    assert "too_hard" not in flagged(run, found).values()


def test_compared_candidates_need_no_second_reading(knows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.writer(tmp_path / "raw", seed=1)
    found, run = chosen(tmp_path, made.chats(120, seed=5), candidates=[str(knows), "raw"])
    assert "cost model next to nothing" in found.title
    assert found.severity == "warning"

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(writers, "load_language", never)
    again, _ = chosen(tmp_path / "other", made.chats(120, seed=5), model_name_or_path=str(knows), base_loss=True)
    assert again.title == found.title
    silent, _ = chosen(tmp_path / "third", made.chats(120, seed=5), candidates=[str(knows), str(tmp_path / "raw")], base_loss=False)
    assert (silent.status, silent.reason) == ("not_applicable", "choose.base_loss is false")


def test_nothing_stands_apart_for_a_model_that_knows_nothing(tmp_path: Path) -> None:
    found, _ = chosen(tmp_path, made.chats(100), model_name_or_path="model", base_loss=True)
    assert found.status == "passed"
    assert found.title == "none of 100 training answers stands apart for model"


@pytest.mark.parametrize(
    ("content", "section", "reason"),
    [
        (made.chats(60), {}, "choose.base_loss=true reads 300 at most"),
        (made.chats(20), {"base_loss": True}, "training rows are too few; it takes 30"),
        ([{"text": f"the {word} number {i}"} for i, word in enumerate(made.WISHES * 10)], {"base_loss": True}, "plain texts"),
    ],
    ids=["one model", "few rows", "plain"],
)
def test_what_was_not_read_says_why(content: Any, section: dict[str, Any], reason: str, tmp_path: Path) -> None:
    recipe = made.writing(tmp_path, content=content, choose={"model_name_or_path": "model"} | section, audit=False)
    outcome = start(recipe, workspace=tmp_path / "runs", until="choose")
    assert outcome.error is None, outcome.error
    found = cho011(outcome.run)
    assert found.status == "not_applicable"
    assert reason in str(found.reason)


def test_classes_are_not_written(tmp_path: Path) -> None:
    outcome = start(made.project(tmp_path, audit=False, choose={"model_name_or_path": "model", "base_loss": True}), workspace=tmp_path / "runs",
                    until="choose")  # fmt: skip
    assert cho011(outcome.run).reason == "it is for models that write"
