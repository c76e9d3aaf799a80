# SPDX-License-Identifier: Apache-2.0
"""The order of operators whose fullest step takes the least memory.

Which values live after some operators have run depends on which these are and not on their
order. So it is enough to know, for each set of operators that may have run, the best way to get
there: exact where there are few such sets, as in chains with branches, and a beam of the best
sets elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Program
from west_utvm.planning.groups import Groups, group_values

# Sets of operators looked at, in all; about half a second.
_MAX_SETS = 5_000


@dataclass
class _Life:
    """Of a buffer in the workspace. ``readers`` and ``writers`` are sets of operators, as bits;
    ``given`` is what lives from the start, ``kept`` what lives to the end."""

    size: int
    readers: int = 0
    writers: int = 0
    given: bool = False
    kept: bool = False


@dataclass
class _Step:
    """An operator: ``needs`` are those that must have run, as bits; ``distances`` are as of
    Groups.distances, with what it writes."""

    scratch: int
    needs: int = 0
    writes: _Life | None = None
    distances: list[tuple[_Life, int]] = field(default_factory=list)


@dataclass(frozen=True, order=True)
class _Way:
    """The fullest step in bytes, the sum of all steps, and the operators run so far. The lesser
    of two is the better, and of equals the one nearer to the model's own order."""

    peak: int
    total: int
    order: tuple[int, ...]


def best_order(
    program: Program, emitted: Sequence[Emitted], *, io_in_workspace: bool, overlap: bool
) -> list[int]:
    """Operators by their numbers, in an order that they can run in."""
    groups = group_values(program, io_in_workspace=io_in_workspace)
    lives = _lives(program, groups)
    steps = _steps(program, emitted, groups, lives, overlap)
    width = max(1, _MAX_SETS // (len(steps) + 1))
    ways = {0: _Way(0, 0, ())}
    for _ in steps:
        found: dict[int, _Way] = {}
        for done, way in ways.items():
            for number in _ready(steps, done):
                taken = _bytes(steps[number], lives, done, number)
                after = _Way(max(way.peak, taken), way.total + taken, (*way.order, number))
                known = found.get(done | 1 << number, after)
                found[done | 1 << number] = min(known, after)
        ways = dict(sorted(found.items(), key=lambda item: item[1])[:width])
    [way] = ways.values()
    return list(way.order)


def _ready(steps: Sequence[_Step], done: int) -> Iterator[int]:
    for number, step in enumerate(steps):
        if not done >> number & 1 and step.needs & ~done == 0:
            yield number


def _bytes(step: _Step, lives: dict[int, _Life], done: int, number: int) -> int:
    """What lives while an operator runs after those that are ``done``."""
    after = done | 1 << number
    total = step.scratch
    for life in lives.values():
        born = life.given or life.writers & after
        if born and (life.kept or (life.readers | life.writers) & ~done):
            total += life.size
    out = step.writes
    if out is None or out.given or out.writers & done:
        return total
    saved = [0]
    for source, distance in step.distances:
        if source is not out and not source.kept and not (source.readers & ~after):
            joint = max(out.size, max(distance, 0) + source.size)
            saved.append(source.size + out.size - joint)
    return total - max(saved)


def _lives(program: Program, groups: Groups) -> dict[int, _Life]:
    """By the root of a group."""
    lives: dict[int, _Life] = {}
    for value in program.values():
        root = groups.in_workspace(value)
        if root is not None:
            lives.setdefault(root, _Life(value.size))
    for number, operator in enumerate(program.operators):
        for value in operator.inputs:
            root = groups.in_workspace(value)
            if root is not None:
                lives[root].readers |= 1 << number
        for value in operator.outputs:
            root = groups.in_workspace(value)
            if root is not None:
                lives[root].writers |= 1 << number
    for value in program.inputs:
        if (root := groups.in_workspace(value)) is not None:
            lives[root].given = True
    for value in program.outputs:
        if (root := groups.in_workspace(value)) is not None:
            lives[root].kept = True
    return lives


def _steps(
    program: Program,
    emitted: Sequence[Emitted],
    groups: Groups,
    lives: dict[int, _Life],
    overlap: bool,
) -> list[_Step]:
    writer = {id(v): 1 << i for i, op in enumerate(program.operators) for v in op.outputs}
    steps = []
    for operator, kernel in zip(program.operators, emitted, strict=True):
        step = _Step(kernel.scratch)
        for value in operator.inputs:
            step.needs |= writer.get(id(value), 0)
        root = groups.in_workspace(operator.outputs[0])
        step.writes = None if root is None else lives[root]
        if overlap:
            found = groups.distances(operator, kernel)
            step.distances = [(lives[source], distance) for source, distance in found]
        steps.append(step)
    return steps
