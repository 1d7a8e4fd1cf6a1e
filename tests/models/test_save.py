"""What is saved loads in plain transformers, or plain PEFT, and says the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as tf
from peft import AutoPeftModelForSequenceClassification

from goodfit.engine.fit import fit
from goodfit.engine.infer import in_order, infer
from goodfit.engine.plan import Plan
from goodfit.errors import MachineError, ModelError
from goodfit.models.adapters import add_lora
from goodfit.models.load import LoadedModel, load, load_trained
from goodfit.models.save import save
from tests import tiny

LABELS = ["billing", "bug", "sales"]
TRAIN = tiny.examples(24, rule=True)


def trained(folder: Path, *, lora: bool = False, multi_label: bool = False) -> LoadedModel:
    kind: Any = "multi_label_classification" if multi_label else "single_label_classification"
    made = load(folder, labels=LABELS, problem_type=kind)
    made = add_lora(made, r=4) if lora else made
    data = {"train": tiny.examples(24, rule=True, multi_label=multi_label), "valid": None}
    fit(made.model, data, Plan(learning_rate=3e-3, num_train_epochs=1, precision="float32"), objective=tiny.Classify())
    return made


def plain(model: Any) -> np.ndarray[Any, Any]:
    """As a user of transformers would ask: one padded batch."""
    longest = int(TRAIN.lengths.max())
    ids, mask = torch.full((len(TRAIN), longest), model.config.pad_token_id), torch.zeros(len(TRAIN), longest, dtype=torch.long)
    for i in range(len(TRAIN)):
        ids[i, : TRAIN.lengths[i]] = torch.from_numpy(TRAIN.ids(i).astype(np.int64))
        mask[i, : TRAIN.lengths[i]] = 1
    with torch.no_grad():
        logits: np.ndarray[Any, Any] = model.eval()(input_ids=ids, attention_mask=mask).logits.numpy()
    return logits


@pytest.mark.parametrize("family", tiny.CONFIGS)
def test_a_whole_model_in_plain_transformers(tmp_path: Path, family: str) -> None:
    made = trained(tiny.folder(family, tmp_path / "base"))
    ours = in_order(infer(made.model, TRAIN), len(TRAIN))
    save(made.model, made.tokenizer, tmp_path / "out")
    theirs = tf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    np.testing.assert_allclose(plain(theirs), ours, rtol=1e-4, atol=1e-5)
    assert list(theirs.config.id2label.values()) == LABELS
    assert "goodfit" not in (tmp_path / "out" / "config.json").read_text()
    tokenizer = tf.AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer("w1 w2")["input_ids"] == made.tokenizer("w1 w2")["input_ids"]
    again = load_trained(tmp_path / "out")
    np.testing.assert_array_equal(in_order(infer(again.model, TRAIN), len(TRAIN)), ours)
    assert again.labels == tuple(LABELS)


@pytest.mark.parametrize("family", ["bert", "modernbert", "deberta-v2", "llama", "gpt2"])
def test_an_adapter_in_plain_peft(tmp_path: Path, family: str) -> None:
    made = trained(tiny.folder(family, tmp_path / "base"), lora=True)
    ours = in_order(infer(made.model, TRAIN), len(TRAIN))
    save(made.model, made.tokenizer, tmp_path / "out", base=made.identity)
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert {"adapter_config.json", "adapter_model.safetensors", "goodfit.json", "tokenizer.json"} <= names
    assert "config.json" not in names  # with it, transformers would look for whole weights here
    theirs = AutoPeftModelForSequenceClassification.from_pretrained(tmp_path / "out", num_labels=3)
    theirs.config.pad_token_id = made.model.config.pad_token_id
    np.testing.assert_allclose(plain(theirs), ours, rtol=1e-4, atol=1e-5)
    again = load_trained(tmp_path / "out")
    np.testing.assert_array_equal(in_order(infer(again.model, TRAIN), len(TRAIN)), ours)
    assert again.labels == tuple(LABELS)


def test_multi_label_survives(tmp_path: Path) -> None:
    made = trained(tiny.folder("bert", tmp_path / "base"), multi_label=True)
    save(made.model, made.tokenizer, tmp_path / "out")
    assert load_trained(tmp_path / "out").model.config.problem_type == "multi_label_classification"


def test_an_adapter_whose_base_moved_is_found_by_name_and_a_changed_base_is_refused(tmp_path: Path) -> None:
    base = tiny.folder("bert", tmp_path / "base")
    made = trained(base, lora=True)
    save(made.model, made.tokenizer, tmp_path / "out")
    facts = json.loads((tmp_path / "out" / "goodfit.json").read_text())
    facts["base"]["path"] = str(tmp_path / "gone")
    (tmp_path / "out" / "goodfit.json").write_text(json.dumps(facts))
    assert load_trained(tmp_path / "out").labels == tuple(LABELS)
    other = load(tiny.folder("bert", tmp_path / "other", seed=5), labels=LABELS)
    shutil.copy(tmp_path / "other" / "model.safetensors", base / "model.safetensors")
    assert other.has_fresh_head
    with pytest.raises(ModelError, match="has changed since"):
        load_trained(tmp_path / "out")
    shutil.rmtree(base)
    with pytest.raises(ModelError, match="is not here any more"):
        load_trained(tmp_path / "out")


def test_saving_replaces_the_old_folder_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    made = load(tiny.folder("bert", tmp_path / "base"), labels=LABELS)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.txt").write_text("old")
    save(made.model, made.tokenizer, tmp_path / "out")
    assert not (tmp_path / "out" / "old.txt").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base", "out"]


def test_a_full_disk_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = load(tiny.folder("bert", tmp_path / "base"), labels=LABELS)
    save(made.model, made.tokenizer, tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").read_bytes()

    def full(*_args: object, **_settings: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(made.model), "save_pretrained", full)
    with pytest.raises(MachineError, match="disk is full"):
        save(made.model, made.tokenizer, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["base", "out"]
