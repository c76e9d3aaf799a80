# SPDX-License-Identifier: Apache-2.0
"""The int8 models of MLPerf Tiny, bit for bit: every operator's output, not only the last."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import INT8_MODELS, Build
from .host import check
from .reference import ROUNDINGS, Rounding, run, samples, signature

# Operators whose result may live in another's loop or be another name for its input.
MAY_VANISH = frozenset({"RESHAPE", "SQUEEZE", "PAD", "RELU", "RELU6"})
pytestmark = [
    pytest.mark.parametrize("rounding", ROUNDINGS),
    pytest.mark.parametrize("name", INT8_MODELS),
]


@pytest.mark.parametrize(
    ("mcpu", "cpu"),
    [("", ""), ("cortex-m4", ""), ("cortex-m55", ""), ("cortex-m55", "cortex-m55")],
    ids=["portable", "for-m4", "for-m55", "on-m55"],
)
def test_every_operator(
    name: str, rounding: Rounding, mcpu: str, cpu: str, mlperf_tiny: Path, build: Build
) -> None:
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    inputs = samples(model, 5)
    wanted = run(model, inputs, rounding, written=True)
    operators = signature(model).operators
    target = f"c -mcpu={mcpu}" if mcpu else "c"
    # Channels that are left out are in the results of the reference, and all of each result.
    options = {"target": target, "without": ["fold-channels", "chain-rows"]}
    program = build(model, rounding, "-DUTVM_TRACE", cpu=cpu, **options)
    for got, want in zip(program.run(inputs), wanted, strict=True):
        for index, operator in enumerate(operators):
            if got.written[index] or operator not in MAY_VANISH:
                assert got.written[index], f"operator {index}, {operator}: not traced"
                check(got.written[index], want.written[index], f"operator {index}, {operator}: ")
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("target", ["c", "c -mcpu=cortex-m4"])
def test_outputs(
    name: str, rounding: Rounding, target: str, mlperf_tiny: Path, build: Build
) -> None:
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    inputs = samples(model, 100)
    program = build(model, rounding, sanitize=False, target=target)
    wanted = run(model, inputs, rounding)
    for number, (got, want) in enumerate(zip(program.run(inputs), wanted, strict=True)):
        check(got.outputs, want.outputs, f"sample {number}: ")
