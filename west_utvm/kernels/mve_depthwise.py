# SPDX-License-Identifier: Apache-2.0
"""Depthwise convolution for CPUs with Helium (MVE)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from west_utvm.kernels import mve, mve_narrow
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Clamp, Convolution, Operator, Value

_LANES = 16
_MAX_ROWS = 16
# Of windows in strips; and by how many rows more than a window's these are longer.
_MAX_TAPS = 64
_ROWS_MORE = 15
# Instructions for 16 channels of a pixel by c/mve_depthwise_3x3.h.
_PAIRS = 170
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
    return (
        mve_narrow.columns(convolution, options)
        or mve.columns(convolution, options)
        or mve.conv2d(convolution, options)
    )


def conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Of one input channel, weights OHWI: by strips, where it can be."""
    data, weights, bias = operator.inputs
    if data.shape[3] != 1 or weights.data is None:
        return None
    turned = np.ascontiguousarray(weights.data[..., 0].transpose(1, 2, 0))
    weights = replace(weights, shape=turned.shape, data=turned)
    depthwise = replace(operator, kind="depthwise_conv2d", inputs=(data, weights, bias))
    return strips(depthwise, options)


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
    inside = operator.inputs[0].shape[3]
    batches, height, width, channels = operator.outputs[0].shape
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
    several = "" if channels == inside > 1 else "_several"
    return Emitted(
        headers=(*mve.HEADERS, "mve_strips.h", "mve_depthwise_strips.h"),
        kernel=f"mve_depthwise_strips_{variant}_{stride_x}{several}",
        struct="mve_depthwise_strips",
        fields={
            "batches": batches,
            "height": height,
            "width": width,
            "stride_y": stride_y,
            "channels": channels,
            "out_zero": operator.outputs[0].zero_point,
            "image": _image(operator, pitch),
        },
        constants={"records": _records(plain, channels, inside)},
        macs=operator.outputs[0].elements * 9,
        scratch=(inside - 1) * pitch + max(pitch, read),
        overlap=mve.rows_overlap(operator, 3),
    )


def _worth_strips(operator: Operator, copied: int) -> bool:
    """By instructions for each output, counted in the loops: those with strips need some for each
    row of a channel, for eight pixels, and for a byte to copy; those without for 16 channels. For
    several output channels of one there are windows."""
    _, height, width, channels = operator.outputs[0].shape
    rows = (25 + 32 * -(-width // 8)) / width
    if channels != operator.inputs[0].shape[3] or channels == 1:
        return rows < _windows_rows(operator, 9)
    with_strips = rows + 0.5 * copied / (height * width)
    return with_strips < _PAIRS * -(-channels // _LANES) / channels


def _windows_rows(operator: Operator, taps: int) -> float:
    """Instructions for each output of the loops in c/mve_windows.h."""
    width = operator.outputs[0].shape[2]
    vectors, shared = mve.windows_shape(taps, _windows(operator, taps)["step"], width)
    four = 15 + 4 * vectors + 4 * (1 + vectors) / shared
    return (18 + 4 * vectors * shared + four * -(-width // 4)) / width


def _further(channels: int, inside: int) -> Array:
    """Which output channels are the last of an input channel, bool [channels]."""
    further: Array = np.arange(1, channels + 1) % (channels // inside) == 0
    return further


def windows(operator: Operator, options: Options) -> Emitted | None:
    """Of at most 64 taps without dilation, where the image is wide enough; an input channel may
    have several output channels."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    rows, taps, channels = _size(operator)
    _, height, width, _ = operator.outputs[0].shape
    plain = mve.prepared(operator, options, channel_axis=2)
    image = _image(operator, 0)
    columns, all_rows = image["columns"], (height - 1) * attributes.strides[0] + rows
    held = min(all_rows, rows + _ROWS_MORE)
    pitch = rows * (columns - 1) + held
    if attributes.dilation != (1, 1) or taps > _MAX_TAPS or attributes.padding[1] > columns:
        return None
    if not mve.saturates(attributes.clamp, plain) or 15 * pitch >= 1 << 16:
        return None
    if not _worth_windows(operator, columns * all_rows):
        return None
    fields = _windows(operator, taps)
    vectors, shared = mve.windows_shape(taps, fields["step"], width)
    read = held - rows + fields["step"] * (width + -width % 4 - 1) + vectors * _LANES
    variant = mve.variant(operator, attributes.clamp, plain)
    weights = plain["weights"].reshape(rows, -1, channels).transpose(2, 1, 0)
    further = _further(channels, image["channels"])
    return Emitted(
        headers=(*mve.HEADERS, "mve_strips.h", "mve_windows.h", "mve_depthwise_windows.h"),
        kernel=f"mve_depthwise_windows_{variant}_{vectors}_{shared}",
        struct="mve_depthwise_windows",
        fields={
            "batches": operator.inputs[0].shape[0],
            "height": height,
            "rows": rows,
            "stride_y": attributes.strides[0],
            "most": held - rows,
            "image": {**image, "pitch": pitch},
            "windows": {**fields, "pitch": pitch},
        },
        constants={"records": mve.records(plain, weights.reshape(channels, taps), further)},
        macs=operator.outputs[0].elements * taps,
        scratch=(image["channels"] - 1) * pitch + max(pitch, read),
        overlap=mve.rows_overlap(operator, rows),
    )


def _size(operator: Operator) -> tuple[int, int, int]:
    """Rows and taps of its windows, and the channels of its output."""
    height, width, channels = operator.inputs[1].shape
    return height, height * width, channels


def _windows(operator: Operator, taps: int) -> dict[str, int]:
    """``struct utvm_mve_windows``, but for its pitch."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, _, width, channels = operator.outputs[0].shape
    return {
        "size": taps,
        "step": attributes.strides[1] * operator.inputs[1].shape[0],
        "count": width,
        "channels": channels,
        "out_zero": operator.outputs[0].zero_point,
        "record": mve.record_words(taps),
    }


def _image(operator: Operator, pitch: int) -> dict[str, int]:
    """``struct utvm_mve_strips_image``."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, height, width, channels = operator.inputs[0].shape
    across = operator.inputs[1].shape[1]
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "pad_top": attributes.padding[0],
        "pad_left": attributes.padding[1],
        "zero": operator.inputs[0].zero_point,
        "columns": (operator.outputs[0].shape[2] - 1) * attributes.strides[1] + across,
        "pitch": pitch,
    }


def _worth_windows(operator: Operator, copied: int) -> bool:
    """As for strips. Without them several output channels of one have no vectors."""
    _, height, width, channels = operator.outputs[0].shape
    inside, taps = operator.inputs[0].shape[3], operator.inputs[1].elements // channels
    if channels != inside:
        return True
    put = 7 * (inside // _LANES + -(-(inside % _LANES) // 8)) / inside
    with_windows = _windows_rows(operator, taps) + put * copied / (height * width)
    without = _PAIRS if _has_pairs(operator.inputs[1]) else 90 + 16 * taps
    return with_windows < without * -(-channels // _LANES) / channels


def _records(plain: Mapping[str, Array], channels: int, inside: int) -> Array:
    """int32, five for each channel: bias, multiplier, and as bytes the shift, nine weights, column
    by column, a one where the next channel is of another input channel, and one more."""
    weights = plain["weights"].reshape(3, 3, channels).transpose(2, 1, 0).reshape(channels, 9)
    shift = np.broadcast_to(plain["shift"], channels).reshape(-1, 1)
    last = (_further(channels, inside), np.zeros(channels, np.int8))
    data = np.concatenate([shift, weights, np.stack(last, axis=1)], axis=1)
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
