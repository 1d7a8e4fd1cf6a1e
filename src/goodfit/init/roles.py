"""Which column is what: the input, the label, what rows share, the groups, the times; each with the reason in words.

Layer: init. A guess is made from what the values look like first and what the name says second, and it says so; where two columns
would do, the other is named too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from goodfit.init import hints
from goodfit.init.profile import Column

MOST_CLASSES = 1000
MOST_MEMBERS = 50
"""A group column has at most so many members."""
LEAST_TIES = 20
"""A column that rows share (a customer) has at least so many values; with fewer, a split by it would be by chance."""
SURE = 3.5
"""A label of this score is named or shaped like one; below it is the best of what there is."""
POSSIBLE = 1.0
"""Below it a column is not taken for a label."""


@dataclass(frozen=True)
class Roles:
    """The parts that the columns play."""

    text: tuple[Column, ...]
    label: Column | None
    label_score: float = 0.0
    rivals: tuple[Column, ...] = ()
    """Other columns that could be the label."""
    other_text: tuple[Column, ...] = ()
    groups: tuple[Column, ...] = ()
    more_groups: tuple[Column, ...] = ()
    """Columns of few values that no name calls a group."""
    by: Column | None = None
    maybe_by: tuple[Column, ...] = ()
    """Columns of ids that come again, whose name says nothing."""
    time: Column | None = None
    ids: tuple[Column, ...] = ()
    """Columns that number the rows."""
    split: Column | None = None
    """A column that says train or test."""
    switches: tuple[Column, ...] = ()
    """Columns of 0 and 1 that together look like one column per label."""


def roles(columns: Sequence[Column], *, text: Sequence[str] = (), label: str | None = None) -> Roles:
    """A part for each column; `text` and `label` are settled if they are given."""
    named = {column.name: column for column in columns}
    split = next((column for column in columns if _is_split(column)), None)
    ids = tuple(c for c in columns if c.novelty == 1 and c.filled > 1 and _is_id(c))
    taken = {c.name for c in ids} | ({split.name} if split else set())
    free = [c for c in columns if c.name not in taken]
    texts = tuple(named[name] for name in text) or _texts([c for c in free if c.name != label])
    score, chosen, rivals = _label([c for c in free if c not in texts], len(columns))
    if label is not None:
        rivals, score, chosen = tuple(c for c in (chosen, *rivals) if c and c.name != label), 9.0, named[label]
    rest = [c for c in free if c not in texts and c is not chosen]
    found = _around(rest, rivals)
    return replace(
        found, text=texts, label=chosen, label_score=score, rivals=rivals, ids=ids, split=split,
        switches=_switches(chosen, [c for c in rest if c is not found.by and c not in found.groups]) if label is None else (),
    )  # fmt: skip


def around(columns: Sequence[Column]) -> Roles:
    """The parts of the columns that stand beside a conversation or a text to be written: no text and no label among them."""
    split = next((column for column in columns if _is_split(column)), None)
    ids = tuple(c for c in columns if c.novelty == 1 and c.filled > 1 and _is_id(c))
    return replace(_around([c for c in columns if c not in ids and c is not split], ()), ids=ids, split=split)


def _around(columns: Sequence[Column], rivals: Sequence[Column]) -> Roles:
    by = _by(columns)
    rest = [c for c in columns if c is not by]
    groups = tuple(c for c in rest if _is_group(c) and _named_group(c))
    maybe = () if by else tuple(c for c in rest if _is_reference(c) and _comes_again(c) and c not in (*groups, *rivals))
    return Roles(
        text=(), label=None, groups=groups, by=by, maybe_by=maybe,
        other_text=tuple(c for c in rest if _is_prose(c) and c not in groups),
        more_groups=tuple(c for c in rest if _is_group(c) and c.kind != "integer" and c not in (*groups, *rivals) and not _is_vote(c)),
        time=next((c for c in rest if _is_time(c)), None),
    )  # fmt: skip


# The input


def _is_prose(column: Column) -> bool:
    return column.kind in ("text", "mixed") and not column.is_time and not column.is_address and column.spoken >= 3 and column.length >= 12


def _text_score(column: Column) -> float:
    """Longer and more varied is more like a text; the name counts for about as much."""
    words = set(column.words)
    score = math.sqrt(min(column.length, 400.0)) * (0.2 + column.novelty)
    score += 8 if column.name.lower() in hints.TEXT else 4 if words & hints.TEXT else 0
    return score - (6 if words & hints.NOT_TEXT else 0) - 8 * column.missing


def _texts(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The column that reads most like a text, with its heading or its partner where the names say that they belong together."""
    prose = [c for c in columns if _is_prose(c)]
    candidates = prose or [c for c in columns if c.kind == "text" and not (c.is_time or c.is_address) and c.novelty > 0.3 and c.filled > 1]
    candidates = candidates or [c for c in columns if c.kind == "text" and c.name.lower() in hints.TEXT]
    if not candidates:
        return ()
    best = max(candidates, key=_text_score)
    by_name = {c.name.lower(): c for c in columns if c.kind == "text" and (_is_prose(c) or c.name.lower() == "aspect")}
    for first, second in hints.PAIRS:
        if first in by_name and second in by_name and best in (by_name[first], by_name[second]):
            return by_name[first], by_name[second]
    heading = next((c for c in columns if c is not best and c.kind == "text" and _is_heading(c, best)), None)
    return (heading, best) if heading else (best,)


def _is_heading(column: Column, body: Column) -> bool:
    return bool(set(column.words) & hints.HEADING) and bool(set(body.words) & hints.BODY) and column.novelty > 0.2 and column.spoken >= 1.5


# The label


def _label(columns: Sequence[Column], width: int) -> tuple[float, Column | None, tuple[Column, ...]]:
    """Score, the likeliest label, and the others that could be it, likeliest first."""
    scored = sorted(((label_score(c, width), c) for c in columns if _is_categorical(c)), key=lambda pair: -pair[0])
    good = [(score, c) for score, c in scored if score >= POSSIBLE]
    if not good:
        # A column such as `language` is a group beside a label, and the label where there is none.
        good = [(POSSIBLE, c) for _, c in scored if _is_group(c) and set(c.words) & (hints.GROUP | hints.WEAK_LABEL)][:1]
    if not good:
        return 0.0, None, ()
    return good[0][0], good[0][1], tuple(c for score, c in good[1:] if score >= max(POSSIBLE, good[0][0] - 3))


def _is_categorical(column: Column) -> bool:
    """Few names that come again, short ones."""
    if column.kind not in ("text", "integer", "true/false", "list", "mixed", "number") or column.is_time or column.is_address:
        return False
    if column.kind == "list" and not column.lists:
        return False
    if looks_continuous(column):
        return False
    classes = len(column.names)
    longest = 60 if column.separator is None else 400
    named = column.name.lower() in hints.LABEL
    enough = sum(column.names.values()) >= (1.2 if named else 2.0) * classes
    return 1 <= classes <= MOST_CLASSES and enough and column.length <= longest and (classes > 1 or named)


def label_score(column: Column, width: int) -> float:
    """How much a column of few values is like a label: its name, its kind, its classes."""
    words, name = set(column.words), column.name.lower()
    score = 6.0 if name in hints.LABEL else 4.0 if words & hints.LABEL else 2.0 if words & hints.WEAK_LABEL else 0.0
    score += (1.0 if words & hints.BEST_LABEL else 0.5 if words & hints.GOOD_LABEL else 0.0) if score else 0.0
    score -= 4.0 if words & hints.NOT_LABEL and name not in hints.LABEL else 0.0
    score -= 2.0 if any(word.isdigit() for word in words) and score else 0.0
    score += {"text": 0.5, "list": 1.0, "integer": -0.5, "number": -1.5}.get(column.kind, 0.0)
    score += 1.0 if len(column.names) <= 20 else 0.5 if len(column.names) <= 200 else -0.5
    score += 0.5 if sum(column.names.values()) >= 20 * len(column.names) else 0.0
    score += 0.3 if column.position == width - 1 else 0.2 if column.position == 0 else 0.0
    score += 1.5 if width == 2 and column.kind == "text" else 0.0
    score -= 5.0 if len(column.names) == 1 else 0.0
    gaps = 0.6 if column.lists else 3.0
    return score - gaps * column.missing


def looks_continuous(column: Column) -> bool:
    """Numbers that measure something rather than name a class."""
    if column.kind not in ("integer", "number"):
        return False
    numbers = sorted(float(value) for value in column.counts)
    if not all(number.is_integer() for number in numbers):
        return column.distinct > 10
    dense = numbers[-1] - numbers[0] + 1 <= 1.2 * column.distinct
    return column.distinct > 30 and not (dense and numbers[0] in (0, 1) and column.repeats >= 3)


def _switches(label: Column | None, rest: Sequence[Column]) -> tuple[Column, ...]:
    """Three or more columns of 0 and 1, where no other column is called the label: one column per label."""
    if label is not None and not (label.is_switch and not set(label.words) & hints.GENERIC_LABEL):
        return ()
    found = [c for c in (*rest, *([label] if label else [])) if c.is_switch]
    return tuple(sorted(found, key=lambda c: c.position)) if len(found) >= 3 else ()


# What rows share


def _is_id(column: Column) -> bool:
    """Whether the values only number or name the rows."""
    short = column.spoken <= 1.2 and column.length <= 80
    looks = column.kind == "integer" or bool(set(column.words) & (hints.ID | {"unnamed", "file", "fname", "filename"}))
    return short and looks


def _by(columns: Sequence[Column]) -> Column | None:
    """The column of ids that come again: a customer, a document, a template."""
    found = [
        (rank, -c.repeats, c)
        for c in columns
        if c.missing < 0.2 and c.repeats >= 1.1 and _is_reference(c) and (rank := _tie(c)) is not None
    ]
    return min(found, key=lambda item: item[:2])[2] if found else None


def _is_reference(column: Column) -> bool:
    return column.kind in ("text", "integer", "mixed") and column.spoken <= 3 and column.distinct >= LEAST_TIES and not column.is_time


def _comes_again(column: Column) -> bool:
    """Short values, a few rows each: what ids look like whatever they are called."""
    return (
        column.missing < 0.2
        and 1.2 <= column.repeats <= 50
        and column.spoken <= 1.2
        and column.length <= 40
        and not looks_continuous(column)
    )


def _tie(column: Column) -> int | None:
    """How close rows with the same value are (0 the closest), by the name; None where it does not say that it refers to something."""
    words = set(column.words)
    refers = bool(words & hints.ID)
    if any(stem in word for word in words for stem in hints.BY_STEMS):
        return 0
    for rank, known in enumerate(hints.BY):
        if words & known and (refers or rank < 2):
            return rank
    return len(hints.BY) if refers and len(words) > 1 else None


def _is_group(column: Column) -> bool:
    members = 2 <= column.distinct <= MOST_MEMBERS and column.repeats >= 5 and column.length <= 40
    return members and column.kind in ("text", "integer", "true/false") and not looks_continuous(column) and column.separator is None


def _named_group(column: Column) -> bool:
    """A name such as `customer_region`; of numbers only the bare word, for `offensive_language: 3` is a count."""
    return bool(set(column.words) & hints.GROUP) if column.kind == "text" else column.name.lower() in hints.GROUP


def _is_vote(column: Column) -> bool:
    """`annotation_1`: one annotator's label."""
    return bool(set(column.words) & hints.LABEL) and any(word.isdigit() for word in column.words)


def _is_time(column: Column) -> bool:
    return column.is_time or (column.kind in ("integer", "number") and bool(set(column.words) & {"timestamp", "unixtime"}))


def _is_split(column: Column) -> bool:
    values = {value.strip().lower() for value in column.counts}
    return bool(set(column.words) & hints.SPLIT) and 1 <= len(values) <= 4 and values <= hints.SPLIT_VALUES
