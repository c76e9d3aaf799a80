# SPDX-License-Identifier: Apache-2.0
"""Between float32 and int8: a quantized model's ends, where its converter left them in float."""

from __future__ import annotations

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Operator


def quantize(operator: Operator, options: Options) -> Emitted:
    """TensorFlow Lite Micro divides by the scale and rounds halves away from zero; LiteRT, with
    XNNPACK, multiplies by the scale's float32 inverse and rounds halves to even."""
    output = operator.outputs[0]
    scale = np.float32(output.scale)
    if options.rounding == "litert":
        scale = np.float32(1) / scale
    fields = {
        "count": output.elements,
        "scale": float(scale),
        "zero_point": output.zero_point,
    }
    headers = ("base.h", "round_{rounding}.h", "quantize.h")
    shared = overlap.elementwise(operator)
    return Emitted(headers, "quantize", "quantize", fields, overlap=shared)


def dequantize(operator: Operator, options: Options) -> Emitted:
    """One float32 product: both references agree to the last bit."""
    source = operator.inputs[0]
    fields = {
        "count": source.elements,
        "scale": source.scale,
        "zero_point": source.zero_point,
    }
    return Emitted(
        ("base.h", "dequantize.h"),
        "dequantize",
        "dequantize",
        fields,
        overlap=overlap.elementwise(operator),
    )
