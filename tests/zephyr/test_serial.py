# SPDX-License-Identifier: Apache-2.0
"""The path of a real board, up to the wire: a serial port by name, its speed, no emulator started.

The board at the other end is QEMU's, which was started by hand with its UART on a pseudo-terminal.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import Workspace, toolchain
from west_utvm.workspace.devicetree import console_speed

pytestmark = pytest.mark.zephyr


@dataclass(frozen=True)
class Board:
    name: str
    build: Path
    port: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def serial_board(zephyr_workspace: Workspace, old_boards: bool) -> Iterator[Board]:
    name = "mps2_an385" if old_boards else "mps2/an385"
    build = zephyr_workspace.topdir / "build" / "utvm" / "digits" / "mps2_an385"
    zephyr_workspace.ok("utvm-run", "digits", "-b", name, env=toolchain(name))
    command = ["qemu-system-arm", "-machine", "mps2-an385", "-cpu", "cortex-m3", "-nographic"]
    command += ["-monitor", "none", "-net", "none", "-serial", "pty"]
    command += ["-kernel", str(build / "zephyr" / "zephyr.elf")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    found = re.search(rb"redirected to (\S+)", process.stdout.readline())
    assert found
    yield Board(name, build, found[1].decode(), process)
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_port_that_is_named_is_used(zephyr_workspace: Workspace, serial_board: Board) -> None:
    said = zephyr_workspace.ok(
        *("utvm-run", "digits", "-b", serial_board.name, "--repeat", "3"),
        *("--no-flash", "--port", serial_board.port),
        env=toolchain(serial_board.name),
    )
    assert "running on hardware" in said and "of 3 runs" in said


def test_a_board_that_is_unplugged_in_the_middle(
    zephyr_workspace: Workspace, serial_board: Board
) -> None:
    command = ["utvm-run", "digits", "-b", serial_board.name, "--repeat", "1000000"]
    command += ["--no-flash", "--port", serial_board.port]
    run = zephyr_workspace.start(*command, env=toolchain(serial_board.name))
    assert run.stdout is not None
    while b"running on hardware" not in run.stdout.readline():
        assert run.poll() is None
    time.sleep(1.0)
    serial_board.process.kill()
    _, errors = run.communicate(timeout=30)
    assert run.returncode == 1
    last = errors.decode().strip().splitlines()[-1]
    assert last.startswith(f"FATAL ERROR: {serial_board.port}: the port is gone"), last


def test_flashing_that_fails_is_said_once(zephyr_workspace: Workspace, serial_board: Board) -> None:
    """QEMU's board has no flash runner: west's own message, then ours in a line."""
    done = zephyr_workspace.west(
        *("utvm-run", "digits", "-b", serial_board.name, "--port", serial_board.port),
        env=toolchain(serial_board.name),
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last == "FATAL ERROR: west flash failed (exit code 1); its messages above say why"


def test_a_port_that_is_not_there(zephyr_workspace: Workspace, serial_board: Board) -> None:
    done = zephyr_workspace.west(
        *("utvm-run", "digits", "-b", serial_board.name, "--no-flash", "--port", "/dev/ttyNONE"),
        env=toolchain(serial_board.name),
    )
    assert done.returncode == 1
    assert "/dev/ttyNONE: cannot be opened: No such file or directory; is the board" in done.stderr


def test_the_console_s_speed_is_that_of_the_devicetree(
    serial_board: Board, zephyr_base: Path
) -> None:
    assert console_speed(serial_board.build / "zephyr" / "zephyr.dts", zephyr_base) == 115200
