# SPDX-License-Identifier: Apache-2.0
"""ONNX models, bit for bit as ONNX Runtime computes them; ``onnx_models`` says where it may not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from .conftest import Execute
from .host import check
from .onnx_models import Case, cases
from .onnx_reference import run
from .reference import Run, samples

CASES = {case.id: case for case in cases()}
ON_CORTEX_M = (
    "conv-3x3-5to17-qdq",
    "conv-3x3-8to64-qlinear",
    "depthwise-17-x1-s1-uint8",
    "gemm-64to10-qdq",
    "add-ties-qlinear",
    "mul-same-qlinear",
    "average-pool-2x2-qdq",
    "global-average-pool-uint8",
    "softmax-10-qlinear",
    "sub-qdq",
    "chain-residual-uint8",
)


def compare(case: Case, results: Sequence[Run], wanted: Sequence[Run]) -> None:
    for number, (got, want) in enumerate(zip(results, wanted, strict=True)):
        if not case.tolerance:
            check(got.outputs, want.outputs, f"sample {number}, ")
            continue
        for a, b in zip(got.outputs, want.outputs, strict=True):
            off = np.abs(a.astype(np.int32) - b.astype(np.int32))
            assert a.dtype == b.dtype and off.max() <= case.tolerance
            assert np.count_nonzero(off) <= 0.02 * off.size + 1


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bit_exact(case: Case, execute: Execute) -> None:
    model = case.build()
    inputs = samples(model, 20)
    compare(case, execute(model, inputs), run(model, inputs))


@pytest.mark.parametrize("id_", ON_CORTEX_M)
@pytest.mark.parametrize("cpu", ["cortex-m3", "cortex-m4"])
def test_bit_exact_on_cortex_m(id_: str, cpu: str, execute: Execute) -> None:
    case = CASES[id_]
    model = case.build()
    inputs = samples(model, 4)
    compare(case, execute(model, inputs, cpu=cpu), run(model, inputs))
