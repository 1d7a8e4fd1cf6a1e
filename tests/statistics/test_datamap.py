"""How rows were learned: by hand, in thirds, and from sums as from whole courses."""

from __future__ import annotations

import numpy as np
import pytest

from goodfit.statistics.datamap import DataMap, map_of_sums, regions


def data_map(given: np.ndarray, margins: np.ndarray) -> DataMap:
    """By definition, from whole courses: probability of the given class, and its score less the largest other, both [epochs, n]."""
    return DataMap(given.mean(axis=0), given.std(axis=0), margins.mean(axis=0), (margins > 0).mean(axis=0))


def test_the_map_by_hand() -> None:
    found = data_map(np.array([[0.2, 0.9], [0.8, 0.9]]), np.array([[-1.0, 2.0], [1.0, 4.0]]))
    assert found.confidence == pytest.approx([0.5, 0.9])
    assert found.variability == pytest.approx([0.3, 0.0])
    assert found.area == pytest.approx([0.0, 3.0])


def test_regions_hold_a_third_each() -> None:
    rng = np.random.default_rng(0)
    found = data_map(np.clip(rng.random(300) + rng.normal(0, 0.1, size=(5, 300)), 0, 1), rng.normal(size=(5, 300)))
    told = regions(found)
    assert (told == "ambiguous").sum() == pytest.approx(100, abs=2)
    assert found.confidence[told == "hard"].max() <= found.confidence[told == "easy"].min()


def test_sums_give_the_same_map() -> None:
    rng = np.random.default_rng(1)
    given, margins = rng.random((4, 50)), rng.normal(size=(4, 50))
    sums = {
        "seen": np.full(50, 4), "confidence": given.sum(0), "square": (given**2).sum(0), "margin": margins.sum(0), "right": (margins > 0).sum(0),
    }  # fmt: skip
    whole, summed = data_map(given, margins), map_of_sums(sums)
    for name in ("confidence", "variability", "area", "correct"):
        assert getattr(summed, name) == pytest.approx(getattr(whole, name))
    assert np.isnan(map_of_sums(sums | {"seen": np.zeros(50)}).confidence).all()
