"""Nothing half-written ever looks whole."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from goodfit import files
from goodfit.errors import MachineError, UserError


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    files.write_json(target, {"v": 1})
    with pytest.raises(RuntimeError), files.write_atomic(target) as handle:
        handle.write("half")
        raise RuntimeError
    assert files.read_json(target) == {"v": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_json_has_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        files.write_json(tmp_path / "a.json", {"v": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_exit_4_and_a_read_only_one_exit_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(number: int) -> object:
        def fsync(_: int) -> None:
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", fail(errno.ENOSPC))
    with pytest.raises(MachineError, match="disk is full"):
        files.write_json(tmp_path / "a.json", {})
    monkeypatch.setattr(os, "fsync", fail(errno.EROFS))
    with pytest.raises(UserError, match="no permission"):
        files.write_json(tmp_path / "a.json", {})
    assert not list(tmp_path.iterdir())


def test_a_cut_last_line_is_left_out_but_a_damaged_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    files.append_jsonl(path, [{"a": 1}, {"a": 2}])
    with path.open("a") as handle:
        handle.write('{"a": 3')
    assert files.read_jsonl(path) == [{"a": 1}, {"a": 2}]
    path.write_text('{"a": 1}\n{"a"\n{"a": 3}\n')
    with pytest.raises(json.JSONDecodeError):
        files.read_jsonl(path)


def test_linked_folders_share_content_but_not_growing_files(tmp_path: Path) -> None:
    source = tmp_path / "a"
    files.write_json(source / "deep" / "x.json", {"v": 1})
    files.append_jsonl(source / "f.jsonl", [{"n": 1}])
    files.link_tree(source, tmp_path / "b")
    files.append_jsonl(tmp_path / "b" / "f.jsonl", [{"n": 2}])
    assert files.read_json(tmp_path / "b" / "deep" / "x.json") == {"v": 1}
    assert files.read_jsonl(source / "f.jsonl") == [{"n": 1}]
    files.write_json(tmp_path / "b" / "deep" / "x.json", {"v": 2})
    assert files.read_json(source / "deep" / "x.json") == {"v": 1}
