"""Telling how far a long reading is, a few times a second and not for every batch.

Layer: data. A callback is `on_progress(done, total, text)`: `done` and `total` in bytes or rows (`total` None where unknown),
`text` what is being done. Whoever shows it computes rate and remaining time.
"""

from __future__ import annotations

import time
from collections.abc import Callable

OnProgress = Callable[[int, int | None, str], None]
"""`on_progress(done, total, text)`."""
INTERVAL = 0.2
"""Seconds between two calls, at least."""


class Throttle:
    """Calls `on_progress` at most every `INTERVAL` seconds; the last state is always told by `finish`."""

    def __init__(
        self, on_progress: OnProgress | None, total: int | None, text: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = on_progress
        self._total = total
        self._text = text
        self._clock = clock
        self._last = float("-inf")

    def at(self, done: int) -> None:
        """`done` of `total` is reached."""
        if self._tell is None:
            return
        now = self._clock()
        if now - self._last >= INTERVAL:
            self._last = now
            self._tell(done if self._total is None else min(done, self._total), self._total, self._text)

    def finish(self, done: int | None = None) -> None:
        """All is done (`done` where the total was not known)."""
        if self._tell is not None:
            last = done if done is not None else (self._total or 0)
            self._tell(last, self._total if self._total is not None else last, self._text)
