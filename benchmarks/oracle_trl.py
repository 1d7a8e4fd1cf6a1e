"""TRL's SFTTrainer as an oracle: the same rows, weights and order through both, and the loss of every optimiser step compared.

`python -m benchmarks.oracle_trl` writes benchmarks/results/2-trl-losses.json (needs requirements/oracles.txt); the same comparison is
held by tests/engine/test_trl.py. TRL tokenises, masks, pads or packs and trains by itself, from conversations; nothing of ours reaches
it but the chat template's text, the first weights and the numbers of the plan.

Both run in float32 on one machine, so that nothing but the order of additions may differ.
"""

from __future__ import annotations

import copy
import dataclasses
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import transformers as tf
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from benchmarks.claims import record, row
from goodfit.engine import training
from goodfit.engine.batches import Order
from goodfit.engine.examples import Examples
from goodfit.engine.fit import fit
from goodfit.engine.plan import Plan
from goodfit.engine.tier import Tier, find_tier
from goodfit.models.adapters import add_lora
from goodfit.models.identity import Identity
from goodfit.models.load import LoadedModel
from goodfit.models.templates import Template, shipped
from goodfit.tasks.language import LanguageObjective
from goodfit.tasks.masks import mark
from tests import tiny

STEPS, ROWS, ACCUMULATED = 20, 12, 2
"""Optimiser steps, rows in each, forward passes in each."""
LONGEST = 256
"""Tokens of a pack. Rows of more than a quarter and at most a third of it make packs of exactly three, so that a step of ours, which
is a number of rows, is a number of packs too."""
GOAL = 5e-5
"""Equal to four decimals."""
FAMILIES = ("llama", "qwen2", "qwen3", "mistral", "gemma2")
TIERS = ("packed", "padded")
Row = dict[str, Any]
Sequence = tuple[tuple[int, ...], tuple[bool, ...]]
"""Tokens of a row, and which of them are learned."""

_WORDS = "the a river house small walks blue why and is what hello no yes tell me about seven stars please then old".split()
_ENDS = "<|im_end|>"
CHATML = shipped("chatml")
ANSWERS = """{%- for message in messages -%}
    {{- '<|im_start|>' + message.role + '\\n' -}}
    {%- if message.role == 'assistant' -%}
        {%- generation -%}{{- message.content + '<|im_end|>' -}}{%- endgeneration -%}{{- '\\n' -}}
    {%- else -%}
        {{- message.content + '<|im_end|>\\n' -}}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""
"""ChatML for TRL's `assistant_only_loss`, which needs the answers marked; ours finds them in the plain template."""
ENDS_WITH_ANSWER = Template("turns", "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>{% endfor %}"
                            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}", "file")  # fmt: skip
"""Without a line break behind an answer: TRL's `completion_only_loss` learns whatever stands there."""


@dataclass(frozen=True)
class Case:
    """One way to train."""

    family: str = "llama"
    lora: bool = False
    packed: bool = False
    form: str = "messages"
    """`messages`, `turns` (a prompt and a completion of turns) or `texts` (of plain text)."""
    attention: str | None = None
    """None: what transformers takes for the architecture."""
    pads_with_end: bool = False
    """Whether the model's configuration names the end token as its padding, too (as SmolLM2's does), so that its embedding learns nothing."""
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Keys of the plan, whose names are TRL's too."""

    def plan(self) -> Plan:
        """The numbers of our side."""
        chosen: dict[str, Any] = {"learning_rate": 5e-3 if self.lora else 1e-3, "weight_decay": 0.0, "lr_scheduler_type": "linear"}
        return Plan(**chosen | {
            "train_batch_size": ROWS, "batch_rows": ROWS // ACCUMULATED, "num_train_epochs": 1, "warmup_steps": 0, "max_grad_norm": 1.0,
            "precision": "float32", "logging_steps": 1, "early_stopping": False, "seed": 3,
        } | self.settings)  # fmt: skip


def why_absent() -> str | None:
    """Why there is no oracle here; None where there is one."""
    missing = [name for name in ("trl", "datasets", "pandas") if find_spec(name) is None]
    return f"{', '.join(missing)} not installed (pip install --no-deps -r requirements/oracles.txt)" if missing else None


def tokenizer() -> Any:
    """A small byte-level BPE with ChatML's tokens; what ends a turn ends a text and pads, too."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    texts = [" ".join(_WORDS), "user\nassistant\nsystem\n"] * 20
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    inner.train_from_iterator(texts, trainer)
    inner.add_special_tokens(["<|im_start|>", _ENDS])
    return tf.PreTrainedTokenizerFast(tokenizer_object=inner, eos_token=_ENDS, pad_token=_ENDS)


def model(case: Case, vocabulary: int) -> Any:
    """A random two-layer decoder of the family for that many tokens; equal cases give equal weights."""
    config = tiny.CONFIGS[case.family]()
    config.vocab_size, config.max_position_embeddings = vocabulary + 3, 2 * LONGEST
    config.eos_token_id = end = vocabulary - 1
    config.bos_token_id, config.pad_token_id = None, end if case.pads_with_end else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        made = tf.AutoModelForCausalLM.from_config(config, attn_implementation=case.attention)
        with torch.no_grad():
            for p in made.parameters():
                if p.ndim > 1:
                    p.normal_(0.0, 0.15)
    return made


def conversations(case: Case, words: Any, count: int = STEPS * ROWS) -> list[Row]:
    """Different random conversations of one to three rounds, some with a system message, whose answers differ much in length."""
    rng, out, seen = random.Random(5), [], set()
    while len(out) < count:
        rounds = rng.randint(1, 3) if case.form == "messages" else 1
        said = [{"role": "system", "content": _text(rng, 8)}] if rng.random() < 0.3 else []
        for _ in range(rounds):
            said += [{"role": "user", "content": _text(rng, 30)}, {"role": "assistant", "content": _text(rng, 40)}]
        made: Row = {"messages": said}
        if case.form == "texts":
            made = {"prompt": said[-2]["content"], "completion": " " + said[-1]["content"]}
        ids, _ = ours_of(made, words, case)
        fits = not case.packed or LONGEST / 4 < len(ids) <= LONGEST / 3
        if fits and ids not in seen:
            seen.add(ids)
            out.append(made)
    return out


def _text(rng: random.Random, longest: int) -> str:
    return " ".join(rng.choices(_WORDS, k=rng.randint(1, longest)))


def ours_of(conversation: Row, words: Any, case: Case) -> Sequence:
    """What we make of a conversation."""
    template = {"messages": CHATML, "turns": ENDS_WITH_ANSWER, "texts": None}[case.form]
    marked = mark(conversation, words, template)
    return tuple(marked.ids), tuple(marked.learned)


def theirs(case: Case, whole: Any, words: Any, rows: list[Row]) -> tuple[list[float], list[Sequence]]:
    """TRL's loss of every step, and the rows in the order in which it took them.

    A LoRA adapter is TRL's own, by `peft_config`, with our first weights in it.
    """
    import datasets
    import trl

    class Watched(trl.SFTTrainer):
        """Keeps the loss of every forward pass, and sends nothing anywhere."""

        def _send_telemetry(self) -> None:
            return

        def training_step(self, *args: Any, **settings: Any) -> Any:
            loss = super().training_step(*args, **settings)
            losses.append(float(loss))
            return loss

    losses: list[float] = []
    words = copy.deepcopy(words)
    words.chat_template = ENDS_WITH_ANSWER.source if case.form == "turns" else ANSWERS
    datasets.disable_progress_bars()
    first = {k: v.clone() for k, v in get_peft_model_state_dict(whole).items()} if case.lora else {}
    with tempfile.TemporaryDirectory() as folder:
        trainer = Watched(
            whole.unload() if case.lora else whole, args=_arguments(case, trl, folder), processing_class=words,
            train_dataset=datasets.Dataset.from_list([_as_trl(r, case.form) for r in rows]),
            peft_config=LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear") if case.lora else None,
        )  # fmt: skip
        if case.lora:
            _take_over(trainer.model, first)
        for callback in (tf.PrinterCallback, tf.trainer_callback.ProgressCallback):
            trainer.remove_callback(callback)
        trainer.train()
    sums = [sum(losses[i : i + ACCUMULATED]) for i in range(0, len(losses), ACCUMULATED)]
    return sums, list(_sequences(trainer.train_dataset))


def _arguments(case: Case, trl: Any, folder: str) -> Any:
    """The plan's numbers in TRL's words."""
    plan = case.plan()
    return trl.SFTConfig(
        output_dir=folder, use_cpu=True, bf16=False, gradient_checkpointing=False, report_to="none", save_strategy="no", disable_tqdm=True,
        logging_strategy="no", seed=plan.seed, num_train_epochs=1, learning_rate=plan.learning_rate, weight_decay=plan.weight_decay,
        adam_beta1=plan.adam_beta1, adam_beta2=plan.adam_beta2, adam_epsilon=plan.adam_epsilon, max_grad_norm=plan.max_grad_norm,
        lr_scheduler_type=plan.lr_scheduler_type, warmup_steps=0, gradient_accumulation_steps=ACCUMULATED,
        per_device_train_batch_size=ROWS // ACCUMULATED // (3 if case.packed else 1), train_sampling_strategy="sequential",
        max_length=LONGEST, packing=case.packed, assistant_only_loss=case.form == "messages",
    )  # fmt: skip


def _as_trl(conversation: Row, form: str) -> Row:
    if form != "turns":
        return conversation
    return {"prompt": conversation["messages"][:-1], "completion": conversation["messages"][-1:]}


def _take_over(adapted: Any, first: dict[str, torch.Tensor]) -> None:
    """Our adapter's weights into theirs, which must have the same places."""
    assert set(get_peft_model_state_dict(adapted)) == set(first), "TRL put its adapter elsewhere"
    set_peft_model_state_dict(adapted, first)


def _sequences(dataset: Any) -> Iterator[Sequence]:
    """TRL's rows, taken out of their packs."""
    for entry in dataset:
        ids, labels, at = entry["input_ids"], entry["labels"], 0
        for length in entry.get("seq_lengths") or [len(ids)]:
            yield tuple(ids[at : at + length]), tuple(label != -100 for label in labels[at : at + length])
            at += length


def ours(case: Case, whole: Any, rows: list[Sequence], tier: str, weight: list[float] | None = None) -> list[float]:
    """Our loss of every step on these rows, in their order, in that tier; `weight`: of each row, 1 where not given."""
    plan, losses = case.plan(), []
    back = _in_our_order(len(rows), plan)
    placed = [rows[i] for i in back]
    offsets = np.concatenate([[0], np.cumsum([len(ids) for ids, _ in placed])])
    flat = [np.concatenate([np.asarray(r[part]) for r in placed]) for part in (0, 1)]
    examples = Examples.from_arrays(flat[0], offsets, learned=flat[1], weight=None if weight is None else np.asarray(weight)[back])

    def listen(event: dict[str, Any]) -> None:
        if event["event"] == "step":
            losses.append(event["loss"])
        assert event.get("tier", tier) == tier, event["tier_reason"]

    with _only(tier):
        fit(whole, {"train": examples, "valid": None}, plan, objective=LanguageObjective(), on_event=listen)
    return losses


def _in_our_order(count: int, plan: Plan) -> Any:
    """int64 [count]: which row to lay at each place, so that our shuffled batches take the rows in the order given."""
    order = Order(np.ones(count, dtype=np.int64), plan)
    return np.argsort(np.concatenate([order.batch(step) for step in range(order.steps_total)]))


@contextmanager
def _only(tier: str) -> Iterator[None]:
    """Within it, a training takes that tier whatever the check would choose."""
    if tier == "packed":
        yield
        return

    def chosen(whole: Any, examples: Examples) -> Tier:
        return dataclasses.replace(find_tier(whole, examples), name=tier, reason="asked for")  # type: ignore[arg-type]

    with patch.object(training, "find_tier", chosen):
        yield


def start(case: Case, words: Any) -> Any:
    """The model that both begin with, our adapter in it where there is one."""
    whole = model(case, len(words))
    if not case.lora:
        return whole
    facts = Identity("tiny", "", "folder", "", "", case.family, 0, 2 * LONGEST, len(words), 32, 2, True, None, None)
    return add_lora(LoadedModel(whole, words, facts, (), frozenset()), r=4, lora_alpha=8, seed=7).model


@dataclass(frozen=True)
class Compared:
    """Losses of one case."""

    theirs: list[float]
    ours: dict[str, list[float]]
    """By tier."""

    @property
    def difference(self) -> float:
        """The largest of a step, over all tiers."""
        return max(abs(a - b) for mine in self.ours.values() for a, b in zip(mine, self.theirs, strict=True))


def compare(case: Case, tiers: tuple[str, ...] = TIERS) -> Compared:
    """Both sides on one case. Raises AssertionError where they do not even agree on a row's tokens, or on which of them are learned."""
    words = tokenizer()
    rows = conversations(case, words)
    with _one_thread():
        losses, taken = theirs(case, start(case, words), words, rows)
        mine = dict(ours_of(r, words, case) for r in rows)
        assert dict(taken) == mine, "tokens or masks differ"
        return Compared(losses, {tier: ours(case, start(case, words), taken, tier) for tier in tiers})


@contextmanager
def _one_thread() -> Iterator[None]:
    """Models this small only wait for each other on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def main() -> None:
    """One row for each of full and LoRA, padded and packed."""
    out, absent = [], why_absent()
    for lora in (False, True):
        for packed in (False, True):
            ways = f"{'LoRA' if lora else 'all weights'}, TRL {'packed' if packed else 'padded'}"
            claim = f"loss of each of {STEPS} steps against TRL's SFTTrainer, largest difference ({ways}; {len(FAMILIES)} families, tiny)"
            facts: dict[str, Any] = {"command": "python -m benchmarks.oracle_trl", "families": FAMILIES}
            if absent:
                out.append(row(claim, "< 5e-5", None, passed=None, why_absent=absent, **facts))
                continue
            found = [compare(Case(family, lora=lora, packed=packed)) for family in FAMILIES]
            worst = max(f.difference for f in found)
            figures = len(found) * len(TIERS) * STEPS
            out.append(row(claim, "< 5e-5", float(f"{worst:.2e}"), n=figures, passed=worst < GOAL, **facts))
    record("trl-losses", out, part=2)


if __name__ == "__main__":
    main()
