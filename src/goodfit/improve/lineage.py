"""Where a run comes from, what it cost, and how its losses went: what stands beside its scores in a comparison. Part of improve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from goodfit.files import json_object
from goodfit.monitor.events import read_curves
from goodfit.run import BEST, EVENTS, RECIPE, RECORD, Run
from goodfit.settings import read
from goodfit.settings.tree import leaves


def differences(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Recipe keys whose values are not the same in all runs: key -> one value per run."""
    flat = [
        {".".join(map(str, path)): value for path, value in leaves(read(run.path / RECIPE, run.record.overrides).recipe.to_json())}
        for run in runs
    ]
    keys = sorted({key for values in flat for key in values})
    return {key: [values.get(key) for values in flat] for key in keys if len({str(values.get(key)) for values in flat}) > 1}


def lineage(run: Run) -> list[dict[str, Any]]:
    """The run's ancestors, oldest first, then itself: id, the proposal that made it, what its recipe changed of its parent's."""
    chain = [run]
    while (parent := chain[0].record.parent) is not None and (run.workspace / parent / RECORD).is_file():
        chain.insert(0, Run.open(run.workspace / parent))
    changed = [{}, *({key: values[1] for key, values in differences(pair).items()} for pair in itertools.pairwise(chain))]
    return [{"id": one.id, "proposal": one.record.proposal, "changed": keys} for one, keys in zip(chain, changed, strict=True)]


def cost(run: Run) -> dict[str, Any]:
    """Seconds of all stages and of train, training tokens seen; what is not known is None."""
    best = json_object(run.path / "train" / BEST)
    stages = run.record.stages
    trained = stages.get("train")
    return {
        "seconds": round(sum(stage.seconds for stage in stages.values()), 1),
        "train_seconds": round(trained.seconds, 1) if trained else None,
        "tokens": best.get("tokens"),
        "parameters": (run.record.model or {}).get("parameters"),
    }


def curve(run: Run) -> list[dict[str, Any]]:
    """The losses at each look: step, train (a sample of its rows), valid; None where a split was not looked at."""
    found = read_curves(run.path / "train" / EVENTS).evals
    points: dict[int, dict[str, Any]] = {}
    for split, name in (("train_probe", "train"), ("valid", "valid")):
        for event in found.get(split, ()):
            points.setdefault(event["step"], {"step": event["step"], "train": None, "valid": None})[name] = event["loss"]
    return [points[step] for step in sorted(points)]
