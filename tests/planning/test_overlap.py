# SPDX-License-Identifier: Apache-2.0
"""How far outputs may run over inputs: the figures, against loops that read and write bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest

from west_utvm.kernels import (
    Emitted,
    Options,
    conversion,
    elementwise,
    layout,
    overlap,
    pooling,
    reduction,
    softmax,
    unary,
    weighted,
)
from west_utvm.lowering.program import (
    Clamp,
    Concatenation,
    Convolution,
    Elementwise,
    FullyConnected,
    Operator,
    Pad,
    Pooling,
    Reduction,
    Resize,
    Softmax,
    StridedSlice,
    Transpose,
    Unary,
    Value,
)

# What a kernel does, byte by byte: reads ("r", input's byte) and writes ("w", output's byte).
# ("m", from, to, size) is a memcpy, whose two sides must not share a byte.
Event = tuple[Any, ...]
# The kernels whose order of reads and writes is written down here.
KERNELS: dict[str, Callable[[Operator, Options], Emitted]] = {
    "add": elementwise.add,
    "average_pool2d": pooling.pool2d,
    "concatenation": layout.concatenation,
    "conv2d": weighted.conv2d,
    "depthwise_conv2d": weighted.depthwise_conv2d,
    "dequantize": conversion.dequantize,
    "fully_connected": weighted.fully_connected,
    "max_pool2d": pooling.pool2d,
    "mul": elementwise.mul,
    "pad": layout.pad,
    "quantize": conversion.quantize,
    "reduction": reduction.reduction,
    "resize_nearest": layout.resize_nearest,
    "softmax": softmax.softmax,
    "strided_slice": layout.strided_slice,
    "sub": elementwise.add,
    "transpose": layout.transpose,
    "unary": unary.unary,
}
Quad = tuple[int, int, int, int]


def emit(operator: Operator, options: Options) -> Emitted:
    return KERNELS[operator.kind](operator, options)


def smallest(events: Sequence[Event], size_in: int, size_out: int) -> int:
    """The least distance from which on all are right: nothing is read that was overwritten."""
    distance = size_out
    while distance > -size_in and works(events, distance - 1):
        distance -= 1
    return distance


def works(events: Sequence[Event], distance: int) -> bool:
    """Whether the kernel is right if its input starts ``distance`` bytes after its output."""
    written: set[int] = set()
    for kind, *what in events:
        if kind == "r" and what[0] + distance in written:
            return False
        if kind == "w":
            written.add(what[0])
        if kind == "m":
            source = range(what[0] + distance, what[0] + distance + what[2])
            target = range(what[1], what[1] + what[2])
            if written.intersection(source) or set(source).intersection(target):
                return False
            written.update(target)
    return True


def value(shape: Sequence[int], scale: float = 0.05, data: Any = None) -> Value:
    return Value("value", tuple(shape), "int8", (scale,), 3, data)


def convolution(
    kind: str, size: Quad, channels: int, window: tuple[int, int], how: Convolution
) -> Operator:
    depth = size[3]
    deep = kind == "depthwise_conv2d"
    shape = (*window, channels) if deep else (channels, *window, depth)
    weights = Value("w", shape, "int8", (0.1,), 0, np.ones(shape, np.int8))
    bias = Value("b", (channels,), "int32", (), 0, np.zeros(channels, np.int32))
    sides = [
        (size[1 + a] + how.padding[a] + how.padding[2 + a] - (window[a] - 1) * how.dilation[a] - 1)
        // how.strides[a]
        + 1
        for a in (0, 1)
    ]
    output = value((size[0], *sides, channels))
    return Operator(kind, "", "", 0, (value(size), weights, bias), (output,), how)


def taps(operator: Operator, window: tuple[int, int], dilation: tuple[int, int]) -> Any:
    """For an output pixel, those of the input that its window reads."""
    how: Any = operator.attributes
    _, height, width, _ = operator.inputs[0].shape

    def pixels(batch: int, y: int, x: int) -> Iterator[int]:
        for i, j in product(range(window[0]), range(window[1])):
            row = y * how.strides[0] - how.padding[0] + i * dilation[0]
            column = x * how.strides[1] - how.padding[1] + j * dilation[1]
            if 0 <= row < height and 0 <= column < width:
                yield (batch * height + row) * width + column

    return pixels


GRID = [
    pytest.param(size, window, Convolution(strides, padding, dilation, Clamp()))
    for size, window, strides, padding, dilation in (
        ((1, 5, 6, 2), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1)),
        ((1, 7, 6, 2), (3, 3), (2, 2), (0, 0, 1, 1), (1, 1)),
        ((2, 4, 4, 3), (1, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
        ((1, 6, 5, 2), (1, 1), (2, 2), (0, 0, 0, 0), (1, 1)),
        ((1, 7, 7, 1), (3, 2), (1, 2), (2, 1, 2, 1), (2, 1)),
        ((1, 3, 3, 2), (3, 3), (1, 1), (3, 3, 3, 3), (1, 1)),
        ((2, 8, 3, 1), (4, 1), (3, 1), (1, 0, 2, 0), (1, 1)),
    )
]


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize(("size", "window", "how"), GRID)
def test_convolution(size: Quad, window: tuple[int, int], how: Convolution, channels: int) -> None:
    operator = convolution("conv2d", size, channels, window, how)
    pixels = taps(operator, window, how.dilation)
    batches, height, width, _ = operator.outputs[0].shape
    events: list[Event] = []
    for place in product(range(batches), range(height), range(width)):
        for _ in range(channels):
            events += [("r", p * size[3] + c) for p in pixels(*place) for c in range(size[3])]
            events.append(("w", sum(e[0] == "w" for e in events)))
    given = emit(operator, Options()).overlap
    assert given == smallest(events, operator.inputs[0].size, operator.outputs[0].size)


@pytest.mark.parametrize("block", [2, 3])
@pytest.mark.parametrize("scratch", [False, True])
@pytest.mark.parametrize(("size", "window", "how"), GRID)
def test_blocks(
    size: Quad, window: tuple[int, int], how: Convolution, scratch: bool, block: int
) -> None:
    """Pixels a block at a time, two channels of all after two channels; or by way of scratch."""
    channels = 4
    operator = convolution("conv2d", size, channels, window, how)
    pixels = taps(operator, window, how.dilation)
    batches, height, width, _ = operator.outputs[0].shape
    places = list(product(range(batches), range(height), range(width)))
    events: list[Event] = []
    for first in range(0, len(places), block):
        numbers = range(first, min(first + block, len(places)))
        for group in range(0, channels, 2):
            if not (scratch and group):
                events += [
                    ("r", p * size[3] + c)
                    for n in numbers
                    for p in pixels(*places[n])
                    for c in range(size[3])
                ]
            events += [("w", n * channels + group + c) for n in numbers for c in range(2)]
    given = overlap.convolution(operator, ahead=0 if scratch else block * channels - 2)
    assert given >= smallest(events, operator.inputs[0].size, operator.outputs[0].size)
    assert given <= overlap.convolution(operator, ahead=block * channels)


@pytest.mark.parametrize("copies", [1, 2, 3])
@pytest.mark.parametrize("block", [1, 2, 3])
@pytest.mark.parametrize(("size", "window", "how"), GRID)
def test_depthwise(
    size: Quad, window: tuple[int, int], how: Convolution, copies: int, block: int
) -> None:
    channels = size[3] * copies
    operator = convolution("depthwise_conv2d", size, channels, window, how)
    pixels = taps(operator, window, how.dilation)
    events = by_channel(operator, pixels, block)
    least = smallest(events, operator.inputs[0].size, operator.outputs[0].size)
    assert overlap.depthwise(operator, pixels=block) >= least
    if block == 1:
        assert emit(operator, Options()).overlap == least


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("block", [1, 2])
@pytest.mark.parametrize(("size", "window", "how"), GRID)
def test_bands(
    size: Quad, window: tuple[int, int], how: Convolution, block: int, height: int
) -> None:
    """A few channels of all that a band of rows needs are read, and then the band is written; at
    distances that are whole pixels."""
    operator = convolution("depthwise_conv2d", size, size[3], window, how)
    pixels = taps(operator, window, how.dilation)
    batches, rows, width, channels = operator.outputs[0].shape
    if channels % block:
        block = 1
    events: list[Event] = []
    for batch, first in product(range(batches), range(0, rows, height)):
        places = list(product([batch], range(first, min(first + height, rows)), range(width)))
        for group in range(0, channels, block):
            own = range(group, group + block)
            events += [("r", p * channels + c) for at in places for p in pixels(*at) for c in own]
            for _, y, x in places:
                events += [("w", ((batch * rows + y) * width + x) * channels + c) for c in own]
    distance, multiple = overlap.bands(operator, height)
    assert multiple == channels and distance % channels == 0
    assert distance <= overlap.bands(operator, 1)[0]
    size_in, size_out = operator.inputs[0].size, operator.outputs[0].size
    wrong = [d for d in range(-size_in, size_out + 1) if not d % channels and not works(events, d)]
    assert distance == max(wrong, default=-size_in - channels) + channels


def by_channel(operator: Operator, pixels: Any, block: int = 1) -> list[Event]:
    batches, height, width, channels = operator.outputs[0].shape
    depth = operator.inputs[0].shape[3]
    places = list(product(range(batches), range(height), range(width)))
    events: list[Event] = []
    for first in range(0, len(places), block):
        for channel in range(channels):
            for n in range(first, min(first + block, len(places))):
                own = channel * depth // channels
                events += [("r", p * depth + own) for p in pixels(*places[n])]
                events.append(("w", n * channels + channel))
    return events


POOLS = [grid for grid in GRID if grid.values[2].dilation == (1, 1)]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["average_pool2d", "max_pool2d"])
@pytest.mark.parametrize(("size", "window", "how"), POOLS)
def test_pooling(kind: str, size: Quad, window: tuple[int, int], how: Convolution) -> None:
    shape = convolution("conv2d", size, size[3], window, how).outputs[0].shape
    attributes = Pooling(window, how.strides, how.padding, Clamp())
    operator = Operator(kind, "", "", 0, (value(size),), (value(shape),), attributes)
    events = by_channel(operator, taps(operator, window, (1, 1)))
    least = smallest(events, operator.inputs[0].size, operator.outputs[0].size)
    assert emit(operator, Options()).overlap == least


@pytest.mark.parametrize("word", [1, 2])
@pytest.mark.parametrize(("size", "window", "how"), POOLS)
def test_words(size: Quad, window: tuple[int, int], how: Convolution, word: int) -> None:
    """A few channels of a pixel at a time; the last may be some of those before, too."""
    if size[3] < word:
        pytest.skip("fewer channels than a word has")
    pool = Pooling(window, how.strides, how.padding, how.clamp)
    output = convolution("conv2d", size, size[3], window, how).outputs[0]
    operator = Operator("max_pool2d", "", "", 0, (value(size),), (output,), pool)
    pixels = taps(operator, window, (1, 1))
    batches, height, width, channels = output.shape
    events: list[Event] = []
    for n, place in enumerate(product(range(batches), range(height), range(width))):
        for done in range(0, channels, word):
            own = [min(done, channels - word) + i for i in range(word)]
            events += [("r", p * channels + c) for p in pixels(*place) for c in own]
            events += [("w", n * channels + c) for c in own]
    least = smallest(events, operator.inputs[0].size, output.size)
    assert least <= overlap.in_words(operator, word) <= least + word - 1


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize(("size", "window", "how"), GRID)
def test_in_bands(
    size: Quad, window: tuple[int, int], how: Convolution, copies: int, height: int
) -> None:
    """As ``test_bands``, at any distance, with several output channels of an input channel."""
    operator = convolution("depthwise_conv2d", size, size[3] * copies, window, how)
    pixels = taps(operator, window, how.dilation)
    batches, rows, width, channels = operator.outputs[0].shape
    events: list[Event] = []
    number = np.zeros((batches, rows, width), np.int64)
    for batch, first in product(range(batches), range(0, rows, height)):
        places = list(product([batch], range(first, min(first + height, rows)), range(width)))
        number[batch, first : first + height] = batch * rows + first
        for c in range(size[3]):
            events += [("r", p * size[3] + c) for at in places for p in pixels(*at)]
            for _, y, x in places:
                pixel = (batch * rows + y) * width + x
                events += [("w", pixel * channels + c * copies + i) for i in range(copies)]
    least = smallest(events, operator.inputs[0].size, operator.outputs[0].size)
    given = overlap.in_bands(operator, number.reshape(-1), once=size[3] == 1)
    assert least <= given <= least + size[3] + channels


@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize(("inner", "outer"), [(5, 5), (3, 8), (8, 3), (4, 1), (1, 4)])
def test_fully_connected(rows: int, inner: int, outer: int) -> None:
    weights = Value("w", (outer, inner), "int8", (0.1,), 0, np.ones((outer, inner), np.int8))
    bias = Value("b", (outer,), "int32", (), 0, np.zeros(outer, np.int32))
    inputs = (value((rows, inner)), weights, bias)
    operator = Operator(
        "fully_connected", "", "", 0, inputs, (value((rows, outer)),), FullyConnected(Clamp())
    )
    events: list[Event] = []
    for row, feature in product(range(rows), range(outer)):
        events += [("r", row * inner + i) for i in range(inner)]
        events.append(("w", row * outer + feature))
    assert emit(operator, Options()).overlap == smallest(events, rows * inner, rows * outer)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((2, 3, 4), (2, 3, 4)),
        ((2, 3, 4), (4,)),
        ((4,), (2, 3, 4)),
        ((2, 1, 4), (2, 3, 4)),
        ((2, 3, 1), (1, 3, 4)),
    ],
)
@pytest.mark.parametrize("kind", ["add", "sub", "mul"])
def test_elementwise(kind: str, left: tuple[int, ...], right: tuple[int, ...]) -> None:
    shape = np.broadcast_shapes(left, right)
    inputs = (value(left), value(right))
    operator = Operator(kind, "", "", 0, inputs, (value(shape),), Elementwise(Clamp()))
    emitted = emit(operator, Options())
    for given, one in zip((emitted.overlap, emitted.overlap_second), inputs, strict=True):
        elements = np.broadcast_to(np.arange(one.size).reshape(one.shape), shape).reshape(-1)
        events: list[Event] = []
        for number, element in enumerate(elements):
            events += [("r", int(element)), ("w", number)]
        assert given == smallest(events, one.size, len(elements))


@pytest.mark.parametrize("rounding", ["tflm", "litert"])
def test_softmax_and_unary(rounding: Any) -> None:
    """In place: a row is read three times, and the last time just before it is written."""
    output = Value("out", (3, 5), "int8", (1 / 256,), -128)
    operators = [
        Operator("softmax", "", "", 0, (value((3, 5)),), (output,), Softmax(1.0)),
        Operator("unary", "", "", 0, (value((3, 5)),), (output,), Unary("logistic")),
    ]
    events: list[Event] = []
    for row in range(3):
        cells = range(row * 5, row * 5 + 5)
        events += [("r", cell) for _ in range(2) for cell in cells]
        events += [event for cell in cells for event in (("r", cell), ("w", cell))]
    assert smallest(events, 15, 15) == 0
    assert [emit(op, Options(rounding)).overlap for op in operators] == [0, 0]


@pytest.mark.parametrize("kind", ["quantize", "dequantize"])
def test_conversion(kind: str) -> None:
    """Elements of one and four bytes; all bytes of one are read before those of its result."""
    values = [value((3, 4)), Value("real", (3, 4), "float32")]
    source, output = values if kind == "dequantize" else values[::-1]
    operator = Operator(kind, "", "", 0, (source,), (output,), Unary(kind))
    size_in, size_out = source.size // 12, output.size // 12
    events: list[Event] = []
    for element in range(12):
        events += [("r", element * size_in + byte) for byte in range(size_in)]
        events += [("w", element * size_out + byte) for byte in range(size_out)]
    assert emit(operator, Options()).overlap == smallest(events, source.size, output.size)


@pytest.mark.parametrize("axes", [(1, 2), (0,), (3,), (0, 2), (1, 2, 3)])
def test_reduction(axes: tuple[int, ...]) -> None:
    shape = (2, 3, 4, 5)
    kept = [axis for axis in range(4) if axis not in axes]
    output = value([shape[axis] for axis in kept])
    operator = Operator("reduction", "", "", 0, (value(shape),), (output,), Reduction("mean", axes))
    cells = np.arange(120).reshape(shape).transpose(*kept, *axes).reshape(output.size, -1)
    events: list[Event] = []
    for number, row in enumerate(cells):
        events += [("r", int(cell)) for cell in row]
        events.append(("w", number))
    assert emit(operator, Options()).overlap == smallest(events, 120, output.size)


SHAPE = (2, 4, 3)


@pytest.mark.parametrize("axes", [(0, 2, 1), (1, 0, 2), (2, 1, 0), (0, 1, 2)])
def test_transpose(axes: tuple[int, ...]) -> None:
    cells = np.arange(24).reshape(SHAPE).transpose(axes)
    run = 24 if axes == (0, 1, 2) else 3 if axes[2] == 2 else 1
    moved(Operator("transpose", "", "", 0, (value(SHAPE),), (), Transpose(axes)), cells, run)


@pytest.mark.parametrize(
    ("begin", "strides", "end", "run"),
    [
        ((0, 1, 0), (1, 1, 1), (2, 3, 3), 6),
        ((1, 0, 0), (1, 1, 1), (2, 4, 3), 12),
        ((0, 3, 0), (1, -2, 1), (2, 0, 3), 3),
        ((0, 0, 2), (1, 1, -1), (2, 4, 0), 1),
        ((0, 0, 0), (1, 1, 2), (2, 4, 3), 1),
    ],
)
def test_slice(begin: Any, strides: Any, end: Any, run: int) -> None:
    cells = np.arange(24).reshape(SHAPE)[
        tuple(slice(*part) for part in zip(begin, end, strides, strict=True))
    ]
    attributes = StridedSlice(begin, strides)
    moved(Operator("strided_slice", "", "", 0, (value(SHAPE),), (), attributes), cells, run)


def moved(operator: Operator, cells: Any, run: int) -> None:
    whole = Operator(
        operator.kind, "", "", 0, operator.inputs, (value(cells.shape),), operator.attributes
    )
    flat = [int(cell) for cell in cells.reshape(-1)]
    if run > 1:
        events: list[Event] = [("m", flat[i], i, run) for i in range(0, len(flat), run)]
    else:
        events = [event for i, cell in enumerate(flat) for event in (("r", cell), ("w", i))]
    assert emit(whole, Options()).overlap == smallest(events, 24, len(flat))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_concatenation(axis: int) -> None:
    """Of the first input: what is copied later may be written over it."""
    shape = [2, 4, 3]
    shape[axis] *= 2
    inputs = (value(SHAPE), value(SHAPE))
    operator = Operator("concatenation", "", "", 0, inputs, (value(shape),), Concatenation(axis))
    run = int(np.prod(SHAPE[axis:]))
    events: list[Event] = [("m", i, 2 * i, run) for i in range(0, 24, run)]
    emitted = emit(operator, Options())
    assert emitted.overlap == smallest(events, 24, 48)
    assert emitted.overlap_second is None


@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize(
    ("rows", "columns"), [((0, 0, 1, 1, 2, 2), (0, 0, 1, 1)), ((0, 2), (1,)), ((1,), (0, 1, 1))]
)
def test_resize(batches: int, rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
    shape = (batches, 3, 2, 2)
    output = value((batches, len(rows), len(columns), 2))
    operator = Operator(
        "resize_nearest", "", "", 0, (value(shape),), (output,), Resize(rows, columns)
    )
    sources = [b * 6 + y * 2 + x for b in range(batches) for y in rows for x in columns]
    events: list[Event] = [("m", pixel * 2, i * 2, 2) for i, pixel in enumerate(sources)]
    assert emit(operator, Options()).overlap == smallest(events, value(shape).size, output.size)


def test_padding_by_copy_shares_nothing() -> None:
    """It fills all of its output before it reads."""
    attributes = Pad((1, 0, 0), (0, 0, 1), 3)
    operator = Operator("pad", "", "", 0, (value(SHAPE),), (value((3, 4, 4)),), attributes)
    assert emit(operator, Options()).overlap is None
