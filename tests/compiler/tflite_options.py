# SPDX-License-Identifier: Apache-2.0
"""Options of TFLite operators that move a window, and the size of what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .tflite_graph import schema

NONE, RELU, RELU6 = (
    schema.ActivationFunctionType.NONE,
    schema.ActivationFunctionType.RELU,
    schema.ActivationFunctionType.RELU6,
)
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
Pair = tuple[int, int]


def conv2d_options(
    stride: Pair = (1, 1), padding: int = VALID, activation: int = NONE, dilation: Pair = (1, 1)
) -> Any:
    return _options(schema.Conv2DOptionsT, stride, padding, activation, **_dilated(dilation))


def depthwise_options(
    multiplier: int = 1,
    stride: Pair = (1, 1),
    padding: int = VALID,
    activation: int = NONE,
    dilation: Pair = (1, 1),
) -> Any:
    more = {"depthMultiplier": multiplier, **_dilated(dilation)}
    return _options(schema.DepthwiseConv2DOptionsT, stride, padding, activation, **more)


def pool_options(kernel: Pair, stride: Pair, padding: int, activation: int) -> Any:
    size = {"filterHeight": kernel[0], "filterWidth": kernel[1]}
    return _options(schema.Pool2DOptionsT, stride, padding, activation, **size)


def transpose_conv_options(stride: Pair, padding: int, activation: int = NONE) -> Any:
    return _options(schema.TransposeConvOptionsT, stride, padding, activation)


def _dilated(dilation: Pair) -> dict[str, int]:
    return {"dilationHFactor": dilation[0], "dilationWFactor": dilation[1]}


def _options(table: Any, stride: Pair, padding: int, activation: int, **more: int) -> Any:
    return table(
        padding=padding,
        strideH=stride[0],
        strideW=stride[1],
        fusedActivationFunction=activation,
        **more,
    )


def _extent(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    covered = 1 if padding == SAME else (kernel - 1) * dilation + 1
    return -(-(size - covered + 1) // stride)


def window(shape: Sequence[int], kernel: Pair, stride: Pair, dilation: Pair, padding: int) -> Pair:
    """Rows and columns of the result for an input of this shape, NHWC."""
    rows, columns = (
        _extent(shape[axis + 1], kernel[axis], stride[axis], dilation[axis], padding)
        for axis in (0, 1)
    )
    return rows, columns
