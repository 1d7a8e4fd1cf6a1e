"""Slots: prompts pass through a fixed number of rows; where one answer ends, the next prompt takes its row.

So the batch stays full however different the answers' lengths are. The longest prompts come first: memory is taken once, and runs out
now or never. A beginning that all prompts share (a system message, worked examples) is read once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from goodfit.engine.decode import Decoder
from goodfit.engine.decoding import Decoding, Written, choose, draws_for
from goodfit.engine.weights import Refused

_TOLERANCE = 2e-4
"""Of the largest logit: rounding gives 1e-6 to 2e-5, a part of the model left out 1e-3 and more."""
_CHECKED = 24
"""Tokens that are compared of a prompt, unless a window is longer."""
_LONGEST_CHECK = 1024
_READ = 4096
"""At most so many tokens of prompts are read at once (always one prompt)."""
_WORTH = 4
"""A shared beginning shorter than this is read with every prompt."""
_SHARE_OF_MEMORY = 0.7


def decoder_for(model: Any, prompts: Sequence[Sequence[int]], decoding: Decoding, dtype: torch.dtype) -> Decoder | None:
    """A Decoder in `dtype`, or None where the model's own forward pass gives other logits on the beginnings of these prompts.

    None too where memory does not hold a second copy of the weights.
    """
    if any(p.dtype != torch.float32 for p in model.parameters()) or not _fits(model, dtype):
        return None
    try:
        with torch.inference_mode():
            working = Decoder(model, dtype) if dtype == torch.float32 else None
            checked = working or Decoder(model, torch.float32, keep=False)
            if not _agrees(model, checked, prompts, decoding):
                return None
            return working or Decoder(model, dtype)
    except (Refused, AttributeError, TypeError, ValueError, KeyError, IndexError, RuntimeError, MemoryError):
        return None


def _fits(model: Any, dtype: torch.dtype) -> bool:
    """Whether the weights fit once more into the memory that is free."""
    needed = sum(p.numel() for p in model.parameters()) * dtype.itemsize
    device = next(model.parameters()).device
    if device.type == "cuda":
        return needed < _SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[0]
    try:
        return needed < _SHARE_OF_MEMORY * _available()
    except (OSError, ValueError, StopIteration):
        return True


def _available() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("MemAvailable")).split()[1])


def _agrees(model: Any, decoder: Decoder, prompts: Sequence[Sequence[int]], decoding: Decoding) -> bool:
    """Two rows of different lengths, read up to their last token and then stepped, against the model's own logits there."""
    rows = _rows_to_check(decoder, prompts, decoding)
    if rows is None:
        return False
    theirs = torch.stack([model(input_ids=torch.tensor([row], device=decoder.device), use_cache=False).logits[0, -2:] for row in rows])
    decoder.memory(len(rows), max(map(len, rows)))
    read = decoder.read(range(len(rows)), [row[:-1] for row in rows])
    ours = [read, decoder.step([row[-1] for row in rows], [len(row) - 1 for row in rows])]
    decoder.held = []
    return bool((theirs - torch.stack(ours, dim=1)).abs().max() <= _TOLERANCE * theirs.abs().max())


def _rows_to_check(decoder: Decoder, prompts: Sequence[Sequence[int]], decoding: Decoding) -> list[list[int]] | None:
    """Beginnings of the shortest and the longest prompt, long enough that every window matters that will; None where none is."""
    ordered = sorted(prompts, key=len)
    longest = len(ordered[-1]) + decoding.max_new_tokens
    windows = [w for w in decoder.windows() if w is not None and w < longest]
    wanted = max([_CHECKED, *(w + 8 for w in windows)])
    if wanted > _LONGEST_CHECK:
        return None
    tokens = [token for prompt in reversed(ordered[-64:]) for token in prompt]
    enough = (tokens * (wanted // len(tokens) + 1))[:wanted] if windows else tokens[:wanted]
    short = list(ordered[0][: _CHECKED // 3])
    return [(row * 4)[: max(len(row), 4)] for row in (short, enough)]


class Slots:
    """Some prompts on their way through a Decoder's rows."""

    def __init__(self, decoder: Decoder, prompts: Sequence[Sequence[int]], places: Sequence[int], decoding: Decoding, rows: int) -> None:
        self.decoder, self.prompts, self.decoding = decoder, prompts, decoding
        self.rows = min(rows, len(places))
        self.waiting = deque(sorted(places, key=lambda place: -len(prompts[place])))
        self.active: list[int] = []
        """The prompt in each row in use; rows are used from 0 on without a gap."""
        self.new: dict[int, list[int]] = {}
        self.last: dict[int, int] = {}
        self.draws = draws_for(places, decoding)
        self.stops = frozenset(decoding.stop_token_ids)
        self.known = _shared(prompts, places)

    def run(self) -> Iterator[Written]:
        """Every prompt once, as it ends."""
        lengths = [len(self.prompts[place]) for place in self.waiting]
        self.decoder.memory(self.rows, max(length + self.decoding.room(length) for length in lengths))
        if self.known:
            self.decoder.read([0], [self.prompts[self.waiting[0]][: self.known]])
            self.decoder.share(0, range(1, self.rows), self.known)
        free = list(range(self.rows))
        while self.waiting or self.active:
            while free and self.waiting:
                free, ended = self._fill(free)
                yield from ended
            self._close(free)
            if not self.active:
                return
            ended, free = self._step()
            yield from ended

    def _fill(self, free: list[int]) -> tuple[list[int], list[Written]]:
        """Waiting prompts are read into free rows; the rows that are free behind it, and what ended with its first token."""
        taken: list[int] = []
        while self.waiting and len(taken) < len(free):
            tokens = sum(len(self.prompts[place]) - self.known for place in [*taken, self.waiting[0]])
            if taken and tokens > _READ:
                break
            taken.append(self.waiting.popleft())
        rows = free[: len(taken)]
        chosen = self._choose(self.decoder.read(rows, [self.prompts[place] for place in taken], self.known), taken)
        for row, place in zip(rows, taken, strict=True):
            self.new[place] = []
            if row < len(self.active):
                self.active[row] = place
            else:
                self.active.append(place)
        ended, again = self._take(rows, chosen)
        return [*again, *free[len(taken) :]], ended

    def _step(self) -> tuple[list[Written], list[int]]:
        """One token for every row in use: what ended, and the rows that it leaves."""
        ids = [self.last[place] for place in self.active]
        columns = [len(self.prompts[place]) + len(self.new[place]) - 1 for place in self.active]
        return self._take(range(len(ids)), self._choose(self.decoder.step(ids, columns), self.active))

    def _choose(self, logits: torch.Tensor, places: Sequence[int]) -> list[int]:
        chosen: list[int] = choose(logits, places, self.decoding, self.draws).tolist()
        return chosen

    def _take(self, rows: Sequence[int], chosen: Sequence[int]) -> tuple[list[Written], list[int]]:
        ended, left = [], []
        for row, token in zip(rows, chosen, strict=True):
            place = self.active[row]
            stop = token in self.stops
            if not stop:
                self.new[place].append(token)
                self.last[place] = token
            if stop or len(self.new[place]) == self.decoding.room(len(self.prompts[place])):
                ended.append(Written(place, tuple(self.new.pop(place)), stop))
                left.append(row)
        return ended, left

    def _close(self, free: list[int]) -> None:
        """Rows in use move up into free ones."""
        for row in sorted((row for row in free if row < len(self.active)), reverse=True):
            place = self.active.pop()
            if row < len(self.active):
                self.decoder.move(len(self.active), row, len(self.prompts[place]) + len(self.new[place]))
                self.active[row] = place


def _shared(prompts: Sequence[Sequence[int]], places: Sequence[int]) -> int:
    """How many tokens all prompts begin with; 0 where it is not worth the while. The last token of a prompt is always read."""
    if len(places) == 1:
        return 0
    first, last = min(list(prompts[place]) for place in places), max(list(prompts[place]) for place in places)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    same = min(same, min(len(prompts[place]) for place in places) - 1)
    return same if same >= _WORTH else 0
