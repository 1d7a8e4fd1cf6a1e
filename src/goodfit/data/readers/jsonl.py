"""jsonl files: one JSON object per line, its keys are the columns.

Layer: data. A line that is no object, or no JSON, is an error that names it; a blank line is no row.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goodfit.data.readers import collect
from goodfit.data.readers.base import Chunk, DataFile, Opened
from goodfit.data.readers.json_value import Decoder
from goodfit.data.readers.lines import Lines, TextFile
from goodfit.data.values import kind_of


def open_jsonl(file: DataFile, text: TextFile) -> Opened:
    """A jsonl file; its columns are the keys of the first rows, and later rows may bring others."""

    def chunks(wanted: Sequence[str] | None) -> Iterator[Chunk]:
        with text.lines() as lines:
            yield from collect.chunks(_objects(file, lines), wanted, lines.position)

    names, complete = collect.names_of(chunks(None))
    return Opened(
        columns=names, chunks=chunks, typed=True, total=text.size, complete=complete, notes=text.notes, facts={"encoding": text.encoding}
    )


def _objects(file: DataFile, lines: Lines) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
    decoder = Decoder(file)
    for line in lines:
        content = line.strip().removeprefix("\ufeff")
        if not content:
            continue
        try:
            value = decoder.whole(content, lines.number)
        except json.JSONDecodeError as error:
            raise file.error(f"this line is not JSON: {_why(error, content)}", line=lines.number, fix=_fix(content)) from None
        except RecursionError:
            raise file.error("this line is nested too deeply", line=lines.number, fix="give flat objects") from None
        if not isinstance(value, dict):
            what = "a list" if isinstance(value, list) else kind_of(value)
            fix = 'give one object a line: {"text": "…", "label": "…"}'
            raise file.error(f"this line is {what}, not an object", line=lines.number, fix=fix)
        yield lines.number, len(line), value


def _why(error: json.JSONDecodeError, content: str) -> str:
    return f"{error.msg} at character {error.pos + 1}, near {content[max(0, error.pos - 15) : error.pos + 15]!r}"


def _fix(content: str) -> str:
    if content in ("{", "}"):
        return "an object over several lines is json: put each on one line, or make a list of them and call the file .json"
    if not content.endswith("}"):
        return "the line is cut off: write or copy the file again, or delete the line"
    return 'correct the line; text must stand in double quotes, with quotes inside written as \\"'


def looks_like_jsonl(text: TextFile) -> bool:
    """True where the first line is a whole object and another one follows (a jsonl file that is called .json)."""
    lines = [line for line in text.head.split("\n") if line.strip()]
    if len(lines) < 2:
        return False
    try:
        return isinstance(json.loads(lines[0]), dict) and lines[1].lstrip().startswith("{")
    except (ValueError, RecursionError):
        return False
