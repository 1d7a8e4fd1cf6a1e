"""The address, the token, the loop: 127.0.0.1, a free port, a token made anew each time."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from goodfit.errors import UserError
from goodfit.run import Run
from goodfit.studio.app import PAGES, create_app

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A server that is bound but does not run yet."""

    uvicorn: uvicorn.Server
    socket: socket.socket
    address: str
    """With the token: whoever has it may read and judge."""

    def run(self) -> None:
        """Serves until told to stop."""
        self.uvicorn.run(sockets=[self.socket])


def make(run: Run, *, of: str = "answers", reviewer: str | None = None, port: int = 0) -> Server:
    """Binds the port (0: a free one); UserError where it is taken."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
    except OSError as error:
        bound.close()
        raise UserError(f"port {port} cannot be used: {error.strerror}", fix="another --port, or none for a free one") from error
    port = int(bound.getsockname()[1])
    token = secrets.token_urlsafe(32)
    config = uvicorn.Config(
        create_app(run, token=token, port=port, of=of),
        loop="asyncio", http="h11", ws="none", lifespan="off", log_level="error", access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=2,
    )  # fmt: skip
    path = f"/runs/{run.id}/{PAGES[of][0]}" + (f"/as/{reviewer}" if reviewer else "")
    return Server(uvicorn.Server(config), bound, f"http://{HOST}:{port}{path}?token={token}")


def run_until_stopped(run: Run, *, of: str, reviewer: str | None, port: int, say: Callable[[str], None]) -> None:
    """Serves until Ctrl-C, which is how one ends it."""
    server = make(run, of=of, reviewer=reviewer, port=port)
    say(f"open {server.address}")
    say("this machine only; whoever has the address may read and judge. Every answer is saved at once. Ctrl-C ends it.")
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
