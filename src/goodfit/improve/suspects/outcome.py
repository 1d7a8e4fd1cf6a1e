"""What people said of suspects: how many of those they looked at were wrong, whether they agree, and what is left. Part of suspects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from goodfit.files import write_json
from goodfit.improve.suspects.desk import Desk
from goodfit.improve.suspects.listing import STRATA
from goodfit.run import Run
from goodfit.score import Score
from goodfit.stages.audit.labels import noise_rate
from goodfit.statistics import agreement, score

RESULTS = "results.json"
SCHEMA = "goodfit/suspect_review/1"
CHANGES = ("relabel", "drop")
CONFLICTS_SHOWN = 50


def results(run: Run) -> dict[str, Any]:
    """Plain facts; RunError where the run has no suspects."""
    desk = Desk.open(run)
    lines = {name: desk.lines(name) for name in desk.reviewers()}
    last = _last(lines)
    wrong = _share("wrong_label_share", [line["action"] in CHANGES for line in last.values()])
    known = ((line, desk.suspects.of_row(row)) for row, line in last.items())
    flagged = [line["action"] in CHANGES for line, suspect in known if suspect is not None and suspect.flagged]
    return {
        "schema": SCHEMA, "run": run.id, "judged": len(desk.suspects), "by": desk.by, "shown": len(desk.sequence),
        "reviewers": [_reviewer(desk, name, said) for name, said in lines.items()],
        "decided": len(last), "actions": dict(Counter(line["action"] for line in last.values())),
        "wrong_of_decided": wrong.to_json(), "wrong_of_flagged": _share("flag_precision", flagged).to_json(),
        "strata": _strata(desk, last), "agreement": _agreement(lines), "conflicts": _conflicts(lines), "decisions": str(desk.decisions),
        "noise": _noise(desk, last).to_json(),
        "sample": {"drawn": len(desk.sampled), "decided": sum(drawn.row in last for drawn in desk.sampled)},
    }  # fmt: skip


def write_results(run: Run) -> dict[str, Any]:
    """The same, kept in review/suspects/results.json."""
    found = results(run)
    write_json(run.path / "review" / "suspects" / RESULTS, found)
    return found


def _last(lines: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Row -> the last line in which anybody decided; a row that its last reviewer skipped counts by the one before."""
    out: dict[str, dict[str, Any]] = {}
    for said in lines.values():
        for row, line in said.items():
            if line["action"] is not None and (row not in out or line["time"] > out[row]["time"]):
                out[row] = line
    return out


@dataclass(frozen=True)
class _Decided:
    """What the last decision says of a row."""

    row: str
    action: str


def _noise(desk: Desk, last: dict[str, dict[str, Any]]) -> Score:
    """How many labels are wrong in all judged rows; why there is no estimate, where the rows looked at cannot tell."""
    return noise_rate([_Decided(row, line["action"]) for row, line in last.items()], desk.suspects.table)


def _share(name: str, hits: list[bool]) -> Score:
    if not hits:
        return Score(name=name, n=0, why_absent="nothing was decided yet")
    return score("rate", None, np.array(hits)).about(name=name)


def _reviewer(desk: Desk, name: str, said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    done, of = desk.progress(name)
    counted = Counter(line["action"] or "skipped" for line in said.values())
    return {"name": name, "answered": done, "of": of, **{word: counted[word] for word in ("keep", "relabel", "drop", "skipped")}}


def _strata(desk: Desk, last: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each stratum its rows, the rows of the sample that were decided, and how many of these were wrong."""
    out = []
    for stratum, size in enumerate(desk.suspects.sizes()[:STRATA]):
        decided = [last[drawn.row]["action"] for drawn in desk.sampled if drawn.stratum == stratum and drawn.row in last]
        out.append({
            "stratum": stratum, "rows": size, "drawn": sum(drawn.stratum == stratum for drawn in desk.sampled), "decided": len(decided),
            "wrong": sum(action in CHANGES for action in decided),
        })  # fmt: skip
    return out


def _agreement(lines: dict[str, dict[str, dict[str, Any]]]) -> dict[str, Any] | None:
    """Whether reviewers say alike of the same rows: that the label is wrong, or right. None with fewer than two reviewers."""
    if len(lines) < 2:
        return None
    rows = sorted({row for said in lines.values() for row in said})
    codes = [[_code(said.get(row)) for row in rows] for said in lines.values()]
    found = agreement(np.array(codes, dtype=np.float64).reshape(len(lines), len(rows)))
    return {"raw": found.raw.to_json(), "alpha": found.alpha.to_json()}


def _code(line: dict[str, Any] | None) -> float:
    return float("nan") if line is None or line["action"] is None else float(line["action"] in CHANGES)


def _conflicts(lines: dict[str, dict[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows of which two reviewers decided differently; the last decision of a row is the one that is applied."""
    out = []
    for row in dict.fromkeys(row for said in lines.values() for row in said):
        said = {name: (own[row]["action"], own[row]["value"]) for name, own in lines.items() if row in own and own[row]["action"]}
        if len({str(answer) for answer in said.values()}) > 1:
            out.append({"row": row, "said": {name: {"action": action, "value": value} for name, (action, value) in said.items()}})
    return out[:CONFLICTS_SHOWN]
