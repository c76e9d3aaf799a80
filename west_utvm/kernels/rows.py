# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully connected layers for any CPU, with weights as they are (``c/rows.h``)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from west_utvm.kernels import overlap, packing
from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Convolution, FullyConnected, Operator

# Of a product of matrices: rows of the input that are multiplied at a time.
_ROWS = 2
# Bytes that c/patch.h writes behind a patch.
_SLACK = 3


def matmul(operator: Operator, options: Options) -> Emitted | None:
    """A convolution whose pixels are simply the rows of a matrix: one tap, which moves by one."""
    channels = packing.channels(operator, options.rounding)
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    dense = attributes.strides == (1, 1) and not any(attributes.padding)
    if channels is None or not dense or operator.inputs[1].shape[1:3] != (1, 1):
        return None
    output = operator.outputs[0]
    return Emitted(
        headers=(*packing.HEADERS, "rows.h", "matmul_blocked.h"),
        kernel="matmul_blocked",
        struct="matmul_blocked",
        fields={"rows": _core(operator), "pixels": output.elements // output.shape[-1]},
        constants=constants(operator, channels),
        macs=output.elements * operator.inputs[0].shape[-1],
        label="conv2d 1x1",
        overlap=overlap.convolution(operator, ahead=_ROWS * output.shape[-1]),
    )


def conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Any convolution; what a window sees is copied first."""
    channels = packing.channels(operator, options.rounding)
    if channels is None:
        return None
    patch = math.prod(operator.inputs[1].shape[1:])
    return Emitted(
        headers=(*packing.HEADERS, "taps.h", "window.h", "patch.h", "rows.h", "conv2d_blocked.h"),
        kernel="conv2d_blocked",
        struct="conv2d_blocked",
        fields={
            "rows": _core(operator),
            "window": window(operator),
            "batches": operator.inputs[0].shape[0],
        },
        constants=constants(operator, channels),
        macs=operator.outputs[0].elements * patch,
        scratch=_ROWS * patch + _SLACK,
        label="conv2d",
        overlap=overlap.convolution(operator, ahead=0),
    )


def fully_connected(operator: Operator, options: Options) -> Emitted | None:
    channels = packing.channels(operator, options.rounding)
    if channels is None:
        return None
    features, in_features = operator.inputs[1].shape
    count = operator.inputs[0].elements // in_features
    return Emitted(
        headers=(*packing.HEADERS, "rows.h", "fully_connected_blocked.h"),
        kernel="fully_connected_blocked",
        struct="fully_connected_blocked",
        fields={
            "rows": _core(operator),
            "count": count,
            "per_channel": int(len(channels.scales) > 1),
        },
        constants={
            "weights": channels.weights.astype(np.int8).reshape(-1),
            "bias": channels.bias.astype(np.int32),
            "scales": channels.scales.reshape(-1),
        },
        macs=count * features * in_features,
        label="fully_connected",
        overlap=overlap.rows(count, in_features, features),
    )


def constants(operator: Operator, channels: packing.Channels, axis: int = 0) -> dict[str, Array]:
    """Weights in the order of the model, and a bias and a scale for each channel.

    ``axis`` is that of output channels.
    """
    weights = operator.inputs[1].data
    assert weights is not None
    shape = np.moveaxis(weights, axis, 0).shape
    ordered = np.moveaxis(channels.weights.reshape(shape), 0, axis)
    bias = channels.bias.astype(np.int32)[:, None]
    return {
        "weights": np.ascontiguousarray(ordered.astype(np.int8)).reshape(-1),
        "channels": np.hstack([bias, channels.scale_of_each]).reshape(-1),
    }


def _core(operator: Operator) -> Mapping[str, Field]:
    """``struct utvm_rows``."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution | FullyConnected)
    weights = operator.inputs[1].shape
    return {
        "depth": math.prod(weights[1:]),
        "channels": weights[0],
        "out_zero": operator.outputs[0].zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
