# SPDX-License-Identifier: Apache-2.0
"""Files are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from west_utvm.errors import UtvmError
from west_utvm.files import write_file


def test_a_new_file_has_usual_permissions(tmp_path: Path) -> None:
    write_file(tmp_path / "x", b"new", "hint")
    (tmp_path / "usual").write_bytes(b"")
    assert (tmp_path / "x").read_bytes() == b"new"
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_what_was_there_keeps_its_permissions_and_its_links(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old, and longer")
    (tmp_path / "x").chmod(0o640)
    (tmp_path / "link").symlink_to("x")
    write_file(tmp_path / "link", b"new", "hint")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "x").read_bytes() == b"new"
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(b"old")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UtvmError) as raised:
        write_file(tmp_path / "x", b"new", "give another")
    assert str(raised.value) == (
        f"{tmp_path / 'x'}: cannot be written (No space left on device); give another"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_file(tmp_path / "pipe", b"through", "hint")
    assert os.read(reader, 100) == b"through"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UtvmError, match="cannot be written"):
        write_file(tmp_path, b"new", "hint")
