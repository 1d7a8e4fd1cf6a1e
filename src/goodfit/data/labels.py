"""Labels: which there are, how often, which of them are probably the same word, and how several stand in one cell.

Layer: data. Used by the reader (cells with several names), by `init` (guessing), by `split` and by audit.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from goodfit.data.normalise import normalise

LIST = "list"
"""Separator name for cells that hold a JSON or Python list."""
LIST_NAMES = frozenset({LIST, "json", "JSON", "[]"})
NO_SEPARATOR = ""
"""Separator name for cells that hold one name each."""
SEPARATORS = ("|", ";", ",")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_MEANT = re.compile(r"\d+|[#+]|(?<!\w)[-−](?=\w)")
"""Numbers, `#`, `+`, and a minus before a word: what tells two labels apart however alike they look."""
TYPO_MIN_LENGTH = 5
TYPO_MAX_SHARE = 0.05
"""A label counts as a typo of another only if it has at most this share of the other's rows (or TYPO_MAX_ROWS)."""
TYPO_MAX_ROWS = 2
TYPO_MAX_LABELS = 5000
"""Beyond so many labels no typo is looked for: the column holds something else."""


@dataclass(frozen=True)
class Vocabulary:
    """The labels of some rows."""

    counts: Mapping[str, int]
    """Label -> rows, in label order: by number if all are whole numbers, else by code point."""
    missing: int
    """Rows without a label."""
    rows: int
    multi_label: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The labels in order: index = class number."""
        return tuple(self.counts)


@dataclass(frozen=True)
class SimilarLabels:
    """Two labels that are probably one; `rare` has at most as many rows as `common`."""

    rare: str
    common: str
    how: Literal["case", "spaces", "punctuation", "typo"]
    """What they differ by, the least of these."""
    rows: int
    """Rows of the rarer one."""


def vocabulary(labels: pa.Array | pa.ChunkedArray) -> Vocabulary:
    """Counts of a column of strings, or of lists of strings (a name twice in one row counts once)."""
    multi = pa.types.is_list(labels.type)
    counts: Counter[str] = Counter()
    for chunk in labels.chunks if isinstance(labels, pa.ChunkedArray) else [labels]:
        if multi:
            for names in chunk.to_pylist():
                counts.update(set(names or ()))
        else:
            for item in pc.value_counts(chunk).to_pylist():
                counts[item["values"]] += item["counts"]
    counts.pop(None, None)  # type: ignore[call-overload]
    ordered = {name: counts[name] for name in label_order(counts)}
    return Vocabulary(ordered, missing=int(labels.null_count), rows=len(labels), multi_label=multi)


def label_order(names: Iterable[str]) -> list[str]:
    """Labels in the order of their class numbers: by number if all are whole numbers ("2" before "10"), else by code point."""
    unique = set(names)
    if unique and all(_is_integer(name) for name in unique):
        return sorted(unique, key=lambda name: (int(name), name))
    return sorted(unique)


def similar_labels(counts: Mapping[str, int]) -> list[SimilarLabels]:
    """Pairs of labels that differ by case, spaces or punctuation, or by one typing error (a slip of one character or two swapped).

    Numbers are never paired, nor names that differ in a digit, a sign, `#` or `+`. A typo is only claimed for labels of five letters
    or more, and only where one of the two is rare beside the other: `typical` and `atypical` are two words. Worst (most rows) first.
    """
    found = [_written_alike(a, b, counts) for a, b in _same_key_pairs(counts)]
    known = {(pair.rare, pair.common) for pair in found}
    for a, b in _typo_pairs(counts):
        if _differ_on_purpose(a, b):
            continue
        rare, common = _rare_first(a, b, counts)
        limit = max(TYPO_MAX_ROWS, TYPO_MAX_SHARE * counts[common])
        if (rare, common) not in known and counts[rare] <= limit and counts[rare] < counts[common]:
            found.append(SimilarLabels(rare, common, "typo", counts[rare]))
    return sorted(found, key=lambda pair: (-pair.rows, pair.rare, pair.common))


# -- several names in one cell ------------------------------------------------------------------------------------------


def detect_separator(cells: Iterable[Any], *, multi_label: bool = False) -> str | None:
    """What separates the names in the cells of a column: `|`, `;`, `,`, `list`, or None where each cell is one name.

    Cells that are lists already, or look like `["a", "b"]`, are `list`. Else the separator whose parts recur: splitting must not
    leave more different names than there are different cells, and half of the names must stand in several of them. Where the
    task is known to be multi-label, any of the three that stands in a cell will do, if none passes that test.
    """
    values = [cell for cell in cells if cell is not None and cell != ""]
    if not values:
        return None
    if any(isinstance(cell, (list, tuple)) for cell in values):
        return LIST
    texts = [str(cell).strip() for cell in values]
    if sum(text.startswith("[") and text.endswith("]") for text in texts) > 0.9 * len(texts):
        return LIST
    found = next((separator for separator in SEPARATORS if _separates(texts, separator)), None)
    if found is None and multi_label:
        found = next((separator for separator in SEPARATORS if any(separator in text for text in texts)), None)
    return found


NOTHING = "[]"
"""A multi-label cell that says: none of the labels."""


def parse_labels(cell: str, separator: str) -> list[str]:
    """The names in one cell, in their order, each once; ValueError where a `list` cell is not one.

    `[]` means none of them, whatever separates the names elsewhere: a blank cell is a row that nobody labelled.
    """
    if cell.strip() == NOTHING:
        return []
    if separator == NO_SEPARATOR:
        names = [cell]
    elif separator in LIST_NAMES:
        names = _parse_list(cell)
    else:
        names = cell.split(separator)
    return list(dict.fromkeys(name for name in (name.strip() for name in names) if name))


def _parse_list(cell: str) -> list[str]:
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError('it is not a list such as ["a", "b"]')
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            # [billing, bug]: a list of bare words.
            value = [part.strip().strip("'\"") for part in text[1:-1].split(",")]
    if not isinstance(value, list) or any(isinstance(item, (list, dict, tuple, set)) for item in value):
        raise ValueError("it is not a flat list of names")
    return [str(item) for item in value if item is not None]


def _separates(texts: Sequence[str], separator: str) -> bool:
    joined = [text for text in texts if separator in text]
    if not joined:
        return False
    cells = set(texts)
    holders: Counter[str] = Counter()
    for cell in cells:
        holders.update({part.strip() for part in cell.split(separator) if part.strip()})
    recurring = sum(1 for part, n in holders.items() if n > 1)
    return len(holders) <= len(cells) and recurring >= 0.5 * len(holders)


# -- labels that are probably one ---------------------------------------------------------------------------------------


def _is_integer(name: str) -> bool:
    return _INTEGER.fullmatch(name) is not None


def _differ_on_purpose(a: str, b: str) -> bool:
    """Numbers, and names that differ in a digit, a sign, `#` or `+`: -1 and 1, v1.0 and v10, C and C#, inf and -inf."""
    return (_is_number(a) and _is_number(b)) or _MEANT.findall(a) != _MEANT.findall(b)


def _is_number(name: str) -> bool:
    try:
        float(name.strip().rstrip("%").replace(",", "."))
    except ValueError:
        return False
    return True


def _rare_first(a: str, b: str, counts: Mapping[str, int]) -> tuple[str, str]:
    return (a, b) if (counts[a], a) <= (counts[b], b) else (b, a)


def _same_key_pairs(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Every label beside the commonest of those that are equal when normalised, and do not differ on purpose."""
    names = list(counts)
    keys = [key.replace(" ", "").replace("_", "") for key in normalise(pa.array(names, pa.string())).to_pylist()]
    alike: dict[str, list[str]] = defaultdict(list)
    for name, key in zip(names, keys):
        alike["\0".join([key or name, *_MEANT.findall(name)]) if not _is_number(name) else f"\0{name}"].append(name)
    for group in alike.values():
        best = max(group, key=lambda name: (counts[name], name))
        yield from ((name, best) for name in group if name != best)


def _written_alike(a: str, b: str, counts: Mapping[str, int]) -> SimilarLabels:
    rare, common = _rare_first(a, b, counts)
    how: Literal["case", "spaces", "punctuation"] = "punctuation"
    if rare.casefold() == common.casefold():
        how = "case"
    elif "".join(rare.split()).casefold() == "".join(common.split()).casefold():
        how = "spaces"
    return SimilarLabels(rare, common, how, counts[rare])


def _typo_pairs(counts: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Pairs within one insertion, deletion, substitution or swap of neighbours (symmetric deletion index, then verified)."""
    names = sorted(name for name in counts if len(name) >= TYPO_MIN_LENGTH) if len(counts) <= TYPO_MAX_LABELS else []
    index: dict[str, list[str]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for name in names:
        folded = name.casefold()
        for key in {folded} | {folded[:i] + folded[i + 1 :] for i in range(len(folded))}:
            for other in index[key]:
                if (other, name) not in seen and one_slip(other.casefold(), folded):
                    seen.add((other, name))
                    yield other, name
            index[key].append(name)


def one_slip(a: str, b: str) -> bool:
    """True where one insertion, deletion, substitution or swap of neighbours (not of a digit) makes `a` into `b`."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    left, right = a[start : len(a) - end], b[start : len(b) - end]
    swapped = len(left) == len(right) == 2 and left == right[::-1]
    return (max(len(left), len(right)) == 1 or swapped) and not any(c.isdigit() for c in left + right)
