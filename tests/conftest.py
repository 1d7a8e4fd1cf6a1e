"""Every test works in a cache of its own, on one thread, without a network."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("GOODFIT_CACHE")
    os.environ["GOODFIT_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        os.environ.pop("GOODFIT_CACHE")
    else:
        os.environ["GOODFIT_CACHE"] = before


@pytest.fixture(scope="session", autouse=True)
def _same_draws() -> Iterator[None]:
    """A review draws its sample and its sides by a seed of its own, which is the same in every test: else one in 20 intervals misses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "randbits", lambda bits: random.Random(7).getrandbits(bits))
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets beside the repository; tests that need it are skipped where it is not."""
    folder = Path(os.environ.get("GOODFIT_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip("no shared/data beside the repository")
    return folder
