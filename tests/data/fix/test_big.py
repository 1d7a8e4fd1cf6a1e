"""A million rows with a hundred thousand decisions: split, a cleaned copy and its undoing stay under 2 GB."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peak import PEAK
from goodfit.data.ids import row_id

ROWS, DECIDED = 1_000_000, 100_000
LIMIT_MB = 2000
WHAT = ("split", "fix", "undo")
PROGRAM = """
import json, sys, time
from pathlib import Path
from goodfit.data.beside import decisions_of
from goodfit.data.fix.undo import undo
from goodfit.data.fix.whole import Wish, fix
from goodfit.recipe import Recipe
from goodfit.run import Run
from goodfit.stages.split import split
from goodfit.stages.split.sources import columns_of, sources_of
what, folder = sys.argv[1], Path(sys.argv[2])
recipe = Recipe.model_validate({"data": {"path": "rows.csv"}, "task": {"text": "text", "label": "label"}})
begin, told = time.monotonic(), {}
if what == "split":
    run = Run.create(folder / "runs", name="big", recipe_text="{}", recipe_hash="b2:0", base=folder)
    told = split(recipe, run).manifest()
elif what == "fix":
    decisions, beside = decisions_of(recipe.data, folder)
    done = fix(Wish(sources_of(recipe.data, folder), columns_of(recipe), None, decisions, beside.shown, folder / "runs", duplicates=True))
    told = done.counts | {"exact": done.files[0].end.exact}
else:
    told = {"exact": undo(folder / "rows.clean.csv.ledger.jsonl").exact}
print(json.dumps({"told": told, "mb": peak() / 2**20, "seconds": time.monotonic() - begin}))
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A csv of more than 200 MB, every tenth row decided about."""
    folder = tmp_path_factory.mktemp("million")
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), size=rng.integers(2, 10))) for _ in range(5000)]
    with (folder / "rows.csv").open("w", encoding="utf-8") as rows, (folder / "decisions.jsonl").open("w", encoding="utf-8") as decisions:
        rows.write("text,label,customer\n")
        for block in range(ROWS // 10_000):
            lengths = rng.integers(15, 60, size=10_000)
            drawn = iter(rng.integers(0, 5000, size=int(lengths.sum())).tolist())
            for i, length in enumerate(lengths.tolist()):
                text = " ".join(words[next(drawn)] for _ in range(length))
                rows.write(f"{text},class {i % 20},c{i}\n")
                if i % 10 == 0:
                    action, value = (("relabel", f"class {(i + 1) % 20}"), ("drop", None), ("mask", f"{text[:20]} *** {block} {i}"))[
                        i // 10 % 3
                    ]
                    line = {"row": row_id({"text": text}), "action": action, "value": value, "by": "anna", "time": "2026-05-01T00:00:00Z"}
                    decisions.write(json.dumps(line) + "\n")
    return folder


def done(what: str, folder: Path, cache: Path) -> dict[str, object]:
    answer = subprocess.run(
        [sys.executable, "-c", PEAK + PROGRAM, what, str(folder)], capture_output=True, text=True, check=False,
        env=os.environ | {"GOODFIT_CACHE": str(cache), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found: dict[str, object] = json.loads(answer.stdout.splitlines()[-1])
    print(what, round(float(str(found["mb"]))), "MB", round(float(str(found["seconds"]))), "s")
    return found


@pytest.mark.slow
def test_a_million_rows_are_decided_about_copied_and_restored_in_two_gigabytes(million: Path, tmp_path: Path) -> None:
    found = {what: done(what, million, tmp_path / "cache") for what in WHAT}
    assert all(float(str(one["mb"])) < LIMIT_MB for one in found.values()), found
    split, fixed, undone = (found[what]["told"] for what in WHAT)
    assert isinstance(split, dict)
    assert (split["read"], split["dropped"]) == (ROWS, {"decision": 33_300})
    assert split["decisions"]["applied"] == {"relabel": 33_400, "drop": 33_300, "mask": 33_300}
    assert fixed == {"kept": ROWS - DECIDED, "relabel": 33_400, "drop": 33_300, "mask": 33_300, "exact": True}
    assert undone == {"exact": True}
    assert (million / "rows.restored.csv").read_bytes() == (million / "rows.csv").read_bytes()
