"""The recipe of rows that a model learns to write from: what was found as keys, why as comments, what may be wanted commented out.

Layer: init; beside `write`, which does it for classes.
"""

from __future__ import annotations

from collections.abc import Mapping

from goodfit.init.reasons import Seen
from goodfit.init.roles import Roles
from goodfit.init.turns import Told
from goodfit.init.write import data, groups, head, said, split, together
from goodfit.settings import inline


def turns_text(name: str, seen: Seen, told: Told, around: Roles, reasons: Mapping[str, str]) -> str:
    """The recipe; `reasons` are the sentences for each part."""
    return together([
        head(name, seen), data(seen, reasons), _task(told, reasons), groups(around, reasons), split(seen, around, reasons),
        _rest(told, reasons),
    ])  # fmt: skip


def _task(told: Told, reasons: Mapping[str, str]) -> list[str]:
    lines = ["task:", *said(reasons, "form", "ignored", "dropped"), "  kind: generation"]
    lines += [f"  {role}: {inline(column)}" for role, column in told.turns.columns.items()]
    lines += said(reasons, "learned")
    if "text" in told.conversations[0]:
        return lines
    lines += ["  # roles_to_train: [assistant]"] if "messages" in told.conversations[0] else []
    return [*lines, "  # chat_template: auto  # the model's own; or none, chatml, llama3, gemma …, or a Jinja file"]


def _rest(told: Told, reasons: Mapping[str, str]) -> list[str]:
    model = "auto  # or a folder, a hub id, a GGUF file, an installed package"
    if "messages" in told.conversations[0]:
        model += "; an -Instruct model brings its chat template"
    plain = "text" in told.conversations[0]
    gate = '{perplexity: "<= 20"}' if plain else '{self_stop_rate: ">= 0.95", chrf: ">= 0.4"}'
    return [
        "choose:", *said(reasons, "language"), f"  model_name_or_path: {model}", "",
        "prepare:", "  max_length: auto  # the longest row, at most the model's context and 4,096", "",
        "train:", "  learning_rate: auto", "  num_train_epochs: auto", "",
        "peft:", "  method: full  # or lora: a small adapter in place of all weights, for models that would not fit", "",
        "evaluate:",
        "  on: test  # each model scored there wears it out: try things with `on: valid`, and score the one you choose on test",
        "  # Texts that must not be forgotten: bits per byte on them before and after.",
        "  # retain: general.jsonl",
        "  # A bar set before the score is known: met, missed, or undecided with the rows that it would take.",
        f"  # gates: {gate}",
    ]  # fmt: skip
