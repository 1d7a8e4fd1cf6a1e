"""What is said of a model that writes: one finding for each kind of bias that was asked for, with its numbers. Part of assess.language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goodfit.finding import Finding, Severity
from goodfit.score import Score

STAGE = "assess"
NAMED = 4
"""Categories named in one finding."""
POINTS = 100
Line = Mapping[str, Any]
LIMITS = {
    "ASM020": "Many of these pairs are doubtful (Blodgett et al. 2021): look at the categories, and at what the model does in its task.",
    "ASM021": "A bias near 0 with an accuracy near chance would be no merit: the accuracy stands beside it.",
    "ASM022": "The sentences are templates about 40 jobs.",
    "ASM023": "Half is what a text that knows nothing of a person would give; what people do in these professions is another number.",
}
FIXES = {
    "ASM020": "look at categories and pairs; balance what the training texts say of these groups, and ask again",
    "ASM021": "training rows in which the right answer is that the text does not say",
    "ASM022": "training texts with either pronoun for each job (the same text about somebody else)",
    "ASM023": "look at the categories, and at whom the training texts name",
}


def language_findings(document: Mapping[str, Any]) -> list[Finding]:
    """Everything that is said, in the order of the codes."""
    headlines = [line for line in document["probes"] if line["primary"]]
    made = [
        *_of("ASM020", "stereotyped_sentences", [line for line in headlines if line["probe"] in ("crows_pairs", "stereoset")]),
        *_of("ASM021", "answers_by_stereotype", [line for line in headlines if line["probe"] == "bbq"]),
        *_of("ASM022", "pronouns_by_stereotype", [line for line in headlines if line["probe"] == "winobias"]),
        *_of("ASM023", "one_gender_named", [line for line in headlines if line["probe"] == "bold"]),
    ]
    return [*_undecided(headlines), *made]


def _of(code: str, kind: str, lines: Sequence[Line]) -> Iterator[Finding]:
    """Sure scores one by one, those towards the stereotype first; `passed` where all lie within the margin."""
    found = sorted((line for line in lines if line["answer"] == "gap"), key=lambda line: line["ideal"] - line["score"]["value"])
    for line in found:
        stereotype = code != "ASM023"
        towards = stereotype and line["score"]["value"] > line["ideal"]
        severity: Severity = "warning" if towards else "note"
        against = " This is away from the stereotype, which is a bias too." if stereotype and not towards else ""
        yield Finding(
            code=code, stage=STAGE, severity=severity, kind=kind, title=f"{sentence(line)} ({line['set']})",
            detail=" ".join(part for part in (_base(line), _accuracy(line), _categories(line), LIMITS[code] + against) if part),
            evidence=_evidence(line), n_rows=line["n"], fix=FIXES[code],
        )  # fmt: skip
    if lines and all(line["answer"] == "no_gap_above_margin" for line in lines):
        margin = POINTS * lines[0]["margin"]
        detail = " ".join(f"{sentence(line)} ({line['set']}). {_accuracy(line)}".strip() for line in lines)
        yield Finding(
            code=code, stage=STAGE, severity="note", status="passed", kind=kind,
            title=f"what was asked lies within {margin:g} points of what is ideal", detail=detail,
        )  # fmt: skip


def _undecided(lines: Sequence[Line]) -> Iterator[Finding]:
    open_ = [line for line in lines if line["answer"] == "not_enough_data"]
    if open_:
        yield Finding(
            code="ASM006", stage=STAGE, severity="note", kind="gaps_undecided",
            title=f"of {len(lines)} scores of published sets {len(open_)} cannot be decided with what was asked",
            detail="; ".join(_needed(line) for line in open_[:NAMED]) + ".",
            fix="ask more items (assess.suites.NAME.rows), or accept a larger margin (assess.margin)",
        )  # fmt: skip


def _needed(line: Line) -> str:
    more = f", {line['rows_needed']:,} items would settle it" if line["rows_needed"] else ""
    return f"{line['set']}, {line['name']}: {line['why']}{more}"


def sentence(line: Line) -> str:
    """`pairs in which the more stereotyped sentence is likelier: 61.2% [58.7, 63.6], ideal 50% (n 1,508)`."""
    score, unit = line["score"], "%" if line["ideal"] else " points"
    if score.get("value") is None:
        return f"{line['what']}: not measured ({score.get('why_absent')})"
    ends = "" if score["low"] is None else f" [{POINTS * score['low']:.1f}, {POINTS * score['high']:.1f}]"
    return f"{line['what']}: {POINTS * score['value']:.1f}{unit}{ends}, ideal {POINTS * line['ideal']:g}{unit} (n {line['n']:,})"


def _base(line: Line) -> str:
    """Was it there before?"""
    change, base = line["change"], line["base"]
    if not change or change["value"] is None or not base or base.get("value") is None:
        return "The base model was not asked the same items."
    said = f"The base model has {POINTS * base['value']:.1f} on the same items"
    if change["low"] is None:
        return f"{said}."
    ends = f"[{POINTS * change['low']:+.1f}, {POINTS * change['high']:+.1f}]"
    sure = "fine-tuning changed it" if change["low"] > 0 or change["high"] < 0 else "no change by fine-tuning is sure"
    return f"{said}: a change of {POINTS * change['value']:+.1f} {ends}, {sure}."


def _accuracy(line: Line) -> str:
    mine = line.get("accuracy", {}).get(line["system"], {})
    said = [f"{name} {POINTS * one['value']:.1f}%" for name, one in mine.items() if one.get("value") is not None]
    return f"Accuracy: {', '.join(said)}." if said else ""


def _categories(line: Line) -> str:
    known = [one for one in line["categories"] if one["score"].get("value") is not None]
    most = sorted(known, key=lambda one: -abs(one["score"]["value"] - line["ideal"]))[:NAMED]
    said = [
        f"{one['category']} {POINTS * one['score']['value']:.1f} (n {one['n']:,}, {str(one['answer']).replace('_', ' ')})" for one in most
    ]
    return f"By category, the farthest first: {', '.join(said)}." if said else ""


def _evidence(line: Line) -> tuple[Score, ...]:
    return tuple(Score.model_validate(one) for one in (line["score"], line["base"]) if one is not None)
