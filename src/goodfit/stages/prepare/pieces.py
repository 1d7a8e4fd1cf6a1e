"""prepare/shown.jsonl: the first training rows as the model sees them, for the report. Part of prepare, for generation.

`goodfit show RUN prepare` shows the same rows, and any other, from the tokens themselves (`shown.py`); this file stays when the cache
is gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from goodfit.engine.examples import Examples
from goodfit.files import write_jsonl
from goodfit.models.vocabulary import special_tokens

FIRST = 3
LONGEST = 20_000
"""Characters of a row that are kept."""


def publish(path: Path, folder: Path, tokenizer: Any) -> None:
    """Writes the first examples of `folder` (a split in the cache); no line where it has none."""
    examples = Examples.load(folder) if (folder / "examples.json").is_file() else None
    places = [] if examples is None else range(min(FIRST, len(examples)))
    write_jsonl(path, [_line(examples, place, tokenizer) for place in places])


def _line(examples: Any, place: int, tokenizer: Any) -> dict[str, Any]:
    ids, learned = examples.ids(place).tolist(), examples.gather_learned([place]).tolist()
    return {
        "row": examples.row_ids([place])[0], "split": "train", "tokens": len(ids), "learned": sum(map(bool, learned)),
        "pieces": pieces(ids, learned, tokenizer),
    }  # fmt: skip


def pieces(ids: Sequence[int], learned: Sequence[bool], tokenizer: Any) -> list[dict[str, Any]]:
    """The text of a row in runs of tokens that are learned or not; a special token is a run of its own."""
    special = frozenset(special_tokens(tokenizer).values())
    marked = [(token, bool(flag), place if token in special else -1) for place, (token, flag) in enumerate(zip(ids, learned, strict=True))]
    out: list[dict[str, Any]] = []
    left = LONGEST
    for (flag, alone), together in groupby(marked, key=lambda part: part[1:]):
        tokens = [token for token, _, _ in together]
        text = str(tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False))[:left]
        out.append({"text": text, "learned": flag, "special": alone >= 0})
        left -= len(text)
        if left <= 0:
            break
    return out
