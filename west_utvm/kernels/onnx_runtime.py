# SPDX-License-Identifier: Apache-2.0
"""Operators whose integers ONNX Runtime finds in another way than TFLite's run-times do.

As its CPU provider does on x86-64 with AVX2, with its default graph optimizations: measured over
all pairs of inputs, and over tables. ``tests/compiler/onnx_models.py`` has what is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from west_utvm.kernels.emitted import Emitted, Field, refuse
from west_utvm.kernels.fixed_point import round_to_single, single_multiplier
from west_utvm.lowering.program import Elementwise, Operator, Pooling, Softmax, Unary, Value

_FAR = "has scales that are far from each other"
_AGAIN = "quantize again"
_INTEGERS = ("base.h", "fixed_point.h", "requantize_litert.h", "broadcast.h")
# What a float32 may be before it is rounded to an integer.
_LARGEST = float(1 << 22)


def add(operator: Operator, shape: Field) -> Emitted:
    """a ra + (b rb + fixed) in two fused steps, with ra and rb the float32 ratios of scales and
    fixed = zc - (za ra + zb rb), the sum in one fused step and one product (MLAS, qladd)."""
    attributes = _elementwise(operator)
    a, b, c = (_single(value) for value in (*operator.inputs, operator.outputs[0]))
    za, zb, zc = _zero_points(operator, attributes.offset)
    ra, rb = _fraction(a / c), _fraction(b / c)
    fixed = round_to_single(zc - round_to_single(za * ra + round_to_single(zb * rb)))
    shift = max(1, *(part.denominator.bit_length() - 1 for part in (ra, rb, fixed)))
    multipliers = [int(part * (1 << shift)) for part in (ra, rb, fixed)]
    largest = 256 * sum(map(abs, multipliers))
    if shift > 62 or largest >= 1 << min(62, shift + 30):
        raise refuse(operator, _FAR, _AGAIN)
    fields: dict[str, Field] = {
        "shape": shape,
        "a_multiplier": multipliers[0],
        "b_multiplier": multipliers[1],
        "fixed": multipliers[2],
        "shift": shift,
        "offset": attributes.offset,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
    return Emitted((*_INTEGERS, "add_ort.h"), "add", "add", fields)


def sub(operator: Operator, shape: Field) -> Emitted:
    """Between dequantize and quantize: it has no quantized operator for it."""
    attributes = _elementwise(operator)
    a, b = operator.inputs
    output = operator.outputs[0]
    if 255 * (a.scale + b.scale) / output.scale >= _LARGEST:
        raise refuse(operator, _FAR, _AGAIN)
    fields: dict[str, Field] = {
        "shape": shape,
        "a_scale": a.scale,
        "b_scale": b.scale,
        "scale": output.scale,
        "a_zero": a.zero_point,
        "b_zero": b.zero_point,
        "out_zero": output.zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
    headers = ("base.h", "single.h", "round_{rounding}.h", "broadcast.h", "sub_ort.h")
    return Emitted(headers, "sub", "sub", fields)


def mul(operator: Operator, shape: Field) -> Emitted:
    """(a - za) (b - zb) times the float32 ratio sa sb / sc, plus zc (MLAS, qlmul)."""
    attributes = _elementwise(operator)
    a, b, c = (_single(value) for value in (*operator.inputs, operator.outputs[0]))
    multiplier, shift = single_multiplier(float(a * b / c))
    if not 1 <= shift <= 54:
        raise refuse(operator, _FAR, _AGAIN)
    fields: dict[str, Field] = {
        "shape": shape,
        "a_zero": operator.inputs[0].zero_point,
        "b_zero": operator.inputs[1].zero_point,
        "multiplier": multiplier,
        "shift": shift,
        "out_zero": operator.outputs[0].zero_point + attributes.offset,
        "offset": attributes.offset,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
    return Emitted((*_INTEGERS, "mul_ort.h"), "mul", "mul", fields)


def average_pool2d(operator: Operator, fields: dict[str, Field]) -> Emitted:
    """``fields`` are those of ``struct utvm_pool2d``."""
    attributes = operator.attributes
    assert isinstance(attributes, Pooling)
    source, output = operator.inputs[0], operator.outputs[0]
    if 255 * source.scale / output.scale >= _LARGEST:
        raise refuse(operator, _FAR, _AGAIN)
    bounds = {name: fields.pop(name) for name in ("low", "high")}
    fields |= {
        "in_scale": source.scale,
        "in_zero": source.zero_point,
        "scale": output.scale,
        "out_zero": output.zero_point + attributes.offset,
        "offset": attributes.offset,
        **bounds,
    }
    headers = ("base.h", "single.h", "round_{rounding}.h", "taps.h", "average_pool2d_ort.h")
    return Emitted(headers, "mean_pool2d", "mean_pool2d", fields, label="average_pool2d")


def softmax(operator: Operator) -> Emitted:
    """Exponentials are scaled up so far that no sum of them overflows.

    ONNX Runtime lets 1 overflow to -128 where an int8 result has the scale 1/256; that is 127
    here.
    """
    assert isinstance(operator.attributes, Softmax)
    source, output = operator.inputs[0], operator.outputs[0]
    depth = output.shape[-1]
    inverse = math.floor(np.float32(1) / _single(output))
    if inverse >= _LARGEST:
        raise refuse(operator, "has a result of a tiny scale", _AGAIN)
    largest = float(np.finfo(np.float32).max)
    more = max(0.0, math.log(largest / depth) - 5)
    if more > math.log(largest / inverse):  # of one element, whose quotient is 1 in any case
        more = 0.0
    exponents = more - np.arange(256) * float(_single(source))
    fields: dict[str, Field] = {
        "rows": output.elements // depth,
        "depth": depth,
        "inverse_scale": float(inverse),
        "out_zero": output.zero_point,
    }
    headers = ("base.h", "single.h", "round_{rounding}.h", "softmax_ort.h")
    table = np.exp(exponents).astype(np.float32)
    return Emitted(headers, "softmax", "softmax", fields, {"exponentials": table})


def unary(operator: Operator, function: Callable[[np.float32], float]) -> Callable[[int], int]:
    """Dequantize, ``function``, quantize: in single precision, halves to even."""
    assert isinstance(operator.attributes, Unary)
    source, output, clamp = operator.inputs[0], operator.outputs[0], operator.attributes.clamp
    scale_in, scale_out = _single(source), _single(output)

    def value(x: int) -> int:
        real = np.float32(x - source.zero_point) * scale_in
        with np.errstate(over="ignore"):
            scaled = float(np.float32(function(real)) / scale_out)
        limited = max(-1e6, min(scaled, 1e6))
        return max(clamp.low, min(round(limited) + output.zero_point, clamp.high))

    return value


def _elementwise(operator: Operator) -> Elementwise:
    assert isinstance(operator.attributes, Elementwise)
    return operator.attributes


def _single(value: Value) -> np.float32:
    return np.float32(value.scale)


def _fraction(value: np.float32) -> Fraction:
    return Fraction(float(value))


def _zero_points(operator: Operator, offset: int) -> tuple[int, int, int]:
    a, b = operator.inputs
    return a.zero_point + offset, b.zero_point + offset, operator.outputs[0].zero_point + offset
