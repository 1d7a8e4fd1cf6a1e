"""Where a classifier is weak, as facts: from evaluate/scores.json, confusions.jsonl and mistakes.jsonl. Part of the report stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from goodfit.run import CONFUSIONS
from goodfit.score import Score
from goodfit.stages.report.folder import Folder, lenient, mapping, real, whole, word
from goodfit.stages.report.schema_weak import Example, NearRow, PairFacts, SliceFacts, WeakFacts
from goodfit.stages.report.text import ShowText, label, shown
from goodfit.stages.report.text import name as readable

PAIRS_SHOWN = 6
WHERE = 160
"""Characters of a slice's name."""


def weak_facts(folder: Folder, document: Mapping[str, Any], how: ShowText) -> WeakFacts | None:
    """None where nothing was looked for and nothing is confused."""
    searched = mapping(document, "slices_searched")
    listed = [_slice(found) for found in document.get("slices") or () if isinstance(found, Mapping)]
    slices = [one for one in listed if one is not None]
    pairs = [pair for line in islice(folder.lines("evaluate", CONFUSIONS), PAIRS_SHOWN) if (pair := _pair(line, how)) is not None]
    if not searched and not slices and not pairs:
        return None
    visible = real(searched, "visible")
    return WeakFacts(
        slices=slices, candidates=whole(searched, "candidates"), why_not=word(searched, "why_not"),
        visible=None if visible is None else 100 * visible, pairs=pairs,
    )  # fmt: skip


def _slice(found: Mapping[str, Any]) -> SliceFacts | None:
    score, gap = lenient(Score, found.get("score")), real(found, "shrunken")
    if score is None or gap is None or score.value is None:
        return None
    return SliceFacts(
        where=readable(found.get("where") or "?", WHERE), n=score.n, score=score, found=lenient(Score, found.get("score_found")),
        gap=-100 * gap, points=100 * (real(found, "points") or 0.0), state=word(found, "state") or "not_asked",
    )  # fmt: skip


def _pair(line: Mapping[str, Any], how: ShowText) -> PairFacts | None:
    rows = whole(line, "rows")
    if rows is None:
        return None
    examples = [
        Example(row=str(one.get("row", "")), p=real(one, "p"), text=shown(one.get("text"), how))
        for one in line.get("examples") or () if isinstance(one, Mapping)
    ]  # fmt: skip
    return PairFacts(
        label=str(line.get("label")), prediction=str(line.get("prediction")), rows=rows, share=lenient(Score, line.get("share")),
        the_other_way=whole(line, "the_other_way") or 0, examples=[] if how == "none" else examples,
    )  # fmt: skip


def near_rows(found: Iterable[Any], how: ShowText) -> list[NearRow]:
    """The training rows near a mistake."""
    return [_near(one, how) for one in found if isinstance(one, Mapping)]


def _near(one: Mapping[str, Any], how: ShowText) -> NearRow:
    text = shown(one.get("text"), how)
    return NearRow(row=str(one.get("row", "")), label=_names(one.get("label")), similarity=real(one, "similarity"), text=text)


def _names(value: Any) -> str:
    return ", ".join(label(item) for item in value) or "no label" if isinstance(value, list) else str(value)
