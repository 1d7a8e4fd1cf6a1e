"""check, for a search: what it would cost and could show; without one, what the defaults are known to lose. Part of check."""

from __future__ import annotations

from goodfit.monitor.words import duration
from goodfit.recipe import Recipe
from goodfit.recipe.tune import seconds_of
from goodfit.stages.tune.regret import regret_line
from goodfit.stages.tune.rows import LEAST
from goodfit.statistics import smallest_difference

ALIKE = 0.1
"""Share of rows on which two trainings of like quality are taken to differ."""


def search_lines(recipe: Recipe, seconds: float, valid_rows: int, *, task: str) -> list[str]:
    """Sentences on the search that is asked for; without one, on what the defaults are known to lose. `seconds` of one training."""
    section = recipe.tune
    if not section or not section.trials:
        known = regret_line(task)
        return [known] if known else []
    if valid_rows < LEAST:
        return [f"tune.trials: {section.trials}, but {valid_rows} validation rows are too few to believe a search: none is done"]
    repeats = (min(section.finalists, max(1, section.trials - 1)) + 1) * section.seeds
    total = seconds * (section.trials + repeats)
    limit = "" if section.budget is None else f", at most {duration(seconds_of(section.budget))} (tune.budget)"
    judging = valid_rows // 2
    points = 100 * smallest_difference(judging, ALIKE)
    return [
        f"before it a search: {section.trials} trials and up to {repeats} repeats, about {duration(total)} less what stops early{limit}",
        f"its last word falls on about {judging:,} validation rows: a lead over the default is seen from about {points:.1f} points",
    ]
