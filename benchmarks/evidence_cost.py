"""What it costs to keep the facts of single rows and to follow training rows: seconds of it over those of the training.

`python -m benchmarks.evidence_cost` -> benchmarks/results/4-evidence-cost.json. A training of all-MiniLM-L6-v2 on 1,000 rows of banking77,
looked at 16 times, with the clock of the process around everything that the evidence adds: facts of a look, facts of a batch, sums, files,
and the diagnosis at every look.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.claims import record, row
from benchmarks.sets import rows_of
from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.looks import LOSS, RIGHT, Followed, Looks
from goodfit.engine.plan import Plan
from goodfit.engine.step import _Overheard
from goodfit.models.load import load
from goodfit.monitor.diagnosis import diagnose
from goodfit.monitor.diagnosis.evidence import Evidence, Planned, Seen
from goodfit.monitor.events import Course
from goodfit.tasks.classification import Classification
from goodfit.tasks.encoding import encode
from goodfit.tasks.objective import ClassificationObjective

TRAIN, VALID, LOOKS = 1000, 500, 16


class Clock:
    """Processor seconds within some functions, calls of one from another counted once."""

    def __init__(self) -> None:
        self.seconds, self._depth = 0.0, 0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*words: Any, **settings: Any) -> Any:
            self._depth += 1
            begin = time.process_time()
            try:
                return function(*words, **settings)
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.seconds += time.process_time() - begin

        return timed


def main() -> None:
    torch.set_num_threads(1)
    rows = rows_of("banking77")
    order = np.random.default_rng(0).permutation(len(rows))[: TRAIN + VALID]
    labels = tuple(sorted({label for _, label in rows}))
    loaded = load("all-MiniLM-L6-v2", labels=labels)
    made = encode([rows[i][0] for i in order], loaded.tokenizer, 64)
    target = np.array([labels.index(rows[i][1]) for i in order])
    whole = Examples.from_arrays(made.input_ids, np.r_[0, np.cumsum(made.lengths)], target)
    train, valid = whole.subset(np.arange(TRAIN)), whole.subset(np.arange(TRAIN, TRAIN + VALID))
    plan = Plan(
        learning_rate=1e-4,
        num_train_epochs=2,
        eval_steps=2 * -(-TRAIN // 16) // LOOKS,
        threads=1,
        precision="float32",
        early_stopping=False,
    )
    clock, course = Clock(), Course()
    for owner, name in ((Looks, "add"), (Followed, "add"), (Followed, "tensors"), (_Overheard, "of"), (ClassificationObjective, "facts")):
        setattr(owner, name, clock.around(getattr(owner, name)))
    planned = Planned(2 * -(-TRAIN // 16), 2.0, 1e-4, np.ones(2 * -(-TRAIN // 16)))
    with tempfile.TemporaryDirectory() as folder:
        looks = Looks(Path(folder) / "looks", follow=20_000)

        def judge(event: dict[str, Any]) -> None:
            course.take(event)
            if event["event"] == "eval" and event["split"] == "train_probe":
                clock.around(_judged)(course, looks, planned)

        begin = time.process_time()
        fit(loaded.model, {"train": train, "valid": valid}, plan, objective=Classification(labels).objective(), on_event=judge,
            checkpoints=Checkpoints(Path(folder) / "checkpoints", looks=looks))  # fmt: skip
        whole_time = time.process_time() - begin
        kept = sum(path.stat().st_size for path in (Path(folder) / "looks").iterdir())
    share = clock.seconds / whole_time
    command = "python -m benchmarks.evidence_cost"
    record("evidence-cost", [
        row("facts of single rows, followed rows and diagnoses at 16 looks: share of the training's processor time (MiniLM, 1,000 rows, 77 classes)",
            "< 0.01", share, n=LOOKS, passed=share < 0.01, command=command),
        row("the same: bytes kept for a row and look", "reported", kept / (LOOKS * (VALID + 500)), n=LOOKS, passed=None, command=command),
    ], part=4)  # fmt: skip
    print(f"{clock.seconds:.3f} of {whole_time:.1f} s: {share:.4f}")


def _judged(course: Course, looks: Looks, plan: Planned) -> None:
    seen = []
    for split in ("valid", "train_probe"):
        steps, facts = looks.of(split)
        values = facts.astype(np.float64)
        seen.append(Seen(np.array(steps), values[:, :, LOSS], values[:, :, RIGHT]))
    diagnose(Evidence(course.curves, plan, *seen, constant_loss=float(np.log(77)), ended=False))


if __name__ == "__main__":
    main()
