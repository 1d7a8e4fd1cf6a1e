"""How well each class is told from the others: F1 per class, and what is taken for what.

Part of the report stage's `plots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from goodfit.score import Score
from goodfit.stages.report import words
from goodfit.stages.report.charts import Values, layer, names, number_of, paint, quantity, spec, told
from goodfit.stages.report.plots.common import BAND, NAME, ROWS_SHOWN, brief, capped, ends, unique, with_gap
from goodfit.stages.report.results import row_sums
from goodfit.stages.report.schema import Chart, ClassFacts, Confusion
from goodfit.stages.report.text import label as shown

MOST_CELLS = 25
"""A confusion matrix of more classes is shown by its most frequent confusions instead."""
PAIRS_SHOWN = 15
EACH_WAY = 15
"""Of many classes the weakest and the best are drawn, so many of each."""
SIDE_BY_SIDE = 8
"""Up to so many classes both charts fit beside each other."""
DARK = 0.55
"""A cell with more than this share of its row is written on in the light colour."""


def classes(found: Sequence[ClassFacts]) -> Iterator[Chart]:
    """F1 of each class with its interval, weakest first; of many classes both ends."""
    scored = [(fact, f1) for fact in found if (f1 := fact.scores.get("f1")) is not None and f1.value is not None]
    if not scored:
        return
    many = len(scored) > 2 * EACH_WAY
    drawn = scored[:EACH_WAY] + scored[-EACH_WAY:] if many else scored
    order = brief([fact.label for fact, _ in drawn])
    values: Values = [
        {"label": label, "tip": f"{label}: F1 {words.score(f1)}, {words.count(fact.support, 'row')}", **ends(f1, 100.0)}
        for label, (fact, f1) in zip(order, drawn, strict=True)
    ]
    y, domain = names("label", None, with_gap(order) if many else order), [0, 100]
    value, low = quantity("value", "F1, %", domain=domain), quantity("low", "F1, %", domain=domain)
    layers = [
        layer("bar", {"y": y, "x": value, "tooltip": told()}, color=paint("model"), opacity=0.45),
        layer("rule", {"y": y, "x": low, "x2": {"field": "high"}, "tooltip": told()}, color=paint("ink"), strokeWidth=2),
    ]
    both = (
        f" The {EACH_WAY} weakest and the {EACH_WAY} best of {len(scored):,} are drawn; the table has {_tabled(len(found))}."
        if many
        else ""
    )
    yield Chart(
        id="class-f1",
        section="classes",
        title="F1 of each class, weakest first",
        text=f"From {_end(scored[0])} to {_end(scored[-1])}.{both}",
        columns=["class", "rows", "F1", "precision", "recall"],
        rows=capped([_row(fact) for fact in found]),
        wide=len(order) > SIDE_BY_SIDE,
        spec=spec(values, layers, height={"step": BAND}, about="F1 of each class with its interval"),
    )


def _end(scored: tuple[ClassFacts, Score]) -> str:
    fact, f1 = scored
    return f"“{shown(fact.label, NAME)}” ({words.score(f1)}, {words.count(fact.support, 'row')})"


def _tabled(n: int) -> str:
    return "all" if n <= ROWS_SHOWN else f"the {ROWS_SHOWN} weakest"


def _row(fact: ClassFacts) -> list[str]:
    scores = (fact.scores.get(key) for key in ("f1", "precision", "recall"))
    return [shown(fact.label), f"{fact.support:,}", *(words.score(score) if score else "" for score in scores)]


def confusion(found: Confusion) -> Iterator[Chart]:
    """The matrix as a heat map, or for many classes the most frequent confusions as bars."""
    if found.matrix is None or len(found.labels) > MOST_CELLS:
        yield from _pairs(found)
        return
    labels = brief(found.labels)
    cells = _cells(labels, found.matrix)
    y, x = names("label", "label", labels), names("prediction", "prediction", labels)
    heat = {
        "field": "share",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "range": [paint("paper"), paint("model")]},
        "legend": None,
    }
    layers = [layer("rect", {"x": x, "y": y, "color": heat, "tooltip": told()})]
    for dark, colour in ((False, "ink"), (True, "onmodel")):
        counted = [c for c in cells if c["n"] and (c["share"] > DARK) == dark]
        number = {"field": "n", "type": "quantitative", "format": ".3~s"}
        if counted:
            layers.append(layer("text", {"x": x, "y": y, "text": number}, values=counted, color=paint(colour)))
    total, right = sum(map(sum, found.matrix)), sum(row[i] for i, row in enumerate(found.matrix))
    yield Chart(
        id="confusion",
        section="classes",
        title="Labels (down) and predictions (across)",
        text=f"{right:,} of {total:,} rows lie on the diagonal, where both agree. {_most_frequent(found)}",
        columns=["label \\ prediction", *labels],
        rows=[[label, *(f"{n:,}" for n in row)] for label, row in zip(labels, found.matrix, strict=True)],
        wide=len(labels) > SIDE_BY_SIDE,
        spec=spec(cells, layers, height={"step": BAND + 6}, about="Rows by label and prediction, shaded by share of the label"),
    )


def _cells(labels: Sequence[str], matrix: Sequence[Sequence[int]]) -> Values:
    out: Values = []
    for label, row in zip(labels, matrix, strict=True):
        total = sum(row)
        for other, n in zip(labels, row, strict=True):
            share = n / total if total else 0.0
            tip = f"{label}, predicted {other}: {n:,} of {total:,} ({share:.0%})"
            out.append({"label": label, "prediction": other, "n": n, "share": round(share, 4), "tip": tip})
    return out


def _most_frequent(found: Confusion) -> str:
    if not found.pairs:
        return "Nothing was confused."
    top = found.pairs[0]
    of = f" of {words.count(rows, 'row')}" if (rows := row_sums(found).get(top.label)) else ""
    return f"Most often, “{shown(top.label, NAME)}” is taken for “{shown(top.prediction, NAME)}”: {top.rows:,}{of}."


def _pairs(found: Confusion) -> Iterator[Chart]:
    pairs = found.pairs[:PAIRS_SHOWN]
    if not pairs:
        return
    order = unique([f"{shown(p.label, NAME)} → {shown(p.prediction, NAME)}" for p in pairs])
    values: Values = [
        {"pair": pair, "n": p.rows, "tip": f"{pair}: {words.count(p.rows, 'row')}"} for pair, p in zip(order, pairs, strict=True)
    ]
    y, x = names("pair", None, order), number_of("n", "rows", pairs[0].rows)
    sums = row_sums(found)
    yield Chart(
        id="confusion",
        section="classes",
        title="Most frequent confusions (label → prediction)",
        text=f"{_most_frequent(found)} The {len(pairs)} most frequent of all pairs of {len(found.labels):,} classes are drawn.",
        columns=["label → prediction", "rows", "rows of the label"],
        rows=[[pair, f"{p.rows:,}", f"{sums[p.label]:,}" if p.label in sums else ""] for pair, p in zip(order, pairs, strict=True)],
        wide=True,
        spec=spec(
            values, [layer("bar", {"y": y, "x": x, "tooltip": told()}, color=paint("mark"))], height={"step": BAND}, about="Confused pairs"
        ),
    )
