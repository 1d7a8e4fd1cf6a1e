"""Which proposals are shown, and in what order: the most expected gain for a minute's cost, one for each cause, at most five.

Part of iterate.
"""

from __future__ import annotations

from collections.abc import Sequence

from goodfit.improve.iterate.proposal import Proposal

MOST = 5
LEAST_CHANCE = 0.2
"""Of any gain, below which nothing is proposed."""
LEAST_GAIN = 0.0005
"""Expected, as a share: a twentieth of a point."""
KEEN = 0.5
"""Gain counts more than cost: the order is by gain / cost ** KEEN, so that a cheap step without effect does not come first."""


def ranked(found: Sequence[Proposal]) -> list[Proposal]:
    """The proposals to show, best first, with their places."""
    worth = [one for one in found if one.chance >= LEAST_CHANCE and (one.gain.value or 0.0) >= LEAST_GAIN]
    order = sorted(worth, key=lambda one: (-_value(one), one.action))
    out: list[Proposal] = []
    for one in order:
        if len(out) < MOST and all(one.cause != other.cause or one.kind != other.kind for other in out):
            out.append(one.model_copy(update={"place": len(out) + 1}))
    return out


def _value(one: Proposal) -> float:
    return float((one.gain.value or 0.0) / one.cost.in_seconds() ** KEEN)
