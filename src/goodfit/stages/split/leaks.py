"""What stands on two sides at once: the same text, nearly the same, or the same value of `split.by`. Finding it, and proving that
nothing does.

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
    by_near: Mask
    """Nearly the same text, and not the same."""
    text_touches: dict[str, int]
    """Rows of valid and test whose text stands in a lower split."""
    value_touches: dict[str, int]
    """Rows of valid and test whose `split.by` value stands in a lower split."""
    near_touches: dict[str, int]
    """Rows of valid and test that nearly stand in a lower split, and not as they are."""
    touched: Mask
    """Rows of valid and test whose text or value stands in a lower split."""
    near_touched: Mask
    """Rows that nearly stand in a lower split, and not as they are."""

    @property
    def certain(self) -> Mask:
        """Rows that leak by their text or their value."""
        return self.by_text | self.by_value

    @property
    def any(self) -> Mask:
        """Rows that leak in one way or the other."""
        return self.certain | self.by_near

    def to_json(self) -> dict[str, Any]:
        """Counts for the manifest: rows of the lower split, and the rows that they touch."""
        return {
            "by_text": int(self.by_text.sum()), "by_value": int(self.by_value.sum()), "by_near": int(self.by_near.sum()),
            "text_touches": self.text_touches, "value_touches": self.value_touches, "near_touches": self.near_touches,
        }  # fmt: skip


def find_leaks(sides: Sides, same: Ints, by: Ints | None, near: Ints | None = None) -> Leaks:
    """What stands on two sides; the rows to blame are those of the lower split, for a test row is never the one to go.

    `near`: for each row the first row of its group of near-duplicates, where these count too.
    """
    nothing = np.full(len(sides), -1, dtype=np.int64)
    values, tokens = nothing if by is None else by, same if near is None else near
    below, above, near_above = _below(sides, same), _above(sides, same), _above(sides, tokens)
    near_above &= ~above
    by_above = _above(sides, values)
    return Leaks(
        by_text=below, by_value=_below(sides, values), by_near=_below(sides, tokens) & ~below, text_touches=_counted(sides, above),
        value_touches=_counted(sides, by_above), near_touches=_counted(sides, near_above), touched=above | by_above,
        near_touched=near_above,
    )  # fmt: skip


def _counted(sides: Sides, above: Mask) -> dict[str, int]:
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
