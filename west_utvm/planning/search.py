# SPDX-License-Identifier: Apache-2.0
"""Branch and bound over placements, from the bottom of the workspace to its top.

In some best placement every buffer rests on the bottom or on one of its own time: lowering a
buffer as far as it goes never makes the placement larger. So it is enough to try the orders
of increasing offsets, each buffer right on top of those of its time that are placed already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

# Exhausts most cases of ten buffers and takes less than a second for a hundred.
MAX_STEPS = 10_000
# One level of recursion each. The steps would not do for more than the first few of so many.
MAX_BUFFERS = 300


@dataclass(frozen=True)
class Problem:
    """``sizes`` in bytes, rounded up; ``conflicts[i]`` are the buffers that live with ``i``, and
    ``steps`` those that live together at each step."""

    sizes: Sequence[int]
    conflicts: Sequence[Sequence[int]]
    steps: Sequence[Sequence[int]]

    def size(self, offsets: Sequence[int]) -> int:
        return max((o + size for o, size in zip(offsets, self.sizes, strict=True)), default=0)

    @cached_property
    def lower_bound(self) -> int:
        return max((sum(self.sizes[i] for i in step) for step in self.steps), default=0)


def search(problem: Problem, offsets: list[int], max_steps: int = MAX_STEPS) -> list[int]:
    """``offsets``, or a placement that is smaller: the smallest, if ``max_steps`` suffice."""
    if problem.size(offsets) == problem.lower_bound or len(offsets) > MAX_BUFFERS:
        return offsets
    state = _Search(problem, offsets, max_steps)
    state.extend(0, 0)
    return state.best


class _Search:
    def __init__(self, problem: Problem, best: list[int], max_steps: int) -> None:
        self.problem = problem
        self.best = best
        self.best_size = problem.size(best)
        self.left = max_steps
        self.offsets = [-1] * len(best)
        self.steps_of = [
            [number for number, step in enumerate(problem.steps) if i in step]
            for i in range(len(best))
        ]
        self.tops = [0] * len(problem.steps)
        self.to_place = [sum(problem.sizes[i] for i in step) for step in problem.steps]

    def extend(self, placed: int, floor: int) -> None:
        """Place one more buffer, at ``floor`` or above, in every way that may be better."""
        if placed == len(self.offsets):
            self.best, self.best_size = list(self.offsets), self.problem.size(self.offsets)
            return
        for offset, i in self._candidates(floor):
            if self.left <= 0 or self.best_size == self.problem.lower_bound:
                return
            if offset + self.problem.sizes[i] >= self.best_size:
                continue
            self.left -= 1
            undo = self._put(i, offset)
            if self._may_be_better(offset):
                self.extend(placed + 1, offset)
            self._take_back(i, undo)

    def _candidates(self, floor: int) -> list[tuple[int, int]]:
        """Buffers that are left and the offset each would rest at: lowest first, then largest."""
        sizes = self.problem.sizes
        found = [
            (max(self.tops[step] for step in self.steps_of[i]), -sizes[i], i)
            for i, offset in enumerate(self.offsets)
            if offset < 0
        ]
        return [(offset, i) for offset, _, i in sorted(found) if offset >= floor]

    def _may_be_better(self, floor: int) -> bool:
        """All that is to be placed at a step goes on top of what is placed there."""
        return all(
            max(top, floor if rest else 0) + rest < self.best_size
            for top, rest in zip(self.tops, self.to_place, strict=True)
        )

    def _put(self, i: int, offset: int) -> list[int]:
        self.offsets[i] = offset
        undo = [self.tops[step] for step in self.steps_of[i]]
        for step in self.steps_of[i]:
            self.tops[step] = offset + self.problem.sizes[i]
            self.to_place[step] -= self.problem.sizes[i]
        return undo

    def _take_back(self, i: int, undo: list[int]) -> None:
        self.offsets[i] = -1
        for step, top in zip(self.steps_of[i], undo, strict=True):
            self.tops[step] = top
            self.to_place[step] += self.problem.sizes[i]
