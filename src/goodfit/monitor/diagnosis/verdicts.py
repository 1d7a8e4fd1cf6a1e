"""What a detector answers, and how that becomes a finding. Part of monitor's diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, replace

from goodfit.finding import ROWS_SHOWN, Finding, Severity
from goodfit.score import Score, Verdict

STAGE = "train"


@dataclass(frozen=True)
class Sign:
    """One diagnosis: what was seen, or why it was not looked for."""

    code: str
    kind: str
    seen: bool = False
    severity: Severity = "warning"
    title: str = ""
    detail: str = ""
    fix: str = ""
    evidence: tuple[Score, ...] = ()
    rows: tuple[str, ...] = ()
    verdict: Verdict | None = None
    step: int | None = None
    not_applicable: str = ""
    """Why it could not be looked for."""
    cause: bool = True
    """May be named as the cause; else it is told beside it."""

    def softened(self, because: str) -> Sign:
        """The same as a note: something else explains it."""
        return replace(self, severity="note", detail=f"{self.detail} {because}".strip())

    def finding(self) -> Finding:
        """For train/findings.jsonl."""
        status = "open" if self.seen else "not_applicable" if self.not_applicable else "passed"
        return Finding(
            code=self.code, stage=STAGE, kind=self.kind, severity=self.severity if self.seen else "note", status=status,
            title=self.title or f"no sign of: {self.kind.replace('_', ' ')}", detail=self.detail, fix=self.fix if self.seen else "",
            evidence=self.evidence, n_rows=len(self.rows), rows=self.rows[:ROWS_SHOWN], verdict=self.verdict, step=self.step,
            reason=self.not_applicable or None,
        )  # fmt: skip
