"""What split says: SPL001-SPL008. Each is written whether it was found, passed, or does not apply. Pages: docs/findings/SPL….md.

These are facts about the files; what they mean for a model is judged by audit (AUD001, AUD002, AUD008, AUD009), so that no trouble
is told twice. Only what makes the splits themselves doubtful is more than a note here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.errors import nearest
from goodfit.files import write_atomic
from goodfit.finding import ROWS_SHOWN, Finding, Severity, Where
from goodfit.score import Score
from goodfit.stages.split.assign import Division
from goodfit.stages.split.cut import NAMES, TEST, TRAIN, UNDECIDED, VALID
from goodfit.stages.split.groups import Ints, Mask
from goodfit.stages.split.look import DECISION, REASONS
from goodfit.stages.split.record import Origin
from goodfit.stages.split.sources import shown_name
from goodfit.statistics import score
from goodfit.statistics.power import half_width

DROPPED_ERROR = 0.30
"""Share of rows that lack text or label from which the data is not what it was taken for."""
SMALL, TINY = 100, 30
"""Rows of validation or test: below the first a note (±8 points at an accuracy of 80%), below the second a warning (±14)."""
UNSEEN_ERROR = 0.05
"""Share of test or validation rows whose label was never in training."""
LARGE_GROUP, HUGE_GROUP = 0.2, 0.5
"""Share of all rows in one group that must stay together."""


@dataclass(frozen=True)
class Scene:
    """What the findings are made from."""

    division: Division
    origin: Origin
    manifest: dict[str, Any]
    folder: Path

    def finding(self, code: str, kind: str, severity: Severity, title: str, **more: Any) -> Finding:
        """A Finding of this stage; `mask` becomes its rows, in file order, and a file of rows where there are many."""
        mask: Mask | None = more.pop("mask", None)
        index: Ints = np.flatnonzero(mask) if mask is not None else np.zeros(0, np.int64)
        ids = self.origin.store.column("row").take(pa.array(index)).to_pylist()[:ROWS_SHOWN] if len(index) else []
        if len(index) > ROWS_SHOWN:
            more["rows_file"] = self._rows_file(code, index)
        return Finding(
            code=code,
            stage="split",
            kind=kind,
            severity=severity,
            title=title,
            n_rows=more.pop("n_rows", len(index)),
            rows=tuple(ids),
            **more,
        )

    def _rows_file(self, code: str, index: Ints) -> str:
        name = f"{code}.parquet"
        with write_atomic(self.folder / name, "wb") as handle:
            pq.write_table(pa.table({"row": self.origin.store.column("row").take(pa.array(index))}), handle)
        return f"split/{name}"

    def passed(self, code: str, kind: str, title: str) -> Finding:
        """Looked for and not found."""
        return Finding(code=code, stage="split", kind=kind, severity="note", status="passed", title=title)

    def not_applicable(self, code: str, kind: str, title: str, reason: str) -> Finding:
        """Not looked for, and why."""
        return Finding(code=code, stage="split", kind=kind, severity="note", status="not_applicable", title=title, reason=reason)


def rate(name: str, k: int, n: int, split: str | None = None) -> Score:
    """k of n rows, as a Score with Wilson's interval."""
    return score("rate", None, np.arange(n) < k).about(name=name, split=split)


def findings_of(division: Division, origin: Origin, manifest: dict[str, Any], folder: Path) -> list[Finding]:
    """Everything that split found."""
    scene = Scene(division, origin, manifest, folder)
    return [
        _leaking_texts(scene), _leaking_values(scene), _dropped(scene), _unknown_labels(scene), _small(scene), _unseen(scene),
        _large_group(scene), _how_read(scene),
    ]  # fmt: skip


def _leaking_texts(scene: Scene) -> Finding:
    """SPL001: the same normalised text in two given splits."""
    look = scene.division.look
    if (look.roles == UNDECIDED).all():
        return scene.passed("SPL001", "leakage", "no text stands in two splits: equal texts were kept together")
    found = scene.division.found
    return _leak(scene, "SPL001", found.by_text, found.text_touches, "text")


def _leaking_values(scene: Scene) -> Finding:
    """SPL002: the same `split.by` value in two given splits."""
    look, column = scene.division.look, scene.origin.columns.by
    if look.by is None:
        return scene.not_applicable("SPL002", "leakage", "values of split.by in two splits", "the recipe has no split.by")
    if (look.roles == UNDECIDED).all():
        return scene.passed("SPL002", "leakage", f"no {column} stands in two splits: its rows were kept together")
    found = scene.division.found
    return _leak(scene, "SPL002", found.by_value, found.value_touches, str(column))


def _leak(scene: Scene, code: str, mask: Mask, touched: dict[str, int], what: str) -> Finding:
    if not mask.any():
        return scene.passed(code, "leakage", f"the given splits share no {what}")
    sizes = scene.manifest["splits"]
    removed = not scene.division.left.any.any()
    listed = " and ".join(f"{n:,} of {sizes[name]:,} {name} rows" for name, n in touched.items() if n)
    done = "They were dropped from the lower split (split.leaks: drop)." if removed else "They were left where they are, as given."
    rows = int(mask.sum())
    evidence = tuple(rate("leak_rate", n, sizes[name], name) for name, n in touched.items() if n)
    return scene.finding(
        code, "leakage", "note", f"{rows:,} rows share their {what} with a row of a higher given split",
        detail=f"{listed} have a counterpart in a lower split: what a model learned there it can repeat, so that scores flatter. {done}",
        mask=mask, evidence=evidence, where=Where(split="train" if (scene.division.look.roles[mask] == TRAIN).any() else "valid"),
        fix="" if removed else "set split.leaks: drop, or give splits without common rows",
    )  # fmt: skip


def _dropped(scene: Scene) -> Finding:
    """SPL003: rows that could not be used, by reason."""
    dropped, read = scene.manifest["dropped"], scene.manifest["read"]
    if not dropped:
        return scene.passed("SPL003", "dropped_rows", f"all {read:,} rows are used")
    reasons = scene.division.look.reasons
    mask = (reasons > 0) & (reasons < DECISION)  # others go because a person, the recipe, or the parent's sides say so
    share = float(mask.mean())
    severity: Severity = "error" if share >= DROPPED_ERROR else "note"
    listed = ", ".join(f"{n:,} {reason.replace('_', ' ')}" for reason, n in sorted(dropped.items(), key=lambda pair: -pair[1]))
    lacking = f"{100 * share:.2g}% of the rows lack what training needs. " if mask.any() else ""
    total = sum(dropped.values())
    return scene.finding(
        "SPL003", "dropped_rows", severity, f"{total:,} of {read:,} rows {'is' if total == 1 else 'are'} not used: {listed}",
        detail=f"{lacking}Ids and reasons of all of them are in split/hygiene.parquet.", mask=mask, n_rows=total,
        evidence=(rate("dropped_rate", total, read),), where=_first(scene, mask),
        fix="fill in or delete these rows in the file" if mask.any() else "",
    )  # fmt: skip


def _unknown_labels(scene: Scene) -> Finding:
    """SPL004: labels that the recipe does not list."""
    look, code, kind = scene.division.look, "SPL004", "unknown_label"
    if not scene.manifest["declared_labels"]:
        return scene.not_applicable(code, kind, "labels outside task.labels", "the recipe lists no labels (task.labels)")
    unknown = look.unknown()
    if not unknown:
        return scene.passed(code, kind, "every label is one that the recipe lists")
    mask = look.reasons == REASONS.index(kind)
    first = next(iter(unknown))
    close = nearest(first, look.names)
    hint = f"did you mean {close!r} by {first!r}? " if close else ""
    listed = ", ".join(f"{name!r} ({n:,} rows)" for name, n in list(unknown.items())[:5])
    return scene.finding(
        code, kind, "error", f"{int(mask.sum()):,} rows carry labels that are not in task.labels",
        detail=f"Not listed: {listed}. These rows are not used.", mask=mask, where=_first(scene, mask),
        fix=f"{hint}correct the file, or add the label to task.labels",
    )  # fmt: skip


def _small(scene: Scene) -> Finding:
    """SPL005: validation or test rows too few to show much."""
    sizes = {name: scene.manifest["splits"][name] for name in ("valid", "test") if scene.manifest["splits"][name]}
    small = {name: n for name, n in sizes.items() if n < SMALL}
    if not sizes:
        return scene.not_applicable("SPL005", "few_rows", "rows of validation and test", "the recipe cuts neither")
    if not small:
        return scene.passed("SPL005", "few_rows", " and ".join(f"{n:,} {name} rows" for name, n in sizes.items()))
    worst = min(small.values())
    listed = " and ".join(f"{n:,} {name} rows" for name, n in small.items())
    return scene.finding(
        "SPL005", "few_rows", "warning" if worst < TINY else "note", f"only {listed}",
        detail=f"On {worst:,} rows a share of 80% has an interval of about ±{100 * half_width(worst):.0f} points.",
        n_rows=worst, fix="give more rows; a larger split.test_size takes them from training",
    )  # fmt: skip


def _unseen(scene: Scene) -> Finding:
    """SPL006: classes of validation or test, or of the recipe, that training never shows."""
    counts, sizes = scene.manifest["labels"], scene.manifest["splits"]
    if not counts:
        return scene.not_applicable("SPL006", "unseen_label", "classes that training never shows", "the task has no classes")
    absent = [name for name, row in counts.items() if not row["train"]]
    if not absent:
        return scene.passed("SPL006", "unseen_label", f"all {len(counts):,} classes have training rows")
    mask = _rows_of(scene, np.flatnonzero([not row["train"] for row in counts.values()]))
    share = max(int((mask & (scene.division.sides == side)).sum()) / max(1, sizes[NAMES[side]]) for side in (VALID, TEST))
    listed = ", ".join(map(repr, absent[:5])) + (f" and {len(absent) - 5} more" if len(absent) > 5 else "")
    return scene.finding(
        "SPL006", "unseen_label", "error" if share >= UNSEEN_ERROR else "warning",
        f"{len(absent):,} of {len(counts):,} classes have no training row",
        detail=f"{listed}: no model can learn them here; {int(mask.sum()):,} validation and test rows count as mistakes.",
        mask=mask, fix="give training rows of these classes, or leave them out of task.labels and of the files",
    )  # fmt: skip


def _rows_of(scene: Scene, codes: Ints) -> Mask:
    """Rows of validation and test that carry one of these classes."""
    sets, sides = scene.division.look.sets, scene.division.sides
    mask = np.zeros(len(sides), dtype=bool)
    mask[sets.rows[np.isin(sets.codes, codes)]] = True
    return mask & ((sides == VALID) | (sides == TEST))


def _large_group(scene: Scene) -> Finding:
    """SPL007: one group that must stay together holds much of the data."""
    clusters, used = scene.manifest["clusters"], max(1, scene.manifest["used"])
    share = clusters["largest"] / used
    if share < LARGE_GROUP:
        return scene.passed("SPL007", "large_group", f"{clusters['n']:,} groups; the largest holds {100 * share:.1f}% of the rows")
    groups, column = scene.division.groups, scene.origin.columns.by
    largest = int(np.argmax(np.bincount(groups[groups >= 0])))
    shared = f"their text or their {column}" if column else "their text"
    return scene.finding(
        "SPL007", "large_group", "warning" if share >= HUGE_GROUP else "note", f"one group holds {100 * share:.0f}% of the rows",
        detail=f"Rows that share {shared} stay on one side: the sizes of the splits and the intervals suffer.", mask=groups == largest,
        fix="name a finer column in split.by" if column else "look at these rows: they are one text",
    )  # fmt: skip


def _how_read(scene: Scene) -> Finding:
    """SPL008: what a user should know about how the files were read."""
    code, kind, store = "SPL008", "how_read", scene.origin.store
    if not store.notes:
        return scene.passed(code, kind, "the files were read as they stand")
    notes = [_shown(note, scene.origin.names) for note in store.notes]
    title = notes[0] if len(notes) == 1 else f"{len(notes)} things about how the files were read"
    detail = "" if len(notes) == 1 else "; ".join(notes) + "."
    return scene.finding(
        code, kind, "note", title, detail=detail, fix="see that this is what you mean (format, encoding, header, label_separator)"
    )


def _shown(note: str, names: dict[str, str]) -> str:
    """A note with every file as the user wrote it."""
    for name in sorted(names, key=len, reverse=True):
        note = note.replace(name, names[name])
    return note


def _first(scene: Scene, mask: Mask) -> Where | None:
    """Where the first of these rows stands."""
    if not mask.any():
        return None
    place = str(scene.origin.store.column("at")[int(np.argmax(mask))])
    file, _, line = place.rpartition(":")
    if not line.isdigit():
        return Where(file=shown_name(place, scene.origin.names))
    return Where(file=shown_name(file, scene.origin.names), line=int(line))
