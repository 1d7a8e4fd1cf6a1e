"""AUD055: texts in another language than the others, or than those that the recipe names."""

from __future__ import annotations

from collections import Counter

import numpy as np

from goodfit.data.clean.language import code_of, kin, name_of
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, listing, percent, rate

COMMON = 0.05
"""Share of the texts whose language is known from which a language is one of the data's own."""
FEW, NOTE, WARNING = 5, 0.005, 0.05
"""Rows, and shares: fewer than 3 sound texts of 1,000 are taken for another language."""
LEAST = 20
"""Texts whose language is known without which nothing is said."""


@check(code="AUD055", kind="wrong_language", severity="warning", looks_for="texts in another language", tasks=ALL_TASKS)
def wrong_language(scene: Scene) -> Outcome:
    """Rows in a language that is neither common here nor named in audit.languages, the rarest language first."""
    wanted = scene.recipe.audit.languages if scene.recipe.audit else ()
    known = {row: code for row, code in scene.inside.languages.items() if code}
    looked_at, n = len(scene.inside.languages), len(known)
    if n < LEAST:
        return not_applicable(f"the language of {n:,} of {looked_at:,} texts is known; it takes {LEAST} of twenty letters or more")
    counts = Counter(known.values())
    own = {code for name in wanted if (code := code_of(name))} or {code for code, k in counts.items() if k >= COMMON * n}
    near = set().union(*(kin(code) for code in own))
    rows = np.array(
        sorted((row for row, code in known.items() if code not in near), key=lambda row: (counts[known[row]], row)), dtype=np.int64
    )
    k = len(rows)
    shares = listing([f"{name_of(code)} {percent(c / n)}" for code, c in counts.most_common()])
    about = f"Of {looked_at:,} texts {n:,} are long enough to be sure of their language: {shares}."
    if k < max(1 if wanted else FEW, (0 if wanted else NOTE) * n):
        return passed(
            f"the texts are in {listing([name_of(code) for code in counts if code in own])}", detail=about, rows=scene.inside.ids(rows)
        )
    others = Counter(known[int(row)] for row in rows)
    said = listing([f"{name_of(code)} {c:,}" for code, c in others.most_common()])
    return found(
        "warning" if k >= WARNING * n else "note", f"{k:,} of {n:,} texts ({percent(k / n)}) are in another language: {said}",
        detail=f"{about} Its own are {listing([name_of(code) for code in sorted(own)])} "
        f"({'named in audit.languages' if wanted else f'at least {percent(COMMON)} each'}); close relatives are not told apart.",
        rows=scene.inside.ids(rows), evidence=(rate("other_language_rate", k, n),),
        fix="take them out, or gather enough of that language and choose a model that knows it; audit.languages says which are meant",
    )  # fmt: skip
