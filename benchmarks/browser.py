"""A headless Chromium, driven through its own driver by the WebDriver protocol (W3C) with the standard library: no package is needed.

`chromium` and `chromedriver` must be on the PATH (Debian: apt-get install chromium chromium-driver). Used by the tests of the studio's
pages and by benchmarks/review_page.py.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowDown": "\ue015", "ArrowUp": "\ue013"}


def missing() -> str | None:
    """Why there is no browser here; None where there is one."""
    return None if CHROMIUM and DRIVER else "no chromium with chromedriver on this machine"


class Browser:
    """One browser with a profile of its own; a context manager."""

    def __init__(self, width: int = 1280, height: int = 860) -> None:
        assert DRIVER is not None, missing()
        self._driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._driver.stdout is not None
        port = None
        while port is None:
            line = self._driver.stdout.readline()
            if not line:
                raise RuntimeError("chromedriver did not start")
            found = re.search(r"started successfully on port (\d+)", line)
            port = found[1] if found else None
        self._root = f"http://127.0.0.1:{port}"
        wanted = {
            "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"binary": CHROMIUM, "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--window-size={width},{height}",
                "--no-first-run", "--disable-background-networking", "--force-color-profile=srgb"]},
        }  # fmt: skip
        made = self._ask("POST", f"{self._root}/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"{self._root}/session/{made['sessionId']}"
        self.console: list[str] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._ask("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(10)

    def _ask(self, method: str, address: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, method=method, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as got:
                return json.load(got)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].splitlines()[0]) from None

    def open(self, address: str) -> None:
        """Goes to a page and waits for it."""
        self._ask("POST", f"{self._session}/url", {"url": address})
        self._settle()

    def reload(self) -> None:
        """Loads the page anew."""
        self._ask("POST", f"{self._session}/refresh", {})
        self._settle()

    def _settle(self) -> None:
        """The driver may come back from a redirect before the page's own files are loaded."""
        self.until(lambda: self.run("return document.readyState === 'complete' && document.hasFocus()"))

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a script's `return`."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": list(arguments)})

    def press(self, *keys: str) -> None:
        """Presses keys one after another, as on a keyboard, once the page is there to take them."""
        self._settle()
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._ask("POST", f"{self._session}/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def until(self, what: Callable[[], Any], seconds: float = 10) -> Any:
        """Waits until `what` is true (a page that is being left counts as not yet)."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = what()
            except RuntimeError:
                value = None
            if value:
                return value
            if time.monotonic() > end:
                raise TimeoutError(f"{self.address}: {self.text()[:200]} … {self.text()[-200:]} {self.complaints()}")
            time.sleep(0.02)

    @property
    def address(self) -> str:
        """Where the browser is."""
        return str(self._ask("GET", f"{self._session}/url"))

    def text(self) -> str:
        """The page as a person reads it."""
        return str(self.run("return document.body.innerText"))

    def source(self) -> str:
        """The page's HTML as the browser holds it."""
        return str(self.run("return document.documentElement.outerHTML"))

    def complaints(self) -> list[str]:
        """Every warning and error of the console since the last call."""
        lines = self._ask("POST", f"{self._session}/se/log", {"type": "browser"})
        return [f"{line['level']}: {line['message']}" for line in lines if line["level"] in ("SEVERE", "WARNING")]

    def device(self, command: str, **how: Any) -> None:
        """A command of Chromium's own protocol (size of the screen, dark mode, offline)."""
        self._ask("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": how})

    def picture(self, path: Path) -> None:
        """A screenshot."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self._ask("GET", f"{self._session}/screenshot")))
