# SPDX-License-Identifier: Apache-2.0
"""Commands that build the runner application: our template around one module, or a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from west_utvm.module import GeneratedModule
from west_utvm.workspace import west
from west_utvm.workspace.boards import HOST, folder_name

TEMPLATE = Path(__file__).parents[2] / "zephyr_template"


def runner_dir(topdir: Path, module: GeneratedModule, board: str) -> Path:
    """Where the runner of ``module`` for ``board`` is built, unless the user says otherwise."""
    return topdir / "build" / "utvm" / module.name / folder_name(board)


@dataclass(frozen=True)
class Application:
    """What is built, and the one of its models that the runner serves.

    ``finds_module``: the application in ``source`` has ``module`` among its own. ``board`` is the
    one that was recorded, if any.
    """

    source: Path
    module: GeneratedModule
    board: str | None
    finds_module: bool

    def build_dir(self, topdir: Path, board: str) -> Path:
        """Where it is built, unless the user says otherwise."""
        if self.finds_module:
            return self.source / "build" / folder_name(board)
        return runner_dir(topdir, self.module, board)


def template_around(module: GeneratedModule) -> Application:
    """Our template, used in place."""
    return Application(TEMPLATE, module, module.board, finds_module=False)


def build_commands(
    application: Application, board: str, build_dir: Path, defines: Sequence[str]
) -> list[list[str]]:
    """What builds it: ``west build``, or plain CMake for the board ``host``.

    ``defines`` are the user's own CMake definitions, ``NAME=VALUE``.
    """
    module = application.module
    cmake = [f"-D{define}" for define in (f"UTVM_MODEL={module.name}", *defines)]
    if board == HOST:
        source = application.source / "host"
        configure = ["cmake", "-S", str(source), "-B", str(build_dir), "-GNinja", *cmake]
        if not application.finds_module:
            configure.append(f"-DUTVM_MODULE_DIR={module.folder}")
        return [configure, rebuild_command(board, build_dir)]
    modules = []
    if not application.finds_module:
        cmake.append(f"-DCONFIG_UTVM_{module.name.upper()}=y")
        modules = [module.folder]
    return [west.build(application.source, build_dir, board, modules=modules, cmake=cmake)]


def rebuild_command(board: str, build_dir: Path) -> list[str]:
    """What brings an existing build up to date."""
    if board == HOST:
        return ["cmake", "--build", str(build_dir)]
    return west.rebuild(build_dir)


def host_executable(build_dir: Path) -> Path:
    return build_dir / "utvm_runner"
