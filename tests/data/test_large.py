"""1,000,000 rows: read, numbered, compared in bounded memory, told as they go. Minutes, so `make test-all` only."""

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
WORDS = [f"w{i:04d}" for i in range(3000)]
SCRIPT = """
import json, sys
from goodfit.data import Columns, Source, open_store
from goodfit.data.duplicates import conflicts, duplicate_groups, no_text, repeats, text_keys
from goodfit.data.labels import vocabulary
from goodfit.data.rows import Rows

calls = []
columns = Columns(text=("subject", "body"), label=("queue",), groups={"language": "language"}, by="customer")
store = open_store([Source(sys.argv[1])], columns, on_progress=lambda *call: calls.append(call))
out = {"rows": len(store), "peak_store": peak(), "calls": len(calls), "ended": calls[-1][0] == calls[-1][1]}
groups = duplicate_groups(text_keys(store.column("text")))
out |= {"repeats": int(repeats(groups).sum()), "conflicts": int(conflicts(groups, store.column("label")).sum())}
out |= {"no_text": int(no_text(store.column("text")).any.sum()), "labels": len(vocabulary(store.column("label")).names)}
import pyarrow as pa
split = pa.array(["train", "valid", "test", "train"]).take(pa.array([i % 4 for i in range(len(store))]))
rows = Rows(store, pa.table({"row": store.column("row"), "split": split}))
out |= {"train": sum(len(batch) for batch in rows.batches("train")), "peak": peak()}
print(json.dumps(out))
"""


def _big(path: Path) -> None:
    rng = np.random.default_rng(11)
    words = np.array(WORDS)
    with path.open("w", encoding="utf-8") as handle:
        handle.write("subject,body,queue,customer,language\n")
        for _ in range(ROWS // 10_000):
            picked = words[rng.integers(0, len(words), (10_000, 34))]
            numbers = rng.integers(0, 1000, (10_000, 3))
            handle.writelines(
                f'{" ".join(row[:3])},"{" ".join(row[3:])}, said\nthey",q{a % 5},c{b},l{c % 4}\n' if a else f"same,text,q{b % 2},c{b},l0\n"
                for row, (a, b, c) in zip(picked.tolist(), numbers.tolist())
            )


@pytest.mark.slow
def test_a_million_rows_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    _big(path)
    assert path.stat().st_size > 200_000_000
    environment = {**os.environ, "GOODFIT_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", PEAK + SCRIPT, str(path)], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == ROWS
    assert found["peak_store"] < 400e6
    assert found["peak"] < 800e6
    assert found["calls"] > 10
    assert found["ended"]
    assert found["conflicts"] == found["repeats"] + 1
    assert 500 < found["repeats"] < 1500
    assert (found["no_text"], found["labels"], found["train"]) == (0, 5, ROWS // 2)
