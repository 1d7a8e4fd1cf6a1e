"""What tune found, as findings. Part of tune.

TUN001 the rate against the range test       TUN002 the batch against the noise scale     TUN003 what the search came to
TUN004 the best lies at an edge of the space TUN005 trials that failed                    TUN006 the budget ended it early
TUN007 nothing could be searched             TUN008 the default depends on its seed
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from goodfit.finding import Finding, Severity
from goodfit.monitor.words import setting
from goodfit.recipe import Tune
from goodfit.score import Score
from goodfit.stages.tune.finals import Found
from goodfit.stages.tune.measured import Measured
from goodfit.stages.tune.record import REPEATED, SEARCHED, Line
from goodfit.stages.tune.search import Given
from goodfit.stages.tune.space import edge
from goodfit.stages.tune.words import value_in_words
from goodfit.statistics import score

MANY_FAILED, FEWEST_FAILED = 0.25, 3
"""Share and number of failed trials from which it is a warning."""
WIDE = 0.05
"""Between the best and the worst seed of the default, in shares."""
SEEDS_TO_TELL = 3
NEAR = 3.0
"""A rate within this factor of where the loss breaks is too high."""
FAR = 30.0
"""A rate so many times below the one at which the loss falls fastest is low."""
LARGE = 4.0
"""A batch so many times the noise scale wastes most of its rows."""


def findings_of_search(given: Given, found: Found) -> Iterator[Finding]:
    """What is to be said of a search."""
    searched = given.book.of(SEARCHED)
    yield _outcome(found)
    yield _edges(given, found, searched)
    yield _failures(searched)
    yield _budget(given, found, searched)
    yield _seeds(given.book.of(REPEATED), given.primary)


def nothing_searched(section: Tune, rows: int, least: int) -> Finding:
    """There are too few validation rows to believe a search."""
    return _finding(
        "TUN007", "validation_too_small", "warning", f"nothing was searched: {rows:,} validation rows are too few to believe a search",
        f"Half of them would choose and half would judge; below {least} the best of {section.trials} trials cannot be told from luck.",
        fix="more validation rows: split.valid_size",
    )  # fmt: skip


def findings_of_measures(measured: Measured, plan_rate: float, batch: int) -> Iterator[Finding]:
    """The computed rate and batch against what was measured."""
    test = measured.range_test
    if test is not None:
        yield _rate(test.to_json(), plan_rate)
    noise = measured.noise_scale
    if noise is not None:
        yield _batch(noise.to_json(), batch)


def _outcome(found: Found) -> Finding:
    evidence = () if found.verdict is None or found.verdict.difference is None else (found.verdict.difference,)
    facts: dict[str, Any] = {"evidence": evidence, "verdict": found.verdict}
    if found.point:
        return _finding("TUN003", "search", "note", found.sentence, "", status="passed", **facts)
    return _finding(
        "TUN003", "not_worth_keeping", "note", found.sentence,
        "A difference that fresh seeds and fresh rows do not show is luck, or too small for these rows: the computed defaults are kept.",
        fix="nothing; more validation rows or tune.seeds would show smaller differences", **facts,
    )  # fmt: skip


def _edges(given: Given, found: Found, searched: list[Line]) -> Finding:
    best = next((line for line in searched if line.trial == found.trial and not line.default), None)
    at = {} if best is None else {k: e for k, t in given.space.tried.items() if k in best.params and (e := edge(t, best.params[k]))}
    if not at or best is None:
        return _finding("TUN004", "edge_of_space", "note", "the best trial lies inside the space", "", status="passed")
    said = ", ".join(f"{key} {setting(best.params[key])} ({end})" for key, end in at.items())
    return _finding(
        "TUN004", "edge_of_space", "note", f"the best trial lies at an edge of the space: {said}",
        "What lies beyond was not tried; better values may.", fix=f"widen tune.space for {next(iter(at))}",
    )  # fmt: skip


def _failures(searched: list[Line]) -> Finding:
    bad = [line for line in searched if line.state in ("failed", "diverged")]
    rate = score("rate", None, [line in bad for line in searched]) if searched else None
    evidence = () if rate is None else (rate.about(name="failed_rate"),)
    if len(bad) < FEWEST_FAILED or len(bad) / len(searched) < MANY_FAILED:
        return _finding(
            "TUN005", "failed_trials", "note", f"{len(bad)} of {len(searched)} trials failed", "", status="passed", evidence=evidence
        )
    reasons = sorted({line.reason for line in bad if line.reason})[:3]
    return _finding(
        "TUN005", "failed_trials", "warning", f"{len(bad)} of {len(searched)} trials failed or diverged",
        f"They cost time and teach the search little: {'; '.join(reasons)}.",
        fix="narrow tune.space: usually train.learning_rate is too high", evidence=evidence,
    )  # fmt: skip


def _budget(given: Given, found: Found, searched: list[Line]) -> Finding:
    short = given.section.trials - len(searched) if given.section.storage is None else 0
    if given.budget is None or (short <= 0 and not found.cut):
        return _finding("TUN006", "budget", "note", "the search had the time it needed", "", status="passed")
    left = [*([f"{short} of {given.section.trials} trials"] if short > 0 else []), *([found.cut] if found.cut else [])]
    severity: Severity = "warning" if found.verdict is None and not found.point else "note"
    return _finding(
        "TUN006", "budget", severity, f"tune.budget ({given.section.budget}) left out {' and '.join(left)}",
        "Repeats come before more trials: a best trial that was seen once may be luck.", fix="a longer tune.budget, or fewer trials",
    )  # fmt: skip


def _seeds(repeats: list[Line], primary: str) -> Finding:
    values = [line.value for line in repeats if line.default and line.value is not None]
    shares = bool(values) and value_in_words(primary, 0.5).endswith("%")
    if len(values) < SEEDS_TO_TELL or not shares:
        reason = (
            f"the default was repeated {len(values)} times; it takes {SEEDS_TO_TELL}" if shares or not values else "the score is no share"
        )
        return _finding("TUN008", "seed_dependent", "note", "how much the seed decides", "", status="not_applicable", reason=reason)
    spread = max(values) - min(values)
    said = f"{len(values)} seeds of the default differ by {100 * spread:.1f} points of {primary}"
    deviation = Score(name="seed_deviation", value=statistics.stdev(values), n=len(values), method="counted", higher_is_better=False)
    if spread <= WIDE:
        return _finding("TUN008", "seed_dependent", "note", said, "", status="passed", evidence=(deviation,))
    return _finding(
        "TUN008", "seed_dependent", "warning", said,
        "The same recipe gives quite different models: a comparison of two single trainings says little here.",
        fix="more training rows, more epochs or a lower rate; compare recipes over several seeds", evidence=(deviation,),
    )  # fmt: skip


def _rate(test: dict[str, Any], rate: float) -> Finding:
    breaks, steepest = test["diverged_at"], test["suggestion"]
    evidence = tuple(
        Score(name=name, value=value, n=test["steps"], unit="ratio", method="range_test")
        for name, value in (("breaking_rate", breaks), ("steepest_rate", steepest)) if value is not None
    )  # fmt: skip
    if breaks is not None and rate * NEAR >= breaks:
        return _finding(
            "TUN001", "rate_too_high", "warning", f"the rate {rate:g} is close to {breaks:.2g}, where the loss breaks in a range test",
            "A rate that rises step by step finds where training falls apart; the usual margin is a factor of ten.",
            fix=f"train.learning_rate: {breaks / 10:.1g}, or a search", evidence=evidence,
        )  # fmt: skip
    if steepest is not None and rate * FAR < steepest:
        return _finding(
            "TUN001", "rate_too_low", "note",
            f"the rate {rate:g} is far below {steepest:.2g}, where the loss falls fastest in a range test",
            "A range test is a bound, not a winner: three short trainings around it would tell.", fix="tune.trials: 8", evidence=evidence,
        )  # fmt: skip
    where = "it does not break" if breaks is None else f"it breaks at {breaks:.2g}"
    return _finding("TUN001", "rate", "note", f"the rate {rate:g} suits the range test ({where})", "", status="passed", evidence=evidence)


def _batch(noise: dict[str, Any], batch: int) -> Finding:
    scale, low, high = noise["scale"], noise["low"], noise["high"]
    if scale is None:
        return _finding("TUN002", "batch", "note", "the noise scale", "", status="not_applicable", reason=noise["why_absent"])
    known = Score(name="noise_scale", value=scale, low=low, high=high, n=noise["points"], unit="count", method="jackknife")
    if high is not None and batch > LARGE * high:
        return _finding(
            "TUN002", "batch_too_large", "note", f"a step of {batch} rows is larger than the gradient's noise scale ({scale:.0f} rows)",
            "Most of its rows repeat what the others say: smaller steps would learn as much from fewer rows.",
            fix="a smaller train.per_device_train_batch_size", evidence=(known,),
        )  # fmt: skip
    return _finding(
        "TUN002",
        "batch",
        "note",
        f"a step of {batch} rows suits the gradient's noise scale ({scale:.0f} rows)",
        "",
        status="passed",
        evidence=(known,),
    )


def _finding(code: str, kind: str, severity: Severity, title: str, detail: str, **more: Any) -> Finding:
    return Finding(code=code, stage="tune", kind=kind, severity=severity, title=title, detail=detail, **more)
