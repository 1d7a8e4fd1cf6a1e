"""`goodfit review RUN --of suspects` in the terminal: shows a row, takes a key, saves at once. Part of cli; `review` starts it.

    k   keep: the label is right        c   choose a label            n   a note to the next answer
    r   relabel to the suggestion       s   skip: cannot say          u   back to the row before
    d   drop the row                    q   quit (the same command goes on)

Keys come one by one from a terminal, else line by line.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from goodfit.cli.envelope import Answer, safe
from goodfit.cli.keys import BACK, DONE, QUIT, go_through, key_reader, must_be_interactive, text_lines
from goodfit.cli.look import number, table
from goodfit.errors import UserError, nearest
from goodfit.improve.review import reviewer_name
from goodfit.improve.suspects import Desk, Said, Shown, results, write_results
from goodfit.monitor.words import count, visible
from goodfit.run import Run
from goodfit.studio import serve

FILE = "review/suspects/results.json"
QUESTION = "is {given} right?  k keep · r relabel to {suggestion} · c choose · d drop · s skip · n note · u back · q quit"
Read = Callable[[], str | None]
Say = Callable[[str], None]


def review_suspects(run: Run, reviewer: str, how: dict[str, Any], *, as_json: bool) -> Answer:
    """Asks, on a page or here, or shows what was said."""
    for word in ("prefer", "rate"):
        if how[word]:
            raise UserError(f"--{word} is for answers", fix="leave it away, or --of answers")
    if how["show_results"]:
        return _results(run)
    must_be_interactive(as_json=as_json)
    desk = Desk.open(run, items=how["items"], sample=how["sample"])
    if how["web"]:
        named = reviewer_name(how["reviewer"]) if how["reviewer"] else None
        serve(run, of="suspects", reviewer=named, port=how["port"], say=lambda text: click.echo(text, err=True))
    else:
        click.echo(f"reviewing suspects of {run.id} as {reviewer}; decisions go to {desk.decisions}, each at once", err=True)
        judge(desk, reviewer, key_reader(), click.echo)
    return _ended(desk)


def judge(desk: Desk, reviewer: str, read: Read, say: Say) -> int:
    """Goes through the rows without an answer until all are answered, or until q; how many were answered."""

    def ask(shown: Shown) -> str:
        say(picture(shown))
        return _ask(desk, reviewer, shown, read, say)

    return go_through(desk, reviewer, ask)


def picture(shown: Shown) -> str:
    """The row as text, with control and bidi characters made visible."""
    head = f"\n\n{shown.number} of {shown.of} · {shown.at} " + "─" * 30
    lines = [safe(head), *text_lines(shown.text), "", f"given    {_names(shown.given)}", f"likelier {_names(shown.suggestion)}"]
    if isinstance(shown.suggestion, list):
        lines.append(f"doubted  {_names(shown.concerned)}" + ("" if shown.concerned in shown.given else " (it may be missing)"))
    said = f"you said {_told(shown.said)}" if shown.said.action or shown.said.skipped else ""
    return "\n".join([*lines, *(f"         {safe(why)}" for why in shown.why), *([said] if said else [])])


def _ask(desk: Desk, reviewer: str, shown: Shown, read: Read, say: Say) -> str:
    """Takes keys until the row is answered, left, or the reviewer quits."""
    note = shown.said.note
    while True:
        say(QUESTION.format(given=_names(shown.given), suggestion=_names(shown.suggestion)))
        pressed = read()
        if pressed in (None, "q", "\x03", "\x04"):
            return QUIT
        if pressed == "u":
            return BACK
        if pressed == "n":
            say("note (one line):")
            note = sys.stdin.readline().strip()[:2000]
            continue
        said = _said(desk, shown, pressed, note, say)
        if said is None:
            continue
        try:
            desk.save(reviewer, shown.row, said)
        except UserError as error:
            say(safe(f"{error.message}: {error.fix}"))
            continue
        return DONE


def _said(desk: Desk, shown: Shown, pressed: str | None, note: str, say: Say) -> Said | None:
    """What a key says; None where it says nothing."""
    if pressed == "k":
        return Said("keep", note=note)
    if pressed == "d":
        return Said("drop", note=note)
    if pressed == "s":
        return Said(skipped=True, note=note)
    if pressed == "r":
        return Said("relabel", shown.suggestion, note)
    if pressed == "c":
        value = choose(desk.labels, several=desk.splits.multi_label, say=say)
        return None if value is None else Said("relabel", value, note)
    return None


def choose(labels: Sequence[str], *, several: bool, say: Say) -> str | list[str] | None:
    """A label, or labels, typed by name, beginning or number; None where nothing was chosen."""
    what = "labels, with commas between (- for none)" if several else "label"
    say(f"{what}: a name, how it begins, or its number; ? lists them, nothing goes back")
    while (line := sys.stdin.readline()) and (typed := line.strip()):
        if typed == "?":
            say("\n".join(f"{i:>5}  {visible(name)}" for i, name in enumerate(labels, start=1)))
            continue
        if several and typed == "-":
            return []
        found = [_label(part.strip(), labels) for part in (typed.split(",") if several and typed not in labels else [typed])]
        names = [name for name in found if name is not None]
        if len(names) == len(found):
            return names if several else names[0]
        near = nearest(typed, labels)
        say(f"no one label is meant by {visible(typed)!r}" + (f"; {visible(near)}?" if near else "") + "; ? lists them")
    return None


def _label(typed: str, labels: Sequence[str]) -> str | None:
    """The one label that is meant: by its name, in any case, by its number, or by how it begins."""
    if typed in labels:
        return typed
    same = [name for name in labels if name.casefold() == typed.casefold()]
    if len(same) == 1:
        return same[0]
    if typed.isdecimal() and 1 <= int(typed) <= len(labels):
        return labels[int(typed) - 1]
    begins = [name for name in labels if typed and name.casefold().startswith(typed.casefold())]
    return begins[0] if len(begins) == 1 else None


def _names(value: str | Sequence[str]) -> str:
    names = [value] if isinstance(value, str) else list(value)
    return ", ".join(visible(name, 60) for name in names) or "no label"


def _told(said: Said) -> str:
    if said.skipped:
        return "skip"
    return f"{said.action}" + (f" to {_names(said.value)}" if isinstance(said.value, str | list) else "")


def _ended(desk: Desk) -> Answer:
    """What was answered, where the decisions are, and what to do with them."""
    run, progress = desk.run, {name: desk.progress(name) for name in desk.reviewers()}
    if progress:
        write_results(run)
    lines = [f"{name}: {done} of {of} answered" for name, (done, of) in progress.items()] or ["nothing answered yet"]
    lines += [f"decisions: {visible(str(desk.decisions))}", f"goodfit review {run.id} --of suspects --results"]
    lines += [f"goodfit audit {run.id} --fix writes a cleaned copy; a run of the recipe applies them without one"] if progress else []
    return Answer({"reviewers": progress, "decisions": str(desk.decisions)}, "\n".join(lines))


def _results(run: Run) -> Answer:
    found = write_results(run) if (run.path / "review" / "suspects").is_dir() else results(run)
    rows = [[r["name"], f"{r['answered']} of {r['of']}", *(str(r[word]) for word in ("keep", "relabel", "drop", "skipped"))]
            for r in found["reviewers"]]  # fmt: skip
    lines = [f"{run.id}: {count(found['judged'], 'training row')} judged, {found['shown']:,} shown by {found['by']}", ""]
    lines += [table(["reviewer", "answered", "keep", "relabel", "drop", "skip"], rows), ""] if rows else ["nobody has reviewed yet", ""]
    if found["decided"]:
        lines.append(f"labels found wrong, of {count(found['decided'], 'row')} decided: {number(found['wrong_of_decided'])}")
    if found["noise"].get("value") is not None:
        lines.append(f"labels wrong in all {found['judged']:,} judged rows: {number(found['noise'])}")
    elif found["decided"]:
        lines.append(f"labels wrong in all rows: cannot tell ({visible(found['noise']['why_absent'])}); --sample 200 draws from all")
    if found["wrong_of_flagged"].get("value") is not None:
        lines.append(f"of {count(found['wrong_of_flagged']['n'], 'flagged row')} decided: {number(found['wrong_of_flagged'])}")
    if found["sample"]["drawn"]:
        lines += ["", _strata_table(found)]
    if found["agreement"]:
        lines.append(f"reviewers agree: {number(found['agreement']['raw'])}, alpha {number(found['agreement']['alpha'])}")
    if found["conflicts"]:
        lines.append(f"{count(len(found['conflicts']), 'row')} decided differently (the last decision counts): "
                     + ", ".join(entry["row"] for entry in found["conflicts"][:5]))  # fmt: skip
    lines += ["", f"decisions {visible(found['decisions'])}", f"file {run.path / FILE}"]
    return Answer({"review": found, "files": {"results": FILE}}, "\n".join(lines))


def _strata_table(found: dict[str, Any]) -> str:
    names = ("most suspicious 5%", "next 10%", "next 25%", "rest")
    rows = [[names[s["stratum"]], f"{s['rows']:,}", str(s["drawn"]), str(s["decided"]), str(s["wrong"])] for s in found["strata"]]
    return table(["sample", "rows", "drawn", "decided", "wrong"], rows)
