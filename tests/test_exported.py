"""The public names: sorted, few, lazily resolved, each documented."""

from __future__ import annotations

import subprocess
import sys

import goodfit


def test_names_are_sorted_and_few() -> None:
    names = list(goodfit._NAMES)
    assert names == sorted(names, key=lambda n: (n[0].islower(), n))
    assert len(names) <= 30


def test_every_name_resolves_and_is_documented() -> None:
    for name in goodfit._NAMES:
        assert getattr(goodfit, name).__doc__, name
    assert set(goodfit._NAMES) <= set(dir(goodfit))


def test_importing_loads_nothing() -> None:
    code = "import sys, goodfit; print(sorted({'torch', 'pydantic', 'numpy', 'pyarrow'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
