# SPDX-License-Identifier: Apache-2.0
"""Small int8 TFLite models, an operator each, with parameters as a converter would choose them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zlib import crc32

import numpy as np

from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_options import (
    NONE,
    RELU,
    RELU6,
    SAME,
    VALID,
    Pair,
    conv2d_options,
    depthwise_options,
    pool_options,
    transpose_conv_options,
    window,
)

# The standard deviation of int8 values that are uniformly random.
SPREAD = 74.0
# Where operators take it for granted that all is in one quantization.
ALIKE = Quant(0.05, 3)
# Real values reach about so many standard deviations.
REACH = 2.5


@dataclass(frozen=True)
class Case:
    """A model; ``family`` is the operator's name in lower case, as the schema spells it."""

    id: str
    family: str
    build: Callable[[], bytes]


def _activation_quant(graph: Graph, deviation: float, activation: int) -> Quant:
    """What a converter chooses for real values of this standard deviation about 0."""
    if activation == RELU6:
        return Quant(6.0 / 255, -128)
    if activation == RELU:
        return Quant(REACH * deviation / 255, -128)
    return Quant(2 * REACH * deviation / 255, int(graph.random.integers(-30, 30)))


def _input(graph: Graph, shape: Sequence[int], scale: float | None = None) -> Ref:
    scale = scale or float(graph.random.uniform(0.01, 0.1))
    return graph.input(shape, Quant(scale, int(graph.random.integers(-60, 60))))


def _weights(
    graph: Graph,
    shape: Sequence[int],
    source: Ref,
    taps: int,
    axis: int,
    spread: float,
    deviation: float = 3.0,
) -> tuple[Ref, Ref]:
    """Weights and bias such that outputs have about this standard deviation (real units).

    ``taps``: products a sum has; ``spread``: by what factor scales of channels differ
    (0: one scale for the whole tensor).
    """
    assert source.quant is not None
    channels = shape[axis]
    values = graph.random.integers(-127, 128, shape).astype(np.int8)
    typical = deviation / (source.quant.scales[0] * SPREAD * SPREAD * math.sqrt(taps))
    if spread:
        factors = np.exp(graph.random.uniform(-math.log(spread), math.log(spread), channels))
        quant = Quant(tuple((typical * factors).tolist()), 0, axis)
    else:
        quant = Quant(float(typical))
    scales = source.quant.scales[0] * quant.scales
    bias = graph.random.normal(0, deviation / 2, channels) / scales
    bias_quant = Quant(tuple(scales.tolist()))
    return graph.constant(values, quant), graph.constant(bias.astype(np.int32), bias_quant)


def add_conv2d(
    graph: Graph,
    source: Ref,
    channels: int,
    kernel: Pair = (3, 3),
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: int = SAME,
    activation: int = NONE,
    spread: float = 3.0,
    quant: Quant | None = None,
    groups: int = 1,
) -> Ref:
    rows, columns = window(source.shape, kernel, stride, dilation, padding)
    depth = source.shape[3] // groups
    taps = kernel[0] * kernel[1] * depth
    shape = (channels, *kernel, depth)
    weights, offsets = _weights(graph, shape, source, taps, 0, spread)
    options = conv2d_options(stride, padding, activation, dilation)
    return graph.op(
        Code.CONV_2D,
        [source, weights, offsets],
        (source.shape[0], rows, columns, channels),
        quant or _activation_quant(graph, 3.0, activation),
        options,
    )


def add_depthwise(
    graph: Graph,
    source: Ref,
    multiplier: int = 1,
    kernel: Pair = (3, 3),
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    padding: int = SAME,
    activation: int = NONE,
    spread: float = 3.0,
) -> Ref:
    rows, columns = window(source.shape, kernel, stride, dilation, padding)
    channels = source.shape[3] * multiplier
    shape = (1, *kernel, channels)
    weights, bias = _weights(graph, shape, source, kernel[0] * kernel[1], 3, spread)
    options = depthwise_options(multiplier, stride, padding, activation, dilation)
    return graph.op(
        Code.DEPTHWISE_CONV_2D,
        [source, weights, bias],
        (source.shape[0], rows, columns, channels),
        _activation_quant(graph, 3.0, activation),
        options,
    )


def add_transpose_conv(
    graph: Graph,
    source: Ref,
    channels: int,
    size: Pair,
    kernel: Pair = (3, 3),
    stride: Pair = (2, 2),
    padding: int = SAME,
    activation: int = NONE,
    spread: float = 3.0,
) -> Ref:
    """``size`` is that of the result."""
    taps = kernel[0] * kernel[1] * source.shape[3] // (stride[0] * stride[1])
    shape = (channels, *kernel, source.shape[3])
    weights, bias = _weights(graph, shape, source, taps, 0, spread)
    options = transpose_conv_options(stride, padding, activation)
    result = (source.shape[0], *size, channels)
    return graph.op(
        Code.TRANSPOSE_CONV,
        [graph.integers(result), weights, source, bias],
        result,
        _activation_quant(graph, 3.0, activation),
        options,
    )


def add_fully_connected(
    graph: Graph,
    source: Ref,
    channels: int,
    activation: int = NONE,
    bias: bool = True,
    spread: float = 0,
    deviation: float = 3.0,
) -> Ref:
    taps = source.shape[-1]
    weights, offsets = _weights(graph, (channels, taps), source, taps, 0, spread, deviation)
    options = schema.FullyConnectedOptionsT(
        fusedActivationFunction=activation, keepNumDims=len(source.shape) > 2
    )
    return graph.op(
        Code.FULLY_CONNECTED,
        [source, weights, offsets if bias else None],
        (*source.shape[:-1], channels),
        _activation_quant(graph, deviation, activation),
        options,
    )


def add_binary(graph: Graph, code: int, left: Ref, right: Ref, activation: int = NONE) -> Ref:
    """Addition, subtraction or product, with an output scale that fits random inputs."""
    assert left.quant is not None and right.quant is not None
    kinds = {Code.ADD: schema.AddOptionsT, Code.SUB: schema.SubOptionsT}
    options = kinds.get(code, schema.MulOptionsT)(fusedActivationFunction=activation)
    spreads = [SPREAD * float(ref.quant.scales[0]) for ref in (left, right) if ref.quant]
    deviation = math.prod(spreads) if code == Code.MUL else math.hypot(*spreads)
    shape = np.broadcast_shapes(left.shape, right.shape)
    quant = _activation_quant(graph, deviation, activation)
    return graph.op(code, [left, right], shape, quant, options)


def add_pool(
    graph: Graph,
    source: Ref,
    code: int,
    kernel: Pair,
    stride: Pair,
    padding: int = VALID,
    activation: int = NONE,
) -> Ref:
    rows, columns = window(source.shape, kernel, stride, (1, 1), padding)
    options = pool_options(kernel, stride, padding, activation)
    shape = (source.shape[0], rows, columns, source.shape[3])
    return graph.op(code, [source], shape, source.quant, options)


def add_reshape(graph: Graph, source: Ref, shape: Sequence[int], wanted: Sequence[int]) -> Ref:
    """``wanted`` may have a -1, as a converter writes it."""
    options = schema.ReshapeOptionsT(newShape=np.asarray(wanted, np.int32))
    return graph.op(Code.RESHAPE, [source, graph.integers(wanted)], shape, source.quant, options)


def add_softmax(graph: Graph, source: Ref, beta: float = 1.0) -> Ref:
    options = schema.SoftmaxOptionsT(beta=beta)
    return graph.op(Code.SOFTMAX, [source], source.shape, Quant(1 / 256, -128), options)


def add_mean(
    graph: Graph, source: Ref, axes: Sequence[int], keep: bool, quant: Quant | None
) -> Ref:
    removed = {axis % len(source.shape) for axis in axes}
    shape = [
        1 if axis in removed else size
        for axis, size in enumerate(source.shape)
        if keep or axis not in removed
    ]
    options = schema.ReducerOptionsT(keepDims=keep)
    return graph.op(
        Code.MEAN, [source, graph.integers(list(axes))], shape, quant or source.quant, options
    )


# The models. Each takes a graph with a seed of its own and what the grid below gives it.


def conv2d(graph: Graph, size: Pair, depth: int, channels: int, **how: Any) -> bytes:
    return graph.finish(add_conv2d(graph, _input(graph, (1, *size, depth)), channels, **how))


def conv2d_enlarging(graph: Graph) -> bytes:
    """Multipliers above 1: the accumulator is shifted left."""
    source = graph.input((1, 4, 4, 1), Quant(0.5, 3))
    values = graph.random.integers(-3, 4, (5, 1, 1, 1)).astype(np.int8)
    scales = (0.11, 0.25, 0.4, 0.09, 0.3)
    weights = graph.constant(values, Quant(scales, 0, 0))
    bias = graph.random.integers(-100, 100, 5).astype(np.int32)
    offsets = graph.constant(bias, Quant(tuple(0.5 * scale for scale in scales)))
    options = conv2d_options()
    shape = (1, 4, 4, 5)
    return graph.finish(
        graph.op(Code.CONV_2D, [source, weights, offsets], shape, Quant(0.09, -7), options)
    )


def conv2d_dead_channel(graph: Graph) -> bytes:
    """A channel that training has killed: its scale is tiny, its multiplier rounds to nothing."""
    source = graph.input((1, 5, 5, 3), Quant(0.05, -4))
    values = graph.random.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = (0.004, 1e-14, 0.003, 1e-9)
    weights = graph.constant(values, Quant(scales, 0, 0))
    bias = np.array([100, 5, -3000, -7], np.int32)
    offsets = graph.constant(bias, Quant(tuple(0.05 * scale for scale in scales)))
    options = conv2d_options(padding=SAME)
    shape = (1, 5, 5, 4)
    return graph.finish(
        graph.op(Code.CONV_2D, [source, weights, offsets], shape, Quant(0.3, 11), options)
    )


def boundaries(graph: Graph, code: int, per_channel: bool, large: bool) -> bytes:
    """Sums that lie right beside the points where rounding turns: they tell the last bit of a
    multiplier from another. Only channel 0 has weights other than 0: biases are the sums.
    """
    random, channels = graph.random, 256
    multiplier = 3e-7 if large else 1e-3
    scale_in, scale_out = (float(random.uniform(0.01, 0.2)) for _ in range(2))
    factors = random.uniform(0.5, 2, channels if per_channel else 1)
    scales = (multiplier * scale_out / scale_in * factors).astype(np.float32)
    source_scale, target_scale = np.float32(scale_in), np.float32(scale_out)
    ratios = np.float64(source_scale) * scales / np.float64(target_scale)
    halves = random.integers(-110, 110, channels) + 0.5
    bias = np.floor(halves / ratios).astype(np.int32) + random.integers(0, 2, channels)
    deep = code == Code.DEPTHWISE_CONV_2D
    flat = code == Code.FULLY_CONNECTED
    source = graph.input(
        (1, 2) if flat else (1, 1, 1, channels if deep else 2), Quant(scale_in, 10)
    )
    values = np.zeros((1, channels) if deep else (channels, 2), np.int8)
    values.reshape(-1)[0] = 127 if large else 100
    shape = (channels, 2) if flat else (1, 1, 1, channels) if deep else (channels, 1, 1, 2)
    quant = Quant(tuple(scales.tolist()), 0, 3 if deep else 0)
    weights = graph.constant(values.reshape(shape), quant)
    offsets = graph.constant(bias.astype(np.int32), Quant(tuple((source_scale * scales).tolist())))
    options = {
        Code.CONV_2D: conv2d_options(),
        Code.DEPTHWISE_CONV_2D: depthwise_options(),
        Code.FULLY_CONNECTED: schema.FullyConnectedOptionsT(),
    }[code]
    result = (1, channels) if flat else (1, 1, 1, channels)
    return graph.finish(
        graph.op(code, [source, weights, offsets], result, Quant(scale_out, -3), options)
    )


def depthwise(graph: Graph, size: Pair, depth: int, **how: Any) -> bytes:
    return graph.finish(add_depthwise(graph, _input(graph, (1, *size, depth)), **how))


def fully_connected(graph: Graph, shape: Sequence[int], channels: int, **how: Any) -> bytes:
    return graph.finish(add_fully_connected(graph, _input(graph, shape), channels, **how))


def binary(
    graph: Graph, code: int, left: Sequence[int], right: Sequence[int], activation: int = NONE
) -> bytes:
    a, b = _input(graph, left), _input(graph, right)
    return graph.finish(add_binary(graph, code, a, b, activation))


def binary_scaled(graph: Graph, code: int, scales: tuple[float, float, float]) -> bytes:
    """Scales whose ratios are simple fractions: many results lie half-way between two integers."""
    left, right = (
        graph.input((1, 8, 8, 8), Quant(scale, zero))
        for scale, zero in zip(scales, (3, -4), strict=False)
    )
    kinds = {Code.ADD: schema.AddOptionsT, Code.SUB: schema.SubOptionsT}
    options = kinds.get(code, schema.MulOptionsT)()
    return graph.finish(graph.op(code, [left, right], left.shape, Quant(scales[2], 2), options))


def binary_constant(graph: Graph, code: int, left: Sequence[int], right: Sequence[int]) -> bytes:
    a = _input(graph, left)
    values = graph.random.integers(-128, 128, right).astype(np.int8)
    return graph.finish(add_binary(graph, code, a, graph.constant(values, Quant(0.03, 5))))


def binary_self(graph: Graph, code: int, shape: Sequence[int]) -> bytes:
    """Both operands are the same tensor."""
    a = _input(graph, shape)
    return graph.finish(add_binary(graph, code, a, a))


def pool(
    graph: Graph,
    code: int,
    shape: Sequence[int],
    kernel: Pair,
    stride: Pair,
    padding: int = VALID,
    activation: int = NONE,
) -> bytes:
    # A scale of 0.07 puts 6.0 inside the range, so that a fused relu6 has something to clip.
    source = _input(graph, shape, 0.07)
    return graph.finish(add_pool(graph, source, code, kernel, stride, padding, activation))


def reshape(graph: Graph, shape: Sequence[int], to: Sequence[int], wanted: Sequence[int]) -> bytes:
    return graph.finish(add_reshape(graph, _input(graph, shape), to, wanted))


def squeeze(graph: Graph, shape: Sequence[int], axes: Sequence[int]) -> bytes:
    source = _input(graph, shape)
    removed = axes or [axis for axis, size in enumerate(shape) if size == 1]
    rest = [size for axis, size in enumerate(shape) if axis not in removed]
    options = schema.SqueezeOptionsT(squeezeDims=np.asarray(axes, np.int32))
    return graph.finish(graph.op(Code.SQUEEZE, [source], rest, source.quant, options))


def softmax(graph: Graph, shape: Sequence[int], scale: float, beta: float = 1.0) -> bytes:
    return graph.finish(add_softmax(graph, _input(graph, shape, scale), beta))


def unary(
    graph: Graph,
    code: int,
    shape: Sequence[int],
    source: Quant,
    target: Quant,
    options: Any = None,
) -> bytes:
    return graph.finish(graph.op(code, [graph.input(shape, source)], shape, target, options))


def pad(graph: Graph, shape: Sequence[int], borders: Sequence[Pair]) -> bytes:
    source = _input(graph, shape)
    larger = [size + before + after for size, (before, after) in zip(shape, borders, strict=True)]
    inputs = [source, graph.integers(borders)]
    return graph.finish(graph.op(Code.PAD, inputs, larger, source.quant, schema.PadOptionsT()))


def concatenation(graph: Graph, shapes: Sequence[Sequence[int]], axis: int) -> bytes:
    quant = Quant(0.04, -9)
    sources = [graph.input(shape, quant) for shape in shapes]
    total = list(shapes[0])
    total[axis] = sum(shape[axis] for shape in shapes)
    options = schema.ConcatenationOptionsT(axis=axis, fusedActivationFunction=NONE)
    return graph.finish(graph.op(Code.CONCATENATION, sources, total, quant, options))


def split(graph: Graph, shape: Sequence[int], axis: int, parts: int) -> bytes:
    source = _input(graph, shape)
    part = list(shape)
    part[axis] //= parts
    outputs = [graph.tensor(part, source.quant) for _ in range(parts)]
    inputs = [graph.constant(np.array(axis, np.int32)), source]
    graph.add_operator(Code.SPLIT, inputs, outputs, schema.SplitOptionsT(numSplits=parts))
    return graph.finish(*outputs)


def slice_(graph: Graph, shape: Sequence[int], begin: Sequence[int], size: Sequence[int]) -> bytes:
    source = _input(graph, shape)
    result = [
        whole - start if length == -1 else length
        for whole, start, length in zip(shape, begin, size, strict=True)
    ]
    inputs = [source, graph.integers(begin), graph.integers(size)]
    return graph.finish(graph.op(Code.SLICE, inputs, result, source.quant, schema.SliceOptionsT()))


def strided_slice(
    graph: Graph,
    shape: Sequence[int],
    begin: Sequence[int],
    end: Sequence[int],
    strides: Sequence[int],
    result: Sequence[int],
    **masks: int,
) -> bytes:
    source = _input(graph, shape)
    inputs = [source, *(graph.integers(values) for values in (begin, end, strides))]
    options = schema.StridedSliceOptionsT(**masks)
    return graph.finish(graph.op(Code.STRIDED_SLICE, inputs, result, source.quant, options))


def transpose(graph: Graph, shape: Sequence[int], order: Sequence[int]) -> bytes:
    source = _input(graph, shape)
    result = [shape[axis] for axis in order]
    inputs = [source, graph.integers(order)]
    return graph.finish(
        graph.op(Code.TRANSPOSE, inputs, result, source.quant, schema.TransposeOptionsT())
    )


def mean(
    graph: Graph,
    shape: Sequence[int],
    axes: Sequence[int],
    keep: bool,
    quant: Quant | None = None,
) -> bytes:
    return graph.finish(add_mean(graph, graph.input(shape, Quant(0.05, 10)), axes, keep, quant))


def resize_nearest(
    graph: Graph, shape: Sequence[int], size: Pair, corners: bool = False, half: bool = False
) -> bytes:
    source = _input(graph, shape)
    options = schema.ResizeNearestNeighborOptionsT(alignCorners=corners, halfPixelCenters=half)
    result = (shape[0], *size, shape[3])
    inputs = [source, graph.integers(size)]
    return graph.finish(
        graph.op(Code.RESIZE_NEAREST_NEIGHBOR, inputs, result, source.quant, options)
    )


def resize_bilinear(
    graph: Graph, shape: Sequence[int], size: Pair, corners: bool, half: bool
) -> bytes:
    source = _input(graph, shape)
    options = schema.ResizeBilinearOptionsT(alignCorners=corners, halfPixelCenters=half)
    inputs = [source, graph.integers(size)]
    result = (shape[0], *size, shape[3])
    return graph.finish(graph.op(Code.RESIZE_BILINEAR, inputs, result, source.quant, options))


def shaped(
    graph: Graph,
    code: int,
    shape: Sequence[int],
    result: Sequence[int],
    given: Sequence[Any] = (),
    options: Any = None,
) -> bytes:
    """An operator with a result in its input's quantization; ``given`` are constants of int32."""
    source = _input(graph, shape)
    inputs = [source, *map(graph.integers, given)]
    return graph.finish(graph.op(code, inputs, result, source.quant, options))


def padv2(graph: Graph) -> bytes:
    source = _input(graph, (1, 4, 5, 3))
    borders = graph.integers([(0, 0), (1, 2), (0, 1), (0, 0)])
    fill = graph.constant(np.array([-77], np.int8), source.quant)
    options = schema.PadV2OptionsT()
    shape = (1, 7, 6, 3)
    return graph.finish(graph.op(Code.PADV2, [source, borders, fill], shape, source.quant, options))


def pack(graph: Graph, shape: Sequence[int], count: int, axis: int) -> bytes:
    quant = Quant(0.04, -9)
    sources = [graph.input(shape, quant) for _ in range(count)]
    result = list(np.stack([np.empty(shape)] * count, axis).shape)
    options = schema.PackOptionsT(valuesCount=count, axis=axis)
    return graph.finish(graph.op(Code.PACK, sources, result, quant, options))


def unpack(graph: Graph, shape: Sequence[int], axis: int) -> bytes:
    source = _input(graph, shape)
    part = [size for i, size in enumerate(shape) if i != axis % len(shape)]
    parts = [graph.tensor(part, source.quant) for _ in range(shape[axis])]
    options = schema.UnpackOptionsT(num=len(parts), axis=axis)
    graph.add_operator(Code.UNPACK, [source], parts, options)
    return graph.finish(*parts)


def split_v(graph: Graph, shape: Sequence[int], axis: int, sizes: Sequence[int]) -> bytes:
    source = _input(graph, shape)
    parts = [
        graph.tensor((*shape[:axis], size, *shape[axis + 1 :]), source.quant) for size in sizes
    ]
    inputs = [source, graph.integers(sizes), graph.constant(np.array(axis, np.int32))]
    graph.add_operator(Code.SPLIT_V, inputs, parts, schema.SplitVOptionsT(numSplits=len(sizes)))
    return graph.finish(*parts)


def of_two(
    graph: Graph,
    code: int,
    right: Sequence[int],
    options: Any,
    other: Quant = ALIKE,
    target: Quant = ALIKE,
    constant: bool = False,
) -> bytes:
    """Two inputs in the quantizations that an operator takes for granted."""
    left = graph.input((1, 5, 6, 8), ALIKE)
    values = graph.random.integers(-128, 128, right).astype(np.int8)
    second = graph.constant(values, other) if constant else graph.input(right, other)
    return graph.finish(graph.op(code, [left, second], left.shape, target, options))


def batch_matmul(
    graph: Graph,
    left: Sequence[int],
    right: Sequence[int],
    result: Sequence[int],
    turned: tuple[bool, bool] = (False, False),
    zero: int = 0,
    constant: bool = False,
) -> bytes:
    """``zero`` is the second input's zero point."""
    source, quant = graph.input(left, Quant(0.04, -7)), Quant(0.03, zero)
    values = graph.random.integers(-127, 128, right).astype(np.int8)
    other = graph.constant(values, quant) if constant else graph.input(right, quant)
    options = schema.BatchMatMulOptionsT(adjX=turned[0], adjY=turned[1])
    depth = left[-2 if turned[0] else -1]
    target = Quant(0.04 * 0.03 * SPREAD * SPREAD * math.sqrt(depth) / 50, 12)
    return graph.finish(graph.op(Code.BATCH_MATMUL, [source, other], result, target, options))


def prelu(graph: Graph, slopes: Sequence[int], target: Quant, slope: Quant) -> bytes:
    """``slopes`` is their shape, ``slope`` their quantization."""
    source = graph.input((1, 8, 8, 16), Quant(0.05, -20))
    values = graph.random.integers(-128, 128, slopes).astype(np.int8)
    inputs = [source, graph.constant(values, slope)]
    return graph.finish(graph.op(Code.PRELU, inputs, source.shape, target))


def every_slope(graph: Graph) -> bytes:
    """With samples that are ramps: every integer by every slope."""
    source = graph.input((1, 16, 16, 256), Quant(0.11, 7))
    values = np.arange(-128, 128).astype(np.int8).reshape(1, 1, 256)
    inputs = [source, graph.constant(values, Quant(0.012, -3))]
    return graph.finish(graph.op(Code.PRELU, inputs, source.shape, Quant(0.13, 60)))


def add_space_to_batch(
    graph: Graph, source: Ref, block: Sequence[int], padding: Sequence[Pair]
) -> Ref:
    shape = list(source.shape)
    for axis, (size, borders) in enumerate(zip(block, padding, strict=True), 1):
        shape[axis] = (shape[axis] + sum(borders)) // size
        shape[0] *= size
    inputs = [source, graph.integers(block), graph.integers(padding)]
    options = schema.SpaceToBatchNDOptionsT()
    return graph.op(Code.SPACE_TO_BATCH_ND, inputs, shape, source.quant, options)


def add_batch_to_space(
    graph: Graph, source: Ref, block: Sequence[int], crops: Sequence[Pair]
) -> Ref:
    shape = list(source.shape)
    for axis, (size, borders) in enumerate(zip(block, crops, strict=True), 1):
        shape[axis] = shape[axis] * size - sum(borders)
        shape[0] //= size
    inputs = [source, graph.integers(block), graph.integers(crops)]
    options = schema.BatchToSpaceNDOptionsT()
    return graph.op(Code.BATCH_TO_SPACE_ND, inputs, shape, source.quant, options)


def space_to_batch(
    graph: Graph, shape: Sequence[int], block: Sequence[int], padding: Sequence[Pair], zero: int
) -> bytes:
    source = graph.input(shape, Quant(0.05, zero))
    return graph.finish(add_space_to_batch(graph, source, block, padding))


def batch_to_space(
    graph: Graph, shape: Sequence[int], block: Sequence[int], crops: Sequence[Pair]
) -> bytes:
    return graph.finish(add_batch_to_space(graph, _input(graph, shape), block, crops))


def dilated(graph: Graph, deep: bool, zero: int, crops: Sequence[Pair]) -> bytes:
    """A dilated convolution as converters once wrote it."""
    block = (2, 3)
    source = graph.input((1, 8, 11, 4), Quant(0.05, zero))
    padding = [(2, 2 + crops[0][1]), (3, 4)]
    small = add_space_to_batch(graph, source, block, padding)
    maps = (
        add_depthwise(graph, small, padding=VALID)
        if deep
        else add_conv2d(graph, small, 5, padding=VALID, activation=RELU)
    )
    return graph.finish(add_batch_to_space(graph, maps, block, crops))


def chain_conv_pool_dense(graph: Graph) -> bytes:
    """Convolution, maximum, flattening, classifier, softmax."""
    source = graph.input((1, 8, 8, 3), Quant(0.02, -10), name="image")
    maps = add_conv2d(graph, source, 8, activation=RELU)
    pooled = add_pool(graph, maps, Code.MAX_POOL_2D, (2, 2), (2, 2))
    flat = add_reshape(graph, pooled, (1, 128), (-1, 128))
    return graph.finish(add_softmax(graph, add_fully_connected(graph, flat, 10)))


def chain_residual(graph: Graph) -> bytes:
    """A tensor with two readers: a convolution and the addition behind it."""
    source = _input(graph, (1, 6, 6, 8))
    first = add_conv2d(graph, source, 8, activation=RELU)
    second = add_conv2d(graph, first, 8)
    return graph.finish(add_binary(graph, Code.ADD, first, second, RELU))


def chain_separable(graph: Graph) -> bytes:
    """Depthwise and pointwise convolution, then the mean of each channel."""
    source = _input(graph, (1, 10, 5, 8))
    middle = add_depthwise(graph, source, activation=RELU6)
    maps = add_conv2d(graph, middle, 17, (1, 1), activation=RELU6)
    return graph.finish(add_mean(graph, maps, (1, 2), False, None))


def chain_shuffle(graph: Graph) -> bytes:
    """A unit of ShuffleNet: convolutions in groups, whose channels are mixed between them."""
    source = _input(graph, (1, 6, 5, 12))
    maps = add_conv2d(graph, source, 12, (1, 1), activation=RELU, groups=3)
    parts = add_reshape(graph, maps, (1, 6, 5, 3, 4), (1, 6, 5, 3, 4))
    order = graph.integers((0, 1, 2, 4, 3))
    options = schema.TransposeOptionsT()
    mixed = graph.op(Code.TRANSPOSE, [parts, order], (1, 6, 5, 4, 3), maps.quant, options)
    whole = add_reshape(graph, mixed, (1, 6, 5, 12), (1, 6, 5, 12))
    last = add_conv2d(graph, add_depthwise(graph, whole), 12, (1, 1), groups=3)
    return graph.finish(add_binary(graph, Code.ADD, source, last, RELU))


def chain_padded_conv(graph: Graph) -> bytes:
    """An explicit pad before a strided VALID convolution, as Keras applications write it."""
    source = _input(graph, (1, 9, 9, 3))
    inputs = [source, graph.integers([(0, 0), (0, 1), (0, 1), (0, 0)])]
    padded = graph.op(Code.PAD, inputs, (1, 10, 10, 3), source.quant, schema.PadOptionsT())
    return graph.finish(
        add_conv2d(graph, padded, 5, stride=(2, 2), padding=VALID, activation=RELU6)
    )


def chain_two_outputs(graph: Graph) -> bytes:
    """An intermediate tensor is an output too."""
    source = _input(graph, (1, 4, 4, 5))
    first = add_conv2d(graph, source, 5)
    second = add_pool(graph, first, Code.AVERAGE_POOL_2D, (4, 4), (4, 4))
    return graph.finish(first, second)


def chain_float_ends(graph: Graph) -> bytes:
    """Quantized inside, float32 outside: what a converter writes unless told otherwise."""
    source = graph.input((1, 5, 5, 3), None, "float32")
    quantized = graph.op(
        Code.QUANTIZE, [source], source.shape, Quant(0.03, 4), schema.QuantizeOptionsT()
    )
    maps = add_conv2d(graph, quantized, 5)
    return graph.finish(
        graph.op(Code.DEQUANTIZE, [maps], maps.shape, None, schema.DequantizeOptionsT(), "float32")
    )


def _grid() -> Iterator[tuple[str, str, Callable[..., bytes]]]:
    """(family, what is particular, builder that takes the graph)."""
    square = (7, 7)
    for depth, channels in ((1, 8), (3, 5), (5, 3), (8, 17), (17, 8), (64, 64), (8, 1)):
        name = f"3x3-{depth}to{channels}"
        yield "conv_2d", name, partial(conv2d, size=square, depth=depth, channels=channels)
    for depth, channels in ((3, 64), (64, 17), (1, 1)):
        yield (
            "conv_2d",
            f"1x1-{depth}to{channels}",
            partial(conv2d, size=(4, 3), depth=depth, channels=channels, kernel=(1, 1)),
        )
    for name, how in {
        "s2-same-odd": {"stride": (2, 2)},
        "s2-same-even": {"stride": (2, 2), "size": (8, 6)},
        "s2-valid": {"stride": (2, 2), "padding": VALID},
        "s21-same-5x4": {"stride": (2, 1), "kernel": (5, 4), "size": (11, 6)},
        "s3-1x1": {"stride": (3, 3), "kernel": (1, 1)},
        "d2-same": {"dilation": (2, 2)},
        "d13-valid": {"dilation": (1, 3), "padding": VALID, "size": (4, 9)},
        "relu": {"activation": RELU},
        "relu6": {"activation": RELU6},
        "relu6-inside": {"activation": RELU6, "quant": Quant(0.033, -101)},
        "relu-inside": {"activation": RELU, "quant": Quant(0.05, -20)},
        "per-tensor": {"spread": 0},
        "full-window": {"kernel": (7, 7), "padding": VALID},
        "2-groups": {"groups": 2, "depth": 6},
        "2-groups-s2": {"groups": 2, "depth": 10, "stride": (2, 2), "activation": RELU},
        "4-groups-1x1": {"groups": 4, "depth": 8, "channels": 12, "kernel": (1, 1)},
        "3-groups-d2": {"groups": 3, "depth": 3, "dilation": (2, 2), "spread": 0},
        "4-groups-1x1-6": {
            "groups": 4,
            "depth": 24,
            "channels": 24,
            "kernel": (1, 1),
            "activation": RELU,
        },
        "3-groups-1x1-s2": {
            "groups": 3,
            "depth": 15,
            "channels": 21,
            "kernel": (1, 1),
            "stride": (2, 2),
            "activation": RELU6,
        },
        "2-groups-1x1-17": {"groups": 2, "depth": 34, "channels": 16, "kernel": (1, 1)},
        "4-groups-8": {"groups": 4, "depth": 32, "channels": 32, "activation": RELU},
        "8-groups-4-s2": {"groups": 8, "depth": 32, "channels": 32, "stride": (2, 2)},
        "4-groups-d2-6": {"groups": 4, "depth": 24, "channels": 20, "dilation": (2, 2)},
        "2-groups-valid": {"groups": 2, "depth": 4, "kernel": (5, 4), "padding": VALID},
        "5x5-s2-c17": {"kernel": (5, 5), "stride": (2, 2), "depth": 17},
        "d2-c8": {"dilation": (2, 2), "depth": 8, "channels": 8, "padding": VALID},
        "groups-of-one": {"depth": 4, "channels": 8, "groups": 4, "activation": RELU},
        "10x4-kws": {"kernel": (10, 4), "stride": (2, 2), "size": (49, 10), "depth": 1},
    }.items():
        yield (
            "conv_2d",
            name,
            _conv2d({"size": square, "depth": 5, "channels": 6} | how),
        )
    yield "conv_2d", "enlarging", conv2d_enlarging
    yield "conv_2d", "dead-channel", conv2d_dead_channel
    for name, how in {
        "c1": {"depth": 1},
        "c3": {"depth": 3},
        "c8-relu": {"depth": 8, "activation": RELU},
        "c17-relu6": {"depth": 17, "activation": RELU6},
        "c64": {"depth": 64},
        "c3-m2": {"depth": 3, "multiplier": 2},
        "c1-m8": {"depth": 1, "multiplier": 8},
        "c5-s2-same": {"depth": 5, "stride": (2, 2)},
        "c5-s2-even": {"depth": 5, "stride": (2, 2), "size": (8, 6)},
        "c5-valid-5x5": {"depth": 5, "kernel": (5, 5), "padding": VALID},
        "c8-m3-s2": {"depth": 8, "multiplier": 3, "stride": (2, 2)},
        "c64-s2-relu6": {"depth": 64, "stride": (2, 2), "size": (9, 5), "activation": RELU6},
        "c17-10x4": {"depth": 17, "kernel": (10, 4), "size": (12, 6), "padding": VALID},
        "c5-d2": {"depth": 5, "dilation": (2, 2)},
        "c4-per-tensor": {"depth": 4, "spread": 0},
        "c6-wide-spread": {"depth": 6, "spread": 30.0},
        "c9-5x5-relu": {"depth": 9, "kernel": (5, 5), "activation": RELU, "size": (9, 8)},
        "c8-5x5-s2": {"depth": 8, "kernel": (5, 5), "stride": (2, 2), "size": (11, 7)},
        "c20-1x9": {"depth": 20, "kernel": (1, 9), "size": (1, 24)},
        "c10-9x1-valid": {"depth": 10, "kernel": (9, 1), "size": (23, 1), "padding": VALID},
        "c7-7x2-s21": {"depth": 7, "kernel": (7, 2), "stride": (2, 1), "size": (15, 4)},
        "c6-4x3-d12": {"depth": 6, "kernel": (4, 3), "dilation": (1, 2), "size": (6, 10)},
        "c2-m5-3x5": {"depth": 2, "multiplier": 5, "kernel": (3, 5), "activation": RELU6},
        "c1-5x5": {"depth": 1, "kernel": (5, 5), "size": (12, 11)},
        "c1-m8-10x8-s2": {
            **{"depth": 1, "multiplier": 8, "kernel": (10, 8)},
            **{"stride": (2, 2), "size": (21, 20), "activation": RELU},
        },
    }.items():
        yield (
            "depthwise_conv_2d",
            name,
            _depthwise({"size": square} | how),
        )
    for name, how in {
        "64to10": {"shape": (1, 64), "channels": 10},
        "17to5-relu": {"shape": (1, 17), "channels": 5, "activation": RELU},
        "8to1": {"shape": (1, 8), "channels": 1},
        "5to17-relu6": {"shape": (1, 5), "channels": 17, "activation": RELU6},
        "640to128": {"shape": (1, 640), "channels": 128},
        "3d": {"shape": (2, 3, 12), "channels": 7},
        "batch4": {"shape": (4, 12), "channels": 7},
        "no-bias": {"shape": (1, 30), "channels": 9, "bias": False},
        "per-channel": {"shape": (1, 24), "channels": 8, "spread": 3.0},
    }.items():
        yield "fully_connected", name, partial(fully_connected, **how)
    for family, code in (
        ("conv_2d", Code.CONV_2D),
        ("depthwise_conv_2d", Code.DEPTHWISE_CONV_2D),
        ("fully_connected", Code.FULLY_CONNECTED),
    ):
        for name, per_channel, large in (
            ("boundaries", True, False),
            ("boundaries-large", True, True),
            ("boundaries-per-tensor", False, True),
        ):
            yield (
                family,
                name,
                partial(boundaries, code=code, per_channel=per_channel, large=large),
            )
    shape = (1, 5, 5, 8)
    for family, code in (("add", Code.ADD), ("sub", Code.SUB), ("mul", Code.MUL)):
        both = partial(binary, code=code, left=shape)
        yield family, "same", partial(both, right=shape)
        yield family, "relu", partial(both, right=shape, activation=RELU)
        yield family, "channels", partial(both, right=(1, 1, 1, 8))
        yield family, "scalar", partial(both, right=(1, 1, 1, 1))
        yield family, "rows", partial(binary, code=code, left=(1, 5, 1, 8), right=(1, 1, 5, 8))
        yield family, "constant", partial(binary_constant, code=code, left=shape, right=(8,))
        for name, scales in (("ties", (0.1, 0.1, 0.2)), ("decimal", (0.05, 0.03, 0.08))):
            if code == Code.MUL:
                scales = (*scales[:2], 100 * scales[0] * scales[1])
            yield family, name, partial(binary_scaled, code=code, scales=scales)
        if code != Code.SUB:
            yield family, "itself", partial(binary_self, code=code, shape=(1, 40))
    yield "add", "relu6", partial(binary, code=Code.ADD, left=shape, right=shape, activation=RELU6)
    for family, code in (
        ("average_pool_2d", Code.AVERAGE_POOL_2D),
        ("max_pool_2d", Code.MAX_POOL_2D),
    ):
        for name, args in (
            ("2x2", ((1, 8, 8, 5), (2, 2), (2, 2))),
            ("3x3-s2-same", ((1, 7, 7, 8), (3, 3), (2, 2), SAME)),
            ("3x2-s1-same", ((1, 5, 6, 3), (3, 2), (1, 1), SAME)),
            ("global", ((1, 25, 5, 17), (25, 5), (25, 5))),
            ("global-c64", ((1, 3, 3, 64), (3, 3), (3, 3))),
            ("5x1-s21", ((1, 12, 4, 9), (5, 1), (2, 1))),
            ("relu", ((1, 6, 6, 4), (2, 3), (1, 1), VALID, RELU)),
            ("relu6", ((1, 6, 6, 4), (2, 2), (2, 2), VALID, RELU6)),
        ):
            yield family, name, _pooling(code, args)
    yield "reshape", "flatten", partial(reshape, shape=(1, 3, 5, 4), to=(1, 60), wanted=(-1, 60))
    yield "reshape", "2d-4d", partial(reshape, shape=(1, 60), to=(1, 3, 4, 5), wanted=(1, 3, 4, 5))
    yield "squeeze", "some", partial(squeeze, shape=(1, 1, 7, 1), axes=(1, 3))
    yield "squeeze", "all", partial(squeeze, shape=(1, 1, 1, 9), axes=())
    yield "softmax", "10", partial(softmax, shape=(1, 10), scale=0.08)
    yield "softmax", "2", partial(softmax, shape=(1, 2), scale=0.04)
    yield "softmax", "12-steep", partial(softmax, shape=(1, 12), scale=0.3)
    # A sum of exponentials above 256 trips an assertion in tflite-micro: no more classes than that.
    yield "softmax", "200-flat", partial(softmax, shape=(1, 200), scale=0.02)
    yield "softmax", "4d", partial(softmax, shape=(1, 3, 4, 5), scale=0.05)
    yield "softmax", "beta", partial(softmax, shape=(3, 6), scale=0.05, beta=1.7)
    for name, slopes, slope in (
        ("channels", (1, 1, 16), Quant(0.008)),
        ("zero-point", (1, 1, 16), Quant(0.01, -40)),
        ("image", (8, 8, 16), Quant(0.004, 9)),
        ("one", (1, 1, 1), Quant(0.005)),
    ):
        for target in (Quant(0.05, -20), Quant(0.1, 13)):
            build = partial(prelu, slopes=slopes, target=target, slope=slope)
            yield "prelu", f"{name}-{target.scale}", build
    yield "prelu", "every", every_slope
    for name, blocks in {
        "padded": ((1, 7, 8, 3), (2, 3), ((1, 2), (0, 1)), 9),
        "padded-zero": ((1, 7, 8, 3), (2, 3), ((1, 2), (0, 1)), 0),
        "batch": ((2, 4, 6, 2), (2, 2), ((0, 0), (0, 0)), -5),
        "line": ((1, 7, 4), (3,), ((1, 1),), 30),
    }.items():
        yield "space_to_batch_nd", name, _space_to_batch(blocks)
    crops = ((0, 1), (2, 0))
    yield (
        "batch_to_space_nd",
        "cropped",
        partial(batch_to_space, shape=(6, 4, 3, 2), block=(2, 3), crops=crops),
    )
    for name, deep, zero in (("conv", False, 21), ("conv-zero", False, 0), ("depthwise", True, -9)):
        for crops in ((0, 0), (0, 0)), ((0, 2), (0, 0)):
            build = partial(dilated, deep=deep, zero=zero, crops=crops)
            yield "dilated", f"{name}-{crops[0][1]}", build
    every = (1, 16, 16, 1)
    unit = Quant(1 / 256, -128)
    for family, code, name, quants, options in (
        ("logistic", Code.LOGISTIC, "usual", (Quant(0.05, 3), unit), None),
        ("logistic", Code.LOGISTIC, "flat", (Quant(0.004, -40), unit), None),
        ("logistic", Code.LOGISTIC, "steep", (Quant(0.3, 0), unit), None),
        ("tanh", Code.TANH, "usual", (Quant(0.03, -5), Quant(1 / 128)), None),
        ("tanh", Code.TANH, "flat", (Quant(0.005, 10), Quant(1 / 128)), None),
        ("tanh", Code.TANH, "steep", (Quant(0.2, 0), Quant(1 / 128)), None),
        ("relu", Code.RELU, "same-scale", (Quant(0.04, -20), Quant(0.04, -20)), None),
        ("relu", Code.RELU, "rescaled", (Quant(0.04, 10), Quant(0.0195, -128)), None),
        ("relu6", Code.RELU6, "same-scale", (Quant(0.06, -12), Quant(0.06, -12)), None),
        ("relu6", Code.RELU6, "rescaled", (Quant(0.071, 0), Quant(6 / 255, -128)), None),
        (
            "leaky_relu",
            Code.LEAKY_RELU,
            "0.1",
            (Quant(0.05, -11), Quant(0.04, -60)),
            schema.LeakyReluOptionsT(alpha=0.1),
        ),
        (
            "leaky_relu",
            Code.LEAKY_RELU,
            "tiny-alpha",  # below what XNNPACK takes: LiteRT then computes as tflite-micro does
            (Quant(0.03, 100), Quant(0.02, 40)),
            schema.LeakyReluOptionsT(alpha=0.002),
        ),
        (
            "leaky_relu",
            Code.LEAKY_RELU,
            "0.3",
            (Quant(0.02, 25), Quant(0.021, 3)),
            schema.LeakyReluOptionsT(alpha=0.3),
        ),
        ("abs", Code.ABS, "same-scale", (Quant(0.05, 3), Quant(0.05, 3)), None),
        ("abs", Code.ABS, "rescaled", (Quant(0.05, 30), Quant(0.04, -128)), None),
        ("elu", Code.ELU, "usual", (Quant(0.05, 20), Quant(0.04, -90)), None),
        ("elu", Code.ELU, "ties", (Quant(0.05, 3), Quant(0.1, -7)), None),
        ("elu", Code.ELU, "fifths", (Quant(0.02, -30), Quant(0.05, 6)), None),
        ("exp", Code.EXP, "usual", (Quant(0.02, 10), Quant(0.05, -128)), None),
        ("exp", Code.EXP, "ties", (Quant(0.03, 0), Quant(0.0625, 0)), None),
        ("gelu", Code.GELU, "exact", (Quant(0.04, -3), Quant(0.03, -100)), schema.GeluOptionsT()),
        (
            "gelu",
            Code.GELU,
            "by-tanh",
            (Quant(0.04, -3), Quant(0.03, -100)),
            schema.GeluOptionsT(approximate=True),
        ),
        ("gelu", Code.GELU, "ties", (Quant(0.05, 3), Quant(0.1, -7)), schema.GeluOptionsT()),
        ("log", Code.LOG, "positive", (Quant(0.02, -128), Quant(0.03, -10)), None),
        ("log", Code.LOG, "any", (Quant(0.05, -50), Quant(0.03, -10)), None),
        ("rsqrt", Code.RSQRT, "usual", (Quant(0.05, -128), Quant(0.02, -128)), None),
        ("rsqrt", Code.RSQRT, "quarters", (Quant(0.25, -128), Quant(0.01, -110)), None),
        ("sqrt", Code.SQRT, "usual", (Quant(0.05, -128), Quant(0.02, -128)), None),
        ("sqrt", Code.SQRT, "squares", (Quant(0.01, -128), Quant(0.1, -128)), None),
        ("hard_swish", Code.HARD_SWISH, "usual", (Quant(0.05, 2), Quant(0.03, -110)), None),
        ("hard_swish", Code.HARD_SWISH, "wide", (Quant(0.1, -3), Quant(0.1, -3)), None),
        ("quantize", Code.QUANTIZE, "smaller", (Quant(0.04, -3), Quant(0.051, 17)), None),
        ("quantize", Code.QUANTIZE, "larger", (Quant(0.01, 30), Quant(0.0061, -20)), None),
        ("quantize", Code.QUANTIZE, "shift", (Quant(0.02, 0), Quant(0.02, 30)), None),
        ("quantize", Code.QUANTIZE, "ties", (Quant(0.01, 1), Quant(0.02, 0)), None),
    ):
        yield (
            family,
            name,
            partial(
                unary, code=code, shape=every, source=quants[0], target=quants[1], options=options
            ),
        )
    yield "pad", "image", partial(pad, shape=(1, 4, 5, 3), borders=((0, 0), (1, 2), (0, 3), (0, 0)))
    yield (
        "pad",
        "channels",
        partial(pad, shape=(1, 2, 3, 4), borders=((0, 0), (0, 0), (0, 0), (1, 3))),
    )
    images = ((1, 3, 3, 4), (1, 3, 3, 1), (1, 3, 3, 7))
    yield "concatenation", "channels", partial(concatenation, shapes=images, axis=3)
    yield (
        "concatenation",
        "rows",
        partial(concatenation, shapes=((1, 2, 3, 4), (1, 5, 3, 4)), axis=1),
    )
    yield (
        "concatenation",
        "last",
        partial(concatenation, shapes=((1, 2, 3, 4), (1, 2, 3, 5)), axis=-1),
    )
    yield "split", "channels", partial(split, shape=(1, 3, 3, 6), axis=3, parts=3)
    yield "split", "rows", partial(split, shape=(1, 4, 3, 2), axis=1, parts=2)
    yield (
        "slice",
        "inner",
        partial(slice_, shape=(1, 6, 5, 4), begin=(0, 1, 2, 0), size=(1, 3, 2, -1)),
    )
    yield (
        "slice",
        "channels",
        partial(slice_, shape=(1, 3, 3, 8), begin=(0, 0, 0, 5), size=(1, 3, 3, 2)),
    )
    yield (
        "strided_slice",
        "steps",
        partial(
            strided_slice,
            shape=(1, 7, 6, 3),
            begin=(0, 1, 0, 0),
            end=(1, 7, 6, 3),
            strides=(1, 2, 3, 1),
            result=(1, 3, 2, 3),
        ),
    )
    yield (
        "strided_slice",
        "masks",
        partial(
            strided_slice,
            shape=(1, 5, 6, 3),
            begin=(0, 0, -4, 1),
            end=(0, 0, 0, 3),
            strides=(1, 1, 1, 1),
            result=(1, 5, 4, 2),
            beginMask=0b0011,
            endMask=0b0111,
        ),
    )
    yield (
        "strided_slice",
        "shrink",
        partial(
            strided_slice,
            shape=(1, 5, 6, 3),
            begin=(0, 2, 0, 0),
            end=(1, 3, 6, 3),
            strides=(1, 1, 1, 1),
            result=(1, 6, 3),
            shrinkAxisMask=0b0010,
        ),
    )
    yield (
        "strided_slice",
        "backwards",
        partial(
            strided_slice,
            shape=(1, 5, 4),
            begin=(0, 4, 0),
            end=(1, 0, 4),
            strides=(1, -1, 1),
            result=(1, 4, 4),
        ),
    )
    yield "transpose", "nchw", partial(transpose, shape=(1, 4, 5, 3), order=(0, 3, 1, 2))
    yield "transpose", "2d", partial(transpose, shape=(6, 11), order=(1, 0))
    yield "transpose", "3d", partial(transpose, shape=(3, 4, 5), order=(2, 0, 1))
    for name, how in {
        "same-2": {"size": (10, 14)},
        "same-2-4x4": {"size": (10, 14), "kernel": (4, 4)},
        "same-2-2x2": {"size": (10, 14), "kernel": (2, 2)},
        "same-odd": {"size": (9, 13)},
        "same-21": {"size": (10, 7), "stride": (2, 1), "kernel": (3, 2)},
        "same-1": {"size": (5, 7), "stride": (1, 1)},
        "same-3": {"size": (15, 21), "stride": (3, 3), "kernel": (5, 5)},
        "valid-2": {"size": (11, 15), "padding": VALID},
        "relu": {"size": (10, 14), "activation": RELU},
        "per-tensor": {"size": (10, 14), "spread": 0},
    }.items():
        build = partial(_transpose_conv, given=how)
        yield "transpose_conv", name, build
    for name, axes, keep, quant in (
        ("image", (1, 2), False, None),
        ("image-keep", (1, 2), True, None),
        ("image-rescaled", (1, 2), True, Quant(0.017, 7)),
        ("channels", (3,), True, None),
        ("rows-rescaled", (1,), False, Quant(0.03, -50)),
    ):
        yield "mean", name, partial(mean, shape=(1, 6, 5, 8), axes=axes, keep=keep, quant=quant)
    for name, size, corners, half in (
        ("double", (8, 10), False, False),
        ("odd", (7, 3), False, False),
        ("corners", (7, 9), True, False),
        ("half-pixel", (6, 7), False, True),
    ):
        yield (
            "resize_nearest_neighbor",
            name,
            partial(resize_nearest, shape=(1, 4, 5, 3), size=size, corners=corners, half=half),
        )
    for name, corners, half in (
        ("edges", False, False),
        ("centers", False, True),
        ("corners", True, False),
    ):
        for size in (8, 10), (3, 9), (5, 1), (13, 31):
            build = partial(
                resize_bilinear, shape=(1, 4, 5, 3), size=size, corners=corners, half=half
            )
            yield "resize_bilinear", f"{name}-{size[0]}x{size[1]}", build
    yield from _moves()
    products: dict[str, dict[str, Any]] = {
        "plain": {"left": (2, 7, 16), "right": (2, 16, 9)},
        "zero-point": {"left": (2, 7, 16), "right": (2, 16, 9), "zero": 11},
        "first-turned": {"left": (2, 16, 7), "right": (2, 16, 9), "turned": (True, False)},
        "second-turned": {"left": (2, 7, 16), "right": (2, 9, 16), "turned": (False, True)},
        "one": {"left": (2, 7, 16), "right": (1, 16, 9)},
        "constant": {"left": (2, 7, 16), "right": (2, 16, 9), "constant": True},
        "matrix": {"left": (2, 7, 16), "right": (16, 9), "constant": True, "zero": -4},
    }
    for name, matrices in products.items():
        yield "batch_matmul", name, _batch_matmul(matrices)
    for code, name in ((Code.MAXIMUM, "maximum"), (Code.MINIMUM, "minimum")):
        options = schema.MaximumMinimumOptionsT()
        both = partial(of_two, code=code, options=options)
        yield name, "same", partial(both, right=(1, 5, 6, 8))
        yield name, "channels", partial(both, right=(8,), constant=True)
        yield name, "one", partial(both, right=(1, 1, 1, 1), constant=True)
    for name, right, other in (
        ("same", (1, 5, 6, 8), Quant(0.05, 3)),
        ("other", (1, 5, 6, 8), Quant(0.08, -20)),
        ("pixel", (1, 5, 6, 1), Quant(0.03, 11)),
    ):
        build = partial(
            of_two,
            code=Code.SQUARED_DIFFERENCE,
            right=right,
            options=schema.SquaredDifferenceOptionsT(),
            other=other,
            target=Quant(0.3, -128),
        )
        yield "squared_difference", name, build
    for code, name in ((Code.REDUCE_MAX, "reduce_max"), (Code.REDUCE_MIN, "reduce_min")):
        options = schema.ReducerOptionsT(keepDims=name == "reduce_max")
        for axes, result in (((3,), (1, 4, 5, 1)), ((2, 3), (1, 4, 1, 1)), ((1,), (1, 1, 5, 3))):
            kept = (
                result
                if options.keepDims
                else [size for axis, size in enumerate(result) if axis not in axes]
            )
            build = partial(shaped, code=code, shape=(1, 4, 5, 3), result=kept, given=[axes])
            yield name, f"over-{'-'.join(map(str, axes))}", partial(build, options=options)
    for builder in (
        chain_conv_pool_dense,
        chain_residual,
        chain_separable,
        chain_shuffle,
        chain_padded_conv,
        chain_two_outputs,
        chain_float_ends,
    ):
        yield "chain", builder.__name__.removeprefix("chain_").replace("_", "-"), builder


def _moves() -> Iterator[tuple[str, str, Callable[..., bytes]]]:
    """Of the grid, operators that move elements and compute nothing."""
    image, borders = (1, 4, 5, 3), [[(0, 0), (1, 2), (0, 3), (0, 0)]]
    every: tuple[tuple[str, str, int, Sequence[int], Sequence[int], Any, Any], ...] = (
        (
            *("depth_to_space", "2", Code.DEPTH_TO_SPACE, (1, 3, 4, 12), (1, 6, 8, 3), ()),
            schema.DepthToSpaceOptionsT(blockSize=2),
        ),
        (
            *("space_to_depth", "3", Code.SPACE_TO_DEPTH, (2, 6, 9, 2), (2, 2, 3, 18), ()),
            schema.SpaceToDepthOptionsT(blockSize=3),
        ),
        (
            *("mirror_pad", "reflect", Code.MIRROR_PAD, image, (1, 7, 8, 3), borders),
            schema.MirrorPadOptionsT(mode=0),
        ),
        (
            *("mirror_pad", "symmetric", Code.MIRROR_PAD, image, (1, 7, 8, 3), borders),
            schema.MirrorPadOptionsT(mode=1),
        ),
        (
            *("mirror_pad", "line", Code.MIRROR_PAD, (1, 9, 4), (1, 17, 4)),
            *([[(0, 0), (8, 0), (0, 0)]], schema.MirrorPadOptionsT(mode=0)),
        ),
        (
            *("gather", "columns", Code.GATHER, image, (1, 4, 6, 3), [[2, 0, 4, 4, 1, 0]]),
            schema.GatherOptionsT(axis=2),
        ),
        (
            *("gather", "one", Code.GATHER, image, (1, 4, 5), [np.int32(2)]),
            schema.GatherOptionsT(axis=3),
        ),
        (
            *("gather", "table", Code.GATHER, (7, 4), (2, 3, 4), [[[6, 0, 3], [2, 2, 5]]]),
            schema.GatherOptionsT(axis=0),
        ),
        (
            *("reverse_v2", "columns", Code.REVERSE_V2, image, image, [[2]]),
            schema.ReverseV2OptionsT(),
        ),
        (
            *("broadcast_to", "pixels", Code.BROADCAST_TO, (1, 1, 1, 3), (1, 4, 5, 3)),
            *([(1, 4, 5, 3)], schema.BroadcastToOptionsT()),
        ),
        (
            *("broadcast_to", "higher", Code.BROADCAST_TO, (5, 1), (4, 5, 3)),
            *([(4, 5, 3)], schema.BroadcastToOptionsT()),
        ),
        (
            *("tile", "columns", Code.TILE, image, (1, 4, 10, 3), [(1, 1, 2, 1)]),
            schema.TileOptionsT(),
        ),
        (
            *("tile", "image", Code.TILE, image, (1, 8, 15, 3), [(1, 2, 3, 1)]),
            schema.TileOptionsT(),
        ),
    )
    for family, name, code, shape, result, given, options in every:
        build = partial(shaped, code=code, shape=shape, result=result, given=given)
        yield family, name, partial(build, options=options)
    yield "padv2", "image", padv2
    yield "pack", "first", partial(pack, shape=(4, 5), count=3, axis=0)
    yield "pack", "middle", partial(pack, shape=(2, 4, 3), count=2, axis=1)
    yield "pack", "last", partial(pack, shape=(4, 5), count=3, axis=-1)
    yield "unpack", "first", partial(unpack, shape=(3, 4, 5), axis=0)
    yield "unpack", "last", partial(unpack, shape=(4, 5, 2), axis=-1)
    yield "unpack", "one", partial(unpack, shape=(4, 1, 5), axis=1)
    yield "split_v", "columns", partial(split_v, shape=(1, 4, 6, 3), axis=2, sizes=(1, 3, 2))


def _batch_matmul(how: dict[str, Any]) -> Callable[[Graph], bytes]:
    return lambda graph: batch_matmul(graph, result=(2, 7, 9), **how)


def _conv2d(how: dict[str, Any]) -> Callable[[Graph], bytes]:
    return lambda graph: conv2d(graph, **how)


def _depthwise(how: dict[str, Any]) -> Callable[[Graph], bytes]:
    return lambda graph: depthwise(graph, **how)


def _space_to_batch(args: Sequence[Any]) -> Callable[[Graph], bytes]:
    return lambda graph: space_to_batch(graph, *args)


def _transpose_conv(graph: Graph, given: dict[str, Any]) -> bytes:
    source = _input(graph, (1, 5, 7, 6))
    return graph.finish(add_transpose_conv(graph, source, 9, **given))


def _pooling(code: int, args: tuple[Any, ...]) -> Callable[[Graph], bytes]:
    return lambda graph: pool(graph, code, *args)


def _seeded(build: Callable[..., bytes], seed: int) -> bytes:
    return build(Graph(seed))


def cases() -> list[Case]:
    """Seeded by their names: what a case is does not depend on the others."""
    found = []
    for family, name, build in _grid():
        id_ = f"{family}-{name}"
        found.append(Case(id_, family, partial(_seeded, build, crc32(id_.encode()))))
    return found
