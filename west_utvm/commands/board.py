# SPDX-License-Identifier: Apache-2.0
"""What commands ask of Zephyr about a board: whether it exists, and what CPU it has."""

from __future__ import annotations

import subprocess

from west_utvm.commands.common import UtvmCommand
from west_utvm.errors import UtvmError


def check_board(command: UtvmCommand, board: str) -> None:
    """Whether a build failed for want of the board, which its own output buries in a list."""
    from west_utvm.workspace import west
    from west_utvm.workspace.boards import HOST, check_known

    if board != HOST:
        listed = subprocess.run(
            west.boards(), cwd=command.topdir, capture_output=True, text=True, check=False
        )
        check_known(board, listed.stdout.split())


def target_of(command: UtvmCommand, board: str | None) -> str:
    """A target for the CPU of ``board``, or for any CPU where there is nobody to ask."""
    from west_utvm.kernels.targets import Target
    from west_utvm.workspace import cpu, west
    from west_utvm.workspace.boards import HOST

    if board is None or board == HOST:
        return str(Target())
    try:
        base = command.zephyr_base()
    except UtvmError:
        command.wrn(f"no Zephyr here to ask for the CPU of {board}: kernels for any CPU")
        return str(Target())
    build_dir = cpu.probe_dir(command.topdir_path(), board)
    if not cpu.is_fresh(build_dir, base):
        command.step(f"asking Zephyr for the CPU of {board}, once")
        if not command.quiet(west.configure(cpu.PROBE, build_dir, board)):
            check_board(command, board)
            command.wrn(
                f"{board} cannot be configured, west build says why: kernels for any CPU; "
                "or give --target"
            )
            return str(Target())
    return str(Target(cpu.probed_cpu(build_dir)))
