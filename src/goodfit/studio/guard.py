"""Who may ask: requests for this very address, from this page or typed in, with the token. Everything else is refused before any page runs.

Part of the studio; a plain ASGI wrapper around the app.

- Host must be 127.0.0.1 or localhost with our port: another name that points here (DNS rebinding) is refused.
- The token stands in the printed address once; it becomes a cookie (HttpOnly, SameSite=Strict) and is redirected away. Reads need it too.
- Origin, where a browser sends one, must be ours; a change must send one, and JSON, which no form of another site can.
- Every answer carries a policy that allows our own script and style files and nothing inline, nothing from elsewhere, no framing.
"""

from __future__ import annotations

import hmac
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
}  # fmt: skip
LARGEST_BODY = 64 * 1024
READS = ("GET", "HEAD")
NO_TOKEN = "This page needs its token: open the whole address that goodfit printed in the terminal.\n"


class Guard:
    """Wraps an ASGI app."""

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self.app = app
        self.token = token
        self.cookie = f"goodfit-{port}"
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a refusal, or passes the request on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        answer = self._refusal(scope)
        app = self.app if answer is None else answer
        await app(scope, _limited(receive), _with_headers(send))

    def _refusal(self, scope: Scope) -> Response | None:
        """What is answered instead of the page; None where the request may go on."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if host not in self.hosts:
            return PlainTextResponse("This address is not known here.\n", 421)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if "token" in query and scope["method"] in READS:
            return self._welcome(scope, query)
        if not self._same(self._cookie_of(headers)):
            return PlainTextResponse(NO_TOKEN, 401)
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return PlainTextResponse("Another site asked for this page.\n", 403)
        return self._foreign(scope["method"], headers, f"http://{host}")

    def _foreign(self, method: str, headers: Headers, ours: str) -> Response | None:
        origin = headers.get("origin")
        if method not in (*READS, "POST"):
            return PlainTextResponse("Not here.\n", 405)
        if (origin is not None or method == "POST") and origin != ours:
            return PlainTextResponse("Another site asked for this page.\n", 403)
        if method == "POST":
            if headers.get("content-type", "").split(";")[0].strip() != "application/json":
                return PlainTextResponse("A change is sent as JSON.\n", 415)
            if not headers.get("content-length", "").isdigit() or int(headers["content-length"]) > LARGEST_BODY:
                return PlainTextResponse("Too long.\n", 413)
        return None

    def _welcome(self, scope: Scope, query: dict[str, str]) -> Response:
        """The token becomes a cookie, and leaves the address."""
        if not self._same(query.pop("token")):
            return PlainTextResponse(NO_TOKEN, 403)
        path = "/" + quote(scope["path"].lstrip("/\\"), safe="/")
        rest = urlencode(query)
        answer = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
        return answer

    def _cookie_of(self, headers: Headers) -> str:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(headers.get("cookie", ""))
        except CookieError:
            return ""
        return jar[self.cookie].value if self.cookie in jar else ""

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())


def _limited(receive: Receive) -> Receive:
    """A body that is longer than it said, or than allowed, ends there."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST_BODY:
            return {"type": "http.disconnect"}
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return sending
