"""AUD077: answers in another script than their question, where nearly all answers keep to it.

Scripts are seen surely (Latin, Cyrillic, Greek, Arabic, Hebrew, Devanagari, Han with kana, Hangul, Thai); languages that share a script are
not told apart here.
"""

from __future__ import annotations

import re

import numpy as np

from goodfit.stages.audit.answers import PLAIN, Answered, Flags, Limits, told
from goodfit.stages.audit.check import Outcome, check, not_applicable
from goodfit.stages.audit.scene import Scene

LIMITS = Limits(note=0.002, warning=0.03)
MOSTLY = 0.8
LETTERS = 10
"""Letters that a text needs for its script to be known."""
LOOKED_AT = 2_000
_SCRIPTS = {
    "Latin": "A-Za-z\u00c0-\u024f", "Cyrillic": "\u0400-\u04ff", "Greek": "\u0370-\u03ff", "Arabic": "\u0600-\u06ff",
    "Hebrew": "\u0590-\u05ff", "Devanagari": "\u0900-\u097f", "East Asian": "\u3040-\u30ff\u3400-\u9fff", "Hangul": "\uac00-\ud7af",
    "Thai": "\u0e00-\u0e7f",
}  # fmt: skip
_PATTERNS = {name: re.compile(f"[{signs}]") for name, signs in _SCRIPTS.items()}


@check(code="AUD077", kind="answer_language", severity="warning", looks_for="answers in another script than asked", tasks=("generation",))
def answer_language(scene: Scene) -> Outcome:
    """Rows whose answer is in another script than the question."""
    seen = scene.answered
    if not len(seen):
        return not_applicable(PLAIN)
    other, known = changes(seen)
    if not known.any():
        return not_applicable("no question and answer have letters enough for their script to be seen")
    if other[known].mean() > 1 - MOSTLY:
        return not_applicable("many answers are in another script than their question: the task seems to be translation")
    return told(
        seen, other, LIMITS, ("answers are in another script than their question", "answers are in the script of their question"),
        "Nearly all other answers keep to the script of what they answer. Languages of the same script are not told apart here.",
        "translate or drop them, unless the change is wanted",
    )  # fmt: skip


def changes(seen: Answered) -> tuple[Flags, Flags]:
    """[n] answer and question are of different scripts; [n] both are known."""
    pairs = [(script_of(question), script_of(answer)) for question, answer in zip(seen.questions, seen.answers, strict=True)]
    known = np.array([bool(a and b) for a, b in pairs], dtype=np.bool_)
    return known & np.array([a != b for a, b in pairs], dtype=np.bool_), known


def script_of(text: str) -> str | None:
    """The script of most letters (at least two thirds of those known), or None where there are few."""
    counts = {name: len(pattern.findall(text[:LOOKED_AT])) for name, pattern in _PATTERNS.items()}
    name, most = max(counts.items(), key=lambda pair: pair[1])
    return name if most >= LETTERS and 3 * most >= 2 * sum(counts.values()) else None
