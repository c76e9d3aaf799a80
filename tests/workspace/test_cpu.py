# SPDX-License-Identifier: Apache-2.0
"""The CPU of a configured build, and when it has to be asked for again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from west_utvm.workspace.cpu import is_fresh, mcpu, probed_cpu

DSP, MVE = {"ARMV8_M_DSP": "y"}, {"ARMV8_1_M_MVEI": "y"}


@pytest.mark.parametrize(
    ("kconfig", "expected"),
    [
        ({"CPU_CORTEX_M0PLUS": "y"}, "cortex-m0plus"),
        ({"CPU_CORTEX_M3": "y", "CPU_CORTEX_M": "y"}, "cortex-m3"),
        ({"CPU_CORTEX_M4": "y", "CPU_CORTEX_M_HAS_SYSTICK": "y"}, "cortex-m4"),
        ({"CPU_CORTEX_M33": "y"}, "cortex-m33+nodsp"),
        ({"CPU_CORTEX_M33": "y", **DSP}, "cortex-m33"),
        ({"CPU_CORTEX_M55": "y"}, "cortex-m55+nodsp"),
        ({"CPU_CORTEX_M55": "y", **DSP}, "cortex-m55+nomve"),
        ({"CPU_CORTEX_M55": "y", **DSP, **MVE}, "cortex-m55"),
        ({"CPU_CORTEX_M85": "y", **DSP, **MVE}, "cortex-m85"),
        ({"CPU_CORTEX_A9": "y"}, ""),
        ({"ARCH_POSIX": "y"}, ""),
    ],
)
def test_cpu_of_a_configuration(kconfig: dict[str, str], expected: str) -> None:
    assert mcpu(kconfig) == expected


def test_asked_again_for_another_zephyr_or_version(tmp_path: Path) -> None:
    base, build = tmp_path / "zephyr", tmp_path / "build"
    assert not is_fresh(build, base)
    for folder in (base, build / "zephyr"):
        folder.mkdir(parents=True)
    (base / "VERSION").write_text("VERSION_MAJOR = 3\n")
    (build / "CMakeCache.txt").write_text(f"ZEPHYR_BASE:PATH={base}\n")
    assert not is_fresh(build, base)
    (build / "zephyr" / ".config").write_text("CONFIG_CPU_CORTEX_M4=y\n")
    assert is_fresh(build, base)
    assert probed_cpu(build) == "cortex-m4"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "VERSION").write_text("VERSION_MAJOR = 3\n")
    assert not is_fresh(build, tmp_path / "other")
    later = (build / "zephyr" / ".config").stat().st_mtime + 10
    os.utime(base / "VERSION", (later, later))
    assert not is_fresh(build, base)
