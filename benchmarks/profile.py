# SPDX-License-Identifier: Apache-2.0
"""Counts and estimated cycles of an inference by address, and the loops that they are in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.cycles import costs, taken
from benchmarks.disassembly import Instruction
from benchmarks.trace import Trace
from west_utvm.errors import UtvmError

# Branches that are neither calls nor returns, and the ends of Armv8.1-M's loops.
_ARM = "b cbz cbnz le letp beq bne bcs bhs bcc blo bmi bpl bvs bvc bhi bls bge blt bgt ble"
_RISCV = "j beq bne blt bge bltu bgeu bgt ble bgtu bleu beqz bnez blez bgez bltz bgtz"
_REPEATS = frozenset(_ARM.split()) | frozenset(_RISCV.split())


@dataclass(frozen=True)
class Loop:
    """Instructions from ``begin`` to ``end`` (both inclusive) that belong to no loop inside it;
    ``passes`` is how often its last branch went back. ``cycles`` are those of a Cortex-M4."""

    function: str
    begin: int
    end: int
    passes: int
    instructions: int
    cycles: int


@dataclass(frozen=True)
class Profile:
    """``loops`` have the one with most cycles first."""

    instructions: int
    cycles: int
    loops: tuple[Loop, ...]


def profile(trace: Trace, code: Mapping[int, Instruction]) -> Profile:
    """UtvmError if an instruction ran that the disassembly has not."""
    counts: Counter[int] = Counter()
    cycles: Counter[int] = Counter()
    after: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for (begin, following), times in trace.edges.items():
        after[begin][following] += times
    for begin, followed in after.items():
        block = _block(code, begin, trace.ends[begin])
        times = sum(followed.values())
        for instruction, cost in zip(block, costs(block), strict=True):
            counts[instruction.address] += times
            cycles[instruction.address] += times * cost
        left = times - followed[trace.ends[begin]]
        cycles[block[-1].address] += left * taken(block[-1])
    return Profile(counts.total(), cycles.total(), tuple(_loops(trace, code, counts, cycles)))


def _block(code: Mapping[int, Instruction], begin: int, end: int) -> list[Instruction]:
    block = []
    while begin < end:
        if begin not in code:
            raise UtvmError(f"no instruction at {begin:#x}", where="disassembly")
        block.append(code[begin])
        begin += code[begin].size
    return block


def _loops(
    trace: Trace,
    code: Mapping[int, Instruction],
    counts: Mapping[int, int],
    cycles: Mapping[int, int],
) -> Iterable[Loop]:
    passes: Counter[tuple[int, int]] = Counter()
    for (begin, following), times in trace.edges.items():
        last = _block(code, begin, trace.ends[begin])[-1]
        back = following <= last.address and code[following].function == last.function
        if back and last.mnemonic in _REPEATS:
            passes[following, last.address] += times
    inner: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    ranges = sorted(passes, key=lambda pair: pair[1] - pair[0])
    for address in counts:
        around = next((pair for pair in ranges if pair[0] <= address <= pair[1]), None)
        if around is not None:
            inner[around].append(address)
    found = [
        Loop(
            code[pair[0]].function,
            *pair,
            passes[pair],
            sum(counts[address] for address in addresses),
            sum(cycles[address] for address in addresses),
        )
        for pair, addresses in inner.items()
    ]
    return sorted(found, key=lambda loop: (-loop.cycles, loop.begin))
