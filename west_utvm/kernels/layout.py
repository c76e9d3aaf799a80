# SPDX-License-Identifier: Apache-2.0
"""Operators that move elements and compute nothing."""

from __future__ import annotations

import math

import numpy as np

from west_utvm.kernels import overlap
from west_utvm.kernels.emitted import Emitted
from west_utvm.kernels.nest import Axis, copy, steps
from west_utvm.kernels.options import Options
from west_utvm.lowering.program import (
    Concatenation,
    Operator,
    Pad,
    Resize,
    StridedSlice,
    Transpose,
)

_HEADERS = ("base.h",)


def reshape(operator: Operator, options: Options) -> Emitted:
    """Only where the planner could not let input and output share their place."""
    body = f"\tmemcpy(output, input, {operator.outputs[0].size});\n"
    return Emitted(_HEADERS, body=body)


def concatenation(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Concatenation)
    shape = operator.outputs[0].shape
    rows = math.prod(shape[: attributes.axis])
    pitch = math.prod(shape[attributes.axis :])
    body, first = "", 0
    loops = [
        [Axis(rows, v.elements // rows, pitch), Axis(v.elements // rows, 1, 1)]
        for v in operator.inputs
    ]
    for number, value in enumerate(operator.inputs):
        body += copy(loops[number], first_out=first, source=input_name(operator, number))
        first += value.elements // rows
    # The first input is copied before any other: what comes later overwrites nothing that is read.
    return Emitted(_HEADERS, body=body, overlap=overlap.copied(loops[0], operator.inputs[0]))


def pad(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Pad)
    source, target = operator.inputs[0], operator.outputs[0]
    out_steps = steps(target.shape)
    axes = list(map(Axis, source.shape, steps(source.shape), out_steps))
    first = sum(map(int.__mul__, attributes.before, out_steps))
    body = f"\tmemset(output, {attributes.value}, {target.size});\n"
    return Emitted(_HEADERS, body=body + copy(axes, first_out=first, source="input"))


def transpose(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Transpose)
    source, target = operator.inputs[0], operator.outputs[0]
    in_steps = steps(source.shape)
    moved = [in_steps[axis] for axis in attributes.axes]
    axes = list(map(Axis, target.shape, moved, steps(target.shape)))
    shared = overlap.copied(axes, source)
    return Emitted(_HEADERS, body=copy(axes, source="input"), overlap=shared)


def strided_slice(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, StridedSlice)
    source, target = operator.inputs[0], operator.outputs[0]
    in_steps = steps(source.shape)
    taken = list(map(int.__mul__, in_steps, attributes.strides))
    axes = list(map(Axis, target.shape, taken, steps(target.shape)))
    first = sum(map(int.__mul__, in_steps, attributes.begin))
    body = copy(axes, first_in=first, source="input")
    return Emitted(_HEADERS, body=body, overlap=overlap.copied(axes, source, first_in=first))


def resize_nearest(operator: Operator, options: Options) -> Emitted:
    attributes = operator.attributes
    assert isinstance(attributes, Resize)
    batches, in_height, in_width, channels = operator.inputs[0].shape
    fields = {
        "batches": batches,
        "in_height": in_height,
        "in_width": in_width,
        "channels": channels,
        "height": len(attributes.rows),
        "width": len(attributes.columns),
    }
    constants = {
        "rows": np.array(attributes.rows, np.int32),
        "columns": np.array(attributes.columns, np.int32),
    }
    headers = (*_HEADERS, "resize_nearest.h")
    return Emitted(
        headers,
        "resize_nearest",
        "resize_nearest",
        fields,
        constants,
        overlap=overlap.resized(operator, attributes.rows, attributes.columns),
    )


def input_name(operator: Operator, number: int) -> str:
    """What the operator's function calls an input."""
    return "input" if len(operator.inputs) == 1 else f"input{number}"
