"""Models that write, judged: whole runs of tiny models, and the parts of it on rows whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from goodfit.errors import DataError, ModelError, SettingsError
from goodfit.files import read_json, read_jsonl, write_json
from goodfit.models.load import load_language
from goodfit.pipeline import conduct, start
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.schemas import Mistake, Parity, Sample, ScoredRows
from goodfit.settings import read
from goodfit.stages.evaluate.brought import brought
from goodfit.stages.evaluate.language_brought import answers_of, retained
from goodfit.stages.evaluate.language_findings import Seen, language_findings
from goodfit.stages.evaluate.language_memory import kept_of, stream_training
from goodfit.stages.evaluate.language_ready import Ready
from goodfit.stages.evaluate.language_rows import Asked, Row, drawn, longest_answer
from goodfit.stages.evaluate.language_scoring import RETAINED, Heard, Kept, LanguageScored, score_language
from goodfit.stages.split import Splits as DividedRows
from goodfit.tasks.baselines.few_shot import typical, with_examples
from goodfit.tasks.baselines.retrieval import Nearest
from goodfit.tasks.foresee import OF_GENERATION, foresee
from goodfit.tasks.generation import Generation
from goodfit.tasks.likelihood import Likelihood, Reader
from goodfit.tasks.writing.said import Said
from tests import made, tiny
from tests.stages.evaluate.make import Splits

UNTRAINED = {"num_train_epochs": 1, "learning_rate": 1e-7, "precision": "float32", "early_stopping": False}


def findings(run: Run, code: str) -> list[Any]:
    return [found for found in run.findings("evaluate") if found.code == code]


def walk(folder: Path, **changes: Any) -> tuple[Run, dict[str, Any]]:
    content = changes.pop("content", made.chats(240))
    outcome = start(made.writing(folder, content=content, **changes), workspace=folder / "runs")
    assert outcome.error is None, outcome.error
    return outcome.run, read_json(outcome.run.path / "evaluate" / "scores.json")


def value(document: dict[str, Any], name: str, system: str = "model") -> float:
    return float(next(s["value"] for s in document["scores"] if s["name"] == name and s["system"] == system))


TESTED = 37
"""Test rows of 240: what is nearly the same ("9 green", "29 green") stays together."""


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any]]:
    """A fine-tune that learns the toy task, with a file of another system's answers beside it."""
    folder = tmp_path_factory.mktemp("learned")
    content = made.chats(240)
    made.lines(
        folder / "other.jsonl",
        [{"text": "user: " + row["messages"][0]["content"], "prediction": row["messages"][1]["content"][:1]} for row in content],
    )
    return walk(folder, content=content, evaluate={"predictions": {"letters": "other.jsonl"}, "gates": {"exact_match": ">= 0.8"}})


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[str, Any]]:
    """An adapter that learned next to nothing: the model writes on and on."""
    return walk(tmp_path_factory.mktemp("untrained"), peft={"method": "lora"}, train=UNTRAINED)


def test_a_model_that_learned_beats_its_base(learned: tuple[Run, dict[str, Any]]) -> None:
    run, document = learned
    ScoredRows.model_validate(document)
    assert list(document["systems"]) == ["model", "base", "few_shot", "letters", "retrieval"]
    assert document["primary"] == "chrf"
    assert document["n"] == document["written"] == TESTED
    answers = {v["question"]: v["answer"] for v in document["verdicts"]}
    assert answers["model vs base on chrf"] == answers["model vs few_shot on token_loss"] == answers["model vs letters on chrf"] == "better"
    assert "model vs retrieval on token_loss" not in answers  # a look-up has no likelihood
    assert value(document, "self_stop_rate") > 0.9 > value(document, "self_stop_rate", "base")
    assert [gate["answer"] for gate in document["gates"]] == ["met"]
    assert document["generation"]["max_new_tokens"] == 16
    assert document["generation"]["do_sample"] is False
    hashes = {name: facts.get("prompts_hash") for name, facts in document["systems"].items()}
    assert hashes["model"] == hashes["base"] != hashes["few_shot"]
    assert [f.status for f in findings(run, "EVA011")] == ["passed"]
    assert [f.status for f in findings(run, "EVA012")] == ["passed"]
    assert [f.reason for f in findings(run, "EVA014")] == ["evaluate.retain names no texts"]


def test_every_code_is_answered_in_every_run(learned: tuple[Run, dict[str, Any]]) -> None:
    assert {found.code for found in learned[0].findings("evaluate")} == {f"EVA{i:03d}" for i in range(1, 19)}


def test_its_files(learned: tuple[Run, dict[str, Any]]) -> None:
    run, document = learned
    folder = run.path / "evaluate"
    table = pq.read_table(folder / "predictions.parquet")
    assert table.schema.names == ["row", "split", "system", "label", "prediction", "logprob", "stopped", "tokens", "learned", "bytes"]
    rows = table.to_pylist()
    assert len(rows) == 5 * TESTED
    assert all(row["logprob"] is None for row in rows if row["system"] in ("retrieval", "letters"))
    mine = [row for row in rows if row["system"] == "model"]
    assert all(row["logprob"] <= 0 for row in mine)
    assert value(document, "exact_match") == pytest.approx(np.mean([row["prediction"] == row["label"] for row in mine]))
    lines = [Sample.model_validate(line) for line in read_jsonl(folder / "samples.jsonl")]
    assert len(lines) == 5 * TESTED
    assert {line.stopped for line in lines if line.system == "retrieval"} == {None}
    assert all(Mistake.model_validate(line) for line in read_jsonl(folder / "mistakes.jsonl"))
    assert Parity.model_validate(read_json(folder / "parity.json")).equal
    assert run.record.test["models_scored"] == 1


def test_the_adapter_switched_off_is_the_base(learned: tuple[Run, dict[str, Any]], untrained: tuple[Run, dict[str, Any]]) -> None:
    """Same rows, same base model: once loaded in the place of the model, once by switching the adapter off."""
    assert value(learned[1], "token_loss", "base") == pytest.approx(value(untrained[1], "token_loss", "base"), rel=1e-5)
    assert learned[1]["rows"] == untrained[1]["rows"]


def test_a_model_that_never_stops(untrained: tuple[Run, dict[str, Any]]) -> None:
    run, document = untrained
    assert value(document, "self_stop_rate") == 0
    (stops,) = findings(run, "EVA012")
    assert (stops.status, stops.severity) == ("open", "error")
    (same,) = findings(run, "EVA002")
    assert (same.status, same.severity) == ("open", "error")
    assert [(f.status, f.severity) for f in findings(run, "EVA015") if "empty" in f.title] == [("open", "warning")]


def test_an_adapter_without_effect(tmp_path: Path) -> None:
    recipe = made.writing(tmp_path, content=made.chats(120), peft={"method": "lora"}, train=UNTRAINED)
    run = start(recipe, workspace=tmp_path / "runs", until="train").run
    weights = run.path / "train" / "model" / "adapter_model.safetensors"
    save_file({name: torch.zeros_like(w) if "lora_B" in name else w for name, w in load_file(weights).items()}, weights)
    assert conduct(read(recipe).recipe, run).exit_code == 1
    (found,) = findings(run, "EVA011")
    assert (found.status, found.severity) == ("open", "error")


def test_another_template_in_the_saved_folder(tmp_path: Path) -> None:
    recipe = made.writing(tmp_path, content=made.chats(120), train=UNTRAINED)
    run = start(recipe, workspace=tmp_path / "runs", until="train").run
    (run.path / "train" / "model" / "chat_template.jinja").write_text("{{ messages[0].content }}", encoding="utf-8")
    conduct(read(recipe).recipe, run)
    (found,) = findings(run, "EVA016")
    assert (found.status, found.severity) == ("open", "error")
    assert read_json(run.path / "evaluate" / "parity.json")["prompts_equal"] == 0


def test_plain_texts_are_read_only(tmp_path: Path) -> None:
    texts = [{"text": f"the {word} number {i} is {word}."} for i, word in enumerate(made.WISHES * 40)]
    _, document = walk(tmp_path, content=texts, evaluate={"on": "valid"})
    assert document["primary"] == "bits_per_byte"
    assert list(document["systems"]) == ["model", "base"]
    assert set(document["left_out"]) == {"few_shot", "retrieval"}
    assert {v["question"]: v["answer"] for v in document["verdicts"]}["model vs base on bits_per_byte"] == "better"
    assert value(document, "bits_per_byte") < value(document, "bits_per_byte", "base")


def test_what_is_wrong_is_said_before_the_test_rows_are_opened(tmp_path: Path) -> None:
    made.lines(tmp_path / "few.jsonl", [{"row": "nobody", "prediction": "x"}])
    recipe = made.writing(tmp_path, content=made.chats(60), train=UNTRAINED, evaluate={"predictions": {"few": "few.jsonl"}})
    outcome = start(recipe, workspace=tmp_path / "runs")
    assert isinstance(outcome.error, DataError)
    assert "rows asked have no answer" in outcome.error.message
    assert not (tmp_path / "runs" / "ledger.jsonl").exists()


def test_a_base_model_with_other_files_is_refused(tmp_path: Path) -> None:
    """Of a fully trained model the base is loaded when the test rows are open already: that it is the same is seen before."""
    recipe = made.writing(tmp_path, content=made.chats(60), train=UNTRAINED)
    run = start(recipe, workspace=tmp_path / "runs", until="train").run
    folder, told = run.path / "train" / "model", read(recipe).recipe
    assert Ready(told, folder, DividedRows.load(run), run).asks_base
    weights = Path(read_json(run.path / "choose" / "candidates.json")["base"]["path"]) / "model.safetensors"
    save_file({name: tensor + 0.1 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    with pytest.raises(ModelError, match="has changed since"):
        Ready(told, folder, DividedRows.load(run), run)


@pytest.mark.parametrize(
    ("section", "word"),
    [
        ({"metrics": ["chrff"]}, "did you mean chrf"),
        ({"gates": {"self_stop": ">= 0.9"}}, "self_stop"),
        ({"regex": "("}, "regular expression"),
        ({"metrics": ["regex_match"]}, "pattern"),
        ({"predictions": {"base": "x.csv"}}, "base"),
        ({"retain": "nowhere.txt"}, "nowhere.txt"),
        ({"predictions": {"other": "nowhere.csv"}}, "nowhere.csv"),
        ({"json_schema": "broken.json"}, "the JSON schema is broken"),
    ],
)
def test_foreseen(section: dict[str, Any], word: str, tmp_path: Path) -> None:
    write_json(tmp_path / "broken.json", {"type": "nonsense"})
    recipe = Recipe.model_validate({"task": {"kind": "generation"}, "data": {"path": "x.jsonl"}, "evaluate": section})
    with pytest.raises((SettingsError, DataError)) as caught:
        foresee(recipe, tmp_path)
    assert word in f"{caught.value.message} {caught.value.fix}"


@pytest.mark.parametrize("pattern", [r"(?<=a+)b", r"\p{L}+"])
def test_patterns_are_foreseen_by_what_scores_them(pattern: str, tmp_path: Path) -> None:
    foresee(Recipe.model_validate({"task": {"kind": "generation"}, "data": {"path": "x.jsonl"}, "evaluate": {"regex": pattern}}), tmp_path)


@pytest.mark.parametrize("key", OF_GENERATION)
def test_a_classifier_has_no_use_for_the_keys_of_generation(key: str) -> None:
    asked = {"rows": 5, "max_new_tokens": 5, "few_shot": 2, "predictions": {"x": "x.csv"}, "retain": "x.txt"}
    asked |= {"regex": "x", "json_schema": "x.json"}
    with pytest.raises(SettingsError, match=f"evaluate.{key} is for generation"):
        foresee(Recipe.model_validate({"data": {"path": "x.csv"}, "evaluate": {key: asked[key]}}))


# --- the parts --------------------------------------------------------------------------------------------------------


def test_likelihood_is_that_of_plain_transformers(tmp_path: Path) -> None:
    loaded = load_language(tiny.writer(tmp_path))
    task = Generation()
    told = {"prompt": "one two", "completion": " three"}
    marked = task.encode(told, loaded.tokenizer)
    with torch.no_grad():
        logits = loaded.model(torch.tensor([marked.ids])).logits[0].log_softmax(-1)
    wanted = -sum(float(logits[i - 1, token]) for i, token in enumerate(marked.ids) if marked.learned[i])
    found = Reader(loaded.model, loaded.tokenizer, task, 256).read([told, {"prompt": "a", "completion": ""}, told])
    assert found.losses[0] == pytest.approx(wanted, rel=1e-5) == found.losses[2]
    assert found.tokens[0] == sum(marked.learned)
    assert found.bytes[0] == len(" three")


def test_a_text_longer_than_the_context_is_read_in_pieces(tmp_path: Path) -> None:
    loaded = load_language(tiny.writer(tmp_path))
    text = "abcdefgh" * 40
    found = Reader(loaded.model, loaded.tokenizer, Generation(), 64).read([{"text": text}])
    assert found.tokens[0] == len(text)  # all but the first byte, and the end token
    assert not found.cut[0]


def test_nearest() -> None:
    train = ["red apple pie", "blue sea water", "green hill grass"]
    found = Nearest(["a red apple", "water of the sea"], train).see(train[:1], ["1"]).see(train[1:], ["2", "3"])
    assert found.answers() == ["1", "2"]


def test_examples_stand_before_the_question_and_are_not_learned() -> None:
    rows = [{"prompt": f"q{i}", "completion": "a" * i} for i in range(40)]
    chosen = typical(rows, [len(row["completion"]) for row in rows], 3, seed=1)
    assert len(chosen) == 3
    assert all(8 <= len(row["completion"]) <= 31 for row in chosen)
    assert chosen == typical(rows, [len(row["completion"]) for row in rows], 3, seed=1)
    told = {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "x"}]}
    turns = with_examples(told, chosen, chat=True)["messages"]
    assert [turn["role"] for turn in turns] == ["system", *["user", "assistant"] * 4]
    assert [turn.get("train") for turn in turns] == [None, *[False] * 6, None, None]
    assert with_examples(rows[1], [{"prompt": "q: ", "completion": "a"}], chat=False)["prompt"] == "q: a\n\nq1"


def test_few_rows_are_asked_of_many() -> None:
    places = drawn(100_000, 300, seed=3)
    assert len(places) == 300
    assert (np.diff(places) > 0).all()
    assert (places == drawn(100_000, 300, seed=3)).all()


def test_longest_answer_follows_the_quantile() -> None:
    def rows(n: int) -> list[Row]:
        return [Row("r", "t", "x" * n, {}) for _ in range(20)]

    assert longest_answer(rows(99), tiny.byte_tokenizer()) == 125
    assert longest_answer(rows(1), tiny.byte_tokenizer()) == 16
    assert longest_answer(rows(900), tiny.byte_tokenizer()) == 512


def asked(n: int, answers: list[str]) -> Asked:
    return Asked([Row(f"r{i}", f"question {i}", answers[i], {}) for i in range(n)], np.arange(n), None)


def judged(predictions: list[str], references: list[str], copied: list[int] | None = None) -> LanguageScored:
    n = len(references)
    losses = {"losses": np.linspace(1, 2, n), "learned_tokens": np.full(n, 3), "bytes": np.full(n, 9)}
    wrote = Said(
        references=references, predictions=predictions, stopped=np.ones(n, bool), copied_words=None if copied is None else np.array(copied)
    )
    own = Said(references=references, predictions=references, copied_words=np.zeros(n, np.int64))
    recipe = Recipe.model_validate({"task": {"kind": "generation"}, "data": {"path": "x"}})
    return score_language("test", {"model": Heard(wrote, Said(**losses))}, Heard(own), recipe.evaluate, None, selected=False)  # type: ignore[arg-type]


def told(scored: LanguageScored, code: str, kept: Kept | None = None) -> Any:
    seen = Seen(0, 40, 0, None, kept or Kept(why_not="none"), None, 16)
    return next(found for found in language_findings(scored, seen) if found.code == code)


def test_a_model_that_recites_its_training_rows() -> None:
    lines = [" ".join(f"word{i}x{j}" for j in range(12)) for i in range(40)]
    references = [f"a new answer {i}" for i in range(40)]
    splits = Splits({"train": {"text": [f"q{i}" for i in range(40)], "label": lines}})
    _, copied = stream_training(splits, asked(40, references), [], {"model": lines, "": references}, nearest=False)
    assert copied["model"].tolist() == [12] * 40
    assert copied[""].tolist() == [0] * 40
    shown = {"model": "\n".join(lines[:30])}
    _, copied = stream_training(splits, asked(40, references), [], {"model": lines}, nearest=False, shown=shown)
    assert copied["model"].tolist() == [0] * 30 + [12] * 10
    found = told(judged(lines, references, copied["model"].tolist()), "EVA013")
    assert (found.status, found.severity) == ("open", "warning")
    assert told(judged(references, references, [0] * 40), "EVA013").status == "passed"


def test_forgetting_follows_the_interval() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(100, 5, 60)

    def read(losses: np.ndarray) -> dict[str, Likelihood]:
        return {RETAINED: Likelihood(losses, np.full(60, 20), np.full(60, 80), np.zeros(60, bool))}

    fine = [f"answer {i}" for i in range(40)]
    for times, wanted in ((1.10, ("open", "warning")), (1.03, ("open", "note")), (1.0, ("passed", "note")), (0.8, ("passed", "note"))):
        kept = kept_of(read(before), read(before * times + rng.normal(0, 0.1, 60)), 60)
        found = told(judged(fine, fine, [0] * 40), "EVA014", kept)
        assert (found.status, found.severity) == wanted, times
    assert kept.to_json()[RETAINED]["verdict"]["answer"] == "better"


def test_loops_are_seen() -> None:
    fine = [f"answer number {i}" for i in range(40)]
    found = told(judged(["round and " * 10] * 40, fine, [0] * 40), "EVA015")
    assert (found.status, found.severity) == ("open", "warning")
    assert told(judged(fine, fine, [0] * 40), "EVA015").status == "passed"


def test_files_of_answers(tmp_path: Path) -> None:
    rows = asked(3, ["a", "b", "c"])
    ids = [row.row for row in rows.rows]
    made.table(tmp_path / "by_row.csv", [{"row": f"r{i}", "prediction": f"p{i}"} for i in range(9)])
    assert answers_of(brought("x", "by_row.csv", tmp_path, (), ids), rows) == {0: "p0", 1: "p1", 2: "p2"}
    made.lines(tmp_path / "by_input.jsonl", [{"prompt": "question 1", "prediction": "p"}])
    assert answers_of(brought("x", "by_input.jsonl", tmp_path, ("prompt",), ids), rows) == {1: "p"}
    for content in ({"row": "r0", "answer": "x"}, {"other": "r0", "prediction": "x"}):
        made.lines(tmp_path / "bad.jsonl", [content])
        with pytest.raises(DataError):
            brought("x", "bad.jsonl", tmp_path, ("prompt",), ids)


def test_an_earlier_run_is_a_system_too(learned: tuple[Run, dict[str, Any]], tmp_path: Path) -> None:
    run, _ = learned
    table = pq.read_table(run.path / "evaluate" / "predictions.parquet").to_pylist()
    wrote = {line["row"]: line["prediction"] for line in table if line["system"] == "model" and line["prediction"] is not None}
    assert {line["system"] for line in table} > {"model", "base"}
    ids = list(wrote)
    rows = Asked([Row(row, "question", "reference", {}) for row in ids], np.arange(len(ids)), None)
    for path in (str(run.path), str(run.path / "evaluate" / "predictions.parquet")):
        assert list(answers_of(brought("earlier", path, tmp_path, (), ids), rows).values()) == list(wrote.values())
    with pytest.raises(DataError, match=r"1 of the .* rows asked have no answer in it \(zz\)") as error:
        brought("earlier", str(run.path), tmp_path, (), [*ids, "zz"])
    assert "evaluate.rows" in error.value.fix
    unfinished = Run.create(tmp_path, name="x", recipe_text="name: x\n", base=tmp_path, recipe_hash="b2:0")
    with pytest.raises(DataError, match="has no evaluate/predictions.parquet"):
        brought("earlier", str(unfinished.path), tmp_path, (), ids)


def test_a_later_run_is_compared_with_an_earlier_one(learned: tuple[Run, dict[str, Any]], tmp_path: Path) -> None:
    run, before = learned
    _, document = walk(tmp_path, train=UNTRAINED, evaluate={"predictions": {"earlier": str(run.path)}, "baselines": ["base"]})
    assert value(document, "exact_match", "earlier") == value(before, "exact_match")
    assert value(document, "exact_match") < value(document, "exact_match", "earlier")
    assert any("model vs earlier" in verdict["question"] and verdict["answer"] == "worse" for verdict in document["verdicts"])


def test_a_file_of_answers_is_read_to_its_end_before_the_rows_are(tmp_path: Path) -> None:
    """Also one that is matched by the input, whose rows are not known yet, and whose broken line lies far beyond the first chunk."""
    lines = [json.dumps({"prompt": f"question {i}", "prediction": "p"}) for i in range(60_000)]
    (tmp_path / "late.jsonl").write_text("\n".join([*lines, '{"prompt": "broken']), encoding="utf-8")
    with pytest.raises(DataError, match="line is not JSON"):
        brought("x", "late.jsonl", tmp_path, ("prompt",), [])


def test_retained_texts(tmp_path: Path) -> None:
    block = "A block of text that is long enough to count, number {}.\nIt has two lines."
    (tmp_path / "a.txt").write_text("\n\n".join(block.format(i) for i in range(400)) + "\n\nshort\n", encoding="utf-8")
    write_json(tmp_path / "b.json", [{"text": "Another text that is long enough to be read as one."}])
    texts = retained(["a.txt", "b.json"], tmp_path, seed=1)
    assert len(texts) == 300
    assert all("\nIt has" in text or text.startswith("Another") for text in texts)
    assert retained([], tmp_path, seed=1) == []
    (tmp_path / "c.txt").write_text("no\n\nyes\n", encoding="utf-8")
    with pytest.raises(DataError):
        retained(["c.txt"], tmp_path, seed=1)


def test_a_row_that_no_template_takes_has_no_likelihood(tmp_path: Path) -> None:
    """Such a row has no learned token, and no score is made of it."""
    read_rows = Reader(load_language(tiny.writer(tmp_path)).model, tiny.byte_tokenizer(), Generation(), 64)
    found = read_rows.read([{"messages": [{"role": "user", "content": "no template"}, {"role": "assistant", "content": "x"}]}])
    assert not found.known[0]
