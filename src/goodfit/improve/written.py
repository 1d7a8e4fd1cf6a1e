"""Two models that write, compared on the same rows: their answers by the metrics of text, their losses where these can be compared.

Part of improve, called by `compare`. Reads predictions.parquet of both runs. Compared are the primary scores of both, what is right or
wrong in an answer (exact match, valid JSON …) where both runs report it, how often a model ends its answers itself, and one loss: per
token where both cut the rows into the same tokens, else per byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.groups import clusters_of
from goodfit.files import read_json
from goodfit.improve.pairs import MODEL, Pair, untold
from goodfit.run import PREDICTIONS, RECIPE, Run
from goodfit.score import Verdict
from goodfit.settings import read
from goodfit.tasks.writing.metrics import TEXT_METRICS, against
from goodfit.tasks.writing.said import Said

RIGHT_OR_WRONG = ("exact_match", "numeric_match", "regex_match", "json_valid", "tool_call_match")
STOPS = "self_stop_rate"
PER_TOKEN, PER_BYTE = "token_loss", "bits_per_byte"
LOSSES = (PER_TOKEN, PER_BYTE, "perplexity")
CHOICES = ("choice_accuracy", "choice_accuracy_norm", "choice_accuracy_token")
COLUMNS = ("row", "label", "prediction", "stopped", "logprob", "learned", "bytes")


def written(pair: Pair) -> list[Verdict]:
    """Paired verdicts of `other` against `base`; one that says why not, where they share no row or no score."""
    on = str(pair.mine["on"])
    mine, theirs = (_answers(run, on) for run in (pair.other, pair.base))
    both = sorted(row for row in mine if row in theirs and mine[row]["label"] == theirs[row]["label"])
    if not both:
        return [untold(pair.question, "they share no scored row")]
    ours, others = [mine[row] for row in both], [theirs[row] for row in both]
    found = [*_of_texts(pair, ours, others), *_of_losses(pair, ours, others)]
    return found or [untold(pair.question, "they share no score of the same rows")]


def _answers(run: Run, on: str) -> dict[str, dict[str, Any]]:
    """Row -> what the run's model made of it; columns that an older run has not are None."""
    path = run.path / "evaluate" / PREDICTIONS
    held = [name for name in COLUMNS if name in pq.read_schema(path).names]
    table = pq.read_table(path, columns=held, filters=[("split", "=", on), ("system", "=", MODEL)])
    return {line["row"]: dict.fromkeys(COLUMNS) | line for line in table.to_pylist()}


def _of_texts(pair: Pair, ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> Iterator[Verdict]:
    """The rows that both answered by writing."""
    kept = [(a, b) for a, b in zip(ours, others, strict=True) if None not in (a["prediction"], b["prediction"], a["label"])]
    if not kept:
        return
    clusters = clusters_of(pair.other.path, _rows([a for a, _ in kept]))
    sections = [read(run.path / RECIPE, run.record.overrides).recipe.evaluate for run in (pair.base, pair.other)]
    pattern = sections[0].regex if sections[0].regex == sections[1].regex else None
    schema = _schema(pair, *(section.json_schema for section in sections))
    names = _names(pair, pattern=pattern, one_schema=schema is not _DIFFER)
    said = [
        Said(
            references=[a["label"] for a, _ in kept], predictions=[pair_of[i]["prediction"] for pair_of in kept],
            stopped=_stopped([pair_of[i] for pair_of in kept]), clusters=clusters, pattern=pattern,
            schema=None if schema is _DIFFER else schema,
        )
        for i in (0, 1)
    ]  # fmt: skip
    for name in (name for name in dict.fromkeys([pair.theirs["primary"], pair.mine["primary"]]) if name in CHOICES):
        yield untold(f"{pair.question} on {name}", "which choice a model took is not kept row by row")
    for name in names:
        if name != STOPS or all(one.stopped is not None for one in said):
            yield from _asked(pair, name, said[0], said[1])


def _names(pair: Pair, *, pattern: str | None, one_schema: bool) -> list[str]:
    """The metrics of text that both runs report and that mean the same in both."""
    reported = [{s["name"] for s in d["scores"] if s.get("system") == MODEL} for d in (pair.theirs, pair.mine)]
    wanted = [pair.theirs["primary"], pair.mine["primary"], *RIGHT_OR_WRONG, STOPS]
    lacking = {*LOSSES, *CHOICES, *(() if pattern is not None else ("regex_match",)), *(() if one_schema else ("json_valid",))}
    return [name for name in dict.fromkeys(wanted) if name in TEXT_METRICS and name in reported[0] & reported[1] and name not in lacking]


_DIFFER = object()


def _schema(pair: Pair, theirs: str | None, mine: str | None) -> Any:
    """The JSON schema that both recipes name (None: neither does), or _DIFFER; a file that is gone counts as another."""
    if theirs is None and mine is None:
        return None
    try:
        held = [None if path is None else read_json(run.base / path) for run, path in ((pair.base, theirs), (pair.other, mine))]
    except (OSError, ValueError):
        return _DIFFER
    return held[0] if held[0] == held[1] else _DIFFER


def _of_losses(pair: Pair, ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> Iterator[Verdict]:
    """The rows whose losses both know; nothing where neither tokens nor bytes are the same."""
    kept = [(a, b) for a, b in zip(ours, others, strict=True) if None not in (a["logprob"], b["logprob"], a["learned"], b["learned"])]
    if not kept:
        return
    alike = {key: all(a[key] == b[key] for a, b in kept) for key in ("learned", "bytes")}
    name = PER_TOKEN if alike["learned"] else PER_BYTE
    if not any(alike.values()):
        yield untold(f"{pair.question} on {name}", "their chat templates learn different parts of the rows")
        return
    clusters = clusters_of(pair.other.path, _rows([a for a, _ in kept]))
    said = [
        Said(
            losses=np.array([-pair_of[i]["logprob"] for pair_of in kept]), clusters=clusters,
            learned_tokens=np.array([pair_of[i]["learned"] for pair_of in kept]), bytes=np.array([pair_of[i]["bytes"] for pair_of in kept]),
        )
        for i in (0, 1)
    ]  # fmt: skip
    yield from _asked(pair, name, said[0], said[1])


def _asked(pair: Pair, name: str, a: Said, b: Said) -> Iterator[Verdict]:
    verdict = against(name, a, b, question=f"{pair.question} on {name}")
    if verdict is not None:
        yield verdict


def _rows(lines: list[dict[str, Any]]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array([line["row"] for line in lines], pa.string())])


def _stopped(lines: list[dict[str, Any]]) -> Any:
    """[n], or None where it is not known of each."""
    return None if any(line["stopped"] is None for line in lines) else np.array([line["stopped"] for line in lines], dtype=np.bool_)
