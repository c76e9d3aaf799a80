# SPDX-License-Identifier: Apache-2.0
"""Every kernel on every CPU, with every packing and rounding: random cases, bit for bit.

``-k "conv2d and cortex-m4"`` chooses; UTVM_KERNEL_CASES=5 makes five times as many cases,
UTVM_KERNEL_ONLY=conv2d-017 keeps one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from .cases import FAMILIES
from .rig import FEATURES, items, run


@pytest.mark.parametrize("cpu", FEATURES)
@pytest.mark.parametrize("family", FAMILIES)
def test_bit_exact(family: str, cpu: str, tmp_path: Path) -> None:
    failures = run(items(family, FEATURES[cpu]), cpu, tmp_path)
    if failures:
        pytest.fail("\n".join(failures), pytrace=False)
