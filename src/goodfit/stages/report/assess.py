"""For whom the model works worse, as facts: from assess/gaps.json, plan.json and swapped.jsonl. Part of the report stage.

What is damaged or of another version is left out, never a reason to fail; no number is measured here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from goodfit.run import GAPS, PLAN
from goodfit.score import Score
from goodfit.stages.report.assess_beside import associations, functions, probes, published, term_lists
from goodfit.stages.report.folder import Folder, counts, lenient, many, mapping, mappings, real, whole, word
from goodfit.stages.report.schema_assess import (
    AssessFacts,
    ComparedFacts,
    GapAnswer,
    MeasureFacts,
    MemberFacts,
    NotMeasured,
    OpenFacts,
    PlanFacts,
)
from goodfit.stages.report.text import ShowText
from goodfit.stages.report.text import name as readable

STAGE = "assess"
MODEL = "model"
CROSS = " x "
ANY_TITLE = " (any)"
"""The end of the title of an axis that holds all mentions together."""
ANSWERS: tuple[str, ...] = get_args(GapAnswer)
LINE = 400
"""Characters of a line that the files have in words."""
Key = tuple[str, str, str | None, tuple[tuple[str, str], ...]]


def assess_facts(folder: Folder, how: ShowText) -> AssessFacts | None:
    """None where the run knows nothing of groups: an older run, or one that came not so far."""
    gaps, plan = folder.document(STAGE, GAPS), folder.document(STAGE, PLAN)
    if not gaps:
        return None if not plan else AssessFacts(why_not="the plan is written; the stage assess is not done", plan=_plan(plan, gaps))
    least = mapping(gaps, "minimum_n")
    around = _Around(word(gaps, "on") or "test", whole(least, "rate") or 20, _rates(gaps), _harms(plan))
    lines = [line for one in mappings(gaps, "gaps") if (line := _line(one, around)) is not None]
    compared = _compared((line for line in lines if line.primary), around)
    facts = AssessFacts(
        text=readable(word(gaps, "text") or "", LINE), on=around.on, margin=_margin(gaps, plan, lines), least_rate=around.least,
        least_verdict=whole(least, "verdict") or 100, counts=counts(gaps, "counts"), plan=_plan(plan, gaps), compared=compared,
        others=_compared((line for line in lines if not line.primary and line.member.answer == "gap"), around),
        undecided=_undecided(compared), associations=associations(plan), probes=probes(gaps, folder, how, around.least),
        published=published(gaps, around.least),
        functions=functions(gaps, around.least), lists=term_lists(plan), not_measured=_not_measured(gaps),
    )  # fmt: skip
    asked = bool(lines or facts.probes or facts.functions or facts.published)
    why = None if asked else next((one.why for one in facts.not_measured), "assess/gaps.json names no group")
    return facts.model_copy(update={"asked": asked, "why_not": why})


@dataclass(frozen=True)
class _Around:
    """What every gap is read beside."""

    on: str
    least: int
    rates: Mapping[Key, Score]
    harms: Mapping[tuple[str, str | None], str]


@dataclass(frozen=True)
class _Line:
    """One gap, and what it belongs to."""

    family: tuple[str, str, str, str | None]
    """Set, axis, metric, label."""
    primary: bool
    margin: float
    harm: str
    member: MemberFacts


def _rates(gaps: Mapping[str, Any]) -> dict[Key, Score]:
    """The model's rates that have a value: of a cell that is too small nothing is passed on."""
    held = [score for score in many(Score, gaps.get("rates")) if score.value is not None and (score.system or MODEL) == MODEL]
    return {(score.split or "", score.name, score.label, _group(score.group or {})): score for score in held}


def _group(group: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((str(axis), str(member)) for axis, member in group.items()))


def _harms(plan: Mapping[str, Any]) -> dict[tuple[str, str | None], str]:
    return {(word(one, "metric") or "", word(one, "label")): readable(word(one, "harm") or "", LINE) for one in mappings(plan, "measures")}


def _margin(gaps: Mapping[str, Any], plan: Mapping[str, Any], lines: list[_Line]) -> float | None:
    given = real(gaps, "margin") or real(plan, "margin")
    return given if given is not None or not lines else lines[0].margin


def _plan(plan: Mapping[str, Any], gaps: Mapping[str, Any]) -> PlanFacts | None:
    """The plan; of one that is lost, what gaps.json says of it."""
    found, late = word(gaps, "plan") or word(plan, "hash"), gaps.get("plan_changed_after_unsealing") is True
    if not plan and found is None:
        return None
    changed = plan.get("changed")
    measures = [
        MeasureFacts(metric=word(one, "metric") or "?", label=word(one, "label"), harm=readable(word(one, "harm") or "", LINE),
                     rows=readable(word(one, "of") or ""))
        for one in mappings(plan, "measures") if one.get("primary") is True
    ]  # fmt: skip
    return PlanFacts(
        hash=found, late=late or plan.get("after_unsealing") is True, opened_by=word(plan, "opened_by"),
        changed=[readable(one) for one in changed] if isinstance(changed, list) else [], purpose=word(plan, "purpose") or "",
        axes={word(one, "axis") or "?": why for one in mappings(plan, "axes") if (why := word(one, "why"))}, measures=measures,
    )  # fmt: skip


def _line(one: Mapping[str, Any], around: _Around) -> _Line | None:
    """A gap as facts; None where it has no group, no measure or no answer that this version knows."""
    group, answer = mapping(one, "group"), word(one, "answer")
    metric = (word(one, "name") or "").removesuffix("_gap")
    if not group or not metric or answer not in ANSWERS:
        return None
    where, label = word(one, "set") or around.on, word(one, "label")
    rate = around.rates.get((where, metric, label, _group(group)))
    n = whole(one, "n")
    gap = _gap(one, n)
    member = MemberFacts.model_validate({
        "member": CROSS.join(str(name) for name in group.values()), "n": n if n is not None and n >= around.least else None, "rate": rate,
        "rest": real(one, "rate_rest"), "gap": gap, "answer": answer, "worse": _worse(one, gap), "rows_needed": whole(one, "rows_needed"),
        "p_adjusted": real(one, "p_adjusted"), "why": readable(word(one, "why") or "", LINE), "base": _base(mapping(one, "base"), one),
    })  # fmt: skip
    axis = word(one, "axis") or CROSS.join(str(name) for name in group)
    margin = real(one, "margin")
    harm = around.harms.get((metric, label), "")
    return _Line((where, axis, metric, label), one.get("primary") is True, 0.05 if margin is None else margin, harm, member)


def _gap(one: Mapping[str, Any], n: int | None) -> Score | None:
    if real(one, "value") is None:
        return None
    kept = {key: one.get(key) for key in ("name", "value", "low", "high", "label", "method")}
    return lenient(Score, kept | {"n": n or 0, "system": MODEL, "split": one.get("set"), "group": mapping(one, "group")})


def _base(base: Mapping[str, Any], one: Mapping[str, Any]) -> Score | None:
    if real(base, "value") is None:
        return None
    kept = {key: base.get(key) for key in ("value", "low", "high", "system")}
    return lenient(Score, kept | {"name": one.get("name"), "n": whole(one, "n") or 0, "label": one.get("label")})


def _worse(one: Mapping[str, Any], gap: Score | None) -> bool | None:
    if gap is None or gap.value is None:
        return None
    return {"higher": gap.value > 0, "lower": gap.value < 0}.get(word(one, "harm_when") or "")


def _compared(lines: Iterable[_Line], around: _Around) -> list[ComparedFacts]:
    """The gaps, by set, axis and measure: axes with a sure gap first, then in the order of the file; measures in that of the plan."""
    families: dict[tuple[str, str, str, str | None], list[_Line]] = {}
    for line in lines:
        families.setdefault(line.family, []).append(line)
    out = [
        ComparedFacts(set=family[0], axis=family[1], metric=family[2], label=family[3], harm=held[0].harm, margin=held[0].margin,
                      members=sorted((line.member for line in held), key=_first))
        for family, held in families.items()
    ]  # fmt: skip
    axes = list(dict.fromkeys((one.set, one.axis.removesuffix(ANY_TITLE)) for one in out))
    sure = {(one.set, one.axis.removesuffix(ANY_TITLE)) for one in out if any(member.answer == "gap" for member in one.members)}
    measures = {key: place for place, key in enumerate(around.harms)}

    def place(one: ComparedFacts) -> tuple[bool, int, int]:
        axis = (one.set, one.axis.removesuffix(ANY_TITLE))
        return (axis not in sure, axes.index(axis), measures.get((one.metric, one.label), len(measures)))

    return sorted(out, key=place)


def _first(member: MemberFacts) -> tuple[bool, bool, float]:
    """Sure gaps, those of the disadvantaged before the others; then by size; what has no number last."""
    size = None if member.gap is None else member.gap.value
    return (member.answer != "gap", member.worse is False or size is None, -abs(size or 0.0))


def _undecided(compared: Iterable[ComparedFacts]) -> list[OpenFacts]:
    found = [
        OpenFacts(set=one.set, axis=one.axis, metric=one.metric, label=one.label, member=member.member, n=member.n,
                  rows_needed=member.rows_needed)
        for one in compared for member in one.members if member.answer == "not_enough_data"
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.rows_needed is None or one.n is None, (one.rows_needed or 0) - (one.n or 0)))


def _not_measured(gaps: Mapping[str, Any]) -> list[NotMeasured]:
    return [
        NotMeasured(what=word(one, "what") or "?", why=word(one, "why") or "no reason is given") for one in mappings(gaps, "not_measured")
    ]
