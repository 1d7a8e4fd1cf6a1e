"""What each encoder comes to when it is fine-tuned: every set x encoder x seed, one line each in benchmarks/cells (resumable).

`python -m benchmarks.choose_cells [seconds]` goes on where it was. Encoders are the folders in $GOODFIT_ENCODERS (default .demo/encoders;
`python -m benchmarks.encoders` makes them), and one with random weights as control. One plan for all, none of them has more than 25 M
parameters beside its vocabulary: the rate and the batch that Goodfit would take, and half of its steps, so that all of it can be trained
on two cores. Fewer will not do: with 128 steps at three times the rate the encoders of twelve layers came to nothing, or to little
(docs/log.md).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.metrics import accuracy_score, f1_score

from benchmarks.choose_sets import SETS, Drawn, draw
from benchmarks.claims import ROOT, keep, lines_of
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.infer import in_order, infer
from goodfit.engine.plan import Plan
from goodfit.models.load import LoadedModel, load, start_from_shares
from goodfit.tasks import Classification

ENCODERS = Path(os.environ.get("GOODFIT_ENCODERS", ROOT / ".demo" / "encoders"))
CELLS = ROOT / "benchmarks" / "cells" / "choose.jsonl"
SEEDS = (0, 1)
EPOCHS, RATE, BATCH, LONGEST = 8.0, 1e-4, 8, 64
RANDOM = "random-weights"
"""The control: the shape and the tokenizer of `all-MiniLM-L6-v2`, weights drawn by chance."""


def encoders() -> list[str]:
    """Names of the candidates; the control is made where it is not there yet."""
    control = ENCODERS / RANDOM
    if not (control / "config.json").is_file():
        loaded = load(ENCODERS / "all-MiniLM-L6-v2", labels=("a", "b"))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            for module in loaded.model.modules():
                randomise(module)
        loaded.model.bert.save_pretrained(control)
        loaded.tokenizer.save_pretrained(control)
    return sorted(p.name for p in ENCODERS.iterdir() if (p / "config.json").is_file())


def randomise(module: torch.nn.Module) -> None:
    """BERT's own initialisation, whatever the module held."""
    if isinstance(module, torch.nn.Linear | torch.nn.Embedding):
        torch.nn.init.normal_(module.weight, 0.0, 0.02)
    if isinstance(module, torch.nn.Linear) and module.bias is not None:
        torch.nn.init.zeros_(module.bias)
    if isinstance(module, torch.nn.LayerNorm):
        torch.nn.init.ones_(module.weight)
        torch.nn.init.zeros_(module.bias)


def tokens(loaded: LoadedModel, drawn: Drawn, side: str) -> Examples:
    """Rows of one side as the engine takes them."""
    task = Classification(drawn.labels, multi_label=drawn.multi_label)
    rows = drawn.train if side == "train" else drawn.test
    found = task.encode([text for text, _ in rows], loaded.tokenizer, min(LONGEST, loaded.identity.max_length or LONGEST))
    target = task.encode_targets([label for _, label in rows], unknown="mark")
    return Examples.from_arrays(found.input_ids, np.concatenate([[0], np.cumsum(found.lengths)]), target)


def plan_of(drawn: Drawn, seed: int) -> Plan:
    """The one plan."""
    head = 1e-2 if drawn.multi_label else 10 * RATE
    return Plan(
        learning_rate=RATE,
        head_learning_rate=head,
        num_train_epochs=EPOCHS,
        train_batch_size=BATCH,
        seed=seed,
        early_stopping=False,
        precision="bfloat16",
    )


def cell(set_name: str, name: str, seed: int) -> dict[str, Any]:
    """Fine-tunes one encoder on one sample, and scores it on the test rows."""
    drawn = draw(set_name, seed)
    task = Classification(drawn.labels, multi_label=drawn.multi_label)
    began, cpu = time.monotonic(), time.process_time()
    loaded = load(ENCODERS / name, labels=task.labels, problem_type=task.problem_type, seed=seed)
    train, test = tokens(loaded, drawn, "train"), tokens(loaded, drawn, "test")
    if drawn.multi_label:
        start_from_shares(loaded, list(np.asarray(train.target).mean(axis=0)))
    fitted = fit(loaded.model, {"train": train, "valid": None}, plan_of(drawn, seed), objective=task.objective())
    trained = time.process_time() - cpu
    logits = in_order(infer(fitted.model, test), len(test))
    said = task.decide(task.probabilities(logits))
    truth = np.asarray(test.target).astype(int)
    said = np.asarray(said).astype(int)
    scores = {name: float(f1_score(truth, said, average=name.split("_")[0], zero_division=0)) for name in ("macro_f1", "micro_f1")}
    return {
        "set": set_name, "model": name, "seed": seed, "language": drawn.language, "labels": len(drawn.labels), "train": len(train), "test": len(test),
        "accuracy": float(accuracy_score(truth, said)), **scores, "cpu_seconds": round(trained, 1), "seconds": round(time.monotonic() - began, 1),
        "tokens": int(train.tokens), "parameters": loaded.identity.parameters, "tier": fitted.tier.name, "epochs": EPOCHS,
    }  # fmt: skip


def known() -> list[dict[str, Any]]:
    """Every cell trained so far."""
    return lines_of(CELLS)


def main() -> None:
    """All cells that are not there yet, first seed first; stops after so many seconds where a number is given."""
    limit = float(sys.argv[1]) if len(sys.argv) > 1 else float("inf")
    began, done = time.monotonic(), {(c["set"], c["model"], c["seed"]) for c in known()}
    for seed in SEEDS:
        for set_name in SETS:
            for name in encoders():
                if (set_name, name, seed) in done:
                    continue
                if time.monotonic() - began > limit:
                    return
                found = cell(set_name, name, seed)
                keep(CELLS, [found])
                print(
                    f"{set_name} {name} {seed}: {found['macro_f1']:.3f} {found['accuracy']:.3f} in {found['cpu_seconds']} cpu s", flush=True
                )


if __name__ == "__main__":
    main()
