# SPDX-License-Identifier: Apache-2.0
"""Average and maximum over windows."""

from __future__ import annotations

import math

from west_utvm.kernels import onnx_runtime, overlap
from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Operator, Pooling

# Of c/pool2d_words.h: channels of a word, and taps whose int8 add up to int16.
_WORD = 4
_MOST_SUMMED = 256


def average_pool2d(operator: Operator, options: Options) -> Emitted:
    if options.rounding == "ort":
        return onnx_runtime.average_pool2d(operator, _fields(operator))
    return pool2d(operator, options)


def pool2d(operator: Operator, options: Options) -> Emitted:
    """Input and output have the same quantization: the kernel is the same in all modes."""
    headers = ("base.h", "taps.h", "pool2d.h")
    return Emitted(
        headers, operator.kind, "pool2d", _fields(operator), overlap=overlap.depthwise(operator)
    )


def words(operator: Operator, options: Options) -> Emitted | None:
    """The same, four channels at a time; means of windows whose sums have 16 bits."""
    attributes = operator.attributes
    assert isinstance(attributes, Pooling)
    average = operator.kind == "average_pool2d"
    if operator.inputs[0].shape[3] < _WORD:
        return None
    if average and math.prod(attributes.window) > _MOST_SUMMED:
        return None
    return Emitted(
        headers=("base.h", "taps.h", "words.h", "pool2d.h", "pool2d_words.h"),
        kernel=f"{operator.kind}_words",
        struct="pool2d",
        fields=_fields(operator),
        label=f"{operator.kind}, dsp",
        overlap=overlap.in_words(operator, _WORD),
    )


def _fields(operator: Operator) -> dict[str, Field]:
    attributes = operator.attributes
    assert isinstance(attributes, Pooling)
    batches, in_height, in_width, channels = operator.inputs[0].shape
    _, height, width, _ = operator.outputs[0].shape
    return {
        "batches": batches,
        "in_height": in_height,
        "in_width": in_width,
        "channels": channels,
        "height": height,
        "width": width,
        "window_height": attributes.window[0],
        "window_width": attributes.window[1],
        "stride_y": attributes.strides[0],
        "stride_x": attributes.strides[1],
        "pad_top": attributes.padding[0],
        "pad_left": attributes.padding[1],
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
