# SPDX-License-Identifier: Apache-2.0
"""How often each block of instructions ran in one inference, from QEMU's execution log."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

from west_utvm.errors import UtvmError

LOG = ("-d", "in_asm,exec,nochain")
_BLOCK_BYTES = 4 << 20
_SEPARATOR = b"----------------\nIN:"
# "Trace 0: 0x7f… [cs_base/pc/flags/cflags] symbol", for each block before it runs: which one it
# is, pc and flags tell.
_TRACE = re.compile(rb"^Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+/[0-9a-f]+)/", re.M)
# The same, or "Stopped execution of TB chain before …": the block before it did not run.
_TRACE_OR_STOP = re.compile(
    rb"^(?:Trace \d+: \S+ \[[0-9a-f]+/([0-9a-f]+/[0-9a-f]+)/|(Stopped) )", re.M
)
# "0x000002ac:  4a17       ldr …", or bytes alone where QEMU has no disassembler.
_LISTED = re.compile(rb"^0x([0-9a-f]+):\s+((?:[0-9a-f]{2,8}(?:\s|$))+)", re.M)


class Block(NamedTuple):
    """Instructions that run one after the other; ``end`` is the address after the last."""

    begin: int
    end: int


Edges: TypeAlias = Mapping[tuple[Block, Block], int]


def trace(command: Sequence[str], folder: Path, entry: int, data: bytes) -> Edges:
    """How often each block was followed by which in one call of the function at ``entry``.

    ``command`` runs the rig, built with WARM_ONLY; ``data`` are its inputs. The log
    is read as it is written: of a large model it is gigabytes.
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


def events(pieces: Iterable[bytes]) -> Iterator[tuple[dict[bytes, int], list[bytes]]]:
    """The ends of blocks newly translated, and the blocks that ran, in order.

    A block is translated when it is to run for the first time: what runs next is what it is.
    """
    rows: list[tuple[bytes, bytes]] = []
    for piece in pieces:
        for number, part in enumerate(piece.split(_SEPARATOR)):
            listing, line, executed = part.partition(b"\nTrace ") if number else (b"", b"", part)
            text = b"Trace " + executed if line else executed
            # A piece may end between a listing and its block's first run.
            rows = _LISTED.findall(listing) or rows
            first = _TRACE.match(text)
            if first and rows and int(first[1].partition(b"/")[0], 16) == int(rows[0][0], 16):
                yield {first[1]: _end(*rows[-1])}, _executed(text)
                rows = []
            else:
                yield {}, _executed(text)


def _end(address: bytes, code: bytes) -> int:
    return int(address, 16) + len(b"".join(code.split())) // 2


def _executed(text: bytes) -> list[bytes]:
    if b"Stopped" not in text:
        return _TRACE.findall(text)
    ran: list[bytes] = []
    for block, stopped in _TRACE_OR_STOP.findall(text):
        if stopped and ran:
            ran.pop()
        elif block:
            ran.append(block)
    return ran


def window(found: Iterable[tuple[dict[bytes, int], list[bytes]]], entry: int) -> Edges:
    """What ran from the first call of ``entry`` until it returned.

    UtvmError if it was not called or did not return.
    """
    edges: Counter[tuple[bytes, bytes]] = Counter()
    ends: dict[bytes, int] = {}
    last, stop = b"", -1
    for new, ran in found:
        ends |= new
        if stop < 0:
            at = _first(ran, ends, entry)
            if at is None:
                last = ran[-1] if ran else last
                continue
            stop = ends[ran[at - 1] if at else last]
            ran, last = ran[at:], b""
        at = _first(ran, ends, stop)
        chain = [*([last] if last else []), *(ran if at is None else ran[: at + 1])]
        edges.update(pairwise(chain))
        last = chain[-1] if chain else last
        if at is not None:
            return _by_block(edges, ends)
    raise UtvmError("the inference did not run to its end", where="trace")


def _first(ran: list[bytes], ends: Mapping[bytes, int], address: int) -> int | None:
    """Where in ``ran`` the first block that begins at ``address`` is."""
    blocks = [block for block in ends if block.startswith(b"%08x/" % address)]
    return min((ran.index(block) for block in blocks if block in ran), default=None)


def _by_block(edges: Counter[tuple[bytes, bytes]], ends: Mapping[bytes, int]) -> Edges:
    """By addresses: blocks that only their flags tell apart are added up."""
    found: Counter[tuple[Block, Block]] = Counter()
    for pair, times in edges.items():
        a, b = (Block(int(block.partition(b"/")[0], 16), ends[block]) for block in pair)
        found[a, b] += times
    return found
