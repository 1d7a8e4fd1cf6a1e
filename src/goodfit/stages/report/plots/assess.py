"""Rates of groups beside everybody else's, and how well a suite's functions are answered. Part of the report stage's `plots`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from goodfit.stages.report import assess_words as said
from goodfit.stages.report import words
from goodfit.stages.report.assess import ANY_TITLE
from goodfit.stages.report.charts import Channel, Values, constant, layer, names, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, NAME, capped, ends, unique
from goodfit.stages.report.schema import Chart
from goodfit.stages.report.schema_assess import AssessFacts, ComparedFacts, FunctionFacts, MemberFacts
from goodfit.stages.report.text import label

DRAWN = 20
"""Groups of one chart: the sure gaps, then the largest differences."""
HALF_WIDE = 8
"""Up to so many groups two charts fit beside each other."""
LOOKS = {
    "worse": ("mark", "diamond"), "gap": ("mark", "diamond"), "better": ("model", "triangle-up"), "within": ("good", "square"),
    "open": ("rival", "circle"),
}  # fmt: skip
"""State of a comparison -> colour and shape; its words stand beside the name."""
FUNCTIONS = 24
COLUMNS = ["group", "answer", "rate", "the rest", "difference", "rows", "would tell", "base model"]
"""`would tell`: rows of the group that would decide it; `base model`: the same difference, of the base model under a linear probe."""


def compared(facts: AssessFacts) -> Iterator[Chart]:
    """One chart for every declared measure and axis: rates with intervals, everybody else's rate, and the margin around it."""
    folded: dict[tuple[str, ...], list[ComparedFacts]] = {}
    for one in facts.compared:
        key = (one.set, one.axis.removesuffix(ANY_TITLE), one.metric, one.label or "")
        folded.setdefault(key, []).append(one)
    for number, held in enumerate(folded.values(), 1):
        yield from _chart(number, sorted(held, key=lambda one: len(one.axis)), facts)


def _chart(number: int, held: Sequence[ComparedFacts], facts: AssessFacts) -> Iterator[Chart]:
    """All mentions together stand in the chart of their axis, as its last row."""
    first = held[0]
    members = [m for one in held for m in one.members]
    rated = [m for m in members if m.rate is not None and m.rest is not None]
    drawn = rated[:DRAWN]
    if not drawn:
        return
    order = unique([_name(m, first.margin) for m in drawn])
    what = said.measure(first.metric, first.label)
    axis = said.axis(held[0].axis if len(held) == 1 else first.axis.removesuffix(ANY_TITLE))
    values = [_values(name, m, first) for name, m in zip(order, drawn, strict=True)]
    yield Chart(
        id=f"gaps-{number}", section="groups", title=f"{words.upper(what)}, by {axis} ({words.split(first.set)} rows)",
        text=_text(first, members, len(drawn)), columns=COLUMNS, rows=capped([_row(m, first.margin, facts.least_rate) for m in members]),
        wide=len(drawn) > HALF_WIDE,
        spec=spec(values, _layers(values, names("group", None, order), f"{what}, %"), height={"step": BAND + 6},
                  about=f"{what} of each group, with intervals, beside everybody else and the margin"),
    )  # fmt: skip


def _name(found: MemberFacts, margin: float) -> str:
    return f"{said.member(found.member)}: {said.answer(said.state(found), margin)}"


def _values(name: str, found: MemberFacts, one: ComparedFacts) -> dict[str, Any]:
    assert found.rate is not None
    assert found.rest is not None
    rest, margin, share = 100 * found.rest, 100 * one.margin, one.metric != "bias"
    low, high = (max(0.0, rest - margin), min(100.0, rest + margin)) if share else (rest - margin, rest + margin)
    tip = f"{name}; {words.score(found.rate)}, everybody else {words.number(found.rest)}, {words.count(found.n or 0, 'row')}"
    return {"group": name, "state": said.state(found), "tip": tip, "rest": rest, "from": low, "to": high, **ends(found.rate, 100.0)}


def _layers(values: Values, y: Channel, title: str) -> list[dict[str, Any]]:
    """The margin, everybody else, then each group with its interval; a colour and a shape for each answer."""
    domain = _domain(values)
    x = {field: quantity(field, title, domain=domain) for field in ("value", "low", "from", "rest")}
    layers = [
        layer("bar", {"y": y, "x": x["from"], "x2": {"field": "to"}}, color=paint("bar"), opacity=0.28, height={"band": 0.86}),
        layer("tick", {"y": y, "x": x["rest"]}, color=paint("ink"), thickness=1.5),
    ]
    for state, (colour, shape) in LOOKS.items():
        part = [one for one in values if one["state"] == state]
        look: dict[str, Any] = {"values": part, "color": paint(colour)}
        if part:
            layers.append(layer("rule", {"y": y, "x": x["low"], "x2": {"field": "high"}, "tooltip": told()}, strokeWidth=2, **look))
            layers.append(layer("point", {"y": y, "x": x["value"], "tooltip": told()}, filled=True, size=90, shape=shape, **look))
    return layers


def _domain(values: Values) -> list[float]:
    """From the least to the most with some air, whole points, inside 0 to 100 where all of it is."""
    low, high = min(min(one["low"], one["from"]) for one in values), max(max(one["high"], one["to"]) for one in values)
    air = 0.04 * (high - low)
    return [max(low - air, 0.0) if low >= 0 else low - air, min(high + air, 100.0) if high <= 100 else high + air]


def _text(first: ComparedFacts, members: Sequence[MemberFacts], drawn: int) -> str:
    many = f"Of {words.count(len(members), 'comparison')}: {said.counted([said.state(m) for m in members], first.margin)}."
    harm = f" Harm: {first.harm.rstrip('.')}." if first.harm else ""
    few = sum(m.rate is None for m in members)
    left = f" {words.count(few, 'group has', 'groups have')} too few rows for a rate." if few else ""
    more = f" The {drawn} with the largest differences are drawn; the table has all." if drawn + few < len(members) else ""
    return f"{many}{harm}{left}{more}"


def _row(found: MemberFacts, margin: float, least: int) -> list[str]:
    return [
        said.member(found.member), said.answer(said.state(found), margin), "" if found.rate is None else words.score(found.rate),
        "" if found.rest is None else words.number(found.rest), "" if found.gap is None else words.difference(found.gap),
        said.rows(found.n, least), "" if found.rows_needed is None else f"{found.rows_needed:,}",
        "" if found.base is None else words.difference(found.base),
    ]  # fmt: skip


def functions(facts: AssessFacts) -> Iterator[Chart]:
    """How well each function of a suite is answered, the worst first."""
    sets = list(dict.fromkeys(one.set for one in facts.functions))
    for number, suite in enumerate(sets, 1):
        mine = [one for one in facts.functions if one.set == suite]
        yield from _functions(number, suite, mine, facts.least_rate)


def _functions(number: int, suite: str, mine: Sequence[FunctionFacts], least: int) -> Iterator[Chart]:
    drawn = [(one, score) for one in mine if (score := one.accuracy) is not None and score.value is not None][:FUNCTIONS]
    if not drawn:
        return
    order = unique([label(one.function, NAME) for one, _ in drawn])
    values: Values = [
        {"function": name, "tip": f"{name}: {words.score(score)} right, {words.count(one.n or 0, 'text')}", **ends(score, 100.0)}
        for name, (one, score) in zip(order, drawn, strict=True)
    ]
    y = names("function", None, order)
    x, low = (quantity(field, "right, %", domain=[0, 100]) for field in ("value", "low"))
    layers = [
        layer("rule", {"x": constant(50)}, values=[{}], color=paint("bar"), strokeDash=[4, 3]),
        layer("rule", {"y": y, "x": low, "x2": {"field": "high"}, "tooltip": told()}, color=paint("ink"), strokeWidth=2),
        layer("point", {"y": y, "x": x, "tooltip": told()}, color=paint("model"), filled=True, size=80),
    ]
    failed = sum(score.high is not None and score.high < 0.5 for _, score in drawn)
    worst, score = drawn[0]
    more = f" The {len(drawn)} worst are drawn." if len(drawn) < len(mine) else ""
    yield Chart(
        id=f"functions-{number}", section="functions", title=f"What {label(suite, NAME)} tests, the worst first", wide=True,
        text=f"{words.count(len(mine), 'function')}; {failed} surely wrong more often than right (left of the dashed line). The worst: "
        f"“{label(worst.function, NAME)}”, {words.score(score)} right.{more}",
        columns=["function", "texts", "right", "labels", "groups with the least right"],
        rows=capped([_function_row(one, least) for one in mine]),
        spec=spec(values, layers, height={"step": BAND + 2}, about="Right answers by function of a suite, with intervals"),
    )  # fmt: skip


def _function_row(one: FunctionFacts, least: int) -> list[str]:
    groups = "; ".join(f"{said.member(part.member)} {words.score(part.accuracy)}" for part in one.groups[:3])
    right = "" if one.accuracy is None else words.score(one.accuracy)
    return [label(one.function), said.rows(one.n, least), right, ", ".join(label(name, NAME) for name in one.labels[:4]), groups]
