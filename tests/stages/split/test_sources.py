"""Which files a recipe means, and by which name they are shown."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from goodfit.recipe import Data
from goodfit.stages.split.sources import as_written, opened, shown, shown_name, sources_of


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe lies in `project`, the current folder is another one; gives the project."""
    (tmp_path / "here").mkdir()
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "project"


def test_paths_are_relative_to_the_recipe(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened("a.csv", elsewhere) == str(elsewhere / "a.csv")
    assert opened("/data/a.csv", elsewhere) == "/data/a.csv"
    assert opened("~/a.csv", elsewhere) == "~/a.csv"
    assert opened("hub:owner/name", elsewhere) == "hub:owner/name"
    monkeypatch.chdir(elsewhere.parent)
    assert opened("a.csv", elsewhere) == "project/a.csv"
    monkeypatch.chdir(elsewhere)
    assert opened("a.csv", elsewhere) == "a.csv"


def test_places_are_shown_by_the_written_name(elsewhere: Path) -> None:
    data = Data(train="a.csv", test="sub/a.csv")
    names = as_written(data, elsewhere)
    assert names == {str(elsewhere / "a.csv"): "a.csv", str(elsewhere / "sub/a.csv"): "sub/a.csv"}
    places = pa.chunked_array([[f"{elsewhere}/a.csv:12", f"{elsewhere}/sub/a.csv:3", f"{elsewhere}/a.csv2:1", "other:4"]])
    assert shown(places, names).to_pylist() == ["a.csv:12", "sub/a.csv:3", f"{elsewhere}/a.csv2:1", "other:4"]
    assert shown_name(f"{elsewhere}/a.csv", names) == "a.csv"
    assert shown_name("elsewhere.csv", names) == "elsewhere.csv"
    odd = {"/x/(a)+\\1.csv": "b\\1.csv"}
    assert shown(pa.chunked_array([["/x/(a)+\\1.csv:7"]]), odd).to_pylist() == ["b\\1.csv:7"]


def test_a_file_inside_a_given_folder_keeps_the_rest_of_its_path(elsewhere: Path) -> None:
    names = as_written(Data(path="tickets"), elsewhere)
    assert shown_name(f"{elsewhere}/tickets/data/train.csv", names) == "tickets/data/train.csv"
    assert shown(pa.chunked_array([[f"{elsewhere}/tickets/train.csv:2"]]), names).to_pylist() == ["tickets/train.csv:2"]


def test_sources_carry_role_weight_and_format(elsewhere: Path) -> None:
    given = sources_of(Data(train="a.csv", test="b.csv", format="csv"), elsewhere)
    assert [(s.split, s.format, Path(s.path).name) for s in given] == [("train", "csv", "a.csv"), ("test", "csv", "b.csv")]
    several = sources_of(
        Data.model_validate({"sources": [{"path": "a.csv", "weight": 0.5}, {"path": "b.tsv", "format": "tsv"}]}), elsewhere
    )
    assert [(s.split, s.weight, s.format) for s in several] == [(None, 0.5, None), (None, 1.0, "tsv")]
