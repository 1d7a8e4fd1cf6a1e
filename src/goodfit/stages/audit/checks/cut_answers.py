"""AUD071: answers that end in the middle. A model that learns them stops in the middle too.

Three signs: a code fence or a JSON value that is opened and not closed; many answers of exactly the greatest length (a cap at their
export); long answers without a closing mark where most long answers have one.
"""

from __future__ import annotations

import json
import re

import numpy as np

from goodfit.stages.audit.answers import Answered, Flags, Limits, told, words_in
from goodfit.stages.audit.check import Outcome, check
from goodfit.stages.audit.scene import Scene

LIMITS = Limits(note=0.003, warning=0.03)
LONG = 20
"""Words from which an answer is expected to end with a mark, if most do."""
MOSTLY = 0.8
CAPPED, CAP = 0.01, 100
"""Share of answers of exactly the greatest length, and the characters that it must have, to be a cap."""
DIFFERENT = 10
"""Lengths up to which all answers are from a short list, which has a longest."""
_CLOSED = re.compile(r"[^\w\s,(\[{–—-]\s*$")
"""Ends in a mark that may stand at an end: a full stop in any script, a bracket, a quotation mark, an emoji …"""


@check(code="AUD071", kind="cut_answers", severity="warning", looks_for="answers that end in the middle", tasks=("generation",))
def cut_answers(scene: Scene) -> Outcome:
    """Rows with an answer that was cut."""
    seen = scene.answered
    opened, capped, trailing = unclosed(seen), at_the_cap(seen), without_an_end(seen)
    signs = {
        "leave a code block or JSON open": opened,
        "have exactly the greatest length": capped,
        "are long and end without a mark": trailing,
    }
    said = "; ".join(f"{int(flags.sum()):,} {name}" for name, flags in signs.items() if flags.any())
    return told(
        seen, opened | capped | trailing, LIMITS, ("answers seem to be cut", "answers are whole"),
        f"Of the answers {said}. A model that learns them ends in the middle as well.",
        "export them again without a limit, finish them, or drop these rows",
    )  # fmt: skip


def unclosed(seen: Answered) -> Flags:
    """[n] a code fence that is not closed, or JSON that does not end."""
    return np.array([answer.count("```") % 2 == 1 or _open_json(answer) for answer in seen.answers], dtype=np.bool_)


def at_the_cap(seen: Answered) -> Flags:
    """[n] of exactly the greatest length, where that many are by no chance."""
    lengths = np.array([len(answer) for answer in seen.answers])
    most = int(lengths.max(initial=0))
    flags: Flags = lengths == most
    by_chance = most < CAP or flags.sum() < max(5, CAPPED * len(seen)) or len(np.unique(lengths)) <= DIFFERENT
    return np.zeros(len(seen), np.bool_) if by_chance else flags


def without_an_end(seen: Answered) -> Flags:
    """[n] long answers that end with a word or a comma, where at least MOSTLY of the long ones do not."""
    long = np.array([words_in(answer) >= LONG for answer in seen.answers], dtype=np.bool_)
    ends = np.array([_CLOSED.search(answer[-40:]) is not None for answer in seen.answers], dtype=np.bool_)
    if long.sum() < LONG or ends[long].mean() < MOSTLY:
        return np.zeros(len(seen), np.bool_)
    return long & ~ends


def _open_json(answer: str) -> bool:
    text = answer.strip()
    if not text or text[0] not in "{[" or len(text) > 100_000 or not re.match(r"[{\[]\s*[\"{\[]", text):
        return False
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text) - 1 or "Unterminated string" in error.msg
    except RecursionError:
        return False
    return False
