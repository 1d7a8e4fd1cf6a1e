"""The shape of the code as figures: lines, functions, the weight of `goodfit --help`.

`python -m benchmarks.house` writes benchmarks/results/1-house.json; the same limits are held by tests/test_architecture.py.
"""

from __future__ import annotations

import ast
import statistics
import subprocess
import sys
import time

from benchmarks.claims import ROOT, record, row

SOURCE = ROOT / "src" / "goodfit"


def function_lengths() -> list[int]:
    """Lines of every function, docstrings left out."""
    out = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0]
                doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
                out.append(node.end_lineno - node.lineno + 1 - (first.end_lineno - first.lineno + 1 if doc else 0))
    return out


def help_seconds(times: int = 7) -> list[float]:
    """Wall seconds of `goodfit --help`, whole process."""
    out = []
    for _ in range(times):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-m", "goodfit", "--help"], check=True, capture_output=True)
        out.append(time.perf_counter() - begin)
    return sorted(out)


def main() -> None:
    """Three rows."""
    command = "python -m benchmarks.house"
    lengths = function_lengths()
    files = [path.read_text(encoding="utf-8").count("\n") for path in SOURCE.rglob("*.py")]
    share = sum(n > 40 for n in lengths) / len(lengths)
    took = help_seconds()
    record("house", [
        row("goodfit --help, median seconds", "< 0.5", round(statistics.median(took), 3), low=round(took[0], 3), high=round(took[-1], 3),
            n=len(took), passed=statistics.median(took) < 0.5, command=command),
        row("longest function, lines without docstring", "<= 50", max(lengths), passed=max(lengths) <= 50, command=command, n=len(lengths)),
        row("share of functions over 40 lines", "<= 0.02", round(share, 4), passed=share <= 0.02, command=command, n=len(lengths)),
        row("longest file, lines", "<= 400", max(files), passed=max(files) <= 400, command=command, n=len(files)),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
