"""How long does `goodfit audit FILE` take on 5,000 rows, vectors and all, with an empty cache?

`python -m benchmarks.audit_time` -> benchmarks/results/3-audit-time.json. banking77 (77 classes), the command line in a process of its own.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.claims import record, row
from benchmarks.sets import rows_of

ROWS = 5_000


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        with (Path(name) / "data.csv").open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([("text", "label"), *rows_of("banking77")[:ROWS]])
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "goodfit", "audit", "data.csv"], cwd=name, env=os.environ | {"GOODFIT_CACHE": f"{name}/cache"},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        seconds = time.monotonic() - begin
    said = done.stdout + done.stderr
    assert "review these 20 rows first" in said, said[-2000:]
    record("audit-time", [row(
        "goodfit audit of 5,000 rows of banking77 with an empty cache, seconds, with 'review these 20 rows first'", "< 60 on 2 cores",
        round(seconds, 1), n=ROWS, passed=seconds < 60, command="python -m benchmarks.audit_time",
    )], part=3)  # fmt: skip


if __name__ == "__main__":
    main()
