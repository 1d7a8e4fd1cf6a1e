"""Experiments in, dated results out: each module here writes rows of benchmarks/results, which the README's tables are made of."""
