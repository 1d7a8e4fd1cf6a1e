"""START HERE: the whole life of a fine-tune, in the order in which it happens.

`fine_tune` is the path: each line is a stage, each stage is a folder here (`stages/<name>/`) and in the run. `conduct` walks it
for a user: it keeps run.json true whatever happens, writes the report of a path that was cut short, and knows the exit code.

    from goodfit import start
    outcome = start("recipe.yaml")
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodfit.errors import GoodfitError, Interrupted, Stopped, machine_error
from goodfit.files import read_json, write_atomic
from goodfit.finding import at_or_above
from goodfit.recipe import Recipe
from goodfit.run import LOG, PLAN, RESOLVED, SCORES, Run, RunStatus, StageRecord, digest
from goodfit.settings import dump, read
from goodfit.stage import STAGES, PathEnd
from goodfit.stages.assess import assess, planned, write_plan
from goodfit.stages.audit import audit
from goodfit.stages.choose import choose
from goodfit.stages.evaluate import evaluate
from goodfit.stages.prepare import prepare
from goodfit.stages.report import Report, report, write_report
from goodfit.stages.split import Splits, split
from goodfit.stages.train import train
from goodfit.stages.tune import tune
from goodfit.tasks.foresee import foresee


def fine_tune(recipe: Recipe, run: Run) -> Report:
    """Data in, an accountable model out."""
    splits = split(recipe, run)  # leak-free; from here on the test set is sealed
    write_plan(planned(recipe, splits, run), run)  # for whom it may work worse, asked before anybody has seen an answer
    audit(recipe, splits, run)  # what is wrong with the data
    choice = choose(recipe, splits, run)  # which base model, and why
    tokens = prepare(recipe, choice, splits, run)  # rows -> tokens and targets
    plan = tune(recipe, choice, tokens, run)  # learning rate, batch size, epochs, weight decay
    model = train(recipe, choice, plan, tokens, run)  # curves on train and validation, side by side
    evaluate(recipe, model, splits, run)  # scores with intervals, baselines, the most confident mistakes
    assess(recipe, model, splits, run)  # for whom it works worse, and how sure we are
    write_resolved(recipe, run)  # every `auto` by its number, for the page and for whoever does it again
    return report(recipe, run)  # reads the folder, nothing else


@dataclass(frozen=True)
class Outcome:
    """How a walk along the path ended."""

    run: Run
    status: RunStatus
    exit_code: int
    error: GoodfitError | None = None

    def to_json(self) -> dict[str, Any]:
        """The part of a result document that speaks of the run."""
        record = self.run.record
        return {
            "status": self.status,
            "exit_code": self.exit_code,
            "stages": [{"name": name, "state": record.stages[name].state, "seconds": record.stages[name].seconds}
                       for name in STAGES if name in record.stages],
            "error": self.error.to_json() if self.error else None,
        }  # fmt: skip


def conduct(recipe: Recipe, run: Run, *, until: str | None = None) -> Outcome:
    """Walks the path (as far as the stage `until`), one process at a time; a path that was cut short is recorded and resumable."""
    with run:
        run.until = until
        run.record.attempts += 1
        run.record.error = None
        run.finish("running")
        write_resolved(recipe, run)
        outcome = _walk(recipe, run)
        if outcome.error is not None:
            run.record.error = outcome.error.to_json()
            run.log(f"{outcome.status}: {outcome.error}")
        write_resolved(recipe, run)
        run.finish(outcome.status)
        if outcome.status != "done" and "split" in run.record.stages:
            write_report(run.path)
        return outcome


def plan_ahead(recipe: Recipe, run: Run) -> dict[str, Any] | None:
    """Writes the plan of the assessment of a run whose rows are divided, and gives it; None where nobody asks for one.

    Of a run that was assessed the plan is what it was.
    """
    known = run.path / "assess" / PLAN
    if run.record.stages.get("assess", StageRecord()).state == "done" and known.is_file():
        return dict(read_json(known))
    with run:
        found = planned(recipe, Splits.load(run), run)
        write_plan(found, run)
    return None if found is None else found.document


def start(recipe_file: Path | str, overrides: Sequence[str] = (), *, workspace: Path | str = "runs", until: str | None = None) -> Outcome:
    """A fresh run of the recipe in a file, walked to its end (or as far as `until`): what `goodfit run --new` does, from Python."""
    loaded = read(recipe_file, overrides)
    run = Run.create(
        Path(workspace), name=loaded.recipe.name, recipe_text=loaded.text, base=Path(recipe_file).resolve().parent,
        recipe_hash=digest(loaded.recipe.to_json()), overrides=list(overrides),
    )  # fmt: skip
    return conduct(loaded.recipe, run, until=until)


def _walk(recipe: Recipe, run: Run) -> Outcome:
    try:
        foresee(recipe, run.base)
        fine_tune(recipe, run)
    except PathEnd:
        whole = all(run.record.stages[name].state in ("done", "reused", "skipped") for name in STAGES if name in run.record.stages)
        finished = whole and set(STAGES) <= set(run.record.stages)
        return Outcome(run, "done" if finished else "partial", answer(recipe, run))
    except Stopped as error:
        return Outcome(run, "stopped", error.exit_code, error)
    except Interrupted as error:
        return Outcome(run, "interrupted", error.exit_code, error)
    except KeyboardInterrupt:
        stop = Interrupted("stopped by the keyboard")
        return Outcome(run, "interrupted", stop.exit_code, stop)
    except GoodfitError as error:
        return Outcome(run, "failed", error.exit_code, error)
    except OSError as problem:
        trouble = machine_error(problem, "working on", problem.filename or run.path)
        return Outcome(run, "failed", trouble.exit_code, trouble)
    except Exception as bug:  # a bug of ours: the traceback goes to log.txt, the user gets a sentence
        run.log(traceback.format_exc())
        ours = GoodfitError(f"this is a bug of Goodfit: {type(bug).__name__}: {bug}", fix=f"please report it with {run.path / LOG}")
        return Outcome(run, "failed", ours.exit_code, ours)
    return Outcome(run, "done", answer(recipe, run))


def answer(recipe: Recipe, run: Run) -> int:
    """Exit code of a path that ran to its end: 1 if a finding stands at or above `fail_on` or a gate is missed, else 0."""
    if at_or_above(run.findings(), recipe.fail_on):
        return 1
    scores = run.path / "evaluate" / SCORES
    gates = read_json(scores).get("gates", []) if scores.is_file() else []
    return 1 if any(gate["answer"] == "missed" for gate in gates) else 0


def write_resolved(recipe: Recipe, run: Run) -> None:
    """resolved.yaml: every default filled in, and what the stages have made of `auto` so far."""
    with write_atomic(run.path / RESOLVED) as handle:
        handle.write(dump(recipe, run.record.resolved))
