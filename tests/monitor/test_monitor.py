"""Events on disk, curves after a resume, and the line that a person reads."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from goodfit.monitor.events import EventFile, primary_score, read_curves
from goodfit.monitor.screen import Lines, Live, Training
from goodfit.monitor.words import amount, count, decision, duration, part, size, too_few, visible


def step(n: int, **extra: object) -> dict[str, object]:
    return {"event": "step", "attempt": 1, "step": n, "loss": 1.0 / n, "seconds": 1.0, "tokens_per_second": 5521.0} | extra


def evaluated(n: int, split: str = "valid", accuracy: float = 0.7) -> dict[str, object]:
    score = {"name": "accuracy", "value": accuracy, "low": 0.6, "high": 0.8}
    return {"event": "eval", "attempt": 1, "step": n, "split": split, "loss": 0.9, "n": 10, "scores": [score], "seconds": 1.0, "best": True}


def test_a_resumed_training_repeats_steps_and_the_later_ones_count(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "events.jsonl")
    for event in ({"event": "start", "step": 0, "steps_total": 4}, step(1), step(2), evaluated(2, accuracy=0.1), step(3),
                  {"event": "start", "step": 0, "steps_total": 4}, {"event": "resumed", "step": 1}, step(2, loss=9.0), step(4), {"event": "end", "step": 4}):  # fmt: skip
        file.add(event)
    curves = read_curves(file.path)
    assert [e["step"] for e in curves.steps] == [1, 2, 4]
    assert curves.steps[1]["loss"] == 9.0
    assert curves.evals["valid"] == []
    assert file.attempts() == 2
    assert read_curves(tmp_path / "none.jsonl").steps == []


def test_the_line_shows_loss_and_score_of_train_and_valid_side_by_side() -> None:
    training = Training()
    for event in ({"event": "start", "step": 0, "steps_total": 10}, step(1), evaluated(1), evaluated(1, "train_probe", 0.812), step(2)):
        training.take(event)
    line = training.line()
    assert "accuracy 81.2% train, 70.0% valid" in line
    assert "5,521 tokens/s" in line
    assert training.remaining() == pytest.approx((1 + 1 + 1 + 1) / 2 * 8)
    assert training.best_step == 1


def test_another_training_on_the_same_screen_begins_without_the_numbers_of_the_first() -> None:
    training = Training()
    for event in (
        {"event": "start", "step": 0, "steps_total": 9},
        {"event": "step", "step": 9, "loss": 0.5, "seconds": 3.0},
        {"event": "eval", "split": "valid", "step": 9, "loss": 0.4, "best": True},
        {"event": "start", "step": 0, "steps_total": 20},
    ):
        training.take(event)
    assert (training.done, training.total, training.best_step, training.remaining()) == (0, 20, None, None)
    assert "0.4" not in training.line()


def test_plain_lines_go_to_their_stream_and_no_control_characters_with_them() -> None:
    out = io.StringIO()
    screen = Lines(every=0.0, stream=out)
    screen.stage("split", "done", 1.9)
    screen.progress("reading", 50, 100)
    screen.event({"event": "start", "step": 0, "steps_total": 2})
    screen.event(step(1))
    screen.event(evaluated(1))
    screen.event(evaluated(1, "train_probe"))
    text = out.getvalue()
    assert "✓ split 1.9 s" in text
    assert "reading 50%" in text
    assert "step 1/2" in text


def test_the_live_screen_ends_as_it_began() -> None:
    out = io.StringIO()
    screen = Live(Console(file=out, force_terminal=True, width=120))
    screen.stage("train", "running", 0)
    screen.progress("tokenising [b]", 1, 2)
    screen.event({"event": "start", "step": 0, "steps_total": 2})
    screen.event(step(1))
    screen.stage("train", "done", 3.0, "[red]note")
    screen.close()
    assert "[red]note" in out.getvalue()  # shown, not interpreted


def test_words() -> None:
    assert [duration(s) for s in (1.23, 59, 125, 4320, None, float("inf"))] == ["1.2 s", "59 s", "2 min 05 s", "1 h 12 min", "?", "?"]
    assert [amount(v) for v in (950, 12345, 4_500_000)] == ["950", "12.3 k", "4.5 M"]
    assert size(91_000_000) == "91 MB"
    assert visible("a\x1b[31mb\u202ec\n") == "a\\x1b[31mb\\u202ec\\n"
    assert primary_score(evaluated(1), "accuracy") == 0.7
    assert primary_score(None, "accuracy") is None


def test_counted_nouns() -> None:
    assert (count(1, "row"), count(1234, "row"), count(2, "class", "classes")) == ("1 row", "1,234 rows", "2 classes")
    have = ("has", "have")
    told = [part(n, total, "class", have, "classes") for n, total in ((1, 2), (2, 3), (2, 2), (7, 7), (1, 1))]
    assert told == ["1 of 2 classes has", "2 of 3 classes have", "both classes have", "all 7 classes have", "the only class has"]


def test_why_there_is_no_number() -> None:
    assert too_few("n below 20", 5, "test row") == "5 test rows; at least 20 are needed"
    assert too_few("only one class", 5) == "only one class"


def test_decisions_in_plain_words() -> None:
    used = decision("temperature 0.050 applied: it lowers the log-loss (by 0.0013 [0.0011, 0.0015], out of fold); 0.5 for each label")
    assert used.endswith("is used: on rows held out of the fit it lowers the log-loss by 0.0013 nats [0.0011, 0.0015]; 0.5 for each label")
    worse = decision("temperature 1.110 not applied: it is not sure to lower the log-loss (by -1.8521 [-12.3235, 8.6193], out of fold)")
    assert worse.endswith("(change +1.852 nats [\u22128.619, 12.323])")
    assert decision("temperature 2.000 not applied: it is not sure to lower the log-loss (by 0.2000, out of fold)").endswith(
        "(change \u22120.200 nats)"
    )
    assert decision("not fitted") == "not fitted"
