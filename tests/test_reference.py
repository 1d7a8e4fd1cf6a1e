"""The generated reference pages say what the code says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from goodfit.settings.keys import keys

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_stale(reference: ModuleType) -> None:
    assert reference.stale() == [], "python -m scripts.reference --write"


def test_every_key_of_the_recipe_stands_in_its_page(reference: ModuleType) -> None:
    page = reference.recipe_reference()
    for key in keys():
        if key.holds is None:
            section = page.split(f"\n## `{key.section}`\n")[1] if key.section else page
            row = next(line for line in section.splitlines() if line.startswith(f"| `{key.name}` |"))
            assert row.count(" | ") == 3, "four cells, none of them broken by a bar"


def test_kinds_of_values_in_words(reference: ModuleType) -> None:
    by_path = {key.path: reference.kind(key.field.annotation, key.field.metadata) for key in keys()}
    assert by_path["train.learning_rate"] == "`auto` or number above 0 and below 1"
    assert by_path["train.gradient_accumulation_steps"] == "whole number above 0"
    assert by_path["task.text"] == "text, or a list"
    assert by_path["peft.method"].startswith("`full` or `lora`")
    assert by_path["train.early_stopping"] == "true or false"
