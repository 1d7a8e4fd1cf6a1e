"""`goodfit review RUN`: people read the answers, blind, in the terminal or (`--web`) on a page; `--results` says what they said.

`--of suspects`: they look at rows whose label is doubted, and decide (suspects.py).
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.keys import judge, key_reader, must_be_interactive
from goodfit.cli.look import number, table
from goodfit.cli.result import SIGNS
from goodfit.cli.suspects import review_suspects
from goodfit.errors import UserError
from goodfit.improve.review import ASKS, Book, reviewer_name, write_results
from goodfit.monitor.words import visible
from goodfit.run import Run
from goodfit.studio import serve

FILE = "review/results.json"
WORTH_SAYING = ("may stop", "more judgements", "at any time", "nobody")
"""Of the sentences of the results, those that no table here says."""


@click.command(
    "review",
    help="People read what the model wrote beside what others wrote, blind, and say which is better. With several RUNs, their models too. "
    "--of suspects: they look at training rows whose label is doubted, and keep, relabel or drop them. "
    "Every answer is saved at once; the same command goes on where it stopped.",
)
@click.argument("references", metavar="RUN…", nargs=-1, required=True)
@click.option("--of", type=click.Choice(["answers", "suspects"]), default="answers", show_default=True, help="What is looked at.")
@click.option("--reviewer", "-r", help="Who answers: one file each in review/.  [default: the user's name]")
@click.option("--prefer", is_flag=True, help="Ask which of two answers is better (the default).")
@click.option("--rate", is_flag=True, help="Ask for coherence, fluency, domain knowledge and correctness, 1 to 5. With --prefer: both.")
@click.option("--items", type=int, help="Rows to show; a larger number later adds some.  [default: 50; of suspects 2%, at least 20]")
@click.option("--sample", type=int, help="Suspects: so many rows drawn from all (200 tell how many labels are wrong), not the worst only.")
@click.option("--results", "show_results", is_flag=True, help="Win shares, ratings and agreement so far, with intervals; asks nothing.")
@click.option("--web", is_flag=True, help="On a page of this machine only (the address is printed); needs goodfit[studio].")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the page.  [default: a free one]")
@workspace_option
@json_option
def review_verb(references: tuple[str, ...], workspace: Path, as_json: bool, **how: Any) -> None:  # noqa: FBT001
    """Asks, or shows what was said."""

    def work() -> Answer:
        first, *others = (runs.find(workspace, reference) for reference in references)
        if how["of"] == "suspects":
            return _suspects(first, others, how, as_json=as_json)
        if how["sample"] is not None:
            raise UserError("--sample is for suspects", fix="--of suspects --sample 200, or --items")
        if how["show_results"]:
            return _results(first)
        must_be_interactive(as_json=as_json)
        book = Book.open(first, others, items=how["items"], ask=[word for word in ASKS if how[word]])
        reviewer = reviewer_name(how["reviewer"] or _user())
        if how["web"]:
            serve(first, reviewer=reviewer if how["reviewer"] else None, port=how["port"], say=lambda text: click.echo(text, err=True))
        else:
            click.echo(f"reviewing {first.id} as {reviewer}; every answer is saved at once", err=True)
            judge(book, reviewer, key_reader(), click.echo)
        return _ended(book, first)

    answered("review", work, as_json=as_json)


def _suspects(run: Run, others: Sequence[Run], how: dict[str, Any], *, as_json: bool) -> Answer:
    if others:
        raise UserError("suspects are those of one run", fix=f"goodfit review {run.id} --of suspects")
    reviewer = "" if how["show_results"] else reviewer_name(how["reviewer"] or _user())
    return review_suspects(run, reviewer, how, as_json=as_json)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise UserError("this machine does not know your name", fix="--reviewer NAME") from None


def _ended(book: Book, run: Run) -> Answer:
    """What was answered, and how to see what it says; review/results.json, which the report reads, says it too."""
    if any(book.progress(name)[0] for name in book.reviewers()):
        write_results(run)
    progress = {name: book.progress(name) for name in book.reviewers()}
    lines = [f"{name}: {done} of {of} answered" for name, (done, of) in progress.items()] or ["nothing answered yet"]
    return Answer({"reviewers": progress}, "\n".join([*lines, f"goodfit review {run.id} --results"]))


def _results(run: Run) -> Answer:
    found = write_results(run)
    items, lines = found["items"], []
    alike = f"; {items['identical']:,} more are answered alike by all and are not asked" if items["identical"] else ""
    lines.append(f"{run.id}: {items['drawn']:,} of {items['population']:,} rows drawn{alike}")
    lines += [
        f"{r['name']}: {r['answered']} of {r['of']} answered" + (f", {r['skipped']} without an opinion" if r["skipped"] else "")
        for r in found["reviewers"]
    ]
    lines += ["", *_pairs(found), *_ratings(found), *_checks(found), *judges_text(found["judges"])]
    for pair in found["pairs"]:
        lines.append(f"{SIGNS.get(pair['verdict']['answer'], '·')} {pair['verdict']['question']}: {pair['verdict']['text']}")
    lines += [f"  {text}" for text in found["text"] if any(word in text for word in WORTH_SAYING)]
    lines += [
        "",
        *(f"liked least: {visible(w['row'], 40)}  {visible(w['prompt'], 100)}" for w in found["worst"][:5]),
        f"file {run.path / FILE}",
    ]
    return Answer({"review": found, "files": {"results": FILE}}, "\n".join(lines))


def _pairs(found: dict[str, Any]) -> list[str]:
    rows = [
        [f"{p['a']} vs {p['b']}", str(p["wins"]), str(p["ties"]), str(p["losses"]), number(p["win_share"])] for p in found["pairs"]
    ]  # fmt: skip
    return [table(["preferred", "wins", "ties", "losses", "win share (ties half)"], rows), ""] if rows else []


def _ratings(found: dict[str, Any]) -> list[str]:
    if not found["ratings"]:
        return []
    systems = found["systems"]
    cells = {(r["dimension"], s["system"]): _points(s) for r in found["ratings"] for s in r["scores"]}
    rows = [[r["dimension"].replace("_", " "), *(cells.get((r["dimension"], name), "–") for name in systems)] for r in found["ratings"]]
    verdicts = [f"{SIGNS.get(v['answer'], '·')} {v['question']}: {v['text']}" for r in found["ratings"] for v in r["verdicts"]]
    return [table(["mean of 1 to 5", *systems], rows), *verdicts, ""]


def _points(score: dict[str, Any]) -> str:
    if score.get("value") is None:
        return "–"
    return f"{score['value']:.2f} [{score['low']:.2f}, {score['high']:.2f}]"


def _checks(found: dict[str, Any]) -> list[str]:
    """Agreement, self-consistency, and what may have moved reviewers besides quality."""
    rows = [
        [f"agreement, {a['about'].replace('_', ' ')}", number(a["raw"]), f"alpha {number(a['alpha'])}"] for a in found["agreement"]
    ]  # fmt: skip
    names = {"first_shown_wins": "won by the side shown first", "longer_wins": "won by the longer answer", "length_slope": "pull of length"}
    rows += [[names[s["name"]], number(s), "log-odds per doubling" if s["name"] == "length_slope" else ""]
             for s in found["effects"] if s.get("value") is not None]  # fmt: skip
    if found["consistency"].get("value") is not None:
        rows.append(["same answer when asked again", number(found["consistency"]), f"of {found['consistency']['n']}"])
    return [table(["check", "", ""], rows), ""] if rows else []


def judges_text(judges: Sequence[dict[str, Any]]) -> list[str]:
    """What each judge says, apart from people, and how far it agrees with them; what it must not say is said instead."""
    if not judges:
        return []
    rows = []
    for one in judges:
        agreement, effects = one["agreement"], {score["name"]: score for score in one["effects"]}
        shares = [f"{p['a']} vs {p['b']} {number(p['win_share'])}" for p in one["pairs"] if p["win_share"].get("value") is not None]
        rows.append([
            one["name"], number(agreement["raw"]), number(agreement["alpha"]), number(effects["first_shown_wins"]),
            number(effects["orders_agree"]), "; ".join(shares) or "withheld",
        ])  # fmt: skip
    columns = ["judge", "agrees with people", "alpha", "picks the first shown", "same in both orders", "win share"]
    lines = [table(columns, rows), *(f"judge {one['name']}: {one['why_not']}" for one in judges if one["why_not"])]
    for one in judges:
        for entry in one["ratings"]:
            said = ", ".join(f"{score['system']} {_points(score)}" for score in entry["scores"]) if entry["trusted"] else entry["why_not"]
            lines.append(f"judge {one['name']}, {entry['dimension'].replace('_', ' ')}: {said}")
    return [*lines, ""]


COMMANDS = {"review": review_verb}
