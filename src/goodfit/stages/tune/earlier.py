"""What earlier searches of this workspace know: trials on the same rows, model and score, that lie in the space. Part of tune."""

from __future__ import annotations

from typing import Any

from goodfit.files import json_object, read_jsonl
from goodfit.run import SEARCH, TRIALS_FILE, Run, list_runs
from goodfit.stages.tune.space import Point, Space, contains

MOST = 200
"""Trials that are taken over, at most: the newest."""


def earlier(run: Run, kin: str, sections: dict[str, Any], space: Space, *, higher: bool) -> list[tuple[Point, float]]:
    """(point, value; more is better) of complete trials whose other numbers were these. `kin`: what rows, model and score make."""
    out: list[tuple[Point, float]] = []
    for other in list_runs(run.workspace):
        folder = other.path / "tune"
        facts = {} if other.id == run.id else json_object(folder / SEARCH)
        if facts.get("kin") == kin and _others(facts.get("sections"), space) == _others(sections, space):
            out += [found for line in read_jsonl(folder / TRIALS_FILE) if (found := _known(line, space, higher=higher)) is not None]
    return out[-MOST:]


def _others(sections: Any, space: Space) -> Any:
    """The sections without the keys that are searched here or settled for all trials."""
    if not isinstance(sections, dict):
        return None
    searched = {*space.tried, *space.implied}
    return {part: {k: v for k, v in keys.items() if f"{part}.{k}" not in searched} for part, keys in sections.items()}


def _known(line: dict[str, Any], space: Space, *, higher: bool) -> tuple[Point, float] | None:
    params, value = line.get("params"), line.get("value")
    if line.get("phase") != "search" or line.get("state") != "complete" or not isinstance(params, dict) or value is None:
        return None
    implied = {key: params.get(key, wanted) for key, wanted in space.implied.items()}
    point = {key: params[key] for key in space.tried if key in params}
    if implied != space.implied or len(point) < len(space.tried) or not all(contains(space.tried[k], v) for k, v in point.items()):
        return None
    return point, float(value) * (1 if higher else -1)
