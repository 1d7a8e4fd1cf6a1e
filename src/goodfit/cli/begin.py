"""The verbs before a run: `init` looks at DATA and writes a commented recipe; `check` says what a recipe would do and can show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from goodfit.check import check
from goodfit.cli.envelope import Answer, answered, json_option, safe
from goodfit.cli.look import table
from goodfit.cli.target import asked
from goodfit.errors import UserError
from goodfit.files import write_atomic
from goodfit.init import guess
from goodfit.monitor.words import visible
from goodfit.settings import inline


@click.command(
    "init", help="Look at DATA (a file, a folder, hub:owner/name), guess the task and its columns, and write a commented recipe."
)
@click.argument("data")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("recipe.yaml"),
    show_default=True,
    help="The recipe to write.",
)
@click.option("--text", multiple=True, metavar="COLUMN", help="A column of the input, where the guess is wrong; may be given again.")
@click.option("--label", metavar="COLUMN", help="The column of the label, where the guess is wrong.")
@click.option("--force", is_flag=True, help="Write over a recipe that is there.")
@json_option
def init_verb(data: str, out: Path, text: tuple[str, ...], label: str | None, force: bool, as_json: bool) -> None:  # noqa: FBT001
    """Writes the recipe and says what was guessed, and why."""

    def work() -> Answer:
        found = guess(data, relative_to=out.parent, text=text, label=label)
        if out.exists() and not force:
            raise UserError(f"{out} is there already", fix="--force writes over it, or --out OTHER.yaml")
        with write_atomic(out) as handle:
            handle.write(found.recipe_text)
        lines = [f"{out} is written, after looking at {visible(data)}:", ""]
        lines += [f"  {safe(reason)}" for reason in found.reasons]
        lines += ["", f"  next   goodfit check {out}", f"  next   goodfit run {out}"]
        return Answer({"recipe": str(out), "reasons": list(found.reasons)}, "\n".join(lines))

    answered("init", work, as_json=as_json)


@click.command(
    "check", help="Every default of TARGET (a recipe or a data file) filled in, with its source; what would run; what this data can show."
)
@click.argument("target")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]…")
@json_option
def check_verb(target: str, overrides: tuple[str, ...], as_json: bool) -> None:  # noqa: FBT001
    """Prints it; nothing is trained and nothing is written."""

    def work() -> Answer:
        what = asked(target, overrides)
        facts = check(what.loaded, what.base)
        lines = [table(["key", "value", "from"], [[row["key"], _written(row["value"]), row["source"]] for row in facts["settings"]])]
        for title in ("would_run", "can_show", "problems"):
            if facts[title]:
                lines += ["", title.replace("_", " "), *(f"  {safe(line)}" for line in facts[title])]
        return Answer(facts, "\n".join(lines))

    answered("check", work, as_json=as_json)


def _written(value: Any) -> str:
    """A value as a recipe has it: null, true, [a, b]."""
    return value if isinstance(value, str) and " → " in value else inline(value)


COMMANDS = {"init": init_verb, "check": check_verb}
