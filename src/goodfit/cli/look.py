"""The verbs that only look: list, show, compare, explain, doctor. None of them changes a run or opens a sealed row."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

import goodfit
from goodfit import run as runs
from goodfit.cli.envelope import Answer, answered, json_option, workspace_option
from goodfit.cli.result import SIGNS, files, headline, read_scores
from goodfit.cli.rows import find_row
from goodfit.cli.tokens import token_lines, token_rows
from goodfit.data import cache
from goodfit.errors import UserError, nearest
from goodfit.files import read_json
from goodfit.finding import worst_first
from goodfit.improve.compare import compare as compare_runs
from goodfit.models import packaged
from goodfit.monitor.words import duration, size, visible
from goodfit.pages import finding_page, known_codes
from goodfit.recipe.train import TRACKERS
from goodfit.run import Run
from goodfit.stage import STAGES

EXTRAS = {"xlsx": "openpyxl", "hub": "datasets", "gguf": "gguf", "schema": "jsonschema", "studio": "starlette", "lm-eval": "lm_eval"}
EXTRAS |= {name: name for name in TRACKERS}


WIDEST = 72
"""Characters of a cell beyond the first column."""


def table(columns: list[str], rows: list[list[str]]) -> str:
    """An aligned table as plain text, 200 characters wide at most: the first column is never cut, a long cell of another one is."""
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for place, column in enumerate(columns):
        longest = max([len(column), *(len(visible(row[place])) for row in rows if place < len(row))])
        grid.add_column(column, no_wrap=True, min_width=longest if place == 0 else None, max_width=None if place == 0 else WIDEST)
    for row in rows:
        grid.add_row(*[Text(visible(cell)) for cell in row])
    console = Console(width=200, force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(grid)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def number(score: dict[str, Any] | None) -> str:
    """`84.2% [81.5, 86.7]`."""
    if score is None or score.get("value") is None:
        return "–"
    scale, sign = (100, "%") if score.get("unit", "share") == "share" else (1, "")
    text = f"{scale * score['value']:.{1 if sign else 3}f}{sign}"
    if score.get("low") is not None:
        text += f" [{scale * score['low']:.{1 if sign else 3}f}, {scale * score['high']:.{1 if sign else 3}f}]"
    return text


# -- list --------------------------------------------------------------------------------------------------------------


@click.command("list", help="The runs of this workspace, newest last.")
@workspace_option
@json_option
def list_verb(workspace: Path, as_json: bool) -> None:  # noqa: FBT001
    """Prints a line per run."""

    def work() -> Answer:
        found = runs.list_runs(workspace)
        lines = [_line(run) for run in found]
        text = (
            table(["run", "status", "score", "model", "took"], [list(line.values())[:5] for line in lines])
            if lines
            else f"no runs in {workspace}"
        )
        return Answer({"runs": [_entry(run) for run in found]}, text)

    answered("list", work, as_json=as_json)


def _line(run: Run) -> dict[str, str]:
    top = headline(read_scores(run))
    return {
        "run": run.id,
        "status": run.record.status,
        "score": f"{top['name']} {number(top)}" if top else "–",
        "model": str((run.record.model or {}).get("base", "–")),
        "took": duration(sum(s.seconds for s in run.record.stages.values())),
    }


def _entry(run: Run) -> dict[str, Any]:
    record = run.record
    return {
        "id": run.id, "path": str(run.path), "name": record.name, "status": record.status, "created": record.created,
        "parent": record.parent, "headline": headline(read_scores(run)), "model": record.model,
    }  # fmt: skip


# -- show --------------------------------------------------------------------------------------------------------------


@click.command(
    "show", help="One run, one of its stages, or one row (--row ID) as far as it may be seen; `show RUN prepare --row ID`: its tokens."
)
@click.argument("reference", metavar="RUN")
@click.argument("stage", required=False)
@click.option("--row", "row", help="A row id: where it stands, what was predicted.")
@workspace_option
@json_option
def show_verb(reference: str, stage: str | None, row: str | None, workspace: Path, as_json: bool) -> None:  # noqa: FBT001
    """Prints what is known."""

    def work() -> Answer:
        run = runs.find(workspace, reference)
        if row and stage == "prepare":
            seen = token_rows(run, row=row)
            return Answer({"rows": [one.to_json() for one in seen]}, "\n".join(token_lines(seen)).strip())
        if row:
            return _row(run, row)
        return _stage(run, stage) if stage else _run(run)

    answered("show", work, as_json=as_json)


def _row(run: Run, row: str) -> Answer:
    facts = find_row(run, row)
    return Answer({"row": facts}, "\n".join(f"{key:<11} {visible(str(value), 2000)}" for key, value in facts.items()))


def _stage(run: Run, stage: str) -> Answer:
    if stage not in STAGES:
        near = nearest(stage, STAGES)
        raise UserError(f"there is no stage {stage}", fix=f"did you mean {near}?" if near else f"the stages are {', '.join(STAGES)}")
    if stage not in run.record.stages:
        raise UserError(f"{run.id} has no stage {stage} yet", fix=f"goodfit {stage} {run.id}")
    record = run.record.stages[stage]
    findings = worst_first(run.findings(stage))
    silent = [f for f in run.findings(stage) if f.status != "open"]
    lines = [f"{stage}: {record.state}, {duration(record.seconds)}" + (f", from {record.reused_from}" if record.reused_from else "")]
    lines += FACTS[stage](run) if stage in FACTS else []
    for finding in findings:
        lines += ["", f"{finding.severity} {finding.code} {visible(finding.title)}"]
        lines += [f"  {visible(text, 500)}" for text in (finding.detail, f"fix: {finding.fix}" if finding.fix else "") if text]
        lines += [f"  rows: {', '.join(finding.rows[:5])}{' …' if finding.n_rows > 5 else ''}"] if finding.rows else []
    if silent:
        lines += ["", *(f"{f.status.replace('_', ' ')} {f.code} {visible(f.title)}" for f in silent)]
    lines += ["", *(f"  {path.relative_to(run.path)}" for path in sorted((run.path / stage).rglob("*")) if path.is_file())]
    document = {"stage": record.model_dump(mode="json"), "findings": [f.to_json() for f in [*findings, *silent]]}
    return Answer(document, "\n".join(lines))


def _plan_lines(run: Run) -> list[str]:
    """Every settled number with its reason."""
    path = run.path / "tune" / runs.PLAN
    if not path.is_file():
        return []
    document = read_json(path)
    plan = {f"train.{key}": value for key, value in document["plan"].items()}
    plan |= {f"peft.{key}": value for key, value in document.get("peft", {}).items()} | {"peft.lora_dropout": document["lora_dropout"]}
    names = {"train.per_device_train_batch_size": "train.train_batch_size"}
    rows = [[key, str(plan.get(names.get(key, key), "")), why] for key, why in document["reasons"].items()]
    searched = document.get("search")
    return ["", table(["key", "value", "why"], rows), *([] if searched is None else ["", searched["sentence"]])]


def _best_lines(run: Run) -> list[str]:
    """Which step was kept, and why."""
    path = run.path / "train" / runs.BEST
    if not path.is_file():
        return []
    best = read_json(path)
    return ["", f"kept: step {best['step']:,}, {best['score']['name']} {number(best['score'])} on validation; {best['reason']}"]


def _rows_lines(run: Run) -> list[str]:
    """The first training rows of a generation task, token by token."""
    manifest = run.path / "prepare" / runs.MANIFEST
    return token_lines(token_rows(run)) if manifest.is_file() and "learned" in read_json(manifest) else []


FACTS = {"prepare": _rows_lines, "tune": _plan_lines, "train": _best_lines}
"""What `goodfit show RUN STAGE` says beyond findings and files."""


def _run(run: Run) -> Answer:
    scores = read_scores(run)
    record = run.record
    lines = [
        f"{run.id}  {record.status}",
        f"recipe {record.name}, data {record.data.get('rows', '?')} rows, parent {record.parent or 'none'}",
        "",
    ]
    lines.append(table(["stage", "state", "took", "errors", "warnings", "notes"], [
        [name, s.state, duration(s.seconds), *(str(s.findings.get(k, 0)) for k in ("error", "warning", "note"))]
        for name, s in record.stages.items()
    ]))  # fmt: skip
    if scores:
        lines += ["", _score_table(scores), ""]
        lines += [f"{SIGNS.get(v['answer'], '·')} {v['question']}: {v['text']}" for v in scores.get("verdicts", [])]
        lines += [f"{SIGNS.get(g['answer'], '·')} gate {g['gate']}: {g['answer']}" for g in scores.get("gates", [])]
    lines += ["", *(f"{f.severity} {f.code} {visible(f.title)}" for f in worst_first(run.findings())[:6])]
    lines += ["", *(f"{key:<12}{run.path / path}" for key, path in files(run).items())]
    return Answer({"run": record.model_dump(mode="json", by_alias=True), "scores": scores or None}, "\n".join(lines))


def _score_table(scores: dict[str, Any]) -> str:
    overall = [s for s in scores["scores"] if not s.get("label") and not s.get("group") and s.get("split", scores["on"]) == scores["on"]]
    systems = list(scores["systems"])
    names = list(dict.fromkeys(s["name"] for s in overall))
    cell = {(s["name"], s.get("system")): number(s) for s in overall}
    return table([f"on {scores['on']}", *systems], [[name, *(cell.get((name, system), "–") for system in systems)] for name in names])


# -- compare -----------------------------------------------------------------------------------------------------------


@click.command("compare", help="Runs side by side: scores, what differs in their recipes, and paired verdicts on the rows they share.")
@click.argument("references", metavar="RUN RUN…", nargs=-1, required=True)
@workspace_option
@json_option
def compare_verb(references: tuple[str, ...], workspace: Path, as_json: bool) -> None:  # noqa: FBT001
    """Prints the comparison with the first run as the base."""

    def work() -> Answer:
        if len(references) < 2:
            raise UserError("compare needs two runs or more", fix="goodfit list")
        result = compare_runs([runs.find(workspace, reference) for reference in references])
        columns = ["run", "on", *result["metrics"], "training"]
        rows = [
            [r["id"], r["on"], *(number(r["scores"].get(m)) for m in result["metrics"]), duration(r["cost"]["train_seconds"] or 0.0)]
            for r in result["runs"]
        ]
        lines = [table(columns, rows), "", *(_ancestry(r["lineage"]) for r in result["runs"] if len(r["lineage"]) > 1)]
        verdicts = [*result["verdicts"], *(review["verdict"] for review in result["reviews"])]
        lines += ["", *(f"{SIGNS.get(v['answer'], '·')} {v['question']}: {v['text']}" for v in verdicts)]
        lines += ["", *(f"{key}: {' | '.join(map(str, values))}" for key, values in result["differs"].items())]
        return Answer(result, "\n".join(lines))

    answered("compare", work, as_json=as_json)


def _ancestry(chain: list[dict[str, Any]]) -> str:
    """`RUN <- PARENT (train.learning_rate: auto, lower_rate)`: the newest first, six at most."""
    said = [chain[-1]["id"]]
    for child, parent in list(zip(chain[::-1], chain[-2::-1], strict=False))[:6]:
        changed = ", ".join(f"{key}: {value}" for key, value in list(child["changed"].items())[:3]) or "the same recipe"
        why = f"; {child['proposal']}" if child["proposal"] else ""
        said.append(f"<- {parent['id']} ({changed}{why})")
    return visible(" ".join(said), 1000)


# -- explain -----------------------------------------------------------------------------------------------------------


@click.command("explain", help="What a finding's code means, how it is computed, and what to do.")
@click.argument("code")
@json_option
def explain_verb(code: str, as_json: bool) -> None:  # noqa: FBT001
    """Prints the page of a code."""

    def work() -> Answer:
        wanted = re.sub(r"-[0-9a-f]{4}$", "", code.strip(), flags=re.IGNORECASE).upper()
        page = finding_page(wanted)
        if page is None:
            near = nearest(wanted, known_codes())
            raise UserError(
                f"{code} is no code of a finding", fix=f"did you mean {near}?" if near else f"known: {', '.join(known_codes())}"
            )
        return Answer({"code": wanted, "page": page}, page)

    answered("explain", work, as_json=as_json)


# -- doctor ------------------------------------------------------------------------------------------------------------


@click.command("doctor", help="This machine, the installed models, the optional packages, and what would stand in the way.")
@workspace_option
@json_option
def doctor_verb(workspace: Path, as_json: bool) -> None:  # noqa: FBT001
    """Prints facts and problems; exit 4 where the machine cannot work."""

    def work() -> Answer:
        facts = _facts(workspace)
        problems = _problems(facts)
        lines = [f"{key:<14}{value}" for key, value in facts["shown"].items()]
        lines += [f"{'model':<14}{m['name']} ({m['package']}, {m['license'] or 'licence unknown'})" for m in facts["models"]]
        lines += [f"{'extra':<14}{name}: {'installed' if there else 'absent'}" for name, there in facts["extras"].items()]
        lines += ["", *(f"problem: {p}" for p in problems)] if problems else ["", "nothing stands in the way"]
        return Answer(facts | {"problems": problems}, "\n".join(lines), 4 if problems else 0)

    answered("doctor", work, as_json=as_json)


def _facts(workspace: Path) -> dict[str, Any]:
    machine = runs.hardware()
    near = workspace if workspace.exists() else Path.cwd()
    free = shutil.disk_usage(near).free
    versions = {name: _version(name) for name in ("torch", "transformers", "peft", "tokenizers", "scikit-learn", "pyarrow")}
    shown = {
        "goodfit": goodfit.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": f"{machine['cpu']}, {machine['threads']} threads, {machine['memory_gb']} GB memory",
        "disk": f"{size(free)} free for {workspace}",
        "cache": f"{cache.root()}",
    } | {name: version or "absent" for name, version in versions.items()}
    models = [
        {"name": m.name, "package": f"{m.package}=={m.version}", "license": m.license, "type": m.model_type} for m in packaged.discover()
    ]
    extras = {name: _version(package) is not None for name, package in EXTRAS.items()}
    return {"shown": shown, "hardware": machine, "disk_free_bytes": free, "versions": versions, "models": models, "extras": extras}


def _problems(facts: dict[str, Any]) -> list[str]:
    out = [f"{name} is not installed" for name, version in facts["versions"].items() if version is None]
    if facts["disk_free_bytes"] < 2e9:
        out.append(f"only {size(facts['disk_free_bytes'])} of disk are free; a run of a small model takes about 1 GB")
    if (facts["hardware"]["memory_gb"] or 99) < 3:
        out.append("less than 3 GB of memory")
    return out


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


COMMANDS = {"list": list_verb, "show": show_verb, "compare": compare_verb, "explain": explain_verb, "doctor": doctor_verb}
