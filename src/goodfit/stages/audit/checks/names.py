"""AUD063: names of persons, by a model for named entities that the recipe names, and how well that model finds names from many places.

Without one they are not looked for: no pattern tells a name, and no model that comes with a package is good enough to be believed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from goodfit.score import Score
from goodfit.stages.audit.check import ALL_TASKS, Outcome, check, found, not_applicable, passed
from goodfit.stages.audit.named import NAMES, SENTENCES, WITHOUT, sentences
from goodfit.stages.audit.scene import Scene, listing, percent, rate
from goodfit.tasks.namer import Namer

ROWS = 2_000
"""Training rows that are read, at most."""
NOTE = 0.01
"""Lower end of the share of texts that name a person."""


@check(code="AUD063", kind="names", severity="note", looks_for="names of persons in the texts", tasks=ALL_TASKS)
def names(scene: Scene) -> Outcome:
    """The share of training texts that name a person, those with most names first, and how the model does on names that are known."""
    assert scene.recipe.audit is not False
    asked = scene.recipe.audit
    if asked.names_model is None:
        return not_applicable("names are not looked for: audit.names_model names no model (goodfit explain AUD063)")
    namer = Namer.load(asked.names_model, scene.base, "audit.name_labels", asked.name_labels)
    sample = scene.sample(scene.recipe.seed, ROWS)
    counts = np.array([len(spans) for spans in namer.names([text or "" for text in sample.texts.to_pylist()])], dtype=np.int64)
    rows = np.flatnonzero(counts)
    share = rate("names_rate", len(rows), len(counts), split="train")
    said, evidence = _known(namer)
    told = f"{len(rows):,} of {len(counts):,} training texts ({percent(len(rows) / max(1, len(counts)))}) name a person"
    most = sample.rows.take(pa.array(rows[np.argsort(-counts[rows], kind="stable")]))
    by = f"By {namer.name}. {said}"
    if share.low is None or share.low < NOTE:
        return passed(told, detail=by, rows=most, evidence=(share, *evidence))
    return found(
        "note", told, detail=f"{by} A model can learn to repeat names beside what was said of their bearers.", rows=most,
        evidence=(share, *evidence), fix="where these persons may not be named, replace the names or delete the rows",
    )  # fmt: skip


def _known(namer: Namer) -> tuple[str, tuple[Score, Score]]:
    """How the model does on names that are known, by the place where they are usual, and on sentences without any."""
    asked = sentences()
    hits: dict[str, int] = dict.fromkeys(NAMES, 0)
    for (place, name, sentence), spans in zip(asked, namer.names([sentence for _, _, sentence in asked]), strict=True):
        start = sentence.index(name)
        hits[place] += any(begin < start + len(name) and end > start for begin, end in spans)
    wrong = sum(bool(spans) for spans in namer.names(WITHOUT))
    each, total = {place: len(known) * len(SENTENCES) for place, known in NAMES.items()}, sum(hits.values())
    fewest = [f"{place} ({hits[place]} of {each[place]})" for place in sorted(NAMES, key=lambda place: hits[place] / each[place])[:3]]
    said = (
        f"Of {len(asked)} English sentences that name a person it finds {total:,}, fewest with names that are {listing(fewest)}. "
        f"In {wrong} of {len(WITHOUT)} sentences without a name it finds one."
    )
    return said, (rate("known_names_found", total, len(asked)), rate("names_found_where_none_is", wrong, len(WITHOUT)))
