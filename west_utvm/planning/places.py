# SPDX-License-Identifier: Apache-2.0
"""Where each value of an integer program lies: the caller's buffers, the workspace, constants.

Inputs and outputs of the model stay in the buffers that the caller gives. A reshape's result is
its input under another shape, and shares its place wherever both may have the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Operator, Program, Value
from west_utvm.planning.planner import Interval, Plan, plan


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
    value. ``plan`` is that of the workspace."""

    program: Program
    emitted: tuple[Emitted, ...]
    places: Mapping[int, Place]
    scratch: tuple[int | None, ...]
    plan: Plan

    def place(self, value: Value) -> Place:
        return self.places[id(value)]

    def is_alias(self, operator: Operator) -> bool:
        """Whether an operator's result is where its input is, so that there is nothing to do."""
        return operator.kind == "reshape" and (
            self.place(operator.inputs[0]) == self.place(operator.outputs[0])
        )


def place_values(program: Program, emitted: Sequence[Emitted]) -> PlannedProgram:
    """Give every value its place, and every kernel its scratch."""
    fixed = _fixed(program)
    groups = _groups(program, fixed)
    roots = [value for value in program.values() if groups[id(value)] == id(value)]
    in_workspace = [value for value in roots if _place_of(value, groups, fixed) is None]
    scratch = [Interval(c.scratch, i, i) for i, c in enumerate(emitted) if c.scratch]
    placed = plan([*(_interval(program, groups, value) for value in in_workspace), *scratch])
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
    )


def _fixed(program: Program) -> dict[int, Place]:
    """Values whose place is given: the model's inputs and outputs, and constants."""
    places = {
        id(value): Place(Buffer.CONSTANT, 0)
        for operator in program.operators
        for value in operator.inputs
        if value.data is not None
    }
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
    members = {key for key, group in groups.items() if group == id(root)}
    steps = [
        step
        for step, operator in enumerate(program.operators)
        if any(id(value) in members for value in (*operator.inputs, *operator.outputs))
    ]
    return Interval(root.size, min(steps), max(steps))
