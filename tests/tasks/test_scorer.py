"""Scores of a classifier that somebody else trained: its own head, its own labels, and which of them are meant."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from goodfit.errors import ModelError, SettingsError
from goodfit.tasks.scorer import Scorer
from tests import tiny

USUAL = ("tox", "hate")


def classifier(path: Path, labels: tuple[str, ...], *, several: bool = False, bias: tuple[float, ...] | None = None) -> Path:
    """A tiny BERT with a head for these labels; `bias`: what the head answers to every text."""
    model = tiny.model("bert", labels=len(labels), multi_label=several)
    model.config.id2label = dict(enumerate(labels))
    model.config.label2id = {name: i for i, name in enumerate(labels)}
    if bias is not None:
        with torch.no_grad():
            model.classifier.weight.zero_()
            model.classifier.bias.copy_(torch.tensor(bias))
    model.save_pretrained(path)
    tiny.tokenizer().save_pretrained(path)
    return path


def test_labels_together_or_the_likeliest(tmp_path: Path) -> None:
    one = Scorer.load(str(classifier(tmp_path / "one", ("neutral", "toxic", "hateful"), bias=(0.0, 1.0, 0.0))), tmp_path, "key", (), USUAL)
    wanted = (np.e + 1) / (np.e + 2)
    assert one.scores(["a", "b c"]) == pytest.approx([wanted] * 2, abs=1e-6)
    many = Scorer.load(str(classifier(tmp_path / "many", ("toxic", "hateful"), several=True, bias=(0.0, 1.0))), tmp_path, "key", (), USUAL)
    assert many.scores(["a"]) == pytest.approx([1 / (1 + np.exp(-1))], abs=1e-6)
    assert many.scores([]).shape == (0,)


def test_it_equals_plain_transformers(tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    path = classifier(tmp_path / "m", ("non-toxic", "toxic"))
    texts = ["good day", "w1 w2 w3 w4 w5 w6", ""]
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)
    with torch.no_grad():
        theirs = [model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0, 1].item() for text in texts]
    assert Scorer.load("m", tmp_path, "key", (), USUAL).scores(texts) == pytest.approx(theirs, abs=1e-5)


def test_which_labels_are_meant(tmp_path: Path) -> None:
    path = str(classifier(tmp_path / "m", ("LABEL_0", "LABEL_1")))
    with pytest.raises(SettingsError, match="no label of the model says"):
        Scorer.load(path, tmp_path, "audit.toxic_labels", (), USUAL)
    with pytest.raises(SettingsError, match="'bad' is no label"):
        Scorer.load(path, tmp_path, "audit.toxic_labels", ("bad",), USUAL)
    assert Scorer.load(path, tmp_path, "audit.toxic_labels", ("LABEL_1",), USUAL).meant.tolist() == [False, True]


def test_what_is_no_classifier_is_refused(tmp_path: Path) -> None:
    path = classifier(tmp_path / "m", ("toxic", "fine"))
    config = json.loads((path / "config.json").read_text())
    config |= {"id2label": {"0": "toxic"}, "label2id": {"toxic": 0}, "problem_type": None}
    (path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="no classifier"):
        Scorer.load(str(path), tmp_path, "key", (), USUAL)
    with pytest.raises(ModelError):
        Scorer.load(str(tmp_path / "nothing"), tmp_path, "key", (), USUAL)
