"""The whole audit on data in which nothing is wrong: how often does it speak?

`python -m benchmarks.clean [seconds]` -> benchmarks/results/3-clean.json; it goes on where it was (.demo/clean.jsonl). Every case has a class, a group, a source, three annotators and a sample of
production, all drawn alike, and walks split and audit as a user's file does.

made up         words that no language has; each class prefers some of them, so that labels can be learned, and all labels are right
real, shuffled  texts of a real set without those that say nearly the same or hold digits, markup or addresses; classes, groups, sources and production are drawn by chance. Findings that say that labels
                look wrong are right then, and are not counted (`RIGHT`)
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binom

from benchmarks.claims import ROOT, record, row
from benchmarks.inside import SYLLABLES
from benchmarks.sets import rows_of
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import audit
from goodfit.stages.split import split
from goodfit.statistics import holm
from goodfit.statistics.proportions import wilson

COMMAND = "python -m benchmarks.clean"
CELLS = Path(os.environ.get("GOODFIT_WORK", ROOT / ".demo")) / "clean.jsonl"
CASES = {"made up": 300, "real, shuffled": 300}
SETS = ("emotion", "phrasebank", "banking77", "sms_spam")
RIGHT = {
    "made up": ("AUD044",),
    "real, shuffled": ("AUD003", "AUD004", "AUD020", "AUD021", "AUD032", "AUD044"),
}  # fmt: skip
"""Checks that are right to speak: more made-up rows do help, and labels by chance cannot be told from wrong ones."""
ALIKE = 0.5
"""Share of the words of the shorter of two texts from which they say nearly the same, for this purpose."""
ROWS, PRODUCTION = (300, 600, 900), 200
CLASSES = ("a", "b", "c")
WORDS, OWN = 800, 40
LIMITS = {"warning": 0.05, "note": 0.20}
FAMILY = 0.01
"""Share of clean sets in which a check may speak."""
SURELY = 0.05
STRANGE = re.compile(r"[<>&@#|\[\]{}~^*_=\d\\]|http|www|\n")
"""Signs of what stood around a text: such texts are left out, for what the audit says of them may be right."""
Texts = list[tuple[str, str]]


def made_up(rng: np.random.Generator, n: int) -> Texts:
    """Texts and their classes: words of any class, and some of its own."""
    words = np.unique(["".join(rng.choice(SYLLABLES, size=rng.integers(2, 5))) for _ in range(WORDS)])
    rng.shuffle(words)
    shares = 1 / np.arange(1, len(words) + 1)
    told = sorted(words[: OWN * len(CLASSES)].tolist(), key=len)  # dealt out by length: else a class has longer words, which is a fault
    own = {name: told[i :: len(CLASSES)] for i, name in enumerate(CLASSES)}
    out = []
    for i in range(n):
        label = CLASSES[i % len(CLASSES)]
        size = int(np.clip(rng.lognormal(2.5, 0.5), 5, 80))
        chosen = [*rng.choice(words, size=size, p=shares / shares.sum()), *rng.choice(own[label], size=3 + size // 4)]
        rng.shuffle(chosen)
        out.append((" ".join(chosen).capitalize() + str(rng.choice([".", "!", "?"])), label))
    return out


def shuffled(rng: np.random.Generator, n: int, name: str) -> Texts:
    """Real texts of 20 to 2,000 characters of which no two share half of their words, with classes drawn by chance."""
    kept: list[set[str]] = []
    out: Texts = []
    pool = rows_of(name)
    for i in rng.permutation(len(pool)).tolist():
        text = pool[i][0].strip()
        words = set("".join(c if c.isalnum() else " " for c in text.lower()).split())
        strange = STRANGE.search(text) or any(unicodedata.category(c)[0] == "C" for c in text)
        if not 20 <= len(text) <= 2000 or len(words) < 5 or strange:
            continue
        if any(len(words & other) >= ALIKE * min(len(words), len(other)) for other in kept):
            continue
        kept.append(words)
        out.append((text, str(rng.choice(CLASSES))))
        if len(out) == n:
            break
    return out


def case(kind: str, seed: int) -> dict[str, Any]:
    """The open findings of one audit: code -> severity."""
    rng = np.random.default_rng([seed, len(kind)])
    n = int(rng.choice(ROWS))
    pairs = made_up(rng, n + PRODUCTION) if kind == "made up" else shuffled(rng, n + PRODUCTION, SETS[seed % len(SETS)])
    order = rng.permutation(len(pairs))
    rows = [pairs[i] for i in order[PRODUCTION:]]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"text": text, "label": label, "region": str(rng.choice(["north", "south"])), "source": str(rng.choice(["mail", "web"])),
                             **{f"person_{k}": _seen(label, rng) for k in "xyz"}}) + "\n" for text, label in rows]  # fmt: skip
        (folder / "data.jsonl").write_text("".join(lines), encoding="utf-8")
        (folder / "production.jsonl").write_text(
            "".join(json.dumps({"text": pairs[i][0]}) + "\n" for i in order[:PRODUCTION]), encoding="utf-8"
        )
        recipe = Recipe.model_validate({
            "fail_on": "never", "seed": seed, "data": {"path": "data.jsonl"}, "audit": {"production": ["production.jsonl"]},
            "task": {"text": "text", "label": "label", "annotators": ["person_x", "person_y", "person_z"]},
            "groups": {"region": {"column": "region"}, "source": {"column": "source"}},
        })  # fmt: skip
        run = Run.create(folder / "runs", name="clean", recipe_text="{}\n", recipe_hash="b2:0", base=folder)
        done = audit(recipe, split(recipe, run), run)
    asked = [finding.code for finding in done.findings if finding.status in ("open", "passed")]
    opened = {finding.code: finding.severity for finding in done.findings if finding.status == "open"}
    return {"kind": kind, "seed": seed, "n": len(rows), "asked": asked, "open": opened}


def _seen(label: str, rng: np.random.Generator) -> str:
    """What an annotator says: the label, nineteen times of twenty."""
    return label if rng.random() < 0.95 else str(rng.choice([name for name in CLASSES if name != label]))


def known() -> dict[tuple[str, int], dict[str, Any]]:
    """(kind, seed) -> the case, of those that are done."""
    lines = CELLS.read_text(encoding="utf-8").splitlines() if CELLS.is_file() else []
    return {(cell["kind"], cell["seed"]): cell for cell in map(json.loads, lines)}


def claims(cells: dict[tuple[str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """Shares of sets with a warning, with a note, and of the check that speaks most often."""
    out = []
    for kind in CASES:
        mine = [cell for (name, _), cell in sorted(cells.items()) if name == kind]
        if not mine:
            out.append(
                row(
                    f"whole audit on clean data ({kind})",
                    "<= 5% warnings, <= 20% notes",
                    None,
                    why_absent="no case is done",
                    passed=None,
                    command=COMMAND,
                )
            )
            continue
        left = RIGHT[kind]
        opened = [{code: severity for code, severity in cell["open"].items() if code not in left} for cell in mine]
        codes = Counter(code for one in opened for code in one)
        for what, limit in LIMITS.items():
            k = sum(what in {("note" if s == "note" else "warning") for s in one.values()} for one in opened)
            out.append(_share(f"whole audit on clean data ({kind}): share of sets with a {what}", k, len(mine), limit, codes=dict(codes)))
        out += _of_checks(kind, codes, Counter(code for cell in mine for code in cell["asked"] if code not in left), len(mine))
    return out


def _of_checks(kind: str, codes: Counter[str], asked: Counter[str], n: int) -> list[dict[str, Any]]:
    """How often single checks speak. Of 29 that speak in one set of a hundred each, the one that speaks most often does so in more: what
    is asked is whether any surely does (exact binomial test of every check, Holm over all).
    """
    names = sorted(asked)
    p = holm([float(binom.sf(codes[name] - 1, asked[name], FAMILY)) for name in names])
    above = [name for name, one in zip(names, p, strict=True) if one < SURELY]
    worst = max(names, key=lambda name: codes[name] / asked[name])
    low, high = wilson(codes[worst], asked[worst])
    spoken = {name: f"{codes[name]} of {asked[name]}" for name in names if codes[name]}
    return [
        row(f"checks on clean data ({kind}): of {len(names)}, those that surely speak in more than 1% of sets (Holm, 5%)", "0", len(above),
            n=n, passed=not above, command=COMMAND, checks=above, spoken=spoken),
        row(f"checks on clean data ({kind}): the one that speaks most often ({worst}), share of sets", "reported",
            round(codes[worst] / asked[worst], 4), low=round(low, 4), high=round(high, 4), n=asked[worst], passed=None, command=COMMAND),
    ]  # fmt: skip


def _share(claim: str, k: int, n: int, limit: float, **more: Any) -> dict[str, Any]:
    low, high = wilson(k, n)
    return row(
        claim, f"<= {limit}", round(k / n, 4), low=round(low, 4), high=round(high, 4), n=n, passed=k <= limit * n, command=COMMAND, **more
    )


def main() -> None:
    """Every case that is not done yet; stops after so many seconds where a number is given."""
    limit = time.monotonic() + (float(sys.argv[1]) if len(sys.argv) > 1 else 1e9)
    cells = known()
    for seed in range(max(CASES.values())):
        for kind, many in CASES.items():
            if seed >= many or (kind, seed) in cells or time.monotonic() > limit:
                continue
            cells[kind, seed] = case(kind, seed)
            CELLS.parent.mkdir(parents=True, exist_ok=True)
            with CELLS.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(cells[kind, seed]) + "\n")
            print(kind, seed, cells[kind, seed]["n"], cells[kind, seed]["open"], flush=True)
    record("clean", claims(cells), part=3)


if __name__ == "__main__":
    main()
