"""check: before anything is trained: every default with its source, what would run, and what this data can show.

Beside the pipeline. Divides the rows as a run would (so that what a run refuses is refused here), looks at the base model, and times a
few training steps. No run is made, no row is shown. `counted` is common to all tasks, `classes` and `writing` what differs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from goodfit.check.classes import check_classes
from goodfit.check.writing import check_writing
from goodfit.settings import Loaded
from goodfit.tasks.foresee import foresee

__all__ = ["check"]

WAYS: dict[str, Callable[[Loaded, Path], dict[str, Any]]] = {"classification": check_classes, "generation": check_writing}


def check(loaded: Loaded, base: Path) -> dict[str, Any]:
    """`{settings, would_run, can_show, problems}`: rows of a table, and sentences. Raises what a run would raise at its start."""
    foresee(loaded.recipe, base)
    return WAYS[loaded.recipe.task.kind](loaded, base)
