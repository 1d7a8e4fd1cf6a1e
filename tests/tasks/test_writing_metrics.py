"""Metrics of text by name: which apply, what they say, how two systems are compared, and why a number is absent."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from goodfit.errors import SettingsError
from goodfit.score import Score
from goodfit.tasks.writing import metrics
from goodfit.tasks.writing.metrics import TEXT_METRICS, against, measure, names_for, require, text_metric
from goodfit.tasks.writing.said import PARTS, Rows, Said

N = 60
RNG = np.random.default_rng(0)
WORDS = [
    "time",
    "year",
    "people",
    "way",
    "day",
    "man",
    "thing",
    "woman",
    "life",
    "child",
    "world",
    "school",
    "state",
    "family",
    "student",
    "group",
]


def sentence(k: int) -> str:
    return " ".join(RNG.choice(WORDS, size=k))


REFERENCES = [sentence(15) for _ in range(N)]
GOOD = [" ".join(w if RNG.random() < 0.8 else "other" for w in text.split()) for text in REFERENCES]
POOR = [" ".join(w if RNG.random() < 0.3 else "other" for w in text.split()) for text in REFERENCES]
TOKENS = RNG.integers(5, 40, N)
NATS = TOKENS * RNG.gamma(8, 0.25, N)
FULL = Said(
    REFERENCES,
    GOOD,
    stopped=np.arange(N) % 6 > 0,
    losses=NATS,
    learned_tokens=TOKENS,
    bytes=4 * TOKENS,
    copied_words=np.arange(N) // 50 * 9,
    picked=np.stack([np.arange(N) % 3 > 0, np.arange(N) % 2 > 0, np.arange(N) % 5 > 0], axis=1).astype(float),
)


def by_name(said: Said, *names: str) -> Score:
    (made,) = measure(names, said)
    return made


@pytest.mark.parametrize("name", TEXT_METRICS)
def test_every_metric_gives_a_whole_score_or_a_reason(name: str) -> None:
    """The contract of a metric: its own name, a reason where there is nothing, the same with rows in another order."""
    made = by_name(FULL, name)
    assert made.name == name
    assert made.value is not None or made.why_absent
    nothing = by_name(Said(), name)
    assert nothing.why_absent
    assert nothing.name == name
    for few in (Said(["a"], ["b"]), Said(predictions=[]), Said(references=["a"])):
        assert by_name(few, name).name == name
    order = RNG.permutation(N)
    parts = {part: getattr(FULL, part) for part in PARTS if getattr(FULL, part) is not None}
    moved = Said(**{part: [values[i] for i in order] if isinstance(values, list) else values[order] for part, values in parts.items()})
    again = by_name(moved, name)
    assert again.value == (None if made.value is None else pytest.approx(made.value))


@pytest.mark.parametrize("name", TEXT_METRICS)
def test_no_metric_tells_a_system_from_itself(name: str) -> None:
    verdict = against(name, FULL, replace(FULL), question="a vs a")
    assert verdict is None or verdict.answer == "cannot_tell"
    assert (verdict is None) == (name in ("refusal_rate", "length_words"))


def test_auto_starts_with_the_primary_metric() -> None:
    assert names_for("auto", FULL)[:3] == ["choice_accuracy", "choice_accuracy_norm", "chrf"]
    names = names_for("auto", replace(FULL, picked=None))
    assert names[0] == "chrf"
    assert {"rouge_l", "self_stop_rate", "empty_rate", "repetition_rate", "distinct_1", "bits_per_byte", "memorised_rate"} <= set(names)
    assert not {"exact_match", "numeric_match", "json_valid", "tool_call_match", "regex_match"} & set(names)
    plain = Said(losses=NATS, learned_tokens=TOKENS, bytes=4 * TOKENS)
    assert names_for("auto", plain) == ["bits_per_byte", "token_loss", "perplexity"]
    assert names_for(["rouge_l", "chrf", "rouge_l"], plain) == ["rouge_l", "chrf"]


def test_auto_looks_at_the_references() -> None:
    def auto(references: list[str], **more: object) -> set[str]:
        return set(names_for("auto", Said(references, references, **more)))  # type: ignore[arg-type]

    assert "numeric_match" in auto(["So it is 4.\n#### 4"] * 6 + ["none"] * 4)
    assert "numeric_match" not in auto(["Take 3 eggs and stir"] * 10)
    assert "exact_match" in auto(["Paris"] * 10)
    assert "json_valid" in auto([json.dumps({"a": i}) for i in range(10)])
    assert "json_valid" not in auto(["42"] * 10), "a number alone is JSON by accident"
    assert "numeric_match" not in auto(["[1, 2]"] * 10)
    assert "tool_call_match" in auto(["hello"] * 9 + ['[{"name": "f", "arguments": {}}]'])
    assert "regex_match" in auto(["x"] * 10, pattern="x")


def test_a_better_writer_is_called_better() -> None:
    poor = replace(FULL, predictions=POOR)
    for name in ("chrf", "rouge_l"):
        verdict = against(name, FULL, poor, question="good vs poor")
        assert verdict is not None
        assert (verdict.answer, verdict.question) == ("better", "good vs poor")
        assert verdict.difference is not None
        assert verdict.difference.name == f"{name}_difference"
        assert verdict.difference.value == pytest.approx(by_name(FULL, name).value - by_name(poor, name).value)
    for name in ("token_loss", "perplexity", "bits_per_byte"):
        verdict = against(name, replace(FULL, losses=NATS * 0.8), FULL, question="q")
        assert verdict is not None
        assert verdict.answer == "better"


def test_faults_are_better_the_fewer() -> None:
    looping = replace(FULL, predictions=["again and " * 20] * N)
    assert by_name(looping, "repetition_rate").value == 1
    verdict = against("repetition_rate", FULL, looping, question="q")
    assert verdict is not None
    assert verdict.answer == "better"
    assert verdict.difference is not None
    assert not verdict.difference.higher_is_better


def test_rows_that_do_not_apply_are_left_out_and_counted() -> None:
    references = ["#### 7"] * 40 + ["no number"] * 20
    made = by_name(Said(references, ["7"] * N, clusters=np.arange(N) // 2), "numeric_match")
    assert (made.n, made.clusters, made.value) == (40, 20, 1)
    verdict = against("numeric_match", Said(references, ["7"] * N), Said(references, ["8"] * N), question="q")
    assert verdict is not None
    assert verdict.difference is not None
    assert (verdict.answer, verdict.difference.n) == ("better", 40)


def test_other_tokens_are_not_compared_but_other_bytes_are_a_mistake() -> None:
    other = replace(FULL, learned_tokens=TOKENS + 1)
    for name in ("token_loss", "perplexity"):
        verdict = against(name, FULL, other, question="q")
        assert verdict is not None
        assert verdict.text == "cannot tell: the two systems cut the rows into different tokens; bits_per_byte compares them"
    with pytest.raises(ValueError, match="bytes differ"):
        against("bits_per_byte", FULL, replace(FULL, bytes=TOKENS), question="q")


def test_variety_is_compared_among_texts_of_one_length() -> None:
    short = replace(FULL, predictions=[" ".join(text.split()[:5]) for text in GOOD])
    verdict = against("distinct_2", short, FULL, question="q")
    assert verdict is not None
    assert verdict.answer == "cannot_tell"
    assert "3.5 times as much" in verdict.text


def test_clusters_widen() -> None:
    clusters = np.arange(N) // 6
    stopped = np.repeat(np.arange(10) % 2 == 0, 6)
    wide, narrow = (
        by_name(replace(FULL, stopped=stopped, clusters=clusters), "self_stop_rate"),
        by_name(replace(FULL, stopped=stopped), "self_stop_rate"),
    )
    assert wide.clusters == 10
    assert wide.high - wide.low > narrow.high - narrow.low


def test_an_outcome_with_parts_of_different_length_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="different numbers of rows"):
        Said(["a"], ["b", "c"])
    with pytest.raises(ValueError, match="the same ones"):
        against("chrf", FULL, Said(["a"], ["b"]), question="q")
    with pytest.raises(ValueError, match="different references"):
        against("chrf", FULL, replace(FULL, references=REFERENCES[::-1]), question="q")
    with pytest.raises(ValueError, match="different clusters"):
        against("chrf", FULL, replace(FULL, clusters=np.arange(N) // 2), question="q")


def test_an_unknown_name_has_a_remedy() -> None:
    with pytest.raises(SettingsError, match="'rouge' is not a score of written text") as caught:
        require("rouge", "evaluate.metrics")
    assert "did you mean rouge_l?" in str(caught.value)


def test_a_metric_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "TEXT_METRICS", dict(TEXT_METRICS))

    @text_metric("says_other", kind="rate", auto=True)
    def says_other(said: Said) -> Rows:
        return Rows(np.array(["other" in text for text in said.said]))

    (made,) = metrics.measure(["says_other"], FULL)
    assert made.value == np.mean(["other" in text for text in GOOD])
    assert made.method == "wilson"
    assert metrics.names_for("auto", FULL)[-1] == "says_other"


def test_a_pattern_that_explodes_on_an_answer_costs_its_own_score_only() -> None:
    """The test rows are open by then: one score is absent with its reason, the others stand."""
    said = Said(["ab"] * 3, ["a" * 5_000 + "b"] * 3, pattern=r"(a+)+$")
    matched, alike = measure(["regex_match", "chrf"], said)
    assert "takes more than" in str(matched.why_absent)
    assert "takes more than" not in str(alike.why_absent)
