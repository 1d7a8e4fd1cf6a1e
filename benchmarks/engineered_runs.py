"""Runs with a known fault, and runs without one: the generator behind `benchmarks.engineered`.

`python -m benchmarks.engineered_runs [--seed 1]` trains what is not in the cache yet (a few seconds a run), and leaves of each what a
diagnosis may see (events, facts of the looks, how training rows were learned, the frozen floor) and what it may not: loss and accuracy
of every look on 600 rows that neither training nor validation have. From these comes the check that a planted fault is one: a run whose
fault costs nothing on them is not counted (`effect`). Nothing of the diagnosis is imported here.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks import engineered_sets as sets
from goodfit.data.cache import folder
from goodfit.engine.checkpoint import InMemory
from goodfit.engine.evaluation import splits_of
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.infer import in_order, infer
from goodfit.engine.looks import Looks
from goodfit.engine.plan import Plan
from goodfit.errors import Diverged
from goodfit.models.adapters import add_lora
from goodfit.stages.audit.labels.flags import flagged
from goodfit.stages.audit.labels.opinion import Subject, opinion_of
from goodfit.tasks.classification import Classification
from goodfit.tasks.decision import log_losses
from goodfit.tasks.embeddings import find_encoder
from goodfit.tasks.frozen import floor_of

VERSION = 5
"""Rises when equal words give other runs."""
RATES = {("bert", "full"): 2.5e-3, ("llama", "full"): 3e-4, ("bert", "lora"): 3e-3, ("llama", "lora"): 1.5e-3}
"""Rates that suit; a run without a fault draws its own within a factor of 1.5."""
GOOD = 3
"""Good runs of every set, model and method; every fault comes twice on a set, with two of the four pairs of model and method in turn."""
FAULTS = (
    "overfitted", "rate_too_high", "rate_too_low", "too_short", "regularised", "noisy_labels", "tiny_validation", "collapsed", "dead", "diverged",
)  # fmt: skip
TEST = 600
LOOKS = 10


@dataclass(frozen=True)
class Case:
    """One run."""

    set: str
    family: str
    method: str
    kind: str
    """`good`, or the fault."""
    number: int
    seed: int

    @property
    def key(self) -> str:
        """Its file in the cache."""
        text = json.dumps([VERSION, asdict(self)])
        return (
            f"{self.set}-{self.family}-{self.method}-{self.kind}-{self.number}-{hashlib.blake2b(text.encode(), digest_size=3).hexdigest()}"
        )


def cases(seed: int, names: tuple[str, ...] = tuple(sets.SETS)) -> list[Case]:
    """All runs of a seed, sets in turn."""
    pairs = [(family, method) for family in sets.FAMILIES for method in ("full", "lora")]
    out = []
    for place, name in enumerate(sets.SETS):
        for turn, fault in enumerate(FAULTS):
            first = (place + turn) % 2
            out += [Case(name, *pairs[(first, 3 - first)[half]], fault, half, seed) for half in (0, 1)]
        out += [Case(name, *pair, "good", number, seed) for pair in pairs for number in range(GOOD)]
    order = np.random.default_rng([seed, 1]).permutation(len(out))
    return [out[i] for i in order if out[i].set in names]


@dataclass
class Setting:
    """What is trained: rows by their places, given labels, and the plan's numbers."""

    train: np.ndarray
    valid: np.ndarray
    given: np.ndarray
    """The training labels, right or not."""
    plan: dict[str, Any]
    r: int = 8
    class_weights: np.ndarray | None = None
    blank: bool = False
    heavy: int | None = None
    """A training row whose weight is infinite."""
    freeze: bool = False


def setting(case: Case, targets: np.ndarray, rng: np.random.Generator) -> tuple[Setting, np.ndarray]:
    """The setting of a case, and the places of the test rows."""
    order = rng.permutation(len(targets))
    test, rest = order[:TEST], order[TEST:]
    n_train, n_valid = int(rng.integers(450, 900)), int(rng.integers(250, 450))
    n_train, n_valid = min(n_train, int(0.7 * len(rest))), min(n_valid, int(0.3 * len(rest)))
    train, valid = rest[:n_train], rest[n_train : n_train + n_valid]
    batch = int(rng.choice([16, 24]))
    steps_epoch = -(-n_train // batch)
    epochs = max(3, round(rng.uniform(120, 220) / steps_epoch))
    rate = RATES[case.family, case.method] * float(np.exp(rng.uniform(-np.log(1.5), np.log(1.5))))
    plan = {
        "learning_rate": rate, "head_learning_rate": rate * float(rng.choice([1.0, 3.0])), "num_train_epochs": float(epochs), "train_batch_size": batch,
        "lr_scheduler_type": str(rng.choice(["linear", "cosine"])), "seed": int(rng.integers(1 << 31)), "threads": 1,
        "precision": "float32", "logging_seconds": 0.2,
    }  # fmt: skip
    out = Setting(train, valid, targets[train].copy(), plan)
    if case.kind != "good":
        PLANT[case.kind](out, rng)
    total = out.plan.get("max_steps") or out.plan["num_train_epochs"] * -(-len(out.train) // batch)
    out.plan["eval_steps"] = max(1, int(total) // LOOKS)
    return out, test


def _overfitted(s: Setting, rng: np.random.Generator) -> None:
    s.train = s.train[: int(rng.integers(100, 180))]
    s.given = s.given[: len(s.train)]
    steps = -(-len(s.train) // s.plan["train_batch_size"])
    _rates(s, 2.0)
    s.plan |= {
        "num_train_epochs": float(round(rng.uniform(380, 480) / steps)),
        "early_stopping": False,
        "lr_scheduler_type": "constant_with_warmup",
    }


def _rates(s: Setting, factor: float) -> None:
    s.plan |= {"learning_rate": s.plan["learning_rate"] * factor, "head_learning_rate": s.plan["head_learning_rate"] * factor}


def _too_high(s: Setting, rng: np.random.Generator) -> None:
    _rates(s, float(np.exp(rng.uniform(np.log(20), np.log(80)))))
    s.plan |= {"early_stopping": bool(rng.random() < 0.5)}


def _too_low(s: Setting, rng: np.random.Generator) -> None:
    _rates(s, 1 / float(np.exp(rng.uniform(np.log(30), np.log(100)))))


def _too_short(s: Setting, rng: np.random.Generator) -> None:
    s.plan |= {"max_steps": int(rng.integers(12, 30)), "head_learning_rate": s.plan["learning_rate"]}


def _regularised(s: Setting, rng: np.random.Generator) -> None:
    """So much dropout or weight decay that it cannot learn what it is shown."""
    s.plan |= {"dropout": 0.75} if rng.random() < 0.5 else {"weight_decay": 0.3 / s.plan["learning_rate"]}


def _noisy(s: Setting, rng: np.random.Generator) -> None:
    """Some 35% of the labels are wrong, half of the time by class, and the training is long enough to learn them by heart."""
    share, k = rng.uniform(0.3, 0.4), int(s.given.max()) + 1
    wrong = rng.random(len(s.given)) < share
    shift = np.ones(len(s.given), int) if rng.random() < 0.5 else rng.integers(1, k, size=len(s.given))
    s.given = np.where(wrong, (s.given + shift) % k, s.given)
    _rates(s, 2.0)
    s.plan |= {"num_train_epochs": 3 * s.plan["num_train_epochs"], "early_stopping": False, "lr_scheduler_type": "constant_with_warmup"}


def _tiny_validation(s: Setting, rng: np.random.Generator) -> None:
    s.valid = s.valid[: int(rng.integers(15, 36))]


def _collapsed(s: Setting, rng: np.random.Generator) -> None:
    """Class weights that were meant to help a class, a hundred times too large."""
    k = int(s.given.max()) + 1
    weights = np.full(k, 0.02, np.float32)
    weights[int(rng.integers(k))] = 50.0
    s.class_weights = weights


def _dead(s: Setting, rng: np.random.Generator) -> None:
    """Nothing in the input tells the label: the texts are blank, or stand beside the labels of others, too briefly to be learned by heart."""
    if rng.random() < 0.5:
        s.blank = True
    else:
        s.given = rng.permutation(s.given)
        s.plan |= {"num_train_epochs": 2.0}


def _diverged(s: Setting, rng: np.random.Generator) -> None:
    s.heavy = int(rng.integers(len(s.train)))


PLANT = {
    "overfitted": _overfitted, "rate_too_high": _too_high, "rate_too_low": _too_low, "too_short": _too_short, "regularised": _regularised,
    "noisy_labels": _noisy, "tiny_validation": _tiny_validation, "collapsed": _collapsed, "dead": _dead, "diverged": _diverged,
}  # fmt: skip


def run(case: Case) -> dict[str, Any]:
    """Trains a case; what is known of it, from the cache where it stands there."""
    path = folder("benchmarks") / "engineered" / f"{case.key}.npz"
    if not path.exists():
        torch.set_num_threads(1)
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _train(case)
        facts = {key: value for key, value in made.items() if not isinstance(value, np.ndarray)}
        arrays = {key: value for key, value in made.items() if isinstance(value, np.ndarray)}
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, facts=np.array(json.dumps(facts)), **arrays)
        part.replace(path)
    with np.load(path, allow_pickle=False) as file:
        return json.loads(str(file["facts"])) | {key: file[key] for key in file.files if key != "facts"}


@functools.cache
def encoded(name: str) -> Examples:
    texts, targets, _ = sets.rows(name)
    return sets.examples(texts, targets)


def _train(case: Case) -> dict[str, Any]:
    _, targets, labels = sets.rows(case.set)
    rng = np.random.default_rng([case.seed, int(hashlib.blake2b(case.key.encode(), digest_size=4).hexdigest(), 16)])
    chosen, test = setting(case, targets, rng)
    whole = encoded(case.set)
    train, valid, unseen = (_rows(whole, places, blank=chosen.blank) for places in (chosen.train, chosen.valid, test))
    weight = np.ones(len(train), np.float32)
    if chosen.heavy is not None:
        weight[chosen.heavy] = np.inf
    train = Examples(train.input_ids, train.starts, train.lengths, chosen.given, weight, train.row)
    loaded = sets.model(case.family, labels, int(chosen.plan["seed"]))
    if case.method == "lora":
        loaded = add_lora(loaded, r=chosen.r, lora_alpha=2 * chosen.r, seed=int(chosen.plan["seed"]))
    plan, task = Plan(**chosen.plan), Classification(labels)
    epochs = chosen.plan["num_train_epochs"] if plan.max_steps is None else plan.max_steps * (plan.train_batch_size or 1) / len(train)
    floor = floor_of(loaded.model, train, valid, rows_trained=epochs * len(train), seed=plan.seed)
    looks, events, truth = InMemory(looks=Looks(follow=20_000)), [], []

    def listen(event: dict[str, Any]) -> None:
        events.append(event)
        if case.kind in ("good", "overfitted", "tiny_validation") and event["event"] == "eval" and event["split"] == "train_probe":
            z = in_order(infer(loaded.model, unseen), len(unseen)).astype(np.float64)
            truth.append(
                (event["step"], float(log_losses(z, targets[test], multi_label=False).mean()), float((z.argmax(1) == targets[test]).mean()))
            )

    kept = {"parts": {"train": train, "valid": valid}}
    objective = task.objective(chosen.class_weights)
    try:
        fitted = fit(loaded.model, kept["parts"], plan, objective=objective, on_event=listen, checkpoints=looks)
        z = in_order(infer(fitted.model, unseen), len(unseen))
        outcome = {
            "kept_accuracy": float((z.argmax(1) == targets[test]).mean()),
            "best_step": fitted.best_step,
            "stopped_by": fitted.stopped_by,
        }
    except Diverged:
        outcome = {"kept_accuracy": None, "best_step": None, "stopped_by": "nonfinite"}
    out: dict[str, Any] = {
        "case": asdict(case), "events": events, "plan": plan.to_json(), "labels": list(labels), "shares": (np.bincount(chosen.given, minlength=len(labels)) / len(train)).tolist(),
        "rows": len(train), "truth": truth, "majority": float(np.bincount(targets[test]).max() / len(test)), **outcome,
    }  # fmt: skip
    for split, rows in splits_of(kept["parts"], plan).items():
        steps, facts = looks.looks.of(split)
        out |= {f"{split}_steps": np.array(steps), f"{split}_facts": facts, f"{split}_target": np.asarray(rows.target)}
    if looks.looks.followed is not None:
        out |= {f"followed_{name}": values for name, values in looks.looks.followed.state.items()}
    if floor is not None:
        out |= {"floor_places": floor.places, "floor_right": floor.right}
    out["suspects"] = suspects(case, chosen)
    out["wrong"] = chosen.given != targets[chosen.train]
    return out


def _rows(whole: Examples, places: np.ndarray, *, blank: bool) -> Examples:
    part = whole.subset(np.asarray(places))
    if not blank:
        return part
    n = len(part)
    return Examples.from_arrays(np.tile([2, 3], n), 2 * np.arange(n + 1), part.target, row=[name.decode() for name in part.row.tolist()])


def suspects(case: Case, chosen: Setting) -> np.ndarray:
    """Training rows that the audit's readers flag, [n]."""
    texts, _, labels = sets.rows(case.set)
    vectors = find_encoder("auto", "auto", Path())[0].embed(pa.array([texts[i] for i in chosen.train]))
    given = np.eye(len(labels), dtype=np.float32)[chosen.given]
    common = given.sum(axis=0) >= 5
    rows = given[:, common].any(axis=1)
    subject = Subject(vectors[rows], given[rows][:, common], np.arange(int(rows.sum())), exclusive=True)
    out = np.zeros(len(chosen.train), dtype=bool)
    out[rows] = flagged(subject, opinion_of(subject).mixed)
    return out


def effect(made: dict[str, Any], good: list[dict[str, Any]]) -> bool:
    """Whether a run is what it is meant to be, by rows that neither it nor its diagnosis has seen.

    A planted fault costs three points of accuracy; an overfitted run ends with a loss 10% above its lowest. A training without a fault is
    well-fitted: five points above giving every row the same answer, within five of the best one of its set, model and method, and its loss
    ends at most 5% above its lowest.
    """
    kind, losses = made["case"]["kind"], [loss for _, loss, _ in made["truth"]]
    best = max((one["kept_accuracy"] for one in good), default=1.0)
    if kind in ("good", "tiny_validation"):
        return bool(made["kept_accuracy"] >= max(made["majority"] + 0.05, best - 0.05) and losses[-1] <= 1.05 * min(losses))
    if kind == "diverged":
        return True
    if kind == "overfitted":
        return losses[-1] > 1.1 * min(losses)
    return made["kept_accuracy"] is None or made["kept_accuracy"] <= best - 0.03


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sets", nargs="*", default=list(sets.SETS))
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), help="the first of so many processes that share the work")
    given = parser.parse_args()
    listed = cases(given.seed, tuple(given.sets))[given.part[0] :: given.part[1]]
    for place, case in enumerate(listed):
        made = run(case)
        seconds = made["events"][-1].get("seconds", 0)
        print(f"{place + 1}/{len(listed)} {case.key}: kept {made['kept_accuracy']}, {made['stopped_by']}, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
