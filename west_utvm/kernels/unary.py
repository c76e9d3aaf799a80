# SPDX-License-Identifier: Apache-2.0
"""Functions of one element, as tables of 256: whatever the function costs, it is free to run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from west_utvm.errors import UtvmError
from west_utvm.kernels import fixed_point
from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.fixed_point import divide_by_power, quantize_multiplier, requantize
from west_utvm.lowering.program import Operator, Rounding, Unary
from west_utvm.lowering.quantize import quantized

_Function = Callable[[int], int]


def unary(operator: Operator, rounding: Rounding) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Unary)
    function = _FUNCTIONS[attributes.function](operator, attributes, rounding)
    table = np.array([_int8(function(x)) for x in range(-128, 128)], np.int8)
    fields = {"count": operator.outputs[0].elements}
    return Emitted(("base.h", "unary.h"), "unary", "unary", fields, {"table": table})


def _int8(value: int) -> int:
    return max(-128, min(value, 127))


def _rescaled(operator: Operator, real: float, rounding: Rounding) -> _Function:
    """The input on the output's scale, times what ``real`` has beside the ratio of scales."""
    multiplier, shift = quantize_multiplier(real)
    if shift > 22:
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    zero_in, zero_out = operator.inputs[0].zero_point, operator.outputs[0].zero_point
    return lambda x: zero_out + requantize(x - zero_in, multiplier, shift, rounding)


def _requantize(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    source, target = operator.inputs[0], operator.outputs[0]
    return _rescaled(operator, source.scale / target.scale, rounding)


def _relu(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    source, target = operator.inputs[0], operator.outputs[0]
    ratio = float(np.float32(source.scale) / np.float32(target.scale))
    rescale = _rescaled(operator, ratio, rounding)
    return lambda x: max(target.zero_point, rescale(x))


def _relu6(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    """Bounds alone: TFLite gives input and output the same quantization."""
    source, target = operator.inputs[0], operator.outputs[0]
    if (source.scales, source.zero_point) != (target.scales, target.zero_point):
        raise refuse(operator, "has different quantizations before and after", "quantize again")
    six = min(quantized(6.0, source), 127)
    return lambda x: max(source.zero_point, min(x, six))


def _leaky_relu(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    """Ratios in single precision."""
    source, target = operator.inputs[0], operator.outputs[0]
    scale_in, scale_out = np.float32(source.scale), np.float32(target.scale)
    above = _rescaled(operator, float(scale_in / scale_out), rounding)
    alpha = float(scale_in * np.float32(attributes.alpha) / scale_out)
    if alpha < 0:
        raise refuse(operator, f"has the negative slope {attributes.alpha}")
    below = _rescaled(operator, alpha, rounding)
    return lambda x: above(x) if x >= source.zero_point else below(x)


def _logistic(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    _check_output(operator, 1 / 256, -128)
    return _saturating(operator, rounding, fixed_point.logistic, bits=23, offset=-128)


def _tanh(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    _check_output(operator, 1 / 128, 0)
    return _saturating(operator, rounding, fixed_point.tanh, bits=24, offset=0)


def _check_output(operator: Operator, scale: float, zero_point: int) -> None:
    output = operator.outputs[0]
    if (output.scale, output.zero_point) != (scale, zero_point):
        what = f"has a result of another quantization than {scale} and {zero_point}"
        raise refuse(operator, what, "convert the model again with TensorFlow 2.3 or newer")


def _saturating(
    operator: Operator,
    rounding: Rounding,
    function: Callable[[int, int], int],
    *,
    bits: int,
    offset: int,
) -> _Function:
    """A function of fixed-point figures with 4 integer bits; -128 and 127 beyond these."""
    if rounding != "tflm":
        hint = "use --rounding tflm"
        raise refuse(operator, "is computed in floating point by LiteRT", hint)
    source = operator.inputs[0]
    multiplier, shift = quantize_multiplier(source.scale * (1 << 27))
    radius = fixed_point.input_radius(4, shift)

    def value(x: int) -> int:
        centered = x - source.zero_point
        if abs(centered) >= radius:
            return 127 if centered > 0 else -128
        return offset + divide_by_power(
            function(requantize(centered, multiplier, shift, rounding), 4), bits
        )

    return value


def _not_supported(operator: Operator, attributes: Unary, rounding: Rounding) -> _Function:
    error: UtvmError = refuse(operator, f"({attributes.function}) is not supported yet")
    raise error


_FUNCTIONS: dict[str, Callable[[Operator, Unary, Rounding], _Function]] = {
    "hard_swish": _not_supported,
    "leaky_relu": _leaky_relu,
    "logistic": _logistic,
    "relu": _relu,
    "relu6": _relu6,
    "relu_n1_to_1": _not_supported,
    "requantize": _requantize,
    "tanh": _tanh,
}
