# SPDX-License-Identifier: Apache-2.0
"""Commands that build the runner application around one module."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from west_utvm.module import GeneratedModule
from west_utvm.workspace import west
from west_utvm.workspace.boards import HOST

TEMPLATE = Path(__file__).parents[2] / "zephyr_template"


def runner_dir(topdir: Path, module: GeneratedModule, board: str) -> Path:
    """Where the runner of ``module`` for ``board`` is built, unless the user says otherwise."""
    return topdir / "build" / "utvm" / module.name / re.sub(r"[^A-Za-z0-9_.-]", "_", board)


def build_commands(
    module: GeneratedModule, board: str, build_dir: Path, defines: Sequence[str]
) -> list[list[str]]:
    """What builds the runner: ``west build``, or plain CMake for the board ``host``.

    ``defines`` are the user's own CMake definitions, ``NAME=VALUE``.
    """
    cmake = [f"-D{define}" for define in (f"UTVM_MODEL={module.name}", *defines)]
    if board == HOST:
        source = TEMPLATE / "host"
        configure = ["cmake", "-S", str(source), "-B", str(build_dir), "-GNinja", *cmake]
        configure.append(f"-DUTVM_MODULE_DIR={module.folder}")
        return [configure, rebuild_command(board, build_dir)]
    cmake.append(f"-DCONFIG_UTVM_{module.name.upper()}=y")
    modules = [module.folder]
    return [west.build(TEMPLATE, build_dir, board, modules=modules, cmake=cmake)]


def rebuild_command(board: str, build_dir: Path) -> list[str]:
    """What brings an existing build up to date."""
    if board == HOST:
        return ["cmake", "--build", str(build_dir)]
    return west.rebuild(build_dir)


def host_executable(build_dir: Path) -> Path:
    return build_dir / "utvm_runner"
