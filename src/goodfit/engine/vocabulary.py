"""The rows of the input embedding that training texts use are all that AdamW needs to hold and to step.

A token that no training row has gets no gradient: AdamW would only carry zeros for it, step after step, and in a multilingual encoder
that is most of the model (96 of 118 M parameters in multilingual-e5-small, of which a thousand tweets use 1 M). While a training runs,
the used rows [U, H] stand in place of the whole table [V, H] as the module's `weight`; texts of validation may use the others, which are
looked up in the table that was put aside. Afterwards the rows go back into it. The losses are those of training the whole table.

One thing differs from that: weight decay does not shrink what no text uses, it stays as it was pre-trained.

Shapes: V vocabulary, U used rows, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from goodfit.engine.examples import Examples
from goodfit.engine.parts import whole_model

WORTH = 0.75
"""Above this share of used rows the table is trained as it stands."""
_CHUNK = 1 << 24


@contextmanager
def vocabulary_of(model: nn.Module, train: Examples) -> Iterator[None]:
    """Within it, the input embedding's `weight` holds the rows that `train` uses; nothing happens where that would not do.

    It does not where the table is frozen, an adapter's, shared with the output (every row learns then) or of a kind of its own.
    """
    table = _table(model)
    used = None if table is None else used_rows(train, table)
    if table is None or used is None or len(used) > WORTH * table.num_embeddings:
        yield
        return
    rows = _Rows(table, torch.from_numpy(used).to(table.weight.device))
    try:
        yield
    finally:
        rows.leave()


def used_rows(train: Examples, table: Any) -> Any:
    """int64 [U], ascending: tokens of the training rows, and the padding; None where an id is beyond the table."""
    seen = np.zeros(table.num_embeddings, dtype=bool)
    for start in range(0, len(train.input_ids), _CHUNK):
        chunk = np.asarray(train.input_ids[start : start + _CHUNK])
        if len(chunk) and (chunk.min() < 0 or chunk.max() >= len(seen)):
            return None
        seen[chunk] = True
    if table.padding_idx is not None:
        seen[table.padding_idx] = True
    return np.flatnonzero(seen)


def _table(model: nn.Module) -> Any:
    """The input embedding, if it is a plain one that learns and nothing else holds its weight."""
    whole: Any = whole_model(model)
    try:
        table = whole.get_input_embeddings()
    except (NotImplementedError, AttributeError):
        return None
    if type(table) is not nn.Embedding or not table.weight.requires_grad or "forward" in table.__dict__:
        return None
    holders = sum(p is table.weight for module in whole.modules() for p in module.parameters(recurse=False))
    plain = table.max_norm is None and not table.sparse and not table.scale_grad_by_freq
    return table if plain and holders == 1 else None


class _Rows:
    """Stands in for the forward of an embedding whose `weight` is cut to the used rows."""

    def __init__(self, table: Any, used: torch.Tensor) -> None:
        self._table, self._used, self._whole = table, used, table.weight
        self._place = torch.full((table.num_embeddings,), -1, dtype=torch.int64, device=used.device)
        self._place[used] = torch.arange(len(used), device=used.device)
        self._padding = None if table.padding_idx is None else int(self._place[table.padding_idx])
        table.weight = nn.Parameter(self._whole.detach()[used].clone())
        table.forward = self

    def __call__(self, ids: torch.Tensor) -> torch.Tensor:
        """[…] ids -> […, H]"""
        place = self._place[ids]
        out = F.embedding(place.clamp_min(0), self._table.weight, self._padding)
        unused = place < 0
        if not bool(unused.any()):
            return out
        return torch.where(unused[..., None], F.embedding(ids, self._whole.detach()), out)

    def leave(self) -> None:
        """The whole table again, with what its used rows have learned."""
        with torch.no_grad():
            self._whole[self._used] = self._table.weight.to(self._whole)
        self._table.weight = self._whole
        del self._table.forward
