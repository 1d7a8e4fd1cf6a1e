"""Answers with a structure: JSON, and calls of tools.

Part of tasks/writing. A call is compared as the name of its function and its arguments as JSON: members in any order, calls in any
order, `1` equal to `1.0` but not to `true`. Read from an answer: what our own answers hold (`data/conversations/forms`: a JSON list of
functions on a line of its own, after what was said), a single object in its place, and what chat templates write around calls
(`<tool_call>…</tool_call>`, `[TOOL_CALLS]`, `<|python_tag|>`; `parameters` for `arguments`, arguments as JSON text, `function` around).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.errors import MissingExtra, SettingsError

Flags = NDArray[np.bool_]
NOTHING = object()
"""In place of the value of a text that is no JSON (`null` has the value None)."""
MOST_FAILURES = 64
"""Brackets at the beginning of a line that turn out to be no JSON, after which an answer is not read further."""
_BLOCK = re.compile(r"^[ \t]*[\[{]", re.MULTILINE)
_MARKS = re.compile(r"</?tool_call>|<\|python_tag\|>|\[TOOL_CALLS\]|<\|(?:eom|eot|im_end)[^|]*\|>|</s>")


def strict(text: str) -> Any:
    """The value of a JSON text, by the standard (no NaN, no trailing comma, no fence around); NOTHING where it is none."""
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return NOTHING


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _whole(digits: str) -> float | int:
    return int(digits) if len(digits) < 1_000 else float(digits)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_whole)


def json_valid(texts: Sequence[str], schema: Mapping[str, Any] | None = None) -> Flags:
    """Which texts are JSON as a whole [n], and follow the schema where one is given.

    Raises SettingsError for a broken schema, MissingExtra where the package jsonschema is not there.
    """
    follows = _checker(schema) if schema is not None else lambda value: True
    return np.array([(value := strict(text)) is not NOTHING and follows(value) for text in texts], dtype=np.bool_)


def _checker(schema: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Nothing is fetched: a `$ref` to an address elsewhere counts as a broken schema."""
    try:
        import jsonschema  # noqa: PLC0415
        import referencing.exceptions  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("a JSON schema", "schema") from None
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SettingsError(f"the JSON schema is broken: {error.message}", fix="see json-schema.org for what may stand there") from None
    validator = kind(schema, registry=referencing.Registry())

    def follows(value: Any) -> bool:
        try:
            return bool(validator.is_valid(value))
        except referencing.exceptions.Unresolvable as error:
            raise SettingsError(
                f"the JSON schema refers to {error.ref!r}, which is not in it", fix="put the definition under $defs"
            ) from None
        except RecursionError:
            return False

    return follows


def calls_of(text: str) -> list[str] | None:
    """The calls of an answer, each in a canonical form, sorted; None where it makes none."""
    try:
        made = [call for value in _values(_MARKS.sub("\n", text)) for call in _calls(value) or ()]
    except RecursionError:
        return None
    return sorted(made) if made else None


def _values(text: str) -> Iterator[Any]:
    """JSON objects and lists that begin a line and have nothing but white space after them on their last one."""
    at, failed = 0, 0
    while failed < MOST_FAILURES and (found := _BLOCK.search(text, at)) is not None:
        try:
            value, end = _DECODER.raw_decode(text, found.end() - 1)
        except (ValueError, RecursionError):
            at, failed = found.end(), failed + 1
            continue
        if not text[end : end + 1].strip(" \t\r\n"):
            yield value
        at = end


def _calls(value: Any) -> list[str] | None:
    items = value if isinstance(value, list) else [value]
    made = [_call(item) for item in items]
    return None if not made or any(call is None for call in made) else [call for call in made if call is not None]


def _call(item: Any) -> str | None:
    if isinstance(item, dict) and isinstance(item.get("function"), dict):
        item = item["function"]
    key = next((k for k in ("arguments", "parameters") if isinstance(item, dict) and k in item), None)
    if key is None or not isinstance(item.get("name"), str):
        return None
    arguments = item[key]
    if isinstance(arguments, str):
        parsed = strict(arguments)
        arguments = parsed if isinstance(parsed, dict) else arguments
    return json.dumps([item["name"], _plain({} if arguments is None else arguments)], sort_keys=True)


def _plain(value: Any) -> Any:
    """Equal JSON values as equal Python ones: 1.0 as 1."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tool_call_match(predictions: Sequence[str], references: Sequence[str]) -> tuple[Flags, Flags]:
    """(right, applies), each [n]: the same calls with the same arguments; applies where the reference makes calls."""
    wanted = [calls_of(text) for text in references]
    right = [theirs is not None and calls_of(text) == theirs for text, theirs in zip(predictions, wanted, strict=True)]
    return np.array(right, dtype=np.bool_), np.array([theirs is not None for theirs in wanted], dtype=np.bool_)
