"""What the model card says of groups: rates, gaps and answers, what could not be decided or was not measured, and the plan's hash.

Part of the report stage (`card` calls it). Reads the dict of the report and nothing else; every name is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from goodfit.stages.report import assess_words as said
from goodfit.stages.report import words
from goodfit.stages.report.schema_assess import AssessFacts, ComparedFacts, MemberFacts
from goodfit.stages.report.text import label
from goodfit.stages.report.text import markdown as md

SHOWN = 30
"""Groups of one table; the rest is counted, and stands in report.json."""
HEAD = ("group", "rows", "rate", "difference to everybody else", "answer")


def groups(report: Mapping[str, Any]) -> Iterator[str]:
    """The part of the card on groups."""
    facts = AssessFacts.model_validate(report["assess"]) if report["assess"] else None
    if facts is None or not facts.asked:
        for line in said.unknown(facts):
            yield f"- {md(words.upper(line), 400)}."
        return
    yield from ("### For whom it works", "")
    yield f"{md(words.full_stop(words.upper(facts.text.removeprefix('groups: '))), 400)} {_read(facts)}"
    yield ""
    yield from _planned(facts)
    for one in facts.compared:
        yield from _compared(one, facts.least_rate)
    for one in facts.others:
        for member in one.members:
            yield f"- Seen beside, not declared: {md(said.told(one, member, facts.least_rate), 400)}"
    yield from _beside(facts)
    yield ""
    yield from _not_measured(facts)


def _read(facts: AssessFacts) -> str:
    margin = f" A difference of up to {said.margin_words(facts.margin)} was said not to matter." if facts.margin else ""
    return (
        f"Each group is compared with everybody else on the same rows, and answers allow for all comparisons that were made.{margin} "
        f"No rate from fewer than {facts.least_rate} rows, no verdict from fewer than {facts.least_verdict}."
    )


def _planned(facts: AssessFacts) -> Iterator[str]:
    plan = facts.plan
    if plan is None:
        return
    if plan.late:
        of = f" by {md(plan.opened_by)}" if plan.opened_by else ""
        yield f"- The plan was written after these test rows had been opened{of}: what is found is a hint until fresh rows confirm it"
    elif plan.hash:
        yield "- What is asked was written down before the test rows were opened"
    if plan.hash:
        yield f"- Hash of the plan: {md(plan.hash)}"
    for one in plan.measures:
        if one.harm:
            yield f"- Harm looked for: {md(one.harm, 400)} ({md(said.measure(one.metric, one.label))})"
    yield ""


def _compared(one: ComparedFacts, least: int) -> Iterator[str]:
    """A table of an axis and a measure."""
    yield f"**{md(words.upper(said.measure(one.metric, one.label)))}, by {md(said.axis(one.axis))}** ({md(words.split(one.set))} rows)"
    yield ""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for member in one.members[:SHOWN]:
        yield f"| {' | '.join(md(cell) for cell in _row(member, one.margin, least))} |"
    yield ""
    if len(one.members) > SHOWN:
        yield from (f"{len(one.members) - SHOWN} more in report.json.", "")


def _row(member: MemberFacts, margin: float, least: int) -> list[str]:
    needed = f"; about {member.rows_needed:,} rows would tell" if member.answer == "not_enough_data" and member.rows_needed else ""
    return [
        said.member(member.member), said.rows(member.n, least), "" if member.rate is None else words.score(member.rate),
        "" if member.gap is None else words.difference(member.gap), f"{said.answer(said.state(member), margin)}{needed}",
    ]  # fmt: skip


def _beside(facts: AssessFacts) -> Iterator[str]:
    for one in facts.associations[:SHOWN]:
        carry = f"of {label(one.member, 40)} carry “{label(one.label, 40)}”"
        apart = f"{words.number(one.rate)} {carry}, {words.number(one.elsewhere)} of the rest"
        yield f"- In the training data, {md(said.axis(one.axis))}: {md(apart, 300)}"
    for probe in facts.probes:
        if probe.flip is not None:
            change = f"{words.score(probe.flip)} of the answers change when {said.axis(probe.axis)} terms are put in place of each other"
            yield f"- {md(change, 300)} ({md(words.split(probe.set))} rows): {md(said.probe_answer(probe.model_dump())[2:])}"
    for asked in facts.published:
        if asked.score is not None:
            base = "" if asked.base is None else f", base model {words.score(asked.base)}"
            told = f"{md(asked.what or asked.name, 240)}: {md(words.score(asked.score))}{md(base)}"
            yield f"- {md(asked.set)}, {told} (ideal: {words.number(asked.ideal)})"
    for function in facts.functions[:5]:
        if function.accuracy is not None:
            yield f"- {md(function.set)}, {md(function.function)}: {md(words.score(function.accuracy))} right"
    for listed in facts.lists:
        yield f"- Terms {md(listed.name)} ({md(listed.language)}): {md(listed.review)}"


def _not_measured(facts: AssessFacts) -> Iterator[str]:
    """All of it, by reason."""
    if not facts.not_measured:
        return
    yield from ("### Not measured", "")
    for why, what in said.by_reason(facts.not_measured):
        yield f"- {md(words.full_stop(words.upper(why)), 300)} {'; '.join(md(one, 200) for one in what)}"
    yield ""
