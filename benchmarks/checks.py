"""Promises that tests hold, as rows of figures: how many cases ran, and whether all of them passed.

`python -m benchmarks.checks [slug …]` runs the named test files (slow ones too) and writes benchmarks/results/1-<slug>.json. A row is
met only where every case passed and none was skipped.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from benchmarks.claims import ROOT, record, row

CHECKS: dict[str, list[tuple[str, int, list[str]]]] = {
    "bad-input": [("kinds of bad input answered with a message, an exit code and no traceback", 20, ["tests/cli/test_bad_input.py"])],
    "invariants": [
        ("packed = padded, on tiny models of 12 families (or seen to differ, and trained padded)", 12, ["tests/engine/test_tier.py"]),
        ("accumulated = whole batch; any token budget gives the same weights", 10, ["tests/engine/test_fit.py"]),
        ("resumed = uninterrupted, bit for bit", 5, ["tests/engine/test_resume.py"]),
        ("killed 50 times at random instants, the same weights bit for bit (full and LoRA)", 2, ["tests/engine/test_kill.py"]),
        ("a saved model answers alike in plain transformers and PEFT", 12, ["tests/models/test_save.py", "tests/models/test_adapters.py"]),
    ],
}


def outcome(files: list[str]) -> dict[str, int]:
    """Cases passed, failed and skipped in some test files."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run([sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *files], cwd=ROOT, check=False)
        suite = next(ET.parse(report).getroot().iter("testsuite"))
    number = {key: int(suite.get(key, 0)) for key in ("tests", "failures", "errors", "skipped")}
    bad = number["failures"] + number["errors"]
    return {"passed": number["tests"] - bad - number["skipped"], "failed": bad, "skipped": number["skipped"]}


def claims_of(slug: str) -> list[dict[str, Any]]:
    """The rows of one slug."""
    out = []
    for claim, least, files in CHECKS[slug]:
        found = outcome(files)
        met = found["passed"] >= least and not found["failed"] and not found["skipped"]
        goal, said = f">= {least} cases, all passed", f"{found['passed']} cases passed"
        said += "".join(f", {found[key]} {key}" for key in ("failed", "skipped") if found[key])
        out.append(row(claim, goal, said, n=sum(found.values()), passed=met, command=f"python -m benchmarks.checks {slug}", tests=files))
    return out


def main() -> None:
    """All, or those named."""
    for slug in sys.argv[1:] or CHECKS:
        record(slug, claims_of(slug))


if __name__ == "__main__":
    main()
