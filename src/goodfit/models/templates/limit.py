"""A bound on how long a chat template may run: it is somebody's program, and nothing says that it ever ends.

A thread looks, a few times a second, whether a rendering is over its time, and raises TooSlow in the thread that renders
(`PyThreadState_SetAsyncExc`, which works on every system and in every thread, unlike a timer's signal). A rendering costs two locks.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 20.0
"""A conversation of 10 MB takes published templates a tenth of a second."""
_LOOK = 0.25


class TooSlow(Exception):
    """The template ran for too long."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Raises TooSlow in what runs within it once it has run for so long."""
    thread = threading.get_ident()
    _WATCH.begin(thread, time.monotonic() + seconds)
    try:
        yield
    finally:
        _WATCH.end(thread)


class _Watch:
    """What is running, and the thread that looks at it; that one ends when it has nothing to look at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadlines: dict[int, float] = {}
        self._late: set[int] = set()
        self._looks: threading.Thread | None = None

    def begin(self, thread: int, deadline: float) -> None:
        with self._lock:
            self._deadlines[thread] = deadline
            if self._looks is None or not self._looks.is_alive():
                self._looks = threading.Thread(target=self._look, name="goodfit-templates", daemon=True)
                self._looks.start()

    def end(self, thread: int) -> None:
        with self._lock:
            self._deadlines.pop(thread, None)
            late = thread in self._late
            self._late.discard(thread)
        if late:  # an exception that was sent but has not arrived would surface somewhere else
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), None)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOK)
            with self._lock:
                if not self._deadlines:
                    self._looks = None
                    return
                now = time.monotonic()
                for thread in [thread for thread, deadline in self._deadlines.items() if deadline < now]:
                    del self._deadlines[thread]
                    self._late.add(thread)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TooSlow))


_WATCH = _Watch()
