"""The training as facts: curves, the best step, how fast, what the engine said.

Part of the report stage (`collect` calls it). Reads train/events.jsonl and train/best.json. Steps that were done again after a
resume count once: the later attempt replaces the earlier one from the checkpoint on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from goodfit.recipe import Train
from goodfit.run import BEST, EVENTS, PLAN
from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.folder import Folder, lenient, many, mapping, real, whole, word
from goodfit.stages.report.schema_training import Best, PlanEntry, Point, TrainingFacts
from goodfit.stages.report.text import name as readable

CURVE_POINTS = 200
"""A curve of more steps is drawn through the means of so many stretches."""
MESSAGES_SHOWN = 20
FIRST_KEYS = (
    "train.learning_rate", "train.num_train_epochs", "train.per_device_train_batch_size", "train.gradient_accumulation_steps",
    "train.lr_scheduler_type", "train.warmup_steps", "train.weight_decay", "train.precision", "seed",
)  # fmt: skip
"""What a reader asks first of a training."""


def training_facts(folder: Folder, settings: Mapping[str, Any], primary: str | None) -> TrainingFacts | None:
    """What the events say, or None where nothing was trained. `primary` names the score that the curve shows, if the events have it."""
    events = without_redone(folder.lines("train", EVENTS))
    if not events:
        return None
    starts, ends = ([e for e in events if e.get("event") == kind] for kind in ("start", "end"))
    steps = [e for e in events if e.get("event") == "step"]
    looks = [e for e in events if e.get("event") == "eval"]
    start, end = (starts[-1] if starts else {}), (ends[-1] if ends else {})
    metric, used = _metric(looks, primary), _settled(folder, start, settings)
    return TrainingFacts(
        steps=max((whole(e, "step") or 0 for e in (*steps, *ends)), default=0),
        steps_total=whole(start, "steps_total"),
        epochs=real(start, "epochs"),
        best=_best(folder),
        stopped_by=word(end, "stopped_by"),
        metric=metric,
        loss=thinned(_losses(steps)) + _look_losses(looks),
        score=_look_scores(looks, metric),
        seconds=sum(real(e, "seconds") or 0.0 for e in steps) or None,
        tokens=max((whole(e, "tokens") or 0 for e in steps), default=0) or None,
        facts=_facts(start, steps, used, mapping(settings, "peft")),
        plan=_plan(folder, used),
        messages=_messages(events),
    )


def without_redone(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of the training as it counts: what lies beyond the checkpoint of a resume is dropped."""
    kept: list[dict[str, Any]] = []
    for event in events:
        if event.get("event") == "resumed":
            since = whole(event, "step") or 0
            kept = [e for e in kept if e.get("event") == "start" or (whole(e, "step") or 0) <= since]
        kept.append(event)
    return kept


def _losses(steps: Iterable[Mapping[str, Any]]) -> list[tuple[int, float, int]]:
    """(step, mean loss, rows behind it) of each line."""
    out = []
    for event in steps:
        step, loss = whole(event, "step"), real(event, "loss")
        if step is not None and loss is not None:
            out.append((step, loss, whole(event, "n") or 1))
    return out


def thinned(losses: list[tuple[int, float, int]]) -> list[Point]:
    """At most CURVE_POINTS points: the mean, weighted by rows, of each stretch of steps."""
    size = -(-len(losses) // CURVE_POINTS) or 1
    out = []
    for i in range(0, len(losses), size):
        part = losses[i : i + size]
        rows = sum(n for *_, n in part)
        out.append(Point(step=part[-1][0], split="train", value=sum(loss * n for _, loss, n in part) / rows))
    return out


def _look_losses(looks: Iterable[Mapping[str, Any]]) -> list[Point]:
    out = []
    for event in looks:
        step, loss = whole(event, "step"), real(event, "loss")
        if step is not None and loss is not None:
            out.append(Point(step=step, split=word(event, "split") or "valid", value=loss))
    return out


def _metric(looks: Iterable[Mapping[str, Any]], primary: str | None) -> str | None:
    """The primary score where the events have it, else the first they have."""
    names = [score.name for event in looks for score in _event_scores(event) if score.value is not None]
    return primary if primary in names else (names[0] if names else None)


def _look_scores(looks: Iterable[Mapping[str, Any]], metric: str | None) -> list[Point]:
    return [point for event in looks for score in _event_scores(event) if (point := _score_point(event, score, metric))]


def _event_scores(event: Mapping[str, Any]) -> list[Score]:
    """The scores of a look; those of an event need not repeat how many rows it had."""
    listed = event.get("scores")
    rows = whole(event, "n") or 0
    return many(Score, [{"n": rows, **score} for score in listed if isinstance(score, Mapping)] if isinstance(listed, list) else [])


def _score_point(event: Mapping[str, Any], score: Score, metric: str | None) -> Point | None:
    step = whole(event, "step")
    if step is None or score.name != metric or score.value is None or score.label is not None:
        return None
    return Point(step=step, split=word(event, "split") or "valid", value=score.value, low=score.low, high=score.high)


def _best(folder: Folder) -> Best | None:
    document = folder.document("train", BEST)
    step = whole(document, "step")
    if step is None:
        return None
    score = lenient(Score, document.get("score"))
    return Best(step=step, score=score, margin=real(document, "margin"), reason=_kept(document.get("reason")))


def _kept(reason: object) -> str:
    """Why these weights, with the metric's name as it stands elsewhere on the page."""
    return re.sub(r"^[a-z_0-9]+(?= )", lambda found: words.metric(found[0]) if "_" in found[0] else found[0], readable(reason or "", 400))


def _settled(folder: Folder, start: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Recipe key -> the value that was used: of the plan where it has one, else of the recipe; what was left open is left out.

    The plan's numbers stand under the keys of the recipe; those that no recipe can set (how often a line is written …) are left out.
    """
    document, train = folder.document("tune", PLAN), mapping(settings, "train")
    found = mapping(document, "plan")
    gathered = whole(train, "gradient_accumulation_steps") or 1
    rows = whole(found, "train_batch_size")
    if rows is not None and rows % gathered == 0:
        found["per_device_train_batch_size"] = rows // gathered
    used = {f"train.{key}": value for key, value in (train | found).items() if key in Train.model_fields}
    used["train.precision"] = word(start, "dtype") or used.get("train.precision")
    used["seed"] = found.get("seed", settings.get("seed"))
    peft = mapping(settings, "peft")
    if peft.get("method") == "lora":
        used |= {f"peft.{key}": value for key, value in peft.items()}
        used["peft.lora_dropout"] = real(document, "lora_dropout")
    return {key: value for key, value in used.items() if value not in (None, "auto")}


def _plan(folder: Folder, used: Mapping[str, Any]) -> list[PlanEntry]:
    """Every number of the training: those that a reader asks first, then those with a reason, then the rest."""
    why = mapping(folder.document("tune", PLAN), "reasons")
    order = [*FIRST_KEYS, *why, *used]
    shown = [key for key in dict.fromkeys(order) if key in used]
    return [PlanEntry(key=key, value=_plain(used[key]), reason=readable(why.get(key) or "", 300)) for key in shown]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else readable(value)


def _facts(start: Mapping[str, Any], steps: list[dict[str, Any]], used: Mapping[str, Any], peft: Mapping[str, Any]) -> dict[str, str]:
    """In words what a reader asks first: with which numbers it was trained; then how it was computed, and how fast."""
    tokens = [t for e in steps if (t := real(e, "tokens_per_second")) is not None]
    trainable, parameters = whole(start, "trainable"), whole(start, "parameters")
    memory = max((real(e, "memory_bytes") or 0.0 for e in (start, *steps)), default=0.0)
    found = _recipe_facts(start, used) | {
        "method": f"LoRA, rank {peft.get('r')}" if peft.get("method") == "lora" else "all weights" if peft else None,
        "weights trained": f"{trainable:,} of {parameters:,}" if trainable and parameters else None,
        "engine": word(start, "tier"),
        "why this engine": word(start, "tier_reason"),
        "speed": f"{sorted(tokens)[len(tokens) // 2]:,.0f} tokens a second" if tokens else None,
        "peak memory": words.size(memory) if memory else None,
    }
    return {key: readable(value, 300) for key, value in found.items() if value}


def _recipe_facts(start: Mapping[str, Any], used: Mapping[str, Any]) -> dict[str, str | None]:
    """Learning rate, epochs, batch, schedule, warm-up, weight decay, precision, seed."""
    rate, epochs, warm, decay = (
        real(used, f"train.{key}") for key in ("learning_rate", "num_train_epochs", "warmup_steps", "weight_decay")
    )
    seed, schedule = whole(used, "seed"), word(used, "train.lr_scheduler_type")
    epochs = real(start, "epochs") if epochs is None else epochs
    return {
        "learning rate": None if rate is None else f"{rate:.3g}",
        "epochs": None if epochs is None else f"{epochs:g}",
        "batch": word(start, "batch"),
        "schedule": None if schedule is None else schedule.replace("_", " "),
        "warm-up": None if warm is None else f"{100 * warm:.3g}% of the steps" if warm < 1 else words.count(int(warm), "step"),
        "weight decay": None if decay is None else f"{decay:g}",
        "precision": word(start, "dtype"),
        "seed": None if seed is None else f"{seed}",
    }


def _messages(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Warnings, actions, resumes and the non-finite step, in order, each once."""
    out: dict[str, None] = {}
    for event in events:
        step, kind = event.get("step"), event.get("event")
        if event.get("nonfinite"):
            out[f"step {step}: the loss or a gradient was {readable(event['nonfinite'])}"] = None
        elif kind == "resumed":
            out[f"step {step}: resumed from {readable(event.get('checkpoint', 'a checkpoint'))}"] = None
        elif kind in ("warning", "action"):
            said = event.get("message") or event.get("kind") or event.get("action") or kind
            out[f"step {step}: {readable(said, 300)}"] = None
    return list(out)[:MESSAGES_SHOWN]
