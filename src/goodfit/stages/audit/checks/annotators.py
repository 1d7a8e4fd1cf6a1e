"""AUD070: do the annotators agree with each other, with the label that was made of theirs, and is one of them unlike the others?

For data with several labels a row (`task.annotators`). Krippendorff's alpha beside raw agreement; Dawid & Skene's consensus where there are
labels enough; every annotator against the majority of the others. Methods 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import stats

from goodfit.finding import Severity
from goodfit.score import Score
from goodfit.stages.audit.check import Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, listing, percent
from goodfit.stages.audit.seen import Annotated
from goodfit.statistics import agreement, score
from goodfit.statistics.annotators import consensus, doubt, without

LEAST = 20
"""Rows with two labels or more."""
TENTATIVE = 0.667
"""Alpha below which conclusions from the labels are not even tentative (Krippendorff 2004)."""
ODD = 0.10
"""How far below the others' agreement an annotator's must surely lie to be unlike them."""
SURE = 0.9
"""Chance of the consensus from which a given label that differs is listed."""
DIFFER = 0.01, 0.05
"""Share of given labels against a sure consensus: note, warning (lower end); both only where it is more than a consensus is mistaken."""
MISTAKEN = 2.0
"""How often more than it says of itself a consensus may be mistaken: Dawid and Skene's is up to 1.7 times as often where three annotators
are right in 80% (simulated); with it, given labels that are all right raise this check in less than 1% of data sets.
"""
LEVEL = 0.99


@check(code="AUD070", kind="annotators", severity="warning", looks_for="annotators who disagree", tasks=("single_label",))
def annotators(scene: Scene) -> Outcome:
    """Agreement, odd annotators, and given labels against the consensus."""
    if not scene.recipe.task.annotators:
        return not_applicable("no columns with several labels a row are named (task.annotators)")
    seen = scene.annotated
    twice = int(((seen.codes >= 0).sum(axis=1) >= 2).sum())
    if twice < LEAST:
        return not_applicable(f"{twice:,} training rows have two labels or more; it takes {LEAST}")
    agreed = agreement(np.where(seen.codes >= 0, seen.codes, np.nan).T, level=LEVEL)
    odd, against = _odd(seen, len(scene.labels)), _against(seen, len(scene.labels))
    severity = _severity(agreed.alpha, odd, against)
    evidence = (agreed.alpha.about(split="train"), agreed.raw.about(split="train"), *(one.mine for one in odd), against.share)
    detail = f"{_agreement(agreed.alpha, agreed.raw)} {_said_of(odd)}{_given(against)}{_left_out(seen)}".strip()
    if severity is None:
        return passed(f"the {len(seen.names)} annotators agree", detail=detail, evidence=evidence)
    return found(
        severity, _title(agreed.alpha, odd, against, seen), detail=detail,
        rows=seen.rows.take(pa.array(against.rows, pa.int64())), evidence=evidence,
        fix="read the listed rows with the annotators, write down what they disagree on, and label such rows again",
    )  # fmt: skip


@dataclass(frozen=True)
class _Odd:
    name: str
    mine: Score
    others: float
    confused: str


@dataclass(frozen=True)
class _Against:
    share: Score
    rows: list[int]
    """Surest first."""
    method: str
    mistaken: float
    """Rows in which a consensus as sure is wrong: so many given labels would differ from it if all of them were right."""

    @property
    def more(self) -> bool:
        """Surely more than MISTAKEN times that (Poisson's law)."""
        return float(stats.poisson.sf(len(self.rows) - 1, MISTAKEN * self.mistaken)) < 1 - LEVEL


def _odd(seen: Annotated, classes: int) -> list[_Odd]:
    """Annotators whose agreement with the majority of the others lies surely ODD below the median annotator's."""
    shares, scores, pairs = [], [], []
    for k, name in enumerate(seen.names):
        others, mine = without(seen.codes, k, classes), seen.codes[:, k]
        both = (others >= 0) & (mine >= 0)
        scores.append(score("rate", None, others[both] == mine[both], level=LEVEL).about(name="agreement", system=name, split="train"))
        shares.append(scores[-1].value)
        pairs.append((others[both], mine[both]))
    known = [share for share in shares if share is not None]
    if len(known) < 3:
        return []
    middle = float(np.median(known))
    found_odd = [k for k, one in enumerate(scores) if one.high is not None and one.high < middle - ODD]
    return [_Odd(seen.names[k], scores[k], middle, _confusion(*pairs[k], seen.labels)) for k in found_odd]


def _confusion(others: np.ndarray, mine: np.ndarray, labels: tuple[str, ...]) -> str:
    """What they say most often in place of what."""
    wrong = others != mine
    codes, counts = np.unique(others[wrong] * len(labels) + mine[wrong], return_counts=True)
    if not len(codes):
        return ""
    most = int(codes[counts.argmax()])
    return f"{labels[most % len(labels)]} in place of {labels[most // len(labels)]}"


def _against(seen: Annotated, classes: int) -> _Against:
    """Given labels that differ from a sure consensus."""
    found_one = consensus(seen.codes, classes)
    judged = (seen.codes >= 0).sum(axis=1) >= 2
    sure = found_one.chances.max(axis=1)
    certain = judged & (sure >= SURE)
    differs = certain & (found_one.label != seen.given)
    mistaken = float(doubt(found_one, seen.codes)[certain].sum())
    order = np.argsort(-sure, kind="stable")
    share = score("rate", None, differs[judged], level=LEVEL).about(name="against_consensus", split="train")
    return _Against(share, [i for i in order.tolist() if differs[i]], found_one.method.replace("_", " and ").title(), mistaken)


def _severity(alpha: Score, odd: list[_Odd], against: _Against) -> Severity | None:
    low, value = against.share.low or 0.0, against.share.value or 0.0
    if odd or (low >= DIFFER[1] and against.more) or (alpha.high is not None and alpha.high < TENTATIVE):
        return "warning"
    return "note" if value >= DIFFER[0] and against.more else None


def _title(alpha: Score, odd: list[_Odd], against: _Against, seen: Annotated) -> str:
    if odd:
        return f"{listing([one.name for one in odd])}: unlike the other annotators"
    if alpha.high is not None and alpha.high < TENTATIVE:
        return f"the {len(seen.names)} annotators hardly agree: alpha {alpha.value:.2f}"
    return f"{len(against.rows):,} given labels differ from what the annotators say together"


def _agreement(alpha: Score, raw: Score) -> str:
    if alpha.value is None or raw.value is None:
        return f"Agreement cannot be said: {alpha.why_absent or raw.why_absent}."
    between = f" [{alpha.low:.2f}, {alpha.high:.2f}]" if alpha.low is not None and alpha.high is not None else ""
    return f"Krippendorff's alpha is {alpha.value:.2f}{between}; {percent(raw.value)} of the pairs of labels agree."


def _said_of(odd: list[_Odd]) -> str:
    return "".join(
        f"{one.name} agrees with the majority of the others in {percent(one.mine.value or 0)} of {one.mine.n:,} rows, the median annotator "
        f"in {percent(one.others)}; most often {one.confused}. "
        for one in odd
    )


def _given(against: _Against) -> str:
    if against.share.value is None:
        return ""
    return (
        f"By {against.method}, {len(against.rows):,} given labels differ from a consensus that is at least {percent(SURE)} sure; if all of "
        f"them were right, about {round(against.mistaken):,} would. "
    )


def _left_out(seen: Annotated) -> str:
    return f"{seen.unknown:,} labels of annotators are none of the classes, and were left out." if seen.unknown else ""
