"""A language model as one that answers rows: it writes, and it says how likely it finds what it should have written.

Part of evaluate, for generation. One Answerer per model in memory; what stands before the question (examples) is put there by `dress`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from goodfit.engine.generate import Decoding, generate
from goodfit.errors import DataError
from goodfit.monitor.words import duration
from goodfit.run import digest
from goodfit.stages.evaluate.answering import SplitRows
from goodfit.stages.evaluate.language_rows import BATCH, Asked, Conversation, prompt_of_row
from goodfit.tasks.baselines.few_shot import with_examples
from goodfit.tasks.generation import Generation
from goodfit.tasks.likelihood import Likelihood, Reader

Dress = Callable[[Conversation], Conversation]
PREDICTIONS_SCHEMA = pa.schema([
    ("row", pa.string()), ("split", pa.string()), ("system", pa.string()), ("label", pa.string()), ("prediction", pa.string()),
    ("logprob", pa.float64()), ("stopped", pa.bool_()), ("tokens", pa.int32()), ("learned", pa.int32()), ("bytes", pa.int32()),
])  # fmt: skip
"""predictions.parquet: `prediction`, `stopped` and `tokens` are null where a row was read only; `logprob`, `learned` (tokens that it sums
over) and `bytes` (of the text that these stand for) where nothing was read."""


@dataclass(frozen=True)
class Texts:
    """What a system wrote for the rows asked [m]."""

    texts: list[str]
    stopped: NDArray[np.bool_] | None = None
    """None: not known (a look-up, a file)."""
    tokens: NDArray[np.int64] | None = None
    cut: int = 0
    """Prompts that lost their beginning."""
    prompts: str | None = None
    """Hash of the prompts' tokens; None where no prompt was read."""


class Answerer:
    """A loaded language model with everything that writing takes."""

    def __init__(self, model: Any, tokenizer: Any, task: Generation, context: int, decoding: Decoding) -> None:
        self.model, self.tokenizer, self.task, self.context, self.decoding = model, tokenizer, task, context, decoding
        self.reader = Reader(model, tokenizer, task, context)

    @property
    def room(self) -> int:
        """Tokens that a prompt may have."""
        return max(1, self.context - self.decoding.max_new_tokens)

    def _prompt(self, told: Conversation) -> list[int]:
        """The tokens from which a row is answered; more than there is room for where it is too long, though not always all of them."""
        return prompt_of_row(told, self.task, self.tokenizer, at_most=self.room)

    def write(self, name: str, asked: Asked, dress: Dress, tell: Callable[..., object]) -> Texts:
        """Greedy answers to the rows; a prompt that is too long loses its beginning."""
        prompts = [self._prompt(dress(row.conversation)) for row in asked.rows]
        cut = sum(len(prompt) > self.room for prompt in prompts)
        texts, stopped, tokens = [""] * len(prompts), np.zeros(len(prompts), np.bool_), np.zeros(len(prompts), np.int64)
        begin = time.monotonic()
        for done, one in enumerate(generate(self.model, [prompt[-self.room :] for prompt in prompts], self.decoding), 1):
            texts[one.index] = str(self.tokenizer.decode(list(one.ids), skip_special_tokens=True))
            stopped[one.index], tokens[one.index] = one.stopped, len(one.ids)
            left = (time.monotonic() - begin) / done * (len(prompts) - done)
            tell(f"writing answers, {name}", done, len(prompts), f"{duration(left)} left")
        return Texts(texts, stopped, tokens, cut, digest(prompts))

    def read(self, rows: Iterator[pa.RecordBatch], dress: Dress, done: Callable[[pa.RecordBatch, Likelihood], None]) -> Likelihood:
        """The likelihood of every row's answer; `done` takes each batch."""
        parts = []
        for batch in rows:
            told = [dress(json.loads(text)) for text in batch.column("conversation").to_pylist()]
            parts.append(self.reader.read(told))
            done(batch, parts[-1])
        return Likelihood.joined(parts)

    def logits(self, conversations: Sequence[Conversation]) -> NDArray[np.float32]:
        """[k, V] what it says next after some prompts, each read alone."""
        out = []
        with torch.inference_mode():
            for told in conversations:
                ids = torch.tensor([prompt_of_row(told, self.task, self.tokenizer, at_most=self.context)[-self.context :]])
                out.append(self.model(input_ids=ids, use_cache=False).logits[0, -1].float().cpu().numpy())
        return np.stack(out)

    def examples_before(self, examples: Sequence[Conversation]) -> Dress:
        """Puts as many of the examples before a row as leave room for its answer."""
        chat = self.task.template is not None

        def dress(told: Conversation) -> Conversation:
            for k in range(len(examples), 0, -1):
                dressed = with_examples(told, examples[:k], chat=chat)
                try:
                    if len(self._prompt(dressed)) <= self.room:
                        return dressed
                except DataError:
                    continue
            return told

        return dress


def as_it_is(told: Conversation) -> Conversation:
    """Nothing before the question."""
    return told


def batches(on: str, splits: SplitRows, key: object | None) -> Iterator[pa.RecordBatch]:
    """The rows as `Answerer.read` takes them."""
    return splits.batches(on, size=BATCH, key=key, columns=("row", "label", "conversation"))


def table(
    batch: pa.RecordBatch, on: str, system: str, found: Likelihood | None, written: Sequence[tuple[str, Any, Any] | None]
) -> pa.Table:
    """Lines of predictions.parquet for some rows: `written` has (text, stopped, tokens) of each, or None."""
    n = len(batch)
    read = [pa.nulls(n, PREDICTIONS_SCHEMA.field(name).type) for name in ("logprob", "learned", "bytes")]
    if found is not None:
        values = (np.where(found.known, -found.losses, 0.0), found.tokens.astype(np.int32), found.bytes.astype(np.int32))
        read = [pa.array(value, mask=~found.known) for value in values]
    columns = [pa.array([None if one is None else one[i] for one in written], PREDICTIONS_SCHEMA.field(name).type)
               for i, name in enumerate(("prediction", "stopped", "tokens"))]  # fmt: skip
    arrays = [
        batch.column("row"), pa.repeat(pa.scalar(on), n), pa.repeat(pa.scalar(system), n), batch.column("label"), columns[0], read[0],
        columns[1], columns[2], read[1], read[2],
    ]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=PREDICTIONS_SCHEMA)
