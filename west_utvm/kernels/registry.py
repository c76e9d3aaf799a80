# SPDX-License-Identifier: Apache-2.0
"""Which kernel computes which operator: the first of a table that suits it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from west_utvm.kernels import (
    batch_matmul,
    bilinear,
    chain,
    conversion,
    depthwise,
    elementwise,
    gather,
    grouped,
    layout,
    loops,
    mve,
    mve_depthwise,
    mve_elementwise,
    mve_grouped,
    mve_narrow,
    mve_transposed,
    packed,
    planes,
    pooling,
    reduction,
    rows,
    softmax,
    transposed,
    unary,
    weighted,
)
from west_utvm.kernels.crop import cropped
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.options import Feature, Optimize, Options
from west_utvm.lowering.program import ROUNDINGS, WEIGHTED, Chain, Operator, Rounding

_ANY: tuple[Feature, ...] = ("portable", "dsp", "mve")
_DSP: tuple[Feature, ...] = ("dsp",)
_MVE: tuple[Feature, ...] = ("mve",)
# Kernels of a kilobyte or two of code.
_LARGE: tuple[Optimize, ...] = ("speed", "balanced")
_CROPPED = ("conv2d", "depthwise_conv2d")
_TFLITE: tuple[Rounding, ...] = ("tflm", "litert")


@dataclass(frozen=True)
class Row:
    """A kernel for a kind of operator, on CPUs with one of ``features``, in the modes
    ``roundings``, where one of ``optimize`` is wanted. ``emit`` gives None where the kernel does
    not suit the operator."""

    kind: str
    emit: Callable[[Operator, Options], Emitted | None]
    features: tuple[Feature, ...] = _ANY
    roundings: tuple[Rounding, ...] = ROUNDINGS
    optimize: tuple[Optimize, ...] = ("speed", "size", "balanced")


# By kind; of one kind the fastest first, the one that takes all last.
_KERNELS = (
    Row("add", mve_elementwise.add, _MVE, _TFLITE),
    Row("add", elementwise.add),
    Row("average_pool2d", mve_elementwise.pool2d, _MVE, _TFLITE),
    Row("average_pool2d", pooling.words, _DSP, _TFLITE, _LARGE),
    Row("average_pool2d", pooling.average_pool2d),
    Row("batch_matmul", batch_matmul.batch_matmul, roundings=_TFLITE),
    Row("concatenation", layout.concatenation),
    Row("conv2d", mve_depthwise.conv2d, _MVE),
    Row("conv2d", mve_narrow.conv1x1, _MVE),
    Row("conv2d", mve.conv1x1, _MVE),
    Row("conv2d", mve_narrow.columns, _MVE),
    Row("conv2d", mve.columns, _MVE),
    Row("conv2d", mve.conv2d, _MVE),
    Row("conv2d", packed.matmul, _DSP, optimize=_LARGE),
    Row("conv2d", planes.single_channel, _DSP, optimize=_LARGE),
    Row("conv2d", packed.conv2d, _DSP, optimize=_LARGE),
    Row("conv2d", rows.matmul),
    Row("conv2d", rows.conv2d),
    Row("conv2d", weighted.conv2d),
    Row("conv2d_transpose", mve_transposed.conv2d_transpose, _MVE),
    Row("conv2d_transpose", transposed.conv2d_transpose),
    Row("dequantize", conversion.dequantize),
    Row("depthwise_conv2d", mve_depthwise.strips, _MVE),
    Row("depthwise_conv2d", mve_depthwise.single_channel, _MVE),
    Row("depthwise_conv2d", mve_depthwise.windows, _MVE),
    Row("depthwise_conv2d", mve_depthwise.depthwise_conv2d, _MVE),
    Row("depthwise_conv2d", depthwise.depthwise3x3, _DSP, optimize=_LARGE),
    Row("depthwise_conv2d", planes.depthwise_conv2d, _DSP, optimize=_LARGE),
    Row("depthwise_conv2d", depthwise.taps),
    Row("depthwise_conv2d", weighted.depthwise_conv2d),
    Row("fully_connected", mve.fully_connected, _MVE),
    Row("fully_connected", packed.fully_connected, _DSP, optimize=_LARGE),
    Row("fully_connected", rows.fully_connected),
    Row("fully_connected", weighted.fully_connected),
    Row("gather", gather.gather),
    Row("grouped_conv2d", mve_grouped.shallow, _MVE),
    Row("grouped_conv2d", mve_grouped.pairs, _MVE),
    Row("grouped_conv2d", grouped.packed_dsp, _DSP, optimize=_LARGE),
    Row("grouped_conv2d", grouped.blocked),
    Row("grouped_conv2d", weighted.grouped_conv2d),
    Row("loops", loops.loops),
    Row("max_pool2d", mve_elementwise.pool2d, _MVE),
    Row("max_pool2d", pooling.words, _DSP, optimize=_LARGE),
    Row("max_pool2d", pooling.pool2d),
    Row("maximum", elementwise.extreme),
    Row("minimum", elementwise.extreme),
    Row("mul", mve_elementwise.mul, _MVE, _TFLITE),
    Row("mul", elementwise.mul),
    Row("pad", layout.pad),
    Row("prelu", elementwise.prelu),
    Row("quantize", conversion.quantize),
    Row("reduction", mve_elementwise.reduce, _MVE),
    Row("reduction", reduction.reduction),
    Row("reshape", layout.reshape),
    Row("resize_bilinear", bilinear.resize_bilinear, roundings=_TFLITE),
    Row("resize_nearest", layout.resize_nearest),
    Row("softmax", mve_elementwise.softmax, _MVE),
    Row("softmax", softmax.softmax),
    Row("squared_difference", elementwise.squared_difference),
    Row("strided_slice", layout.strided_slice),
    Row("sub", mve_elementwise.add, _MVE, _TFLITE),
    Row("sub", elementwise.add),
    Row("transpose", layout.transpose),
    Row("unary", mve_elementwise.unary, _MVE),
    Row("unary", unary.unary),
)


def emit(operator: Operator, options: Options) -> Emitted:
    """The C of an operator; UtvmError if its parameters are beyond what its kernel takes."""
    if isinstance(operator.attributes, Chain):
        return chain.chain(operator, lambda link: emit(link, options))
    if options.rounding == "ort" and operator.kind in WEIGHTED:
        # It requantizes sums of products as XNNPACK does: in single precision, halves to even.
        options = replace(options, rounding="litert")
    if operator.kind in _CROPPED:
        operator = cropped(operator)
    offered = (row.emit(operator, options) for row in _KERNELS if _fits(row, operator, options))
    emitted = next(emitted for emitted in offered if emitted is not None)
    headers = tuple(header.format(rounding=options.rounding) for header in emitted.headers)
    return replace(emitted, headers=headers)


def _fits(row: Row, operator: Operator, options: Options) -> bool:
    return (
        row.kind == operator.kind
        and options.feature in row.features
        and options.rounding in row.roundings
        and options.optimize in row.optimize
    )
