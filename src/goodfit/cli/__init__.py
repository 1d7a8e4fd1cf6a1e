"""The command line: one small file per verb, loaded only when that verb is used, so that `goodfit --help` is instant.

Layer: the last one. A verb parses its words, calls the library, and hands the answer to `envelope.py`, which prints it as one
sentence or as one JSON document and picks the exit code:

    0 fine · 1 the answer is no · 2 the user's input · 3 our bug · 4 the machine · 130/143 interrupted, resumable
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from goodfit.errors import UserError, nearest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Threads that wait for each other sleep instead of spinning: on a machine that does something else too, spinning costs half of the
# processor (measured, docs/log.md). Read by OpenMP when torch is first imported.
warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)
# PEFT asks transformers for it; nothing that a user could do.

VERBS: dict[str, tuple[str, str]] = {
    "init": ("begin", "Look at DATA and write a commented recipe."),
    "check": ("begin", "Every default filled in; what would run; what this data can show."),
    "run": ("path", "Walk the whole path for RECIPE, or resume it."),
    "split": ("path", "Rows into train, validation and test, without leaks."),
    "audit": ("audit", "What is wrong with the data; needs no recipe. --fix: a cleaned copy."),
    "choose": ("path", "The pre-trained model."),
    "prepare": ("path", "Rows into tokens."),
    "tune": ("path", "Learning rate, batch size, epochs."),
    "train": ("path", "Fine-tune, watched on train and validation."),
    "evaluate": ("path", "Scores with intervals, beside baselines."),
    "assess": ("path", "For whom it works worse, and how sure that is; --plan: asked before."),
    "confirm": ("confirm", "The chosen run on the test rows, once."),
    "report": ("path", "The page, the JSON and the model card of RUN."),
    "predict": ("predict", "Labels, or answers, for a text or a file."),
    "chat": ("chat", "Talk with a model that writes, or with several side by side."),
    "list": ("look", "The runs of this workspace."),
    "show": ("look", "One run, one of its stages, or one row."),
    "iterate": ("iterate", "What to try next: proposals with evidence, gain and cost; --apply, --auto."),
    "watch": ("watch", "Follow a run from another shell while it works."),
    "compare": ("look", "Runs side by side, with paired verdicts."),
    "review": ("review", "People read the answers, blind; what they prefer, with intervals."),
    "judge": ("judge", "A model answers the review's items, beside people and compared with them."),
    "explain": ("look", "What a finding's code means and what to do."),
    "doctor": ("look", "This machine, the installed models, what is missing."),
}
"""Verb -> (module of this package, one line of help)."""


class Verbs(click.Group):
    """A group whose commands are imported on use, and whose usage errors are JSON too where JSON was asked for."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """As click's own, but for a usage error with `--json`: stdout then holds the one document."""
        words = list(sys.argv[1:] if args is None else args)
        if "--json" not in words:
            return super().main(words, prog_name, **extra)
        try:
            return super().main(words, prog_name, **(extra | {"standalone_mode": False}))
        except click.ClickException as error:
            usage_answer(next((word for word in words if word in VERBS), "goodfit"), error.format_message())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a fine-tune's life, not of the alphabet."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the verb's module."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"goodfit.cli.{VERBS[cmd_name][0]}")
        command: click.Command = module.COMMANDS[cmd_name]
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs, from the table: no verb is imported for it."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """A mistyped verb is answered with the nearest one."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], VERBS)
            raise click.UsageError(f"{error.message} Did you mean {near!r}?" if near else error.message, ctx) from error


def usage_answer(command: str, message: str) -> NoReturn:
    """The document of a command line that could not be understood."""
    envelope = importlib.import_module("goodfit.cli.envelope")
    error = UserError(message, fix=f"goodfit {command} --help" if command in VERBS else "goodfit --help")
    envelope.answered(command, lambda: envelope.Answer(error=error, exit_code=error.exit_code), as_json=True)
    raise AssertionError("answered exits")


HELP = """Fine-tune language models, and show that the result is a good fit.

\b
goodfit init tickets.csv        a commented recipe, after looking at the data
goodfit run recipe.yaml         split, audit, train, evaluate, assess, report
goodfit predict last "a text"   labels with probabilities
"""


@click.group(cls=Verbs, help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="goodfit")
def main() -> None:
    """The entry point of the `goodfit` command."""
