# SPDX-License-Identifier: Apache-2.0
"""The cycle model on instructions whose timing Arm's manual gives, and traces that are given."""

from __future__ import annotations

import pytest

from benchmarks.cycles import costs, taken
from benchmarks.disassembly import Instruction, parse
from benchmarks.profile import Loop, profile
from benchmarks.trace import Block, events, window
from west_utvm.errors import UtvmError


def block(text: str) -> list[Instruction]:
    """Instructions of two bytes each from ``mnemonic operands`` lines."""
    found = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines()))):
        mnemonic, _, operands = line.partition(" ")
        found.append(Instruction(2 * number, 2, mnemonic, operands, "f"))
    return found


# Section 3.3.1, and the examples of 3.3.2 ("normally three cycles in total", and so on).
@pytest.mark.parametrize(
    ("text", "cycles"),
    [
        ("mov r0, r1", 1),
        ("smlad r0, r1, r2, r3", 1),
        ("smull r0, r1, r2, r3", 1),
        ("udiv r0, r1, r2", 12),
        ("ldr r0, [r1]", 2),
        ("ldr r0, [r1]\n ldr r1, [r2]", 3),
        ("ldr r0, [r1, r2]\n str r0, [r3, #20]", 3),
        ("ldr r0, [r1, r2]\n str r1, [r3, r2]", 3),
        ("ldr r0, [r1, r5]\n ldr r1, [r2]\n ldr r2, [r3, #4]", 4),
        ("ldr r0, [r1]\n ldr r2, [r0]", 4),
        ("ldrsb r0, [r1, #1]!\n ldrsb r2, [r3, #1]!\n smlabb r4, r0, r2, r4", 4),
        ("add r1, r2, r3\n ldr r0, [r1]", 4),
        ("cmp r1, r2\n ldr r0, [r1]", 3),
        ("str r0, [r1, #4]", 1),
        ("str r0, [r1, r2]", 2),
        ("ldmia r0!, {r1, r2, r4-r7}", 7),
        ("push {r4, r5, lr}", 4),
        ("ldrd r0, r1, [r2]", 3),
        ("vmla.f32 s0, s1, s2", 3),
        ("vldmia r0!, {s0-s3}", 5),
        ("vpush {d8-d9}", 5),
        ("movne r0, #1", 1),
        ("ldrne r0, [r1]", 2),
    ],
)
def test_cycles_of_a_block(text: str, cycles: int) -> None:
    assert sum(costs(block(text))) == cycles


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("bne 0", 2),
        ("b 0", 2),
        ("bl f", 2),
        ("bx lr", 2),
        ("pop {r4, pc}", 2),
        ("pop {r4, r5}", 0),
        ("ldr pc, [r1]", 2),
        ("add r0, r1", 0),
    ],
)
def test_a_branch_that_is_taken_refills_the_pipeline(text: str, more: int) -> None:
    assert taken(block(text)[0]) == more


LISTING = """
00000100 <f>:
 100:\t2003      \tmovs\tr0, #3
 102:\tf813 1b01 \tldrb.w\tr1, [r3], #1
 106:\t3801      \tsubs\tr0, #1
 108:\td1fb      \tbne.n\t102 <f+0x2>
 10a:\t4770      \tbx\tlr
 10c:\t20000000 \t.word\t0x20000000

00000110 <main>:
 110:\tf7ff fff6 \tbl\t100 <f>
 114:\te7fe      \tb.n\t114 <main+0x4>
"""

LOG = b"""----------------
IN: main
0x00000110:  f7ff fff6  bl       #0x100

Trace 0: 0x7f0 [00800408/00000110/00000110/ff000200] main
----------------
IN: f
0x00000100:  2003       movs     r0, #3
0x00000102:  f813 1b01  ldrb     r1, [r3], #1
0x00000106:  3801       subs     r0, #1
0x00000108:  d1fb       bne      #0x102

Trace 0: 0x7f1 [00800408/00000100/00000110/ff000200] f
----------------
IN: f
0x00000102:  f813 1b01  ldrb     r1, [r3], #1
0x00000106:  3801       subs     r0, #1
0x00000108:  d1fb       bne      #0x102

Trace 0: 0x7f2 [00800408/00000102/00000110/ff000200] f
Stopped execution of TB chain before 0x7f2 [00000102] f
Trace 0: 0x7f2 [00800408/00000102/00000110/ff000200] f
Trace 0: 0x7f2 [00800408/00000102/00000110/ff000200] f
----------------
IN: f
0x0000010a:  4770       bx       lr

Trace 0: 0x7f3 [00800408/0000010a/00000110/ff000200] f
----------------
IN: main
0x00000114:  e7fe       b        #0x114

Trace 0: 0x7f4 [00800408/00000114/00000110/ff000200] main
Trace 0: 0x7f4 [00800408/00000114/00000110/ff000200] main
"""
WHOLE, AGAIN, RETURN = Block(0x100, 0x10A), Block(0x102, 0x10A), Block(0x10A, 0x10C)
EDGES = {
    (WHOLE, AGAIN): 1,
    (AGAIN, AGAIN): 1,
    (AGAIN, RETURN): 1,
    (RETURN, Block(0x114, 0x116)): 1,
}


@pytest.mark.parametrize("cut", [len(LOG), 400, 700, 1100])
def test_trace_of_one_call(cut: int) -> None:
    """In one piece, or in two as the pipe happens to give them: cut before a line of execution."""
    end = LOG.rfind(b"\nTrace ", 0, cut) + 1 if cut < len(LOG) else cut
    assert window(events([LOG[:end], LOG[end:]]), 0x100) == EDGES


def test_trace_without_an_end_is_refused() -> None:
    with pytest.raises(UtvmError, match="to its end"):
        window(events([LOG[: LOG.index(b"IN: main\n0x00000114")]]), 0x100)


def test_profile_of_one_call() -> None:
    """movs; three times ldrb, subs, bne, of which two are taken; bx lr."""
    code = parse(LISTING)
    assert 0x10C not in code
    found = profile(window(events([LOG]), 0x100), code)
    assert found.instructions == 1 + 3 * 3 + 1
    assert found.cycles == 1 + 3 * (2 + 1 + 1) + 2 * 2 + (1 + 2)
    assert found.loops == (Loop("f", 0x102, 0x108, 2, 9, 16),)


def test_code_that_is_not_listed_is_refused() -> None:
    with pytest.raises(UtvmError, match="no instruction at 0x100"):
        profile({(Block(0x100, 0x102), Block(0x102, 0x104)): 1}, {})
