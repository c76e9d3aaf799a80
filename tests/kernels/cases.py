# SPDX-License-Identifier: Apache-2.0
"""Random operators for the kernels: shapes, parameters and inputs that a kernel may trip over.

A case depends on its id alone, so that one that fails stays the same while others come and go.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from west_utvm.codegen.operators import activations
from west_utvm.kernels.options import Optimize
from west_utvm.lowering.program import (
    Attributes,
    Clamp,
    Concatenation,
    Convolution,
    Elementwise,
    FullyConnected,
    Operator,
    Pad,
    Pooling,
    Reduction,
    Reshape,
    Resize,
    Softmax,
    StridedSlice,
    Transpose,
    Unary,
    Value,
)

Array = NDArray[Any]
Random = np.random.Generator
Four = tuple[int, int, int, int]

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64)
WINDOWS = (
    *((1, 1), (2, 2), (3, 3), (3, 3), (4, 4), (5, 5), (1, 3), (3, 1)),
    *((2, 3), (5, 1), (1, 5), (4, 2), (10, 4)),
)  # fmt: skip
OPTIMIZE: tuple[Optimize, ...] = ("balanced", "speed", "size")
# Multiply-accumulates of a case, and elements of a tensor, at most.
MOST_MACS = 200_000
MOST_ELEMENTS = 3_000
# How many cases of each kind, times UTVM_KERNEL_CASES.
COUNTS = {
    "conv2d": 66,
    "depthwise_conv2d": 42,
    "fully_connected": 27,
    "average_pool2d": 15,
    "max_pool2d": 9,
    "add": 15,
    "sub": 6,
    "mul": 9,
    "softmax": 9,
    "reduction": 9,
    "unary": 12,
    "concatenation": 6,
    "pad": 6,
    "reshape": 3,
    "resize_nearest": 3,
    "strided_slice": 6,
    "transpose": 6,
}
# What is built into one program.
FAMILIES = {
    "conv2d": ("conv2d",),
    "depthwise_conv2d": ("depthwise_conv2d",),
    "fully_connected": ("fully_connected",),
    "pool2d": ("average_pool2d", "max_pool2d"),
    "elementwise": ("add", "sub", "mul"),
    "pointwise": ("softmax", "reduction", "unary"),
    "moves": ("concatenation", "pad", "reshape", "resize_nearest", "strided_slice", "transpose"),
}


@dataclass(frozen=True, eq=False)
class Case:
    """``samples`` are arrays for the values that are ``given``: activations that are not constant,
    each once even if the operator takes it twice."""

    id: str
    operator: Operator
    optimize: Optimize
    given: tuple[Value, ...]
    samples: tuple[tuple[Array, ...], ...]

    def arguments(self, sample: tuple[Array, ...]) -> list[Array]:
        """An array for every activation of the operator."""
        known = {id(value): data for value, data in zip(self.given, sample, strict=True)}
        values = activations(self.operator)
        return [known[id(v)] if v.data is None else v.data for v in values]


def cases(kind: str) -> list[Case]:
    """UTVM_KERNEL_CASES makes them more or less, UTVM_KERNEL_ONLY names those to keep."""
    count = math.ceil(COUNTS[kind] * float(os.environ.get("UTVM_KERNEL_CASES", "1")))
    only = os.environ.get("UTVM_KERNEL_ONLY", "").split(",")
    ids = [f"{kind}-{number:03}" for number in range(count)]
    return [_case(kind, id_, i) for i, id_ in enumerate(ids) if only == [""] or id_ in only]


def _case(kind: str, id_: str, number: int) -> Case:
    random = np.random.default_rng(crc32(id_.encode()))
    operator = _KINDS[kind](random, kind)
    distinct = {id(value): value for value in activations(operator) if value.data is None}
    given = tuple(distinct.values())
    samples = [
        tuple(sample(random, value) for value in given)
        for sample in (_uniform, _lowest, _highest, _ramp)
    ]
    return Case(id_, operator, OPTIMIZE[number % len(OPTIMIZE)], given, tuple(samples))


# Inputs.


def _uniform(random: Random, value: Value) -> Array:
    return random.integers(-128, 128, value.shape).astype(np.int8)


def _lowest(random: Random, value: Value) -> Array:
    return np.full(value.shape, -128, np.int8)


def _highest(random: Random, value: Value) -> Array:
    return np.full(value.shape, 127, np.int8)


def _ramp(random: Random, value: Value) -> Array:
    first, step = random.integers(-128, 128), random.choice([1, 3, 5, 127])
    ramp: Array = first + step * np.arange(value.elements)
    return ramp.astype(np.int8).reshape(value.shape)


# Parts of operators.


def _pick(random: Random, choices: Sequence[Any]) -> Any:
    return choices[int(random.integers(len(choices)))]


def _chance(random: Random, probability: float) -> bool:
    return bool(random.random() < probability)


def single(value: float) -> float:
    return float(np.float32(value))


def _scale(random: Random, low: float = 0.005, high: float = 0.2) -> float:
    return single(math.exp(random.uniform(math.log(low), math.log(high))))


def _zero_point(random: Random) -> int:
    return int(_pick(random, (-128, 127, 0, *random.integers(-128, 128, 3))))


def _value(random: Random, name: str, shape: Sequence[int], scale: float | None = None) -> Value:
    scales = (scale or _scale(random),)
    return Value(name, tuple(map(int, shape)), "int8", scales, _zero_point(random))


def _like(value: Value, shape: Sequence[int]) -> Value:
    """A result that has the quantization of ``value``."""
    return Value("output", tuple(map(int, shape)), "int8", value.scales, value.zero_point)


def _clamp(random: Random, zero_point: int) -> Clamp:
    """None, that of a relu, that of a relu6, or any."""
    narrow = sorted(int(bound) for bound in random.integers(-128, 128, 2))
    relu6 = Clamp(zero_point, min(127, zero_point + int(random.integers(1, 256))))
    choices = (Clamp(), Clamp(), Clamp(zero_point, 127), relu6, Clamp(*narrow))
    return choices[int(random.integers(len(choices)))]


def _operator(
    kind: str, inputs: Sequence[Value], output: Value, attributes: Attributes
) -> Operator:
    return Operator(kind, "case", kind, 0, tuple(inputs), (output,), attributes)


# Convolutions and fully connected layers.


def _weight_data(random: Random, shape: Sequence[int]) -> Array:
    """Any weights, only extremes, all alike, or few that are not 0."""
    mode = _pick(random, ("any", "any", "any", "extreme", "alike", "sparse"))
    if mode == "extreme":
        return random.choice(np.array([-128, -127, 127], np.int8), shape)
    if mode == "alike":
        return np.full(shape, random.choice([-128, -127, -1, 1, 127]), np.int8)
    values = random.integers(-128, 128, shape).astype(np.int8)
    return values * (random.random(shape) < 0.1) if mode == "sparse" else values


def _weighted(
    random: Random, source: Value, data: Array, axis: int
) -> tuple[Value, Value, float, int]:
    """Weights, bias, and a quantization of the result: one that random inputs fill, or where all
    is beyond the range, or with multipliers above 1, or sums of more than 24 bits."""
    channels = data.shape[axis]
    spread = random.uniform(0, 1.5) if _chance(random, 0.7) else 0
    scales = np.exp(random.uniform(-spread, spread, channels if spread else 1)) * 0.003
    if spread and _chance(random, 0.1):
        scales[0] = 1e-14  # a multiplier that rounds to nothing
    taps = data.size // channels
    deviation = 74 * math.sqrt(float((data.astype(float) ** 2).mean()) * taps) + 1
    mode = _pick(random, ("usual", "usual", "usual", "narrow", "enlarging", "large"))
    bias: Array = random.normal(0, deviation / 2, (channels,))
    if mode == "large":
        bias = random.integers(-(2**29), 2**29, (channels,))
    if mode == "enlarging":
        factor = random.uniform(0.3, 4)
    else:
        reach = {"usual": random.uniform(20, 70), "narrow": 2000.0, "large": 60.0}[mode]
        factor = reach / (2**29 if mode == "large" else deviation)
    out_scale = single(source.scale * 0.003 / factor)
    weights = Value(
        "weights", data.shape, "int8", tuple(single(scale) for scale in scales), 0, data
    )
    offsets = Value("bias", (channels,), "int32", data=bias.astype(np.int32))
    return weights, offsets, out_scale, _zero_point(random)


def _same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    covered = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + covered - size, 0)
    return total // 2, total - total // 2


def _axis(random: Random, window: int, stride: int, dilation: int, mode: str) -> tuple[int, ...]:
    """(input's size, padding before, after, output's size) of one axis of an image."""
    covered = (window - 1) * dilation + 1
    size = int(random.integers(1, 13)) + (int(random.integers(0, 3)) * stride)
    if mode == "valid":
        size, (before, after) = size + covered - 1, (0, 0)
    elif mode == "same":
        before, after = _same(size, window, stride, dilation)
    else:
        before, after = (int(pad) for pad in random.integers(0, covered, 2))
        size = max(size, covered - before - after)
    return size, before, after, (size + before + after - covered) // stride + 1


@dataclass(frozen=True)
class Image:
    """Where a window goes over an image; sizes are (height, width)."""

    batches: int
    size: tuple[int, int]
    window: tuple[int, int]
    strides: tuple[int, int]
    dilation: tuple[int, int]
    padding: Four
    result: tuple[int, int]


def _image(random: Random, plain: float, dilated: float) -> Image:
    """``plain`` is the probability of a 1x1 window, ``dilated`` that of a dilation."""
    window, strides, dilation = (1, 1), (1, 1), (1, 1)
    mode = _pick(random, ("same", "valid", "any"))
    if _chance(random, plain):
        mode = "valid" if _chance(random, 0.8) else mode
        strides = _pick(random, ((1, 1), (1, 1), (1, 1), (2, 2)))
    else:
        window = _pick(random, WINDOWS)
        strides = _pick(random, ((1, 1), (1, 1), (2, 2), (2, 2), (3, 3), (1, 2), (2, 1), (3, 1)))
        dilation = _pick(random, ((2, 2), (1, 3), (3, 2))) if _chance(random, dilated) else (1, 1)
    rows, columns = (_axis(random, window[i], strides[i], dilation[i], mode) for i in (0, 1))
    return Image(
        2 if _chance(random, 0.2) else 1,
        (rows[0], columns[0]),
        window,
        strides,
        dilation,
        (rows[1], columns[1], rows[2], columns[2]),
        (rows[3], columns[3]),
    )


def _fits(image: Image, depth: int, channels: int, macs: int) -> bool:
    inside, outside = (image.batches * math.prod(size) for size in (image.size, image.result))
    return max(inside * depth, outside * channels) <= MOST_ELEMENTS and outside * macs <= MOST_MACS


def _conv2d(random: Random, kind: str) -> Operator:
    while True:
        image = _image(random, plain=0.3, dilated=0.15)
        depth = _pick(random, (1, 3, 4, 8, *CHANNELS))
        channels = _pick(random, CHANNELS)
        if _fits(image, depth, channels, math.prod(image.window) * depth * channels):
            return _convolution(random, kind, image, depth, channels)


def _depthwise_conv2d(random: Random, kind: str) -> Operator:
    while True:
        image = _image(random, plain=0.03, dilated=0.15)
        if _chance(random, 0.5) and image.window != (3, 3):
            continue  # half of them, and more, are the usual window
        depth = _pick(random, CHANNELS)
        channels = depth * _pick(random, (1, 1, 1, 1, 2, 3))
        if _fits(image, depth, channels, math.prod(image.window) * channels):
            return _convolution(random, kind, image, depth, channels)


def _convolution(random: Random, kind: str, image: Image, depth: int, channels: int) -> Operator:
    source = _value(random, "input", (image.batches, *image.size, depth))
    deep = kind == "depthwise_conv2d"
    shape = (*image.window, channels) if deep else (channels, *image.window, depth)
    data = _weight_data(random, shape)
    weights, bias, scale, zero_point = _weighted(random, source, data, 2 if deep else 0)
    shape = (image.batches, *image.result, channels)
    output = Value("output", shape, "int8", (scale,), zero_point)
    attributes = Convolution(
        image.strides, image.padding, image.dilation, _clamp(random, zero_point)
    )
    return _operator(kind, (source, weights, bias), output, attributes)


def _fully_connected(random: Random, kind: str) -> Operator:
    rows = _pick(random, ((1,), (1,), (1,), (2,), (4,), (3, 2)))
    taps = _pick(random, (*CHANNELS, 12, 100, 127, 128, 255, 300))
    features = _pick(random, (*CHANNELS, 10, 12, 100))
    source = _value(random, "input", (*rows, taps))
    data = _weight_data(random, (features, taps))
    weights, bias, scale, zero_point = _weighted(random, source, data, 0)
    output = Value("output", (*rows, features), "int8", (scale,), zero_point)
    attributes = FullyConnected(_clamp(random, zero_point))
    return _operator(kind, (source, weights, bias), output, attributes)


# Pooling.


def _pool2d(random: Random, kind: str) -> Operator:
    while True:
        image = _image(random, plain=0.05, dilated=0)
        if _chance(random, 0.2):  # of a whole image
            image = Image(image.batches, image.size, image.size, (1, 1), (1, 1), (0,) * 4, (1, 1))
        depth = _pick(random, CHANNELS)
        if _fits(image, depth, depth, math.prod(image.window) * depth):
            break
    source = _value(random, "input", (image.batches, *image.size, depth))
    output = _like(source, (image.batches, *image.result, depth))
    clamp = _clamp(random, source.zero_point)
    attributes = Pooling(image.window, image.strides, image.padding, clamp)
    return _operator(kind, (source,), output, attributes)


# Two inputs.


def _shapes(random: Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Alike, or one of them to be broadcast."""
    n, h, w = (int(size) for size in random.integers(1, 5, 3))
    c = _pick(random, CHANNELS)
    full = (n, h, w, c)
    part = _pick(random, (full, full, full, (1, 1, 1, c), (1, 1, 1, 1), (1, h, 1, c), (c,), (w, 1)))
    if _chance(random, 0.1):
        return (n, h, 1, c), (1, 1, w, c)
    return (full, part) if _chance(random, 0.7) else (part, full)


def _operands(random: Random) -> tuple[Value, Value]:
    """Two values, a value and a constant, or a value twice."""
    left, right = _shapes(random)
    first, second = _value(random, "a", left), _value(random, "b", right)
    if _chance(random, 0.1):
        return first, first
    if _chance(random, 0.2):
        data = random.integers(-128, 128, right).astype(np.int8)
        second = Value("b", second.shape, "int8", second.scales, second.zero_point, data)
    return first, second


def _sum(random: Random, kind: str) -> Operator:
    first, second = _operands(random)
    scale = single(math.hypot(first.scale, second.scale) * random.uniform(0.3, 2.5))
    return _elementwise(random, kind, (first, second), scale)


def _mul(random: Random, kind: str) -> Operator:
    first, second = _operands(random)
    factor = _pick(random, (0.5, *random.uniform(5, 200, 4)))
    return _elementwise(random, kind, (first, second), single(first.scale * second.scale * factor))


def _elementwise(
    random: Random, kind: str, operands: tuple[Value, Value], scale: float
) -> Operator:
    shape = np.broadcast_shapes(*(value.shape for value in operands))
    output = _value(random, "output", shape, scale)
    return _operator(kind, operands, output, Elementwise(_clamp(random, output.zero_point)))


# Softmax, reductions, functions of one element.


def _softmax(random: Random, kind: str) -> Operator:
    shape = (
        *random.integers(1, 4, random.integers(1, 3)),
        _pick(random, (2, 10, 12, 100, *CHANNELS)),
    )
    source = _value(random, "input", shape, _scale(random, 0.005, 0.5))
    output = Value("output", source.shape, "int8", (1 / 256,), -128)
    return _operator(kind, (source,), output, Softmax(float(_pick(random, (1.0, 1.0, 0.5, 2.0)))))


def _reduction(random: Random, kind: str) -> Operator:
    shape = (*random.integers(1, 7, 3), _pick(random, CHANNELS))
    axes = _pick(random, ((1, 2), (1, 2), (3,), (1,), (2, 3), (0, 1, 2, 3), (1, 3)))
    source = _value(random, "input", shape)
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    function = _pick(random, ("mean", "mean", "sum"))
    growth = 1 if function == "mean" else math.sqrt(math.prod(shape) / math.prod(kept))
    output = _value(random, "output", kept, single(source.scale * growth * random.uniform(0.2, 2)))
    return _operator(kind, (source,), output, Reduction(function, axes))


def _unary(random: Random, kind: str) -> Operator:
    function = _pick(random, ("requantize", "relu", "leaky_relu", "logistic", "tanh", "hard_swish"))
    source = _value(random, "input", (1, int(random.integers(1, 300))))
    output = _value(random, "output", source.shape, single(source.scale * random.uniform(0.5, 2)))
    fixed = {"logistic": (1 / 256, -128), "tanh": (1 / 128, 0)}
    if function in fixed:
        scale, zero_point = fixed[function]
        output = Value("output", source.shape, "int8", (scale,), zero_point)
    return _operator(kind, (source,), output, Unary(function, 0.3 * (function == "leaky_relu")))


# Operators that move elements.


def _shape(random: Random) -> tuple[int, ...]:
    rank = int(random.integers(1, 5))
    return (*(int(size) for size in random.integers(1, 6, rank - 1)), _pick(random, CHANNELS[:12]))


def _concatenation(random: Random, kind: str) -> Operator:
    shape = _shape(random)
    axis = int(random.integers(len(shape)))
    sizes = [int(size) for size in random.integers(1, 6, random.integers(2, 5))]
    shapes = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    first = _value(random, "input", shapes[0])
    inputs = [first, *(_like(first, part) for part in shapes[1:])]
    output = _like(first, (*shape[:axis], sum(sizes), *shape[axis + 1 :]))
    return _operator(kind, inputs, output, Concatenation(axis))


def _pad(random: Random, kind: str) -> Operator:
    source = _value(random, "input", _shape(random))
    before, after = (
        tuple(int(pad) for pad in random.integers(0, 3, len(source.shape))) for _ in range(2)
    )
    larger = [sum(sizes) for sizes in zip(before, source.shape, after, strict=True)]
    return _operator(kind, (source,), _like(source, larger), Pad(before, after, source.zero_point))


def _reshape(random: Random, kind: str) -> Operator:
    source = _value(random, "input", _shape(random))
    return _operator(kind, (source,), _like(source, (1, source.elements)), Reshape())


def _resize(random: Random, kind: str) -> Operator:
    shape = (*random.integers(1, 6, 3), _pick(random, CHANNELS))
    source = _value(random, "input", shape)
    rows, columns = (
        tuple(sorted(int(i) for i in random.integers(0, size, random.integers(1, 9))))
        for size in shape[1:3]
    )
    output = _like(source, (shape[0], len(rows), len(columns), shape[3]))
    return _operator(kind, (source,), output, Resize(rows, columns))


def _strided_slice(random: Random, kind: str) -> Operator:
    source = _value(random, "input", _shape(random))
    strides = tuple(int(_pick(random, (1, 1, 2, 3, -1, -2))) for _ in source.shape)
    begin = tuple(int(random.integers(size)) for size in source.shape)
    sizes = [
        len(range(first, size if stride > 0 else -1, stride))
        for first, size, stride in zip(begin, source.shape, strides, strict=True)
    ]
    return _operator(kind, (source,), _like(source, sizes), StridedSlice(begin, strides))


def _transpose(random: Random, kind: str) -> Operator:
    source = _value(random, "input", _shape(random))
    axes = tuple(int(axis) for axis in random.permutation(len(source.shape)))
    output = _like(source, [source.shape[axis] for axis in axes])
    return _operator(kind, (source,), output, Transpose(axes))


_KINDS: dict[str, Callable[[Random, str], Operator]] = {
    "add": _sum,
    "average_pool2d": _pool2d,
    "concatenation": _concatenation,
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise_conv2d,
    "fully_connected": _fully_connected,
    "max_pool2d": _pool2d,
    "mul": _mul,
    "pad": _pad,
    "reduction": _reduction,
    "reshape": _reshape,
    "resize_nearest": _resize,
    "softmax": _softmax,
    "strided_slice": _strided_slice,
    "sub": _sum,
    "transpose": _transpose,
    "unary": _unary,
}
