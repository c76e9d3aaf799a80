# SPDX-License-Identifier: Apache-2.0
"""Plans are valid, repeatable, bounded, and on small cases the best there are."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from itertools import combinations, permutations, product
from math import lcm

import pytest

from west_utvm.planning import Interval, Overlap, Plan, plan

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
    assert plan([]) == Plan((), 0, 0, proven=True)


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
    assert found.proven


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


def some_overlaps(chance: random.Random, intervals: Sequence[Interval]) -> list[Overlap]:
    """Between most that may have one, at any distance that can make a difference."""
    found: list[Overlap] = []
    for source, target in permutations(range(len(intervals)), 2):
        a, b = intervals[source], intervals[target]
        once = a.last == b.first and (a.first < b.first or a.last < b.last)
        if once and chance.random() < 0.8:
            found.append(Overlap(source, target, chance.randint(-a.size, b.size)))
    return found


def may_be(
    intervals: Sequence[Interval], overlaps: Sequence[Overlap], offsets: Sequence[int]
) -> bool:
    """Whether buffers that live together share no byte, but for what an overlap allows."""
    allowed = {(o.source, o.target): o for o in overlaps}
    for i, j in combinations(range(len(intervals)), 2):
        ends = [offsets[k] + -(-v.size // UNIT) * UNIT for k, v in enumerate(intervals)]
        if not intervals[i].meets(intervals[j]) or ends[i] <= offsets[j] or ends[j] <= offsets[i]:
            continue
        ways = [
            (allowed.get(pair), offsets[pair[0]] - offsets[pair[1]]) for pair in ((i, j), (j, i))
        ]
        if not any(o and d >= o.distance and d % o.multiple == 0 for o, d in ways):
            return False
    return True


def smallest_with(intervals: Sequence[Interval], overlaps: Sequence[Overlap]) -> int:
    """By trying every offset of every buffer."""
    sizes = [-(-interval.size // UNIT) for interval in intervals]
    for total in range(max(sizes), sum(sizes) + 1):
        for units in product(*(range(total - size + 1) for size in sizes)):
            if may_be(intervals, overlaps, [unit * UNIT for unit in units]):
                return total * UNIT
    raise AssertionError


def test_small_cases_with_overlaps_are_the_best_there_are() -> None:
    smaller = 0
    for seed in range(300):
        chance = random.Random(seed)
        intervals = some(chance, chance.randint(2, 4), 5, 4)
        overlaps = some_overlaps(chance, intervals)
        found = plan(intervals, overlaps=overlaps)
        assert may_be(intervals, overlaps, found.offsets), seed
        assert found.lower_bound <= found.size == smallest_with(intervals, overlaps), seed
        assert found.proven
        smaller += found.size < plan(intervals).size
    assert smaller > 50


@pytest.mark.parametrize("seed", range(30))
def test_overlaps_never_cost(seed: int) -> None:
    chance = random.Random(seed)
    intervals = some(chance, chance.randint(6, 40), 15, 12)
    overlaps = some_overlaps(chance, intervals)
    found = plan(intervals, overlaps=overlaps)
    assert may_be(intervals, overlaps, found.offsets)
    assert found.lower_bound <= found.size <= by_size(intervals)


def test_a_chain_runs_over_itself() -> None:
    """Each buffer starts a little after the next one: what the first two leave is not needed."""
    chain = [Interval(1600, step, step + 1) for step in range(9)]
    overlaps = [Overlap(i, i + 1, 30) for i in range(8)]
    found = plan(chain, overlaps=overlaps)
    assert found.size == 1600 + 8 * 32
    assert found.proven
    assert plan(chain).size == 3200


def test_no_overlap_of_what_lives_together_longer() -> None:
    intervals = [Interval(16, 0, 2), Interval(16, 1, 3)]
    with pytest.raises(ValueError, match="no overlap"):
        plan(intervals, overlaps=[Overlap(0, 1, 0)])


def test_overlap_of_whole_pixels_alone() -> None:
    """The distance is a multiple, for which both buffers are aligned to it."""
    chain = [Interval(480, step, step + 1) for step in range(5)]
    overlaps = [Overlap(0, 1, 16, 48), Overlap(1, 2, 16), Overlap(2, 3, -16, 96), Overlap(3, 4, 5)]
    found = plan(chain, overlaps=overlaps)
    assert may_be(chain, overlaps, found.offsets)
    assert found.offsets == (192, 144, 96, 96, 0)
    assert found.proven


def test_small_cases_of_multiples_are_the_best_there_are() -> None:
    """By trying every offset that is a multiple. Where bytes are not shared it need not be one."""
    for seed in range(150):
        chance = random.Random(seed)
        intervals = some(chance, chance.randint(2, 4), 5, 4)
        overlaps = [
            Overlap(o.source, o.target, o.distance, chance.choice([1, 1, 32, 48]))
            for o in some_overlaps(chance, intervals)
        ]
        found = plan(intervals, overlaps=overlaps)
        steps = [
            lcm(UNIT, *(o.multiple for o in overlaps if i in (o.source, o.target)))
            for i in range(len(intervals))
        ]
        assert may_be(intervals, overlaps, found.offsets), seed
        ranges = [range(0, found.size, step) for step in steps]
        best = min(
            max(o + -(-v.size // UNIT) * UNIT for o, v in zip(offsets, intervals, strict=True))
            for offsets in product(*ranges)
            if may_be(intervals, overlaps, offsets)
        )
        assert found.lower_bound <= found.size <= best, seed
