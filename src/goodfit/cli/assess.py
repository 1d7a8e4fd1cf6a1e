"""`goodfit assess TARGET --plan`: what will be asked of whom, written down before a test row is opened. Layer: cli."""

from __future__ import annotations

from typing import Any

from goodfit.cli.envelope import Answer
from goodfit.cli.target import begin
from goodfit.errors import SettingsError
from goodfit.files import read_jsonl
from goodfit.monitor.screen import screen_for
from goodfit.monitor.words import visible
from goodfit.pipeline import conduct, plan_ahead
from goodfit.run import CONTEXTS, PLAN

MISSING = "(missing)"
"""Rows without a member, as split counts them."""
SHOWN = 12
FORMS = 6


def plan_of(target: str, overrides: tuple[str, ...], flags: dict[str, Any]) -> Answer:
    """Divides the rows where that is not done, writes assess/plan.json, and says what stands in it."""
    begun = begin(target, overrides, workspace=flags["workspace"], new=flags.get("new", False), until="split")
    with screen_for(quiet=flags["quiet"]) as screen:
        if screen is not None:
            begun.run.screen = screen
        if not begun.finished:
            outcome = conduct(begun.recipe, begun.run, until="split")
            if outcome.error is not None:
                return Answer(outcome.to_json(), "", outcome.exit_code, outcome.error)
        found = plan_ahead(begun.recipe, begun.run)
    if found is None:
        raise SettingsError("there is nothing to assess: the recipe names no groups and no suites",
                            fix="groups: {gender: {terms: gender-en}}, or {region: {column: region}}")  # fmt: skip
    run = {"id": begun.run.id, "path": str(begun.run.path), "parent": begun.run.record.parent, "resumed": begun.resumed}
    contexts = list(read_jsonl(begun.run.path / "assess" / CONTEXTS))
    return Answer(
        {"run": run, "plan": found, "files": {"plan": f"assess/{PLAN}"}}, "\n".join([*plan_lines(found), *context_lines(contexts)])
    )


def plan_lines(plan: dict[str, Any]) -> list[str]:
    """The plan for people."""
    lines = [f"purpose   {plan['purpose'] or '(the recipe says none: purpose: what the model is for, and who it serves)'}"]
    lines.append(f"rows      {plan['on']}, and {', '.join(one['name'] for one in plan['suites']) or 'no suite'}")
    for axis in plan["axes"]:
        none = {MISSING: "none of them"} if axis["overlapping"] else {}
        named = ", ".join(f"{none.get(one['member'], one['member'])} {_rows(one['n'])}" for one in axis["members"][:SHOWN])
        more = f" … {len(axis['members']) - SHOWN} more" if len(axis["members"]) > SHOWN else ""
        lines.append(f"groups    {axis['axis']} ({axis['source']}){': ' + axis['why'] if axis['why'] else ''}: {named}{more}")
    for one in plan["measures"]:
        if one["primary"]:
            what = one["metric"] if one["label"] is None else f"{one['metric']} of {one['label']!r}"
            lines.append(f"declared  {what}: {one['harm']}; a difference above {100 * plan['margin']:g} points matters")
    for one in [one for one in plan["power"] if one["can_have_a_verdict"]][:SHOWN]:
        of = "" if one["label"] is None else f" of {one['label']!r}"
        lines.append(f"can show  {one['axis']} {one['member']}, {one['metric']}{of}: a gap from {100 * one['smallest_gap']:.0f} points")
    few = list(dict.fromkeys(f"{one['axis']} {one['member']}" for one in plan["power"] if not one["can_have_a_verdict"]))
    if few:
        lines.append(f"too few   {', '.join(few[:SHOWN])}: under {plan['minimum_n']['verdict']} rows, no verdict")
    lines += [
        f"in data   {100 * one['rate']:.0f}% of {one['axis']} {one['member']} carry {one['label']!r}, "
        f"{100 * one['elsewhere']:.0f}% of the rest"
        for one in plan["data"]["associations"][:5]
    ]
    lines += [
        f"in data   annotators disagree on {100 * one['rate']['value']:.0f}% of {one['axis']} {one['member']} (n {one['rate']['n']:,})"
        for one in plan["data"]["disagreement"][:SHOWN]
    ]
    for listed in plan["lists"]:
        doubtful = f"; ambiguous: {', '.join(list(listed['ambiguous'])[:6])}" if listed["ambiguous"] else ""
        lines.append(f"terms     {listed['name']} ({listed['language']}, {listed['review']}){doubtful}")
        lines += [f"          {one['where']}: {one['words']}" for one in listed["lint"] if one["kind"] not in ("ambiguous", "unreviewed")][
            :5
        ]
    if plan["not_named"]:
        lines.append(f"not asked {', '.join(plan['not_named'])}: Goodfit has lists of terms for these, the recipe does not name them")
    if plan["after_unsealing"]:
        lines.append(
            f"LATE      these test rows were opened before by {plan['opened_by']}; what differs from its plan: {', '.join(plan['changed'])}"
        )
    return lines


def context_lines(contexts: list[dict[str, Any]]) -> list[str]:
    """Two matches of each form that also means something else, as they stand in the data."""
    out: list[str] = []
    forms = list(dict.fromkeys((one["list"], one["form"]) for one in contexts if one["also"]))
    for listed, form in forms[:FORMS]:
        mine = [one for one in contexts if (one["list"], one["form"]) == (listed, form)][:2]
        out += [visible(f"reads     {one['left'][-30:]}[{one['hit']}]{one['right'][:30]}   ({form}: {one['also']})") for one in mine]
    if len(forms) > FORMS:
        out.append(f"          and {len(forms) - FORMS} more forms that also mean something else: assess/{CONTEXTS}")
    return out


def _rows(counts: dict[str, Any]) -> str:
    return "/".join(str(counts.get(side, 0)) for side in ("train", "valid", "test"))
