"""Tool calls and tool descriptions, as every format writes them, in the one form that chat templates expect.

Layer: data. Canonical: `{"type": "function", "function": {"name": …, "arguments": {…}}}`, arguments as an object. Arguments that are JSON
text (OpenAI's API) are parsed, since templates write objects; what is not the JSON of an object stays text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from goodfit.data.conversations.wrong import RowError, named, parse_cell, shown, strict_json

_THOUGHT = re.compile(r"\s*(<think>.*?</think>)\s*", re.DOTALL)
_CALL = '{"name": "…", "arguments": {…}}'
_TOOL = '{"type": "function", "function": {"name": "…", "description": "…", "parameters": {…}}}'


def calls(value: Any, field: str, *, padded: bool) -> list[dict[str, Any]]:
    """The tool calls of a turn: a list of calls, one call, or JSON text of either."""
    if isinstance(value, str):
        value = parse_cell(value, field)
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, (list, tuple)):
        raise RowError(field, f"{field} is {named(items)} where a list of tool calls is expected", f"write [{_CALL}]")
    return [_call(item, f"{field}[{i}]", padded=padded) for i, item in enumerate(items)]


def spoken_calls(text: str, field: str) -> tuple[str, list[dict[str, Any]]]:
    """The turn of a `function_call` speaker: the thought before the calls (or ""), and the calls."""
    thought = _THOUGHT.match(text)
    rest = text[thought.end() :] if thought else text
    return thought[1] if thought else "", calls(rest, field, padded=False)


def tools(value: Any, field: str, *, padded: bool) -> list[dict[str, Any]]:
    """The tools of a row: a list of descriptions (bare or wrapped as `function`), one, or JSON text of either; none is []."""
    if isinstance(value, str):
        value = parse_cell(value, field) if value.strip() else []
    items = [value] if isinstance(value, Mapping) else value
    if items is None:
        return []
    if not isinstance(items, (list, tuple)):
        raise RowError(field, f"{field} is {named(items)} where a list of tools is expected", f"write [{_TOOL}]")
    return [_tool(item, f"{field}[{i}]", padded=padded) for i, item in enumerate(items)]


def without_none(value: Any) -> Any:
    """The value without members that are null: columns of parquet and arrow give every object the members of all others."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [without_none(item) for item in value]
    return value


def _call(item: Any, field: str, *, padded: bool) -> dict[str, Any]:
    if isinstance(item, str):
        item = parse_cell(item, field)
    if not isinstance(item, Mapping):
        raise RowError(field, f"{field} is {named(item)}, not an object", f"write {_CALL}")
    function = item.get("function", item)
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str) or not function["name"]:
        raise RowError(f"{field}.name", f"{field} names no function: {shown(dict(item))}", f"write {_CALL}")
    arguments = function.get("arguments", function.get("parameters"))
    call: dict[str, Any] = {
        "type": "function",
        "function": {"name": function["name"], "arguments": _arguments(arguments, field, padded=padded)},
    }
    identity = item.get("id")
    if identity is not None:
        call["id"] = str(identity)
    return call


def _arguments(value: Any, field: str, *, padded: bool) -> Any:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return without_none(value) if padded else dict(value)
    if not isinstance(value, str):
        fix = f"write the arguments as an object, or as JSON text of one: {_CALL}"
        raise RowError(f"{field}.arguments", f"{field}.arguments is {named(value)} where an object is expected", fix)
    try:
        parsed = strict_json(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, dict) else value


def _tool(item: Any, field: str, *, padded: bool) -> dict[str, Any]:
    if isinstance(item, str):
        item = parse_cell(item, field)
    if not isinstance(item, Mapping):
        raise RowError(field, f"{field} is {named(item)}, not an object", f"write {_TOOL}")
    tool = without_none(item) if padded else dict(item)
    if isinstance(tool.get("function"), Mapping):
        tool.setdefault("type", "function")
    elif isinstance(tool.get("name"), str):
        tool = {"type": "function", "function": tool if "type" not in tool else {k: v for k, v in tool.items() if k != "type"}}
    if not isinstance(tool.get("function"), Mapping) or not isinstance(tool["function"].get("name"), str):
        raise RowError(f"{field}.name", f"{field} describes no function: {shown(dict(item))}", f"write {_TOOL}")
    return tool
