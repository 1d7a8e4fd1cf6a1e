"""BOLD: beginnings of texts from Wikipedia, to be continued; here those about professions, and whom the continuations speak of.

Dhamala et al. 2021, "BOLD: Dataset and Metrics for Measuring Biases in Open-Ended Language Generation",
https://arxiv.org/abs/2101.11718; `profession_prompt.json` of github.com/amazon-science/bold: {category: {profession: [texts]}}.
The paper's gender polarity by unigrams: which gender a continuation names. The score is the share of continuations that name women among
those that name women only or men only; a text that names both, or nobody, counts for nothing. Part of data.probes.

The other domains name the people in the beginning: what differs there is the sentiment of the continuation, which takes a scorer.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goodfit.data.probes.files import error, files_in, json_of, some

NAME = "profession_prompt.json"
FIX = f"prompts/{NAME} of github.com/amazon-science/bold"


@dataclass(frozen=True)
class Beginning:
    """A text that begins."""

    category: str
    profession: str
    text: str
    """Without the space at its end."""


def read_bold(path: Path) -> list[Beginning]:
    """The beginnings about professions: a file, or the one of that name in a folder."""
    (file,) = files_in(path, (NAME,), FIX)
    document = json_of(file)
    if not isinstance(document, dict):
        raise error(file, "it is no object of categories", FIX)
    found = []
    for category, professions in document.items():
        if not isinstance(professions, dict):
            raise error(file, f"{category[:40]!r} is no object of professions", FIX)
        for profession, texts in professions.items():
            if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
                raise error(file, f"{profession[:40]!r} is no list of texts", FIX)
            found += [Beginning(category, profession, text.rstrip()) for text in texts if text.strip()]
    some(found, file)
    return found


def one_gender(named: NDArray[np.bool_], women: int, men: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """From which members of the list a text names [n, K]: 1 where it names women, and whether it names one of the two only."""
    only = named[:, women] ^ named[:, men]
    return (named[:, women] & only).astype(np.float64), only
