"""`goodfit watch RUN`: a run that another process works on, live: stage, curves, diagnosis, time left. It ends with the run."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.monitor.watching import Watched
from goodfit.run import find

PAUSE = 0.5
"""Seconds between two looks."""


@click.command(
    "watch",
    help="Follow RUN from another shell while it works: its stage, the curves, what is diagnosed, the time that is left.\n\n"
    "Ends with the run. With --json one document of the state now.",
)
@click.argument("reference", metavar="RUN")
@workspace_option
@json_option
def command(reference: str, workspace: Path, as_json: bool) -> None:  # noqa: FBT001
    """Follows, or tells the state once."""

    def work() -> Answer:
        watched = Watched(find(workspace, reference))
        if as_json:
            watched.look()
            return Answer(watched.to_json())
        (_live if sys.stdout.isatty() else _plain)(watched)
        return Answer(watched.to_json(), "" if sys.stdout.isatty() else "\n".join(watched.lines()))

    answered("watch", work, as_json=as_json)


def _live(watched: Watched) -> None:
    """A block of text that is drawn again at every look."""
    with Live(console=Console(highlight=False), refresh_per_second=4) as screen:
        while True:
            watched.look()
            screen.update(Text("\n".join(watched.lines())))
            if watched.over:
                return
            time.sleep(PAUSE)


def _plain(watched: Watched) -> None:
    """For pipes and logs: a line at every change of stage, the curves at every look of the training; how it ended is the answer's."""
    stage = None
    while True:
        events = watched.look()
        if watched.stage != stage:
            stage = watched.stage
            click.echo(f"{watched.run.id} · {stage}")
        if watched.over:
            return
        if any(event["event"] == "eval" for event in events):
            click.echo("\n".join(watched.lines()[1:]))
        time.sleep(PAUSE)


COMMANDS = {"watch": command}
