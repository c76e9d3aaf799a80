# SPDX-License-Identifier: Apache-2.0
"""What lies where in the workspace, and when: read off a planned program, whoever planned it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from west_utvm.lowering.program import Value
from west_utvm.planning.places import Buffer, PlannedProgram

Role: TypeAlias = Literal["tensor", "input", "output", "scratch"]


@dataclass
class Tenant:
    """``offset`` and ``size`` in bytes; it lives from step ``first`` to step ``last``, both of
    them part of its life. A step is an operator's place in the program."""

    name: str
    role: Role
    offset: int
    size: int
    first: int
    last: int


def tenants(planned: PlannedProgram) -> list[Tenant]:
    """In the order in which they are written. A tensor and its other names are one tenant."""
    found: list[Tenant] = []
    of_value: dict[int, Tenant] = {}

    def move_in(value: Value, role: Role, step: int) -> None:
        place = planned.place(value)
        if place.buffer is Buffer.WORKSPACE:
            tenant = Tenant(value.name, role, place.number, value.size, step, step)
            of_value[id(value)] = tenant
            found.append(tenant)

    for value in planned.program.inputs:
        move_in(value, "input", 0)
    outputs = set(map(id, planned.program.outputs))
    for step, operator in enumerate(planned.program.operators):
        for value in operator.inputs:
            if id(value) in of_value:
                of_value[id(value)].last = step
        source = of_value.get(id(operator.inputs[0])) if planned.is_alias(operator) else None
        for value in operator.outputs:
            if source is not None:
                of_value[id(value)] = source
            else:
                move_in(value, "output" if id(value) in outputs else "tensor", step)
        _scratch(planned, step, found)
    for value in planned.program.outputs:
        if id(value) in of_value:
            of_value[id(value)].last = max(0, len(planned.program.operators) - 1)
    return found


def _scratch(planned: PlannedProgram, step: int, found: list[Tenant]) -> None:
    offset, size = planned.scratch[step], planned.emitted[step].scratch
    if offset is not None:
        name = planned.program.operators[step].name
        found.append(Tenant(name, "scratch", offset, size, step, step))
