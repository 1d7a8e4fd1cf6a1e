"""Training: the state of one `fit`, and what each line of its loop does."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypedDict

import numpy as np
import torch
from torch import nn

from goodfit.engine import evaluation
from goodfit.engine.batches import Order
from goodfit.engine.checkpoint import Checkpoints, InMemory, made_with, put
from goodfit.engine.dropout import dropout_of
from goodfit.engine.events import Acted, Action, End, Evaluated, Nonfinite, OnEvent, Resumed, Said, Saved, Start, Warned
from goodfit.engine.examples import Examples
from goodfit.engine.finite import NotFinite
from goodfit.engine.fitted import Fitted, reason_for
from goodfit.engine.infer import cutter_for, refuse_empty_rows
from goodfit.engine.memory import less_memory
from goodfit.engine.meter import Meter
from goodfit.engine.noise import noise_of
from goodfit.engine.objective import Objective, primary_value
from goodfit.engine.optimiser import Optimiser, trainable
from goodfit.engine.plan import Plan
from goodfit.engine.precision import precision_of
from goodfit.engine.progress import Progress
from goodfit.engine.signals import Signals
from goodfit.engine.step import Stepped, Stepper
from goodfit.engine.tier import find_tier
from goodfit.engine.vocabulary import vocabulary_of
from goodfit.errors import DataError, Diverged, Interrupted, ModelError, RunError
from goodfit.memory import resident_bytes


class _Where(TypedDict):
    """What every event says."""

    attempt: int
    step: int


class Training:
    """One training under way. `fit` drives it; nobody else needs it."""

    def __init__(
        self, model: nn.Module, examples: Mapping[str, Examples | None], plan: Plan, objective: Objective, on_event: OnEvent,
        checkpoints: Checkpoints | InMemory,
    ) -> None:  # fmt: skip
        self.model, self.plan, self.objective, self.checkpoints = model, plan, objective, checkpoints
        self.train = _usable(examples["train"])
        self.splits = evaluation.splits_of(examples, plan)
        self._parameters = sum(p.numel() for p in model.parameters())
        self._on_event = on_event
        self._asked: Action | None = None
        _refuse_frozen(model)
        checkpoints.limit = plan.save_total_limit
        self.stopped_by: str | None = None
        self.resumed_from: str | None = None
        self._elsewhere = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everything that holds while it runs: threads, signals, our attention, the random state of the process kept."""
        with ExitStack() as stack:
            stack.enter_context(_threads(self.plan.threads))
            stack.enter_context(torch.random.fork_rng())
            stack.enter_context(dropout_of(self.model, self.plan.dropout))
            stack.enter_context(noise_of(self.model, self.plan.neftune_noise_alpha))
            stack.enter_context(vocabulary_of(self.model, self.train))
            self.signals = stack.enter_context(Signals())
            self._set_up()
            stack.enter_context(self.forward.ready())
            self._begin()
            try:
                yield
                self._finish()
            except NotFinite as wild:
                self._diverged(wild)
            finally:
                self.model.eval()

    @property
    def over(self) -> bool:
        """Whether the last step was done."""
        if self.stopped_by is None and self.progress.step >= self.order.steps_total:
            self.stopped_by = self.order.ended_by
        return self.stopped_by is not None

    def optimise(self) -> None:
        """One optimiser step on the next batch, and its line when one is due."""
        step, progress = self.progress.step, self.progress
        batch = self.order.batch(step)
        self.meter.begin()
        observe = self.meter.due(step + 1, last=step + 1 in self.points)
        stepped = self._step_within_memory(step, batch, observe=observe)
        self.meter.end(stepped)
        progress.step, progress.tokens, progress.rows = step + 1, progress.tokens + stepped.tokens, progress.rows + stepped.rows
        if observe:
            epoch, rate = self.order.epochs_done(step + 1), self.optimiser.rate(step, progress.rate_scale)
            self._tell(self.meter.line(attempt=self._attempt, step=step + 1, epoch=epoch, rate=rate, tokens=progress.tokens))

    def look(self) -> None:
        """At an evaluation point: score both splits, note the best, stop where patience is over."""
        if self.progress.step not in self.points:
            return
        looked = self.evaluator(self._attempt, self.progress.step)
        seen = {name: event for name, (event, _) in looked.items()}
        self.model.train()
        _refuse_wild_validation(seen.get("valid"))
        for name, (_, facts) in looked.items():
            self.checkpoints.looks.add(name, self.progress.step, facts)
        best = evaluation.judge(self.progress, seen, self.objective)
        for name, event in seen.items():
            self._tell(evaluation.marked(event, best=best) if name == "valid" else event)
        if best:
            self._save()
        if evaluation.should_stop(self.progress, self.plan, self.order.steps_total) and self.progress.step < self.order.steps_total:
            self.stopped_by = "early_stopping"

    def keep(self) -> None:
        """A checkpoint, if one is due by steps or by time."""
        every = self.plan.save_steps
        due = self.progress.step % every == 0 if every else time.monotonic() - self._saved_at >= self.plan.save_seconds
        if due and self.progress.step != self._saved_step:
            self._save()

    def heed(self) -> None:
        """Do what a listener asked for; end where a signal came."""
        action, self._asked = self._asked, None
        if action is Action.stop and not self.over:
            self.stopped_by = "action"
            self._tell(Acted(**self._where, action=action.value))
        elif action is Action.lower_rate:
            self.progress.rate_scale *= 0.5
            self._tell(Acted(**self._where, action=action.value, message=f"rates are {self.progress.rate_scale:g} of the plan's"))
            self._save()
        elif action is Action.restore_best:
            self._go_back()
        if self.signals.received is not None:
            self._interrupted()

    def fitted(self) -> Fitted:
        """The result, once it is over."""
        progress, best = self.progress, self.progress.best
        last = progress.history[-1].get("valid") if progress.history else None
        return Fitted(
            model=self.model, primary=self.objective.primary, higher_is_better=self.objective.higher_is_better,
            best_step=best.step if best else progress.step, best_score=best.value if best else None, best_loss=best.loss if best else None,
            last_step=progress.step, last_score=primary_value(self.objective, last["loss"], last["scores"]) if last else None,
            reason=reason_for(progress, self.objective.primary), steps_total=self.order.steps_total, stopped_by=self.stopped_by or "",
            history=progress.history, tier=self.tier, dtype=progress.dtype, seconds=progress.seconds, tokens=progress.tokens,
            resumed_from=self.resumed_from,
        )  # fmt: skip

    @property
    def _attempt(self) -> int:
        return self.checkpoints.attempt

    @property
    def _where(self) -> _Where:
        return {"attempt": self._attempt, "step": self.progress.step}

    def _set_up(self) -> None:
        """Order, tier, precision, optimiser; then, where there is a checkpoint, its state."""
        plan = self.plan
        self._facts = _facts(self.model, plan, self.train, self.splits.get("valid")) | {"base model": self.checkpoints.base}
        self.order = Order(np.asarray(self.train.lengths), plan, self.train.draws)
        self.points = evaluation.points(self.order, plan, self.train, self.splits)
        self.optimiser = Optimiser(self.model, plan, self.order.steps_total)
        found = self.checkpoints.latest(self._facts)
        self.tier = find_tier(self.model, self.train)
        dtype, self.dtype_reason = precision_of(found.progress.dtype if found else plan.precision, self.model)  # type: ignore[arg-type]
        self.forward = self.tier.forward(self.model, dtype)
        self.progress = found.progress if found else Progress(cutter=cutter_for(self.forward, plan.batch_tokens, plan.batch_rows))
        self.checkpoints.looks.resume([look["step"] for look in self.progress.history])
        followed = self.checkpoints.looks.follow_rows(self.train, plan.seed)
        self.progress.tier, self.progress.dtype = self.tier.name, str(dtype).removeprefix("torch.")
        if found:
            put(found.weights, self.optimiser)
            self.optimiser.load_state(found.optimiser)
            if followed is not None and found.rows:
                followed.restore(found.rows)
            self.resumed_from = found.name
            self._elsewhere = ", ".join(f"{k} {v}" for k, v in found.made_with.items() if v != made_with().get(k))
        self.stepper = Stepper(self.forward, self.optimiser, self.objective, self.train, plan.seed)
        self.stepper.followed = followed
        self.evaluator = evaluation.Evaluator(self.forward, self.objective, self.splits, plan.batch_tokens)
        self.meter = Meter(plan)
        self._saved_at, self._saved_step = time.monotonic(), self.progress.step if found else -1
        self._begun = time.perf_counter() - self.progress.seconds

    def _begin(self) -> None:
        """The heaviest batch first, so that memory runs out now or never; then the start line."""
        self.model.train()
        seconds, tokens = self._rehearse()
        plan = self.plan
        self._tell(Start(
            **self._where, steps_total=self.order.steps_total, epochs=round(self.order.epochs_done(self.order.steps_total), 4),
            tier=self.tier.name, tier_reason=self.tier.reason, tier_max_difference=self.tier.max_difference,
            tier_rows_checked=self.tier.rows_checked, dtype=self.progress.dtype, dtype_reason=self.dtype_reason,
            threads=torch.get_num_threads(), device=self.forward.device.type,
            batch=f"{plan.train_batch_size} rows" if plan.train_batch_size else f"{plan.train_batch_tokens} tokens",
            batch_tokens=self.progress.cutter.tokens, rows=self.train.epoch_rows, tokens_per_epoch=self.train.epoch_tokens,
            parameters=self._parameters,
            trainable=sum(p.numel() for p in self.optimiser.parameters.values()), worst_batch_tokens=tokens,
            worst_batch_seconds=round(seconds, 3), memory_bytes=resident_bytes(),
        ))  # fmt: skip
        if self.resumed_from:
            self._tell(Resumed(**self._where, checkpoint=self.resumed_from))
        if self._elsewhere:
            message = f"the checkpoint was made with {self._elsewhere}: what follows equals an uninterrupted run up to rounding only"
            self._tell(Warned(**self._where, kind="other_machine", message=message))
        self.heed()

    def _rehearse(self) -> tuple[float, int]:
        """Seconds and tokens of the heaviest micro-batch; the budget is halved until it fits."""
        while True:
            rows = self.progress.cutter.worst(np.asarray(self.train.lengths), self.plan.train_batch_size)
            try:
                seconds = self.stepper.rehearse(rows)
                self.evaluator.rehearse()
            except (RuntimeError, MemoryError) as error:
                self._shrink(error, rows)
                continue
            self.model.train()
            return seconds, int(self.train.lengths[rows].sum())

    def _step_within_memory(self, step: int, batch: Any, *, observe: bool) -> Stepped:
        """The step; where memory runs out, again in smaller pieces. The batch stays what it is."""
        while True:
            try:
                return self.stepper(step, batch, self.progress.cutter, scale=self.progress.rate_scale, observe=observe)
            except (RuntimeError, MemoryError) as error:
                self.optimiser.forget_gradients()
                self._shrink(error, batch)

    def _shrink(self, error: BaseException, rows: Any) -> None:
        self.progress.cutter = less_memory(error, self.progress.cutter, self.train, rows)
        message = f"memory ran out; a forward pass now holds at most {self.progress.cutter.tokens} tokens (the batch stays the same)"
        self._tell(Warned(**self._where, kind="out_of_memory", message=message))

    def _save(self) -> None:
        start = time.perf_counter()
        self.progress.seconds = start - self._begun
        name = self.checkpoints.save(self.progress, self.optimiser, self._facts)
        self._saved_at, self._saved_step = time.monotonic(), self.progress.step
        if name is not None:
            self._tell(Saved(**self._where, checkpoint=name, seconds=round(time.perf_counter() - start, 3)))

    def _go_back(self) -> None:
        best = self.progress.best
        weights = self.checkpoints.weights_at(best.step) if best else None
        if best is None or weights is None:
            self._tell(Warned(**self._where, kind="no_best", message="there is no best checkpoint to go back to yet"))
            return
        put(weights, self.optimiser)
        self.optimiser.forget()
        self._tell(Acted(**self._where, action=Action.restore_best.value, message=f"the weights of step {best.step}"))
        self._save()

    def _interrupted(self) -> None:
        if not self.over:
            self._save()
            seconds, tokens = round(self.progress.seconds, 3), self.progress.tokens
            self._tell(End(**self._where, status="interrupted", stopped_by="signal", seconds=seconds, tokens=tokens))
            raise Interrupted(f"stopped at step {self.progress.step} of {self.order.steps_total}", exit_code=self.signals.exit_code)

    def _diverged(self, wild: NotFinite) -> None:
        in_a_step = wild.where in ("loss", "gradient")
        step = self.progress.step + in_a_step
        self._tell(Nonfinite(attempt=self._attempt, step=step, nonfinite=wild.kind, where=wild.where, rows=wild.rows))
        self._tell(End(**self._where, status="diverged", stopped_by="nonfinite", tokens=self.progress.tokens))
        named = "; rows: " + ", ".join(wild.rows[:5]) + (" …" if len(wild.rows) > 5 else "") if wild.rows else ""
        raise Diverged(
            f"the {wild.where} of step {step} is {wild.kind}{named}",
            fix="lower train.learning_rate (or use precision: float32), and look at these rows",
        ) from wild

    def _finish(self) -> None:
        """The best weights into the model, the last line out."""
        best = self.progress.best
        if best is not None and best.step != self.progress.step:
            weights = self.checkpoints.weights_at(best.step)
            if weights is None:
                raise RunError(f"the checkpoint of the best step ({best.step}) is gone or damaged", fix="start a new run (--new)")
            put(weights, self.optimiser)
        elif best is None and self._saved_step != self.progress.step:
            self._save()
        self.progress.seconds = time.perf_counter() - self._begun
        best_step = best.step if best else self.progress.step
        self._tell(End(
            **self._where, status="done", best_step=best_step, stopped_by=self.stopped_by or "", seconds=round(self.progress.seconds, 3),
            tokens=self.progress.tokens,
        ))  # fmt: skip

    def _tell(self, said: Said) -> None:
        answer = self._on_event(said.as_event())
        self._asked = answer if answer is not None else self._asked


def _usable(train: Examples | None) -> Examples:
    if train is None or len(train) == 0:
        raise DataError("there are no training rows", fix="look at split/manifest.json for what was dropped, and why")
    refuse_empty_rows(train)
    return train


def _refuse_frozen(model: nn.Module) -> None:
    if not trainable(model):
        raise ModelError("every parameter is frozen, so there is nothing to train", fix="freeze less (train.freeze)")


def _facts(model: nn.Module, plan: Plan, train: Examples, valid: Examples | None) -> dict[str, Any]:
    """What a checkpoint must agree on to be resumed."""
    learning = trainable(model)
    return {
        "plan": plan.essence(),
        "training rows": train.fingerprint,
        "validation rows": valid.fingerprint if valid is not None else None,
        "trained parameters": {"count": len(learning), "values": sum(p.numel() for p in learning.values())},
    }


def _refuse_wild_validation(valid: Evaluated | None) -> None:
    """A validation loss that is not a number means broken weights: nothing of them is kept."""
    if valid is not None and valid.loss is not None and not np.isfinite(valid.loss):
        raise NotFinite(valid.loss, "validation loss", [])


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
