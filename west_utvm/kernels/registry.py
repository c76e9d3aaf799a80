# SPDX-License-Identifier: Apache-2.0
"""Which kernel computes which kind of operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from west_utvm.kernels import (
    conversion,
    elementwise,
    layout,
    loops,
    pooling,
    reduction,
    softmax,
    unary,
    weighted,
)
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Operator

_KERNELS: dict[str, Callable[[Operator, Options], Emitted]] = {
    "add": elementwise.add,
    "average_pool2d": pooling.average_pool2d,
    "concatenation": layout.concatenation,
    "conv2d": weighted.conv2d,
    "dequantize": conversion.dequantize,
    "depthwise_conv2d": weighted.depthwise_conv2d,
    "fully_connected": weighted.fully_connected,
    "loops": loops.loops,
    "max_pool2d": pooling.pool2d,
    "mul": elementwise.mul,
    "pad": layout.pad,
    "quantize": conversion.quantize,
    "reduction": reduction.reduction,
    "reshape": layout.reshape,
    "resize_nearest": layout.resize_nearest,
    "softmax": softmax.softmax,
    "strided_slice": layout.strided_slice,
    "sub": elementwise.add,
    "transpose": layout.transpose,
    "unary": unary.unary,
}


# ONNX Runtime requantizes sums of products as XNNPACK does: in single precision, halves to even.
_SUMS = ("conv2d", "depthwise_conv2d", "fully_connected")


def emit(operator: Operator, options: Options) -> Emitted:
    """The C of an operator; UtvmError if its parameters are beyond what its kernel takes."""
    if options.rounding == "ort" and operator.kind in _SUMS:
        options = replace(options, rounding="litert")
    emitted = _KERNELS[operator.kind](operator, options)
    headers = tuple(header.format(rounding=options.rounding) for header in emitted.headers)
    return replace(emitted, headers=headers)
