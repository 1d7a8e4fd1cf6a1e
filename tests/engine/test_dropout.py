"""Dropout drawn from 16 bits: the share, the mean, the gradient, the seed."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from goodfit.engine.dropout import drop, dropout_of
from tests import tiny


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_share_mean_and_independence(share: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n = 400_003
    out = drop(torch.ones(n, dtype=dtype), share).float()
    deviation = (share * (1 - share) / n) ** 0.5
    assert float((out == 0).float().mean()) == pytest.approx(share, abs=5 * deviation + 1e-5)
    kept = out[out != 0]
    assert kept.min() == kept.max()
    assert float(kept[0]) == pytest.approx(1 / (1 - share), rel=0.01 if dtype == torch.bfloat16 else 1e-4)
    for lag in range(1, 9):  # four elements come from one 64-bit draw
        together = float(((out[lag:] == 0) & (out[:-lag] == 0)).float().mean())
        assert together == pytest.approx(share**2, abs=6 * (share**2 / n) ** 0.5 + 1e-5)
    lanes = [float((out[i::4] == 0).float().mean()) for i in range(4)]
    assert max(abs(x - share) for x in lanes) < 10 * deviation + 1e-4


def test_the_gradient_passes_where_the_value_did() -> None:
    x = torch.full((3, 5, 7), 2.0, requires_grad=True)
    torch.manual_seed(1)
    out = drop(x, 0.4)
    (gradient,) = torch.autograd.grad(out.sum(), x)
    torch.testing.assert_close(gradient * 2.0, out.detach())
    torch.manual_seed(1)
    assert torch.equal(drop(x, 0.4), out)


def test_nothing_and_everything() -> None:
    x = torch.ones(50)
    assert drop(x, 0.0) is x
    assert float(drop(x, 1.0).abs().sum()) == 0
    assert float(drop(x, 1e-9).sum()) == pytest.approx(50)


def test_modules_get_it_and_are_given_back() -> None:
    model = tiny.model("bert", dropout=0.3)
    model.train()
    before = copy.deepcopy([m.p for m in model.modules() if isinstance(m, nn.Dropout)])
    with dropout_of(model, 0.5):
        drops = [m for m in model.modules() if isinstance(m, nn.Dropout)]
        assert {m.p for m in drops} == {0.5}
        share = float((drops[0](torch.ones(10_000)) == 0).float().mean())
        assert share == pytest.approx(0.5, abs=0.03)
        model.eval()
        assert torch.equal(drops[0](torch.ones(4)), torch.ones(4))
    assert [m.p for m in model.modules() if isinstance(m, nn.Dropout)] == before
    assert not any("forward" in m.__dict__ for m in model.modules())


def test_decoders_keep_their_share_in_the_attention_itself() -> None:
    model = tiny.model("llama")
    with dropout_of(model, 0.25):
        assert {layer.self_attn.attention_dropout for layer in model.model.layers} == {0.25}
    assert {layer.self_attn.attention_dropout for layer in model.model.layers} == {0.0}
