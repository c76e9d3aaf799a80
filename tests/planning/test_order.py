# SPDX-License-Identifier: Apache-2.0
"""Orders of operators: they can run, and on small graphs none takes less."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import pytest

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Attributes, Operator, Program, Reshape, Unary, Value
from west_utvm.planning.order import best_order
from west_utvm.planning.places import place_values


def some_program(chance: random.Random, count: int) -> tuple[Program, list[Emitted]]:
    """Operators of one or two inputs, any that came before; some of them reshapes."""
    values = [Value(f"in{i}", (chance.randint(1, 9) * 16,), "int8") for i in range(2)]
    inputs = tuple(values)
    operators, emitted = [], []
    for number in range(count):
        read = chance.sample(values, min(len(values), chance.randint(1, 2)))
        alias = chance.random() < 0.15
        shape = read[0].shape if alias else (chance.randint(1, 9) * 16,)
        output = Value(f"v{number}", shape, "int8")
        attributes: Attributes = Reshape() if alias else Unary("any")
        kind = "reshape" if alias else "unary"
        read = read[:1] if alias else read
        operators.append(Operator(kind, "", "", number, tuple(read), (output,), attributes))
        sharing = chance.choice([None, 0, 32]) if not alias else None
        emitted.append(Emitted((), scratch=chance.choice([0, 0, 48]), overlap=sharing))
        values.append(output)
    unread = [v for v in values[2:] if not any(v in op.inputs for op in operators)]
    return Program(tuple(operators), inputs, tuple(unread), "tflm"), emitted


def orders(program: Program) -> Iterator[list[int]]:
    """All that the operators can run in."""
    writer = {id(op.outputs[0]): i for i, op in enumerate(program.operators)}
    needs = [{writer[id(v)] for v in op.inputs if id(v) in writer} for op in program.operators]

    def extend(done: list[int]) -> Iterator[list[int]]:
        if len(done) == len(needs):
            yield list(done)
        for number, needed in enumerate(needs):
            if number not in done and needed <= set(done):
                yield from extend([*done, number])

    return extend([])


def fullest(program: Program, emitted: Sequence[Emitted], order: Sequence[int], io: bool) -> int:
    """The bound of the plan for an order: what its fullest step takes."""
    ordered = Program(
        tuple(program.operators[i] for i in order), program.inputs, program.outputs, "tflm"
    )
    kernels = [emitted[i] for i in order]
    return place_values(ordered, kernels, io_in_workspace=io).plan.lower_bound


@pytest.mark.parametrize("io", [False, True])
def test_no_order_takes_less(io: bool) -> None:
    better = 0
    for seed in range(25):
        program, emitted = some_program(random.Random(seed), 6)
        order = best_order(program, emitted, io_in_workspace=io, overlap=True)
        every = list(orders(program))
        assert order in every
        least = min(fullest(program, emitted, one, io) for one in every)
        assert fullest(program, emitted, order, io) == least, seed
        better += least < fullest(program, emitted, range(6), io)
    assert better > 4


def test_the_model_s_own_order_where_none_is_better() -> None:
    source = Value("in", (64,), "int8")
    values = [source, *(Value(f"v{i}", (64,), "int8") for i in range(5))]
    operators = tuple(
        Operator("unary", "", "", i, (values[i],), (values[i + 1],), Unary("any")) for i in range(5)
    )
    program = Program(operators, (source,), (values[-1],), "tflm")
    emitted = [Emitted(())] * 5
    assert best_order(program, emitted, io_in_workspace=True, overlap=True) == [0, 1, 2, 3, 4]


def test_large_graphs_are_done_in_time() -> None:
    program, emitted = some_program(random.Random(1), 200)
    start = time.monotonic()
    order = best_order(program, emitted, io_in_workspace=True, overlap=True)
    assert time.monotonic() - start < 10
    assert sorted(order) == list(range(200))
    assert order == best_order(program, emitted, io_in_workspace=True, overlap=True)
