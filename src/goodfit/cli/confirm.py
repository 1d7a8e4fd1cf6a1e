"""`goodfit confirm RUN`: the chosen run's model, scored on the test rows, once.

Layer: cli. For runs that were evaluated on validation (`evaluate.on: valid`): a child run reuses everything up to the training and opens
the test rows for it. A run whose model was scored on these rows before is answered with what was found then.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from goodfit import ledger
from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.path import walk
from goodfit.cli.result import run_answer
from goodfit.errors import RunError
from goodfit.files import read_jsonl
from goodfit.pipeline import Outcome, answer
from goodfit.predict import run_with_model
from goodfit.run import Run
from goodfit.settings import read

ON_TEST = "evaluate.on=test"


@click.command(
    "confirm",
    help="Score the model of RUN on the test rows, once: the run that was chosen by its scores on validation. A child run "
    "reuses its training; a model that was scored on these rows before is not scored again.",
)
@click.argument("reference", metavar="RUN")
@workspace_option
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@json_option
def confirm_verb(reference: str, workspace: Path, quiet: bool, as_json: bool) -> None:  # noqa: FBT001
    """Prints what `run` prints, and where the score came from."""

    def work() -> Answer:
        chosen = run_with_model(workspace, reference)
        before = confirmed(chosen)
        if before is not None:
            code = answer(read(before.path / runs.RECIPE, before.record.overrides).recipe, before)
            return _with(run_answer(Outcome(before, before.record.status, code), resumed=True, seconds=0.0), chosen, again=True)
        _can_be(chosen)
        return _with(walk("run", str(chosen.path), (ON_TEST,), {"workspace": chosen.workspace, "quiet": quiet}), chosen, again=False)

    answered("confirm", work, as_json=as_json)


def confirmed(chosen: Run) -> Run | None:
    """The run in which this very model was scored on the test rows; None where it was not."""
    lines, mine = read_jsonl(chosen.workspace / ledger.LEDGER), _model(chosen)
    looked = {line["run"] for line in lines if line.get("model") == mine and line["stage"] == "evaluate"}
    found = [run for run in runs.list_runs(chosen.workspace) if run.id in looked]
    scored = [run for run in found if (run.path / "evaluate" / "scores.test.json").is_file()]
    return next((run for run in reversed(scored) if run.id == chosen.id), scored[-1] if scored else None)


def _model(run: Run) -> str | None:
    """What its weights were made from, as the ledger knows it."""
    trained = run.record.stages.get("train")
    return trained.inputs if trained else None


def _can_be(chosen: Run) -> None:
    """RunError where there is no model, or no test rows."""
    trained = chosen.record.stages.get("train")
    if trained is None or trained.state not in ("done", "reused"):
        raise RunError(f"{chosen.id} has no model to confirm: its training is {trained.state if trained else 'pending'}",
                       fix=f"goodfit run {chosen.id} finishes it")  # fmt: skip
    if not chosen.record.data.get("splits", {}).get("test"):
        if chosen.record.data.get("splits") and (chosen.path / "train" / runs.FOLDS).is_dir():
            raise RunError(f"{chosen.id} has no test rows: split.folds scores all rows, each by a model that had not learned from it",
                           fix="nothing is left to confirm; label new rows for a test of the model that is kept")  # fmt: skip
        raise RunError(f"{chosen.id} has no test rows", fix="set split.test_size above 0 (it takes a new split, and a new training)")


def _with(found: Answer, chosen: Run, *, again: bool) -> Answer:
    """What was confirmed, and whether just now."""
    document: dict[str, Any] = found.document | {"confirmed": {"run": chosen.id, "again": again}}
    said = f"{chosen.id} was confirmed before: the test rows are not opened again" if again else f"confirmed: the model of {chosen.id}"
    return Answer(document, f"{said}\n{found.text}", found.exit_code, found.error)


COMMANDS = {"confirm": confirm_verb}
