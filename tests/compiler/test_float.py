# SPDX-License-Identifier: Apache-2.0
"""float32 models: the same figures as LiteRT, but for the order in which sums are added up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from .conftest import Build, Execute
from .float_models import cases
from .reference import Run, run, samples
from .tflite_models import Case

CASES = {case.id: case for case in cases()}
ON_CORTEX_M = ("conv_2d-s2-same-odd", "depthwise_conv_2d-c5", "softmax-rows", "chain-classifier")
TOLERANCE = 1e-5


def _check(got: Run, want: Run, where: str = "") -> None:
    """Relative to the largest figure of a tensor: a sum's terms are larger than what is left."""
    for mine, theirs in zip(got.outputs, want.outputs, strict=True):
        assert mine.shape == theirs.shape and mine.dtype == theirs.dtype
        assert np.isfinite(mine).all()
        limit = TOLERANCE * max(1.0, float(np.abs(theirs).max()))
        assert np.abs(mine.astype(np.float64) - theirs).max() <= limit, where


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_operator(case: Case, execute: Execute) -> None:
    model = case.build()
    inputs = samples(model, 10)
    wanted = run(model, inputs, "litert")
    for number, (got, want) in enumerate(zip(execute(model, inputs), wanted, strict=True)):
        _check(got, want, f"sample {number}")


@pytest.mark.parametrize("cpu", ["cortex-m3", "cortex-m4"])
@pytest.mark.parametrize("id_", ON_CORTEX_M)
def test_on_cortex_m(id_: str, cpu: str, execute: Execute) -> None:
    model = CASES[id_].build()
    inputs = samples(model, 2)
    wanted = run(model, inputs, "litert")
    for got, want in zip(execute(model, inputs, cpu=cpu), wanted, strict=True):
        _check(got, want)


def test_resnet(mlperf_tiny: Path, build: Build) -> None:
    model = (mlperf_tiny / "pretrainedResnet.tflite").read_bytes()
    inputs = samples(model, 100)
    program = build(model, sanitize=False)
    wanted = run(model, inputs, "litert")
    for number, (got, want) in enumerate(zip(program.run(inputs), wanted, strict=True)):
        _check(got, want, f"sample {number}")


@pytest.mark.parametrize("cpu", ["cortex-m3", "cortex-m4"])
def test_resnet_on_cortex_m(mlperf_tiny: Path, cpu: str, execute: Execute) -> None:
    model = (mlperf_tiny / "pretrainedResnet.tflite").read_bytes()
    inputs = samples(model, 1)[3:]
    wanted = run(model, inputs, "litert")
    for got, want in zip(execute(model, inputs, cpu=cpu), wanted, strict=True):
        _check(got, want)
