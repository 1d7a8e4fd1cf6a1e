"""Language models: the loss of the learned tokens and its gradient are those of plain transformers, however rows and logits are cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from peft import LoraConfig, get_peft_model

from goodfit.engine import tokens
from goodfit.engine.batches import assemble
from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.events import Action
from goodfit.engine.examples import Examples, ExamplesWriter
from goodfit.engine.fit import fit
from goodfit.engine.infer import observe
from goodfit.engine.plan import Plan
from goodfit.engine.tier import find_tier
from goodfit.tasks.language import LanguageObjective
from tests import tiny

DECODERS = ("llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt2")
ROWS = tiny.language(24)
VALID = tiny.language(11, seed=5)


def plain_loss(model: Any, examples: Examples, rows: Any) -> torch.Tensor:
    """Row by row as transformers computes it: labels of -100 where nothing is learned; the sum of the tokens' losses."""
    total = torch.zeros(())
    for i in rows:
        ids = torch.from_numpy(examples.ids(i).astype(np.int64))[None]
        learned = torch.from_numpy(np.array(examples.gather_learned([i])))[None]
        logits = model(input_ids=ids).logits
        labels = torch.where(learned, ids, -100)
        total = total + F.cross_entropy(logits[0, :-1].float(), labels[0, 1:], ignore_index=-100, reduction="sum")
    return total


def lora(model: Any) -> Any:
    torch.manual_seed(0)
    made = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, p in made.named_parameters():
            if "lora_B" in name:
                p.normal_(0.0, 0.1)
    return made.eval()


@pytest.mark.parametrize("adapter", [False, True])
@pytest.mark.parametrize("family", DECODERS)
def test_loss_and_gradient_are_those_of_plain_transformers(family: str, adapter: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_PIECE", {"cpu": 16 * (tiny.VOCABULARY + 7)})  # several pieces
    model = tiny.language_model(family)
    model = lora(model) if adapter else model
    wanted = plain_loss(model, ROWS, range(len(ROWS)))
    wanted.backward()
    truth = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    tier = find_tier(model, ROWS)
    assert tier.name == "packed", tier.reason
    forward = tier.forward(model)
    with forward.ready():
        found = forward.loss(assemble(ROWS, np.arange(len(ROWS))), LanguageObjective())
        (found / 7).backward()
    assert float(found) == pytest.approx(float(wanted), rel=1e-5)
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert gradients.keys() == truth.keys()
    for name, gradient in truth.items():
        assert torch.allclose(gradients[name] * 7, gradient, rtol=1e-3, atol=1e-4 * float(gradient.abs().max())), name


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_padded_is_packed(family: str) -> None:
    model = tiny.language_model(family)
    tier = find_tier(model, ROWS)
    found = {}
    for name in ("packed", "padded"):
        forward = type(tier.forward(model))(model, tier=name)  # type: ignore[arg-type]
        with forward.ready():
            found[name] = float(forward.loss(assemble(ROWS, np.arange(len(ROWS))), LanguageObjective()))
    assert found["packed"] == pytest.approx(found["padded"], rel=1e-5)


def plan(**more: Any) -> Plan:
    return Plan(**{"learning_rate": 3e-3, "num_train_epochs": 3.0, "train_batch_size": 8, "precision": "float32", "seed": 1} | more)


@pytest.mark.parametrize("adapter", [False, True])
def test_any_cut_of_the_batch_gives_the_same_weights(adapter: bool) -> None:
    ends = []
    for batch_tokens in (4096, 40):
        model = tiny.language_model("llama")
        model = lora(model) if adapter else model
        fit(model, {"train": ROWS, "valid": VALID}, plan(batch_tokens=batch_tokens), objective=LanguageObjective())
        ends.append({name: p.detach().clone() for name, p in model.named_parameters()})
    for name, weights in ends[0].items():
        assert torch.allclose(weights, ends[1][name], atol=2e-5), name


def test_training_lowers_the_validation_loss_and_the_best_step_is_kept() -> None:
    model = tiny.language_model("llama")
    repeated = tiny.language(8)
    before = float(plain_loss(model, repeated, range(8)).detach()) / int(repeated.target.sum())
    fitted = fit(model, {"train": repeated, "valid": repeated}, plan(num_train_epochs=20.0), objective=LanguageObjective())
    after = float(plain_loss(model, repeated, range(8)).detach()) / int(repeated.target.sum())
    assert after < 0.6 * before
    assert fitted.best_score == pytest.approx(after, rel=1e-4)
    assert fitted.primary == "loss"


def test_observed_losses_are_per_token_and_row_by_row() -> None:
    model = tiny.language_model("gemma2")
    of_row = np.zeros(len(VALID))
    for rows, seen in observe(model, VALID, LanguageObjective(), batch_tokens=50):
        parts = torch.split(seen.answers[:, 0], VALID.target[rows].tolist())
        of_row[rows] = [float(part.sum()) for part in parts]
    wanted = [float(plain_loss(model, VALID, [i]).detach()) for i in range(len(VALID))]
    assert np.allclose(of_row, wanted, rtol=1e-4)


def test_row_weights_weigh_tokens() -> None:
    model = tiny.language_model("llama")
    weights = np.linspace(0.0, 2.0, len(ROWS)).astype(np.float32)
    forward = find_tier(model, ROWS).forward(model)
    with forward.ready():
        found = float(forward.loss(assemble(ROWS.with_weight(weights), np.arange(len(ROWS))), LanguageObjective()))
    wanted = sum(w * float(plain_loss(model, ROWS, [i]).detach()) for i, w in enumerate(weights))
    assert found == pytest.approx(wanted, rel=1e-5)
    assert LanguageObjective().weight_total(ROWS.target, weights) == pytest.approx(float((ROWS.target * weights).sum()))


def test_the_mask_goes_to_the_disk_and_back_in_any_portions(tmp_path: Path) -> None:
    for name, sizes in (("whole", [24]), ("parts", [5, 0, 19])):
        with ExamplesWriter(tmp_path / name) as writer:
            start = 0
            for size in sizes:
                rows = np.arange(start, start + size)
                ids = ROWS.row_ids(rows)
                writer.append(ROWS.gather(rows), ROWS.lengths[rows], row=ids, learned=ROWS.gather_learned(rows))
                start += size
    whole, parts = Examples.load(tmp_path / "whole"), Examples.load(tmp_path / "parts")
    assert whole.fingerprint == parts.fingerprint == ROWS.fingerprint
    assert np.array_equal(np.asarray(whole.learned), np.asarray(ROWS.learned))
    assert np.array_equal(whole.target, ROWS.target)
    changed = np.array(ROWS.learned)
    changed[1] = not changed[1]
    other = Examples.from_arrays(
        ROWS.input_ids, np.append(ROWS.starts, len(ROWS.input_ids)), learned=changed, row=ROWS.row_ids(np.arange(24))
    )
    assert other.fingerprint != ROWS.fingerprint


def test_a_first_token_cannot_be_learned() -> None:
    with pytest.raises(AssertionError, match="first token"):
        Examples.from_arrays([1, 2, 3], [0, 3], learned=[True, True, False])


def test_logits_of_a_large_vocabulary_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_PIECE", {"cpu": 1})
    model = tiny.language_model("llama")
    seen: list[int] = []
    model.lm_head.register_forward_hook(lambda _m, _a, out: seen.append(out.shape[1]))
    forward = find_tier(model, ROWS).forward(model)
    seen.clear()
    with forward.ready():
        forward.loss(assemble(ROWS, np.arange(len(ROWS))), LanguageObjective())
    assert max(seen) == 16
    assert sum(seen) == int(ROWS.target.sum())


def test_resumed_is_uninterrupted(tmp_path: Path) -> None:
    def stop(event: Any) -> Action | None:
        return Action.stop if event["event"] == "step" and event["step"] == 4 else None

    settings = plan(logging_steps=1, early_stopping=False)
    ends = []
    for stops in ((None,), (stop, None)):
        for attempt, listener in enumerate(stops, start=1):
            model = tiny.language_model("llama")
            checkpoints = Checkpoints(tmp_path / str(len(stops)), attempt=attempt)
            rows = {"train": ROWS, "valid": VALID}
            fit(model, rows, settings, objective=LanguageObjective(), on_event=listener or (lambda _: None), checkpoints=checkpoints)
        ends.append(model.state_dict())
    for name, weights in ends[0].items():
        assert torch.equal(weights, ends[1][name]), name
