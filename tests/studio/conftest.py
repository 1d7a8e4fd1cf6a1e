"""What the tests of the pages share: a browser, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.browser import Browser


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened
