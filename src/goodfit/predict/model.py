"""Model: what every fine-tuned model that answers has in common, and where its folder is found."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from goodfit.data.progress import OnProgress
from goodfit.errors import DataError, RunError
from goodfit.run import MODEL, RECORD, Run, find, list_runs
from goodfit.tasks.saved import Saved
from goodfit.tasks.tables import check_ending

TRAINED = ("done", "reused")
"""States of a training that left a model."""
EMPTY = "empty text"
"""Why a row got no answer: it says nothing (such rows are not trained on or scored either)."""
Progress = Callable[[float, float | None], object]


@dataclass(frozen=True)
class Written:
    """What `predict_file` did."""

    path: Path
    rows: int
    """Rows read, and written."""
    not_answered: Mapping[str, int]
    """Reason -> rows that got no answer."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        return {"path": str(self.path), "rows": self.rows, "not_answered": dict(self.not_answered)}


class Model(ABC):
    """A trained model that answers; `Model.load` gives the kind that the folder holds."""

    kinds: ClassVar[dict[str, type[Model]]] = {}

    def __init_subclass__(cls, kind: str, **more: Any) -> None:
        """A class for one kind of task."""
        super().__init_subclass__(**more)
        Model.kinds[kind] = cls

    @staticmethod
    def load(source: Run | Path | str, *, device: str | None = None, workspace: Path | str = "runs") -> Any:
        """A Classifier or a Generator, from a run, its folder, the folder of a model, or a run's id (or `last`) in `workspace`.

        Raises RunError where there is no such run or its training is not done, ModelError where the folder's files cannot be used.
        """
        folder = _model_folder(source, Path(workspace))
        return Model.kinds[Saved.load(folder).task.kind].open(folder, device=device)

    @classmethod
    @abstractmethod
    def open(cls, folder: Path, *, device: str | None = None) -> Model:
        """From the folder of a model of this kind."""

    @abstractmethod
    def predict_file(
        self, source: Path | str, target: Path | str, *, format: str | None = None, on_progress: Progress | None = None
    ) -> Written:
        """Answers every row of a file into another, in the order of the file."""


def target_of(source: Path | str, target: Path | str) -> Path:
    """Where the answers go; UserError for an ending that cannot be written, DataError for the file that is read."""
    path = Path(target)
    check_ending(path)
    if path.exists() and Path(source).exists() and path.samefile(source):
        raise DataError(f"{target} is the file that is read", fix="write the answers to another file")
    return path


def run_with_model(workspace: Path, reference: str) -> Run:
    """The run meant; `last` is the newest whose training is done. RunError where there is none."""
    if reference == "last":
        trained = [run for run in list_runs(workspace) if _training(run) in TRAINED]
        if trained:
            return trained[-1]
    return find(workspace, reference)


def _model_folder(source: Run | Path | str, workspace: Path) -> Path:
    """Where the model lies; RunError where a run's training is not done."""
    if isinstance(source, Run):
        return _trained(source)
    path = Path(source)
    if (path / RECORD).is_file():
        return _trained(Run.open(path))
    if path.is_dir():
        return path
    if isinstance(source, Path) or "/" in source:
        raise RunError(f"{path} is neither a run nor a model folder", fix="goodfit list shows the runs")
    return _trained(run_with_model(workspace, source))


def _trained(run: Run) -> Path:
    state = _training(run)
    if state not in TRAINED:
        fix = "goodfit list shows the others" if run.record.status == "failed" else f"goodfit run {run.path} finishes it"
        raise RunError(f"{run.id} ({run.record.status}) has no model: its training is {state}", fix=fix)
    return run.path / "train" / MODEL


def _training(run: Run) -> str:
    record = run.record.stages.get("train")
    return record.state if record else "pending"


def reading(on_progress: Callable[[float, float | None], object] | None) -> OnProgress | None:
    """What is read is answered at once: the reader's progress is the prediction's."""
    if on_progress is None:
        return None

    def tell(done: int, total: int | None, _: str) -> None:
        on_progress(done, total)

    return tell
