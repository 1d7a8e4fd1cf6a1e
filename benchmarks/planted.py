"""Does the audit find what is planted? Shift, artefact, thin region, mojibake and an annotator's errors, 30 seeded cases each.

`python -m benchmarks.planted` -> benchmarks/results/3-planted.json. Texts are real (banking77; sms_spam as the other source); every case
draws other rows, plants one fault at a size at which the check's own test has a power of at least 0.95 in theory (`POWER` says how), and
walks split and audit. The same rows without the fault are the control: the fault's check may not speak there.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.claims import record, row
from benchmarks.sets import rows_of
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import audit
from goodfit.stages.split import split
from goodfit.statistics import score

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


def main() -> None:
    lines = []
    for kind, (_, code) in KINDS.items():
        hits, alarms = [], []
        for seed in range(CASES):
            hits.append(speaks(kind, seed, True))
            alarms.append(speaks(kind, seed, False))
            print(kind, seed, hits[-1], alarms[-1], flush=True)
        found, false = (score("rate", None, np.array(flags)) for flags in (hits, alarms))
        lines.append(row(
            f"planted {kind} found ({code})", ">= 90% of 30", found.value, low=found.low, high=found.high, n=CASES,
            passed=(found.value or 0) >= 0.9, command="python -m benchmarks.planted", power=POWER[kind],
            false_alarms=false.value, false_alarms_high=false.high,
        ))  # fmt: skip
    record("planted", lines, part=3)


if __name__ == "__main__":
    main()
