"""The rows that evaluate scored, as a population: answers come from its file, texts and groups from the split. Part of assess."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from goodfit.data.groups import clusters_of
from goodfit.data.identity.match import Matcher
from goodfit.errors import RunError
from goodfit.recipe import GroupAxis, Recipe
from goodfit.run import FOLDS, PREDICTIONS, Run
from goodfit.stages.assess.population import Axis, Population, by_column, by_terms
from goodfit.tasks import Classification

MODEL = "model"


class SplitRows(Protocol):
    """What assess asks of the divided data (the Result of `split`)."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Rows per split."""

    @property
    def clustered(self) -> bool:
        """Whether some cluster has more than one row."""

    def table(self, split: Any, *, key: object | None = None, columns: tuple[str, ...] | None = None) -> pa.Table:
        """All rows of a split; `test` needs the key."""

    def clusters(self, split: Any) -> Any:
        """The cluster of every row, in the same order."""


def scored_rows(  # noqa: PLR0913 - what a reading is
    recipe: Recipe, splits: SplitRows, run: Run, task: Classification, matchers: Mapping[str, Matcher], key: object | None
) -> Population:
    """The population of `evaluate.on`, with the model's answers."""
    on = recipe.evaluate.on
    answers = _answers(run, on)
    table = _texts(recipe, splits, on, key)
    places = pc.index_in(answers["row"], value_set=table["row"].combine_chunks())
    if places.null_count:
        raise RunError(f"evaluate/{PREDICTIONS} answers rows that are not among the {on} rows", fix="goodfit run RECIPE --new")
    table = table.take(places)
    labels, truth, said = _coded(answers, task)
    texts = table["text"].to_pylist()
    return Population(
        name=on, labels=labels, multi_label=task.multi_label, truth=truth, rows=answers["row"].combine_chunks(),
        clusters=clusters_of(run.path, answers["row"]) if splits.clustered else None,
        axes=tuple(axes_of(recipe.groups, table, texts, matchers)), said={MODEL: said},
        probabilities={MODEL: np.column_stack([answers[f"p_{label}"].to_numpy() for label in task.labels]).astype(np.float32)}, texts=texts,
    )  # fmt: skip


def learned_sides(splits: SplitRows) -> list[str]:
    """Training and validation, those that have rows."""
    return [side for side in ("train", "valid") if splits.counts.get(side, 0)]


def group_columns(recipe: Recipe) -> tuple[str, ...]:
    """The columns of the axes that are known by one."""
    return tuple(f"group.{name}" for name, axis in recipe.groups.items() if axis.column is not None)


def axes_of(groups: Mapping[str, GroupAxis], table: pa.Table, texts: list[str], matchers: Mapping[str, Matcher]) -> list[Axis]:
    """The axes of some rows: by the columns `group.<axis>` of the table, and by the terms in the texts. `matchers`: by the list's name."""
    out: list[Axis] = []
    for name, axis in groups.items():
        if axis.column is not None:
            out.append(by_column(name, table[f"group.{name}"], axis.column))
        elif axis.terms is not None:
            matcher = matchers[axis.terms]
            out += by_terms(name, [member.name for member in matcher.list.members], matcher.members(texts), axis.terms)
    return [one for one in out if one.members]


def _answers(run: Run, on: str) -> pa.Table:
    """The model's lines of evaluate/predictions.parquet for these rows."""
    path: Path = run.path / "evaluate" / PREDICTIONS
    found = pq.read_table(path, filters=[("split", "=", on), ("system", "=", MODEL)])
    if not found.num_rows:
        raise RunError(f"evaluate/{PREDICTIONS} has no answers of the model to {on} rows", fix="goodfit evaluate RUN")
    return found


def _texts(recipe: Recipe, splits: SplitRows, on: str, key: object | None) -> pa.Table:
    """Row, text and the columns of groups, of the rows that were scored."""
    columns = ("row", "text", *group_columns(recipe))
    sides = learned_sides(splits) if on == FOLDS else [on]
    return pa.concat_tables([splits.table(side, key=key, columns=columns) for side in sides])


def _coded(answers: pa.Table, task: Classification) -> tuple[tuple[str, ...], Any, Any]:
    """Labels, truth and predictions as codes; a label that the model does not have stands behind its own."""
    given, said = answers["label"].to_pylist(), answers["prediction"].to_pylist()
    flat = {name for cell in given for name in (cell if task.multi_label else [cell])}
    wide = Classification(task.labels + tuple(sorted(flat - set(task.labels))), multi_label=task.multi_label)
    truth, told = (wide.encode_targets(cells) for cells in (given, said))
    return (wide.labels, truth > 0.5, told > 0.5) if task.multi_label else (wide.labels, truth.astype(np.int64), told.astype(np.int64))
