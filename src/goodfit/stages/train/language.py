"""A model that writes: the chat template and the stop tokens that it is saved with. Part of train, for generation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goodfit.data.named import masked_kinds
from goodfit.engine.events import Event, ignore
from goodfit.engine.examples import Examples
from goodfit.engine.fitted import Fitted
from goodfit.models.load import LoadedModel
from goodfit.models.save import save
from goodfit.models.templates import Template
from goodfit.recipe import Recipe
from goodfit.run import MODEL, SAMPLES, Run
from goodfit.stages.train.samples import Samples
from goodfit.tasks import Generation, Saved
from goodfit.tasks.masks import adds_bos, stop_token_ids

if TYPE_CHECKING:
    from goodfit.stages.choose import Choice
    from goodfit.stages.prepare import Tokens
    from goodfit.stages.tune import Tuned

SAMPLED = 0x5A3


class Language:
    """How a model that writes is watched and saved."""

    def __init__(self, task: Generation) -> None:
        self.task = task

    def given(self, target: NDArray[Any]) -> list[Any]:
        """What is written has no label."""
        return [None] * len(target)

    def before(self, recipe: Recipe, choice: Choice, plan: Tuned, examples: Any, run: Run) -> None:
        """Nothing: folds are for classes."""

    def watch(self, recipe: Recipe, loaded: LoadedModel, valid: Examples | None, folder: Path) -> Callable[[Event], object]:
        """Some validation prompts are answered before, while, and after the model trains."""
        n = recipe.train.samples
        if valid is None or not len(valid) or not n:
            return ignore
        rows = np.random.default_rng([recipe.seed, SAMPLED]).choice(len(valid), size=min(n, len(valid)), replace=False)
        return Samples(loaded, valid.subset(np.sort(rows)), stop_token_ids(loaded.tokenizer, self.task.template), folder / SAMPLES)

    def save(self, recipe: Recipe, choice: Choice, tokens: Tokens, loaded: LoadedModel, fitted: Fitted, run: Run) -> Saved[Any]:  # noqa: PLR0913
        """The model folder; plain transformers renders, begins and stops as the training did."""
        folder, tokenizer, template = run.path / "train" / MODEL, loaded.tokenizer, self.task.template
        if template is not None:
            tokenizer.chat_template = _complete(template, tokenizer)
        _stop_at(fitted.model, list(stop_token_ids(tokenizer, template)))
        section = recipe.task
        turns = {"columns": section.turns, "template": section.template, "speakers": section.speakers}
        saved = Saved(self.task, (), tokens.max_length, base=choice.base.name, base_hash=choice.base.content, turns=turns,
                      mask=masked_kinds(run.path))  # fmt: skip
        save(fitted.model, tokenizer, folder, base=choice.base)
        saved.save(folder)
        return saved


def _complete(template: Template, tokenizer: Any) -> Any:
    """What transformers keeps as the tokenizer's template: with the begin token where training put one before the text."""
    whole = template.beginning_with_bos() if adds_bos(tokenizer, template) else template
    return whole.source if whole.with_tools is None else {"default": whole.source, "tool_use": whole.with_tools}


def _stop_at(model: Any, stops: list[int]) -> None:
    """Generation of plain transformers stops where ours does, and samples nothing by default."""
    settings = getattr(model, "generation_config", None)
    if settings is not None and stops:
        settings.eos_token_id = stops if len(stops) > 1 else stops[0]
        settings.pad_token_id = stops[0] if settings.pad_token_id is None else settings.pad_token_id
        settings.do_sample, settings.temperature, settings.top_p, settings.top_k = False, None, None, None
