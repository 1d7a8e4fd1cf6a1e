"""A run folder as the schemas have it, made up from a seed: what the report's tests read.

Numbers are plausible, not measured; labels, predictions and probabilities agree with each other, so that the report's own
counting can be checked against them.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from goodfit.finding import Finding, Where
from goodfit.score import Score, Verdict

LABELS = ("billing", "bug report", "sales", "account", "refund")
TEXTS = (
    "Order 4711 was charged twice, please refund Anna Petersen at once.",
    "The app on my phone (v2.13) closes whenever I open the invoice from 3 May.",
    "Could someone from sales call me about 250 seats? My number is +44 20 7946 0018.",
    "I cannot log in since Tuesday; the code never arrives.\nTried it three times.",
)
HOSTILE = (
    "<script>alert('label')</script>",
    '"><img src=https://evil.example/x onerror=alert(1)>',
    "a: [yaml, {trap}] # & *x !!python/object:os.system |",
    "evil\u202egnp.exe\u0000\u200b",
    "| pipe ![x](https://evil.example/y) `code` </style> </svg>",
    "{{ 7 * 7 }}{% raw %}",
    "No",
    "ein sehr langer Name " * 40,
)


@dataclass(frozen=True)
class Made:
    """What to make."""

    labels: tuple[str, ...] = LABELS
    n_test: int = 750
    accuracy: float = 0.85
    multi_label: bool = False
    status: str = "done"
    seed: int = 0
    on: str = "test"
    answers: tuple[str, str] = ("better", "better")
    """Against majority and tfidf."""
    gate: str | None = "met"
    show_text: str = "masked"
    base: str = "all-MiniLM-L6-v2"
    kind: str = "full"
    models_scored: int = 1
    findings: tuple[Finding, ...] = ()
    until: str | None = None
    """The last stage that was done."""
    settings: dict[str, Any] = field(default_factory=dict)


STAGES = ("split", "audit", "choose", "prepare", "tune", "train", "evaluate")


def make_run(folder: Path, made: Made = Made()) -> Path:  # noqa: B008 - frozen
    """Writes the run; returns its folder."""
    rng = np.random.default_rng(made.seed)
    folder.mkdir(parents=True, exist_ok=True)
    done = STAGES if made.until is None else STAGES[: STAGES.index(made.until) + 1]
    writers = {
        "split": _split,
        "audit": _audit,
        "choose": _choose,
        "prepare": _prepare,
        "tune": _tune,
        "train": _train,
        "evaluate": _evaluate,
    }
    for stage in done:
        (folder / stage).mkdir(exist_ok=True)
        writers[stage](folder / stage, made, rng)
        for finding in made.findings or default_findings():
            if finding.stage == stage:
                with (folder / stage / "findings.jsonl").open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(finding.to_json()) + "\n")
    _record(folder, made, done)
    return folder


def default_findings() -> tuple[Finding, ...]:
    """As a clean run leaves them."""
    return (
        Finding(code="SPL003", stage="split", severity="note", status="passed", kind="leakage", title="No text stands on both sides of a split"),
        Finding(
            code="AUD004", stage="audit", severity="warning", kind="conflicting_labels", title="41 texts carry different labels", n_rows=96,
            detail="The same normalised text appears with 2 or more labels in 41 groups (96 rows).",
            rows=("9f1c2ab07d33e1a4", "77b0aa07d33e1a4f", "1111222233334444", "aaaabbbbccccdddd", "eeeeffff00001111", "2222333344445555"),
            where=Where(file="tickets.csv", line=118, column="queue", split="train"),
            evidence=(Score(name="conflict_rate", value=0.019, low=0.016, high=0.023, n=5000),), fix="goodfit explain AUD004",
        ),
        Finding(code="AUD003", stage="audit", severity="note", kind="imbalance", title="The rarest class has 6% of the rows", n_rows=300),
        Finding(
            code="AUD009", stage="audit", severity="note", status="not_applicable", kind="near_duplicates", title="Near-duplicates across languages",
            reason="all rows are in one language",
        ),
        Finding(code="TRN002", stage="train", severity="note", status="passed", kind="overfitting", title="Validation has not turned"),
    )  # fmt: skip


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _record(folder: Path, made: Made, done: tuple[str, ...]) -> None:
    stages: dict[str, Any] = {
        name: {"state": "done", "version": 1, "seconds": 1.9 if name != "train" else 402.6, "inputs": "b2:aa10", "reused_from": None,
               "findings": {"error": 0, "warning": 0, "note": 0}}
        for name in done
    }  # fmt: skip
    if "audit" in stages:
        stages["audit"] |= {"state": "reused", "reused_from": "2026-04-30-support-tickets-11c0"}
    error = {
        "failed": {"code": "MachineError", "message": "the disk is full while writing train/checkpoints", "fix": "free some space"},
        "stopped": {"code": "Stopped", "message": "AUD010: a column gives the label away", "fix": "drop the column"},
    }.get(made.status)
    record = {
        "schema": "goodfit/run/1", "id": "2026-05-01-support-tickets-7f3a", "name": "support-tickets", "parent": None, "proposal": None,
        "status": made.status, "created": "2026-05-01T08:59:40.123Z", "finished": "2026-05-01T09:21:17Z", "attempts": 1,
        "base": "/home/somebody/secret", "recipe_hash": "b2:4c1e77aa01bc2d3e",
        "data": {"fingerprint": "b2:91aa000011112222", "rows": 5000, "splits": {"train": 3500, "valid": 750, "test": made.n_test}},
        "test": {"fingerprint": "b2:0d77aaaabbbbcccc", "models_scored": made.models_scored}, "stages": stages,
        "model": {"path": "train/model", "kind": made.kind, "base": made.base, "base_hash": "b2:53aa11ee22dd33cc", "license": "apache-2.0"}
        if "train" in done else None,
        "goodfit": "0.1.0", "commit": "1a2b3c4",
        "versions": {"python": "3.11.7", "torch": "2.13.0", "transformers": "5.23.0", "peft": "0.21.2"},
        "hardware": {"cpu": "Zen4", "threads": 2, "memory_gb": 24, "gpu": None}, "error": error,
    }  # fmt: skip
    _write(folder / "run.json", record)
    settings = {
        "name": "support-tickets", "purpose": "Route tickets to a queue; a person reads every ticket.", "seed": 42,
        "task": {"kind": "classification", "text": ["subject", "body"], "label": "queue", "multi_label": made.multi_label},
        "data": {"path": "tickets.csv"}, "prepare": {"max_length": 128},
        "train": {"learning_rate": 5e-05, "num_train_epochs": 4, "weight_decay": 0.01}, "peft": {"method": made.kind if made.kind != "peft" else "lora", "r": 16},
        "evaluate": {"on": made.on, "gates": {"macro_f1": ">= 0.75"} if made.gate else {}}, "report": {"show_text": made.show_text},
    } | made.settings  # fmt: skip
    (folder / "resolved.yaml").write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _split(folder: Path, made: Made, rng: np.random.Generator) -> None:
    used = 3500 + 750 + made.n_test  # read = used + dropped
    _write(folder / "manifest.json", {
        "schema": "goodfit/split/1", "read": used + 60, "used": used, "dropped": {"missing_label": 41, "empty_text": 19},
        "splits": {"train": 3500, "valid": 750, "test": made.n_test},
        "groups": {"language": {"en": {"train": 3000, "valid": 640, "test": 640}, "es": {"train": 500, "valid": 110, "test": 110}}},
    })  # fmt: skip


def _audit(folder: Path, made: Made, rng: np.random.Generator) -> None:
    shares = rng.dirichlet(np.full(len(made.labels), 3.0))
    counts = {
        label: {"train": max(1, int(3500 * share)), "valid": int(750 * share)} for label, share in zip(made.labels, shares, strict=True)
    }
    used = {"train": 3500, "valid": 750, "test": made.n_test}
    bins = {"edges": [0, 10, 20, 60], "counts": [900, 2500, 850]}
    _write(folder / "profile.json", {
        "schema": "goodfit/profile/1", "rows": {"read": sum(used.values()) + 60, "used": sum(used.values()), **used}, "labels": counts,
        "effective_classes": 3.1, "multi_label": made.multi_label, "splits_seen": ["train", "valid"], "languages": {"en": 0.86, "es": 0.14},
        **{key: {"unit": unit, **bins} for key, unit in (("lengths", "words"), ("characters", "characters"), ("words", "words"),
                                                         ("tokens_estimated", "tokens"))},
        "by_label": {}, "duplicates": {"groups": 0, "rows": 0, "extra": 0, "exact_extra": 0, "largest": 1},
        "conflicts": {"groups": 0, "rows": 0},
    })  # fmt: skip


def _choose(folder: Path, made: Made, rng: np.random.Generator) -> None:
    _write(folder / "candidates.json", {
        "schema": "goodfit/candidates/1", "chosen": made.base, "verdicts": [],
        "candidates": [
            {"model": made.base, "memory_bytes": 1_100_000_000, "chance_best": 0.84, "scores": [
                {"name": "macro_f1", "value": 0.712, "low": 0.689, "high": 0.734, "n": 3000, "system": "x: linear probe", "split": "train"}],
              "seconds": 3.0, "license": "apache-2.0", "refused": None},
            {"model": "a-large-one", "scores": [], "memory_bytes": 41_000_000_000, "seconds": 0.1, "license": "mit", "refused": "needs 41 GB of memory"},
            {"model": "second/best", "memory_bytes": 900_000_000, "chance_best": 0.16, "seconds": 2.0, "license": "mit", "refused": None, "scores": [
                {"name": "macro_f1", "value": 0.69, "low": 0.66, "high": 0.72, "n": 3000, "system": "y: linear probe", "split": "train"}]},
            {"model": "of/the-catalog", "scores": [], "memory_bytes": None, "seconds": 0.0, "license": "mit", "refused": "it is not here", "here": False},
        ],
    })  # fmt: skip


def _prepare(folder: Path, made: Made, rng: np.random.Generator) -> None:
    lengths = np.minimum(rng.lognormal(3.5, 0.6, 3500), 219)
    heights, edges = np.histogram(lengths, bins=22, range=(0, 220))
    _write(folder / "manifest.json", {
        "schema": "goodfit/prepare/1", "tokens": {"read": 163840, "used": 160100, "dropped": {"truncated": 3740}},
        "truncated": {made.labels[0]: 31, made.labels[1]: 12}, "max_length": 128,
        "lengths": {"unit": "tokens", "edges": edges.tolist(), "counts": heights.tolist()},
    })  # fmt: skip


def _tune(folder: Path, made: Made, rng: np.random.Generator) -> None:
    plan = {"learning_rate": 5e-05, "num_train_epochs": 4.0, "train_batch_size": 32, "max_steps": None, "lr_scheduler_type": "linear"}
    reasons = {"train.learning_rate": "an encoder of 23 M parameters", "train.num_train_epochs": "given in the recipe"}
    _write(folder / "plan.json", {"schema": "goodfit/plan/1", "plan": plan, "reasons": reasons, "lora_dropout": 0.05})


def _train(folder: Path, made: Made, rng: np.random.Generator) -> None:
    total = 420
    events: list[dict[str, Any]] = [
        {"schema": "goodfit/event/1", "event": "start", "time": "2026-05-01T09:00:02.104Z", "attempt": 1, "step": 0, "steps_total": total, "epochs": 4,
         "tier": "packed", "tier_reason": "packed rows answer as single ones do (largest difference 3e-07 on 16 rows)", "dtype": "bfloat16",
         "threads": 2, "batch": "32 rows", "parameters": 22_713_216, "trainable": 22_713_216, "memory_bytes": 900_000_000}
    ]  # fmt: skip
    for step in range(4, total + 1, 4):
        t = step / total
        loss = 1.5 * np.exp(-4 * t) + 0.18 + rng.normal(0, 0.04)
        events.append({
            "event": "step", "attempt": 1, "step": step, "epoch": 4 * t, "loss": round(float(loss), 4), "n": 128, "learning_rate": 5e-05 * (1 - t),
            "grad_norm": 1.9, "tokens": 390 * step, "tokens_per_second": 5521.0, "seconds": 3.9, "memory_bytes": 1_073_741_824,
        })  # fmt: skip
        if step % 60 == 0:
            for split, base in (("valid", 0.42), ("train_probe", 0.2)):
                value = made.accuracy + (0.09 if split == "train_probe" else 0) - 0.5 * np.exp(-5 * t)
                score = Score(
                    name="macro_f1",
                    value=round(float(value), 4),
                    low=round(float(value) - 0.03, 4),
                    high=round(float(value) + 0.03, 4),
                    n=750,
                )
                events.append({"event": "eval", "attempt": 1, "step": step, "split": split, "loss": round(float(base + 1.1 * np.exp(-4 * t)), 4),
                               "n": 750, "scores": [score.to_json()]})  # fmt: skip
    events.append({"event": "end", "attempt": 1, "step": total, "status": "done", "best_step": 360, "stopped_by": "epochs"})
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in events), encoding="utf-8")
    best = Score(name="macro_f1", value=0.845, low=0.815, high=0.872, n=750, split="valid", selected=True)
    _write(
        folder / "best.json",
        {"schema": "goodfit/best/1", "step": 360, "score": best.to_json(), "margin": 0.004, "reason": "highest macro_f1 on validation"},
    )


def _predictions(made: Made, rng: np.random.Generator) -> tuple[Any, Any, np.ndarray]:
    """label, prediction (names, or lists of names) and probabilities [rows, labels]."""
    k = len(made.labels)
    if made.multi_label:
        truth = rng.random((made.n_test, k)) < 0.25
        p = np.clip(np.where(truth, rng.beta(5, 2, truth.shape), rng.beta(2, 6, truth.shape)), 0, 1)
        name = [[made.labels[j] for j in np.flatnonzero(row)] for row in truth]
        return name, [[made.labels[j] for j in np.flatnonzero(row > 0.5)] for row in p], p
    truth = rng.choice(k, made.n_test, p=rng.dirichlet(np.full(k, 4.0)))
    right = rng.random(made.n_test) < made.accuracy
    other = (truth + rng.integers(1, max(2, k), made.n_test)) % k
    predicted = np.where(right, truth, other)
    top = np.where(right, rng.beta(9, 1.4, made.n_test), rng.beta(5, 2.5, made.n_test)) * (1 - 1.2 / k) + 1.2 / k
    p = np.repeat(((1 - top) / (k - 1))[:, None], k, axis=1)
    p[np.arange(made.n_test), predicted] = top
    return [made.labels[i] for i in truth], [made.labels[i] for i in predicted], p


def _score(name: str, value: float, n: int, **about: Any) -> Score:
    half = 1.96 * (max(value * (1 - value), 0.002) / n) ** 0.5
    return Score(
        name=name, value=value, low=max(0.0, value - half), high=min(1.0, value + half), n=n, split="test", method="wilson", **about
    )


def _evaluate(folder: Path, made: Made, rng: np.random.Generator) -> None:
    labels, predictions, p = _predictions(made, rng)
    rows = [f"{i:016x}" for i in rng.integers(0, 2**60, made.n_test)]
    columns: dict[str, Any] = {
        "row": rows,
        "split": [made.on] * len(rows),
        "system": ["model"] * len(rows),
        "label": labels,
        "prediction": predictions,
    }
    columns |= {f"p_{label}": p[:, j].astype(np.float32) for j, label in enumerate(made.labels)}
    baseline = columns | {"system": ["tfidf"] * len(rows), "prediction": labels}
    pq.write_table(pa.concat_tables([pa.table(columns), pa.table(baseline)]), folder / "predictions.parquet")
    _write(folder / "scores.json", _scores(made, labels, predictions))
    wrong = [i for i in range(made.n_test) if labels[i] != predictions[i]]
    wrong.sort(key=lambda i: -float(p[i].max()))
    texts = HOSTILE if made.labels == HOSTILE else TEXTS
    lines = [
        {"row": rows[i], "label": labels[i], "prediction": predictions[i], "p": round(float(p[i].max()), 4), "text": texts[i % len(texts)]}
        for i in wrong
    ]
    (folder / "mistakes.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:40]), encoding="utf-8")


def _scores(made: Made, labels: Any, predictions: Any) -> dict[str, Any]:
    n = made.n_test
    values = {"model": made.accuracy - 0.02, "tfidf": made.accuracy - 0.061, "majority": 0.11}
    scores = [_score("macro_f1", value, n, system=system) for system, value in values.items()]
    scores += [_score("accuracy", value + 0.02, n, system=system) for system, value in values.items()]
    scores.append(
        Score(
            name="log_loss",
            value=0.512,
            low=0.44,
            high=0.59,
            n=n,
            unit="nats",
            higher_is_better=False,
            system="model",
            split="test",
            method="t",
        )
    )
    scores.append(Score(name="roc_auc", n=n, system="majority", split="test", why_absent="no probabilities that differ"))
    sets = [(set(a), set(b)) if made.multi_label else ({a}, {b}) for a, b in zip(labels, predictions, strict=True)]
    held, hits = Counter(x for a, _ in sets for x in a), Counter(x for a, b in sets for x in a & b)
    for label in made.labels:
        support = max(1, held[label])
        f1 = min(0.99, max(0.02, hits[label] / support))
        scores += [_score(name, f1, support, label=label, system="model") for name in ("f1", "precision", "recall")]
    if made.models_scored > 1:
        wide = scores[0].model_copy(
            update={"level": 1 - 0.05 / made.models_scored, "low": scores[0].low - 0.02, "high": scores[0].high + 0.01}
        )  # type: ignore[operator]
        scores.append(wide)
    gates = [
        {"gate": "macro_f1 >= 0.75", "answer": made.gate, "value": values["model"], "low": 0.8, "high": 0.86, "n": n, "rows_needed": None}
    ]
    return {
        "schema": "goodfit/scores/1", "run": "2026-05-01-support-tickets-7f3a", "task": "classification", "on": made.on, "n": n, "rows": "b2:0d77",
        "labels": list(made.labels), "primary": "macro_f1",
        "systems": {"model": {"kind": "run"}, "tfidf": {"kind": "baseline"}, "majority": {"kind": "baseline"}},
        "scores": [s.to_json() for s in scores], "verdicts": [v.to_json() for v in _verdicts(made)], "gates": gates if made.gate else [],
        **({} if made.multi_label else {"confusion": {"labels": list(made.labels), "matrix": _matrix(made.labels, labels, predictions)}}),
        "slices": [], "calibration": {"ece": Score(name="ece", value=0.031, low=0.018, high=0.046, n=n, higher_is_better=False).to_json(),
                                      "temperature": 1.21, "fitted_on": "valid"},
        "ledger": {"models_scored": made.models_scored, "level_corrected": 1 - 0.05 / made.models_scored,
                   "state": "fresh" if made.models_scored == 1 else "reused" if made.models_scored <= n / 50 else "spent"},
        "predictions": "evaluate/predictions.parquet",
    }  # fmt: skip


def _matrix(names: tuple[str, ...], labels: list[str], predictions: list[str]) -> list[list[int]]:
    index = {name: i for i, name in enumerate(names)}
    out = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(out, ([index[x] for x in labels], [index[x] for x in predictions]), 1)
    return out.tolist()  # type: ignore[no-any-return]


def _verdicts(made: Made) -> list[Verdict]:
    gaps = {
        "better": (0.041, 0.022, 0.060),
        "worse": (-0.041, -0.060, -0.022),
        "no_difference": (0.001, -0.004, 0.006),
        "cannot_tell": (0.01, -0.02, 0.04),
    }
    out = []
    for metric in ("macro_f1", "accuracy"):
        for other, answer in zip(("majority", "tfidf"), made.answers, strict=True):
            value, low, high = (x + (0.4 if other == "majority" and answer == "better" else 0.0) for x in gaps[answer])
            gap = Score(name=f"{metric}_difference", value=value, low=low, high=high, n=made.n_test, method="paired_bootstrap")
            out.append(Verdict(
                question=f"model vs {other} on {metric}", answer=answer, difference=gap, rows_needed=2400 if answer == "cannot_tell" else None,
                p=0.0002, p_adjusted=0.0008, family="baselines", correction="holm", text=f"{answer} on the same {made.n_test} rows",
            ))  # type: ignore[arg-type]  # fmt: skip
    return out
