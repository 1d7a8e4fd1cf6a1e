"""compare: runs side by side. Scores as each run reported them, what differs in their recipes, and verdicts on the rows they share.

Above the path: reads run folders (scores.json, predictions.parquet, recipes), never a data file and never a sealed row. A verdict is
paired: both runs' answers to the same row ids of the same split, whose labels agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.errors import RunError
from goodfit.files import read_json
from goodfit.run import ASSIGNMENT, PREDICTIONS, RECIPE, SCORES, Run
from goodfit.score import Verdict
from goodfit.settings import read
from goodfit.settings.tree import leaves
from goodfit.statistics import Question, adjust
from goodfit.statistics import compare as paired

MODEL = "model"
SEPARATOR = "\x1f"
"""Between the names of a set, where a join needs one text."""
METRICS = ("macro_f1", "accuracy")
MULTI_METRICS = ("macro_f1", "micro_f1")


def compare(runs: Sequence[Run]) -> dict[str, Any]:
    """Scores, recipe differences and paired verdicts, each of the later runs against the first; RunError where a run stands twice."""
    twice = [run.id for i, run in enumerate(runs) if run.id in {other.id for other in runs[:i]}]
    if twice:
        raise RunError(f"{twice[0]} stands twice: a run cannot be compared with itself", fix="goodfit list shows the others")
    documents = [_scores(run) for run in runs]
    metrics = list(dict.fromkeys(name for document in documents for name in _overall(document)))[:6]
    verdicts = [
        verdict for run, document in zip(runs[1:], documents[1:], strict=True) for verdict in _against(runs[0], run, documents[0], document)
    ]
    return {
        "runs": [{"id": run.id, "on": d["on"], "n": d["n"], "scores": _overall(d)} for run, d in zip(runs, documents, strict=True)],
        "metrics": metrics,
        "verdicts": [verdict.to_json() for verdict in adjust(verdicts, "compared runs")],
        "differs": differences(runs),
    }


def differences(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Recipe keys whose values are not the same in all runs: key -> one value per run."""
    flat = [
        {".".join(map(str, path)): value for path, value in leaves(read(run.path / RECIPE, run.record.overrides).recipe.to_json())}
        for run in runs
    ]
    keys = sorted({key for values in flat for key in values})
    return {key: [values.get(key) for values in flat] for key in keys if len({str(values.get(key)) for values in flat}) > 1}


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
    if theirs["labels"] != mine["labels"]:
        return [_untold(question, "their classes differ")]
    if theirs["on"] != mine["on"]:
        return [_untold(question, f"one was scored on {theirs['on']} rows, the other on {mine['on']} rows")]
    joined = _joined(base, other, str(mine["on"]))
    if joined.num_rows == 0:
        return [_untold(question, "they share no scored row")]
    multi = _is_multi(other)
    labels, a, b = _encoded(joined, list(mine["labels"]), multi=multi)
    clusters = _clusters(other, joined["row"])
    names = MULTI_METRICS if multi else METRICS
    return [paired(name, labels, a, b, clusters=clusters, question=Question(text=f"{question} on {name}")) for name in names]


def _is_multi(run: Run) -> bool:
    return bool(pa.types.is_list(pq.read_schema(run.path / "evaluate" / PREDICTIONS).field("prediction").type))


def _untold(question: str, why: str) -> Verdict:
    return Verdict(question=question, answer="cannot_tell", text=f"cannot be compared row by row: {why}")


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


def _clusters(run: Run, rows: pa.ChunkedArray) -> NDArray[np.int64] | None:
    """The clusters of the rows, where rows come in clusters."""
    assignment = pq.read_table(run.path / "split" / ASSIGNMENT, columns=["row", "group"])
    places = pc.index_in(rows, value_set=assignment["row"].combine_chunks())
    groups: NDArray[np.int64] = assignment["group"].take(places).to_numpy().astype(np.int64)
    return groups if len(np.unique(groups)) < len(groups) else None
