"""The suspects of a data set: every judged training row, most suspicious first, and what is known of them as a whole.

Part of audit's labels: the glue between a Scene and the pure functions. Leaves `audit/suspects.parquet`: row, split, label (given; of
several labels a row the one concerned), suggested (of several: the whole set, as a JSON list), suspicion (share of the rows that are less
suspicious, and the row itself), probability (of what is suggested), stratum (0 the most suspicious twentieth … 3 the rest), flagged.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from goodfit.stages.audit.labels.flags import Bounds, bounds, flagged
from goodfit.stages.audit.labels.opinion import Opinion, Subject, opinion_of
from goodfit.stages.audit.labels.planted import Found, look_for_planted
from goodfit.stages.audit.labels.ranking import Ranking, positions, rank_classes, rank_sets, strata_of

if TYPE_CHECKING:
    from goodfit.stages.audit.scene import Scene
from goodfit.stages.audit.seen import Featured

Held = npt.NDArray[np.bool_]
MINIMUM_ROWS = 50
CLASS_ROWS = 5
"""Rows of different clusters that a class needs, one for each fold: below it is left out."""
PAIRS = 30
SCHEMA = pa.schema([
    ("row", pa.string()), ("split", pa.string()), ("label", pa.string()), ("suggested", pa.string()), ("suspicion", pa.float64()),
    ("probability", pa.float64()), ("stratum", pa.int8()), ("flagged", pa.bool_()),
])  # fmt: skip


@dataclass(frozen=True)
class Suspects:
    """What a second reader says of the labels."""

    table: pa.Table
    """audit/suspects.parquet: most suspicious first."""
    bounds: Bounds
    found: Found
    """What the flags find of labels that were changed on purpose."""
    left_out: dict[str, int]
    """Class -> its rows in the sample, of the classes that are not judged."""
    of: int
    """Training rows in all; those judged are a sample by chance where they are fewer."""
    encoder: str
    several: bool = False
    """Rows may have several labels."""

    @property
    def judged(self) -> int:
        """Rows that are judged."""
        return self.table.num_rows

    @property
    def flags(self) -> int:
        """Rows that are flagged."""
        return int(np.asarray(self.table["flagged"]).sum())

    def to_json(self) -> dict[str, Any]:
        """For audit/profile.json: how many, between which ends, and the commonest pairs of a flagged label and a likelier one."""
        flagged = self.table.filter(self.table["flagged"]).to_pylist()
        pairs = Counter((row["label"], likelier(row, several=self.several)) for row in flagged).most_common(PAIRS)
        return {
            "judged": self.judged, "flags": self.flags, "at_least": round(self.bounds.low, 6), "at_most": round(self.bounds.high, 6),
            "pairs": [{"label": label, "likelier": other, "n": n} for (label, other), n in pairs],
        }  # fmt: skip


def likelier(row: dict[str, Any], *, several: bool) -> str:
    """What is likelier than the label of a row of the table; of several labels that it is missing, or should not be there."""
    if not several:
        return str(row["suggested"])
    return "missing" if row["label"] in json.loads(row["suggested"]) else "without it"


def suspects_of(scene: Scene) -> Suspects | str:
    """The suspects, or why there are none to be had."""
    if scene.splits.counts["train"] < MINIMUM_ROWS:
        return f"it takes {MINIMUM_ROWS} training rows; there are {scene.splits.counts['train']:,}"
    featured = scene.featured
    given, judged = given_of(featured, len(scene.labels), several=scene.splits.multi_label)
    rows = np.flatnonzero(given[:, judged].any(axis=1)) if not scene.splits.multi_label else np.arange(len(featured))
    if judged.sum() < (1 if scene.splits.multi_label else 2) or len(rows) < MINIMUM_ROWS:
        return f"fewer than two classes have {CLASS_ROWS} training rows that are not near-duplicates or of one cluster"
    subject = Subject(
        vectors=featured.vectors[rows], targets=given[rows][:, judged].astype(np.float32), groups=featured.clusters[rows],
        exclusive=not scene.splits.multi_label, seed=scene.recipe.seed,
    )  # fmt: skip
    names = np.array(scene.labels, dtype=object)
    with threadpool_limits(1):  # small products, many of them: a second thread costs more than it brings, and much where cores are busy
        opinion = opinion_of(subject, on_progress=lambda share: scene.screen.progress("judging labels", 0.7 * share, 1))
        found = look_for_planted(subject, opinion, on_copy=lambda share: scene.screen.progress("judging labels", 0.7 + 0.3 * share, 1))
        table = table_of(subject, opinion, featured.rows.take(pa.array(rows)), given[rows], names[judged], names)
        limits = bounds(subject, opinion)
    left = {str(names[c]): int(given[:, c].sum()) for c in np.flatnonzero(~judged) if given[:, c].any()}
    return Suspects(table, limits, found, left, scene.splits.counts["train"], featured.encoder, scene.splits.multi_label)


def given_of(featured: Featured, classes: int, *, several: bool) -> tuple[Held, Held]:
    """The classes that each row carries [n, K], and which classes can be judged [K]."""
    if several:
        given: Held = featured.labels.astype(bool)
    else:
        given = np.zeros((len(featured), classes), dtype=bool)
        given[np.arange(len(featured)), featured.labels] = True
    apart = np.array([len(np.unique(featured.clusters[given[:, c]])) for c in range(classes)])
    without = np.array([len(np.unique(featured.clusters[~given[:, c]])) for c in range(classes)])
    return given, (apart >= CLASS_ROWS) & (without >= CLASS_ROWS)


def table_of(
    subject: Subject, opinion: Opinion, rows: pa.Array, given: Held, judged: npt.NDArray[np.object_], names: npt.NDArray[np.object_]
) -> pa.Table:
    """SCHEMA's table; `given` [n, all classes], `judged` the names of the K classes that were judged, `names` of all."""
    chances = opinion.mixed
    ranking = rank_classes(subject.labels, chances) if subject.exclusive else rank_sets(subject.targets > 0, chances)
    position = positions(ranking.score)
    order = np.argsort(position)
    n = len(order)
    suggested = judged[ranking.suggested] if subject.exclusive else _sets(ranking, given, judged, names)
    flags = flagged(subject, chances)
    columns = [
        rows.take(pa.array(order)), pa.array(["train"] * n), pa.array(judged[ranking.label[order]], pa.string()),
        pa.array(suggested[order], pa.string()), pa.array((n - np.arange(n)) / n), pa.array(np.round(ranking.probability[order], 6)),
        pa.array(strata_of(np.arange(n))), pa.array(flags[order]),
    ]  # fmt: skip
    return pa.table(columns, schema=SCHEMA)


def _sets(ranking: Ranking, given: Held, judged: npt.NDArray[np.object_], names: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The set of labels that each row would have with the concerned one added or taken away, as JSON."""
    place = {name: i for i, name in enumerate(names)}
    out = given.copy()
    concerned = np.array([place[name] for name in judged])[ranking.suggested]
    at = np.arange(len(out)), concerned
    out[at] = ~out[at]
    return np.array([json.dumps([str(name) for name in names[row]], ensure_ascii=False) for row in out], dtype=object)
