"""What is said of an assessment: one finding for each kind of thing, the worst groups named with their numbers. Part of assess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goodfit.finding import Finding, Severity
from goodfit.score import Score
from goodfit.stages.assess.population import ANY

STAGE = "assess"
NAMED = 4
"""Groups named in one finding."""
BELOW = 0.5
"""A function that is surely answered right less often than this fails."""
POINTS = 100
LOOK = "look at the rows of this group: do they differ in kind, are their labels right?"
SAID = {
    "error": "wrong answers", "accuracy": "right answers", "tpr": "rows of {label} that are found", "fpr": "others taken for {label}",
    "fnr": "rows of {label} that are missed", "tnr": "others left alone by {label}", "ppv": "right among what is called {label}",
    "selection": "rows called {label}", "bias": "probability of {label} above its share",
}  # fmt: skip


def not_assessed(reason: str) -> Finding:
    """Nobody asked, or nobody can."""
    return Finding(
        code="ASM001", stage=STAGE, severity="note", status="not_applicable", kind="not_assessed",
        title="for whom the model works worse was not measured", reason=reason,
        fix="name groups in the recipe: groups: {gender: {terms: gender-en}, region: {column: region}}",
    )  # fmt: skip


def findings(document: Mapping[str, Any], plan: Mapping[str, Any]) -> list[Finding]:
    """Everything that is said, in the order of its codes."""
    made = [
        *_plan_changed(plan), *_small_groups(plan), *_labels_by_group(plan), *_term_lists(plan), *_gaps(document, primary=True),
        *_undecided(document), *_swaps(document), *_functions(document), *_gaps(document, primary=False),
    ]  # fmt: skip
    return made or [_passed("ASM005", "group_gap", "nothing was asked of any group", "")]


def _finding(code: str, kind: str, severity: Severity, title: str, **more: Any) -> Finding:
    return Finding(code=code, stage=STAGE, severity=severity, kind=kind, title=title, **more)


def _passed(code: str, kind: str, title: str, detail: str) -> Finding:
    return Finding(code=code, stage=STAGE, severity="note", status="passed", kind=kind, title=title, detail=detail)


def _plan_changed(plan: Mapping[str, Any]) -> Iterator[Finding]:
    if plan["after_unsealing"]:
        what = ", ".join(plan["changed"])
        yield _finding(
            "ASM002", "plan_changed", "warning", "the assessment was planned after these test rows had been opened",
            detail=f"The run {plan['opened_by']} opened them first. What differs from its plan: {what}. Whoever knows answers can choose "
            "the questions: what is found here is a hint, until rows that nobody has seen confirm it.",
            fix="goodfit split RUN --fresh-test, or state the plan before the next data",
        )  # fmt: skip


def _small_groups(plan: Mapping[str, Any]) -> Iterator[Finding]:
    small = list(dict.fromkeys((one["axis"], one["member"]) for one in plan["power"] if not one["can_have_a_verdict"]))
    if not small:
        return
    named = ", ".join(f"{axis} {member!r}" for axis, member in small[:NAMED]) + (" …" if len(small) > NAMED else "")
    least = plan["minimum_n"]["verdict"]
    yield _finding(
        "ASM003", "small_groups", "note", f"{len(small)} group{'s have' if len(small) > 1 else ' has'} too few rows for a verdict",
        detail=f"{named}: fewer than {least} rows (in the class that counts, or in the rest). Their rates are shown from "
        f"{plan['minimum_n']['rate']} rows on; whether they differ cannot be said.",
        fix="gather rows of these groups, or a suite of texts about them (assess.suites)",
    )  # fmt: skip


def _labels_by_group(plan: Mapping[str, Any]) -> Iterator[Finding]:
    found = [one for one in plan["data"]["associations"] if abs(one["difference"]) >= plan["margin"]]
    if not found:
        return
    said = [f"{_percent(one['rate'])} of {one['axis']} {one['member']!r} carry {one['label']!r}, {_percent(one['elsewhere'])} of the rest"
            for one in found[:NAMED]]  # fmt: skip
    yield _finding(
        "ASM004", "labels_by_group", "note", f"labels go with groups in the training data ({len(found)} sure differences)",
        detail="; ".join(said) + ". A model can learn the group in place of the meaning.",
        fix="look whether the labels are right, and gather the missing classes of these groups",
    )  # fmt: skip


def _term_lists(plan: Mapping[str, Any]) -> Iterator[Finding]:
    for listed in plan["lists"]:
        wrong = [fault for fault in listed["lint"] if fault["kind"] not in ("ambiguous", "unreviewed")]
        if wrong:
            yield _finding(
                "ASM011", "term_list", "warning",
                f"the list of terms {listed['name']} has {len(wrong)} fault{'s' if len(wrong) > 1 else ''}",
                detail="; ".join(f"{one['where']}: {one['words']}" for one in wrong[:NAMED]), fix=wrong[0]["fix"],
            )  # fmt: skip


def worse(line: Mapping[str, Any]) -> bool:
    """Whether the gap is to the disadvantage of the group that is named."""
    value = line["value"] or 0.0
    return {"higher": value > 0, "lower": value < 0}.get(line["harm_when"], True)


def _gaps(document: Mapping[str, Any], *, primary: bool) -> Iterator[Finding]:
    asked = [line for line in document["gaps"] if line["primary"] is primary]
    found = [line for line in asked if line["answer"] == "gap"]
    by: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for line in found:
        by[line["set"], line["family"]].append(line)
    code, kind = ("ASM005", "group_gap") if primary else ("ASM010", "other_gap")
    for (name, _), unsorted in by.items():
        lines = sorted(unsorted, key=lambda one: (not worse(one), -abs(one["value"])))
        severity: Severity = "warning" if primary and worse(lines[0]) else "note"
        yield _finding(
            code, kind, severity, f"{sentence(lines[0])} ({name} rows)",
            detail=" ".join([*(f"{sentence(one)}." for one in lines[1:NAMED]), *_base(lines[0])]),
            evidence=tuple(_score(one) for one in lines[:NAMED]), n_rows=int(lines[0]["n"] or 0),
            fix=LOOK if primary else "assess.metrics declares it",
        )  # fmt: skip
    if primary and not found:
        within = sum(line["answer"] == "no_gap_above_margin" for line in asked)
        if within:
            margin = POINTS * document["gaps"][0]["margin"]
            yield _passed(
                code, kind, "no gap was found in what was declared", f"{within} of {len(asked)} lie within {margin:g} points for sure."
            )


def _base(line: Mapping[str, Any]) -> list[str]:
    base = line.get("base")
    if not base:
        return []
    if base["low"] is None:
        return []
    ends = f"[{_points(base['low'])}, {_points(base['high'])}]"
    return [f"The base model under a linear probe has {_points(base['value'])} points {ends} on the same rows."]


def sentence(line: Mapping[str, Any]) -> str:
    """`others taken for 'hate': 31.2% of gender 'women', 12.3 points [8.1, 16.4] above the rest (n 412)`."""
    group = " x ".join(_who(axis, member) for axis, member in line["group"].items())
    what = SAID[line["name"].removesuffix("_gap")].replace("{label}", repr(line["label"]))
    value = line["value"]
    ends = "" if line["low"] is None else f" [{_points(abs_low(line))}, {_points(abs_high(line))}]"
    side = "above" if value > 0 else "below"
    return f"{what}: {_percent(line['rate'])} of {group}, {_points(abs(value))} points{ends} {side} the rest (n {line['n']:,})"


def _who(axis: str, member: str) -> str:
    return f"texts with any term of {axis}" if member == ANY else f"{axis} {member!r}"


def abs_low(line: Mapping[str, Any]) -> float:
    """The nearer end of the interval, in the direction of the gap."""
    return float(line["low"] if line["value"] > 0 else -line["high"])


def abs_high(line: Mapping[str, Any]) -> float:
    """The farther end."""
    return float(line["high"] if line["value"] > 0 else -line["low"])


def _score(line: Mapping[str, Any]) -> Score:
    return Score(
        name=line["name"], value=line["value"], low=line["low"], high=line["high"], n=int(line["n"]), system=line["system"],
        label=line["label"], group=dict(line["group"]), split=line["set"], method=line["method"],
        higher_is_better=line["harm_when"] == "lower",
    )  # fmt: skip


def _undecided(document: Mapping[str, Any]) -> Iterator[Finding]:
    asked = [line for line in document["gaps"] if line["primary"]]
    open_ = [line for line in asked if line["answer"] == "not_enough_data"]
    if not open_:
        return
    needed = [line for line in open_ if line["rows_needed"] and line["n"]]
    most = sorted(needed, key=lambda line: line["rows_needed"])[:NAMED]
    said = [f"{' x '.join(line['group'].values())} ({line['set']}, {line['name'].removesuffix('_gap')}): {line['rows_needed']:,} rows of "
            f"it, there are {line['n']:,}" for line in most]  # fmt: skip
    yield _finding(
        "ASM006", "gaps_undecided", "note", f"of {len(asked)} declared comparisons {len(open_)} cannot be decided with these rows",
        detail=("What would settle the nearest: " + "; ".join(said) + ".") if said else "",
        fix="gather rows of these groups, or accept a larger margin (assess.margin) if such a difference would not matter",
    )  # fmt: skip


def _swaps(document: Mapping[str, Any]) -> Iterator[Finding]:
    for probe in document["probes"]:
        if probe["answer"] != "gap":
            continue
        flip = Score.model_validate(probe["flip_rate"])
        toward = max(probe["towards"], key=lambda one: abs(one["change"]), default=None)
        more = (
            ""
            if toward is None
            else (f" Towards {toward['member']!r} the probability of {toward['label']!r} moves by {_points(toward['change'])} points.")
        )
        yield _finding(
            "ASM007", "identity_swap", "warning",
            f"{_percent(flip.value)} of the answers change when {probe['axis']} terms are put in place of each other ({probe['set']} rows)",
            detail=f"{probe['pairs']:,} pairs from {probe['n']:,} texts, {probe['certain']:,} without a doubt about the swap.{more} "
            "Whether both texts mean the same to people is for people to say.",
            evidence=(flip,), n_rows=probe["n"], fix="look at the pairs on the report page: do both texts mean the same to people?",
        )  # fmt: skip


def _functions(document: Mapping[str, Any]) -> Iterator[Finding]:
    failed = [one for one in document["functions"] if (one["accuracy"].get("high") or 1.0) < BELOW]
    if failed:
        said = [f"{one['function']} ({_percent(one['accuracy']['value'])} right of {one['n']:,})" for one in failed[:NAMED]]
        yield _finding(
            "ASM008", "failed_functions", "warning",
            f"{len(failed)} of {len(document['functions'])} functions are answered wrong more often than right",
            detail="; ".join(said), evidence=tuple(Score.model_validate(one["accuracy"]) for one in failed[:NAMED]),
            fix="texts of these kinds in the training data; the suite's own texts are for looking, not for training",
        )  # fmt: skip


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{POINTS * value:.1f}%"


def _points(value: float | None) -> str:
    return "?" if value is None else f"{POINTS * value:.1f}"


def counted(gaps: Sequence[Mapping[str, Any]], not_measured: int) -> dict[str, int]:
    """How the declared questions were answered (the result document's `assessment`)."""
    out = {"gap": 0, "no_gap_above_margin": 0, "not_enough_data": 0}
    for line in gaps:
        if line["primary"]:
            out[line["answer"]] += 1
    return out | {"not_measured": not_measured}
