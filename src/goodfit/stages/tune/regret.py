"""What the defaults are known to lose against a sweep on public sets: `regret.json`, made by benchmarks/tune.py. Part of tune."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def known() -> dict[str, dict[str, Any]]:
    """Kind of task -> points lost (`value`, `low`, `high`), over so many `sets` and `cells`, with the `about` of the sweep."""
    file = files("goodfit.stages.tune").joinpath("regret.json")
    found: dict[str, dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def regret_line(task: str) -> str | None:
    """The sentence, or None where it was not measured for this kind of task."""
    found = known().get(task)
    if found is None:
        return None
    return (
        f"the computed defaults lost {found['value']:.1f} points [{found['low']:.1f}, {found['high']:.1f}] of {found['score']} "
        f"against {found['about']} on {found['sets']} public sets; tune.trials searches on yours"
    )
