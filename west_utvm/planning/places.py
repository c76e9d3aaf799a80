# SPDX-License-Identifier: Apache-2.0
"""Where each value of an integer program lies: the caller's buffers, the workspace, constants.

Where a value dies in the operator that reads it, the operator's result may run over it as far as
the kernel allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Operator, Program, Value
from west_utvm.planning.groups import Buffer, Groups, Place, group_values
from west_utvm.planning.planner import ALIGNMENT, Interval, Overlap, Plan, plan
from west_utvm.tensor import DTYPE_SIZES

__all__ = ["Buffer", "Place", "PlannedProgram", "place_values"]


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
    limit: int | None = None,
) -> PlannedProgram:
    """Give every value its place, and every kernel its scratch.

    ``overlap`` lets an operator's output run over an input that dies there, as far as its kernel
    allows it. ``alignment`` in bytes is that of every value's buffer. ``limit`` as of ``plan``.
    """
    groups = group_values(program, io_in_workspace=io_in_workspace)
    lives = _lives(program, groups)
    scratch = [Interval(c.scratch, i, i, ALIGNMENT) for i, c in enumerate(emitted) if c.scratch]
    ways: list[list[Overlap]] = [[]]
    if overlap:
        ways = [_overlaps(program, emitted, groups, lives, aligned) for aligned in (False, True)]
    placed = min(
        (
            plan([*lives.values(), *scratch], overlaps=way, alignment=alignment, limit=limit)
            for way in (ways if ways[0] != ways[-1] else ways[:1])
        ),
        key=lambda found: found.size,
    )
    offsets = dict(zip(lives, placed.offsets, strict=False))
    of_scratch = iter(placed.offsets[len(lives) :])
    places = dict(groups.constants)
    for value in program.values():
        offset = offsets.get(groups.root[id(value)], 0)
        places[id(value)] = groups.place(value) or Place(Buffer.WORKSPACE, offset)
    return PlannedProgram(
        program,
        tuple(emitted),
        places,
        tuple(next(of_scratch) if c.scratch else None for c in emitted),
        placed,
        io_in_workspace,
    )


def _lives(program: Program, groups: Groups) -> dict[int, Interval]:
    """Of what is in the workspace, by its root. The caller writes all inputs before the first
    step, and reads outputs after the last."""
    steps: dict[int, list[int]] = {}
    buffers: dict[int, Value] = {}

    def lives_at(step: int, values: Sequence[Value]) -> None:
        for value in values:
            root = groups.in_workspace(value)
            if root is not None:
                steps.setdefault(root, []).append(step)
                buffers[root] = value

    lives_at(-1, program.inputs)
    for step, operator in enumerate(program.operators):
        lives_at(step, (*operator.inputs, *operator.outputs))
    lives_at(len(program.operators), program.outputs)
    return {
        root: Interval(value.size, min(steps[root]), max(steps[root]), DTYPE_SIZES[value.dtype])
        for root, value in buffers.items()
    }


def _overlaps(
    program: Program,
    emitted: Sequence[Emitted],
    groups: Groups,
    lives: Mapping[int, Interval],
    aligned: bool,
) -> list[Overlap]:
    """Where an operator's output may run over an input, which must die there."""
    numbers = {root: number for number, root in enumerate(lives)}
    found = []
    for step, (operator, kernel) in enumerate(zip(program.operators, emitted, strict=True)):
        target = groups.in_workspace(operator.outputs[0])
        if target is None or lives[target].first != step:
            continue
        found += [
            Overlap(numbers[share.source], numbers[target], share.distance, share.multiple)
            for share in groups.shares(operator, kernel, aligned=aligned)
            if lives[share.source].last == step and share.source != target
        ]
    return found
