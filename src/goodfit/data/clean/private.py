"""What is personal or secret in a column of texts, batch by batch, without what only chance put there.

Layer: data, over `personal` and `secret`. RE2 leaves the few texts that could hold something; nothing of a value is kept but its kind and
a few examples as they may be printed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pyarrow as pa
from scipy.stats import binom

from goodfit.data.clean.columns import suspects
from goodfit.data.clean.personal import KINDS, Tried, shown, spans_of
from goodfit.data.clean.secret import PREFILTER as SECRET_PREFILTER
from goodfit.data.clean.secret import secrets_of
from goodfit.data.clean.shapes import PREFILTER

EXAMPLES = 3
"""Of each kind that are kept to be shown."""
BY_CHANCE = 0.01
"""Chance below which so many numbers of a shape have no check digit by accident."""


@dataclass
class Personal:
    """What was found in a column, by kind; rows are numbers."""

    looked_at: int = 0
    sure: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    """Rows with at least one that is told by more than a check digit."""
    doubtful: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    """Rows with such as are told by a check digit alone."""
    tried: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """Kind and whether it fits -> numbers that were looked at for a check digit alone."""
    named: dict[str, Counter[str]] = field(default_factory=lambda: {kind: Counter() for kind in KINDS})
    """Kind -> more closely -> how many."""
    examples: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    """Kind -> a few, as they may be printed."""

    def add(self, texts: pa.Array) -> None:
        """The next texts of the column."""
        for i, text in suspects(texts, PREFILTER):
            tried: list[Tried] = []
            for span in spans_of(text, tried=tried):
                rows = (self.doubtful if span.doubtful else self.sure)[span.kind]
                if not rows or rows[-1] != self.looked_at + i:
                    rows.append(self.looked_at + i)
                self.named[span.kind][span.name] += 1
                if len(self.examples[span.kind]) < EXAMPLES:
                    self.examples[span.kind].append(shown(text[span.begin : span.end], span.kind))
            self.tried.update((one.kind, one.fits) for one in tried)
        self.looked_at += len(texts)

    def by_chance(self, kind: str) -> bool:
        """Whether the doubtful ones are no more than what random numbers of this shape have by chance (binomial, 1%)."""
        fits, tried = self.tried[kind, True], self.tried[kind, True] + self.tried[kind, False]
        return tried > fits and binom.sf(fits - 1, tried, KINDS[kind].chance) > BY_CHANCE

    def rows(self, kind: str) -> set[int]:
        """The rows that hold this kind; of the doubtful ones only where they are more than chance."""
        return set(self.sure[kind]) | (set() if self.by_chance(kind) else set(self.doubtful[kind]))


@dataclass
class Secrets:
    """Which rows of a column hold a secret, and of which kind."""

    looked_at: int = 0
    rows: list[int] = field(default_factory=list)
    named: Counter[str] = field(default_factory=Counter)
    """Kind -> how many."""

    def add(self, texts: pa.Array) -> None:
        """The next texts of the column."""
        for i, text in suspects(texts, SECRET_PREFILTER):
            found = secrets_of(text)
            if found:
                self.rows.append(self.looked_at + i)
                self.named.update(name for _, _, name in found)
        self.looked_at += len(texts)
