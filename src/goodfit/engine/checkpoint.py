"""Checkpoints: a training on disk, so that it can be cut anywhere and go on with the same bits.

`checkpoints/step-000040/` holds `weights.safetensors` (what is trained, an adapter's weights only for an adapter),
`optimiser.safetensors`, `state.json` (progress, and the facts of plan and data) and, where rows are followed, `rows.safetensors`. It is
written under another name, flushed to disk and renamed: a folder of that name is whole. The newest ones are kept, and the best is never
rotated away. No pickles.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from goodfit.engine.finite import refuse_wild_weights
from goodfit.engine.looks import Looks
from goodfit.engine.optimiser import Optimiser
from goodfit.engine.progress import Progress
from goodfit.errors import RunError, machine_error

SCHEMA = "goodfit/checkpoint/1"
_WEIGHTS, _OPTIMISER, _STATE, _ROWS = "weights.safetensors", "optimiser.safetensors", "state.json", "rows.safetensors"

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Found:
    """A checkpoint that can be resumed."""

    name: str
    progress: Progress
    weights: Weights
    optimiser: Weights
    made_with: dict[str, Any]
    """What the bits depend on beside plan and data."""
    rows: Weights
    """How followed rows were learned so far (`looks.Followed`)."""


@dataclass
class Checkpoints:
    """The checkpoints of one training in one folder. One process writes it."""

    folder: Path
    attempt: int = 1
    """Counted by the caller; stands in every event."""
    limit: int = 1
    """Newest checkpoints kept, beside the best one (set by the plan)."""
    base: str = ""
    """The content hash of the base model: what is frozen is not in a checkpoint, so it must be the same one."""
    looks: Looks = field(default_factory=Looks)
    """The facts of single rows, beside the checkpoints."""

    def save(self, progress: Progress, optimiser: Optimiser, facts: dict[str, Any]) -> str:
        """Write a checkpoint and rotate; returns its name relative to the run's stage folder.

        Raises NotFinite, and writes nothing, where a weight is not finite; MachineError or UserError where the disk refuses.
        """
        weights = {name: p.detach().cpu().contiguous() for name, p in optimiser.parameters.items()}
        refuse_wild_weights(weights)
        name = _name(progress.step)
        part = self.folder / f".{name}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            save_file(weights, part / _WEIGHTS)
            save_file({k: v.detach().cpu().contiguous() for k, v in optimiser.state().items()}, part / _OPTIMISER)
            files = [_WEIGHTS, _OPTIMISER]
            if self.looks.followed is not None:
                save_file(self.looks.followed.tensors(), part / _ROWS)
                files.append(_ROWS)
            sizes = {file: (part / file).stat().st_size for file in files}
            state = {"schema": SCHEMA, "facts": facts, "made_with": made_with(), "sizes": sizes, "progress": progress.to_json()}
            (part / _STATE).write_text(json.dumps(state, allow_nan=False), encoding="utf-8")
            _flush(part)
            shutil.rmtree(self.folder / name, ignore_errors=True)
            part.rename(self.folder / name)
            _sync(self.folder)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise machine_error(error, "writing the checkpoint", self.folder / name) from error
        except SafetensorError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise machine_error(OSError(str(error)), "writing the checkpoint", self.folder / name) from error
        self._rotate(keep_best=progress.best.step if progress.best else None)
        return f"{self.folder.name}/{name}"

    def latest(self, facts: dict[str, Any]) -> Found | None:
        """The newest whole checkpoint; None where there is none. RunError where it is of another plan, other data or another model."""
        for folder in sorted(self.folder.glob("step-*"), reverse=True):
            state = _read_state(folder)
            if state is None:
                continue
            _compare(state["facts"], facts, folder)
            try:
                weights, optimiser = load_file(folder / _WEIGHTS), load_file(folder / _OPTIMISER)
                rows = load_file(folder / _ROWS) if _ROWS in state["sizes"] else {}
            except (OSError, SafetensorError):
                continue
            progress = Progress.from_json(state["progress"])
            return Found(f"{self.folder.name}/{folder.name}", progress, weights, optimiser, state["made_with"], rows)
        return None

    def weights_at(self, step: int) -> Weights | None:
        """The weights of the checkpoint of that step; None where it is gone or damaged."""
        folder = self.folder / _name(step)
        if _read_state(folder) is None:
            return None
        try:
            return load_file(folder / _WEIGHTS)
        except (OSError, SafetensorError):
            return None

    def _rotate(self, keep_best: int | None) -> None:
        ordered = sorted(self.folder.glob("step-*"))
        keep = {folder.name for folder in ordered[-self.limit :]}
        if keep_best is not None:
            keep.add(_name(keep_best))
        for folder in ordered:
            if folder.name not in keep:
                shutil.rmtree(folder, ignore_errors=True)
        for part in self.folder.glob(".step-*.part"):
            shutil.rmtree(part, ignore_errors=True)


@dataclass
class InMemory:
    """For trainings that leave no files (races, trials): keeps the best weights only, and cannot resume."""

    attempt: int = 1
    limit: int = 1
    base: str = ""
    kept: dict[int, Weights] = field(default_factory=dict)
    looks: Looks = field(default_factory=Looks)

    def save(self, progress: Progress, optimiser: Optimiser, facts: dict[str, Any]) -> None:
        """Keep a copy of the weights if this step is the best one."""
        if progress.best is not None and progress.best.step == progress.step:
            weights = {name: p.detach().clone() for name, p in optimiser.parameters.items()}
            refuse_wild_weights(weights)
            self.kept = {progress.step: weights}

    def latest(self, facts: dict[str, Any]) -> None:
        """There is never one."""

    def weights_at(self, step: int) -> Weights | None:
        """The best weights, if `step` is their step."""
        return self.kept.get(step)


def made_with() -> dict[str, Any]:
    """What the bits of a training depend on beside plan and data."""
    return {"torch": torch.__version__, "threads": torch.get_num_threads(), "processor": torch.backends.cpu.get_cpu_capability()}


def put(weights: Weights, optimiser: Optimiser) -> None:
    """Copy weights into the parameters of the same names."""
    assert weights.keys() == optimiser.parameters.keys(), "weights of another model"
    with torch.no_grad():
        for name, p in optimiser.parameters.items():
            p.copy_(weights[name])


def _name(step: int) -> str:
    return f"step-{step:06d}"


def _read_state(folder: Path) -> dict[str, Any] | None:
    """The state of a whole checkpoint; None for anything else."""
    try:
        state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
        whole = state["schema"] == SCHEMA and all((folder / f).stat().st_size == size for f, size in state["sizes"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return state if whole else None


def _compare(theirs: dict[str, Any], ours: dict[str, Any], folder: Path) -> None:
    changed = []
    for key in sorted(theirs.keys() | ours.keys()):
        old, new = theirs.get(key), ours.get(key)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changed += [f"{key}.{k} was {old.get(k)}, is {new.get(k)}" for k in sorted(old.keys() | new.keys()) if old.get(k) != new.get(k)]
        else:
            changed.append(f"the {key} changed")
    if changed:
        raise RunError(
            f"the checkpoint {folder.name} belongs to another training: {'; '.join(changed)}",
            fix="start a new run (--new), or bring back the recipe and the data of this one",
        )


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    """Force a file or a folder to the disk (folders cannot be opened everywhere)."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
