"""What a run knows of its training, gathered for the diagnosis. Part of train.

The judgement itself is `monitor.diagnosis`: pure functions of what is gathered here. While the model trains, the same is asked at every
look, of what there is so far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.data.groups import groups_of
from goodfit.engine.batches import Order
from goodfit.engine.evaluation import splits_of
from goodfit.engine.examples import Examples
from goodfit.engine.looks import LOSS, RIGHT, Looks
from goodfit.engine.plan import Plan
from goodfit.errors import GoodfitError
from goodfit.files import json_object
from goodfit.monitor.diagnosis import Diagnosis, diagnose
from goodfit.monitor.diagnosis.evidence import Evidence, Learned, Planned, Seen
from goodfit.monitor.events import Curves
from goodfit.run import BEST, RECIPE, SUSPECTS, Run, list_runs
from goodfit.score import Score
from goodfit.settings import read
from goodfit.stages.train.kept import Given
from goodfit.tasks.frozen import Floor

SIBLINGS = 50
"""Runs of the workspace that are looked at for other seeds, the newest first."""


@dataclass
class Gathered:
    """The parts of the evidence that do not change while the model trains."""

    run: Run
    plan: Plan
    splits: dict[str, Examples]
    train: Examples
    given: Given
    labels: tuple[str, ...]
    primary: str
    lora: bool
    floor: Floor | None = None

    @classmethod
    def of(cls, run: Run, plan: Plan, examples: dict[str, Examples | None], **facts: Any) -> Gathered:
        """`facts`: given, labels, primary, lora, floor."""
        train = examples["train"]
        assert train is not None
        return cls(run, plan, splits_of(examples, plan), train, **facts)

    def diagnosis(self, curves: Curves, looks: Looks, *, ended: bool) -> Diagnosis:
        """Of what there is."""
        return diagnose(self.evidence(curves, looks, ended=ended))

    def evidence(self, curves: Curves, looks: Looks, *, ended: bool) -> Evidence:
        """All of it; what takes files of the run only once the training is over."""
        seen = {name: self._seen(name, looks) for name in self.splits}
        floor = self.floor
        found = Evidence(
            curves=curves, plan=self.planned, valid=seen.get("valid"), probe=seen.get("train_probe"), shares=self.shares,
            labels=self.labels, constant_loss=self.constant_loss, ended=ended,
            floor=None if floor is None else (floor.places, floor.right, floor.trained_on),
        )  # fmt: skip
        if not ended:
            return found
        return replace(found, learned=self._learned(looks), noise=self._noise(), seeds=self._seeds())

    @cached_property
    def planned(self) -> Planned:
        """The plan, as far as a diagnosis asks."""
        order = Order(np.asarray(self.train.lengths), self.plan, self.train.draws)
        total = order.steps_total
        return Planned(
            steps_total=total, epochs=order.epochs_done(total), learning_rate=self.plan.learning_rate,
            rates=np.array([self.plan.rate_factor(step, total) for step in range(total)]), max_grad_norm=self.plan.max_grad_norm,
            weight_decay=self.plan.weight_decay,
            primary=self.primary, writes=self.train.learned is not None, lora=self.lora, early_stopping=self.plan.early_stopping,
        )  # fmt: skip

    @cached_property
    def shares(self) -> tuple[float, ...] | None:
        """Of the training rows, of each class."""
        target = np.asarray(self.train.target)
        if self.train.learned is not None or target.ndim == 2:
            return None
        return tuple((np.bincount(target, minlength=len(self.labels)) / len(target)).tolist())

    @cached_property
    def constant_loss(self) -> float | None:
        """Entropy of the classes; of several labels the mean of theirs."""
        if self.train.learned is not None:
            return None
        if self.shares is not None:
            return -sum(share * math.log(share) for share in self.shares if share > 0)
        rate = np.asarray(self.train.target, dtype=np.float64).mean(axis=0)
        rate = np.clip(rate, 1e-12, 1 - 1e-12)
        return float(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)).mean())

    @cached_property
    def _who(self) -> dict[str, tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64] | None]]:
        groups, out = groups_of(self.run.path), {}
        for name, rows in self.splits.items():
            ids = rows.row_ids(np.arange(len(rows)))
            target = np.asarray(rows.target)
            out[name] = (tuple(ids), groups(ids), target if self.shares is not None else None)
        return out

    def _seen(self, name: str, looks: Looks) -> Seen | None:
        steps, facts = looks.of(name)
        if not steps:
            return None
        rows, groups, target = self._who[name]
        values = facts.astype(np.float64)
        return Seen(np.array(steps), values[:, :, LOSS], values[:, :, RIGHT], rows, groups, target)

    def _learned(self, looks: Looks) -> Learned | None:
        """How the rows that audit suspects were learned, beside the others."""
        path, followed = self.run.path / "audit" / SUSPECTS, looks.followed
        if followed is None or not path.is_file():
            return None
        table = pq.read_table(path, columns=["row", "flagged"])
        seen = followed.state["seen"] > 0
        rows = self.train.row_ids(followed.places[seen])
        place = pc.index_in(pa.array(rows, pa.string()), value_set=table["row"].combine_chunks())
        judged = np.asarray(place.is_valid())
        flagged = np.asarray(table["flagged"].take(place).fill_null(False))
        state = {key: values[seen][judged] for key, values in followed.state.items()}
        names = tuple(row for row, known in zip(rows, judged.tolist(), strict=True) if known)
        return Learned(flagged[judged], state["right"] / state["seen"], state["last_wrong"] / state["seen"], names)

    def _noise(self) -> Score | None:
        """Share of wrong labels, where people have reviewed some (audit measures it)."""
        found = [score for finding in self.run.findings("audit") for score in finding.evidence if score.name == "label_noise"]
        return next((score for score in found if score.value is not None), None)

    def _seeds(self) -> tuple[float, ...]:
        """The score of the kept step of this run, and of others of this workspace that differ in their seed alone."""
        mine = _but_for_the_seed(self.run)
        if mine is None:
            return ()
        others = [run for run in reversed(list_runs(self.run.workspace)) if run.id != self.run.id][:SIBLINGS]
        same = [run for run in others if run.record.data.get("fingerprint") == self.run.record.data.get("fingerprint")]
        scores = [json_object(run.path / "train" / BEST).get("score") or {} for run in [self.run, *same] if _but_for_the_seed(run) == mine]
        return tuple(float(one["value"]) for one in scores if one.get("name") == self.primary and one.get("value") is not None)


def _but_for_the_seed(run: Run) -> dict[str, Any] | None:
    """The recipe without what names the run, or comes from the seed; None where it cannot be read any more."""
    try:
        found = read(run.path / RECIPE, run.record.overrides).recipe.to_json()
    except (GoodfitError, OSError):
        return None
    return {key: value for key, value in found.items() if key not in ("seed", "name", "purpose", "report", "fail_on")}
