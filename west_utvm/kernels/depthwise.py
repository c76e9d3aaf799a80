# SPDX-License-Identifier: Apache-2.0
"""Depthwise convolutions by kernels for windows of some sizes."""

from __future__ import annotations

import numpy as np

from west_utvm.kernels import overlap, packed, packing
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.kernels.rows import constants
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Convolution, Operator

_WORD = 4
# Of c/depthwise3x3.h: channels at a time, and words of a column of a channel, two rows each.
_PLANES = 4
_PLANE_WORDS = 3
# Rows of results from one copy of four channels. With more of them fewer would be copied twice, but
# results could not run as far over their input.
_BAND = 2
# At most, on any machine.
_POINTER = 8


def depthwise3x3(operator: Operator, options: Options) -> Emitted | None:
    """Windows of 3 x 3 that move by one or two, as many channels out as in, at least four."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    data, weights, _ = operator.inputs
    output = operator.outputs[0]
    if (
        weights.shape[:2] != (3, 3)
        or attributes.strides not in ((1, 1), (2, 2))
        or attributes.dilation != (1, 1)
        or not _PLANES <= data.shape[3] == output.shape[3]
    ):
        return None
    channels = packing.channels(operator, options.rounding, axis=2)
    if channels is None:
        return None
    kind = packed.kind(operator, options.rounding)
    columns = (output.shape[2] - 1) * attributes.strides[1] + 3
    return Emitted(
        headers=(
            *packing.HEADERS,
            *("taps.h", "window.h", "plane.h", "depthwise3x3.h", "depthwise3x3_{rounding}.h"),
            f"depthwise3x3_{kind}.h",
        ),
        kernel=f"depthwise3x3_{kind}",
        # Four channels of a band are read before they are written; this is right for any band.
        overlap_aligned=overlap.bands(operator, 1),
        struct="depthwise3x3",
        fields={
            "window": window(operator),
            "batches": data.shape[0],
            "columns": columns,
            "inside": min(data.shape[2], columns - attributes.padding[1]),
            "out_zero": output.zero_point,
            "low": attributes.clamp.low,
            "high": attributes.clamp.high,
        },
        constants={"channels": _words3x3(channels)},
        macs=output.elements * 9,
        scratch=_WORD * _PLANES * _PLANE_WORDS * columns,
        label="depthwise_conv2d 3x3, dsp",
        overlap=_overlap3x3(operator),
    )


def _overlap3x3(operator: Operator) -> int:
    """Rows of a band are read for the last time before its last four channels are written."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    batches, in_height, in_width, in_channels = operator.inputs[0].shape
    _, height, width, channels = operator.outputs[0].shape
    batch = np.arange(batches)[:, None]
    first = np.arange(0, height, _BAND)
    rows = np.maximum(first * attributes.strides[0] - attributes.padding[0], 0)
    reads = (batch * in_height + rows) * in_width * in_channels
    written = (batch * height + np.minimum(first + _BAND, height)) * width * channels
    return overlap.of_steps(reads.reshape(-1), written.reshape(-1), operator.inputs[0].size)


def taps(operator: Operator, options: Options) -> Emitted | None:
    """Any window."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    channels = packing.channels(operator, options.rounding, axis=2)
    if channels is None:
        return None
    data, weights, _ = operator.inputs
    output = operator.outputs[0]
    count = weights.shape[0] * weights.shape[1]
    more = ("depthwise_copies.h",) if output.shape[3] > data.shape[3] else ()
    return Emitted(
        headers=(*packing.HEADERS, "taps.h", "window.h", "depthwise_taps.h", *more),
        kernel="depthwise_copies" if more else "depthwise_taps",
        struct="depthwise_taps",
        fields={
            "window": window(operator),
            "batches": data.shape[0],
            "channels": output.shape[3],
            "copies": output.shape[3] // data.shape[3],
            "out_zero": output.zero_point,
            "low": attributes.clamp.low,
            "high": attributes.clamp.high,
        },
        constants=constants(operator, channels, axis=2),
        macs=output.elements * count,
        scratch=_POINTER * count + data.shape[3],
        label="depthwise_conv2d",
        overlap=overlap.convolution(operator, ahead=output.shape[3]),
    )


def _words3x3(channels: packing.Channels) -> Array:
    """For each channel three words of weights, its bias and its scale.

    A word of weights has rows 0, 1, 1 and 2 of a column: SXTB16 makes (0, 1) and (1, 2) of it.
    """
    rows = channels.weights.reshape(-1, 3, 3).transpose(0, 2, 1)  # (channel, column, row)
    taken = rows[:, :, (0, 1, 1, 2)].astype(np.int8)
    words = np.ascontiguousarray(taken).view("<i4").reshape(len(rows), 3).astype(np.int32)
    bias = channels.bias.astype(np.int32)[:, None]
    return np.hstack([words, bias, channels.scale_of_each]).reshape(-1)
