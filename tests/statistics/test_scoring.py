"""Intervals of shares stay among the shares."""

from __future__ import annotations

import numpy as np

from goodfit.statistics import score


def test_no_interval_of_a_share_leaves_the_shares() -> None:
    rng = np.random.default_rng(0)
    for seed in range(40):
        labels = rng.integers(0, 2, size=30)
        clusters = np.repeat(np.arange(6), 5)
        predictions = np.where((clusters == seed % 6) & (rng.random(30) < 0.9), 1 - labels, labels)
        for kind in ("accuracy", "macro_f1", "micro_f1", "error_rate"):
            found = score(kind, labels, predictions, clusters=clusters, level=0.999)
            assert found.low is None or (found.low >= 0 and found.high is not None and found.high <= 1), found
