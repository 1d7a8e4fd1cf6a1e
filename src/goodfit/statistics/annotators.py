"""Several labels for a row: who is right, and how often? Majority, and the model of Dawid & Skene (1979).

Part of statistics. Each annotator has a confusion matrix of their own, each row an unknown class; expectation-maximisation finds both.
Codes are int64 [n, a] (n rows, a annotators), -1 where somebody did not label a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
SMOOTHING = 1.0
"""Added to every cell of a confusion matrix (Laplace), so that few labels make nobody perfect."""
TOLERANCE, STEPS = 1e-5, 100
LABELS, ROWS = 3, 20
"""Labels that most rows, and rows that an annotator, must have for confusion matrices to be known; below, the majority is used."""


@dataclass(frozen=True)
class Consensus:
    """What the annotators say together."""

    method: str
    """`dawid_skene` or `majority`."""
    chances: Floats
    """[n, K] of each class; rows without a label have the classes' shares."""
    confusion: Floats | None
    """[a, K, K] chance that an annotator says a class (last axis) where another is true; None for the majority."""

    @property
    def label(self) -> Codes:
        """[n] the likeliest class, the first of equals."""
        out: Codes = self.chances.argmax(axis=1).astype(np.int64)
        return out


def consensus(codes: Codes, classes: int) -> Consensus:
    """Dawid and Skene's where there are labels enough, else the majority's shares."""
    given = codes >= 0
    many = np.median(given.sum(axis=1)) >= LABELS and (given.sum(axis=0) >= ROWS).all()
    return dawid_skene(codes, classes) if many and classes > 1 else Consensus("majority", majority(codes, classes), None)


def majority(codes: Codes, classes: int) -> Floats:
    """[n, K] share of the labels that each class has; rows without a label have the shares of all."""
    votes = _votes(codes, classes).sum(axis=1)
    total = votes.sum(axis=1, keepdims=True)
    overall = votes.sum(axis=0) / max(votes.sum(), 1.0)
    out: Floats = np.where(total > 0, votes / np.maximum(total, 1.0), overall)
    return out


def dawid_skene(codes: Codes, classes: int, *, smoothing: float = SMOOTHING) -> Consensus:
    """Expectation-maximisation from the majority until no chance moves by TOLERANCE, at most STEPS times."""
    votes = _votes(codes, classes)
    chances = majority(codes, classes)
    confusion = np.zeros((codes.shape[1], classes, classes))
    for _ in range(STEPS):
        counts = np.einsum("nk,nal->akl", chances, votes) + smoothing
        confusion = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1e-300)
        prior = chances.mean(axis=0)
        with np.errstate(divide="ignore"):
            logs = np.log(np.maximum(prior, 1e-300)) + np.einsum("nal,akl->nk", votes, np.log(np.maximum(confusion, 1e-300)))
        moved = np.exp(logs - logs.max(axis=1, keepdims=True))
        moved /= moved.sum(axis=1, keepdims=True)
        change = float(np.abs(moved - chances).max(initial=0.0))
        chances = moved
        if change < TOLERANCE:
            break
    return Consensus("dawid_skene", chances, confusion)


def doubt(found: Consensus, codes: Codes) -> Floats:
    """[n] chance that the likeliest class of a row is wrong.

    By Dawid and Skene what is left of its chance. Of a majority the chance that all who say it are mistaken, annotators being wrong as
    often as they differ from the majorities: as if all mistakes of a row were the same, which is the most.
    """
    if found.confusion is not None:
        left: Floats = 1 - found.chances.max(axis=1)
        return left
    given, agreeing = (codes >= 0).sum(axis=1), (codes == found.label[:, None]).sum(axis=1)
    several = given >= 2
    wrong = float((given - agreeing)[several].sum()) / max(1, int(given[several].sum()))
    out: Floats = np.power(wrong, agreeing)
    return out


def without(codes: Codes, annotator: int, classes: int) -> Codes:
    """[n] the majority of the others; -1 where nobody else labelled the row, or where the most votes are shared."""
    votes = _votes(np.delete(codes, annotator, axis=1), classes).sum(axis=1)
    top = votes.max(axis=1, initial=0.0)
    alone = (votes == top[:, None]).sum(axis=1) == 1
    out: Codes = np.where((top > 0) & alone, votes.argmax(axis=1), -1).astype(np.int64)
    return out


def _votes(codes: Codes, classes: int) -> Floats:
    """[n, a, K] 1 where an annotator says a class."""
    out: Floats = (codes[..., None] == np.arange(classes)).astype(np.float64)
    return out
