"""`goodfit audit`: what is wrong with the data; with `--fix` a cleaned copy of them, with `--undo` the data as they were before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.path import walk
from goodfit.cli.target import Asked, asked, is_run, must_exist
from goodfit.data.beside import decisions_of
from goodfit.data.decisions import NAME
from goodfit.data.fix.undo import undo
from goodfit.data.fix.whole import Fixed, Wish, Written, fix
from goodfit.errors import UserError
from goodfit.monitor.screen import screen_for
from goodfit.monitor.words import count, visible
from goodfit.settings import read
from goodfit.stages.split.sources import columns_of, sources_of

WORDS = {"relabel": "relabelled", "drop": "dropped", "mask": "masked", "duplicate": "exact duplicates left out"}
_HELP = """Look for what is wrong with the data of TARGET. A data file needs no recipe: `goodfit audit tickets.csv`.

--fix writes a cleaned copy of the data, in which what people decided (`goodfit review RUN --of suspects`) is done, and a ledger beside it;
the data stay as they are. `goodfit audit LEDGER --undo` gives them back from the two.
"""


@click.command("audit", help=_HELP)
@click.argument("target")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--fix", is_flag=True, help="Write a cleaned copy with what people decided, and a ledger row by row; audits nothing.")
@click.option("--drop-duplicates", is_flag=True, help="With --fix: leave out rows that repeat the input and the label of an earlier one.")
@click.option("--undo", "undoing", is_flag=True, help="TARGET is the ledger of a copy: write the data as they were.")
@click.option("--out", "-o", type=click.Path(path_type=Path), help="File (or folder) to write.  [default: beside the data]")
@click.option("--force", is_flag=True, help="Write over what is there; never over the data.")
@workspace_option
@click.option("--new", is_flag=True, help="A fresh run, even where an equal one exists.")
@click.option("--quiet", "-q", is_flag=True, help="No progress on stderr.")
@json_option
def audit_command(  # noqa: PLR0913 - one argument an option
    target: str, overrides: tuple[str, ...], fix: bool, drop_duplicates: bool, undoing: bool, out: Path | None, force: bool, **how: Any  # noqa: FBT001
) -> None:  # fmt: skip
    """Walks as far as audit, or writes a copy, or undoes one."""
    wish = {"duplicates": drop_duplicates, "out": out, "force": force}

    def work() -> Answer:
        _fitting(fix=fix, undoing=undoing, wish=wish)
        if undoing:
            return _undone(target, out, force=force)
        if fix:
            return _fixed(target, overrides, wish, how)
        return walk("audit", target, overrides, how)

    answered("audit", work, as_json=how.pop("as_json"))


def _fitting(*, fix: bool, undoing: bool, wish: dict[str, Any]) -> None:
    """UserError for words that do not go together."""
    if fix and undoing:
        raise UserError("--fix and --undo: one of them", fix="leave one away")
    if wish["duplicates"] and not fix:
        raise UserError("--drop-duplicates goes with --fix", fix="goodfit audit TARGET --fix --drop-duplicates")
    if (wish["out"] is not None or wish["force"]) and not (fix or undoing):
        raise UserError("--out and --force go with --fix or --undo", fix="goodfit audit TARGET --fix --out FILE")


def _fixed(target: str, overrides: tuple[str, ...], wish: dict[str, Any], how: dict[str, Any]) -> Answer:
    what = _asked(target, overrides, how["workspace"])
    recipe = what.recipe
    decisions, beside = decisions_of(recipe.data, what.base, guessed=what.guessed)
    with screen_for(quiet=how["quiet"]) as screen:
        found = fix(
            Wish(
                sources_of(recipe.data, what.base), columns_of(recipe), recipe.task.label_names, decisions, beside.shown or NAME,
                how["workspace"], **wish,
            ),
            on_progress=None if screen is None else _told(screen),
        )  # fmt: skip
    return Answer({"fixed": found.to_json(), "next": _next(found)}, "\n".join(_lines(found)))


def _told(screen: Any) -> Callable[[int, int | None, str], None]:
    return lambda done, total, text: screen.progress(text, done, total)


def _asked(target: str, overrides: tuple[str, ...], workspace: Path) -> Asked:
    """The recipe of a recipe, a run or a data file, and where its paths start."""
    if not is_run(target, workspace):
        must_exist(target)
        return asked(target, overrides)
    run = runs.find(workspace, target)
    words = (*run.record.overrides, *overrides)
    loaded = read(run.path / runs.RECIPE, words)
    return Asked(loaded, loaded.text, run.base, words, run.record.guessed)


def _lines(found: Fixed) -> list[str]:
    lines = [line for one in found.files for line in _file_lines(one)]
    left = [f"{count(found.settled.unknown, 'decision')} about rows that are not in the data"] if found.settled.unknown else []
    left += [f"{n:,} {why}" for why, n in found.settled.refused.items()]
    lines += [f"  not done: {', '.join(left)}"] if left else []
    return [*lines, *(f"  next   {step}" for step in _next(found))]


def _file_lines(one: Written) -> list[str]:
    counts = {action: n for action, n in one.end.counts.items() if action in WORDS}
    gone = counts.get("drop", 0) + counts.get("duplicate", 0)
    done = ", ".join(f"{n:,} {WORDS[action]}" for action, n in counts.items()) or "as it was"
    return [
        f"{visible(str(one.copy))}: {one.end.records - gone:,} of {one.end.records:,} rows of {visible(one.source)}; {done}",
        f"  ledger {visible(str(one.ledger))}",
    ]


def _next(found: Fixed) -> list[str]:
    """What to do with it: every ledger undoes its own file."""
    names = [str(one.ledger) for one in found.files if one.end.counts.get("kept") != one.end.records]
    return [f"goodfit audit {visible(str(found.place))}", *(f"goodfit audit {visible(name)} --undo" for name in names[:3])]


def _undone(target: str, out: Path | None, *, force: bool) -> Answer:
    done = undo(Path(target), out=out, force=force)
    how = "byte for byte" if done.exact else "row for row"
    text = f"{visible(str(done.out))}: {count(done.records, 'row')} as they were, {how}; {done.put_back:,} put back"
    return Answer({"restored": {"file": str(done.out), "records": done.records, "put_back": done.put_back, "exact": done.exact}}, text)


COMMANDS = {"audit": audit_command}
