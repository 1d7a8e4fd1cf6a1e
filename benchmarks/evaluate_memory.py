"""Does the memory of evaluate grow with the rows that it judges? A tiny language model, 1,500 and 45,000 test rows, each in its own process.

`python -m benchmarks.evaluate_memory` writes benchmarks/results/2-evaluate-memory.json. Answers are written for 300 rows whatever their number;
losses are read of all of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.claims import record, row
from benchmarks.peak import PEAK
from tests import made, tiny

FEW, MANY = 1_500, 45_000
CODE = (
    f"{PEAK}\nimport sys\nfrom goodfit.cli import main\ntry:\n    main(sys.argv[1:])\nfinally:\n    print('PEAK', peak(), file=sys.stderr)"
)


def peak_of(folder: Path, verb: str) -> int:
    """Peak bytes of one verb."""
    command = [sys.executable, "-c", CODE, verb, "recipe.yaml", "--json"]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if json.loads(out.stdout)["error"]:
        sys.exit(out.stdout)
    return next(int(line.split()[1]) for line in out.stderr.splitlines() if line.startswith("PEAK"))


def measured(folder: Path, rows: int) -> int:
    """Peak bytes of evaluate on so many test rows."""
    folder.mkdir()
    tiny.writer(folder / "model")
    names = {"train": 200, "valid": 100, "test": rows}
    for seed, (name, count) in enumerate(names.items()):
        content = made.chats(count, seed=seed)
        for turns in content:
            turns["messages"][0]["content"] += f" {name}"
        made.lines(folder / f"{name}.jsonl", content)
    recipe = {
        "name": "memory", "data": {name: f"{name}.jsonl" for name in names}, "task": {"kind": "generation"}, "fail_on": "never",
        "choose": {"model_name_or_path": "model"}, "train": {"max_steps": 10, "precision": "float32"}, "evaluate": {"max_new_tokens": 8},
    }  # fmt: skip
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    peak_of(folder, "train")
    return peak_of(folder, "evaluate")


def main() -> None:
    """One row: the ratio of the two peaks."""
    with tempfile.TemporaryDirectory() as name:
        few, many = (measured(Path(name) / str(rows), rows) for rows in (FEW, MANY))
    each = (many - few) / (MANY - FEW)
    print(record("evaluate-memory", [
        row(f"peak memory of evaluate on {MANY:,} test rows over that on {FEW:,} (tiny model)", "< 1.2", round(many / few, 3),
            passed=many / few < 1.2, command="python -m benchmarks.evaluate_memory", peers={"few": few, "many": many},
            bytes_per_row=round(each)),
    ], part=2))  # fmt: skip


if __name__ == "__main__":
    main()
