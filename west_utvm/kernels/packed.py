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
_WORD = 4
# Of a product of matrices: rows of the input that are multiplied at a time.
_ROWS = 3


def matmul(operator: Operator, options: Options) -> Emitted | None:
    """A convolution whose pixels are simply the rows of a matrix: one tap, which moves by one."""
    words = _conv2d_words(operator, options.rounding)
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    dense = attributes.strides == (1, 1) and not any(attributes.padding)
    if words is None or not dense or operator.inputs[1].shape[1:3] != (1, 1):
        return None
    loop = kind(operator, options.rounding)
    output = operator.outputs[0]
    depth = operator.inputs[0].shape[-1]
    rows = output.elements // output.shape[-1]
    return Emitted(
        headers=(*_PACKED, "matmul_packed.h", f"matmul_packed_{loop}.h"),
        kernel=f"matmul_packed_{loop}",
        struct="matmul_packed",
        fields={"packed": _core(operator), "rows": rows, "depth": depth},
        constants={"packed": words},
        macs=output.elements * depth,
        scratch=_ROWS * _WORD * packing.padded(depth) // 2,
        label="conv2d 1x1, dsp",
        overlap=overlap.convolution(operator, ahead=0),
    )


def conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Any convolution; what a window sees is copied first."""
    words = _conv2d_words(operator, options.rounding)
    if words is None:
        return None
    loop = kind(operator, options.rounding)
    patch = math.prod(operator.inputs[1].shape[1:])
    return Emitted(
        headers=(
            *_PACKED,
            "taps.h",
            "window.h",
            "patch.h",
            "conv2d_packed.h",
            f"conv2d_packed_{loop}.h",
        ),
        kernel=f"conv2d_packed_{loop}",
        struct="conv2d_packed",
        fields={
            "packed": _core(operator),
            "window": window(operator),
            "batches": operator.inputs[0].shape[0],
            **_last(operator),
        },
        constants={"packed": words},
        macs=operator.outputs[0].elements * patch,
        scratch=_ROWS * _WORD * packing.padded(patch) // 2 + packing.padded(patch) + _WORD,
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
        headers=(*packing.HEADERS, "packed.h", "fully_connected_packed.h"),
        kernel="fully_connected_packed",
        struct="fully_connected_packed",
        fields={
            "packed": _core(operator),
            "rows": rows,
            "in_features": in_features,
            "per_channel": int(len(channels.scales) > 1),
        },
        constants={"packed": _four_words(channels), "scales": channels.scales.reshape(-1)},
        macs=rows * features * in_features,
        label="fully_connected, dsp",
        overlap=overlap.rows(rows, in_features, features),
    )


def _last(operator: Operator) -> Mapping[str, Field]:
    """The last row and column at which a window that is wholly within the image may start."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, in_height, in_width, _ = operator.inputs[0].shape
    height, width = operator.inputs[1].shape[1:3]
    dense = attributes.dilation[1] == 1
    return {
        "last_y": in_height - 1 - (height - 1) * attributes.dilation[0],
        "last_x": in_width - width if dense else -1,
    }


def _core(operator: Operator) -> Mapping[str, Field]:
    """``struct utvm_packed``."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution | FullyConnected)
    weights = operator.inputs[1].shape
    return {
        "words": packing.padded(math.prod(weights[1:])) // 2,
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


def _conv2d_words(operator: Operator, rounding: Rounding) -> Array | None:
    """For two channels their biases, weights and scales; then for the next two."""
    channels = _channels(operator, rounding)
    if channels is None:
        return None
    words, biases = _pairs(channels)
    scales = np.zeros((2 * len(words), channels.scales.shape[1]), np.int32)
    scales[: len(channels.bias)] = channels.scale_of_each
    return np.hstack([biases, words, scales.reshape(len(words), -1)]).reshape(-1)


def _four_words(channels: packing.Channels) -> Array:
    """For four channels their biases and their weights, a word of each two in turn."""
    words, biases = _pairs(channels)
    if len(words) % 2:
        words, biases = (np.vstack([part, 0 * part[:1]]) for part in (words, biases))
    turns = words.reshape(len(words) // 2, 2, -1).transpose(0, 2, 1).reshape(len(words) // 2, -1)
    return np.hstack([biases.reshape(len(turns), -1), turns]).reshape(-1)


def _pairs(channels: packing.Channels) -> tuple[Array, Array]:
    return packing.pair_words(channels.weights), packing.pair_biases(channels.bias)
