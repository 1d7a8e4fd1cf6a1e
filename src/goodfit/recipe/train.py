"""The sections `train` and `peft`: how to train, and of which weights. Part of recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from goodfit.errors import nearest
from goodfit.recipe.section import Auto, Names, Section

Alarm = Literal["diverged", "rate_too_high", "dead", "collapsed", "overfitting"]
"""What can be diagnosed before a training is over."""
Answer = Literal["stop", "restore_best", "lower_rate"]
"""End with the best weights; go back to them and go on; halve the rates (of a training that diverged: from its newest checkpoint on)."""
TRACKERS = ("tensorboard", "mlflow", "wandb", "trackio")


class Train(Section):
    """How to train; the keys are those of transformers' TrainingArguments."""

    learning_rate: Auto | Annotated[float, Field(gt=0, lt=1)] = "auto"
    """Peak rate of the body."""
    head_learning_rate: Auto | Annotated[float, Field(gt=0, lt=1)] = "auto"
    """Peak rate of a freshly initialised head."""
    num_train_epochs: Auto | Annotated[float, Field(gt=0)] = "auto"
    """Passes over the training rows."""
    max_steps: Annotated[int, Field(gt=0)] | None = None
    """Stops after so many optimiser steps, whatever the epochs say."""
    batch_tokens: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Most tokens in memory at once (a micro-batch); the result does not depend on it."""
    per_device_train_batch_size: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Rows per micro-batch; times gradient_accumulation_steps it is the number of rows of an optimiser step."""
    gradient_accumulation_steps: Annotated[int, Field(gt=0)] = 1
    """Micro-batches per optimiser step; the loss equals that of the whole batch."""
    weight_decay: Auto | Annotated[float, Field(ge=0)] = "auto"
    """Decoupled decay; none on norms and biases. `auto`: 0.01, and 0 for an adapter."""
    adam_beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """AdamW's first moment."""
    adam_beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """AdamW's second moment."""
    adam_epsilon: Annotated[float, Field(gt=0)] = 1e-8
    """AdamW's epsilon."""
    max_grad_norm: Annotated[float, Field(ge=0)] = 1.0
    """Gradients are clipped to this global norm; 0 switches clipping off."""
    lr_scheduler_type: Literal["auto", "linear", "cosine", "constant", "constant_with_warmup", "warmup_stable_decay"] = "auto"
    """Shape of the rate after the warm-up; `auto`: linear to 0. `warmup_stable_decay` holds the rate and falls linearly at the end."""
    decay_steps: Annotated[float, Field(gt=0)] = 0.2
    """How long the fall of `warmup_stable_decay` takes: below 1 a share of all steps, else steps."""
    warmup_steps: Auto | Annotated[float, Field(ge=0)] = "auto"
    """Below 1 a share of all steps, else steps. `auto`: 0.06, and 0.03 for a model that writes."""
    label_smoothing_factor: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the target spread over all classes."""
    class_weights: Literal["none", "balanced"] | dict[str, float] = "none"
    """Weight of each class in the loss: `balanced` (n / (classes * count)), or given by name."""
    freeze: Literal["none", "embeddings", "body"] | Annotated[int, Field(ge=0)] = "none"
    """Which weights stay as they are: the embeddings, the embeddings and the first k layers, or all but the head."""
    neftune_noise_alpha: Annotated[float, Field(gt=0)] | None = None
    """Generation: noise on the embeddings (NEFTune; 5 is usual), against answers learned by heart."""
    samples: Annotated[int, Field(ge=0)] = 3
    """Generation: validation prompts that are answered while the model trains (train/samples.jsonl)."""
    early_stopping: bool = True
    """Stop when the validation score has not improved for a while; the best step is kept either way."""
    metric_for_best_model: str = "auto"
    """Validation score by which a step is kept: `macro_f1` (= `auto`), `accuracy`, `micro_f1`, `subset_accuracy`, `log_loss`."""
    eval_steps: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Optimiser steps between two looks at train and validation."""
    save_steps: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Optimiser steps between two checkpoints (also written at every look)."""
    logging_steps: Auto | Annotated[int, Field(gt=0)] = "auto"
    """Optimiser steps per line in events.jsonl; `auto`: about one line a second."""
    act: dict[Alarm, Answer] = Field(default_factory=dict)
    """What is done by itself when a diagnosis is made during training: `{overfitting: stop, diverged: lower_rate}`. Nothing by default:
    it is told, and early_stopping keeps the best step."""
    report_to: Names = ()
    """Trackers that get the curves too: tensorboard, mlflow, wandb, trackio (each an optional package)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products (weights stay float32); `auto`: whichever this machine is measured to be faster with."""

    @field_validator("report_to")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in (*TRACKERS, "none"):
                near = nearest(name, TRACKERS)
                raise ValueError(f"{name!r} is no tracker" + (f"; did you mean {near}?" if near else f": there are {', '.join(TRACKERS)}"))
        return tuple(name for name in dict.fromkeys(names) if name != "none")

    @field_validator("act")
    @classmethod
    def _possible(cls, act: dict[Alarm, Answer]) -> dict[Alarm, Answer]:
        if act.get("diverged", "lower_rate") != "lower_rate":
            raise ValueError(
                "a training that diverged has ended: the only answer to it is lower_rate, which begins again at its newest checkpoint"
            )
        return act


class Peft(Section):
    """Train a small adapter instead of all weights (PEFT's words)."""

    method: Literal["full", "lora"] = "full"
    """`full`: all weights; `lora`: a low-rank adapter."""
    r: Annotated[int, Field(gt=0)] = 16
    """Rank."""
    lora_alpha: Annotated[float, Field(gt=0)] = 32
    """Scale; the update counts lora_alpha / r."""
    lora_dropout: Auto | Annotated[float, Field(ge=0, lt=1)] = "auto"
    """Dropout before the adapter; `auto`: 0.05, and 0 above 20,000 rows."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Which linear layers get one."""
