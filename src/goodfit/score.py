"""Score: a number that knows its uncertainty. Verdict: an answer that knows its rows. Gate: a bar set beforehand.

Nouns layer: standard library and pydantic. `statistics/` is the only place that makes Scores from data; everything else
passes them on. JSON has no NaN: what was not scored is a Score with `why_absent` and no value (SCHEMAS: score, verdict).
"""

from __future__ import annotations

import math
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from goodfit.errors import SettingsError

Answer = Literal[
    "better", "worse", "no_difference", "cannot_tell", "met", "missed", "undecided",
    "gap", "no_gap_above_margin", "not_enough_data", "not_measured",
]  # fmt: skip
Unit = Literal["share", "nats", "bits", "ratio", "seconds", "bytes", "count", "points"]


class Score(BaseModel):
    """One measured number, with its interval, the rows behind it, and what it is about."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The metric: `macro_f1`, `accuracy`, `log_loss` …"""
    value: float | None = None
    """The estimate, in `unit` (shares are 0-1, never percent); None with `why_absent`."""
    low: float | None = None
    """Lower end of the interval; None where no interval exists (then `method` says why)."""
    high: float | None = None
    """Upper end of the interval."""
    level: float = 0.95
    """Confidence level of the interval."""
    n: int
    """Rows behind the number (for a per-class recall: the rows of that class)."""
    unit: Unit = "share"
    higher_is_better: bool = True
    system: str | None = None
    """Who was scored: `model`, `majority`, `tfidf` …"""
    split: str | None = None
    """`train`, `valid`, `test` or `folds`."""
    label: str | None = None
    """The class, for per-class scores."""
    group: dict[str, str] | None = None
    """Axis -> member, for scores of a group."""
    slice: str | None = None
    """The predicate, for scores of a slice."""
    method: str | None = None
    """How the interval was made: `wilson`, `bca_confusion`, `delong_logit`, `cluster_bootstrap` …"""
    resamples: int | None = None
    clusters: int | None = None
    """Number of clusters resampled, where rows are not independent."""
    selected: bool = False
    """True where this very number was used to choose something: it flatters."""
    why_absent: str | None = None
    """Why there is no value."""

    @model_validator(mode="after")
    def _whole(self) -> Score:
        numbers = [x for x in (self.value, self.low, self.high) if x is not None]
        if any(not math.isfinite(x) for x in numbers):
            raise ValueError(f"{self.name}: a Score holds finite numbers only; give why_absent instead")
        if (self.value is None) != (self.why_absent is not None):
            raise ValueError(f"{self.name}: a Score has either a value or why_absent")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"{self.name}: low {self.low} is above high {self.high}")
        return self

    def to_json(self) -> dict[str, Any]:
        """A plain dict; the keys of what is absent are left out, all other keys are there (null where empty)."""
        out = self.model_dump(mode="json")
        if self.value is None:
            for key in ("value", "low", "high", "method", "resamples"):
                out.pop(key)
        else:
            out.pop("why_absent")
        return out

    def about(self, **changes: Any) -> Score:
        """The same number with other facts (`system=`, `split=`, `label=`, `group=` …)."""
        return self.model_copy(update=changes)

    def __str__(self) -> str:
        """`macro_f1 84.2% [81.5, 86.7]`, or `macro_f1: not scored (why)`."""
        if self.value is None:
            return f"{self.name}: not scored ({self.why_absent})"
        scale, sign = (100.0, "%") if self.unit == "share" else (1.0, "")
        digits = 1 if self.unit == "share" else 3
        text = f"{self.name} {self.value * scale:.{digits}f}{sign}"
        if self.low is not None and self.high is not None:
            text += f" [{self.low * scale:.{digits}f}, {self.high * scale:.{digits}f}]"
        return text


class Verdict(BaseModel):
    """The answer to one question, with the difference, its interval, and how many rows a firm answer would take."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    """In words: `model vs tfidf on macro_f1`."""
    answer: Answer
    margin: float = 0.0
    """Differences up to this size do not matter."""
    difference: Score | None = None
    rows_needed: int | None = None
    """Rows that a firm answer would take, where the answer is `cannot_tell`, `undecided` or `not_enough_data`."""
    p: float | None = None
    p_adjusted: float | None = None
    family: str | None = None
    """The comparisons that were corrected together."""
    correction: str | None = None
    text: str
    """One sentence for people."""

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key."""
        out = self.model_dump(mode="json")
        out["difference"] = self.difference.to_json() if self.difference else None
        return out


_GATE = re.compile(r"^\s*(>=|<=|>|<)\s*([0-9]*\.?[0-9]+(?:[eE][-+]?\d+)?)\s*(%?)\s*$")


class Gate(BaseModel):
    """A bar that the user set before seeing the score: `{macro_f1: ">= 0.80"}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    operator: Literal[">=", "<=", ">", "<"]
    bar: float

    @classmethod
    def parse(cls, name: str, text: str) -> Gate:
        """`>= 0.80` or `>= 80%`; anything else is a SettingsError that shows the form."""
        match = _GATE.match(str(text))
        if match is None:
            raise SettingsError(f"the gate {name}: {text!r} is not of the form '>= 0.80'", fix='write it as in {macro_f1: ">= 0.80"}')
        bar = float(match[2]) / (100 if match[3] else 1)
        return cls.model_validate({"name": name, "operator": match[1], "bar": bar})

    def judge(self, score: Score) -> dict[str, Any]:
        """Met if the whole interval lies on the right side, missed if on the wrong side, else undecided."""
        out: dict[str, Any] = {"gate": f"{self.name} {self.operator} {self.bar:.6g}"}
        if score.value is None:
            return out | {"answer": "undecided", "why_absent": score.why_absent, "rows_needed": None}
        low = score.value if score.low is None else score.low
        high = score.value if score.high is None else score.high
        upward = self.operator in (">=", ">")
        strict = self.operator in (">", "<")
        good_end, bad_end = (low, high) if upward else (high, low)
        met = self._right(good_end, strict=strict)
        missed = not self._right(bad_end, strict=strict)
        answer = "met" if met else "missed" if missed else "undecided"
        out |= {"answer": answer, "value": score.value, "low": score.low, "high": score.high, "n": score.n}
        return out | {"rows_needed": self._rows_needed(score, low, high) if answer == "undecided" else None}

    def _right(self, x: float, *, strict: bool) -> bool:
        if self.operator in (">=", ">"):
            return x > self.bar if strict else x >= self.bar
        return x < self.bar if strict else x <= self.bar

    def _rows_needed(self, score: Score, low: float, high: float) -> int | None:
        """Rows at which an interval of this shape (half-width shrinking with sqrt(n)) would clear the bar."""
        assert score.value is not None
        distance = abs(score.value - self.bar)
        half = max(score.value - low, high - score.value)
        if distance <= 0 or half <= 0:
            return None
        return math.ceil(round(score.n * (half / distance) ** 2, 6))
