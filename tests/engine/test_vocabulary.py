"""Training only the rows of the vocabulary that texts use gives what training all of it gives, and leaves the others alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from goodfit.engine import vocabulary
from goodfit.engine.checkpoint import Checkpoints
from goodfit.engine.examples import Examples
from goodfit.engine.fit import Fitted, fit
from goodfit.engine.measure import noise_scale, range_test
from goodfit.engine.plan import Plan
from goodfit.engine.vocabulary import used_rows, vocabulary_of
from goodfit.errors import RunError
from tests import tiny

FEW = 20
"""Training rows use special tokens and so many words; those of validation use all."""


def narrow(n: int = 40, *, seed: int = 0, language: bool = False) -> Examples:
    whole = tiny.language(n, seed=seed) if language else tiny.examples(n, seed=seed, rule=True)
    ids = np.where(whole.input_ids >= len(tiny.SPECIAL), len(tiny.SPECIAL) + (whole.input_ids - len(tiny.SPECIAL)) % FEW, whole.input_ids)
    offsets = np.concatenate([whole.starts, [len(ids)]])
    return Examples.from_arrays(ids, offsets, None if language else whole.target, learned=whole.learned)


TRAIN, VALID = narrow(), tiny.examples(20, seed=1, rule=True)


def train(model: Any, *, data: Any = None, folder: Path | None = None, objective: Any = None, **settings: Any) -> tuple[Fitted, list[Any]]:
    base = {
        "learning_rate": 2e-3, "num_train_epochs": 3, "precision": "float32", "eval_steps": 5, "logging_steps": 1, "threads": 1,
        "weight_decay": 0.1, "train_batch_size": 8,
    }  # fmt: skip
    events: list[Any] = []
    checkpoints = Checkpoints(folder / "checkpoints") if folder else None
    made = fit(
        model, data or {"train": TRAIN, "valid": VALID}, Plan(**base | settings), objective=objective or tiny.Classify("loss"),
        on_event=events.append, checkpoints=checkpoints,
    )  # fmt: skip
    return made, events


def losses(events: list[Any], kind: str = "step") -> list[float]:
    return [event["loss"] for event in events if event["event"] == kind]


def used(padding: int | None = 0) -> list[int]:
    return sorted({*TRAIN.input_ids.tolist(), *([] if padding is None else [padding])})


@pytest.mark.parametrize("family", [f for f in (*tiny.PACKED, *tiny.PADDED) if f != "gemma2"])
def test_every_family_learns_what_it_learns_with_the_whole_table(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, events = train(tiny.model(family))
    monkeypatch.setattr(vocabulary, "WORTH", 0.0)
    whole, expected = train(tiny.model(family))
    assert losses(events) == pytest.approx(losses(expected), abs=5e-6)
    assert losses(events, "eval") == pytest.approx(losses(expected, "eval"), abs=2e-4), "unused words of validation decay in one only"
    fresh = tiny.model(family).get_input_embeddings().weight.detach()
    table, reference = (one.model.get_input_embeddings() for one in (made, whole))
    padding = table.padding_idx
    rows = [i for i in used(padding) if i != padding]
    torch.testing.assert_close(table.weight[rows], reference.weight[rows], atol=5e-5, rtol=0)
    unused = sorted({*range(table.num_embeddings)} - {*used(padding)})
    assert torch.equal(table.weight[unused], fresh[unused])
    assert not torch.allclose(reference.weight[unused], fresh[unused], atol=1e-5), "weight decay moved them there"
    assert not torch.allclose(table.weight[rows], fresh[rows], atol=1e-4)


def test_afterwards_the_model_is_whole_and_its_own_again() -> None:
    model = tiny.model("bert")
    table = model.get_input_embeddings()
    weight, shape = table.weight, tuple(table.weight.shape)
    made, events = train(model)
    assert made.model.get_input_embeddings() is table
    assert table.weight is weight and tuple(weight.shape) == shape
    assert "forward" not in table.__dict__
    start = next(e for e in events if e["event"] == "start")
    assert start["parameters"] == sum(p.numel() for p in model.parameters())
    assert start["parameters"] - start["trainable"] == (shape[0] - len(used())) * shape[1]


def test_a_training_that_fails_leaves_the_model_whole() -> None:
    model = tiny.model("bert")
    shape = tuple(model.get_input_embeddings().weight.shape)

    def burst(_event: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(model, {"train": TRAIN}, Plan(learning_rate=1e-3, threads=1), objective=tiny.Classify(), on_event=burst)
    assert tuple(model.get_input_embeddings().weight.shape) == shape
    assert "forward" not in model.get_input_embeddings().__dict__


def test_texts_with_words_that_training_never_saw_are_read_with_the_table_that_was_put_aside() -> None:
    model = tiny.model("bert")
    table = model.get_input_embeddings()
    ids = torch.arange(table.num_embeddings)[None]
    expected = table(ids).detach()
    with vocabulary_of(model, TRAIN):
        assert len(table.weight) == len(used())
        assert torch.equal(table(ids), expected)
        with torch.no_grad():
            table.weight += 1
        assert torch.equal(table(ids)[0, used()], expected[0, used()] + 1)
    assert torch.equal(table(ids)[0, used()], expected[0, used()] + 1)


def test_a_word_of_no_training_row_gets_no_gradient() -> None:
    model = tiny.model("bert")
    table = model.get_input_embeddings()
    with vocabulary_of(model, TRAIN):
        table(torch.tensor([[2, tiny.VOCABULARY - 1]])).sum().backward()
        expected = torch.zeros(len(used()), 32)
        expected[used().index(2)] = 1
        assert torch.equal(table.weight.grad, expected)


def test_padding_gets_no_gradient_either() -> None:
    model = tiny.model("bert")
    table = model.get_input_embeddings()
    assert table.padding_idx == 0
    with vocabulary_of(model, TRAIN):
        table(torch.tensor([[0, 2]])).sum().backward()
        assert not table.weight.grad[used().index(0)].any()


@pytest.mark.parametrize("at", [3, 6, 10])
def test_a_cut_training_goes_on_with_the_same_bits(tmp_path: Path, at: int) -> None:
    whole, _ = train(tiny.model("bert"), folder=tmp_path / "whole", save_steps=2)

    class Stop(Exception):
        pass

    def cut(event: Any) -> None:
        if event["event"] == "step" and event["step"] == at:
            raise Stop

    plan = Plan(
        learning_rate=2e-3, num_train_epochs=3, precision="float32", eval_steps=5, logging_steps=1, threads=1, weight_decay=0.1,
        train_batch_size=8, save_steps=2,
    )  # fmt: skip
    with pytest.raises(Stop):
        fit(
            tiny.model("bert"), {"train": TRAIN, "valid": VALID}, plan, objective=tiny.Classify("loss"), on_event=cut,
            checkpoints=Checkpoints(tmp_path / "cut" / "checkpoints"),
        )  # fmt: skip
    again, _ = train(tiny.model("bert"), folder=tmp_path / "cut", save_steps=2)
    assert again.resumed_from is not None
    for (name, p), q in zip(whole.model.named_parameters(), again.model.parameters(), strict=True):
        assert torch.equal(p, q), name


def test_a_checkpoint_of_the_whole_table_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "WORTH", 0.0)
    train(tiny.model("bert"), folder=tmp_path)
    monkeypatch.undo()
    with pytest.raises(RunError, match="trained parameters"):
        train(tiny.model("bert"), folder=tmp_path)


def test_where_it_would_not_do_nothing_happens() -> None:
    frozen = tiny.model("bert")
    frozen.get_input_embeddings().weight.requires_grad_(False)
    bounded = tiny.model("bert")
    bounded.get_input_embeddings().max_norm = 1.0
    scaled = tiny.model("gemma2")
    assert type(scaled.get_input_embeddings()) is not torch.nn.Embedding
    for model, data in ((frozen, TRAIN), (bounded, TRAIN), (scaled, TRAIN), (tiny.model("bert"), tiny.examples(300))):
        weight = model.get_input_embeddings().weight
        with vocabulary_of(model, data):
            assert model.get_input_embeddings().weight is weight


def test_a_table_that_is_the_output_too_is_trained_whole_and_one_of_its_own_is_not() -> None:
    tied = tiny.language_model("gpt2")
    assert tied.get_output_embeddings().weight is tied.get_input_embeddings().weight
    with vocabulary_of(tied, narrow(language=True)):
        assert len(tied.get_input_embeddings().weight) == tied.config.vocab_size
    apart = tiny.language_model("llama")
    assert apart.get_output_embeddings().weight is not apart.get_input_embeddings().weight
    with vocabulary_of(apart, narrow(language=True)):
        assert len(apart.get_input_embeddings().weight) < apart.config.vocab_size


def test_ids_beyond_the_table_are_left_to_the_model() -> None:
    table = torch.nn.Embedding(10, 4)
    assert used_rows(Examples.from_arrays([1, 2, 10], [0, 3], [0]), table) is None
    assert used_rows(Examples.from_arrays([1, 7, 1], [0, 3], [0]), table).tolist() == [1, 7]


def test_the_cheap_measurements_take_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = Plan(learning_rate=1e-3, precision="float32", threads=1, train_batch_size=4, weight_decay=0.0)
    data = narrow(80)
    found = range_test(tiny.model("bert"), data, plan, tiny.Classify(), steps=30)
    noise = noise_scale(tiny.model("bert"), data, plan, tiny.Classify(), steps=20)
    monkeypatch.setattr(vocabulary, "WORTH", 0.0)
    assert found.losses == pytest.approx(range_test(tiny.model("bert"), data, plan, tiny.Classify(), steps=30).losses, rel=1e-3)
    assert noise.scale == pytest.approx(noise_scale(tiny.model("bert"), data, plan, tiny.Classify(), steps=20).scale, rel=1e-2)
