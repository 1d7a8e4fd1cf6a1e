"""What evaluate takes and gives, whatever the task: the trained model, the Result, and a judge with everything ready. Part of evaluate."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from goodfit.files import read_json
from goodfit.run import PREDICTIONS, SCORES, Run, TestKey
from goodfit.score import Score, Verdict
from goodfit.stages.evaluate.scoring import MODEL

VALID, TEST = "valid", "test"


class TrainedModel(Protocol):
    """What evaluate asks of the Result of `train`."""

    @property
    def folder(self) -> Path:
        """train/model"""


@dataclass
class Evaluation:
    """What the model is worth, and against what. Whoever shows a run starts with `primary`."""

    on: str
    n: int
    primary: Score
    """The model's primary score."""
    verdicts: list[Verdict] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Self:
        """From evaluate/scores.json; FileNotFoundError, KeyError or ValueError where it is not whole."""
        folder = run.path / "evaluate"
        found = read_json(folder / SCORES)
        if not (folder / PREDICTIONS).is_file():
            raise FileNotFoundError(folder / PREDICTIONS)
        top = next((s for s in found["scores"] if s["name"] == found["primary"] and s["system"] == MODEL and not s["label"]), None)
        if top is None:
            raise ValueError(f"{SCORES} lacks the primary score")
        return cls(
            found["on"], found["n"], Score.model_validate(top), [Verdict.model_validate(v) for v in found["verdicts"]], found["gates"]
        )


class Judge(Protocol):
    """Everything that can fail is done when it is made: the model loads, the baselines are fitted, the files are read."""

    def judge(self, key: TestKey | None) -> Evaluation:
        """Answers, scores and findings; `key` opens the test rows where they are the ones that are scored."""
