"""Templates: which one is meant, what it writes, and what is said where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit.errors import DataError, ModelError, SettingsError
from goodfit.models import templates
from goodfit.models.templates import SHIPPED, Template, render, shipped, template_for
from tests.tasks.test_masks import FAMILIES, tokenizer

HELLO = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
TOOLS = [{"type": "function", "function": {"name": "look_up"}}]


class Named:
    """As much of a tokenizer as `template_for` looks at."""

    special_tokens_map = {"bos_token": "<s>", "eos_token": "</s>"}

    def __init__(self, chat_template: Any) -> None:
        self.chat_template = chat_template


def test_auto_is_the_models_own() -> None:
    assert template_for(Named("{{ messages[0].content }}"), "auto", Path()) == Template("model", "{{ messages[0].content }}", "model")
    assert template_for(Named(None), "auto", Path()) is None
    assert template_for(Named("x"), "none", Path()) is None


@pytest.mark.parametrize("form", [dict, lambda pairs: [{"name": name, "template": text} for name, text in pairs]], ids=["dict", "list"])
def test_several_named_ones(form: Any) -> None:
    """As transformers chooses: `tool_use` where there are tools, else `default`."""
    model = Named(form([("default", "plain"), ("tool_use", "{{ tools | length }} tools"), ("rag", "other")]))
    found = template_for(model, "auto", Path())
    assert found is not None
    assert render(found, model, HELLO) == "plain"
    assert render(found, model, HELLO, tools=TOOLS) == "1 tools"
    assert render(found, model, HELLO, tools=[]) == "plain"
    assert found.writes_tools
    with pytest.raises(ModelError, match=r"several chat templates \(rag\)"):
        template_for(Named(form([("rag", "other")])), "auto", Path())


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_by_name(name: str) -> None:
    found = template_for(Named(None), name, Path())
    assert found is not None
    assert (found.name, found.origin) == (name, "shipped")
    assert "{#" in found.source, "it names its source"
    assert found.writes_tools == (name == "qwen")


def test_unknown_name() -> None:
    with pytest.raises(SettingsError) as caught:
        template_for(Named(None), "chatlm", Path())
    assert caught.value.fix is not None
    assert "did you mean chatml?" in caught.value.fix
    assert all(name in caught.value.fix for name in SHIPPED)


def test_file(tmp_path: Path) -> None:
    (tmp_path / "mine.jinja").write_text("{{ messages[0]['content'] }}é", encoding="utf-8")
    found = template_for(Named(None), "mine.jinja", tmp_path)
    assert found == Template("mine.jinja", "{{ messages[0]['content'] }}é", "file")
    assert render(found, Named(None), HELLO) == "qé"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"", "is empty"),
        (b"\xff\xfe", "not UTF-8"),
        (b"x" * (templates.LARGEST + 1), "more than"),
        (b"a\n{% if %}", "not valid Jinja"),
    ],
)
def test_bad_file(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "mine.jinja").write_bytes(content)
    with pytest.raises(SettingsError, match=said) as caught:
        template_for(Named(None), "mine.jinja", tmp_path)
    assert caught.value.fix
    if said == "not valid Jinja":
        assert (caught.value.place.file, caught.value.place.line) == ("mine.jinja", 2)


def test_a_models_broken_template() -> None:
    with pytest.raises(ModelError, match="not valid Jinja"):
        template_for(Named("{% for %}"), "auto", Path())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ raise_exception('only \x1b[31mcats\\nhere') }}", "only .*cats here"),
        ("{{ messages[0].content + 1 }}", "can only concatenate str"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages[0].nothing.at.all }}", "no attribute 'nothing'"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_an_error_inside_a_template_is_quoted(source: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        render(Template("mine", source, "file"), Named(None), HELLO)
    assert "\x1b" not in str(caught.value)
    assert "user, assistant" in str(caught.value)


def test_equals_plain_transformers() -> None:
    tok = tokenizer("llama3")
    messages = [{"role": "system", "content": "s", "name": None}, *HELLO, {"role": "user", "content": "é", "train": True}]
    for name in SHIPPED:
        for prompt in (False, True):
            theirs = tok.apply_chat_template(messages, chat_template=shipped(name).source, tokenize=False, add_generation_prompt=prompt)
            assert render(shipped(name), tok, messages, add_generation_prompt=prompt) == theirs


def test_train_flags_are_not_for_templates() -> None:
    source = "{{ messages | tojson }}"
    assert "train" not in render(Template("t", source, "file"), Named(None), [{"role": "user", "content": "q", "train": False}])


PROMPTS = {
    "alpaca": "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n### Instruction:\nq\n\n### Response:\n",
    "chatml": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n",
    "gemma": "<bos><start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\n",
    "llama2": "<s>[INST] q [/INST]",
    "llama3": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "mistral": "<s>[INST] q[/INST]",
    "phi3": "<|user|>\nq<|end|>\n<|assistant|>\n",
    "plain": "User: q\n\nAssistant:",
    "qwen": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n",
}


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_prompts(name: str) -> None:
    assert render(shipped(name), tokenizer(name), [{"role": "user", "content": "q"}], add_generation_prompt=True) == PROMPTS[name]


def test_alpaca_with_input() -> None:
    text = render(
        shipped("alpaca"), tokenizer("alpaca"), [{"role": "user", "content": "Sum up.", "input": "1 2"}], add_generation_prompt=True
    )
    assert text == (
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that "
        "appropriately completes the request.\n\n### Instruction:\nSum up.\n\n### Input:\n1 2\n\n### Response:\n"
    )


def test_qwen_tools() -> None:
    call = {"type": "function", "function": {"name": "look_up", "arguments": {"q": "é"}}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "Wait.", "tool_calls": [call, call]},
        {"role": "tool", "content": "1"},
        {"role": "tool", "content": "2"},
        {"role": "assistant", "content": "a"},
    ]
    text = render(shipped("qwen"), tokenizer("qwen"), messages, tools=TOOLS)
    assert text == (
        "<|im_start|>system\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
        "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
        '{"type": "function", "function": {"name": "look_up"}}\n</tools>\n\n'
        "For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\n"
        '<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\nWait.\n"
        '<tool_call>\n{"name": "look_up", "arguments": {"q": "é"}}\n</tool_call>\n'
        '<tool_call>\n{"name": "look_up", "arguments": {"q": "é"}}\n</tool_call><|im_end|>\n'
        "<|im_start|>user\n<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response><|im_end|>\n"
        "<|im_start|>assistant\na<|im_end|>\n"
    )
