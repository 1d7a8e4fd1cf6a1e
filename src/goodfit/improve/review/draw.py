"""Which rows people see: half of the chances spread over all rows, half where failures are likely; every chance is known.

Part of review. Likely failures: highest loss, longest answer, rarest cluster, most disagreement between the systems. A row's size is what
each of these (as far as there is data for it) and the plain half give it; rows are taken by sequential Poisson sampling (Ohlsson 1998): the
n smallest u / size, where the u of a cluster's rows are spread evenly over 0 to 1, so that clusters are covered in proportion. The chance
to be taken is then n * size / sum of sizes, at most 1, to within about 1/n; results weigh by its inverse. The ranks do not depend on n: a
larger draw only adds rows.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goodfit.improve.review.samples import Row

PLAIN = 0.5
"""Share of the chances that all rows share alike."""
TOP = 0.2
"""Share of the rows that counts as highest, longest, rarest, most disagreed about."""
REPEAT_EVERY = 20
"""One item of so many is asked again, to see whether a reviewer would say the same."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """One row to be shown, with the two systems compared (or the only one), its chance, and the strata that it belongs to."""

    row: Row
    systems: tuple[str, ...]
    p: float
    strata: tuple[str, ...]


@dataclass(frozen=True)
class Draw:
    """The rows drawn, of `population` rows on which the systems differ; `identical` rows were left out, since all answers are the same."""

    drawn: list[Drawn]
    population: int
    identical: int


def draw(rows: Sequence[Row], systems: Sequence[str], n: int, seed: int) -> Draw:
    """`n` rows (or all, if fewer); the same seed and rows give the same draw, and a smaller n its beginning."""
    subject = systems[0]
    usable = [row for row in rows if subject in row.texts and (len(systems) == 1 or _rivals(row, systems))]
    identical = sum(subject in row.texts and len(row.texts) > 1 for row in rows) - (len(usable) if len(systems) > 1 else 0)
    if not usable:
        return Draw([], 0, max(identical, 0))
    strata = _strata(usable, subject)
    share = PLAIN if strata else 1.0
    sizes = np.full(len(usable), share / len(usable))
    for inside in strata.values():
        sizes += np.where(inside, (1 - share) / len(strata) / inside.sum(), 0.0)
    order = np.argsort(_spread_evenly(usable, seed) / sizes, kind="stable")[:n]
    chances = inclusion(sizes, min(n, len(usable)))
    taken: Counter[str] = Counter()
    drawn = []
    for i in order:
        row = usable[i]
        rivals = _rivals(row, systems)
        names = tuple(name for name, inside in strata.items() if inside[i]) or ("other",)
        if rivals:
            rival = min(rivals, key=lambda name: (taken[name], rivals.index(name)))
            taken[rival] += 1
            drawn.append(Drawn(row, (subject, rival), float(chances[i]) / len(rivals), names))
        else:
            drawn.append(Drawn(row, (subject,), float(chances[i]), names))
    return Draw(drawn, len(usable), identical)


def inclusion(sizes: Floats, n: int) -> Floats:
    """Chance of each row to be among n: proportional to its size, but never above 1."""
    chances = np.minimum(1.0, n * sizes / sizes.sum())
    for _ in range(len(sizes)):
        certain = chances >= 1.0
        left = n - certain.sum()
        if certain.all() or left <= 0:
            break
        again = np.where(certain, 1.0, np.minimum(1.0, left * sizes / sizes[~certain].sum()))
        if np.allclose(again, chances):
            break
        chances = again
    return np.asarray(chances)


def _rivals(row: Row, systems: Sequence[str]) -> list[str]:
    """The systems whose answer to this row differs from the subject's."""
    return [name for name in systems[1:] if name in row.texts and row.texts[name] != row.texts[systems[0]]]


def _strata(rows: Sequence[Row], subject: str) -> dict[str, NDArray[np.bool_]]:
    """Where failures are likely: name -> which rows; only those for which there is data."""
    clusters = Counter(row.cluster for row in rows if row.cluster is not None)
    measures: dict[str, Callable[[Row], float | None]] = {
        "highest_loss": lambda row: row.loss,
        "longest": lambda row: float(len(row.texts[subject])),
        "rarest": lambda row: -float(clusters[row.cluster]) if row.cluster is not None else None,
        "disagreement": lambda row: disagreement(row, subject),
    }
    out = {}
    for name, measure in measures.items():
        values = np.array([np.nan if (value := measure(row)) is None else value for row in rows])
        known = np.isfinite(values)
        if known.sum() < 5 or np.unique(values[known]).size < 2:
            continue
        least = np.quantile(values[known], 1 - TOP, method="higher")
        inside = known & (values >= least)
        if inside.sum() > 2 * TOP * len(rows):  # many rows share that value
            inside = known & (values > least)
        if 0 < inside.sum() < len(rows):
            out[name] = inside
    return out


def disagreement(row: Row, subject: str) -> float | None:
    """1 - the share of words that the subject's answer has in common with the most different other answer (Jaccard); None if alone."""
    own = _words(row.texts[subject])
    others = [_words(text) for name, text in row.texts.items() if name != subject]
    shared = [len(own & other) / len(own | other) if own | other else 1.0 for other in others]
    return 1 - min(shared) if shared else None


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+|[^\w\s]", text[:20_000].casefold()))


def _spread_evenly(rows: Sequence[Row], seed: int) -> Floats:
    """A uniform number per row; those of one cluster are evenly spread over 0 to 1."""
    out = np.zeros(len(rows))
    members: dict[str | None, list[int]] = {}
    for i, row in enumerate(rows):
        members.setdefault(row.cluster, []).append(i)
    for cluster, inside in members.items():
        ranked = sorted(inside, key=lambda i: chance(seed, "rank", rows[i].row))
        start = chance(seed, "cluster", str(cluster))
        for rank, i in enumerate(ranked):
            out[i] = (rank + start) / len(ranked)
    return out


def chance(seed: int, *words: str) -> float:
    """A number in (0, 1) that depends on the seed and the words alone, on any machine."""
    text = "\x1f".join([str(seed), *words])
    return (int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") + 0.5) / 2**64


def key(seed: int, *words: str) -> str:
    """Eight hex digits that depend on the seed and the words: names that tell nothing."""
    return hashlib.blake2b("\x1f".join([str(seed), *words]).encode(), digest_size=4).hexdigest()
