# SPDX-License-Identifier: Apache-2.0
"""Buffers to place, as sizes and the distances that pairs of them must keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


def round_up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def shared_bytes(target: int, sources: Sequence[tuple[int, int]]) -> int:
    """How many bytes an output shares at most with the inputs that die where it is born.

    ``target`` is its size, ``sources`` are theirs and how far after it they may start. Inputs
    share none with each other.
    """
    apart = target + sum(size for size, _ in sources)
    hulls = [max(target, max(distance, 0) + size) for size, distance in sources]
    # What input and output take in all is that of one of them, or of both if they share none.
    taken = [min(hull, target + size) for hull, (size, _) in zip(hulls, sources, strict=True)]
    return apart - max([apart - target, *taken]) if sources else 0


@dataclass(frozen=True)
class Problem:
    """``sizes`` in bytes, rounded up to the alignment, as are all distances.

    ``above[i][j]`` is there for the buffers j that are in the way of i: how far j starts after i
    at least, if it is the one above. That is the size of i, but for an input j that the output i
    may run over. ``alignments`` in bytes are those of offsets. ``steps`` are the buffers that
    live together at each step that can be the fullest, and ``bounds`` the bytes that each of
    these steps takes in any placement.
    """

    sizes: Sequence[int]
    above: Sequence[Mapping[int, int]]
    alignments: Sequence[int]
    steps: Sequence[Sequence[int]]
    bounds: Sequence[int]

    def size(self, offsets: Sequence[int]) -> int:
        return max((o + size for o, size in zip(offsets, self.sizes, strict=True)), default=0)

    @cached_property
    def lower_bound(self) -> int:
        return max(self.bounds, default=0)

    @cached_property
    def pairs(self) -> list[tuple[int, int, int, int]]:
        """i, j, how far j is above i, and i above j: of all that are in each other's way."""
        return [
            (i, j, distance, self.above[j][i])
            for i, others in enumerate(self.above)
            for j, distance in others.items()
            if i < j
        ]

    def valid(self, offsets: Sequence[int]) -> bool:
        return (
            len(offsets) == len(self.sizes)
            and all(
                offset >= 0 and offset % alignment == 0
                for offset, alignment in zip(offsets, self.alignments, strict=True)
            )
            and all(
                offsets[j] - offsets[i] >= up or offsets[i] - offsets[j] >= down
                for i, j, up, down in self.pairs
            )
        )

    def place(self, order: Iterable[int]) -> list[int]:
        """Each buffer in turn at the lowest offset that those placed before it leave."""
        offsets = [-1] * len(self.sizes)
        for i in order:
            own = self.above[i]
            taken = sorted(
                (offsets[j] - own[j], offsets[j] + self.above[j][i]) for j in own if offsets[j] >= 0
            )
            offset = 0
            for start, end in taken:
                if offset <= start:
                    break
                offset = max(offset, round_up(end, self.alignments[i]))
            offsets[i] = offset
        return offsets
