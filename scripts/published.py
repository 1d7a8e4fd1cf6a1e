"""The other pages that are made from the code: verbs, files of a run, findings, JSON schemas. Part of `reference.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from goodfit.cli import VERBS, main
from goodfit.pages import known_codes
from goodfit.schemas import FILES, schemas
from goodfit.stages.report.schema import json_schema

ROOT = Path(__file__).resolve().parent.parent
EXIT_CODES = "0 fine · 1 the answer is no (a finding at or above `fail_on`, a gate missed, diverged) · 2 the input · 3 our bug · 4 the machine · 130/143 interrupted, resumable"


def cli_reference() -> str:
    """docs/reference/cli.md: every verb with its words and options."""
    context = click.Context(main, info_name="goodfit")
    parts = [
        "# The verbs\n",
        f"Exit codes: {EXIT_CODES}.\n",
        "With `--json` stdout holds exactly one document (`schemas/result.json`), also on failure.\n",
    ]
    for name in VERBS:
        command = main.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=f"goodfit {name}")
        usage = inner.get_usage().removeprefix("Usage: ")
        rows = [record for p in command.params if (record := p.get_help_record(inner)) is not None]
        parts.append(f"## {name}\n\n{(command.help or '').strip()}\n\n```\n{usage}\n```\n")
        parts.append(
            "| option | meaning |\n|---|---|\n" + "\n".join(f"| `{opts}` | {text.replace('|', '/')} |" for opts, text in rows) + "\n"
        )
    return "\n".join(parts)


def files_reference() -> str:
    """docs/reference/files.md: what a run leaves, and which schema it follows."""
    lines = [
        "# The files of a run", "", "JSON files appear whole or not at all; JSONL files only grow. No number is NaN: what was not scored says why.", "",
        "| file | schema |", "|---|---|",
        *(f"| `{file}` | [{schema}](schemas/{schema}.json) |" for file, schema in FILES.items()),
        "| `<stage>/findings.jsonl` | [finding](schemas/finding.json), one a line |",
        "| `review/<reviewer>.jsonl` | [review_answer](schemas/review_answer.json), one a line; the later line of an item counts |",
        "| `review/judges/<name>.jsonl` | [judge_answer](schemas/judge_answer.json), one a line; the later line of an item counts |",
        "| `review/suspects/<reviewer>.jsonl` | [suspect_answer](schemas/suspect_answer.json), one a line; the later line of a row counts |",
        "| `decisions.jsonl` (beside the recipe, or the data) | [decision](schemas/decision.json), one a line; the last of a row counts |",
        "| `report.json` | [report](schemas/report.json) |",
        "| `split/assignment.parquet` | row, split, fold, group, stratum, at (`file:line`, header = line 1) |",
        "| `audit/suspects.parquet` | row, split, label, suggested, suspicion, probability, stratum (0 the most suspicious), flagged; most suspicious first |",
        "| `evaluate/predictions.parquet` | row, split, system, label, prediction, p_`<label>` … |",
        "| `evaluate/predictions.parquet` (generation) | row, split, system, label, prediction, logprob, stopped, tokens, learned, bytes |",
        "| `evaluate/mistakes.jsonl` | the most confident mistakes: row, label, prediction, p, text |",
        "| `train/losses.parquet` | split, step, loss, right: of every row looked at, at every look, as lists in the order of looked_at.parquet |",
        "| `train/looked_at.parquet` | split (valid, train_probe), row, label, group: the rows that were looked at |",
        "| `train/folds/<fold>.parquet` | row, prediction, p_`<label>` … of a fold's rows; `<fold>.json` ([fold](schemas/fold.json)): how its model was made |",
        "| `train/datamap.parquet` | row, label, confidence, variability, margin, correct_share, region (easy, ambiguous, hard): how training rows were learned |",
        "| `train/model/` | the layout of transformers, or of PEFT for an adapter; `goodfit.json` beside it |",
        "| `recipe.yaml`, `resolved.yaml` | the recipe as written; every default filled in, `auto` resolved |",
        "| `<workspace>/ledger.jsonl` | [ledger](schemas/ledger.json): every opening of a test set |",
        "| `<workspace>/tests/<hash>.parquet` | the row ids of a test set |", "",
    ]  # fmt: skip
    return "\n".join(lines)


def findings_reference() -> str:
    """docs/findings/README.md: every code with the title of its page."""
    rows = []
    for code in known_codes():
        title = (ROOT / "docs" / "findings" / f"{code}.md").read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
        rows.append(f"| [{code}]({code}.md) | {title.removeprefix(code).lstrip(' ·:—-')} |")
    return "\n".join(
        [
            "# Findings",
            "",
            "`goodfit explain CODE` prints a page. SPL split, AUD audit, PRE prepare, TUN tune, TRN train, EVA evaluate.",
            "",
            "| code | what |",
            "|---|---|",
            *rows,
            "",
        ]
    )


def _schema(value: dict[str, Any]) -> Callable[[], str]:
    return lambda: json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def pages() -> dict[str, Callable[[], str]]:
    """Page -> what makes it."""
    out: dict[str, Callable[[], str]] = {
        "docs/reference/cli.md": cli_reference, "docs/reference/files.md": files_reference, "docs/findings/README.md": findings_reference,
        "docs/reference/schemas/report.json": _schema(json_schema()),
    }  # fmt: skip
    return out | {f"docs/reference/schemas/{name}.json": _schema(value) for name, value in schemas().items()}
