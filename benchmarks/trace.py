# SPDX-License-Identifier: Apache-2.0
"""How often each block of instructions ran in one inference, from QEMU's execution log."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from west_utvm.errors import UtvmError

LOG = ("-d", "in_asm,exec,nochain")
_BLOCK_BYTES = 4 << 20
_SEPARATOR = b"----------------\nIN:"
# "Trace 0: 0x7f… [cs_base/pc/flags/cflags] symbol", for each block before it runs.
_TRACE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/", re.M)
# The same, or "Stopped execution of TB chain before …": the block before it did not run.
_TRACE_OR_STOP = re.compile(rb"^(?:Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+)/|(Stopped) )", re.M)
# "0x000002ac:  4a17       ldr …", or bytes alone where QEMU has no disassembler.
_LISTED = re.compile(rb"^0x([0-9a-f]+):\s+((?:[0-9a-f]{2,8}(?:\s|$))+)", re.M)


@dataclass(frozen=True)
class Trace:
    """``edges`` count how often the block at the first address was followed by that at the
    second; ``ends`` are the addresses after the blocks, by their beginnings."""

    edges: Mapping[tuple[int, int], int]
    ends: Mapping[int, int]


def trace(command: Sequence[str], folder: Path, entry: int, data: bytes) -> Trace:
    """One call of the function at ``entry``; ``command`` runs the rig, built with WARM_ONLY.

    The log is read as it is written: of a large model it is gigabytes.
    """
    (folder / "input.bin").write_bytes(data)
    with subprocess.Popen(
        [*command, *LOG],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        log = events(_whole_lines(process.stderr))
        found = window(log, entry)
        for _ in log:
            pass  # A full pipe would keep it from its end.
        if process.wait() != 0:
            raise UtvmError(f"exit status {process.returncode} while traced", where=command[0])
    return found


def _whole_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The log in pieces of whole blocks of translation or lines of execution."""
    rest = b""
    while piece := stream.read(_BLOCK_BYTES):
        rest += piece
        end = rest.rfind(b"\nTrace ") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    yield rest


def events(pieces: Iterable[bytes]) -> Iterator[tuple[dict[int, int], list[bytes]]]:
    """Beginnings and ends of blocks newly translated; those that ran, as the log writes them."""
    for piece in pieces:
        for number, part in enumerate(piece.split(_SEPARATOR)):
            listing, line, executed = part.partition(b"\nTrace ") if number else (b"", b"", part)
            yield _extent(listing), _executed(b"Trace " + executed if line else executed)


def _extent(listing: bytes) -> dict[int, int]:
    rows = [
        (int(address, 16), len(b"".join(code.split())) // 2)
        for address, code in _LISTED.findall(listing)
    ]
    if not rows:
        return {}
    address, size = rows[-1]
    return {rows[0][0]: address + size}


def _executed(text: bytes) -> list[bytes]:
    if b"Stopped" not in text:
        return _TRACE.findall(text)
    ran: list[bytes] = []
    for address, stopped in _TRACE_OR_STOP.findall(text):
        if stopped and ran:
            ran.pop()
        elif address:
            ran.append(address)
    return ran


def window(found: Iterable[tuple[dict[int, int], list[bytes]]], entry: int) -> Trace:
    """What ran from the first call of ``entry`` until it returned.

    UtvmError if it was not called or did not return.
    """
    edges: Counter[tuple[bytes, bytes]] = Counter()
    ends: dict[int, int] = {}
    first, last, stop = b"%08x" % entry, b"", b""
    for extents, ran in found:
        for begin, end in extents.items():
            if ends.setdefault(begin, end) != end:
                raise UtvmError(f"the block at {begin:#x} has two lengths", where="trace")
        if not stop and first in ran:
            at = ran.index(first)
            caller = ran[at - 1] if at else last
            stop, ran, last = b"%08x" % ends[int(caller, 16)], ran[at:], b""
        elif not stop or not ran:
            last = ran[-1] if ran else last
            continue
        ended = stop in ran
        chain = [*([last] if last else []), *(ran[: ran.index(stop) + 1] if ended else ran)]
        edges.update(pairwise(chain))
        last = chain[-1]
        if ended:
            return Trace({(int(a, 16), int(b, 16)): n for (a, b), n in edges.items()}, ends)
    raise UtvmError("the inference did not run to its end", where="trace")
