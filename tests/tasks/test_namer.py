"""Names of persons by somebody else's tagger: tokens joined to names, labels that mean a person, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

from goodfit.errors import ModelError, SettingsError
from goodfit.tasks.namer import Namer
from tests import tiny

PIECES = {"John": "B-PER", "Mill": "I-PER", "##er": "O", "Ann": "B-PER", "Rome": "B-LOC", "saw": "O", "in": "O", ".": "O"}
LABELS = ("O", "B-PER", "I-PER", "B-LOC")


def tagger(path: Path, pieces: dict[str, str] | None = None, labels: tuple[str, ...] = LABELS) -> Path:
    """A BERT without layers whose label of a token is what `pieces` says: embeddings one-hot in the label, the head the identity."""
    pieces = PIECES if pieces is None else pieces
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    inner = Tokenizer(models.WordPiece({w: i for i, w in enumerate([*special, *pieces])}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=40, **names).save_pretrained(path)
    config = BertConfig(vocab_size=len(special) + len(pieces), hidden_size=8, num_hidden_layers=0, num_attention_heads=1, intermediate_size=8,
                        max_position_embeddings=40, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)})  # fmt: skip
    model = BertForTokenClassification(config)
    with torch.no_grad():
        for weight in (
            model.bert.embeddings.word_embeddings.weight,
            model.bert.embeddings.position_embeddings.weight,
            model.bert.embeddings.token_type_embeddings.weight,
            model.classifier.weight,
            model.classifier.bias,
        ):
            weight.zero_()
        for i in range(len(labels)):
            model.classifier.weight[i, i] = 1.0
        for token in special:
            model.bert.embeddings.word_embeddings.weight[special.index(token), 0] = 1.0
        for i, label in enumerate(pieces.values()):
            model.bert.embeddings.word_embeddings.weight[len(special) + i, labels.index(label)] = 1.0
    model.save_pretrained(path)
    return path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("John Miller saw Rome .", ["John Miller"]),  # ##er is O, but a piece of a name's word
        ("John Ann saw John .", ["John", "Ann", "John"]),  # a B- begins another name
        ("Miller in Rome", ["Miller"]),  # an I- without its beginning
        ("saw something else", []),
        ("", []),
    ],
)
def test_tokens_are_joined_to_names(tmp_path: Path, text: str, wanted: list[str]) -> None:
    namer = Namer.load("m", tagger(tmp_path / "m").parent, "audit.name_labels")
    found = list(namer.names(["saw", text, "John"]))  # padded beside others
    assert [text[a:b] for a, b in found[1]] == wanted
    assert found[2] == [(0, 4)]


def test_which_labels_mean_a_person(tmp_path: Path) -> None:
    pieces = {"John": "FIRST_NAME", "saw": "O", "Rome": "CITY"}
    tagger(tmp_path / "said", pieces, ("O", "FIRST_NAME", "CITY"))
    assert list(Namer.load("said", tmp_path, "key").names(["Rome saw John"])) == [[(9, 13)]]
    tagger(tmp_path / "mute", pieces={"John": "LABEL_1", "saw": "LABEL_0"}, labels=("LABEL_0", "LABEL_1"))
    with pytest.raises(SettingsError, match="no label of mute says"):
        Namer.load("mute", tmp_path, "key")
    assert list(Namer.load("mute", tmp_path, "key", ("LABEL_1",)).names(["saw John"])) == [[(4, 8)]]
    with pytest.raises(SettingsError, match="'nobody' is no label"):
        Namer.load("mute", tmp_path, "key", ("nobody",))


def test_a_model_that_marks_nothing_is_refused(tmp_path: Path) -> None:
    tiny.folder("bert", tmp_path / "body")
    with pytest.raises(ModelError, match="hold no head that marks tokens"):
        Namer.load("body", tmp_path, "key")
