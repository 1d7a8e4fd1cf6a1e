"""One made-up run per session, copied for whoever changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.stages.report.make_run import make_run


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("made") / "run")


@pytest.fixture
def run(_template: Path, tmp_path: Path) -> Path:
    """A whole, good run of five classes."""
    return Path(shutil.copytree(_template, tmp_path / "run"))
