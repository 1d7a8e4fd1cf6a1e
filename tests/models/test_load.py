"""Loading: the head is seeded, the labels are known, and everything that cannot be a model is refused with the remedy."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as tf

from goodfit.errors import ModelError
from goodfit.models.content import content_hash
from goodfit.models.identity import identify
from goodfit.models.load import load, load_tokenizer, load_trained, start_from_shares
from goodfit.models.save import save
from goodfit.models.source import resolve
from tests import tiny

LABELS = ["billing", "bug", "sales"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder("bert", tmp_path_factory.mktemp("models") / "bert")


@pytest.mark.parametrize("family", tiny.CONFIGS)
def test_every_family_loads_with_a_seeded_head(tmp_path: Path, family: str) -> None:
    folder = tiny.folder(family, tmp_path / family)
    first, second, other = (load(folder, labels=LABELS, seed=seed) for seed in (1, 1, 2))
    assert first.has_fresh_head
    one, two, three = (m.model.state_dict() for m in (first, second, other))
    assert all(torch.equal(one[k], two[k]) for k in one)
    changed = {k for k in one if not torch.equal(one[k], three[k])}
    assert changed
    assert changed <= first.fresh
    assert first.model.config.id2label == dict(enumerate(LABELS))
    assert first.model.config.label2id == {"billing": 0, "bug": 1, "sales": 2}
    assert first.model.config.pad_token_id is not None
    assert first.identity.max_length == 60
    assert first.identity.parameters == sum(p.numel() for p in first.model.parameters())
    assert first.identity.causal == (family in ("llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt2"))
    assert first.identity.layers == first.model.config.num_hidden_layers
    assert not first.model.training


def test_random_state_is_left_alone(bert: Path) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    load(bert, labels=LABELS)
    assert torch.equal(state, torch.get_rng_state())


def test_multi_label_is_in_the_configuration(bert: Path) -> None:
    made = load(bert, labels=LABELS, problem_type="multi_label_classification")
    assert made.model.config.problem_type == "multi_label_classification"


def test_a_head_for_the_same_labels_is_kept_and_one_for_others_is_not(tmp_path: Path, bert: Path) -> None:
    trained = load(bert, labels=LABELS, seed=3)
    save(trained.model, trained.tokenizer, tmp_path / "trained")
    kept = load(tmp_path / "trained", labels=LABELS, seed=9)
    assert not kept.has_fresh_head
    assert torch.equal(kept.model.classifier.weight, trained.model.classifier.weight)
    for labels in (["bug", "billing", "sales"], ["x", "y", "z"], ["x", "y"]):
        renewed = load(tmp_path / "trained", labels=labels, seed=9)
        assert renewed.fresh == {"classifier.weight", "classifier.bias"}
        assert renewed.model.classifier.out_features == len(labels)
        if len(labels) == 3:
            assert not torch.equal(renewed.model.classifier.weight, trained.model.classifier.weight)
            assert 0.01 < float(renewed.model.classifier.weight.detach().std()) < 0.03


def test_a_base_model_is_not_a_trained_one(bert: Path) -> None:
    with pytest.raises(ModelError, match="no weights for its own head"):
        load_trained(bert)


def test_the_position_table_of_roberta_is_shorter_than_it_says(tmp_path: Path) -> None:
    folder = tiny.folder("roberta", tmp_path / "r")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(config | {"model_max_length": 10**30}))
    assert identify(folder).max_length == 64


def _without(pattern: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        for path in folder.glob(pattern):
            path.unlink()

    return damage


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")


def _config(**changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return damage


def _grown_tokenizer(folder: Path) -> None:
    tokenizer = tf.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens([f"new{i}" for i in range(50)])
    tokenizer.save_pretrained(folder)


def _cut_weights(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def _no_padding(folder: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("[PAD]", "[ODD]").replace('"pad_token": "[ODD]",', ""))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without("*"), "no config.json"),
        (_without("config.json"), "no config.json"),
        (_without("*.safetensors"), "no weights"),
        (_without("tokenizer.json"), "no tokenizer"),
        (_pickled, "pickle"),
        (_cut_weights, "weights of .* cannot be loaded"),
        (_config(auto_map={"AutoModel": "modeling_x.X"}), "code that comes with it"),
        (_config(model_type="nosuchmodel"), "configuration of .* cannot be used"),
        (_config(model_type="vit"), "no classification head"),
        (_config(num_hidden_layers=5), "do not hold the weights"),
        (_config(hidden_size=48), "do not hold the weights"),
        (_grown_tokenizer, "do not belong together"),
        (_no_padding, "no padding token and no end token"),
    ],
)
def test_what_cannot_be_a_model_is_refused(tmp_path: Path, bert: Path, damage: Callable[[Path], None], message: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(bert, folder)
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        load(folder, labels=LABELS)
    assert caught.value.fix
    assert caught.value.exit_code == 2


def test_config_json_that_is_not_json(tmp_path: Path, bert: Path) -> None:
    shutil.copytree(bert, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load(tmp_path / "model", labels=LABELS)


def test_names_that_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bert: Path) -> None:
    for name in ("./nothing", "a/b/c", "models/"):
        with pytest.raises(ModelError, match="no model folder"):
            resolve(name)
    with pytest.raises(ModelError, match="is a file"):
        resolve(bert / "config.json")
    with pytest.raises(ModelError, match="did you mean .*bert"):
        resolve(bert.parent)


def test_a_hub_id_without_a_network_is_refused_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from goodfit.models import source

    monkeypatch.setattr(source.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(source.constants, "is_offline_mode", lambda: True)
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        resolve("owner/name")
    monkeypatch.setattr(source.constants, "is_offline_mode", lambda: False)

    def unreachable(*_args: object, **_settings: object) -> None:
        raise OSError("no route")

    monkeypatch.setattr(socket, "create_connection", unreachable)
    for key in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(ModelError, match="cannot be reached"):
        resolve("owner/name")


def test_loading_and_saving_touch_no_network(tmp_path: Path, bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_args: object, **_settings: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    made = load(bert, labels=LABELS)
    save(made.model, made.tokenizer, tmp_path / "out")
    assert load_trained(tmp_path / "out").labels == tuple(LABELS)


def test_a_decoder_without_padding_takes_a_reserved_token_or_its_end(tmp_path: Path) -> None:
    folder = tiny.folder("llama", tmp_path / "d")
    config = json.loads((folder / "tokenizer_config.json").read_text())
    del config["pad_token"]
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    assert load_tokenizer(folder).pad_token == "[PAD]"
    model_config = json.loads((folder / "config.json").read_text())
    model_config["pad_token_id"] = None
    (folder / "config.json").write_text(json.dumps(model_config))
    assert load(folder, labels=LABELS).model.config.pad_token_id == 0


def test_the_content_hash_hears_weights_and_tokenizer_but_not_the_card(tmp_path: Path, bert: Path) -> None:
    shutil.copytree(bert, tmp_path / "m")
    first = content_hash(tmp_path / "m")
    assert first == content_hash(bert)
    (tmp_path / "m" / "README.md").write_text("words")
    assert content_hash(tmp_path / "m") == first
    data = bytearray((tmp_path / "m" / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "m" / "model.safetensors").write_bytes(data)
    second = content_hash(tmp_path / "m")
    (tmp_path / "m" / "tokenizer.json").write_text((tmp_path / "m" / "tokenizer.json").read_text() + "\n")
    assert len({first, second, content_hash(tmp_path / "m")}) == 3


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert", "distilbert"])
def test_a_fresh_output_layer_starts_from_the_shares_of_the_labels(tmp_path: Path, family: str) -> None:
    folder = tiny.folder(family, tmp_path / "m")
    loaded = load(folder, labels=["a", "b", "c"], problem_type="multi_label_classification")
    start_from_shares(loaded, [0.5, 0.1, 0.0])
    biases = [m.bias for m in loaded.model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 3]
    assert len(biases) == 1
    assert torch.sigmoid(biases[0]).tolist() == pytest.approx([0.5, 0.1, 0.001], abs=1e-6)


def test_a_head_without_a_bias_and_a_trained_one_stay_as_they_are(tmp_path: Path) -> None:
    loaded = load(tiny.folder("llama", tmp_path / "m"), labels=["a", "b", "c"])
    before = {name: p.clone() for name, p in loaded.model.named_parameters()}
    start_from_shares(loaded, [0.2, 0.3, 0.5])
    assert all(torch.equal(p, before[name]) for name, p in loaded.model.named_parameters())
    loaded = load(tiny.folder("bert", tmp_path / "b"), labels=["a", "b", "c"])
    save(loaded.model, loaded.tokenizer, tmp_path / "trained")
    again = load(tmp_path / "trained", labels=["a", "b", "c"])
    before = {name: p.clone() for name, p in again.model.named_parameters()}
    start_from_shares(again, [0.2, 0.3, 0.5])
    assert all(torch.equal(p, before[name]) for name, p in again.model.named_parameters())
