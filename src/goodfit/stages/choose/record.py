"""choose/candidates.json, and the same on the screen. Part of choose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from goodfit.monitor.words import duration, size, visible
from goodfit.score import Score
from goodfit.stages.choose.candidates import Candidate, labels_of
from goodfit.stages.choose.outcome import Facts, Outcome

SCHEMA = "goodfit/candidates/1"
SHOWN = 6
"""Lines of candidates, and of those that are not here, on the screen."""


def document_of(outcome: Outcome, absent: Sequence[Candidate]) -> dict[str, Any]:
    """candidates.json: those that were looked at, best first, then the refused, then those that are not here."""
    order = sorted(range(len(outcome.candidates)), key=lambda i: _place(outcome, i))
    listed = [_entry(outcome.candidates[i], outcome.facts.get(i)) for i in order]
    return {
        "schema": SCHEMA, "candidates": listed + [_entry(one, None) for one in absent], "chosen": outcome.chosen.name,
        "reason": outcome.reason, "measured": outcome.measured, "tied": [outcome.candidates[i].name for i in outcome.tied],
        "verdicts": [verdict.to_json() for verdict in outcome.verdicts], "notes": list(outcome.notes),
        "base": outcome.chosen.to_json(),
    }  # fmt: skip


def _place(outcome: Outcome, i: int) -> tuple[bool, bool, float, int]:
    facts = outcome.facts.get(i)
    chance = facts.chance if facts is not None and facts.chance is not None else -1.0
    first = outcome.place if outcome.first is None else outcome.first
    return outcome.candidates[i].refused is not None, i != first, -chance, i


def _entry(one: Candidate, facts: Facts | None) -> dict[str, Any]:
    base, known = one.base, facts or Facts()
    return {
        "model": one.name, "scores": [score.to_json() for score in known.scores], "memory_bytes": one.memory,
        "seconds": round(one.seconds + known.seconds, 3), "license": one.license, "refused": one.refused, "origin": one.origin,
        "here": one.here, "command": one.command, "chance_best": known.chance, "epoch_seconds": known.epoch_seconds,
        "reading": known.reading, "parameters": base.parameters if base else one.entry.parameters if one.entry else None,
        "architecture": base.architecture if base else None,
        "max_length": base.max_length if base else one.entry.context if one.entry else None,
        "package": base.package if base else None, "languages": list(one.entry.languages) if one.entry else None,
        "source": one.entry.source if one.entry else None,
    }  # fmt: skip


def lines_of(outcome: Outcome, absent: Sequence[Candidate]) -> Iterator[str]:
    """What the screen says: each candidate in a line, why not the others, and what was taken."""
    if outcome.measured:
        yield from _table(outcome)
        yield from (f"    {visible(v.question)}: {v.text}" for v in outcome.verdicts[:SHOWN])
    yield from (f"    {note}" for note in outcome.notes)
    refused = [one for one in outcome.candidates if one.refused]
    if refused and len(outcome.candidates) > 1:
        for one in refused[:SHOWN]:
            yield f"    not {visible(one.name)}: {visible(one.refused or '')}"
    base = outcome.chosen
    facts = f"{base.architecture}, {base.parameters / 1e6:.1f} M parameters, {base.license or 'licence unknown'}"
    yield f"  model {visible(base.name)}: {facts} ({outcome.reason})"


def _table(outcome: Outcome) -> Iterator[str]:
    order = sorted(outcome.facts, key=lambda i: _place(outcome, i))
    for i in order[:SHOWN]:
        one, facts, name = outcome.candidates[i], outcome.facts[i], outcome.label(i)
        tie = " (tie)" if i in outcome.tied and len(outcome.tied) > 1 else ""
        chance = "" if facts.chance is None else f", best with chance {facts.chance:.0%}"
        cost = "" if facts.epoch_seconds is None else f", {duration(facts.epoch_seconds)} a pass"
        memory = "" if one.memory is None else f", {size(one.memory)}"
        yield f"    {visible(name)}: {short(facts)}{chance}{tie}{cost}{memory}, {one.license or 'licence unknown'}"
    if len(order) > SHOWN:
        yield f"    and {len(order) - SHOWN} more"


def listed(found: Sequence[Candidate]) -> list[str]:
    """For `check`: the candidates that a run would measure, and why others are none; nothing where there is but one."""
    if len(found) < 2:
        return []
    names = dict(zip(map(id, found), labels_of(found), strict=True))
    usable = [one for one in found if one.usable]
    said = [f"{visible(names[id(one)])} ({_millions(one)}, {_memory(one)}, {one.license or 'licence unknown'})" for one in usable[:SHOWN]]
    more = f" and {len(usable) - SHOWN} more" if len(usable) > SHOWN else ""
    out = [f"{len(usable)} candidate{'s' if len(usable) > 1 else ''}: {'; '.join(said)}{more}"]
    return out + [f"not {visible(names[id(one)])}: {visible(one.refused or '')}" for one in found if not one.usable][:SHOWN]


def _millions(one: Candidate) -> str:
    return f"{one.base.parameters / 1e6:.1f} M parameters" if one.base else "size unknown"


def _memory(one: Candidate) -> str:
    return "memory unknown" if one.memory is None else f"{size(one.memory)} to train"


def short(facts: Facts) -> str:
    """`probe 71.2% [68.9, 73.4]`, or bits per byte."""
    first: Score = facts.scores[0]
    return str(first).replace("macro_f1", "probe", 1)
