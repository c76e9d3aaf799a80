# SPDX-License-Identifier: Apache-2.0
"""Channels that need not be computed: a rewrite of a program that changes no bit of its outputs.

Training often leaves channels whose weights are all zero, or so small that every input gives the
same result. What reads such a channel reads a constant, which goes into its own bias. A depthwise
convolution, a pooling or a reshape passes the channel on, so that values which these connect lose
it together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from west_utvm.kernels import packing
from west_utvm.lowering.program import (
    Array,
    Convolution,
    Operator,
    Pooling,
    Program,
    Value,
)
from west_utvm.planning.readers import readers

# What kernels take at a time: as many channels as make whole ones are kept.
_KEPT = 4
# One removal may make others possible.
_ROUNDS = 4
_MIXING = ("conv2d", "fully_connected")


def fold_channels(program: Program, emit: object) -> Program:
    """Without channels that are constant, or that nobody needs."""
    for _ in range(_ROUNDS):
        smaller = _Analysis(program).without()
        if smaller is program:
            break
        program = smaller
    return program


@dataclass(frozen=True)
class _Group:
    """Values whose channels come and go together, by their ids, and which channels stay."""

    values: tuple[Value, ...]
    kept: Array


class _Analysis:
    """``constants`` are by the id of a value: for each channel its only value, or None."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.constants: dict[int, list[int | None]] = {}
        self.readers = readers(program)
        for operator in program.operators:
            self.constants[id(operator.outputs[0])] = self._results(operator)

    def without(self) -> Program:
        """The program without channels that can go; the same one if none can."""
        kept = {
            id(value): group.kept
            for group in self._groups()
            if not group.kept.all()
            for value in group.values
        }
        try:
            return _smaller(self.program, kept, self.constants) if kept else self.program
        except OverflowError:
            return self.program

    def _of(self, value: Value) -> list[int | None]:
        return self.constants.get(id(value)) or [None] * (value.shape[-1] if value.shape else 1)

    def _results(self, operator: Operator) -> list[int | None]:
        known = self._of(operator.inputs[0])
        if operator.kind in ("conv2d", "fully_connected", "depthwise_conv2d"):
            return _weighted_results(operator, known, self.program)
        if _passes_on(operator):
            return [_clamped(operator, constant) for constant in known]
        return [None] * (operator.outputs[0].shape[-1] if operator.outputs[0].shape else 1)

    def _groups(self) -> Iterator[_Group]:
        """One for each convolution that mixes channels: its result, and what passes that on."""
        outputs = set(map(id, self.program.outputs))
        for operator in self.program.operators:
            if operator.kind not in _MIXING:
                continue
            values = list(self._connected(operator.outputs[0]))
            if outputs.isdisjoint(map(id, values)):
                yield _Group(tuple(values), self._kept(values))

    def _connected(self, value: Value) -> Iterator[Value]:
        yield value
        for reader in self.readers[id(value)]:
            if _passes_on(reader):
                yield from self._connected(reader.outputs[0])

    def _kept(self, values: Sequence[Value]) -> Array:
        """Of the channels of connected values, those that somebody needs; some more for kernels."""
        needed = np.zeros(values[0].shape[-1], bool)
        for value in values:
            for reader in self.readers[id(value)]:
                if not _passes_on(reader):
                    needed |= _needed(reader, value, self._of(value))
        spare = np.flatnonzero(~needed)
        more = max(-np.count_nonzero(needed) % _KEPT, 0 if needed.any() else _KEPT)
        needed[spare[:more]] = True
        return needed


def _passes_on(operator: Operator) -> bool:
    """Whether channel i of the result depends on channel i of the input alone."""
    source, output = operator.inputs[0], operator.outputs[0]
    if operator.kind == "reshape":
        return source.shape[-1:] == output.shape[-1:]
    same = source.shape[-1:] == output.shape[-1:]
    return same and operator.kind in ("depthwise_conv2d", "average_pool2d", "max_pool2d")


def _clamped(operator: Operator, constant: int | None) -> int | None:
    """Of a pooling or a reshape. A pooling of ONNX may have another quantization than its input:
    what its kernel makes of a constant is not known here."""
    attributes = operator.attributes
    if constant is None or not isinstance(attributes, Pooling):
        return constant
    source, output = operator.inputs[0], operator.outputs[0]
    if (source.scales, source.zero_point) != (output.scales, output.zero_point):
        return None
    return max(attributes.clamp.low, min(constant, attributes.clamp.high))


def _needed(reader: Operator, value: Value, known: Sequence[int | None]) -> Array:
    """Which channels of a value must be there for an operator that mixes them."""
    if reader.kind not in _MIXING or reader.inputs[0] is not value:
        return np.ones(len(known), bool)
    weights = reader.inputs[1].data
    assert weights is not None
    if weights.shape[-1] != len(known):
        return np.ones(len(known), bool)
    used = weights.reshape(-1, weights.shape[-1]).any(axis=0)
    return used & np.array([not _foldable(reader, constant) for constant in known])


def _foldable(reader: Operator, constant: int | None) -> bool:
    """Whether every window sees a channel as the same: borders are of the zero point."""
    if constant is None:
        return False
    attributes = reader.attributes
    padded = isinstance(attributes, Convolution) and any(attributes.padding)
    return not padded or constant == reader.inputs[0].zero_point


def _weighted_results(
    operator: Operator, known: Sequence[int | None], program: Program
) -> list[int | None]:
    """The result of each channel that has but one, given those of the input: sums are between two
    bounds, and requantization is monotonic."""
    source, weights, bias = operator.inputs
    assert weights.data is not None and bias.data is not None
    low = np.array([-128 if not _foldable(operator, c) else c for c in known], np.int64)
    high = np.array([127 if not _foldable(operator, c) else c for c in known], np.int64)
    low, high = low - source.zero_point, high - source.zero_point
    if operator.kind == "depthwise_conv2d":
        if weights.data.shape[-1] != len(known):
            return [None] * weights.data.shape[-1]
        by_channel = weights.data.astype(np.int64).reshape(-1, len(known)).T[:, :, None]
        low, high = low[:, None, None], high[:, None, None]
    else:
        if weights.data.shape[-1] != len(known):
            return [None] * len(weights.data)
        by_channel = weights.data.astype(np.int64).reshape(len(weights.data), -1, len(known))
    below, above = by_channel * low, by_channel * high
    biases = bias.data.astype(np.int64)
    least = np.minimum(below, above).sum(axis=(1, 2)) + biases
    most = np.maximum(below, above).sum(axis=(1, 2)) + biases
    return packing.only_results(operator, program.rounding, least, most)


def _smaller(
    program: Program, kept: Mapping[int, Array], constants: Mapping[int, list[int | None]]
) -> Program:
    """With only the kept channels of the values in ``kept``."""
    values: dict[int, Value] = {}
    operators = []
    for operator in program.operators:
        source, output = operator.inputs[0], operator.outputs[0]
        inputs: tuple[Value, ...] = operator.inputs
        if operator.kind in (*_MIXING, "depthwise_conv2d"):
            known = constants.get(id(source), [])
            inputs = (source, *_fewer_weights(operator, kept, known))
        inputs = tuple(values.get(id(value), value) for value in inputs)
        if id(output) in kept:
            count = int(np.count_nonzero(kept[id(output)]))
            values[id(output)] = replace(output, shape=(*output.shape[:-1], count))
        outputs = tuple(values.get(id(value), value) for value in operator.outputs)
        operators.append(replace(operator, inputs=inputs, outputs=outputs))
    return replace(program, operators=tuple(operators))


def _fewer_weights(
    operator: Operator, kept: Mapping[int, Array], known: Sequence[int | None]
) -> tuple[Value, Value]:
    """Weights and bias, with what is constant of the input in the latter."""
    source, weights, bias = operator.inputs
    assert weights.data is not None and bias.data is not None
    data, biases = weights.data, bias.data.astype(np.int64)
    inner = kept.get(id(source))
    if inner is not None and operator.kind != "depthwise_conv2d":
        values = [0 if c is None else c - source.zero_point for c in known]
        gone = np.where(inner, 0, np.array(values, np.int64))
        biases = biases + (data.astype(np.int64) * gone).reshape(len(data), -1).sum(axis=1)
        data = data[..., inner]
    outer = kept.get(id(operator.outputs[0]))
    scales = weights.scales
    if outer is not None:
        data = data[..., outer] if operator.kind == "depthwise_conv2d" else data[outer]
        biases = biases[outer]
        if len(scales) > 1:
            scales = tuple(np.array(scales)[outer].tolist())
    smaller = replace(weights, shape=data.shape, data=data, scales=scales)
    return smaller, _bias(bias, biases, outer)


def _bias(bias: Value, data: Array, outer: Array | None) -> Value:
    limits = np.iinfo(np.int32)
    if data.size and not limits.min <= data.min() <= data.max() <= limits.max:
        raise OverflowError(bias.name)
    scales = bias.scales
    if outer is not None and len(scales) > 1:
        scales = tuple(np.array(scales)[outer].tolist())
    return replace(bias, shape=data.shape, data=data.astype(np.int32), scales=scales)
