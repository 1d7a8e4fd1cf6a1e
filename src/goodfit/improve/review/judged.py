"""Answers -> what statistics take: judgements, ratings, agreement matrices, repeats.

Part of review. Repeated items count for self-consistency only. Everything else weighs by the inverse of an item's chance to be drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.improve.review.book import DIMENSIONS, Book
from goodfit.statistics import Judgements

Floats = NDArray[np.float64]
TIE = "tie"


@dataclass(frozen=True)
class Said:
    """One reviewer's answer to one item, with the item's facts."""

    reviewer: str
    item: dict[str, Any]
    answer: dict[str, Any]

    @property
    def weight(self) -> float:
        """The inverse of the item's chance to be drawn."""
        return 1 / float(self.item["p"])

    @property
    def shown(self) -> tuple[str, str]:
        """The systems shown first and second."""
        first, second = self.answer["order"]
        return first, second

    def won(self, system: str) -> float:
        """1 where `system` was preferred, 0.5 at a tie, 0 where the other was."""
        prefer = self.answer["prefer"]
        return 0.5 if prefer == TIE else float(prefer == system)


def all_said(book: Book) -> list[Said]:
    """Every answer that is not skipped, by reviewer and time."""
    return [
        Said(reviewer, book.items[name], answer)
        for reviewer in book.reviewers()
        for name, answer in book.answers(reviewer).items()
        if not answer.get("skipped")
    ]


def originals(said: Sequence[Said]) -> list[Said]:
    """Without the repeats."""
    return [one for one in said if one.item["repeat_of"] is None]


def preferences(said: Sequence[Said]) -> list[Said]:
    """Those that say which is better."""
    return [one for one in said if len(one.item["systems"]) == 2 and one.answer["prefer"] is not None]


def judgements(said: Sequence[Said], systems: Sequence[str]) -> Judgements:
    """The preferences as statistics take them."""
    index = {name: i for i, name in enumerate(systems)}
    return Judgements.of(
        systems, [index[one.shown[0]] for one in said], [index[one.shown[1]] for one in said], [one.won(one.shown[0]) for one in said],
        prompts=[one.item["row"] for one in said], weights=[one.weight for one in said],
    )  # fmt: skip


def length_ratio(said: Sequence[Said]) -> Floats:
    """log2 of how much longer the answer shown first is than the other, in characters."""

    def size(one: Said, place: int) -> int:
        return len(one.item["texts"][one.shown[place]]) + 1

    return np.array([np.log2(size(one, 0) / size(one, 1)) for one in said])


def in_order(said: Sequence[Said]) -> list[Said]:
    """The first judgement of each prompt, in the order in which prompts were judged: the units of the sequential test."""
    out: dict[str, Said] = {}
    for one in sorted(said, key=lambda one: (one.answer["first"], one.reviewer)):
        out.setdefault(one.item["row"], one)
    return list(out.values())


def ratings(said: Sequence[Said], system: str, dimension: str) -> list[tuple[Said, int]]:
    """Every rating of one system on one dimension."""
    found = ((one, one.answer["ratings"].get(system, {}).get(dimension)) for one in said)
    return [(one, value) for one, value in found if value is not None]


def preference_matrix(said: Sequence[Said]) -> Floats:
    """[reviewers, items]: 2 where the first of the item's systems was preferred, 1 a tie, 0 the other; NaN where not judged."""
    values = {(one.reviewer, one.item["item"]): 2 * one.won(one.item["systems"][0]) for one in preferences(said)}
    return _matrix(values)


def rating_matrix(said: Sequence[Said], dimension: str) -> Floats:
    """[reviewers, answers]: 1 to 5; NaN where not rated."""
    values = {
        (one.reviewer, f"{one.item['item']} {system}"): float(scores[dimension])
        for one in said
        for system, scores in one.answer["ratings"].items()
        if dimension in scores
    }
    return _matrix(values)


def _matrix(values: dict[tuple[str, str], float]) -> Floats:
    raters, units = sorted({rater for rater, _ in values}), sorted({unit for _, unit in values})
    out = np.full((len(raters), len(units)), np.nan)
    row, column = {name: i for i, name in enumerate(raters)}, {name: i for i, name in enumerate(units)}
    for (rater, unit), value in values.items():
        out[row[rater], column[unit]] = value
    return out


def repeats(said: Sequence[Said]) -> tuple[list[bool], list[str]]:
    """For each repeated preference: whether the reviewer said the same again, and its row."""
    first = {(one.reviewer, one.item["item"]): one.answer["prefer"] for one in preferences(originals(said))}
    again = [one for one in preferences(said) if (one.reviewer, one.item["repeat_of"]) in first]
    return [one.answer["prefer"] == first[one.reviewer, one.item["repeat_of"]] for one in again], [one.item["row"] for one in again]


def merit(said: Sequence[Said], system: str) -> dict[str, list[tuple[Said, float]]]:
    """Row -> every judgement of `system`'s answer on 0 to 1: the preference, and each mean rating (1 is 0, 5 is 1)."""
    out: dict[str, list[tuple[Said, float]]] = {}
    for one in said:
        values = [one.won(system)] if one in preferences([one]) and system in one.item["systems"] else []
        scores = one.answer["ratings"].get(system, {})
        values += [(float(np.mean(list(scores.values()))) - 1) / 4] if scores else []
        out.setdefault(one.item["row"], []).extend((one, value) for value in values)
    return {row: values for row, values in out.items() if values}


def rated_dimensions(said: Sequence[Said]) -> list[str]:
    """The dimensions on which anything was rated."""
    return [name for name in DIMENSIONS if any(name in scores for one in said for scores in one.answer["ratings"].values())]
