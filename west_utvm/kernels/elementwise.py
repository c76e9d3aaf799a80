# SPDX-License-Identifier: Apache-2.0
"""Operators on two inputs, element by element, with broadcasting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from west_utvm.kernels import onnx_runtime, overlap
from west_utvm.kernels.emitted import Emitted, Field, refuse
from west_utvm.kernels.fixed_point import quantize_multiplier, single_multiplier
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Elementwise, Operator

_HEADERS = ("base.h", "fixed_point.h", "requantize_{rounding}.h", "broadcast.h")
_RANK = 4


def add(operator: Operator, options: Options) -> Emitted:
    """And subtraction."""
    if options.rounding == "ort":
        kernel = onnx_runtime.add if operator.kind == "add" else onnx_runtime.sub
        return kernel(operator, _shape(operator))
    fields = {"shape": _shape(operator), **_ADD[options.rounding](operator), **_clamp(operator)}
    headers = (*_HEADERS, f"add_{options.rounding}.h")
    return _sharing(operator, Emitted(headers, "add", "add", fields))


def _add_tflm(operator: Operator) -> Mapping[str, Field]:
    """Both inputs on twice the larger scale, with 20 bits more, in double precision."""
    twice = _twice_the_larger(operator)
    real = twice / ((1 << 20) * operator.outputs[0].scale)
    sign = 1 if operator.kind == "add" else -1
    return {**_on_one_scale(operator, twice, real, "adds"), "sign": sign}


def _twice_the_larger(operator: Operator) -> float:
    return 2 * max(value.scale for value in operator.inputs)


def _on_one_scale(operator: Operator, scale: float, real: float, verb: str) -> Mapping[str, Field]:
    """Both inputs on this scale, and what becomes of them times ``real``."""
    if real >= 1:
        what = f"{verb} what is far larger than its result can hold"
        raise refuse(operator, what, "its scales are far from each other: quantize again")
    a, b = operator.inputs
    (am, ash), (bm, bsh), (multiplier, shift) = map(
        quantize_multiplier, (a.scale / scale, b.scale / scale, real)
    )
    return {
        "a_zero": a.zero_point,
        "a_multiplier": am,
        "a_shift": ash,
        "b_zero": b.zero_point,
        "b_multiplier": bm,
        "b_shift": bsh,
        "multiplier": multiplier,
        "shift": shift,
    }


def _add_litert(operator: Operator) -> Mapping[str, Field]:
    """One shift for both inputs, such that the larger multiplier has 21 bits."""
    scale_out = np.float32(operator.outputs[0].scale)
    ratios = [float(np.float32(value.scale) / scale_out) for value in operator.inputs]
    if not all(2**-10 <= ratio < 2**8 for ratio in ratios):
        what = "adds inputs whose scales are far from the result's"
        raise refuse(operator, what, "quantize again, or use --rounding tflm")
    shift = 20 - (math.frexp(max(ratios))[1] - 1)
    a, b = (round(math.ldexp(ratio, shift)) for ratio in ratios)  # halves to even
    b = b if operator.kind == "add" else -b
    points = [value.zero_point for value in operator.inputs]
    return {
        "a_multiplier": a,
        "b_multiplier": b,
        "bias": (1 << (shift - 1)) - a * points[0] - b * points[1],
        "shift": shift,
    }


_ADD = {"tflm": _add_tflm, "litert": _add_litert}


def mul(operator: Operator, options: Options) -> Emitted:
    if options.rounding == "ort":
        return onnx_runtime.mul(operator, _shape(operator))
    a, b = operator.inputs
    scales = [value.scale for value in (a, b, operator.outputs[0])]
    real = scales[0] * scales[1] / scales[2]
    if real >= 1 << 14:  # a product has 16 bits and a sign
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    if options.rounding == "tflm":
        multiplier, shift = quantize_multiplier(real)
    else:
        single = [np.float32(scale) for scale in scales]
        multiplier, shift = single_multiplier(float(single[0] * single[1] / single[2]))
    fields = {
        "shape": _shape(operator),
        "a_zero": a.zero_point,
        "b_zero": b.zero_point,
        "multiplier": multiplier,
        "shift": shift,
        **_clamp(operator),
    }
    return _sharing(operator, Emitted((*_HEADERS, "mul.h"), "mul", "mul", fields))


def prelu(operator: Operator, options: Options) -> Emitted:
    """The input itself, or its product with a slope where it is negative. LiteRT has the kernel of
    TensorFlow Lite Micro: both sides are rounded twice."""
    source, slope = operator.inputs
    ratio = source.scale / operator.outputs[0].scale
    below = source.scale * slope.scale / operator.outputs[0].scale
    if ratio >= 1 << 22 or below >= 1 << 14:  # of 9 bits and of 17, with their signs
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    (am, ash), (bm, bsh) = map(quantize_multiplier, (ratio, below))
    fields = {
        "shape": _shape(operator),
        "zero": source.zero_point,
        "slope_zero": slope.zero_point,
        "above_multiplier": am,
        "above_shift": ash,
        "below_multiplier": bm,
        "below_shift": bsh,
        **_clamp(operator),
    }
    headers = ("base.h", "fixed_point.h", "broadcast.h", "prelu.h")
    return _sharing(operator, Emitted(headers, "prelu", "prelu", fields))


def extreme(operator: Operator, options: Options) -> Emitted:
    """The larger or the smaller one, all in one quantization."""
    fields: dict[str, Field] = {"shape": _shape(operator)}
    headers = ("base.h", "broadcast.h", "extreme.h")
    return _sharing(operator, Emitted(headers, operator.kind, "extreme", fields))


def squared_difference(operator: Operator, options: Options) -> Emitted:
    """Both inputs on twice the larger scale, with 7 bits more. LiteRT has the kernel of TensorFlow
    Lite Micro."""
    twice = _twice_the_larger(operator)
    real = twice * twice / ((1 << 14) * operator.outputs[0].scale)
    fields = {
        "shape": _shape(operator),
        **_on_one_scale(operator, twice, real, "squares"),
        **_clamp(operator),
    }
    headers = ("base.h", "fixed_point.h", "broadcast.h", "squared_difference.h")
    emitted = Emitted(headers, "squared_difference", "squared_difference", fields)
    return _sharing(operator, emitted)


def _sharing(operator: Operator, emitted: Emitted) -> Emitted:
    first, second = (overlap.elementwise(operator, number) for number in (0, 1))
    return replace(emitted, overlap=first, overlap_second=second)


def _clamp(operator: Operator) -> Mapping[str, Field]:
    attributes = operator.attributes
    assert isinstance(attributes, Elementwise)
    return {
        "out_zero": operator.outputs[0].zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }


def _shape(operator: Operator) -> Mapping[str, Field]:
    """``struct utvm_broadcast``: neighbours that every input steps through alike are one."""
    shape = operator.outputs[0].shape
    steps = [_steps(value.shape, shape) for value in operator.inputs]
    size, a, b = [1], [0], [0]
    for dim, step_a, step_b in zip(shape, *steps, strict=True):
        if dim == 1:
            continue
        if a[-1] == step_a * dim and b[-1] == step_b * dim:
            size[-1], a[-1], b[-1] = size[-1] * dim, step_a, step_b
        else:
            size, a, b = [*size, dim], [*a, step_a], [*b, step_b]
    size, a, b = size[1:], a[1:], b[1:]
    if len(size) > _RANK:
        raise refuse(operator, "broadcasts in more than four dimensions", "reshape its inputs")
    missing = _RANK - len(size)
    return {
        "size": (*[1] * missing, *size),
        "a": (*[0] * missing, *a),
        "b": (*[0] * missing, *b),
    }


def _steps(shape: tuple[int, ...], output: tuple[int, ...]) -> list[int]:
    padded = (1,) * (len(output) - len(shape)) + shape
    steps, step = [], 1
    for dim in reversed(padded):
        steps.append(0 if dim == 1 else step)
        step *= dim
    return steps[::-1]
