"""Finding: codes, severities, stable ids, and that silence needs a reason."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from goodfit.finding import Finding, at_or_above, count, worst_first


def make(severity: str = "warning", **changes: object) -> Finding:
    return Finding.model_validate(
        {"code": "AUD004", "stage": "audit", "severity": severity, "kind": "conflicting_labels", "title": "41 texts"} | changes
    )


def test_not_applicable_and_muted_need_a_reason() -> None:
    with pytest.raises(ValidationError, match="reason"):
        make(status="not_applicable")
    assert make().mute("known").status == "muted"


def test_a_code_belongs_to_a_stage_and_has_a_page() -> None:
    with pytest.raises(ValidationError):
        make(code="XYZ001")
    assert make().page == "findings/AUD004"


def test_ids_are_stable_and_differ_by_content() -> None:
    assert make().id == make().id
    assert make(title="42 texts").id != make().id
    assert make().id.startswith("AUD004-")


def test_at_most_a_hundred_rows_stand_inside() -> None:
    with pytest.raises(ValidationError, match="rows_file"):
        make(rows=tuple(map(str, range(101))))


def test_counting_and_ordering_look_at_open_findings_only() -> None:
    found = [make("note"), make("error", n_rows=1), make("error", n_rows=9), make("warning").mute("known")]
    assert count(found) == {"error": 2, "warning": 0, "note": 1}
    assert [f.n_rows for f in worst_first(found)] == [9, 1, 0]
    assert len(at_or_above(found, "warning")) == 2
    assert at_or_above(found, "never") == []


def test_json_round_trip() -> None:
    finding = make(rows=("a", "b"), where={"file": "t.csv", "line": 3})
    out = finding.to_json()
    assert out["schema"] == "goodfit/finding/1"
    assert Finding.model_validate(out) == finding
