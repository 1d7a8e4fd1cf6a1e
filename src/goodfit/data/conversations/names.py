"""The words of the formats: what columns, turns and speakers are called in the data sets that exist.

Layer: data. Sources: the dataset formats of TRL (docs/source/dataset_formats.md), LLaMA-Factory (data/README.md, data/parser.py) and
axolotl (docs/dataset-formats), and OpenAI's chat format. Names are compared without regard to case.
"""

from __future__ import annotations

MESSAGES = ("messages", "conversations", "conversation", "dialog", "dialogue", "chat", "turns")
"""Columns that hold a list of turns, most usual first."""
ROLE_KEYS = ("role", "from", "speaker", "author")
CONTENT_KEYS = ("content", "value", "text", "message")
OPENAI_KEYS = ("role", "content")
SHAREGPT_KEYS = ("from", "value")

INSTRUCTION = ("instruction",)
INPUT = ("input", "context")
OUTPUT = ("output", "response", "answer", "completion")
SYSTEM = ("system", "system_prompt")
HISTORY = ("history",)
TOOLS = ("tools", "functions")
PROMPT = ("prompt", "question", "query", "instruction", "input", "source", "src", "problem", "article", "document", "dialogue")
COMPLETION = ("completion", "response", "answer", "output", "target", "tgt", "solution", "reply", "summary", "generation")
CONTEXT = ("context", "passage", "paragraph", "article", "document")
"""Columns that a question is about: they stand before it in the prompt."""
TEXT = ("text",)
PREFERENCE = ("chosen", "rejected")
VERDICT = ("label", "kto_tag")
"""Columns that say true or false of an answer (unpaired preference, KTO)."""
MEDIA = ("images", "image", "videos", "video", "audios", "audio")

CALL = "function_call"
"""A ShareGPT speaker whose turn is the JSON of an assistant's tool calls."""
_SPELLINGS = {
    "system": ("system", "developer", "system_prompt"),
    "user": ("user", "human", "prompter"),
    "assistant": ("assistant", "gpt", "model", "bot", "chatgpt", "ai"),
    "tool": (
        "tool", "function", "observation", "ipython", "function_response", "tool_response", "function_result", "tool_result",
        "tool_results",
    ),
    CALL: ("function_call", "function-call", "tool_call", "tool-call", "tool_calls"),
}  # fmt: skip
SPEAKERS = {spelling: role for role, spellings in _SPELLINGS.items() for spelling in spellings}
"""What a speaker may be called -> the canonical role (or CALL). `developer` is OpenAI's newer word for `system`."""

TRAIN_KEYS = ("train", "training", "trainable", "loss", "weight")
"""Keys of a turn that say whether it is learned: true/false, or OpenAI's weight 0/1."""
THOUGHT_KEYS = ("reasoning_content", "thinking")
"""Keys of an assistant turn that templates of reasoning models read; kept as they stand."""
