"""Shelf: the review that is shown, opened again when its items have changed. Part of the studio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from goodfit.errors import UserError
from goodfit.run import Run

T = TypeVar("T")


class Shelf(Generic[T]):
    """What `opened` gives for a run, kept while the file `items` (in the run's folder) stays as it is.

    `begins`: a review that has no such file yet is begun; else it must be there.
    """

    def __init__(self, run: Run, items: str, opened: Callable[[Run], T], *, begins: bool = False) -> None:
        self.run = run
        self._items, self._open, self._begins = run.path / items, opened, begins
        self._known: tuple[tuple[int, int], T] | None = None

    def get(self, run_id: str) -> T:
        """The review of a run; UserError for any other run than ours."""
        self.check(run_id)
        if self._begins and not self._items.is_file():
            self._open(self.run)
        state = self._items.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, self._open(self.run))
        return self._known[1]

    def check(self, run_id: str) -> None:
        """UserError for any other run than ours."""
        if run_id != self.run.id:
            raise UserError(f"{run_id!r} is not shown here", fix="open the address that goodfit printed")
