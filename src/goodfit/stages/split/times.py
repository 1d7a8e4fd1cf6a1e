"""A column of times, read: ISO 8601, numbers (unix seconds, years …), and the common ways to write a date. For `split.time`.

One form must fit the whole column, so that 01/02/2026 is never January in one row and February in the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from goodfit.errors import DataError, Place

Times = npt.NDArray[np.int64]
"""Microseconds since 1970-01-01 UTC; a time without a zone counts as UTC. Numbers keep their order and nothing else."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_STEPS = 1000
"""Numbers are told apart to this fraction."""
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_DATES = (
    "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %b %Y", "%d-%b-%y", "%d-%b-%Y", "%b %d, %Y",
    "%Y-%m", "%b %Y",
)  # fmt: skip
_FORMS = tuple(date + clock for date in _DATES for clock in _CLOCKS) + ("%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S")
FIX = "write times like 2026-05-01 or 2026-05-01T09:00:02Z, or as unix seconds"


@dataclass(frozen=True)
class Form:
    """A way to write times: all values that it cannot read are null in what `read` gives."""

    name: str

    def read(self, texts: pa.Array) -> npt.NDArray[np.float64]:
        """Microseconds since 1970 of every text, NaN where it is not of this form; shape (n,)."""
        if self.name == "iso":
            return np.array([_iso(text) for text in texts.to_pylist()], dtype=np.float64)
        if self.name == "number":
            return _numbers(texts)
        parsed = pc.strptime(texts, format=self.name, unit="us", error_is_null=True)
        out = pc.cast(parsed, pa.int64()).to_numpy(zero_copy_only=False).astype(np.float64)
        # strptime accepts 31.02.: it overflows into March.
        back = pc.strftime(parsed, format=self.name)
        if "%b" in self.name:
            return out
        same = pc.equal(_padded(texts), _padded(back)).fill_null(False).to_numpy(zero_copy_only=False)
        return np.where(same, out, np.nan)


def parse_times(texts: pa.ChunkedArray, places: pa.ChunkedArray, column: str) -> Times:
    """Every time of a column without missing values; DataError with the line of the first that cannot be read."""
    form = find_form(texts, column)
    parts = []
    start = 0
    for chunk in texts.chunks:
        values = form.read(chunk)
        wrong = np.flatnonzero(np.isnan(values))
        if len(wrong):
            raise _unreadable(chunk[int(wrong[0])].as_py(), str(places[start + int(wrong[0])]), column, form)
        parts.append(values.astype(np.int64))
        start += len(chunk)
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def find_form(texts: pa.ChunkedArray, column: str) -> Form:
    """The one form that fits most of the column; DataError where 01/02 may be January or February throughout."""
    distinct = pc.unique(texts)
    fits = [(int(np.isfinite(form.read(distinct)).sum()), form) for form in (Form("iso"), Form("number"))]
    if max(n for n, _ in fits) < len(distinct):
        fits += [(int(np.isfinite(form.read(distinct)).sum()), form) for form in map(Form, _FORMS)]
    best = max(n for n, _ in fits)
    forms = [form for n, form in fits if n == best]
    _check_day_first(forms, distinct, column)
    return forms[0]


def _check_day_first(forms: Sequence[Form], texts: pa.Array, column: str) -> None:
    """Day first or month first is only a question where the two orders differ."""
    names = [form.name for form in forms if form.name.startswith(("%d/%m", "%m/%d"))]
    if len(names) < 2 or not len(texts):
        return
    first, second = (Form(name).read(texts) for name in names[:2])
    both = np.isfinite(first) & np.isfinite(second)
    if (np.argsort(first[both], kind="stable") != np.argsort(second[both], kind="stable")).any():
        raise DataError(
            f"the times in column {column!r} are ambiguous: {texts[0].as_py()!r} may be day/month or month/day",
            place=Place(key=column), fix=FIX,
        )  # fmt: skip


def _iso(text: str) -> float:
    text = text.strip()
    if text.isdigit():  # 20260501 is a date for fromisoformat, 1714550400 is not: numbers are decided by the column
        return np.nan
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            # 2026-05-01 09:00:02 UTC, 2026-05 and 2026-05-01T9:00 are seen in the wild; only the first is unambiguous.
            moment = datetime.fromisoformat(text.removesuffix(" UTC").removesuffix(" GMT"))
        except ValueError:
            return np.nan
    whole = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return float((whole - _EPOCH) // _MICROSECOND)


def _numbers(texts: pa.Array) -> npt.NDArray[np.float64]:
    plain = pc.match_substring_regex(texts, r"^\s*-?\d{1,15}(\.\d+)?\s*$").fill_null(False)
    values = pc.cast(pc.if_else(plain, pc.utf8_trim_whitespace(texts), pa.scalar(None, pa.string())), pa.float64())
    out: npt.NDArray[np.float64] = np.round(values.to_numpy(zero_copy_only=False).astype(np.float64) * _STEPS)
    return out


def _padded(texts: pa.Array) -> pa.Array:
    """Dates compared with or without leading zeros."""
    return pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), pattern=r"\b0(\d)", replacement=r"\1")


def _unreadable(text: str, place: str, column: str, form: Form) -> DataError:
    file, _, line = place.rpartition(":")
    others = "" if form.name == "iso" else f" (the others are read as {'numbers' if form.name == 'number' else form.name})"
    where = Place(file=file or place, line=int(line) if line.isdigit() else None, key=column)
    return DataError(f"column {column!r} holds {text[:60]!r}, which is no time{others}", place=where, fix=FIX)
