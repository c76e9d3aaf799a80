# SPDX-License-Identifier: Apache-2.0
"""The order of operators whose fullest step takes the least memory.

Which values live after some operators have run depends on which these are and not on their
order. So it is enough to know, for each set of operators that may have run, the best way to get
there: exact where there are few such sets, as in chains with branches, and a beam of the best
sets elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from west_utvm.kernels import Emitted
from west_utvm.lowering.program import Operator, Program
from west_utvm.planning.groups import Groups, group_values
from west_utvm.planning.planner import ALIGNMENT
from west_utvm.planning.problem import round_up, shared_bytes

# Sets of operators looked at, in all; a fraction of a second.
_MAX_SETS = 3_000


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
    Groups.shares, with what it writes."""

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
            living = _living(lives.values(), done)
            for number in _ready(steps, done):
                taken = living + _added(steps[number], done, number)
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


def _living(lives: Iterable[_Life], done: int) -> int:
    """The bytes of what is written or given, and needed after the operators that are ``done``."""
    return sum(
        life.size
        for life in lives
        if (life.given or life.writers & done)
        and (life.kept or (life.readers | life.writers) & ~done)
    )


def _added(step: _Step, done: int, number: int) -> int:
    """What an operator takes while it runs after these, beside what lives already."""
    out = step.writes
    if out is None or out.given or out.writers & done:
        return step.scratch
    after = done | 1 << number
    dying = [
        (source.size, distance)
        for source, distance in step.distances
        if source is not out and not source.kept and not source.readers & ~after
    ]
    return step.scratch + out.size - shared_bytes(out.size, dying)


def _lives(program: Program, groups: Groups) -> dict[int, _Life]:
    """By the root of a group."""
    lives: dict[int, _Life] = {}
    for value in program.values():
        root = groups.in_workspace(value)
        if root is not None:
            lives.setdefault(root, _Life(round_up(value.size, ALIGNMENT)))
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


def _distances(
    groups: Groups, operator: Operator, kernel: Emitted, lives: dict[int, _Life]
) -> list[tuple[_Life, int]]:
    """The nearest that each input may be."""
    nearest: dict[int, int] = {}
    for aligned in (False, True):
        for share in groups.shares(operator, kernel, aligned=aligned):
            known = nearest.get(share.source, share.distance)
            nearest[share.source] = min(known, share.distance)
    return [(lives[source], round_up(n, ALIGNMENT)) for source, n in nearest.items()]


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
        step = _Step(round_up(kernel.scratch, ALIGNMENT))
        for value in operator.inputs:
            step.needs |= writer.get(id(value), 0)
        root = groups.in_workspace(operator.outputs[0])
        step.writes = None if root is None else lives[root]
        if overlap:
            step.distances = _distances(groups, operator, kernel, lives)
        steps.append(step)
    return steps
