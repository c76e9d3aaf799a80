# SPDX-License-Identifier: Apache-2.0
"""Addition and average pooling for CPUs with Helium (MVE)."""

from __future__ import annotations

from dataclasses import replace

from west_utvm.kernels import elementwise, pooling
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.mve import HEADERS, value_range
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Elementwise, Operator


def add(operator: Operator, options: Options) -> Emitted | None:
    """Where both inputs have the output's shape, and their scales are not far from it."""
    attributes = operator.attributes
    assert isinstance(attributes, Elementwise)
    output = operator.outputs[0]
    if any(value.shape != output.shape for value in operator.inputs):
        return None
    plain = dict(elementwise.add(operator, options).fields)
    shifts = [plain[name] for name in ("a_shift", "b_shift", "shift") if name in plain]
    if options.rounding == "tflm" and not all(isinstance(s, int) and s <= 0 for s in shifts):
        return None
    for name in ("shape", "out_zero", "low", "high"):
        del plain[name]
    fields = {
        "size": output.elements,
        **plain,
        "range": value_range(operator, attributes.clamp),
    }
    headers = (*HEADERS, "mve_add_{rounding}.h")
    return Emitted(headers, "mve_add", "mve_add", fields, overlap=0)


def average_pool2d(operator: Operator, options: Options) -> Emitted:
    headers = ("base.h", "mve_base.h", "taps.h", "mve_average_pool2d.h")
    kernel = "mve_average_pool2d"
    return replace(pooling.pool2d(operator, options), headers=headers, kernel=kernel, struct=kernel)
