"""Does the whole path reach what a careful hand-written loop reaches on real text? banking77, tweeteval emotion, nlupp (multi-label), LoRA.

`python -m benchmarks.classification [name …]` reads the sets beside the repository (folder `shared/data`, or $GOODFIT_SHARED), walks
the path for each with the defaults of Goodfit, and writes one benchmarks/results/1-classification-<name>.json each. Nothing of the data is kept.

Protocol, as for the hand-written figures: texts that are equal after normalisation stand once, test texts are taken out of train;
the interval is that of scores.json; a goal counts as reached where the upper end of the interval is not below it.
"""

from __future__ import annotations

import csv
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.claims import ROOT, record, row
from goodfit.files import read_json
from goodfit.monitor.screen import Lines
from goodfit.pipeline import conduct
from goodfit.run import Run, digest
from goodfit.settings import from_text

SHARED = Path(os.environ.get("GOODFIT_SHARED", ROOT.parent / "shared")) / "data"
Rows = list[tuple[str, str]]


def normalised(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split()) or text


def unique(rows: Iterable[tuple[str, str]], seen: set[str]) -> Rows:
    out = []
    for text, label in rows:
        key = normalised(text)
        if key not in seen:
            seen.add(key)
            out.append((text, label))
    return out


def banking77() -> dict[str, Rows]:
    """5,000 training rows, 1,000 for validation, 3,000 test rows."""

    def read(name: str) -> Rows:
        with (SHARED / "banking77" / name).open(encoding="utf-8", newline="") as handle:
            return [(r["text"], r["category"]) for r in csv.DictReader(handle)]

    seen: set[str] = set()
    test = unique(read("test.csv"), seen)
    train = unique(read("train.csv"), seen)
    random.Random(0).shuffle(train)
    random.Random(0).shuffle(test)
    return {"train": train[:5000], "valid": train[5000:6000], "test": test[:3000]}


def emotion() -> dict[str, Rows]:
    """tweeteval emotion, its own splits."""
    folder = SHARED / "tweeteval" / "emotion"
    names = dict(line.split("\t") for line in (folder / "mapping.txt").read_text(encoding="utf-8").strip().splitlines())

    def read(split: str) -> Rows:
        texts = (folder / f"{split}_text.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
        labels = (folder / f"{split}_labels.txt").read_text(encoding="utf-8").split()
        return [(t, names[y]) for t, y in zip(texts, labels, strict=True)]

    seen: set[str] = set()
    test = unique(read("test"), seen)
    valid = unique(read("val"), seen)
    return {"train": unique(read("train"), seen), "valid": valid, "test": test}


def nlupp() -> dict[str, Rows]:
    """nlu++ banking intents, several per row; 20 folds, the last three are the test set, the two before validation."""
    folder = SHARED / "nlupp_multilabel" / "data" / "banking"
    out: dict[str, Rows] = {"train": [], "valid": [], "test": []}
    for number, path in enumerate(sorted(folder.glob("fold*.json"), key=lambda p: int(p.stem.removeprefix("fold")))):
        side = "test" if number >= 17 else "valid" if number >= 15 else "train"
        out[side] += [(r["text"], "|".join(r.get("intents") or [])) for r in json.loads(path.read_text(encoding="utf-8"))]
    return out


CASES: dict[str, dict[str, Any]] = {
    "banking77": {"data": banking77, "goal": 0.913, "metric": "accuracy"},
    "emotion": {"data": emotion, "goal": 0.807, "metric": "accuracy"},
    "emotion-lora": {"data": emotion, "goal": None, "metric": "accuracy", "extra": {"peft": {"method": "lora"}}},
    "emotion-decoder-lora": {
        "data": emotion,
        "goal": None,
        "metric": "accuracy",
        "model": "SmolLM2-135M-Instruct",
        "extra": {"peft": {"method": "lora"}, "train": {"num_train_epochs": 3}},
        "note": "defaults but 3 epochs",
    },
    "nlupp": {"data": nlupp, "goal": None, "metric": "micro_f1", "multi": True},
}


def walk(name: str, case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The whole path for one set; its scores document, with the seconds of training."""
    make: Callable[[], dict[str, Rows]] = case["data"]
    for side, rows in make().items():
        with (folder / f"{side}.csv").open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([("text", "label"), *rows])
    recipe = {
        "name": name,
        "data": {side: f"{side}.csv" for side in ("train", "valid", "test")},
        "task": {"text": "text", "label": "label", "multi_label": bool(case.get("multi"))},
        "choose": {"model_name_or_path": case.get("model", "all-MiniLM-L6-v2")},
    } | case.get("extra", {})
    text = json.dumps(recipe)
    parsed = from_text(text).recipe
    run = Run.create(folder / "runs", name=name, recipe_text=text, base=folder, recipe_hash=digest(parsed.to_json()))
    run.screen = Lines()
    outcome = conduct(parsed, run)
    if outcome.error is not None:
        sys.exit(f"{name}: {outcome.error}")
    return dict(read_json(run.path / "evaluate" / "scores.json")) | {"seconds": run.record.stages["train"].seconds}


def claim(name: str, case: dict[str, Any], scores: dict[str, Any]) -> dict[str, Any]:
    """The row of the results file."""
    wanted = case["metric"]
    found = {(s["system"], s["name"]): s for s in scores["scores"] if not s.get("label") and s.get("split", "test") == "test"}
    mine = found["model", wanted]
    peers = {system: found[system, wanted]["value"] for system in scores["systems"] if system != "model" and (system, wanted) in found}
    goal = case["goal"]
    return row(
        f"{wanted} on {name}, {case.get('note', 'defaults')}, {case.get('model', 'MiniLM')}", f"reaches the hand-written loop's {goal}" if goal else "reported",
        mine["value"], low=mine["low"], high=mine["high"], n=mine["n"], passed=mine["high"] >= goal if goal else None,
        command=f"python -m benchmarks.classification {name}", peers=peers, train_seconds=round(scores["seconds"], 1),
    )  # fmt: skip


def main() -> None:
    """All cases, or those named."""
    names = sys.argv[1:] or list(CASES)
    if not SHARED.is_dir():
        sys.exit(f"the data sets are not here: {SHARED} (or set GOODFIT_SHARED)")
    for name in names:
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found = claim(name, CASES[name], walk(name, CASES[name], Path(folder)))
        record(f"classification-{name}", [found])
        print(f"{name}: {found.get('value')} in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
