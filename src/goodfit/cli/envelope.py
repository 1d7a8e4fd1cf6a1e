"""From a verb's answer to what is printed and to the exit code: the one place where errors become sentences or JSON.

With `--json` stdout holds exactly one document `goodfit/result/1` (also on failure); everything else goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

import goodfit
from goodfit.errors import GoodfitError, Interrupted, machine_error
from goodfit.monitor.words import visible

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class Answer:
    """What a verb found out: `document` is merged into the JSON envelope, `text` is what a person reads on stdout."""

    document: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    exit_code: int = 0
    error: GoodfitError | None = None


def workspace_option(function: F) -> F:
    """`--workspace`: the folder of runs."""
    return click.option(
        "--workspace", "-w", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"), envvar="GOODFIT_WORKSPACE",
        show_default=True, help="Folder of runs, with the ledger of test sets.",
    )(function)  # fmt: skip


def json_option(function: F) -> F:
    """`--json`: one document on stdout."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, everything else on stderr.")(function)


def answered(command: str, work: Callable[[], Answer], *, as_json: bool) -> NoReturn:
    """Does a verb's work, prints its answer, exits."""
    begin = time.monotonic()
    answer = _done(work)
    if as_json:
        document = {
            "schema": "goodfit/result/1", "command": command, "goodfit": goodfit.__version__, "exit_code": answer.exit_code,
            "status": "done" if answer.error is None else "failed", "seconds": round(time.monotonic() - begin, 3),
            "error": answer.error.to_json() if answer.error else None,
        } | answer.document  # fmt: skip
        _print(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        if answer.text:
            _print(answer.text.rstrip("\n"))
        if answer.error is not None:
            click.echo(f"goodfit {command}: {safe(str(answer.error))}", err=True)
    sys.exit(answer.exit_code)


def safe(text: str) -> str:
    """Several lines of unknown origin, safe for a terminal."""
    return "\n".join(visible(line, 2000) for line in text.split("\n"))


def _done(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except GoodfitError as error:
        return Answer(error=error, exit_code=error.exit_code)
    except KeyboardInterrupt:
        return Answer(error=Interrupted("stopped by the keyboard"), exit_code=130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Answer(exit_code=0)
    except OSError as problem:
        trouble = machine_error(problem, "working on", problem.filename or "a file")
        return Answer(error=trouble, exit_code=trouble.exit_code)
    except MemoryError:
        trouble = GoodfitError("the machine is out of memory", fix="a smaller train.batch_tokens or prepare.max_length")
        return Answer(error=trouble, exit_code=4)
    except Exception:  # a bug of ours: the traceback goes to a file, the user gets a sentence
        handle = tempfile.NamedTemporaryFile("w", prefix="goodfit-", suffix=".log", delete=False, encoding="utf-8")  # noqa: SIM115
        with handle:
            handle.write(traceback.format_exc())
        last = traceback.format_exc().strip().splitlines()[-1]
        bug = GoodfitError(f"this is a bug of Goodfit: {last}", fix=f"please report it with {handle.name}")
        return Answer(error=bug, exit_code=3)


def _print(text: str) -> None:
    stream = sys.stdout
    try:
        stream.write(text + "\n")
    except UnicodeEncodeError:
        stream.buffer.write((text + "\n").encode(stream.encoding or "ascii", "backslashreplace"))
    stream.flush()
