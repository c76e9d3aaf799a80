# SPDX-License-Identifier: Apache-2.0
"""Functions of one element, as tables of 256: whatever the function costs, it is free to run.

By function and rounding mode, as TensorFlow Lite Micro computes it, as LiteRT does with XNNPACK,
and as ONNX Runtime does. Where these are one function, they give the same integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from west_utvm.kernels import fixed_point, onnx_runtime, overlap, sampled
from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.fixed_point import divide_by_power, quantize_multiplier, requantize
from west_utvm.kernels.hard_swish import hard_swish
from west_utvm.kernels.nest import nested
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Operator, Rounding, Unary
from west_utvm.lowering.quantize import bound, quantized, round_half_away

_Function = Callable[[int], int]


def unary(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Unary)
    functions = _FUNCTIONS[options.rounding]
    if operator.inputs[0].dtype != operator.outputs[0].dtype:
        return _shifted(operator)
    if attributes.function not in functions:
        hint = "use the other mode of --rounding" if options.rounding == "tflm" else ""
        raise refuse(operator, f"({attributes.function}) is not supported", hint)
    function = functions[attributes.function](operator, attributes)
    table = np.array([_int8(function(x)) for x in range(-128, 128)], np.int8)
    fields = {"count": operator.outputs[0].elements}
    return Emitted(
        ("base.h", "unary.h"),
        "unary",
        "unary",
        fields,
        {"table": table},
        overlap=overlap.elementwise(operator),
    )


def _shifted(operator: Operator) -> Emitted:
    """Between uint8 and int8 of one scale, whose zero points differ by 128."""
    source, target = operator.inputs[0], operator.outputs[0]
    less = source.zero_point - target.zero_point
    if source.scales != target.scales or abs(less) != 128:
        raise refuse(operator, f"rescales {source.dtype} to {target.dtype}")
    kind = "int8_t" if target.dtype == "int8" else "uint8_t"
    body = f"output[i0] = ({kind})(input[i0] {'-' if less > 0 else '+'} 128);"
    return Emitted(("base.h",), body=nested([target.elements], [body]), label="shift")


def _int8(value: int) -> int:
    return max(-128, min(value, 127))


def _single_ratio(operator: Operator) -> np.float32:
    return np.float32(np.float32(operator.inputs[0].scale) / np.float32(operator.outputs[0].scale))


def _ratio(operator: Operator) -> float:
    return operator.inputs[0].scale / operator.outputs[0].scale


def _rescaled(operator: Operator, real: float) -> _Function:
    """The input, times ``real``, in the output's quantization; rounded twice."""
    multiplier, shift = quantize_multiplier(real)
    if shift > 22:
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    zero_in, zero_out = operator.inputs[0].zero_point, operator.outputs[0].zero_point
    return lambda x: zero_out + requantize(x - zero_in, multiplier, shift)


def _rescaled_coarsely(operator: Operator, above: np.float32, below: np.float32) -> _Function:
    """The same with ratios of 8 fraction bits, one for each sign; rounded once."""
    up, down = (round(float(ratio) * 256) for ratio in (above, below))  # halves to even
    zero_in, zero_out = operator.inputs[0].zero_point, operator.outputs[0].zero_point
    bias = (zero_out << 8) + 128
    return lambda x: (bias + (x - zero_in) * (up if x >= zero_in else down)) >> 8


def _requantize(operator: Operator, attributes: Unary) -> _Function:
    return _rescaled(operator, _ratio(operator))


def _requantize_litert(operator: Operator, attributes: Unary) -> _Function:
    ratio = _single_ratio(operator)
    if not _suits_xnnpack(ratio):
        raise refuse(operator, f"rescales by {ratio:g}, which LiteRT rounds otherwise", _TFLM)
    return _rescaled_coarsely(operator, ratio, ratio)


def _abs(operator: Operator, attributes: Unary) -> _Function:
    zero_in, rescale = operator.inputs[0].zero_point, _requantize(operator, attributes)
    return lambda x: rescale(zero_in + abs(x - zero_in))


def _relu(operator: Operator, attributes: Unary) -> _Function:
    rescale = _rescaled(operator, _ratio(operator))
    return lambda x: max(operator.outputs[0].zero_point, rescale(x))


def _relu6(operator: Operator, attributes: Unary) -> _Function:
    """Bounds alone: TensorFlow Lite Micro takes it that both quantizations are the same."""
    source, target = operator.inputs[0], operator.outputs[0]
    if (source.scales, source.zero_point) != (target.scales, target.zero_point):
        what = "has different quantizations before and after"
        raise refuse(operator, what, "quantize again, or use --rounding litert")
    six = quantized(6.0, source)
    return lambda x: max(source.zero_point, min(x, six))


def _bounded(low: float | None, high: float | None) -> Callable[[Operator, Unary], _Function]:
    def function(operator: Operator, attributes: Unary) -> _Function:
        rescale = _rescaled(operator, float(_single_ratio(operator)))
        clamp = bound((low, high), operator.outputs[0])
        return lambda x: max(clamp.low, min(rescale(x), clamp.high))

    return function


def _leaky_relu(operator: Operator, attributes: Unary) -> _Function:
    above = _rescaled(operator, _ratio(operator))
    scale_in, scale_out = operator.inputs[0].scale, operator.outputs[0].scale
    below = _rescaled(operator, scale_in * _slope(operator, attributes) / scale_out)
    return lambda x: above(x) if x >= operator.inputs[0].zero_point else below(x)


def _leaky_relu_litert(operator: Operator, attributes: Unary) -> _Function:
    ratio = _single_ratio(operator)
    below = np.float32(ratio * np.float32(_slope(operator, attributes)))
    if not _suits_xnnpack(ratio) or not _suits_xnnpack(below):
        # XNNPACK refuses those, and LiteRT's own kernel rounds as TensorFlow Lite Micro's does.
        return _leaky_relu(operator, attributes)
    return _rescaled_coarsely(operator, ratio, below)


def _suits_xnnpack(ratio: np.float32) -> bool:
    """Whether XNNPACK's conversion of int8 takes a multiplier of eight fractional bits."""
    return bool(2.0**-8 <= ratio <= 2.0**7)


def _slope(operator: Operator, attributes: Unary) -> float:
    if attributes.alpha < 0:
        raise refuse(operator, f"has the negative slope {attributes.alpha}")
    return attributes.alpha


def _logistic(operator: Operator, attributes: Unary) -> _Function:
    _check_output(operator, 1 / 256, -128)
    return _saturating(operator, fixed_point.logistic, bits=23, offset=-128)


def _logistic_litert(operator: Operator, attributes: Unary) -> _Function:
    _check_output(operator, 1 / 256, -128)
    source = operator.inputs[0]

    def value(x: int) -> int:
        real = (x - source.zero_point) * source.scale
        return round(256 / (1 + math.exp(min(-real, 700.0)))) - 128

    return value


def _tanh(operator: Operator, attributes: Unary) -> _Function:
    _check_output(operator, 1 / 128, 0)
    return _saturating(operator, fixed_point.tanh, bits=24, offset=0)


def _tanh_litert(operator: Operator, attributes: Unary) -> _Function:
    _check_output(operator, 1 / 128, 0)
    source = operator.inputs[0]
    return lambda x: round_half_away(128 * math.tanh((x - source.zero_point) * source.scale))


def _check_output(operator: Operator, scale: float, zero_point: int) -> None:
    output = operator.outputs[0]
    if (output.scale, output.zero_point) != (scale, zero_point):
        what = f"has a result of another quantization than {scale} and {zero_point}"
        raise refuse(operator, what, "convert the model again with TensorFlow 2.3 or newer")


def _saturating(
    operator: Operator, function: Callable[[int, int], int], *, bits: int, offset: int
) -> _Function:
    """A function of fixed-point figures with 4 integer bits; -128 and 127 beyond these."""
    source = operator.inputs[0]
    multiplier, shift = quantize_multiplier(source.scale * (1 << 27))
    radius = fixed_point.input_radius(4, shift)

    def value(x: int) -> int:
        centered = x - source.zero_point
        if abs(centered) >= radius:
            return 127 if centered > 0 else -128
        scaled = requantize(centered, multiplier, shift)
        return offset + divide_by_power(function(scaled, 4), bits)

    return value


def _hard_swish(operator: Operator, attributes: Unary) -> _Function:
    return hard_swish(operator)


def _onnx(function: Callable[[np.float32], float]) -> Callable[[Operator, Unary], _Function]:
    return lambda operator, attributes: onnx_runtime.unary(operator, function)


def _sampled(
    rounded: Callable[[Operator, sampled.Real], _Function], function: sampled.Real
) -> Callable[[Operator, Unary], _Function]:
    return lambda operator, attributes: rounded(operator, function)


def _leaky_relu_onnx(operator: Operator, attributes: Unary) -> _Function:
    alpha = np.float32(attributes.alpha)
    return onnx_runtime.unary(operator, lambda x: float(x if x >= 0 else x * alpha))


def _logistic_real(x: np.float32) -> float:
    return 1 / (1 + math.exp(min(-float(x), 700.0)))


def _hard_swish_real(x: np.float32) -> float:
    gate = np.float32(x * np.float32(1 / 6)) + np.float32(0.5)
    return float(x * max(np.float32(0), min(gate, np.float32(1))))


_TFLM = "compile it with --rounding tflm"

_Table = Mapping[str, Callable[[Operator, Unary], _Function]]
_BOTH: _Table = {
    "abs": _abs,
    "hard_swish": _hard_swish,
    **{name: _sampled(sampled.half_away, function) for name, function in sampled.FUNCTIONS.items()},
    "table": lambda operator, attributes: lambda x: attributes.table[x + 128],
}
_FUNCTIONS: Mapping[Rounding, _Table] = {
    "tflm": {
        **_BOTH,
        "leaky_relu": _leaky_relu,
        "logistic": _logistic,
        "relu": _relu,
        "relu6": _relu6,
        "requantize": _requantize,
        "tanh": _tanh,
    },
    "litert": {
        **_BOTH,
        "elu": _sampled(sampled.half_even, sampled.elu),
        "leaky_relu": _leaky_relu_litert,
        "logistic": _logistic_litert,
        "relu": _bounded(0.0, None),
        "relu6": _bounded(0.0, 6.0),
        "relu_n1_to_1": _bounded(-1.0, 1.0),
        "requantize": _requantize_litert,
        "sqrt": _sampled(sampled.cut, sampled.sqrt),
        "tanh": _tanh_litert,
    },
    "ort": {
        "hard_swish": _onnx(_hard_swish_real),
        "leaky_relu": _leaky_relu_onnx,
        "logistic": _onnx(_logistic_real),
        **dict.fromkeys(("relu", "relu6", "relu_n1_to_1", "requantize"), _onnx(float)),
        "table": lambda operator, attributes: lambda x: attributes.table[x + 128],
        "tanh": _onnx(math.tanh),
    },
}
