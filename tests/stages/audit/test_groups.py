"""AUD042 and AUD043: classes that go with a group, a source or a word are found; spread alike they are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from goodfit.stages.audit.association import Axis, associations
from tests.stages.audit.make import audit_rows, audit_splits, finding
from tests.stages.split.make import run_split, write

LABELS = np.array(["bug", "praise"])


def _rows(seed: int, north: float, south: float, n: int = 600, *, word: float = 0.5) -> list[dict[str, Any]]:
    """`north`, `south`: share of praise there; `word`: share of praise among texts with Acme."""
    rng = np.random.default_rng(seed)
    out = []
    for i in range(n):
        region = "north" if rng.random() < 0.5 else "south"
        label = LABELS[int(rng.random() < (north if region == "north" else south))]
        acme = rng.random() < 0.3 * (word if label == "praise" else 1 - word)
        out.append(
            {"text": f"text {i} {'from ACME,' if acme else 'from them'} number {rng.integers(1e9)}", "label": label, "region": region}
        )
    return out


GROUPED = {"groups": {"region": {"column": "region"}}}


def test_a_class_that_comes_from_one_region_is_found(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows(0, 0.8, 0.2), GROUPED)
    said = finding(done, "AUD042")
    assert (said.status, said.severity) == ("open", "warning")
    assert said.title == "classes go with region"
    assert "elsewhere" in said.detail
    assert said.evidence[0].group == {"region": "north"} or said.evidence[0].group == {"region": "south"}


def test_a_smaller_difference_is_a_note_and_none_passes(tmp_path: Path) -> None:
    done, _ = audit_rows(tmp_path, _rows(0, 0.6, 0.4, n=1200), GROUPED)
    assert finding(done, "AUD042").severity == "note"
    done, _ = audit_rows(tmp_path, _rows(1, 0.5, 0.5), GROUPED)
    assert finding(done, "AUD042").status == "passed"


def test_one_customer_s_many_rows_are_one_observation(tmp_path: Path) -> None:
    """Each customer has one region and one label: 8 customers say nothing, however many rows they have."""
    rng = np.random.default_rng(0)
    content = [
        {"text": f"text {i} {rng.integers(1e9)}", "label": LABELS[i % 8 % 2], "region": ["north", "south"][i % 8 % 2], "who": f"c{i % 8}"}
        for i in range(600)
    ]
    done, _ = audit_rows(tmp_path, content, GROUPED | {"split": {"by": "who"}})
    assert finding(done, "AUD042").status == "not_applicable"


def test_files_are_an_axis_too(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", _rows(0, 0.9, 0.9, 300))
    write(tmp_path / "b.jsonl", _rows(1, 0.1, 0.1, 300))
    document = {"data": {"sources": [{"path": "a.jsonl"}, {"path": "b.jsonl"}]}}
    splits, run = run_split(tmp_path, document)
    said = finding(audit_splits(splits, run, document), "AUD042")
    assert said.title == "classes go with source"
    assert "a.jsonl" in said.detail


def test_lengths_of_a_group_are_told(tmp_path: Path) -> None:
    content = _rows(0, 0.8, 0.2)
    for row in content:
        row["text"] += " and more words" * 5 if row["region"] == "north" else ""
    done, _ = audit_rows(tmp_path, content, GROUPED)
    assert "Median length" in finding(done, "AUD042").detail


def test_a_word_that_should_not_matter_and_does(tmp_path: Path) -> None:
    audit = {"encoder": "tfidf_svd", "should_not_matter": ["Acme", "Globex"]}
    done, _ = audit_rows(tmp_path, _rows(0, 0.5, 0.5, word=0.95), {"audit": audit})
    said = finding(done, "AUD043")
    assert (said.status, said.severity) == ("open", "warning")
    assert "'Acme'" in said.title
    assert "Globex" in said.detail
    assert said.n_rows > 20
    done, _ = audit_rows(tmp_path, _rows(0, 0.5, 0.5), {"audit": audit})
    assert finding(done, "AUD043").status == "passed"
    done, _ = audit_rows(tmp_path, _rows(0, 0.5, 0.5))
    assert finding(done, "AUD043").status == "not_applicable"


def test_chance_is_called_an_association_in_at_most_one_set_of_a_hundred() -> None:
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        axis = Axis("a", tuple("abcd"), rng.integers(0, 4, 400))
        found, looked = associations([axis], rng.integers(0, 5, 400), tuple("vwxyz"), np.arange(400))
        assert looked == 20
        alarms += bool(found)
    assert alarms <= 5
