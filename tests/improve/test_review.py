"""review: drawing with known chances, blinding, answers that survive crashes, results against what simulated raters were told to do."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from goodfit.errors import RunError, UserError
from goodfit.improve.review import Book, Given, results, reviewer_name, write_results
from goodfit.improve.review.draw import draw, inclusion
from goodfit.improve.review.samples import Row, read_samples
from goodfit.schemas import ReviewAnswer, ReviewItems, ReviewResults
from tests import reviewing


@pytest.fixture(autouse=True)
def _one_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every review of these tests is drawn from the same seed."""
    monkeypatch.setattr("goodfit.improve.review.book.secrets.randbits", lambda bits: 7)


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def test_a_run_without_answers_says_what_to_do(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path)
    (run.path / "evaluate" / "samples.jsonl").unlink()
    with pytest.raises(RunError, match="no answers to review") as error:
        Book.open(run)
    assert "goodfit evaluate" in error.value.fix


@pytest.mark.parametrize(
    ("line", "what"), [("{", "not JSON"), ("[]", "not a JSON object"), ('{"row": 1}', "'row'"), ('{"row": "a"}', "'system'")]
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, what: str) -> None:
    run = reviewing.run(tmp_path)
    path = run.path / "evaluate" / "samples.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(RunError, match=what) as error:
        read_samples([run])
    assert error.value.place.line == 121


def test_runs_are_joined_on_their_rows(tmp_path: Path) -> None:
    first, second = reviewing.run(tmp_path, name="one"), reviewing.run(tmp_path, reviewing.samples(40, seed=1), name="two")
    found = read_samples([first, second])
    assert len(found.rows) == 40
    assert found.systems[0] == f"{first.id}:model"
    assert set(found.systems) == {f"{first.id}:model", f"{first.id}:base", f"{second.id}:model"}
    with pytest.raises(RunError, match="stands twice"):
        read_samples([first, first])


def test_answers_that_are_all_alike_cannot_be_reviewed(tmp_path: Path) -> None:
    lines = [line | {"text": "same"} for line in reviewing.samples(10)]
    with pytest.raises(RunError, match="same answer to all 10 rows"):
        Book.open(reviewing.run(tmp_path, lines))


# -- drawing ---------------------------------------------------------------------------------------------------------------------------


def many_rows(n: int = 300) -> list[Row]:
    rng = np.random.default_rng(0)
    return [
        Row(f"r{i:03d}", "p", {"model": "m " * int(rng.integers(1, 60)) + str(i), "base": "m " * (i % 3) + f"b{i}"}, loss=float(rng.random()), cluster=str(i % 9 if i > 20 else "rare"))
        for i in range(n)
    ]  # fmt: skip


def test_chances_are_known() -> None:
    """Over many seeds each row is drawn as often as its chance says, and weights by it give the population's mean."""
    rows = many_rows()
    times, means = 1500, []
    drawn_often: dict[str, int] = {}
    expected: dict[str, float] = {}
    truth = float(np.mean([len(row.texts["model"]) for row in rows]))
    for seed in range(times):
        found = draw(rows, ["model", "base"], 60, seed).drawn
        assert len(found) == 60
        weights = np.array([1 / one.p for one in found])
        means.append(float(weights @ [len(one.row.texts["model"]) for one in found] / weights.sum()))
        for one in found:
            drawn_often[one.row.row] = drawn_often.get(one.row.row, 0) + 1
            expected[one.row.row] = one.p
    gaps = [drawn_often[row] / times - p for row, p in expected.items()]
    assert len(expected) == 300
    assert np.std(gaps) < 1.3 * np.sqrt(0.2 * 0.8 / times)
    assert abs(np.mean(means) - truth) < 0.02 * truth


def test_likely_failures_are_drawn_more_often_and_clusters_are_covered() -> None:
    rows = many_rows()
    found = draw(rows, ["model", "base"], 60, 3).drawn
    high = np.quantile([row.loss for row in rows], 0.8)
    assert np.mean([one.row.loss >= high for one in found]) > 0.28
    assert {one.row.cluster for one in found} == {row.cluster for row in rows}
    assert {name for one in found for name in one.strata} == {"highest_loss", "longest", "rarest", "disagreement", "other"}
    ratio = max(one.p for one in found) / min(one.p for one in found)
    assert 1 < ratio < 10


def test_a_larger_draw_only_adds() -> None:
    rows = many_rows()
    few, more = (draw(rows, ["model", "base"], n, 5).drawn for n in (30, 80))
    assert [one.row.row for one in more[:30]] == [one.row.row for one in few]
    assert len(draw(rows, ["model", "base"], 10_000, 5).drawn) == 300
    assert inclusion(np.array([10.0, 1.0, 1.0]), 2).tolist() == [1.0, 0.5, 0.5]
    assert inclusion(np.array([1.0, 1.0]), 2).tolist() == [1.0, 1.0]


def test_each_rival_gets_as_many() -> None:
    rows = [Row(f"r{i}", "p", {"model": f"m{i}", "base": f"b{i}", "few_shot": f"f{i}"}) for i in range(100)]
    found = draw(rows, ["model", "base", "few_shot"], 40, 0).drawn
    assert [sum(one.systems[1] == rival for one in found) for rival in ("base", "few_shot")] == [20, 20]


# -- the book --------------------------------------------------------------------------------------------------------------------------


def test_reviewers_see_their_own_order_and_sides_and_no_names(tmp_path: Path) -> None:
    book = Book.open(reviewing.run(tmp_path), items=40)
    anna, ben = book.sequence("anna"), book.sequence("ben")
    assert sorted(anna) == sorted(ben) == sorted(book.items)
    assert anna != ben
    assert anna == Book.open(book.run).sequence("anna")
    assert len(set(anna[:10]) & set(ben[:10])) >= 8
    sides = [book.order("anna", item)[0] for item in anna]
    assert 19 <= sides.count("model") <= 23
    half = [book.order("anna", item)[0] for item in anna[:10] if not book.items[item]["repeat_of"]]
    assert abs(2 * half.count("model") - len(half)) <= 1
    assert sides != [book.order("ben", item)[0] for item in anna]
    shown = book.show("anna", anna[0])
    assert not {"model", "base"} & set(repr(shown).replace("b'", "").split("'"))
    repeated = [item for item in book.items.values() if item["repeat_of"]]
    assert len(repeated) == 2
    for item in repeated:
        gap = anna.index(item["item"]) - anna.index(item["repeat_of"])
        assert gap >= 15
        assert len(item["item"]) == len(item["repeat_of"])


def test_answers_are_kept_replaced_and_continued(tmp_path: Path) -> None:
    book = Book.open(reviewing.run(tmp_path), items=10)
    first = book.next("anna")
    book.save("anna", first, Given("a", note="good", tags=("short",)))
    book.save("anna", first, Given("b"))
    again = Book.open(book.run)
    assert again.next("anna") == book.sequence("anna")[1]
    assert again.show("anna", first).given == Given("b")
    assert again.answers("anna")[first]["prefer"] == book.order("anna", first)[1]
    lines = (book.folder / "anna.jsonl").read_text().splitlines()
    assert len(lines) == 2
    assert set(json.loads(lines[0])) >= {"item", "row", "systems", "order", "ratings", "prefer", "note", "tags", "time"}
    for line in lines:
        ReviewAnswer.model_validate_json(line)
    ReviewItems.model_validate_json((book.folder / "items.json").read_text())


def test_a_torn_line_is_cut_and_nothing_else_lost(tmp_path: Path) -> None:
    book = Book.open(reviewing.run(tmp_path), items=10)
    reviewing.judge(book, "anna", reviewing.prefers("model"), limit=3)
    path = book.folder / "anna.jsonl"
    with path.open("a") as handle:
        handle.write('{"item": "torn')
    assert book.progress("anna")[0] == 3
    reviewing.judge(book, "anna", reviewing.prefers("model"), limit=1)
    assert book.progress("anna")[0] == 4
    assert all(json.loads(line) for line in path.read_text().splitlines())
    path.write_text("{broken\n" + path.read_text())
    with pytest.raises(RunError, match="damaged"):
        book.answers("anna")


def _keep_saving(path: Path, started: object) -> None:
    from goodfit.run import Run

    book = Book.open(Run.open(path))
    for item in book.sequence("anna") * 1000:
        book.save("anna", item, Given("tie", note="x" * 3000))
        started.set()


def test_a_reviewer_process_killed_in_the_middle_loses_nothing_that_was_saved(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path)
    book = Book.open(run, items=10)
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        started = context.Event()
        process = context.Process(target=_keep_saving, args=(run.path, started))
        process.start()
        assert started.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        saved = book.progress("anna")[0]
        assert saved >= 1
        book.save("anna", book.sequence("anna")[0], Given("a"))
        assert book.progress("anna")[0] >= saved


def test_more_items_may_be_drawn_later_but_not_from_other_answers(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path)
    book = Book.open(run, items=10)
    reviewing.judge(book, "anna", reviewing.prefers("model"))
    before = book.answers("anna")
    more = Book.open(run, items=30)
    assert len([i for i in more.items.values() if not i["repeat_of"]]) == 30
    assert more.answers("anna") == before
    assert more.progress("anna")[0] == 10
    assert more.sequence("anna")[:10] == book.sequence("anna")
    assert len(Book.open(run, items=5).items) == len(more.items)
    path = run.path / "evaluate" / "samples.jsonl"
    path.write_text(path.read_text().replace("card", "purse"))
    assert Book.open(run).progress("anna")[0] == 10
    with pytest.raises(RunError, match="anew"):
        Book.open(run, items=40)


def test_a_joined_review_goes_on_by_its_first_run(tmp_path: Path) -> None:
    first, second = reviewing.run(tmp_path, name="one"), reviewing.run(tmp_path, reviewing.samples(40, seed=1), name="two")
    book = Book.open(first, [second], items=10)
    reviewing.judge(book, "anna", reviewing.prefers(f"{first.id}:model"))
    assert Book.open(first).progress("anna") == (10, 10)
    assert len(Book.open(first, [second], items=12).items) == 13
    with pytest.raises(RunError, match="stands in"):
        Book.open(first, items=15)
    with pytest.raises(RunError, match="stands in"):
        Book.open(first, [reviewing.run(tmp_path, name="three")])
    pairs = [pair["b"] for pair in results(first)["pairs"]]
    assert sorted(pairs) == sorted([f"{first.id}:base", f"{second.id}:model"])


def test_many_writers_of_one_file_tear_no_line(tmp_path: Path) -> None:
    book = Book.open(reviewing.run(tmp_path), items=5)
    item = book.next("anna")
    threads = [
        threading.Thread(target=lambda: [book.save("anna", item, Given("tie", note="x" * 500)) for _ in range(10)]) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([json.loads(line) for line in (book.folder / "anna.jsonl").read_text().splitlines()]) == 60


def test_what_is_asked_can_change_without_a_loss(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path)
    book = Book.open(run, items=5)
    assert book.asks == ("prefer",)
    reviewing.judge(book, "anna", reviewing.prefers("model"))
    both = Book.open(run, ask=("prefer", "rate"))
    assert both.progress("anna") == (0, 5)
    assert len(both.answers("anna")) == 5
    assert Book.open(run, ask=("prefer",)).progress("anna") == (5, 5)


def test_one_system_alone_is_rated(tmp_path: Path) -> None:
    book = Book.open(reviewing.run(tmp_path, reviewing.samples(20, systems=("model",))), items=10)
    assert book.asks == ("rate",)
    item = book.next("anna")
    book.save("anna", item, Given(ratings={"a": dict.fromkeys(("coherence", "fluency", "domain_knowledge", "correctness"), 4)}))
    assert book.progress("anna")[0] == 1
    with pytest.raises(UserError):
        book.save("anna", item, Given("a"))


@pytest.mark.parametrize(
    "given",
    [Given("c"), Given("model"), Given(ratings={"a": {"coherence": 6}}), Given(ratings={"a": {"beauty": 3}}), Given(ratings={"c": {"fluency": 3}}),
     Given(ratings={"a": {"fluency": True}}), Given(note="x" * 5000), Given(tags=("x" * 50,))],
)  # fmt: skip
def test_what_is_no_answer_is_refused(tmp_path: Path, given: Given) -> None:
    book = Book.open(reviewing.run(tmp_path), items=3)
    with pytest.raises(UserError):
        book.save("anna", book.next("anna"), given)
    assert book.reviewers() == []


def test_names_of_reviewers_are_names_of_files() -> None:
    assert reviewer_name("Anna Bär") == "anna-bär"
    assert reviewer_name("../../etc/passwd") == "etc-passwd"
    assert reviewer_name("a/b\\c:d") == "a-b-c-d"
    assert reviewer_name("x" * 200) == "x" * 60
    for name in ("", "..", "/", "CON", "nul.txt", "\x00"):
        with pytest.raises(UserError):
            reviewer_name(name)


# -- results ---------------------------------------------------------------------------------------------------------------------------


def test_results_say_what_the_raters_did(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path, reviewing.samples(300))
    book = Book.open(run, items=120)
    for seed, name in enumerate(("anna", "ben")):
        reviewing.judge(book, name, reviewing.prefers("model", 0.85, seed=seed, ties=0.1))
    found = write_results(run)
    ReviewResults.model_validate(json.loads((run.path / "review" / "results.json").read_text()))
    (pair,) = found["pairs"]
    assert (pair["a"], pair["b"]) == ("model", "base")
    assert pair["wins"] + pair["ties"] + pair["losses"] == found["judgements"] == 240
    assert 0.7 < pair["win_share"]["low"] < pair["win_share"]["value"] < 0.9
    assert pair["verdict"]["answer"] == "better"
    assert pair["stopping"]["stop"]
    assert pair["stopping"]["n"] == 120
    assert found["items"] == {"drawn": 120, "asked": 126, "population": 270, "identical": 30}
    assert [entry["about"] for entry in found["agreement"]] == ["preference"]
    assert found["agreement"][0]["raw"]["n"] == 120
    assert found["consistency"]["n"] == 12 or found["consistency"]["why_absent"]
    first, slope, longer = found["effects"]
    assert first["low"] < 0.5 < first["high"]
    assert slope["value"] is not None
    assert longer["n"] > 100
    assert 3 <= len(found["worst"]) <= 10
    assert found["worst"][0]["merit"] <= found["worst"][-1]["merit"] < 0.5
    assert any("preferred in" in line for line in found["text"])


def test_a_close_race_says_how_many_more_it_takes(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path, reviewing.samples(200))
    book = Book.open(run, items=60)
    reviewing.judge(book, "anna", reviewing.prefers("model", 0.55, seed=3))
    (pair,) = results(run)["pairs"]
    assert pair["verdict"]["answer"] == "cannot_tell"
    assert pair["more_judgements"] is None or pair["more_judgements"] > 0
    assert not pair["stopping"]["stop"]


def test_first_shown_effect_is_seen(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path, reviewing.samples(200))
    book = Book.open(run, items=100)
    reviewing.judge(book, "anna", lambda book, item, order: Given("a"))
    found = results(run)
    assert found["effects"][0]["low"] > 0.8
    assert found["pairs"][0]["verdict"]["answer"] == "cannot_tell"


def test_ratings_have_means_leads_and_agreement(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path, reviewing.samples(100))
    book = Book.open(run, items=40, ask=("rate",))
    rng = np.random.default_rng(0)

    def say(book: Book, item: str, order: list[str]) -> Given:
        rate = {"model": 4, "base": 2}
        return Given(
            ratings={
                side: {d: int(rate[name] + rng.integers(0, 2)) for d in ("coherence", "fluency", "domain_knowledge", "correctness")}
                for side, name in zip("ab", order, strict=True)
            }
        )

    for name in ("anna", "ben"):
        reviewing.judge(book, name, say)
    found = results(run)
    assert [entry["dimension"] for entry in found["ratings"]] == ["coherence", "fluency", "domain_knowledge", "correctness"]
    entry = found["ratings"][0]
    by_system = {score["system"]: score for score in entry["scores"]}
    assert 4.2 < by_system["model"]["value"] < 4.8
    assert 2.2 < by_system["base"]["value"] < 2.8
    assert entry["verdicts"][0]["answer"] == "better"
    assert entry["verdicts"][0]["difference"]["value"] == pytest.approx(2, abs=0.3)
    assert [a["about"] for a in found["agreement"]] == ["coherence", "fluency", "domain_knowledge", "correctness"]
    assert found["agreement"][0]["alpha"]["low"] > 0.3
    assert found["pairs"] == []


def test_three_systems_are_ranked(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path, reviewing.samples(200, systems=("model", "base", "few_shot")))
    book = Book.open(run, items=120)
    rank = {"model": 2, "few_shot": 1, "base": 0}
    rng = np.random.default_rng(1)

    def say(book: Book, item: str, order: list[str]) -> Given:
        chance = 1 / (1 + np.exp(-1.2 * (rank[order[0]] - rank[order[1]])))
        return Given("a" if rng.random() < chance else "b")

    reviewing.judge(book, "anna", say)
    found = results(run)
    assert [entry["system"] for entry in found["strengths"]] == ["model", "few_shot", "base"]
    assert found["strengths"][2]["win_share"]["high"] < 0.5
    assert [pair["verdict"]["correction"] for pair in found["pairs"]] == ["holm", "holm"]


def test_nothing_said_yet(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path)
    with pytest.raises(RunError, match="no review of") as error:
        results(run)
    assert error.value.fix == f"goodfit review {run.id}"
    Book.open(run, items=5)
    found = write_results(run)
    assert found["text"][0] == "nobody has judged yet"
    assert found["pairs"][0]["win_share"]["why_absent"]
    ReviewResults.model_validate(found)


def test_skipped_items_count_as_answered_and_say_nothing(tmp_path: Path) -> None:
    run = reviewing.run(tmp_path)
    book = Book.open(run, items=5)
    reviewing.judge(book, "anna", lambda *_: Given(skipped=True))
    found = results(run)
    assert found["reviewers"] == [{"name": "anna", "answered": 5, "of": 5, "skipped": 5}]
    assert found["judgements"] == 0


def test_hostile_answers_pass_through_as_they_are(tmp_path: Path) -> None:
    lines = [line | {"text": reviewing.HOSTILE + line["system"]} for line in reviewing.samples(5)]
    book = Book.open(reviewing.run(tmp_path, lines), items=5)
    shown = book.show("anna", book.next("anna"))
    assert "<script>" in shown.texts[0]
    assert "\\ud800" in shown.texts[0]
    book.save("anna", shown.item, Given("a", note="\ud800 half"))
    assert book.show("anna", shown.item).given.note == "\\ud800 half"
