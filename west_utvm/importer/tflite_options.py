# SPDX-License-Identifier: Apache-2.0
"""Options of TFLite operators: which operators are taken, and what their options may be."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import tflite

from west_utvm.errors import UtvmError

_DAMAGED = "the file is damaged, or was written by a newer converter"
_LARGE = 1 << 15

_Check = Callable[[Any], bool]


def _size(value: Any) -> bool:
    return bool(0 < value < _LARGE)


def _padding(value: Any) -> bool:
    return value in (tflite.Padding.SAME, tflite.Padding.VALID)


def _activation(value: Any) -> bool:
    kinds = tflite.ActivationFunctionType
    return value in (kinds.NONE, kinds.RELU, kinds.RELU6, kinds.RELU_N1_TO_1)


def _number(value: Any) -> bool:
    return math.isfinite(value)


def _any(value: Any) -> bool:
    return True


_STRIDES = {"StrideH": _size, "StrideW": _size, "Padding": _padding}
_DILATION = {"DilationHFactor": _size, "DilationWFactor": _size}
_FUSED = {"FusedActivationFunction": _activation}
_POOL = {**_STRIDES, "FilterHeight": _size, "FilterWidth": _size, **_FUSED}
_MASKS = dict.fromkeys(
    ("BeginMask", "EndMask", "EllipsisMask", "NewAxisMask", "ShrinkAxisMask"),
    lambda mask: 0 <= mask < 256,
)

# By operator: the table of its options and what each of them may be. None: it has no options, or
# TVM's front end knows all of them.
OPTIONS: dict[str, tuple[str, Mapping[str, _Check]] | None] = {
    **dict.fromkeys(
        """
        ABS BATCH_MATMUL BATCH_TO_SPACE_ND BROADCAST_TO CEIL COS DEPTH_TO_SPACE ELU EXP FLOOR
        FLOOR_DIV FLOOR_MOD GATHER GELU LOG LOG_SOFTMAX MAXIMUM MINIMUM MIRROR_PAD NEG PACK PADV2
        POW PRELU REDUCE_MAX REDUCE_MIN REDUCE_PROD REVERSE_V2 ROUND RSQRT SIGN SIN
        SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE TILE UNPACK
        """.split()
    ),
    "ADD": ("AddOptions", _FUSED),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _POOL),
    "CONCATENATION": ("ConcatenationOptions", {"Axis": lambda axis: -8 <= axis < 8, **_FUSED}),
    "CONV_2D": ("Conv2DOptions", {**_STRIDES, **_DILATION, **_FUSED}),
    "DEPTHWISE_CONV_2D": (
        "DepthwiseConv2DOptions",
        {**_STRIDES, **_DILATION, **_FUSED, "DepthMultiplier": _size},
    ),
    "DEQUANTIZE": None,
    "DIV": ("DivOptions", _FUSED),
    "EXPAND_DIMS": None,
    "FULLY_CONNECTED": (
        "FullyConnectedOptions",
        {
            **_FUSED,
            "WeightsFormat": lambda v: v == tflite.FullyConnectedOptionsWeightsFormat.DEFAULT,
        },
    ),
    "HARD_SWISH": None,
    "L2_NORMALIZATION": ("L2NormOptions", _FUSED),
    "LEAKY_RELU": ("LeakyReluOptions", {"Alpha": _number}),
    "LOGISTIC": None,
    "MAX_POOL_2D": ("Pool2DOptions", _POOL),
    "MEAN": ("ReducerOptions", {}),
    "MUL": ("MulOptions", _FUSED),
    "PAD": None,
    "QUANTIZE": None,
    "RELU": None,
    "RELU6": None,
    "RELU_N1_TO_1": None,
    "RESHAPE": None,
    "RESIZE_BILINEAR": (
        "ResizeBilinearOptions",
        {"AlignCorners": _any, "HalfPixelCenters": _any},
    ),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", {}),
    "SLICE": None,
    "SOFTMAX": ("SoftmaxOptions", {"Beta": lambda beta: 0 < beta < math.inf}),
    "SPLIT": ("SplitOptions", {"NumSplits": lambda count: 0 < count < 256}),
    "SQUEEZE": ("SqueezeOptions", {}),
    "STRIDED_SLICE": ("StridedSliceOptions", _MASKS),
    "SUB": ("SubOptions", _FUSED),
    "SUM": ("ReducerOptions", {}),
    "TANH": None,
    "TRANSPOSE": None,
    "TRANSPOSE_CONV": ("TransposeConvOptions", {**_STRIDES, **_FUSED}),
}

_RENAMED = {
    "AlignCorners": "align_corners",
    "Beta": "beta",
    "DepthMultiplier": "depth_multiplier",
    "HalfPixelCenters": "half_pixel_centers",
}

# What the lowering is told of operators whose expansion by TVM does not say it: ``function`` is
# the name of what an expression of float32 comes to; ``blocks`` says that a pad belongs to blocks.
MARKS: dict[str, dict[str, Any]] = {
    **{
        code: {"function": code.lower()}
        for code in """
        ABS CEIL COS ELU EXP FLOOR GELU LOG MAXIMUM MINIMUM NEG PRELU ROUND RSQRT SIGN SIN SQRT
        SQUARE SQUARED_DIFFERENCE
        """.split()
    },
    "SPACE_TO_BATCH_ND": {"blocks": True},
}


def check_options(code: str, operator: Any, where: str) -> dict[str, Any]:
    """The operator's options that TVM's front end drops; UtvmError if any of them is refused."""
    entry = OPTIONS[code]
    if entry is None:
        return {}
    table, checks = entry
    options = operator.BuiltinOptions()
    expected = getattr(tflite.BuiltinOptions, table)
    if options is None or operator.BuiltinOptionsType() != expected:
        raise UtvmError("has no options", where=where, hint=_DAMAGED)
    view = getattr(tflite, table)()
    view.Init(options.Bytes, options.Pos)
    values = {name: getattr(view, name)() for name in checks}
    for name, check in checks.items():
        if not check(values[name]):
            what = f"has the unsupported option {name} {values[name]}"
            raise UtvmError(what, where=where, hint="convert the model without it")
    return {_RENAMED[name]: value for name, value in values.items() if name in _RENAMED}


def option(operator: Any, table: str, name: str) -> Any:
    """An option of an operator that was read without a check, or None if it has no options."""
    options = operator.BuiltinOptions()
    if options is None or operator.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, table):
        return None
    view = getattr(tflite, table)()
    view.Init(options.Bytes, options.Pos)
    return getattr(view, name)()
