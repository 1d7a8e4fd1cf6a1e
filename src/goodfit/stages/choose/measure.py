"""One candidate on the rows: features, probe, neighbours, H-score, LogME, how its tokenizer reads, how long a step takes. Part of choose.

Everything is kept in the cache by the model's content and the rows, so that a run that was cut goes on with the next candidate, and a
second run measures nothing twice.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.layers import layer_means
from goodfit.engine.plan import Plan
from goodfit.errors import ModelError
from goodfit.models.identity import Identity
from goodfit.models.load import load
from goodfit.run import digest
from goodfit.stages.choose import kept, measures
from goodfit.stages.choose.probe import folds_of, probe
from goodfit.stages.choose.reading import read
from goodfit.stages.choose.resample import as_bools, macro_f1, weights
from goodfit.stages.choose.rows import Rows
from goodfit.tasks import Classification, encode

VERSION = 1
LONGEST = 256
"""Tokens of a row that the model is shown."""
STEP_ROWS, STEPS = 16, 3
"""Rows of the step that is timed, and how many are done after a first one."""
MEASURES = ("probe", "neighbours", "h_score", "log_me")
OnRows = Callable[[int], object]


@dataclass(frozen=True)
class Measured:
    """What one candidate is like on n rows; B draws of them."""

    said: dict[str, NDArray[Any]]
    """`probe`, `neighbours` -> class index [n], or bool [n, L], by a model that did not know the row's cluster."""
    value: dict[str, float]
    """Measure -> value on all rows: macro-F1 of `probe` and `neighbours`, `h_score`, `log_me`."""
    draws: dict[str, NDArray[np.float64]]
    """Measure -> [B] value on each draw."""
    reading: dict[str, Any]
    """`Reading.to_json`."""
    step: float
    """Seconds of a training step of STEP_ROWS rows here."""
    seconds: float
    """That measuring took."""


def measure(base: Identity, rows: Rows, seed: int, on_rows: OnRows = lambda _: None) -> Measured:
    """Measures a candidate, or takes it from the cache. Raises ModelError where its files cannot be loaded or run."""
    path = kept.place(_key(base, rows, seed))
    known = kept.get(path)
    found = None if known is None else _of(*known)
    if found is None:
        found = _measured(base, rows, seed, on_rows)
        _keep(path, found)
    return found


def _measured(base: Identity, rows: Rows, seed: int, on_rows: OnRows) -> Measured:
    begin = time.monotonic()
    loaded = load(base.path, labels=("a", "b"), seed=seed)
    limit = base.max_length
    reading = read(rows, loaded.tokenizer, limit)
    tokens = encode(rows.texts, loaded.tokenizer, min(LONGEST, limit or LONGEST))
    examples = Examples.from_arrays(tokens.input_ids, np.concatenate([[0], np.cumsum(tokens.lengths)]), np.arange(len(rows)) % 2)
    features = layer_means(loaded.model, examples, on_done=on_rows)
    if not np.isfinite(features).all():
        raise ModelError(f"{base.name} answers some rows with numbers that are not finite", fix="choose another model")
    step = timed_step(loaded.model, examples, seed)
    told = tell(features, rows, seed)
    return Measured(*told, reading.to_json(), step, time.monotonic() - begin)


Told = tuple[dict[str, NDArray[Any]], dict[str, float], dict[str, NDArray[np.float64]]]


def tell(features: NDArray[np.float32], rows: Rows, seed: int) -> Told:
    """What is said of every row, each measure's value, and its draws, from features [n, d]."""
    truth, several, w = rows.targets, rows.multi_label, weights(rows.clusters, seed)
    fold = folds_of(truth, rows.clusters, seed)
    near = measures.neighbours(features, truth, rows.clusters)
    said: dict[str, NDArray[Any]] = {
        "probe": probe(features, truth, fold, multi_label=several).predictions(multi_label=several),
        "neighbours": near >= 0.5 if several else near.argmax(axis=1),
    }
    points = measures.cloud(features)
    one = np.ones((1, len(rows)), dtype=np.float32)
    answers = {name: as_bools(value, truth.shape[1]) for name, value in said.items()}
    value = {name: float(macro_f1(truth, given, one)[0]) for name, given in answers.items()}
    draws = {name: macro_f1(truth, given, w) for name, given in answers.items()}
    for name, of in (("h_score", measures.h_score), ("log_me", measures.log_me)):
        value[name] = of(points, truth)
        draws[name] = np.array([of(points, truth, each.astype(np.float64)) for each in w])
    return said, value, draws


def timed_step(model: Any, examples: Examples, seed: int) -> float:
    """Seconds of one optimiser step of STEP_ROWS rows here: STEPS of them after a first one; the model is changed by it."""
    times: list[float] = []

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            times.append(time.perf_counter())

    some = np.random.default_rng(seed).permutation(len(examples))[: STEP_ROWS * (STEPS + 1)]
    plan = Plan(
        learning_rate=0.0,
        max_steps=1 + STEPS,
        train_batch_size=min(STEP_ROWS, len(some)),
        logging_steps=1,
        early_stopping=False,
        save_seconds=1e9,
    )
    fit(model, {"train": examples.subset(np.sort(some))}, plan, objective=Classification(("a", "b")).objective(), on_event=watch)
    return (times[-1] - times[0]) / max(1, len(times) - 1)


def _key(base: Identity, rows: Rows, seed: int) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for part in (*rows.ids, *rows.languages, *rows.labels):
        hasher.update(part.encode("utf-8", "replace") + b"\0")
    for array in (rows.targets, rows.clusters):
        hasher.update(np.ascontiguousarray(array).tobytes())
    return digest([VERSION, base.content, hasher.hexdigest(), LONGEST, seed, measures.WIDEST])


def _of(arrays: dict[str, NDArray[Any]], facts: dict[str, Any]) -> Measured | None:
    try:
        said = {name: arrays[f"said {name}"] for name in ("probe", "neighbours")}
        draws = {name: arrays[f"draws {name}"] for name in MEASURES}
        return Measured(said, facts["value"], draws, facts["reading"], facts["step"], facts["seconds"])
    except KeyError:
        return None


def _keep(path: Path, found: Measured) -> None:
    facts = {"value": found.value, "reading": found.reading, "step": found.step, "seconds": found.seconds}
    arrays: dict[str, Any] = {f"said {name}": array for name, array in found.said.items()}
    kept.put(path, arrays | {f"draws {name}": array for name, array in found.draws.items()}, facts)
