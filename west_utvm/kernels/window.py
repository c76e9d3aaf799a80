# SPDX-License-Identifier: Apache-2.0
"""How a window moves over an image, for kernels that need nothing else of a convolution."""

from __future__ import annotations

from collections.abc import Mapping

from west_utvm.kernels.emitted import Field
from west_utvm.lowering.program import Convolution, Operator


def window(operator: Operator) -> Mapping[str, Field]:
    """``struct utvm_window``: of a convolution, depthwise or not."""
    data, weights, _ = operator.inputs
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    height, width = weights.shape[-3:-1]  # of OHWI and of HWC
    return {
        "in_height": data.shape[1],
        "in_width": data.shape[2],
        "in_channels": data.shape[3],
        "height": operator.outputs[0].shape[1],
        "width": operator.outputs[0].shape[2],
        "window_height": height,
        "window_width": width,
        "stride_y": attributes.strides[0],
        "stride_x": attributes.strides[1],
        "dilation_y": attributes.dilation[0],
        "dilation_x": attributes.dilation[1],
        "pad_top": attributes.padding[0],
        "pad_left": attributes.padding[1],
        "in_zero": data.zero_point,
    }
