"""Chat templates: which one a model is trained and asked with, and messages -> text through it.

The model's own template, one of those shipped here (`*.jinja` beside this file, each naming its source), or a file. They are rendered by
transformers' sandboxed Jinja, so that the text is the one that plain transformers and every server built on it will make.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import TemplateSyntaxError
from transformers.utils.chat_template_utils import render_jinja_template

from goodfit.errors import DataError, Interrupted, ModelError, Place, SettingsError, nearest
from goodfit.models.templates.limit import SECONDS, TooSlow, bounded

Origin = Literal["model", "shipped", "file"]
SHIPPED = tuple(sorted(path.stem for path in Path(__file__).parent.glob("*.jinja")))
"""The names of the templates that come with Goodfit."""
LARGEST = 1_000_000
"""Bytes of a template file; the longest published ones have some 20,000."""
_CONTROL = re.compile(r"<\|[A-Za-z0-9_]{1,40}\|>|<(?:start|end)_of_(?:turn|text|utterance)>")
_ENDINGS = (".jinja", ".jinja2", ".j2")
_OWN_KEYS = frozenset({"train"})
"""What Goodfit itself reads of a message; no template sees it."""
_BLOCK = re.compile(r"\{%[-+]?\s*generation\s*[-+]?%\}")
_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)
_TOOLS = re.compile(r"\btools\b")


@dataclass(frozen=True, slots=True)
class Template:
    """A chat template: Jinja source, by which name it is known and where it comes from."""

    name: str
    """`model`, a shipped name, or the file as it was asked for."""
    source: str
    origin: Origin
    with_tools: str | None = None
    """The model's own template for conversations with tools, where it has a second one for them (`tool_use`)."""

    @property
    def writes_tools(self) -> bool:
        """Whether `tools` of a conversation have a place in it; where not, they would vanish without a word."""
        return _TOOLS.search(_COMMENT.sub("", self.with_tools or self.source)) is not None

    def source_for(self, tools: object) -> str:
        """The Jinja source for a conversation with (or without) tools."""
        return self.with_tools if tools and self.with_tools is not None else self.source

    def marks_answers(self, tools: object = None) -> bool:
        """Whether the template says itself which part is the answer, by {% generation %}."""
        return _BLOCK.search(self.source_for(tools)) is not None

    def beginning_with_bos(self) -> Template:
        """The same, writing the tokenizer's begin token first: what to save beside a model that was trained with it."""
        front = "{{- bos_token -}}"
        with_tools = None if self.with_tools is None else front + self.with_tools
        return dataclasses.replace(self, source=front + self.source, with_tools=with_tools)


def template_for(tokenizer: Any, asked: str, base: Path) -> Template | None:
    """The template asked for by the recipe: `auto` (the model's own, None where it has none), `none`, a shipped name, or a file.

    Files are found relative to `base`. SettingsError for a name or a file that is not there or cannot be read, and for a file that is not
    Jinja; ModelError where the model's own template is not.
    """
    if asked == "auto":
        own = own_template(tokenizer)
        if own is not None:
            _check_syntax(own)
        return own
    if asked == "none":
        return None
    if asked in SHIPPED:
        return shipped(asked)
    path = base / asked
    if asked.endswith(_ENDINGS) or path.is_file():
        return _from_file(asked, path)
    near = nearest(asked.lower(), SHIPPED)
    fix = f"did you mean {near}? " if near else ""
    raise SettingsError(
        f"there is no chat template {asked!r}", fix=f"{fix}there are auto, none, {', '.join(SHIPPED)}; or the path of a .jinja file"
    )


@cache
def shipped(name: str) -> Template:
    """A template of this package by its name (one of SHIPPED)."""
    text = (Path(__file__).parent / f"{name}.jinja").read_text(encoding="utf-8")
    return Template(name, text.rstrip("\n"), "shipped")


def own_template(tokenizer: Any) -> Template | None:
    """The tokenizer's own template. Of several named ones transformers takes `default`, and `tool_use` where there are tools."""
    found = getattr(tokenizer, "chat_template", None)
    if isinstance(found, list | tuple):
        found = {entry["name"]: entry["template"] for entry in found}
    if isinstance(found, Mapping):
        if "default" not in found:
            if not found:
                return None
            raise ModelError(
                f"the model has several chat templates ({', '.join(sorted(map(str, found)))}), and none is its default",
                fix=f"name one of {', '.join(SHIPPED)} or a .jinja file as task.chat_template",
            )
        return Template("model", str(found["default"]), "model", with_tools=found.get("tool_use"))
    return Template("model", str(found), "model") if found else None


def unknown_tokens(template: Template | None, tokenizer: Any) -> tuple[str, ...]:
    """Control tokens that a template writes (`<|im_start|>`, `<end_of_turn>`) and that are no single token of the tokenizer."""
    if template is None:
        return ()
    known = tokenizer.get_vocab()
    return tuple(token for token in dict.fromkeys(_CONTROL.findall(template.source)) if token not in known)


def render(
    template: Template,
    tokenizer: Any,
    messages: Sequence[Mapping[str, Any]],
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    add_generation_prompt: bool = False,
) -> str:
    """The text of a conversation, as `tokenizer.apply_chat_template(…, tokenize=False)` gives it.

    DataError with the template's own words where the template raises (roles that do not alternate, a role it does not know);
    SettingsError where it does not come to an end.
    """
    return _render(template, tokenizer, messages, tools, add_generation_prompt=add_generation_prompt)[0]


def render_marked(
    template: Template, tokenizer: Any, messages: Sequence[Mapping[str, Any]], *, tools: Sequence[Mapping[str, Any]] | None = None
) -> tuple[str, list[tuple[int, int]]]:
    """The same text, and the characters [start, end) of each of its {% generation %} blocks, in order."""
    return _render(template, tokenizer, messages, tools, blocks=True)


def _render(
    template: Template,
    tokenizer: Any,
    messages: Sequence[Mapping[str, Any]],
    tools: Sequence[Mapping[str, Any]] | None,
    *,
    add_generation_prompt: bool = False,
    blocks: bool = False,
) -> tuple[str, list[tuple[int, int]]]:
    clean = [{key: value for key, value in message.items() if value is not None and key not in _OWN_KEYS} for message in messages]
    try:
        with bounded(SECONDS):
            texts, found = render_jinja_template(
                conversations=[clean],
                tools=list(tools) if tools else None,
                chat_template=template.source_for(tools),
                return_assistant_tokens_mask=blocks,
                add_generation_prompt=add_generation_prompt,
                **tokenizer.special_tokens_map,
            )
    except Interrupted:
        raise
    except TooSlow as error:
        raise SettingsError(
            f"the chat template ({template.name}) did not come to an end within {SECONDS:.0f} seconds, for one conversation",
            place=Place(key="task.chat_template"), fix=f"look at its loops, or name one of {', '.join(SHIPPED)}",
        ) from error  # fmt: skip
    except Exception as error:  # a template is somebody's program: it may raise anything
        raise DataError(
            f"the chat template ({template.name}) refuses this conversation: {_said(error)}",
            fix=f"correct the row's roles and fields ({_outline(messages)}), or choose another task.chat_template",
        ) from error
    return texts[0], [tuple(pair) for pair in found[0]] if blocks else []


def _from_file(asked: str, path: Path) -> Template:
    place = Place(file=asked, key="task.chat_template")
    try:
        if path.stat().st_size > LARGEST:
            raise SettingsError(f"the chat template {asked} has more than {LARGEST:,} bytes", place=place, fix="name a Jinja template")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"the chat template {asked} cannot be read: {error.strerror}", place=place, fix=f"the path is relative to {path.parent}"
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"the chat template {asked} is not UTF-8 text", place=place, fix="save it as UTF-8") from error
    if not text.strip():
        raise SettingsError(f"the chat template {asked} is empty", place=place, fix=f"or name one of {', '.join(SHIPPED)}")
    template = Template(asked, text, "file")
    _check_syntax(template)
    return template


def _check_syntax(template: Template) -> None:
    """SettingsError (of a file) or ModelError (of a model) where the source is not Jinja. Nothing of it is run."""
    for source in filter(None, (template.source, template.with_tools)):
        try:
            render_jinja_template(conversations=[], chat_template=source)
        except TemplateSyntaxError as error:
            if template.origin == "model":
                raise ModelError(
                    f"the model's chat template is not valid Jinja (its line {error.lineno}): {error.message}",
                    fix=f"name one of {', '.join(SHIPPED)} or a .jinja file as task.chat_template",
                ) from error
            place = Place(file=template.name, line=error.lineno, key="task.chat_template")
            raise SettingsError(f"not valid Jinja: {error.message}", place=place, fix="correct the template") from error


def _said(error: BaseException) -> str:
    """What an error says, in one line of bounded length: it is somebody else's text."""
    text = " ".join(str(error).split())[:300]
    return "".join(c for c in text if c.isprintable()) or type(error).__name__


def _outline(messages: Iterable[Mapping[str, Any]]) -> str:
    """`system, user, assistant …`: the roles of the first messages."""
    roles = ["".join(c for c in str(message.get("role"))[:20] if c.isprintable()) for message in messages]
    return "its roles: " + ", ".join(roles[:8]) + (" …" if len(roles) > 8 else "")
