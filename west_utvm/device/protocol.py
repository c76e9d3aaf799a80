# SPDX-License-Identifier: Apache-2.0
"""Frames of the runner's protocol (``zephyr_template/PROTOCOL.md``), to and from bytes."""

from __future__ import annotations

import codecs
import struct
import zlib
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

VERSION = 1
DELIMITER = b"\0"

_HEADER = struct.Struct("<BBHI")
_CRC = struct.Struct("<I")
# A reply carries at most a chunk, whose size is a u16, or the sizes of 510 tensors.
_LONGEST_SEGMENT = 70_000


class Type(IntEnum):
    HELLO = 0x01
    WRITE = 0x02
    RUN = 0x03
    READ = 0x04
    STATS = 0x05
    BOOT = 0xC0
    RESULT = 0xC3


REPLY = 0x80
"""Set in the type of the reply to a request."""


class Status(IntEnum):
    OK = 0
    BAD_VERSION = 1
    UNKNOWN_TYPE = 2
    BAD_LENGTH = 3
    NO_SESSION = 4
    BAD_INDEX = 5
    OUT_OF_RANGE = 6


@dataclass(frozen=True)
class Frame:
    """``kind`` is a Type, perhaps with REPLY set; anything else came from a stranger."""

    kind: int
    seq: int
    session: int
    payload: bytes = b""
    version: int = VERSION


def encode(frame: Frame) -> bytes:
    """The frame as it goes over the line, with a delimiter before and after."""
    raw = _HEADER.pack(frame.version, frame.kind, frame.seq, frame.session) + frame.payload
    encoded: bytes = cobs.encode(raw + _CRC.pack(zlib.crc32(raw)))
    return DELIMITER + encoded + DELIMITER


def decode(segment: bytes) -> Frame | None:
    """The frame in what stood between two delimiters, if it is one and undamaged."""
    try:
        raw: bytes = cobs.decode(segment)
    except cobs.DecodeError:
        return None
    body = raw[: -_CRC.size]
    if len(body) < _HEADER.size or raw[-_CRC.size :] != _CRC.pack(zlib.crc32(body)):
        return None
    version, kind, seq, session = _HEADER.unpack_from(body)
    return Frame(kind, seq, session, body[_HEADER.size :], version)


class Decoder:
    """Tells frames from the text that a board prints on the same line.

    A frame's second byte is its version, and versions stay below 8: no character of a
    text. So text is recognised, and passed on, before the delimiter that ends it.
    """

    def __init__(self) -> None:
        self.damaged = 0
        """How many frames were dropped for a wrong length, code or CRC."""
        self._segment = bytearray()
        self._in_text = False
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> list[Frame | str]:
        """The frames and pieces of text that ``data`` completes, in order."""
        found: list[Frame | str | None] = []
        *ended, rest = data.split(DELIMITER)
        for piece in ended:
            self._segment += piece
            found += [self._take_text(final=True), self._take_frame()]
        self._segment += rest
        found.append(self._take_text(final=False))
        return [item for item in found if item]

    def _take_text(self, *, final: bool) -> str:
        if len(self._segment) >= 2 and not 0 < self._segment[1] < 8:
            self._in_text = True
        if not self._in_text and len(self._segment) <= _LONGEST_SEGMENT:
            return ""
        text = self._utf8.decode(bytes(self._segment), final)
        self._segment.clear()
        self._in_text = not final
        return text

    def _take_frame(self) -> Frame | None:
        if not self._segment:
            return None
        frame = decode(bytes(self._segment))
        self._segment.clear()
        self.damaged += frame is None
        return frame
