# SPDX-License-Identifier: Apache-2.0
"""Which values share one place, and which places are given.

A reshape's result is its input under another shape, and shares its place wherever both may have
the same. Constants have places of their own, and inputs and outputs of the model those that the
caller gives, unless they are in the workspace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Operator, Program, Value

# Bytes that a buffer may be aligned to, so that outputs may run further over inputs.
_MAX_MULTIPLE = 1024


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
class Groups:
    """``root`` is, by the ``id`` of each value that is computed or given, the ``id`` of the first
    value that it shares its place with. ``given`` are places by such roots, ``constants`` by the
    ``id`` of their values."""

    root: Mapping[int, int]
    given: Mapping[int, Place]
    constants: Mapping[int, Place]

    def place(self, value: Value) -> Place | None:
        """None for what is in the workspace."""
        if id(value) in self.constants:
            return self.constants[id(value)]
        return self.given.get(self.root[id(value)])

    def in_workspace(self, value: Value) -> int | None:
        """The root of a value in the workspace."""
        return None if self.place(value) else self.root[id(value)]

    def shares(self, operator: Operator, kernel: Emitted, *, aligned: bool) -> list[Share]:
        """Which inputs in the workspace the operator's output may run over, if they die there.

        ``aligned`` is for where such buffers are both aligned to what the kernel asks for.
        """
        roots = [self.in_workspace(value) for value in operator.inputs]
        if len(operator.outputs) > 1:
            return []
        first = kernel.overlap_aligned if aligned else None
        source = roots[0] if roots.count(roots[0]) == 1 else None
        if first is not None and source is not None and first[1] <= _MAX_MULTIPLE:
            return [Share(source, *first)]
        found = []
        for root in dict.fromkeys(root for root in roots if root is not None):
            distances = [_distance(kernel, i) for i, other in enumerate(roots) if other == root]
            known = [distance for distance in distances if distance is not None]
            if len(known) == len(distances):
                found.append(Share(root, max(known)))
        return found


@dataclass(frozen=True)
class Share:
    """``source`` is the root of an input that may start ``distance`` bytes after the output, a
    multiple of ``multiple``."""

    source: int
    distance: int
    multiple: int = 1


def _distance(kernel: Emitted, position: int) -> int | None:
    """How far after its output an input of a kernel may start, by the input's position."""
    return (kernel.overlap, kernel.overlap_second, None)[min(position, 2)]


def group_values(program: Program, *, io_in_workspace: bool) -> Groups:
    constants = {
        id(value): Place(Buffer.CONSTANT, 0)
        for operator in program.operators
        for value in operator.inputs
        if value.data is not None
    }
    root = {id(value): id(value) for value in program.values()}
    given = {} if io_in_workspace else _callers(program)
    for operator in program.operators:
        source, target = id(operator.inputs[0]), id(operator.outputs[0])
        if operator.kind != "reshape" or source not in root:
            continue
        if root[source] in given and target in given:
            continue  # Two buffers of the caller's: there is something to copy.
        if target in given:
            given[root[source]] = given.pop(target)
        root[target] = root[source]
    return Groups(root, given, constants)


def _callers(program: Program) -> dict[int, Place]:
    places = {id(value): Place(Buffer.INPUT, i) for i, value in enumerate(program.inputs)}
    return places | {id(value): Place(Buffer.OUTPUT, i) for i, value in enumerate(program.outputs)}
