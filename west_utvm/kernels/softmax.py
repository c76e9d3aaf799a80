# SPDX-License-Identifier: Apache-2.0
"""Softmax over the last axis."""

from __future__ import annotations

import math

import numpy as np

from west_utvm.kernels import onnx_runtime, overlap
from west_utvm.kernels.emitted import Emitted, Field, refuse
from west_utvm.kernels.fixed_point import (
    exp_on_negative,
    input_radius,
    quantize_multiplier,
    requantize,
)
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Array, Operator, Softmax

# Of the exponents in fixed point: 5 integer bits, as exp(-32) is nothing.
_INTEGER_BITS = 5


def softmax(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Softmax)
    shape = operator.outputs[0].shape
    if shape[-1] > 1 << 12:
        raise refuse(operator, f"is over {shape[-1]} elements, and 4096 are supported")
    if options.rounding == "ort":
        return onnx_runtime.softmax(operator)
    fields: dict[str, Field] = {"rows": math.prod(shape[:-1]), "depth": shape[-1]}
    output = operator.outputs[0]
    if options.rounding == "litert":
        table = _float_table(operator.inputs[0].scale, attributes.beta)
        fields |= {"scale": output.scale, "out_zero": output.zero_point}
        return Emitted(
            ("base.h", "single.h", "softmax_litert.h"),
            "softmax",
            "softmax",
            fields,
            {"exponentials": table},
            overlap=overlap.elementwise(operator),
        )
    if (output.scale, output.zero_point) != (1 / 256, -128):
        raise refuse(operator, "has a result of another quantization than 1/256 and -128")
    table = _fixed_table(operator.inputs[0].scale, attributes.beta)
    fields |= {"entries": len(table)}
    headers = ("base.h", "fixed_point.h", "softmax_tflm.h")
    return Emitted(
        headers,
        "softmax",
        "softmax",
        fields,
        {"exponentials": table},
        overlap=overlap.elementwise(operator),
    )


def _fixed_table(scale: float, beta: float) -> Array:
    """exp(-d * scale * beta) in Q0.31 for the differences d that count.

    A difference is multiplied in fixed point first.
    """
    real = min(beta * scale * (1 << (31 - _INTEGER_BITS)), (1 << 31) - 1.0)
    multiplier, shift = quantize_multiplier(real)
    radius = input_radius(_INTEGER_BITS, shift)
    return np.array(
        [
            exp_on_negative(requantize(-d, multiplier, shift), _INTEGER_BITS)
            for d in range(min(radius, 255) + 1)
        ],
        np.int32,
    )


def _float_table(scale: float, beta: float) -> Array:
    factor = np.float32(-scale) * np.float32(beta)
    exponents = factor * np.arange(256, dtype=np.float32)
    return np.exp(exponents.astype(np.float64)).astype(np.float32)
