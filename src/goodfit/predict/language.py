"""Generator: a fine-tuned model that writes: answers to prompts, to conversations, to every row of a file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from goodfit.data.clean.mask import Mask
from goodfit.data.conversations import Normaliser, Shape, asked
from goodfit.data.conversations.reading import Turns
from goodfit.data.source import Columns, Source, columns_of_file, read
from goodfit.engine.plan import Precision
from goodfit.errors import DataError, Place
from goodfit.predict.model import EMPTY, Model, Progress, Written, reading, target_of
from goodfit.tasks.tables import writing
from goodfit.tasks.writer import NEW_TOKENS, Reply, Writer

BATCH_ROWS = 64
"""Rows that are answered together: sorted by length, so that short answers do not wait for long ones."""
OURS = ("row", "at", "prediction", "stopped", "tokens", "reason")


class Generator(Model, kind="generation"):
    """A trained language model with its tokenizer, chat template and stop tokens."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    @classmethod
    def open(cls, folder: Path, *, device: str | None = None) -> Generator:
        """From the folder of a model that writes; ModelError where its files cannot be used."""
        return cls(Writer.load(folder, device=device))

    @property
    def talks(self) -> bool:
        """Whether it was trained on turns, through a chat template; else it goes on where a text ends."""
        return self.writer.task.template is not None

    def predict(
        self, prompts: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]], *, max_new_tokens: int = NEW_TOKENS,
        precision: Precision = "float32", **sampling: Any,
    ) -> list[Reply]:  # fmt: skip
        """The answers, in order. A prompt is a string, `{"messages": [...]}`, `{"prompt": ...}`, or a dict with the columns of training.

        Greedy; `sampling` may say do_sample, temperature, top_k, top_p, seed. An empty prompt gets no answer and a reason.
        """
        listed = [prompts] if isinstance(prompts, (str, Mapping)) else list(prompts)
        mask = Mask(self.writer.saved.mask, Counter())
        told = [mask.value(self._conversation(number, item)) for number, item in enumerate(listed, 1)]
        out = [Reply(index, None, reason=EMPTY) for index in range(len(told))]
        places = [index for index, one in enumerate(told) if one is not None]
        some = [one for one in told if one is not None]
        for reply in self.writer.write(some, max_new_tokens=max_new_tokens, precision=precision, **sampling):
            place = places[reply.index]
            out[place] = Reply(place, reply.text, reply.stopped, reply.tokens, reply.reason)
        return out

    def chat(self, messages: Sequence[Mapping[str, Any]], **settings: Any) -> Reply:
        """The next turn of a conversation of `{"role", "content"}` messages."""
        return self.predict({"messages": list(messages)}, **settings)[0]

    def predict_file(
        self, source: Path | str, target: Path | str, *, format: str | None = None, on_progress: Progress | None = None
    ) -> Written:
        """Answers every row of a file (any that Goodfit reads) into `target` (.parquet, .csv or .jsonl), in the order of the file.

        Columns: those of the file as text (one that is called like one of ours gets `_input` behind its name), then `row`, `at`,
        `prediction`, `stopped`, `tokens`, `reason`. An answer that stands in the file already is not looked at.
        """
        path = target_of(source, target)
        origin = Source(str(source), format=format)
        kept = columns_of_file(origin)
        batches = read([origin], Columns(kept=kept, turns=self._turns(), mask=self.writer.saved.mask), on_progress=reading(on_progress))
        schema = _schema(kept)
        rows, lost = 0, Counter[str]()
        with writing(path, schema) as write:
            for batch in batches:
                for start in range(0, len(batch), BATCH_ROWS):
                    table = self._table(batch.slice(start, BATCH_ROWS), schema)
                    write(table)
                    rows += len(table)
                    lost.update(reason for reason in table["reason"].to_pylist() if reason is not None)
        return Written(path, rows, dict(lost))

    # -- inside -------------------------------------------------------------------------------------------------------

    def _turns(self) -> Turns:
        """What the recipe said of the columns; the answer's is not needed."""
        said = dict(self.writer.saved.turns)
        columns = {role: column for role, column in said.get("columns", {}).items() if role != "completion"}
        return Turns(columns, said.get("template"), said.get("speakers", {}), answers=False)

    def _conversation(self, number: int, item: object) -> dict[str, Any] | None:
        if isinstance(item, str):
            clean = item.encode("utf-8", "replace").decode("utf-8")
            return {"prompt": clean, "completion": None} if clean.strip() else None
        if not isinstance(item, Mapping):
            raise DataError(f"prompt {number} is a {type(item).__name__}, not a text", fix="give strings, or dicts with messages")
        turns = self._turns()
        named = turns.columns or turns.template is not None
        shape = asked(turns.columns, tuple(item), [item], template=turns.template, speakers=turns.speakers) if named else _shape_of(item)
        found, _ = Normaliser(shape, f"prompt {number}", answers=False).conversation(item, Place(file=f"prompt {number}"))
        return None if found is None else unanswered(found)

    def _table(self, batch: pa.RecordBatch, schema: pa.Schema) -> pa.Table:
        told, reasons = batch.column("conversation").to_pylist(), batch.column("reason").to_pylist()
        places = [place for place, one in enumerate(told) if one is not None]
        replies: list[Reply | None] = [None] * len(told)
        for reply in self.writer.write([unanswered(json.loads(told[place])) for place in places]):
            replies[places[reply.index]] = reply
        kept = [batch.column(i) for i, name in enumerate(batch.schema.names) if name.startswith("kept.")]
        arrays = [
            *kept, batch.column("row"), batch.column("at"),
            pa.array([one.text if one else None for one in replies], pa.string()),
            pa.array([one.stopped if one and one.text is not None else None for one in replies], pa.bool_()),
            pa.array([one.tokens if one and one.text is not None else None for one in replies], pa.int32()),
            pa.array([one.reason if one else (why or EMPTY) for one, why in zip(replies, reasons, strict=True)], pa.string()),
        ]  # fmt: skip
        return pa.Table.from_arrays(arrays, schema=schema)


def unanswered(conversation: dict[str, Any]) -> dict[str, Any]:
    """Without its last turn where that is the assistant's: what is asked is the answer before it."""
    messages = conversation.get("messages")
    return {**conversation, "messages": messages[:-1]} if messages and messages[-1]["role"] == "assistant" else conversation


def _shape_of(item: Mapping[str, Any]) -> Shape:
    """Messages or a prompt under their usual names."""
    roles = [role for role in ("messages", "prompt", "text") if role in item]
    if not roles:
        raise DataError(f"it has {', '.join(map(repr, item))}", fix='give {"messages": [...]} or {"prompt": "..."}')
    more = {role: role for role in ("system", "tools") if role in item and roles[0] != "text"}
    return asked({roles[0]: roles[0], **more}, tuple(item), [item])


def _schema(kept: Sequence[str]) -> pa.Schema:
    theirs = [pa.field(f"{name}_input" if name in OURS else name, pa.string()) for name in kept]
    types = {"stopped": pa.bool_(), "tokens": pa.int32()}
    return pa.schema([*theirs, *(pa.field(name, types.get(name, pa.string())) for name in OURS)])
