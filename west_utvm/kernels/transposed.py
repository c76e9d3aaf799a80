# SPDX-License-Identifier: Apache-2.0
"""Transposed convolutions, by a portable kernel."""

from __future__ import annotations

import math

import numpy as np

from west_utvm.kernels.emitted import Emitted, refuse
from west_utvm.kernels.options import Options
from west_utvm.kernels.weighted import constants
from west_utvm.lowering.program import Operator, TransposedConvolution


def conv2d_transpose(operator: Operator, options: Options) -> Emitted:
    """Weights are OHWI. Gaps between pixels take no part, so that the bias is the model's own."""
    data, weights, bias = operator.inputs
    attributes, output = operator.attributes, operator.outputs[0]
    assert isinstance(attributes, TransposedConvolution)
    assert weights.data is not None and bias.data is not None
    own = attributes.computed_shape and options.rounding == "litert"
    rounding = "tflm" if own else options.rounding
    arrays = dict(constants(operator, rounding, channel_axis=0))
    sums = np.abs(weights.data.astype(np.int64)).sum(axis=(1, 2, 3))
    if int((np.abs(bias.data.astype(np.int64)) + 255 * sums).max()) > np.iinfo(np.int32).max:
        raise refuse(operator, "has sums that 32 bits do not hold", "make its bias smaller")
    arrays["bias"] = bias.data.astype(np.int32)
    fields = {
        "batches": data.shape[0],
        "in_height": data.shape[1],
        "in_width": data.shape[2],
        "in_channels": data.shape[3],
        "height": output.shape[1],
        "width": output.shape[2],
        "channels": output.shape[3],
        "window_height": weights.shape[1],
        "window_width": weights.shape[2],
        "stride_y": attributes.strides[0],
        "stride_x": attributes.strides[1],
        "pad_top": attributes.padding[0],
        "pad_left": attributes.padding[1],
        "per_channel": int(len(weights.scales) > 1),
        "own": int(own),
        "in_zero": data.zero_point,
        "out_zero": output.zero_point,
        "low": attributes.clamp.low,
        "high": attributes.clamp.high,
    }
    if own and not -30 <= int(arrays["shift"].min()) <= int(arrays["shift"].max()) <= 30:
        what = "has a requantization that 32 bits do not hold"
        raise refuse(operator, what, "its scales are far from each other: quantize again")
    return Emitted(
        headers=("base.h", "fixed_point.h", "requantize_{rounding}.h", "conv2d_transpose.h"),
        kernel="conv2d_transpose",
        struct="conv2d_transpose",
        fields=fields,
        constants=arrays,
        macs=data.elements * math.prod(weights.shape[:3]),
    )
