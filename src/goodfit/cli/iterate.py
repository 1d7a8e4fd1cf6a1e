"""The verb iterate: what to try next after RUN, with the evidence, the gain to expect and the cost; one of them, or a loop, carried out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.result import SIGNS
from goodfit.errors import UserError
from goodfit.improve.iterate import Loop, Proposal, Step, auto, carry_out, propose, write_proposals
from goodfit.monitor.screen import screen_for
from goodfit.monitor.words import duration, visible
from goodfit.recipe.tune import seconds_of
from goodfit.run import Run


@click.command("iterate")
@click.argument("reference", metavar="RUN")
@click.option("--apply", "place", type=click.IntRange(min=1), help="Carry out proposal number K: a child run.")
@click.option("--auto", "loop", is_flag=True, help="Carry out proposals one after the other while they help, within --budget.")
@click.option("--budget", default="1h", show_default=True, help="Time for --auto: 30min, 2h.")
@click.option("--pool", multiple=True, type=click.Path(path_type=Path), help="Unlabelled texts from which rows to label are chosen.")
@workspace_option
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@json_option
def iterate_command(  # noqa: PLR0913 - one argument an option
    reference: str, place: int | None, loop: bool, budget: str, pool: tuple[Path, ...], workspace: Path, quiet: bool, as_json: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """What to try next after RUN: up to five proposals, each a change of the recipe or a request for data.

    Only validation rows are looked at. --apply K makes a child run; --auto goes on by itself, and accepts a step only on the half of the
    validation rows that did not lead to it. The test rows stay sealed: goodfit confirm opens them for the run that you keep.
    """

    def work() -> Answer:
        run = runs.find(workspace, reference)
        if place is not None and loop:
            raise UserError("--apply and --auto are two things", fix="give one of them")
        if loop:
            return _loop(run, _seconds(budget), quiet=quiet)
        found = propose(run)
        write_proposals(run, found, pool=tuple(str(path.resolve()) for path in pool))
        return _one(run, found, place, quiet=quiet) if place is not None else _proposals(run, found)

    answered("iterate", work, as_json=as_json)


def _seconds(budget: str) -> float:
    """`90s`, `30min`, `1h`. UserError for anything else, a number without its unit included."""
    wrong = UserError(f"--budget: {budget!r} is no time", fix="--budget 30min, or 2h")
    if not budget.strip()[-1:].isalpha():
        raise wrong
    try:
        return seconds_of(budget)
    except ValueError:
        raise wrong from None


def _proposals(run: Run, found: list[Proposal]) -> Answer:
    lines = [line for one in found for line in lines_of(one)]
    if found:
        ours = next((one for one in found if one.kind == "recipe"), None)
        lines.append(f"goodfit iterate {run.id} --apply {ours.place}" if ours else "only data could help from here")
    else:
        lines = ["nothing to propose: no finding of this run has a step that would be likely to raise the score"]
    return Answer({"run": {"id": run.id}, "proposals": [one.to_json() for one in found]}, "\n".join(lines))


def lines_of(one: Proposal) -> list[str]:
    """A proposal as a person reads it."""
    gain, scale = one.gain, 100 if one.gain.unit == "share" else 1
    ends = "" if gain.low is None or gain.high is None else f" [{scale * gain.low:.1f}, {scale * gain.high:.1f}]"
    costs = [duration(one.cost.seconds)] if one.cost.seconds else []
    costs += [f"{one.cost.rows:,} rows for people"] if one.cost.rows else []
    what = [f"{key}: {value}" for key, value in one.changes.items()] or [str((one.request or {}).get("command") or "improve/requests.csv")]
    return [
        f"{one.place}. {visible(one.title)}",
        f"   expected {scale * (gain.value or 0):+.1f} points{ends}, any gain with a chance of {one.chance:.0%}; cost: "
        f"{', '.join(costs) or 'unknown'}",
        f"   why: {visible(one.why, 500)}",
        f"   {'; '.join(visible(part) for part in what)}",
        "",
    ]


def _one(run: Run, found: list[Proposal], place: int, *, quiet: bool) -> Answer:
    chosen = next((one for one in found if one.place == place), None)
    if chosen is None:
        raise UserError(f"there is no proposal {place}", fix=f"goodfit iterate {run.id} shows {len(found)}")
    with screen_for(quiet=quiet) as screen:
        step = carry_out(run, chosen, screen)
    code = step.outcome.exit_code if step.outcome.status != "done" else 0
    return Answer({"run": _run(step.run), "step": step.to_json(), "next": _next(step.run)}, "\n".join(_told(step)), code)


def _loop(run: Run, budget: float, *, quiet: bool) -> Answer:
    began = time.monotonic()
    with screen_for(quiet=quiet) as screen:
        found = auto(run, budget, screen, screen.say if screen is not None else lambda text: None)
    lines = [line for step in found.steps for line in _told(step)]
    lines += [f"ended after {duration(time.monotonic() - began)}: {found.ended}", *_kept(found)]
    document = {"run": _run(found.best), "loop": found.to_json(), "next": _next(found.best)}
    return Answer(document, "\n".join(lines))


def _kept(found: Loop) -> list[str]:
    asked = [f"people could: {visible(one.title)}" for one in found.asked]
    if found.best.id == found.first.id:
        return [f"{found.first.id} stays: no step was better on the validation rows that decide", *asked]
    return [f"the best is {found.best.id}", *asked, *_next(found.best)]


def _told(step: Step) -> list[str]:
    verdict = step.verdict
    said = f"{SIGNS.get(verdict.answer, '·')} {verdict.text}" if verdict else f"it came to no scores ({step.outcome.status})"
    gain = step.proposal.gain
    return [
        f"{step.run.id}: {visible(step.proposal.title)}",
        f"  expected {gain}; obtained: {visible(said, 300)}",
    ]


def _run(run: Run) -> dict[str, Any]:
    return {"id": run.id, "path": str(run.path), "parent": run.record.parent}


def _next(run: Run) -> list[str]:
    confirm = [f"goodfit confirm {run.id}"] if run.record.data.get("splits", {}).get("test") else []
    return [*confirm, f"goodfit iterate {run.id}"]


COMMANDS = {"iterate": iterate_command}
