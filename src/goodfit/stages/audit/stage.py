"""audit: the story. Every check of `checks/` is asked once; what it says is written, muted where the recipe says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from goodfit.data.clean.language import NAMES, code_of
from goodfit.errors import SettingsError, nearest
from goodfit.files import read_json, write_atomic, write_json, write_jsonl
from goodfit.finding import ROWS_SHOWN, Finding, count
from goodfit.memory import give_back, resident_bytes
from goodfit.models.content import file_hash
from goodfit.recipe import Recipe
from goodfit.run import FIRST_SUSPECTS, PROFILE, SUSPECTS, Run
from goodfit.stage import stage
from goodfit.stages.audit import checks
from goodfit.stages.audit.check import CHECKS, Check
from goodfit.stages.audit.labels import first_rows, told
from goodfit.stages.audit.profile import SCHEMA, profile_of
from goodfit.stages.audit.scene import Scene, encoder_of

if TYPE_CHECKING:
    from goodfit.stages.split import Splits

assert checks.__all__, "importing the package registers the checks"


@dataclass
class Audit:
    """What is wrong with the data."""

    findings: tuple[Finding, ...]
    """One per check, in the order of their codes: open, muted, passed, or not applicable."""
    profile: dict[str, Any]
    """audit/profile.json."""
    fingerprint: str = ""

    @classmethod
    def load(cls, run: Run) -> Audit:
        """From audit/findings.jsonl and audit/profile.json."""
        profile = read_json(run.path / "audit" / PROFILE)
        return cls(tuple(run.findings("audit")), profile)


def _inputs(recipe: Recipe, run: Run) -> dict[str, Any]:
    """What makes the vectors, and the files that are compared with: part of the stage's inputs."""
    if recipe.audit is False:
        return {}
    named = (*recipe.audit.production, *recipe.audit.benchmarks)
    files = {path: file_hash(run.base / path) for path in named if (run.base / path).is_file()}
    return {"encoder": encoder_of(recipe, run.base)[0].content, "files": files}


@stage("audit", result=Audit, version=3, reads=("task", "audit", "split", "prepare", "choose", "seed"), extra=_inputs)
def audit(recipe: Recipe, splits: Splits, run: Run) -> Audit:
    """Asks every check; writes findings.jsonl and profile.json. Nothing here reads a test row (split counted those beforehand)."""
    if recipe.audit is False:
        write_json(run.folder("audit") / PROFILE, {"schema": SCHEMA, "skipped": "audit: false"})
        run.report([check.skipped("the recipe says audit: false") for check in _checks()])
        return Audit.load(run)
    ignored = _ignored(recipe.audit.ignore)
    _known_languages(recipe.audit.languages)
    scene = Scene(recipe, splits, run.screen, run.base)
    findings = run.report(_ask_all(scene, run, ignored))
    write_json(run.folder("audit") / PROFILE, profile_of(scene))
    run.screen.say(summary(findings))
    run.screen.say(_keep_suspects(scene, run))
    return Audit.load(run)


def summary(findings: list[Finding]) -> str:
    """`  audit: 1 warning, 2 notes; 6 checks passed, 2 do not apply`."""
    opened = count(findings)
    said = [f"{n} {name}{'s' if n > 1 else ''}" for name, n in opened.items() if n] or ["nothing found"]
    others = {name: sum(f.status == name for f in findings) for name in ("passed", "not_applicable", "muted")}
    words = {"passed": "passed", "not_applicable": "not applicable", "muted": "muted"}
    return f"  audit: {', '.join(said)}; {', '.join(f'{n} {words[name]}' for name, n in others.items() if n)}"


def _keep_suspects(scene: Scene, run: Run) -> str:
    """Writes audit/suspects.parquet and first.jsonl where labels were judged; which rows to look at first."""
    if scene.task == "generation" or isinstance(scene.suspects, str):
        return ""
    with write_atomic(run.folder("audit") / SUSPECTS, "wb") as handle:
        pq.write_table(scene.suspects.table, handle)
    first = first_rows(scene.suspects.table, scene.splits)
    write_jsonl(run.folder("audit") / FIRST_SUSPECTS, first)
    return told(first)


def _checks() -> list[Check]:
    return [CHECKS[code] for code in sorted(CHECKS)]


def _ask_all(scene: Scene, run: Run, ignored: set[str]) -> Iterator[Finding]:
    """What every check says; what one leaves behind goes back to the system before the next."""
    held = resident_bytes()
    for check in _checks():
        yield _ask(check, scene, run, muted=check.code in ignored)
        held = give_back(held)


def _ask(check: Check, scene: Scene, run: Run, *, muted: bool) -> Finding:
    outcome = check.look(scene)
    rows_file = None
    if len(outcome.rows) > ROWS_SHOWN or outcome.table is not None:
        rows_file = f"audit/{check.code}.parquet"
        with write_atomic(run.folder("audit") / f"{check.code}.parquet", "wb") as handle:
            pq.write_table(pa.table({"row": outcome.rows}) if outcome.table is None else outcome.table, handle)
    return check.finding(outcome, muted=muted, rows_file=rows_file)


def _ignored(codes: tuple[str, ...]) -> set[str]:
    """The codes to mute; SettingsError for one that no check of audit has."""
    for code in codes:
        if code not in CHECKS:
            close = nearest(code, CHECKS)
            raise SettingsError(
                f"audit.ignore: {code!r} is no check of audit; there are {', '.join(sorted(CHECKS))}",
                fix=f"did you mean {close}?" if close else "goodfit explain CODE says what a code means",
            )
    return set(codes)


def _known_languages(names: tuple[str, ...]) -> None:
    """SettingsError for a language that nothing here knows."""
    for name in names:
        if code_of(name) is None:
            close = nearest(name.title(), NAMES.values())
            fix = f"did you mean {close}?" if close else f"one of {', '.join(NAMES)}"
            raise SettingsError(f"audit.languages: {name!r} is no language that is known here", fix=fix)
