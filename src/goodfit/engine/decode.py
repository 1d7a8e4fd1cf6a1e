"""Decode: an own forward pass for writing, for decoders of the Llama kind, with keys and values in memory that is taken once.

transformers' modules spend more time around the products of one token than in them. This pass reads the same weights (merged, cast
and laid out once, engine/weights.py), keeps no padding in its products, lets every row stand at its own length, and reads each key
once for all query heads that share it. What it knows: rotary positions, norms before (and behind) attention and feed-forward, gated
feed-forward, grouped heads, norms of queries and keys, biases, windows, soft caps. Whether that is what a model is, is not read off
its name: `decoder_for` compares with the model's own forward pass and gives None where they differ.

Shapes: T tokens of all rows, b rows, h query heads, k key heads (h = k r), D head width, C tokens a row may hold, S columns in use,
P tokens of a beginning that all rows share, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from goodfit.engine.weights import Norm, Product, Refused, can_pack, norm

_CHANGING_ROPE = frozenset({"dynamic", "longrope"})
"""Rotary frequencies that depend on how long the sequence is."""


_Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the tokens of one call stand."""

    flat: torch.Tensor
    """int64 [T k]: where its keys go in the memory of a layer, [rows k C, D]."""
    column: torch.Tensor
    """int64 [T]: its position."""
    rows: torch.Tensor | None
    """int64 [b]: cache rows in use; None where they are the first b and every row has one token."""
    grid: torch.Tensor | None
    """int64 [T]: place of each token in [b, longest]; None as above."""
    last: torch.Tensor | None
    """int64 [b]: the last token of each row; None as above."""
    shape: tuple[int, int]
    """b, longest."""
    columns: int
    """S"""
    masks: dict[int | None, torch.Tensor | None]
    """By window: float [b or 1, 1, longest or 1, S], 0 or -inf; None where causality alone holds."""


class _Layer:
    """One decoder layer."""

    def __init__(self, layer: Any, config: Any, index: int, dtype: torch.dtype, *, packed: bool) -> None:
        a, m = layer.self_attn, layer.mlp
        self.qkv = Product([a.q_proj, a.k_proj, a.v_proj], dtype, packed=packed)
        self.out = Product([a.o_proj], dtype, packed=packed)
        self.gate_up = Product([m.gate_proj, m.up_proj], dtype, packed=packed)
        self.down = Product([m.down_proj], dtype, packed=packed)
        self.activation = m.act_fn
        self.width = int(a.head_dim)
        self.heads, self.keys = (n // self.width for n in self.qkv.widths[:2])
        self.scaling = float(a.scaling)
        capped = getattr(a, "attn_logit_softcapping", None)
        self.softcap = None if capped is None or config._attn_implementation == "sdpa" else float(capped)
        kinds = getattr(config, "layer_types", None)
        self.kind = kinds[index] if kinds else None
        self.window = _window(a, config)
        gemma = hasattr(layer, "pre_feedforward_layernorm")
        self.before = Norm(layer.input_layernorm, dtype)
        self.behind = norm(layer, "post_attention_layernorm", dtype) if gemma else None
        self.before_mlp = Norm(layer.pre_feedforward_layernorm if gemma else layer.post_attention_layernorm, dtype)
        self.behind_mlp = norm(layer, "post_feedforward_layernorm", dtype) if gemma else None
        self.q_norm, self.k_norm = norm(a, "q_norm", dtype), norm(a, "k_norm", dtype)

    def __call__(
        self,
        x: torch.Tensor,
        place: _Place,
        rope: _Pair,
        memory: _Pair,
        *,
        final: bool,
    ) -> torch.Tensor:
        """[T, H] -> [T, H]; of the final layer only the last token of each row is needed."""
        q, k, v = self._heads(self.qkv(self.before(x)), rope)
        for held, new in zip(memory, (k, v), strict=True):
            _write(held, place, new)
        a = self._attend(q, place, memory)
        if final and place.last is not None:
            a, x = a[place.last], x[place.last]
        a = self.out(a)
        x = x + (self.behind(a) if self.behind else a)
        gate, up = self.gate_up(self.before_mlp(x)).chunk(2, dim=-1)
        m = self.down(self.activation(gate).mul_(up))
        return x + (self.behind_mlp(m) if self.behind_mlp else m)

    def _heads(self, qkv: torch.Tensor, rope: _Pair) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """[T, (h + 2k) D] -> [T, h, D], [T, k, D], [T, k, D]; queries and keys turned to their positions."""
        qkv = qkv.view(len(qkv), -1, self.width)
        turned = qkv[:, : self.heads + self.keys]
        if self.q_norm and self.k_norm:
            turned = torch.cat([self.q_norm(turned[:, : self.heads]), self.k_norm(turned[:, self.heads :])], dim=1)
        cos, sin = rope
        turned = turned * cos + turned.roll(self.width // 2, -1) * sin
        return turned[:, : self.heads], turned[:, self.heads :], qkv[:, self.heads + self.keys :]

    def _attend(self, q: torch.Tensor, place: _Place, memory: _Pair) -> torch.Tensor:
        """[T, h, D] -> [T, h D]"""
        (b, longest), shared = place.shape, self.heads // self.keys
        mask = place.masks[self.window]
        if place.rows is None or place.grid is None:  # one token a row: the heads that share a key stand as rows of one product
            keys, values = (held[:b, :, : place.columns] for held in memory)
            out = self._softmax(q.view(b, self.keys, shared, self.width), keys, values, mask)
            return out.reshape(b, self.heads * self.width)
        keys, values = (held[place.rows, :, : place.columns] for held in memory)
        padded = q.new_zeros(b * longest, self.heads, self.width).index_copy_(0, place.grid, q)
        out = self._softmax(padded.view(b, longest, self.heads, self.width).transpose(1, 2), keys, values, mask)
        return out.transpose(1, 2).reshape(b * longest, self.heads * self.width)[place.grid]

    def _softmax(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        if self.softcap is None:
            grouped = q.shape[1] != k.shape[1]
            causal = mask is None
            return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=causal, scale=self.scaling, enable_gqa=grouped)
        k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
        scores = torch.matmul(q, k.transpose(2, 3)) * self.scaling
        scores = torch.tanh(scores / self.softcap) * self.softcap
        assert mask is not None, "soft caps come with a mask"
        return torch.matmul((scores + mask).softmax(dim=-1, dtype=torch.float32).to(q.dtype), v)


def _window(attention: Any, config: Any) -> int | None:
    window: int | None = attention.sliding_window if hasattr(attention, "sliding_window") else getattr(config, "sliding_window", None)
    return window


def _write(held: torch.Tensor, place: _Place, new: torch.Tensor) -> None:
    """held [rows, k, C, D] <- new [T, k, D]"""
    width = held.shape[-1]
    held.view(-1, width).index_copy_(0, place.flat, new.reshape(-1, width))


class Decoder:
    """A model's weights, ready to write. `memory(rows, tokens)`, then `read` prompts into its rows and `step` them on."""

    def __init__(self, model: Any, dtype: torch.dtype, *, keep: bool = True) -> None:
        """`keep=False`: layers are made anew at every pass, in ordinary layout: slow, and no memory is taken (for the check)."""
        base = getattr(model, model.base_model_prefix)
        self.model, self.base, self.config, self.dtype = model, base, model.config.get_text_config(), dtype
        if not isinstance(base.embed_tokens, torch.nn.Embedding):
            raise Refused(type(base.embed_tokens).__name__)
        self.device = base.embed_tokens.weight.device
        self.packed = keep and can_pack(self.device, dtype)
        _refuse_changes(model, self.config)
        self.embedding = base.embed_tokens.weight
        scale = getattr(base.embed_tokens, "embed_scale", None)
        self.embed_scale = None if scale is None else scale.to(dtype)
        self.norm = Norm(base.norm, dtype)
        self.head = Product([model.get_output_embeddings()], dtype, packed=self.packed)
        self.softcap = getattr(self.config, "final_logit_softcapping", None)
        self.layers = list(self._made(packed=self.packed)) if keep else None
        self.held: list[_Pair] = []

    def _made(self, *, packed: bool) -> Iterator[_Layer]:
        for index, layer in enumerate(self.base.layers):
            yield _Layer(layer, self.model.config, index, self.dtype, packed=packed)

    def memory(self, rows: int, tokens: int) -> None:
        """Takes memory for the keys and values of so many rows of so many tokens."""
        self.held = []
        for layer in self.base.layers:
            width, k = int(layer.self_attn.head_dim), layer.self_attn.k_proj.out_features // int(layer.self_attn.head_dim)
            shape = (rows, k, tokens, width)
            self.held.append((self._zeros(shape), self._zeros(shape)))
        self.seen = self.windows()
        self.ropes = self._rope_tables(tokens)

    def _zeros(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.zeros(shape, dtype=self.dtype, device=self.device)

    def _flat(self, row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        _, k, columns, _ = self.held[0][0].shape
        return ((row[:, None] * k + torch.arange(k, device=self.device)) * columns + column[:, None]).flatten()

    def windows(self) -> set[int | None]:
        """How far back the layers see; None: all the way."""
        return {_window(layer.self_attn, self.config) for layer in self.base.layers}

    def _rope_tables(self, tokens: int) -> dict[str | None, _Pair]:
        """By kind of layer: cos and sin [C, 1, D], the sign of the turned half in the sin."""
        x = torch.zeros(1, dtype=self.dtype, device=self.device)
        positions = torch.arange(tokens, device=self.device)[None]
        tables = {}
        for kind in set(getattr(self.config, "layer_types", None) or [None]):
            each = kind is not None and hasattr(self.base.rotary_emb, f"{kind}_inv_freq")
            cos, sin = self.base.rotary_emb(x, positions, kind) if each else self.base.rotary_emb(x, positions)
            half = cos.shape[-1] // 2
            tables[kind] = cos[0, :, None], torch.cat([-sin[0, :, None, :half], sin[0, :, None, half:]], dim=-1)
        return tables

    def share(self, row: int, others: Sequence[int], tokens: int) -> None:
        """The first `tokens` of a row become those of other rows too."""
        for held in self.held:
            for part in held:
                part[list(others), :, :tokens] = part[row, :, :tokens].clone()

    def move(self, source: int, target: int, tokens: int) -> None:
        """A row's first `tokens` keys and values go to another row."""
        self.share(source, [target], tokens)

    def read(self, rows: Sequence[int], prompts: Sequence[Sequence[int]], known: int = 0) -> torch.Tensor:
        """float32 [b, V]: logits behind each prompt, written into those rows; their first `known` tokens are there already."""
        counts = [len(prompt) - known for prompt in prompts]
        assert min(counts) > 0, "nothing left to read"
        b, longest, device = len(rows), max(counts), self.device
        ids = torch.tensor([token for prompt in prompts for token in prompt[known:]], device=device)
        where = torch.tensor(list(rows), device=device)
        n = torch.tensor(counts, device=device)
        order = torch.arange(b, device=device).repeat_interleave(n)
        ends = n.cumsum(0)
        within = torch.arange(len(ids), device=device) - (ends - n)[order]
        query, key = torch.arange(longest, device=device)[:, None] + known, torch.arange(known + longest, device=device)
        masks = {window: self._mask(key <= query, query - key, window, simple=known == 0) for window in self.seen}
        column = within + known
        flat, grid = self._flat(where[order], column), order * longest + within
        return self._run(ids, _Place(flat, column, where, grid, ends - 1, (b, longest), known + longest, masks))

    def step(self, ids: Sequence[int], columns: Sequence[int]) -> torch.Tensor:
        """float32 [b, V]: logits behind one more token of each of the first b rows, which stand at those columns."""
        b, device = len(ids), self.device
        column = torch.tensor(columns, device=device)
        used = max(columns) + 1
        key = torch.arange(used, device=device)
        query = column[:, None, None, None]
        masks = {window: self._mask(key <= query, query - key, window, simple=False) for window in self.seen}
        flat = self._flat(torch.arange(b, device=device), column)
        return self._run(torch.tensor(ids, device=device), _Place(flat, column, None, None, None, (b, 1), used, masks))

    def _mask(self, seen: torch.Tensor, distance: torch.Tensor, window: int | None, *, simple: bool) -> torch.Tensor | None:
        softcapped = getattr(self.config, "attn_logit_softcapping", None) is not None
        if simple and not softcapped and (window is None or distance.max() < window):
            return None
        if window is not None:
            seen = seen & (distance < window)
        return torch.zeros(seen.shape, dtype=self.dtype, device=self.device).masked_fill_(~seen, float("-inf"))

    @torch.inference_mode()
    def _run(self, ids: torch.Tensor, place: _Place) -> torch.Tensor:
        x = F.embedding(ids, self.embedding).to(self.dtype)
        if self.embed_scale is not None:
            x = x * self.embed_scale
        ropes = {kind: (cos[place.column], sin[place.column]) for kind, (cos, sin) in self.ropes.items()}
        for index, layer in enumerate(self.layers or self._made(packed=False)):
            x = layer(x, place, ropes[layer.kind], self.held[index], final=index + 1 == len(self.held))
        logits = self.head(self.norm(x))
        if self.softcap is not None:
            logits = torch.tanh(logits / self.softcap) * self.softcap
        return logits.float()


def _refuse_changes(model: Any, config: Any) -> None:
    """What a comparison on short rows would not show."""
    ropes = config.rope_parameters
    kinds = [ropes, *(entry for entry in ropes.values() if isinstance(entry, dict))]
    if any(entry.get("rope_type") in _CHANGING_ROPE for entry in kinds):
        raise Refused("rotary positions that change with the length")
    for module in model.modules():
        if module._forward_hooks or module._forward_pre_hooks:
            raise Refused("forward hooks")
