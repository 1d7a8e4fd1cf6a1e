"""The model beside the simple methods: scores with their intervals, differences against zero.

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from goodfit.score import Score, Verdict
from goodfit.stages.report import words
from goodfit.stages.report.charts import Channel, Values, constant, layer, names, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, ends, unique
from goodfit.stages.report.results import MODEL
from goodfit.stages.report.schema import Chart, ScoreFacts
from goodfit.stages.report.text import name as readable

COLOURS = {"better": "good", "worse": "mark"}


def headline(scores: Sequence[Score], bar: float | None) -> Iterator[Chart]:
    """Every system on the primary score with its interval, the model first; `bar` is the gate on that score, if there is one."""
    scores = [s for s in scores if s.value is not None]
    if not scores:
        return
    metric, scale = words.metric(scores[0].name), 100.0 if scores[0].unit == "share" else 1.0
    rows = [[words.system(s.system or MODEL, short=True), words.score(s)] for s in scores]
    order = unique([f"{who} {words.number(s.value or 0, s.unit)}" for (who, _), s in zip(rows, scores, strict=True)])
    values: Values = [
        {"system": label, "tip": f"{who}: {said}", "colour": "model" if (s.system or MODEL) == MODEL else "rival", **ends(s, scale)}
        for label, (who, said), s in zip(order, rows, scores, strict=True)
    ]
    layers = _intervals(values, names("system", None, order), ("rival", "model"), title=f"{metric}, %" if scale == 100 else metric)
    if bar is not None:
        layers.append(layer("rule", {"x": constant(bar * scale)}, values=[{}], color=paint("mark"), strokeWidth=1.5, strokeDash=[4, 3]))
    yield Chart(
        id="headline",
        section="first",
        title=f"{words.upper(metric)} of each method",
        text=f"{words.upper(metric)}: {'; '.join(f'{who} {said}' for who, said in rows)}.",
        columns=["method", metric],
        rows=rows,
        spec=spec(values, layers, height={"step": BAND + 8}, about=f"{metric} of each method with its interval"),
    )


def _intervals(values: Values, y: Channel, colours: Sequence[str], *, title: str, form: str = ".6~g") -> list[dict[str, Any]]:
    """A point with its interval per row, coloured by the row's `colour`; the last colour lies on top."""
    low, value = quantity("low", title, form=form), quantity("value", title, form=form)
    layers = []
    for colour in colours:
        part = [v for v in values if v["colour"] == colour]
        look: dict[str, Any] = {"values": part, "color": paint(colour)}
        if part:
            layers.append(layer("rule", {"y": y, "x": low, "x2": {"field": "high"}, "tooltip": told()}, strokeWidth=3, **look))
            layers.append(layer("point", {"y": y, "x": value, "tooltip": told()}, filled=True, size=85, **look))
    return layers


def verdicts(found: ScoreFacts) -> Iterator[Chart]:
    """Every comparison of shares as a difference with its interval against zero."""
    drawn = [(v, d) for v in found.verdicts if (d := v.difference) is not None and d.value is not None and d.unit == "share"]
    if not drawn:
        return
    order = unique([question(v) for v, _ in drawn])
    values: Values = [
        {
            "question": text,
            "tip": f"{text}: {words.answer(v.answer)}, {words.difference(d)}",
            "colour": COLOURS.get(v.answer, "rival"),
            **ends(d, 100.0),
        }
        for text, (v, d) in zip(order, drawn, strict=True)
    ]
    zero = layer("rule", {"x": constant(0)}, values=[{}], color=paint("ink"), strokeWidth=1)
    y = names("question", None, order)
    layers = [zero, *_intervals(values, y, ("rival", "mark", "good"), title="difference in points", form="+.6~g")]
    better = sum(v.answer == "better" for v, _ in drawn)
    yield Chart(
        id="verdicts",
        section="scores",
        title="Compared on the same rows",
        text=f"The model is better in {better} of {words.count(len(drawn), 'comparison')}; an interval that crosses zero decides nothing.",
        columns=["compared", "answer", "difference"],
        rows=[[text, words.answer(v.answer), words.difference(d)] for text, (v, d) in zip(order, drawn, strict=True)],
        wide=True,
        spec=spec(values, layers, height={"step": BAND + 6}, about="Differences with intervals against zero"),
    )


def folds(found: ScoreFacts) -> Iterator[Chart]:
    """Each fold's score beside that of all rows, with its interval."""
    kept = [fold for fold in found.folds if fold.value is not None]
    whole = next((s for s in found.scores if s.name == found.primary and (s.system or MODEL) == MODEL and s.value is not None), None)
    if not kept or whole is None:
        return
    metric, scale = words.upper(words.metric(found.primary)), 100.0 if whole.unit == "share" else 1.0
    said = [words.number(float(fold.value or 0.0), whole.unit) for fold in kept]
    title = f"{metric}, %" if scale == 100 else metric
    named = [f"fold {fold.fold + 1}" for fold in kept]
    values: Values = [
        {"fold": name, "tip": f"{name}: {text} on {fold.rows} rows", "colour": "rival",
         **dict.fromkeys(("value", "low", "high"), float(fold.value or 0.0) * scale)}
        for name, fold, text in zip(named, kept, said, strict=True)
    ]  # fmt: skip
    values += [{"fold": "all rows", "tip": words.score(whole), "colour": "model", **ends(whole, scale)}]
    layers = _intervals(values, names("fold", None, [*named, "all rows"]), ("rival", "model"), title=title)
    yield Chart(
        id="folds", section="scores", title=f"{metric} of each fold",
        text=f"Each fold's rows were answered by a model that had not learned from them: {metric} {', '.join(said)}; on all rows "
        f"{words.score(whole)}.",
        columns=["fold", metric, "rows answered", "rows learned from", "kept step"],
        rows=[[str(f.fold + 1), text, str(f.rows), _known(f.rows_trained), _known(f.best_step)]
              for f, text in zip(kept, said, strict=True)],
        spec=spec(values, layers, height={"step": BAND + 6}, about=f"{metric} of each fold and of all rows"),
    )  # fmt: skip


def _known(number: int | None) -> str:
    return "–" if number is None else f"{number:,}"


def question(verdict: Verdict) -> str:
    """`model vs tfidf on macro_f1` -> `macro F1, against TF-IDF`."""
    sides = words.sides(verdict.question)
    if sides is None or sides[0] != MODEL:
        return readable(verdict.question)
    return f"{words.metric(sides[2])}, against {words.system(sides[1], short=True)}"
