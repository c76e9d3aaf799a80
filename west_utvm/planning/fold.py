# SPDX-License-Identifier: Apache-2.0
"""Operators that need no loop of their own: rewrites of a program that change no bit of it.

Each looks at the kernels too, as these know what an operator comes to: a unary function that is
but a clamp, a transposition that moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import (
    Array,
    Clamp,
    Convolution,
    Elementwise,
    FullyConnected,
    Operator,
    Pad,
    Pooling,
    Program,
    Reshape,
    StridedSlice,
    Transpose,
    TransposedConvolution,
    Value,
)
from west_utvm.planning.channels import fold_channels
from west_utvm.planning.readers import readers

Emit = Callable[[Operator], Emitted]
Fold = Callable[[Program, Emit], Program]
_CLAMPED = (Convolution, TransposedConvolution, FullyConnected, Elementwise, Pooling)


def fold_pad(program: Program, emit: Emit) -> Program:
    """pad -> convolution becomes a convolution with more padding, where what is padded with is
    the input's zero point; and pad -> max_pool2d the same, where it is the lowest integer."""
    uses = readers(program)
    replaced: dict[int, Operator | None] = {}
    for operator in program.operators:
        consumers = uses[id(operator.outputs[0])]
        folded = [_padded(operator, consumer) for consumer in consumers]
        if folded and None not in folded and not _is_output(program, operator.outputs[0]):
            replaced[id(operator)] = None
            replaced |= {id(consumer): new for consumer, new in zip(consumers, folded, strict=True)}
    return _with(program, replaced)


def _padded(operator: Operator, consumer: Operator) -> Operator | None:
    """A consumer that takes the padding upon itself, or None if it cannot."""
    attributes, own = operator.attributes, consumer.attributes
    if not isinstance(attributes, Pad) or not isinstance(own, Convolution | Pooling):
        return None
    source = operator.inputs[0]
    is_image = len(source.shape) == 4 and source.data is None
    borders = (*attributes.before, *attributes.after)
    if not is_image or min(borders) < 0 or borders[0] + borders[3] + borders[4] + borders[7]:
        return None
    if not _same_quantization(source, operator.outputs[0]):
        return None
    if isinstance(own, Pooling):
        fits = consumer.kind == "max_pool2d" and attributes.value == -128
    else:
        fits = consumer.inputs[0] is operator.outputs[0] and attributes.value == source.zero_point
    added = (borders[1], borders[2], borders[5], borders[6])
    top, left, bottom, right = map(int.__add__, own.padding, added)
    height, width = _reach(consumer)
    if not fits or max(top, bottom) >= height or max(left, right) >= width:
        return None
    wider = replace(own, padding=(top, left, bottom, right))
    return replace(consumer, inputs=(source, *consumer.inputs[1:]), attributes=wider)


def _reach(operator: Operator) -> tuple[int, int]:
    """How many pixels of the input a window covers, from its first to its last."""
    if isinstance(operator.attributes, Pooling):
        return operator.attributes.window
    assert isinstance(operator.attributes, Convolution)
    shape = operator.inputs[1].shape
    window = shape[:2] if operator.kind == "depthwise_conv2d" else shape[1:3]
    rows, columns = (
        (size - 1) * step + 1
        for size, step in zip(window, operator.attributes.dilation, strict=True)
    )
    return rows, columns


def fold_activation(program: Program, emit: Emit) -> Program:
    """A unary function that only clamps becomes part of the operator before it."""
    uses = readers(program)
    writers = {id(value): op for op in program.operators for value in op.outputs}
    replaced: dict[int, Operator | None] = {}
    for operator in program.operators:
        producer = writers.get(id(operator.inputs[0]))
        if operator.kind != "unary" or producer is None:
            continue
        while id(producer) in replaced:  # It has taken on another activation already.
            producer = replaced[id(producer)]
            assert producer is not None
        if len(uses[id(operator.inputs[0])]) > 1 or _is_output(program, operator.inputs[0]):
            continue
        clamped = _clamped(producer, operator, emit)
        if clamped is not None:
            replaced |= {id(producer): clamped, id(operator): None}
            writers[id(operator.outputs[0])] = clamped
    return _with(program, replaced)


def _clamped(producer: Operator, operator: Operator, emit: Emit) -> Operator | None:
    own = producer.attributes
    clamp = _clamp_of(operator, emit)
    if clamp is None or not isinstance(own, _CLAMPED):
        return None
    low, high = max(own.clamp.low, clamp.low), min(own.clamp.high, clamp.high)
    if low > high or producer.outputs[0].dtype != "int8":
        return None
    return replace(
        producer,
        number=operator.number,
        outputs=operator.outputs,
        attributes=replace(own, clamp=Clamp(low, high)),
    )


def _clamp_of(operator: Operator, emit: Emit) -> Clamp | None:
    """What an operator comes to, if it gives each integer back but for those beyond a range."""
    if not _same_quantization(operator.inputs[0], operator.outputs[0]):
        return None
    table: Array | None = emit(operator).constants.get("table")
    if table is None or table.shape != (256,):
        return None
    low, high = int(table.min()), int(table.max())
    same = bool((table == np.clip(np.arange(-128, 128), low, high)).all())
    return Clamp(low, high) if same else None


def fold_copy(program: Program, emit: Emit) -> Program:
    """What gives its input back, element by element, becomes a reshape, which costs nothing."""
    replaced: dict[int, Operator | None] = {
        id(operator): replace(operator, kind="reshape", attributes=Reshape())
        for operator in program.operators
        if operator.inputs[0].data is None and _is_copy(operator, emit)
    }
    return _with(program, replaced)


def _is_copy(operator: Operator, emit: Emit) -> bool:
    source, output = operator.inputs[0], operator.outputs[0]
    attributes = operator.attributes
    if source.size != output.size or source.dtype != output.dtype:
        return False
    if isinstance(attributes, Transpose):
        moved = [axis for axis in attributes.axes if source.shape[axis] > 1]
        return moved == sorted(moved)
    if isinstance(attributes, StridedSlice):
        return all(step > 0 for step in attributes.strides)
    if isinstance(attributes, Pad):
        return not any((*attributes.before, *attributes.after))
    return operator.kind == "unary" and _clamp_of(operator, emit) == Clamp()


def _same_quantization(a: Value, b: Value) -> bool:
    return (a.dtype, a.scales, a.zero_point) == (b.dtype, b.scales, b.zero_point)


def _is_output(program: Program, value: Value) -> bool:
    return any(value is output for output in program.outputs)


def _with(program: Program, replaced: Mapping[int, Operator | None]) -> Program:
    """With some operators replaced, again and again, or left out; the program if it is none."""
    if not replaced:
        return program
    operators = []
    for operator in program.operators:
        new: Operator | None = operator
        while new is not None and id(new) in replaced:
            new = replaced[id(new)]
        if new is not None:
            operators.append(new)
    return replace(program, operators=tuple(operators))


# It saves time and flash, and memory by the way.
CHANNELS = "fold-channels"
FOLDS: Mapping[str, Fold] = {
    "fold-pad": fold_pad,
    "fold-activation": fold_activation,
    "fold-copy": fold_copy,
    CHANNELS: fold_channels,
}
