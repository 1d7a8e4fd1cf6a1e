"""train: the fine-tuning itself, watched on train and validation, the best step kept. Sixth stage of the path.

Puts together what the other layers know: the base model with a seeded head, the task's loss, the plan's numbers, the engine's loop,
the run's files. Leaves `events.jsonl`, `best.json`, `checkpoints/` while it works, and `model/`: the layout of transformers (or of
PEFT for an adapter), which loads there without Goodfit.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.events import Action, Event
from goodfit.engine.fit import Fitted, fit
from goodfit.errors import DataError
from goodfit.files import read_json, write_json
from goodfit.monitor.events import EventFile
from goodfit.recipe import Recipe, with_values
from goodfit.run import BEST, CHECKPOINTS, EVENTS, MODEL, Run
from goodfit.score import Score
from goodfit.stage import stage
from goodfit.stages.train.classes import Classes
from goodfit.stages.train.language import Language
from goodfit.tasks import SAVED, Classification, Generation, Saved
from goodfit.tasks.beginning import Beginning

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


@stage("train", result=Trained, version=1, reads=("task", "train", "peft", "seed"), keep=True)
def train(recipe: Recipe, choice: Choice, plan: Tuned, tokens: Tokens, run: Run) -> Trained:
    """Fine-tunes; resumes from the newest checkpoint of an earlier attempt."""
    if not tokens.rows["train"]:
        raise DataError("no rows are left to train on", fix="split/manifest.json says what was dropped, and why")
    recipe = with_values(recipe, plan.chosen)
    way, folder = WAYS[type(tokens.task)](tokens.task), run.folder("train")
    start = Beginning(tokens.task, choice.base.path, tokens.rows["train"], tokens.label_counts)
    loaded = start.model(recipe.train, recipe.peft, lora_dropout=plan.lora_dropout, seed=recipe.seed)
    examples = {"train": tokens.examples("train"), "valid": tokens.examples("valid") if tokens.rows.get("valid") else None}
    objective = start.objective(recipe.train)
    events = EventFile(folder / EVENTS)
    checkpoints = Checkpoints(folder / CHECKPOINTS, attempt=events.attempts() + 1, base=choice.base.content)
    listener = _Listener(run, events, way.watch(recipe, loaded, examples["valid"], folder))
    fitted = fit(loaded.model, examples, plan.plan, objective=objective, on_event=listener, checkpoints=checkpoints)
    saved = way.save(recipe, choice, tokens, loaded, fitted, run)
    best = _best(fitted)
    write_json(folder / BEST, best)
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    run.record.model = {
        "path": f"train/{MODEL}", "kind": "peft" if recipe.peft.method == "lora" else "full", "base": choice.base.name,
        "base_hash": choice.base.content, "license": choice.base.license, "parameters": choice.base.parameters,
    }  # fmt: skip
    return Trained(folder / MODEL, saved, best)


Way = Classes | Language
"""What differs between the tasks: how a model is watched and saved."""
WAYS: dict[type[Any], Callable[[Any], Way]] = {Classification: Classes, Generation: Language}


class _Listener:
    """Every event of the engine: onto the disk, onto the screen, and to whoever watches what the model writes."""

    def __init__(self, run: Run, file: EventFile, watch: Callable[[Event], object]) -> None:
        self.run, self.file, self.watch = run, file, watch

    def __call__(self, event: Event) -> Action | None:
        self.file.add(event)
        self.run.screen.event(event)
        self.watch(event)
        if event["event"] in ("start", "warning", "end"):
            self.run.log(f"train: {event}")
        return None


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
