# SPDX-License-Identifier: Apache-2.0
"""Counts and estimated cycles of an inference by address, and the loops that they are in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.cycles import costs, taken
from benchmarks.disassembly import Instruction
from benchmarks.trace import Block, Edges
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


def profile(edges: Edges, code: Mapping[int, Instruction]) -> Profile:
    """UtvmError if an instruction ran that the disassembly has not."""
    counts: Counter[int] = Counter()
    cycles: Counter[int] = Counter()
    ran: Counter[Block] = Counter()
    for (block, following), times in edges.items():
        ran[block] += times
        if following.begin != block.end:
            last = _instructions(code, block)[-1]
            cycles[last.address] += times * taken(last)
    for block, times in ran.items():
        instructions = _instructions(code, block)
        for instruction, cost in zip(instructions, costs(instructions), strict=True):
            counts[instruction.address] += times
            cycles[instruction.address] += times * cost
    loops = tuple(_loops(_passes(edges, code), code, counts, cycles))
    return Profile(counts.total(), cycles.total(), loops)


def _instructions(code: Mapping[int, Instruction], block: Block) -> list[Instruction]:
    found, address = [], block.begin
    while address < block.end:
        if address not in code:
            raise UtvmError(f"no instruction at {address:#x}", where="disassembly")
        found.append(code[address])
        address += code[address].size
    return found


def _passes(edges: Edges, code: Mapping[int, Instruction]) -> Counter[tuple[int, int]]:
    """How often a branch went back inside its function, by where it goes to and where it is."""
    passes: Counter[tuple[int, int]] = Counter()
    for (block, following), times in edges.items():
        last = _instructions(code, block)[-1]
        back = following.begin <= last.address and code[following.begin].function == last.function
        if back and last.mnemonic in _REPEATS:
            passes[following.begin, last.address] += times
    return passes


def _loops(
    passes: Mapping[tuple[int, int], int],
    code: Mapping[int, Instruction],
    counts: Mapping[int, int],
    cycles: Mapping[int, int],
) -> Iterable[Loop]:
    """What ran belongs to the shortest loop around it, or to none."""
    inner: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    ranges = sorted(passes, key=lambda pair: (pair[1] - pair[0], pair))
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
