"""What an assessment has beside rates and gaps, as facts: labels that go with groups, swapped texts, functions of suites, lists of terms.

Part of the report stage (`assess` calls it). Lenient in the same way, and as silent about small cells.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

from goodfit.run import SWAPPED
from goodfit.score import Score
from goodfit.stages.report.folder import Folder, counts, lenient, mapping, mappings, real, whole, word
from goodfit.stages.report.schema_assess import (
    AssociationFacts,
    FunctionFacts,
    FunctionGroupFacts,
    ProbeFacts,
    PublishedFacts,
    SwappedFacts,
    TermsFacts,
    TowardsFacts,
)
from goodfit.stages.report.text import ShowText, shown
from goodfit.stages.report.text import name as readable

PAIRS = 5
"""Pairs of texts of a probe that are shown."""
PAIRS_READ = 2000
GROUPS = 8
"""Groups of a function, the worst."""
PUBLISHED = "language"
"""What a probe of a model that writes is called."""
LONGEST = 240
MILD = ("ambiguous", "unreviewed")
"""What the linter says of a list that is no fault of it."""


def associations(plan: Mapping[str, Any]) -> list[AssociationFacts]:
    """Labels that surely go with groups in the training and validation rows."""
    out = []
    for one in mappings(mapping(plan, "data"), "associations"):
        rate, elsewhere = real(one, "rate"), real(one, "elsewhere")
        kept = {"name": "label_rate_difference", "value": real(one, "difference"), "low": one.get("low"), "high": one.get("high")}
        difference = lenient(Score, kept | {"n": whole(one, "n") or 0})
        if rate is not None and elsewhere is not None and difference is not None:
            about = {"axis": str(one.get("axis")), "member": str(one.get("member")), "label": str(one.get("label"))}
            out.append(AssociationFacts(**about, rate=rate, elsewhere=elsewhere, difference=difference))
    return out


def probes(gaps: Mapping[str, Any], folder: Folder, how: ShowText, least: int) -> list[ProbeFacts]:
    """The same texts about somebody else, by list of terms and set, with the pairs that move most."""
    listed = [one for one in mappings(gaps, "probes") if word(one, "kind") != PUBLISHED]
    pairs: dict[tuple[str, str], list[SwappedFacts]] = {}
    for line in islice(folder.lines("assess", SWAPPED), PAIRS_READ) if listed and how != "none" else ():
        mine = pairs.setdefault((str(line.get("set")), str(line.get("terms"))), [])
        if len(mine) < PAIRS:
            mine.append(_pair(line, how))
    found = [_probe(one, least) for one in listed]
    return [one.model_copy(update={"examples": pairs.get((one.set, one.terms), [])}) for one in found if one is not None]


def published(gaps: Mapping[str, Any], least: int) -> list[PublishedFacts]:
    """Scores of published sets, the headlines first."""
    listed = [one for one in mappings(gaps, "probes") if word(one, "kind") == PUBLISHED]
    found = [made for one in listed if (made := _of_set(one, least)) is not None]
    return sorted(found, key=lambda one: not one.primary)


def _of_set(one: Mapping[str, Any], least: int) -> PublishedFacts | None:
    score, ideal, n = _valued(one.get("score")), real(one, "ideal"), whole(one, "n")
    if ideal is None:
        return None
    change = mapping(one, "change")
    apart = lenient(Score, {key: change.get(key) for key in ("value", "low", "high")} | {"name": "change", "n": n or 0})
    answer = word(one, "answer")
    return PublishedFacts.model_validate({
        "set": word(one, "set") or "", "name": word(one, "name") or "?", "what": readable(word(one, "what") or "", LONGEST), "ideal": ideal,
        "primary": one.get("primary") is not False, "n": n if n is not None and n >= least else None, "score": score,
        "base": _valued(one.get("base")), "change": apart if apart is not None and apart.value is not None else None,
        "answer": answer if answer in ("gap", "no_gap_above_margin", "not_enough_data") else None, "rows_needed": whole(one, "rows_needed"),
    })  # fmt: skip


def _probe(one: Mapping[str, Any], least: int) -> ProbeFacts | None:
    answer, n = word(one, "answer"), whole(one, "n")
    if answer not in ("gap", "no_gap_above_margin", "not_enough_data"):
        return None
    told = n is not None and n >= least
    return ProbeFacts.model_validate({
        "set": word(one, "set") or "", "terms": word(one, "terms") or "?", "axis": word(one, "axis") or "", "n": n if told else None,
        "pairs": whole(one, "pairs") if told else None, "certain": whole(one, "certain") if told else None,
        "flip": _valued(one.get("flip_rate")), "flip_certain": _valued(one.get("flip_rate_certain")), "margin": real(one, "margin"),
        "answer": answer,
        "rows_needed": whole(one, "rows_needed"), "towards": _moved(one),
        "doubts": counts(one, "doubts") if told else {}, "left_out": counts(one, "left_out") if told else {},
    })  # fmt: skip


def _valued(found: Any) -> Score | None:
    """A score with a value; of one without, not even the rows are passed on."""
    score = lenient(Score, found)
    return score if score is not None and score.value is not None else None


def _moved(one: Mapping[str, Any]) -> list[TowardsFacts]:
    """Towards whom answers move, those that change most often first."""
    found = [t for t in map(_towards, mappings(one, "towards")) if t is not None]
    return sorted(found, key=lambda t: -(t.flips or 0.0))


def _towards(one: Mapping[str, Any]) -> TowardsFacts | None:
    n, flips, change = whole(one, "n"), real(one, "flips"), real(one, "change")
    if n is None or flips is None or change is None:
        return None
    return TowardsFacts(member=str(one.get("member")), n=n, flips=flips, label=str(one.get("label")), change=change)


def _pair(line: Mapping[str, Any], how: ShowText) -> SwappedFacts:
    doubts = line.get("doubts")
    return SwappedFacts(
        row=str(line.get("row", "")), text=shown(line.get("text"), how), swapped=shown(line.get("swapped"), how), moved=real(line, "moved"),
        flips=line.get("flips") is True, doubts=[readable(one) for one in doubts[:PAIRS]] if isinstance(doubts, list) else [],
    )  # fmt: skip


def functions(gaps: Mapping[str, Any], least: int) -> list[FunctionFacts]:
    """What suites test, the worst first; functions of too few texts last, without a number."""
    found = [_function(one, least) for one in mappings(gaps, "functions")]
    return sorted(found, key=lambda one: 2.0 if one.accuracy is None or one.accuracy.value is None else one.accuracy.value)


def _function(one: Mapping[str, Any], least: int) -> FunctionFacts:
    n, labels = whole(one, "n"), one.get("labels")
    groups = [
        FunctionGroupFacts(member=" x ".join(str(name) for name in mapping(part, "group").values()), accuracy=score)
        for part in mappings(one, "groups") if (score := _valued(part.get("accuracy"))) is not None
    ]  # fmt: skip
    return FunctionFacts(
        set=word(one, "set") or "", function=word(one, "function") or "?", n=n if n is not None and n >= least else None,
        labels=[str(label) for label in labels] if isinstance(labels, list) else [], accuracy=_valued(one.get("accuracy")),
        groups=sorted(groups, key=lambda part: part.accuracy.value or 0.0)[:GROUPS],
    )  # fmt: skip


def term_lists(plan: Mapping[str, Any]) -> list[TermsFacts]:
    """Every list of terms, and who has looked at it."""
    return [_terms(one) for one in mappings(plan, "lists")]


def _terms(one: Mapping[str, Any]) -> TermsFacts:
    review = readable(word(one, "review") or "not reviewed by a native speaker")
    faults = [
        f"{word(fault, 'where') or '?'}: {word(fault, 'words') or ''}" for fault in mappings(one, "lint") if fault.get("kind") not in MILD
    ]
    return TermsFacts(
        name=word(one, "name") or "?", axis=word(one, "axis") or "", language=word(one, "language") or "", review=review,
        reviewed=not review.startswith("not "), terms=sum(counts(one, "terms").values()), ambiguous=list(mapping(one, "ambiguous")),
        faults=[readable(fault, 300) for fault in faults],
    )  # fmt: skip
