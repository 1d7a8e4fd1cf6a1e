"""compare: runs side by side. Scores as each run reported them, where they come from, what they cost, what differs in their recipes, and
verdicts on the rows they share.

Above the path: reads run folders (scores.json, predictions.parquet, recipes, reviews), never a data file and never a sealed row. A verdict
is paired: both runs' answers to the same row ids of the same split, whose labels agree. `written` has those of models that write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.data.groups import clusters_of
from goodfit.errors import RunError
from goodfit.files import read_json
from goodfit.improve.lineage import cost, curve, differences, lineage
from goodfit.improve.pairs import MODEL, Pair, untold
from goodfit.improve.review import reviewed
from goodfit.improve.written import written
from goodfit.ledger import OVERLAP
from goodfit.run import ASSIGNMENT, FOLDS, PREDICTIONS, SCORES, Run
from goodfit.score import Verdict
from goodfit.statistics import Question, adjust
from goodfit.statistics import compare as paired

SEPARATOR = "\x1f"
"""Between the names of a set, where a join needs one text."""
METRICS = ("macro_f1", "accuracy")
MULTI_METRICS = ("macro_f1", "micro_f1")
TEST = "test"


def compare(runs: Sequence[Run]) -> dict[str, Any]:
    """Scores, recipe differences, paired verdicts and what reviews say, each of the later runs against the first.

    RunError where a run stands twice, or where their tasks differ.
    """
    twice = [run.id for i, run in enumerate(runs) if run.id in {other.id for other in runs[:i]}]
    if twice:
        raise RunError(f"{twice[0]} stands twice: a run cannot be compared with itself", fix="goodfit list shows the others")
    documents = [_scores(run) for run in runs]
    _one_task(runs, documents)
    metrics = list(dict.fromkeys(name for document in documents for name in _overall(document)))[:6]
    verdicts = [
        verdict for run, document in zip(runs[1:], documents[1:], strict=True) for verdict in _against(runs[0], run, documents[0], document)
    ]
    return {
        "runs": [
            {
                "id": run.id,
                "on": d["on"],
                "n": d["n"],
                "scores": _overall(d),
                "lineage": lineage(run),
                "cost": cost(run),
                "curve": curve(run),
            }
            for run, d in zip(runs, documents, strict=True)
        ],
        "metrics": metrics,
        "verdicts": [verdict.to_json() for verdict in adjust(verdicts, "compared runs")],
        "reviews": [found for run in runs[1:] for found in reviewed(runs[0], run, runs)],
        "differs": differences(runs),
    }


def _one_task(runs: Sequence[Run], documents: Sequence[dict[str, Any]]) -> None:
    """RunError where one run classifies and another writes."""
    first, *others = [str(document["task"]) for document in documents]
    for run, task in zip(runs[1:], others, strict=True):
        if task != first:
            raise RunError(
                f"{runs[0].id} is of the task {first}, {run.id} of the task {task}: no score of the one says anything of the other",
                fix="compare runs of one task; goodfit list shows them",
            )


def _scores(run: Run) -> dict[str, Any]:
    path = run.path / "evaluate" / SCORES
    if not path.is_file():
        raise RunError(f"{run.id} has no scores yet", fix=f"goodfit evaluate {run.id}")
    return dict(read_json(path))


def _overall(document: dict[str, Any]) -> dict[str, Any]:
    """Metric -> the model's score on the rows that the document is about; the plain interval where a widened one stands beside it."""
    out: dict[str, Any] = {}
    for s in document["scores"]:
        mine = s.get("system") == MODEL and not s.get("label") and not s.get("group")
        if mine and s.get("split", document["on"]) == document["on"] and s.get("level", 0.95) <= out.get(s["name"], {}).get("level", 1.0):
            out[s["name"]] = s
    return out


def _against(base: Run, other: Run, theirs: dict[str, Any], mine: dict[str, Any]) -> list[Verdict]:
    """Paired verdicts of `other` against `base`; one that says why not, where there is nothing to pair."""
    question = f"{other.id} vs {base.id}"
    if theirs["on"] == TEST and not _one_test(base, other):
        return [untold(question, "their test rows are not the same: scores of different rows say nothing of the models")]
    if theirs["on"] != mine["on"]:
        return [untold(question, f"one was scored on {theirs['on']} rows, the other on {mine['on']} rows")]
    ways: dict[str, Callable[[Pair], list[Verdict]]] = {"classification": _classified, "generation": written}
    return ways[mine["task"]](Pair(base, other, theirs, mine, question))


def _one_test(base: Run, other: Run) -> bool:
    """Whether two test sets are one by the ledger's rule: they share more than half of the smaller one's rows."""
    rows = [set(pq.read_table(run.path / "split" / ASSIGNMENT, columns=["row"], filters=[("split", "=", TEST)])["row"].to_pylist())
            for run in (base, other) if (run.path / "split" / ASSIGNMENT).is_file()]  # fmt: skip
    return len(rows) < 2 or not all(rows) or len(rows[0] & rows[1]) > OVERLAP * min(map(len, rows))


def _classified(pair: Pair) -> list[Verdict]:
    """Of two classifiers."""
    labels_of = pair.mine["labels"]
    if pair.theirs["labels"] != labels_of:
        return [untold(pair.question, "their classes differ")]
    joined = _joined(pair.base, pair.other, str(pair.mine["on"]))
    if joined.num_rows == 0:
        return [untold(pair.question, "they share no scored row")]
    multi = _is_multi(pair.other)
    labels, a, b = _encoded(joined, list(labels_of), multi=multi)
    clusters = clusters_of(pair.other.path, joined["row"])
    names = MULTI_METRICS if multi else METRICS
    folds = folds_of_both(pair.mine, pair.theirs)
    return [paired(name, labels, a, b, clusters=clusters, question=Question(f"{pair.question} on {name}", folds=folds)) for name in names]


def folds_of_both(*scores: dict[str, Any]) -> int | None:
    """How many models answered the rows of these scores.json, each what it had not learned from (the fewest); None: one model each."""
    told = [one["folds"]["n"] for one in scores if one["on"] == FOLDS and one.get("folds")]
    return min(told, default=None)


def _is_multi(run: Run) -> bool:
    return bool(pa.types.is_list(pq.read_schema(run.path / "evaluate" / PREDICTIONS).field("prediction").type))


def _joined(base: Run, other: Run, on: str) -> pa.Table:
    """Rows that both models answered: row, label, a (other), b (base), in row order; rows whose labels differ are left out."""
    a, b = (_predictions(run, on) for run in (other, base))
    both = a.rename_columns(["row", "label", "a"]).join(b.rename_columns(["row", "label_b", "b"]), "row", join_type="inner")
    same = np.array([x == y for x, y in zip(both["label"].to_pylist(), both["label_b"].to_pylist(), strict=True)], dtype=bool)
    return both.filter(pa.array(same)).sort_by("row") if both.num_rows else both


def _predictions(run: Run, on: str) -> pa.Table:
    """The model's answers to one split; sets of names become one text, which joins need."""
    path = run.path / "evaluate" / PREDICTIONS
    table = pq.read_table(path, columns=["row", "label", "prediction"], filters=[("split", "=", on), ("system", "=", MODEL)])
    for name in ("label", "prediction"):
        if pa.types.is_list(table[name].type):
            index = table.column_names.index(name)
            flat = pa.array([SEPARATOR.join(sorted(names or [])) for names in table[name].to_pylist()], pa.string())
            table = table.set_column(index, name, flat)
    return table


def _encoded(joined: pa.Table, labels: list[str], *, multi: bool) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Labels and both answers as class indices, or as 0/1 matrices where cells hold several names."""
    columns = [joined[name].to_pylist() for name in ("label", "a", "b")]
    if not multi:
        index = {label: i for i, label in enumerate(labels)}
        first, second, third = (np.array([index[value] for value in column]) for column in columns)
        return first, second, third
    held = [np.array([[label in value.split(SEPARATOR) for label in labels] for value in column]) for column in columns]
    return held[0], held[1], held[2]
