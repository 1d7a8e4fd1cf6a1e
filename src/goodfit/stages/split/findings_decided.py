"""What split says of decisions. Part of split.

SPL009: decisions about rows that are not there, files that are none. SPL010: test rows that were changed, or could have been.
"""

from __future__ import annotations

from collections import Counter

from goodfit.finding import ROWS_SHOWN, Finding, Severity
from goodfit.stages.split.decide import Ruling

MOSTLY = 0.5
"""Share of decisions about rows that are not in the data from which the file is taken for another data set's."""


def findings_on(ruling: Ruling) -> list[Finding]:
    """What became of the decisions."""
    return [_unknown(ruling), _tests(ruling)]


def _made(code: str, kind: str, severity: Severity, title: str, **more: object) -> Finding:
    return Finding(code=code, stage="split", kind=kind, severity=severity, title=title, **more)


def _unknown(ruling: Ruling) -> Finding:
    """SPL009: what stands in a file of decisions and could not be done, or a file that is not there or none of ours."""
    code, kind, beside = "SPL009", "decisions", ruling.beside
    if beside is None or beside.path is None:
        return _absent(code, kind, "decisions about rows", "the recipe says data.decisions: false")
    if beside.strange is not None and not beside.there:
        title = f"{beside.strange} is no file of decisions: it is not read"
        fix = "nothing, if it is data; else name it in data.decisions to see what is wrong with it"
        return _made(code, kind, "note", title, detail="Its first line has no row and no action.", fix=fix)
    if not beside.there and beside.named:
        title = f"{beside.shown} is not there: no decision is applied"
        detail = "A review writes it, or you do. If it should be there, look at its path: it is relative to the recipe."
        return _made(code, kind, "note", title, detail=detail, fix="correct data.decisions")
    if not beside.there:
        return _absent(code, kind, "decisions about rows", "there is no decisions.jsonl beside the recipe or the data")
    return _done(ruling, beside.shown)


def _done(ruling: Ruling, file: str) -> Finding:
    code, kind = "SPL009", "decisions"
    total = len({*ruling.unknown, *ruling.applied, *ruling.refused})
    done = ", ".join(f"{n:,} {action}" for action, n in ruling.counts().items()) or "none changes a row"
    if not ruling.unknown:
        return _made(code, kind, "note", f"decisions about {total:,} rows are applied ({done})", status="passed")
    severity: Severity = "warning" if len(ruling.unknown) > MOSTLY * total else "note"
    return _made(
        code, kind, severity, f"{len(ruling.unknown):,} of {total:,} decided rows are not in the data",
        detail=f"The other decisions of {file} are applied ({done}). A row's id is made of its input: a row whose text was changed "
        "in the file, or that was deleted, is another one.", n_rows=len(ruling.unknown), rows=ruling.unknown[:ROWS_SHOWN],
        fix="nothing, if these rows were deleted or corrected; else name the decisions of this data set in data.decisions",
    )  # fmt: skip


def _tests(ruling: Ruling) -> Finding:
    """SPL010: test rows that people changed, and decisions about test rows that do not count."""
    code, kind = "SPL010", "test_decisions"
    if ruling.beside is None or not ruling.beside.there:
        return _absent(code, kind, "decisions about test rows", "there are no decisions")
    if not ruling.tested and not ruling.refused:
        return _made(code, kind, "note", "no decision changes a test row", status="passed")
    said = [f"{len(ruling.tested):,} were changed by people before the test set was first opened"] if ruling.tested else []
    said += [f"{n:,} not: {why}" for why, n in Counter(ruling.refused.values()).items()]
    rows = tuple(dict.fromkeys([*ruling.refused, *ruling.tested]))
    title, fix = f"{len(ruling.tested):,} test rows are as people decided", ""
    if ruling.refused:
        title += f"; {len(ruling.refused):,} decisions are refused"
        fix = "keep the test rows as they are, or give a new test set: one that is mended after it was seen flatters"
    return _made(
        code, kind, "warning" if ruling.refused else "note", title,
        detail=f"Of {len(rows):,} test rows with decisions {'; '.join(said)}. Scores are of the rows as they now stand.",
        n_rows=len(rows), rows=rows[:ROWS_SHOWN], fix=fix,
    )  # fmt: skip


def _absent(code: str, kind: str, title: str, reason: str) -> Finding:
    return _made(code, kind, "note", title, status="not_applicable", reason=reason)
