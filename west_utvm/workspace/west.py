# SPDX-License-Identifier: Apache-2.0
"""Argument lists for west's own build and flash, which we run and never imitate."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_WEST = (sys.executable, "-m", "west")


def build(
    source: Path, build_dir: Path, board: str, *, modules: Sequence[Path], cmake: Sequence[str]
) -> list[str]:
    """``west build`` of ``source`` with Zephyr modules that the manifest need not know of."""
    # A -D hides the environment variable of the same name: hand on what the user has there.
    from_user = os.environ.get("EXTRA_ZEPHYR_MODULES", "").split(";")
    extra = ";".join([*(str(module) for module in modules), *filter(None, from_user)])
    return [
        *_WEST,
        "build",
        f"--board={board}",
        f"--build-dir={build_dir}",
        "--pristine=auto",
        "--no-sysbuild",
        str(source),
        "--",
        f"-DEXTRA_ZEPHYR_MODULES={extra}",
        *cmake,
    ]


def configure(source: Path, build_dir: Path, board: str) -> list[str]:
    """``west build`` that stops before it builds."""
    return [
        *_WEST,
        "build",
        f"--board={board}",
        f"--build-dir={build_dir}",
        "--pristine=always",
        "--no-sysbuild",
        "--cmake-only",
        str(source),
    ]


def rebuild(build_dir: Path) -> list[str]:
    """``west build`` of what is configured, whatever the user's configuration has for new builds.

    A pristine build, or one by sysbuild, would lose the definitions it was configured with.
    """
    return [*_WEST, "build", f"--build-dir={build_dir}", "--pristine=never", "--no-sysbuild"]


def run_target(build_dir: Path) -> list[str]:
    """``west build -t run``: Zephyr's own way to start a board's emulator."""
    return [*rebuild(build_dir), "--target=run"]


def boards() -> list[str]:
    """``west boards``: the name of every board, a line each."""
    return [*_WEST, "boards", "--format={name}"]


def flash(
    build_dir: Path,
    *,
    runner: str | None,
    domain: str | None,
    dev_id: str | None,
    rest: Sequence[str],
) -> list[str]:
    """``west flash`` of what is built; ``rest`` goes to the runner as it is."""
    options = {"--runner": runner, "--domain": domain, "--dev-id": dev_id}
    chosen = [f"{option}={value}" for option, value in options.items() if value is not None]
    return [*_WEST, "flash", f"--build-dir={build_dir}", "--skip-rebuild", *chosen, *rest]
