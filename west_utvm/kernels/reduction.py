# SPDX-License-Identifier: Apache-2.0
"""Mean and sum over any axes."""

from __future__ import annotations

import math

from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.fixed_point import quantize_multiplier
from west_utvm.kernels.nest import Axis, index, merged, nested, steps
from west_utvm.lowering.program import Operator, Reduction, Rounding

_HEADERS = ("base.h", "fixed_point.h", "requantize_{rounding}.h")


def reduction(operator: Operator, rounding: Rounding) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Reduction)
    source, target = operator.inputs[0], operator.outputs[0]
    count = math.prod(source.shape[axis] for axis in attributes.axes)
    if not count or count > 1 << 23:
        raise refuse(operator, f"is over {count} elements")
    multiplier, shift = _multiplier(operator, count)
    in_steps = steps(source.shape)
    kept = [axis for axis in range(len(source.shape)) if axis not in attributes.axes]
    kept_steps = steps([source.shape[axis] for axis in kept])
    outer = merged(
        [Axis(source.shape[a], in_steps[a], o) for a, o in zip(kept, kept_steps, strict=True)]
    )
    inner = merged([Axis(source.shape[a], in_steps[a], 0) for a in attributes.axes])
    first = index(outer, 0, "step_in")
    element = f"input[{first} + {index(inner, 0, 'step_in', 'k')}]"
    body = [
        f"int32_t sum = {-source.zero_point * count};",
        "",
        *nested([a.size for a in inner], [f"sum += {element};"], "k", 0).splitlines(),
        f"sum = utvm_requantize(sum, {multiplier}, {shift}) + {target.zero_point};",
        f"output[{index(outer, 0, 'step_out')}] = utvm_clamp(sum, -128, 127);",
    ]
    return Emitted(_HEADERS, body=nested([a.size for a in outer], body))


def _multiplier(operator: Operator, count: int) -> tuple[int, int]:
    """The ratio of scales, for a mean divided by the count: in integers, as TFLite does."""
    attributes = operator.attributes
    assert isinstance(attributes, Reduction)
    ratio = operator.inputs[0].scale / operator.outputs[0].scale
    multiplier, shift = quantize_multiplier(ratio)
    if attributes.function == "mean":
        less = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << less) // count, shift - less
    if shift > 0 and count * 256 << shift >= 1 << 31:
        raise refuse(operator, "has scales that are far from each other", "quantize again")
    return multiplier, shift
