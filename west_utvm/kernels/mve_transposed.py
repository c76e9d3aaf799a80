# SPDX-License-Identifier: Apache-2.0
"""Transposed convolution for CPUs with Helium (MVE), as a convolution for each phase of strides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from west_utvm.kernels import mve, transposed
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Array, Operator, TransposedConvolution


def conv2d_transpose(operator: Operator, options: Options) -> Emitted | None:
    """Weights are OHWI. None where results are rounded as no other convolution's are."""
    attributes, output = operator.attributes, operator.outputs[0]
    assert isinstance(attributes, TransposedConvolution)
    portable = transposed.conv2d_transpose(operator, options)
    if portable.fields["own"]:
        return None
    phases = _phases(operator)
    plains = [mve.prepared(phase, options, channel_axis=0) for phase in phases]
    batches, in_height, in_width, in_channels = operator.inputs[0].shape
    channels, rows, columns, _ = phases[0].inputs[1].shape
    packed = [mve.packed(plain, channels) for plain in plains]
    depth = rows * columns * in_channels
    variant = mve.variant(operator, attributes.clamp, plains[0])
    headers = ("taps.h", "mve_row.h", "mve_pixels.h", "window.h", "mve_conv2d.h")
    return Emitted(
        headers=(*mve.HEADERS, *headers, "mve_conv2d_transpose.h"),
        kernel=f"mve_conv2d_transpose_{variant}",
        struct="mve_conv2d_transpose",
        fields={
            "height": output.shape[1],
            "width": output.shape[2],
            "stride_y": attributes.strides[0],
            "stride_x": attributes.strides[1],
            "pad_top": attributes.padding[0],
            "pad_left": attributes.padding[1],
            "weights": len(packed[0]["weights"]),
            "quads": len(packed[0]["quads"]),
            "phase": {
                "batches": batches,
                "window": {
                    "in_height": in_height,
                    "in_width": in_width,
                    "in_channels": in_channels,
                    "window_height": rows,
                    "window_width": columns,
                    "dilation_y": 1,
                    "dilation_x": 1,
                    "in_zero": operator.inputs[0].zero_point,
                },
                "pixels": {
                    **mve.pixels(phases[0], attributes.clamp),
                    "out_step": attributes.strides[1] * channels,
                },
            },
        },
        constants={name: np.concatenate([arrays[name] for arrays in packed]) for name in packed[0]},
        macs=portable.macs,
        scratch=2 * depth,
        overlap=_overlap(operator, rows),
    )


def _phases(operator: Operator) -> list[Operator]:
    """Convolutions whose windows have a tap a stride, from the last to the first, where there is
    one; the bias is in them without the taps that are not."""
    attributes, (data, weights, bias) = operator.attributes, operator.inputs
    assert isinstance(attributes, TransposedConvolution) and weights.data is not None
    down, across = attributes.strides
    _, height, width, _ = weights.shape
    more = ((0, 0), (0, -height % down), (0, -width % across), (0, 0))
    taps = np.pad(weights.data, more)
    phases = []
    for y in range(down):
        for x in range(across):
            own: Array = np.ascontiguousarray(taps[:, y::down, x::across][:, ::-1, ::-1])
            inputs = (data, replace(weights, shape=own.shape, data=own), bias)
            phases.append(replace(operator, inputs=inputs))
    return phases


def _overlap(operator: Operator, rows: int) -> int:
    """A line reads the rows of its windows while it is written."""
    attributes = operator.attributes
    assert isinstance(attributes, TransposedConvolution)
    _, in_height, in_width, in_channels = operator.inputs[0].shape
    batches, height, width, channels = operator.outputs[0].shape
    written, needed = [], []
    for line in range(batches * height):
        batch, y = divmod(line, height)
        first = (y + attributes.padding[0]) // attributes.strides[0] - (rows - 1)
        row = batch * in_height + min(max(first, 0), in_height)
        written.append((line + 1) * width * channels)
        needed.append(row * in_width * in_channels)
    return mve.farthest(written, needed)
