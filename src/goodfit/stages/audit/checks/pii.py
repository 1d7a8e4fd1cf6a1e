"""AUD060: personal data: e-mail addresses, phone numbers, cards, accounts, identity numbers, addresses of machines."""

from __future__ import annotations

from collections import Counter

import numpy as np

from goodfit.data.clean.personal import KINDS
from goodfit.data.clean.private import Personal
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, passed
from goodfit.stages.audit.scene import Scene, listing, percent, rate

WARNING, MANY = 0.01, 10
"""Share and number of rows from which it is worth a warning."""
GRAVE = ("iban", "card", "national_id")
"""Kinds that can be abused by themselves: a warning from GRAVE_ROWS rows on."""
GRAVE_ROWS = 3
LEFT_OUT = "Postal addresses and dates of birth are not looked for, names by AUD063; test rows were not looked at."


@check(code="AUD060", kind="pii", severity="warning", looks_for="personal data in the texts", tasks=ALL_TASKS)
def pii(scene: Scene) -> Outcome:
    """Rows with personal data: the gravest and most of it first. Nothing of a value is told but its shape."""
    personal, n = scene.inside.personal, scene.inside.n
    rows = {kind: personal.rows(kind) for kind in KINDS}
    chance = _by_chance(personal)
    masked = scene.manifest["columns"].get("mask", ())
    done = f" Masked before: {', '.join(masked)}." if masked else ""
    ordered, grave = _worst_first(rows), set().union(*(rows[kind] for kind in GRAVE))
    k = len(ordered)
    if not k:
        return passed("no personal data was found", detail=f"{chance}{LEFT_OUT}{done}")
    said = [f"{KINDS[kind].title} in {len(where):,} ({', '.join(personal.examples[kind][:2])})" for kind, where in rows.items() if where]
    much = k >= max(MANY, WARNING * n) or len(grave) >= GRAVE_ROWS
    return found(
        "warning" if much else "note", f"{k:,} of {n:,} texts ({percent(k / n)}) hold personal data",
        detail=f"{listing(said, shown=6)}.{_countries(personal, rows)} {chance}A model can learn to repeat it, and who is named was "
        f"hardly asked. {LEFT_OUT}{done}",
        rows=scene.inside.ids(np.array(ordered, dtype=np.int64)),
        evidence=tuple(rate(f"{kind}_rate", len(where), n) for kind, where in rows.items() if where),
        fix=f"data.mask: [{', '.join(kind for kind in KINDS if rows[kind])}] replaces it wherever rows are read; or delete the rows",
    )  # fmt: skip


def _worst_first(rows: dict[str, set[int]]) -> list[int]:
    """Rows by how grave their kinds are (the order of KINDS), then by how many kinds they hold."""
    weight: Counter[int] = Counter()
    for place, where in enumerate(rows.values()):
        for row in where:
            weight[row] += 1 << (len(rows) - place)
    return sorted(weight, key=lambda row: (-weight[row], row))


def _countries(personal: Personal, rows: dict[str, set[int]]) -> str:
    named = personal.named["national_id"].most_common(5)
    return f" Identity numbers: {listing([f'{name} {k:,}' for name, k in named])}." if rows["national_id"] else ""


def _by_chance(personal: Personal) -> str:
    """What was left out because random numbers have it too."""
    out = [
        f"{personal.tried[kind, True]:,} of {personal.tried[kind, True] + personal.tried[kind, False]:,} numbers have the check digit of "
        f"{KINDS[kind].title}, as numbers have by chance: not counted. "
        for kind in KINDS if personal.doubtful[kind] and personal.by_chance(kind)
    ]  # fmt: skip
    return "".join(out)
