"""Step by step the losses of TRL's SFTTrainer, on the same rows from the same weights; see benchmarks/oracle_trl.py for how."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import oracle_trl as oracle
from benchmarks.oracle_trl import FAMILIES, GOAL, STEPS, Case, Compared, compare

pytestmark = [pytest.mark.slow, pytest.mark.skipif(oracle.why_absent() is not None, reason=str(oracle.why_absent()))]


def check(found: Compared) -> None:
    assert len(found.theirs) == STEPS
    assert found.difference < GOAL
    assert found.theirs[0] - found.theirs[-1] > 0.3, "the weights hardly moved, so that equal losses would show little"


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("lora", [False, True], ids=["full", "lora"])
@pytest.mark.parametrize("family", FAMILIES)
def test_answers_of_conversations(family: str, lora: bool, packed: bool) -> None:
    check(compare(Case(family, lora=lora, packed=packed)))


@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("form", ["turns", "texts"])
def test_prompts_and_completions(form: str, packed: bool) -> None:
    check(compare(Case(form=form, packed=packed)))


@pytest.mark.parametrize(
    "settings",
    [
        {"weight_decay": 0.3, "lr_scheduler_type": "cosine"},
        {"max_grad_norm": 0.1, "adam_beta1": 0.8, "adam_beta2": 0.95, "adam_epsilon": 1e-6, "lr_scheduler_type": "constant"},
        {"max_grad_norm": 0.0},
    ],
    ids=["decay", "clipped", "unclipped"],
)
def test_other_numbers_of_the_plan(settings: dict[str, Any]) -> None:
    check(compare(Case(settings=settings)))


def test_a_model_whose_padding_is_its_end_token() -> None:
    check(compare(Case(pads_with_end=True)))


def test_attention_written_out() -> None:
    check(compare(Case(attention="eager", packed=True)))


Packed = tuple[Case, Any, list[float], list[oracle.Sequence]]


@pytest.fixture(scope="module")
def packed() -> Packed:
    """A case, its tokenizer, TRL's losses and the rows in its order."""
    case, words = Case(packed=True), oracle.tokenizer()
    return case, words, *oracle.theirs(case, oracle.start(case, words), words, oracle.conversations(case, words))


def difference(packed: Packed, rows: list[oracle.Sequence], weight: list[float] | None = None, **settings: Any) -> float:
    """The largest of a step between TRL and ours with a fault."""
    case, words, theirs, _ = packed
    mine = oracle.ours(replace(case, settings=settings), oracle.start(case, words), rows, "packed", weight)
    return float(np.abs(np.subtract(mine, theirs)).max())


class TestFaultsThatTrainersHaveHad:
    """Each is far beyond what counts as equal, so that the comparison would show it."""

    def test_none_is_equal(self, packed: Packed) -> None:
        assert difference(packed, packed[3]) < GOAL

    def test_documents_that_see_each_other(self, packed: Packed) -> None:
        rows = [packed[3][i : i + 3] for i in range(0, len(packed[3]), 3)]
        joined: Any = [tuple(sum(parts, ()) for parts in zip(*pack, strict=True)) for pack in rows]
        assert difference(packed, joined, train_batch_size=oracle.ROWS // 3) > 100 * GOAL

    def test_a_step_in_other_company(self, packed: Packed) -> None:
        assert difference(packed, packed[3][1:] + packed[3][:1]) > 100 * GOAL

    def test_the_end_of_an_answer_not_learned(self, packed: Packed) -> None:
        rows = [(ids, tuple(on and more for on, more in zip(learned, (*learned[1:], False), strict=True))) for ids, learned in packed[3]]
        assert difference(packed, rows) > 100 * GOAL

    def test_a_mean_of_means(self, packed: Packed) -> None:
        """Each forward pass weighs alike, however many tokens are learned in it: transformers#34191."""
        half = oracle.ROWS // oracle.ACCUMULATED
        learned = np.array([sum(on) for _, on in packed[3]]).reshape(-1, half).sum(1)
        assert difference(packed, packed[3], weight=np.repeat(100 / learned, half).tolist()) > 100 * GOAL

    def test_rows_that_weigh_alike(self, packed: Packed) -> None:
        assert difference(packed, packed[3], weight=[30 / sum(on) for _, on in packed[3]]) > 100 * GOAL

    def test_another_rate(self, packed: Packed) -> None:
        assert difference(packed, packed[3], learning_rate=1.02e-3) > 100 * GOAL


def test_behind_an_answer_trl_learns_what_the_template_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known to differ: TRL's `completion_only_loss` also learns the line break behind `<|im_end|>`, where generation has stopped."""
    monkeypatch.setattr(oracle, "ENDS_WITH_ANSWER", oracle.CHATML)
    case, words = Case(form="turns"), oracle.tokenizer()
    rows = oracle.conversations(case, words)
    _, taken = oracle.theirs(case, oracle.start(case, words), words, rows)
    assert len(taken) == len(rows)
    line_break = words("\n", add_special_tokens=False)["input_ids"]
    for row, (ids, learned) in zip(rows, taken, strict=True):
        mine = oracle.ours_of(row, words, case)
        assert mine[0] == ids
        assert [*ids[-1:]] == line_break
        assert learned == (*mine[1][:-1], True)
        assert not mine[1][-1]
