# SPDX-License-Identifier: Apache-2.0
"""Convolutions and fully connected layers for CPUs with Helium (MVE), and how it wants constants.

Sums of products of int8 are by VMLADAV: 16 products in one instruction. Weights are packed for
it in blocks of four channels by 16 products.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.kernels.weighted import constants
from west_utvm.kernels.window import window
from west_utvm.lowering.program import Array, Clamp, Convolution, FullyConnected, Operator

HEADERS = (
    "base.h",
    "fixed_point.h",
    "requantize_{rounding}.h",
    "mve_base.h",
    "mve_requantize_{rounding}.h",
)
# Channels, and products of each, in a block of weights.
_LANES = 4
_DEPTH = 16
# As in c/mve_windows.h.
_RECORD_BYTES = 10
# As in c/mve_shallow.h.
_SHALLOW_PIXELS = 32
_CONV1X1_HEADERS = {
    "conv1x1": ("mve_conv1x1.h",),
    "shallow": ("mve_conv1x1.h", "mve_shallow.h"),
}


def fully_connected(operator: Operator, options: Options) -> Emitted:
    """Weights are OI. More than one row is as many pixels of a convolution by 1x1."""
    features, in_features = operator.inputs[1].shape
    rows = operator.inputs[0].elements // in_features
    assert isinstance(operator.attributes, FullyConnected)
    if rows > 1:
        return _conv1x1(operator, options, operator.attributes.clamp, _line(rows, in_features))
    clamp = operator.attributes.clamp
    plain = prepared(operator, options, channel_axis=0)
    one = {name: np.repeat(plain[name], _LANES) for name in ("multiplier", "shift")}
    return Emitted(
        headers=(*HEADERS, "mve_row.h", "mve_fully_connected.h"),
        kernel=f"mve_fully_connected_{positive_or_any(operator, clamp, plain)}",
        struct="mve_row",
        fields={
            "depth": in_features,
            "channels": features,
            "range": value_range(operator, clamp),
            "bias_step": _LANES,
            "scales_step": _LANES + 1 if len(operator.inputs[1].scales) > 1 else 0,
        },
        constants={
            "weights": _blocks(plain["weights"].reshape(features, in_features)),
            "bias": _fours(plain["bias"]),
            "scales": scales(one if len(plain["shift"]) == 1 else plain),
        },
        macs=features * in_features,
    )


def conv1x1(operator: Operator, options: Options) -> Emitted | None:
    """Where the window is one pixel, all of them within the image."""
    assert isinstance(operator.attributes, Convolution)
    steps = conv1x1_steps(operator)
    if steps is None:
        return None
    return _conv1x1(operator, options, operator.attributes.clamp, steps)


def conv1x1_steps(operator: Operator) -> dict[str, int] | None:
    """``struct utvm_mve_conv1x1``, but for its pixels: all of these are a line, if they can be."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    depth = operator.inputs[0].shape[3]
    if operator.inputs[1].shape[1:3] != (1, 1) or any(attributes.padding):
        return None
    if attributes.strides == (1, 1):
        return _line(math.prod(operator.outputs[0].shape[:-1]), depth)
    _, in_height, in_width, _ = operator.inputs[0].shape
    batches, height, width, _ = operator.outputs[0].shape
    return {
        "batches": batches,
        "batch_step": in_height * in_width * depth,
        "height": height,
        "line_step": attributes.strides[0] * in_width * depth,
        "width": width,
        "pixel_step": attributes.strides[1] * depth,
    }


def _line(pixels: int, depth: int) -> dict[str, int]:
    """All pixels side by side."""
    return {
        "batches": 1,
        "batch_step": 0,
        "height": 1,
        "line_step": 0,
        "width": pixels,
        "pixel_step": depth,
    }


def _conv1x1(operator: Operator, options: Options, clamp: Clamp, steps: dict[str, int]) -> Emitted:
    plain = prepared(operator, options, channel_axis=0)
    kind, some = _kind(operator, clamp, plain)
    channels, depth = operator.inputs[1].shape[0], operator.inputs[1].shape[-1]
    return Emitted(
        headers=(*HEADERS, "mve_row.h", "mve_pixels.h", *_CONV1X1_HEADERS[kind]),
        kernel=f"mve_{kind}_{variant(operator, clamp, plain)}",
        struct="mve_conv1x1",
        fields={**steps, "pixels": pixels(operator, clamp)},
        constants=packed(plain, operator.inputs[1].shape[0]),
        macs=operator.outputs[0].elements * depth,
        overlap=line_overlap(steps, some, channels),
    )


def _kind(operator: Operator, clamp: Clamp, plain: Mapping[str, Array]) -> tuple[str, int]:
    """The kernel's name, and how many pixels it computes at a time."""
    channels, depth = operator.inputs[1].shape[0], operator.inputs[1].shape[-1]
    if depth <= _DEPTH and channels % _LANES == 0 and saturates(clamp, plain):
        return "shallow", _SHALLOW_PIXELS
    return "conv1x1", 2


def saturates(clamp: Clamp, plain: Mapping[str, Array]) -> bool:
    """Whether results are in the range of int8, and all shifts are to the right."""
    return clamp == Clamp() and int(plain["shift"].max()) < 0


def line_overlap(steps: Mapping[str, int], some: int, channels: int, safe: int = 0) -> int:
    """Where ``some`` pixels of a line are computed at a time, and those from ``safe`` on apart."""
    written, needed = [], []
    width = steps["width"]
    firsts = [*range(0, safe or width, some), *range(safe, width if safe else 0, some)]
    for line in range(steps["batches"] * steps["height"]):
        batch, row = divmod(line, steps["height"])
        start = batch * steps["batch_step"] + row * steps["line_step"]
        for first, end in zip(firsts, [*firsts[1:], width], strict=True):
            written.append((line * width + end) * channels)
            needed.append(start + first * steps["pixel_step"])
    return farthest(written, needed)


def farthest(written: Sequence[int], needed: Sequence[int]) -> int:
    """``written``: the end of what a step has written of the output; ``needed``: the first byte of
    the input that this step, while it writes, or a later one reads."""
    return max(end - first for end, first in zip(written, needed, strict=True))


def columns(operator: Operator, options: Options) -> Emitted | None:
    """Without dilation: rows are copied once, to a strip in which windows are runs of bytes."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, height, width, in_channels = operator.inputs[1].shape
    batches, out_height, out_width, _ = operator.outputs[0].shape
    across = (out_width - 1) * attributes.strides[1] + width
    if attributes.dilation != (1, 1) or attributes.padding[1] > across:
        return None
    plain = prepared(operator, options, channel_axis=0)
    weights = plain["weights"].reshape(operator.inputs[1].shape).transpose(0, 2, 1, 3)
    plain["weights"] = np.ascontiguousarray(weights)
    down = (out_height - 1) * attributes.strides[0] + height
    # 32 products at a time are faster than what is left of them, if that is more than 16.
    depth = height * width * in_channels
    more = -depth % (2 * _DEPTH)
    more = more if more < _DEPTH else 0
    size = ((across - 1) * height + down) * in_channels + more
    return Emitted(
        headers=(*HEADERS, "mve_row.h", "mve_pixels.h", "mve_columns.h"),
        kernel=f"mve_columns_{variant(operator, attributes.clamp, plain)}",
        struct="mve_columns",
        fields={
            "batches": batches,
            "in_height": operator.inputs[0].shape[1],
            "in_width": operator.inputs[0].shape[2],
            "in_channels": in_channels,
            "height": out_height,
            "width": out_width,
            "window_height": height,
            "stride_y": attributes.strides[0],
            "stride_x": attributes.strides[1],
            "pad_top": attributes.padding[0],
            "pad_left": attributes.padding[1],
            "in_zero": operator.inputs[0].zero_point,
            "columns": across,
            "strip_size": size,
            "pixels": {**pixels(operator, attributes.clamp), "depth": depth + more},
        },
        constants=packed(plain, operator.inputs[1].shape[0]),
        macs=operator.outputs[0].elements * depth,
        scratch=size + (2 * (depth + more) if out_width % 2 else 0),
        overlap=rows_overlap(operator, height),
    )


def rows_overlap(operator: Operator, rows: int) -> int:
    """Where ``rows`` of the window, as its dilation has them, are copied before their line."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, in_height, in_width, in_channels = operator.inputs[0].shape
    batches, height, width, channels = operator.outputs[0].shape
    written, needed = [], []
    for line in range(batches * height):
        batch, y = divmod(line, height)
        copied = y * attributes.strides[0] + rows - attributes.padding[0]
        copied = in_height if y == height - 1 else max(0, min(copied, in_height))
        written.append((line + 1) * width * channels)
        needed.append((batch * in_height + copied) * in_width * in_channels)
    return farthest(written, needed)


def conv2d(operator: Operator, options: Options) -> Emitted:
    """Windows are copied to rows, two at a time."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    weights, output = operator.inputs[1], operator.outputs[0]
    depth = weights.elements // weights.shape[0]
    plain = prepared(operator, options, channel_axis=0)
    starts = _first_bytes(operator, attributes)
    count = output.elements // output.shape[3]
    written = [min(pair + 2, count) * output.shape[3] for pair in range(0, count, 2)]
    clamp = attributes.clamp
    return Emitted(
        headers=(*HEADERS, "taps.h", "mve_row.h", "mve_pixels.h", "window.h", "mve_conv2d.h"),
        kernel=f"mve_conv2d_{variant(operator, clamp, plain)}",
        struct="mve_conv2d",
        fields={
            "batches": operator.inputs[0].shape[0],
            "window": window(operator),
            "pixels": pixels(operator, clamp),
        },
        constants=packed(plain, operator.inputs[1].shape[0]),
        macs=output.elements * depth,
        scratch=2 * depth,
        overlap=farthest(written, [*starts[2::2], operator.inputs[0].elements]),
    )


def _first_bytes(operator: Operator, attributes: Convolution) -> list[int]:
    """For each output pixel, the first byte of the input that is read for it or a later one."""
    _, in_height, in_width, in_channels = operator.inputs[0].shape
    batches, height, width, _ = operator.outputs[0].shape
    top, left, _, _ = attributes.padding
    y = np.maximum(np.arange(height) * attributes.strides[0] - top, 0)
    x = np.maximum(np.arange(width) * attributes.strides[1] - left, 0)
    rows = (np.arange(batches)[:, None] * in_height + y).reshape(-1, 1)
    starts = ((rows * in_width + x) * in_channels).reshape(-1)
    first: list[int] = np.minimum.accumulate(starts[::-1])[::-1].tolist()
    return first


def prepared(operator: Operator, options: Options, channel_axis: int) -> dict[str, Array]:
    """Constants as the portable kernels have them, but multipliers of LiteRT's rounding are whole
    float32 figures, by their bits; their shift, -1, is not used."""
    plain = dict(constants(operator, options.rounding, channel_axis))
    if options.rounding == "litert":
        real = np.ldexp(plain["multiplier"].astype(np.float64), -plain["shift"].astype(np.int32))
        plain["multiplier"] = real.astype(np.float32).view(np.int32)
        plain["shift"] = np.full_like(plain["shift"], -1)
    return plain


def variant(operator: Operator, clamp: Clamp, plain: Mapping[str, Array]) -> str:
    """How results are requantized, as in c/mve_pixels.h."""
    least = int(plain["shift"].max())
    if clamp.low >= operator.outputs[0].zero_point and least <= 0:
        return "positive"
    return "negative" if least < 0 else "any"


def positive_or_any(operator: Operator, clamp: Clamp, plain: Mapping[str, Array]) -> str:
    """The same for kernels that know two ways."""
    return "positive" if variant(operator, clamp, plain) == "positive" else "any"


def value_range(operator: Operator, clamp: Clamp) -> Mapping[str, Field]:
    """``struct utvm_mve_range``."""
    return {"out_zero": operator.outputs[0].zero_point, "low": clamp.low, "high": clamp.high}


def pixels(operator: Operator, clamp: Clamp) -> Mapping[str, Field]:
    """``struct utvm_mve_pixels``."""
    weights = operator.inputs[1]
    return {
        "depth": weights.elements // weights.shape[0],
        "channels": weights.shape[0],
        "out_step": weights.shape[0],
        "range": value_range(operator, clamp),
    }


def packed(plain: Mapping[str, Array], channels: int) -> dict[str, Array]:
    """What kernels of pixels take, with a quad for each four channels: biases and their scales."""
    every = dict(plain)
    for name in ("multiplier", "shift"):
        every[name] = np.broadcast_to(plain[name], channels)
    biases = _fours(every["bias"])
    return {
        "weights": _blocks(plain["weights"].reshape(channels, -1)),
        "quads": np.concatenate([biases, scales(every)], axis=1).reshape(-1),
    }


def _blocks(weights: Array) -> Array:
    """(channels, depth) as [channels / 4][depth / 16][4][16], zeros where there are no more."""
    channels, depth = weights.shape
    padded = np.pad(weights, ((0, -channels % _LANES), (0, -depth % _DEPTH)))
    blocks = padded.reshape(len(padded) // _LANES, _LANES, -1, _DEPTH)
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)).reshape(-1)


def windows_shape(size: int, step: int, count: int) -> tuple[int, int]:
    """Of c/mve_windows.h: in how many vectors a window is, and how many windows are in the same
    ones. To have weights for each takes so long that it wants more than eight windows."""
    vectors = -(-size // 16)
    for shared in (4, 2):
        fits = (shared - 1) * step + size <= 16 * vectors
        if count > 8 and shared * vectors <= 4 and fits:
            return vectors, shared
    return vectors, 1


def record_words(size: int) -> int:
    """Of a channel with so many weights, as c/mve_windows.h has it."""
    return -(-(_RECORD_BYTES + size) // 4)


def records(plain: Mapping[str, Array], weights: Array, further: Array) -> Array:
    """int32, for each channel what c/mve_windows.h wants. ``weights`` are int8 [channels, size];
    ``further`` is by how many strips the windows of the next channel are, [channels]."""
    channels, size = weights.shape
    figures = [np.broadcast_to(plain[name], channels) for name in ("bias", "multiplier")]
    first = np.stack(figures, axis=1).astype("<i4").view("<i1")
    shift = np.broadcast_to(plain["shift"], channels)
    data = np.concatenate([first, np.stack([shift, further], axis=1), weights], axis=1)
    data = np.pad(data.astype("<i1"), ((0, 0), (0, 4 * record_words(size) - data.shape[1])))
    return np.ascontiguousarray(data).view("<i4").astype(np.int32).reshape(-1)


def scales(plain: Mapping[str, Array]) -> Array:
    """int32, five for each four channels: four multipliers, and four shifts as bytes of one word,
    the first of them lowest."""
    words = np.ascontiguousarray(_fours(plain["shift"]).astype("<i1")).view("<i4")
    return np.concatenate([_fours(plain["multiplier"]), words], axis=1).astype(np.int32)


def _fours(data: Array) -> Array:
    """In rows of four, zeros where there are no more."""
    return np.pad(data, (0, -len(data) % _LANES)).reshape(-1, _LANES)
