"""A race: short real trainings of the candidates that the measures cannot tell apart, judged on the same rows. Part of choose.

One rung: an eighth of the steps of a usual training, with a schedule of its own (a run cut out of a long one is not comparable), the
same rows in the same order for all. Judged on validation rows, paired; a tie stays a tie. Kept in the cache by model, rows and plan.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.events import Event
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.infer import in_order, infer
from goodfit.engine.plan import Plan
from goodfit.models.adapters import add_lora
from goodfit.models.identity import Identity
from goodfit.models.load import load, start_from_shares
from goodfit.recipe import Peft
from goodfit.run import Screen, digest
from goodfit.stages.choose import kept
from goodfit.tasks import Classification, encode

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

VERSION = 1
RUNNERS = 3
"""Candidates in a race, at most."""
BATCH, EPOCHS, USUAL_STEPS = 16, 3, 1000
"""A usual training: at least so many epochs and so many steps."""
SHARE = 1 / 8
FEWEST_STEPS, MOST_STEPS = 40, 500
MOST_JUDGED, FEWEST_JUDGED = 1000, 50
"""Validation rows that judge, and below which a fifth of the training rows judges instead."""
RATES = ((5e7, 1e-4), (1.5e8, 5e-5), (math.inf, 2e-5))
"""(Weights beside the embeddings up to, peak rate of all weights)."""
LORA_FACTOR, HEAD_FACTOR, SEVERAL_FACTOR, FASTEST = 10, 10, 100, 1e-2
LONGEST = 256
AFFORDABLE = 300.0
"""Seconds that a race which nobody asked for may take."""


@dataclass(frozen=True)
class Track:
    """What every runner gets: rows to learn from and rows to be judged on."""

    texts: tuple[str, ...]
    targets: list[Any]
    judged: tuple[str, ...]
    truth: list[Any]
    clusters: NDArray[np.int64]
    """Of the judged rows."""
    task: Classification
    steps: int
    seed: int
    peft: Peft
    split: str
    """Where the judged rows come from."""


def steps_of(rows: int) -> int:
    """An eighth of a usual training's steps, within bounds."""
    usual = max(USUAL_STEPS, EPOCHS * math.ceil(rows / BATCH))
    return int(min(max(FEWEST_STEPS, round(SHARE * usual)), MOST_STEPS))


def track(splits: Splits, task: Classification, seed: int, peft: Peft) -> Track:
    """The rows of a race; of many rows, as many as its steps need."""
    steps, valid = steps_of(splits.counts["train"]), splits.counts.get("valid", 0) >= FEWEST_JUDGED
    texts, labels, clusters = _some(splits, "train", seed, steps * BATCH + (0 if valid else 5 * MOST_JUDGED))
    if valid:
        judged, truth, groups = _some(splits, "valid", seed, MOST_JUDGED)
        return Track(tuple(texts), labels, tuple(judged), truth, groups, task, steps, seed, peft, "valid")
    names = np.unique(clusters)
    held = np.isin(clusters, np.random.default_rng([seed, 11]).permutation(names)[: max(1, len(names) // 5)])
    taken, out = np.flatnonzero(~held), np.flatnonzero(held)[:MOST_JUDGED]
    return Track(
        tuple(texts[i] for i in taken), [labels[i] for i in taken], tuple(texts[i] for i in out), [labels[i] for i in out], clusters[out],
        task, steps, seed, peft, "train",
    )  # fmt: skip


def _some(splits: Splits, side: Any, seed: int, most: int) -> tuple[list[str], list[Any], NDArray[np.int64]]:
    n = splits.counts[side]
    wanted = np.zeros(n, dtype=bool)
    wanted[np.random.default_rng([seed, 13]).permutation(n)[:most]] = True
    texts: list[str] = []
    labels: list[Any] = []
    start = 0
    for batch in splits.batches(side, columns=("text", "label")):
        some = np.flatnonzero(wanted[start : start + len(batch)])
        part = batch.take(some)
        texts += part.column(0).to_pylist()
        labels += part.column(1).to_pylist()
        start += len(batch)
    return texts, labels, splits.clusters(side)[wanted]


def affordable(step_seconds: list[float], steps: int) -> bool:
    """Whether a race of these runners may be run without being asked for."""
    return sum(step_seconds) * steps <= AFFORDABLE


def run_one(base: Identity, given: Track, screen: Screen) -> tuple[NDArray[Any], float]:
    """Trains one runner and gives its answers on the judged rows (class index [n], or bool [n, L]) and the seconds it took."""
    path = kept.place(_key(base, given))
    known = kept.get(path)
    if known is not None and "said" in known[0]:
        return known[0]["said"], float(known[1]["seconds"])
    begin = time.monotonic()
    said = _trained(base, given, screen)
    seconds = time.monotonic() - begin
    kept.put(path, {"said": said}, {"seconds": seconds})
    return said, seconds


def _trained(base: Identity, given: Track, screen: Screen) -> NDArray[Any]:
    task = given.task
    loaded = load(base.path, labels=task.labels, problem_type=task.problem_type, seed=given.seed)
    limit = min(LONGEST, base.max_length or LONGEST)
    train = _examples(given.texts, given.targets, task, loaded.tokenizer, limit)
    judged = _examples(given.judged, given.truth, task, loaded.tokenizer, limit)
    if task.multi_label:
        start_from_shares(loaded, list(np.asarray(train.target).mean(axis=0)))
    if given.peft.method == "lora":
        loaded = add_lora(
            loaded, r=given.peft.r, lora_alpha=given.peft.lora_alpha, target_modules=given.peft.target_modules, seed=given.seed
        )

    def watch(event: Event) -> None:
        if event["event"] == "step":
            screen.progress(f"racing {Path(base.name).name}", event["step"], given.steps)

    fitted = fit(loaded.model, {"train": train}, plan_of(base, given), objective=task.objective(), on_event=watch)
    logits = in_order(infer(fitted.model, judged), len(judged))
    return np.asarray(task.decide(task.probabilities(logits)))


def _examples(texts: tuple[str, ...], labels: list[Any], task: Classification, tokenizer: Any, limit: int) -> Examples:
    tokens = encode(texts, tokenizer, limit)
    target = task.encode_targets(labels, unknown="mark")
    return Examples.from_arrays(tokens.input_ids, np.concatenate([[0], np.cumsum(tokens.lengths)]), np.maximum(target, 0))


def plan_of(base: Identity, given: Track) -> Plan:
    """The short plan of one runner: the same for all, but for the rate that its size asks for."""
    rate = next(rate for bound, rate in RATES if body_of(base) <= bound) * (LORA_FACTOR if given.peft.method == "lora" else 1)
    head = min(FASTEST, rate * (SEVERAL_FACTOR if given.task.multi_label else HEAD_FACTOR))
    if given.peft.method == "lora" and not given.task.multi_label:
        head = rate
    return Plan(
        learning_rate=rate, head_learning_rate=head, max_steps=given.steps, num_train_epochs=float(given.steps), train_batch_size=BATCH,
        seed=given.seed, early_stopping=False, save_seconds=1e9, logging_steps=max(1, given.steps // 20),
    )  # fmt: skip


def body_of(base: Identity) -> int:
    """Weights beside the embeddings."""
    return max(1, base.parameters - base.vocabulary * base.hidden_size)


def _key(base: Identity, given: Track) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for text in (*given.texts, *given.judged):
        hasher.update(text.encode("utf-8", "replace") + b"\0")
    facts = [VERSION, base.content, hasher.hexdigest(), given.targets, given.truth, given.task.labels, given.steps, given.seed]
    return digest([*facts, given.peft.model_dump(mode="json")])
