# SPDX-License-Identifier: Apache-2.0
"""Plans are valid, repeatable, bounded, and on small cases the best there are."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import combinations, product

import pytest

from west_utvm.planning import Interval, Plan, plan

UNIT = 16


def overlaps(intervals: Sequence[Interval], offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs that share a byte at a step, found the slow and plain way: by occupied cells."""
    cells = [
        {
            (step, byte)
            for step in range(interval.first, interval.last + 1)
            for byte in range(offset, offset + interval.size)
        }
        for interval, offset in zip(intervals, offsets, strict=True)
    ]
    return [(i, j) for i, j in combinations(range(len(cells)), 2) if cells[i] & cells[j]]


def check(intervals: Sequence[Interval], found: Plan, alignment: int = UNIT) -> None:
    assert not overlaps(intervals, found.offsets)
    assert all(offset >= 0 and offset % alignment == 0 for offset in found.offsets)
    ends = [o + i.size for o, i in zip(found.offsets, intervals, strict=True)]
    assert max(ends, default=0) <= found.size < max(ends, default=0) + alignment
    assert found.lower_bound <= found.size


def smallest(intervals: Sequence[Interval]) -> int:
    """The smallest size in units of UNIT, by trying every offset of every buffer."""
    sizes = [-(-interval.size // UNIT) for interval in intervals]
    for total in range(max(sizes), sum(sizes) + 1):
        for offsets in product(*(range(total - size + 1) for size in sizes)):
            if not any(
                intervals[i].meets(intervals[j])
                and offsets[i] < offsets[j] + sizes[j]
                and offsets[j] < offsets[i] + sizes[i]
                for i, j in combinations(range(len(sizes)), 2)
            ):
                return total * UNIT
    raise AssertionError


def some(chance: random.Random, count: int, steps: int, units: int) -> list[Interval]:
    made = []
    for _ in range(count):
        first, last = sorted((chance.randrange(steps), chance.randrange(steps)))
        made.append(Interval(chance.randrange(1, units * UNIT + 1), first, last))
    return made


def by_size(intervals: Sequence[Interval]) -> int:
    """Greedy by size, written anew."""
    placed: list[tuple[int, int, Interval]] = []

    def rank(interval: Interval) -> tuple[int, int]:
        return (interval.size + -interval.size % UNIT, interval.last - interval.first)

    for interval in sorted(intervals, key=rank, reverse=True):
        size = -(-interval.size // UNIT) * UNIT
        others = [(start, end) for start, end, other in placed if interval.meets(other)]
        spots = [0, *(end for _, end in others)]
        offset = min(
            spot
            for spot in spots
            if not any(spot < end and start < spot + size for start, end in others)
        )
        placed.append((offset, offset + size, interval))
    return max(end for _, end, _ in placed)


def test_nothing_to_place() -> None:
    assert plan([]) == Plan((), 0, 0)


def test_a_chain_takes_two_neighbours() -> None:
    chain = [Interval(size, step, step + 1) for step, size in enumerate((100, 16, 300, 64, 1))]
    found = plan(chain)
    check(chain, found)
    assert found.size == found.lower_bound == 304 + 64


def test_reads_and_writes_of_a_step_are_apart() -> None:
    found = plan([Interval(16, 0, 1), Interval(16, 1, 2)])
    assert sorted(found.offsets) == [0, 16]
    assert plan([Interval(16, 0, 1), Interval(16, 2, 3)]).offsets == (0, 0)


def test_search_finds_what_no_order_does() -> None:
    intervals = [
        Interval(40, 4, 5),
        Interval(30, 2, 5),
        Interval(11, 3, 5),
        Interval(34, 1, 2),
        Interval(25, 0, 3),
    ]
    found = plan(intervals)
    check(intervals, found)
    assert found.size == found.lower_bound == smallest(intervals) == 112
    assert by_size(intervals) == 128


@pytest.mark.parametrize("seed", range(60))
def test_small_cases_are_the_best_there_are(seed: int) -> None:
    chance = random.Random(seed)
    intervals = some(chance, chance.randint(1, 5), 6, 4)
    found = plan(intervals)
    check(intervals, found)
    assert found.size == smallest(intervals)


@pytest.mark.parametrize("seed", range(40))
def test_never_worse_than_greedy_by_size(seed: int) -> None:
    chance = random.Random(seed)
    intervals = some(chance, chance.randint(6, 40), 30, 12)
    found = plan(intervals)
    check(intervals, found)
    assert found.size <= by_size(intervals)


def test_search_betters_greedy_orders() -> None:
    """On some of these no order of ours is the best, and the search is what is left."""
    better = 0
    for seed in range(40):
        intervals = some(random.Random(seed), 9, 8, 6)
        better += plan(intervals).size < by_size(intervals)
    assert better > 3


def test_known_placement_is_taken_where_it_is_smaller_and_valid() -> None:
    intervals = some(random.Random(3), 30, 20, 9)
    found = plan(intervals)
    for known in ([0] * 30, [-16] * 30, [8, *found.offsets[1:]], found.offsets[:-1]):
        assert plan(intervals, known=[known]) == found
    assert plan(intervals, known=[found.offsets]).size == found.size


@pytest.mark.parametrize("alignment", [1, 4, 64])
def test_alignment(alignment: int) -> None:
    intervals = some(random.Random(4), 12, 9, 5)
    check(intervals, plan(intervals, alignment=alignment), alignment)


def test_same_again_and_fast_enough() -> None:
    intervals = some(random.Random(5), 400, 300, 2000)
    start = time.monotonic()
    found = plan(intervals)
    assert time.monotonic() - start < 10
    assert found == plan(list(intervals))
    ends = [o + i.size for o, i in zip(found.offsets, intervals, strict=True)]
    assert max(ends) <= found.size


@pytest.mark.parametrize("interval", [(0, 1, 2), (-1, 1, 2), (16, 2, 1)])
def test_no_intervals(interval: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="no interval"):
        Interval(*interval)
