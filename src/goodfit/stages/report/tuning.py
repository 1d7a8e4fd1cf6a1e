"""The search as facts: its one sentence, its trials, which keys mattered. Part of the report stage (`collect` calls it).

Reads tune/search.json, tune/trials.jsonl and tune/plan.json.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from goodfit.run import PLAN, SEARCH, TRIALS_FILE
from goodfit.score import Score
from goodfit.stages.report.folder import Folder, many, mapping, real, whole, word
from goodfit.stages.report.schema_tuning import TrialFacts, TriedKey, TuningFacts
from goodfit.stages.report.text import name as readable

MOST = 2000
"""Trials that are told."""


def tuning_facts(folder: Folder) -> TuningFacts | None:
    """What a search left, or None where nothing was searched."""
    facts, result = folder.document("tune", SEARCH), mapping(folder.document("tune", PLAN), "search")
    sentence = word(result, "sentence") or word(mapping(facts, "result"), "sentence")
    lines = list(folder.lines("tune", TRIALS_FILE))[: 2 * MOST]
    if sentence is None or not lines:
        return None
    searched = [line for line in lines if line.get("phase") == "search"][:MOST]
    taken = whole(result, "taken")
    scores = many(Score, [*mapping(facts, "importance").values()])
    known = [score for score in scores if score.value is not None]
    return TuningFacts(
        sentence=readable(sentence, 400),
        metric=word(facts, "primary") or "score",
        higher_is_better=facts.get("higher_is_better") is not False,
        seconds=real(facts, "seconds"),
        choosing=whole(facts, "choosing"),
        judging=whole(facts, "judging"),
        keys=[found for key, tried in mapping(facts, "space").items() if (found := _key(key, tried)) is not None],
        trials=[told for line in searched if (told := _trial(line, taken)) is not None],
        states=dict(Counter(str(line.get("state")) for line in searched)),
        repeats=len(lines) - len(searched),
        importance=sorted(known, key=lambda score: -(score.value or 0.0)),
        why_no_importance="" if known or not scores else scores[0].why_absent or "",
    )


def _key(key: str, tried: Any) -> TriedKey | None:
    if not isinstance(tried, dict):
        return None
    choices = tried.get("choices")
    return TriedKey(
        key=readable(key, 80), low=real(tried, "low"), high=real(tried, "high"), log=tried.get("log") is True,
        choices=[readable(choice, 60) for choice in choices] if isinstance(choices, list) else [],
    )  # fmt: skip


def _trial(line: dict[str, Any], taken: int | None) -> TrialFacts | None:
    number = whole(line, "trial")
    if number is None:
        return None
    params = {
        readable(key, 80): value if isinstance(value, int | float) else readable(value, 60)
        for key, value in mapping(line, "params").items()
    }
    default = line.get("default") is True
    return TrialFacts(
        trial=number, state=word(line, "state") or "", default=default, taken=number == taken, value=real(line, "value"), params=params
    )
