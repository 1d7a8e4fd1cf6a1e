"""The cache: where it lies, how large it may be, what is thrown away first."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from goodfit.data import cache as caches
from goodfit.errors import UserError


def _file(path: Path, size: int, age: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert caches.root() == tmp_path / "cache"
    monkeypatch.delenv("GOODFIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert caches.root() == tmp_path / "goodfit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert caches.root() == Path.home() / ".cache" / "goodfit"


def test_the_files_used_longest_ago_go_first(cache: Path) -> None:
    old, used, kept, new = (_file(cache / "rows" / f"{i}.arrow", 100, age) for i, age in enumerate((400, 300, 200, 100)))
    caches.touch(used)
    assert caches.trim(keep=(kept,), limit=250) == [old, new]
    assert sorted(cache.rglob("*.arrow")) == [used, kept]
    assert caches.trim(limit=10**9) == []


def test_temporaries_go_after_a_day(cache: Path) -> None:
    stale, fresh = _file(cache / ".a.tmp", 10, 90_000), _file(cache / ".b.tmp", 10, 60)
    assert caches.trim(limit=0) == [stale]
    assert fresh.exists()


def test_the_limit_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert caches.limit_bytes() == 20_000_000_000
    monkeypatch.setenv("GOODFIT_CACHE_GB", "0.5")
    assert caches.limit_bytes() == 500_000_000
    monkeypatch.setenv("GOODFIT_CACHE_GB", "big")
    with pytest.raises(UserError, match="GOODFIT_CACHE_GB is 'big'"):
        caches.limit_bytes()


def test_trimming_an_absent_cache() -> None:
    assert caches.trim() == []
