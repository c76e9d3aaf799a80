# SPDX-License-Identifier: Apache-2.0
"""What the handmade module (``handmade/handmade.c``) must answer."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

from west_utvm.device.client import Client, RunResult

DIGEST = b"\xde\xad\x00\xff" + bytes(27) + b"\x42"
BIG_SIZE = 1999
NOTHING, FAIL, SPIN, PRINT, DIE = 0, 1001, 1002, 1003, 1004


def random_big(seed: int) -> bytes:
    return random.Random(seed).randbytes(BIG_SIZE)


def inputs(big: bytes, what: int = NOTHING, argument: int = 0) -> list[bytes]:
    return [big, struct.pack("<ii", what, argument)]


def check(outputs: Sequence[bytes], big: bytes, argument: int = 0) -> int:
    """Assert that the outputs are right, and return the number of runs since boot."""
    facts = struct.unpack("<4i", outputs[0])
    assert (facts[0], facts[1], facts[3]) == (sum(big), argument, 0x0A000D00)
    assert outputs[1] == bytes(255 - byte for byte in reversed(big))
    return int(facts[2])


def infer_and_check(client: Client, seed: int) -> tuple[int, RunResult]:
    big = random_big(seed)
    outputs, result = client.infer(inputs(big, NOTHING, seed))
    return check(outputs, big, seed), result
