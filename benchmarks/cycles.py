# SPDX-License-Identifier: Apache-2.0
"""Estimated cycles of a Cortex-M4 for a block of instructions, without wait states.

The table is that of the Cortex-M4 Technical Reference Manual (Arm DDI 0439, also 100166): section
3.3.1 for the processor, 3.3.2 for the rules of pairing loads and stores, and 7.2.3 for the
floating-point unit. Where it gives a range this takes one figure:

- P, the refill of the pipeline after a taken branch, is 1 to 3: here 2.
- SDIV and UDIV take 2 to 12: here 12.

Not modelled: contention of loads relative to PC with fetching, unaligned accesses, the write
buffer, wait states of flash. An instruction whose condition fails in an IT block counts as if it
ran. So these are estimates, to compare two programs with, not promises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmarks.disassembly import Instruction

REFILL = 2
_DIVIDE = 12
_CONDITIONS = "eq ne cs hs cc lo mi pl vs vc hi ls ge lt gt le".split()
_BRANCHES = {"b", "bl", "bx", "blx", "cbz", "cbnz", *(f"b{c}" for c in _CONDITIONS)}
_LOAD = re.compile(r"ldr(b|h|sb|sh)?(t|ex|exb|exh)?")
_STORE = re.compile(r"str(b|h)?(t|ex|exb|exh)?")
_MULTIPLE = re.compile(r"(ldm|stm|vldm|vstm)(ia|db)?|push|pop|vpush|vpop")
_FIXED = {
    "sdiv": _DIVIDE,
    "udiv": _DIVIDE,
    "ldrd": 3,
    "strd": 3,
    "tbb": 2 + REFILL,
    "tbh": 2 + REFILL,
    "vdiv": 14,
    "vsqrt": 14,
    "vldr": 2,
    "vstr": 2,
    "dsb": 1,
    "dmb": 1,
    "isb": 1 + REFILL,
}
_REGISTER = re.compile(r"\b(r\d+|sp|lr|ip|pc|sl|fp|sb)\b")
# As objdump calls registers that have a number, too.
_ALIASES = {"sb": "r9", "sl": "r10", "fp": "r11", "ip": "r12", "sp": "r13", "lr": "r14"}


def costs(block: Sequence[Instruction]) -> list[int]:
    """Cycles of each instruction of a block that runs from its first to its last.

    A branch at the end counts as not taken; :func:`taken` is what it takes more when it is.
    """
    found = []
    before: Instruction | None = None
    for instruction in block:
        found.append(max(1, _cost(instruction) + _pairing(before, instruction)))
        before = instruction
    return found


def taken(last: Instruction) -> int:
    """Cycles that the last instruction of a block takes more when it leaves the sequence."""
    plain = _plain(last)
    if plain in _BRANCHES or _loads_pc(last) or _writes_pc(last):
        return REFILL
    return 0


def _plain(instruction: Instruction) -> str:
    """The mnemonic without its condition in an IT block and without a data type."""
    base = instruction.mnemonic.partition(".")[0]
    if base in _BRANCHES or _known(base):
        return base
    if base[-2:] in _CONDITIONS and (_known(base[:-2]) or base[:-2] in _BRANCHES):
        return base[:-2]
    return base


def _known(base: str) -> bool:
    patterns = (_LOAD, _STORE, _MULTIPLE)
    return base in _FIXED or any(pattern.fullmatch(base) for pattern in patterns)


def _cost(instruction: Instruction) -> int:
    base = _plain(instruction)
    if base in _FIXED:
        wide = base in ("vldr", "vstr") and instruction.operands.startswith("d")
        return _FIXED[base] + (1 if wide else 0)
    if _MULTIPLE.fullmatch(base):
        return 1 + _list_length(instruction.operands)
    if _LOAD.fullmatch(base):
        return 2
    if _STORE.fullmatch(base):
        return 1 if _immediate_address(instruction) else 2
    if base.startswith(("vmla", "vmls", "vnmla", "vnmls", "vfma", "vfms", "vfnma", "vfnms")):
        return 3
    return 1


def _pairing(before: Instruction | None, instruction: Instruction) -> int:
    """What the instruction before changes: a load overlaps the next load or store unless it gives
    the address; a result of data processing is late for an address."""
    base = _plain(instruction)
    single = bool(_LOAD.fullmatch(base) or _STORE.fullmatch(base))
    if before is None or not (single or base in ("ldrd", "strd")):
        return 0
    earlier = _plain(before)
    needs = _address_registers(instruction)
    if _LOAD.fullmatch(earlier):
        overlaps = single and not needs & _registers(before.operands.partition(",")[0])
        return -1 if overlaps and _cost(instruction) > 1 else 0
    if _known(earlier) or earlier in _BRANCHES or earlier in ("cmp", "cmn", "tst", "teq"):
        return 0
    return 1 if needs & _registers(before.operands.partition(",")[0]) else 0


def _registers(text: str) -> set[str]:
    return {_ALIASES.get(name, name) for name in _REGISTER.findall(text)}


def _address_registers(instruction: Instruction) -> set[str]:
    return _registers(instruction.operands.partition("[")[2].partition("]")[0])


def _immediate_address(instruction: Instruction) -> bool:
    return len(_address_registers(instruction)) < 2


def _list_length(operands: str) -> int:
    """Registers in ``{r0, r4-r7, lr}`` or ``{s0-s3}``."""
    listed = operands.partition("{")[2].partition("}")[0]
    count = 0
    for item in listed.split(","):
        first, _, last = item.strip().partition("-")
        numbers = [re.sub(r"\D", "", _ALIASES.get(name, name)) for name in (first, last)]
        count += int(numbers[1]) - int(numbers[0]) + 1 if last else 1
    return count * 2 if listed.strip().startswith("d") else count


def _loads_pc(instruction: Instruction) -> bool:
    base = _plain(instruction)
    if _MULTIPLE.fullmatch(base):
        return "pc" in _registers(instruction.operands.partition("{")[2])
    first = instruction.operands.partition(",")[0]
    return bool(_LOAD.fullmatch(base)) and "pc" in _registers(first)


def _writes_pc(instruction: Instruction) -> bool:
    base = _plain(instruction)
    first = instruction.operands.partition(",")[0]
    return base in ("mov", "add", "adds") and "pc" in _registers(first)
