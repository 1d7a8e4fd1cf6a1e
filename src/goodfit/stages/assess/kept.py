"""What was asked here, row by row: assess/predictions.parquet (row, split, system, label, prediction, p_<label> …). Part of assess."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from goodfit.run import PREDICTIONS
from goodfit.stages.assess.population import Population
from goodfit.tasks import Classification
from goodfit.tasks.tables import predictions_schema, probability_arrays, writing

BATCH = 8192


def write_answers(folder: Path, populations: Sequence[Population], task: Classification) -> None:
    """Every population's answers by every system; `split` is the population's name."""
    schema = predictions_schema(task.labels, multi_label=task.multi_label)
    with writing(folder / PREDICTIONS, schema) as write:
        for population in populations:
            for system in population.said:
                for start in range(0, len(population), BATCH):
                    write(_part(population, system, slice(start, start + BATCH), schema))


def _part(population: Population, system: str, part: slice, schema: pa.Schema) -> pa.Table:
    wide = Classification(population.labels, multi_label=population.multi_label)
    truth, said = population.truth[part], population.said[system][part]
    rows = population.rows[part.start : part.stop]
    probabilities = population.probabilities[system][part]
    arrays = [
        rows, pa.repeat(pa.scalar(population.name), len(rows)), pa.repeat(pa.scalar(system), len(rows)),
        pa.array(wide.names(truth), schema.field("label").type), pa.array(wide.names(said), schema.field("prediction").type),
        *probability_arrays(probabilities),
    ]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=schema)
