"""Diagnoses on made curves: each fault is named, what is sound is called good, and flat curves raise no alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from goodfit.monitor.diagnosis import diagnose
from goodfit.monitor.diagnosis.evidence import Evidence, Learned, Planned, Seen
from goodfit.monitor.diagnosis.fit import matters
from goodfit.monitor.diagnosis.measures import falling, progress, stretches
from goodfit.monitor.diagnosis.turning import CRITICAL, turn_of
from goodfit.monitor.events import Curves
from goodfit.score import Score

LOOKS, STEPS, N = 10, 400, 400
AT = np.linspace(STEPS / LOOKS, STEPS, LOOKS).astype(int)
LINEAR = 1 - np.arange(STEPS) / STEPS


def rows(means: Any, right: Any, *, n: int = N, seed: int = 0) -> Seen:
    """Rows with a level of their own, whose mean loss and share right follow the curves."""
    rng = np.random.default_rng(seed)
    means, right = np.asarray(means, float), np.asarray(right, float)
    level = rng.gamma(2.0, 0.5, size=n)
    loss = means[:, None] * level / level.mean() + rng.normal(0, 0.02, size=(len(means), n))
    draw = rng.random(n)
    return Seen(AT[: len(means)], loss, (draw < right[:, None]).astype(float), tuple(f"r{i}" for i in range(n)))


def events(losses: Any, *, first: float = 1.1, ratio: float = 1e-3, **more: Any) -> list[dict[str, Any]]:
    start = {"event": "step", "step": 1, "loss": first, "n": 16, "loss_max": first, "learning_rate": 1e-4, "update_ratio": ratio}
    return [start] + [
        {"event": "step", "step": int(step), "loss": float(loss), "n": 640, "loss_max": 1.3 * float(loss), "learning_rate": 1e-4,
         "update_ratio": ratio * LINEAR[int(step) - 2], "grad_norm": 1.0, "clipped_share": 0.2} | more
        for step, loss in zip(AT, losses, strict=True)
    ]  # fmt: skip


def made(valid: Any, train: Any, right: Any, *, train_right: Any = None, n: int = N, **more: Any) -> Evidence:
    """A training of three classes, from its mean losses and shares right at ten looks."""
    valid, train = np.asarray(valid, float), np.asarray(train, float)
    answers = more.pop("answers", {"n": n, "largest": 0.4, "label": 0, "given": 3, "entropy": 0.5})
    looks = [
        {"event": "eval", "step": int(s), "split": "valid", "loss": float(v), "answers": answers} for s, v in zip(AT, valid, strict=True)
    ]
    curves = Curves(more.pop("steps", events(train)), {"valid": looks}, {"steps_total": STEPS}, {})
    plan = Planned(STEPS, 8.0, 1e-4, LINEAR)
    seen = rows(valid, right, n=n), rows(train, right if train_right is None else train_right, seed=1)
    return Evidence(curves, plan, *seen, shares=(0.4, 0.3, 0.3), labels=("a", "b", "c"), constant_loss=1.089) if not more else replace(
        Evidence(curves, plan, *seen, shares=(0.4, 0.3, 0.3), labels=("a", "b", "c"), constant_loss=1.089), **more
    )  # fmt: skip


FALLS = 0.4 + 0.6 * np.exp(-np.arange(LOOKS) / 1.2)
GOOD = made(FALLS, FALLS - 0.1, np.linspace(0.6, 0.85, LOOKS))


def test_a_sound_training_is_called_good() -> None:
    found = diagnose(GOOD)
    assert found.word == "good"
    assert found.cause is None
    assert all(f.status in ("passed", "not_applicable") for f in found.findings())


def test_flat_curves_alarm_as_rarely_as_promised() -> None:
    rng = np.random.default_rng(0)
    tested = named = 0
    for i in range(400):
        level = rng.gamma(1.0, 0.5, size=200)
        loss = level + rng.normal(0, 0.15, size=(16, 200)) * np.sqrt(level)
        turn = turn_of(loss, (loss < 0.5).astype(float), None, seed=i)
        assert turn is not None
        tested += turn.z > CRITICAL
        named += matters(turn, Seen(np.arange(1, 17), loss, loss))
    assert tested <= 0.08 * 400
    assert named <= 0.01 * 400


def test_a_rise_is_found_and_measured_without_bias() -> None:
    means = np.concatenate([np.linspace(1, 0.5, 5), np.linspace(0.55, 0.7, 5)])
    turn = turn_of(rows(means, np.full(10, 0.7)).loss, rows(means, np.full(10, 0.7)).right, None)
    assert turn is not None
    assert turn.place == 4
    assert turn.low <= 0.5 * (means[-1] + means[-2]) - means[4] <= turn.high
    assert turn.significant


def test_groups_count_once() -> None:
    seen = rows(np.linspace(0.5, 0.62, 10), np.full(10, 0.7), n=60)
    wide = np.tile(seen.loss, (1, 20)), np.tile(seen.right, (1, 20)), np.tile(np.arange(60), 20)
    alone, together = turn_of(seen.loss, seen.right, None, seed=3), turn_of(*wide, seed=3)
    assert alone is not None
    assert together is not None
    assert together.z == pytest.approx(alone.z, rel=0.02)
    assert turn_of(seen.loss, seen.right, np.zeros(60, np.int64)) is None


RISES = np.concatenate([np.linspace(1.0, 0.5, 4), np.linspace(0.6, 1.1, 6)])


def test_overfitting_and_overconfidence_differ_by_what_becomes_of_the_answers() -> None:
    down = FALLS * np.exp(-np.arange(LOOKS) / 3)
    flat = diagnose(made(RISES, down, np.concatenate([np.linspace(0.5, 0.7, 4), np.full(6, 0.69)]), train_right=np.linspace(0.6, 1, LOOKS)))
    assert flat.word == "overfitting"
    assert flat.cause is not None
    assert flat.cause.step == AT[3]
    assert "70.0" not in flat.cause.title
    better = made(RISES, down, np.linspace(0.5, 0.9, LOOKS))
    kinds = {sign.kind for sign in diagnose(better).signs if sign.seen}
    assert "overconfident" in kinds
    assert "overfitting" not in kinds
    by_loss = replace(better, plan=replace(better.plan, primary="log_loss"))
    assert diagnose(by_loss).word == "overfitting"


def test_what_was_learned_late_and_by_heart_is_noise() -> None:
    rng = np.random.default_rng(0)
    suspect = np.arange(300) < 90
    late = np.where(suspect, rng.uniform(0.5, 0.9, 300), rng.uniform(0, 0.5, 300))
    names = tuple(f"t{i}" for i in range(300))
    turned = made(RISES, FALLS / 2, np.concatenate([np.linspace(0.5, 0.7, 4), np.full(6, 0.68)]), train_right=np.linspace(0.6, 1, LOOKS))
    found = diagnose(replace(turned, learned=Learned(suspect, 1 - late, late, names)))
    assert found.word == "noise_memorised"
    finding = found.findings()[0]
    assert finding.rows[0] == f"t{int(np.argmax(np.where(suspect, late, 0)))}"
    assert finding.n_rows == 90
    assert [f.severity for f in found.findings() if f.kind == "overfitting"] == ["note"]
    early = diagnose(replace(turned, learned=Learned(suspect, late, rng.uniform(0, 0.5, 300), names)))
    assert early.word == "overfitting"
    assert diagnose(replace(GOOD, learned=Learned(suspect, 1 - late, late, names))).word == "good"


def test_nothing_learned_is_dead_and_few_steps_are_too_short() -> None:
    flat = np.full(LOOKS, 1.09)
    dead = made(flat, flat, np.full(LOOKS, 0.38))
    assert diagnose(dead).word == "dead"
    brief = replace(dead, valid=replace(dead.valid, steps=AT // 20), probe=replace(dead.probe, steps=AT // 20))  # type: ignore[type-var]
    assert diagnose(brief).word == "too_short"
    stopped = replace(brief, curves=replace(brief.curves, end={"event": "end", "stopped_by": "early_stopping"}))
    assert diagnose(stopped).word == "dead", "validation no longer got better: more steps of the plan would have come"
    planned = replace(stopped, plan=replace(stopped.plan, steps_total=25))
    assert diagnose(planned).word == "too_short"


def test_one_answer_for_all_is_a_collapse_unless_the_rows_are_so() -> None:
    one = {"n": N, "largest": 0.99, "label": 1, "given": 2, "entropy": 0.2}
    lopsided = made(np.full(LOOKS, 0.7), np.full(LOOKS, 0.7), np.full(LOOKS, 0.3), answers=one)
    found = diagnose(lopsided)
    assert found.word == "collapsed"
    assert "“b”" in found.findings()[0].title
    assert diagnose(replace(lopsided, shares=(0.1, 0.85, 0.05))).word != "collapsed"
    brief = replace(lopsided, valid=replace(lopsided.valid, steps=AT // 20), probe=replace(lopsided.probe, steps=AT // 20))  # type: ignore[type-var]
    assert diagnose(brief).word != "collapsed", "within so few steps every model answers the commonest class"


def test_a_rate_that_is_too_high_goes_before_what_it_does() -> None:
    blown = np.concatenate([[1.0, 2.4, 2.0], np.full(7, 1.12)])
    found = diagnose(made(np.full(LOOKS, 1.1), np.full(LOOKS, 1.1), np.full(LOOKS, 0.38), steps=events(blown, ratio=5e-2)))
    assert found.word == "rate_too_high"
    assert [f.severity for f in found.findings() if f.kind == "dead"] == ["note"]


def test_slow_and_short_differ_by_the_size_of_the_updates() -> None:
    slow = np.linspace(1.08, 0.95, LOOKS)
    weak = made(slow, slow, np.linspace(0.4, 0.5, LOOKS), steps=events(slow, ratio=1e-5))
    assert diagnose(weak).word == "rate_too_low"
    rising = np.concatenate([[1.08, 1.0], np.linspace(1.0, 1.6, LOOKS - 2)])
    heavy = made(rising, np.full(LOOKS, 1.05), np.full(LOOKS, 0.4), steps=events(slow, ratio=1e-5))
    assert diagnose(heavy).word not in ("rate_too_low", "good"), "what overfits has moved"
    still = 1.1 - 0.45 * progress(GOOD.plan, AT)
    short = diagnose(made(still, still, np.linspace(0.4, 0.8, LOOKS)))
    assert short.word == "too_short"
    assert diagnose(replace(made(still, still, np.linspace(0.4, 0.8, LOOKS)), ended=False)).word == "good"


def test_the_pace_is_measured_in_units_of_the_rate() -> None:
    done = progress(GOOD.plan, AT)
    assert done[-1] == pytest.approx(1)
    assert done[4] == pytest.approx(0.75, abs=0.01)
    found = falling(rows(2 - done, np.full(LOOKS, 0.5)), GOOD.plan)
    assert found is not None
    assert found.ahead == pytest.approx(1 / 3, abs=0.06)
    settled = falling(rows(0.3 + np.exp(-6 * done), np.full(LOOKS, 0.5)), GOOD.plan)
    assert settled is not None
    assert settled.ahead < 0.02


def test_below_a_linear_model_on_frozen_features() -> None:
    rng = np.random.default_rng(0)
    floor = (np.arange(N), rng.random(N) < 0.8, 300)
    weak = made(FALLS + 0.2, FALLS + 0.2, np.linspace(0.4, 0.6, LOOKS), floor=floor)
    found = diagnose(weak)
    assert found.word == "underfitting"
    assert found.cause is not None
    assert found.cause.verdict is not None
    assert found.cause.verdict.answer == "better"
    assert diagnose(replace(GOOD, floor=floor)).word == "good"


def test_few_validation_rows_are_told() -> None:
    found = diagnose(made(FALLS, FALLS, np.linspace(0.6, 0.85, LOOKS), n=30))
    assert found.word == "validation_too_small"
    assert diagnose(made(FALLS, FALLS, np.linspace(0.6, 0.85, LOOKS), n=300)).word == "good"


def test_a_training_that_diverged_is_only_that() -> None:
    broken = {"event": "step", "step": 41, "loss": None, "nonfinite": "nan", "where": "loss", "rows": ["t1"]}
    found = diagnose(replace(GOOD, curves=replace(GOOD.curves, steps=[*GOOD.curves.steps, broken])))
    assert found.word == "diverged"
    first = found.findings()[0]
    assert (first.severity, first.rows, first.step) == ("error", ("t1",), 41)
    assert all(f.status == "not_applicable" for f in found.findings()[1:])


def test_ceiling_seeds_and_known_by_heart_are_told_beside_the_cause() -> None:
    noise = Score(name="label_noise", value=0.16, low=0.12, high=0.2, n=200)
    heart = np.linspace(0.6, 1.0, LOOKS)
    found = diagnose(replace(made(FALLS, FALLS / 3, np.linspace(0.6, 0.85, LOOKS), train_right=heart), noise=noise, seeds=(0.9, 0.6, 0.88)))
    seen = {sign.kind for sign in found.signs if sign.seen}
    assert {"noise_ceiling", "seed_dependent", "memorising"} <= seen
    assert found.word == "good"
    assert "seed_dependent" not in {sign.kind for sign in diagnose(replace(GOOD, seeds=(0.85, 0.86, 0.87))).signs if sign.seen}


def test_nothing_to_look_at_is_said_and_never_raises() -> None:
    empty = Evidence(Curves(), Planned(0, 0.0, 1e-4, np.zeros(0)))
    found = diagnose(empty)
    assert found.word == "good"
    assert all(f.status in ("passed", "not_applicable") for f in found.findings())
    one = Seen(np.array([5]), np.ones((1, 3)), np.ones((1, 3)))
    assert diagnose(replace(empty, valid=one, probe=one, constant_loss=0.0, shares=(1.0,), labels=("a",))).word == "good"


def test_of_a_language_model_what_has_no_class_does_not_apply() -> None:
    still = 3 - progress(GOOD.plan, AT)
    writes = replace(made(still, still, np.full(LOOKS, 0.5), steps=events(still, first=3.2)), shares=None, constant_loss=None, labels=())
    found = diagnose(replace(writes, plan=replace(writes.plan, writes=True, primary="loss")))
    assert found.word == "too_short"
    dead = replace(
        writes,
        curves=replace(writes.curves, steps=events(np.full(LOOKS, 3.0), first=3.0)),
        probe=rows(np.full(LOOKS, 3.1), np.full(LOOKS, 0.2)),
    )
    assert diagnose(replace(dead, valid=None)).word == "dead"


def test_stretches_do_not_depend_on_where_the_lines_are_cut() -> None:
    whole = [{"step": 20, "loss": 1.0, "n": 20, "loss_max": 2.0}, {"step": 40, "loss": 0.5, "n": 20, "loss_max": 0.9}]
    cut = [{"step": 10, "loss": 1.2, "n": 10, "loss_max": 2.0}, {"step": 20, "loss": 0.8, "n": 10, "loss_max": 1.0}, whole[1]]
    one, other = (stretches(lines, np.array([20, 40])) for lines in (whole, cut))
    assert one.loss == pytest.approx(other.loss)
    assert one.largest == pytest.approx(other.largest)
