# SPDX-License-Identifier: Apache-2.0
"""Operators whose results need not be there as a whole: which of them to chain, so that they take
turns on a few rows.

That costs a little time, and so it is done where the workspace gets smaller by it and only there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from west_utvm.kernels.chain import may_be_chain, may_be_link
from west_utvm.lowering.program import Chain, Elementwise, Operator, Program, Value
from west_utvm.planning.places import PlannedProgram
from west_utvm.planning.planner import ALIGNMENT
from west_utvm.planning.readers import readers
from west_utvm.planning.tenants import tenants

Place = Callable[[Program, int | None], PlannedProgram]
_MAX_LINKS = 4
# Of a turn. Two are what kernels of depthwise convolutions compute at once.
_ROWS = (2, 4, 8, 16)
# The workspace must get smaller by a part of this.
_WORTH = 10


def chain_rows(planned: PlannedProgram, place: Place) -> PlannedProgram:
    """With chains, as long as the workspace gets smaller. ``place`` plans a program; with a limit
    in bytes only as well as to see whether its workspace can be smaller than that."""
    best = planned
    while True:
        smaller = best
        for program in _chained(best):
            smaller = min(smaller, place(program, _size(smaller)), key=_size)
        if smaller is best:
            break
        best = smaller
    if best is planned:
        return planned
    chained = place(_with_more_rows(_only_needed(best, place), place).program, None)
    is_worth_it = _size(chained) <= _size(planned) * (_WORTH - 1) // _WORTH
    return chained if is_worth_it else planned


def _size(planned: PlannedProgram) -> int:
    return planned.plan.size


def _only_needed(planned: PlannedProgram, place: Place) -> PlannedProgram:
    """Without chains that it is no larger without."""
    for operator in planned.program.operators:
        if isinstance(operator.attributes, Chain):
            links = operator.attributes.links
            planned = _unless_larger(planned, _with(planned.program, {id(operator): links}), place)
    return planned


def _with_more_rows(planned: PlannedProgram, place: Place) -> PlannedProgram:
    """With longer turns, as far as there is room: they take less time."""
    for operator in planned.program.operators:
        for rows in _ROWS[1:] if isinstance(operator.attributes, Chain) else ():
            assert isinstance(operator.attributes, Chain)
            longer = replace(operator, attributes=replace(operator.attributes, rows=rows))
            other = _with(planned.program, {id(operator): (longer,)})
            before, planned = planned, _unless_larger(planned, other, place)
            if planned is before:
                break
            operator = longer
    return planned


def _unless_larger(planned: PlannedProgram, program: Program, place: Place) -> PlannedProgram:
    """The other program, if it needs no more memory."""
    other = place(program, _size(planned) + 1)
    return other if _size(other) <= _size(planned) else planned


def _chained(planned: PlannedProgram) -> Iterator[Program]:
    """The program with chains through what is in the way of a smaller workspace: of all such
    operators those that are so many links, that one being the link of such a number."""
    operators = planned.program.operators
    full = [operators[step] for step in _full_steps(planned)]
    neighbours = _Neighbours(planned.program)
    for length in range(2, _MAX_LINKS + 1):
        for before in range(length):
            chains: dict[int, tuple[Operator, ...]] = {}
            for operator in full:
                links = neighbours.run(operator, before, length)
                if links and not any(id(link) in chains for link in links):
                    chains |= {id(link): () for link in links}
                    chains[id(links[-1])] = (chain_of(links, _ROWS[0]),)
            if chains:
                yield _with(planned.program, chains)


def _full_steps(planned: PlannedProgram) -> list[int]:
    """Where something lies at the end of the workspace."""
    found = set()
    for tenant in tenants(planned):
        if tenant.offset + tenant.size > planned.plan.size - ALIGNMENT:
            found |= set(range(tenant.first, tenant.last + 1))
    return sorted(found)


class _Neighbours:
    """What reads the result of an operator, and nothing else does; and the other way round."""

    def __init__(self, program: Program) -> None:
        found = readers(program)
        kept = set(map(id, program.outputs))
        self.next: dict[int, Operator] = {}
        self.previous: dict[int, Operator] = {}
        for operator in program.operators:
            others = found[id(operator.outputs[0])]
            if len(others) == 1 and id(operator.outputs[0]) not in kept:
                self.next[id(operator)] = others[0]
                self.previous[id(others[0])] = operator

    def run(self, operator: Operator, before: int, length: int) -> list[Operator]:
        """``length`` operators, ``before`` of them before this one; empty if that is no chain."""
        first: Operator | None = operator
        for _ in range(before):
            first = self.previous.get(id(first))
        links = [first]
        while len(links) < length:
            links.append(self.next.get(id(links[-1])))
        known = [link for link in links if link is not None and may_be_link(link)]
        return known if len(known) == length and may_be_chain(known) else []


def chain_of(links: Sequence[Operator], rows: int) -> Operator:
    """``number`` is that of the last link: the others' results are not to be seen."""
    return Operator(
        kind="chain",
        name=links[-1].name,
        source="; ".join(link.source for link in links),
        number=links[-1].number,
        inputs=_inputs(links),
        outputs=links[-1].outputs,
        attributes=Chain(tuple(links), rows),
    )


def _inputs(links: Sequence[Operator]) -> tuple[Value, ...]:
    """Of a chain: that of the first link, then the others of any that are not what a link gives."""
    inside = {id(link.outputs[0]) for link in links}
    taken = [links[0].inputs[0]]
    taken += [
        value
        for link in links
        if isinstance(link.attributes, Elementwise)
        for value in link.inputs
        if id(value) not in inside
    ]
    return tuple({id(value): value for value in taken}.values())


def _with(program: Program, replaced: dict[int, tuple[Operator, ...]]) -> Program:
    operators = [
        new for operator in program.operators for new in replaced.get(id(operator), (operator,))
    ]
    return replace(program, operators=tuple(operators))
