"""A search in two kinds of charts: all trials through all keys at once, and the score against one key at a time.

Part of the report stage's `plots`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from goodfit.monitor.words import SHARES, setting
from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, coloured, layer, names, quantity, spec, told
from goodfit.stages.report.plots.common import capped, unique
from goodfit.stages.report.schema import Chart
from goodfit.stages.report.schema_tuning import TrialFacts, TriedKey, TuningFacts

LINES, SLICES = 60, 4
"""Trials drawn as lines, and keys that get a chart of their own, at most."""
DEFAULT, BEST, OTHERS, STOPPED = "the default", "best third", "other trials", "stopped or failed"
COLOURS = {DEFAULT: "mark", BEST: "model", OTHERS: "rival", STOPPED: "bar"}


def parallel(found: TuningFacts) -> Iterator[Chart]:
    """Every trial as a line through the searched keys to its score: where the good ones lie close together, a key matters."""
    scored = [trial.value for trial in found.trials if trial.value is not None]
    if len(found.keys) < 2 or len(scored) < 3:
        return
    ends = unique([_short(key.key) for key in found.keys])
    order = [*ends, words.metric(found.metric)]
    groups = _groups(found)
    drawn = sorted(found.trials[:LINES], key=lambda trial: list(COLOURS).index(groups[trial.trial]), reverse=True)
    present = {name: COLOURS[name] for name in COLOURS if name in {groups[trial.trial] for trial in drawn}}
    colour = coloured("series", present)
    x, y = names("key", None, order), quantity("place", "from the lowest (0) to the highest (1) that was tried", domain=[0, 1])
    layers = []
    for trial in drawn:
        points = _points(trial, found.keys, ends, (min(scored), max(scored)), order[-1])
        values: Values = [p | {"series": groups[trial.trial], "tip": _tip(trial, found)} for p in points]
        if len(values) > 1:
            style = {"strokeWidth": {DEFAULT: 3, BEST: 2}.get(groups[trial.trial], 1)}
            layers.append(layer("line", {"x": x, "y": y, "color": colour}, values=values, **style))
            layers.append(layer("point", {"x": x, "y": y, "color": colour, "tooltip": told()}, values=values, filled=True, size=20))
    more = f" The first {LINES} are drawn." if len(found.trials) > LINES else ""
    better = "higher" if found.higher_is_better else "lower"
    yield Chart(
        id="tuning-parallel",
        section="tuning",
        title="Every trial through every key",
        text=f"{words.count(len(found.trials), 'trial')}; at the right their {order[-1]} on the choosing rows, {better} is better.{more}",
        columns=["trial", *(key.key for key in found.keys), order[-1]],
        rows=capped([_row(trial, found) for trial in _by_score(found)]),
        wide=True,
        spec=spec([], layers, height=240, about="Trials through the searched keys to their score"),
    )


def trial_slices(found: TuningFacts) -> Iterator[Chart]:
    """The score of the trials that ran to their end, against one key that has numbers; the most important first."""
    rank = {score.name: i for i, score in enumerate(found.importance)}
    numbered = [key for key in found.keys if _numbers(key)]
    for place, key in enumerate(sorted(numbered, key=lambda key: rank.get(key.key, len(rank)))[:SLICES]):
        points = [
            (trial, _axis(key, trial.params[key.key])) for trial in found.trials if trial.value is not None and key.key in trial.params
        ]
        if len({x for _, x in points}) > 2:
            yield _slice(found, key, points, place)


def _slice(found: TuningFacts, key: TriedKey, points: list[tuple[TrialFacts, float]], place: int) -> Chart:
    groups, percent = _groups(found), found.metric in SHARES
    scale, metric = (100.0 if percent else 1.0), words.metric(found.metric)
    values: Values = [
        {"x": x, "y": scale * (trial.value or 0.0), "series": groups[trial.trial], "tip": _tip(trial, found)} for trial, x in points
    ]
    present = {name: COLOURS[name] for name in COLOURS if name in {groups[trial.trial] for trial, _ in points}}
    across = quantity("x", f"{key.key}{', log10' if key.log else ''}")
    up = quantity("y", f"{metric}, %" if percent else metric)
    best = max(points, key=lambda pair: (pair[0].value or 0.0) * (1 if found.higher_is_better else -1))[0]
    return Chart(
        id=f"tuning-slice-{place}",
        section="tuning",
        title=f"{words.upper(metric)} against {key.key}",
        text=f"{words.count(len(points), 'trial')} that ran to the end; the best has {setting(best.params[key.key])}. "
        "Other keys vary too: a cloud without a shape says that this one matters little.",
        columns=["trial", key.key, metric],
        rows=capped([[f"{trial.trial}", setting(trial.params[key.key]), _score(trial, found)] for trial, _ in points]),
        spec=spec(
            values,
            [layer("point", {"x": across, "y": up, "color": coloured("series", present), "tooltip": told()}, filled=True, size=50)],
            height=200,
            about=f"{metric} against {key.key}",
        ),
    )


def _groups(found: TuningFacts) -> dict[int, str]:
    """Trial -> how it is drawn."""
    ranked = [trial.trial for trial in _by_score(found) if trial.value is not None]
    best = set(ranked[: max(1, len(ranked) // 3)])
    return {
        t.trial: DEFAULT if t.default else STOPPED if t.value is None else BEST if t.trial in best else OTHERS for t in found.trials
    }  # fmt: skip


def _by_score(found: TuningFacts) -> list[TrialFacts]:
    sign = -1 if found.higher_is_better else 1
    return sorted(found.trials, key=lambda t: (t.value is None, sign * (t.value or 0.0), t.trial))


def _points(trial: TrialFacts, keys: list[TriedKey], ends: list[str], scores: tuple[float, float], last: str) -> Values:
    out: Values = []
    for key, name in zip(keys, ends, strict=True):
        share = None if key.key not in trial.params else _share(key, trial.params[key.key])
        if share is not None:
            out.append({"key": name, "place": share})
    if trial.value is not None:
        low, high = scores
        out.append({"key": last, "place": (trial.value - low) / (high - low) if high > low else 0.5})
    return out


def _share(key: TriedKey, value: Any) -> float | None:
    """From the lowest (0) to the highest (1) that was tried; at most a little beyond, where the default lies outside."""
    if key.choices:
        place = key.choices.index(str(value)) if str(value) in key.choices else None
        return None if place is None else place / max(1, len(key.choices) - 1)
    if key.low is None or key.high is None or not isinstance(value, int | float):
        return None
    low, high, here = _axis(key, key.low), _axis(key, key.high), _axis(key, value)
    return min(1.0, max(0.0, (here - low) / (high - low))) if high > low else 0.5


def _axis(key: TriedKey, value: Any) -> float:
    return math.log10(value) if key.log and value > 0 else float(value)


def _numbers(key: TriedKey) -> bool:
    return key.low is not None or (len(key.choices) > 2 and all(_number(choice) for choice in key.choices))


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _row(trial: TrialFacts, found: TuningFacts) -> list[str]:
    name = f"{trial.trial} (default)" if trial.default else f"{trial.trial} (taken)" if trial.taken else f"{trial.trial}"
    return [name, *(setting(trial.params[key.key]) if key.key in trial.params else "" for key in found.keys), _score(trial, found)]


def _score(trial: TrialFacts, found: TuningFacts) -> str:
    if trial.value is None:
        return {"pruned": "stopped"}.get(trial.state, trial.state)
    return words.number(trial.value, "share" if found.metric in SHARES else "nats")


def _tip(trial: TrialFacts, found: TuningFacts) -> str:
    what = "the default" if trial.default else f"trial {trial.trial}"
    inside = ", ".join(f"{_short(key.key)} {setting(trial.params[key.key])}" for key in found.keys if key.key in trial.params)
    return f"{what}: {_score(trial, found)} ({inside})"


def _short(key: str) -> str:
    return key.rpartition(".")[2]
