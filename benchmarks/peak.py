"""The most memory that a child process ever held, as a piece of code to put before a child's own.

`ru_maxrss` will not do on Linux: it survives exec, so a child of a large process begins with the size of its parent. The kernel's VmHWM is
of the program itself.
"""

from __future__ import annotations

PEAK = """
def peak():
    import resource, sys
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
"""
"""Defines `peak()`: bytes."""
