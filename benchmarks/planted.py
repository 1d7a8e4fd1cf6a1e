"""Does the audit find what is planted? Shift, artefact, thin region, mojibake and an annotator's errors, 30 seeded cases each.

`python -m benchmarks.planted [seconds]` -> benchmarks/results/3-planted.json; it goes on where it was (.demo/planted.jsonl). Texts are
real (banking77; sms_spam as the other source); every case draws other rows, plants one fault at a size at which the check's own test has
a power of at least 0.95 in theory (`POWER` says how), and walks split and audit. The same rows without the fault are the control: the
fault's check may not speak there.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import ROOT, record, row
from benchmarks.sets import rows_of
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import audit
from goodfit.stages.split import split
from goodfit.statistics import score

COMMAND = "python -m benchmarks.planted"
CELLS = Path(os.environ.get("GOODFIT_WORK", ROOT / ".demo")) / "planted.jsonl"
CASES = 30
N = 900
Rows = list[dict[str, Any]]
Planted = tuple[Rows, dict[str, Any]]
POWER = {
    "shift": "400 texts of production, 40% of another source that is told apart nearly always: AUC about 0.70 +- 0.02 against the threshold 0.55",
    "artefact": "85% of one class end in two exclamation marks, 15% of the other: 85% told right against 50%, 630 rows, standard error 1.4 points",
    "thin_region": "two intents of 30 make 25% of production and none of training: 100 of 400 texts, expected share of far texts far above 10%",
    "mojibake": "3% of 900 rows have their accents and quotation marks encoded twice; each is seen by itself",
    "annotators": "one of four annotators is right in 60% of 500 rows, the others in 93%: 30 points against a threshold of 10, standard error 2.2 points",
}  # fmt: skip


def plain(rng: np.random.Generator, classes: int = 2) -> Rows:
    """N questions to a bank, of as many intents."""
    rows = rows_of("banking77")
    names = sorted({label for _, label in rows})
    chosen = set(rng.choice(names, classes, replace=False)) if classes < len(names) else set(names)
    taken = [row for row in rows if row[1] in chosen]
    order = rng.permutation(len(taken))[:N]
    return [{"text": taken[i][0], "label": taken[i][1]} for i in order]


def shift(rng: np.random.Generator, planted: bool) -> Planted:
    rows = plain(rng, 77)
    train, production = rows[:500], rows[500:]
    if planted:
        other = rows_of("sms_spam")
        for place in rng.permutation(len(production))[: int(0.4 * len(production))]:
            production[place] = {"text": other[int(rng.integers(len(other)))][0]}
    return train, {"production": production}


def artefact(rng: np.random.Generator, planted: bool) -> Planted:
    rows = plain(rng, 77)
    half = {label: k % 2 for k, label in enumerate(rng.permutation(sorted({r["label"] for r in rows})))}
    for one in rows:
        one["label"] = "ab"[half[one["label"]]]
        if rng.random() < ((0.85 if one["label"] == "a" else 0.15) if planted else 0.3):
            one["text"] += "!!"
    return rows, {}


def thin_region(rng: np.random.Generator, planted: bool) -> Planted:
    rows = plain(rng, 30)
    names = rng.permutation(sorted({r["label"] for r in rows}))
    hidden = set(names[:2]) if planted else set()
    inside, outside = [r for r in rows if r["label"] in hidden], [r for r in rows if r["label"] not in hidden]
    production = (inside * 3)[:100] + outside[-(400 - min(100, 3 * len(inside))) :]
    return outside[:-300] if len(outside) > 600 else outside[:500], {"production": production}


def mojibake(rng: np.random.Generator, planted: bool) -> Planted:
    rows = plain(rng, 5)
    for one in rows:
        one["text"] = one["text"].replace("'", "’") + str(rng.choice(["", " Café.", " Größe?", " It’s naïve."]))  # noqa: RUF001
    if planted:
        able = [one for one in rows if not one["text"].isascii()]
        for k in rng.permutation(len(able))[: int(0.03 * len(rows))]:
            able[k]["text"] = able[k]["text"].encode("utf-8").decode("cp1252", "replace")
    return rows, {}


def annotators(rng: np.random.Generator, planted: bool) -> Planted:
    rows = plain(rng, 3)[:700]
    labels = sorted({r["label"] for r in rows})
    for one in rows:
        truth = labels.index(one["label"])
        for name, right in zip("wxyz", (0.93, 0.93, 0.93, 0.6 if planted else 0.93), strict=True):
            one[name] = labels[truth if rng.random() < right else (truth + 1) % len(labels)]
    return rows, {"annotators": list("wxyz")}


KINDS: dict[str, tuple[Callable[[np.random.Generator, bool], Planted], str]] = {
    "shift": (shift, "AUD040"), "artefact": (artefact, "AUD011"), "thin_region": (thin_region, "AUD041"), "mojibake": (mojibake, "AUD050"),
    "annotators": (annotators, "AUD070"),
}  # fmt: skip


def speaks(kind: str, seed: int, planted: bool) -> bool:
    """Whether the fault's check has an open finding."""
    make, code = KINDS[kind]
    rows, more = make(np.random.default_rng([seed, len(kind)]), planted)
    task: dict[str, Any] = {"text": "text", "label": "label", **({"annotators": more["annotators"]} if "annotators" in more else {})}
    document: dict[str, Any] = {"fail_on": "never", "data": {"path": "data.jsonl"}, "task": task}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")
        if "production" in more:
            lines = (json.dumps({"text": one["text"]}) + "\n" for one in more["production"])
            (folder / "production.jsonl").write_text("".join(lines), encoding="utf-8")
            document["audit"] = {"production": "production.jsonl"}
        recipe = Recipe.model_validate(document)
        run = Run.create(folder / "runs", name="planted", recipe_text="{}\n", recipe_hash="b2:0", base=folder)
        done = audit(recipe, split(recipe, run), run)
        return any(finding.code == code and finding.status == "open" for finding in done.findings)


def known() -> dict[tuple[str, int], dict[str, Any]]:
    """(kind, seed) -> the case, of those that are done."""
    lines = CELLS.read_text(encoding="utf-8").splitlines() if CELLS.is_file() else []
    return {(cell["kind"], cell["seed"]): cell for cell in map(json.loads, lines)}


def claims(cells: dict[tuple[str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each kind; `passed` stays open until all of its cases are done."""
    lines = []
    for kind, (_, code) in KINDS.items():
        mine = [cells[kind, seed] for seed in range(CASES) if (kind, seed) in cells]
        claim, goal = f"planted {kind} found ({code})", f">= 90% of {CASES}"
        if not mine:
            lines.append(row(claim, goal, None, passed=None, command=COMMAND, why_absent="no case is done yet"))
            continue
        found, false = (score("rate", None, np.array([cell[flag] for cell in mine])) for flag in ("found", "alarm"))
        lines.append(row(
            claim, goal, found.value, low=found.low, high=found.high, n=len(mine),
            passed=(found.value or 0) >= 0.9 if len(mine) == CASES else None, command=COMMAND, power=POWER[kind],
            false_alarms=false.value, false_alarms_high=false.high,
        ))  # fmt: skip
    return lines


def main() -> None:
    """All cases that are not there yet, first seed first; stops after so many seconds where a number is given."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")
    began, done = time.monotonic(), known()
    CELLS.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(CASES):
        for kind in KINDS:
            if (kind, seed) in done or time.monotonic() - began > limit:
                continue
            done[kind, seed] = {"kind": kind, "seed": seed, "found": speaks(kind, seed, True), "alarm": speaks(kind, seed, False)}
            with CELLS.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(done[kind, seed]) + "\n")
            print(done[kind, seed], flush=True)
    record("planted", claims(done), part=3)


if __name__ == "__main__":
    main()
