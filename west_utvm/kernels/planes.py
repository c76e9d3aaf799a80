# SPDX-License-Identifier: Apache-2.0
"""Depthwise convolutions of any window, and others of one input channel, for CPUs with Arm's DSP
extension (``c/depthwise_planes.h``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from west_utvm.kernels import overlap, packed, packing
from west_utvm.kernels.emitted import Emitted, Field
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import Array, Convolution, Operator

_WORD = 4
# Of c/depthwise_planes.h: channels at a time, words of a tap, twos of windows that are computed
# together, and columns that strides may take apart.
_CHANNELS = 4
_TAP_WORDS = 3
_TWOS = 3
_PHASES = 4
# Bytes of other tensors that a model has at least, so that it is not scratch that matters most.
_LEAST = 2048


@dataclass(frozen=True)
class Axis:
    """``struct utvm_planes_axis``; dilation is that of the window."""

    in_size: int
    in_step: int
    size: int
    step: int
    window: int
    stride: int
    before: int
    dilation: int

    def fields(self) -> Mapping[str, Field]:
        names = ("in_size", "in_step", "size", "step", "window", "stride", "before")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Plan:
    """How the kernel goes through an image. ``turned``: whether its rows are the image's columns;
    ``down``: whether windows that are computed together
    are those of one column; ``band``: rows of results from one copy of the input."""

    row: Axis
    column: Axis
    channels: int
    copies: int
    turned: bool
    down: bool
    band: int

    @property
    def tap_pairs(self) -> int:
        """Of a column of the window, which two windows see."""
        return (self.row.window + self.row.stride + 1) // 2

    @property
    def taps(self) -> int:
        return self.tap_pairs * self.column.window

    @property
    def pairs(self) -> int:
        """Of rows of a plane: all that is read, with weights of 0, too."""
        return (self._twos(self.band) - 1) * self.row.stride + self.tap_pairs

    def _twos(self, rows: int) -> int:
        """Windows below each other."""
        return -(-rows // 2)

    @cached_property
    def places(self) -> int:
        """Columns of a phase."""
        last = (self.column.size - 1) * self.column.stride
        last += (self.column.window - 1) * self.column.dilation
        return last // self.column.stride + 1

    @cached_property
    def phases(self) -> int:
        taps = range(self.column.window)
        return max(i * self.column.dilation % self.column.stride for i in taps) + 1

    @property
    def plane(self) -> int:
        return self.pairs * self.phases * self.places

    @property
    def planes(self) -> int:
        return min(self.channels, _CHANNELS)

    @property
    def scratch(self) -> int:
        """Bytes: taps, planes, and what windows beyond the last plane read."""
        return _WORD * (_TAP_WORDS * self.taps + self.planes * self.plane + _TWOS - 1)

    def within(self) -> Iterator[tuple[int, int, int]]:
        """For each phase how many of its columns are in the image, the first of these, and its
        place."""
        stride, before = self.column.stride, self.column.before
        for phase in range(self.phases):
            place = max(-(-(before - phase) // stride), 0)
            first = place * stride + phase - before
            count = min(-(-(self.column.in_size - first) // stride), self.places - place)
            yield max(count, 0), first, place

    def layout(self) -> Mapping[str, Field]:
        pair, place = (1, self.pairs) if self.down else (self.phases * self.places, 1)
        phase = self.places * place
        within = [*self.within(), *[(0, 0, 0)] * (_PHASES - self.phases)]
        steps = [
            (count, first, at * place + i * phase) for i, (count, first, at) in enumerate(within)
        ]
        return {
            "plane": self.plane,
            "pair_step": pair,
            "phase_step": phase,
            "place_step": place,
            "phases": self.phases,
            "count": tuple(count for count, _, _ in steps),
            "first": tuple(first for _, first, _ in steps),
            "place": tuple(at for _, _, at in steps),
        }

    def cost(self) -> float:
        """Instructions for an input channel of an image, counted in the kernel's loops."""
        bands = -(-self.row.size // self.band)
        copied = 0.0
        for count, _, _ in self.within():
            column = 22 / self.planes if self.channels >= _CHANNELS else 9
            copied += self.pairs * (30 / self.planes + count * column)
        twos = self._twos(self.band)
        along, across = (twos, self.column.size) if self.down else (self.column.size, twos)
        computed = across * (10 + -(-along // _TWOS) * (self.taps * 9.5 + 65))
        return bands * (
            copied + self.copies * (computed + 80 + self.column.window * 12 + 9 * self.taps)
        )


def single_channel(operator: Operator, options: Options) -> Emitted | None:
    """A convolution of one input channel, where that takes less than the copies of ``packed``."""
    data, weights, bias = operator.inputs
    if data.shape[3] != 1 or weights.data is None:
        return None
    turned = weights.data[..., 0].transpose(1, 2, 0)
    weights = replace(weights, shape=turned.shape, data=turned)
    depthwise = replace(operator, kind="depthwise_conv2d", inputs=(data, weights, bias))
    plan, other = _best(depthwise), packed.conv2d(operator, options)
    if plan is None or other is None:
        return None
    packed_price = _price(operator, _cost_of_packed(operator), other.scratch)
    if _price(operator, plan.cost(), plan.scratch) > packed_price:
        return None
    return _emitted(depthwise, plan, options, "conv2d, dsp, one channel")


def depthwise_conv2d(operator: Operator, options: Options) -> Emitted | None:
    """Windows that move by one or two along one of the axes, with its taps next to each other, and
    by up to four along the other."""
    plan = _best(operator)
    if plan is None or plan.cost() > _cost_of_taps(plan):
        return None
    return _emitted(operator, plan, options, "depthwise_conv2d, dsp")


def _best(operator: Operator) -> Plan | None:
    return min(
        _plans(operator),
        key=lambda plan: _price(operator, plan.cost(), plan.scratch),
        default=None,
    )


def _emitted(operator: Operator, plan: Plan, options: Options, label: str) -> Emitted | None:
    channels = packing.channels(operator, options.rounding, axis=2)
    if channels is None:
        return None
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    height, width, _ = operator.inputs[1].shape
    number = _bands(operator, plan)
    kind = packed.kind(operator, options.rounding)
    return Emitted(
        headers=(
            *packing.HEADERS,
            *("plane.h", "depthwise_planes.h", "depthwise_planes_{rounding}.h"),
            f"depthwise_planes_{kind}.h",
        ),
        kernel=f"depthwise_planes_{kind}",
        struct="depthwise_planes",
        fields={
            "row": plan.row.fields(),
            "column": plan.column.fields(),
            "batches": operator.inputs[0].shape[0],
            "channels": plan.channels,
            "copies": plan.copies,
            "in_zero": operator.inputs[0].zero_point,
            "out_zero": operator.outputs[0].zero_point,
            "low": attributes.clamp.low,
            "high": attributes.clamp.high,
            "dilation": plan.column.dilation,
            "down": int(plan.down),
            "band": plan.band,
            "tap_pairs": plan.tap_pairs,
            **plan.layout(),
        },
        constants=_constants(operator, channels, plan),
        macs=operator.outputs[0].elements * height * width,
        scratch=plan.scratch,
        label=label,
        overlap=overlap.in_bands(operator, number, once=plan.channels <= _CHANNELS),
        overlap_aligned=overlap.of_channels(operator, number) if plan.copies == 1 else None,
    )


def _plans(operator: Operator) -> Iterator[Plan]:
    """All that the kernel takes."""
    rows, columns = _axes(operator)
    channels = operator.inputs[0].shape[3]
    copies = operator.outputs[0].shape[3] // channels
    for row, column, turned in ((rows, columns, False), (columns, rows, True)):
        if row.dilation > 1 or row.stride > 2 or column.stride > _PHASES:
            continue
        for down in (False, True) if row.stride == 1 else (False,):
            for band in range(2, row.size + 2, 2):
                yield Plan(row, column, channels, copies, turned, down, band)


def _price(operator: Operator, cost: float, scratch: int) -> float:
    """Instructions times bytes: more rows at a time are faster and take more scratch, which counts
    thrice, since nothing that is alive then may share it."""
    sizes = (operator.inputs[0].size, operator.outputs[0].size, _LEAST)
    return cost * (max(sizes) + 3 * scratch)


def _axes(operator: Operator) -> tuple[Axis, Axis]:
    """Of the image's rows and columns."""
    attributes = operator.attributes
    assert isinstance(attributes, Convolution)
    _, *sizes_in, depth = operator.inputs[0].shape
    _, *sizes, channels = operator.outputs[0].shape
    rows, columns = (
        Axis(
            sizes_in[i],
            depth * (sizes_in[1] if i == 0 else 1),
            sizes[i],
            channels * (sizes[1] if i == 0 else 1),
            operator.inputs[1].shape[i],
            attributes.strides[i] if sizes[i] > 1 else 1,
            attributes.padding[i],
            attributes.dilation[i] if operator.inputs[1].shape[i] > 1 else 1,
        )
        for i in (0, 1)
    )
    return rows, columns


def _bands(operator: Operator, plan: Plan) -> Array:
    """The band that computes each pixel of the output, int64 [pixels]."""
    batches, height, width, _ = operator.outputs[0].shape
    pixel = np.arange(height * width)
    row = pixel % width if plan.turned else pixel // width
    count = -(-plan.row.size // plan.band)
    batch = np.arange(batches)[:, None] * count
    number: Array = (batch + row // plan.band).reshape(-1)
    return number


def _cost_of_taps(plan: Plan) -> float:
    """Those of ``c/depthwise_taps.h`` and ``c/depthwise_copies.h``, which compute four channels at
    a time where there are as many."""
    taps = plan.row.window * plan.column.window
    if plan.channels * plan.copies < _CHANNELS:
        each = 13.0 * taps + 15
    else:
        each = 3.4 * taps + 24 if plan.copies == 1 else 5.6 * taps + 26
    pixels = plan.row.size * plan.column.size
    return pixels * (plan.copies * each + 10.0 * taps / plan.channels)


def _cost_of_packed(operator: Operator) -> float:
    """Those of ``c/conv2d_packed.h`` for an image of one channel."""
    count, height, width, _ = operator.inputs[1].shape
    taps = height * width
    copied = 60 + taps * (8 if width % 4 else 4)
    multiplied = (count + count % 2) * (0.71 * packing.padded(taps) + 10)
    return math.prod(operator.outputs[0].shape[1:3]) * (copied + multiplied)


def _constants(operator: Operator, channels: packing.Channels, plan: Plan) -> Mapping[str, Array]:
    """Weights channel by channel, of these column by column; a bias and a scale for each."""
    height, width, count = operator.inputs[1].shape
    weights = channels.weights.reshape(count, height, width)
    if plan.turned:
        weights = weights.transpose(0, 2, 1)
    ordered = weights.transpose(0, 2, 1).astype(np.int8)
    bias = channels.bias.astype(np.int32)[:, None]
    return {
        "weights": np.ascontiguousarray(ordered).reshape(-1),
        "channels": np.hstack([bias, channels.scale_of_each]).reshape(-1),
    }
