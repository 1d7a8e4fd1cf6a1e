"""CHO011: training answers that the base model predicts almost whole before any training, and those far harder than the others.

Part of choose, for generation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from goodfit.data.groups import shared
from goodfit.files import write_atomic
from goodfit.finding import ROWS_SHOWN, Finding, Where
from goodfit.monitor.words import count, visible
from goodfit.score import Score
from goodfit.stages.choose.costs import EASY, Apart, Costs, apart
from goodfit.stages.choose.outcome import Asked, Outcome
from goodfit.statistics import score
from goodfit.statistics.scoring import rate_of

CODE, KIND = "CHO011", "base_loss"
SOME, MANY = 0.01, 0.10
"""Share of the answers, for certain, from which easy ones are worth a note; from which easy or hard ones are a warning."""
SEVERAL = 3
"""Answers below which nothing is said: one odd answer is no pattern."""
ROWS_FILE = f"{CODE}.parquet"
ASKED = "what training answers cost the base model"


@dataclass(frozen=True)
class _Sort:
    """Easy, or hard, answers."""

    name: Literal["too_hard", "too_easy"]
    places: NDArray[np.int64]
    """Worst first."""
    rate: Score
    least: float
    """Share of the answers, for certain, from which it is said."""

    @property
    def told(self) -> bool:
        """Whether they are worth a note."""
        return len(self.places) >= SEVERAL and (self.rate.low or 0.0) >= self.least

    @property
    def many(self) -> bool:
        """Whether they are worth a warning."""
        return (self.rate.low or 0.0) >= MANY


def base_loss(outcome: Outcome, asked: Asked) -> Iterator[Finding]:
    """One finding, whatever was found."""
    costs = outcome.costs
    if costs is None or isinstance(costs, str):
        why = costs or "no training row was read with it"
        yield Finding(code=CODE, stage="choose", kind=KIND, severity="note", status="not_applicable", title=ASKED, reason=why)
        return
    found = apart(costs)
    hard = _Sort("too_hard", _worst(found.hard, -found.times), _rate("too_hard_rate", found.hard, costs), 0.0)
    easy = _Sort("too_easy", _worst(found.easy, costs.each), _rate("too_easy_rate", found.easy, costs), SOME)
    told = [sort for sort in (hard, easy) if sort.told]
    if not told:
        yield _passed(outcome, costs, hard, easy)
        return
    yield _open(outcome, costs, told, (hard, easy), _write(told, costs, found, asked))


def _passed(outcome: Outcome, costs: Costs, hard: _Sort, easy: _Sort) -> Finding:
    n, name = count(len(costs), "training answer"), visible(outcome.name)
    dear, cheap = len(hard.places), len(easy.places)
    title = f"none of {n} stands apart for {name}"
    if dear or cheap:
        title = f"{dear:,} of {n} cost {name} far more than the others, {cheap:,} next to nothing: no pattern"
    return _made(title, costs, status="passed", detail=f"{_looked(costs)} {_typical(costs)}", evidence=(hard.rate, easy.rate))


def _open(outcome: Outcome, costs: Costs, told: list[_Sort], both: tuple[_Sort, _Sort], rows_file: str) -> Finding:
    hard, easy = both
    n, name = count(len(costs), "training answer"), visible(outcome.name)
    parts = []
    if hard.told:
        parts.append(f"{len(hard.places):,} of {n} cost {name} far more than the others")
    if easy.told:
        of = "" if hard.told else f" of {n}"
        parts.append(f"{len(easy.places):,}{of} cost {'it' if hard.told else name} next to nothing")
    detail = [_looked(costs), _typical(costs)]
    if hard.told:
        detail.append(f"Far more ({_share(hard.rate)}): garbled, in another language, not an answer to its prompt, or merely unusual.")
    if easy.told:
        little = f"{EASY} bits a byte or less, or far less than the others"
        detail.append(f"Next to nothing ({_share(easy.rate)}; {little}): copied from the prompt, or known already.")
    return _made(
        "; ".join(parts), costs, severity="warning" if any(sort.many for sort in told) else "note", detail=" ".join(detail),
        evidence=(hard.rate, easy.rate), n_rows=sum(len(sort.places) for sort in told),
        rows=tuple(costs.rows[place] for sort in told for place in sort.places)[:ROWS_SHOWN], rows_file=rows_file,
        fix=f"read the rows ({rows_file} says which is which); correct or delete what is wrong; easy ones teach nothing, and do no harm",
    )  # fmt: skip


def _made(title: str, costs: Costs, **more: Any) -> Finding:
    facts = {"code": CODE, "stage": "choose", "kind": KIND, "severity": "note", "title": title, "where": Where(split="train")}
    return Finding.model_validate(facts | more)


def _looked(costs: Costs) -> str:
    """How many were looked at, of how many."""
    if len(costs) == costs.of:
        return f"All {count(costs.of, 'training row')} were looked at."
    return f"Looked at {len(costs):,} of {count(costs.of, 'training row')}; the others were not drawn, or cannot be read whole."


def _typical(costs: Costs) -> str:
    top = score("bits_per_byte", costs.bytes, costs.bits * np.log(2), clusters=shared(costs.clusters))
    ends = "" if top.low is None or top.high is None else f" [{top.low:.2f}, {top.high:.2f}]"
    return f"Together they cost {top.value:.2f} bits a byte{ends}, without any training." if top.value is not None else ""


def _rate(name: str, flags: NDArray[np.bool_], costs: Costs) -> Score:
    return rate_of(flags, shared(costs.clusters)).about(name=name, split="train", higher_is_better=False)


def _share(rate: Score) -> str:
    """`4.0% [1.9, 8.5]`."""
    value, low, high = (100 * (x or 0.0) for x in (rate.value, rate.low, rate.high))
    return f"{value:.1f}% [{low:.1f}, {high:.1f}]"


def _worst(flags: NDArray[np.bool_], by: NDArray[np.float64]) -> NDArray[np.int64]:
    places = np.flatnonzero(flags)
    return places[np.argsort(by[places], kind="stable")]


def _write(told: list[_Sort], costs: Costs, found: Apart, asked: Asked) -> str:
    """The flagged rows with what they cost: row, found, bits_per_byte, times (of what an answer of that length costs here)."""
    places = np.concatenate([sort.places for sort in told])
    table = pa.table({
        "row": [costs.rows[place] for place in places], "found": [sort.name for sort in told for _ in sort.places],
        "bits_per_byte": costs.each[places], "times": found.times[places],
    })  # fmt: skip
    with write_atomic(asked.run.folder("choose") / ROWS_FILE, "wb") as handle:
        pq.write_table(table, handle)
    return f"choose/{ROWS_FILE}"
