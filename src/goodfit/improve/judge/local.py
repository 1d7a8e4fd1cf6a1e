"""A judge on this disk: any language model that Goodfit loads; the option that it finds likeliest is its choice.

Part of judge. Each option is read as the answer to the question, through the model's own chat template, by the engine that measures losses
everywhere else (`tasks.likelihood`); the chances are the softmax of the options' log-likelihoods. Nothing is generated and nothing is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.improve.judge.asking import WORDING, Question
from goodfit.models.content import content_hash
from goodfit.models.load import FACTS, load_language, load_trained
from goodfit.models.source import resolve
from goodfit.models.templates import own_template
from goodfit.models.vocabulary import special_tokens
from goodfit.tasks.generation import Generation
from goodfit.tasks.likelihood import Reader
from goodfit.tasks.predictor import on_device

LONGEST = 32_768
"""Tokens of a question that are read at most, where the model's own limit is not lower."""


class LocalJudge:
    """A loaded language model that chooses between options."""

    def __init__(self, model: Any, tokenizer: Any, identity: dict[str, Any], longest: int) -> None:
        self.tokenizer, self.identity = tokenizer, identity | {"kind": "local", "wording": WORDING}
        template = own_template(tokenizer)
        self.chat = template is not None
        self.reader = Reader(model, tokenizer, Generation(template), longest)
        self.special = sorted(special_tokens(tokenizer), key=len, reverse=True)

    @classmethod
    def load(cls, source: str | Path, *, device: str | None = None) -> LocalJudge:
        """From a folder (also one that Goodfit trained: `RUN/train/model`), a packaged model or a name; ModelError as `load`."""
        found = resolve(source, trained=True)
        trained = (found.path / "adapter_config.json").is_file() or (found.path / FACTS).is_file()
        loaded = load_trained(found.path) if trained else load_language(found)
        identity = {"model": found.path.name if found.kind == "folder" else found.name, "content": content_hash(found.path)}
        return cls(on_device(loaded.model, device), loaded.tokenizer, identity, min(loaded.identity.max_length or LONGEST, LONGEST))

    def ask(self, questions: Sequence[Question]) -> list[dict[str, float] | str]:
        """The chance of each option; a sentence where the question is longer than the model reads, or its template refuses it."""
        told = [self._told(question.text, option) for question in questions for option in question.options]
        found = self.reader.read(told)
        out: list[dict[str, float] | str] = []
        start = 0
        for question in questions:
            places = slice(start, start + len(question.options))
            start = places.stop
            if found.cut[places].any():
                out.append(f"the question is longer than the {self.reader.longest:,} tokens that the model reads")
            elif not found.known[places].all():
                out.append("the model's chat template refuses the question")
            else:
                odds = np.exp(found.losses[places].min() - found.losses[places])
                out.append({option: float(p) for option, p in zip(question.options, odds / odds.sum(), strict=True)})
        return out

    def _told(self, text: str, option: str) -> dict[str, Any]:
        """As a conversation, or as one text where there is no chat template; special tokens in the text are only letters then."""
        for token in self.special:
            text = text.replace(token, f"{token[:1]} {token[1:]}")
        if self.chat:
            return {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": option}]}
        return {"prompt": f"{text}\nAnswer:", "completion": f" {option}"}
