"""A key or a value of another tool -> what to write instead: nobody who brings a recipe from elsewhere is left with "unknown key".

Layer: settings; look-ups in the table of `foreign_words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from goodfit.settings.foreign_words import ABSENT, NEEDLESS, OURS, PREFIXES


@dataclass(frozen=True)
class Answer:
    """What to tell somebody who wrote a foreign key."""

    says: str
    """A half sentence that follows the key: `is called train.learning_rate here`."""
    fix: str
    """Our key, or `remove the line`."""


NOTES: dict[str, str] = {
    "warmup_ratio": "below 1 it is a share of all steps, so the value can stay",
    "warmup_proportion": "below 1 it is a share of all steps, so the value can stay",
    "warmup_fraction": "below 1 it is a share of all steps, so the value can stay",
    "warmup_epochs": "below 1 it is a share of all steps",
    "problem_type": "multi_label_classification is `multi_label: true`, single_label_classification is the default",
    "num_labels": "the classes are found in the data; a list of names is only needed to forbid others",
    "id2label": "a list of names; the ids follow its order",
    "label2id": "a list of names; the ids follow its order",
    "betas": "and train.adam_beta2",
    "adam_betas": "and train.adam_beta2",
    "fp16": "float32 or bfloat16; half precision without a wide exponent is not offered",
    "float16": "float32 or bfloat16; half precision without a wide exponent is not offered",
    "half": "float32 or bfloat16; half precision without a wide exponent is not offered",
    "bf16": "`bfloat16`, or leave it to `auto`",
    "mixed_precision": "`bfloat16`, or leave it to `auto`",
    "eval_strategy": "a number of steps, or leave it to `auto`",
    "evaluation_strategy": "a number of steps, or leave it to `auto`",
    "save_strategy": "a number of steps, or leave it to `auto`",
    "logging_strategy": "a number of steps, or leave it to `auto`",
    "early_stopping_patience": "true or false; how long to wait follows from the number of looks",
    "early_stopping_steps": "true or false; how long to wait follows from the number of looks",
    "patience": "true or false; how long to wait follows from the number of looks",
    "global_batch_size": "times train.gradient_accumulation_steps it is the number of rows of an optimiser step",
    "effective_batch_size": "times train.gradient_accumulation_steps it is the number of rows of an optimiser step",
    "lora_target_linear": "`all-linear`, which is the default",
    "learning_rate_multiplier": "the rate itself, or leave it to `auto`",
    "loraplus_lr_ratio": "a rate, not a ratio",
    "datasets": "`path:` for one file, `sources:` for several",
    "test_datasets": "`valid` is looked at during the training, `test` once at the end",
    "val_set_size": "a share between 0 and 1",
    "validation_split": "a share; for a given file write data.valid",
    "valid_split": "for a share of the rows write split.valid_size",
    "split_column": "`by` keeps rows with the same value together; given splits are data.train, data.valid and data.test",
    "dataset_exact_deduplication": "`drop`; duplicates never stand on two sides in any case",
}
"""What else there is to say about some of them."""

VALUES: dict[tuple[str, str], str] = {
    ("train.precision", "bf16"): "bfloat16",
    ("train.precision", "fp32"): "float32",
    ("train.precision", "fp16"): "bfloat16, or auto (fp16 is not offered)",
    ("train.precision", "float16"): "bfloat16, or auto (fp16 is not offered)",
    ("train.precision", "16"): "bfloat16, or auto (fp16 is not offered)",
    ("peft.method", "qlora"): "lora (weights are not quantised in this version)",
    ("peft.method", "none"): "full",
    ("peft.method", "freeze"): "full, with train.freeze",
    ("evaluate.on", "validation"): "valid",
    ("evaluate.on", "val"): "valid",
    ("evaluate.on", "dev"): "valid",
    ("evaluate.on", "eval"): "valid",
    ("evaluate.on", "cv"): "folds, with split.folds",
    ("evaluate.on", "cross_validation"): "folds, with split.folds",
    ("task.kind", "sft"): "generation",
    ("task.kind", "causal_lm"): "generation",
    ("task.kind", "chat"): "generation",
    ("task.kind", "instruction"): "generation",
    ("task.kind", "pretraining"): "generation, with task.text",
    ("task.kind", "pt"): "generation, with task.text",
    ("prepare.truncation_mode", "truncate"): "keep_start",
    ("prepare.truncation_mode", "delete"): "drop",
    ("prepare.truncation_mode", "left"): "keep_end",
    ("prepare.truncation_mode", "right"): "keep_start",
    ("task.kind", "text-classification"): "classification",
    ("task.kind", "text_classification"): "classification",
    ("task.kind", "sequence_classification"): "classification",
    ("task.kind", "seq_cls"): "classification",
    ("task.kind", "multi_label"): "classification, with task.multi_label: true",
    ("task.kind", "multilabel"): "classification, with task.multi_label: true",
    ("task.kind", "regression"): "classification (a number as target is not in this version)",
    ("task.kind", "ner"): "classification (tagging of words is not in this version)",
    ("task.kind", "token-classification"): "classification (tagging of words is not in this version)",
    ("train.lr_scheduler_type", "cosine_with_restarts"): "cosine",
    ("train.lr_scheduler_type", "cosine_with_min_lr"): "cosine",
    ("train.lr_scheduler_type", "polynomial"): "linear",
    ("train.lr_scheduler_type", "wsd"): "warmup_stable_decay",
    ("train.lr_scheduler_type", "trapezoid"): "warmup_stable_decay",
    ("train.freeze", "encoder"): "body",
    ("train.freeze", "backbone"): "body",
    ("train.freeze", "all"): "body",
    ("train.class_weights", "auto"): "balanced",
    ("train.class_weights", "inverse"): "balanced",
    ("split.duplicates", "remove"): "drop",
    ("split.duplicates", "true"): "drop",
    ("split.duplicates", "false"): "keep",
    ("choose.trust_remote_code", "true"): "remove the line: code that comes with a model is never run",
}
"""(Our key, a value of another tool) -> the value to write."""


@cache
def table() -> dict[str, Answer]:
    """Foreign key -> answer, for every name above."""
    out: dict[str, Answer] = {}
    for ours, names in OURS.items():
        for name in names.split():
            note = f" ({NOTES[name]})" if name in NOTES else ""
            out[name] = Answer(f"is called {ours} here{note}", ours)
    for why, names in NEEDLESS.items():
        out |= {name: Answer(f"is not needed: {why}", "remove the line") for name in names.split()}
    for why, names in ABSENT.items():
        out |= {name: Answer(f"is not available: {why}", "remove the line") for name in names.split()}
    return out


def answer(name: str) -> Answer | None:
    """What to say to a key of another tool (lower case, with underscores), or None."""
    known = table().get(name)
    if known is not None:
        return known
    return next((table()[entry] for prefix, entry in PREFIXES if name.startswith(prefix)), None)


def value_answer(key: str, value: Any) -> str | None:
    """What to write instead of another tool's value for our key, or None."""
    return VALUES.get((key, str(value).strip().lower()))
