"""A million rows: every kind in one process, within memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.peak import PEAK

SCRIPT = """
import sys
import numpy as np
from goodfit.statistics import compare, per_class, score, temperature

n, classes = int(sys.argv[1]), 77
rng = np.random.default_rng(0)
y = rng.integers(0, classes, n)
a, b = (np.where(rng.random(n) < p, y, rng.integers(0, classes, n)) for p in (0.85, 0.84))
clusters = rng.integers(0, n // 20, n)
for kind in ("accuracy", "balanced_accuracy", "macro_f1", "weighted_f1", "mcc", "kappa"):
    for groups in (None, clusters):
        made = score(kind, y, a, clusters=groups)
        assert made.high - made.low < 0.05, made
        assert compare(kind, y, a, b, clusters=groups).answer == "better"
assert len(per_class("f1", y, a, names=[str(i) for i in range(classes)])) == classes
y5 = y % 5
p = rng.random((n, 5), dtype=np.float32)
p[np.arange(n), y5] += 0.3
p /= p.sum(axis=1, keepdims=True)
for kind in ("roc_auc", "pr_auc", "log_loss", "brier", "ece", "calibration_slope", "calibration_intercept"):
    assert score(kind, y5, p, clusters=clusters).value is not None
    compare(kind, y5, p, p[::-1])
assert temperature(np.log(p + 1e-9), y5).value < 1
flags = rng.random((n, 20)) < 0.1
for kind in ("macro_f1", "micro_f1", "subset_accuracy", "hamming_loss", "samples_f1"):
    assert score(kind, flags, flags ^ (rng.random((n, 20)) < 0.03)).value > 0
print(peak() / 2**30)
"""


@pytest.mark.slow
def test_a_million_rows_stay_under_two_gigabytes() -> None:
    done = subprocess.run([sys.executable, "-c", PEAK + SCRIPT, "1000000"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 2.0
