"""The command line itself: verbs, mistakes, the envelope, and that a bug of ours never shows a traceback."""

from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from goodfit.cli import VERBS, main
from goodfit.cli.envelope import Answer, answered
from goodfit.errors import DataError, Place


def test_help_lists_every_verb_in_the_order_of_a_life() -> None:
    out = CliRunner().invoke(main, ["--help"]).output
    positions = [out.index(f"\n  {verb} ") for verb in VERBS]
    assert positions == sorted(positions)


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help(verb: str) -> None:
    out = CliRunner().invoke(main, [verb, "--help"])
    assert out.exit_code == 0
    assert ("--json" in out.output) == (verb != "chat")  # a talk does not end by itself


def test_a_mistyped_verb_is_answered_with_the_nearest() -> None:
    out = CliRunner().invoke(main, ["trian", "x"])
    assert out.exit_code == 2
    assert "Did you mean 'train'?" in out.output


def wrap(work: object, *, as_json: bool) -> click.testing.Result:
    @click.command()
    def verb() -> None:
        answered("audit", work, as_json=as_json)  # type: ignore[arg-type]

    return CliRunner().invoke(verb)


def fail(error: BaseException) -> object:
    def work() -> Answer:
        raise error

    return work


def test_an_error_is_one_sentence_with_its_place_and_its_fix() -> None:
    error = DataError("the field 'a' has two types", place=Place(file="t.csv", line=12, key="a"), fix="make it one")
    out = wrap(fail(error), as_json=False)
    assert out.exit_code == 2
    assert out.stdout == ""
    assert out.stderr == "goodfit audit: t.csv:12: the field 'a' has two types\n  fix: make it one\n"
    document = json.loads(wrap(fail(error), as_json=True).stdout)
    assert document["error"] == {"code": "DataError", "message": "t.csv:12: the field 'a' has two types", "file": "t.csv", "line": 12, "row": None, "key": "a", "fix": "make it one"}  # fmt: skip
    assert (document["schema"], document["status"], document["exit_code"]) == ("goodfit/result/1", "failed", 2)


def test_control_characters_of_data_do_not_reach_the_terminal() -> None:
    out = wrap(fail(DataError("label '\x1b[31mred\u202e'")), as_json=False)
    assert "\x1b" not in out.stderr
    assert "\u202e" not in out.stderr


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("boom"), 3), (MemoryError(), 4), (KeyboardInterrupt(), 130), (PermissionError(13, "no", "f"), 2)]
)
def test_whatever_happens_there_is_a_sentence_and_a_code(error: BaseException, code: int) -> None:
    out = wrap(fail(error), as_json=True)
    document = json.loads(out.stdout)
    assert (out.exit_code, document["exit_code"]) == (code, code)
    assert "Traceback" not in out.stdout + out.stderr


def test_a_long_cell_does_not_cut_the_names_before_it() -> None:
    from goodfit.cli.look import WIDEST, table

    text = table(["key", "value", "from"], [["tune.space." + "a" * 30, "x" * 300, "default"], ["seed", "42", "recipe.yaml:1"]])
    head, first, second = text.splitlines()
    assert first.startswith("tune.space." + "a" * 30)
    assert first.endswith("default")
    assert "x" * (WIDEST - 1) in first
    assert "x" * (WIDEST + 1) not in first
    assert head.index("from") == second.index("recipe.yaml:1")
