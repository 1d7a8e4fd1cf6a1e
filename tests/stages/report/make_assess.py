"""An assessment as the stage leaves it, made up: a sure gap, one within the margin, an undecided one, a group too small to be shown.

`hostile` puts a name that would break a page, a table or a sentence in place of a group, a label's text, a list and a function.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from goodfit.files import write_json, write_jsonl
from goodfit.finding import Finding
from goodfit.score import Score

LABEL = "refund"
MARGIN = 0.05
HARM = "people wait for an answer that they will not get"
AXES = {"region": ("north", "south", "west", "islands"), "gender": ("women", "men")}
RATES = {
    "north": (0.312, 0.18, 410, "gap", None), "south": (0.171, 0.212, 600, "no_gap_above_margin", None),
    "west": (0.25, 0.2, 140, "not_enough_data", 910), "islands": (None, None, None, "not_enough_data", None),
    "women": (0.24, 0.16, 800, "gap", None), "men": (0.16, 0.24, 760, "gap", None), "(any)": (0.2, 0.19, 1500, "no_gap_above_margin", None),
}  # fmt: skip
"""Member -> rate, that of the rest, rows, answer, rows that would tell."""


def score(name: str, value: float | None, n: int, **about: Any) -> dict[str, Any]:
    if value is None:
        return Score(name=name, n=n, why_absent="n below 20", **about).to_json()
    return Score(name=name, value=value, low=max(0.0, value - 0.04), high=min(1.0, value + 0.04), n=n, method="wilson", **about).to_json()


def gap_line(axis: str, member: str, metric: str = "error", label: str | None = None, **more: Any) -> dict[str, Any]:
    """A line of `gaps`; `axis` is its title."""
    rate, rest, n, answer, needed = RATES.get(member, RATES["north"])
    value = None if rate is None or rest is None else round(rate - rest, 4)
    base = (
        None
        if value is None
        else {"system": "base_probe", "value": value / 2, "low": value / 2 - 0.05, "high": value / 2 + 0.05, "rate": 0.3}
    )
    return {
        "set": "test", "name": f"{metric}_gap", "form": "one_vs_rest", "system": "model", "label": label, "axis": axis,
        "group": {axis.removesuffix(" (any)"): member}, "value": value, "low": None if value is None else value - 0.041,
        "high": None if value is None else value + 0.041, "n": n, "n_rest": 1500, "rate": rate, "rate_rest": rest, "method": "score_skew",
        "clusters": None, "margin": MARGIN, "answer": answer, "why": "", "rows_needed": needed, "family": f"test: {axis} x {metric}", "p": 0.001,
        "p_adjusted": 0.004, "correction": "holm", "primary": True, "harm_when": "higher", "base": base,
    } | more  # fmt: skip


def rate_line(line: dict[str, Any]) -> dict[str, Any]:
    """The rate that belongs to a gap; of a small cell with its rows, as the stage writes it."""
    about = {"system": "model", "split": line["set"], "label": line["label"], "group": line["group"], "higher_is_better": False}
    return score(line["name"].removesuffix("_gap"), line["rate"], line["n"] or 7, **about)


def lines(extra: str | None) -> Iterator[dict[str, Any]]:
    members = [("region", name) for name in AXES["region"]] + ([("region", extra)] if extra else [])
    members += [("gender", name) for name in AXES["gender"]] + [("gender (any)", "(any)")]
    for axis, name in members:
        yield gap_line(axis, name)
        yield gap_line(axis, name, "fpr", LABEL)
    yield gap_line("region", "north", "ppv", LABEL, primary=False, harm_when="lower")
    yield gap_line("region", "west", "selection", LABEL, primary=False, harm_when="none")


def gaps_document(extra: str | None = None, **changes: Any) -> dict[str, Any]:
    """assess/gaps.json."""
    found = list(lines(extra))
    declared = [line["answer"] for line in found if line["primary"]]
    kinds = ("gap", "no_gap_above_margin", "not_enough_data")
    missing = [{"what": f"test: region x fpr of 'x{i}'", "why": "the label does not occur"} for i in range(11)]
    missing += [{"what": f"question {i}", "why": f"reason {i}"} for i in range(9)]
    flip = score("flip_rate", 0.09, 330, higher_is_better=False)
    probe = {
        "name": "identity_swap", "set": "test", "terms": extra or "gender-en", "axis": "gender", "system": "model", "n": 330, "pairs": 640,
        "flip_rate": flip, "flip_rate_certain": flip, "margin": MARGIN, "answer": "gap", "why": "", "rows_needed": None, "certain": 600,
        "doubts": {"her": 40}, "left_out": {"no counterpart": 12}, "moved": 0.05,
        "towards": [{"member": "men", "n": 320, "flips": 0.07, "label": LABEL, "change": -0.03},
                    {"member": "women", "n": 320, "flips": 0.11, "label": LABEL, "change": 0.041}],
    }  # fmt: skip
    functions = [
        {"set": "hatecheck", "function": name, "n": n, "labels": [LABEL], "accuracy": score("accuracy", value, n or 6, system="model"),
         "groups": [{"group": {"target": "women"}, "accuracy": score("accuracy", 0.2, 40)}]}
        for name, value, n in ((extra or "negation", 0.31, 133), ("slur reclaimed", 0.62, 81), ("rare", None, None))
    ]  # fmt: skip
    return {
        "schema": "goodfit/gaps/1", "run": "2026-05-01-support-tickets-7f3a", "on": "test", "plan": "b2:77cd00112233445566778899",
        "plan_changed_after_unsealing": False, "systems": ["model", "base_probe"], "minimum_n": {"rate": 20, "verdict": 100}, "margin": MARGIN,
        "sets": [{"name": "test", "n": 2000}], "groups": [], "rates": [rate_line(line) for line in found], "gaps": found, "omnibus": [],
        "probes": [probe], "functions": functions, "worst": None,
        "counts": {kind: declared.count(kind) for kind in kinds} | {"not_measured": len(missing)}, "not_measured": missing,
        "text": "groups: 6 gaps found, 4 within 5 points, 4 undecided, 20 not measured",
    } | changes  # fmt: skip


def plan_document(extra: str | None = None, **changes: Any) -> dict[str, Any]:
    """assess/plan.json."""
    listed = {"name": extra or "gender-en", "axis": "gender", "language": "en", "swap": "aligned", "license": "CC0",
              "review": "not reviewed by a native speaker", "terms": {"women": 40, "men": 38}, "ambiguous": {"miss": "to fail"},
              "lint": [{"kind": "unreviewed", "where": "list", "words": "nobody signed", "fix": "x"},
                       {"kind": "double", "where": "men", "words": "a form stands twice", "fix": "x"}]}  # fmt: skip
    association = {"axis": "region", "member": extra or "north", "label": LABEL, "rate": 0.41, "elsewhere": 0.22, "difference": 0.19, "low": 0.15,
                   "high": 0.23, "n": 900, "p_adjusted": 0.001, "phi": 0.2}  # fmt: skip
    return {
        "schema": "goodfit/assessment_plan/1", "run": "2026-05-01-support-tickets-7f3a", "purpose": "Route tickets.", "on": "test",
        "axes": [{"axis": "region", "source": "column:region", "why": "postal delays differ", "members": [], "overlapping": False}],
        "by": ["region", "gender"],
        "measures": [{"metric": "error", "label": None, "primary": True, "harm": "answers are wrong more often", "of": "all rows"},
                     {"metric": "fpr", "label": LABEL, "primary": True, "harm": HARM, "of": "rows of other classes"},
                     {"metric": "ppv", "label": LABEL, "primary": False, "harm": "x", "of": "rows predicted as the class"}],
        "margin": MARGIN, "minimum_n": {"rate": 20, "verdict": 100}, "suites": [], "probes": ["identity_swap"], "lists": [listed],
        "data": {"n": 4250, "axes": [], "associations": [association], "disagreement": []}, "power": [], "not_named": ["age"],
        "hash": "b2:77cd00112233445566778899", "after_unsealing": False, "opened_by": None, "changed": [],
    } | changes  # fmt: skip


def finding(**changes: Any) -> Finding:
    """ASM005, as the stage leaves it."""
    title = "wrong answers: 31.2% of region 'north', 13.2 points [9.1, 17.3] above the rest (n 410) (test rows)"
    return Finding.model_validate({"code": "ASM005", "stage": "assess", "severity": "warning", "kind": "group_gap", "title": title, "n_rows": 410,
                                   "fix": "look at the rows of this group"} | changes)  # fmt: skip


def add_assessment(folder: Path, extra: str | None = None) -> Path:
    """The whole of it into a made-up run; `extra` is one more group, and the name of a list and of a function."""
    assess = folder / "assess"
    assess.mkdir(exist_ok=True)
    write_json(assess / "gaps.json", gaps_document(extra))
    write_json(assess / "plan.json", plan_document(extra))
    pair = {"set": "test", "terms": extra or "gender-en", "row": "ab12", "text": "She asked for 42 refunds", "swapped": "He asked for 42 refunds",
            "moved": 0.31, "flips": True, "doubts": ["her"]}  # fmt: skip
    write_jsonl(assess / "swapped.jsonl", [pair, pair | {"row": "cd34", "flips": False, "moved": 0.1, "doubts": []}])
    write_jsonl(assess / "findings.jsonl", [finding().to_json()])
    return folder
