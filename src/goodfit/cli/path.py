"""The verbs of the path: `run` walks it all, a stage's verb walks as far as that stage. TARGET is a recipe, a run or a data file."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from goodfit.cli.assess import plan_of
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.result import run_answer
from goodfit.cli.target import Begun, begin
from goodfit.cli.tokens import token_lines, token_rows
from goodfit.errors import GoodfitError, Interrupted, UserError
from goodfit.improve.review import has_items, write_results
from goodfit.monitor.screen import screen_for
from goodfit.pipeline import Outcome, answer, conduct
from goodfit.run import Run
from goodfit.stages.report import write_report

FRESH = "split.fresh_test=true"


def walk(command: str, target: str, overrides: tuple[str, ...], flags: dict[str, Any]) -> Answer:
    """Begins or resumes the run that TARGET leads to, and walks the path (as far as the verb's stage)."""
    started = time.monotonic()
    until = None if command == "run" else command
    begun = begin(target, overrides, workspace=flags["workspace"], new=flags.get("new", False), until=until)
    if command == "report" and begun.named:
        return _page_again(begun)
    with screen_for(quiet=flags["quiet"]) as screen:
        if begun.finished:
            return _nothing_to_do(begun, until, screen)
        if screen is not None:
            begun.run.screen = screen
            screen.say(f"{'resuming' if begun.resumed else 'run'} {begun.run.id}")
        with termination():
            outcome = conduct(begun.recipe, begun.run, until=until)
    return run_answer(outcome, resumed=begun.resumed, seconds=time.monotonic() - started)


def _page_again(begun: Begun) -> Answer:
    """`goodfit report RUN`: the page, its JSON and the card of whatever stands in the run's folder; nothing is trained for it."""
    if has_items(begun.run):
        try:
            write_results(begun.run)
        except GoodfitError as error:
            click.echo(f"the review could not be read anew: {error.message}", err=True)
    write_report(begun.run.path)
    return run_answer(Outcome(begun.run, begun.run.record.status, answer(begun.recipe, begun.run)), resumed=True, seconds=0.0)


def _nothing_to_do(begun: Begun, until: str | None, screen: Any) -> Answer:
    if screen is not None:
        what = f"{until} of {begun.run.id}" if until else begun.run.id
        screen.say(f"{what} is done, with an equal recipe and equal data: nothing to do (--new makes a fresh run)")
    code = answer(begun.recipe, begun.run)
    return run_answer(Outcome(begun.run, begun.run.record.status, code), resumed=True, seconds=0.0)


@contextlib.contextmanager
def termination() -> Iterator[None]:
    """SIGTERM ends the walk like Ctrl-C does, with its own exit code; the engine takes over while it trains."""

    def stop(number: int, frame: object) -> None:
        raise Interrupted("asked to stop by the system", exit_code=143)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _verb(name: str, doc: str) -> click.Command:
    @click.command(name, help=doc)
    @click.argument("target")
    @click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]…")
    @workspace_option
    @click.option("--new", is_flag=True, help="A fresh run, even where an equal one exists.")
    @click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
    @json_option
    def command(  # noqa: PLR0913 - one argument an option
        target: str,
        overrides: tuple[str, ...],
        workspace: Path,
        new: bool,
        quiet: bool,
        as_json: bool,
        show: int = 0,  # noqa: FBT001
        against: tuple[str, ...] = (),
        fresh_test: bool = False,  # noqa: FBT001
        plan: bool = False,  # noqa: FBT001
    ) -> None:
        flags = {"workspace": workspace, "new": new, "quiet": quiet}

        def work() -> Answer:
            if plan:
                return plan_of(target, overrides, flags)
            more = (*_others(against), *([FRESH] if fresh_test else []))
            return _with_rows(walk(name, target, (*overrides, *more), flags), show)

        answered(name, work, as_json=as_json)

    return command


def _others(against: tuple[str, ...]) -> Iterator[str]:
    """`--against predictions.csv`, or `name=predictions.csv`, as an override of the recipe."""
    for word in against:
        name, named, path = word.rpartition("=")
        where = Path(path).expanduser()
        if not where.exists():
            raise UserError(f"--against: there is no {path}", fix="give a file of predictions, a run, or the folder of a model")
        called = name if named else re.sub(r"\W+", "_", where.stem if where.is_file() else where.name).strip("_") or "other"
        if not called or '"' in called:
            raise UserError(f"--against: {word!r} names no system", fix="write name=predictions.csv")
        yield f'evaluate.predictions."{called}"={where.resolve()}'


def _with_rows(answer: Answer, show: int) -> Answer:
    """`prepare --show N`: the first N training rows with what is learned of them."""
    if not show or "run" not in answer.document:
        return answer
    seen = token_rows(Run.open(Path(answer.document["run"]["path"])), n=show)
    return dataclasses.replace(
        answer, document=answer.document | {"rows": [one.to_json() for one in seen]}, text="\n".join([answer.text, *token_lines(seen)])
    )


_DOCS = {
    "run": "Walk the whole path for TARGET: split, audit, choose, prepare, tune, train, evaluate, assess, report.\n\nTARGET is a recipe "
    "(resumed where its newest run is unfinished and equal), a run, or a data file. KEY=VALUE overrides the recipe, for example "
    "train.learning_rate=3e-5.",
    "split": "Divide the rows of TARGET into train, validation and test, without leaks.",
    "choose": "Choose the pre-trained model for TARGET.",
    "prepare": "Turn the rows of TARGET into tokens, and count what is cut.",
    "tune": "Settle the learning rate, batch size and epochs for TARGET.",
    "train": "Fine-tune for TARGET, watched on train and validation.",
    "evaluate": "Score the model of TARGET, beside the baselines, on the rows that the recipe names.",
    "assess": "For whom does the model of TARGET work worse: gaps between groups, with an answer to each question of the plan.\n\n"
    "Groups are named in the recipe (groups, assess). With --plan the plan is written and shown, and nothing is trained.",
    "report": "Write report.html, report.json and the model card of TARGET.",
}

_SHOW = click.option("--show", type=click.IntRange(min=0), default=0, help="Print the first N rows, token by token.")
_AGAINST = click.option(
    "--against", multiple=True, metavar="[NAME=]FILE",
    help="Another system for the same rows: a file of its predictions (row or the input columns, prediction, p_LABEL), an earlier run, or "
    "the folder of a trained classifier; may be given again. Of a run that is done, a child run scores the same model beside it.",
)  # fmt: skip
COMMANDS = {name: _verb(name, _DOCS[name]) for name in _DOCS}
"""`audit` has a file of its own."""
COMMANDS["prepare"] = _SHOW(COMMANDS["prepare"])
COMMANDS["split"] = click.option(
    "--fresh-test", is_flag=True,
    help="Take the test rows from rows that the parent run did not have, and release its own into training (split.fresh_test).",
)(COMMANDS["split"])  # fmt: skip
COMMANDS["evaluate"] = _AGAINST(COMMANDS["evaluate"])
COMMANDS["assess"] = click.option("--plan", is_flag=True, help="Write and show assess/plan.json; train nothing, open nothing.")(
    COMMANDS["assess"]
)
