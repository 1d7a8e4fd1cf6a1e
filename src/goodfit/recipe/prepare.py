"""The sections `choose` and `prepare`: the base model, and how rows become tokens. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from goodfit.recipe.data import Form
from goodfit.recipe.section import Auto, Names, Section


class Choose(Section):
    """The pre-trained model."""

    model_name_or_path: str = "auto"
    """Folder, hub id, or a model inside an installed package; `auto`: an installed encoder."""
    trust_remote_code: Literal[False] = False
    """Code that comes with a model is never run."""


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
