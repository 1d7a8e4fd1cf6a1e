"""The curves in other tools: TensorBoard, MLflow, Weights & Biases, trackio (`train.report_to`, transformers' name). Each is an extra.

Layer: monitor. Nothing leaves the machine unless the tool's own settings say so (WANDB_MODE, MLFLOW_TRACKING_URI …): without them all four
write beside the runs. A tracker that fails while the model trains is told once and left out; a training never ends for it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from goodfit.errors import MissingExtra
from goodfit.monitor.events import Event

PROJECT = "goodfit"
STEP_VALUES = (
    "loss", "learning_rate", "grad_norm", "update_ratio", "clipped_share", "epoch", "tokens_per_second", "samples_per_second",
    "memory_bytes",
)  # fmt: skip
"""Numbers of a step line that are sent on, as `train/…`."""


class Tracker(Protocol):
    """One tool."""

    def log(self, step: int, values: dict[str, float]) -> None:
        """Numbers by name, at an optimiser step."""

    def close(self) -> None:
        """No more will come."""


class TensorBoard:
    """Event files in `<workspace>/tensorboard/<run>`, written by tensorboard's own writer."""

    def __init__(self, run: str, settings: Mapping[str, Any], workspace: Path) -> None:
        self._event = importlib.import_module("tensorboard.compat.proto.event_pb2").Event
        self._summary = importlib.import_module("tensorboard.compat.proto.summary_pb2").Summary
        writer = importlib.import_module("tensorboard.summary.writer.event_file_writer").EventFileWriter
        self._writer = writer(str(workspace / "tensorboard" / run))

    def log(self, step: int, values: dict[str, float]) -> None:
        """One scalar per name."""
        told = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._writer.add_event(self._event(wall_time=time.time(), step=step, summary=self._summary(value=told)))

    def close(self) -> None:
        """Flushes."""
        self._writer.flush()
        self._writer.close()


class MLflow:
    """A run of the experiment `goodfit`, in `<workspace>/mlruns` unless MLFLOW_TRACKING_URI names another store."""

    def __init__(self, run: str, settings: Mapping[str, Any], workspace: Path) -> None:
        self._mlflow: Any = importlib.import_module("mlflow")
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            self._mlflow.set_tracking_uri((workspace / "mlruns").resolve().as_uri())
        self._mlflow.set_experiment(os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT))
        self._mlflow.start_run(run_name=run)
        self._mlflow.log_params({name: str(value)[:500] for name, value in settings.items()})

    def log(self, step: int, values: dict[str, float]) -> None:
        """Metrics; MLflow takes no colon and the like in names, and ours have none."""
        self._mlflow.log_metrics(values, step=step)

    def close(self) -> None:
        """The run is over."""
        self._mlflow.end_run()


class WandB:
    """A run in `<workspace>/wandb`, offline unless WANDB_MODE says online."""

    def __init__(self, run: str, settings: Mapping[str, Any], workspace: Path) -> None:
        wandb: Any = importlib.import_module("wandb")
        mode = os.environ.get("WANDB_MODE", "offline")
        project = os.environ.get("WANDB_PROJECT", PROJECT)
        self._run = wandb.init(project=project, name=run, config=dict(settings), dir=str(workspace), mode=mode)

    def log(self, step: int, values: dict[str, float]) -> None:
        """One row of its history."""
        self._run.log(values, step=step)

    def close(self) -> None:
        """Written to the end."""
        self._run.finish()


class Trackio:
    """A run of the local project `goodfit` (TRACKIO_PROJECT), which `trackio show` opens."""

    def __init__(self, run: str, settings: Mapping[str, Any], workspace: Path) -> None:
        self._trackio: Any = importlib.import_module("trackio")
        self._trackio.init(project=os.environ.get("TRACKIO_PROJECT", PROJECT), name=run, config=dict(settings))

    def log(self, step: int, values: dict[str, float]) -> None:
        """One row."""
        self._trackio.log(values, step=step)

    def close(self) -> None:
        """Written to the end."""
        self._trackio.finish()


MADE: dict[str, Callable[[str, Mapping[str, Any], Path], Tracker]] = {
    "tensorboard": TensorBoard, "mlflow": MLflow, "wandb": WandB, "trackio": Trackio,
}  # fmt: skip
"""Name in the recipe, which is also the package's and the extra's -> what makes it."""


def require_trackers(names: Iterable[str]) -> None:
    """MissingExtra where a tracker's package is not installed; asked before anything of a run is done."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(f"train.report_to: {name}", name)


class Trackers:
    """All trackers of a training; takes its events."""

    def __init__(self, made: Mapping[str, Tracker], say: Callable[[str], object]) -> None:
        self._open, self._say = dict(made), say

    def __call__(self, event: Event) -> None:
        """The numbers of an event, if it has any."""
        values = values_of(event)
        if values:
            self._each(lambda tracker: tracker.log(int(event["step"]), values))

    def close(self) -> None:
        """No more will come."""
        self._each(lambda tracker: tracker.close())
        self._open = {}

    def _each(self, ask: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self._open.items()):
            try:
                ask(tracker)
            except Exception as error:  # whatever a foreign tool does, the training goes on
                del self._open[name]
                self._say(f"{name} failed and gets no more curves: {type(error).__name__}: {str(error)[:200]}")


def trackers_for(names: Iterable[str], run: str, settings: Mapping[str, Any], workspace: Path, say: Callable[[str], object]) -> Trackers:
    """The trackers of a run, begun; `settings` are told to each, flat. One that cannot begin is told and left out."""
    listed = list(names)
    require_trackers(listed)
    made: dict[str, Tracker] = {}
    for name in listed:
        try:
            made[name] = MADE[name](run, flat(settings), workspace)
        except Exception as error:
            say(f"{name} could not begin and gets no curves: {type(error).__name__}: {str(error)[:200]}")
    return Trackers(made, say)


def values_of(event: Event) -> dict[str, float]:
    """The numbers of a step line or of a look, by the names that trackers show: `train/loss`, `valid/macro_f1` …"""
    kind = event["event"]
    if kind == "step":
        return {f"train/{name}": float(event[name]) for name in STEP_VALUES if event.get(name) is not None}
    if kind != "eval":
        return {}
    out = {f"{event['split']}/loss": float(event["loss"])} if event.get("loss") is not None else {}
    for score in event.get("scores", []):
        if score.get("value") is not None and not score.get("label") and not score.get("group"):
            out[f"{event['split']}/{score['name']}"] = float(score["value"])
    return out


def flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings under dotted names."""
    out: dict[str, Any] = {}
    for name, value in settings.items():
        out |= flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return out
