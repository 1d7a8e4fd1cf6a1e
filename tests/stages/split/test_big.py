"""A million rows: split and audit stay under 2 GB, whatever the shape of the groups."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peak import PEAK

ROWS = 1_000_000
LIMIT_MB = 2000
PROGRAM = """
import json, sys
from pathlib import Path
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.audit import audit
from goodfit.stages.split import split
document, folder = json.loads(sys.argv[1]), Path(sys.argv[2])
recipe = Recipe.model_validate(document)
run = Run.create(folder / "runs", name="big", recipe_text="{}", recipe_hash="b2:0", base=folder)
told = []
run.screen.progress = lambda what, done, total, note="": told.append(what)
splits = split(recipe, run)
audit(recipe, splits, run)
rows = sum(len(batch) for name in ("train", "valid") for batch in splits.batches(name))
print(json.dumps({"counts": splits.counts, "rows": rows, "told": sorted(set(told)),
                  "mb": peak() / 2**20, "manifest": splits.manifest()["used"]}))
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A csv of more than 200 MB."""
    folder = tmp_path_factory.mktemp("million")
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=rng.integers(2, 10))) for _ in range(5000)]
    with (folder / "rows.csv").open("w", encoding="utf-8") as handle:
        handle.write("text,label,customer,region\n")
        for block in range(ROWS // 10_000):
            lengths = rng.integers(15, 60, size=10_000)
            drawn = iter(rng.integers(0, 5000, size=int(lengths.sum())).tolist())
            for i, length in enumerate(lengths.tolist()):
                text = " ".join(words[next(drawn)] for _ in range(length))
                handle.write(f"{text},class {i % 20},c{(block * 10_000 + i) // 5},r{i % 7}\n")
    assert (folder / "rows.csv").stat().st_size > 200e6
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"split": {"by": "customer"}, "groups": {"region": {"column": "region"}}},
        {"task": {"text": "text", "label": "label", "multi_label": True}},
    ],
    ids=["plain", "by customer", "multi-label"],
)
def test_a_million_rows_stay_under_two_gigabytes(million: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    document = {"data": {"path": "rows.csv"}, "task": {"text": "text", "label": "label"}} | changes
    answer = subprocess.run(
        [sys.executable, "-c", PEAK + PROGRAM, json.dumps(document), str(million)], capture_output=True, text=True, check=False,
        env=os.environ | {"GOODFIT_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["mb"] < LIMIT_MB
    assert found["counts"] == {"train": 700_000, "valid": 150_000, "test": 150_000}
    assert found["rows"] == 850_000
    assert "comparing texts" in found["told"]
    assert "measuring texts" in found["told"]
