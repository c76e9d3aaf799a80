# SPDX-License-Identifier: Apache-2.0
"""How far a kernel's output may run over an input that nobody needs afterwards.

A kernel that goes through its input in order is done with the beginning of it while it writes the
beginning of its output, so that the two may share memory if the input starts some bytes after the
output ("diagonal memory optimisation", Blacker et al. 2020, arXiv:2010.01668). Every function here
gives these bytes, the figure of ``Emitted.overlap``: the most, over the kernel's steps, by which
the end of what is written when a step still has to read is ahead of the first byte of the input
that this step or a later one reads. It is negative, but not below minus the input's size, where
the output may even start after the input.

A step that reads all it needs before it writes anything is ahead by nothing; one that reads its
input again for each of C bytes that it writes is ahead by C - 1 at its last read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from west_utvm.kernels.nest import Axis, runs
from west_utvm.lowering.program import Array, Convolution, Operator, Pair, Pooling, Value

# Where a step reads nothing: a pixel beyond any input.
_NOTHING = 1 << 40


def of_steps(reads: Array, written: Array, size: int) -> int:
    """Of any kernel. ``reads`` int64 [steps] are the first byte that each step reads, ``written``
    int64 [steps] the end of what is written when it last reads; ``size`` is the input's."""
    ends = np.maximum.accumulate(written)
    needed = np.minimum.accumulate(reads[::-1])[::-1]
    return max(int((ends - needed).max(initial=-size, where=ends > 0)), -size)


def convolution(operator: Operator, *, ahead: int | None = None) -> int:
    """Of a kernel that computes output pixels in order, each from its whole window.

    ``ahead`` are the bytes of output, counted from the start of a pixel, that may be written
    when that pixel's window is read for the last time: one less than the channels by default,
    for a kernel that reads the window for every channel. A kernel that takes ``n`` pixels at a
    time, and for all of these ``k`` channels after ``k`` channels, is ahead by n * channels - k;
    one that copies windows into scratch before it writes any of their pixels, by 0.
    """
    channels = operator.outputs[0].shape[-1]
    reads = _corners(operator) * operator.inputs[0].shape[-1]
    ahead = channels - 1 if ahead is None else ahead
    written = np.arange(len(reads)) * channels + ahead
    size = operator.outputs[0].size
    return of_steps(reads, np.minimum(written, size - 1), operator.inputs[0].size)


def depthwise(operator: Operator, *, pixels: int = 1) -> int:
    """Of a depthwise convolution or pooling that reads, for each channel or block of channels,
    its own input channels alone. A channel of ``pixels`` neighbours is computed before the next
    channel of any of these, and before the next pixels."""
    inner, outer = operator.inputs[0].shape[-1], operator.outputs[0].shape[-1]
    channel = np.arange(outer)
    corners = _corners(operator)[:, None] * inner
    first = (np.arange(len(corners))[:, None] + pixels - 1) * outer
    written = np.minimum((first + channel).reshape(-1), operator.outputs[0].size - 1)
    reads = (corners + channel * inner // outer).reshape(-1)
    return of_steps(reads, written, operator.inputs[0].size)


def in_words(operator: Operator, word: int) -> int:
    """Of a pooling that computes ``word`` channels of a pixel after each other, or a multiple of
    these; the last may be some of those before, too."""
    channels = operator.outputs[0].shape[-1]
    done = np.arange(0, channels, word)
    corners = _corners(operator)[:, None] * channels
    written = np.arange(len(corners))[:, None] * channels + done
    reads = corners + np.minimum(done, channels - word)
    return of_steps(reads.reshape(-1), written.reshape(-1), operator.inputs[0].size)


def bands(operator: Operator, height: int) -> tuple[int, int]:
    """``of_channels`` for bands of ``height`` output rows."""
    batches, rows, width, _ = operator.outputs[0].shape
    row = np.arange(batches * rows)
    number = row // rows * rows + row % rows // height
    return of_channels(operator, np.repeat(number, width))


def of_channels(operator: Operator, number: Array) -> tuple[int, int]:
    """Of a depthwise convolution with as many channels out as in that reads, for a few channels
    at a time, all that a band of output pixels needs of these, and then writes the band.
    ``number`` is the band of each pixel, int64 [pixels]: they are computed in this order.

    It is the figure of ``Emitted.overlap_aligned``: where pixels of input and output lie one on
    the other, a channel is never written over another, so that each counts alone.
    """
    channels = operator.outputs[0].shape[-1]
    reads, written = _of_bands(operator, number)
    # What is written before a band's pixels are read: all pixels before the band.
    before = np.concatenate([[0], written[:-1]])
    distance = of_steps(reads, before, operator.inputs[0].size // channels)
    return distance * channels, channels


def in_bands(operator: Operator, number: Array, *, once: bool) -> int:
    """The same where they may lie anyhow, with any number of channels. ``once``: a band's pixels
    are read before any of its channels is written; else before the last of these."""
    reads, written = _of_bands(operator, number)
    source, output = operator.inputs[0], operator.outputs[0]
    written = np.concatenate([[0], written[:-1]]) if once else written
    return of_steps(reads * source.shape[-1], written * output.shape[-1], source.size)


def _of_bands(operator: Operator, number: Array) -> tuple[Array, Array]:
    """For each band the first pixel of the input that it needs, and the end of its pixels."""
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    reads = np.minimum.reduceat(_corners(operator)[order], starts)
    return reads, np.maximum.reduceat(order, starts) + 1


def rows(count: int, size_in: int, size_out: int, *, ahead: int | None = None) -> int:
    """Of a kernel that goes through rows of these bytes, such as a fully connected layer, and
    reads a row for every byte of its output, or is ``ahead`` as of a convolution's pixel."""
    row = np.arange(count)
    ahead = size_out - 1 if ahead is None else ahead
    written = np.minimum(row * size_out + ahead, count * size_out - 1)
    return of_steps(row * size_in, written, count * size_in)


def elementwise(operator: Operator, number: int = 0) -> int:
    """Of input ``number`` of a kernel that goes through its output in order, each element of it
    from one element of the input, which may be broadcast. Also of one that reads several
    neighbours before it writes theirs."""
    value, output = operator.inputs[number], operator.outputs[0]
    if (value.shape, value.size) == (output.shape, output.size):
        return 0
    shape = (1,) * (len(output.shape) - len(value.shape)) + value.shape
    elements = np.broadcast_to(np.arange(value.elements).reshape(shape), output.shape).reshape(-1)
    return _ordered(elements, value, output)


def gathered(axes: Sequence[Axis], value: Value) -> int:
    """Of a kernel that computes the elements that loops over ``axes`` go through, in their order,
    each from elements at ``step_in`` and after: a reduction."""
    reads, written = _indices(axes)
    return of_steps(reads, written, value.size)


def copied(axes: Sequence[Axis], value: Value, *, first_in: int = 0, first_out: int = 0) -> int:
    """Of ``nest.copy`` with these arguments. What one memcpy reads and writes stays apart."""
    loops, run = runs(axes)
    reads, written = _indices(loops)
    return of_steps(reads + first_in, written + first_out + (run if run > 1 else 0), value.size)


def resized(operator: Operator, rows: Sequence[int], columns: Sequence[int]) -> int:
    """Of a kernel that computes, in order, every pixel of its output from pixels of the input that
    are not before those of these rows and columns."""
    value = operator.inputs[0]
    batches, height, width, channels = value.shape
    batch = np.arange(batches)[:, None, None] * (height * width)
    pixels = batch + np.array(rows)[:, None] * width + np.array(columns)
    reads = pixels.reshape(-1) * channels
    # What a memcpy reads and writes stays apart, too.
    return of_steps(reads, (np.arange(len(reads)) + 1) * channels, value.size)


def _ordered(elements: Array, value: Value, output: Value) -> int:
    """Each element of the output from one of the input, in the output's order."""
    element = output.size // max(output.elements, 1)
    written = np.arange(len(elements)) * element
    return of_steps(elements * (value.size // max(value.elements, 1)), written, value.size)


def _indices(axes: Sequence[Axis]) -> tuple[Array, Array]:
    """What loops over ``axes`` read and write, int64 [turns of the innermost]."""
    reads = written = np.zeros(1, np.int64)
    for axis in axes:
        turns = np.arange(axis.size)
        reads = (reads[:, None] + turns * axis.step_in).reshape(-1)
        written = (written[:, None] + turns * axis.step_out).reshape(-1)
    return reads, written


@dataclass(frozen=True)
class _Side:
    """Windows along one axis of an image, in pixels."""

    size_in: int
    size_out: int
    window: int
    stride: int
    dilation: int
    before: int

    def first_taps(self) -> Array:
        """The first tap within the image of each window, int64 [size_out]."""
        origin = np.arange(self.size_out) * self.stride - self.before
        skipped = np.maximum(-(origin // self.dilation), 0)
        first = origin + skipped * self.dilation
        within = (skipped < self.window) & (first < self.size_in)
        return np.where(within, first, _NOTHING)


def _corners(operator: Operator) -> Array:
    """The first pixel of the input that each pixel of the output needs, int64 [pixels]."""
    batches, height, width, _ = operator.inputs[0].shape
    y, x = (side.first_taps() for side in _sides(operator))
    batch = np.arange(batches)[:, None, None] * (height * width)
    pixels = batch + y[:, None] * width + x
    outside = (y == _NOTHING)[:, None] | (x == _NOTHING)
    return np.where(outside, _NOTHING, pixels).reshape(-1)


def _sides(operator: Operator) -> tuple[_Side, _Side]:
    attributes = operator.attributes
    assert isinstance(attributes, Convolution | Pooling)
    source, output = operator.inputs[0].shape, operator.outputs[0].shape
    window, dilation = _window(operator)
    return tuple(  # type: ignore[return-value]
        _Side(
            source[1 + axis],
            output[1 + axis],
            window[axis],
            attributes.strides[axis],
            dilation[axis],
            attributes.padding[axis],
        )
        for axis in (0, 1)
    )


def _window(operator: Operator) -> tuple[Pair, Pair]:
    """Its size and its dilation."""
    attributes = operator.attributes
    if isinstance(attributes, Pooling):
        return attributes.window, (1, 1)
    assert isinstance(attributes, Convolution)
    shape = operator.inputs[1].shape
    height, width = shape[:2] if operator.kind == "depthwise_conv2d" else shape[1:3]
    return (height, width), attributes.dilation
