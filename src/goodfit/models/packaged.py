"""Models that installed packages ship: found by their files, not by a list of names. `load` and `choose` ask here first.

A package counts if config.json and *.safetensors lie beside each other among its files, or a GGUF file is one of them. Reading the
metadata of all installed packages takes some hundred milliseconds and imports none of them.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from goodfit.errors import ModelError

_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_PLAIN = re.compile(r"[^a-z0-9]+")
_LICENSES = {"apache software license": "apache-2.0", "apache license 2.0": "apache-2.0", "mit license": "mit", "bsd license": "bsd"}
GGUF = ".gguf"
_QUANTISATION = re.compile(r"[.\-_](i?q\d\w*|f16|f32|bf16|fp16|fp32)$", re.IGNORECASE)
_DULL = frozenset({"model", "models", "data", "weights", "checkpoint", "resources", "assets", "embeddings"})


@dataclass(frozen=True, slots=True)
class Packaged:
    """A model inside an installed package."""

    name: str
    """The model's own name: from its card or configuration, else the package's."""
    package: str
    version: str
    path: Path
    """Its folder, or its GGUF file."""
    license: str | None
    """Of the model where its card says so, else of the package."""
    model_type: str
    """`bert`, `llama` …; `gguf` where only the file's own header would tell."""
    architectures: tuple[str, ...]

    @property
    def aliases(self) -> frozenset[str]:
        """Every spelling that means this model, normalised."""
        short = self.name.rsplit("/", 1)[-1]
        return frozenset(map(_plain, (self.name, short, self.package, f"{self.package}/{short}")))


@cache
def discover() -> tuple[Packaged, ...]:
    """All models in installed packages, by name. Cached for the life of the process."""
    found: dict[Path, Packaged] = {}
    for distribution in importlib.metadata.distributions():
        for folder in _folders(distribution):
            model = _describe(folder, distribution)
            if model is not None:
                found.setdefault(folder, model)
        for file in _gguf_files(distribution):
            found.setdefault(file, _describe_gguf(file, distribution))
    return tuple(sorted(found.values(), key=lambda m: (m.name, m.package)))


def find(name: str) -> Packaged | None:
    """The model of that name, whatever its case and punctuation: the package's or the model's, with or without its owner."""
    wanted = _plain(name)
    for model in discover():
        if wanted in model.aliases:
            return model
    return None


def plain_name(file: Path) -> str:
    """A GGUF file's model without the kind of quantisation: `SmolLM2-135M-Instruct` of `SmolLM2-135M-Instruct.Q4_1.gguf`."""
    return _QUANTISATION.sub("", file.name.removesuffix(GGUF))


def gguf_in(folder: Path) -> Path | None:
    """The one GGUF file of a folder without other weights; ModelError where several could be meant."""
    files = sorted(path for path in folder.glob(f"*{GGUF}") if not path.name.startswith("mmproj"))
    if not files or list(folder.glob("*.safetensors")):
        return None
    if len(files) > 1:
        names = ", ".join(path.name for path in files[:6])
        raise ModelError(f"{folder} holds {len(files)} GGUF files", fix=f"name the file itself; one of: {names}")
    return files[0]


def card_license(card: Path) -> str | None:
    """The `license:` of a model card's front matter, in lower case."""
    head = _front_matter(card)
    match = re.search(r"^license:\s*['\"]?([\w.\-]+)", head, re.MULTILINE)
    return match[1].lower() if match else None


def _folders(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    files = distribution.files or []
    configs = {file.parent for file in files if file.name == "config.json"}
    weights = {file.parent for file in files if file.suffix == ".safetensors"}
    for folder in sorted(configs & weights):
        path = Path(str(distribution.locate_file(folder)))
        if (path / "config.json").is_file() and list(path.glob("*.safetensors")):
            yield path


def _gguf_files(distribution: importlib.metadata.Distribution) -> Iterator[Path]:
    for file in distribution.files or []:
        if file.suffix == GGUF:
            path = Path(str(distribution.locate_file(file)))
            if path.is_file():
                yield path


def _describe_gguf(file: Path, distribution: importlib.metadata.Distribution) -> Packaged:
    return Packaged(
        name=plain_name(file),
        package=distribution.metadata["Name"],
        version=distribution.version,
        path=file,
        license=_package_license(distribution),
        model_type="gguf",
        architectures=(),
    )


def _describe(folder: Path, distribution: importlib.metadata.Distribution) -> Packaged | None:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(config, dict) or "model_type" not in config:
        return None
    package = distribution.metadata["Name"]
    return Packaged(
        name=_model_name(folder, package),
        package=package,
        version=distribution.version,
        path=folder,
        license=card_license(folder / "README.md") or _package_license(distribution),
        model_type=str(config["model_type"]),
        architectures=tuple(config.get("architectures") or ()),
    )


def _model_name(folder: Path, package: str) -> str:
    """From the card's first heading or the folder's own name; a folder called `model` says nothing."""
    card = folder / "README.md"
    if card.is_file():
        text = card.read_text(encoding="utf-8", errors="replace")
        heading = re.search(r"^#\s+(\S+)\s*$", _FRONT_MATTER.sub("", text), re.MULTILINE)
        if heading and re.fullmatch(r"[\w.\-]+(/[\w.\-]+)?", heading[1]):
            return heading[1].rsplit("/", 1)[-1]
    if folder.name.lower() not in _DULL:
        return folder.name.rsplit("__", 1)[-1]
    return package


def _package_license(distribution: importlib.metadata.Distribution) -> str | None:
    metadata = distribution.metadata
    said = next((metadata[key] for key in ("License-Expression", "License") if key in metadata), "")
    if not said or "\n" in said:
        kinds = [c.rsplit("::", 1)[-1].strip() for c in metadata.get_all("Classifier") or [] if c.startswith("License ::")]
        said = kinds[0] if kinds else ""
    return _LICENSES.get(said.lower(), said.lower()) or None


def _front_matter(card: Path) -> str:
    if not card.is_file():
        return ""
    with card.open(encoding="utf-8", errors="replace") as file:
        match = _FRONT_MATTER.match(file.read(20_000))
    return match[1] if match else ""


def _plain(name: str) -> str:
    return _PLAIN.sub("-", name.lower()).strip("-")
