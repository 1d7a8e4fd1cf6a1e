"""What `make demo` shows: how far the demo's model is ahead of a strong TF-IDF, and how long the demo takes.

`python -m benchmarks.demo` reads the newest run of `make demo` (.demo/runs) and writes benchmarks/results/1-demo.json.
"""

from __future__ import annotations

import sys
from datetime import datetime

from benchmarks.claims import ROOT, record, row
from goodfit.files import read_json
from goodfit.run import find

GOAL = 0.08


def main() -> None:
    """Two rows: the margin with its interval, and the minutes."""
    run = find(ROOT / ".demo" / "runs", "last")
    scores = read_json(run.path / "evaluate" / "scores.json")
    verdict = next((v for v in scores["verdicts"] if v["question"] == "model vs tfidf on accuracy"), None)
    if verdict is None:
        sys.exit("the demo's run has no verdict against tfidf on accuracy")
    difference = verdict["difference"]
    values = {
        s["system"]: s["value"] for s in scores["scores"] if s["name"] == "accuracy" and s["split"] == scores["on"] and not s["label"]
    }
    took = (datetime.fromisoformat(run.record.finished) - datetime.fromisoformat(run.record.created)).total_seconds()
    record("demo", [
        row("demo: accuracy of the fine-tuned MiniLM above a strong TF-IDF, share", "lower end >= 0.08", difference["value"],
            low=difference["low"], high=difference["high"], n=difference["n"], passed=difference["low"] >= GOAL, command="make demo", peers=values),
        row("demo: minutes after installing, 2 cores", "< 10", round(took / 60, 2), passed=took < 600, command="make demo"),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
