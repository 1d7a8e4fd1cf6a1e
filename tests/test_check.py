"""check says what a run would do, and refuses what a run would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit.check import check
from goodfit.errors import DataError, SettingsError
from goodfit.settings import from_text
from tests import tiny
from tests.made import chats, lines, table


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder("bert", tmp_path_factory.mktemp("model") / "m")


def checked(folder: Path, base: Path, rows: list[dict[str, Any]], recipe: str = "") -> dict[str, Any]:
    table(folder / "d.csv", rows)
    text = f"data: {{path: d.csv}}\nchoose: {{model_name_or_path: {base}}}\n{recipe}"
    return check(from_text(text), folder)


def made(n: int, **more: Any) -> list[dict[str, Any]]:
    return [{"text": f"w{i} w{i % 7}", "label": "ab"[i % 2], **{key: value(i) for key, value in more.items()}} for i in range(n)]


def test_splits_are_those_of_a_run(tmp_path: Path, base: Path) -> None:
    facts = checked(tmp_path, base, made(400))
    assert facts["splits"] == {"train": 280, "valid": 60, "test": 60}
    assert facts["labels"] == {"a": 200, "b": 200}
    assert any("60 test rows" in line for line in facts["can_show"])
    assert any("280 training rows" in line and "20 epochs" in line for line in facts["would_run"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"text": f"w{i}", "label": "a"} for i in range(50)], "only one class"),
        ([{"text": f"w{i}", "label": f"l{i}"} for i in range(50)], "different values"),
        ([{"text": "w1", "label": "ab"[i % 2]} for i in range(50)], "must stay together"),
        ([{"text": "w1", "label": "a"}], "usable row"),
    ],
)
def test_what_a_run_refuses_is_refused(tmp_path: Path, base: Path, rows: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(DataError, match=said):
        checked(tmp_path, base, rows)


def test_groups_and_clusters_are_counted_in_the_test_rows(tmp_path: Path, base: Path) -> None:
    rows = made(
        600, customer=lambda i: f"c{i // 10}", region=lambda i: ["north", "south", "west"][0 if i % 10 < 6 else 1 if i % 10 < 9 else 2]
    )
    facts = checked(tmp_path, base, rows, "split: {by: customer}\ngroups: {region: {column: region}}\n")
    lines = "\n".join(facts["can_show"])
    assert "not enough to say anything" in lines  # nine customers
    rows = made(
        4000, customer=lambda i: f"c{i // 10}", region=lambda i: ["north", "south", "west"][0 if i % 10 < 6 else 1 if i % 100 < 99 else 2]
    )
    facts = checked(tmp_path, base, rows, "split: {by: customer}\ngroups: {region: {column: region}}\n")
    lines = "\n".join(facts["can_show"])
    assert "in 60 clusters" in lines
    assert "region = north: 360 test rows" in lines
    assert "region: 1 members have fewer than 20 test rows" in lines


def test_problems_are_said(tmp_path: Path, base: Path) -> None:
    rows = [
        *made(100),
        {"text": "", "label": "a"},
        {"text": "w3 w9", "label": ""},
        *[{"text": f"w{i} w50", "label": "rare"} for i in range(4)],
    ]
    said = "\n".join(checked(tmp_path, base, rows)["problems"])
    assert "2 rows will not be used" in said
    assert "1 class has fewer than 10 rows ('rare')" in said
    assert "training rows are few" in said


@pytest.mark.parametrize(("folds", "enough"), [(2, "1,200"), (5, "900"), (20, "900")])
def test_rows_of_folds_are_worth_less_than_test_rows(tmp_path: Path, base: Path, folds: int, enough: str) -> None:
    found = checked(tmp_path, base, made(120), f"split: {{folds: {folds}}}")["problems"]
    assert f"120 rows give wide intervals; about {enough} would give ±4 points" in found


def test_epochs_are_those_of_the_plan(tmp_path: Path, base: Path) -> None:
    facts = checked(tmp_path, base, made(20))
    assert any("(20 epochs)" in line for line in facts["would_run"])
    assert facts["can_show"] == ["3 independent test rows: not enough to say anything with an interval worth printing"]


# Generation


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.writer(tmp_path_factory.mktemp("writer") / "m")


APART = "split: {near_duplicates: false}"
"""`9 green` and `29 green` are nearly the same, and would stay together."""


def asked(folder: Path, model: Path, rows: list[dict[str, Any]], recipe: str = "", *, task: str = "kind: generation") -> dict[str, Any]:
    lines(folder / "c.jsonl", rows)
    text = f"data: {{path: c.jsonl}}\ntask: {{{task}}}\nchoose: {{model_name_or_path: {model}}}\n{recipe}"
    return check(from_text(text), folder)


def test_conversations_are_tokenised_and_a_step_is_timed(tmp_path: Path, writer: Path) -> None:
    facts = asked(tmp_path, writer, chats(200), APART)
    assert facts["splits"] == {"train": 140, "valid": 30, "test": 30}
    said = "\n".join(facts["would_run"])
    assert "140 training rows were tokenised, the model's own chat template" in said
    assert "140 training examples of about" in said
    assert "3 epochs" in said
    assert "from one step done here" in said
    shown = "\n".join(facts["can_show"])
    assert "the answers to 30 test prompts are written by the model and by base and by few_shot" in shown
    values = {row["key"]: str(row["value"]) for row in facts["settings"]}
    assert values["prepare.max_length"].startswith("auto → ")
    assert values["train.learning_rate"].startswith("auto → 0.0001")


def test_what_prepare_would_find_is_said_with_its_line(tmp_path: Path, writer: Path) -> None:
    rows = chats(120)
    rows[70]["messages"][1]["content"] = "x" * 400
    rows[3]["messages"] = rows[3]["messages"][:1]
    facts = asked(tmp_path, writer, rows, "prepare: {max_length: 64}\nseed: 1")
    said = "\n".join(facts["problems"])
    assert "1 rows will not be used (1 no answer)" in said
    assert "(PRE003)" in said
    assert "c.jsonl:71" in said


def test_a_row_with_a_wrong_role_is_refused_with_its_line(tmp_path: Path, writer: Path) -> None:
    rows = chats(60)
    rows[17]["messages"][1]["role"] = "asistant"
    with pytest.raises(DataError, match="asistant") as caught:
        asked(tmp_path, writer, rows)
    assert caught.value.place.line == 18


def test_a_model_without_a_template_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    bare = tiny.writer(tmp_path / "bare", template=False)
    with pytest.raises(SettingsError, match="no chat template"):
        asked(tmp_path, bare, chats(60))
    assert ", the chat template chatml" in "\n".join(
        asked(tmp_path, bare, chats(60), task="kind: generation, chat_template: chatml")["would_run"]
    )


def test_plain_texts_have_no_answers_and_are_cut_into_pieces(tmp_path: Path, writer: Path) -> None:
    rows = [{"text": f"text {i} " + "word " * 40} for i in range(240)]
    facts = asked(tmp_path, writer, rows, "prepare: {max_length: 100}")
    assert "168 training rows" in facts["would_run"][1]
    assert "504 training examples of about" in facts["would_run"][2]
    assert "plain texts have no answers to score" in "\n".join(facts["can_show"])


def test_a_mix_and_weights_are_part_of_an_epoch(tmp_path: Path, writer: Path) -> None:
    lines(tmp_path / "general.jsonl", [{"prompt": f"p {i}", "completion": "yes"} for i in range(90)])
    facts = asked(tmp_path, writer, chats(200), f"{APART}\nprepare: {{mix: {{path: general.jsonl, share: 0.3}}}}")
    assert "200 training examples of about" in facts["would_run"][2]
    assert "prepare.mix: 90 rows of general.jsonl, about 60 of them in an epoch" in "\n".join(facts["problems"])


def test_keys_of_generation_are_foreseen(tmp_path: Path, writer: Path) -> None:
    with pytest.raises(SettingsError, match="no_such_score"):
        asked(tmp_path, writer, chats(60), "evaluate: {metrics: [no_such_score]}")


def test_a_search_says_what_it_costs_and_what_it_could_show(tmp_path: Path, base: Path) -> None:
    lines = checked(tmp_path, base, made(600), "tune: {trials: 8, budget: 30min}\n")["would_run"]
    assert any("8 trials and up to 12 repeats" in line and "at most 30 min" in line for line in lines), lines
    assert any("45 validation rows: a lead over the default is seen from" in line for line in lines)
    few = checked(tmp_path, base, made(200), "tune: {trials: 8}\n")["would_run"]
    assert any("too few to believe a search" in line for line in few)


def test_every_number_says_where_it_comes_from(tmp_path: Path, base: Path) -> None:
    sources = {row["key"]: row["source"] for row in checked(tmp_path, base, made(300))["settings"]}
    assert "for lack of" in sources["train.warmup_steps"] or "Mosbach" in sources["train.warmup_steps"]
    assert "Zhang" in sources["train.adam_beta2"]
