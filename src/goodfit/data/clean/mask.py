"""The same text with what is personal or secret replaced by its kind: `write to [EMAIL] or [PHONE]`.

Layer: data. `data.mask` in the recipe applies it where rows are read, so that training, evaluation and prediction see the same; a
person's `mask` decision applies it to one row. Row ids are made before: they stay those of the text that was given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from goodfit.data.clean.columns import claim, suspects
from goodfit.data.clean.personal import KINDS, spans_of
from goodfit.data.clean.secret import PREFILTER as SECRET_PREFILTER
from goodfit.data.clean.secret import secrets_of
from goodfit.data.clean.shapes import PREFILTER

SECRET = "secret"
MASKS = (*KINDS, SECRET)
"""What can be masked."""


def mask_text(text: str, kinds: Collection[str] = MASKS, *, met: Counter[str] | None = None) -> str:
    """The text with every span of these kinds replaced; `met` counts them. ValueError for a kind that there is not."""
    if unknown := set(kinds) - set(MASKS):
        raise ValueError(f"{', '.join(sorted(unknown))} is no kind of personal data; there are {', '.join(MASKS)}")
    spans = [(begin, end, SECRET) for begin, end, _ in secrets_of(text)] if SECRET in kinds else []
    spans += [(span.begin, span.end, span.kind) for span in spans_of(text, kinds)]
    taken = bytearray(len(text))
    spans = [(begin, end, kind) for begin, end, kind in spans if claim(taken, begin, end)]
    out, done = [], 0
    for begin, end, kind in sorted(spans):
        out += [text[done:begin], "[SECRET]" if kind == SECRET else KINDS[kind].placeholder]
        done = end
    if met is not None:
        met.update(kind for _, _, kind in spans)
    return "".join([*out, text[done:]]) if spans else text


def mask_texts(texts: Sequence[str | None], kinds: Collection[str], *, met: Counter[str] | None = None) -> list[str | None]:
    """The same for several texts; missing ones stay missing. RE2 leaves those that could hold something."""
    out = list(texts)
    for i, text in suspects(pa.array(texts, pa.string()), f"{PREFILTER}|{SECRET_PREFILTER}"):
        out[i] = mask_text(text, kinds, met=met)
    return out


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


@dataclass(frozen=True)
class Mask:
    """Some kinds, and how many of each were met."""

    kinds: tuple[str, ...]
    met: Counter[str]

    def texts(self, texts: Sequence[str | None]) -> Sequence[str | None]:
        """Texts with these kinds replaced."""
        return mask_texts(texts, self.kinds, met=self.met) if self.kinds else texts

    def value(self, value: Any) -> Any:
        """A JSON value with these kinds replaced."""
        return mask_value(value, self.kinds, met=self.met) if self.kinds else value


def masked_note(kinds: Collection[str], met: Counter[str]) -> list[str]:
    """What a user is told of it: `masked (data.mask): 12 email, 3 phone`."""
    said = ", ".join(f"{n:,} {kind}" for kind, n in met.most_common()) or f"none of {', '.join(kinds)} was met"
    return [f"masked (data.mask): {said}"] if kinds else []
