# SPDX-License-Identifier: Apache-2.0
"""Depthwise convolution for CPUs with Helium (MVE)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from west_utvm.kernels import mve
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Clamp, Convolution, Operator, Value

_LANES = 16
_MAX_ROWS = 16
# The channels of 16 in the order in which products of int8 are widened to 32 bits: even before
# odd bytes (VMULLB, VMULLT), and of either the even before the odd halves (VMOVLB, VMOVLT).
_ORDER = np.array([lane % 4 * 4 + lane // 4 % 2 * 2 + lane // 8 for lane in range(_LANES)])


def single_channel(operator: Operator, options: Options) -> Emitted | None:
    """Of one input channel: a convolution like others."""
    data, weights, bias = operator.inputs
    if data.shape[3] != 1 or weights.data is None:
        return None
    turned = weights.data.transpose(2, 0, 1)[..., np.newaxis]
    weights = replace(weights, shape=turned.shape, data=turned)
    convolution = replace(operator, kind="conv2d", inputs=(data, weights, bias))
    return mve.columns(convolution, options) or mve.conv2d(convolution, options)


def depthwise_conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Weights are HWC. None where an input channel has several output channels."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    height, width, channels = operator.inputs[1].shape
    rows = (height - 1) * attributes.dilation[0] + 1
    ring = (operator.outputs[0].shape[2] - 1) * attributes.strides[1]
    ring += (width - 1) * attributes.dilation[1] + 1
    if channels != operator.inputs[0].shape[3]:
        return None
    if height > _MAX_ROWS or attributes.padding[1] > ring:
        return None
    plain = mve.prepared(operator, options, channel_axis=2)
    header, kernel = _kernel(operator, attributes.clamp, plain)
    return Emitted(
        headers=(*mve.HEADERS, *header),
        kernel=kernel,
        struct="mve_depthwise",
        fields={
            "batches": operator.inputs[0].shape[0],
            "window": window(operator),
            "ring_rows": rows,
            "ring_width": ring,
            "range": mve.value_range(operator, attributes.clamp),
        },
        constants=_packed(plain, operator),
        macs=operator.outputs[0].elements * height * width,
        scratch=rows * (ring * channels + _LANES),
        overlap=mve.rows_overlap(operator, rows),
    )


def strips(operator: Operator, options: Options) -> Emitted | None:
    """Windows of 3x3 without dilation, where the image is wide enough to be worth its strips."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, in_height, in_width, channels = operator.inputs[0].shape
    batches, height, width, _ = operator.outputs[0].shape
    if operator.inputs[1].shape != (3, 3, channels) or attributes.dilation != (1, 1):
        return None
    stride_y, stride_x = attributes.strides
    columns, rows = (width - 1) * stride_x + 3, (height - 1) * stride_y + 3
    pitch = 3 * (columns - 1) + rows
    # Eight windows are read at a time, of which the last vectors may begin where strips end.
    read = 3 * stride_x * (width + -width % 8) + (height - 1) * stride_y + 16
    plain = mve.prepared(operator, options, channel_axis=2)
    if stride_x > 2 or attributes.padding[1] > columns:
        return None
    if not mve.saturates(attributes.clamp, plain):
        return None
    if max(channels, 2 * pitch) * 8 > 1 << 16 or not _worth_strips(operator, columns * rows):
        return None
    variant = mve.variant(operator, attributes.clamp, plain)
    return Emitted(
        headers=(*mve.HEADERS, "mve_depthwise_strips.h"),
        kernel=f"mve_depthwise_strips_{variant}_{stride_x}",
        struct="mve_depthwise_strips",
        fields={
            "batches": batches,
            "in_height": in_height,
            "in_width": in_width,
            "channels": channels,
            "height": height,
            "width": width,
            "stride_y": stride_y,
            "pad_top": attributes.padding[0],
            "pad_left": attributes.padding[1],
            "in_zero": operator.inputs[0].zero_point,
            "out_zero": operator.outputs[0].zero_point,
            "columns": columns,
            "pitch": pitch,
        },
        constants={"records": _records(plain, channels)},
        macs=operator.outputs[0].elements * 9,
        scratch=(channels - 1) * pitch + max(pitch, read),
        overlap=mve.rows_overlap(operator, 3),
    )


def _worth_strips(operator: Operator, copied: int) -> bool:
    """By instructions for each output, counted in the loops: those with strips need some for each
    row of a channel, for eight pixels, and for a byte to copy; those without for 16 channels."""
    _, height, width, channels = operator.outputs[0].shape
    with_strips = (25 + 32 * -(-width // 8)) / width + 0.5 * copied / (height * width)
    return with_strips < 170 * -(-channels // _LANES) / channels


def _records(plain: Mapping[str, Array], channels: int) -> Array:
    """int32, five for each channel: bias, multiplier, and as bytes the shift, nine weights, column
    by column, and two more."""
    weights = plain["weights"].reshape(3, 3, channels).transpose(2, 1, 0).reshape(channels, 9)
    shift = np.broadcast_to(plain["shift"], channels).reshape(-1, 1)
    data = np.concatenate([shift, weights, np.zeros((channels, 2), np.int8)], axis=1)
    words = np.ascontiguousarray(data.astype("<i1")).view("<i4")
    figures = [plain["bias"], np.broadcast_to(plain["multiplier"], channels)]
    return np.concatenate([np.stack(figures, axis=1), words], axis=1).astype(np.int32).reshape(-1)


def _kernel(
    operator: Operator, clamp: Clamp, plain: Mapping[str, Array]
) -> tuple[tuple[str, ...], str]:
    """Its headers and name."""
    if _has_pairs(operator.inputs[1]) and mve.saturates(clamp, plain):
        headers = ("window.h", "mve_depthwise.h", "mve_depthwise_3x3.h")
        return headers, f"mve_depthwise_3x3_{mve.variant(operator, clamp, plain)}"
    variant = mve.positive_or_any(operator, clamp, plain)
    return ("window.h", "mve_depthwise.h"), f"mve_depthwise_{variant}"


def _has_pairs(weights: Value) -> bool:
    """Whether the window is 3x3, and the sum of two products has 16 bits for any input."""
    assert weights.data is not None
    if weights.shape[:2] != (3, 3):
        return False
    sizes = np.abs(weights.data.astype(np.int32)).reshape(9, -1)
    return bool((sizes[0:8:2] + sizes[1:8:2]).max() <= 255)


def _packed(plain: Mapping[str, Array], operator: Operator) -> Mapping[str, Array]:
    height, width, channels = operator.inputs[1].shape
    more = -channels % _LANES
    weights = np.pad(plain["weights"].reshape(height * width, channels), ((0, 0), (0, more)))
    blocks = weights.reshape(height * width, -1, _LANES).transpose(1, 0, 2)
    bias, multiplier, shift = (
        np.pad(np.broadcast_to(plain[name], channels), (0, more)).reshape(-1, _LANES)[:, _ORDER]
        for name in ("bias", "multiplier", "shift")
    )
    words = np.ascontiguousarray(shift.astype("<i1")).view("<i4")
    return {
        "weights": np.ascontiguousarray(blocks).reshape(-1),
        "bias": bias.reshape(-1),
        "scales": np.concatenate([multiplier, words], axis=1).astype(np.int32).reshape(-1),
    }
