"""AUD005: rows that repeat the text of an earlier row, exactly or up to case, punctuation, spaces and invisible characters."""

from __future__ import annotations

import pyarrow.compute as pc

from goodfit.monitor.words import count as noun_count
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, one_array, percent, place, rate

WARNING = 0.05
"""Share of rows that repeat an earlier one."""


@check(code="AUD005", kind="duplicates", severity="warning", looks_for="rows that repeat a text", tasks=ALL_TASKS)
def duplicates(scene: Scene) -> Outcome:
    """Groups of equal texts, largest first. Rows of a group were kept on one side by split."""
    counts = scene.hygiene["duplicates"]
    read = scene.hygiene["read"]
    if not counts["extra"]:
        return passed("no text appears twice")
    table = scene.hygiene_rows.filter(pc.is_valid(scene.hygiene_rows["duplicate"]))
    table = table.take(pc.sort_indices(table, sort_keys=[("size", "descending"), ("duplicate", "ascending")]))
    share = counts["extra"] / read
    removed = scene.manifest["dropped"].get("duplicate", 0)
    given = any(file["split"] for file in scene.manifest["files"])
    where = "Those that stand in two given splits are AUD008." if given else "Equal texts stand on one side of the split."
    done = f" {removed:,} of them were dropped (split.duplicates: drop)." if removed else ""
    return found(
        "warning" if share >= WARNING and removed < counts["extra"] / 2 else "note",
        f"{counts['extra']:,} of {read:,} rows ({percent(share)}) repeat the text of an earlier row",
        detail=f"{noun_count(counts['groups'], 'text')} with more than one row, the commonest with {counts['largest']:,}; "
        f"a repeat is the same up to case, spaces and all punctuation: {_kinds(counts['exact_extra'], counts['extra'])}. {where}{done}",
        rows=one_array(table["row"]), where=place(str(table["at"][0].as_py())), evidence=(rate("duplicate_rate", counts["extra"], read),),
        fix="" if removed else _fix(counts),
    )  # fmt: skip


def _kinds(exact: int, extra: int) -> str:
    """How many of the repeats are equal character by character."""
    if exact == extra:
        return "all are equal character by character"
    return f"{exact:,} of them {'is' if exact == 1 else 'are'} equal character by character, {extra - exact:,} only in this way"


def _fix(counts: dict[str, int]) -> str:
    drop = "split.duplicates: drop keeps one of each text and label; leave them where repeats are what the model will meet"
    if counts["exact_extra"] >= counts["extra"] / 2:
        return drop
    return f"look first at what most of them differ in: an emoticon, a sign or ? and ! may matter here. {drop}"
