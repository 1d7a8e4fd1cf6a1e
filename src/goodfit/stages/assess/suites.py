"""Suites: files of texts that are there to assess a model (functional tests, templates, rows of another place). Part of assess.

    assess:
      suites:
        hatecheck: {path: hatecheck.csv, text: test_case, label: label_gold, labels: {hateful: hate, non-hateful: none},
                    groups: {target: {column: target_ident}}, by: templ_id, function: functionality}

They are read once before anything is trained, so that what is wrong with them is said early, and again when the model answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from goodfit.data.groups import shared
from goodfit.data.identity.match import Matcher
from goodfit.data.missing import missing_column
from goodfit.data.named import opened, source_of
from goodfit.data.source import Columns, check_header, columns_of_file, read, schema
from goodfit.errors import DataError, Place, nearest
from goodfit.recipe import GroupAxis, Recipe
from goodfit.recipe.assess import Suite
from goodfit.stages.assess.population import Population
from goodfit.stages.assess.rows import axes_of

SHOWN = 5


def suite_rows(suite: Suite, name: str, recipe: Recipe, around: tuple[Path, Sequence[str], Mapping[str, Matcher]]) -> Population:
    """The rows of a suite, answered by nobody yet; truth is codes of the labels. `around`: the recipe's folder, the labels of the task and
    the matchers of all lists of terms. DataError where the file, a column or a label is not what it should be.
    """
    base, labels, matchers = around
    groups = axes_asked(suite, recipe)
    table = _table(suite, groups, recipe, base)
    if not table.num_rows:
        raise DataError(f"assess.suites.{name}: there are no rows", place=Place(file=suite.path), fix="leave the suite out")
    texts = table["text"].to_pylist()
    functions = None if suite.function is None else tuple(table[f"kept.{suite.function}"].to_pylist())
    return Population(
        name=name, labels=tuple(labels), multi_label=recipe.task.multi_label, truth=_codes(table, suite, name, labels),
        rows=table["at"].combine_chunks(),
        clusters=None if suite.by is None else shared(_numbered(table["by"])), axes=tuple(axes_of(groups, table, texts, matchers)),
        texts=texts, functions=functions,
    )  # fmt: skip


def axes_asked(suite: Suite, recipe: Recipe) -> dict[str, GroupAxis]:
    """The axes of a suite: its own, and those of the recipe that are known by terms."""
    return {**{axis: group for axis, group in recipe.groups.items() if group.terms is not None}, **suite.groups}


def check_suite(suite: Suite, recipe: Recipe, base: Path) -> None:
    """DataError where its file is not there or lacks a column, from its first rows only."""
    source = source_of(suite, opened(suite.path, base))
    check_header(source, _columns(suite, axes_asked(suite, recipe), recipe))
    if suite.function is not None and suite.function not in (there := columns_of_file(source)):
        raise missing_column(suite.path, suite.function, there)


def _columns(suite: Suite, groups: Mapping[str, GroupAxis], recipe: Recipe) -> Columns:
    return Columns(
        text=suite.text, label=(suite.label,), groups={axis: group.column for axis, group in groups.items() if group.column is not None},
        by=suite.by, kept=() if suite.function is None else (suite.function,), multi_label=recipe.task.multi_label,
        separator=recipe.task.label_separator,
    )  # fmt: skip


def _table(suite: Suite, groups: Mapping[str, GroupAxis], recipe: Recipe, base: Path) -> pa.Table:
    """Its rows, those without a text or a label left out."""
    columns = _columns(suite, groups, recipe)
    batches = list(read([source_of(suite, opened(suite.path, base))], columns))
    table = pa.Table.from_batches(batches, schema=schema(columns))
    whole = [bool(text) and label is not None for text, label in zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True)]
    return table.filter(pa.array(whole, pa.bool_())) if not all(whole) else table


def _codes(table: pa.Table, suite: Suite, name: str, labels: Sequence[str]) -> np.ndarray:
    """The labels of every row as the task counts them: int64 [n], or bool [n, L]."""
    known = {label: code for code, label in enumerate(labels)}
    wrong = sorted({to for to in suite.labels.values() if to not in known})
    if wrong:
        raise _unknown(f"assess.suites.{name}.labels: {wrong[0]!r} is no label of the task", wrong[0], labels, suite)
    meant = {**{label: label for label in labels}, **suite.labels}
    cells = table["label"].to_pylist()
    several = pa.types.is_list(table.schema.field("label").type)
    found = [[str(one) for one in cell] for cell in cells] if several else [[str(cell)] for cell in cells]
    strange = [one for one in dict.fromkeys(one for row in found for one in row) if one not in meant]
    if strange:
        listed = ", ".join(repr(one) for one in strange[:SHOWN])
        raise _unknown(f"assess.suites.{name}: {listed} in column {suite.label!r} is no label of the task", strange[0], labels, suite)
    if not several:
        return np.array([known[meant[row[0]]] for row in found], dtype=np.int64)
    out = np.zeros((len(found), len(labels)), dtype=bool)
    for place, row in enumerate(found):
        out[place, [known[meant[one]] for one in row]] = True
    return out


def _unknown(said: str, word: str, labels: Sequence[str], suite: Suite) -> DataError:
    near = nearest(word, list(labels))
    listed = ", ".join(labels[:SHOWN]) + (" …" if len(labels) > SHOWN else "")
    return DataError(
        said, place=Place(file=suite.path),
        fix=f"say what it means with labels: {{{word}: {near or labels[0]}}} (the task has {listed})",
    )  # fmt: skip


def _numbered(values: pa.ChunkedArray) -> np.ndarray:
    """A number for each value; a missing one stands alone."""
    codes = values.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(int(alone.sum()))
    return codes
