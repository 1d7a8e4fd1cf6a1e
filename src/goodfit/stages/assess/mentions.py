"""What the lists of terms find in the training texts, before anything is measured with them. Part of assess.

How often each form occurs, so that a list that is longer for one member is seen; and matches with the words around them, which is the only
way to see that `black` is coffee: `assess/contexts.jsonl` has up to SHOWN of each form, the forms that also mean something else first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from goodfit.data.identity.lint import contexts, coverage
from goodfit.data.identity.match import Matcher

MOST = 20_000
"""Texts that are searched, drawn by chance beyond."""
SHOWN, SHOWN_PLAIN = 20, 3
"""Contexts of a form that is ambiguous, and of one that is not."""
FORMS = 12
"""Forms that the plan counts one by one."""


def sample_of(texts: Sequence[str], seed: int) -> tuple[list[int], list[str]]:
    """Places and texts that are searched."""
    places = np.sort(np.random.default_rng([seed, 0x7E]).permutation(len(texts))[:MOST])
    return places.tolist(), [texts[i] for i in places.tolist()]


def mentions_of(matchers: Mapping[str, Matcher], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Of each list: texts and matches of every member, forms that occur, and the most frequent forms."""
    out = []
    for name, matcher in matchers.items():
        found = coverage(matcher, texts)
        frequent = sorted(found.forms.items(), key=lambda one: -one[1])[:FORMS]
        out.append({
            "name": name, "texts": found.texts,
            "members": {member: {"rows": one.rows, "matches": one.matches, "forms": one.forms, "seen": one.seen}
                        for member, one in found.members.items()},
            "forms": {form: n for form, n in frequent if n},
        })  # fmt: skip
    return out


def contexts_of(matchers: Mapping[str, Matcher], rows: Sequence[str], texts: Sequence[str], seed: int) -> Iterator[dict[str, Any]]:
    """A line for each match that is shown; `rows` are the ids of the texts."""
    for name, matcher in matchers.items():
        found = contexts(matcher, texts, SHOWN, seed)
        doubtful = matcher.list.ambiguous
        for form in sorted(found, key=lambda form: form not in doubtful):
            for one in found[form][: SHOWN if form in doubtful else SHOWN_PLAIN]:
                yield {"list": name, "form": form, "also": doubtful.get(form), "row": rows[one.row], "left": one.left, "hit": one.hit,
                       "right": one.right}  # fmt: skip
