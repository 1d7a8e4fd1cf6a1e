"""Fifty kills at random instants, each in a process started afresh, as on a machine that loses power."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

SCRIPT = """
import sys
from pathlib import Path
from tests.engine.test_resume import child
folder = Path(sys.argv[1])
folder.mkdir(exist_ok=True)
(folder / "begun").touch()
child(sys.argv[2], folder, {"num_train_epochs": 12.0, "eval_steps": 3})
"""


def start(folder: Path, kind: str) -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), kind], cwd=root)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["bert", "lora"])
def test_fifty_kills(tmp_path: Path, kind: str) -> None:
    (tmp_path / "whole").mkdir()
    assert start(tmp_path / "whole", kind).wait(600) == 0
    rng = np.random.default_rng(3)
    kills = 0
    for _ in range(50):
        process = start(tmp_path / "cut", kind)
        until = time.monotonic() + 120
        while not (tmp_path / "cut" / "begun").exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        (tmp_path / "cut" / "begun").unlink(missing_ok=True)
        time.sleep(float(rng.uniform(0.0, 1.5)))
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
        if (tmp_path / "cut" / "result.safetensors").exists():
            (tmp_path / "cut" / "result.safetensors").unlink()
    assert start(tmp_path / "cut", kind).wait(600) == 0
    assert kills > 10
    assert (tmp_path / "cut" / "result.safetensors").read_bytes() == (tmp_path / "whole" / "result.safetensors").read_bytes()
