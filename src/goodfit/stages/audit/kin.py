"""What the checks on near-duplicates have in common: the rows that split told of, where they stand, and by what two texts differ.

Part of audit. Counts are over all rows; texts are looked at in train and validation only. What is printed of a text is the word that
differs, and only where it gives nobody away: a word that several rows have, a negation, "a number", "a rare word".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.normalise import normalise
from goodfit.data.shingles import DENSE
from goodfit.stages.audit.scene import SEEN, Scene

COMMON = 5
"""Rows that have a word, from which it may be printed."""
COMPARED = 2_000
"""Pairs of texts that are compared word by word."""
LONGEST = 30
OFF = "split.near_duplicates is false"
_NEGATIONS = (
    "no not none never nothing without cannot cant dont doesnt didnt isnt arent wasnt wont non nor unable nicht kein keine keinen nie ohne "
    "ne pas jamais sans aucun nunca sin nada não nao nem sem niet geen nooit не нет ни без никогда nije inte aldrig ikke aldri ei değil "
    "yok 不 没 沒 非 無 无 未 别 別 안 못 لا ليس لم لن नहीं मत না không chưa tidak bukan"
)
NEGATIONS = frozenset(_NEGATIONS.split())
"""Words that turn a sentence round, in some languages; the list need not be whole, it only lets a rare one be printed."""


def kin_rows(scene: Scene, column: str) -> pa.Table:
    """The rows of hygiene.parquet with this flag, largest group of near-duplicates first, groups together."""
    table = scene.hygiene_rows
    flag = table[column] if pa.types.is_boolean(table[column].type) else pc.is_valid(table[column])
    table = table.filter(flag)
    keys = [("near_size", "descending"), ("near", "ascending")]
    return table.take(pc.sort_indices(table, sort_keys=keys))


def example(scene: Scene, rows: pa.Table) -> str:
    """`tickets.csv:12 and tickets.csv:97`: the first row of these with a twin, and the twin; empty where none has one."""
    table = scene.hygiene_rows
    held = np.flatnonzero(pc.is_valid(rows["twin"]).to_numpy())
    for i in held[:20].tolist():
        place = pc.index(table["row"], rows["twin"][i]).as_py()
        if place >= 0:
            return f"{rows['at'][i].as_py()} and {table['at'][place].as_py()}"
    return ""


def seen_pairs(scene: Scene, rows: pa.Table) -> pa.Table:
    """Columns a, b: the row ids of rows and twins that both stand in train or validation, each pair once, at most COMPARED."""
    seen = scene.hygiene_rows.filter(pc.is_in(scene.hygiene_rows["split"], value_set=pa.array(SEEN)))["row"]
    both = rows.filter(pc.and_(pc.is_in(rows["split"], value_set=pa.array(SEEN)), pc.is_in(rows["twin"], value_set=pa.array(seen))))
    a, b = both["row"].to_pylist(), both["twin"].to_pylist()
    pairs = list(dict.fromkeys((min(x, y), max(x, y)) for x, y in zip(a, b)))[:COMPARED]
    return pa.table({"a": pa.array([x for x, _ in pairs], pa.string()), "b": pa.array([y for _, y in pairs], pa.string())})


def tokens(text: str) -> list[str]:
    """The words of a normalised text; of a text without spaces its characters."""
    return re.findall(_TOKEN, text)


_TOKEN = "[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in DENSE) + r"]|[^\s" + "".join(f"{chr(a)}-{chr(b)}" for a, b in DENSE) + "]+"


def difference(a: Sequence[str], b: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What only the first, and what only the second text says, in order."""
    left, right = Counter(a), Counter(b)
    return _beyond(a, right), _beyond(b, left)


def _beyond(words: Sequence[str], other: Counter[str]) -> tuple[str, ...]:
    left = Counter(other)
    out = []
    for word in words:
        if left[word]:
            left[word] -= 1
        else:
            out.append(word)
    return tuple(out)


def differences(scene: Scene, texts: pa.Array, others: pa.Array, shown: int = 5) -> list[tuple[str, int]]:
    """`[("not", 12), ("fee / limit", 5)]`: by what pairs of texts differ, commonest first; words that may not be told by their kind."""
    counted: Counter[tuple[tuple[str, ...], tuple[str, ...]]] = Counter()
    for a, b in zip(normalise(texts).to_pylist(), normalise(others).to_pylist()):
        one, other = difference(tokens(a or ""), tokens(b or ""))
        if 0 < len(one) + len(other) <= 4:
            counted[(one, other) if one <= other else (other, one)] += 1
    common = counted.most_common(4 * shown)
    frequent = _frequent(scene, {word for (one, other), _ in common for word in (*one, *other)})
    told: Counter[str] = Counter()
    for (one, other), n in common:
        told[" / ".join(side for side in (_said(words, frequent) for words in (one, other)) if side)] += n
    return told.most_common(shown)


def _said(words: Sequence[str], frequent: set[str]) -> str:
    return " ".join(dict.fromkeys(_word(word, frequent) for word in words))


def _word(word: str, frequent: set[str]) -> str:
    if re.search(r"\d", word):
        return "a number"
    return word if len(word) <= LONGEST and (word in frequent or word in NEGATIONS) else "a rare word"


def _frequent(scene: Scene, words: set[str]) -> set[str]:
    """Those of the words that at least COMMON rows of train and validation have (within longer words too)."""
    left = {word for word in words if len(word) <= LONGEST and not re.search(r"\d", word)}
    counts: Counter[str] = Counter()
    for name in SEEN:
        for batch in scene.splits.batches(name, columns=("text",)):  # type: ignore[arg-type]
            if not left:
                break
            texts = normalise(batch.column(0))
            for word in tuple(left):
                counts[word] += pc.sum(pc.match_substring(texts, word)).as_py() or 0
                if counts[word] >= COMMON:
                    left.discard(word)
    return {word for word, n in counts.items() if n >= COMMON}
