"""Every benchmark, one after another (`make bench`): some hours on two cores."""

from __future__ import annotations

import runpy
import sys

MODULES = (
    "benchmarks.coverage",
    "benchmarks.classification",
    "benchmarks.scale",
    "benchmarks.near_duplicates",
    "benchmarks.demo",
    "benchmarks.generation",
    "benchmarks.evaluate_memory",
    "benchmarks.house",
    "benchmarks.checks",
    "benchmarks.oracle_trl",
    "benchmarks.review_statistics",
    "benchmarks.review_page",
    "benchmarks.label_errors",
    "benchmarks.learning_curve",
    "benchmarks.planted",
    "benchmarks.audit_time",
    "benchmarks.pii",
    "benchmarks.inside",
    "benchmarks.encoders",
    "benchmarks.choose_cells",
    "benchmarks.choose",
    "benchmarks.iterate",
    "benchmarks.tune_cells",
    "benchmarks.tune",
    "benchmarks.slices",
    "benchmarks.conformal",
    "benchmarks.folds",
    "benchmarks.engineered",
    "benchmarks.evidence_cost",
    "benchmarks.gaps",
    "benchmarks.bias_language",
)


def main() -> None:
    """Runs each as if by `python -m`."""
    for name in MODULES:
        print(f"== {name}", flush=True)
        sys.argv = [name]
        runpy.run_module(name, run_name="__main__")


if __name__ == "__main__":
    main()
