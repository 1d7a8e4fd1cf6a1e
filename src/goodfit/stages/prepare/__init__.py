"""prepare: rows -> tokens and targets, for train and validation. Fourth stage of the path; the test rows stay sealed.

Rows are tokenised once into a memory-mapped cache keyed by what they are made from (row ids, tokenizer, labels, maximum length).
What a maximum length cuts is counted, per class, and never silent. Writes `prepare/manifest.json`.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.data import cache
from goodfit.engine.examples import Examples, ExamplesWriter
from goodfit.files import read_json, write_json
from goodfit.finding import Finding, Where
from goodfit.models.load import load_tokenizer
from goodfit.recipe import Recipe
from goodfit.run import MANIFEST, Run, digest
from goodfit.score import Score
from goodfit.stage import stage
from goodfit.tasks import Task, task_of

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.split import Splits

Side = Literal["train", "valid"]
SCHEMA = "goodfit/prepare/1"
SIDES: tuple[Side, ...] = ("train", "valid")
BATCH = 2048
SAMPLE = 20_000
"""Training rows whose lengths decide `max_length: auto`."""
QUANTILE = 0.995
NOTHING_CUT = 1.5
"""`auto` cuts nothing where the longest row is at most this many times the quantile."""
UNLIMITED = 8192
"""`auto` for a model that knows no limit."""
CUT_WARNING = 0.05
"""Share of cut rows from which a class is worth a warning."""


@dataclass
class Tokens:
    """The tokenised train and validation rows; the columns lie in the cache."""

    max_length: int
    task: Task
    folder: Path
    """Cache folder with one Examples folder per split."""
    rows: dict[str, int]
    label_counts: dict[str, int] = field(default_factory=dict)
    """Training rows per label."""
    fingerprint: str = ""

    def examples(self, split: Side) -> Examples:
        """The memory-mapped rows of `train` or `valid`."""
        return Examples.load(self.folder / split)

    @classmethod
    def load(cls, run: Run) -> Tokens:
        """From prepare/manifest.json; FileNotFoundError where the cache was emptied (the stage is then done again)."""
        document = read_json(run.path / "prepare" / MANIFEST)
        folder = cache.root() / "tokens" / document["cache"]
        if not all((folder / split / "examples.json").is_file() for split in SIDES if document["rows"][split]):
            raise FileNotFoundError(folder)
        task = Task(tuple(document["labels"]), multi_label=document["multi_label"])
        return cls(document["max_length"], task, folder, document["rows"], document["label_counts"])


@stage("prepare", result=Tokens, version=1, reads=("task", "prepare"))
def prepare(recipe: Recipe, choice: Choice, splits: Splits, run: Run) -> Tokens:
    """Tokenises train and validation, counting what is cut."""
    task = task_of(recipe.task, splits.labels)
    tokenizer = load_tokenizer(choice.base.path)
    asked = recipe.prepare.max_length
    max_length = _auto_length(splits, task, tokenizer, choice.base.max_length) if asked == "auto" else _within(asked, choice, run)
    key = digest([choice.base.content, max_length, task.labels, task.multi_label, [_row_hash(splits, side) for side in SIDES]])
    folder = cache.folder("tokens") / key.removeprefix("b2:")
    facts: dict[str, Facts] = {side: _tokenise(splits, side, task, tokenizer, folder, run=run, max_length=max_length) for side in SIDES}
    _write_manifest(run, splits, task, folder, facts, max_length=max_length, asked=asked)
    run.report(_findings(facts["train"], splits, max_length, limit=choice.base.max_length))
    run.resolve({"prepare.max_length": max_length})
    cache.trim(keep=list(folder.rglob("*")))
    counts = dict(zip(task.labels, facts["train"].label_counts.tolist(), strict=True))
    return Tokens(max_length, task, folder, {side: facts[side].rows for side in SIDES}, counts)


@dataclass
class Facts:
    """What tokenising one split found out."""

    rows: int
    label_counts: NDArray[np.int64]
    n_cut: int
    """Rows that lost tokens."""
    cut_rows: NDArray[np.int64]
    """[L] rows per label that lost tokens."""
    tokens_read: int
    tokens_used: int
    lengths: Counter[int]
    """Uncut length, in bins of 8 tokens -> rows."""
    cut_ids: list[str]
    """Some rows that lost tokens, those that lost most first."""


def _tokenise(splits: Splits, side: Side, task: Task, tokenizer: Any, folder: Path, *, run: Run, max_length: int) -> Facts:  # noqa: PLR0913
    total = splits.counts.get(side, 0)
    facts = Facts(0, np.zeros(task.n_labels, np.int64), 0, np.zeros(task.n_labels, np.int64), 0, 0, Counter(), [])
    cut: list[tuple[int, str]] = []
    with cache.writing(folder), ExamplesWriter(folder / side) as writer:
        for batch in splits.batches(side, size=BATCH):
            targets = task.encode_targets(batch["label"].to_pylist())
            encoded = task.encode(batch["text"].to_pylist(), tokenizer, max_length)
            ids = batch["row"].to_pylist()
            writer.append(encoded.input_ids, encoded.lengths, targets, row=ids, weight=batch["weight"].to_numpy(zero_copy_only=False))
            held = targets if task.multi_label else np.eye(task.n_labels, dtype=np.int64)[targets]
            facts.rows += len(ids)
            facts.label_counts += held.sum(axis=0).astype(np.int64)
            facts.n_cut += int(encoded.truncated.sum())
            facts.cut_rows += held[encoded.truncated].sum(axis=0).astype(np.int64)
            facts.tokens_read += int(encoded.full_lengths.sum())
            facts.tokens_used += int(encoded.lengths.sum())
            facts.lengths.update((encoded.full_lengths // 8 * 8).tolist())
            lost = encoded.full_lengths - encoded.lengths
            cut += [(int(lost[i]), ids[i]) for i in np.flatnonzero(encoded.truncated)]
            cut = sorted(cut, key=lambda pair: -pair[0])[:100]
            run.screen.progress(f"tokenising {side}", facts.rows, total)
    facts.cut_ids = [row for _, row in cut]
    return facts


def _auto_length(splits: Splits, task: Task, tokenizer: Any, limit: int | None) -> int:
    """The 99.5% quantile of the training rows' lengths (the longest where that is near), at most the model's limit."""
    lengths: list[NDArray[np.int64]] = []
    seen = 0
    step = max(1, splits.counts["train"] // SAMPLE)
    for batch in splits.batches("train", size=BATCH, columns=("text",)):
        lengths.append(task.encode(batch["text"].to_pylist()[::step], tokenizer, limit or UNLIMITED).full_lengths)
        seen += batch.num_rows
    every = np.concatenate(lengths)
    quantile, longest = int(np.ceil(np.quantile(every, QUANTILE))), int(every.max())
    wanted = longest if longest <= NOTHING_CUT * quantile else quantile
    return max(min(wanted, limit or UNLIMITED), tokenizer.num_special_tokens_to_add(pair=False) + 1, 8)


def _within(asked: int, choice: Choice, run: Run) -> int:
    """The asked length, at most what the model can take."""
    limit = choice.base.max_length
    if limit is not None and asked > limit:
        run.screen.say(f"  prepare.max_length: {asked} is more than {choice.base.name} takes; {limit} is used")
        return limit
    return asked


def _row_hash(splits: Splits, side: Side) -> str:
    """What the split's rows and labels are: ids (which are hashes of the input) and labels, in order."""
    hasher = hashlib.blake2b(digest_size=8)
    for batch in splits.batches(side, size=65_536, columns=("row", "label", "weight")):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        hasher.update(sink.getvalue())
    return hasher.hexdigest()


def _write_manifest(run: Run, splits: Splits, task: Task, folder: Path, facts: dict[str, Facts], **lengths: Any) -> None:  # noqa: PLR0913
    read = sum(f.tokens_read for f in facts.values())
    used = sum(f.tokens_used for f in facts.values())
    cut = sum((f.cut_rows for f in facts.values()), np.zeros(task.n_labels, np.int64))
    document = {
        "schema": SCHEMA,
        "tokens": {"read": read, "used": used, "dropped": {"truncated": read - used}},
        "truncated": dict(zip(task.labels, cut.tolist(), strict=True)),
        "truncated_rows": {side: facts[side].n_cut for side in SIDES},
        "max_length": lengths["max_length"], "max_length_asked": lengths["asked"],
        "rows": {side: facts[side].rows for side in SIDES},
        "labels": list(task.labels), "multi_label": task.multi_label,
        "label_counts": dict(zip(task.labels, facts["train"].label_counts.tolist(), strict=True)),
        "lengths": _histogram(facts["train"].lengths),
        "cache": folder.name,
    }  # fmt: skip
    write_json(run.folder("prepare") / MANIFEST, document)


def _histogram(lengths: Counter[int]) -> dict[str, Any]:
    """Uncut lengths of the training rows: k + 1 edges that rise, k counts; empty bins between others are kept, up to 400 bins."""
    last = max(lengths, default=0)
    width = 8 * max(1, -(-(last // 8 + 1) // 400))
    counts = [0] * (last // width + 1)
    for start, n in lengths.items():
        counts[start // width] += n
    return {"edges": [i * width for i in range(len(counts) + 1)], "counts": counts, "unit": "tokens", "split": "train"}


def _findings(train: Facts, splits: Splits, max_length: int, *, limit: int | None) -> list[Finding]:
    """PRE001: rows cut, with the classes that lose most."""
    n_cut = train.n_cut
    share = Score(name="cut_rows", value=n_cut / max(1, train.rows), n=train.rows, higher_is_better=False, split="train", method="counted")
    base = {"code": "PRE001", "stage": "prepare", "kind": "truncation", "evidence": (share,), "where": Where(split="train")}
    if n_cut == 0:
        title = f"no training row is longer than {max_length} tokens"
        return [Finding.model_validate(base | {"severity": "note", "status": "passed", "title": title})]
    worst = int(np.argmax(train.cut_rows / np.maximum(train.label_counts, 1)))
    worst_share = float(train.cut_rows[worst] / max(1, train.label_counts[worst]))
    bound = " (the model's own limit)" if limit == max_length else ""
    return [
        Finding.model_validate(
            base
            | {
                "severity": "warning" if worst_share > CUT_WARNING else "note",
                "title": f"{n_cut:,} of {train.rows:,} training rows are cut at {max_length} tokens",
                "detail": f"{train.tokens_read - train.tokens_used:,} of {train.tokens_read:,} tokens are lost{bound}. "
                f"Most affected: {splits.labels[worst]!r}, {100 * worst_share:.1f}% of its rows.",
                "n_rows": n_cut,
                "rows": tuple(train.cut_ids),
                "fix": "choose a model with a longer context" if bound else "set prepare.max_length higher",
            }
        )
    ]
