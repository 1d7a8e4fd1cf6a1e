"""What the two demos show, and how long they take.

`python -m benchmarks.demo classify` reads the newest run of `make demo` (how far its model is ahead of a strong TF-IDF) and writes
benchmarks/results/1-demo.json; `generate` that of `make demo-generate` (how far its model is ahead of its base without and with examples,
and of the nearest training answer; what it forgot, copied, and whether it ends by itself), and writes 2-demo-generate.json. No word: both.
`--shared` says that the machine did other work beside.
"""

from __future__ import annotations

import sys
from typing import Any

from benchmarks.claims import ROOT, record, row
from goodfit.files import read_json
from goodfit.run import Run, list_runs

GOAL = 0.08
WORKSPACE = ROOT / ".demo" / "runs"


def newest(name: str) -> Run:
    """The newest run of that name that is scored."""
    done = [run for run in list_runs(WORKSPACE) if run.record.name == name and (run.path / "evaluate" / "scores.json").is_file()]
    if not done:
        sys.exit(f"there is no scored run called {name} in {WORKSPACE}")
    return max(done, key=lambda run: str(run.record.created))


def minutes(run: Run) -> float:
    """What its stages took together."""
    return sum(stage.seconds for stage in run.record.stages.values()) / 60


def verdict_on(scores: dict[str, Any], system: str, metric: str) -> dict[str, Any]:
    """The model's verdict against a system."""
    question = f"model vs {system} on {metric}"
    found = next((v for v in scores["verdicts"] if v["question"] == question), None)
    if found is None:
        sys.exit(f"the run has no verdict {question!r}")
    return dict(found)


def classify() -> None:
    """Two rows: the margin with its interval, and the minutes."""
    run = newest("demo-sentiment")
    scores = read_json(run.path / "evaluate" / "scores.json")
    difference = verdict_on(scores, "tfidf", "accuracy")["difference"]
    values = {
        s["system"]: s["value"] for s in scores["scores"] if s["name"] == "accuracy" and s["split"] == scores["on"] and not s["label"]
    }
    took = minutes(run)
    record("demo", [
        row("demo: accuracy of the fine-tuned MiniLM above a strong TF-IDF, share", "lower end >= 0.08", difference["value"],
            low=difference["low"], high=difference["high"], n=difference["n"], passed=difference["low"] >= GOAL, command="make demo", peers=values),
        row("demo: minutes after installing, 2 cores", "< 10", round(took, 2), passed=took < 10, command="make demo"),
    ])  # fmt: skip


def generate() -> None:
    """Three margins of chrF, the minutes, and what stands beside them."""
    run, command = newest("demo-docstrings"), "make demo-generate"
    scores = read_json(run.path / "evaluate" / "scores.json")
    chrf = {s["system"]: s["value"] for s in scores["scores"] if s["name"] == "chrf"}
    words = {
        "base": "its base model without examples",
        "few_shot": "its base model with examples",
        "retrieval": "the nearest training answer",
    }
    rows = []
    for system, word in words.items():
        said = verdict_on(scores, system, "chrf")
        d = said["difference"]
        rows.append(
            row(f"second demo: chrF of the fine-tuned SmolLM2-135M above {word}", "lower end > 0", d["value"], low=d["low"], high=d["high"],
                n=d["n"], clusters=d["clusters"], passed=said["answer"] == "better", command=command, peers=chrf)
        )  # fmt: skip
    took = minutes(run)
    where = " shared with other jobs" if "--shared" in sys.argv else ""
    rows.append(row(f"second demo: minutes after installing, 2 cores{where}", "< 15", round(took, 2), passed=took < 15, command=command))
    for name in ("self_stop_rate", "memorised_rate", "repetition_rate"):
        of = {s["system"]: s for s in scores["scores"] if s["name"] == name}
        rows.append(_beside(name, of["model"], {k: s.get("value") for k, s in of.items()}, command))
    for where in ("retain", "retain_in_template"):
        found = scores["forgetting"].get(where)
        if found is not None:
            peers = {system: found[system]["value"] for system in ("base", "model")}
            words_of = {"retain": "retained prose", "retain_in_template": "retained prose in the chat template"}[where]
            rows.append(_beside(f"bits per byte of {words_of}, after minus before", found["verdict"]["difference"], peers, command))
    record("demo-generate", rows, part=2)


def _beside(name: str, score: dict[str, Any], peers: dict[str, Any], command: str) -> dict[str, Any]:
    ends = {key: score.get(key) for key in ("low", "high", "n")}
    return row(f"second demo: {name}", "reported", score["value"], **ends, passed=None, command=command, peers=peers)


if __name__ == "__main__":
    wanted = [word for word in sys.argv[1:] if not word.startswith("--")] or ["classify", "generate"]
    for one in (classify, generate):
        if one.__name__ in wanted:
            one()
