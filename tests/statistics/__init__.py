"""Tests of goodfit.statistics: oracles, published figures, coverage, degenerate data."""
