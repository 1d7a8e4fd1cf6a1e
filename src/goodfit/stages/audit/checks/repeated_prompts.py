"""AUD072: answers that begin with their question. A model that learns them repeats what it was asked before it answers."""

from __future__ import annotations

import numpy as np

from goodfit.stages.audit.answers import Answered, Flags, Limits, told
from goodfit.stages.audit.check import Outcome, check
from goodfit.stages.audit.scene import Scene

LIMITS = Limits(note=0.003, warning=0.05)
SHORTEST = 20
"""Characters that a question needs for its repetition to be no accident."""
LOOKED_AT = 400


@check(code="AUD072", kind="prompt_repeated", severity="warning", looks_for="answers that repeat their question", tasks=("generation",))
def repeated_prompts(scene: Scene) -> Outcome:
    """Rows whose answer begins with the question."""
    seen = scene.answered
    return told(
        seen, repeats(seen), LIMITS, ("answers begin by repeating their question", "answers do not repeat their question"),
        "Case, spaces and punctuation aside, these answers begin with the text that they answer (its first 400 characters). Where the task "
        "asks for a copy (correction, for example), that is as it should be.",
        "cut the repetition off: often the whole conversation was exported as the answer",
    )  # fmt: skip


def repeats(seen: Answered) -> Flags:
    """[n]"""
    out = []
    for question, answer in zip(seen.questions, seen.answers, strict=True):
        asked = _plain(question[: 2 * LOOKED_AT])[:LOOKED_AT]
        out.append(len(asked) >= SHORTEST and _plain(answer[: 4 * LOOKED_AT]).startswith(asked))
    return np.array(out, dtype=np.bool_)


def _plain(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
