"""Withheld answers and sets of labels, as facts: from `calibration` of evaluate/scores.json. Part of the report stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goodfit.score import Score
from goodfit.stages.report.folder import lenient, mapping, real, word
from goodfit.stages.report.schema_promised import PromisedFacts, SetFacts, WithheldFacts
from goodfit.stages.report.text import name as readable


def promised_facts(document: Mapping[str, Any]) -> PromisedFacts | None:
    """None where evaluate wrote nothing of it."""
    found = mapping(document, "calibration")
    promises, abstention = mapping(found, "promises"), mapping(found, "abstention")
    if not promises and not abstention:
        return None
    curve = [[float(a), float(b)] for a, b in _pairs(abstention.get("curve"))]
    return PromisedFacts(
        reason=readable(word(promises, "reason") or "", 300), why_not=word(promises, "why_not"), measured=promises.get("measured") is True,
        withheld=[_withheld(one) for one in abstention.get("at") or () if isinstance(one, Mapping) and real(one, "at_most_wrong")],
        sets=[_set(one) for one in mapping(found, "sets").get("at") or () if isinstance(one, Mapping) and real(one, "coverage")],
        curve=curve, aurc=lenient(Score, abstention.get("aurc")),
    )  # fmt: skip


def _pairs(found: Any) -> list[tuple[float, float]]:
    """Points of the curve; what is damaged is left out."""
    listed = found if isinstance(found, list) else []
    whole = [p for p in listed if isinstance(p, list) and len(p) == 2 and all(isinstance(x, int | float) for x in p)]
    return [(p[0], p[1]) for p in whole]


def _withheld(one: Mapping[str, Any]) -> WithheldFacts:
    return WithheldFacts(
        at_most_wrong=real(one, "at_most_wrong") or 0.0, threshold=real(one, "threshold"), answered=lenient(Score, one.get("answered")),
        error=lenient(Score, one.get("error")),
    )  # fmt: skip


def _set(one: Mapping[str, Any]) -> SetFacts:
    return SetFacts(
        coverage=real(one, "coverage") or 0.0, covered=lenient(Score, one.get("covered")), size=real(one, "size"),
        one_label=lenient(Score, one.get("one_label")),
    )  # fmt: skip
