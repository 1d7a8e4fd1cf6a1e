"""Load a base model as a classifier or as the language model that it is, and a trained one again.

What comes out are transformers' (or PEFT's) own objects.
`load("all-MiniLM-L6-v2", labels=["billing", "bug"])` -> LoadedModel: model with a seeded fresh head, tokenizer, identity.
`load_language("SmolLM2-135M-Instruct")` -> the same for a model that writes, with the head it was pre-trained with.
`load_trained(folder)` -> what `save` wrote, adapter or whole. Nothing here touches the network once `resolve` has found the files.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from torch import nn
from transformers import AutoTokenizer

from goodfit.errors import ModelError, UserError, first_line
from goodfit.files import read_json
from goodfit.models.content import content_hash
from goodfit.models.heads import Classifier, Head, Language, ProblemType, Tagger, head_of
from goodfit.models.identity import Identity, config_of, identify
from goodfit.models.quiet import quiet
from goodfit.models.source import Source, resolve

FACTS = "goodfit.json"
"""Beside a saved model: labels, and for an adapter the base model it belongs to."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready for `fit` or `infer`."""

    model: Any
    """A transformers `…ForSequenceClassification` or `…ForCausalLM`, or a PeftModel around one; float32, on the CPU, in eval mode."""
    tokenizer: Any
    """Its fast tokenizer, with a padding token."""
    identity: Identity
    labels: tuple[str, ...]
    """Empty for a language model."""
    fresh: frozenset[str]
    """Names of the parameters that do not come from the checkpoint."""
    new_tokens: tuple[int, ...] = ()
    """Ids of tokens that were added to the vocabulary (models/vocabulary.py): an adapter learns their rows."""

    @property
    def has_fresh_head(self) -> bool:
        """Whether the output layer starts from random numbers."""
        return bool(self.fresh)


def load(
    source: str | Path | Source, *, labels: Sequence[str], problem_type: ProblemType = "single_label_classification", seed: int = 42
) -> LoadedModel:
    """A base model with a classification head for `labels`; equal seeds give equal heads.

    The checkpoint's own head is kept only if it was trained for exactly these labels in this order. Raises ModelError (nothing
    there, no weights, pickles, foreign code, no tokenizer, no classifier of this kind, tokenizer and model do not match).
    """
    found = source if isinstance(source, Source) else resolve(source)
    names = tuple(labels)
    assert len(names) >= 1
    head = Classifier(names, problem_type)
    tokenizer = load_tokenizer(found)
    theirs = config_of(found, head)
    keep_head = tuple(getattr(theirs, "id2label", {}).values()) == names
    model, fresh = _from_files(found, head, config_of(found, head, **head.settings()), seed=seed)
    if not keep_head:
        fresh |= _renew_output_layer(model, len(names), seed=seed)
    check_vocabulary(model, tokenizer, found.name)
    check_finite(model, found.name)
    set_padding(model, tokenizer)
    mark_fresh(model, fresh)
    return LoadedModel(model.eval(), tokenizer, identify(found, head), names, frozenset(fresh))


def load_language(source: str | Path | Source) -> LoadedModel:
    """A model that writes, with the head it was pre-trained with.

    Raises ModelError as `load` does, and where it is an encoder or its files hold no head.
    """
    found = source if isinstance(source, Source) else resolve(source)
    head, tokenizer = Language(), load_tokenizer(found)
    identity = identify(found, head)
    model, missing = _from_files(found, head, config_of(found, head), seed=0)
    if missing:
        raise ModelError(
            f"the files of {found.name} hold no head for generating text ({sorted(missing)[0]})",
            fix="take the …ForCausalLM files",
        )
    check_vocabulary(model, tokenizer, found.name)
    check_finite(model, found.name)
    return LoadedModel(model.eval(), tokenizer, identity, (), frozenset())


def load_tagger(source: str | Path | Source) -> LoadedModel:
    """A trained model that marks tokens, with its own labels. ModelError as `load` does, and where its files hold no such head."""
    found = source if isinstance(source, Source) else resolve(source)
    head, tokenizer = Tagger(), load_tokenizer(found)
    config = config_of(found, head)
    model, missing = _from_files(found, head, config, seed=0)
    if missing:
        raise ModelError(f"the files of {found.name} hold no head that marks tokens ({sorted(missing)[0]})", fix=head.advice)
    check_vocabulary(model, tokenizer, found.name)
    check_finite(model, found.name)
    labels = tuple(str(label) for _, label in sorted(config.id2label.items()))
    return LoadedModel(model.eval(), tokenizer, identify(found, head), labels, frozenset())


def load_tokenizer(source: str | Path | Source) -> Any:
    """The fast tokenizer of a model, with a padding token; ModelError where there is none."""
    found = source if isinstance(source, Source) else resolve(source)
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(found.path, local_files_only=True, trust_remote_code=False, use_fast=True)
    except (OSError, ValueError, KeyError, ImportError, TypeError) as error:
        said = first_line(error)
        raise ModelError(f"the tokenizer of {found.name} cannot be loaded: {said}", fix="copy its tokenizer.json again") from error
    if not tokenizer.is_fast:
        raise ModelError(f"{found.name} has only a slow tokenizer", fix="save it once with its fast tokenizer class (tokenizer.json)")
    if tokenizer.pad_token_id is None:
        _choose_padding(tokenizer, found.name)
    # Padding on the left would shift absolute positions (GPT-2) in whatever serves the saved model.
    tokenizer.padding_side = "right"
    return tokenizer


def load_trained(folder: str | Path) -> LoadedModel:
    """What `save` wrote: a whole model, or an adapter put onto its base model (found by path, else by name; same content)."""
    found = resolve(folder, trained=True)
    if (found.path / "adapter_config.json").is_file():
        return _load_adapter(found)
    if _is_language(found):
        return load_language(found)
    config = config_of(found, Classifier.of(2))
    head = Classifier(tuple(config.id2label[i] for i in sorted(config.id2label)))
    model, missing = _from_files(found, head, config, seed=0)
    if missing:
        raise ModelError(f"{found.name} has no weights for its own head ({sorted(missing)[0]})", fix="a base model: fine-tune it first")
    return LoadedModel(model.eval(), load_tokenizer(found), identify(found, head), head.labels, frozenset())


def _is_language(found: Source) -> bool:
    try:
        return head_of(read_json(found.path / FACTS)).kind == Language.kind
    except (OSError, ValueError, KeyError):
        return False


def fresh_parameters(model: nn.Module) -> frozenset[str]:
    """The names of the parameters that `load` made (without PEFT's prefixes), as marked on the model."""
    return frozenset(getattr(model, "_goodfit_fresh", ()))


def start_from_shares(loaded: LoadedModel, shares: Sequence[float]) -> None:
    """A fresh output layer's bias becomes the log-odds of each label's share of the rows, so that training begins from what is known.

    Without it the first hundreds of steps only learn that most labels are rare (Lin et al. 2017, "Focal Loss", section 3.3). Layers
    without a bias, and heads that were trained already, stay as they are.
    """
    if not loaded.has_fresh_head:
        return
    odds = torch.tensor([math.log(p / (1 - p)) for p in (min(max(share, 1e-3), 1 - 1e-3) for share in shares)])
    whole = loaded.model
    base = {id(module) for module in getattr(whole, whole.base_model_prefix).modules()}
    for module in whole.modules():
        if id(module) not in base and isinstance(module, nn.Linear) and module.out_features == len(odds) and module.bias is not None:
            with torch.no_grad():
                module.bias.copy_(odds)


def mark_fresh(model: nn.Module, names: set[str] | frozenset[str]) -> None:
    """Remember which parameters are new, for the engine's head rate."""
    object.__setattr__(model, "_goodfit_fresh", frozenset(names))


def grow(model: Any, tokenizer: Any, known: Sequence[int]) -> None:
    """Rows of the embeddings for every token of the tokenizer; those of tokens that are not `known` (ids) become the mean of the known.

    The output layer too, where it is another one. Rows that a model keeps in reserve are used before new ones are made.
    """
    rows, ids = model.get_input_embeddings().num_embeddings, tokenizer.get_vocab().values()
    new = sorted(set(ids) - set(known))
    if not new:
        return
    if new[-1] >= rows:
        with quiet():
            model.resize_token_embeddings(new[-1] + 1, mean_resizing=False)
    tables = [module.weight for module in (model.get_input_embeddings(), model.get_output_embeddings()) if module is not None]
    with torch.no_grad():
        for table in {id(table): table for table in tables}.values():
            table[new] = table[list(known)].mean(dim=0)


def check_vocabulary(model: Any, tokenizer: Any, name: str) -> None:
    """ModelError where the tokenizer can produce ids that the model has no embedding for."""
    rows = model.get_input_embeddings().num_embeddings
    largest = max(tokenizer.get_vocab().values(), default=-1)
    if largest >= rows:
        raise ModelError(
            f"the tokenizer of {name} knows {largest + 1} tokens, its model only {rows}: they do not belong together",
            fix="copy config.json, weights and tokenizer from the same model",
        )


def check_finite(model: nn.Module, name: str) -> None:
    """ModelError where a weight of the files is not a number: such a model answers nothing, and every step on it would."""
    for parameter, weights in model.named_parameters():
        if not bool(torch.isfinite(weights).all()):
            raise ModelError(f"{name} holds numbers that are not finite, in {parameter}", fix="download the folder again")


def set_padding(model: Any, tokenizer: Any) -> None:
    """Decoders find the last token of a row by the padding id in their configuration; it is saved with the model."""
    config = model.config.get_text_config()
    if config.pad_token_id is None:
        config.pad_token_id = tokenizer.pad_token_id


def _from_files(source: Source, head: Head, config: Any, *, seed: int) -> tuple[Any, set[str]]:
    """The model and the names of the parameters that its files do not hold."""
    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model, info = head.auto.from_pretrained(
                source.path, config=config, dtype=torch.float32, local_files_only=True, use_safetensors=True,
                ignore_mismatched_sizes=True, output_loading_info=True,
            )  # fmt: skip
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise ModelError(f"the weights of {source.name} cannot be loaded: {first_line(error)}", fix="download the folder again") from error
    mismatched = {entry[0] if isinstance(entry, tuple | list) else entry for entry in info["mismatched_keys"]}
    missing = {str(name) for name in info["missing_keys"]} | mismatched
    body = [name for name in missing if name.startswith(f"{model.base_model_prefix}.") and ".pooler." not in name]
    if body:
        raise ModelError(
            f"the files of {source.name} do not hold the weights its configuration speaks of ({len(body)} missing, {sorted(body)[0]})",
            fix="config.json and the weights belong to different models; download the folder again",
        )
    return model, missing


def _renew_output_layer(model: Any, num_labels: int, *, seed: int) -> set[str]:
    """A head trained for other labels starts anew; what lies below it stays. Returns the names made."""
    base = getattr(model, model.base_model_prefix)
    inside = {id(module) for module in base.modules()}
    deviation = getattr(model.config.get_text_config(), "initializer_range", 0.02) or 0.02
    generator = torch.Generator().manual_seed(seed)
    made: set[str] = set()
    for name, module in model.named_modules():
        if id(module) in inside or not isinstance(module, nn.Linear) or module.out_features != num_labels:
            continue
        with torch.no_grad():
            module.weight.normal_(0.0, deviation, generator=generator)
            if module.bias is not None:
                module.bias.zero_()
        made |= {f"{name}.{kind}" for kind, _ in module.named_parameters()}
    return made


def _choose_padding(tokenizer: Any, name: str) -> None:
    """A reserved padding token where the vocabulary has one, else the end token.

    Padding is masked and never pooled, so that sharing the end token is safe here; a *new* token would need a new embedding row.
    """
    vocabulary = tokenizer.get_vocab()
    reserved = [t for t in ("<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>", "<|endoftext|>", "<unk>") if t in vocabulary]
    ends = [tokenizer.eos_token] if tokenizer.eos_token else []
    candidates = [t for t in reserved if t in ("<pad>", "[PAD]", "<|pad|>", "<|finetune_right_pad_id|>")] + ends + reserved
    if not candidates:
        raise ModelError(f"the tokenizer of {name} has no padding token and no end token", fix="set pad_token in tokenizer_config.json")
    tokenizer.pad_token = candidates[0]


def _load_adapter(found: Source) -> LoadedModel:
    try:
        facts = read_json(found.path / FACTS)
        wanted, head, padding = facts["base"], head_of(facts), facts["pad_token_id"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{found.name} is an adapter without a readable {FACTS} ({error})", fix="load it with PEFT itself") from error
    base = _base_of(wanted, found)
    if content_hash(base.path) != wanted["content"]:
        raise ModelError(f"the base model of {found.name} ({base.name}) has changed since", fix="bring back the files it was made on")
    loaded = load(base, labels=head.labels, problem_type=head.problem_type) if isinstance(head, Classifier) else load_language(base)
    loaded = _with_own_tokens(loaded, found) if head == Language() else loaded
    loaded.model.config.get_text_config().pad_token_id = padding
    try:
        model = PeftModel.from_pretrained(loaded.model, str(found.path), local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        said = first_line(error)
        raise ModelError(
            f"the adapter {found.name} cannot be loaded: {said}", fix="train it again, or bring back the whole folder"
        ) from error
    identity = dataclasses.replace(loaded.identity, parameters=sum(p.numel() for p in model.parameters()))
    return LoadedModel(model.eval(), loaded.tokenizer, identity, loaded.labels, frozenset())


def _with_own_tokens(loaded: LoadedModel, found: Source) -> LoadedModel:
    """The base model with the tokens that were added to its vocabulary when the adapter was trained; their rows come with the adapter."""
    own = load_tokenizer(found)
    if own.get_added_vocab() == loaded.tokenizer.get_added_vocab():
        return loaded
    grow(loaded.model, own, sorted(loaded.tokenizer.get_vocab().values()))
    return dataclasses.replace(loaded, tokenizer=own)


def _base_of(wanted: dict[str, Any], found: Source) -> Source:
    """The base model by the path it had, else by its name: folders move, packages get other paths in another environment."""
    last: UserError | None = None
    for candidate in (wanted["path"], wanted["name"]):
        try:
            return resolve(candidate)
        except ModelError as error:
            last = error
    raise ModelError(f"the base model of {found.name}, {wanted['name']!r}, is not here any more", fix=last.fix if last else None)
