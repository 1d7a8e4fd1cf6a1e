"""AUD076: answers that leave the format of the others. Where nearly all are JSON of the same keys, a number, or one of a few words, the
few that are not teach the model that the format is optional.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np

from goodfit.stages.audit.answers import Flags, Limits, quoted, told
from goodfit.stages.audit.check import Outcome, check, not_applicable
from goodfit.stages.audit.scene import Scene, listing

LIMITS = Limits(note=0.0, warning=0.01, least=1)
MOSTLY = 0.9
"""Share of answers in one format from which the others have left it."""
LEAST = 50
FEW, OFTEN = 60, 5
"""Different answers, and rows of each, that make a list of words."""
_NUMBER = re.compile(r"\s*[-+−]?[$€£]?\s?\d[\d.,\s]*\s*[%€$£]?\s*\.?\s*")


@check(code="AUD076", kind="format_drift", severity="warning", looks_for="answers that leave the usual format", tasks=("generation",))
def format_drift(scene: Scene) -> Outcome:
    """Rows whose answer is not of the form that nearly all have."""
    seen = scene.answered
    if len(seen) < LEAST:
        return not_applicable(f"it takes {LEAST} answers; there are {len(seen):,}")
    for form, flags in forms(seen.answers):
        if flags.mean() >= MOSTLY:
            odd = [quoted(seen.answers[i]) for i in np.flatnonzero(~flags)[:3].tolist()]
            return told(
                seen, ~flags, LIMITS, (f"answers are not {form}, as nearly all are", f"answers are {form}"),
                f"{int(flags.sum()):,} of {len(seen):,} answers are {form}; not so, for example: {listing(odd)}.",
                "bring them into the form of the others, or drop them",
            )  # fmt: skip
    return not_applicable("the answers are free text: they have no format to leave")


def forms(answers: Sequence[str]) -> list[tuple[str, Flags]]:
    """The formats that there may be, the strictest first, and which answers [n] have each."""
    parsed = [_json_form(answer) for answer in answers]
    keys = Counter(form for form in parsed if isinstance(form, tuple))
    usual = keys.most_common(1)[0][0] if keys else None
    same = np.array([form is not None and form == usual for form in parsed], dtype=np.bool_)
    any_json = np.array([form is not None for form in parsed], dtype=np.bool_)
    number = np.array([len(answer) < 40 and _NUMBER.fullmatch(answer) is not None for answer in answers], dtype=np.bool_)
    names = f"JSON with the keys {', '.join(map(str, usual))}" if usual else "JSON"
    return [(names, same), ("JSON", any_json), ("a number", number), ("one of a few words", _of_a_list(answers))]


def _json_form(answer: str) -> Hashable:
    """The sorted keys of a JSON object, `list` for an array, None for anything else (a bare number or word too)."""
    text = answer.strip()
    if text[:1] not in ("{", "[") or len(text) > 100_000:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return tuple(sorted(value)) if isinstance(value, dict) else "list"


def _of_a_list(answers: Sequence[str]) -> Flags:
    counts = Counter(answers)
    often = {answer for answer, n in counts.most_common(FEW) if n >= OFTEN and len(answer) <= 60}
    return np.array([answer in often for answer in answers], dtype=np.bool_)
