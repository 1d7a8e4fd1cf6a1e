"""Writer: a trained language model, its tokenizer and its chat template as one thing that answers conversations.

Part of tasks, beside predictor.py; `goodfit predict` and `goodfit chat` answer with it, from the tokens that training ended its prompts
with, stopping where training taught it to stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goodfit.engine.generate import Continuations, Decoding
from goodfit.engine.plan import Precision
from goodfit.errors import DataError, ModelError
from goodfit.models.load import load_trained
from goodfit.tasks.generation import Generation
from goodfit.tasks.masks import prompt_ids, stop_token_ids
from goodfit.tasks.predictor import on_device
from goodfit.tasks.saved import Saved

NEW_TOKENS = 512


@dataclass(frozen=True)
class Reply:
    """What was written to one conversation."""

    index: int
    text: str | None
    """None where nothing was written."""
    stopped: bool = False
    """Ended by itself; False where the number of new tokens cut it."""
    tokens: int = 0
    """New tokens."""
    reason: str | None = None
    """Why nothing was written."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        return {"text": self.text, "stopped": self.stopped, "tokens": self.tokens, "reason": self.reason}


class Writer:
    """Answers conversations; greedily unless a Decoding says otherwise."""

    def __init__(self, model: Any, tokenizer: Any, saved: Saved[Generation]) -> None:
        self.model, self.tokenizer, self.saved = model, tokenizer, saved
        limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        self.context: int | None = int(limit) if limit else None
        """Tokens of prompt and answer together; None where the model knows no limit."""
        self.held: dict[Precision, Continuations] = {}

    @classmethod
    def load(cls, folder: Path, *, device: str | None = None) -> Writer:
        """The model that the train stage saved (whole or adapter); ModelError where the folder does not hold one that writes."""
        saved: Saved[Any] = Saved.load(folder)
        if not isinstance(saved.task, Generation):
            raise ModelError(f"{folder} holds a model for {saved.task.kind}, which does not write", fix="goodfit predict gives its labels")
        loaded = load_trained(folder)
        return cls(on_device(loaded.model, device), loaded.tokenizer, saved)

    @property
    def task(self) -> Generation:
        """Template and roles."""
        return self.saved.task

    def prompt(self, conversation: Mapping[str, Any]) -> list[int]:
        """The tokens that the answer is written from; DataError (the template refuses it), MaskError (no template)."""
        return prompt_ids(conversation, self.tokenizer, self.task.template, at_most=self.context)

    def stops(self) -> tuple[int, ...]:
        """The tokens that end an answer."""
        return stop_token_ids(self.tokenizer, self.task.template)

    def write(
        self,
        conversations: Sequence[Mapping[str, Any]],
        *,
        max_new_tokens: int = NEW_TOKENS,
        precision: Precision = "float32",
        **sampling: Any,
    ) -> Iterator[Reply]:
        """A Reply for each conversation, as it is done (not in order); one that is refused or too long says why.

        `sampling`: do_sample, temperature, top_k, top_p, seed of Decoding.
        """
        prompts: list[list[int]] = []
        places: list[int] = []
        for index, conversation in enumerate(conversations):
            try:
                ids = self.prompt(conversation)
            except DataError as error:
                yield Reply(index, None, reason=error.message)
                continue
            if self.context is not None and len(ids) >= self.context:
                yield Reply(index, None, reason=f"it has more tokens than the model takes ({self.context:,})")
                continue
            prompts.append(ids)
            places.append(index)
        if not prompts:
            return
        decoding = Decoding(max_new_tokens=max_new_tokens, stop_token_ids=self.stops(), context=self.context, **sampling)
        if precision not in self.held:
            self.held[precision] = Continuations(self.model, precision)
        for one in self.held[precision].of(prompts, decoding):
            yield Reply(places[one.index], self.text(one.ids), one.stopped, len(one.ids))

    def text(self, ids: Sequence[int]) -> str:
        """New tokens as text, without special tokens."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
