"""Where a base model lies: a folder, a model inside an installed package, or the hub's cache. First step of `load`.

`resolve("tiny-bert/")`, `resolve("all-MiniLM-L6-v2")` and `resolve("owner/name")` all give a Source: a local folder whose files
were looked at (configuration, weights, tokenizer), so that everything after it reads files and nothing but files.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

from goodfit.errors import ModelError, nearest
from goodfit.models import packaged
from goodfit.models.packaged import GGUF, gguf_in

_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "README.md", "*.jinja")
_PICKLES = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt")
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model")
_REACH_SECONDS = 4.0
_TRANSPORT_ERROR: type[Exception] = HfHubHTTPError.__bases__[0]
"""The HTTP library's root error: its name differs between versions of huggingface_hub."""


@dataclass(frozen=True, slots=True)
class Source:
    """A base model on this disk."""

    name: str
    """As the user named it, or the package's model name."""
    path: Path
    kind: Literal["folder", "file", "package", "hub"]
    """`file`: a GGUF file, whose converted folder in the cache `path` is."""
    license: str | None = None
    """As the model card (else the package's metadata) says: `apache-2.0`."""
    package: str | None = None
    """`name==version` of the package that ships it."""

    def config(self) -> dict[str, Any]:
        """The model's config.json."""
        return _read_json(self.path / "config.json")


def resolve(source: str | Path, *, trained: bool = False, network: bool = True) -> Source:
    """Find a model; ModelError says what is missing and what to do.

    `trained=True`: an adapter folder is fine too. `network=False`: only what is on this machine.
    """
    text = str(source)
    folder = Path(text).expanduser()
    if folder.is_dir():
        found = Source(text, folder, "folder", license=_card_license(folder))
        weights = gguf_in(folder)
        if weights is not None:
            found = Source(text, _converted(weights), "file", license=found.license)
    elif folder.is_file() and folder.suffix == GGUF:
        found = Source(text, _converted(folder), "file")
    elif folder.is_file():
        raise ModelError(f"{text} is a file; a model is a folder with config.json, model.safetensors and tokenizer files, or a .gguf file")
    else:
        found = _packaged(text) or _from_hub(text, network=network)
    _look(found, trained=trained)
    return found


def _packaged(name: str) -> Source | None:
    model = packaged.find(name)
    if model is None:
        return None
    path = _converted(model.path) if model.path.suffix == GGUF else model.path
    return Source(model.name, path, "package", license=model.license, package=f"{model.package}=={model.version}")


def _converted(file: Path) -> Path:
    """The folder made of a GGUF file; imported here, since it needs torch."""
    from goodfit.models.gguf import convert  # noqa: PLC0415

    return convert(file)


def _from_hub(name: str, *, network: bool) -> Source:
    """From the hub's cache, else from the hub itself if it can be reached within seconds."""
    local_looking = name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name or name.endswith("/")
    if local_looking or not name:
        raise ModelError(f"there is no model folder {name!r}", fix=_suggestion(name))
    try:
        path = snapshot_download(name, allow_patterns=list(_FILES), local_files_only=True)
        if (Path(path) / "config.json").is_file():
            return Source(name, Path(path), "hub", license=_card_license(Path(path)))
    except (LocalEntryNotFoundError, RepositoryNotFoundError):
        pass
    except HFValidationError:
        raise ModelError(f"{name!r} is neither a folder, nor an installed model, nor a hub id", fix=_suggestion(name)) from None
    if not network:
        raise ModelError(f"the model {name!r} is not on this machine", fix=_suggestion(name))
    return _download(name)


def _download(name: str) -> Source:
    if constants.is_offline_mode():
        raise ModelError(f"the model {name!r} is not on this machine, and HF_HUB_OFFLINE is set", fix=_suggestion(name))
    if not _reachable(constants.ENDPOINT):
        raise ModelError(f"the model {name!r} is not on this machine, and {constants.ENDPOINT} cannot be reached", fix=_suggestion(name))
    try:
        path = snapshot_download(name, allow_patterns=list(_FILES), etag_timeout=_REACH_SECONDS)
    except GatedRepoError as error:
        raise ModelError(f"the hub model {name!r} asks for an agreement", fix="accept it on its page, then `hf auth login`") from error
    except RepositoryNotFoundError as error:
        raise ModelError(f"the hub has no model {name!r} (or it is private)", fix=_suggestion(name)) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, _TRANSPORT_ERROR, OSError) as error:
        raise ModelError(f"the model {name!r} cannot be downloaded: {str(error).splitlines()[0]}", fix=_suggestion(name)) from error
    return Source(name, Path(path), "hub", license=_card_license(Path(path)))


def _reachable(endpoint: str) -> bool:
    """Whether the host answers at all within seconds; behind a proxy that is the proxy's business."""
    if any(os.environ.get(key) for key in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True
    address = urlsplit(endpoint)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        socket.create_connection((address.hostname or "", port), timeout=_REACH_SECONDS).close()
    except OSError:
        return False
    return True


def _suggestion(name: str) -> str:
    known = [model.name for model in packaged.discover()]
    close = nearest(name, known)
    if close:
        return f"did you mean {close!r}?"
    if known:
        return f"give a folder, or a model that is installed here: {', '.join(sorted(known))}"
    return "give the path of a folder with config.json, model.safetensors and tokenizer files"


def _look(source: Source, *, trained: bool) -> None:
    """Refuse a folder that cannot be a model, with the reason."""
    folder = source.path
    if trained and (folder / "adapter_config.json").is_file():
        return
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            raise ModelError(f"{source.name} is an adapter, not a base model", fix="name its base model, or merge it first")
        raise ModelError(f"{source.name} has no config.json, so it is not a model folder", fix=_nested(folder))
    config = source.config()
    if config.get("auto_map"):
        raise ModelError(
            f"{source.name} needs code that comes with it (auto_map in config.json); such code is never run",
            fix="use a model whose architecture is part of transformers",
        )
    if not list(folder.glob("*.safetensors")):
        _refuse_weights(source)
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ModelError(
            f"{source.name} has no tokenizer (none of {', '.join(_TOKENIZER_FILES[:4])} …)",
            fix="copy the tokenizer files of its base model into it",
        )


def _refuse_weights(source: Source) -> None:
    pickles = [path.name for pattern in _PICKLES for path in source.path.glob(pattern)]
    if pickles:
        raise ModelError(
            f"{source.name} has its weights as a pickle only ({pickles[0]}), which can run code when it is loaded",
            fix="in a place you trust: AutoModel.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER) writes model.safetensors",
        )
    raise ModelError(f"{source.name} has no weights (model.safetensors)", fix="download the folder again, all files of it")


def _nested(folder: Path) -> str:
    inner = sorted(path.parent for path in folder.glob("*/config.json") if list(path.parent.glob("*.safetensors")))
    return f"did you mean {inner[0]}?" if inner else "give the folder that holds config.json"


def _card_license(folder: Path) -> str | None:
    return packaged.card_license(folder / "README.md")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}", fix="download the folder again") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} does not hold a JSON object", fix="download the folder again")
    return value
