"""samples.jsonl and mistakes.jsonl of a language model: what was written, row by row and system by system; the worst answers.

Part of evaluate, for generation. Texts stand there as they are: whoever shows them escapes and masks them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from goodfit.stages.evaluate.language_answerer import Texts
from goodfit.stages.evaluate.language_rows import Asked
from goodfit.stages.evaluate.mistakes import LONGEST, SHOWN
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.statistics.written import chrf
from goodfit.tasks.likelihood import Likelihood
from goodfit.tasks.writing.overlap import chrf_counts


def sample_lines(asked: Asked, texts: Mapping[str, Texts], read: Mapping[str, Likelihood]) -> list[dict[str, Any]]:
    """One line per row and system, row by row."""
    lines = []
    alike = {system: _alike(of.texts, asked.references) for system, of in texts.items()}
    for place, row in enumerate(asked.rows):
        for system, of in texts.items():
            lines.append({
                "step": None, "row": row.row, "system": system, "prompt": row.text, "text": of.texts[place],
                "stopped": None if of.stopped is None else bool(of.stopped[place]), "reference": row.answer,
                "loss": _loss(read.get(system), int(asked.places[place])), "chrf": round(alike[system][place], 6),
                "cluster": None if asked.clusters is None else int(asked.clusters[place]),
            })  # fmt: skip
    return lines


def _loss(found: Likelihood | None, place: int) -> float | None:
    """Nats per learned token of the row's own answer."""
    if found is None or not found.tokens[place]:
        return None
    return round(float(found.losses[place] / found.tokens[place]), 6)


def worst(asked: Asked, wrote: Texts, read: Likelihood) -> list[dict[str, Any]]:
    """Lines of mistakes.jsonl: the rows that are low in chrF and high in loss, by the mean of both ranks; none that is right."""
    if not len(asked):
        return []
    alike = np.array(_alike(wrote.texts, asked.references))
    losses = np.array([_loss(read, int(place)) or 0.0 for place in asked.places])
    rank = np.argsort(np.argsort(-alike, kind="stable")) + np.argsort(np.argsort(losses, kind="stable"))
    wrong = [i for i in range(len(asked)) if wrote.texts[i].strip() != asked.references[i].strip()]
    order = sorted(wrong, key=lambda i: (-int(rank[i]), i))[:SHOWN]
    return [
        {"row": asked.rows[i].row, "label": asked.references[i][:LONGEST], "prediction": wrote.texts[i][:LONGEST],
         "p": round(math.exp(-losses[i]), 6), "text": asked.rows[i].text[:LONGEST],
         "loss": float(losses[i]), "chrf": round(float(alike[i]), 6)}
        for i in order
    ]  # fmt: skip


def _alike(texts: Sequence[str], references: Sequence[str]) -> list[float]:
    """chrF of each text with its reference."""
    return [float(chrf(row)) for row in chrf_counts(texts, references)]


def systems_facts(names: Iterable[str], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """`systems` of scores.json."""
    return {name: {"kind": "run" if name == MODEL else "baseline", **facts.get(name, {})} for name in names}
