"""improve/requests.csv: which rows to label next, for people and labelling tools; with the label filled in it is a file of training rows.

Part of iterate. Where files of unlabelled texts are known (`audit.production`, or `--pool`) these are real rows: where the model is least
sure, each unlike those that stand before it (margin sampling with a k-centre rule, Settles 2009, Sener & Savarese 2018). Where there are
none, a line says how many rows of what.
"""

from __future__ import annotations

import csv
import heapq
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodfit.data.texts import placed_texts
from goodfit.files import write_atomic
from goodfit.improve.iterate.inside import inside
from goodfit.improve.iterate.proposal import Proposal
from goodfit.predict import Model
from goodfit.run import RECIPE, Run
from goodfit.settings import read
from goodfit.tasks.embeddings import find_encoder

REQUESTS = "requests.csv"
BEFORE, BEHIND = ("rank", "file", "line"), ("predicted", "p", "why")
"""Columns around the text and the label, which has to be filled in."""
POOL = 20_000
"""Texts that are looked at, at most; drawn by chance."""
ALL = "all"
TIMES = 4
"""So many times as many candidates as rows wanted: among the least sure, those that are unlike each other are taken."""
CHUNK = 2048


def write_requests(run: Run, found: Sequence[Proposal], folder: Path, pool: tuple[str, ...] = ()) -> Path | None:
    """Writes the file for the first proposal that asks for labels; None where none does."""
    asked = next((one for one in found if one.request and one.request["what"] == "label"), None)
    if asked is None or asked.request is None:
        return None
    recipe = read(run.path / RECIPE, run.record.overrides).recipe
    paths = pool or (recipe.audit.production if recipe.audit else ())
    path, wanted = folder / REQUESTS, int(asked.request["rows"])
    lines = _rows(run, paths, wanted, str(asked.request["of"])) if paths and recipe.task.label_columns else [_spoken(asked)]
    columns = (recipe.task.text[0] if len(recipe.task.text) == 1 else "text", *recipe.task.label_columns[:1])
    text = io.StringIO()
    writer = csv.DictWriter(text, (*BEFORE, *columns, *BEHIND), lineterminator="\n")
    writer.writeheader()
    writer.writerows({columns[0] if key == "text" else key: value for key, value in line.items()} for line in lines)
    with write_atomic(path) as handle:
        handle.write(text.getvalue())
    return path


def _spoken(asked: Proposal) -> dict[str, Any]:
    """No pool is known: what is wanted, in one line."""
    request = asked.request or {}
    of = "rows of all kinds" if request.get("of") == "all" else f"rows where {request.get('of')}"
    return {"rank": 1, "why": f"label {request.get('rows')} more {of}; name files of unlabelled texts (--pool) to have them chosen"}


def _rows(run: Run, paths: Sequence[str], wanted: int, of: str) -> list[dict[str, Any]]:
    """The rows to label, first of all those of the slice `of` (`all`: of any kind)."""
    recipe = read(run.path / RECIPE, run.record.overrides).recipe
    placed = _drawn(paths, run.base, recipe.task.text, recipe.seed)
    model = Model.load(run)
    texts = [text for _, _, text in placed]
    chances = np.concatenate([model.probabilities(texts[at : at + CHUNK]) for at in range(0, len(texts), CHUNK)])
    doubt = doubts(chances, several=model.multi_label)
    of_it = np.ones(len(texts), bool) if of == ALL else inside(run, of, texts, _given(chances, several=model.multi_label))
    near = np.lexsort((-doubt, ~of_it))[: TIMES * wanted if of == ALL else max(wanted, min(TIMES * wanted, int(of_it.sum())))]
    asked = recipe.audit.encoder if recipe.audit else "auto"
    encoder, _ = find_encoder(asked, recipe.choose.model_name_or_path, run.base, seed=recipe.seed)
    vectors = encoder.embed(pa.array([texts[i] for i in near], pa.string()))
    chosen = near[apart(vectors, doubt[near], min(wanted, len(near)))]
    said = model.predict([texts[i] for i in chosen])
    return [
        {"rank": rank, "file": placed[i][0], "line": placed[i][1], "text": texts[i], "predicted": "; ".join(one.labels),
         "p": "" if one.p is None else round(one.p, 4), "why": _why(of, float(doubt[i]), member=bool(of_it[i]))}
        for rank, (i, one) in enumerate(zip(chosen, said, strict=True), 1)
    ]  # fmt: skip


def _why(of: str, doubt: float, *, member: bool) -> str:
    where = "" if of == ALL else f"{of}; " if member else "not of the slice; "
    return f"{where}unsure ({doubt:.2f}), unlike the rows before"


def _given(chances: NDArray[np.float64], *, several: bool) -> NDArray[np.bool_]:
    """[n, L] the model's answers."""
    return chances >= 0.5 if several else np.asarray(chances.argmax(axis=1)[:, None] == np.arange(chances.shape[1]))


def doubts(chances: NDArray[np.float64], *, several: bool) -> NDArray[np.float64]:
    """[n] 1 less the margin of the likeliest class over the next; of several labels the closest to a half counts."""
    if several:
        out: NDArray[np.float64] = 1 - 2 * np.abs(chances - 0.5).min(axis=1)
        return out
    top = np.sort(chances, axis=1)
    margin: NDArray[np.float64] = 1 - (top[:, -1] - top[:, -2]) if chances.shape[1] > 1 else np.ones(len(chances))
    return margin


def apart(vectors: NDArray[np.float32], doubt: NDArray[np.float64], wanted: int) -> NDArray[np.int64]:
    """Places [wanted] chosen one after the other: the largest doubt times distance to the nearest that was chosen (cosine)."""
    if not wanted:
        return np.zeros(0, dtype=np.int64)
    out, far = [int(doubt.argmax())], np.full(len(doubt), 1.0)
    for _ in range(wanted - 1):
        far = np.minimum(far, 1 - vectors @ vectors[out[-1]])
        worth = (doubt + 1e-6) * np.maximum(far, 0.0)
        worth[out] = -1.0
        out.append(int(worth.argmax()))
    return np.array(out, dtype=np.int64)


def _drawn(paths: Sequence[str], base: Path, columns: tuple[str, ...], seed: int) -> list[tuple[str, int, str]]:
    """(file, line, text) of different texts, each with the same chance."""
    rng, seen = np.random.default_rng([seed, 0x9001]), set()
    kept: list[tuple[float, int, tuple[str, int, str]]] = []
    number = 0
    for path in paths:
        for line, text in placed_texts(path, base, "--pool", columns):
            if text in seen:
                continue
            seen.add(text)
            entry = (float(rng.random()), number, (path, line, text))
            number += 1
            heapq.heappush(kept, entry) if len(kept) < POOL else heapq.heappushpop(kept, entry)
    return [entry for _, _, entry in sorted(kept, key=lambda one: one[1])]
