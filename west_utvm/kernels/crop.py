# SPDX-License-Identifier: Apache-2.0
"""Convolutions without the taps that are outside of the image for every pixel of the output.

There are such where an image is smaller than a window of it: of 5x5 taps over one pixel one
counts. The others read the zero point, that is a real 0.
"""

from __future__ import annotations

from dataclasses import replace

from west_utvm.lowering.program import Convolution, Operator


def cropped(operator: Operator) -> Operator:
    """A conv2d, weights OHWI, or a depthwise_conv2d, HWC; the same one where all taps count."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    data, weights, bias = operator.inputs
    assert weights.data is not None
    first_axis = weights.data.ndim - 3  # that of rows, of either layout
    padding, slices = list(attributes.padding), [slice(None)] * weights.data.ndim
    for axis in (0, 1):
        window = weights.shape[first_axis + axis]
        before, after = _unused(operator, axis, window)
        padding[axis] -= before * attributes.dilation[axis]
        padding[axis + 2] -= after * attributes.dilation[axis]
        slices[first_axis + axis] = slice(before, window - after)
    kept = weights.data[tuple(slices)]
    if kept.shape == weights.shape:
        return operator
    top, left, bottom, right = padding
    return replace(
        operator,
        inputs=(data, replace(weights, shape=kept.shape, data=kept.copy()), bias),
        attributes=replace(attributes, padding=(top, left, bottom, right)),
    )


def _unused(operator: Operator, axis: int, window: int) -> tuple[int, int]:
    """How many taps before and after the others are never in the image; no more than those whose
    place is padding, so that what is left of it is not negative."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    size, steps = operator.inputs[0].shape[1 + axis], operator.outputs[0].shape[1 + axis]
    stride, dilation = attributes.strides[axis], attributes.dilation[axis]
    origins = [step * stride - attributes.padding[axis] for step in range(steps)]
    used = [
        tap
        for tap in range(window)
        if any(0 <= origin + tap * dilation < size for origin in origins)
    ]
    first, last = (used[0], used[-1]) if used else (0, 0)
    before = min(first, attributes.padding[axis] // dilation)
    after = min(window - 1 - last, attributes.padding[axis + 2] // dilation)
    return before, min(after, window - 1 - before)
