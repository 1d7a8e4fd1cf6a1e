"""Conversations: data sets for generation in any of the usual formats, found by themselves and read into one form.

Layer: data. `detect` (or `asked`, where the user names columns) gives a Shape; a `Normaliser` of it reads rows:

    shape = detect(columns, sample)            # OpenAI messages, ShareGPT, alpaca, prompt-completion, plain text
    normaliser = Normaliser(shape, "chats.jsonl")
    conversation, reason = normaliser.conversation(cells, place)

A canonical conversation is a dict: `{"messages": [{"role", "content", "tool_calls"?, "tool_call_id"?, "name"?, "train"?}, …],
"tools"?: […]}`, or `{"prompt": str, "completion": str | None}`, or `{"text": str}`.
"""

from goodfit.data.conversations.asked import asked, refusal
from goodfit.data.conversations.forms import answer_text, as_messages, canonical, input_text, prompt_of, question_of, stored, without_roles
from goodfit.data.conversations.normaliser import REASONS, Normaliser
from goodfit.data.conversations.order import out_of_order
from goodfit.data.conversations.shape import Shape, detect
from goodfit.data.conversations.template import PromptTemplate

__all__ = [
    "REASONS",
    "Normaliser",
    "PromptTemplate",
    "Shape",
    "answer_text",
    "as_messages",
    "asked",
    "canonical",
    "detect",
    "input_text",
    "out_of_order",
    "prompt_of",
    "question_of",
    "refusal",
    "stored",
    "without_roles",
]
