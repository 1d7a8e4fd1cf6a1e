"""train: the fine-tuning itself, watched on train and validation, the best step kept. Sixth stage of the path.

Puts together what the other layers know: the base model with a seeded head, the task's loss, the plan's numbers, the engine's loop,
the run's files. Leaves `events.jsonl`, `best.json`, `checkpoints/` while it works, what was seen of single rows (`kept`), what the training
suffers from (`findings.jsonl`, by monitor.diagnosis), and `model/`: the layout of transformers (or of PEFT for an adapter), which loads
there without Goodfit.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.examples import Examples
from goodfit.engine.fit import Fitted, fit
from goodfit.engine.looks import FOLLOWED, Looks
from goodfit.engine.objective import Objective
from goodfit.engine.optimiser import trainable
from goodfit.errors import DataError, Diverged
from goodfit.files import read_json, write_json
from goodfit.models.load import LoadedModel
from goodfit.monitor.events import EventFile
from goodfit.monitor.trackers import trackers_for
from goodfit.recipe import Recipe, with_values
from goodfit.run import BEST, CHECKPOINTS, EVENTS, LOOKS, MODEL, Run
from goodfit.score import Score
from goodfit.stage import stage
from goodfit.stages.train.classes import Classes
from goodfit.stages.train.diagnosed import Gathered
from goodfit.stages.train.kept import write_looks, write_map
from goodfit.stages.train.language import Language
from goodfit.stages.train.listening import Listener
from goodfit.tasks import SAVED, Classification, Generation, Saved
from goodfit.tasks.beginning import Beginning
from goodfit.tasks.frozen import Floor, floor_of

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.prepare import Tokens
    from goodfit.stages.tune import Tuned

SCHEMA = "goodfit/best/1"
LOSS = "loss"


@dataclass
class Trained:
    """The fine-tuned model: a folder that transformers or PEFT loads."""

    folder: Path
    saved: Saved[Any]
    best: dict[str, Any]
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Trained:
        """From train/model and train/best.json."""
        folder = run.path / "train" / MODEL
        if not (folder / SAVED).is_file():
            raise FileNotFoundError(folder)
        return cls(folder, Saved.load(folder), read_json(run.path / "train" / BEST))


@stage("train", result=Trained, version=2, reads=("task", "train", "peft", "seed"), keep=True)
def train(recipe: Recipe, choice: Choice, plan: Tuned, tokens: Tokens, run: Run) -> Trained:
    """Fine-tunes; resumes from the newest checkpoint of an earlier attempt."""
    if not tokens.rows["train"]:
        raise DataError("no rows are left to train on", fix="split/manifest.json says what was dropped, and why")
    recipe = with_values(recipe, plan.chosen)
    settings = {"train": plan.plan.to_json(), "peft": recipe.peft.model_dump(mode="json")}
    way, folder = WAYS[type(tokens.task)](tokens.task), run.folder("train")
    examples = {"train": tokens.examples("train"), "valid": tokens.examples("valid") if tokens.rows.get("valid") else None}
    way.before(recipe, choice, plan, examples, run)
    trackers = trackers_for(recipe.train.report_to, run.id, settings, run.workspace, run.screen.say)
    start = Beginning(tokens.task, choice.base.path, tokens.rows["train"], tokens.label_counts)
    loaded = start.model(recipe.train, recipe.peft, lora_dropout=plan.lora_dropout, seed=recipe.seed)
    objective = start.objective(recipe.train)
    looks = Looks(folder / LOOKS, follow=FOLLOWED)
    gathered = Gathered.of(
        run, plan.plan, examples, given=way.given, labels=tokens.task.labels, primary=objective.primary, lora=recipe.peft.method == "lora",
    )  # fmt: skip
    gathered.floor = _floor(loaded, gathered, recipe.seed)
    listener = Listener(
        run, EventFile(folder / EVENTS), gathered, looks, {str(kind): str(answer) for kind, answer in recipe.train.act.items()}
    )
    listener.watch = [way.watch(recipe, loaded, examples["valid"], folder), trackers]
    try:
        fitted = _fitted(loaded, examples, plan, objective, choice, listener)
    finally:
        trackers.close()
        _keep(run, gathered, looks)
    saved = way.save(recipe, choice, tokens, loaded, fitted, run)
    best = _best(fitted)
    write_json(folder / BEST, best)
    run.report(gathered.diagnosis(listener.curves, looks, ended=True).findings())
    for scratch in (CHECKPOINTS, LOOKS):
        shutil.rmtree(folder / scratch, ignore_errors=True)
    run.record.model = {
        "path": f"train/{MODEL}", "kind": "peft" if recipe.peft.method == "lora" else "full", "base": choice.base.name,
        "base_hash": choice.base.content, "license": choice.base.license, "parameters": choice.base.parameters,
    }  # fmt: skip
    return Trained(folder / MODEL, saved, best)


Way = Classes | Language
"""What differs between the tasks: how a model is watched and saved."""
WAYS: dict[type[Any], Callable[[Any], Way]] = {Classification: Classes, Generation: Language}


def _fitted(  # noqa: PLR0913 - what a training is made of
    loaded: LoadedModel, examples: Mapping[str, Examples | None], plan: Tuned, objective: Objective, choice: Choice, listener: Listener
) -> Fitted:
    """The training; where it breaks down, and the recipe says so, again from the newest checkpoint at a lower rate."""
    folder = listener.run.path / "train" / CHECKPOINTS
    begun = {name: p.detach().clone() for name, p in trainable(loaded.model).items()} if "diverged" in listener.act else {}
    while True:
        checkpoints = Checkpoints(folder, attempt=listener.file.attempts() + 1, base=choice.base.content, looks=listener.looks)
        try:
            return fit(loaded.model, examples, plan.plan, objective=objective, on_event=listener, checkpoints=checkpoints)
        except Diverged:
            if not listener.tries_again():
                listener.run.report(listener.gathered.diagnosis(listener.curves, listener.looks, ended=True).findings())
                raise
            for name, p in trainable(loaded.model).items():
                p.data.copy_(begun[name])


def _floor(loaded: LoadedModel, gathered: Gathered, seed: int) -> Floor | None:
    """What a linear model on the features of the untrained base gets right, where there are classes (`tasks.frozen`)."""
    train, valid = gathered.train, gathered.splits.get("valid")
    if valid is None or train.learned is not None:
        return None
    gathered.run.screen.progress("comparing with frozen features", 0, None)
    return floor_of(loaded.model, train, valid, rows_trained=gathered.plan.num_train_epochs * train.epoch_rows, seed=seed)


def _keep(run: Run, gathered: Gathered, looks: Looks) -> None:
    """What was seen of single rows, also of a training that broke down."""
    write_looks(run, looks, gathered.splits, gathered.given)
    if looks.followed is not None:
        write_map(run, looks.followed, gathered.train, gathered.given)


def _best(fitted: Fitted) -> dict[str, Any]:
    """train/best.json: which step was kept, why, and by how much over the last. The score was used to choose: it flatters."""
    at_best = next((entry for entry in fitted.history if entry["step"] == fitted.best_step), None)
    valid = (at_best or {}).get("valid") or {}
    found = next((s for s in valid.get("scores", []) if s["name"] == fitted.primary and not s.get("label")), None)
    return {
        "schema": SCHEMA, "step": fitted.best_step, "score": _score(fitted, found, valid).to_json(), "margin": fitted.margin,
        "reason": fitted.reason, "loss": fitted.best_loss, "last_step": fitted.last_step, "last_score": fitted.last_score,
        "steps_total": fitted.steps_total, "stopped_by": fitted.stopped_by, "tier": fitted.tier.name, "tier_reason": fitted.tier.reason,
        "dtype": fitted.dtype, "seconds": round(fitted.seconds, 3), "tokens": fitted.tokens,
    }  # fmt: skip


def _score(fitted: Fitted, found: dict[str, Any] | None, valid: dict[str, Any]) -> Score:
    n = int(valid.get("n", 0))
    if found is None and fitted.primary == LOSS and valid.get("loss") is not None:
        return Score(
            name=LOSS, value=valid["loss"], n=n, unit="nats", higher_is_better=False, split="valid", system="model", selected=True,
        )  # fmt: skip
    if found is None or found.get("value") is None:
        return Score(name=fitted.primary, n=n, why_absent="there were no validation rows to choose by", split="valid", system="model")
    return Score(
        name=fitted.primary, value=found["value"], low=found.get("low"), high=found.get("high"), n=n, method=found.get("method"),
        higher_is_better=fitted.higher_is_better, split="valid", system="model", selected=True,
    )  # fmt: skip
