"""A sample of items that keeps together what belongs together, and something of every stratum. Part of data.probes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray


def drawn(units: Sequence[Hashable], strata: Sequence[Hashable], most: int, seed: int) -> NDArray[np.int64]:
    """Places [k <= most] of the items to ask, ascending; all where they are no more than `most`.

    `units` [n]: items that are asked together or not at all (the four questions of one BBQ scene). `strata` [n], one for a unit: template,
    category. Units are taken by turns from the strata, by chance within each, until the next does not fit.
    """
    if len(units) <= most:
        return np.arange(len(units), dtype=np.int64)
    places: dict[Hashable, list[int]] = {}
    for place, unit in enumerate(units):
        places.setdefault(unit, []).append(place)
    names = list(places)
    shuffled = [names[i] for i in np.random.default_rng([seed, 0xB1A5]).permutation(len(names))]
    turn: dict[Hashable, int] = {}
    ranked = []
    for order, unit in enumerate(shuffled):
        stratum = strata[places[unit][0]]
        turn[stratum] = turn.get(stratum, -1) + 1
        ranked.append((turn[stratum], order, unit))
    out: list[int] = []
    for _, _, unit in sorted(ranked, key=lambda one: one[:2]):
        if len(out) + len(places[unit]) > most:
            break
        out += places[unit]
    return np.array(sorted(out), dtype=np.int64)


def codes(names: Sequence[Hashable]) -> NDArray[np.int64]:
    """Any names -> 0..G-1, in the order of their first coming."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], dtype=np.int64)
