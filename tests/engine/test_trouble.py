"""When numbers run wild or memory runs out: the rows are named, nothing broken is kept, and the batch stays what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.forward import Forward
from goodfit.engine.infer import in_order, infer
from goodfit.engine.plan import Plan
from goodfit.errors import Diverged, MachineError
from tests import tiny

TRAIN = tiny.examples(40, rule=True)
VALID = tiny.examples(15, seed=1, rule=True)


def plan(**settings: Any) -> Plan:
    return Plan(
        **{"learning_rate": 1e-3, "num_train_epochs": 2, "precision": "float32", "logging_steps": 1, "train_batch_size": 8} | settings
    )


class Poisoned(tiny.Classify):
    """The loss (or only its gradient) of some rows is not finite."""

    def __init__(self, value: float, *, gradient_only: bool = False) -> None:
        super().__init__()
        self.value, self.gradient_only = value, gradient_only

    def loss(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        bad = (weight == 7.0).float()
        if self.gradient_only:
            # sqrt has an infinite slope at zero: the loss is finite, its gradient is not.
            wild = logits[bad > 0]
            return super().loss(logits, target, weight.clamp(max=1)) + (wild - wild.detach()).sqrt().sum()
        return super().loss(logits, target, weight.clamp(max=1)) + torch.where(bad > 0, self.value, 0.0).sum()


def poisoned_rows() -> tuple[Examples, list[str]]:
    weight = np.ones(len(TRAIN))
    weight[[5, 17]] = 7.0
    return TRAIN.with_weight(weight), ["row0005", "row0017"]


@pytest.mark.parametrize(("value", "kind"), [(float("nan"), "nan"), (float("inf"), "inf")])
def test_a_wild_loss_ends_it_and_names_the_rows(tmp_path: Path, value: float, kind: str) -> None:
    rows, names = poisoned_rows()
    model = tiny.model("bert")
    events: list[dict[str, Any]] = []
    with pytest.raises(Diverged) as caught:
        fit(
            model, {"train": rows, "valid": None}, plan(save_steps=1), objective=Poisoned(value), on_event=events.append,
            checkpoints=Checkpoints(tmp_path / "checkpoints"),
        )  # fmt: skip
    wild = next(e for e in events if "nonfinite" in e)
    assert (wild["event"], wild["loss"], wild["nonfinite"], wild["where"]) == ("step", None, kind, "loss")
    assert wild["rows"]
    assert set(wild["rows"]) <= set(names)
    assert wild["rows"][0] in str(caught.value)
    assert (events[-1]["status"], events[-1]["stopped_by"]) == ("diverged", "nonfinite")
    assert caught.value.exit_code == 1
    assert all(torch.isfinite(p).all() for p in model.parameters())
    for saved in (tmp_path / "checkpoints").glob("step-*/weights.safetensors"):
        assert all(torch.isfinite(t).all() for t in load_file(saved).values())


def test_a_wild_gradient_under_a_fine_loss_is_found_too() -> None:
    rows, names = poisoned_rows()
    model = tiny.model("bert")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    events: list[dict[str, Any]] = []
    with pytest.raises(Diverged, match="gradient"):
        fit(
            model, {"train": rows, "valid": None}, plan(train_batch_size=40), objective=Poisoned(0, gradient_only=True), on_event=events.append
        )  # fmt: skip
    wild = next(e for e in events if "nonfinite" in e)
    assert (wild["where"], sorted(wild["rows"])) == ("gradient", names)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())


def test_a_rate_beyond_reason_diverges_instead_of_writing_nan(tmp_path: Path) -> None:
    model = tiny.model("bert")
    try:
        fit(
            model, {"train": TRAIN, "valid": VALID}, plan(learning_rate=1e38, max_grad_norm=0.0, warmup_steps=0, num_train_epochs=4, save_steps=1),
            objective=tiny.Classify(), checkpoints=Checkpoints(tmp_path / "checkpoints"),
        )  # fmt: skip
    except Diverged:
        pass
    else:
        pytest.fail("a rate of 1e38 went through")
    for saved in (tmp_path / "checkpoints").glob("step-*/weights.safetensors"):
        assert all(torch.isfinite(t).all() for t in load_file(saved).values())


class Greedy:
    """A model that fails above so many tokens in one pass, as a full card does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, limit: int, error: type[Exception] = torch.OutOfMemoryError) -> None:
        self.limit, self.largest = limit, 0
        original = Forward.__call__

        def call(forward: Forward, micro: Any) -> Any:
            if len(micro.ids) > self.limit:
                raise error("out of memory: tried to allocate 20 GiB")
            self.largest = max(self.largest, len(micro.ids))
            return original(forward, micro)

        monkeypatch.setattr(Forward, "__call__", call)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, MemoryError, RuntimeError])
def test_out_of_memory_cuts_smaller_and_keeps_the_batch(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    whole = fit(tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan(dropout=0.0), objective=tiny.Classify())
    monkeypatch.setattr("goodfit.engine.tier._TOKENS", 30)
    greedy = Greedy(monkeypatch, limit=48, error=error)
    events: list[dict[str, Any]] = []
    made = fit(tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan(dropout=0.0), objective=tiny.Classify(), on_event=events.append)
    assert greedy.largest <= 48
    assert [e["kind"] for e in events if e["event"] == "warning"][0] == "out_of_memory"
    assert next(i for i, e in enumerate(events) if e["event"] == "warning") < next(i for i, e in enumerate(events) if e["event"] == "step")
    assert [e["n"] for e in events if e["event"] == "step"] == [8] * 10
    for (name, a), b in zip(whole.model.named_parameters(), made.model.parameters(), strict=True):
        if not name.endswith("key.bias"):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=5e-5)


def test_memory_that_runs_out_later_is_survived_in_the_middle_of_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    greedy = Greedy(monkeypatch, limit=10**9)
    events: list[dict[str, Any]] = []

    def listen(event: dict[str, Any]) -> None:
        events.append(event)
        if event["event"] == "step" and event["step"] == 3:
            greedy.limit = 60

    made = fit(tiny.model("bert"), {"train": TRAIN, "valid": None}, plan(), objective=tiny.Classify(), on_event=listen)
    assert made.last_step == made.steps_total
    assert any(e["event"] == "warning" and e["step"] >= 3 for e in events)
    assert sum(e["n"] for e in events if e["event"] == "step") == 2 * len(TRAIN)


def test_one_row_that_never_fits_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goodfit.engine.tier._TOKENS", 12)
    Greedy(monkeypatch, limit=int(TRAIN.lengths.max()) - 1)
    longest = TRAIN.row_ids([int(TRAIN.lengths.argmax())])[0]
    with pytest.raises(MachineError, match=f"one row of {int(TRAIN.lengths.max())} tokens") as caught:
        fit(tiny.model("bert"), {"train": TRAIN, "valid": None}, plan(), objective=tiny.Classify())
    assert longest in str(caught.value)


def test_any_other_error_is_not_mistaken_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("bert")

    class Broken(tiny.Classify):
        def loss(self, logits: Any, target: Any, weight: Any) -> Any:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        fit(model, {"train": TRAIN, "valid": None}, plan(), objective=Broken())


def test_inference_cuts_smaller_too(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("bert")
    expected = in_order(infer(model, TRAIN), len(TRAIN))
    monkeypatch.setattr("goodfit.engine.tier._TOKENS", 30)
    Greedy(monkeypatch, limit=45)
    np.testing.assert_allclose(in_order(infer(model, TRAIN), len(TRAIN)), expected, rtol=1e-4, atol=1e-6)
