"""Generate: continuations of any number of prompts in bounded memory. evaluate, predict, chat and the samples of a training come here.

Two ways, and the same tokens. Decoders of the Llama kind are written by our own forward pass (engine/decode.py), if a comparison with
the model's own on the user's prompts says that it is the same model; the next prompt takes the row of an answer that has ended
(engine/slots.py). All others run through transformers' modules in padded batches (engine/padded.py). In float32 greedy answers equal
`transformers.generate` token for token; in bfloat16 as far as ties and roundings allow (docs/decisions/0106-writing.md). A sampled answer
depends on its seed and its prompt's place, never on what stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

from goodfit.engine.decode import Decoder
from goodfit.engine.decoding import Decoding, Written, likely_shares
from goodfit.engine.memory import is_out_of_memory
from goodfit.engine.padded import PaddedBatch, weights_in
from goodfit.engine.parts import evaluating, whole_model
from goodfit.engine.plan import Precision
from goodfit.engine.precision import precision_of
from goodfit.engine.slots import Slots, decoder_for
from goodfit.errors import MachineError

__all__ = ["Continuations", "Decoding", "Written", "generate", "likely_shares"]


def generate(
    model: nn.Module, prompts: Sequence[Sequence[int]], decoding: Decoding, *, batch_rows: int = 16, precision: Precision = "float32"
) -> Iterator[Written]:
    """Continue every prompt (token ids, at least one each), `batch_rows` of them at a time; results come as they end, not in order.

    Where memory runs out fewer rows are taken; MachineError where a single prompt is too much. Eval mode while it runs. A working copy
    of the weights in the dtype of the products is held until the last answer.
    """
    yield from Continuations(model, precision).of(prompts, decoding, batch_rows=batch_rows)


class Continuations:
    """The same for a model whose weights stay as they are: the working copy is made and compared once, and held."""

    def __init__(self, model: nn.Module, precision: Precision = "float32") -> None:
        whole: Any = whole_model(model)
        self.model = whole
        self.dtype, _ = precision_of(precision, model)
        self.decoder: Decoder | None = None
        self.compared = 0
        """The longest prompt and answer that the comparison was made for; 0: none yet."""

    def of(self, prompts: Sequence[Sequence[int]], decoding: Decoding, *, batch_rows: int = 16) -> Iterator[Written]:
        """Continue every prompt, as `generate` does."""
        assert all(len(prompt) for prompt in prompts), "a prompt without tokens"
        if not len(prompts):
            return
        with evaluating(self.model):
            decoder = self._decoder(prompts, decoding)
            if decoder is None:
                yield from _by_batches(self.model, prompts, decoding, batch_rows, self.dtype)
            else:
                yield from _by_slots(decoder, prompts, decoding, batch_rows)

    def _decoder(self, prompts: Sequence[Sequence[int]], decoding: Decoding) -> Decoder | None:
        """Made anew only where longer texts bring a window into play that was not compared."""
        longest = max(len(prompt) + decoding.max_new_tokens for prompt in prompts)
        windows = () if self.decoder is None else tuple(w for w in self.decoder.windows() if w is not None)
        if not self.compared or any(self.compared <= window < longest for window in windows):
            self.decoder = None
            self.decoder = decoder_for(self.model, prompts, decoding, self.dtype)
            self.compared = longest
        return self.decoder


def _by_slots(decoder: Decoder, prompts: Sequence[Sequence[int]], decoding: Decoding, rows: int) -> Iterator[Written]:
    left = dict.fromkeys(range(len(prompts)))
    while left:
        try:
            for one in Slots(decoder, prompts, list(left), decoding, rows).run():
                del left[one.index]
                yield one
        except (RuntimeError, MemoryError) as error:
            rows = min(rows, len(left)) // 2
            _need_memory(error, max(len(prompts[place]) for place in left), rows)


def _by_batches(model: Any, prompts: Sequence[Sequence[int]], decoding: Decoding, rows: int, dtype: torch.dtype) -> Iterator[Written]:
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    todo = [order[i : i + rows] for i in range(0, len(order), rows)]  # the longest is taken first: memory runs out now or never
    weights = weights_in(model, dtype)
    while todo:
        places = todo.pop()
        try:
            done = list(PaddedBatch(model, prompts, places, decoding, weights).run())
        except (RuntimeError, MemoryError) as error:
            middle = len(places) // 2
            _need_memory(error, len(prompts[places[0]]), middle)
            todo += [places[:middle], places[middle:]]
            continue
        yield from done


def _need_memory(error: BaseException, longest: int, rows: int) -> None:
    """Returns where memory ran out and `rows` rows may still do; raises MachineError where no row is left, any other error again."""
    if not is_out_of_memory(error):
        raise error
    if not rows:
        raise MachineError(f"memory ran out on one prompt of {longest:,} tokens", fix="a shorter prompt, or a smaller model") from error
