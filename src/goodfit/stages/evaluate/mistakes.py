"""The model's most confident mistakes, for people to look at: often a wrong label, or a kind of row that training lacks.

Part of evaluate; writes mistakes.jsonl. Texts stand there as they are: the report masks them as the recipe says.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.stages.evaluate.answering import Answered
from goodfit.stages.evaluate.scoring import MODEL

SHOWN = 50
LONGEST = 2_000
"""Characters of a text that are kept."""


def most_confident(answered: Answered, most: int = SHOWN) -> NDArray[np.int64]:
    """Positions of the wrong rows, the most confident first (ties in file order). Multi-label: by the least certain of its decisions."""
    answers = answered.answers[MODEL]
    labels = answers.probabilities.shape[1]
    predictions = answers.predictions[:, :labels] if answered.task.multi_label else answers.predictions
    sure = answered.task.certainty(answers.probabilities, predictions)
    wrong = np.flatnonzero(is_wrong(answered))
    return wrong[np.argsort(-sure[wrong], kind="stable")[:most]]


def is_wrong(answered: Answered) -> NDArray[np.bool_]:
    """[n] rows that the model answers otherwise than they are labelled."""
    differs = answered.answers[MODEL].predictions != answered.truth
    return differs.any(axis=1) if answered.task.multi_label else differs


def lines(answered: Answered, places: NDArray[np.int64], rows: pa.Table) -> list[dict[str, Any]]:
    """One line per mistake: `rows` has row, text and label of the rows at `places`, in that order."""
    answers = answered.answers[MODEL]
    labels = answers.probabilities.shape[1]
    taken = answers.predictions[places]
    shown = taken[:, :labels] if answered.task.multi_label else taken
    sure = answered.task.certainty(answers.probabilities[places], shown)
    columns = zip(rows.to_pylist(), answered.task.names(shown), sure.tolist(), strict=True)
    return [
        {"row": row["row"], "label": row["label"], "prediction": prediction, "p": round(p, 6), "text": row["text"][:LONGEST]}
        for row, prediction, p in columns
    ]
