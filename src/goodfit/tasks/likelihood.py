"""Likelihood: how likely a language model finds the answers (or the texts) of some rows, row by row, in bounded memory.

Part of tasks, beside `predictor.py`; evaluate measures losses with it. Tokens and what is learned of them are those of the training
(`Generation.encode`). A conversation longer than the model reads loses its beginning, a plain text is read in pieces; both as in prepare.

Shapes: n rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodfit.engine.examples import Examples
from goodfit.engine.infer import observe
from goodfit.engine.tier import KnownTier
from goodfit.errors import DataError
from goodfit.tasks.generation import Generation
from goodfit.tasks.language import LOSS, LanguageObjective
from goodfit.tasks.masks import chunks


@dataclass(frozen=True)
class Likelihood:
    """What the learned tokens of some rows cost."""

    losses: NDArray[np.float64]
    """[n] nats, summed over the learned tokens of a row."""
    tokens: NDArray[np.int64]
    """[n] learned tokens."""
    bytes: NDArray[np.int64]
    """[n] UTF-8 bytes of the text that they stand for."""
    cut: NDArray[np.bool_]
    """[n] rows that are longer than the model reads."""

    @property
    def known(self) -> NDArray[np.bool_]:
        """[n] rows of which at least one token is learned (the template took them, and they have an answer)."""
        return self.tokens > 0

    @classmethod
    def joined(cls, parts: Sequence[Likelihood]) -> Likelihood:
        """Several batches as one."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


class _Piece(NamedTuple):
    row: int
    ids: list[int]
    learned: list[bool]


class Reader:
    """A language model that reads rows; one for each loaded model."""

    def __init__(self, model: Any, tokenizer: Any, task: Generation, longest: int) -> None:
        self.model, self.tokenizer, self.task, self.longest = model, tokenizer, task, longest
        self._tier = KnownTier(model)

    def read(self, conversations: Sequence[Any]) -> Likelihood:
        """Losses of a batch of conversations (canonical, or as JSON); a row that the template refuses has no learned token."""
        n = len(conversations)
        found = Likelihood(np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.bool_))
        pieces = [piece for row, told in enumerate(conversations) for piece in self._pieces(row, told, found)]
        if not pieces:
            return found
        owner = np.array([piece.row for piece in pieces])
        lengths = np.array([len(piece.ids) for piece in pieces])
        examples = Examples.from_arrays(
            np.concatenate([piece.ids for piece in pieces]), np.concatenate([[0], np.cumsum(lengths)]),
            learned=np.concatenate([piece.learned for piece in pieces]),
        )  # fmt: skip
        for indices, seen in observe(self.model, examples, LanguageObjective(), tier=self._tier.of(examples)):
            counts = np.asarray(examples.target[indices])
            sums = np.concatenate([[0.0], np.cumsum(seen.answers[:, LOSS].double().numpy())])
            ends = np.cumsum(counts)
            np.add.at(found.losses, owner[indices], sums[ends] - sums[ends - counts])
            np.add.at(found.tokens, owner[indices], counts)
        return found

    def _pieces(self, row: int, told: Any, found: Likelihood) -> list[_Piece]:
        """What the model reads of a row; its bytes and whether it is cut are noted."""
        try:
            marked = self.task.encode(told, self.tokenizer, at_most=self.longest)
        except DataError:
            return []
        ids, learned = marked.ids, marked.learned
        if len(ids) > self.longest and _is_text(told):
            parts = chunks(ids, self.longest, self.tokenizer.bos_token_id)
            found.bytes[row] = self._bytes(ids, learned)
            return [_Piece(row, part, [False] + [True] * (len(part) - 1)) for part in parts if len(part) > 1]
        if len(ids) > self.longest:
            found.cut[row] = True
            ids, learned = ids[-self.longest :], [False, *learned[-self.longest + 1 :]]
        if not any(learned):
            return []
        found.bytes[row] = self._bytes(ids, learned)
        return [_Piece(row, ids, learned)]

    def _bytes(self, ids: list[int], learned: list[bool]) -> int:
        wanted = [token for token, flag in zip(ids, learned, strict=True) if flag]
        text: str = self.tokenizer.decode(wanted, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return max(1, len(text.encode("utf-8", "replace")))


def _is_text(told: Any) -> bool:
    return "text" in (json.loads(told) if isinstance(told, str) else told)
