# SPDX-License-Identifier: Apache-2.0
"""From a built runner to a line to it, whatever executes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from west_utvm.device.process import ProcessTransport
from west_utvm.device.pty import PtyTransport
from west_utvm.device.transport import Transport
from west_utvm.workspace import west
from west_utvm.workspace.boards import board_facts
from west_utvm.workspace.build_dir import BuildDir, RunsOn
from west_utvm.workspace.devicetree import console_speed


@dataclass(frozen=True)
class Line:
    """How the user wants real boards reached; None means found out by ourselves.

    ``port`` is a serial port's name, ``baud`` its speed, ``dev_id`` the serial number as
    given to ``west flash --dev-id``.
    """

    port: str | None = None
    baud: int | None = None
    dev_id: str | None = None


@dataclass(frozen=True)
class Place:
    """The workspace that a build belongs to."""

    topdir: Path
    zephyr_base: Path


def runs_on(build: BuildDir, line: Line) -> RunsOn:
    """What will execute ``build``: a port that the user names leads to a real board."""
    return RunsOn.HARDWARE if line.port else build.runs_on


def open_line(build: BuildDir, line: Line, place: Place) -> Transport:
    """Start ``build`` in its emulator, or open the port of the board it was flashed to."""
    return _OPENERS[runs_on(build, line)](build, line, place)


def _qemu(build: BuildDir, line: Line, place: Place) -> Transport:
    # Zephyr gives QEMU its console on a multiplexed chardev, here our end of two pipes. West
    # knows "build" only inside the workspace, where the build folder need not be.
    return ProcessTransport(west.run_target(build.top), mux=True, cwd=place.topdir)


def _native(build: BuildDir, line: Line, place: Place) -> Transport:
    return PtyTransport.spawn([str(build.elf)])


def _hardware(build: BuildDir, line: Line, place: Place) -> Transport:
    from west_utvm.device.ports import find_port
    from west_utvm.device.serial_port import SerialTransport

    port = line.port or find_port(board_facts(build.board).usb_ids, line.dev_id)
    baud = line.baud or console_speed(build.image / "zephyr" / "zephyr.dts", place.zephyr_base)
    return SerialTransport(port, baud)


_OPENERS: dict[RunsOn, Callable[[BuildDir, Line, Place], Transport]] = {
    RunsOn.QEMU: _qemu,
    RunsOn.NATIVE: _native,
    RunsOn.HARDWARE: _hardware,
}
