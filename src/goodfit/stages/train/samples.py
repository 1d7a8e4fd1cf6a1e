"""train/samples.jsonl: what the model writes to a few validation prompts, from before the first step to after the last. Part of train.

A loss says little to a person; an answer does. Greedy, so that two samples differ by the weights alone; drawn so rarely that they
cost a small share of the training.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.engine.events import Event
from goodfit.engine.examples import Examples
from goodfit.engine.generate import Decoding, generate
from goodfit.files import append_jsonl, read_jsonl, write_jsonl
from goodfit.models.load import LoadedModel

NEW_TOKENS = 64
SHARE = 0.05
"""Of the time, at most, between the first sample and the last."""
CONTEXT = 32
"""Tokens of a plain text that are continued."""


class Samples:
    """Listens to a training; writes a line per prompt and moment."""

    def __init__(self, loaded: LoadedModel, rows: Examples, stops: tuple[int, ...], path: Path) -> None:
        self._model, self._tokenizer, self._path = loaded.model, loaded.tokenizer, path
        self._ids = rows.row_ids(np.arange(len(rows)))
        self._prompts = [_prompt(rows, place) for place in range(len(rows))]
        self._decoding = Decoding(max_new_tokens=NEW_TOKENS, stop_token_ids=stops)
        self._cost, self._at = 0.0, 0.0

    def __call__(self, event: Event) -> None:
        """At the start, after an evaluation if enough time has passed, and at the end."""
        kind = event["event"]
        if kind == "start":
            self._begin(int(event["step"]))
        elif kind == "end" and event.get("status") == "done":
            self._take(int(event.get("best_step") or event["step"]))
        elif kind == "eval" and event["split"] == "train_probe" and time.monotonic() - self._at >= self._cost / SHARE:
            self._take(int(event["step"]))

    def _begin(self, step: int) -> None:
        """A fresh file, or what an earlier attempt wrote up to the step that is resumed from."""
        if step:
            write_jsonl(self._path, [line for line in read_jsonl(self._path) if line["step"] <= step])
            self._at = time.monotonic()
            return
        self._path.unlink(missing_ok=True)
        self._take(0)

    def _take(self, step: int) -> None:
        begin = time.monotonic()
        written = sorted(generate(self._model, self._prompts, self._decoding), key=lambda one: one.index)
        system = "model" if step else "base"
        append_jsonl(self._path, [
            {"step": step, "row": self._ids[one.index], "system": system, "prompt": self._text(self._prompts[one.index]),
             "text": self._text(one.ids), "stopped": one.stopped}
            for one in written
        ])  # fmt: skip
        self._at = time.monotonic()
        self._cost = self._at - begin

    def _text(self, ids: Any) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))


def _prompt(rows: Examples, place: int) -> list[int]:
    """The tokens before the first answer; of a plain text its beginning."""
    ids, learned = rows.ids(place).tolist(), rows.gather_learned([place])
    first = int(np.argmax(learned))
    return ids[: first if first > 1 else min(CONTEXT, max(1, len(ids) // 2))]
