"""goodfit.json: kept beside what the models layer wrote, read back whole, refused when it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goodfit.errors import ModelError
from goodfit.tasks import SAVED, Classification, Decision, Saved

WHOLE = Saved(
    Classification(("a/b", 'say "hi"', "1"), multi_label=True, decision=Decision((0.3, 0.5, 0.25), 1.3, True, "valid", 200, "because")),
    ("subject", "body"), 128, "all-MiniLM-L6-v2", "b2:53aa",
)  # fmt: skip


def test_round_trip_beside_other_facts(tmp_path: Path) -> None:
    (tmp_path / SAVED).write_text(json.dumps({"schema": "goodfit/model/1", "kind": "peft", "base": {"name": "x"}}))
    WHOLE.save(tmp_path)
    assert Saved.load(tmp_path) == WHOLE
    document = json.loads((tmp_path / SAVED).read_text())
    assert (document["schema"], document["kind"], document["base"]) == ("goodfit/model/1", "peft", {"name": "x"})
    WHOLE.save(tmp_path)
    assert Saved.load(tmp_path) == WHOLE


def test_without_anything_beside(tmp_path: Path) -> None:
    WHOLE.save(tmp_path)
    assert Saved.load(tmp_path) == WHOLE


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no model that Goodfit trained"),
        ("{", "is damaged"),
        ("[]", "does not say what the task is"),
        ('{"kind": "full"}', "does not say what the task is"),
        ('{"task": {"schema": "goodfit/task/99"}}', "of a newer Goodfit"),
        ('{"task": {"schema": "goodfit/task/1", "labels": ["a"]}}', "is damaged"),
        ('{"task": 7}', "is damaged"),
    ],
)
def test_what_is_not_whole_is_refused(tmp_path: Path, content: Any, message: str) -> None:
    if content is not None:
        (tmp_path / SAVED).write_text(content)
    with pytest.raises(ModelError, match=message):
        Saved.load(tmp_path)
