"""AUD011: can the labels be told from what the texts look like, without reading them? Then a model may learn the look.

A logistic regression on length, punctuation, case, digits, first word and source, cross-validated by cluster, against always
answering the commonest class (the partial-input baseline of Gururangan et al. 2018; methods 3). It never sees a word beyond the first.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.linear_model import LogisticRegression

from goodfit.data.groups import shared
from goodfit.score import Score, Verdict
from goodfit.stages.audit.check import Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.scene import Scene, listing, percent
from goodfit.stages.audit.seen import Sampled
from goodfit.stages.audit.surface import Matrix, Surface, surface_of
from goodfit.statistics import Question, compare, score

MINIMUM_ROWS = 200
FOLDS = 5
LEVEL = 0.99
"""Confidence of the interval that a finding needs: the family-wise level of one check (methods 3)."""
NOTE = 0.02
"""Points of accuracy above the commonest class, at the lower end, that are worth a note."""
WARNING = 0.25
"""Share of what the commonest class gets wrong that is got right, at the lower end, that is worth a warning."""
C = 0.1
"""Inverse strength of the regression's penalty; features are standardised."""
WORK = 400_000
"""Rows times classes that are fitted, at most; at least 2,000 rows."""

Ints = npt.NDArray[np.int64]


@check(code="AUD011", kind="spurious", severity="warning", looks_for="labels that the look of a text gives away", tasks=("single_label",))
def artefacts(scene: Scene) -> Outcome:
    """Accuracy of the look alone, above the commonest class."""
    if scene.splits.counts["train"] < MINIMUM_ROWS:
        return not_applicable(f"it takes {MINIMUM_ROWS} training rows; there are {scene.splits.counts['train']:,}")
    sample = scene.sample(scene.recipe.seed, size=min(20_000, max(2_000, WORK // len(scene.labels))))
    if len(np.unique(sample.clusters)) < 2 * FOLDS or len(np.unique(sample.labels)) < 2:
        return not_applicable(f"the training rows form fewer than {2 * FOLDS} clusters, or one class")
    surface = surface_of(sample.texts, sample.files)
    fold = folds_of(sample.clusters, scene.recipe.seed)
    guessed, confidence = cross_predict(surface.features, sample.labels, fold)
    verdict, accuracy = judge(sample, guessed, fold)
    assert accuracy.value is not None
    right = f"{percent(accuracy.value)} of {accuracy.n:,} training rows are told right"
    said = f"From length, punctuation, case, digits, first word and source {right}"
    difference = verdict.difference
    if difference is None or difference.low is None or difference.value is None or difference.low < NOTE:
        title = "the look of the texts does not give the labels away"
        return passed(title, detail=f"{said}: {verdict.text}.", evidence=(accuracy,), verdict=verdict)
    commonest = accuracy.value - difference.value
    hits = np.flatnonzero(guessed == sample.labels)
    easiest = hits[np.argsort(-confidence[hits], kind="stable")]
    return found(
        "warning" if difference.low >= WARNING * (1 - commonest) else "note",
        f"labels are {100 * difference.value:.0f} points predictable from the look of the texts alone",
        detail=f"{said}, always the commonest class {percent(commonest)}. {_signs(surface, sample.labels, fold)} If that is how the data "
        "was gathered, rather than what the classes mean, a model will learn it and fail where it does not hold.",
        rows=sample.rows.take(pa.array(easiest)), evidence=(accuracy,), verdict=verdict,
        fix="look at the listed rows: if their look is an accident, even it out over the classes, or leave that source out",
    )  # fmt: skip


def _signs(surface: Surface, labels: Ints, fold: Ints) -> str:
    """Which features do it: the strongest by themselves, and families alone."""
    model = LogisticRegression(C=C, max_iter=200, tol=1e-3).fit(surface.features, labels)
    strongest = np.argsort(-np.abs(model.coef_).max(axis=0), kind="stable")[:3]
    families = _alone(surface, labels, fold)
    told = listing([f"{name} {percent(value)}" for name, value in families[:3]])
    return f"Strongest signs: {listing([surface.names[i] for i in strongest])}. By itself: {told}."


def folds_of(clusters: Ints, seed: int) -> Ints:
    """The fold of every row, whole clusters together; shape (n,)."""
    unique, inverse = np.unique(clusters, return_inverse=True)
    shuffled: Ints = np.random.default_rng(seed).permutation(len(unique))[inverse.reshape(-1)] % FOLDS
    return shuffled


def cross_predict(features: Matrix, labels: Ints, fold: Ints) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Class and its probability of every row, by a model that was fitted without the row's fold."""
    guessed, confidence = np.zeros(len(labels), dtype=np.int64), np.zeros(len(labels))
    for k in range(FOLDS):
        held = fold == k
        known = np.unique(labels[~held])
        if len(known) < 2 or not features.shape[1]:
            guessed[held] = np.bincount(labels[~held]).argmax()
            continue
        model = LogisticRegression(C=C, max_iter=200, tol=1e-3).fit(features[~held], labels[~held])
        chances = model.predict_proba(features[held])
        guessed[held], confidence[held] = model.classes_[chances.argmax(axis=1)], chances.max(axis=1)
    return guessed, confidence


def judge(sample: Sampled, guessed: Ints, fold: Ints) -> tuple[Verdict, Score]:
    """The look against the commonest class of the other folds, on the same rows; and the accuracy of the look."""
    commonest = np.array([np.bincount(sample.labels[fold != k]).argmax() for k in range(FOLDS)])[fold]
    clusters = shared(sample.clusters)
    question = Question("the look of the texts vs the commonest class on accuracy", level=LEVEL)
    verdict = compare("accuracy", sample.labels, guessed, commonest, clusters=clusters, question=question)
    accuracy = score("accuracy", sample.labels, guessed, clusters=clusters, level=LEVEL)
    return verdict, accuracy.about(system="look", split="train")


def _alone(surface: Surface, labels: Ints, fold: Ints) -> list[tuple[str, float]]:
    """Accuracy of each family of features by itself, best first."""
    out = []
    for family in dict.fromkeys(surface.families):
        guessed, _ = cross_predict(surface.only(family), labels, fold)
        out.append((family, float((guessed == labels).mean())))
    return sorted(out, key=lambda pair: (-pair[1], pair[0]))
