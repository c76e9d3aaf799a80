# SPDX-License-Identifier: Apache-2.0
"""Offsets for buffers whose sizes and lifetimes are known, in as little memory as possible.

Two buffers may overlap in memory unless they live at the same time. The problem (dynamic
storage allocation) is NP-hard; on models, placing the buffers one by one in a few well-chosen
orders mostly reaches the lower bound. Where it does not, a search that is bounded in steps and
not in time looks further, so that the same buffers get the same offsets everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from west_utvm.planning.search import Problem, search

ALIGNMENT = 16


@dataclass(frozen=True)
class Interval:
    """A buffer of ``size`` bytes that is written in step ``first`` and last read in ``last``.

    Both steps are part of its life: what one step reads and writes never overlaps. A buffer
    that a step may update in place is one interval for the caller to make.
    """

    size: int
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.size <= 0 or self.last < self.first:
            raise ValueError(f"no interval: {self.size} bytes from {self.first} to {self.last}")

    def meets(self, other: Interval) -> bool:
        """Whether there is a step at which both live."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Plan:
    """``offsets`` in bytes, one for each interval, in their order.

    ``size`` is what the workspace takes, a multiple of the alignment, and ``lower_bound`` the
    most that lives at one time: no plan takes less. Where the two differ the plan may still be
    the best there is.
    """

    offsets: tuple[int, ...]
    size: int
    lower_bound: int


def plan(
    intervals: Sequence[Interval],
    *,
    alignment: int = ALIGNMENT,
    known: Iterable[Sequence[int]] = (),
) -> Plan:
    """The smallest placement that is found; never larger than greedy by size.

    ``known`` are placements from elsewhere: one that is valid and smaller is taken.
    """
    sizes = [-(-interval.size // alignment) * alignment for interval in intervals]
    problem = Problem(
        sizes=sizes,
        conflicts=_conflicts(intervals),
        steps=_steps(intervals),
    )
    placements = [_place(problem, order) for order in _orders(intervals, sizes)]
    placements += [list(offsets) for offsets in known if _valid(problem, offsets, alignment)]
    best = min(placements, key=problem.size)
    best = search(problem, best)
    return Plan(tuple(best), problem.size(best), problem.lower_bound)


def _conflicts(intervals: Sequence[Interval]) -> list[list[int]]:
    """The intervals that each one meets."""
    return [
        [j for j, other in enumerate(intervals) if j != i and interval.meets(other)]
        for i, interval in enumerate(intervals)
    ]


def _steps(intervals: Sequence[Interval]) -> list[list[int]]:
    """The intervals that live at each step that can be the fullest: one where some life begins."""
    firsts = sorted({interval.first for interval in intervals})
    return [
        [i for i, interval in enumerate(intervals) if interval.first <= step <= interval.last]
        for step in firsts
    ]


def _orders(intervals: Sequence[Interval], sizes: Sequence[int]) -> Iterable[list[int]]:
    def life(i: int) -> int:
        return intervals[i].last - intervals[i].first + 1

    keys: tuple[Callable[[int], tuple[int, ...]], ...] = (
        lambda i: (-sizes[i], -life(i), intervals[i].first),
        lambda i: (-life(i), -sizes[i], intervals[i].first),
        lambda i: (-sizes[i] * life(i), -sizes[i], intervals[i].first),
        lambda i: (intervals[i].first, -sizes[i], -life(i)),
        lambda i: (-intervals[i].last, -sizes[i], -life(i)),
    )
    return (sorted(range(len(intervals)), key=key) for key in keys)


def _place(problem: Problem, order: Sequence[int]) -> list[int]:
    """Each buffer in turn at the lowest offset where no other of its time is."""
    offsets = [-1] * len(order)
    for i in order:
        taken = sorted(
            (offsets[j], offsets[j] + problem.sizes[j])
            for j in problem.conflicts[i]
            if offsets[j] >= 0
        )
        offset = 0
        for start, end in taken:
            if offset + problem.sizes[i] <= start:
                break
            offset = max(offset, end)
        offsets[i] = offset
    return offsets


def _valid(problem: Problem, offsets: Sequence[int], alignment: int) -> bool:
    sizes = problem.sizes
    return len(offsets) == len(sizes) and all(
        offset >= 0
        and offset % alignment == 0
        and all(
            offset + sizes[i] <= offsets[j] or offsets[j] + sizes[j] <= offset
            for j in problem.conflicts[i]
        )
        for i, offset in enumerate(offsets)
    )
