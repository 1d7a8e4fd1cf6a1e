"""What conversations answer, as the checks of answers see it: questions, answers and flags of a sample of training rows.

Part of audit, for generation. Every check of an answer flags rows one by one; `told` makes its outcome of the flags. Shapes: n rows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from goodfit.data.conversations import answer_text, question_of
from goodfit.finding import Severity
from goodfit.stages.audit.check import Outcome, found, not_applicable, passed
from goodfit.statistics import score

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

SAMPLE = 50_000
"""Training rows that are looked at, at most."""
LONGEST = 20_000
"""Characters of a question or an answer that are looked at; of an answer from its end where its end matters."""
PLAIN = "the texts are plain: nothing is answered"
BATCH = 4096
Flags = npt.NDArray[np.bool_]
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Answered:
    """Rows that have an answer, in file order."""

    rows: pa.Array
    questions: Sequence[str]
    answers: Sequence[str]
    """Those that are not blank."""
    clusters: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.answers)


@dataclass(frozen=True)
class Limits:
    """From which share of rows, surely (lower end of Wilson's interval), flags are worth what."""

    note: float
    warning: float
    least: int = 3
    """Rows below which nothing is said: a single odd answer is no pattern."""


def answered(splits: Splits, seed: int) -> Answered:
    """At most SAMPLE training rows with an answer, by chance; none where the texts are plain."""
    n = splits.counts["train"]
    wanted = np.zeros(n, dtype=bool)
    wanted[np.random.default_rng([seed, 0xA5]).permutation(n)[:SAMPLE]] = True
    rows, questions, answers, places = [], [], [], []
    start = 0
    for batch in splits.batches("train", size=BATCH, columns=("row", "conversation")):
        for i in np.flatnonzero(wanted[start : start + len(batch)]).tolist():
            told = json.loads(batch.column(1)[i].as_py())
            answer = answer_text(told)
            if answer is not None and answer.strip():
                rows.append(batch.column(0)[i].as_py())
                questions.append(question_of(told)[:LONGEST])
                answers.append(answer)
                places.append(start + i)
        start += len(batch)
    return Answered(pa.array(rows, pa.string()), questions, answers, splits.clusters("train")[places])


def told(seen: Answered, flags: Flags, limits: Limits, what: tuple[str, str], detail: str, fix: str) -> Outcome:
    """Of flags [n] the outcome; `what`: its title where rows are flagged (after their number), and where none are to speak of."""
    if not len(seen):
        return not_applicable(PLAIN)
    k = int(flags.sum())
    share = score("rate", None, flags).about(name="share", split="train")
    evidence = (share,) if share.value is not None else ()
    if k < limits.least or (share.value or 0) < limits.note:
        return passed(what[1] if not k else f"{what[1]} ({k:,} of {len(seen):,} rows)", evidence=evidence)
    severity: Severity = "warning" if (share.low or 0.0) >= limits.warning else "note"
    rows = seen.rows.filter(pa.array(flags))
    return found(severity, f"{k:,} of {len(seen):,} {what[0]}", detail=detail, rows=rows, evidence=evidence, fix=fix)


def words_in(text: str) -> int:
    """Words of a text."""
    return len(_WORD.findall(text[:LONGEST]))


def quoted(text: str, most: int = 60) -> str:
    """A short piece of a text on one line, for a detail."""
    line = " ".join(text.split())
    return f"“{line[:most]}{'…' if len(line) > most else ''}”"
