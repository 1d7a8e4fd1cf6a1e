"""GGUF files (llama.cpp's) as base models: dequantised once into the cache, an ordinary transformers folder from then on.

`convert(Path("SmolLM2-135M-Instruct.Q4_1.gguf"))` -> a folder with config.json, model.safetensors (float32: what the file's numbers
mean, exactly) and tokenizer files. Reading such a file takes transformers half a minute, the folder a second. Needs the extra `gguf`.
https://huggingface.co/docs/transformers/gguf
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from goodfit.data import cache
from goodfit.errors import MissingExtra, ModelError, first_line
from goodfit.models.content import file_hash
from goodfit.models.packaged import GGUF, plain_name
from goodfit.models.quiet import quiet

_VERSION = 1
"""Of the conversion: a change makes every file be converted anew."""
_MAGIC = b"GGUF"
_PART = re.compile(r"-\d{5}-of-\d{5}$")
_WHOLE = ("config.json", "model.safetensors", "tokenizer.json")


def convert(file: Path) -> Path:
    """The cached folder of a GGUF file's model, made on first use.

    Raises ModelError (no GGUF, cut off, an architecture that transformers cannot read, no tokenizer inside), MissingExtra.
    """
    _look(file)
    target = cache.folder("models") / f"{plain_name(file)}-{file_hash(file)}-{_VERSION}"
    if all((target / name).is_file() for name in _WHOLE):
        for path in target.iterdir():
            cache.touch(path)
        return target
    if importlib.util.find_spec("gguf") is None:
        raise MissingExtra(f"the model file {file.name}", "gguf")
    with cache.writing(target), tempfile.TemporaryDirectory(prefix="converting-", dir=target.parent) as folder:
        _write(file, Path(folder))
        shutil.rmtree(target, ignore_errors=True)
        Path(folder).replace(target)
        Path(folder).mkdir()  # for the context manager to remove
    cache.trim(keep=tuple(target.iterdir()))
    return target


def _look(file: Path) -> None:
    with file.open("rb") as handle:
        if handle.read(4) != _MAGIC:
            raise ModelError(f"{file} is not a GGUF file, whatever its name says", fix="download it again")
    if _PART.search(file.name.removesuffix(GGUF)):
        raise ModelError(f"{file.name} is one part of several", fix="join them first: llama-gguf-split --merge FIRST_PART WHOLE.gguf")


def _write(file: Path, folder: Path) -> None:
    try:
        with quiet():
            settings: dict[str, Any] = {"gguf_file": file.name, "local_files_only": True}
            tokenizer = AutoTokenizer.from_pretrained(file.parent, **settings)
            model = AutoModelForCausalLM.from_pretrained(
                file.parent, **settings, quantization_config=GgufConfig(dequantize=True), dtype=torch.float32
            )
    except Exception as error:  # the reader raises whatever a broken header leads it to
        raise ModelError(
            f"{file.name} cannot be read as a model: {first_line(error)}",
            fix="download it again, or take the model's safetensors folder (transformers reads GGUF of the common decoders only)",
        ) from error
    quantiser = getattr(model, "hf_quantizer", None)
    if quantiser is not None:  # else it counts as quantised, and neither saves nor trains
        quantiser.remove_quantization_config(model)
    with quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    _forget_version(folder / "config.json", file)
    _drop_invented(folder, model.get_input_embeddings().num_embeddings)


def _drop_invented(folder: Path, rows: int) -> None:
    """Byte-level vocabularies get GPT-2's `<|endoftext|>` from transformers, with an id that such a model has no embedding for."""
    path = folder / "tokenizer.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    invented = {token["content"] for token in document["added_tokens"] if token["id"] >= rows}
    if not invented:
        return
    document["added_tokens"] = [token for token in document["added_tokens"] if token["content"] not in invented]
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    kept = {key: value for key, value in settings.items() if not (isinstance(value, str) and value in invented)}
    (folder / "tokenizer_config.json").write_text(json.dumps(kept, ensure_ascii=False, indent=2), encoding="utf-8")


def _forget_version(config: Path, file: Path) -> None:
    """The folder's content must not depend on the transformers that made it."""
    document = json.loads(config.read_text(encoding="utf-8"))
    document.pop("transformers_version", None)
    document["_name_or_path"] = plain_name(file)
    config.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
