"""Namer: where a text names a person, by a model for named entities that somebody else trained and the user names.

Part of tasks. Tokens are joined as such models are read everywhere (BIO and its kin): a piece of a word goes with the word's beginning, a
`B-` begins a name, an `I-` goes on with it. What is known of a namer stands beside what it finds (audit/checks/names.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from goodfit.errors import SettingsError
from goodfit.models.load import load_tagger
from goodfit.models.source import resolve

Span = tuple[int, int]
"""Where a name begins and ends, in characters."""
MOST_TOKENS = 256
"""Tokens of a text that are read."""
BATCH = 32
PERSON = frozenset({
    "per", "pers", "person", "persons", "name", "names", "personname", "fullname", "firstname", "lastname", "givenname", "surname",
    "middlename", "patient", "doctor",
})  # fmt: skip
"""Labels that mean the name of a person, without prefix, case and signs."""


@dataclass(frozen=True)
class Namer:
    """A trained tagger, and which of its labels mean a person."""

    name: str
    loaded: Any
    meant: NDArray[np.bool_]
    """[L]"""
    begins: NDArray[np.bool_]
    """[L] labels with which a name begins, even right behind another."""

    @classmethod
    def load(cls, model: str, folder: Path, key: str, wanted: Sequence[str] = ()) -> Namer:
        """The model at `model` (beside the recipe in `folder`, installed, or a hub id).

        `wanted`: its labels that mean a person, with or without their prefix, as the recipe's `key` names them; where it names none, those
        in PERSON. ModelError where it marks no tokens, SettingsError where no label fits.
        """
        beside = folder / model
        loaded = load_tagger(resolve(beside if beside.exists() else model))
        bare = [_bare(label) for label in loaded.labels]
        asked = {_bare(name) for name in wanted}
        there = f"there are {', '.join(map(repr, loaded.labels))}"
        if unknown := sorted(asked - set(bare)):
            raise SettingsError(f"{key}: {unknown[0]!r} is no label of the model; {there}", fix=f"{key}: the labels that mean a person")
        meant = np.array([name in (asked or PERSON) for name in bare])
        if not meant.any():
            raise SettingsError(f"no label of {model} says by its name that it means a person; {there}", fix=f"name them in {key}")
        return cls(model, loaded, meant, np.array([label[:2].upper() in ("B-", "S-", "U-") for label in loaded.labels]))

    def names(self, texts: Sequence[str]) -> Iterator[list[Span]]:
        """The names in each text, in order."""
        for at in range(0, len(texts), BATCH):
            yield from self._batch(list(texts[at : at + BATCH]))

    def _batch(self, texts: list[str]) -> Iterator[list[Span]]:
        most = min(MOST_TOKENS, self.loaded.identity.max_length or MOST_TOKENS)
        given = self.loaded.tokenizer(
            texts, truncation=True, max_length=most, padding=True, return_offsets_mapping=True, return_tensors="pt",
            return_special_tokens_mask=True,
        )  # fmt: skip
        offsets, special = given.pop("offset_mapping").tolist(), given.pop("special_tokens_mask").bool()
        with torch.inference_mode():
            labels = self.loaded.model(**given).logits.argmax(dim=-1)
        for text, places, found, aside in zip(texts, offsets, labels.tolist(), special.tolist(), strict=True):
            tokens = [(start, end, label) for (start, end), label, skip in zip(places, found, aside) if end > start and not skip]
            yield self._joined(text, tokens)

    def _joined(self, text: str, tokens: Sequence[tuple[int, int, int]]) -> list[Span]:
        """Tokens (start, end, label) -> spans; a piece that touches the one before it is of its word, and of its kind."""
        out: list[Span] = []
        last, inside = -1, False
        for start, end, label in tokens:
            start += len(text[start:end]) - len(text[start:end].lstrip())  # some tokenizers give a word its blank
            if start == last and text[start - 1].isalnum() and text[start].isalnum():
                if inside:
                    out[-1] = (out[-1][0], end)
            elif self.meant[label] and inside and not self.begins[label]:
                out[-1] = (out[-1][0], end)
            else:
                inside = bool(self.meant[label])
                if inside:
                    out.append((start, end))
            last = end
        return out


def _bare(label: str) -> str:
    """`B-PER` -> `per`, `First_Name` -> `firstname`."""
    cut = label[2:] if label[1:2] in ("-", "_") and label[:1].upper() in "BIESLU" else label
    return "".join(sign for sign in cut.lower() if sign.isalnum())
