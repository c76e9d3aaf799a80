# SPDX-License-Identifier: Apache-2.0
"""Programs compute the same with their transpositions left out, and with fewer of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from west_utvm.lowering.layout import without_transpositions
from west_utvm.lowering.program import (
    Array,
    Attributes,
    Clamp,
    Concatenation,
    Elementwise,
    FullyConnected,
    Operator,
    Pad,
    Program,
    Reduction,
    Reshape,
    Softmax,
    StridedSlice,
    Transpose,
    Unary,
    Value,
)

# What operators compute is made up: anything that tells one order of elements from another.


def _pad(op: Operator, x: Array) -> Array:
    assert isinstance(op.attributes, Pad)
    widths = list(zip(op.attributes.before, op.attributes.after, strict=True))
    return np.pad(x, widths, constant_values=op.attributes.value)


def _slice(op: Operator, x: Array) -> Array:
    assert isinstance(op.attributes, StridedSlice)
    shape = op.outputs[0].shape
    taken = (
        slice(begin, begin + (size - 1) * step + 1, step)
        for begin, step, size in zip(op.attributes.begin, op.attributes.strides, shape, strict=True)
    )
    return np.asarray(x[tuple(taken)])


def _reduce(op: Operator, x: Array) -> Array:
    assert isinstance(op.attributes, Reduction)
    return np.asarray(x.sum(axis=op.attributes.axes), object).reshape(op.outputs[0].shape)


def _transpose(op: Operator, x: Array) -> Array:
    assert isinstance(op.attributes, Transpose)
    return x.transpose(op.attributes.axes)


def _concatenate(op: Operator, *given: Array) -> Array:
    assert isinstance(op.attributes, Concatenation)
    return np.concatenate(given, axis=op.attributes.axis)


_KINDS: Mapping[str, Callable[..., Array]] = {
    "add": lambda op, a, b: 3 * a + b,
    "concatenation": _concatenate,
    "fully_connected": lambda op, x, w, b: x.reshape(-1, w.shape[1]) @ w.T + b,
    "pad": _pad,
    "reduction": _reduce,
    "reshape": lambda op, x: x.reshape(op.outputs[0].shape),
    "softmax": lambda op, x: np.cumsum(x, axis=-1),
    "strided_slice": _slice,
    "transpose": _transpose,
    "unary": lambda op, x: x * x + 1,
}


def _run(program: Program, inputs: list[Array]) -> list[Array]:
    known = {id(v): data for v, data in zip(program.inputs, inputs, strict=True)}
    for op in program.operators:
        given = [known[id(v)] if v.data is None else v.data.astype(object) for v in op.inputs]
        for value, data in zip(op.inputs, given, strict=True):
            assert value.shape == data.shape, op
        [output] = op.outputs
        known[id(output)] = _KINDS[op.kind](op, *given)
        assert output.shape == known[id(output)].shape, op
    return [known[id(v)] for v in program.outputs]


class _Builder:
    """Programs at random, of operators that a model of images has."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        shape = tuple(int(n) for n in self.random.choice([1, 2, 3, 4], 4))
        self.inputs = [Value("x", shape, "int8", (1.0,))]
        self.values = [*self.inputs]
        self.operators: list[Operator] = []

    def add(self, kind: str, inputs: list[Value], shape: tuple[int, ...], at: Attributes) -> Value:
        number = len(self.operators)
        value = Value(f"v{number}", shape, "int8", (1.0,))
        self.operators.append(Operator(kind, value.name, kind, number, tuple(inputs), (value,), at))
        self.values.append(value)
        return value

    def step(self) -> None:
        kinds = ["transpose"] * 4 + ["reshape", "unary", "add", "concatenation", "pad"]
        kinds += ["strided_slice", "reduction", "softmax", "fully_connected"]
        kind = str(self.random.choice(kinds))
        source = self.values[int(self.random.integers(len(self.values)))]
        getattr(self, f"_{kind}")(source)

    def _transpose(self, x: Value) -> None:
        axes = tuple(int(a) for a in self.random.permutation(len(x.shape)))
        self.add("transpose", [x], tuple(x.shape[a] for a in axes), Transpose(axes))

    def _reshape(self, x: Value) -> None:
        first = int(self.random.integers(len(x.shape) + 1))
        shape = (*x.shape[:first], math.prod(x.shape[first:]))
        self.add("reshape", [x], shape, Reshape())

    def _unary(self, x: Value) -> None:
        self.add("unary", [x], x.shape, Unary("relu"))

    def _add(self, x: Value) -> None:
        alike = [v for v in self.values if v.shape == x.shape]
        other = alike[int(self.random.integers(len(alike)))]
        if self.random.integers(2):
            shape = tuple(1 if self.random.integers(2) else n for n in x.shape)
            shape = shape[int(self.random.integers(len(shape) + 1)) :]
            data = self.random.integers(-9, 9, shape)
            other = Value("c", shape, "int8", (1.0,), data=data)
        self.add("add", [x, other], x.shape, Elementwise(Clamp()))

    def _concatenation(self, x: Value) -> None:
        if not x.shape:
            return
        axis = int(self.random.integers(len(x.shape)))
        alike = [v for v in self.values if v.shape == x.shape]
        other = alike[int(self.random.integers(len(alike)))]
        shape = tuple(2 * n if i == axis else n for i, n in enumerate(x.shape))
        self.add("concatenation", [x, other], shape, Concatenation(axis))

    def _pad(self, x: Value) -> None:
        if not x.shape:
            return
        before, after = (
            tuple(int(n) for n in self.random.integers(0, 2, len(x.shape))) for _ in "ab"
        )
        shape = tuple(n + a + b for n, a, b in zip(x.shape, before, after, strict=True))
        self.add("pad", [x], shape, Pad(before, after, 7))

    def _strided_slice(self, x: Value) -> None:
        begin = tuple(int(self.random.integers(n)) for n in x.shape)
        steps = tuple(int(n) for n in self.random.integers(1, 3, len(x.shape)))
        shape = tuple(-(-(n - b) // s) for n, b, s in zip(x.shape, begin, steps, strict=True))
        self.add("strided_slice", [x], shape, StridedSlice(begin, steps))

    def _reduction(self, x: Value) -> None:
        axes = tuple(a for a in range(len(x.shape)) if self.random.integers(2))
        keep = bool(self.random.integers(2))
        shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape) if keep or a not in axes)
        self.add("reduction", [x], shape, Reduction("sum", axes))

    def _softmax(self, x: Value) -> None:
        if x.shape:
            self.add("softmax", [x], x.shape, Softmax(1.0))

    def _fully_connected(self, x: Value) -> None:
        if not x.shape:
            return
        weights = self.random.integers(-5, 6, (3, x.shape[-1]))
        inputs = [x, Value("w", weights.shape, "int8", (1.0,), data=weights)]
        inputs.append(Value("b", (3,), "int32", data=self.random.integers(-9, 9, 3)))
        rows = math.prod(x.shape[:-1])
        self.add("fully_connected", inputs, (rows, 3), FullyConnected(Clamp()))

    def program(self) -> Program:
        chosen = {int(i) for i in self.random.integers(1, len(self.values), 3)}
        outputs = tuple(self.values[i] for i in sorted(chosen))
        return Program(tuple(self.operators), tuple(self.inputs), outputs, "ort")


@pytest.mark.parametrize("seed", range(300))
def test_programs_at_random(seed: int) -> None:
    builder = _Builder(seed)
    while len(builder.operators) < 14:
        builder.step()
    program = builder.program()
    [shape] = [value.shape for value in program.inputs]
    # Figures grow without bounds: integers of Python.
    inputs = [np.arange(math.prod(shape)).reshape(shape).astype(object) - 5]
    new = without_transpositions(program)
    for got, want, value in zip(_run(new, inputs), _run(program, inputs), new.outputs, strict=True):
        assert value.shape == want.shape and (got == want).all()
    assert [v.name for v in new.outputs] == [v.name for v in program.outputs]
    assert len({id(v) for v in (*new.inputs, *new.outputs)}) == 1 + len(new.outputs)


def _kinds(program: Program) -> list[str]:
    return [op.kind for op in without_transpositions(program).operators]


def _chain(*steps: tuple[str, tuple[int, ...], Attributes]) -> Program:
    builder = _Builder(0)
    value = builder.inputs[0] = Value("x", (1, 3, 4, 5), "int8", (1.0,))
    for kind, shape, attributes in steps:
        value = builder.add(kind, [value], shape, attributes)
    return Program(tuple(builder.operators), tuple(builder.inputs), (value,), "ort")


def test_there_and_back_is_nothing() -> None:
    last, first = Transpose((0, 2, 3, 1)), Transpose((0, 3, 1, 2))
    program = _chain(
        ("transpose", (1, 4, 5, 3), last),
        ("unary", (1, 4, 5, 3), Unary("relu")),
        ("transpose", (1, 3, 4, 5), first),
    )
    assert _kinds(program) == ["unary", "reshape"]  # the reshape gives the output its name


def test_what_moves_no_element_is_a_reshape() -> None:
    program = _chain(
        ("strided_slice", (1, 1, 4, 5), StridedSlice((0, 1, 0, 0), (1, 1, 1, 1))),
        ("transpose", (1, 4, 5, 1), Transpose((0, 2, 3, 1))),
    )
    assert _kinds(program) == ["strided_slice", "reshape"]


def test_a_transposition_that_the_interface_asks_for_stays() -> None:
    program = _chain(("transpose", (1, 4, 5, 3), Transpose((0, 2, 3, 1))))
    assert _kinds(program) == ["transpose"]
