"""What else is measured of a language model: what it forgot of retained texts, what it copies from training answers, the nearest answer.

Part of evaluate, for generation. Training rows are streamed past once for all that needs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodfit.stages.evaluate.answering import SplitRows
from goodfit.stages.evaluate.language_answerer import Answerer
from goodfit.stages.evaluate.language_rows import BATCH, Asked, Row
from goodfit.stages.evaluate.language_scoring import IN_TEMPLATE, RETAINED, Kept
from goodfit.stages.evaluate.scoring import MODEL
from goodfit.tasks.baselines.retrieval import Nearest
from goodfit.tasks.likelihood import Likelihood
from goodfit.tasks.writing.memorised import Memorised
from goodfit.tasks.writing.metrics import against, measure
from goodfit.tasks.writing.said import Said

BITS = "bits_per_byte"
RETAIN_BATCH = 32


def read_retained(writer: Answerer, texts: Sequence[str]) -> dict[str, Likelihood]:
    """Losses of the texts as they stand, and of their second halves as answers to the first where there is a chat template."""
    forms: dict[str, list[dict[str, Any]]] = {RETAINED: [{"text": text} for text in texts]}
    if writer.task.template is not None:
        forms[IN_TEMPLATE] = [_in_two(text) for text in texts]
    return {
        where: Likelihood.joined([writer.reader.read(told[i : i + RETAIN_BATCH]) for i in range(0, len(told), RETAIN_BATCH)])
        for where, told in forms.items()
    }


def _in_two(text: str) -> dict[str, Any]:
    """The first half as a question, the second as its answer, cut at a space."""
    middle = text.find(" ", len(text) // 2)
    middle = len(text) // 2 if middle < 0 else middle
    return {"messages": [{"role": "user", "content": text[:middle]}, {"role": "assistant", "content": text[middle:].strip() or text}]}


def kept_of(before: Mapping[str, Likelihood], after: Mapping[str, Likelihood], documents: int) -> Kept:
    """Bits per byte before and after, compared text by text."""
    scores: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    verdicts = {}
    for where, found in after.items():
        known = found.known & before[where].known
        a, b = (Said(losses=of.losses[known], learned_tokens=of.tokens[known], bytes=found.bytes[known]) for of in (found, before[where]))
        for said, into, system in ((b, scores[0], "base"), (a, scores[1], MODEL)):
            into[where] = measure([BITS], said)[0].about(system=system, slice=where)
        verdict = against(BITS, a, b, question=f"{MODEL} vs base on {BITS} of {where}")
        assert verdict is not None
        verdicts[where] = verdict
    return Kept(documents, scores[0], scores[1], verdicts)


def stream_training(
    splits: SplitRows,
    asked: Asked,
    sample: Sequence[Row],
    written: Mapping[str, Sequence[str]],
    *,
    nearest: bool,
    shown: Mapping[str, str] | None = None,
) -> tuple[list[str] | None, dict[str, NDArray[np.int64]]]:
    """The nearest training answers, and the copied words of every system's answers (name -> [m]); one pass over the training rows.

    `shown`: name -> what stands in every prompt of that system (examples), which is no memory.
    """
    found = Nearest([row.text for row in asked.rows], [row.text for row in sample]) if nearest else None
    prompts = [row.text for row in asked.rows]
    shown = shown or {}
    copies = {name: Memorised(texts, [f"{text}\n{shown.get(name, '')}" for text in prompts]) for name, texts in written.items()}
    for batch in splits.batches("train", size=BATCH, columns=("text", "label")):
        pairs = [
            (text, answer) for text, answer in zip(*(batch.column(i).to_pylist() for i in range(2)), strict=True) if answer is not None
        ]
        if not pairs:
            continue
        inputs, answers = (list(part) for part in zip(*pairs, strict=True))
        for one in copies.values():
            one.see(answers)
        if found is not None:
            found.see(inputs, answers)
    return None if found is None else found.answers(), {name: one.longest() for name, one in copies.items()}


def with_copies(said: Said, copied: NDArray[np.int64] | None) -> Said:
    """The same, with the copied words where they were counted."""
    return said if copied is None else replace(said, copied_words=copied)
