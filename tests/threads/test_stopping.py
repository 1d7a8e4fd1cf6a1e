"""Group 1.3, the model never stops, two begin tokens: one begin token, a learned end token, and a rate of answers that end by themselves.

UN = unslothai/unsloth. The entries of axolotl's FAQ are those of its docs/faq.qmd under "Chat templates".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers as tf
from tokenizers import AddedToken, processors

from goodfit.files import read_json
from goodfit.models.load import load_tokenizer
from goodfit.models.templates import shipped
from tests import made, tiny
from tests.threads.making import SHORT, Answered, answer, ask, assistant, chat, user, with_bad

CHATML = shipped("chatml").source


def model(folder: Path, *, template: str | None = CHATML, special: tuple[str, ...] = (), begin: bool = False, **names: Any) -> None:
    """A tiny writer whose tokenizer has other special tokens: `begin` puts `<s>` before every text."""
    tokenizer = tiny.byte_tokenizer(template=False)
    extra = [*special, *(["<s>"] if begin else [])]
    tokenizer.add_special_tokens({"additional_special_tokens": [AddedToken(name, special=True, normalized=False) for name in extra]})
    if begin:
        tokenizer.bos_token = "<s>"
        number = tokenizer.convert_tokens_to_ids("<s>")
        both = [
            tokenizer.backend_tokenizer.post_processor,
            processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", number)]),
        ]
        tokenizer.backend_tokenizer.post_processor = processors.Sequence([one for one in both if one is not None])
    for name, value in names.items():
        setattr(tokenizer, name, value)
    if template is not None:
        tokenizer.chat_template = template
    tiny.writer(folder / "model", vocab_size=len(tokenizer), eos_token_id=tokenizer.eos_token_id, bos_token_id=tokenizer.bos_token_id)
    tokenizer.save_pretrained(folder / "model")
    (folder / "model" / "chat_template.jinja").unlink(missing_ok=True) if template is None else None


def first_row(out: Answered) -> tuple[list[int], list[bool], Any]:
    """Tokens and mask of a row as the run keeps them, and the tokenizer."""
    (row,) = out.json("prepare/manifest.json")["longest"][:1]
    shown = ask(out.folder, "show", "last", "prepare", "--row", row["row"]).document["rows"][0]
    return shown["ids"], [bool(flag) for flag in shown["mask"]], load_tokenizer(out.folder / "model")


def last_learned(out: Answered) -> str:
    """The last token with a loss."""
    ids, learned, tokenizer = first_row(out)
    return str(tokenizer.decode([[token for token, flag in zip(ids, learned, strict=True) if flag][-1]]))


def test_trl_1623_padding_that_is_the_end_token_masks_no_end(tmp_path: Path) -> None:
    """The end token got -100 because pad = eos; fixed by trl#3091 after #2405 had brought it back (also trl#696, #734, #2059)."""
    out = answer(tmp_path)
    tokenizer = load_tokenizer(tmp_path / "model")
    assert tokenizer.pad_token_id == tokenizer.eos_token_id
    assert last_learned(out) == tokenizer.eos_token
    assert out.passed("PRE004")


@pytest.mark.parametrize("name", ["chatml", "llama2", "llama3", "gemma", "mistral", "phi3", "qwen", "alpaca"])
def test_every_shipped_template_ends_its_answers(name: str, tmp_path: Path) -> None:
    """The demand of the group: a final stop token with loss on it, in every row (PRE004 looks at each)."""
    out = answer(tmp_path, task={"kind": "generation", "chat_template": name})
    assert out.code == 0, out.document["error"]
    assert out.passed("PRE004")
    assert last_learned(out) == "<|im_end|>"


def test_un_416_a_model_that_goes_on_is_told_by_its_own_answers(tmp_path: Path) -> None:
    """After fine-tuning the model "never stops" (also mlabonne/llm-course#33): seen by hand, after it was served."""
    out = answer(tmp_path, "run", content=made.chats(120), train=SHORT | {"learning_rate": 1e-7}, evaluate={"baselines": []})
    assert out.code == 1
    found = out.open("EVA012")
    assert found["severity"] == "error"
    assert "answers itself, and 95% are wanted" in found["title"]
    assert "see that the end token is learned" in found["fix"]


def test_alignment_handbook_127_exactly_one_begin_token_and_the_end_learned(tmp_path: Path) -> None:
    """Two begin tokens, one by the template and one by the tokenizer, and the end token masked."""
    model(tmp_path, begin=True, template="{{ bos_token }}" + CHATML)
    out = answer(tmp_path)
    ids, _, tokenizer = first_row(out)
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id
    assert last_learned(out) == "<|im_end|>"


def test_a_begin_token_that_only_the_tokenizer_writes(tmp_path: Path) -> None:
    """The other side of alignment-handbook#127: the template writes none, generation would put one."""
    model(tmp_path, begin=True)
    ids, _, tokenizer = first_row(answer(tmp_path))
    assert ids.count(tokenizer.bos_token_id) == 1
    assert ids[0] == tokenizer.bos_token_id


def test_faq_the_end_token_of_the_tokenizer_is_not_that_of_the_template(tmp_path: Path) -> None:
    """`EOS token __ not found in chat template`: the turn's own end is learned, and both tokens stop the saved model."""
    model(tmp_path, special=("<|endoftext|>",), eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    out = answer(tmp_path, "train")
    assert out.document["error"] is None
    assert last_learned(out) == "<|im_end|>"
    assert out.passed("PRE004")
    saved = read_json(out.run / "train" / "model" / "generation_config.json")
    tokenizer = tf.AutoTokenizer.from_pretrained(out.run / "train" / "model")
    assert {tokenizer.decode([token]) for token in saved["eos_token_id"]} == {"<|endoftext|>", "<|im_end|>"}


def test_faq_a_template_without_an_end_token_gets_one(tmp_path: Path) -> None:
    """`The EOS token is not in the template`: the end token is added behind the last answer, and learned."""
    model(
        tmp_path,
        template="{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
    )
    out = answer(tmp_path)
    assert last_learned(out) == "<|im_end|>"
    assert out.passed("PRE004")


def test_faq_the_end_of_a_turn_is_several_tokens(tmp_path: Path) -> None:
    """`EOT token __ is encoded as multiple tokens`: a template whose tokens the tokenizer does not have."""
    found = answer(tmp_path, task={"kind": "generation", "chat_template": "llama3"}).open("PRE008")
    assert found["severity"] == "warning"
    assert "<|eot_id|>" in found["detail"]
    assert "task.chat_template" in found["fix"]


def test_faq_no_chat_template(tmp_path: Path) -> None:
    """`tokenizer's chat_template is null`."""
    model(tmp_path, template=None)
    out = answer(tmp_path)
    assert (out.code, out.error["code"]) == (2, "SettingsError")
    assert "the model has no chat template" in out.said
    assert "task.chat_template=chatml" in out.error["fix"]


@pytest.mark.parametrize("key", ["eot_tokens", "train_on_eos"])
def test_faq_switches_for_the_end_are_answered(key: str, tmp_path: Path) -> None:
    """`Conflict between train_on_eos and train_on_eot`: there is nothing to set; what is learned follows from the roles."""
    out = answer(tmp_path, task={"kind": "generation", key: "all"})
    assert (out.code, out.error["key"]) == (2, f"task.{key}")
    assert "task.roles_to_train" in out.said


def test_faq_an_empty_turn(tmp_path: Path) -> None:
    """`Empty template generated for turn`, `Content end boundary is the same as start boundary`."""
    out = answer(tmp_path, content=with_bad(chat(user("a"), assistant(""))))
    out.counted()
    assert out.open("SPL003")["title"] == "1 of 61 rows is not used: 1 empty answer"
    assert out.open("AUD002")["n_rows"] == 1


def test_faq_a_turn_without_content(tmp_path: Path) -> None:
    """`jinja2.exceptions.UndefinedError: 'dict object' has no attribute 'content'`."""
    out = answer(tmp_path, content=with_bad({"messages": [{"role": "user", "txt": "a"}, assistant("b")]}))
    assert (out.code, out.error["line"], out.error["key"]) == (2, 61, "messages[0].content")
    assert "has no 'content'; it has: 'role', 'txt'" in out.said


def test_faq_an_answer_that_cannot_be_found_in_the_text(tmp_path: Path) -> None:
    """`Could not find content start/end boundary for turn`: such a row is refused, never learned somewhere else."""
    made.writing(tmp_path, task={"kind": "generation", "chat_template": "t.jinja"}, train=SHORT)
    (tmp_path / "t.jinja").write_text("{% for m in messages %}<|im_start|>{{ m.content | length }}<|im_end|>{% endfor %}")
    out = ask(tmp_path)
    assert out.code == 2
    assert "the chat template does not write what the answer says" in out.said


def test_faq_arguments_of_a_tool_that_are_no_json(tmp_path: Path) -> None:
    """`Error parsing tool_calls arguments as JSON`: text that is not JSON stays text."""
    call = {"type": "function", "function": {"name": "look", "arguments": "not json"}}
    row = chat(user("a"), assistant("", tool_calls=[call]), {"role": "tool", "content": "3"}, assistant("3"))
    out = answer(tmp_path, content=with_bad(row), task={"kind": "generation", "chat_template": "qwen"})
    assert out.code == 0, out.document["error"]
    out.counted()
