# SPDX-License-Identifier: Apache-2.0
"""Where each value of an integer program lies: the caller's buffers, the workspace, constants.

Inputs and outputs of the model stay in the buffers that the caller gives, or are in the workspace
too. A reshape's result is its input under another shape, and shares its place wherever both may
have the same. Where a value dies in the operator that reads it, the operator's result may run
over it as far as the kernel allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Operator, Program, Value
from west_utvm.planning.planner import ALIGNMENT, Interval, Overlap, Plan, plan


class Buffer(Enum):
    INPUT = "input"
    OUTPUT = "output"
    WORKSPACE = "workspace"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Place:
    """``number`` is that of the input or output, or the offset in the workspace in bytes."""

    buffer: Buffer
    number: int


@dataclass(frozen=True)
class PlannedProgram:
    """``emitted`` and ``scratch`` are in the order of the program's operators; ``scratch`` are
    offsets in the workspace, None where a kernel wants none. ``places`` are by the ``id`` of a
    value. ``plan`` is that of the workspace, which with ``io_in_workspace`` has the model's
    inputs and outputs in it."""

    program: Program
    emitted: tuple[Emitted, ...]
    places: Mapping[int, Place]
    scratch: tuple[int | None, ...]
    plan: Plan
    io_in_workspace: bool = False

    def place(self, value: Value) -> Place:
        return self.places[id(value)]

    def is_alias(self, operator: Operator) -> bool:
        """Whether an operator's result is where its input is, so that there is nothing to do."""
        return operator.kind == "reshape" and (
            self.place(operator.inputs[0]) == self.place(operator.outputs[0])
        )


def place_values(
    program: Program,
    emitted: Sequence[Emitted],
    *,
    io_in_workspace: bool = False,
    overlap: bool = True,
    alignment: int = ALIGNMENT,
) -> PlannedProgram:
    """Give every value its place, and every kernel its scratch.

    ``overlap`` lets an operator's output run over an input that dies there, as far as its kernel
    allows it. ``alignment`` in bytes is that of every buffer.
    """
    fixed = _fixed(program, io_in_workspace)
    groups = _groups(program, fixed)
    roots = [value for value in program.values() if groups[id(value)] == id(value)]
    in_workspace = [value for value in roots if _place_of(value, groups, fixed) is None]
    intervals = [_interval(program, groups, value) for value in in_workspace]
    numbers = {id(value): number for number, value in enumerate(in_workspace)}
    scratch = [Interval(c.scratch, i, i) for i, c in enumerate(emitted) if c.scratch]
    shared = _overlaps(program, emitted, intervals, numbers, groups) if overlap else []
    placed = plan([*intervals, *scratch], overlaps=shared, alignment=alignment)
    of_scratch = iter(placed.offsets[len(in_workspace) :])
    offsets = {
        id(value): Place(Buffer.WORKSPACE, offset)
        for value, offset in zip(in_workspace, placed.offsets, strict=False)
    }
    places = dict(fixed)
    for value in program.values():
        places[id(value)] = _place_of(value, groups, fixed) or offsets[groups[id(value)]]
    return PlannedProgram(
        program,
        tuple(emitted),
        places,
        tuple(next(of_scratch) if c.scratch else None for c in emitted),
        placed,
        io_in_workspace,
    )


def _fixed(program: Program, io_in_workspace: bool) -> dict[int, Place]:
    """Values whose place is given: constants, and what is in the caller's buffers."""
    places = {
        id(value): Place(Buffer.CONSTANT, 0)
        for operator in program.operators
        for value in operator.inputs
        if value.data is not None
    }
    if io_in_workspace:
        return places
    places |= {id(value): Place(Buffer.INPUT, i) for i, value in enumerate(program.inputs)}
    return places | {id(value): Place(Buffer.OUTPUT, i) for i, value in enumerate(program.outputs)}


def _groups(program: Program, fixed: Mapping[int, Place]) -> dict[int, int]:
    """By the ``id`` of a value, that of the first one that it shares its place with."""
    groups = {id(value): id(value) for value in program.values()}
    given = {key: place for key, place in fixed.items() if key in groups}
    for operator in program.operators:
        source, target = id(operator.inputs[0]), id(operator.outputs[0])
        if operator.kind != "reshape" or source not in groups:
            continue
        root = groups[source]
        if root in given and target in given:
            continue  # Two buffers of the caller's: there is something to copy.
        if target in given:
            given[root] = given[target]
        groups[target] = root
    return groups


def _place_of(value: Value, groups: Mapping[int, int], fixed: Mapping[int, Place]) -> Place | None:
    """The given place of a value's group, if any of the group has one."""
    root = groups[id(value)]
    members = [key for key, group in groups.items() if group == root]
    return next((fixed[key] for key in members if key in fixed), None)


def _interval(program: Program, groups: Mapping[int, int], root: Value) -> Interval:
    """The caller writes all inputs before the first step, and reads outputs after the last."""
    members = {key for key, group in groups.items() if group == id(root)}
    steps = [
        step
        for step, operator in enumerate(program.operators)
        if any(id(value) in members for value in (*operator.inputs, *operator.outputs))
    ]
    steps += [-1 for value in program.inputs if id(value) in members]
    steps += [len(program.operators) for value in program.outputs if id(value) in members]
    return Interval(root.size, min(steps), max(steps))


def _overlaps(
    program: Program,
    emitted: Sequence[Emitted],
    intervals: Sequence[Interval],
    numbers: Mapping[int, int],
    groups: Mapping[int, int],
) -> list[Overlap]:
    """Where an operator's output may run over an input. ``numbers`` are those of intervals by
    the first value of a group."""
    found = []
    for step, (operator, kernel) in enumerate(zip(program.operators, emitted, strict=True)):
        target = numbers.get(groups[id(operator.outputs[0])])
        if target is None or intervals[target].first != step or len(operator.outputs) > 1:
            continue
        read = [numbers.get(groups.get(id(value), -1)) for value in operator.inputs]
        for source in dict.fromkeys(number for number in read if number is not None):
            distances = [
                _distance(kernel, position)
                for position, number in enumerate(read)
                if number == source
            ]
            known = [distance for distance in distances if distance is not None]
            if intervals[source].last == step and len(known) == len(distances):
                found.append(Overlap(source, target, max(known)))
    return found


def _distance(kernel: Emitted, position: int) -> int | None:
    """How far after its output an input of a kernel may start, by the input's position."""
    return (kernel.overlap, kernel.overlap_second, None)[min(position, 2)]
