"""Greedy answers equal transformers' token for token, whatever stands beside them; sampled ones follow the model's probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine.generate import Continuations, Decoding, Written, generate, likely_shares
from goodfit.engine.slots import decoder_for
from goodfit.errors import MachineError
from tests import tiny

PROMPTS = [tiny.language(20, seed=4, longest=14).ids(i).tolist() for i in range(20)]
NEW = 12


def theirs(model: Any, prompt: list[int], stops: list[int]) -> tuple[int, ...]:
    out = model.generate(
        torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), max_new_tokens=NEW, do_sample=False,
        eos_token_id=stops, pad_token_id=0,
    )[0, len(prompt) :].tolist()  # fmt: skip
    return tuple(out[:-1] if out and out[-1] in stops else out)


def by_place(found: Any) -> dict[int, Written]:
    return {one.index: one for one in found}


def common_stop(model: Any) -> list[int]:
    """Tokens that the model really writes, so that rows stop at different lengths."""
    free = by_place(generate(model, PROMPTS, Decoding(max_new_tokens=NEW)))
    tokens = np.concatenate([one.ids for one in free.values()])
    values, counts = np.unique(tokens, return_counts=True)
    return [int(v) for v in values[np.argsort(-counts)][2:5]]


@pytest.mark.parametrize("batch_rows", [1, 7, 20])
@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "mistral", "gemma2", "gemma3_text", "gpt2", "phi"])
def test_greedy_equals_transformers(family: str, batch_rows: int) -> None:
    model = tiny.language_model(family)
    stops = common_stop(model)
    found = by_place(generate(model, PROMPTS, Decoding(max_new_tokens=NEW, stop_token_ids=tuple(stops)), batch_rows=batch_rows))
    assert sorted(found) == list(range(len(PROMPTS)))
    wanted = [theirs(model, prompt, stops) for prompt in PROMPTS]
    assert [found[i].ids for i in range(len(PROMPTS))] == wanted
    assert {found[i].stopped for i in range(len(PROMPTS))} == {True, False}
    assert all(found[i].stopped == (len(ids) < NEW) for i, ids in enumerate(wanted))


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_each_answer_has_the_room_that_its_own_prompt_leaves(family: str) -> None:
    """One long prompt does not shorten the answers beside it."""
    model = tiny.language_model(family)
    free = by_place(generate(model, PROMPTS, Decoding(max_new_tokens=NEW)))
    longest = max(map(len, PROMPTS))
    found = by_place(generate(model, PROMPTS, Decoding(max_new_tokens=NEW, context=longest + 2)))
    rooms = [min(NEW, longest + 2 - len(prompt)) for prompt in PROMPTS]
    assert min(rooms) == 2 < NEW == max(rooms)
    assert [found[i].ids for i in range(len(PROMPTS))] == [free[i].ids[:room] for i, room in enumerate(rooms)]
    assert not any(one.stopped for one in found.values())


@pytest.mark.parametrize("family", ["llama", "gemma3_text", "gpt2"])
def test_a_held_working_copy_writes_the_same(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model, made = tiny.language_model(family), []
    monkeypatch.setattr("goodfit.engine.generate.decoder_for", lambda *given: (made.append(given[1]), decoder_for(*given))[1])
    held, decoding = Continuations(model), Decoding(max_new_tokens=NEW)
    wanted = by_place(generate(model, PROMPTS, decoding))
    made.clear()
    for part in (PROMPTS[:8], PROMPTS[8:]):
        assert [one.ids for _, one in sorted(by_place(held.of(part, decoding)).items())] == [wanted[PROMPTS.index(p)].ids for p in part]
    assert len(made) == (2 if family == "gemma3_text" and _crosses_a_window(model) else 1)


def _crosses_a_window(model: Any) -> bool:
    lengths = [max(map(len, part)) + NEW for part in (PROMPTS[:8], PROMPTS[8:])]
    return lengths[0] <= model.config.sliding_window < lengths[1]


def test_sampling_does_not_depend_on_the_batch_and_follows_the_seed() -> None:
    model = tiny.language_model("llama")
    ways = [
        by_place(generate(model, PROMPTS, Decoding(max_new_tokens=6, do_sample=True, temperature=1.5, seed=seed), batch_rows=rows))
        for seed, rows in ((1, 20), (1, 3), (2, 20))
    ]
    assert ways[0] == ways[1]
    assert ways[0] != ways[2]


def test_samples_follow_the_probabilities() -> None:
    model = tiny.language_model("llama")
    n = 4000
    prompt = PROMPTS[0]
    found = generate(model, [prompt] * n, Decoding(max_new_tokens=1, do_sample=True, temperature=0.7, top_k=5), batch_rows=1000)
    counts = np.bincount([one.ids[0] for one in found], minlength=model.config.vocab_size) / n
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1] / 0.7
    shares = likely_shares(logits[None], 5, 1.0)[0]
    shares = (shares / shares.sum()).numpy()
    assert (shares > 0).sum() == 5
    assert np.abs(counts - shares).max() < 4 * np.sqrt(0.25 / n)
    assert counts[shares == 0].sum() == 0


def test_top_p_keeps_the_token_that_passes_the_bar() -> None:
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]]))
    assert (likely_shares(logits, 0, 0.6)[0] > 0).tolist() == [True, True, False, False]
    assert (likely_shares(logits, 0, 0.5)[0] > 0).tolist() == [True, False, False, False]
    assert (likely_shares(logits, 0, 1.0)[0] > 0).all()
    assert (likely_shares(logits, 3, 1.0)[0] > 0).tolist() == [True, True, True, False]


def test_modes_come_back_and_nothing_is_remembered() -> None:
    model = tiny.language_model("gpt2").train()
    list(generate(model, PROMPTS[:3], Decoding(max_new_tokens=2)))
    assert model.training
    assert all(p.grad is None for p in model.parameters())


def test_where_memory_runs_out_the_batch_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.language_model("gpt2")
    wanted = by_place(generate(model, PROMPTS, Decoding(max_new_tokens=4)))
    forward = model.forward
    sizes: list[int] = []

    def small_only(**inputs: Any) -> Any:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 3 and inputs["input_ids"].shape[1] == 1:  # in the middle of an answer
            raise MemoryError("out of memory")
        return forward(**inputs)

    monkeypatch.setattr(model, "forward", small_only)
    assert by_place(generate(model, PROMPTS, Decoding(max_new_tokens=4))) == wanted
    monkeypatch.setattr(model, "forward", lambda **_: (_ for _ in ()).throw(MemoryError("out of memory")))
    with pytest.raises(MachineError, match="one prompt"):
        list(generate(model, PROMPTS, Decoding(max_new_tokens=4)))
