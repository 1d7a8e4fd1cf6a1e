"""Generation: an answer to a prompt or to a conversation, or plain text of a domain, written by a language model.

Beside `classification.py`. prepare takes `encode` from here, train `objective`, evaluate and predict what `masks` and `writer` give.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goodfit.errors import SettingsError, nearest
from goodfit.models.heads import Language
from goodfit.models.templates import Template, template_for
from goodfit.models.vocabulary import Vocabulary
from goodfit.recipe import Task as TaskSection
from goodfit.tasks.language import LanguageObjective
from goodfit.tasks.masks import Marked, mark

STREAMED = ("loss", "token_accuracy", "perplexity")
"""Scores that validation has at every look; the first is the default."""


@dataclass(frozen=True)
class Generation:
    """How conversations become tokens, and which of them are learned."""

    template: Template | None = None
    """The chat template; None: prompts and texts stand as they are."""
    roles: tuple[str, ...] = ("assistant",)
    """Whose turns are learned."""
    vocabulary: Vocabulary = Vocabulary()
    """Tokens that are added to the model's."""

    kind = "generation"
    labels: tuple[str, ...] = ()
    """None: the answers are open."""
    multi_label = False

    @classmethod
    def of(cls, section: TaskSection, tokenizer: Any, base: Any, vocabulary: Vocabulary | None = None) -> Generation:
        """The task of a recipe with the tokenizer of its model; `base` is the recipe's folder (a template may be a file in it).

        The tokens of `vocabulary` are added to the tokenizer.
        """
        vocabulary = vocabulary or Vocabulary()
        vocabulary.add_to(tokenizer)
        return cls(template_for(tokenizer, section.chat_template, base), tuple(section.roles_to_train), vocabulary)

    @property
    def head(self) -> Language:
        """What stands on the base model."""
        return Language()

    def encode(self, conversation: str | Mapping[str, Any], tokenizer: Any, *, at_most: int | None = None) -> Marked:
        """Tokens of a conversation (canonical, or as the store's JSON) with what is learned of them; DataError as `mark` says.

        `at_most`: of a conversation far longer than that, only the end.
        """
        told = json.loads(conversation) if isinstance(conversation, str) else conversation
        return mark(told, tokenizer, self.template, roles=self.roles, at_most=at_most)

    def objective(self, best: str = "auto") -> LanguageObjective:
        """The loss and the streaming scores that `engine.fit` takes; `best` is the score that decides which step is kept."""
        return LanguageObjective(best_by(best))

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` reads back."""
        template = self.template
        return {
            "kind": self.kind, "roles_to_train": list(self.roles),
            **({} if not self.vocabulary else {"vocabulary": {"special": [*self.vocabulary.special], "added": [*self.vocabulary.added]}}),
            "chat_template": None if template is None else {
                "name": template.name, "source": template.source, "origin": template.origin, "with_tools": template.with_tools,
            },
        }  # fmt: skip

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Generation:
        """KeyError, TypeError or ValueError where it is not whole."""
        template, added = values["chat_template"], values.get("vocabulary", {})
        vocabulary = Vocabulary(**{name: tuple(map(str, tokens)) for name, tokens in added.items()})
        return cls(None if template is None else Template(**template), tuple(map(str, values["roles_to_train"])), vocabulary)


def best_by(asked: str) -> str:
    """The score that `train.metric_for_best_model` means; SettingsError where validation has none of that name."""
    if asked in STREAMED or asked == "auto":
        return STREAMED[0] if asked == "auto" else asked
    near = nearest(asked, STREAMED)
    fix = (f"did you mean {near}? " if near else "") + f"there are {', '.join(STREAMED)}"
    raise SettingsError(f"train.metric_for_best_model: {asked!r} is not a score of validation while the model trains", fix=fix)
