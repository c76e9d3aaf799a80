# SPDX-License-Identifier: Apache-2.0
"""Mean and sum over any axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.fixed_point import quantize_multiplier, single_multiplier
from west_utvm.kernels.nest import Axis, index, merged, nested, real, steps
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Operator, Reduction

_Result = tuple[tuple[str, ...], int, str]


def reduction(operator: Operator, options: Options) -> Emitted:
    source = operator.inputs[0]
    headers, start, last, step = _whole(operator, options)
    in_steps = steps(source.shape)
    kept = [a for a in range(len(source.shape)) if a not in _attributes(operator).axes]
    out_steps = steps([source.shape[axis] for axis in kept])
    outer = merged(
        [Axis(source.shape[a], in_steps[a], o) for a, o in zip(kept, out_steps, strict=True)]
    )
    inner = merged([Axis(source.shape[a], in_steps[a], 0) for a in _attributes(operator).axes])
    body = _body(outer, inner, start, last, step)
    return Emitted(headers, body=body, overlap=overlap.gathered(outer, source))


def _whole(operator: Operator, options: Options) -> tuple[tuple[str, ...], int, str, str]:
    """What ``result`` gives, and how an element is added to what was found."""
    function = _attributes(operator).function
    if function in EXTREMES:
        return ("base.h",), EXTREMES[function], "sum", f"utvm_{function}(sum, {{element}})"
    return *result(operator, options), "sum + {element}"


# What the search for the largest or smallest element begins with.
EXTREMES = {"max": -128, "min": 127}


def result(operator: Operator, options: Options) -> _Result:
    """The headers needed, what a sum begins with, and the result as an expression of ``sum``."""
    count = math.prod(operator.inputs[0].shape[axis] for axis in _attributes(operator).axes)
    if not count or count > 1 << 23:
        raise refuse(operator, f"is over {count} elements")
    return _RESULTS[options.rounding](operator, count)


def _attributes(operator: Operator) -> Reduction:
    assert isinstance(operator.attributes, Reduction)
    return operator.attributes


def _body(outer: Sequence[Axis], inner: Sequence[Axis], start: int, result: str, step: str) -> str:
    """C that sums up by ``step``, an expression of ``sum`` and ``{element}``, and stores
    ``result``, one of ``sum``."""
    element = f"input[{index(outer, 0, 'step_in')} + {index(inner, 0, 'step_in', 'k')}]"
    loops = nested([a.size for a in inner], [f"sum = {step.format(element=element)};"], "k", 0)
    lines = [
        f"int32_t sum = {start};",
        "",
        *loops.splitlines(),
        f"sum = {result};",
        f"output[{index(outer, 0, 'step_out')}] = utvm_clamp(sum, -128, 127);",
    ]
    return nested([axis.size for axis in outer], lines)


def _twice_rounded(operator: Operator, count: int) -> _Result:
    """The ratio of scales, for a mean divided by the count: in integers, as TFLite does."""
    source, target = operator.inputs[0], operator.outputs[0]
    multiplier, shift = quantize_multiplier(source.scale / target.scale)
    if _attributes(operator).function == "mean":
        less = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << less) // count, shift - less
    if count * 256 << max(shift, 0) >= 1 << 31:
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    headers = ("base.h", "fixed_point.h", "requantize_tflm.h")
    result = f"utvm_requantize(sum, {multiplier}, {shift}) + {target.zero_point}"
    return headers, -source.zero_point * count, result


def _single(operator: Operator, count: int) -> _Result:
    """In single precision, with the zero points in one bias, as XNNPACK does."""
    source, target = operator.inputs[0], operator.outputs[0]
    scale = np.float32(source.scale) / np.float32(target.scale)
    if _attributes(operator).function == "mean":
        scale = scale / np.float32(count)
    points = np.float32(source.zero_point) * np.float32(count) * scale
    bias = np.float32(target.zero_point) - points
    if float(scale) * count * 256 >= 1 << 22:
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    headers = ("base.h", "single.h", "mean_litert.h")
    return headers, 0, f"utvm_mean_single(sum, {real(float(scale))}, {real(float(bias))})"


def _halves_to_even(operator: Operator, count: int) -> _Result:
    """One float32 factor, halves to even, as ONNX Runtime's global average pooling has it."""
    source, target = operator.inputs[0], operator.outputs[0]
    scale = np.float32(target.scale)
    if _attributes(operator).function == "mean":
        scale = scale * np.float32(count)
    multiplier, shift = single_multiplier(float(np.float32(source.scale) / scale))
    if not 1 <= shift <= 62:
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    result = f"utvm_requantize(sum, {multiplier}, {shift}) + {target.zero_point}"
    headers = ("base.h", "requantize_litert.h")
    return headers, -source.zero_point * count, result


_RESULTS = {"tflm": _twice_rounded, "litert": _single, "ort": _halves_to_even}
