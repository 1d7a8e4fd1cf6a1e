"""`goodfit chat RUN…`: a conversation in the terminal, with one model or with several side by side."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from goodfit.cli.envelope import Answer, answered, workspace_option
from goodfit.cli.predict import where
from goodfit.errors import UserError
from goodfit.monitor.words import visible
from goodfit.predict import Generator, Model
from goodfit.tasks.writer import NEW_TOKENS

HELP = "/new begins anew, /undo takes the last round back, /system TEXT sets the system prompt, /quit ends (Ctrl-D too)"


@dataclass
class Talk:
    """One model and what was said with it."""

    name: str
    model: Generator
    messages: list[dict[str, str]] = field(default_factory=list)

    def answer(self, text: str, settings: dict[str, Any]) -> str:
        """Adds the user's turn and the answer; gives what is to be printed."""
        begin = time.monotonic()
        turn = {"role": "user", "content": text}
        reply = self.model.chat([*self.messages, turn], **settings) if self.model.talks else self.model.predict(text, **settings)[0]
        if reply.text is None:
            return f"(no answer: {reply.reason})"
        self.messages += [turn, {"role": "assistant", "content": reply.text}]
        safe = "\n".join(visible(line, 100_000) for line in reply.text.split("\n"))
        end = "" if reply.stopped else f" (cut at {reply.tokens:,} tokens)"
        seconds = max(time.monotonic() - begin, 1e-6)
        return f"{safe}{end}\n  {reply.tokens:,} tokens, {reply.tokens / seconds:.1f} a second"


@click.command("chat", help=f"Talk with the models of RUNs, side by side where there are several. {HELP}.")
@click.argument("references", metavar="RUN…", nargs=-1, required=True)
@click.option("--system", help="A system prompt.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), default=NEW_TOKENS, show_default=True, help="Longest answer.")
@click.option("--temperature", type=click.FloatRange(min=0), default=0.0, show_default=True, help="0: the likeliest answer.")
@click.option(
    "--top-p", type=click.FloatRange(min=0, max=1, min_open=True), default=1.0, show_default=True, help="Of what is sampled from."
)
@click.option("--seed", type=click.IntRange(min=0), default=42, show_default=True, help="Of what is sampled.")
@workspace_option
def chat_verb(references: tuple[str, ...], workspace: Path, system: str | None, **how: Any) -> None:
    """Reads turns until there are no more."""
    answered("chat", lambda: _talk(references, workspace, system, how), as_json=False)


def _talk(references: tuple[str, ...], workspace: Path, system: str | None, how: dict[str, Any]) -> Answer:
    settings: dict[str, Any] = {"max_new_tokens": how["max_new_tokens"], "precision": "auto", "seed": how["seed"]}
    if how["temperature"] > 0:
        settings |= {"do_sample": True, "temperature": how["temperature"], "top_p": how["top_p"]}
    talks = [_open(reference, workspace) for reference in references]
    _begin(talks, system)
    prompt = "you> " if sys.stdin.isatty() else ""
    click.echo(f"{', '.join(talk.name for talk in talks)}; {HELP}", err=True)
    while (text := _line(prompt)) is not None:
        if text in ("/quit", "/exit"):
            break
        if text == "/new":
            _begin(talks, system)
        elif text == "/undo":
            for talk in talks:
                del talk.messages[-2 if talk.messages and talk.messages[-1]["role"] == "assistant" else len(talk.messages) :]
        elif text.startswith("/system"):
            system = text.removeprefix("/system").strip() or None
            _begin(talks, system)
        elif text.startswith("/"):
            click.echo(HELP, err=True)
        elif text.strip():
            for talk in talks:
                head = f"{talk.name}> " if len(talks) > 1 else ""
                click.echo(f"{head}{talk.answer(text, settings)}")
    return Answer()


def _open(reference: str, workspace: Path) -> Talk:
    found = where(reference, workspace)
    model = Model.load(found)
    if not isinstance(model, Generator):
        raise UserError(f"{reference} holds a classifier, which does not write", fix=f'goodfit predict {reference} "a text"')
    return Talk(found.name if isinstance(found, Path) else found.id, model)


def _begin(talks: list[Talk], system: str | None) -> None:
    for talk in talks:
        talk.messages = [{"role": "system", "content": system}] if system and talk.model.talks else []


def _line(prompt: str) -> str | None:
    try:
        return input(prompt)
    except EOFError:
        return None


COMMANDS = {"chat": chat_verb}
