"""The sections `choose` and `prepare`: the base model, and how rows become tokens. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from goodfit.recipe.data import Form
from goodfit.recipe.section import Auto, Section


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
    mix: Mix | None = None
    """Generation: general rows beside the task's."""
