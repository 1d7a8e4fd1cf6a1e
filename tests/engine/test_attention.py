"""Attention without padding: every kind that a module may ask for equals the plain formula, row by row."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine import attention as A
from goodfit.engine.layout import make_layout

LENGTHS = np.array([3, 4, 4, 9, 17])
TOTAL, HEADS, WIDTH = int(LENGTHS.sum()), 4, 8


def inputs(kv_heads: int = HEADS) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(1, h, TOTAL, WIDTH, generator=generator, requires_grad=True) for h in (HEADS, kv_heads, kv_heads)]


def by_formula(qkv: list[torch.Tensor], *, causal: bool, window: int | None, softcap: float | None, scaling: float) -> torch.Tensor:
    out, begin = [], 0
    for length in LENGTHS:
        q, k, v = (x[0, :, begin : begin + length] for x in qkv)
        k, v = (x.repeat_interleave(HEADS // x.shape[0], 0) for x in (k, v))
        scores = q @ k.transpose(-1, -2) * scaling
        if softcap:
            scores = softcap * torch.tanh(scores / softcap)
        distance = torch.arange(length)[:, None] - torch.arange(length)[None]
        seen = torch.ones_like(distance, dtype=torch.bool)
        if causal:
            seen &= distance >= 0
        if window:
            seen &= distance.abs() < window
        out.append((scores.masked_fill(~seen, -torch.inf).softmax(-1) @ v).transpose(0, 1))
        begin += length
    return torch.cat(out)[None]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("softcap", [None, 2.0])
@pytest.mark.parametrize("kv_heads", [4, 2])
@pytest.mark.parametrize("by_hand", [False, True])
def test_every_kind_equals_the_formula(
    causal: bool, window: int | None, softcap: float | None, kv_heads: int, by_hand: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if by_hand:  # the form for bfloat16 and dropout, here in float32 so that it can be compared
        monkeypatch.setattr(A, "_sdpa", lambda q, k, v, mask, kind: A._product(q, k, v, mask, kind))
    qkv = inputs(kv_heads)
    layout = make_layout(LENGTHS)
    assert len(layout.groups) > 1
    with A.packed(layout):
        mine, _ = A.attention(
            SimpleNamespace(is_causal=causal), *qkv, None, scaling=0.3, sliding_window=window, softcap=softcap, dropout=0.0  # type: ignore[arg-type]
        )  # fmt: skip
    truth = by_formula(qkv, causal=causal, window=window, softcap=softcap, scaling=0.3)
    torch.testing.assert_close(mine, truth, rtol=1e-5, atol=1e-6)
    weights = torch.randn(truth.shape, generator=torch.Generator().manual_seed(1))
    gradients = [torch.autograd.grad((x * weights).sum(), qkv) for x in (mine, truth)]
    for ours, theirs in zip(*gradients, strict=True):
        assert torch.isfinite(ours).all()
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_bfloat16_stays_near_float32() -> None:
    qkv = inputs()
    with A.packed(make_layout(LENGTHS)):
        exact, _ = A.attention(SimpleNamespace(is_causal=False), *qkv, None)  # type: ignore[arg-type]
        coarse, _ = A.attention(SimpleNamespace(is_causal=False), *[x.bfloat16() for x in qkv], None)  # type: ignore[arg-type]
    assert coarse.dtype == torch.bfloat16
    torch.testing.assert_close(coarse.float(), exact, rtol=0.05, atol=0.05)


def test_dropout_drops_and_keeps_the_mean() -> None:
    qkv = [x.detach() for x in inputs()]
    layout = make_layout(LENGTHS)
    torch.manual_seed(0)
    with A.packed(layout):
        exact, _ = A.attention(SimpleNamespace(is_causal=False), *qkv, None)  # type: ignore[arg-type]
        many = [A.attention(SimpleNamespace(is_causal=False), *qkv, None, dropout=0.3)[0] for _ in range(400)]  # type: ignore[arg-type]
    assert not torch.equal(many[0], many[1])
    assert float((torch.stack(many).mean(0) - exact).abs().mean()) < 0.03


@pytest.mark.parametrize(
    ("settings", "mask"), [({"s_aux": torch.ones(4)}, None), ({"position_bias": torch.ones(1)}, None), ({}, torch.zeros(1, 1, 5, 5))]
)
def test_what_it_does_not_know_it_refuses(settings: dict[str, Any], mask: torch.Tensor | None) -> None:
    with A.packed(make_layout(LENGTHS)), pytest.raises(A.NotPackable):
        A.attention(SimpleNamespace(is_causal=False), *inputs(), mask, **settings)  # type: ignore[arg-type]


def test_without_a_layout_it_is_sdpa_even_while_another_thread_packs() -> None:
    qkv = [x.detach() for x in inputs()]
    plain = torch.nn.functional.scaled_dot_product_attention(*qkv).transpose(1, 2)
    seen: list[torch.Tensor] = []
    with A.packed(make_layout(LENGTHS)):
        module: Any = torch.nn.Module()
        module.is_causal = False
        other = threading.Thread(target=lambda: seen.append(A.attention(module, *qkv, None)[0]))
        other.start()
        other.join()
    torch.testing.assert_close(seen[0], plain)


def test_users_of_one_configuration_may_overlap() -> None:
    config = SimpleNamespace(_attn_implementation="sdpa")
    first, second = A.installed(config), A.installed(config)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert config._attn_implementation == A.NAME
    second.__exit__(None, None, None)
    assert config._attn_implementation == "sdpa"
