"""Progress: a few calls a second, and the last one always."""

from __future__ import annotations

from goodfit.data.progress import Throttle


def test_calls_are_throttled_and_the_end_is_told() -> None:
    calls: list[tuple[int, int | None, str]] = []
    now = [0.0]
    throttle = Throttle(lambda *call: calls.append(call), 100, "reading", clock=lambda: now[0])
    for done in range(101):
        now[0] += 0.01
        throttle.at(done)
    throttle.finish()
    assert 5 <= len(calls) <= 8
    assert calls[0] == (0, 100, "reading")
    assert calls[-1] == (100, 100, "reading")
    assert [done for done, _, _ in calls] == sorted(done for done, _, _ in calls)


def test_no_more_than_all_is_ever_done() -> None:
    calls: list[tuple[int, int | None, str]] = []
    throttle = Throttle(lambda *call: calls.append(call), 10, "reading", clock=lambda: 0.0)
    throttle.at(25)
    assert calls == [(10, 10, "reading")]


def test_an_unknown_total_is_known_in_the_end() -> None:
    calls: list[tuple[int, int | None, str]] = []
    throttle = Throttle(lambda *call: calls.append(call), None, "reading", clock=lambda: 0.0)
    throttle.at(3)
    throttle.finish(7)
    assert calls == [(3, None, "reading"), (7, 7, "reading")]
    Throttle(None, None, "").finish()
