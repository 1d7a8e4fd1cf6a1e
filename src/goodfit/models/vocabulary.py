"""Tokens that a recipe adds to a model's vocabulary, and the rows of its embeddings for them.

A new row begins as the mean of the old ones, so that a new token takes next to nothing from the probabilities of the others: Hewitt 2021,
"Initializing New Word Embeddings for Pretrained Language Models" (nlp.stanford.edu/~johnhew/vocab-expansion.html); transformers'
`mean_resizing` draws around the same mean, which would make a run depend on one more draw.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from tokenizers import AddedToken

from goodfit.models.load import LoadedModel, grow


def special_tokens(tokenizer: Any) -> dict[str, int]:
    """Text -> id of every token that is no text: begin, end, pad, and the marks of a chat template."""
    added = {str(what): token for token, what in tokenizer.added_tokens_decoder.items() if what.special}
    return added | dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True))


@dataclass(frozen=True)
class Vocabulary:
    """What is added; nothing by default."""

    special: tuple[str, ...] = ()
    """Control tokens: no part of the text that is written (`skip_special_tokens`)."""
    added: tuple[str, ...] = ()
    """Words with a token of their own, which stay in the text."""

    def __bool__(self) -> bool:
        """Whether there is something to add."""
        return bool(self.special or self.added)

    def add_to(self, tokenizer: Any) -> None:
        """Makes one token of each; one that the tokenizer knows already keeps its id."""
        for names, special in ((self.special, True), (self.added, False)):
            tokenizer.add_tokens([AddedToken(name, special=special, normalized=False) for name in names], special_tokens=special)

    def ids(self, tokenizer: Any) -> tuple[int, ...]:
        """Their ids in a tokenizer that they were added to."""
        return tuple(dict.fromkeys(int(tokenizer.convert_tokens_to_ids(name)) for name in (*self.special, *self.added)))

    def extend(self, loaded: LoadedModel) -> LoadedModel:
        """The model and its tokenizer with these tokens; both are changed in place."""
        if not self:
            return loaded
        known = set(loaded.tokenizer.get_vocab().values())
        self.add_to(loaded.tokenizer)
        ids = self.ids(loaded.tokenizer)
        grow(loaded.model, loaded.tokenizer, sorted(known))
        identity = dataclasses.replace(loaded.identity, parameters=sum(p.numel() for p in loaded.model.parameters()))
        return dataclasses.replace(loaded, new_tokens=ids, identity=identity)
