# SPDX-License-Identifier: Apache-2.0
"""Convolutions with few products or odd numbers of channels, for CPUs with Helium (MVE).

Other kernels take four channels at a time, for a pixel or two; these four pixels, for one channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from west_utvm.kernels import mve
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Array, Convolution, Operator

_LANES = 16
_MAX_SIZE = 64


def conv1x1(operator: Operator, options: Options) -> Emitted | None:
    """Where channels do not come by four."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    steps = mve.conv1x1_steps(operator)
    depth, channels = operator.inputs[0].shape[3], operator.outputs[0].shape[3]
    if steps is None or channels % 4 == 0:
        return None
    plain = mve.prepared(operator, options, channel_axis=0)
    width, step = steps["width"], steps["pixel_step"]
    if not _suits(operator, plain, width, step):
        return None
    vectors, shared = mve.windows_shape(depth, step, width)
    # Pixels that are read as whole vectors end within the last one; and they come by four.
    within = (width - 1) * step + depth - vectors * _LANES
    safe = (within // step + 1) // 4 * 4 if within >= 0 else 0
    rest = width - safe
    # The more at a time, the further results are ahead of what is read.
    some = 32 if channels <= 8 else 16
    return Emitted(
        headers=(*mve.HEADERS, *_headers("mve_conv1x1.h", "mve_narrow1x1.h")),
        kernel=f"mve_narrow1x1_{mve.variant(operator, attributes.clamp, plain)}_{vectors}_{shared}",
        struct="mve_narrow1x1",
        fields={
            "lines": {**steps, "pixels": mve.pixels(operator, attributes.clamp)},
            "safe": safe,
            "some": some,
        },
        constants={"records": _records(operator, plain)},
        macs=operator.outputs[0].elements * depth,
        scratch=(rest + -rest % 4 - 1) * step + vectors * _LANES if rest else 1,
        overlap=mve.line_overlap(steps, some, channels, safe),
    )


def columns(operator: Operator, options: Options) -> Emitted | None:
    """With few products, or where channels do not come by four."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    plain = mve.prepared(operator, options, channel_axis=0)
    whole = mve.columns(operator, options)
    _, rows, width, in_channels = operator.inputs[1].shape
    size = rows * width * in_channels
    _, height, width, _ = operator.outputs[0].shape
    step = attributes.strides[1] * rows * in_channels
    vectors, shared = mve.windows_shape(size, step, width)
    if whole is None or not _suits(operator, plain, width, step):
        return None
    last = (height - 1) * attributes.strides[0] * in_channels
    read = last + step * (width + -width % 4 - 1) + vectors * _LANES
    strip = whole.fields["strip_size"]
    assert isinstance(strip, int)
    pixels = {**mve.pixels(operator, attributes.clamp), "depth": size}
    return replace(
        whole,
        headers=(*mve.HEADERS, *_headers("mve_columns.h", "mve_narrow.h")),
        kernel=f"mve_narrow_{mve.variant(operator, attributes.clamp, plain)}_{vectors}_{shared}",
        fields={**whole.fields, "pixels": pixels},
        constants={"records": _records(operator, plain)},
        scratch=max(strip, read),
    )


def _headers(*own: str) -> tuple[str, ...]:
    return ("mve_row.h", "mve_pixels.h", "mve_windows.h", *own)


def _suits(operator: Operator, plain: Mapping[str, Array], width: int, step: int) -> bool:
    """Whether it can be, and is faster by instructions for a line of one pixel of each channel,
    counted in the loops."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    channels = operator.inputs[1].shape[0]
    size = operator.inputs[1].elements // channels
    if size > _MAX_SIZE or not mve.saturates(attributes.clamp, plain):
        return False
    vectors, shared = mve.windows_shape(size, step, width)
    four = 15 + 4 * vectors + 4 * (1 + vectors) / shared
    narrow = channels * (18 + 4 * vectors * shared + four * -(-width // 4)) / width
    fours = channels // 4 * (46 + 14 * vectors + 6 * (vectors % 2)) / 2
    rest = 60 + 10 * vectors if channels % 4 else 0
    return narrow < fours + rest


def _records(operator: Operator, plain: Mapping[str, Array]) -> Array:
    """A window is column by column."""
    weights = plain["weights"].reshape(operator.inputs[1].shape).transpose(0, 2, 1, 3)
    channels = len(weights)
    return mve.records(plain, weights.reshape(channels, -1), np.zeros(channels, np.int8))
