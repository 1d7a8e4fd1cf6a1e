"""Finding: what any check, alarm or gate says. A finding has a code, a severity, a page, a fix, and can be muted.

Nouns layer: standard library and pydantic. "Not applicable" and "passed" are findings too, with a reason: silence is never
an answer. Findings are written one a line to `<stage>/findings.jsonl` (SCHEMAS: finding).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from goodfit.score import Score, Verdict

Severity = Literal["note", "warning", "error"]
Status = Literal["open", "muted", "passed", "not_applicable"]
SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
ROWS_SHOWN = 100
"""At most this many row ids stand inside a finding; beyond it `rows_file` names a parquet with column `row`."""


class Where(BaseModel):
    """The first place a finding speaks of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = None
    line: int | None = None
    column: str | None = None
    split: str | None = None


class Finding(BaseModel):
    """One thing that was looked for, and what was found."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["goodfit/finding/1"] = Field("goodfit/finding/1", alias="schema")
    id: str = ""
    """`CODE-xxxx`: stable for the same code, kind and content."""
    code: str = Field(pattern=r"^(SPL|AUD|CHO|PRE|TUN|TRN|EVA|ASM|EXP)\d{3}$")
    stage: str
    severity: Severity
    status: Status = "open"
    kind: str
    """One word for one thing: `near_duplicates`, `imbalance`, `overfitting` … (docs/findings)."""
    title: str
    """What was found, with its number, in one line."""
    detail: str = ""
    n_rows: int = 0
    rows: tuple[str, ...] = ()
    """Row ids, worst first, at most 100."""
    rows_file: str | None = None
    where: Where | None = None
    evidence: tuple[Score, ...] = ()
    verdict: Verdict | None = None
    step: int | None = None
    """The optimiser step, for alarms of a training."""
    reason: str | None = None
    """Why it is not applicable, or why it is muted."""
    fix: str = ""
    page: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Finding:
        if self.status in ("not_applicable", "muted") and not self.reason:
            raise ValueError(f"{self.code}: status {self.status} needs a reason")
        if len(self.rows) > ROWS_SHOWN:
            raise ValueError(f"{self.code}: at most {ROWS_SHOWN} rows stand inside a finding; write the rest to rows_file")
        if not self.id:
            key = json.dumps([self.code, self.kind, self.title, list(self.rows), self.step], ensure_ascii=False)
            object.__setattr__(self, "id", f"{self.code}-{hashlib.blake2b(key.encode(), digest_size=2).hexdigest()}")
        if not self.page:
            object.__setattr__(self, "page", f"findings/{self.code}")
        return self

    def to_json(self) -> dict[str, Any]:
        """A plain dict with every key of the schema."""
        out = self.model_dump(mode="json", by_alias=True)
        out["evidence"] = [score.to_json() for score in self.evidence]
        out["verdict"] = self.verdict.to_json() if self.verdict else None
        return out

    def mute(self, reason: str) -> Finding:
        """The same finding, silenced for a stated reason."""
        return self.model_copy(update={"status": "muted", "reason": reason})


def at_or_above(findings: Iterable[Finding], severity: Severity | Literal["never"]) -> list[Finding]:
    """The open findings at or above a severity (none for `never`)."""
    if severity == "never":
        return []
    bar = SEVERITIES.index(severity)
    return [f for f in findings if f.status == "open" and SEVERITIES.index(f.severity) >= bar]


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """Open findings by severity: `{"error": 0, "warning": 1, "note": 2}`."""
    out = {"error": 0, "warning": 0, "note": 0}
    for finding in findings:
        if finding.status == "open":
            out[finding.severity] += 1
    return out


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Open findings, errors first, then by rows touched."""
    opened = [f for f in findings if f.status == "open"]
    return sorted(opened, key=lambda f: (-SEVERITIES.index(f.severity), -f.n_rows, f.code))
