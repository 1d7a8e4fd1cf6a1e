"""What stands on two sides at once: the same text, or the same value of `split.by`. Finding it, and proving that nothing does.

Used by split for given splits (which are never moved), for rows that a changed file joined, and as the proof at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from goodfit.stages.split.groups import Ints, Mask

Sides = npt.NDArray[np.int8]
"""0 train, 1 valid, 2 test, -1 not in any split."""


@dataclass(frozen=True)
class Leaks:
    """Rows of a lower split (train before valid before test) that have a counterpart in a higher one; masks of shape (n,)."""

    by_text: Mask
    by_value: Mask
    text_touches: dict[str, int]
    """Rows of valid and test whose text stands in a lower split."""
    value_touches: dict[str, int]
    """Rows of valid and test whose `split.by` value stands in a lower split."""

    @property
    def any(self) -> Mask:
        """Rows that leak in one way or the other."""
        return self.by_text | self.by_value

    def to_json(self) -> dict[str, Any]:
        """Counts for the manifest: rows of the lower split, and the rows that they touch."""
        return {
            "by_text": int(self.by_text.sum()), "by_value": int(self.by_value.sum()),
            "text_touches": self.text_touches, "value_touches": self.value_touches,
        }  # fmt: skip


def find_leaks(sides: Sides, same: Ints, by: Ints | None) -> Leaks:
    """What stands on two sides; the rows to blame are those of the lower split, for a test row is never the one to go."""
    nothing = np.full(len(sides), -1, dtype=np.int64)
    values = nothing if by is None else by
    return Leaks(_below(sides, same), _below(sides, values), _touched(sides, same), _touched(sides, values))


def _touched(sides: Sides, tokens: Ints) -> dict[str, int]:
    above = _above(sides, tokens)
    return {"valid": int((above & (sides == 1)).sum()), "test": int((above & (sides == 2)).sum())}


def _below(sides: Sides, tokens: Ints) -> Mask:
    """Rows whose token also stands on a higher side."""
    out: Mask = (sides >= 0) & (tokens >= 0) & (_highest(sides, tokens)[tokens] > sides)
    return out


def _above(sides: Sides, tokens: Ints) -> Mask:
    """Rows whose token also stands on a lower side."""
    out: Mask = (sides >= 0) & (tokens >= 0) & (_lowest(sides, tokens)[tokens] < sides)
    return out


def _highest(sides: Sides, tokens: Ints) -> Sides:
    used = (sides >= 0) & (tokens >= 0)
    out = np.full(int(tokens.max(initial=0)) + 1, -1, dtype=np.int8)
    np.maximum.at(out, tokens[used], sides[used])
    return out


def _lowest(sides: Sides, tokens: Ints) -> Sides:
    used = (sides >= 0) & (tokens >= 0)
    out = np.full(int(tokens.max(initial=0)) + 1, 3, dtype=np.int8)
    np.minimum.at(out, tokens[used], sides[used])
    return out
