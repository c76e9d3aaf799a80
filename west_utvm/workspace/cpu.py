# SPDX-License-Identifier: Apache-2.0
"""The CPU of a board, asked of Zephyr: works for every board, in or out of the tree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from west_utvm.workspace.boards import folder_name
from west_utvm.workspace.build_dir import read_build_dir

PROBE = Path(__file__).parent / "probe"
_CORE = re.compile(r"CPU_CORTEX_(M\d+)(PLUS)?")


def probe_dir(topdir: Path, board: str) -> Path:
    """Where an application that is never built is configured for ``board``, once."""
    return topdir / "build" / "utvm" / "cpu" / folder_name(board)


def is_fresh(build_dir: Path, zephyr_base: Path) -> bool:
    """Whether what was asked before still holds: of this Zephyr, at the version that it has."""
    config, cache = build_dir / "zephyr" / ".config", build_dir / "CMakeCache.txt"
    if not config.is_file() or not cache.is_file():
        return False
    if config.stat().st_mtime < (zephyr_base / "VERSION").stat().st_mtime:
        return False
    found = re.search(r"^ZEPHYR_BASE:[A-Z]+=(.*)$", cache.read_text(errors="replace"), re.M)
    return found is not None and Path(found[1]).resolve() == zephyr_base.resolve()


def probed_cpu(build_dir: Path) -> str:
    """The CPU of a configured build, as GCC's -mcpu has it; empty where it is no Cortex-M."""
    return mcpu(read_build_dir(build_dir).kconfig)


def mcpu(kconfig: Mapping[str, str]) -> str:
    """As Zephyr's cmake/gcc-m-cpu.cmake chooses it, without what only floating point decides."""
    cores = [match for symbol in kconfig if (match := _CORE.fullmatch(symbol))]
    if not cores or kconfig[cores[0].string] != "y":
        return ""
    name = f"cortex-{cores[0][1]}{cores[0][2] or ''}".lower()
    has_mve = name in ("cortex-m52", "cortex-m55", "cortex-m85")
    if (has_mve or name == "cortex-m33") and kconfig.get("ARMV8_M_DSP") != "y":
        return f"{name}+nodsp"
    if has_mve and kconfig.get("ARMV8_1_M_MVEI") != "y":
        return f"{name}+nomve"
    return name
