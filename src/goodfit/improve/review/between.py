"""What reviews say of two runs: how often people preferred the one to the other. Part of review, for compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from goodfit import statistics
from goodfit.improve.review import judged
from goodfit.improve.review.book import Book, has_items
from goodfit.improve.review.samples import SUBJECT
from goodfit.run import Run


def reviewed(base: Run, other: Run, holders: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """`other` against `base` in every review (kept by one of `holders`) that asked which of both is better: win share and verdict."""
    ours, theirs = (f"{run.id}:{SUBJECT}" for run in (other, base))
    for holder in holders:
        if not has_items(holder):
            continue
        book = Book.open(holder)
        if {ours, theirs} <= set(book.systems):
            said = judged.preferences(judged.originals(judged.all_said(book)))
            own = [one for one in said if {ours, theirs} <= set(one.item["systems"])]
            if own:
                yield _told(own, ours, theirs, holder)


def _told(own: Sequence[judged.Said], ours: str, theirs: str, holder: Run) -> dict[str, Any]:
    made = judged.judgements(own, [ours, theirs])
    won = [one.won(ours) for one in own]
    verdict = statistics.preferred(made, ours, theirs)
    return {
        "review": holder.id, "reviewers": sorted({one.reviewer for one in own}), "judgements": len(own),
        "wins": won.count(1.0), "ties": won.count(0.5), "losses": won.count(0.0),
        "win_share": statistics.win_share(made, ours, theirs).to_json(), "verdict": verdict.to_json(),
    }  # fmt: skip
