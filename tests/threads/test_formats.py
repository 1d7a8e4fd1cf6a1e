"""Group 1.1, confusing data formats: what users of other tools could not make out, through `goodfit prepare`.

LF = hiyouga/LLaMA-Factory, AT = huggingface/autotrain-advanced. The same at the level of rows: tests/data/conversations/test_threads.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from goodfit.files import read_jsonl
from tests import made
from tests.threads.making import SHORT, Answered, answer, ask, assistant, chat, others, system, user, with_bad

SHAREGPT = [{"conversations": [{"from": "human", "value": f"{i}?"}, {"from": "gpt", "value": f"{i}!"}]} for i in range(40)]


def read_as(out: Answered) -> str:
    assert out.code == 0, out.document["error"]
    out.counted()
    found = out.open("SPL008")
    return f"{found['title']} {found['detail']}"


def as_text(folder: Path, name: str, text: str, **changes: Any) -> Answered:
    """A file of that text in the place of the chats."""
    made.writing(folder, data={"path": name}, train=SHORT, **changes)
    (folder / name).write_text(text, encoding="utf-8")
    return ask(folder)


def test_lf_2995_too_few_rows_and_a_wrong_format_are_two_errors(tmp_path: Path) -> None:
    """`dataset format error`, for a wrong format as for too few rows; the user asked how many were needed."""
    few = answer(tmp_path / "few", content=made.chats(3))
    assert few.code == 2
    assert "3 usable rows; at least 10 are needed" in few.said
    wrong = answer(tmp_path / "wrong", content=[{"instruktion": f"{i}", "autput": "x"} for i in range(40)])
    assert wrong.code == 2
    assert "no column is clearly of conversations" in wrong.said
    assert "'instruktion', 'autput'" in wrong.said


def test_lf_7577_sharegpt_needs_no_key_and_a_wrong_one_is_no_silence(tmp_path: Path) -> None:
    """`"format": "sharegpt"` was ignored, alpaca assumed, and KeyError: 'instruction' was all that the user saw."""
    assert "read as sharegpt (conversations: from/value)" in read_as(answer(tmp_path / "found", content=SHAREGPT))
    wrong = answer(tmp_path / "named", content=SHAREGPT, data={"path": "chats.jsonl", "format": "sharegpt"})
    assert wrong.code == 2
    assert "'sharegpt'" in wrong.said
    assert "without `format`" in wrong.said
    unknown = answer(tmp_path / "unknown", content=SHAREGPT, data={"path": "chats.jsonl", "formatting": "sharegpt"})
    assert unknown.code == 2
    assert "data.formatting" in unknown.said
    assert "data.format" in unknown.error["fix"]


def test_lf_3665_a_field_that_changes_its_type_is_named_with_row_and_types(tmp_path: Path) -> None:
    """The preview was fine, the training failed with ArrowInvalid."""
    out = answer(tmp_path, content=with_bad(chat(user("6 x 7?"), assistant(42))))
    assert (out.code, out.error["line"], out.error["key"]) == (2, 61, "messages[1].content")
    assert "an integer (42), while it is text since line 1" in out.said


def test_lf_4034_a_local_copy_of_a_hub_data_set_works_by_its_path(tmp_path: Path) -> None:
    """`File extension must be txt, csv, json or jsonl`, for a folder that had been downloaded."""
    folder = tmp_path / "p" / "copy" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "README.md").write_text("---\nlicense: mit\n---\n# A data set\n")
    (folder.parent / ".gitattributes").write_text("*.parquet filter=lfs diff=lfs merge=lfs -text\n")
    rows = pa.Table.from_pylist([{"messages": row["messages"]} for row in made.chats(40)])
    pq.write_table(rows, folder / "train-00000-of-00001.parquet")
    out = answer(tmp_path / "p", data={"path": "copy"})
    assert "read as messages (messages: role/content)" in read_as(out)
    assert out.json("split/manifest.json")["read"] == 40


def test_lf_8947_openai_messages_are_read(tmp_path: Path) -> None:
    """Refused, although written as documented."""
    rows = [
        chat(system("你是一个专业的客服。"), user(f"{i} 请问那什么。"), assistant("<think>用户…</think>嗯，挺好的。")) for i in range(40)
    ]
    assert "read as messages (messages: role/content)" in read_as(answer(tmp_path, content=rows))


INVALID: dict[str, tuple[Any, str]] = {
    "no role": ({"messages": [{"content": "x"}]}, "has no 'role'"),
    "no content": ({"messages": [{"role": "user"}]}, "has no 'content'"),
    "misspelt key": ({"messages": [{"role": "user", "contents": "x"}]}, "did you mean 'content'"),
    "unknown role": (chat({"role": "asistant", "content": "x"}), "did you mean 'assistant'"),
    "a number": (chat(user("a"), assistant(3)), "messages[1].content"),
    "a turn that is text": ({"messages": ["Hi"]}, "is text ('Hi'), not an object"),
    "turns that are an object": ({"messages": {"role": "user", "content": "x"}}, "while it is list since line 1"),
    "turns that are text": ({"messages": "Hi"}, "while it is list since line 1"),
    "a picture": (chat(user([{"type": "image_url", "image_url": "x.png"}]), assistant("x")), "images, sound and files are not supported"),
    "a tool that nobody called": (chat(user("a"), {"role": "tool", "content": "3"}, assistant("x")), "is the result of a tool"),
    "a call by the user": (chat({"role": "user", "content": "", "tool_calls": [{"name": "f"}]}, assistant("x")), "only an assistant turn"),
    "a weight of 0.5": (chat(user("a"), assistant("x", weight=0.5)), "true or false"),
    "another format": ({"prompt": "a", "completion": "b"}, "two formats in one file"),
    "keys of ShareGPT": ({"messages": [{"from": "human", "value": "x"}]}, "mixed formats"),
}


@pytest.mark.parametrize("name", INVALID)
def test_openai_cookbook_20_and_1549_what_invalidates_a_file_is_said_on_this_machine(name: str, tmp_path: Path) -> None:
    """An upload's status was `failed`, without a reason; the other thread asks for a list of all that invalidates a file."""
    row, words = INVALID[name]
    out = answer(tmp_path, content=with_bad(row))
    assert (out.code, out.error["file"], out.error["line"]) == (2, "chats.jsonl", 61)
    assert words in out.said


def test_every_reason_has_words_of_its_own(tmp_path: Path) -> None:
    """No two of these causes are told apart by their line alone."""
    said = {answer(tmp_path / str(place), content=with_bad(row)).error["message"] for place, (row, _) in enumerate(INVALID.values())}
    assert len(said) == len(INVALID)


def test_openai_python_606_rows_whose_loss_is_abnormal(tmp_path: Path) -> None:
    """Which rows went wrong, the user asked, and was told a loss per step."""
    made.writing(tmp_path, data={"train": "chats.jsonl", "valid": "valid.jsonl"}, train=SHORT, evaluate={"on": "valid", "baselines": []})
    made.lines(tmp_path / "valid.jsonl", [*others(20), chat(user("7 odd"), assistant("QXJZ ÄÖ"))])
    out = ask(tmp_path, "run")
    assert out.document["error"] is None
    worst = read_jsonl(out.run / "evaluate" / "mistakes.jsonl")
    assert "user: 7 odd" in [line["text"] for line in worst[:3]]
    assert all(line["row"] and line["loss"] > 0 for line in worst)


def test_at_840_prompt_and_answer_columns_as_they_are(tmp_path: Path) -> None:
    """The page mapped one column `text`; an unquoted comma was `expected 2 fields, saw 3`."""
    good = "prompt,answer\n" + "".join(f'"{i}, please?","no, {i}"\n' for i in range(40))
    assert "read as prompt_completion (prompt, answer)" in read_as(as_text(tmp_path / "good", "qa.csv", good))
    broken = as_text(tmp_path / "broken", "qa.csv", "prompt,answer\nHow?,So\nRed, green?,Blue\n")
    assert (broken.code, broken.error["line"]) == (2, 3)
    assert "3 fields" in broken.said


def test_at_908_a_column_that_is_not_there(tmp_path: Path) -> None:
    """KeyError: 'messages'."""
    out = answer(
        tmp_path, content=[{"message": row["messages"]} for row in made.chats(40)], task={"kind": "generation", "messages": "messages"}
    )
    assert out.code == 2
    assert "column 'messages' not found; the file has: 'message'" in out.said
    assert "did you mean 'message'" in out.said


def test_at_828_a_text_column_that_is_not_there(tmp_path: Path) -> None:
    """KeyError: 'text'."""
    rows = [{"title": f"t{i}", "body": "x"} for i in range(40)]
    out = answer(tmp_path, content=rows, task={"kind": "generation", "text": "text"})
    assert out.code == 2
    assert "column 'text' not found; the file has: 'title', 'body'" in out.said


def test_lf_5788_rows_read_are_rows_used_and_rows_dropped_by_reason(tmp_path: Path) -> None:
    """2,143 rows, of which 1,000 were used without a word."""
    rows = [chat(user(f"{i}"), assistant("" if i % 3 == 0 else "yes")) for i in range(2143)]
    out = answer(tmp_path, content=rows)
    assert (out.code, out.document["status"]) == (1, "stopped"), "a third of the rows: that is no detail"
    out.counted()
    split = out.json("split/manifest.json")
    assert (split["read"], split["used"], split["dropped"]) == (2143, 1428, {"empty_answer": 715})
    assert "715 of 2,143 rows are not used: 715 empty answer" in out.open("SPL003")["title"]


FORMS: dict[str, tuple[Any, str]] = {
    "alpaca": ([{"instruction": f"Say {i}", "input": "", "output": f"It is {i}."} for i in range(40)], "alpaca"),
    "sharegpt": (SHAREGPT, "sharegpt"),
    "messages": (made.chats(40), "messages"),
    "prompt_completion": ([{"prompt": f"{i}?", "completion": f"It is {i}."} for i in range(40)], "prompt_completion"),
    "text": ([{"text": f"A text of the domain, {i}."} for i in range(40)], "text"),
    "messages as JSON in a cell": ([{"messages": json.dumps(row["messages"])} for row in made.chats(40)], "messages"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_usual_forms_need_no_registration(name: str, tmp_path: Path) -> None:
    """What several of the threads asked for: the file as it is."""
    content, kind = FORMS[name]
    assert f"read as {kind} (" in read_as(answer(tmp_path, content=content))
    assert ask(tmp_path, "init", "chats.jsonl", "--out", "found.yaml").code == 0
    assert "kind: generation" in (tmp_path / "found.yaml").read_text(encoding="utf-8")


def test_preferences_are_refused_with_what_to_do(tmp_path: Path) -> None:
    """Preference pairs are no answers to learn (DPO, ORPO and KTO are not built)."""
    pairs = [{"prompt": f"{i}", "chosen": "a", "rejected": "b"} for i in range(40)]
    out = answer(tmp_path / "dpo", content=pairs)
    assert out.code == 2
    assert "preference pairs" in out.said
    assert "completion: chosen" in out.error["fix"]
    judged = [{"prompt": f"{i}", "completion": "a", "label": bool(i % 2)} for i in range(40)]
    assert "marked as good or bad in the column 'label' (KTO)" in answer(tmp_path / "kto", content=judged).said
