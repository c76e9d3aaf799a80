# SPDX-License-Identifier: Apache-2.0
"""Offsets for buffers whose sizes and lifetimes are known, in as little memory as possible.

Two buffers may overlap in memory unless they live at the same time; and where one dies in the
step in which the other is born, they may as far as the step allows it. The problem (dynamic
storage allocation) is NP-hard; on models, placing the buffers one by one in a few well-chosen
orders is mostly the best there is. Where that is not sure, a search that is bounded in steps
and not in time looks further, so that the same buffers get the same offsets everywhere.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from west_utvm.planning.problem import Problem, round_up, shared_bytes
from west_utvm.planning.search import search

ALIGNMENT = 16
# Of changes to the best order, in buffers and pairs of them looked at; a tenth of a second.
_MAX_LOOKS = 200_000
# Of a search that settles what is easy, before any other attempt.
_FIRST_LOOKS = 50_000


@dataclass(frozen=True)
class Interval:
    """A buffer of ``size`` bytes that is written in step ``first`` and last read in ``last``.

    Both steps are part of its life: what one step reads and writes never overlaps, unless an
    Overlap says so. ``alignment`` in bytes may be more than that of the plan.
    """

    size: int
    first: int
    last: int
    alignment: int = 1

    def __post_init__(self) -> None:
        if self.size <= 0 or self.last < self.first:
            raise ValueError(f"no interval: {self.size} bytes from {self.first} to {self.last}")

    def meets(self, other: Interval) -> bool:
        """Whether there is a step at which both live."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Overlap:
    """Two intervals by their numbers: ``source`` dies in the step in which ``target`` is born,
    and may start ``distance`` bytes after it, or more, which may be negative; but only a multiple
    of ``multiple`` bytes after or before it, so that both are aligned to these."""

    source: int
    target: int
    distance: int
    multiple: int = 1


@dataclass(frozen=True)
class Plan:
    """``offsets`` in bytes, one for each interval, in their order.

    ``size`` is what the workspace takes, a multiple of the alignment, and ``lower_bound`` the
    most that one step takes: no plan takes less. ``proven`` where no plan is smaller than this
    one, which may be above that bound.
    """

    offsets: tuple[int, ...]
    size: int
    lower_bound: int
    proven: bool


def plan(
    intervals: Sequence[Interval],
    *,
    overlaps: Sequence[Overlap] = (),
    alignment: int = ALIGNMENT,
    known: Iterable[Sequence[int]] = (),
    limit: int | None = None,
) -> Plan:
    """The smallest placement that is found; never larger than greedy by size. With a ``limit``
    any that is smaller will do, or any at all where none can be.

    ``known`` are placements from elsewhere: one that is valid and smaller is taken. ValueError
    for an overlap of intervals that meet in any other way than it says.
    """
    problem = _problem(intervals, overlaps, alignment)
    orders = list(_orders(intervals, problem.sizes))
    placements = [problem.place(order) for order in orders]
    if limit is not None and problem.lower_bound >= limit:
        best = min(placements, key=problem.size)
        return Plan(tuple(best), problem.size(best), problem.lower_bound, proven=False)
    if overlaps:  # Nor larger than without overlaps.
        rigid = _problem(intervals, (), alignment)
        placements += [rigid.place(order) for order in orders]
    placements += [list(offsets) for offsets in known if problem.valid(offsets)]
    best, proven = search(problem, min(placements, key=problem.size), _FIRST_LOOKS)
    if not proven and (limit is None or problem.size(best) >= limit):
        best, proven = search(problem, _shuffled(problem, best))
    return Plan(tuple(best), problem.size(best), problem.lower_bound, proven)


def _problem(intervals: Sequence[Interval], overlaps: Sequence[Overlap], alignment: int) -> Problem:
    sizes = [round_up(interval.size, alignment) for interval in intervals]
    above = [
        {j: sizes[i] for j, other in enumerate(intervals) if j != i and interval.meets(other)}
        for i, interval in enumerate(intervals)
    ]
    for overlap in overlaps:
        source, target = overlap.source, overlap.target
        if intervals[source].last != intervals[target].first or source == target:
            raise ValueError(f"no overlap: {intervals[source]} and {intervals[target]}")
        distance = min(round_up(overlap.distance, alignment), sizes[target])
        above[target][source] = distance
        if distance + sizes[source] <= 0:  # They are in each other's way nowhere.
            del above[target][source], above[source][target]
    steps = _steps(intervals)
    bounds = [_bound(sizes, overlaps, above, step) for step in steps]
    alignments = [
        math.lcm(
            alignment,
            interval.alignment,
            *(o.multiple for o in overlaps if i in (o.source, o.target)),
        )
        for i, interval in enumerate(intervals)
    ]
    return Problem(sizes, above, alignments, steps, bounds)


def _steps(intervals: Sequence[Interval]) -> list[list[int]]:
    """The intervals that live at each step that can be the fullest: one where some life begins."""
    firsts = sorted({interval.first for interval in intervals})
    return [
        [i for i, interval in enumerate(intervals) if interval.first <= step <= interval.last]
        for step in firsts
    ]


def _bound(
    sizes: Sequence[int],
    overlaps: Sequence[Overlap],
    above: Sequence[dict[int, int]],
    step: Sequence[int],
) -> int:
    """The bytes that these take together: no two of them share any, but for overlaps."""
    total = sum(sizes[i] for i in step)
    for target in {overlap.target for overlap in overlaps} & set(step):
        sources = [o.source for o in overlaps if o.target == target and o.source in step]
        dying = [(sizes[i], above[target].get(i, 0)) for i in sources]
        total -= shared_bytes(sizes[target], dying)
    return total


def _orders(intervals: Sequence[Interval], sizes: Sequence[int]) -> Iterable[list[int]]:
    def life(i: int) -> int:
        return intervals[i].last - intervals[i].first + 1

    keys: tuple[Callable[[int], tuple[int, ...]], ...] = (
        lambda i: (-sizes[i], -life(i), intervals[i].first),
        lambda i: (-life(i), -sizes[i], intervals[i].first),
        lambda i: (-sizes[i] * life(i), -sizes[i], intervals[i].first),
        lambda i: (intervals[i].first, -sizes[i], -life(i)),
        lambda i: (-intervals[i].last, -sizes[i], -life(i)),
        lambda i: (-intervals[i].first, -sizes[i], -life(i)),
        lambda i: (-sizes[i], -intervals[i].first, -life(i)),
    )
    return (sorted(range(len(intervals)), key=key) for key in keys)


def _shuffled(problem: Problem, offsets: list[int]) -> list[int]:
    """Try what moving one buffer to another place in the best order gives.

    With chances that are the same every time.
    """
    best, size = offsets, problem.size(offsets)
    count = len(offsets)
    order = sorted(range(count), key=lambda i: (best[i], i))
    chance = random.Random(0)
    for _ in range(_MAX_LOOKS // (count + 2 * len(problem.pairs) + 1)):
        if size == problem.lower_bound:
            break
        tried = list(order)
        tried.insert(chance.randrange(count), tried.pop(chance.randrange(count)))
        placed = problem.place(tried)
        if problem.size(placed) <= size:
            best, size, order = placed, problem.size(placed), tried
    return best
