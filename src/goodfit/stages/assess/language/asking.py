"""Asking a language model: how likely it finds sentences and answers, and how it goes on. Part of assess.language.

Losses come from `tasks.likelihood.Reader`, which evaluate measures with. A sentence is read alone, after the begin token (the end token
where there is none: lm-evaluation-harness does the same), without a chat template and without a token that ends it: log p of its
words and nothing else. An answer stands as it was trained: behind the question, in the model's template, with the token that ends it.
Of a sentence behind a context only the sentence counts.

Shapes: n texts or questions, k answers of a question.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from peft import PeftModel

from goodfit.engine.generate import Decoding, generate
from goodfit.models.load import LoadedModel, load_language, load_trained
from goodfit.run import Run
from goodfit.tasks.base import base_path
from goodfit.tasks.generation import Generation
from goodfit.tasks.likelihood import Likelihood, Reader
from goodfit.tasks.masks import Marked, mark, prompt_ids, stop_token_ids
from goodfit.tasks.saved import Saved

AT_ONCE, NEW_TOKENS = 64, 24
"""Texts that are read together; tokens of a continuation."""
LONGEST = 4096
"""Tokens of context that are used at most, as in evaluate."""
Tell = Callable[[int, int], object]
"""Texts done, and in all."""


@dataclass(frozen=True)
class Sentences(Generation):
    """Texts as they stand: every token of one is counted, and no end."""

    def encode(self, conversation: str | Mapping[str, Any], tokenizer: Any, *, at_most: int | None = None) -> Marked:
        """`{"prompt", "completion"}`: the completion counts; it is one text with what stands before it."""
        assert not isinstance(conversation, str)
        marked = mark(conversation, tokenizer, None, at_most=at_most)
        ids, learned = marked.ids[:-1], marked.learned[:-1]
        begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if ids[:1] == [begin]:
            return marked._replace(ids=ids, learned=learned)
        first = not conversation["prompt"]
        return marked._replace(ids=[begin, *ids], learned=[False, first or learned[0], *learned[1:]])


@dataclass(frozen=True)
class Likely:
    """How likely texts are; NaN where one could not be read."""

    log: NDArray[np.float64]
    """[n] nats."""
    tokens: NDArray[np.int64]
    """[n] that were counted."""

    @property
    def per_token(self) -> NDArray[np.float64]:
        """[n] mean nats of a token."""
        return self.log / np.maximum(self.tokens, 1)


class Asked:
    """A loaded model that is asked."""

    def __init__(self, model: Any, tokenizer: Any, task: Generation, longest: int) -> None:
        self.task = task
        self._model, self._tokenizer, self._room = model, tokenizer, max(1, longest - NEW_TOKENS)
        self._plain = Reader(model, tokenizer, Sentences(), longest)
        self._trained = Reader(model, tokenizer, task, longest)

    def sentences(self, texts: Sequence[str], tell: Tell, before: Sequence[str] | None = None) -> Likely:
        """Of whole texts; with `before` [n], of each behind what stands there."""
        contexts = before if before is not None else [""] * len(texts)
        told = [{"prompt": f"{context} " if context else "", "completion": text} for context, text in zip(contexts, texts, strict=True)]
        return _read(self._plain, told, tell)

    def answers(self, questions: Sequence[str], answers: Sequence[Sequence[str]], tell: Tell) -> list[Likely]:
        """Of each answer [k] to each question [n]; a plain prompt and its answer are parted by a space."""
        gap = "" if self.task.template is not None else " "
        told = [
            {"prompt": question, "completion": gap + answer} for question, some in zip(questions, answers, strict=True) for answer in some
        ]
        found = _read(self._trained, told, tell)
        ends = np.cumsum([len(some) for some in answers])
        return [
            Likely(found.log[end - len(some) : end], found.tokens[end - len(some) : end]) for some, end in zip(answers, ends, strict=True)
        ]

    def continued(self, texts: Sequence[str], tell: Tell) -> list[str]:
        """How the model goes on, greedily, from each text as it stands."""
        stops = stop_token_ids(self._tokenizer, self.task.template)
        decoding = Decoding(max_new_tokens=NEW_TOKENS, stop_token_ids=stops)
        prompts = [prompt_ids({"text": text}, self._tokenizer, None)[-self._room :] for text in texts]
        out = [""] * len(texts)
        for done, one in enumerate(generate(self._model, prompts, decoding), 1):
            out[one.index] = str(self._tokenizer.decode(list(one.ids), skip_special_tokens=True))
            tell(done, len(texts))
        return out


def likeliest(found: Likely) -> int:
    """The answer with the largest mean log-likelihood of a token (long answers are at no disadvantage); -1 where one could not be read."""
    return int(np.argmax(found.per_token)) if np.isfinite(found.log).all() else -1


def _read(reader: Reader, told: Sequence[dict[str, str]], tell: Tell) -> Likely:
    parts = []
    for start in range(0, len(told), AT_ONCE):
        parts.append(reader.read(told[start : start + AT_ONCE]))
        tell(min(start + AT_ONCE, len(told)), len(told))
    if not parts:
        return Likely(np.zeros(0), np.zeros(0, np.int64))
    found = Likelihood.joined(parts)
    return Likely(np.where(found.known & ~found.cut, -found.losses, np.nan), found.tokens)


class Models:
    """The trained model and, in its place, its base model: one is in memory at a time."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.saved: Saved[Any] = Saved.load(folder)
        self._base_path = base_path(run, self.saved)
        self._loaded: LoadedModel = load_trained(folder)
        self._longest = min(self._loaded.identity.max_length or LONGEST, LONGEST)

    def trained(self) -> Asked:
        """The model."""
        return self._asked(self._loaded.model)

    @contextlib.contextmanager
    def base(self) -> Iterator[Asked]:
        """The base model in the same words: the adapter switched off, or the base loaded. ModelError where it is gone."""
        if isinstance(self._loaded.model, PeftModel):
            with self._loaded.model.disable_adapter():
                yield self._asked(self._loaded.model)
            return
        self._loaded = dataclasses.replace(self._loaded, model=None)
        gc.collect()
        yield self._asked(self.saved.task.vocabulary.extend(load_language(self._base_path)).model)

    def _asked(self, model: Any) -> Asked:
        return Asked(model, self._loaded.tokenizer, self.saved.task, self._longest)
