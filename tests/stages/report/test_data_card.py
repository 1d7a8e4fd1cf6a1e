"""DATACARD.md: what was measured stands in it, what only people know is asked for, and nothing of a name acts as markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goodfit.run import DATA_CARD
from goodfit.stages.report.write import write_report
from tests.stages.audit.make import audit_rows


def _card(folder: Path, content: list[dict[str, Any]], document: dict[str, Any] | None = None) -> str:
    _, run = audit_rows(folder, content, document)
    write_report(run.path)
    return (run.path / DATA_CARD).read_text(encoding="utf-8")


def _rows(n: int = 200, label: str = "praise") -> list[dict[str, Any]]:
    return [
        {"text": f"the {['red', 'blue'][i % 2]} thing number {i} works", "label": ["bug", label][i % 2], "region": "ns"[i % 3 == 0]}
        for i in range(n)
    ]


def test_it_says_what_was_measured_and_asks_for_the_rest(tmp_path: Path) -> None:
    card = _card(tmp_path, [*_rows(), {"text": "", "label": "bug", "region": "n"}], {"groups": {"region": {"column": "region"}}})
    for section in ("Motivation", "Composition", "Collection", "Preprocessing", "What was looked for", "Distribution", "Maintenance"):
        assert f"\n## {section}\n" in card
    assert "201 rows read, 200 used" in card
    assert "File data.jsonl: 200 of 201 rows." in card
    assert "| praise | " in card
    assert "region: s" in card or "region: n" in card
    assert "Dropped: 1 " in card
    assert card.count("Not known to Goodfit") == 8
    assert "AUD002" in card
    assert str(tmp_path) not in card


@pytest.mark.parametrize("label", ["<img src=x onerror=alert(1)>", "a | b", "**bold**\n# head", "‮evil"])
def test_hostile_names_are_text(label: str, tmp_path: Path) -> None:
    card = _card(tmp_path, _rows(label=label))
    assert "<img" not in card
    assert "\n# head" not in card
    assert "‮" not in card
    for line in card.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5


def test_a_run_that_read_nothing_has_none(tmp_path: Path) -> None:
    from goodfit.run import Run

    run = Run.create(tmp_path / "runs", name="t", recipe_text="{}\n", recipe_hash="b2:0", base=tmp_path)
    write_report(run.path)
    assert not (run.path / DATA_CARD).exists()
