# SPDX-License-Identifier: Apache-2.0
"""Operators with kernels of their own for a CPU, bit for bit: on it, and elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from .conftest import Execute
from .host import check
from .reference import Rounding, run, samples
from .test_operators import CASES, parameters
from .tflite_models import Case

# Families with kernels of their own for a CPU feature.
TUNED = {
    "cortex-m4": (
        *("conv_2d", "depthwise_conv_2d", "fully_connected"),
        *("average_pool_2d", "max_pool_2d"),
    ),
    "cortex-m55": (
        *("conv_2d", "depthwise_conv_2d", "fully_connected"),
        *("add", "sub", "mul", "average_pool_2d", "max_pool_2d", "mean", "logistic", "chain"),
    ),
}


def _tuned(mcpu: str, cpus: Iterable[str]) -> list[Any]:
    ids = [id_ for id_ in CASES if CASES[id_].family in TUNED[mcpu]]
    return [
        pytest.param(*found.values, mcpu, cpu, marks=found.marks, id=name)
        for cpu in cpus
        for found in parameters(ids)
        for name in [f"{mcpu}-on-{cpu or 'host'}-{found.id}"]
    ]


@pytest.mark.parametrize(
    ("case", "rounding", "mcpu", "cpu"),
    [
        *_tuned("cortex-m4", ["", "cortex-m4"]),
        *_tuned("cortex-m55", ["", "cortex-m55"]),
    ],
)
def test_bit_exact_for_feature(
    case: Case, rounding: Rounding, mcpu: str, cpu: str, execute: Execute
) -> None:
    """What is packed for a CPU is right on it, and on a machine that is none."""
    model = case.build()
    inputs = samples(model, 8)
    wanted = run(model, inputs, rounding)
    results = execute(model, inputs, rounding, cpu=cpu, target=f"c -mcpu={mcpu}")
    for number, (got, want) in enumerate(zip(results, wanted, strict=True)):
        check(got.outputs, want.outputs, f"sample {number}, ")
