# SPDX-License-Identifier: Apache-2.0
"""Bilinear resizing of int8 images in integers.

A pixel of the result lies between two rows and two columns of the input; how far is a figure of
10 fraction bits in TensorFlow Lite Micro's reference kernel, which finds it in integers, and of 11
in XNNPACK, which LiteRT has it from and which finds it in single precision.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Bilinear, Operator

_LARGEST = np.iinfo(np.int16).max
# Sizes before and after -> for each place of the result, the input's before it and the weight of
# the next one.
_Axis = Callable[[int, int, Bilinear], list[tuple[int, int]]]


def resize_bilinear(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Bilinear)
    batches, in_height, in_width, channels = operator.inputs[0].shape
    _, height, width, _ = operator.outputs[0].shape
    if max(in_height, in_width) > _LARGEST:
        raise refuse(operator, f"has an image of {in_height} x {in_width}", "make it smaller")
    axis = _AXES[options.rounding]
    rows = axis(in_height, height, attributes)
    columns = axis(in_width, width, attributes)
    fields = {
        "batches": batches,
        "in_height": in_height,
        "in_width": in_width,
        "channels": channels,
        "height": height,
        "width": width,
    }
    return Emitted(
        ("base.h", "fixed_point.h", "bilinear_{rounding}.h", "resize_bilinear.h"),
        "resize_bilinear",
        "resize_bilinear",
        fields,
        {"rows": np.array(rows, np.int16), "columns": np.array(columns, np.int16)},
        overlap=overlap.resized(operator, [row for row, _ in rows], [left for left, _ in columns]),
    )


def _tflm(size: int, out_size: int, attributes: Bilinear) -> list[tuple[int, int]]:
    """The scale is rounded to nearest; what is left of a half pixel's offset, down."""
    less = int(attributes.align_corners and out_size > 1)
    scale = (((size - less) << 10) + (out_size - less) // 2) // (out_size - less)
    offset = scale // 2 - 512 if attributes.half_pixel_centers else 0
    return [_cut(max(i * scale + offset, 0), 10, size) for i in range(out_size)]


def _cut(place: int, bits: int, size: int) -> tuple[int, int]:
    """Beyond the last pixel there is only that."""
    whole = place >> bits
    return (whole, place & ((1 << bits) - 1)) if whole < size - 1 else (size - 1, 0)


def _litert(size: int, out_size: int, attributes: Bilinear) -> list[tuple[int, int]]:
    single = np.float32
    less = int(attributes.align_corners and out_size > 1)
    scale = single(size - less) / single(out_size - less)
    offset = single(0)
    if attributes.half_pixel_centers:
        offset = single(0.5) * scale - single(0.5)
    found = []
    for i in range(out_size):
        place = min(max(single(i) * scale + offset, single(0)), single(size - 1))
        whole = int(place)
        weight = round(float((place - single(whole)) * single(2048)))  # halves to even
        found.append((whole, weight if whole < size - 1 else 0))
    return found


_AXES: dict[str, _Axis] = {"tflm": _tflm, "litert": _litert}
