"""A judge at an OpenAI-compatible address: `POST <base>/chat/completions`, standard library only.

Part of judge. Nothing is sent unless the user gave the address. The key goes into one header and is neither kept nor shown; redirects are
refused, since they would carry it elsewhere. Whatever comes back is of unknown origin: its size is bounded, and only an option of the
question counts as an answer.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from goodfit.errors import MachineError, UserError
from goodfit.improve.judge.asking import WORDING, Question

SECONDS = 120.0
"""Patience with one request."""
TRIES = 5
LONGEST_WAIT = 60.0
LARGEST = 1_000_000
"""Bytes of a response that are read."""
NEW_TOKENS = 1024
"""Room for a model that thinks aloud before it says a letter."""
BUSY = (408, 409, 429, 500, 502, 503, 504, 529)
"""Answers after which the same request may do."""
LOCAL = ("localhost", "127.0.0.1", "::1")


class RemoteJudge:
    """A model behind an address. `tokens` counts what the server says that it read and wrote."""

    def __init__(
        self, base_url: str, model: str, *, key: str | None = None, seconds: float = SECONDS, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self.url = f"{_checked(base_url, key)}/chat/completions"
        self.model, self.key, self.seconds, self.sleep = model, key, seconds, sleep
        self.identity: dict[str, Any] = {"kind": "remote", "model": model, "base_url": base_url.rstrip("/"), "wording": WORDING}
        self.tokens = {"read": 0, "written": 0}
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, questions: Sequence[Question]) -> list[dict[str, float] | str]:
        """One request for each question. UserError where the server refuses it, MachineError where it is not to be had."""
        return [_read(self._said(question.text), question.options) for question in questions]

    def _said(self, text: str) -> str | None:
        """What the model wrote; None where the response is not of the form it should have."""
        body = {"model": self.model, "messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": NEW_TOKENS}
        response = self._posted(json.dumps(body).encode())
        try:
            document = json.loads(response)
            content = document["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            return None
        self._count(document.get("usage"))
        return content if isinstance(content, str) else None

    def _count(self, usage: object) -> None:
        for ours, theirs in (("read", "prompt_tokens"), ("written", "completion_tokens")):
            number = usage.get(theirs) if isinstance(usage, dict) else None
            if type(number) is int and number >= 0:
                self.tokens[ours] += number

    def _posted(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "User-Agent": "goodfit"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        why, wait = "", 0.0
        for attempt in range(TRIES):
            if attempt:
                self.sleep(wait)
            wait = min(2.0**attempt, LONGEST_WAIT)
            request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
            try:
                with self._opener.open(request, timeout=self.seconds) as response:
                    return bytes(response.read(LARGEST))
            except urllib.error.HTTPError as error:
                with error:
                    why = self._refusal(error)
                    if error.code not in BUSY:
                        raise UserError(why, fix=_remedy(error.code)) from None
                    wait = _asked_to_wait(error.headers.get("Retry-After"), wait)
            except (OSError, HTTPException) as error:
                why = f"{self.url} does not answer: {getattr(error, 'reason', None) or error or type(error).__name__}"
        raise MachineError(f"{why} ({TRIES} tries)", fix="what was judged is saved; the same command goes on")

    def _refusal(self, error: urllib.error.HTTPError) -> str:
        """What the server says, in one line, without the key, should it repeat it."""
        try:
            said = error.read(2000).decode("utf-8", "replace")
        except (OSError, HTTPException):
            said = ""
        said = " ".join("".join(c if c.isprintable() else " " for c in said).split())[:300]
        return f"{self.url} answers {error.code}: {said.replace(self.key, '…') if self.key else said}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect stays the error that it is."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _checked(base_url: str, key: str | None) -> str:
    """The address without a slash at its end; UserError for one that is none, or over which the key could be read."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise UserError(f"{base_url!r} is no address", fix="--base-url https://api.example.org/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UserError("the address holds more than a host and a path", fix="name the variable that holds the key: --key-env NAME")
    if key and parts.scheme == "http" and host not in LOCAL:
        raise UserError(f"the key would travel to {host} for everybody to read", fix="use https, or a tunnel to 127.0.0.1")
    if key and not re.fullmatch(r"[\x21-\x7e]+", key):
        raise UserError("the key holds spaces, line breaks or letters that no header can carry", fix="set the variable anew")
    return base_url.rstrip("/")


def _remedy(code: int) -> str:
    if code in (401, 403):
        return "--key-env NAME names the environment variable that holds the key"
    if 300 <= code < 400:
        return "give the address that it redirects to as --base-url"
    return "check --base-url (it ends in /v1 as a rule) and --model"


def _asked_to_wait(header: str | None, otherwise: float) -> float:
    """Retry-After in seconds, within bounds."""
    try:
        return min(max(float(header or ""), 0.0), LONGEST_WAIT)
    except ValueError:
        return otherwise


def _read(said: str | None, options: Sequence[str]) -> dict[str, float] | str:
    """The option that was written and nothing else (thoughts between <think> marks left out), as a chance of 1."""
    if said is None:
        return "the server's response has no text"
    plain = re.sub(r"<think>.*?</think>", "", said, flags=re.DOTALL)
    match = re.fullmatch(r"(?i:answer)?[\s:*_`\"'().\[\]]*([A-Z0-9])[\s*_`\"'().\[\]]*", plain.strip())
    if match is None or match[1] not in options:
        return f"it answered {plain.strip()[:80]!r}, which is none of {', '.join(options)}"
    return {option: float(option == match[1]) for option in options}
