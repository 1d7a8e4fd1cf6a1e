"""General rows that are trained on beside the task's (`prepare.mix`), and how many examples of each source an epoch draws.

Part of prepare, for generation. Mixed rows come only into training; one that asks what a validation or test row asks is left out and
counted. Rehearsing general data holds forgetting down: Scialom et al. 2022 (1% already does), Huang et al. 2024.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.data.conversations import question_of
from goodfit.data.conversations.reading import Turns
from goodfit.data.duplicates import text_keys
from goodfit.data.fingerprint import data_fingerprint
from goodfit.data.named import opened, source_of
from goodfit.data.source import Columns, Source
from goodfit.data.store import RowStore, open_store
from goodfit.engine.examples import Draws
from goodfit.errors import DataError, Place, SettingsError
from goodfit.recipe import Mix

EPOCHS = 10
"""So many epochs have mixed rows of their own, where there are enough; more rows than that are not tokenised."""
ORDER = 0x313
"""Seed of the draw among more rows."""
MOST_DRAWN = 10**9
"""Rows of an epoch beyond which the weights are a mistake."""
LEAK = "asked_in_validation_or_test"


@dataclass
class Block:
    """Training examples of one source."""

    name: str
    weight: float = 1.0
    """Of a mix: its share of an epoch's examples."""
    is_mix: bool = False
    rows: int = 0
    examples: int = 0
    tokens: int = 0
    learned: int = 0

    def to_json(self, drawn: int, total: int) -> dict[str, Any]:
        """One of `sources` in the manifest."""
        return {
            "source": self.name, "rows": self.rows, "examples": self.examples, "tokens": self.tokens, "learned": self.learned,
            "share" if self.is_mix else "weight": self.weight, "mix": self.is_mix, "per_epoch": drawn, "of_epoch": drawn / max(1, total),
        }  # fmt: skip


def draws_of(blocks: Sequence[Block]) -> Draws:
    """(examples, drawn in an epoch) of each block: weight times its examples; of the mix its share of the whole.

    SettingsError where an epoch would never end.
    """
    own = [(block.examples, max(1, round(block.weight * block.examples)) if block.examples else 0) for block in blocks if not block.is_mix]
    total = sum(drawn for _, drawn in own)
    if total > MOST_DRAWN:
        raise SettingsError(
            f"the weights of data.sources make an epoch of {total:.1e} rows", place=Place(key="data.sources.weight"),
            fix="a weight says how often a row is drawn in an epoch: give numbers near 1",
        )  # fmt: skip
    return (*own, *((block.examples, wanted(block.weight, total) if block.examples else 0) for block in blocks if block.is_mix))


def wanted(share: float, examples: int) -> int:
    """Mixed examples beside so many of the task's, for a share of all."""
    return max(1, round(share / (1 - share) * examples))


def mix_source(section: Mix, base: Path) -> Source:
    """The file of the mix; relative to the recipe's folder."""
    return source_of(section, opened(section.path, base))


def mix_fingerprint(section: Mix | None, base: Path) -> str | None:
    """What the file holds: part of the stage's inputs."""
    return None if section is None else data_fingerprint((mix_source(section, base),))


@dataclass
class Mixed:
    """The rows of the mix, read like any other and looked through."""

    section: Mix
    source: Source
    store: RowStore
    dropped: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""
    places: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Of the usable rows, in the file's order."""

    @classmethod
    def opened(cls, section: Mix, base: Path, mask: tuple[str, ...] = ()) -> Mixed:
        """DataError (file, line) where the file cannot be read, or where not one of its rows can be learned from."""
        source = mix_source(section, base)
        mixed = cls(section, source, open_store((source,), Columns(turns=Turns(), mask=mask)))
        reasons = mixed.store.column("reason").to_pylist()
        mixed.dropped.update(reason for reason in reasons if reason)
        mixed.places = np.flatnonzero([reason is None for reason in reasons])
        mixed._refuse_nothing()
        return mixed

    def without(self, held_out: NDArray[np.uint64]) -> None:
        """Leaves out the rows that ask what a row of these asks (keys as of `Splits.question_keys`)."""
        told = self.store.column("conversation").take(pa.array(self.places)).to_pylist()
        keys = text_keys(pa.array([question_of(json.loads(text)) for text in told], pa.string()))
        leaks = np.isin(_as_one(keys), _as_one(held_out)) & (keys != 0).any(axis=1)
        if leaks.any():
            self.dropped[LEAK] += int(leaks.sum())
        self.places = self.places[~leaks]
        self._refuse_nothing()

    def few(self, beside: int) -> None:
        """Of more rows than a training can need, some by chance; `beside`: the task's examples of an epoch."""
        most = EPOCHS * wanted(self.section.share, beside)
        if len(self.places) > most:
            self.dropped["not_needed"] += len(self.places) - most
            self.places = np.sort(np.random.default_rng(ORDER).choice(self.places, size=most, replace=False))

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(id, conversation, file:line) of each row."""
        for start in range(0, len(self.places), 1024):
            places = self.places[start : start + 1024]
            told, at = (self.store.column(name).take(pa.array(places)).to_pylist() for name in ("conversation", "at"))
            for place, text, where in zip(places.tolist(), told, at, strict=True):
                yield f"mix.{place + 1}", text, self.section.path + where.removeprefix(self.source.path)

    def to_json(self) -> dict[str, Any]:
        """`mix` of the manifest: rows read = used + dropped by reason."""
        return {
            "source": self.section.path, "share": self.section.share, "read": len(self.store), "used": len(self.places),
            "dropped": dict(self.dropped),
        }  # fmt: skip

    def _refuse_nothing(self) -> None:
        if not len(self.places):
            why = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in self.dropped.most_common())
            raise DataError(
                f"no row of prepare.mix can be used ({why})", place=Place(file=self.section.path), fix="give other general rows"
            )


def _as_one(keys: NDArray[np.uint64]) -> NDArray[Any]:
    """uint64 [n, 2] as one comparable value a row."""
    return np.ascontiguousarray(keys).view(np.dtype([("a", np.uint64), ("b", np.uint64)])).reshape(-1)
