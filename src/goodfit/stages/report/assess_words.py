"""Rates, gaps and their answers as people read them: `wrong answers, by gender`, `◆ gap, worse off`, the sentence of the first screen.

Part of the report stage; used by the sentences, the charts, the page and the model card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.assess import ANY_TITLE
from goodfit.stages.report.schema import Evidence, Sentence
from goodfit.stages.report.schema_assess import AssessFacts, ComparedFacts, MemberFacts, NotMeasured
from goodfit.stages.report.text import label as shown
from goodfit.stages.report.text import name as readable

MEASURES = {
    "error": "wrong answers", "accuracy": "right answers", "tpr": "{label} found", "fpr": "others taken for {label}",
    "fnr": "{label} missed", "tnr": "others not taken for {label}", "ppv": "right among those called {label}",
    "selection": "called {label}", "bias": "probability of {label} above its share",
}  # fmt: skip
"""Measure -> what it is the share of."""
BRIEF = 40
ANY = "(any)"
"""The member of an axis that holds all mentions together."""
SIGNS = {"worse": "◆", "better": "▲", "gap": "◆", "within": "■", "open": "●"}
"""State of a comparison -> its sign on the page, the shape of its mark in the charts."""


def measure(metric: str, of: str | None) -> str:
    """`others taken for “hate”`."""
    return MEASURES.get(metric, f"{readable(metric)} of {{label}}" if of else readable(metric)).replace(
        "{label}", "a label" if of is None else f"“{shown(of, BRIEF)}”"
    )


def measure_of(one: Mapping[str, Any]) -> str:
    """The same, of a part of the dict."""
    return measure(one["metric"], one["label"])


def member(name: str) -> str:
    """A group's name; all mentions together have one in words."""
    return "any of them" if name == ANY else shown(name, BRIEF)


def axis(title: str) -> str:
    """`gender`; of all mentions together `gender, any mention`."""
    return f"{readable(title.removesuffix(ANY_TITLE), BRIEF)}, any mention" if title.endswith(ANY_TITLE) else readable(title, BRIEF * 2)


def state(found: MemberFacts) -> str:
    """`worse`, `better`, `gap` (which side is the bad one is not said), `within`, `open`."""
    if found.answer == "gap":
        return "gap" if found.worse is None else "worse" if found.worse else "better"
    return "within" if found.answer == "no_gap_above_margin" else "open"


def answer(state_: str, margin: float) -> str:
    """`gap, worse off`, `within 5 points`, `undecided`."""
    told = {"worse": "gap, worse off", "better": "gap, better off", "gap": "gap", "within": f"within {margin_words(margin)}"}
    return told.get(state_, "undecided")


def margin_words(margin: float) -> str:
    """`5 points`."""
    return f"{100 * margin:g} point{'' if margin == 0.01 else 's'}"


def probe_answer(found: Mapping[str, Any]) -> str:
    """What the swapped texts say, with the sign that the answers of gaps have."""
    limit = f"{100 * found['margin']:g}%" if found["margin"] else "the margin"
    return {
        "gap": f"◆ above {limit} for sure",
        "no_gap_above_margin": f"■ at most {limit} for sure",
    }.get(found["answer"], "● undecided")


def rows(n: int | None, least: int) -> str:
    """`412`, or `fewer than 20`."""
    return f"fewer than {least}" if n is None else f"{n:,}"


def gap(found: Score) -> str:
    """`12.3 points [8.1, 16.4] above the rest`."""
    side = "above" if (found.value or 0.0) >= 0 else "below"
    return f"{words.difference(words.size_of(found), sign=False)} {side} the rest"


def counted(states: Sequence[str], margin: float) -> str:
    """`1 gap, 3 within 5 points and 1 undecided`."""
    gaps, within, open_ = (sum(one in kind for one in states) for kind in (("worse", "better", "gap"), ("within",), ("open",)))
    said = [words.count(gaps, "sure gap")] if gaps else []
    said += [f"{within:,} within {margin_words(margin)}"] if within else []
    said += [f"{open_:,} undecided"] if open_ else []
    return words.listing(said)


def worst(compared: Sequence[ComparedFacts]) -> tuple[ComparedFacts, MemberFacts] | None:
    """The largest sure gap of the declared ones, of the disadvantaged before the others."""
    found = [(one, m) for one in compared for m in one.members if m.answer == "gap" and m.gap is not None]
    return max(found, key=lambda pair: (pair[1].worse is not False, abs(pair[1].gap.value or 0.0) if pair[1].gap else 0.0), default=None)


def told(one: ComparedFacts, found: MemberFacts, least: int) -> str:
    """`wrong answers: gender “women” 31.2% [28.0, 34.5], 12.3 points [8.1, 16.4] above the rest (412 test rows)`."""
    rate = f" {words.score(found.rate)}" if found.rate is not None else ""
    apart = f", {gap(found.gap)}" if found.gap is not None else ""
    of = f"{words.split(one.set)} rows"
    who = axis(one.axis) if found.member == ANY else f"{axis(one.axis)} “{member(found.member)}”"
    return f"{measure(one.metric, one.label)}: {who}{rate}{apart} ({rows(found.n, least)} {of})"


def sentence(facts: AssessFacts | None) -> Sentence | None:
    """What the first screen says of groups; None where nothing was measured of any (the limits say that)."""
    if facts is None or not facts.asked:
        return None
    states = [state(m) for one in facts.compared for m in one.members]
    found, margin = worst(facts.compared), facts.margin or 0.05
    evidence = []
    if found is not None:
        said = f"It does not work equally well for every group: {told(*found, facts.least_rate)}"
        evidence.append(Evidence(kind="verdict", text=f"{member(found[1].member)}: gap", ref="whom"))
    elif not states and facts.published:
        said = f"{words.upper(words.count(len({one.set for one in facts.published}), 'published set'))} asked for stereotypes"
    elif not states:
        said = "No group was compared in a declared measure"
    elif "open" not in states:
        said = f"Between groups no difference above {margin_words(margin)} is left open"
    elif "within" not in states:
        said = "Whether it works equally well for every group cannot be told from these rows"
    else:
        said = f"No sure difference between groups was found, and some are undecided ({margin_words(margin)} would matter)"
    many = f" Of {words.count(len(states), 'declared comparison')}: {counted(states, margin)}." if states else ""
    flips = [probe for probe in facts.probes if probe.answer == "gap" and probe.flip is not None]
    if flips and flips[0].flip is not None:
        many += f" {words.score(flips[0].flip)} of its answers change when {readable(flips[0].axis)} terms are put in place of each other."
    sure = [one for one in facts.published if one.answer == "gap" and one.score is not None]
    if sure and sure[0].score is not None:
        many += (
            f" {readable(sure[0].set, 40)}: {readable(sure[0].what or sure[0].name, 160)} {words.score(sure[0].score)}, surely away from "
        )
        many += f"{words.number(sure[0].ideal)}."
    left = len(facts.not_measured)
    not_measured = f" {words.count(left, 'question')} {'was' if left == 1 else 'were'} not measured." if left else ""
    evidence.append(Evidence(kind="fact", text=facts.text or "for whom it works", ref="whom"))
    return Sentence(topic="groups", text=f"{said}.{many}{not_measured}", evidence=evidence)


def unknown(facts: AssessFacts | None) -> Iterator[str]:
    """What the limits say where nothing was measured of any group."""
    if facts is None or not facts.asked:
        why = f" ({readable(facts.why_not, 160)})" if facts is not None and facts.why_not else ""
        yield f"whether it works equally well for every group of people was not measured{why}"


def by_reason(found: Sequence[NotMeasured]) -> list[tuple[str, list[str]]]:
    """What was not measured, by reason: one cause is told once."""
    out: dict[str, list[str]] = {}
    for one in found:
        out.setdefault(one.why, []).append(one.what)
    return list(out.items())
