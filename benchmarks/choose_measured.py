"""What `choose` measures of each encoder on each sample of `choose_sets`, before any training; kept in Goodfit's cache (resumable).

`python -m benchmarks.choose_measured` fills the cache; `benchmarks.choose` reads it beside the cells of `choose_cells`.
"""

from __future__ import annotations

import time

import numpy as np

from benchmarks.choose_cells import ENCODERS, SEEDS, encoders
from benchmarks.choose_sets import SETS, Drawn, draw
from goodfit.models.identity import Identity, identify
from goodfit.stages.choose.measure import Measured, measure
from goodfit.stages.choose.rows import FEWEST_OF_CLASS, Rows, script_of


def rows_of(drawn: Drawn) -> Rows:
    """The training rows of a sample as choose takes them."""
    index = {name: i for i, name in enumerate(drawn.labels)}
    targets = np.zeros((len(drawn.train), len(drawn.labels)), dtype=bool)
    for row, (_, label) in enumerate(drawn.train):
        for name in label if isinstance(label, tuple) else (label,):
            targets[row, index[name]] = True
    common = targets.sum(axis=0) >= FEWEST_OF_CLASS
    known = np.ones(len(targets), bool) if drawn.multi_label else targets[:, common].any(axis=1)
    texts = tuple(text for (text, _), keep in zip(drawn.train, known, strict=True) if keep)
    return Rows(
        ids=tuple(f"{drawn.name} {i}" for i in np.flatnonzero(known)), texts=texts, targets=targets[known][:, common],
        labels=tuple(np.array(drawn.labels)[common]), clusters=np.arange(len(texts)), languages=tuple(map(script_of, texts)),
        multi_label=drawn.multi_label, of=len(drawn.train),
    )  # fmt: skip


def measured(set_name: str, name: str, seed: int) -> tuple[Measured, Identity]:
    """From the cache, or measured now."""
    return measured_of(draw(set_name, seed), name, seed)


def measured_of(drawn: Drawn, name: str, seed: int) -> tuple[Measured, Identity]:
    """The same for a sample that is there already."""
    base = identify(ENCODERS / name)
    return measure(base, rows_of(drawn), seed), base


def main() -> None:
    """Everything, first seed first."""
    for seed in SEEDS:
        for set_name in SETS:
            for name in encoders():
                begun = time.process_time()
                found, _ = measured(set_name, name, seed)
                said = ", ".join(f"{key} {value:.3f}" for key, value in found.value.items())
                print(f"{set_name} {name} {seed}: {said} in {time.process_time() - begun:.1f} cpu s", flush=True)


if __name__ == "__main__":
    main()
