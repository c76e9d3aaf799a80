# SPDX-License-Identifier: Apache-2.0
"""Random operators for the kernels: shapes, parameters and inputs that a kernel may trip over.

A case depends on its id alone, so that one that fails stays the same while others come and go.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from west_utvm.codegen.operators import activations
from west_utvm.kernels.chain import may_be_chain, may_be_link
from west_utvm.kernels.options import Optimize
from west_utvm.lowering.program import (
    ROUNDINGS,
    Attributes,
    BatchMatmul,
    Bilinear,
    Clamp,
    Concatenation,
    Conversion,
    Convolution,
    Elementwise,
    FullyConnected,
    Gather,
    Operator,
    Pad,
    Pooling,
    Reduction,
    Reshape,
    Resize,
    Rounding,
    Softmax,
    StridedSlice,
    Transpose,
    TransposedConvolution,
    Unary,
    Value,
)
from west_utvm.planning.chains import chain_of

Array = NDArray[Any]
Random = np.random.Generator
Pair = tuple[int, int]
Four = tuple[int, int, int, int]

CHANNELS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64)
WINDOWS = (
    *((1, 1), (2, 2), (3, 3), (3, 3), (4, 4), (5, 5), (1, 3), (3, 1)),
    *((2, 3), (5, 1), (1, 5), (4, 2), (10, 4)),
)  # fmt: skip
OPTIMIZE: tuple[Optimize, ...] = ("balanced", "speed", "size")
# Multiply-accumulates of a case, and elements of a tensor, at most.
MOST_MACS = 250_000
MOST_ELEMENTS = 4_000
# How many cases of each kind, times UTVM_KERNEL_CASES.
COUNTS = {
    "conv2d": 66,
    "grouped_conv2d": 36,
    "conv2d_transpose": 12,
    "chain": 32,
    "depthwise_conv2d": 66,
    "fully_connected": 27,
    "batch_matmul": 9,
    "average_pool2d": 15,
    "max_pool2d": 15,
    "add": 15,
    "sub": 6,
    "maximum": 3,
    "minimum": 3,
    "mul": 9,
    "prelu": 9,
    "squared_difference": 6,
    "softmax": 9,
    "reduction": 12,
    "unary": 12,
    "quantize": 6,
    "dequantize": 3,
    "concatenation": 6,
    "gather": 9,
    "pad": 6,
    "reshape": 3,
    "resize_bilinear": 9,
    "resize_nearest": 3,
    "strided_slice": 6,
    "transpose": 6,
}
# Operators that no ONNX model becomes.
TFLITE_ONLY = frozenset({"batch_matmul", "resize_bilinear"})
# What is built into one program.
FAMILIES = {
    "conv2d": ("conv2d", "grouped_conv2d", "conv2d_transpose"),
    "depthwise_conv2d": ("depthwise_conv2d",),
    "fully_connected": ("fully_connected", "batch_matmul"),
    "pool2d": ("average_pool2d", "max_pool2d"),
    "elementwise": (
        *("add", "sub", "mul", "prelu"),
        *("maximum", "minimum", "squared_difference"),
    ),
    "pointwise": (
        "softmax",
        "reduction",
        "unary",
        "quantize",
        "dequantize",
        "resize_bilinear",
    ),
    "chain": ("chain",),
    "moves": (
        "concatenation",
        "gather",
        "pad",
        "reshape",
        "resize_nearest",
        "strided_slice",
        "transpose",
    ),
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


def roundings(kind: str) -> tuple[Rounding, ...]:
    return ("tflm", "litert") if kind in TFLITE_ONLY else ROUNDINGS


def cases(kind: str) -> list[Case]:
    """UTVM_KERNEL_CASES makes them more or less, UTVM_KERNEL_ONLY names those to keep."""
    count = math.ceil(COUNTS[kind] * float(os.environ.get("UTVM_KERNEL_CASES", "1")))
    only = os.environ.get("UTVM_KERNEL_ONLY", "").split(",")
    ids = [f"{kind}-{number:03}" for number in range(count)]
    return [_case(kind, id_, i) for i, id_ in enumerate(ids) if only == [""] or id_ in only]


def _case(kind: str, id_: str, number: int) -> Case:
    random = np.random.default_rng(crc32(id_.encode()))
    operator = _KINDS[kind](random, kind, number)
    distinct = {id(value): value for value in activations(operator) if value.data is None}
    given = tuple(distinct.values())
    step = operator.outputs[0].scales[0] if kind == "quantize" else 1.0
    samples = [
        tuple(_filled(sample(random, value), value, step) for value in given)
        for sample in (_uniform, _lowest, _highest, _ramp)
    ]
    return Case(id_, operator, OPTIMIZE[number % len(OPTIMIZE)], given, tuple(samples))


# Inputs.


def _filled(data: Array, value: Value, step: float) -> Array:
    """``data``; where the value is float32 as quarters of a step, a little beside them, far beyond
    all, and NaN."""
    if value.dtype == "int8":
        return data
    reals = data.astype(np.float32) * np.float32(0.75 * step)
    reals.reshape(-1)[::3] *= np.float32(1 + 2**-23)
    reals.reshape(-1)[::17] *= np.float32(1e30)
    reals.reshape(-1)[:1] = np.nan
    return reals


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
    """Some are powers of two, which make for results half-way between two integers."""
    if _chance(random, 0.3):
        return 2.0 ** -int(random.integers(3, 8))
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


def _offset(random: Random) -> int:
    """That of a model of ONNX, whose own integers may be uint8."""
    return int(_pick(random, (0, 0, 128)))


def _operator(
    kind: str, inputs: Sequence[Value], output: Value, attributes: Attributes
) -> Operator:
    return Operator(kind, "case", kind, 0, tuple(inputs), (output,), attributes)


# Convolutions and fully connected layers.


def _weight_data(random: Random, shape: Sequence[int], usual: bool) -> Array:
    """Any weights, only extremes, all alike, or few that are not 0; ``usual`` ones are as TFLite's
    converter has them, without -128."""
    if usual:
        return random.integers(-127, 128, shape).astype(np.int8)
    mode = _pick(random, ("any", "any", "any", "extreme", "alike", "sparse"))
    if mode == "extreme":
        return random.choice(np.array([-128, -127, 127], np.int8), shape)
    if mode == "alike":
        return np.full(shape, random.choice([-128, -127, -1, 1, 127]), np.int8)
    values = random.integers(-128, 128, shape).astype(np.int8)
    return values * (random.random(shape) < 0.1) if mode == "sparse" else values


def _weighted(
    random: Random, source: Value, data: Array, axis: int, usual: bool
) -> tuple[Value, Value, float]:
    """Weights, bias, and a scale of the result.

    One that random inputs fill, perhaps with many results half-way between two integers; or one
    where all is beyond the range, or with multipliers above 1, or with sums of more than 24 bits.
    """
    channels = data.shape[axis]
    taps = data.size // channels
    deviation = 74 * math.sqrt(float((data.astype(float) ** 2).mean()) * taps) + 1
    modes = ("usual", "ties", "ties", "narrow", "enlarging", "large")
    mode = "usual" if usual else _pick(random, modes)
    reach = {"narrow": 2000.0, "enlarging": deviation * random.uniform(0.3, 4)}
    factor = reach.get(mode, random.uniform(20, 70)) / deviation
    bias = random.normal(0, deviation / 2, (channels,)).astype(np.int64)
    spread = random.uniform(0, 1.5) if _chance(random, 0.7) else 0
    scales = np.exp(random.uniform(-spread, spread, channels if spread else 1)) * 0.003
    if spread and not usual and _chance(random, 0.1):
        scales[0] = 1e-14  # a multiplier that rounds to nothing
    out_scale = source.scale * 0.003 / factor
    if mode == "ties":
        scales, out_scale = _power(scales), float(_power(np.array(out_scale)))
    scales = scales.astype(np.float32)
    if mode == "large":
        out_scale = source.scale * 0.003 / (60.0 / 2**28)
        bias, data = _boundaries(random, scales * source.scale / out_scale, data, axis)
    weights = Value("weights", data.shape, "int8", tuple(scales.tolist()), 0, data)
    offsets = Value("bias", (channels,), "int32", data=bias.astype(np.int32))
    return weights, offsets, single(out_scale)


def _range(random: Random, usual: bool) -> tuple[int, Clamp]:
    """Zero point and bounds of a result; ``usual`` ones are those of a layer with or without a
    relu, which TFLite's converter gives the whole range."""
    if not usual:
        zero_point = _zero_point(random)
        return zero_point, _clamp(random, zero_point)
    return int(_pick(random, (-128, int(random.integers(-60, 60))))), Clamp()


def _power(values: Array) -> Array:
    powers: Array = 2.0 ** np.round(np.log2(values))
    return powers


def _boundaries(random: Random, ratios: Array, data: Array, axis: int) -> tuple[Array, Array]:
    """Biases that float32 rounds, and weights: every other channel has none, and a bias right
    beside a point where rounding turns."""
    channels = data.shape[axis]
    data = data.copy()
    data[(slice(None),) * axis + (slice(None, None, 2),)] = 0
    halves = random.integers(-100, 100, channels) + 0.5
    factors = np.broadcast_to(np.maximum(ratios, 100 / 2**29), (channels,))
    bias = np.rint(halves / factors) + random.integers(-30, 31, channels)
    return bias.astype(np.int64), data


def _same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    covered = (window - 1) * dilation + 1
    total = max((-(-size // stride) - 1) * stride + covered - size, 0)
    return total // 2, total - total // 2


def _axis(
    random: Random, largest: int, how: tuple[int, int, int], mode: str
) -> tuple[int, int, int, int]:
    """(input's size, padding before, after, output's size) of one axis of an image."""
    window, stride, dilation = how
    covered = (window - 1) * dilation + 1
    size = int(random.integers(1, largest + 1))
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
    size: Pair
    window: Pair
    strides: Pair
    dilation: Pair
    padding: Four
    result: Pair

    def fits(self, depth: int, channels: int, macs: int) -> bool:
        inside, outside = (self.batches * math.prod(size) for size in (self.size, self.result))
        elements = max(inside * depth, outside * channels)
        return elements <= MOST_ELEMENTS and outside * macs <= MOST_MACS


def _window(random: Random, plain: float, dilated: float) -> tuple[Pair, Pair, Pair]:
    """Size, strides and dilation; ``plain`` is the probability of a size of 1x1, ``dilated`` that
    of a dilation of the others."""
    if _chance(random, plain):
        return (1, 1), _pick(random, ((1, 1), (1, 1), (1, 1), (2, 2))), (1, 1)
    strides = _pick(random, ((1, 1), (1, 1), (2, 2), (2, 2), (3, 3), (1, 2), (2, 1), (3, 1)))
    dilation = _pick(random, ((2, 2), (1, 3), (3, 2))) if _chance(random, dilated) else (1, 1)
    return _pick(random, WINDOWS), strides, dilation


def _image(
    random: Random, how: tuple[Pair, Pair, Pair], depth: int, channels: int, macs: int
) -> Image:
    """As large as the channels leave it; ``macs`` are those of a pixel."""
    modes = ("valid", "valid", "same", "any") if how[0] == (1, 1) else ("valid", "same", "any")
    mode = _pick(random, modes)
    batches = 2 if _chance(random, 0.2) else 1
    for largest in (20, 16, 12, 12, 8, 8, 6, 6, 4, 3, 2):
        rows, columns = (
            _axis(random, largest, (how[0][i], how[1][i], how[2][i]), mode) for i in (0, 1)
        )
        padding = (rows[1], columns[1], rows[2], columns[2])
        result = (rows[3], columns[3])
        image = Image(batches, (rows[0], columns[0]), *how, padding, result)
        if image.fits(depth, channels, macs):
            return image
    (height, left), (width, right) = (_same(1, how[0][i], 1, how[2][i]) for i in (0, 1))
    return Image(1, (1, 1), *how, (height, width, left, right), (1, 1))


def _conv2d(random: Random, kind: str, number: int) -> Operator:
    one = number % COUNTS["conv2d"] >= 66  # channel, as kernels of their own have it
    how = _window(random, plain=0 if one else 0.3, dilated=0.2)
    depths = (1, 3, 4, 8, *CHANNELS)
    depth = 1 if one else depths[number % len(depths)]
    channels = CHANNELS[number % 5 if one else number * 7 % len(CHANNELS)]
    image = _image(random, how, depth, channels, math.prod(how[0]) * depth * channels)
    return _convolution(random, kind, image, depth, channels)


def _grouped_conv2d(random: Random, kind: str, number: int) -> Operator:
    how = _window(random, plain=0.3, dilated=0.2)
    depths, owns = (1, 2, 3, 4, 5, 6, 7, 8, 8, 12, 16, 17, 24), (1, 2, 3, 4, 4, 5, 6, 8, 8, 12, 16)
    depth, own = depths[number % len(depths)], owns[number * 3 % len(owns)]
    groups = _pick(random, (2, 2, 3, 4, 4, 6, 8))
    image = _image(random, how, groups * depth, groups * own, math.prod(how[0]) * depth * own)
    return _convolution(random, kind, image, depth, groups * own, groups)


def _conv2d_transpose(random: Random, kind: str, number: int) -> Operator:
    window, strides = (
        _pick(random, WINDOWS),
        _pick(random, ((1, 1), (2, 2), (2, 2), (2, 1), (3, 3))),
    )
    depth, channels = (_pick(random, CHANNELS[:10]) for _ in range(2))
    size = (int(random.integers(1, 5)), int(random.integers(1, 5)))
    padding, result = [0, 0, 0, 0], [0, 0]
    for axis in (0, 1):
        whole = (size[axis] - 1) * strides[axis] + window[axis]
        cut = int(random.integers(0, min(whole, window[axis])))
        padding[axis], padding[axis + 2] = cut // 2, cut - cut // 2
        result[axis] = whole - cut
    source = _value(random, "input", (1, *size, depth))
    usual = _chance(random, 0.5)
    data = _weight_data(random, (channels, *window, depth), usual)
    weights, bias, scale = _weighted(random, source, data, 0, usual)
    zero_point, clamp = _range(random, usual)
    output = Value("output", (1, *result, channels), "int8", (scale,), zero_point)
    top, left, bottom, right = padding
    attributes = TransposedConvolution(strides, (top, left, bottom, right), clamp)
    return _operator(kind, (source, weights, bias), output, attributes)


def _depthwise_conv2d(random: Random, kind: str, number: int) -> Operator:
    window, strides, dilation = _window(random, plain=0.03, dilated=0.2)
    window = (3, 3) if _chance(random, 0.5) else window
    depth = CHANNELS[number % len(CHANNELS)]
    channels = depth * _pick(random, (1, 1, 1, 1, 2, 3))
    macs = math.prod(window) * channels
    image = _image(random, (window, strides, dilation), depth, channels, macs)
    return _convolution(random, kind, image, depth, channels)


def _convolution(
    random: Random,
    kind: str,
    image: Image,
    depth: int,
    channels: int,
    groups: int = 1,
    given: Value | None = None,
) -> Operator:
    source = given or _value(random, "input", (image.batches, *image.size, groups * depth))
    deep = kind == "depthwise_conv2d"
    shape = (*image.window, channels) if deep else (channels, *image.window, depth)
    usual = _chance(random, 0.5)
    data = _weight_data(random, shape, usual)
    weights, bias, scale = _weighted(random, source, data, 2 if deep else 0, usual)
    zero_point, clamp = _range(random, usual)
    shape = (image.batches, *image.result, channels)
    output = Value("output", shape, "int8", (scale,), zero_point)
    attributes = Convolution(image.strides, image.padding, image.dilation, clamp)
    return _operator(kind, (source, weights, bias), output, attributes)


def _fully_connected(random: Random, kind: str, number: int) -> Operator:
    rows = _pick(random, ((1,), (1,), (1,), (2,), (4,), (3, 2)))
    taps = (*CHANNELS, 12, 100, 127, 128, 255, 300)[number % (len(CHANNELS) + 6)]
    features = _pick(random, (*CHANNELS, 10, 12, 100))
    source = _value(random, "input", (*rows, taps))
    usual = _chance(random, 0.5)
    data = _weight_data(random, (features, taps), usual)
    weights, bias, scale = _weighted(random, source, data, 0, usual)
    zero_point, clamp = _range(random, usual)
    output = Value("output", (*rows, features), "int8", (scale,), zero_point)
    attributes = FullyConnected(clamp)
    return _operator(kind, (source, weights, bias), output, attributes)


def _batch_matmul(random: Random, kind: str, number: int) -> Operator:
    batches, rows, columns = (int(size) for size in random.integers(1, 7, 3))
    depth = CHANNELS[number % len(CHANNELS)]
    turned = (_chance(random, 0.4), _chance(random, 0.4))
    shapes = [
        (batches, *((depth, rows) if turned[0] else (rows, depth))),
        (
            _pick(random, (batches, batches, 1)),
            *((columns, depth) if turned[1] else (depth, columns)),
        ),
    ]
    a, b = _value(random, "a", shapes[0]), _value(random, "b", shapes[1])
    b = replace(b, zero_point=0) if _chance(random, 0.5) else b
    scale = single(a.scale * b.scale * 74 * 74 * math.sqrt(depth) / random.uniform(20, 90))
    output = _value(random, "output", (batches, rows, columns), scale)
    return _operator(kind, (a, b), output, BatchMatmul(turned))


# Pooling.


def _pool2d(random: Random, kind: str, number: int) -> Operator:
    how = _window(random, plain=0.05, dilated=0)
    depth = _pick(random, CHANNELS)
    image = _image(random, how, depth, depth, math.prod(how[0]) * depth)
    if _chance(random, 0.2):  # of a whole image
        image = Image(image.batches, image.size, image.size, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1))
    source = _value(random, "input", (image.batches, *image.size, depth))
    output = _like(source, (image.batches, *image.result, depth))
    clamp = _clamp(random, source.zero_point)
    attributes = Pooling(image.window, image.strides, image.padding, clamp, _offset(random))
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


def _sum(random: Random, kind: str, number: int) -> Operator:
    first, second = _operands(random)
    scale = single(math.hypot(first.scale, second.scale) * random.uniform(0.3, 2.5))
    if _chance(random, 0.3):
        scale = float(_power(np.array(scale)))
    return _elementwise(random, kind, (first, second), scale)


def _mul(random: Random, kind: str, number: int) -> Operator:
    first, second = _operands(random)
    factor = _pick(random, (0.5, 16, 64, *random.uniform(5, 200, 4)))
    return _elementwise(random, kind, (first, second), single(first.scale * second.scale * factor))


def _prelu(random: Random, kind: str, number: int) -> Operator:
    """Slopes are constants, seldom of more dimensions than the channels'."""
    shape = (*(int(size) for size in random.integers(1, 5, 3)), _pick(random, CHANNELS))
    source = _value(random, "input", shape)
    wanted = _pick(random, ((shape[3],), (1, 1, shape[3]), (1, 1, 1), shape[1:]))
    slope = _value(random, "slope", wanted, _scale(random, 0.001, 0.02))
    data = random.integers(-128, 128, wanted).astype(np.int8)
    slope = Value("slope", wanted, "int8", slope.scales, slope.zero_point, data)
    scale = single(source.scale * random.uniform(0.3, 2.5))
    return _elementwise(random, kind, (source, slope), scale)


def _extreme(random: Random, kind: str, number: int) -> Operator:
    """All in one quantization."""
    first, second = _operands(random)
    if second is not first:
        second = replace(second, scales=first.scales, zero_point=first.zero_point)
    shape = np.broadcast_shapes(first.shape, second.shape)
    return _operator(kind, (first, second), _like(first, shape), Elementwise(Clamp()))


def _squared_difference(random: Random, kind: str, number: int) -> Operator:
    first, second = _operands(random)
    scale = single(max(first.scale, second.scale) ** 2 * random.uniform(20, 300))
    return _elementwise(random, kind, (first, second), scale)


def _elementwise(
    random: Random, kind: str, operands: tuple[Value, Value], scale: float
) -> Operator:
    shape = np.broadcast_shapes(*(value.shape for value in operands))
    output = _value(random, "output", shape, scale)
    return _operator(
        kind, operands, output, Elementwise(_clamp(random, output.zero_point), _offset(random))
    )


# Chains.


def _chain(random: Random, kind: str, number: int) -> Operator:
    while True:
        size = (int(random.integers(1, 17)), int(random.integers(1, 9)))
        source = _value(random, "input", (1, *size, _pick(random, CHANNELS[:10])))
        links: list[Operator] = []
        for _ in range(random.integers(2, 5)):
            value = links[-1].outputs[0] if links else source
            links.append(_pick(random, _LINKS)(random, value, source))
        if all(map(may_be_link, links)) and may_be_chain(links):
            return chain_of(links, _pick(random, (1, 2, 2, 3, 4, 8)))


def _image_of(random: Random, value: Value, how: tuple[Pair, Pair, Pair], padded: bool) -> Image:
    """Where a window goes over a given image."""
    sides = []
    for axis, (window, stride, dilation) in enumerate(zip(*how, strict=True)):
        size, covered = value.shape[1 + axis], (window - 1) * dilation + 1
        before, after = _same(size, window, stride, dilation) if padded else (0, 0)
        if padded and _chance(random, 0.3):
            before, after = (int(pad) for pad in random.integers(0, covered, 2))
        after = max(after, covered - size - before)
        sides.append((before, after, (size + before + after - covered) // stride + 1))
    (top, bottom, height), (left, right, width) = sides
    whole = (value.shape[1], value.shape[2])
    return Image(1, whole, *how, (top, left, bottom, right), (height, width))


def _conv2d_link(random: Random, value: Value, source: Value) -> Operator:
    image = _image_of(random, value, _window(random, 0.5, 0.2), _chance(random, 0.7))
    channels = _pick(random, CHANNELS[:12])
    return _convolution(random, "conv2d", image, value.shape[3], channels, given=value)


def _depthwise_link(random: Random, value: Value, source: Value) -> Operator:
    image = _image_of(random, value, _window(random, 0.03, 0.2), _chance(random, 0.7))
    channels = value.shape[3] * _pick(random, (1, 1, 1, 2))
    depth = value.shape[3]
    return _convolution(random, "depthwise_conv2d", image, depth, channels, given=value)


def _pool_link(random: Random, value: Value, source: Value) -> Operator:
    kind = _pick(random, ("max_pool2d", "max_pool2d", "average_pool2d"))
    image = _image_of(random, value, _window(random, 0, 0), kind == "max_pool2d")
    output = _like(value, (1, *image.result, value.shape[3]))
    clamp = _clamp(random, value.zero_point)
    attributes = Pooling(image.window, image.strides, image.padding, clamp, _offset(random))
    return _operator(kind, (value,), output, attributes)


def _sum_link(random: Random, value: Value, source: Value) -> Operator:
    """With the chain's own input where that has the shape, or with one more."""
    alike = source.shape == value.shape and source is not value
    near = 2**-6 < source.scale / value.scale < 2**6
    scale = single(value.scale * random.uniform(0.3, 3))
    own = _value(random, "other", value.shape, scale)
    other = source if alike and near and _chance(random, 0.7) else own
    operands = (value, other) if _chance(random, 0.5) else (other, value)
    scale = single(math.hypot(value.scale, other.scale) * random.uniform(0.3, 2.5))
    return _elementwise(random, _pick(random, ("add", "sub")), operands, scale)


def _unary_link(random: Random, value: Value, source: Value) -> Operator:
    output = _value(random, "output", value.shape, single(value.scale * random.uniform(0.5, 2)))
    return _operator("unary", (value,), output, Unary(_pick(random, ("relu", "hard_swish"))))


_LINKS = (_conv2d_link, _conv2d_link, _depthwise_link, _pool_link, _sum_link, _unary_link)


# Softmax, reductions, functions of one element.


def _softmax(random: Random, kind: str, number: int) -> Operator:
    shape = (
        *random.integers(1, 4, random.integers(1, 3)),
        _pick(random, (2, 10, 12, 100, *CHANNELS)),
    )
    if number % 4 == 3:  # more than 512 of which may be alike
        shape = (shape[0], int(random.integers(400, 1001)))
    source = _value(random, "input", shape, _scale(random, 0.005, 0.5))
    output = Value("output", source.shape, "int8", (1 / 256,), -128)
    return _operator(kind, (source,), output, Softmax(float(_pick(random, (1.0, 1.0, 0.5, 2.0)))))


def _reduction(random: Random, kind: str, number: int) -> Operator:
    shape = (*(int(size) for size in random.integers(1, 7, 3)), _pick(random, CHANNELS))
    ties = _chance(random, 0.5)  # sums of a power of two of elements, divided by it
    shape = (*(2 ** (size // 2) for size in shape[:3]), shape[3]) if ties else shape
    axes = _pick(random, ((1, 2), (1, 2), (3,), (1,), (2, 3), (0, 1, 2, 3), (1, 3)))
    source = _value(random, "input", shape)
    kept = [1 if axis in axes else size for axis, size in enumerate(shape)]
    function = _pick(random, ("mean", "mean", "sum"))
    growth = 1.0 if function == "mean" else math.sqrt(math.prod(shape) / math.prod(kept))
    growth *= float(_pick(random, (0.5, 1, 2))) if ties else random.uniform(0.2, 2)
    output = _value(random, "output", kept, single(source.scale * growth))
    if number % 4 == 3:
        function, output = ("max", "min")[number // 4 % 2], _like(source, kept)
    return _operator(kind, (source,), output, Reduction(function, axes))


def _unary(random: Random, kind: str, number: int) -> Operator:
    function = _pick(random, ("requantize", "relu", "leaky_relu", "logistic", "tanh", "hard_swish"))
    source = _value(random, "input", (1, int(random.integers(1, 300))))
    output = _value(random, "output", source.shape, single(source.scale * random.uniform(0.5, 2)))
    fixed = {"logistic": (1 / 256, -128), "tanh": (1 / 128, 0)}
    if function in fixed:
        scale, zero_point = fixed[function]
        output = Value("output", source.shape, "int8", (scale,), zero_point)
    return _operator(kind, (source,), output, Unary(function, 0.3 * (function == "leaky_relu")))


def _quantize(random: Random, kind: str, number: int) -> Operator:
    output = _value(random, "output", (1, int(random.integers(1, 300))))
    return _operator(kind, (Value("input", output.shape, "float32"),), output, Conversion())


def _dequantize(random: Random, kind: str, number: int) -> Operator:
    source = _value(random, "input", (1, int(random.integers(1, 300))))
    return _operator(kind, (source,), Value("output", source.shape, "float32"), Conversion())


# Operators that move elements.


def _shape(random: Random) -> tuple[int, ...]:
    rank = int(random.integers(1, 5))
    return (*(int(size) for size in random.integers(1, 6, rank - 1)), _pick(random, CHANNELS[:12]))


def _concatenation(random: Random, kind: str, number: int) -> Operator:
    shape = _shape(random)
    axis = int(random.integers(len(shape)))
    sizes = [int(size) for size in random.integers(1, 6, random.integers(2, 5))]
    shapes = [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]
    first = _value(random, "input", shapes[0])
    inputs = [first, *(_like(first, part) for part in shapes[1:])]
    output = _like(first, (*shape[:axis], sum(sizes), *shape[axis + 1 :]))
    return _operator(kind, inputs, output, Concatenation(axis))


def _pad(random: Random, kind: str, number: int) -> Operator:
    source = _value(random, "input", _shape(random))
    before, after = (
        tuple(int(pad) for pad in random.integers(0, 3, len(source.shape))) for _ in range(2)
    )
    larger = [sum(sizes) for sizes in zip(before, source.shape, after, strict=True)]
    return _operator(kind, (source,), _like(source, larger), Pad(before, after, source.zero_point))


def _reshape(random: Random, kind: str, number: int) -> Operator:
    source = _value(random, "input", _shape(random))
    return _operator(kind, (source,), _like(source, (1, source.elements)), Reshape())


def _resize(random: Random, kind: str, number: int) -> Operator:
    shape = (*random.integers(1, 6, 3), _pick(random, CHANNELS))
    source = _value(random, "input", shape)
    rows, columns = (
        tuple(sorted(int(i) for i in random.integers(0, size, random.integers(1, 9))))
        for size in shape[1:3]
    )
    output = _like(source, (shape[0], len(rows), len(columns), shape[3]))
    return _operator(kind, (source,), output, Resize(rows, columns))


def _bilinear(random: Random, kind: str, number: int) -> Operator:
    batches, height, width = (int(size) for size in random.integers((1, 1, 1), (3, 9, 9)))
    source = _value(random, "input", (batches, height, width, _pick(random, CHANNELS[:11])))
    size = [int(size) for size in random.integers(1, 12, 2)]
    if _chance(random, 0.4):
        size = [2 * height, 2 * width]
    output = _like(source, (batches, *size, source.shape[3]))
    corners, centers = _pick(random, ((False, False), (False, True), (True, False)))
    return _operator(kind, (source,), output, Bilinear(bool(corners), bool(centers)))


def _gather(random: Random, kind: str, number: int) -> Operator:
    source = _value(random, "input", _shape(random))
    rank = len(source.shape)
    taken = random.permutation(rank)[: 1 + number % 2]
    places: list[tuple[int, ...] | None] = [None] * rank
    for axis in taken:
        wanted = random.integers(0, source.shape[axis], random.integers(1, 9))
        places[axis] = tuple(int(place) for place in wanted)
    sizes = [
        size if wanted is None else len(wanted)
        for size, wanted in zip(source.shape, places, strict=True)
    ]
    attributes = Gather(source.shape, tuple(places))
    return _operator(kind, (source,), _like(source, sizes), attributes)


def _strided_slice(random: Random, kind: str, number: int) -> Operator:
    source = _value(random, "input", _shape(random))
    strides = tuple(int(_pick(random, (1, 1, 2, 3, -1, -2))) for _ in source.shape)
    begin = tuple(int(random.integers(size)) for size in source.shape)
    sizes = [
        len(range(first, size if stride > 0 else -1, stride))
        for first, size, stride in zip(begin, source.shape, strides, strict=True)
    ]
    return _operator(kind, (source,), _like(source, sizes), StridedSlice(begin, strides))


def _transpose(random: Random, kind: str, number: int) -> Operator:
    source = _value(random, "input", _shape(random))
    axes = tuple(int(axis) for axis in random.permutation(len(source.shape)))
    output = _like(source, [source.shape[axis] for axis in axes])
    return _operator(kind, (source,), output, Transpose(axes))


_KINDS: dict[str, Callable[[Random, str, int], Operator]] = {
    "add": _sum,
    "average_pool2d": _pool2d,
    "batch_matmul": _batch_matmul,
    "chain": _chain,
    "concatenation": _concatenation,
    "conv2d": _conv2d,
    "conv2d_transpose": _conv2d_transpose,
    "depthwise_conv2d": _depthwise_conv2d,
    "dequantize": _dequantize,
    "fully_connected": _fully_connected,
    "gather": _gather,
    "grouped_conv2d": _grouped_conv2d,
    "max_pool2d": _pool2d,
    "maximum": _extreme,
    "minimum": _extreme,
    "mul": _mul,
    "prelu": _prelu,
    "pad": _pad,
    "quantize": _quantize,
    "reduction": _reduction,
    "reshape": _reshape,
    "resize_bilinear": _bilinear,
    "resize_nearest": _resize,
    "softmax": _softmax,
    "squared_difference": _squared_difference,
    "strided_slice": _strided_slice,
    "sub": _sum,
    "transpose": _transpose,
    "unary": _unary,
}
