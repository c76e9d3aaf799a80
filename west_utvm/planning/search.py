# SPDX-License-Identifier: Apache-2.0
"""Branch and bound over which of two buffers is above the other.

Once that is settled for all pairs that are in each other's way, the lowest offsets are longest
paths. Until then these give each buffer a lowest offset, and a least distance from its start to
the top; a pair that fits in one way only, below the best size known, is settled by that. On a
chain of operators this mostly settles everything, and so proves a placement to be the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from west_utvm.planning.problem import Problem, round_up

# Pairs looked at; a fraction of a second. Exhausts most cases of ten buffers.
MAX_LOOKS = 500_000


def search(
    problem: Problem, offsets: list[int], max_looks: int = MAX_LOOKS
) -> tuple[list[int], bool]:
    """``offsets``, or a placement that is smaller, and whether there is none smaller still:
    ``max_looks`` may not suffice to know."""
    state = _Search(problem, offsets, max_looks)
    proven = state.run()
    return state.best, proven


@dataclass
class _Node:
    """``low`` is each buffer's lowest offset, ``high`` what it and those above it take at least.
    ``open`` are the numbers of pairs that are not settled."""

    low: list[int]
    high: list[int]
    open: list[int]
    settled: list[tuple[int, int, int]]


class _Search:
    def __init__(self, problem: Problem, best: list[int], max_looks: int) -> None:
        self.problem = problem
        self.best = best
        self.size = problem.size(best)
        self.left = max_looks

    def run(self) -> bool:
        pairs = self.problem.pairs
        count = len(self.problem.sizes)
        stack = [_Node([0] * count, list(self.problem.sizes), list(range(len(pairs))), [])]
        while stack and self.left > 0 and self.size > self.problem.lower_bound:
            node = stack.pop()
            if not self._settle(node) or not self._fits(node):
                continue
            split = self._violated(node)
            if split is None:
                self.best, self.size = list(node.low), self.problem.size(node.low)
            else:
                stack += self._children(node, split)
        return not stack or self.size == self.problem.lower_bound

    def _settle(self, node: _Node) -> bool:
        """Follow what is settled, and settle what has one way left; False if a pair has none."""
        changed = True
        while changed:
            self.left -= len(node.open) + len(node.settled)
            changed = self._follow(node)
            still = []
            for number in node.open:
                i, j, up, down = self.problem.pairs[number]
                j_above = node.low[i] + up + node.high[j] < self.size
                i_above = node.low[j] + down + node.high[i] < self.size
                if j_above and i_above:
                    still.append(number)
                elif j_above or i_above:
                    node.settled.append((i, j, up) if j_above else (j, i, down))
                    changed = True
                else:
                    return False
            node.open = still
            if any(map(self._too_high, node.low, node.high)):
                return False
        return True

    def _too_high(self, low: int, high: int) -> bool:
        return low + high >= self.size

    def _follow(self, node: _Node) -> bool:
        low, high = node.low, node.high
        changed = False
        for below, above, distance in node.settled:
            if low[above] < low[below] + distance:
                low[above] = round_up(low[below] + distance, self.problem.alignments[above])
                changed = True
            if high[below] < high[above] + distance:
                high[below] = high[above] + distance
                changed = True
        return changed

    def _fits(self, node: _Node) -> bool:
        """What lives at a step lies above the lowest of it, and below what must be above all."""
        sizes = self.problem.sizes
        for step, bound in zip(self.problem.steps, self.problem.bounds, strict=True):
            floor = min(node.low[i] for i in step)
            ceiling = min(node.high[i] - sizes[i] for i in step)
            if floor + bound + ceiling >= self.size:
                return False
        return True

    def _violated(self, node: _Node) -> int | None:
        """Of the pairs that lowest offsets do not keep apart, one with the least choice."""
        low, high = node.low, node.high
        found, most = None, -1
        for number in node.open:
            i, j, up, down = self.problem.pairs[number]
            if low[j] - low[i] >= up or low[i] - low[j] >= down:
                continue
            least = min(low[i] + up + high[j], low[j] + down + high[i])
            if least > most:
                found, most = number, least
        return found

    def _children(self, node: _Node, number: int) -> Sequence[_Node]:
        """Both ways to settle a pair; the last one is looked at first."""
        i, j, up, down = self.problem.pairs[number]
        rest = [other for other in node.open if other != number]
        ways = [(i, j, up), (j, i, down)]
        ways.sort(key=lambda way: -(node.low[way[0]] + way[2] + node.high[way[1]]))
        return [
            _Node(list(node.low), list(node.high), list(rest), [*node.settled, way]) for way in ways
        ]
