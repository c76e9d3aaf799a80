# SPDX-License-Identifier: Apache-2.0
"""A convolution in groups as a convolution for each group: every kernel takes that."""

from __future__ import annotations

from dataclasses import replace

from west_utvm.lowering.program import (
    Array,
    Concatenation,
    Convolution,
    Operator,
    StridedSlice,
    Value,
)


def ungrouped(operator: Operator) -> list[Operator]:
    """``operator``, or operators that compute the same: of each group's input channels, their
    convolution, and all results one behind the other.

    Weights of a convolution in G groups are [O, H, W, I / G]; the first O / G of them are for the
    first I / G channels of the input. Depthwise convolutions are another kind of operator.
    """
    if operator.kind != "conv2d":
        return [operator]
    data, weights, _ = operator.inputs
    groups = data.shape[3] // weights.shape[3]
    if groups == 1:
        return [operator]
    parts = [part for group in range(groups) for part in _group(operator, group, groups)]
    joined = replace(
        operator,
        kind="concatenation",
        inputs=tuple(part.outputs[0] for part in parts[1::2]),
        attributes=Concatenation(3),
    )
    return [*parts, joined]


def _group(operator: Operator, group: int, groups: int) -> tuple[Operator, Operator]:
    """The input's channels that the group reads, and their convolution."""
    data, weights, bias = operator.inputs
    assert isinstance(operator.attributes, Convolution)
    depth, channels = weights.shape[3], weights.shape[0] // groups
    first = group * channels
    part = _channels(data, f"{operator.name}:input{group}", depth)
    result = _channels(operator.outputs[0], f"{operator.name}:group{group}", channels)
    taken = replace(
        operator,
        kind="strided_slice",
        number=-1,
        inputs=(data,),
        outputs=(part,),
        attributes=StridedSlice((0, 0, 0, group * depth), (1, 1, 1, 1)),
    )
    own = tuple(_rows(value, first, channels) for value in (weights, bias))
    return taken, replace(operator, number=-1, inputs=(part, *own), outputs=(result,))


def _channels(value: Value, name: str, channels: int) -> Value:
    return replace(value, name=name, shape=(*value.shape[:3], channels))


def _rows(value: Value, first: int, count: int) -> Value:
    """Of weights or a bias, those of some output channels."""
    data: Array | None = value.data
    assert data is not None
    scales = value.scales[first : first + count] if len(value.scales) > 1 else value.scales
    rows = data[first : first + count]
    return replace(value, shape=rows.shape, scales=scales, data=rows)
