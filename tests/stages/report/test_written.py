"""The page, the JSON and the card of a model that writes: true, in its own words, private where asked, and inert whatever was written."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from goodfit.cli import main
from goodfit.finding import Finding
from goodfit.improve.review import Book, Given
from goodfit.pipeline import start
from goodfit.run import Run
from goodfit.stages.report import card, collect, html, write_report
from goodfit.stages.report.written import STEPS_SHOWN, TOLD, discreet, ends, thin
from tests import made, reviewing
from tests.stages.report.make_run import make_run
from tests.stages.report.test_collect import VALIDATOR, edit
from tests.stages.report.test_render import Page

HOSTILE = '<script>window.pwned = 1</script><img src=x onerror="alert(1)"> \x1b[31mred\x1b[0m \u202egnp.exe\u202c ](https://evil.example) {{ 7 * 7 }}'
OF_LABELS = re.compile(
    r"\b(classif\w*|class(es)?|macro|confus\w*|calibrat\w*|label(s|led)?|(single|multi)-label|majority)\b", re.IGNORECASE
)
SECTIONS = {
    "rows": "What the model sees", "samples": "What it wrote while it was trained", "references": "Its habits", "parity": "The same in plain",
    "forgetting": "What it may have forgotten", "answers": "What the model wrote to rows that it never saw", "review": "not knowing which system",
}  # fmt: skip


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a tiny chat model that learned too little, with retained texts and a review by two people."""
    folder = tmp_path_factory.mktemp("writing")
    made.lines(folder / "retain.jsonl", [{"text": f"w{i} some text that was known well before any of this training"} for i in range(40)])
    recipe = made.writing(
        folder, content=made.chats(200), evaluate={"retain": ["retain.jsonl"], "gates": {"self_stop_rate": ">= 0.2"}},
        purpose="Answer with two letters.", train={"num_train_epochs": 2, "learning_rate": 0.005, "precision": "float32", "early_stopping": False},
    )  # fmt: skip
    outcome = start(recipe, workspace=folder / "runs")
    assert outcome.error is None, outcome.error
    run = outcome.run
    book = Book.open(run, items=20, ask=["prefer", "rate"])
    for name, seed in (("anna", 0), ("bela", 1)):
        reviewing.judge(book, name, judged(seed))
    return run.path


def judged(seed: int) -> Callable[[Book, str, list[str]], Given]:
    """A reviewer who mostly prefers the model, rates both, and leaves a note."""
    prefer = reviewing.prefers("model", 0.7, seed=seed)

    def say(book: Book, item: str, order: list[str]) -> Given:
        ratings = {side: {"coherence": 4, "fluency": 3, "domain_knowledge": 2, "correctness": 1} for side in "ab"[: len(order)]}
        return Given(prefer(book, item, order).prefer, ratings, note="a private note", tags=("odd",))

    return say


@pytest.fixture
def run(walked: Path, tmp_path: Path) -> Path:
    """A copy with the review's results, to be changed."""
    folder = Path(shutil.copytree(walked, tmp_path / "runs" / walked.name))
    assert CliRunner().invoke(main, ["review", str(folder), "--results"]).exit_code == 0
    return folder


def show(folder: Path, how: str) -> dict[str, Any]:
    """The report with another `report.show_text`."""
    settings = yaml.safe_load((folder / "resolved.yaml").read_text())
    (folder / "resolved.yaml").write_text(yaml.safe_dump(settings | {"report": {"show_text": how}}))
    return collect(folder)


def rewrite(path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Changes every line of a JSONL."""
    lines = [change(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    made.lines(path, lines)


# -- the whole report ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["masked", "full", "none"])
def test_report_json_follows_its_schema_and_the_page_is_whole(run: Path, how: str) -> None:
    report = show(run, how)
    VALIDATOR.validate(json.loads(json.dumps(report, allow_nan=False)))
    page = Page(html(report))
    for part in SECTIONS.values():
        assert part in page.text, part
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert len(ids) == len(set(ids))
    links = [str(attrs["href"])[1:] for tag, attrs in page.tags if tag == "a" and str(attrs.get("href")).startswith("#")]
    assert set(links) <= set(ids)
    assert not {"script", "img", "iframe", "form"} & {tag for tag, _ in page.tags}


def test_it_speaks_of_writing_and_never_of_classes(run: Path) -> None:
    report = collect(run)
    report["reproduce"]["settings"] = ""  # every key of the recipe stands there, task.label too
    text = Page(html(report)).text
    assert not (found := OF_LABELS.search(text)), text[max(0, found.start() - 80) : found.end() + 40]
    body = card(report)
    assert not (found := OF_LABELS.search(body)), body[max(0, found.start() - 80) : found.end() + 40]
    sentences = {s["topic"]: s["text"] for s in report["answer"]["sentences"]}
    assert "the chrF of its answers is" in sentences["score"]
    assert "no person has judged" not in sentences["limits"]
    assert any(e["ref"] == "reviews" for e in report["answer"]["sentences"][0]["evidence"])


def test_a_classifier_has_none_of_this(tmp_path: Path) -> None:
    report = collect(make_run(tmp_path / "run"))
    assert report["generation"] is None
    assert report["review"] is None
    text = Page(html(report)).text
    assert not any(part in text for part in SECTIONS.values())


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        (["prepare/shown.jsonl"], ["rows"]),
        (["train/samples.jsonl"], ["samples"]),
        (["evaluate/samples.jsonl", "evaluate/mistakes.jsonl"], ["answers"]),
        (["evaluate/parity.json"], ["parity"]),
        (["review/results.json"], ["review"]),
        (["evaluate/scores.json"], ["references", "forgetting", "parity"]),
    ],
)
def test_what_a_run_does_not_have_is_absent_not_empty(run: Path, files: list[str], parts: list[str]) -> None:
    for file in files:
        (run / file).unlink()
    page = html(collect(run))
    for part, words in SECTIONS.items():
        assert (words in page) is (part not in parts), part
    assert ('id="answers"' in page) is ("answers" not in parts)
    assert ('href="#reviews"' in page) is ("review" not in parts)


def test_a_run_that_stopped_before_the_training_has_its_report(run: Path) -> None:
    for stage in ("tune", "train", "evaluate", "review"):
        shutil.rmtree(run / stage)
    edit(run, "prepare/manifest.json", rows_dropped={"zero_targets": 2, "too_long": 1}, truncated={"prompt": 1, "answer": 4})
    report = collect(run)
    sentences = {s["topic"]: s["text"] for s in report["answer"]["sentences"]}
    assert "3 rows of training and validation were left out (2 with nothing to learn and 1 too long)" in sentences["data"]
    assert sentences["limits"].startswith("Everything that needs a score is unknown: how well it writes")
    text = Page(html(report)).text
    assert "Left out: 2 with nothing to learn and 1 too long." in text
    assert "Cut: the prompt of 1 row, the answer of 4 rows." in text
    assert "left out before the training: 2 with nothing to learn and 1 too long" in card(report)


def test_several_sources_are_told_by_the_last_part_of_their_paths(run: Path) -> None:
    assert "Training rows by source" not in html(collect(run))
    own = {"source": "own.jsonl", "rows": 90, "learned": 400, "mix": False, "of_epoch": 0.75}
    edit(run, "prepare/manifest.json", sources=[own, own | {"source": "/home/somebody/general.jsonl", "mix": True, "of_epoch": 0.25}])
    report = collect(run)
    assert [one["source"] for one in report["data"]["sources"]] == ["own.jsonl", "general.jsonl"]
    text = Page(html(report)).text
    assert "general.jsonl (general data, prepare.mix) 90 400 25.0%" in text
    assert "somebody" not in text


# -- texts of others ----------------------------------------------------------------------------------------------------


def test_hostile_texts_are_only_text(run: Path) -> None:
    def hostile(line: dict[str, Any]) -> dict[str, Any]:
        return line | {key: HOSTILE for key in ("text", "prompt", "reference", "prediction", "label") if key in line}

    for file in ("train/samples.jsonl", "evaluate/samples.jsonl", "evaluate/mistakes.jsonl"):
        rewrite(run / file, hostile)
    rewrite(run / "prepare/shown.jsonl", lambda line: line | {"pieces": [{"text": HOSTILE, "learned": True, "special": True}]})
    worst = [{"row": HOSTILE, "merit": 0.1, "judgements": 2, "prompt": HOSTILE, "texts": {"model": HOSTILE, HOSTILE: HOSTILE}, "tags": [HOSTILE],
              "notes": [{"reviewer": "anna", "note": HOSTILE}]}]  # fmt: skip
    edit(run, "review/results.json", worst=worst)
    show(run, "full")
    write_report(run)
    page = (run / "report.html").read_text(encoding="utf-8")
    parsed = Page(page)
    assert not {"script", "img"} & {tag for tag, _ in parsed.tags}
    assert not any(name.startswith("on") for _, attrs in parsed.tags for name in attrs)
    assert "<script>window.pwned = 1</script>" in parsed.text
    assert "⟨U+001B⟩[31mred" in parsed.text
    assert "⟨U+202E⟩gnp.exe" in parsed.text
    assert "{{ 7 * 7 }}" in parsed.text
    for file in ("report.html", "README.md", "report.json"):
        written = (run / file).read_text(encoding="utf-8")
        assert not set(written) & {"\x1b", "\u202e", "\u202c"}, file
        assert "\\u001b" not in written, file
    assert "evil.example" not in (run / "README.md").read_text(encoding="utf-8")


def test_texts_are_masked_unless_the_recipe_shows_them(run: Path) -> None:
    words = re.compile("black|green|blue|private note")

    def all_of(report: dict[str, Any]) -> str:
        return json.dumps([report["generation"], report["review"], report["mistakes"]]) + Page(html(report)).text

    masked, full, none = (all_of(show(run, how)) for how in ("masked", "full", "none"))
    assert not words.search(masked)
    assert not words.search(none)
    assert {"black", "green", "blue", "private note"} <= set(words.findall(full))
    assert "<|im_start|>" in masked
    assert not words.search(card(show(run, "full")).replace("Answer with two letters.", ""))
    assert "anna" not in full
    assert "bela" not in full


def test_quoted_answers_in_findings_are_masked_too() -> None:
    told = Finding(code="EVA002", stage="evaluate", severity="error", kind="collapsed", title="the model writes 'Dear Anna' to every row")
    other = Finding(code="EVA001", stage="evaluate", severity="note", kind="worse_than_baseline", title="it's 'quoted' here")
    assert [f.title for f in discreet([told, other], "masked")] == ["the model writes 'Xxxx Xxxx' to every row", other.title]
    assert discreet([told], "none")[0].title == "the model writes … to every row"
    assert discreet([told], "full") == [told]


# -- parts --------------------------------------------------------------------------------------------------------------


def test_learned_and_special_tokens_are_marked(run: Path) -> None:
    row = show(run, "full")["generation"]["rows"][0]
    assert sum(piece["special"] for piece in row["pieces"]) == 4
    learned = "".join(piece["text"] for piece in row["pieces"] if piece["learned"])
    assert re.fullmatch(r"([a-z])\1<\|im_end\|>", learned)
    assert row["learned"] == 3
    page = html(collect(run))
    assert f'<mark class="learned">{learned[:2]}</mark><mark class="learned special">&lt;|im_end|&gt;</mark>' in page
    masked = show(run, "masked")["generation"]["rows"][0]
    assert "".join(piece["text"] for piece in masked["pieces"] if piece["learned"]) == "xx<|im_end|>"


def test_a_long_prompt_leaves_what_is_learned_in_sight(run: Path) -> None:
    pieces = [{"text": "a" * 5000, "learned": False, "special": False}, {"text": "the answer", "learned": True, "special": False}]
    rewrite(run / "prepare/shown.jsonl", lambda line: line | {"pieces": pieces})
    shown = show(run, "full")["generation"]["rows"][0]["pieces"]
    assert shown[-1] == {"text": "the answer", "learned": True, "special": False}
    assert "characters" in shown[0]["text"]
    assert len(shown[0]["text"]) <= TOLD
    assert ends("short") == "short"


def test_samples_stand_in_the_order_of_the_steps_and_some_of_many(run: Path) -> None:
    report = show(run, "full")
    steps = [at["step"] for at in report["generation"]["samples"][0]["steps"]]
    assert steps[0] == 0
    assert steps == sorted(set(steps))
    assert len(steps) > 1
    assert thin(range(100))[0] == 0
    assert thin(range(100))[-1] == 99
    assert len(thin(range(100))) == len(set(thin(range(100)))) == STEPS_SHOWN
    assert thin([0, 5]) == [0, 5]


def test_the_worst_are_evaluates_and_the_best_are_the_most_alike(run: Path) -> None:
    rows = [f"row{i}" for i in range(12)]
    made.lines(run / "evaluate/mistakes.jsonl", [{"row": row, "label": "x", "prediction": "y", "p": 0.1, "text": "t"} for row in rows[:3]])
    made.lines(run / "evaluate/samples.jsonl", [
        {"row": row, "system": system, "prompt": "p", "text": "t", "stopped": True, "reference": "r", "loss": 1.0, "chrf": i / 12}
        for i, row in enumerate(rows) for system in ("base", "model")
    ])  # fmt: skip
    g = show(run, "full")["generation"]
    assert [answer["row"] for answer in g["worst"]] == rows[:3]
    assert [answer["row"] for answer in g["best"]] == ["row11", "row10", "row9", "row8"]
    assert [one["system"] for one in g["best"][0]["answers"]] == ["model", "base"]


def test_an_empty_answer_is_said_to_be_empty(run: Path) -> None:
    rewrite(run / "evaluate/samples.jsonl", lambda line: line | {"text": "" if line["system"] == "model" else "\n\n"})
    text = Page(html(show(run, "full"))).text
    assert "(empty)" in text
    assert "(nothing but white space)" in text


def test_forgetting_habits_and_parity_are_told_with_their_numbers(run: Path) -> None:
    report = collect(run)
    g = report["generation"]
    assert [one["name"] for one in g["forgetting"]] == ["retain", "retain_in_template"]
    assert g["documents"] == 40
    text = Page(html(report)).text
    document = json.loads((run / "evaluate/scores.json").read_text())
    value = document["forgetting"]["retain"]["model"]["value"]
    assert f"{value:.3f} [" in text
    assert "Of 8 validation prompts, plain transformers reads 8 and answers 8 token for token" in text
    assert {s["name"] for s in g["references"]} >= {"memorised_rate", "repetition_rate"}
    limits = report["answer"]["sentences"][-1]["text"]
    if document["forgetting"]["retain"]["verdict"]["answer"] == "worse":
        assert "worse at texts that it should still know" in limits
    assert "What it may have forgotten" in card(report)


def test_the_loss_that_chose_the_step_is_told(run: Path) -> None:
    best = collect(run)["training"]["best"]["score"]
    assert (best["name"], best["unit"], best["higher_is_better"]) == ("loss", "nats", False)
    assert best["value"] > 0


# -- reviews ------------------------------------------------------------------------------------------------------------


def test_what_people_said_is_told_with_intervals_and_agreement(run: Path) -> None:
    v = collect(run)["review"]
    assert v["reviewers"] == 2
    assert {pair["other"] for pair in v["pairs"]} >= {"base"}
    assert all(
        pair["wins"] + pair["ties"] + pair["losses"] == pair["win_share"]["n"] for pair in v["pairs"] if pair["win_share"].get("value")
    )
    assert {rated["dimension"] for rated in v["ratings"]} == {"coherence", "fluency", "domain_knowledge", "correctness"}
    assert any(one["about"] == "preference" for one in v["agreement"])
    text = Page(html(collect(run))).text
    assert "2 people gave" in text
    assert "Krippendorff's alpha" in text
    body = card(collect(run))
    assert "### What people say" in body
    assert "Rated 1 to 5 for coherence" in body
    assert "No person has judged" not in body


def test_report_reads_the_review_anew(walked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(walked, tmp_path / "runs" / walked.name))
    (folder / "review" / "results.json").unlink(missing_ok=True)
    assert CliRunner().invoke(main, ["report", str(folder)]).exit_code == 0
    before = json.loads((folder / "report.json").read_text())["review"]
    assert before["reviewers"] == 2
    reviewing.judge(Book.open(Run.open(folder)), "cleo", judged(2))
    assert CliRunner().invoke(main, ["report", str(folder)]).exit_code == 0
    after = json.loads((folder / "report.json").read_text())["review"]
    assert (after["reviewers"], after["answered"] > before["answered"]) == (3, True)


def test_a_damaged_review_does_not_stop_the_report(walked: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(walked, tmp_path / "runs" / walked.name))
    (folder / "review" / "items.json").write_text("{")
    out = CliRunner().invoke(main, ["report", str(folder)])
    assert out.exit_code == 0
    assert "the review could not be read anew" in out.stderr


def test_a_review_without_answers_is_no_part_of_the_report(run: Path) -> None:
    for file in ("anna.jsonl", "bela.jsonl"):
        (run / "review" / file).unlink()
    assert CliRunner().invoke(main, ["review", str(run), "--results"]).exit_code == 0
    report = collect(run)
    assert report["review"] is None
    assert "no person has judged its answers yet" in report["answer"]["sentences"][-1]["text"]


# -- the card -----------------------------------------------------------------------------------------------------------


def code_of(folder: Path) -> str:
    (code,) = re.findall(r"```python\n(.*?)```", card(collect(folder)), re.DOTALL)
    return str(code)


def test_the_card_is_one_of_a_model_that_writes(run: Path) -> None:
    text = card(collect(run))
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["pipeline_tag"] == "text-generation"
    assert front["library_name"] == "transformers"
    assert {"text-generation", "conversational", "goodfit"} <= set(front["tags"])
    assert front["model-index"][0]["results"][0]["task"]["type"] == "text-generation"
    for said in (
        "## Intended use", "Answer with two letters.", "## Scores", "chrF", "self-stop rate", "## Bias, risks and limitations", "true was not measured",
        "goodfit chat", "apply_chat_template", "Learned: what is said by assistant",
    ):  # fmt: skip
        assert said in text, said


def test_the_code_of_the_card_writes_an_answer(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(run)
    exec(compile(code_of(run), "card", "exec"), {})  # noqa: S102 - our own card
    assert capsys.readouterr().out.endswith("\n")


@pytest.mark.parametrize(
    ("content", "chat"), [(made.chats(60), True), ([{"text": f"w{i} and w{i + 1} and so on"} for i in range(60)], False)]
)
def test_the_code_of_an_adapters_card_and_of_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: list[dict[str, Any]], chat: bool  # noqa: FBT001
) -> None:  # fmt: skip
    recipe = made.writing(
        tmp_path, content=content, peft={"method": "lora"}, train={"num_train_epochs": 1, "learning_rate": 0.005, "precision": "float32"}
    )
    folder = start(recipe, workspace=tmp_path / "runs").run.path
    report = collect(folder)
    VALIDATOR.validate(json.loads(json.dumps(report, allow_nan=False)))
    code = code_of(folder)
    assert ("apply_chat_template" in code) is report["generation"]["chat"]
    assert "AutoPeftModelForCausalLM" in code
    monkeypatch.chdir(folder)
    exec(compile(code, "card", "exec"), {})  # noqa: S102 - our own card
    if not chat:
        assert report["generation"]["best"] == report["generation"]["worst"] == []
        assert 'id="answers"' not in html(report)
