"""The tier is what the check finds: packed where rows without padding give the same, never by the model's name."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine import tier as tiers
from goodfit.engine.attention import NAME
from goodfit.engine.batches import assemble
from goodfit.engine.forward import Forward, TierName
from goodfit.engine.tier import find_tier
from goodfit.errors import ModelError
from goodfit.models.adapters import add_lora
from goodfit.models.identity import Identity
from goodfit.models.load import LoadedModel
from tests import tiny

ROWS = tiny.examples(24)
OBJECTIVE = tiny.Classify()


def loss_and_gradients(forward: Any, parts: list[np.ndarray[Any, Any]]) -> tuple[float, dict[str, torch.Tensor]]:
    model = forward.model
    model.zero_grad(set_to_none=True)
    total = 0.0
    with forward.ready():
        for part in parts:
            micro = assemble(ROWS, part)
            loss = OBJECTIVE.loss(forward(micro).logits, micro.target, micro.weight) / len(ROWS)
            loss.backward()
            total += float(loss.detach())
    return total, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


def plain(model: Any) -> tuple[float, dict[str, torch.Tensor]]:
    """Row by row, as transformers itself is called."""
    model.zero_grad(set_to_none=True)
    total = 0.0
    for i in range(len(ROWS)):
        ids = torch.from_numpy(ROWS.ids(i).astype(np.int64))[None]
        loss = model(input_ids=ids, labels=torch.from_numpy(ROWS.target[i : i + 1])).loss / len(ROWS)
        loss.backward()
        total += float(loss.detach())
    return total, {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", tiny.CONFIGS)
def test_packed_padded_accumulated_and_single_rows_agree_in_loss_and_gradients(family: str) -> None:
    model = tiny.model(family)
    loss, gradients = plain(model)
    everything = np.arange(len(ROWS))
    found = find_tier(model, ROWS)
    assert found.name == ("padded" if family in tiny.PADDED else "packed")
    names: list[TierName] = ["packed", "padded"] if found.name == "packed" else ["padded"]
    for name in names:
        forward = Forward(model, tier=name, position_offset=found.position_offset)
        for parts in ([everything], np.array_split(everything, 5)):
            mine, theirs = loss_and_gradients(forward, list(parts))
            assert mine == pytest.approx(loss, rel=1e-5)
            assert theirs.keys() == gradients.keys()
            scale = max(float(g.abs().max()) for g in gradients.values())
            for key, gradient in gradients.items():
                torch.testing.assert_close(theirs[key], gradient, rtol=1e-4, atol=1e-5 * scale, msg=lambda m, key=key: f"{key}: {m}")


@pytest.mark.parametrize("family", tiny.PACKED)
def test_the_check_says_what_it_measured(family: str) -> None:
    found = find_tier(tiny.model(family), ROWS)
    assert found.max_difference < 1e-5
    assert found.rows_checked == 8
    assert found.position_offset == (2 if family == "roberta" else 0)


def test_a_model_that_does_not_call_our_attention_is_padded() -> None:
    found = find_tier(tiny.model("deberta-v2"), ROWS)
    assert found.name == "padded"
    assert "does not call the registered attention" in found.reason


def test_a_model_that_silently_ignores_positions_is_caught_by_its_numbers() -> None:
    """What some releases of DistilBERT did: `position_ids` accepted and dropped, so packed rows see wrong positions."""
    model = tiny.model("distilbert")
    original = model.distilbert.embeddings.forward
    model.distilbert.embeddings.forward = lambda input_ids, inputs_embeds=None, position_ids=None: original(
        input_ids, inputs_embeds, (torch.arange(input_ids.shape[1]) % 64)[None]
    )
    found = find_tier(model, ROWS)
    assert found.name == "padded"
    assert "packed: differs by" in found.reason


def test_a_model_whose_attention_leaks_between_rows_is_caught() -> None:
    model = tiny.model("bert")
    for layer in model.bert.encoder.layer:
        inner = layer.attention.self
        inner.forward = _with_a_glance_at_everything(inner)
    found = find_tier(model, ROWS)
    assert found.name == "padded"
    assert "packed: differs by" in found.reason


def _with_a_glance_at_everything(module: Any) -> Any:
    original = module.forward

    def forward(hidden: torch.Tensor, attention_mask: Any = None, **settings: Any) -> Any:
        out, weights = original(hidden, attention_mask=attention_mask, **settings)
        # A tenth of the mean over the row's own tokens: right for one row, a leak where rows share the sequence.
        keep = torch.ones(hidden.shape[:2]) if attention_mask is None else attention_mask[:, 0, 0].float()
        return out + 0.1 * ((out * keep[..., None]).sum(1, keepdim=True) / keep.sum(1)[:, None, None]), weights

    return forward


def test_a_model_that_padding_disturbs_trains_in_rows_of_equal_length() -> None:
    model = tiny.model("bert")
    original = model.bert.forward
    model.bert.forward = lambda input_ids, attention_mask=None, **k: original(input_ids, **{**k, "position_ids": None})
    assert find_tier(model, ROWS).name == "equal_lengths"


def test_a_model_that_mixes_the_rows_of_a_batch_is_refused() -> None:
    model = tiny.model("bert")
    head = model.classifier.forward
    model.classifier.forward = lambda pooled: head(pooled) * pooled.shape[0]
    with pytest.raises(ModelError, match="side by side"):
        find_tier(model, ROWS)


def test_the_check_leaves_the_model_as_it_was() -> None:
    model = tiny.model("bert")
    model.train()
    model.bert.eval()
    kept = torch.ones_like(model.classifier.weight)
    model.classifier.weight.grad = kept
    before, state, modes = copy.deepcopy(model.state_dict()), torch.get_rng_state(), [m.training for m in model.modules()]
    find_tier(model, ROWS)
    assert model.classifier.weight.grad is kept
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert model.config._attn_implementation != NAME
    assert "forward" not in model.bert.__dict__


def test_a_forward_that_somebody_else_replaced_stays_replaced() -> None:
    model = tiny.model("bert")
    model.bert.forward = theirs = model.bert.forward
    find_tier(model, ROWS)
    assert model.bert.forward is theirs


@pytest.mark.parametrize("family", ["bert", "llama"])
def test_long_rows_beyond_the_window_of_a_check_do_not_stop_it(family: str) -> None:
    one_long = tiny.examples(6, longest=60, seed=3)
    assert find_tier(tiny.model(family), one_long).name == "packed"
    assert find_tier(tiny.model(family), one_long.subset([2])).rows_checked == 2


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_padding_that_shares_the_end_token_changes_nothing(family: str) -> None:
    """Rows end in the token that pads, too: what a mask made from `id == pad` gets wrong."""
    model = tiny.model(family)
    model.config.pad_token_id = 3
    assert all(ROWS.ids(i)[-1] == 3 for i in range(len(ROWS)))
    loss, _ = plain(model)
    found = find_tier(model, ROWS)
    assert found.name == "packed"
    for name in ("packed", "padded"):
        mine, _ = loss_and_gradients(Forward(model, tier=name), [np.arange(len(ROWS))])  # type: ignore[arg-type]
        assert mine == pytest.approx(loss, rel=1e-5)


def test_the_sample_always_fits_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "_TOKENS", 50)
    rows = tiers._sample(tiny.examples(200, longest=60))
    assert len(rows) >= 2
    assert tiny.examples(200, longest=60).lengths[rows].sum() <= 50 + 60


def test_an_adapter_is_checked_like_a_whole_model() -> None:
    model = tiny.model("llama")
    facts = Identity("tiny", "", "folder", "", "", "llama", 0, 64, 72, 32, 2, True, None, None)
    loaded = add_lora(LoadedModel(model, None, facts, ("a", "b", "c"), frozenset({"score.weight"})), r=2)
    found = find_tier(loaded.model, ROWS)
    assert found.name == "packed"
