# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully connected layers: int8 weights, int32 sums, a requantization a channel."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted, Field, refuse
from west_utvm.kernels.fixed_point import quantize_multiplier, single_multiplier
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import (
    Array,
    Convolution,
    FullyConnected,
    Operator,
    Rounding,
)

_HEADERS = ("base.h", "fixed_point.h", "requantize_{rounding}.h")


def conv2d(operator: Operator, options: Options) -> Emitted:
    """Weights are OHWI."""
    weights = operator.inputs[1]
    _, height, width, _ = weights.shape
    return Emitted(
        headers=(*_HEADERS, "dot.h", "taps.h", "convolution.h", "conv2d.h"),
        kernel="conv2d",
        struct="convolution",
        fields=_convolution(operator, (height, width)),
        constants=constants(operator, options.rounding, channel_axis=0),
        macs=operator.outputs[0].elements * math.prod(weights.shape[1:]),
        overlap=overlap.convolution(operator),
    )


def grouped_conv2d(operator: Operator, options: Options) -> Emitted:
    """Weights are OHWI, I being the input channels of one group."""
    data, weights, _ = operator.inputs
    channels, height, width, depth = weights.shape
    groups = data.shape[3] // depth
    fields: Mapping[str, Field] = {
        "whole": _convolution(operator, (height, width)),
        "depth": depth,
        "per_group": channels // groups,
    }
    return Emitted(
        headers=(*_HEADERS, "dot.h", "convolution.h", "conv2d_grouped.h"),
        kernel="conv2d_grouped",
        struct="conv2d_grouped",
        fields=fields,
        constants=constants(operator, options.rounding, channel_axis=0),
        macs=operator.outputs[0].elements * math.prod(weights.shape[1:]),
        overlap=overlap.convolution(operator),
    )


def depthwise_conv2d(operator: Operator, options: Options) -> Emitted:
    """Weights are HWC."""
    height, width, _ = operator.inputs[1].shape
    return Emitted(
        headers=(*_HEADERS, "taps.h", "convolution.h", "depthwise_conv2d.h"),
        kernel="depthwise_conv2d",
        struct="convolution",
        fields=_convolution(operator, (height, width)),
        constants=constants(operator, options.rounding, channel_axis=2),
        macs=operator.outputs[0].elements * height * width,
        overlap=overlap.depthwise(operator),
    )


def fully_connected(operator: Operator, options: Options) -> Emitted:
    """Weights are OI."""
    data, weights, _ = operator.inputs
    attributes = operator.attributes
    assert isinstance(attributes, FullyConnected)
    features, in_features = weights.shape
    rows = data.elements // in_features
    output = operator.outputs[0]
    fields = {
        "rows": rows,
        "in_features": in_features,
        "features": features,
        "per_channel": int(len(weights.scales) > 1),
        "out_zero": output.zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
    return Emitted(
        headers=(*_HEADERS, "dot.h", "fully_connected.h"),
        kernel="fully_connected",
        struct="fully_connected",
        fields=fields,
        constants=constants(operator, options.rounding, channel_axis=0),
        macs=rows * features * in_features,
        overlap=overlap.rows(rows, in_features, features),
    )


def _convolution(operator: Operator, window: tuple[int, int]) -> Mapping[str, Field]:
    data, weights, _ = operator.inputs
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    batches, in_height, in_width, in_channels = data.shape
    output = operator.outputs[0]
    return {
        "batches": batches,
        "in_height": in_height,
        "in_width": in_width,
        "in_channels": in_channels,
        "height": output.shape[1],
        "width": output.shape[2],
        "channels": output.shape[3],
        "window_height": window[0],
        "window_width": window[1],
        "stride_y": attributes.strides[0],
        "stride_x": attributes.strides[1],
        "dilation_y": attributes.dilation[0],
        "dilation_x": attributes.dilation[1],
        "pad_top": attributes.padding[0],
        "pad_left": attributes.padding[1],
        "padded": int(any(attributes.padding)),
        "per_channel": int(len(weights.scales) > 1),
        "in_zero": data.zero_point,
        "out_zero": output.zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }


def folded_bias(operator: Operator, channel_axis: int) -> Array:
    """The bias with the input's zero point in it: sum((x - z) w) is sum(x w) - z sum(w). int64.

    UtvmError if a sum does not fit 32 bits.
    """
    data, weights, bias = operator.inputs
    assert weights.data is not None and bias.data is not None
    others = tuple(axis for axis in range(weights.data.ndim) if axis != channel_axis)
    sums = weights.data.astype(np.int64).sum(axis=others)
    folded = np.asarray(bias.data.astype(np.int64) - data.zero_point * sums)
    _check_sums(operator, weights.data, folded, others)
    return folded


def constants(operator: Operator, rounding: Rounding, channel_axis: int) -> Mapping[str, Array]:
    """Weights as they come, and what a requantization by channel takes."""
    weights = operator.inputs[1]
    assert weights.data is not None
    folded = folded_bias(operator, channel_axis)
    multipliers = [_MULTIPLIERS[rounding](operator, scale) for scale in weights.scales]
    return {
        "weights": weights.data.reshape(-1),
        "bias": folded.astype(np.int32),
        "multiplier": np.array([multiplier for multiplier, _ in multipliers], np.int32),
        "shift": np.array([shift for _, shift in multipliers], np.int8),
    }


def _check_sums(operator: Operator, weights: Array, bias: Array, axes: tuple[int, ...]) -> None:
    """No input may overflow a sum of 32 bits, at any point of the summation."""
    largest = int((np.abs(bias) + 128 * np.abs(weights.astype(np.int64)).sum(axis=axes)).max())
    if largest > np.iinfo(np.int32).max:
        raise refuse(operator, "has sums that 32 bits do not hold", "make its bias smaller")
    for scale in operator.inputs[1].scales:
        _, shift = _twice_rounded(operator, scale)
        if largest << max(shift, 0) >= 1 << 31:
            what = "has a requantization that 32 bits do not hold"
            raise refuse(operator, what, "its scales are far from each other: quantize again")


def factor(operator: Operator, rounding: Rounding, scale: float) -> float:
    """What sums are multiplied by, for a scale of the weights: in double precision of float32
    scales as TensorFlow Lite Micro has it, else in single precision throughout."""
    scale_in, scale_out = operator.inputs[0].scale, operator.outputs[0].scale
    if rounding == "tflm":
        return scale_in * scale / scale_out
    return float(np.float32(scale_in) * np.float32(scale) / np.float32(scale_out))


def _twice_rounded(operator: Operator, scale: float) -> tuple[int, int]:
    return quantize_multiplier(factor(operator, "tflm", scale))


def _single(operator: Operator, scale: float) -> tuple[int, int]:
    """As XNNPACK and ONNX Runtime do."""
    multiplier, shift = single_multiplier(factor(operator, "litert", scale))
    if shift < 1:
        what = "has a requantization that 32 bits do not hold"
        raise refuse(operator, what, "its scales are far from each other: quantize again")
    return multiplier, min(shift, 127)  # beyond 62 there is nothing left


_MULTIPLIERS = {"tflm": _twice_rounded, "litert": _single}
