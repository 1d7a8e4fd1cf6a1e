"""Where a classifier is weak, as facts: from evaluate/scores.json, confusions.jsonl and mistakes.jsonl. Part of the report stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from goodfit.run import CONFUSIONS
from goodfit.score import Score
from goodfit.stages.report.folder import Folder, lenient, mapping, real, whole, word
from goodfit.stages.report.schema_weak import BehaviourFacts, Example, NearRow, PairFacts, RobustFacts, ShakenFacts, SliceFacts, WeakFacts
from goodfit.stages.report.text import ShowText, label, shown
from goodfit.stages.report.text import name as readable

PAIRS_SHOWN = 6
EXAMPLES = 3
WHERE = 160
"""Characters of a slice's name."""


def weak_facts(folder: Folder, document: Mapping[str, Any], how: ShowText) -> WeakFacts | None:
    """None where nothing was looked for and nothing is confused."""
    searched = mapping(document, "slices_searched")
    listed = [_slice(found) for found in document.get("slices") or () if isinstance(found, Mapping)]
    slices = [one for one in listed if one is not None]
    pairs = [pair for line in islice(folder.lines("evaluate", CONFUSIONS), PAIRS_SHOWN) if (pair := _pair(line, how)) is not None]
    if not any((searched, slices, pairs, document.get("robustness"), document.get("behaviour"))):
        return None
    visible = real(searched, "visible")
    return WeakFacts(
        slices=slices, found_on="folds" if word(document, "on") == "folds" else "valid",
        candidates=whole(searched, "candidates"), why_not=word(searched, "why_not"),
        visible=None if visible is None else 100 * visible, pairs=pairs, robust=_robust(mapping(document, "robustness")),
        behaviour=[_behaviour(one, how) for one in document.get("behaviour") or () if isinstance(one, Mapping)],
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


def _robust(found: Mapping[str, Any]) -> RobustFacts | None:
    if not found:
        return None
    shaken = [_shaken(one) for one in found.get("perturbations") or () if isinstance(one, Mapping)]
    return RobustFacts(
        rows=whole(found, "rows") or 0, shaken=shaken, worst=lenient(Score, found.get("worst")), plain=lenient(Score, found.get("plain")),
        why_not=word(found, "why_not"),
    )  # fmt: skip


def _shaken(one: Mapping[str, Any]) -> ShakenFacts:
    verdict = mapping(one, "verdict")
    return ShakenFacts(
        name=word(one, "name") or "?", what=readable(one.get("what") or "?"), preserving=one.get("preserving") is not False,
        n=whole(one, "n") or 0, before=lenient(Score, one.get("before")), after=lenient(Score, one.get("after")),
        difference=lenient(Score, verdict.get("difference")), answer=word(verdict, "answer") or "",
    )  # fmt: skip


def _behaviour(one: Mapping[str, Any], how: ShowText) -> BehaviourFacts:
    """Texts of tests are the user's own, not of rows: shown unless no text is."""
    examples = [] if how == "none" else [_example(found) for found in one.get("examples") or () if isinstance(found, Mapping)]
    return BehaviourFacts(
        name=readable(one.get("name") or "?"), kind=word(one, "kind") or "", cases=whole(one, "cases") or 0,
        failed=lenient(Score, one.get("failed")), answer=word(one, "answer") or "", examples=examples[:EXAMPLES],
    )  # fmt: skip


def _example(found: Mapping[str, Any]) -> list[str]:
    texts, answers = found.get("texts"), found.get("answers")
    if not isinstance(texts, list) or not isinstance(answers, list):
        return []
    return [f"{shown(text, 'full')} → {_names(answer)}" for text, answer in zip(texts, answers, strict=False)]


def near_rows(found: Iterable[Any], how: ShowText) -> list[NearRow]:
    """The training rows near a mistake."""
    return [_near(one, how) for one in found if isinstance(one, Mapping)]


def _near(one: Mapping[str, Any], how: ShowText) -> NearRow:
    text = shown(one.get("text"), how)
    return NearRow(row=str(one.get("row", "")), label=_names(one.get("label")), similarity=real(one, "similarity"), text=text)


def _names(value: Any) -> str:
    return ", ".join(label(item) for item in value) or "no label" if isinstance(value, list) else str(value)
