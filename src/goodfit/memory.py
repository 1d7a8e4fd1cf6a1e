"""Memory of this process: how much it holds, and giving back what it no longer needs.

Layer: run; knows nothing of torch.
"""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from pathlib import Path

MUCH = 256 << 20
"""What has grown by less gives nothing back: collecting takes a quarter of a second or more, and there is little to win."""


def resident_bytes() -> int:
    """What the process holds in memory now (on other systems than Linux: the most it ever held)."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def give_back(before: int) -> int:
    """What is no longer held goes back to the system, where the process has grown since it held `before` bytes; says what it holds now.

    After dividing a million rows that is most of a gigabyte, which the next stage would otherwise have on top of its own; after embedding
    20,000 texts another (glibc keeps what tensors of changing sizes leave between those that stay).
    """
    held = resident_bytes()
    if held < before + MUCH:
        return held
    gc.collect()
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None  # glibc keeps freed pages for itself
    if trim is not None:
        trim(0)
    return resident_bytes()
