"""evaluate/parity.json: does the saved folder say in plain transformers (or PEFT) what it says here?

Part of evaluate, for generation. A few validation prompts are tokenised and answered greedily by plain transformers, from the folder
alone, and by Goodfit; the first difference is written down. The plain model is gone before the other is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from goodfit.data.conversations import as_messages, prompt_of
from goodfit.engine.generate import Decoding, generate
from goodfit.errors import first_line
from goodfit.files import read_json
from goodfit.models.load import FACTS
from goodfit.models.quiet import quiet
from goodfit.stages.evaluate.language_answerer import Answerer
from goodfit.stages.evaluate.language_rows import Row, prompt_of_row

PROMPTS, NEW_TOKENS = 8, 32
SCHEMA = "goodfit/parity/1"


@dataclass(frozen=True)
class Plain:
    """What plain transformers made of some prompts, or why it could not."""

    prompts: list[list[int]]
    answers: list[list[int]]
    """The new tokens, the end token included."""
    failed: str | None = None


def plain_answers(folder: Path, rows: Sequence[Row], *, template: bool, new_tokens: int) -> Plain:
    """Loads the folder as any user of transformers would, and answers."""
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model = _plain_model(folder, tokenizer)
        prompts = [_prompt(row.conversation, tokenizer, template=template) for row in rows]
        answers = []
        for prompt in prompts:
            ids = torch.tensor([prompt])
            with torch.inference_mode(), quiet():
                whole = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=new_tokens, do_sample=False)
            answers.append(whole[0, len(prompt) :].tolist())
        return Plain(prompts, answers)
    except Exception as error:  # whatever plain transformers raises is what its user would see  # noqa: BLE001
        return Plain([], [], f"{type(error).__name__}: {first_line(error)}")


def _plain_model(folder: Path, tokenizer: Any) -> Any:
    """As PEFT's own AutoPeftModel does it: a base model gets rows for tokens that were added."""
    if not (folder / "adapter_config.json").is_file():
        return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()
    base = AutoModelForCausalLM.from_pretrained(read_json(folder / FACTS)["base"]["path"], local_files_only=True, dtype=torch.float32)
    if base.get_input_embeddings().num_embeddings < len(tokenizer):
        base.resize_token_embeddings(len(tokenizer))
    return PeftModel.from_pretrained(base, str(folder), local_files_only=True).eval()


def _prompt(told: Mapping[str, Any], tokenizer: Any, *, template: bool) -> list[int]:
    alone = told.get("text") if "text" in told else None if template else told.get("prompt")
    if alone is not None:
        return list(tokenizer(alone)["input_ids"])
    asked = as_messages(prompt_of(told))
    messages = [{key: value for key, value in turn.items() if key != "train"} for turn in asked["messages"]]
    return list(tokenizer.apply_chat_template(messages, tools=asked.get("tools") or None, add_generation_prompt=True, return_dict=False))


def compared(plain: Plain, rows: Sequence[Row], writer: Answerer, new_tokens: int) -> dict[str, Any]:
    """The document: equal, or where each prompt and each answer first differs."""
    stops = writer.decoding.stop_token_ids
    document: dict[str, Any] = {"schema": SCHEMA, "prompts": len(rows), "new_tokens": new_tokens, "failed": plain.failed, "rows": []}
    if plain.failed is not None:
        return document | {"prompts_equal": 0, "answers_equal": 0, "equal": False}
    ours = [prompt_of_row(row.conversation, writer.task, writer.tokenizer) for row in rows]
    decoding = Decoding(max_new_tokens=new_tokens, stop_token_ids=stops)
    written = {one.index: one for one in generate(writer.model, ours, decoding)} if ours else {}
    for place, row in enumerate(rows):
        theirs = plain.prompts[place][: len(ours[place])] if "text" in row.conversation else plain.prompts[place]
        same_prompt = theirs == ours[place]
        answer, stopped = plain.answers[place], bool(plain.answers[place]) and plain.answers[place][-1] in stops
        if "text" in row.conversation:
            line = {"row": row.row, "prompt_equal": same_prompt, "answer_equal": None, "first_difference": None}
        else:
            body = tuple(answer[:-1] if stopped else answer)
            equal = body == written[place].ids and stopped == written[place].stopped
            line = {"row": row.row, "prompt_equal": same_prompt, "answer_equal": equal and same_prompt,
                    "first_difference": None if equal else _first(body, written[place].ids)}  # fmt: skip
        document["rows"].append(line)
    right = sum(line["prompt_equal"] for line in document["rows"])
    alike = sum(line["answer_equal"] is not False for line in document["rows"])
    return document | {"prompts_equal": right, "answers_equal": alike, "equal": right == alike == len(rows)}


def _first(a: Sequence[int], b: Sequence[int]) -> int:
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
