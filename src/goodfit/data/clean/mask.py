"""The same text with what is personal or secret replaced by its kind: `write to [EMAIL] or [PHONE]`.

Layer: data. `data.mask` in the recipe applies it where rows are read, so that training, evaluation and prediction see the same; a
person's `mask` decision applies it to one row. Row ids are made before: they stay those of the text that was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from goodfit.data.clean.personal import KINDS, spans_of
from goodfit.data.clean.secret import secrets_of

SECRET = "secret"
MASKS = (*KINDS, SECRET)
"""What can be masked."""


def mask_text(text: str, kinds: Collection[str] = MASKS, *, met: Counter[str] | None = None) -> str:
    """The text with every span of these kinds replaced; `met` counts them. ValueError for a kind that there is not."""
    if unknown := set(kinds) - set(MASKS):
        raise ValueError(f"{', '.join(sorted(unknown))} is no kind of personal data; there are {', '.join(MASKS)}")
    spans = [(begin, end, SECRET) for begin, end, _ in secrets_of(text)] if SECRET in kinds else []
    for span in spans_of(text, kinds):
        if not any(span.begin < end and begin < span.end for begin, end, _ in spans):
            spans.append((span.begin, span.end, span.kind))
    out, done = [], 0
    for begin, end, kind in sorted(spans):
        out += [text[done:begin], "[SECRET]" if kind == SECRET else KINDS[kind].placeholder]
        done = end
    if met is not None:
        met.update(kind for _, _, kind in spans)
    return "".join([*out, text[done:]]) if spans else text


def mask_texts(texts: Sequence[str | None], kinds: Collection[str], *, met: Counter[str] | None = None) -> list[str | None]:
    """The same for several texts; missing ones stay missing."""
    return [None if text is None else mask_text(text, kinds, met=met) for text in texts]


def mask_value(value: Any, kinds: Collection[str], *, met: Counter[str] | None = None) -> Any:
    """A JSON value with every text in it masked (the keys of objects, roles and names of tools stay)."""
    if isinstance(value, str):
        return mask_text(value, kinds, met=met)
    if isinstance(value, dict):
        return {key: item if key in ("role", "name", "type", "id", "tool_call_id") else mask_value(item, kinds, met=met)
                for key, item in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [mask_value(item, kinds, met=met) for item in value]
    return value
