"""@check: one thing that is looked for in the data, in one file of `checks/`, with code, kind, severity, tasks, and a page.

    @check(code="AUD004", kind="conflicting_labels", severity="warning", looks_for="texts that carry different labels")
    def conflicting_labels(scene: Scene) -> Outcome:
        ...
        return found("warning", "41 texts carry different labels", rows=ids, fix="…")

A check answers with `found`, `passed` or `not_applicable` (with the reason); it never prints, writes or raises for bad data. The
declaration is a promise: a check may not answer with a severity above its own, and is not asked for a task that it does not name.
Alarm budget: on clean data the whole audit warns at most once in twenty times, so `warning` needs an effect that matters, however
sure it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from goodfit.finding import ROWS_SHOWN, SEVERITIES, Finding, Severity, Where
from goodfit.score import Score, Verdict

if TYPE_CHECKING:
    from goodfit.stages.audit.scene import Scene

TaskName = Literal["single_label", "multi_label", "generation"]
CLASSES: tuple[TaskName, ...] = ("single_label", "multi_label")
ALL_TASKS: tuple[TaskName, ...] = (*CLASSES, "generation")
MUTED = "audit.ignore in the recipe"
_NO_ROWS = pa.array([], pa.string())


@dataclass(frozen=True)
class Outcome:
    """What a check says."""

    status: Literal["open", "passed", "not_applicable"]
    title: str
    severity: Severity = "note"
    detail: str = ""
    rows: pa.Array = field(default_factory=lambda: _NO_ROWS)
    """Row ids, worst first, all of them."""
    table: pa.Table | None = None
    """What stands in the file of rows, where there is more to say of them than their ids: a column `row`, and others."""
    n_rows: int | None = None
    """Rows touched, where `rows` does not hold them all."""
    where: Where | None = None
    evidence: tuple[Score, ...] = ()
    verdict: Verdict | None = None
    reason: str | None = None
    fix: str = ""


def found(severity: Severity, title: str, **more: object) -> Outcome:
    """The trouble is there."""
    return Outcome("open", title, severity, **more)  # type: ignore[arg-type]


def passed(title: str, **more: object) -> Outcome:
    """It was looked for, and is not there."""
    return Outcome("passed", title, **more)  # type: ignore[arg-type]


def not_applicable(reason: str) -> Outcome:
    """It was not looked for."""
    return Outcome("not_applicable", "", reason=reason)


@dataclass(frozen=True)
class Check:
    """A registered check."""

    code: str
    kind: str
    severity: Severity
    """The worst that it may answer."""
    tasks: tuple[TaskName, ...]
    looks_for: str
    """In a few words, for reports: `texts that carry different labels`."""
    ask: Callable[[Scene], Outcome]

    def look(self, scene: Scene) -> Outcome:
        """The check's answer; not applicable where it is not for this task."""
        if scene.task not in self.tasks:
            return not_applicable(f"it is for {' and '.join(self.tasks).replace('_', '-')} data")
        outcome = self.ask(scene)
        worst = SEVERITIES.index(self.severity)
        assert outcome.status != "open" or SEVERITIES.index(outcome.severity) <= worst, f"{self.code} answers above {self.severity}"
        return outcome

    def skipped(self, reason: str) -> Finding:
        """The finding of a check that was not asked."""
        return self.finding(not_applicable(reason), muted=False)

    def finding(self, outcome: Outcome, *, muted: bool, rows_file: str | None = None) -> Finding:
        """The answer as a Finding (SCHEMAS: finding)."""
        made = Finding(
            code=self.code, stage="audit", kind=self.kind, severity=outcome.severity, status=outcome.status,
            title=outcome.title or self.looks_for, detail=outcome.detail, reason=outcome.reason, where=outcome.where, fix=outcome.fix,
            n_rows=len(outcome.rows) if outcome.n_rows is None else outcome.n_rows, rows=tuple(outcome.rows[:ROWS_SHOWN].to_pylist()),
            rows_file=rows_file, evidence=outcome.evidence, verdict=outcome.verdict,
        )  # fmt: skip
        return made.mute(MUTED) if muted and made.status == "open" else made


CHECKS: dict[str, Check] = {}
"""Code -> check, filled as the modules of `checks/` are imported."""


def check(
    *, code: str, kind: str, severity: Severity, looks_for: str, tasks: tuple[TaskName, ...] = CLASSES
) -> Callable[[Callable[[Scene], Outcome]], Callable[[Scene], Outcome]]:
    """Registers a check; the function stays as it is."""

    def register(ask: Callable[[Scene], Outcome]) -> Callable[[Scene], Outcome]:
        assert code not in CHECKS, f"two checks are called {code}"
        CHECKS[code] = Check(code, kind, severity, tasks, looks_for, ask)
        return ask

    return register
