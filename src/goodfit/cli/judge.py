"""`goodfit judge RUN`: a model answers the items of a review; what it says stands beside people's answers, with how far it agrees."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.review import judges_text
from goodfit.errors import RunError, UserError
from goodfit.improve.judge import Judge, RemoteJudge, Work, judge_all, work_left
from goodfit.improve.judge.local import LocalJudge
from goodfit.improve.review import Book, has_items, reviewer_name, write_results
from goodfit.run import Run

FILE = "review/results.json"
EVERY = 10
"""Items between two lines of progress."""


@click.command(
    "judge",
    help="A model answers the items of RUN's review: on this machine, or at an OpenAI-compatible address. It is compared with the "
    "people who answered; without enough of them, or without agreement, nothing is said of what it prefers.",
)
@click.argument("reference", metavar="RUN")
@click.option("--model", required=True, help="Folder or installed model that judges; with --base-url, its name there.")
@click.option("--base-url", help="OpenAI-compatible address, as in http://127.0.0.1:8000/v1. The texts of the review are sent there.")
@click.option("--key-env", metavar="NAME", help="Environment variable with the address's key.  [default: no key is sent]")
@click.option("--name", help="Its file in review/judges/.  [default: the model's name]")
@click.option("--yes", is_flag=True, help="Send without asking first.")
@workspace_option
@json_option
def judge_verb(reference: str, workspace: Path, as_json: bool, **how: Any) -> None:  # noqa: FBT001
    """Asks the judge whatever the review asks and it was not asked yet."""

    def work() -> Answer:
        run = runs.find(workspace, reference)
        if not has_items(run):
            raise RunError(f"no review of {run.id} has begun: a judge answers what people answer", fix=f"goodfit review {run.id}")
        book, name = Book.open(run), reviewer_name(how["name"] or Path(how["model"]).name)
        left = work_left(book, name)
        judge = _remote(how) if how["base_url"] else _local(how)
        _say_what_it_takes(name, left, how, as_json=as_json)
        outcome = judge_all(book, judge, name, tell=lambda done, of: _tell(name, done, of))
        found = next(entry for entry in write_results(run)["judges"] if entry["name"] == name) if _any(run, name) else None
        document = {
            "judge": found,
            "asked": left.questions,
            "answered": outcome.answered,
            "unread": outcome.unread,
            "files": {"results": FILE},
        }
        lines = [f"{name}: {outcome.answered} items judged" + (f", {outcome.unread} without a whole answer" if outcome.unread else "")]
        if isinstance(judge, RemoteJudge):
            document["tokens"] = judge.tokens
            lines[0] += f"; {judge.tokens['read']:,} tokens read and {judge.tokens['written']:,} written, says the server"
        return Answer(document, "\n".join([*lines, *judges_text([found] if found else []), f"file {run.path / FILE}"]))

    answered("judge", work, as_json=as_json)


def _local(how: dict[str, Any]) -> Judge:
    if how["key_env"]:
        raise UserError("--key-env goes with --base-url", fix="leave it out: a model of this machine takes no key")
    return LocalJudge.load(how["model"])


def _remote(how: dict[str, Any]) -> RemoteJudge:
    key = os.environ.get(how["key_env"] or "")
    if how["key_env"] and not key:
        raise UserError(f"the environment variable {how['key_env']} is not set", fix="set it to the key, or leave --key-env out")
    return RemoteJudge(how["base_url"], how["model"], key=key)


def _say_what_it_takes(name: str, left: Work, how: dict[str, Any], *, as_json: bool) -> None:
    """The number of questions, before the first; an address gets them after a yes only."""
    amount = f"{name}: {left.questions:,} questions about {left.items:,} items, about {left.tokens:,} tokens to read"
    if not how["base_url"] or not left.questions:
        click.echo(amount, err=True)
        return
    amount += f"; prompts and answers of this review are sent to {how['base_url']}"
    click.echo(amount, err=True)
    if how["yes"]:
        return
    if as_json or not sys.stdin.isatty():
        raise UserError(amount, fix="--yes sends them")
    if not click.confirm("send them?", err=True):
        raise UserError("nothing was sent", fix="--model FOLDER without --base-url judges on this machine")


def _tell(name: str, done: int, of: int) -> None:
    if done % EVERY == 0 or done == of:
        click.echo(f"{name}: {done} of {of} items", err=True)


def _any(run: Run, name: str) -> bool:
    return (run.path / "review" / "judges" / f"{name}.jsonl").is_file()


COMMANDS = {"judge": judge_verb}
