# SPDX-License-Identifier: Apache-2.0
"""The boards run C, give back what they are given, and see a read behind the end of memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .boards import BARE_METAL, BOARDS, WARNINGS, build, command

FAULT = 8


def run(cpu: str, folder: Path, *flags: str) -> int:
    build(cpu, folder / "echo.elf", ("-O2", *WARNINGS, *flags, BARE_METAL / "echo.c"))
    line = command(cpu, folder / "echo.elf")
    return subprocess.run(line, cwd=folder, timeout=60, check=False).returncode


@pytest.mark.parametrize("cpu", BOARDS)
def test_files(cpu: str, tmp_path: Path) -> None:
    data = bytes(i * 7 % 256 for i in range(1001))
    (tmp_path / "input.bin").write_bytes(data)
    assert run(cpu, tmp_path) == 0
    assert (tmp_path / "output.bin").read_bytes() == data


@pytest.mark.parametrize("cpu", BOARDS)
def test_a_read_behind_the_end_is_a_fault(cpu: str, tmp_path: Path) -> None:
    (tmp_path / "input.bin").write_bytes(bytes(1001))
    assert run(cpu, tmp_path, "-DBEYOND") == FAULT
