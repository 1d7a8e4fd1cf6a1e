"""Rows per member of the axes that are known by terms: counted here, since the counts of test rows must come from split. Part of split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from goodfit.data.identity.match import Matcher
from goodfit.data.identity.reading import term_list
from goodfit.recipe import Recipe
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES
from goodfit.stages.split.record import MISSING, Origin

CHUNK = 50_000
"""Texts that are searched at a time."""


def lists_of(recipe: Recipe, base: Path) -> dict[str, Any]:
    """Axis -> its list of terms; SettingsError where there is none of that name, or it cannot be read."""
    return {name: term_list(axis.terms, base) for name, axis in recipe.groups.items() if axis.terms is not None}


def named_counts(division: Division, origin: Origin, matcher: Matcher) -> dict[str, dict[str, int]]:
    """Member -> split -> rows whose text names it (a row that names two counts for both); those that name none under MISSING."""
    members = [member.name for member in matcher.list.members]
    flat = np.zeros((len(members) + 1, len(NAMES)), dtype=np.int64)
    texts, start = origin.store.column("text"), 0
    while start < len(texts):
        sides = division.sides[start : start + CHUNK]
        held = sides >= 0
        named = matcher.members(texts.slice(start, CHUNK).fill_null("") if held.any() else [])
        if held.any():
            both = np.column_stack([named, ~named.any(axis=1)])[held]
            for side in range(len(NAMES)):
                flat[:, side] += both[sides[held] == side].sum(axis=0)
        start += CHUNK
    out = {name: dict(zip(NAMES, row, strict=True)) for name, row in zip(members, flat[:-1].tolist(), strict=True)}
    if flat[-1].any():
        out[MISSING] = dict(zip(NAMES, flat[-1].tolist(), strict=True))
    return out
