"""Which trials are stopped: the best third goes on, the first two always, at rungs that count rows."""

from __future__ import annotations

from pathlib import Path

from goodfit.stages.tune.halving import Rungs, promoted
from goodfit.stages.tune.study import open_study, reached


def test_the_best_third_goes_on_and_the_first_two_always() -> None:
    assert promoted(0.0, [])
    assert promoted(0.0, [1.0])
    assert not promoted(0.0, [1.0, 2.0])
    assert promoted(3.0, [1.0, 2.0])
    others = [float(x) for x in range(8)]
    assert promoted(5.5, others)
    assert not promoted(4.5, others)


def test_rungs_are_met_by_rows_and_leave_their_values(tmp_path: Path) -> None:
    study = open_study(None, tmp_path, "s")
    ids = [study.ask()._trial_id for _ in range(4)]
    rungs = [Rungs(None, tmp_path, "s", place, rows=800.0) for place in ids]
    assert not rungs[0].behind(99, 1.0), "the first rung lies at 100 rows"
    assert reached(study, 0) == []
    assert not rungs[0].behind(120, 1.0)
    assert not rungs[1].behind(100, 2.0)
    assert rungs[2].behind(100, 3.0), "the worst of three"
    assert sorted(reached(study, 0)) == [-3.0, -2.0, -1.0]
    assert not rungs[3].behind(310, 0.5), "two rungs at once: best at the first, alone at the second"
    assert reached(study, 1) == [-0.5]


def test_nothing_is_compared_inside_the_warm_up_and_the_default_never_stops(tmp_path: Path) -> None:
    study = open_study(None, tmp_path, "s")
    ids = [study.ask()._trial_id for _ in range(4)]
    for place in ids[:3]:
        Rungs(None, tmp_path, "s", place, rows=800.0).behind(100, 1.0)
    assert not Rungs(None, tmp_path, "s", ids[3], rows=800.0, warmup=150.0).behind(100, 9.0)
    assert len(reached(study, 0)) == 3
    assert not Rungs(None, tmp_path, "s", ids[3], rows=800.0, stops=False).behind(100, 9.0)
    assert len(reached(study, 0)) == 4
