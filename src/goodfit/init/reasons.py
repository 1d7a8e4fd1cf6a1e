"""Why each part of the guess was made: one sentence for the screen and for the comment in the recipe.

Layer: init. Every number in a sentence is of the sample, and the sentence says so where the file is longer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from goodfit.data.labels import LIST
from goodfit.data.peek import Peek
from goodfit.init.languages import UNKNOWN, languages
from goodfit.init.profile import Column
from goodfit.init.roles import SURE, Roles

SMALL = 2000
"""Rows below which a test set leaves wide intervals."""
SHOWN = 6
"""Classes, members or columns that are named."""
TEST_SHARE = 0.15


@dataclass(frozen=True)
class Seen:
    """What was looked at."""

    data: Mapping[str, str]
    """The keys of the data section: `path`, or `train`, `valid`, `test`; relative to the recipe."""
    peek: Peek
    beside: tuple[str, ...] = ()
    """Other files in the folder that are named like given splits."""


def reasons(seen: Seen, found: Roles) -> dict[str, str]:
    """Part of the recipe -> sentence, the most important first."""
    return only_said(_text(found) | _label(seen, found) | beside(seen, found))


def beside(seen: Seen, found: Roles) -> dict[str, str]:
    """What does not depend on the task: which rows belong together, the groups, the times, the files."""
    return _shared(found) | _data(seen, found)


def only_said(said: Mapping[str, str]) -> dict[str, str]:
    """Without the parts of which there is nothing to say."""
    return {part: sentence for part, sentence in said.items() if sentence}


def rows_in_words(seen: Peek) -> str:
    """`5,000 rows`, or `the first 20,000 of about 1,000,000 rows`."""
    if seen.rows <= len(seen.lines):
        return f"{seen.rows:,} row{'' if seen.rows == 1 else 's'}"
    return f"the first {len(seen.lines):,} of {'' if seen.exact else 'about '}{seen.rows:,} rows"


def _text(found: Roles) -> dict[str, str]:
    columns, first = found.text, found.text[-1]
    what = f"{_quoted(columns)}: reads like a text, {first.spoken:.0f} words on average, {_percent(first.novelty)} of the values different"
    if len(columns) > 1:
        what = f"{_quoted(columns)}: belong together, and are joined by a line break"
    more = f"reads like a text too, and is not used: {_quoted(found.other_text)}" if found.other_text else ""
    return {"text": what, "other_text": more, "language": language_of(text for column in found.text[-1:] for text in column.counts)}


def language_of(texts: Iterable[str]) -> str:
    """What the first texts look like, and whether a model may not know it."""
    shares = languages(islice(texts, 400))
    known = {name: share for name, share in shares.items() if name != UNKNOWN and share >= 0.05}
    if sum(known.values()) < 0.3:
        return "the language of the texts was not recognised (a rough look): see that the model knows it"
    shown = ", ".join(f"{name} {_percent(share)}" for name, share in known.items())
    language = "this language" if len(known) == 1 else "these languages"
    warning = "" if list(known) == ["English"] else f": see that the model knows {language}"
    return f"the texts look like {shown} (a rough look at script and little words){warning}"


def _label(seen: Seen, found: Roles) -> dict[str, str]:
    if found.switches:
        return {"label": f"{_quoted(found.switches)}: columns of 0 and 1, one per label"}
    column = found.label
    assert column is not None
    doubt = "" if found.label_score >= SURE else "the best of what there is, so look twice: "
    rivals = ", ".join(f"{c.name!r} ({len(c.names)} values)" for c in found.rivals[:SHOWN])
    numbers = column.kind == "integer" and len(column.names) > 2
    empty = "; in a list column, write an empty list where no class holds" if column.separator == LIST else ""
    gaps = column.rows - column.filled
    part = len(seen.peek.lines) < seen.peek.rows
    in_order = column.runs <= 2 * len(column.names) and column.filled > 20 * len(column.names)
    several = {None: "", LIST: "each cell is a list of names"}.get(
        column.separator, f"names in a cell are separated by {column.separator!r}"
    )
    return {
        "label": f"{column.name!r}: {doubt}{classes_in_words(column)}",
        "rivals": f"could be the label too: {rivals}" if rivals else "",
        "multi_label": several,
        "sorted": "the file is in the order of its labels: there may be classes that were not seen" if part and in_order else "",
        "one": "only one class was seen, and at least two are needed" if len(column.names) == 1 else "",
        "missing": f"{gaps:,} rows that were looked at have no label: they are left out, and counted{empty}" if gaps else "",
        "order": "the classes are numbers, and are taken as names: their order is not used" if numbers else "",
    }  # fmt: skip


def classes_in_words(column: Column) -> str:
    """`3 classes: billing (40%), bug (35%), sales (25%)`."""
    names = column.names
    shown = ", ".join(f"{_short(name)} ({_percent(n / max(1, column.filled))})" for name, n in islice(names.items(), SHOWN))
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(names)} class{'' if len(names) == 1 else 'es'}: {shown}{more}"


def _shared(found: Roles) -> dict[str, str]:
    by, time = found.by, found.time
    groups = "; ".join(f"{c.name!r} ({_members(c)})" for c in found.groups)
    more = "; ".join(f"{c.name!r} ({_members(c)})" for c in found.more_groups[:4])
    return {
        "by": f"{by.name!r}: {by.distinct:,} different in {by.filled:,} rows; rows that share one stay on one side" if by else "",
        "maybe_by": _maybe(found),
        "groups": f"rows are counted per member of {groups}" if groups else "",
        "more_groups": f"few values, so possibly groups: {more}" if more else "",
        "time": f"{time.name!r} holds times: name it to train on the oldest rows and test on the newest" if time else "",
        "ids": f"{_quoted(found.ids)}: numbers the rows, and is not used" if found.ids else "",
    }


def _maybe(found: Roles) -> str:
    shown = "; ".join(f"{c.name!r} ({c.distinct:,} different in {c.filled:,} rows)" for c in found.maybe_by[:3])
    return (
        f"values that come again: {shown}: if rows that share one belong together (a customer, a document), name it in split.by"
        if shown
        else ""
    )


def _members(column: Column) -> str:
    names = [_short(name) for name in column.names]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _data(seen: Seen, found: Roles) -> dict[str, str]:
    given = [key for key in seen.data if key != "path"]
    n = seen.peek.rows
    tested = round(n * TEST_SHARE)
    small = f"{n:,} rows leave about {tested:,} to test on: a share is then known to within {_half_width(tested)} points or so"
    split = (
        f"{found.split.name!r} says which rows are for training and testing, and is not used: given splits are separate files"
        if found.split
        else ""
    )
    beside = f"{_words(seen.beside)} beside it: write train:, valid: and test: instead of path: to keep these splits" if seen.beside else ""
    return {
        "data": f"given splits, kept as they are: {', '.join(given)}" if given else "",
        "split_column": split,
        "beside": beside,
        "small": small if n < SMALL and "test" not in given else "",
        "notes": "; ".join(seen.peek.notes),
    }


def _half_width(rows: int) -> int:
    """Half of the 95% interval of a share near one half, in points."""
    return round(98 / math.sqrt(max(1, rows)))


def _words(names: Sequence[str]) -> str:
    return f"{' and '.join(names)} {'lies' if len(names) == 1 else 'lie'}"


def _quoted(columns: Sequence[Column]) -> str:
    shown = ", ".join(repr(column.name) for column in columns[:SHOWN])
    return shown + (f" and {len(columns) - SHOWN} more" if len(columns) > SHOWN else "")


def _short(name: str) -> str:
    return name if len(name) <= 40 else f"{name[:39]}…"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 or share == 0 else "<1%"
