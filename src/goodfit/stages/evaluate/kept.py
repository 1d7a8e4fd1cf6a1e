"""EVA021: are the promises kept on rows that did not calibrate them? Withheld answers, sets of labels, and how well confidence ranks.

Part of evaluate. What is promised was settled on validation (tasks/promises.py). With `evaluate.on: valid` the same rows would be asked
again: then the promises are shown, and not measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from goodfit.finding import Finding
from goodfit.monitor.words import count
from goodfit.score import Score
from goodfit.stages.evaluate.mistakes import is_wrong
from goodfit.stages.evaluate.questions import finding, interval
from goodfit.stages.evaluate.scoring import MODEL, Scored
from goodfit.statistics.conformal import as_promised
from goodfit.statistics.folds import level_of
from goodfit.statistics.scoring import score_of
from goodfit.statistics.selective import area_under, risk_curve, weighted_area
from goodfit.tasks.promises import ALPHAS, FEWEST_ROWS, FOUND, Promises

RISKS = (0.01, 0.02, 0.05, 0.10)
"""Shares wrong that are looked at."""
BROKEN = 0.01 / (len(RISKS) + len(ALPHAS))
"""Chance below which a promise is called broken, so that all of them together are so by chance in 1 of 100 runs."""
DRAWS = 400
POINTS = 60
"""Points of the risk curve that are written."""


def promises_of(scored: Scored, *, measured: bool, why_not: str | None = None) -> dict[str, Any]:
    """`abstention` and `sets` of `calibration` in scores.json; `why_not`: why these answers are none to promise anything of."""
    answered = scored.answered
    task, told = answered.task, answered.answers[MODEL]
    made = task.decision.promises
    labels = told.probabilities.shape[1]
    raw = task.untempered(told.probabilities)
    confidence = task.certainty(raw, told.predictions[:, :labels] if task.multi_label else told.predictions)
    right = ~is_wrong(answered)
    out: dict[str, Any] = {"abstention": {"curve": _curve(confidence, right), **_areas(scored, confidence, right)}, "sets": {}}
    if made is None or why_not is not None:
        why = why_not or f"fewer than {FEWEST_ROWS} independent validation rows, or a model of an older Goodfit"
        return out | {"promises": {"why_not": why}}
    out["promises"] = {"method": made.method, "n": made.n, "reason": made.reason, "measured": measured}
    out["abstention"]["at"] = [_withheld(scored, made, risk, confidence, right, measured=measured) for risk in RISKS]
    out["sets"] = {"at": [_sets(scored, made, f"{alpha:g}", raw, measured=measured) for alpha in ALPHAS]}
    return out


def _curve(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> list[list[float]]:
    """[share answered, share of these wrong] at some POINTS places."""
    share, risk = risk_curve(confidence, right)
    places = np.unique(np.linspace(0, len(share) - 1, POINTS).round().astype(int)) if len(share) else np.zeros(0, int)
    return [[round(float(share[i]), 6), round(float(risk[i]), 6)] for i in places.tolist()]


def _areas(scored: Scored, confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> dict[str, Any]:
    """AURC and its excess over a confidence that knows every mistake, with bootstrap intervals (clusters drawn whole)."""
    n, clusters = len(right), scored.answered.clusters
    if n < 20:
        return {name: _absent(name, n).to_json() for name in ("aurc", "excess_aurc")}
    rng = np.random.default_rng([0, 0xA5])
    names = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    groups = int(names.max()) + 1
    orders = [np.argsort(-value, kind="stable") for value in (confidence, right.astype(float))]
    drawn = np.empty((DRAWS if scored.answered.folds is None else 5 * DRAWS, 2))
    for draw in range(len(drawn)):
        weight = np.bincount(rng.integers(0, groups, groups), minlength=groups)[names]
        own, ideal = (weighted_area(~right[order], weight[order]) for order in orders)
        drawn[draw] = own, own - ideal
    outside = (1 - level_of(0.95, scored.answered.folds)) / 2
    out, low, high = area_under(confidence, right), *np.quantile(drawn, (outside, 1 - outside), axis=0)
    about = {"system": MODEL, "split": scored.split, "higher_is_better": False, "method": "percentile_bootstrap", "resamples": len(drawn)}
    units = None if clusters is None else groups
    ends = [(min(float(low[i]), out[i]), max(float(high[i]), out[i])) for i in range(2)]
    return {
        name: Score.model_validate(about | {"name": name, "value": value, "low": a, "high": b, "n": n, "clusters": units}).to_json()
        for name, value, (a, b) in zip(("aurc", "excess_aurc"), out, ends, strict=True)
    }


def _absent(name: str, n: int) -> Score:
    return Score(name=name, n=n, higher_is_better=False, why_absent="n below 20")


def _withheld(  # noqa: PLR0913 - what is looked at
    scored: Scored, made: Promises, risk: float, confidence: NDArray[np.float64], right: NDArray[np.bool_], *, measured: bool
) -> dict[str, Any]:
    """What a promised share wrong means on these rows."""
    level = made.above(risk)
    if level is None:
        return {"at_most_wrong": risk, "threshold": None, "why_not": "validation rows do not allow this promise"}
    given = confidence > level.threshold
    out: dict[str, Any] = {
        "at_most_wrong": risk, "threshold": level.threshold, "n": level.covered, "wrong": level.errors,
        "answered": _score("answered_rate", given, scored, None).to_json(),
    }  # fmt: skip
    if measured and given.any():
        out["error"] = _score("selective_error_rate", ~right, scored, given).about(higher_is_better=False).to_json()
        out["p"] = float(stats.binom.sf(int((~right[given]).sum()) - 1, int(given.sum()), risk))
    return out


def _sets(scored: Scored, made: Promises, alpha: str, raw: NDArray[np.float64], *, measured: bool) -> dict[str, Any]:
    """How large the sets of a coverage are, and what they cover on these rows."""
    inside = made.sets(raw, alpha)
    sizes = inside.sum(axis=1)
    out: dict[str, Any] = {
        "coverage": round(1 - float(alpha), 6), "size": float(sizes.mean()) if len(sizes) else None,
        "one_label": _score("one_label_rate", sizes == 1, scored, None).to_json(),
        "all_labels": int((sizes == inside.shape[1]).sum()),
    }  # fmt: skip
    if not measured or not len(sizes):
        return out
    answered, labels = scored.answered, inside.shape[1]
    if made.method == FOUND:
        held = answered.truth.any(axis=1)
        found = (answered.truth[:, :labels] & inside).sum(axis=1) / np.maximum(answered.truth.sum(axis=1), 1)
        clusters = None if answered.clusters is None else answered.clusters[held]
        kept = score_of("bounded_mean", None, found[held], clusters=clusters, folds=answered.folds)
        out["covered"] = kept.about(name="labels_found", system=MODEL, split=scored.split).to_json()
        return out
    known = answered.truth < labels
    covered = known & inside[np.arange(len(inside)), np.where(known, answered.truth, 0)]
    out["covered"] = _score("set_coverage", covered, scored, None).to_json()
    out["p"] = as_promised(int(covered.sum()), len(covered), made.n, float(alpha))
    return out


def _score(name: str, flags: NDArray[np.bool_], scored: Scored, part: NDArray[np.bool_] | None) -> Score:
    clusters = scored.answered.clusters
    some = flags if part is None else flags[part]
    names = clusters if clusters is None or part is None else clusters[part]
    return score_of("rate", None, some, clusters=names, folds=scored.answered.folds).about(name=name, system=MODEL, split=scored.split)


def promises_kept(scored: Scored, told: dict[str, Any]) -> Iterator[Finding]:
    """Warning where a promise made on validation is broken on the evaluated rows beyond chance; note where nothing can be promised."""
    code, kind = "EVA021", "promise"
    facts = told["promises"]
    if "why_not" in facts:
        yield finding(code, kind, "nothing can be promised of answers to come", scored, state="not_applicable", reason=facts["why_not"])
        return
    if not facts["measured"]:
        reason = "the scored rows are those that the promises were made on"
        yield finding(code, kind, "whether promises are kept was not asked", scored, state="not_applicable", reason=reason)
        return
    wrong = [one for one in told["abstention"]["at"] if one.get("p", 1) < BROKEN]
    missed = [one for one in told["sets"]["at"] if one.get("p", 1) < BROKEN]
    evidence = tuple(Score.model_validate(one["error"]) for one in wrong) + tuple(Score.model_validate(one["covered"]) for one in missed)
    if not wrong and not missed:
        yield finding(code, kind, "the promises made on validation are kept", scored, state="passed", detail=_detail(told))
        return
    said = [f"at most {100 * one['at_most_wrong']:g}% wrong: {interval(Score.model_validate(one['error']))}" for one in wrong]
    said += [f"sets of {100 * one['coverage']:g}%: {interval(Score.model_validate(one['covered']))}" for one in missed]
    yield finding(
        code, kind, f"{count(len(said), 'promise')} made on validation {'is' if len(said) == 1 else 'are'} broken on these rows", scored,
        severity="warning", detail=f"{'; '.join(said)}. These rows are unlike the validation rows, or far more alike among themselves.",
        evidence=evidence, fix="look at what differs (AUD040, split.time, split.by); validation rows must be like those to come",
    )  # fmt: skip


def _detail(told: dict[str, Any]) -> str:
    """What is promised, in a sentence."""
    at = [one for one in told["abstention"]["at"] if "error" in one]
    if not at:
        return "No share wrong could be promised for withheld answers."
    one = at[-1]
    answered, error = (Score.model_validate(one[key]) for key in ("answered", "error"))
    return f"At most {100 * one['at_most_wrong']:g}% wrong: {interval(answered)} are answered, {interval(error)} of them wrong."
