"""What the process holds is read, and given back where that is much."""

from __future__ import annotations

import gc
import subprocess
import sys

import numpy as np
import pytest

from goodfit import memory

MIB = 1 << 20


def test_what_is_held_is_read() -> None:
    before = memory.resident_bytes()
    held = np.ones(200 * MIB, np.uint8)
    assert 150 * MIB < memory.resident_bytes() - before < 400 * MIB
    del held


def test_a_process_that_did_not_grow_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(gc, "collect", lambda: asked.append(1))
    held = memory.resident_bytes()
    memory.give_back(held)
    assert not asked
    memory.give_back(held - 2 * memory.MUCH)
    assert asked


CODE = """
import gc
from goodfit import memory
gc.disable()
before = memory.resident_bytes()
for _ in range(200_000):  # small pieces, which glibc keeps for itself, in circles, which only the collector finds
    circle = [bytearray(2000)]
    circle.append(circle)
del circle
full = memory.resident_bytes()
memory.give_back(before)
print(full, memory.resident_bytes())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell the most that was ever held")
def test_what_nobody_holds_goes_back() -> None:
    told = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    full, after = map(int, told.stdout.split())
    assert full - after > 200 * MIB
