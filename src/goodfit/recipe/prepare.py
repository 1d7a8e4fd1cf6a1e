"""The sections `choose` and `prepare`: the base model, and how rows become tokens. Part of recipe."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from goodfit.recipe.data import Form
from goodfit.recipe.section import Auto, Names, Section

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt])i?b?\s*", re.IGNORECASE)
_UNITS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


def _bytes(value: Any) -> Any:
    """`16GB` as the text that it is, checked; anything else is refused."""
    if value == "auto":
        return value
    match = _SIZE.fullmatch(str(value))
    if match is None or float(match[1]) <= 0:
        raise ValueError("a size is a number with its unit, for example 16GB")
    return str(value)


def bytes_of(size: str) -> int:
    """Bytes of a size that the recipe took: `16GB` is 16,000,000,000."""
    match = _SIZE.fullmatch(size)
    assert match is not None, size
    return int(float(match[1]) * _UNITS[match[2].lower()])


Memory = Annotated[str, BeforeValidator(_bytes)]
"""A size in bytes with its unit."""


class Choose(Section):
    """The pre-trained model."""

    model_name_or_path: str = "auto"
    """Folder, hub id, or a model inside an installed package; `auto`: the candidate that fits the training rows best."""
    trust_remote_code: Literal[False] = False
    """Code that comes with a model is never run."""
    candidates: Names = ()
    """Models that are measured on the training rows and compared; none, with `auto`: those installed here or in the hub's cache."""
    catalog: str | None = None
    """Your own list of good models (YAML, as docs/stages/choose.md shows), beside the one that comes with Goodfit."""
    max_memory: Memory = "auto"
    """Candidates whose training would need more are left out, for example `16GB`; `auto`: nine tenths of this machine's."""
    licenses: Names = ()
    """Licences that candidates may have, for example `apache-2.0`; none, with `auto`: the usual free ones."""
    race: bool | Auto = "auto"
    """Short real trainings of the first three, on an eighth of the steps; `auto`: where the measures cannot tell them apart."""
    base_loss: bool | Auto = "auto"
    """Generation: tell training answers that the base model finds too easy or far too hard (CHO011), from at most 300 rows that it reads;
    `auto`: where candidates are compared, which reads them anyway; `true`: a single model reads them too."""


class Mix(Form):
    """Generation: general rows that are trained on beside the task's, against forgetting; they never come into validation or test."""

    path: str
    """File, folder, or `hub:owner/name` in any form of conversations, prompts with answers or plain texts."""
    share: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Of the examples of an epoch (0-1)."""


class Prepare(Section):
    """From rows to tokens."""

    max_length: Auto | Annotated[int, Field(ge=2)] = "auto"
    """Longest row in tokens; `auto`: the 99.5% quantile of the training rows (the longest where near), at most the model's context;
    for generation the longest row, at most the model's context and 4,096."""
    truncation_mode: Literal["drop", "keep_start", "keep_end"] = "drop"
    """Generation: a conversation longer than that is left out, or loses its end, or its beginning. Plain texts are cut into pieces."""
    special_tokens: Names = ()
    """Generation: control tokens that are added to the vocabulary, such as `<|tool|>`; they are no part of the text that is written."""
    added_tokens: Names = ()
    """Generation: words that get a token of their own, and stay in the text."""
    mix: Mix | None = None
    """Generation: general rows beside the task's."""
    suspects: Literal["keep", "leave_out"] = "keep"
    """Classification: `leave_out` does not train on the rows whose label the audit flags; nothing else changes, and test rows never do."""

    @field_validator("special_tokens", "added_tokens")
    @classmethod
    def _tokens(cls, tokens: tuple[str, ...]) -> tuple[str, ...]:
        for token in tokens:
            if not token.strip():
                raise ValueError("a token is blank")
        if len(set(tokens)) < len(tokens):
            raise ValueError("a token stands there twice")
        return tokens

    @model_validator(mode="after")
    def _one_kind(self) -> Prepare:
        both = set(self.special_tokens) & set(self.added_tokens)
        if both:
            raise ValueError(f"{min(both)!r} is among special_tokens and added_tokens")
        return self
