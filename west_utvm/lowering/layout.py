# SPDX-License-Identifier: Apache-2.0
"""Transpositions left out: a program whose values lie in whatever order costs nothing.

A model that was made for NCHW has a transposition before and behind each operator on images. Here
none of them is computed where it stands. A value is instead kept as it lies, with what order its
axes have there, until an operator wants it in another: then, if at all, it is transposed. So
transpositions that meet cancel each other, and what works on elements alone takes any order. A
fully connected layer takes its weights in the order of its input.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from west_utvm.lowering.program import (
    Attributes,
    Concatenation,
    Operator,
    Pad,
    Program,
    Reduction,
    Reshape,
    StridedSlice,
    Transpose,
    Value,
)

Axes = tuple[int, ...]


@dataclass(frozen=True)
class _Lying:
    """How a value of the program lies: axis i of ``value`` is axis ``axes[i]`` of ``shape``, and
    the program sees that reshaped to ``seen``."""

    value: Value
    shape: tuple[int, ...]
    axes: Axes
    seen: tuple[int, ...]

    @property
    def whole(self) -> bool:
        return self.shape == self.seen

    @property
    def turned(self) -> bool:
        """Whole, and in another order than the program says."""
        return self.whole and self.axes != _straight(self.shape)


def without_transpositions(program: Program) -> Program:
    layout = _Layout(program)
    for operator in program.operators:
        _RULES.get(operator.kind, _plain)(layout, operator)
    outputs: list[Value] = []
    for value in program.outputs:
        outputs.append(layout.output(value, outputs))
    return replace(program, operators=tuple(layout.operators), outputs=tuple(outputs))


class _Layout:
    """The new program as far as it is written, and where the old one's values are in it."""

    def __init__(self, program: Program) -> None:
        self.operators: list[Operator] = []
        self._inputs = set(map(id, program.inputs))
        self._lying: dict[int, tuple[Value, _Lying]] = {}
        self._made: dict[tuple[int, Axes], Value] = {}

    def of(self, value: Value) -> _Lying:
        """Inputs and constants lie as the program says."""
        if id(value) not in self._lying:
            self.keep(value, value, _straight(value.shape))
        return self._lying[id(value)][1]

    def keep(
        self, value: Value, there: Value, axes: Axes, shape: tuple[int, ...] | None = None
    ) -> None:
        """``value`` is ``there``, whose axes are these of ``shape``: its own, if none is given."""
        base = value.shape if shape is None else shape
        self._lying[id(value)] = (value, _Lying(there, base, axes, value.shape))

    def want(self, value: Value, axes: Axes, reader: Operator | None = None) -> Value:
        """The value with its axes in this order, by as little as that takes."""
        key = (id(value), axes)
        if key not in self._made:
            self._made[key] = self._ordered(value, self.of(value), axes, reader)
        return self._made[key]

    def straight(self, value: Value, reader: Operator | None = None) -> Value:
        return self.want(value, _straight(value.shape), reader)

    def _ordered(self, value: Value, lying: _Lying, axes: Axes, reader: Operator | None) -> Value:
        if lying.whole:
            order = tuple(lying.axes.index(axis) for axis in axes)
            return self._moved(lying.value, order, value.name, reader)
        base = self._moved(lying.value, _inverse(lying.axes), value.name, reader)
        return self._moved(self._shaped(base, value, reader), axes, value.name, reader)

    def _moved(self, there: Value, order: Axes, name: str, reader: Operator | None) -> Value:
        """Axis i of the result is axis ``order[i]``; where that moves nothing it is a reshape."""
        if order == _straight(there.shape):
            return there
        shape = _by(there.shape, order)
        if there.data is not None:
            data = np.ascontiguousarray(there.data.transpose(order))
            return replace(there, shape=shape, data=data)
        long = [axis for axis in order if there.shape[axis] != 1]
        attributes: Attributes = Reshape() if long == sorted(long) else Transpose(order)
        return self._helper(attributes, there, replace(there, name=name, shape=shape), reader)

    def _shaped(self, there: Value, like: Value, reader: Operator | None) -> Value:
        """In the shape of another value."""
        if there.shape == like.shape:
            return there
        if there.data is not None:
            return replace(there, shape=like.shape, data=there.data.reshape(like.shape))
        return self._helper(Reshape(), there, replace(like, data=None), reader)

    def shaped(self, there: Value, like: Value, reader: Operator) -> Value:
        return self._shaped(there, like, reader)

    def _helper(
        self, attributes: Attributes, source: Value, target: Value, reader: Operator | None
    ) -> Value:
        kind = "reshape" if isinstance(attributes, Reshape) else "transpose"
        origin = "output" if reader is None else reader.source
        self.operators.append(
            Operator(kind, target.name, origin, -1, (source,), (target,), attributes)
        )
        return target

    def write(self, operator: Operator, inputs: Sequence[Value], axes: Axes | None = None) -> None:
        """An operator whose result lies by ``axes``, or as the program says."""
        [output] = operator.outputs
        order = _straight(output.shape) if axes is None else axes
        there = output
        if order != _straight(output.shape):
            there = replace(output, shape=_by(output.shape, order))
        self.operators.append(replace(operator, inputs=tuple(inputs), outputs=(there,)))
        self.keep(output, there, order)

    def output(self, value: Value, others: Sequence[Value]) -> Value:
        """The value in the program's order, and in a buffer that is nothing else's."""
        found = self.straight(value)
        taken = id(found) in self._inputs or any(found is other for other in others)
        if found.name == value.name and not taken:
            return found
        self._helper(Reshape(), found, value, None)
        return value


def _plain(layout: _Layout, operator: Operator) -> None:
    layout.write(operator, [layout.straight(value, operator) for value in operator.inputs])


def _transpose(layout: _Layout, operator: Operator) -> None:
    assert isinstance(operator.attributes, Transpose)
    [source], [output] = operator.inputs, operator.outputs
    back = _inverse(operator.attributes.axes)
    lying = layout.of(source)
    if lying.whole:
        layout.keep(output, lying.value, tuple(back[axis] for axis in lying.axes))
    else:
        layout.keep(output, layout.straight(source, operator), back)


def _reshape(layout: _Layout, operator: Operator) -> None:
    lying = layout.of(operator.inputs[0])
    layout.keep(operator.outputs[0], lying.value, lying.axes, lying.shape)


def _unary(layout: _Layout, operator: Operator) -> None:
    """Element by element, in whatever order."""
    [source], [output] = operator.inputs, operator.outputs
    lying = layout.of(source)
    there = output
    if lying.turned or not lying.whole:
        there = replace(output, shape=lying.value.shape)
    written = replace(operator, inputs=(lying.value,), outputs=(there,))
    layout.operators.append(written)
    layout.keep(output, there, lying.axes, lying.shape)


def _elementwise(layout: _Layout, operator: Operator) -> None:
    """In the order of the first input that decides one."""
    [output] = operator.outputs
    rank = len(output.shape)
    inputs = [_padded(layout, value, rank, operator) for value in operator.inputs]
    lyings = [layout.of(value) for value in inputs if value.shape == output.shape]
    axes = next((lying.axes for lying in lyings if lying.turned), _straight(output.shape))
    layout.write(operator, [layout.want(value, axes, operator) for value in inputs], axes)


def _padded(layout: _Layout, value: Value, rank: int, operator: Operator) -> Value:
    """With dimensions of 1 in front: so it broadcasts."""
    if len(value.shape) == rank:
        return value
    shape = (1,) * (rank - len(value.shape)) + value.shape
    like = replace(value, shape=shape, data=None)
    padded = layout.shaped(layout.straight(value, operator), like, operator)
    layout.keep(padded, padded, _straight(shape))
    return padded


def _concatenation(layout: _Layout, operator: Operator) -> None:
    assert isinstance(operator.attributes, Concatenation)
    lyings = [layout.of(value) for value in operator.inputs]
    straight = _straight(operator.outputs[0].shape)
    axes = next((lying.axes for lying in lyings if lying.turned), straight)
    inputs = [layout.want(value, axes, operator) for value in operator.inputs]
    attributes = Concatenation(axes.index(operator.attributes.axis))
    layout.write(replace(operator, attributes=attributes), inputs, axes)


def _by_axis(layout: _Layout, operator: Operator) -> None:
    """Pads and slices: their figures are by axis."""
    [source] = operator.inputs
    lying, given = layout.of(source), operator.attributes
    if not lying.turned:
        _plain(layout, operator)
        return
    axes = lying.axes
    attributes: Attributes
    if isinstance(given, Pad):
        attributes = Pad(_by(given.before, axes), _by(given.after, axes), given.value)
    else:
        assert isinstance(given, StridedSlice)
        attributes = StridedSlice(_by(given.begin, axes), _by(given.strides, axes))
    layout.write(replace(operator, attributes=attributes), [lying.value], axes)


def _reduction(layout: _Layout, operator: Operator) -> None:
    assert isinstance(operator.attributes, Reduction)
    [source], [output] = operator.inputs, operator.outputs
    lying, reduced = layout.of(source), operator.attributes.axes
    kept = [axis for axis in lying.axes if axis not in reduced]
    whole = len(output.shape) == len(source.shape)
    if not lying.turned or not (whole or len(output.shape) == len(kept)):
        _plain(layout, operator)
        return
    axes = lying.axes if whole else tuple(sorted(kept).index(axis) for axis in kept)
    there = tuple(sorted(lying.axes.index(axis) for axis in reduced))
    attributes = replace(operator.attributes, axes=there)
    layout.write(replace(operator, attributes=attributes), [lying.value], axes)


def _softmax(layout: _Layout, operator: Operator) -> None:
    """Rows may be in any order."""
    lying = layout.of(operator.inputs[0])
    if lying.turned and lying.axes[-1] == len(lying.axes) - 1:
        layout.write(operator, [lying.value], lying.axes)
    else:
        _plain(layout, operator)


def _fully_connected(layout: _Layout, operator: Operator) -> None:
    """Columns of the weights in the order that a row of the input lies in."""
    source, weights, bias = operator.inputs
    lying = layout.of(source)
    features = weights.shape[1]
    rows = source.elements // features
    for first in range(len(lying.shape) + 1):
        if math.prod(lying.shape[:first]) == rows and lying.axes[:first] == _straight(
            lying.shape[:first]
        ):
            order = np.arange(features).reshape(lying.shape[first:])
            columns = order.transpose([axis - first for axis in lying.axes[first:]]).reshape(-1)
            assert weights.data is not None
            data = np.ascontiguousarray(weights.data[:, columns])
            there = layout.shaped(lying.value, replace(source, data=None), operator)
            layout.write(operator, [there, replace(weights, data=data), bias])
            return
    _plain(layout, operator)


_RULES: Mapping[str, Callable[[_Layout, Operator], None]] = {
    "add": _elementwise,
    "concatenation": _concatenation,
    "fully_connected": _fully_connected,
    "mul": _elementwise,
    "pad": _by_axis,
    "quantize": _unary,
    "reduction": _reduction,
    "reshape": _reshape,
    "softmax": _softmax,
    "strided_slice": _by_axis,
    "sub": _elementwise,
    "transpose": _transpose,
    "unary": _unary,
}


def _straight(shape: Sequence[int]) -> Axes:
    return tuple(range(len(shape)))


def _inverse(axes: Axes) -> Axes:
    return tuple(axes.index(axis) for axis in range(len(axes)))


def _by(figures: Sequence[int], axes: Axes) -> tuple[int, ...]:
    return tuple(figures[axis] for axis in axes)
