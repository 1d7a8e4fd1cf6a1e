"""What prepare says of conversations: the table before any training, the findings PRE001 to PRE010, the manifest. Part of prepare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from goodfit.finding import Finding, Severity, Where
from goodfit.monitor.words import count, visible
from goodfit.stages.prepare.outcome import SCHEMA, SIDES, Side, histogram
from goodfit.statistics import score
from goodfit.tasks.generation import Generation

if TYPE_CHECKING:
    from goodfit.stages.prepare.language import Facts

MANY = 0.01
"""Share of the rows from which something that is not an error in itself is worth a warning."""
OFTEN = 0.10
"""The same of what real conversations have too."""


def manifest_of(task: Generation, facts: Mapping[Side, Facts], *, max_length: int, asked: int | str, mode: str) -> dict[str, Any]:
    """The manifest of both splits together (SCHEMAS: prepare/manifest.json)."""
    read, used = (sum(getattr(f, name) for f in facts.values()) for name in ("tokens_read", "tokens_used"))
    dropped = {name: sum(f.dropped_tokens[name] for f in facts.values()) for name in ("too_long", "zero_targets")}
    cut = {name: sum(f.cut[name] for f in facts.values()) for name in ("prompt", "answer")}
    return {
        "schema": SCHEMA,
        "tokens": {"read": read, "used": used, "dropped": {"truncated": read - used - sum(dropped.values()), **dropped}},
        "learned": {side: facts[side].learned for side in SIDES},
        "truncated": cut,
        "truncated_rows": {side: sum(facts[side].cut.values()) for side in SIDES},
        "max_length": max_length, "max_length_asked": asked, "truncation_mode": mode,
        "rows": {side: facts[side].rows for side in SIDES},
        "rows_dropped": dict(sum((f.dropped for f in facts.values()), start=type(facts["train"].dropped)())),
        "longest": [{"row": row, "tokens": n} for n, row in sorted(facts["train"].longest, reverse=True)],
        "chat_template": None if task.template is None else task.template.name,
        "lengths": histogram(facts["train"].lengths),
    }  # fmt: skip


def table_of(facts: Mapping[Side, Facts], sources: Sequence[Mapping[str, Any]], *, max_length: int) -> list[str]:
    """The table that stands on the screen before a model is loaded."""
    lines = [f"  {'':<6} {'rows':>8} {'tokens':>11} {'learned':>11} {'cut':>6} {'left out':>9}   (at most {max_length:,} tokens a row)"]
    for side in SIDES:
        f = facts[side]
        why = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in f.dropped.items())
        numbers = f"{f.rows:>8,} {f.tokens_used:>11,} {f.learned:>11,} {f.cut.total():>6,} {f.dropped.total():>9,}"
        lines.append(f"  {side:<6} {numbers}{'   ' if why else ''}{why}")
    lines += _sources(sources) if len(sources) > 1 or any(source["per_epoch"] != source["examples"] for source in sources) else []
    longest = sorted(facts["train"].longest, reverse=True)[:3]
    return [*lines, f"  longest: {', '.join(f'{n:,} tokens ({row})' for n, row in longest)}"] if longest else lines


def _sources(sources: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each source gives to an epoch."""
    width = max(24, *(len(source["source"]) for source in sources))
    lines = [f"  {'training rows of':<{width}} {'rows':>8} {'tokens':>11} {'learned':>11}   examples drawn in an epoch"]
    for source in sources:
        how = f"mix, share {source['share']:g}" if source["mix"] else f"weight {source['weight']:g}"
        drawn = f"{source['per_epoch']:,} of {source['examples']:,} ({how}): {source['of_epoch']:.0%} of an epoch"
        name = visible(source["source"], 60)
        lines.append(f"  {name:<{width}} {source['rows']:>8,} {source['tokens']:>11,} {source['learned']:>11,}   {drawn}")
    return lines


@dataclass(frozen=True)
class Question:
    """One thing that is looked for in every row."""

    code: str
    kind: str
    met: tuple[str, ...]
    """Names under which Facts counts it."""
    title: str
    """`12 of 340 rows …`"""
    passed: str
    severity: Severity
    detail: str = ""
    fix: str = ""
    matters_from: float = 0.0
    """Share of the rows below which it is only a note."""
    error_from: float | None = None
    """Share of the rows from which it is an error."""


QUESTIONS = (
    Question(
        "PRE001", "truncation", ("cut",), "are cut at the maximum length", "no conversation is cut", "warning",
        "A cut answer is learned as one that ends in the middle.",
        "raise prepare.max_length, or leave long rows out (prepare.truncation_mode: drop)", MANY,
    ),
    Question(
        "PRE002", "zero_targets", ("zero_targets",), "have nothing to learn", "every row has tokens to learn", "error",
        "Not one token of them has a loss: no turn of a role that is learned, or the maximum length cuts it off. "
        "Such rows give other tools a loss of 0, or NaN.",
        "name the turns to learn in task.roles_to_train, raise prepare.max_length, or delete the rows",
    ),
    Question(
        "PRE003", "too_long", ("too_long",), "are too long and left out", "no conversation is too long", "warning", "",
        "raise prepare.max_length, choose a model with a longer context, or set prepare.truncation_mode: keep_end", MANY,
    ),
    Question(
        "PRE004", "never_stops", ("never_stops",), "have no learned token that ends the answer",
        "every answer ends with a learned stop token", "error", "A model that never learned to stop goes on until it is cut off.",
        "name a chat template that ends its answers (task.chat_template), or set the tokenizer's eos_token",
    ),
    Question(
        "PRE005", "refused_by_template", ("refused",), "are refused by the chat template and left out",
        "the chat template takes every conversation", "warning", "", "correct the roles of these rows, or name another task.chat_template",
        error_from=0.30,
    ),
    Question(
        "PRE006", "lost_content", ("lost_content",), "have a message that the chat template does not write",
        "the chat template writes every message", "warning", "The model never sees what stands in them.",
        "name another task.chat_template (chatml writes every role)",
    ),
    Question(
        "PRE007", "broken_prompt", ("broken_prompt",), "have an answer that does not continue the prompt that generation starts from",
        "every answer continues the prompt that generation starts from", "warning",
        "The model is asked with other tokens than it was trained on (templates of reasoning models open a thought).",
        "name another task.chat_template, or give answers with the thoughts that the template expects",
    ),
    Question(
        "PRE008", "unknown_special_token", ("unknown_token",), "have control tokens that the tokenizer does not know",
        "the tokenizer knows every control token of the chat template", "warning",
        "The chat template writes them, and each becomes several ordinary tokens that a user's text can write too.",
        "add them: prepare.special_tokens, or name the task.chat_template that the model was made for",
    ),
    Question(
        "PRE009", "turn_order", ("turn_order",), "have turns in an unusual order", "user and assistant take turns in every row", "warning",
        "The chat template writes them in any order, and nothing refuses them.",
        "look whether speakers were swapped or turns lost when the file was made", OFTEN,
    ),
    Question(
        "PRE010", "control_tokens", ("control_tokens",), "hold control tokens of the tokenizer in their text",
        "no text holds a control token of the tokenizer", "warning",
        "They are read as the tokens that begin and end turns, not as text: an answer that holds an end token is learned to end there.",
        "delete them from the texts, or write them otherwise", MANY,
    ),
)  # fmt: skip


def findings_of(facts: Mapping[Side, Facts]) -> list[Finding]:
    """PRE001 to PRE010, of training and validation rows together."""
    rows = sum(f.rows + f.dropped.total() for f in facts.values())
    return [_answered(question, facts, rows) for question in QUESTIONS]


def _answered(question: Question, facts: Mapping[Side, Facts], rows: int) -> Finding:
    """Open with its rows; passed where there are none."""
    n = min(rows, sum(f.met[name] for f in facts.values() for name in question.met))
    base: dict[str, Any] = {"code": question.code, "stage": "prepare", "kind": question.kind}
    if not n:
        return Finding.model_validate(base | {"severity": "note", "status": "passed", "title": question.passed})
    found = [row for f in facts.values() for name in question.met for row in f.rows_of.get(name, [])]
    first = next(f.first[name] for f in facts.values() for name in question.met if name in f.first)
    file, _, line = first.partition(": ")[0].rpartition(":")
    severity = "note" if n < question.matters_from * rows else question.severity
    if question.error_from is not None and n >= question.error_from * rows:
        severity = "error"
    return Finding.model_validate(base | {
        "severity": severity, "title": f"{n:,} of {count(rows, 'row')} {question.title}",
        "detail": f"{question.detail} The first: {visible(first, 400)}.".strip(),
        "n_rows": n, "rows": tuple(dict.fromkeys(found))[:100], "fix": question.fix,
        "evidence": (score("rate", None, np.arange(rows) < n).about(name=f"{question.kind}_rate"),),
        "where": Where(file=file, line=int(line)) if line.isdigit() else None,
    })  # fmt: skip
