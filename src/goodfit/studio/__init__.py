"""The studio: local pages over run folders; its first page is the review. Needs the extra `studio`.

    text      texts of unknown origin -> HTML in which nothing is hidden
    guard     who may ask: this machine, this token, this page
    pages     templates and assets
    review    the pages of a review of answers and their JSON twins
    suspects  the same of rows whose label is doubted
    app       routes
    server    the address, the token, the loop

Pages are rendered from the run folder named in their URL; no session is kept. 127.0.0.1 only. docs/decisions/0304-review.md says why
Starlette and no htmx.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from goodfit.errors import MissingExtra
from goodfit.run import Run

__all__ = ["serve"]


def serve(run: Run, *, of: str = "answers", reviewer: str | None = None, port: int = 0, say: Callable[[str], None]) -> None:
    """Shows a run's review (of its answers, or of its suspects) until Ctrl-C; `say` gets the address.

    MissingExtra without the extra, UserError where the port is taken.
    """
    for name in ("starlette", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            raise MissingExtra("the page of a review", "studio")
    from goodfit.studio.server import run_until_stopped  # noqa: PLC0415  an extra: absent in a plain install

    run_until_stopped(run, of=of, reviewer=reviewer, port=port, say=say)
