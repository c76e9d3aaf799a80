# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully connected layers for CPUs with Arm's DSP extension (``c/packed.h``)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from west_utvm.kernels import overlap, packing
from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Clamp, Convolution, FullyConnected, Operator, Rounding

_PACKED = (*packing.HEADERS, "packed.h", "packed_{rounding}.h")
# Of two inputs, in bytes.
_WORD = 4
# Pixels that are multiplied at a time.
_PIXELS = 3
# Bytes that c/patch.h writes behind a patch.
_SLACK = 3
# Instructions, about: those that one more input takes for a pixel and a channel, and those that a
# pixel takes less where rows are gathered from the image as they are, for each row and each byte.
_EXTRA, _SAVED_ROW, _SAVED_BYTE = 17 / 24, 25, 2
# What the loops over channels need besides c/packed.h.
_NARROW: Mapping[str, tuple[str, ...]] = {
    "narrow": ("packed_narrow.h",),
    "full": (),
    "positive": (),
}


def matmul(operator: Operator, options: Options) -> Emitted | None:
    """A convolution whose pixels are simply the rows of a matrix: one tap, which moves by one."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    depth = operator.inputs[0].shape[-1]
    if operator.inputs[1].shape[1:3] != (1, 1) or depth % packing.GROUP:
        return None
    words = _conv2d_words(operator, options.rounding, (1, depth))
    if words is None or attributes.strides != (1, 1) or any(attributes.padding):
        return None
    loop = kind(operator, options.rounding)
    output = operator.outputs[0]
    return Emitted(
        headers=(
            *_PACKED,
            *_NARROW[loop],
            "gather_windows.h",
            "matmul_packed.h",
            f"matmul_packed_{loop}.h",
        ),
        kernel=f"matmul_packed_{loop}",
        struct="matmul_packed",
        fields={
            "packed": _core(operator, _inputs(1, depth, options.rounding)),
            "rows": output.elements // output.shape[-1],
            "depth": depth,
        },
        constants={"packed": words},
        macs=output.elements * depth,
        scratch=_PIXELS * _WORD * _inputs(1, depth, options.rounding) // 2,
        label="conv2d 1x1, dsp",
        overlap=overlap.convolution(operator, ahead=0),
    )


def conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Any convolution; what a window sees is copied first."""
    gathered = _gathered(operator)
    words = _conv2d_words(operator, options.rounding, gathered)
    if words is None:
        return None
    loop = kind(operator, options.rounding)
    patch = math.prod(operator.inputs[1].shape[1:])
    inputs = _inputs(*gathered, options.rounding)
    return Emitted(
        headers=(
            *_PACKED,
            *_NARROW[loop],
            *("taps.h", "window.h", "patch.h", "gather_windows.h", "conv2d_packed.h"),
            f"conv2d_packed_{loop}.h",
        ),
        kernel=f"conv2d_packed_{loop}",
        struct="conv2d_packed",
        fields={
            "packed": _core(operator, inputs),
            "window": window(operator),
            "batches": operator.inputs[0].shape[0],
            "rows": gathered[0],
            "row": _fours(gathered[1]),
            "skip": gathered[1] - _fours(gathered[1]),
            **_inside(operator, gathered),
        },
        constants={"packed": words},
        macs=operator.outputs[0].elements * patch,
        scratch=_PIXELS * _WORD * inputs // 2 + patch + _SLACK,
        label="conv2d, dsp",
        overlap=overlap.convolution(operator, ahead=0),
    )


def fully_connected(operator: Operator, options: Options) -> Emitted | None:
    data, weights, _ = operator.inputs
    features, in_features = weights.shape
    rows = data.elements // in_features
    channels = _channels(operator, options.rounding)
    if channels is None:
        return None
    return Emitted(
        headers=(
            *packing.HEADERS,
            "packed.h",
            "fours.h",
            "fours_{rounding}.h",
            "fully_connected_packed.h",
        ),
        kernel="fully_connected_packed",
        struct="fully_connected_packed",
        fields={
            "packed": _core(operator, packing.padded(in_features)),
            "rows": rows,
            "in_features": in_features,
            "per_channel": int(len(channels.scales) > 1),
        },
        constants={"packed": _four_words(channels), "scales": _four_scales(channels)},
        macs=rows * features * in_features,
        label="fully_connected, dsp",
        overlap=overlap.rows(rows, in_features, features),
    )


def _gathered(operator: Operator) -> tuple[int, int]:
    """How many rows, of how many bytes, are gathered of a window: each becomes whole words, so
    that all bytes as one row may be less to multiply."""
    channels, height, width, depth = operator.inputs[1].shape
    row = width * depth
    more = height * _fours(row) - _fours(height * row)
    if more * channels * _EXTRA > height * (_SAVED_ROW + _SAVED_BYTE * row):
        return 1, height * row
    return height, row


def _inside(operator: Operator, gathered: tuple[int, int]) -> Mapping[str, Field]:
    """At how many rows and columns, from 0 on, a window is wholly within the image and gathered as
    it is there."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, in_height, in_width, _ = operator.inputs[0].shape
    height, width = operator.inputs[1].shape[1:3]
    dense = (attributes.dilation[1] == 1 or width == 1) and gathered[0] == height
    return {
        "inside_y": max(0, in_height - (height - 1) * attributes.dilation[0]),
        "inside_x": max(0, in_width - width + 1) if dense else 0,
    }


def _inputs(rows: int, row: int, rounding: Rounding) -> int:
    """Inputs of a pixel with those that are gathered for nothing, and zeros. C for single
    precision takes eight at a time."""
    inputs = rows * _fours(row)
    return packing.padded(inputs) if rounding != "tflm" else max(inputs, packing.TURN)


def _fours(count: int) -> int:
    return -(-count // packing.GROUP) * packing.GROUP


def _core(operator: Operator, inputs: int) -> Mapping[str, Field]:
    """``struct utvm_packed``, for so many inputs of a pixel."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution | FullyConnected)
    weights = operator.inputs[1].shape
    return {
        "words": inputs // 2,
        "channels": weights[0],
        "out_zero": operator.outputs[0].zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }


def kind(operator: Operator, rounding: Rounding) -> str:
    """Which of ``c/packed.h``'s loops over channels computes it."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    if attributes.clamp != Clamp():
        return "narrow"
    positive = rounding == "tflm" and operator.outputs[0].zero_point == attributes.clamp.low
    return "positive" if positive else "full"


def _channels(operator: Operator, rounding: Rounding) -> packing.Channels | None:
    channels = packing.channels(operator, rounding)
    return channels if channels is not None and packing.pairs_fit(channels) else None


def _conv2d_words(
    operator: Operator, rounding: Rounding, gathered: tuple[int, int]
) -> Array | None:
    """For two channels their biases, weights and scales; then for the next two."""
    channels = _channels(operator, rounding)
    if channels is None:
        return None
    rows, row = gathered
    whole = np.zeros((len(channels.bias), rows, _fours(row)), np.int64)
    whole[:, :, :row] = channels.weights.reshape(-1, rows, row)
    weights = whole.reshape(len(whole), -1)
    return packing.pair_records(channels, weights, _inputs(rows, row, rounding))


def _four_words(channels: packing.Channels) -> Array:
    """For four channels their biases and their weights, a word of each two in turn."""
    words = packing.pair_words(channels.weights, packing.padded(channels.weights.shape[1]))
    biases = packing.pair_biases(channels.bias)
    if len(words) % 2:
        words, biases = (np.vstack([part, 0 * part[:1]]) for part in (words, biases))
    turns = words.reshape(len(words) // 2, 2, -1).transpose(0, 2, 1).reshape(len(words) // 2, -1)
    return np.hstack([biases.reshape(len(turns), -1), turns]).reshape(-1)


def _four_scales(channels: packing.Channels) -> Array:
    """One for all channels, or one for each; the last one again for those missing of four."""
    count = len(channels.scales)
    missing = -count % 4 if count > 1 else 0
    return np.pad(channels.scales, ((0, missing), (0, 0)), "edge").reshape(-1)
