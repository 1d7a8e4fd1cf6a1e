"""AUD020: rows whose label is probably wrong, most suspicious first, with how many of the flags are likely real."""

from __future__ import annotations

from goodfit.monitor.words import count, visible
from goodfit.score import Score
from goodfit.stages.audit.check import Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.labels import Suspects
from goodfit.stages.audit.labels.first import FIRST
from goodfit.stages.audit.labels.planted import precision
from goodfit.stages.audit.scene import Scene, listing, percent, rate
from goodfit.statistics.proportions import wilson

SURE = 5
"""Rows of which both readers are sure that another class is right, that are worth a note."""
NOTE = 0.005
"""Share of the rows for which that must hold, at the lower end."""


@check(code="AUD020", kind="label_suspects", severity="note", looks_for="labels that are probably wrong")
def label_suspects(scene: Scene) -> Outcome:
    """The ranking; a note where both readers are sure of some rows."""
    suspects = scene.suspects
    if isinstance(suspects, str):
        return not_applicable(suspects)
    limits = suspects.bounds
    rows = suspects.table["row"].combine_chunks()[: max(FIRST, round(0.02 * suspects.judged))]
    about = {
        "rows": rows,
        "evidence": (rate("agreed_rate", limits.agreed, limits.n, split="train"), flag_precision(suspects), planted_recall(suspects)),
    }
    if limits.agreed < SURE or limits.low < NOTE:
        detail = f"{scope(suspects)} {said_of_flags(suspects)}"
        return passed(f"no group of labels is surely wrong; the {len(rows)} most suspicious rows are listed", detail=detail, **about)
    return found(
        "note", f"{limits.agreed:,} labels are probably wrong",
        detail=f"{scope(suspects)} Of {count(limits.agreed, 'row')} ({percent(limits.agreed / limits.n)}) both are sure, each by itself, "
        f"that another class is right. {said_of_flags(suspects)}",
        fix=f"review the {FIRST} rows on top of audit/suspects.parquet first; correct what is wrong in the file", **about,
    )  # fmt: skip


def scope(suspects: Suspects) -> str:
    """What was judged by what, and what was left out."""
    part = f"{suspects.judged:,}{f' of {suspects.of:,}' if suspects.judged < suspects.of else ''} training rows"
    left = [f"{visible(name, 60)!r} ({rows})" for name, rows in suspects.left_out.items()]
    out = f" Left out: {count(len(left), 'class', 'classes')} with too few rows to judge: {listing(left)}." if left else ""
    readers = f"two readers that never saw the row: a regression on vectors of {suspects.encoder}, and the nearest rows"
    return f"{part} were judged by {readers}.{out}"


def middle(suspects: Suspects) -> float:
    """The middle of the range of the noise: what the precision of the flags supposes."""
    return (suspects.bounds.low + suspects.bounds.high) / 2


def flag_precision(suspects: Suspects) -> Score:
    """Share of the flags that are real, supposing the noise in the middle of its range."""
    flags, n, noise = suspects.flags, suspects.judged, middle(suspects)
    if not flags:
        return Score(name="flag_precision", n=0, why_absent="no row is flagged", split="train")
    value = precision(suspects.found.recall, noise, n, flags)
    low, high = (precision(end, noise, n, flags) for end in suspects.found.ends)
    spread = wilson(value * flags, flags)
    return Score(
        name="flag_precision", value=value, low=max(0.0, value - ((value - low) ** 2 + (value - spread[0]) ** 2) ** 0.5),
        high=min(1.0, value + ((high - value) ** 2 + (spread[1] - value) ** 2) ** 0.5), n=flags, split="train", method="planted_mover",
    )  # fmt: skip


def planted_recall(suspects: Suspects) -> Score:
    """Share of labels changed on purpose that the flags find."""
    planted = suspects.found.anyhow[1] + suspects.found.confused[1]
    low, high = suspects.found.ends
    value = suspects.found.recall
    return Score(
        name="planted_recall", value=value, low=min(low, value), high=max(high, value), n=planted, split="train", method="wilson_both_kinds"
    )


def said_of_flags(suspects: Suspects) -> str:
    """`312 rows are flagged. If 5.0% of the labels are wrong, of 100 flags about 62 ± 9 are real …`."""
    score = flag_precision(suspects)
    if score.value is None or score.low is None or score.high is None:
        return "No row is flagged."
    half = 100 * max(score.high - score.value, score.value - score.low)
    few = precision(suspects.found.recall, middle(suspects) / 4, suspects.judged, suspects.flags)
    planted = suspects.found.anyhow[1] + suspects.found.confused[1]
    return (
        f"{count(suspects.flags, 'row is', 'rows are')} flagged. Were {percent(middle(suspects))} of all labels wrong (the middle of what "
        f"is possible), about {100 * score.value:.0f} ± {half:.0f} of 100 flags would be real; were it a quarter of that, {100 * few:.0f}. "
        f"Measured with {planted:,} labels changed on purpose in copies of this data, of which the flags find "
        f"{percent(suspects.found.recall)}."
    )
