"""Everything that the evaluation of a language model takes, read, loaded and looked at before a test row is.

Part of evaluate, for generation: what is wrong with a file, a name or the model's folder is said while the test rows are still sealed.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np

from goodfit.engine.generate import Decoding
from goodfit.errors import ModelError
from goodfit.files import read_json
from goodfit.models.content import content_hash
from goodfit.models.load import LoadedModel, load_tokenizer, load_trained
from goodfit.models.source import resolve
from goodfit.recipe import Recipe
from goodfit.run import CANDIDATES, Run, digest
from goodfit.stages.evaluate.answering import SplitRows
from goodfit.stages.evaluate.brought import Brought, brought
from goodfit.stages.evaluate.language_answerer import Answerer
from goodfit.stages.evaluate.language_brought import retained
from goodfit.stages.evaluate.language_parity import NEW_TOKENS, PROMPTS, Plain, plain_answers
from goodfit.stages.evaluate.language_rows import PARITY, ROWS, Conversation, Row, drawn, longest_answer, rows_at, takes, training_sample
from goodfit.stages.evaluate.outcome import VALID
from goodfit.tasks.base import base_path
from goodfit.tasks.baselines import names_of
from goodfit.tasks.baselines.few_shot import typical
from goodfit.tasks.generation import Generation
from goodfit.tasks.masks import stop_token_ids
from goodfit.tasks.saved import Saved

BASE, FEW_SHOT, RETRIEVAL = "base", "few_shot", "retrieval"
LONGEST = 4096
"""Tokens of context that are used at most, as in prepare."""
TRIES = 4
"""Times as many validation rows are drawn for plain transformers as are asked: some may be too long, or refused by the template."""
PROBED = 4
"""Training rows on which the logits of model and base are compared."""
NO_ANSWERS = "the rows are plain texts: there is no answer to give"


class Ready:
    """What is known before the rows are opened."""

    def __init__(self, recipe: Recipe, folder: Path, splits: SplitRows, run: Run) -> None:
        self.recipe, self.splits, self.run = recipe, splits, run
        section, saved = recipe.evaluate, Saved.load(folder)
        self.task: Generation = saved.task
        self.left_out: dict[str, str] = {}
        """System -> why it does not answer."""
        self.sample = training_sample(splits, recipe.seed)
        self.answered = any(row.answer is not None for row in self.sample)
        most = ROWS if section.rows == "auto" else section.rows
        self.places = drawn(splits.counts.get(section.on, 0), most if self.answered else 0, recipe.seed)
        self.names = self._names()
        self.files = self._files()
        self.retained = retained(section.retain, run.base, recipe.seed)
        self.schema: Any = None if section.json_schema is None else read_json(run.base / section.json_schema)
        self.parity_rows, self.plain = self._ask_plain(folder)
        self.loaded: LoadedModel = load_trained(folder)
        self.taken = [row for row in self.sample if takes(row.conversation, self.task, self.loaded.tokenizer)]
        """Those of the sample that the template takes."""
        self.base_path = base_path(run, saved)
        if self.asks_base:
            _require_same_base(self.base_path, saved)
        self.context = min(self.loaded.identity.max_length or LONGEST, LONGEST)
        self.decoding = self._decoding()
        self.examples = self._few_shot()
        self.probes = [row.conversation for row in self.taken[:PROBED]]

    @property
    def asks_base(self) -> bool:
        """Whether the base model is needed."""
        return bool({BASE, FEW_SHOT} & set(self.names)) or bool(self.retained)

    def writer(self, model: Any) -> Answerer:
        """A model as one that answers, with the tokenizer, template and decoding that all models share."""
        return Answerer(model, self.loaded.tokenizer, self.task, self.context, self.decoding)

    def facts(self) -> dict[str, Any]:
        """`generation` of scores.json: how answers were written."""
        template = self.task.template
        return {
            "max_new_tokens": self.decoding.max_new_tokens, "do_sample": False, "stop_token_ids": list(self.decoding.stop_token_ids),
            "context": self.context, "template": None if template is None else template.name,
            "template_hash": None if template is None else digest([template.source, template.with_tools]),
            "examples": len(self.examples),
        }  # fmt: skip

    def _names(self) -> list[str]:
        names = list(names_of(self.recipe))
        for name in (FEW_SHOT, RETRIEVAL):
            if name in names and not self.answered:
                names.remove(name)
                self.left_out[name] = NO_ANSWERS
        return names

    def _files(self) -> list[Brought]:
        section = self.recipe.evaluate
        if not section.predictions:
            return []
        if not self.answered:
            self.left_out |= dict.fromkeys(section.predictions, NO_ANSWERS)
            return []
        ids = np.array(self.splits.row_ids(section.on).to_pylist(), dtype=object)[self.places].tolist()
        prompts = self.recipe.task.prompt or ("prompt",)
        return [brought(name, path, self.run.base, prompts, ids) for name, path in section.predictions.items()]

    def _ask_plain(self, folder: Path) -> tuple[list[Row], Plain | None]:
        """What plain transformers makes of some validation prompts that it has room for; its model is gone afterwards."""
        n = self.splits.counts.get(VALID, 0)
        if not n:
            return [], None
        places = np.sort(np.random.default_rng([self.recipe.seed, PARITY]).choice(n, size=min(n, TRIES * PROMPTS), replace=False))
        tokenizer, room = load_tokenizer(resolve(folder, trained=True)), _context(self.run) - NEW_TOKENS
        rows = [
            row for row in rows_at(places.astype(np.int64), VALID, self.splits, None)
            if takes(row.conversation, self.task, tokenizer, room)
        ][:PROMPTS]  # fmt: skip
        if not rows:
            return [], None
        self.run.screen.progress("asking plain transformers", 0, len(rows))
        plain = plain_answers(folder, rows, template=self.task.template is not None, new_tokens=NEW_TOKENS)
        gc.collect()
        return rows, plain

    def _decoding(self) -> Decoding:
        asked, tokenizer = self.recipe.evaluate.max_new_tokens, self.loaded.tokenizer
        tokens = longest_answer(self.sample, tokenizer) if asked == "auto" else asked
        self.run.resolve({"evaluate.max_new_tokens": tokens, "evaluate.rows": len(self.places)} if self.answered else {})
        stops = stop_token_ids(tokenizer, self.task.template)
        return Decoding(max_new_tokens=min(tokens, max(1, self.context // 2)), stop_token_ids=stops, seed=self.recipe.seed)

    def _few_shot(self) -> list[Conversation]:
        """The examples of few_shot; none, and a reason, where a typical row leaves no room for one."""
        if FEW_SHOT not in self.names:
            return []
        rows, k = [row for row in self.taken if row.answer], self.recipe.evaluate.few_shot
        lengths = [len(row.text) + len(row.answer or "") for row in rows]
        *examples, asked = typical([row.conversation for row in rows], lengths, k + 1, self.recipe.seed)
        if not examples or self.writer(self.loaded.model).examples_before(examples)(asked) is asked:
            self.names.remove(FEW_SHOT)
            self.left_out[FEW_SHOT] = f"not one example fits into the context of {self.context:,} tokens"
            return []
        return examples


def _context(run: Run) -> int:
    """Tokens that the base model takes, as `choose` found it."""
    path = run.path / "choose" / CANDIDATES
    limit = read_json(path)["base"].get("max_length") if path.is_file() else None
    return min(limit or LONGEST, LONGEST)


def _require_same_base(path: str, saved: Saved[Any]) -> None:
    """ModelError where the base model is gone, or has other files than when the training began: comparisons would be with another one."""
    found = resolve(path)
    if saved.base_hash is not None and content_hash(found.path) != saved.base_hash:
        raise ModelError(f"the base model {saved.base} has changed since the training began", fix="bring back its files, or train again")
