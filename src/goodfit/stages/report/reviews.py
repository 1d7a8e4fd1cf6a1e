"""What people said of the answers, as facts. Part of the report stage (`collect` calls it).

Reads review/results.json, which `goodfit review` writes and `goodfit report RUN` brings up to date first; a review that was never begun
is no part of the report. Names of reviewers stay in the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goodfit.run import REVIEW, REVIEW_RESULTS
from goodfit.score import Score, Verdict
from goodfit.stages.report.folder import Folder, lenient, many, mapping, real, whole, word
from goodfit.stages.report.schema_written import Agreed, Disliked, Preferred, Rated, ReviewFacts, SystemText
from goodfit.stages.report.text import ShowText, shown
from goodfit.stages.report.text import name as readable

WORST = 5


def review_facts(folder: Folder, how: ShowText) -> ReviewFacts | None:
    """The results of the review; None where nobody has judged anything."""
    found = folder.document(REVIEW, REVIEW_RESULTS)
    people = [one for one in _mappings(found.get("reviewers")) if whole(one, "answered")]
    if not people:
        return None
    items, systems = mapping(found, "items"), found.get("systems")
    return ReviewFacts(
        made=word(found, "made"), reviewers=len(people), answered=sum(whole(one, "answered") or 0 for one in people),
        drawn=whole(items, "drawn"), population=whole(items, "population"), identical=whole(items, "identical"),
        judgements=whole(found, "judgements") or 0, systems=[str(one) for one in systems] if isinstance(systems, list) else [],
        pairs=[pair for one in _mappings(found.get("pairs")) if (pair := _pair(one)) is not None],
        ratings=[_rated(one) for one in _mappings(found.get("ratings"))],
        agreement=[agreed for one in _mappings(found.get("agreement")) if (agreed := _agreed(one)) is not None],
        consistency=_with_value(found.get("consistency")),
        effects=[score for one in _mappings(found.get("effects")) if (score := _with_value(one)) is not None],
        worst=[_disliked(one, how) for one in _mappings(found.get("worst"))[:WORST]],
    )  # fmt: skip


def _mappings(listed: Any) -> Sequence[Mapping[str, Any]]:
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _pair(found: Mapping[str, Any]) -> Preferred | None:
    share = lenient(Score, found.get("win_share"))
    if share is None:
        return None
    wins, ties, losses = (whole(found, key) or 0 for key in ("wins", "ties", "losses"))
    return Preferred(
        one=str(found.get("a", "")), other=str(found.get("b", "")), wins=wins, ties=ties, losses=losses, win_share=share,
        verdict=lenient(Verdict, found.get("verdict")), more_judgements=whole(found, "more_judgements"),
        may_stop=mapping(found, "stopping").get("stop") is True,
    )  # fmt: skip


def _rated(found: Mapping[str, Any]) -> Rated:
    listed, verdicts = many(Score, found.get("scores")), many(Verdict, found.get("verdicts"))
    return Rated(dimension=readable(found.get("dimension", "")), scores=listed, verdicts=verdicts)


def _agreed(found: Mapping[str, Any]) -> Agreed | None:
    alpha, raw = (lenient(Score, found.get(key)) for key in ("alpha", "raw"))
    if alpha is None or raw is None:
        return None
    return Agreed(about=readable(found.get("about", "")), raters=whole(found, "raters") or 0, alpha=alpha, raw=raw)


def _with_value(found: Any) -> Score | None:
    score = lenient(Score, found)
    return score if score is not None and score.value is not None else None


def _disliked(found: Mapping[str, Any], how: ShowText) -> Disliked:
    """Notes and tags are people's own words of the rows: shown as the rows are."""
    notes = [shown(one.get("note"), how) for one in _mappings(found.get("notes"))]
    tags = found.get("tags")
    return Disliked(
        row=readable(found.get("row", "")), merit=real(found, "merit") or 0.0, judgements=whole(found, "judgements") or 0,
        prompt=shown(found.get("prompt"), how),
        texts=[SystemText(system=readable(name), text=shown(text, how)) for name, text in mapping(found, "texts").items()],
        tags=[text for tag in tags if (text := shown(tag, how)) is not None] if isinstance(tags, list) else [],
        notes=[note for note in notes if note is not None],
    )  # fmt: skip
