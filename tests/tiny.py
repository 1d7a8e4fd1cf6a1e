"""Two-layer models with random weights, and tokenizers, made in memory: one for every family that the engine must get right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers as tf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from goodfit.engine.examples import Examples
from goodfit.models.templates import shipped

WORDS = [f"w{i}" for i in range(60)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = len(SPECIAL) + len(WORDS)
_ROWS = VOCABULARY + 7
"""Embedding rows: some more than tokens, as in real models."""
_SIZE = {"vocab_size": _ROWS, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
_DECODER = _SIZE | {
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "head_dim": 8,
}
_ENCODER = _SIZE | {"max_position_embeddings": 64, "pad_token_id": 0}

CONFIGS: dict[str, Any] = {
    "bert": lambda: tf.BertConfig(**_ENCODER),
    "roberta": lambda: tf.RobertaConfig(**_ENCODER | {"pad_token_id": 1, "max_position_embeddings": 66}),
    "electra": lambda: tf.ElectraConfig(**_ENCODER, embedding_size=24),
    "modernbert": lambda: tf.ModernBertConfig(
        **_ENCODER | {"num_hidden_layers": 3}, local_attention=8, cls_token_id=2, sep_token_id=3, bos_token_id=2, eos_token_id=3
    ),
    "distilbert": lambda: tf.DistilBertConfig(vocab_size=_ROWS, dim=32, n_layers=2, n_heads=4, hidden_dim=48, max_position_embeddings=64),
    "deberta-v2": lambda: tf.DebertaV2Config(**_ENCODER, relative_attention=True, pos_att_type=["p2c", "c2p"], position_biased_input=False),
    "llama": lambda: tf.LlamaConfig(**_DECODER),
    "qwen2": lambda: tf.Qwen2Config(**{k: v for k, v in _DECODER.items() if k != "head_dim"}),
    "qwen3": lambda: tf.Qwen3Config(**_DECODER),
    "mistral": lambda: tf.MistralConfig(**_DECODER, sliding_window=6),
    "gemma2": lambda: tf.Gemma2Config(**_DECODER, sliding_window=6, query_pre_attn_scalar=8),
    "gpt2": lambda: tf.GPT2Config(
        vocab_size=_ROWS, n_embd=32, n_layer=2, n_head=4, n_positions=64, pad_token_id=0, bos_token_id=2, eos_token_id=3
    ),
}
WRITERS: dict[str, Any] = {
    "gemma3_text": lambda: tf.Gemma3TextConfig(
        **_DECODER, sliding_window=6, query_pre_attn_scalar=8, layer_types=["sliding_attention", "full_attention"]
    ),
    "phi": lambda: tf.PhiConfig(**{k: v for k, v in _DECODER.items() if k != "head_dim"}),
}
"""More families, as generators only."""
PACKED = ("bert", "roberta", "electra", "modernbert", "distilbert", "llama", "qwen2", "qwen3", "mistral", "gemma2", "gpt2")
"""Families that the check must find packable; the others it must refuse."""
PADDED = ("deberta-v2",)


def model(family: str, *, labels: int = 3, seed: int = 0, dropout: float | None = None, multi_label: bool = False) -> Any:
    """A random classifier of that family, with weights large enough that attention matters."""
    config = CONFIGS[family]()
    config.id2label = {i: f"c{i}" for i in range(labels)}
    config.label2id = {f"c{i}": i for i in range(labels)}
    config.problem_type = "multi_label_classification" if multi_label else "single_label_classification"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = tf.AutoModelForSequenceClassification.from_config(config)
        with torch.no_grad():
            for p in made.parameters():
                if p.ndim > 1:
                    p.normal_(0.0, 0.15)
                elif p.std() == 0 and float(p.mean()) == 0:
                    p.normal_(0.0, 0.05)
    if dropout is not None:
        for module in made.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = dropout
    return made.eval()


def language_model(family: str, *, seed: int = 0) -> Any:
    """The same families as generators: a random …ForCausalLM."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = tf.AutoModelForCausalLM.from_config((CONFIGS | WRITERS)[family]())
        with torch.no_grad():
            for p in made.parameters():
                if p.ndim > 1:
                    p.normal_(0.0, 0.15)
    return made.eval()


def tokenizer() -> Any:
    """Words separated by spaces, [CLS] before and [SEP] behind."""
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(SPECIAL + WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return tf.PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=60, **names)


def folder(family: str, path: Path, **settings: Any) -> Path:
    """The same on disk, as a base model: the body without a head, and its tokenizer."""
    whole = model(family, **settings)
    getattr(whole, whole.base_model_prefix).save_pretrained(path)
    tokenizer().save_pretrained(path)
    return path


def byte_tokenizer(*, template: bool = True) -> Any:
    """One token per byte, ChatML's special tokens, and padding that is the end token, as in many published models."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate(alphabet)}, merges=[]))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    end = "<|im_end|>"
    inner.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in ("<|im_start|>", end)])
    made = tf.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=end, pad_token=end, model_max_length=256)
    if template:
        made.chat_template = shipped("chatml").source
    return made


def writer(path: Path, *, template: bool = True, seed: int = 0, **changes: Any) -> Path:
    """A small random Llama on disk, with its byte tokenizer: a base model for generation that learns short answers in seconds."""
    tokenizer = byte_tokenizer(template=template)
    config = tf.LlamaConfig(
        **{"vocab_size": len(tokenizer), "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
           "intermediate_size": 128, "max_position_embeddings": 256, "bos_token_id": None, "eos_token_id": tokenizer.eos_token_id,
           "pad_token_id": tokenizer.pad_token_id, "tie_word_embeddings": True} | changes,
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tf.AutoModelForCausalLM.from_config(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def examples(n: int = 24, *, seed: int = 0, longest: int = 20, labels: int = 3, multi_label: bool = False, rule: bool = False) -> Examples:
    """Random rows of random lengths, [CLS] … [SEP]; with `rule` the first words tell the class, so that it can be learned."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(3, longest + 1, size=n)
    goal = rng.integers(0, labels, size=n)
    rows = []
    for length, label in zip(lengths, goal, strict=True):
        ids = rng.integers(len(SPECIAL), VOCABULARY, size=length)
        if rule:
            ids[1 : min(4, length - 1)] = len(SPECIAL) + label
        ids[0], ids[-1] = 2, 3
        rows.append(ids)
    target: Any = (rng.random((n, labels)) < 0.4).astype(np.float32) if multi_label else goal
    if multi_label and rule:
        target = np.eye(labels, dtype=np.float32)[goal]
    return Examples.from_arrays(
        np.concatenate(rows), np.concatenate([[0], np.cumsum(lengths)]), target, row=[f"row{i:04d}" for i in range(n)]
    )


def language(n: int = 24, *, seed: int = 0, longest: int = 20) -> Examples:
    """Random rows of which random tokens are learned (at least one of each row)."""
    base, rng = examples(n, seed=seed, longest=longest), np.random.default_rng(seed + 1)
    learned = rng.random(len(base.input_ids)) < 0.5
    offsets = np.concatenate([base.starts, [len(base.input_ids)]])
    learned[offsets[1:] - 1], learned[offsets[:-1]] = True, False
    return Examples.from_arrays(base.input_ids, offsets, learned=learned, row=base.row_ids(np.arange(n)))


class Counts:
    """Accuracy (single label: argmax; multi label: share of right 0/1 answers), streamed."""

    def __init__(self) -> None:
        self.right = self.n = 0

    def add(self, logits: torch.Tensor, target: Any) -> None:
        goal = torch.from_numpy(target)
        hits = logits.argmax(-1) == goal if goal.ndim == 1 else (logits > 0) == (goal > 0.5)
        self.right, self.n = self.right + int(hits.sum()), self.n + hits.numel()

    def answers(self) -> None:
        return None

    def scores(self) -> list[dict[str, Any]]:
        return [{"name": "accuracy", "value": self.right / self.n, "n": self.n}]


class Classify:
    """The objective of a classifier, as a task would give it."""

    def __init__(self, primary: str = "accuracy") -> None:
        self.primary = primary
        self.higher_is_better = primary != "loss"

    def loss(self, logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        if target.ndim == 1:
            each = torch.nn.functional.cross_entropy(logits, target, reduction="none")
        else:
            each = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean(-1)
        return (each * weight).sum()

    def observe(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return logits

    def facts(self, observed: torch.Tensor, target: Any) -> Any:
        goal = torch.from_numpy(target)
        loss = [float(self.loss(row[None], goal[i : i + 1], torch.ones(1))) for i, row in enumerate(observed)]
        right = observed.argmax(-1) == goal if goal.ndim == 1 else ((observed > 0) == (goal > 0.5)).all(-1)
        return np.stack([loss, right.numpy(), np.zeros(len(loss))], axis=1)

    def weight_total(self, target: Any, weight: Any) -> float:
        return float(weight.sum())

    def accumulator(self) -> Counts:
        return Counts()
