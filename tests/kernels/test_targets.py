# SPDX-License-Identifier: Apache-2.0
"""Target strings of both forms, and the features of the CPUs they name."""

from __future__ import annotations

import pytest

from west_utvm.errors import UtvmError
from west_utvm.kernels.targets import parse_target


@pytest.mark.parametrize(
    ("text", "mcpu", "feature"),
    [
        ("c", "", "portable"),
        ("c -mcpu=cortex-m3", "cortex-m3", "portable"),
        ("c -mcpu=cortex-m4", "cortex-m4", "dsp"),
        ("c -keys=arm_cpu,cpu -mcpu=cortex-m7 -model=x", "cortex-m7", "dsp"),
        ("c -mcpu=cortex-m33+nodsp", "cortex-m33+nodsp", "portable"),
        ("c -mcpu=Cortex-M55", "cortex-m55", "mve"),
        ("c -mcpu=cortex-m55+nomve.fp", "cortex-m55+nomve.fp", "mve"),
        ("c -mcpu=cortex-m55+nomve", "cortex-m55+nomve", "dsp"),
        ("c -mcpu=cortex-m85+nodsp", "cortex-m85+nodsp", "portable"),
        ('{"kind": "c", "mcpu": "cortex-m33"}', "cortex-m33", "dsp"),
        ("c -mcpu=sifive-e31", "sifive-e31", "portable"),
    ],
)
def test_target(text: str, mcpu: str, feature: str) -> None:
    target = parse_target(text)
    assert (target.mcpu, target.feature) == (mcpu, feature)
    assert parse_target(str(target)) == target


@pytest.mark.parametrize(
    "text", ["", "llvm -mcpu=cortex-m4", "{", "[]", '{"mcpu": "x"}', "c -mcpu=a;b"]
)
def test_refused(text: str) -> None:
    with pytest.raises(UtvmError) as raised:
        parse_target(text)
    assert "cortex-m4" in str(raised.value)


def test_size_has_no_large_kernels() -> None:
    from west_utvm.kernels import Options, emit

    from .cases import OPTIMIZE, cases

    operator = next(case.operator for case in cases("fully_connected"))
    labels = {
        optimize: emit(operator, Options("tflm", "dsp", optimize)).label for optimize in OPTIMIZE
    }
    assert labels["speed"] == labels["balanced"] == "fully_connected, dsp"
    assert labels["size"] != labels["balanced"]
