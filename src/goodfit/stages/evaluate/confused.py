"""Which label is taken for which, with examples; and the training rows nearest to a mistake: a bad label, or a case that training lacks.

Part of evaluate; writes confusions.jsonl, and `nearest` and `reading` into mistakes.jsonl. Texts stand there as they are: the report masks
them as the recipe says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.stages.evaluate.answering import Answered
from goodfit.stages.evaluate.mistakes import LONGEST
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.statistics.scoring import score_of
from goodfit.tasks.baselines import TrainingRows
from goodfit.tasks.baselines.features import gather
from goodfit.tasks.baselines.neighbours import Neighbours

PAIRS, EXAMPLES = 10, 3
FEWEST = 2
"""Rows of a pair that is shown."""
NEAR = 3
"""Training rows shown beside a mistake."""
IN_DOUBT, LACKING = "label_in_doubt", "missing_case"


def confusions(answered: Answered) -> list[tuple[dict[str, Any], NDArray[np.int64]]]:
    """The most frequent pairs of label and other prediction: what is known of each, and the places of its surest examples."""
    if answered.task.multi_label:
        return []
    names, told = answered.names, answered.answers[MODEL]
    wrong = np.flatnonzero(answered.truth != told.predictions)
    cells, counts = np.unique(answered.truth[wrong] * len(names) + told.predictions[wrong], return_counts=True)
    order = [i for i in np.argsort(-counts, kind="stable")[:PAIRS].tolist() if counts[i] >= FEWEST]
    sure = answered.task.certainty(told.probabilities, told.predictions)
    out = []
    for cell in cells[order].tolist():
        label, prediction = divmod(cell, len(names))
        of_label = answered.truth == label
        mine = np.flatnonzero(of_label & (told.predictions == prediction))
        clusters = None if answered.clusters is None else answered.clusters[of_label]
        share = score_of("rate", None, told.predictions[of_label] == prediction, clusters=clusters, folds=answered.folds)
        back = int(((answered.truth == prediction) & (told.predictions == label)).sum())
        facts = {
            "label": names[label], "prediction": names[prediction], "rows": len(mine), "rows_of_label": int(of_label.sum()),
            "share": share.about(name="confusion_rate", label=names[label], split=answered.split).to_json(), "the_other_way": back,
        }  # fmt: skip
        out.append((facts, mine[np.argsort(-sure[mine], kind="stable")[:EXAMPLES]]))
    return out


def beside(line: dict[str, Any], text: str, near: Neighbours, rows: TrainingRows) -> dict[str, Any]:
    """`nearest` and `reading` of a mistake: its nearest training rows, and what they suggest."""
    places, cosines = near.nearest([text], NEAR)
    index = near.index[places[0]]
    order = np.argsort(index, kind="stable")
    texts = np.empty(len(index), dtype=object)
    texts[order] = gather(rows.text, index[order])
    labels = near.task.names(np.asarray(rows.targets)[index] > 0.5 if near.task.multi_label else np.asarray(rows.targets)[index])
    ids = ["" if rows.row is None else rows.row[int(i)].as_py() for i in index]
    nearest = [
        {"row": row, "label": label, "text": other[:LONGEST], "similarity": round(float(cosine), 4)}
        for row, label, other, cosine in zip(ids, labels, texts.tolist(), cosines[0].tolist(), strict=True)
    ]
    return {"nearest": nearest, "reading": _reading(line, labels, float(cosines[0][0]), near)}


def _reading(line: dict[str, Any], labels: Sequence[Any], cosine: float, near: Neighbours) -> str | None:
    """`missing_case` where no training row is as near as nearly all training rows have one; `label_in_doubt` where all the nearest carry
    the predicted label; else nothing.
    """
    if cosine < near.usual:
        return LACKING
    given = sorted(line["prediction"]) if isinstance(line["prediction"], list) else line["prediction"]
    theirs = [sorted(label) if isinstance(label, list) else label for label in labels]
    return IN_DOUBT if len(theirs) == NEAR and all(label == given for label in theirs) else None
