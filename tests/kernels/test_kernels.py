# SPDX-License-Identifier: Apache-2.0
"""Every kernel on every CPU, with every packing and rounding: random cases, bit for bit.

``-k "conv2d and cortex-m4"`` chooses; UTVM_KERNEL_CASES=5 makes five times as many cases,
UTVM_KERNEL_ONLY=conv2d-017 keeps one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from west_utvm.codegen import text
from west_utvm.kernels.options import Feature
from west_utvm.lowering.program import ROUNDINGS, Rounding

from ..bare_metal.boards import BOARDS, WARNINGS, compile_c
from .cases import FAMILIES
from .rig import FEATURES, HOST, items, run


@pytest.mark.parametrize("cpu", FEATURES)
@pytest.mark.parametrize("family", FAMILIES)
def test_bit_exact(family: str, cpu: str, tmp_path: Path) -> None:
    failures = run(items(family, FEATURES[cpu]), cpu, tmp_path)
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize(
    ("cpu", "feature"), [(HOST, "portable"), ("cortex-m4", "dsp"), ("cortex-m55", "mve")]
)
def test_one_module_may_have_all_kernels(
    cpu: str, feature: Feature, rounding: Rounding, tmp_path: Path
) -> None:
    """No two kernels have a name in common."""
    every = [item for family in FAMILIES for item in items(family, [feature])]
    alike = [item for item in every if item.options.rounding == rounding]
    headers = dict.fromkeys(header for item in alike for header in item.emitted.headers)
    kernels = "\n".join(map(text.kernel, headers))
    (tmp_path / "all.c").write_text(f"#include <stdint.h>\n#include <string.h>\n\n{kernels}")
    compiler = ["gcc"] if cpu == HOST else [BOARDS[cpu].compiler, *BOARDS[cpu].flags]
    unused = "-Wno-unused-function"
    compile_c(*compiler, *WARNINGS, unused, "-fsyntax-only", tmp_path / "all.c")
