"""Claims: one file per figure that we print, good or bad, with the command that made it.

`record("main-demo", rows)` writes benchmarks/results/1-main-demo.json; `python -m benchmarks.claims` prints all of them as a table
(`make claims`), `--markdown` writes the table into README.md between its markers. A missing or failing row is printed as such.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- claims -->", "<!-- /claims -->"
LONG, SHOWN = 10, 2
"""Rows of a file that the README shows one by one; of a longer file it shows so many, and what is not met."""
KEYS = ("claim", "goal", "value", "low", "high", "n", "passed", "command", "commit", "date", "machine", "peers")


def row(claim: str, goal: str, value: float | str | None, *, passed: bool | None, command: str, **more: Any) -> dict[str, Any]:
    """One claim; where `value` is None give `why_absent`."""
    out: dict[str, Any] = {"claim": claim, "goal": goal, "value": value, "low": None, "high": None, "n": None, "passed": passed}
    out |= {"command": command, "commit": commit(), "date": datetime.date.today().isoformat(), "machine": machine(), "peers": {}} | more
    if value is None:
        assert "why_absent" in out, "a claim without a value says why"
        for key in ("value", "low", "high"):
            out.pop(key)
    return out


def record(slug: str, rows: list[dict[str, Any]], *, part: int = 1) -> Path:
    """Writes benchmarks/results/<part>-<slug>.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{part}-{slug}.json"
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return path


def lines_of(path: Path) -> list[dict[str, Any]]:
    """What is known so far of a benchmark of many cells; nothing where the file is not there."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()] if path.is_file() else []


def keep(path: Path, lines: list[dict[str, Any]]) -> None:
    """More cells, at the end of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as handle:
        handle.writelines(json.dumps(line) + "\n" for line in lines)


def commit() -> str:
    """The commit that made a figure; `+` where the tree had changes that are not part of it."""
    out = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return out.stdout.strip() or "unknown"


def machine() -> str:
    """`2 cores AMD EPYC 9R14, 24 GB`."""
    name = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        name = next((line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")), name)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{len(os.sched_getaffinity(0))} cores {name}, {memory:.0f} GB"


def load() -> list[dict[str, Any]]:
    """Every claim on disk, in the order of the files."""
    out = []
    for path in sorted(RESULTS.glob("*.json")):
        rows = json.loads(path.read_text(encoding="utf-8"))
        out += [r | {"file": path.name} for r in (rows if isinstance(rows, list) else [rows])]
    return out


def figure(claim: dict[str, Any]) -> str:
    """`13.1 [11.0, 15.2]`."""
    if claim.get("value") is None:
        return f"not measured: {claim.get('why_absent', 'no reason given')}"
    text = f"{claim['value']:.4g}" if isinstance(claim["value"], float) else str(claim["value"])
    if claim.get("low") is not None and claim.get("high") is not None:
        text += f" [{claim['low']:.4g}, {claim['high']:.4g}]"
    return text


def markdown(claims: list[dict[str, Any]]) -> str:
    """The README's table: every claim of a short file; of a long one the first `SHOWN`, those that are not met, and how many others are."""
    mark = {True: "yes", False: "**no**", None: "–"}
    lines = ["| claim | goal | measured | met | made by |", "|---|---|---|---|---|"]
    for file, of_file in itertools.groupby(claims, key=lambda c: c["file"]):
        rows = list(of_file)
        rest = [] if len(rows) <= LONG else [c for c in rows[SHOWN:] if c["passed"]]
        shown = [c for c in rows if c not in rest]
        lines += [f"| {c['claim']} | {c['goal']} | {figure(c)} | {mark[c['passed']]} | `{c['command']}` |" for c in shown]
        if rest:
            lines.append(
                f"| {len(rest)} further rows of [{file}](benchmarks/results/{file}) | each its own | – | yes | `{rest[0]['command']}` |"
            )
    return "\n".join(lines)


def main() -> None:
    """Prints the table, or writes it into the README (`--markdown`), or checks that it stands there (`--check`)."""
    table = markdown(load())
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    if BEGIN in text:
        head, rest = text.split(BEGIN, 1)
        tail = rest.split(END, 1)[1]
        wanted = f"{head}{BEGIN}\n{table}\n{END}{tail}"
        if "--check" in sys.argv and wanted != text:
            sys.exit("README.md is not made from benchmarks/results any more: make claims")
        if "--markdown" in sys.argv:
            readme.write_text(wanted, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
