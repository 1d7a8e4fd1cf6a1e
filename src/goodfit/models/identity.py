"""What a base model is, told without loading its weights: architecture, size, limits, licence, and a hash of its content.

`check` and `choose` print it, `prepare` keys its cache by `content`, the model card quotes it. The skeleton is built on torch's
meta device, so that a model of any size costs milliseconds and no memory.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig

from goodfit.errors import ModelError, first_line
from goodfit.models.content import content_hash
from goodfit.models.heads import TWO, Head, Language
from goodfit.models.source import Source, resolve

_UNLIMITED = 1_000_000
"""Tokenizers that know no limit say 1e30."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The facts about a base model that decide what can be done with it."""

    name: str
    path: str
    kind: str
    """`folder`, `file` (GGUF), `package` or `hub`."""
    content: str
    """`b2:` and a hash of weights, configuration and tokenizer files."""
    architecture: str
    """The class that is fine-tuned: `BertForSequenceClassification`."""
    model_type: str
    parameters: int
    """All parameters, the new head included."""
    max_length: int | None
    """The longest row in tokens, special tokens included; None where the architecture knows no limit."""
    vocabulary: int
    hidden_size: int
    layers: int
    causal: bool
    """A decoder: each token sees only those before it."""
    license: str | None
    package: str | None

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


def identify(source: str | Path | Source, head: Head = TWO) -> Identity:
    """The identity of a base model; ModelError where it cannot be fine-tuned with this head."""
    found = source if isinstance(source, Source) else resolve(source)
    model = skeleton(found, head)
    config = model.config.get_text_config()
    return Identity(
        name=found.name,
        path=str(found.path),
        kind=found.kind,
        content=content_hash(found.path),
        architecture=type(model).__name__,
        model_type=model.config.model_type,
        parameters=sum(p.numel() for p in model.parameters()),
        max_length=longest(model, found.path),
        vocabulary=model.get_input_embeddings().num_embeddings,
        hidden_size=config.hidden_size,
        layers=config.num_hidden_layers,
        causal=is_causal(model),
        license=found.license,
        package=found.package,
    )


def skeleton(source: Source, head: Head = TWO) -> Any:
    """The model's modules without any memory for weights (meta device)."""
    config = config_of(source, head, **head.settings())
    with torch.device("meta"):
        model = head.auto.from_config(config)
    if head.kind == Language.kind and not is_causal(model):
        attends = any(hasattr(module, "is_causal") for module in model.modules())
        why = (
            "is an encoder ({}), which reads text but does not write it"
            if attends
            else "is a {} model, which has no attention; it is not supported"
        )
        raise ModelError(f"{source.name} {why.format(config.model_type)}", fix=head.advice)
    return model


def config_of(source: Source, head: Head, **changes: Any) -> Any:
    """The configuration of the model with this head; ModelError where transformers has no such architecture or head."""
    try:
        config = AutoConfig.from_pretrained(source.path, local_files_only=True, trust_remote_code=False, **changes)
    except (ValueError, KeyError, OSError, TypeError) as error:
        raise ModelError(f"the configuration of {source.name} cannot be used: {first_line(error)}", fix="update transformers") from error
    if type(config) not in head.auto._model_mapping:
        raise ModelError(f"{source.name} is a {config.model_type} model, for which transformers has no {head.wanted}", fix=head.advice)
    return config


def longest(model: nn.Module, folder: Path) -> int | None:
    """The most tokens a row may have: the smaller of what the tokenizer says and what the position table holds."""
    config = model.config.get_text_config()  # type: ignore[operator, union-attr]
    limits = [getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)]
    for name, module in model.named_modules():
        # RoBERTa and its kin count positions from the padding index, so that the first rows of the table stay unused.
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            limits.append(module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1))
    said = _tokenizer_limit(folder)
    sensible = [int(x) for x in (*limits, said) if x is not None and 0 < x < _UNLIMITED]
    return min(sensible) if sensible else None


def is_causal(model: nn.Module) -> bool:
    """Whether a token sees only those before it."""
    flags = [module.is_causal for module in model.modules() if isinstance(getattr(module, "is_causal", None), bool)]
    return bool(flags) and all(flags)


def _tokenizer_limit(folder: Path) -> int | None:
    try:
        limit = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")).get("model_max_length")
    except (OSError, ValueError, AttributeError):
        return None
    return int(limit) if isinstance(limit, int | float) and limit < _UNLIMITED else None
