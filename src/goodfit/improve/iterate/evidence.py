"""What a finished run tells about itself: its validation rows and answers, its findings, its plan. The only thing that proposals read.

Part of iterate. Validation rows only, never a test row: what is proposed by looking at rows is not judged on them afterwards. The rows can
be halved by cluster, so that a proposal that is carried out is accepted on rows that did not lead to it (`Half`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.data.groups import groups_of
from goodfit.errors import RunError
from goodfit.files import json_object
from goodfit.finding import Finding
from goodfit.improve.pairs import MODEL
from goodfit.recipe import Recipe
from goodfit.run import CANDIDATES, FOLDS, PLAN, PREDICTIONS, PROFILE, RECIPE, SCORES, Run
from goodfit.score import Score
from goodfit.settings import read
from goodfit.statistics import score
from goodfit.tasks import Classification

VALID = "valid"
LOOKED_AT = (VALID, FOLDS)
"""Rows that may be looked at; with `split.folds` all rows, each as a model answered it that had not learned from it."""
Half = Literal["diagnose", "accept"]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """The validation rows, and what each system said of them. n rows."""

    rows: tuple[str, ...]
    labels: tuple[str, ...]
    """The classes; label and prediction are places in it."""
    truth: NDArray[Any]
    """int64 [n], or bool [n, L] where a row has several labels."""
    said: Mapping[str, NDArray[Any]]
    """System -> as `truth`."""
    clusters: NDArray[np.int64]
    """[n]"""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def several(self) -> bool:
        """Rows may have several labels."""
        return self.truth.ndim == 2

    def half(self, which: Half) -> Answers:
        """The rows of one half; whole clusters, by a hash of their first row's id, so that every run of the same rows halves alike."""
        first = {int(c): min(self.rows[i] for i in np.flatnonzero(self.clusters == c)) for c in np.unique(self.clusters)}
        side = {c: hashlib.blake2b(name.encode(), digest_size=1).digest()[0] & 1 for c, name in first.items()}
        keep = np.array([side[int(c)] == (which == "accept") for c in self.clusters], dtype=bool)
        return self.at(np.flatnonzero(keep))

    def at(self, places: NDArray[np.int64]) -> Answers:
        """Some of the rows."""
        return Answers(
            tuple(self.rows[i] for i in places), self.labels, self.truth[places],
            {name: said[places] for name, said in self.said.items()}, self.clusters[places],
        )  # fmt: skip

    def score(self, primary: str, system: str = MODEL) -> Score:
        """The primary score of one system on these rows."""
        return score(primary, self.truth, self.said[system], clusters=self.clusters)


@dataclass(frozen=True)
class Evidence:
    """All that is known of a run."""

    run: Run
    recipe: Recipe
    primary: str
    findings: Sequence[Finding]
    """Open ones of all stages."""
    answers: Answers | None
    """None for a model that writes."""
    score: Score
    """The model's primary score on validation."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """tune/plan.json: what every `auto` became."""
    profile: Mapping[str, Any] = field(default_factory=dict)
    """audit/profile.json"""
    candidates: Mapping[str, Any] = field(default_factory=dict)
    """choose/candidates.json"""
    seconds: float = 0.0
    """Of training and evaluation, as they were measured."""

    @classmethod
    def of(cls, run: Run, half: Half | None = None) -> Evidence:
        """Read from the run's folder. RunError where it has no scores yet, or no validation rows."""
        scores = json_object(run.path / "evaluate" / SCORES)
        if not scores:
            raise RunError(f"{run.id} has no scores yet, so there is nothing to improve on", fix=f"goodfit evaluate {run.id}")
        recipe = read(run.path / RECIPE, run.record.overrides).recipe
        primary, answers = str(scores["primary"]), None
        if recipe.task.label_columns:
            answers = answers_of(run, scores["labels"])
            answers = answers.half(half) if half else answers
            found = answers.score(primary)
        else:
            found = _written(run, scores, primary)
        stages = run.record.stages
        return cls(
            run, recipe, primary, [f for f in run.findings() if f.status == "open"], answers, found,
            json_object(run.path / "tune" / PLAN), json_object(run.path / "audit" / PROFILE), json_object(run.path / "choose" / CANDIDATES),
            sum(stages[name].seconds for name in ("train", "evaluate") if name in stages),
        )  # fmt: skip

    def named(self, *kinds: str) -> list[Finding]:
        """The open findings of these kinds."""
        return [f for f in self.findings if f.kind in kinds]

    def given(self, key: str) -> Any:
        """What the recipe says of a dotted key, `auto` where it left it open."""
        section, name = key.split(".", 1)
        return getattr(getattr(self.recipe, section), name)

    def settled(self, key: str) -> Any:
        """What the plan made of a dotted key of `train`; the recipe's own word where the plan does not have it."""
        return self.plan.get("plan", {}).get(key.split(".", 1)[1], self.given(key))

    def of_system(self, system: str) -> float | None:
        """A system's primary score on validation; None where it did not answer these rows."""
        if self.answers is None or system not in self.answers.said:
            return None
        return self.answers.score(self.primary, system).value


def answers_of(run: Run, labels: Sequence[str]) -> Answers:
    """The validation rows of a classifier's predictions.parquet, in row order. RunError where there are none."""
    path = run.path / "evaluate" / PREDICTIONS
    if not path.is_file():
        raise RunError(f"{run.id} has no evaluate/{PREDICTIONS}", fix=f"goodfit evaluate {run.id}")
    table = pq.read_table(path, columns=["row", "system", "label", "prediction"], filters=[("split", "in", LOOKED_AT)]).sort_by("row")
    mine = table.filter(pa.compute.equal(table["system"], MODEL))
    if not mine.num_rows:
        raise RunError(f"{run.id} has no validation rows, and nothing may be learned from test rows", fix="split.valid_size: 0.15")
    several = pa.types.is_list(mine.schema.field("label").type)
    known = {name for cell in mine["label"].to_pylist() for name in (cell if several else [cell])}
    names = (*labels, *sorted(known - set(labels)))
    rows = mine["row"].to_pylist()
    said = {}
    for system in table["system"].unique().to_pylist():
        part = table.filter(pa.compute.equal(table["system"], system))
        if part["row"].to_pylist() == rows:
            said[str(system)] = codes_of(part["prediction"].to_pylist(), names, several=several)
    return Answers(tuple(rows), names, codes_of(mine["label"].to_pylist(), names, several=several), said, groups_of(run.path)(rows))


def codes_of(cells: Sequence[Any], labels: Sequence[str], *, several: bool) -> NDArray[Any]:
    """Cells of names as `Answers.truth` has them; DataError for a name that is none of the labels."""
    codes = Classification(tuple(labels), multi_label=several).encode_targets(cells)
    return codes.astype(bool) if several else codes


def _written(run: Run, scores: Mapping[str, Any], primary: str) -> Score:
    """The primary score of a model that writes, from scores.valid.json, else the one by which its step was kept."""
    valid = json_object(run.path / "evaluate" / "scores.valid.json")
    document = valid or scores
    for entry in document["scores"]:
        if entry.get("system") == MODEL and entry["name"] == primary and not entry.get("label") and not entry.get("group"):
            return Score.model_validate(entry | {"split": document["on"]})
    raise RunError(f"{run.id} has no {primary} of its model", fix=f"goodfit evaluate {run.id}")
