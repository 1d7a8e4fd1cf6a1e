"""The optimiser: AdamW with bias correction and decoupled decay, its groups, and the rate of each step.

Norms, biases and every other vector are not decayed; a fresh head has its own rate. torch's fused AdamW is used (measured on
the CPU: half the time of the foreach form).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from goodfit.engine.parts import base_model, whole_model
from goodfit.engine.plan import Plan
from goodfit.engine.watched import watch
from goodfit.models.load import fresh_parameters


def trainable(model: nn.Module) -> dict[str, nn.Parameter]:
    """Names and parameters that learn: all, or what freezing and adapters left."""
    return {name: p for name, p in whole_model(model).named_parameters() if p.requires_grad}


def head_names(model: nn.Module) -> frozenset[str]:
    """The parameters of the head: those outside the base model, and those that the checkpoint did not hold."""
    inside = {id(p) for p in base_model(model).parameters()}
    fresh = fresh_parameters(model) | fresh_parameters(whole_model(model))
    return frozenset(name for name, p in whole_model(model).named_parameters() if id(p) not in inside or name in fresh)


class Optimiser:
    """AdamW over the trainable parameters, with the plan's schedule."""

    def __init__(self, model: nn.Module, plan: Plan, steps_total: int) -> None:
        self.parameters = trainable(model)
        self._plan, self._steps_total = plan, steps_total
        head = head_names(model)
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, p in self.parameters.items():
            rate = plan.head_learning_rate if plan.head_learning_rate is not None and name in head else plan.learning_rate
            groups.setdefault((rate, plan.weight_decay if p.ndim > 1 else 0.0), []).append(p)
        self._adamw = torch.optim.AdamW(
            [{"params": members, "peak": rate, "lr": rate, "weight_decay": decay} for (rate, decay), members in groups.items()],
            betas=(plan.adam_beta1, plan.adam_beta2),
            eps=plan.adam_epsilon,
            fused=True,
        )
        self._watched = watch(model, self.parameters)

    def rate(self, step: int, scale: float = 1.0) -> float:
        """The body's rate at optimiser step `step` (0-based)."""
        return self._plan.learning_rate * self._plan.rate_factor(step, self._steps_total) * scale

    def clip(self) -> float:
        """Scale the gradients down to the plan's global norm; returns the norm before. Not finite where any gradient is not."""
        gradients = [p.grad for p in self.parameters.values() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self._plan.max_grad_norm > 0:
            torch.nn.utils.clip_grads_with_norm_(self.parameters.values(), self._plan.max_grad_norm, norm)
        return float(norm)

    def step(self, step: int, scale: float = 1.0, *, observe: bool = False) -> float | None:
        """Update the weights and drop the gradients; with `observe`, the size of the update relative to the weights (sampled)."""
        factor = self._plan.rate_factor(step, self._steps_total) * scale
        for group in self._adamw.param_groups:
            group["lr"] = group["peak"] * factor
        if observe:
            for watched in self._watched:
                watched.remember()
        self._adamw.step()
        self.forget_gradients()
        if not observe:
            return None
        moved, size = (sum(parts) for parts in zip(*(watched.moved() for watched in self._watched), strict=True))
        return float((moved / size) ** 0.5) if size > 0 else None

    def forget_gradients(self) -> None:
        """No parameter has a gradient any more."""
        self._adamw.zero_grad(set_to_none=True)

    def forget(self) -> None:
        """A fresh state, as before the first step."""
        self._adamw.state.clear()

    def state(self) -> dict[str, torch.Tensor]:
        """The moments and step counts under `<parameter>|<kind>`."""
        known = self._adamw.state
        return {f"{name}|{kind}": value for name, p in self.parameters.items() if p in known for kind, value in known[p].items()}

    def load_state(self, state: dict[str, torch.Tensor]) -> None:
        """Bring back what `state` gave."""
        self.forget()
        for key, value in state.items():
            name, kind = key.rsplit("|", 1)
            p = self.parameters[name]
            held: dict[str, Any] = self._adamw.state[p]
            held[kind] = value.clone() if kind == "step" else value.to(p.device).clone()
