"""The shape that the user names: `task: {prompt: q, completion: a}`, `{messages: m}`, `{text: t}`, or a template over columns.

Layer: data. `refusal` says why nothing was found by itself, where nothing is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goodfit.data.conversations import names
from goodfit.data.conversations.shape import Shape, cells, detect, judged, kind_of_keys, turn_keys, with_turns
from goodfit.data.conversations.template import PromptTemplate
from goodfit.data.missing import missing_column
from goodfit.errors import DataError, Place, SettingsError, nearest

ROLES = ("prompt", "completion", "messages", "system", "tools", "text")
"""What the recipe's section `task` may name for generation."""
_FOREIGN = {
    "prompt": ("instruction", "question", "query", "input", "field_instruction", "prompt_column", "dataset_text_field"),
    "completion": ("response", "output", "answer", "field_output", "target", "answer_column", "response_column", "label"),
    "messages": ("conversations", "conversation", "field_messages", "chat", "formatting"),
    "system": ("system_prompt", "field_system"),
}
_OTHER_NAME = {other: role for role, others in _FOREIGN.items() for other in others}
Row = Mapping[str, Any]


def asked(
    task_columns: Mapping[str, str | Sequence[str]],
    columns: Sequence[str],
    sample: Sequence[Row],
    *,
    template: str | None = None,
    speakers: Mapping[str, str] | None = None,
    name: str = "",
) -> Shape:
    """The shape of a source of which the user named columns (role of ROLES -> column, or several for `prompt`).

    `speakers` (spelling -> role) adds to the names known. SettingsError for roles that are unknown or do not go together; DataError
    where a column is not in the file (`name`: the source, for the message).
    """
    given = {role: [value] if isinstance(value, str) else list(value) for role, value in task_columns.items() if value}
    _check_roles(given, template)
    _check_speakers(speakers or {})
    for column in (column for several in given.values() for column in several):
        if column not in columns:
            raise missing_column(name, column, columns)
    one = {role: several[0] for role, several in given.items()}
    if "messages" in given:
        return _of_messages(one, sample, dict(speakers or {}))
    if "text" in given:
        return Shape("text", one)
    return _of_prompt(given, columns, sample, template=template, speakers=dict(speakers or {}))


def refusal(columns: Sequence[str], sample: Sequence[Row], name: str) -> DataError:
    """Why `detect` found nothing in a file: what there is, and what to name."""
    there = {column.casefold(): column for column in columns}
    shown = ", ".join(repr(column) for column in columns[:20]) or "none"
    place = Place(file=name)
    if all(column in there for column in names.PREFERENCE):
        fix = f"to learn from the better answers, name them: task: {_chosen(there, sample)}"
        return DataError("it holds preference pairs (chosen, rejected); generation learns from one answer", place=place, fix=fix)
    if verdicts := judged(columns, sample):
        fix = "keep the rows whose answers are good, and leave that column out; or name the columns to learn from all of them"
        return DataError(f"its answers are marked as good or bad in the column {verdicts!r} (KTO)", place=place, fix=fix)
    pairs = (names.OPENAI_KEYS, names.SHAREGPT_KEYS)
    if len(columns) <= 4 and any(all(key in there for key in keys) and not _has_lists(there, keys, sample) for keys in pairs):
        fix = 'put the turns of each conversation into one row: {"messages": [{"role": "user", "content": "…"}, …]}'
        return DataError("each row is a single turn, so it cannot be told which belong together", place=place, fix=fix)
    prompt = next((there[column] for column in names.PROMPT if column in there), None)
    if prompt is not None:
        fix = f"name the column of the answers: task: {{prompt: {prompt}, completion: …}}"
        return DataError(
            f"there is a column of prompts ({prompt!r}) but none that is clearly of answers; it has: {shown}", place=place, fix=fix
        )
    fix = "name them in the recipe: task: {messages: …}, task: {prompt: …, completion: …} or task: {text: …}"
    return DataError(f"no column is clearly of conversations, prompts and answers, or texts; it has: {shown}", place=place, fix=fix)


def _chosen(there: Mapping[str, str], sample: Sequence[Row]) -> str:
    """What to name of a file of preferences: the prompt where there is one; else `chosen` holds whole conversations."""
    prompt = next((there[column] for column in (*names.PROMPT, *names.MESSAGES) if column in there), None)
    chosen = there["chosen"]
    if prompt is not None:
        return f"{{prompt: {prompt}, completion: {chosen}}}"
    return f"{{messages: {chosen}}}" if any(turn_keys(cell) for cell in cells(sample, chosen)) else f"{{text: {chosen}}}"


def _has_lists(there: Mapping[str, str], keys: tuple[str, str], sample: Sequence[Row]) -> bool:
    return any(isinstance(cell, (list, dict)) for key in keys for cell in cells(sample, there[key]))


def _check_roles(given: Mapping[str, Sequence[str]], template: str | None) -> None:
    for role, several in given.items():
        if role not in ROLES:
            close = _OTHER_NAME.get(role) or nearest(role, ROLES)
            fix = f"did you mean {close!r}?" if close else f"one of: {', '.join(ROLES)}"
            raise SettingsError(f"generation has no column {role!r}", place=Place(key=f"task.{role}"), fix=fix)
        if len(several) > 1 and role != "prompt":
            raise SettingsError(f"{role} is one column, not {len(several)}", place=Place(key=f"task.{role}"), fix="name one")
    if template is not None and "prompt" in given:
        raise SettingsError("both a template and prompt columns are named", place=Place(key="task.prompt"), fix="name one of the two")
    forms = [form for form in ("messages", "prompt", "text") if form in given] + (["template"] if template is not None else [])
    if len(forms) > 1:
        raise SettingsError(f"{forms[0]} and {forms[1]} exclude each other", place=Place(key=f"task.{forms[1]}"), fix="name one of them")
    if not forms:
        fix = "name messages, or prompt and completion, or text"
        raise SettingsError("no column of the input is named", place=Place(key="task.prompt"), fix=fix)
    alone = {"messages": ("system", "tools"), "text": ()}.get(forms[0], ("completion", "system", "tools"))
    for role in given:
        if role != forms[0] and role not in alone:
            raise SettingsError(f"{role} does not go with {forms[0]}", place=Place(key=f"task.{role}"), fix=f"leave {role} out")


def _check_speakers(speakers: Mapping[str, str]) -> None:
    known = dict.fromkeys(names.SPEAKERS.values())
    for spelling, role in speakers.items():
        if role not in known:
            close = nearest(role, known)
            fix = f"did you mean {close!r}?" if close else f"one of: {', '.join(known)}"
            raise SettingsError(f"the speaker {spelling!r} is given the unknown role {role!r}", place=Place(key="task.speakers"), fix=fix)


def _of_messages(one: dict[str, str], sample: Sequence[Row], speakers: dict[str, str]) -> Shape:
    held = cells(sample, one["messages"])
    keys = next((keys for cell in held if (keys := turn_keys(cell))), names.OPENAI_KEYS)
    return with_turns(kind_of_keys(keys), one, sample, keys=keys, speakers=speakers)


def _of_prompt(
    given: Mapping[str, Sequence[str]], columns: Sequence[str], sample: Sequence[Row], *, template: str | None, speakers: dict[str, str]
) -> Shape:
    one = {role: several[0] for role, several in given.items()}
    if template is not None:
        return Shape("prompt_completion", one, joined=PromptTemplate.parse(template, columns).columns, template=template)
    if len(given["prompt"]) > 1:
        rest = {role: column for role, column in one.items() if role != "prompt"}
        return Shape("prompt_completion", rest, joined=tuple(given["prompt"]))
    turns = tuple(role for role in ("prompt", "completion") if role in one and any(turn_keys(c) for c in cells(sample, one[role])))
    if "prompt" not in turns:
        return Shape("prompt_completion", one)
    keys = next(keys for cell in cells(sample, one["prompt"]) if (keys := turn_keys(cell)))
    return with_turns("prompt_completion", one, sample, keys=keys, turns=turns, speakers=speakers)


__all__ = ["ROLES", "asked", "detect", "refusal"]
