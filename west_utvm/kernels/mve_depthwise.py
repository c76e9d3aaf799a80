# SPDX-License-Identifier: Apache-2.0
"""Depthwise convolution for CPUs with Helium (MVE)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from west_utvm.kernels import mve
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Array, Convolution, Operator

_LANES = 16
_MAX_ROWS = 16
# The channels of 16 in the order in which products of int8 are widened to 32 bits: even before
# odd bytes (VMULLB, VMULLT), and of either the even before the odd halves (VMOVLB, VMOVLT).
_ORDER = np.array([lane % 4 * 4 + lane // 4 % 2 * 2 + lane // 8 for lane in range(_LANES)])


def depthwise_conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Weights are HWC. None where an input channel has several output channels."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    height, width, channels = operator.inputs[1].shape
    if channels != operator.inputs[0].shape[3] or height > _MAX_ROWS:
        return None
    rows = (height - 1) * attributes.dilation[0] + 1
    ring = (operator.outputs[0].shape[2] - 1) * attributes.strides[1]
    ring += (width - 1) * attributes.dilation[1] + 1
    plain = mve.prepared(operator, options, channel_axis=2)
    variant = mve.variant(operator, attributes.clamp, plain)
    return Emitted(
        headers=(*mve.HEADERS, "mve_depthwise.h"),
        kernel=f"mve_depthwise_{'3x3_' if (height, width) == (3, 3) else ''}{variant}",
        struct="mve_depthwise",
        fields={
            **mve.geometry(operator),
            "ring_rows": rows,
            "ring_width": ring,
            "range": mve.value_range(operator, attributes.clamp),
        },
        constants=_packed(plain, operator),
        macs=operator.outputs[0].elements * height * width,
        scratch=rows * (ring * channels + _LANES),
    )


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
