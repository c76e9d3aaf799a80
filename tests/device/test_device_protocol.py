# SPDX-License-Identifier: Apache-2.0
"""Frames among text, however they are cut into pieces."""

from __future__ import annotations

import random

import pytest

from west_utvm.device.protocol import Decoder, Frame, Type, decode, encode

FRAMES = [
    Frame(Type.BOOT, 0, 0),
    Frame(Type.READ | 0x80, 513, 0xDEADBEEF, bytes(600)),
    Frame(Type.RESULT, 0x0A0D, 0x0A0D0A0D, b"looks like text\r\n" * 20),
]
TEXT = ["\r\n*** Booting ***\r\n", "[00:01] \x1b[32mä log line\x1b[0m\n", "..."]


def test_a_frame_on_the_wire_is_as_documented() -> None:
    frame = Frame(Type.HELLO, 0x0102, 0x11223344)
    assert encode(frame).hex(" ") == "00 0d 01 01 02 01 44 33 22 11 89 ae 0e 80 00"


@pytest.mark.parametrize("longest", [1, 2, 3, 7, 100, 10_000])
def test_text_and_frames_are_told_apart(longest: int) -> None:
    stream = b"".join(
        text.encode() + encode(frame) for text, frame in zip(TEXT, FRAMES, strict=True)
    )
    chance = random.Random(longest)
    decoder = Decoder()
    found: list[Frame | str] = []
    while stream:
        cut = chance.randint(1, longest)
        found += decoder.feed(stream[:cut])
        stream = stream[cut:]
    assert [item for item in found if isinstance(item, Frame)] == FRAMES
    assert "".join(item for item in found if isinstance(item, str)) == "".join(TEXT)
    assert decoder.damaged == 0


def test_text_is_passed_on_before_the_next_frame() -> None:
    decoder = Decoder()
    assert decoder.feed(encode(FRAMES[0]) + b"fault!") == [FRAMES[0], "fault!"]


def test_no_damaged_frame_passes() -> None:
    good = encode(FRAMES[2]).strip(b"\0")
    chance = random.Random(1)
    for _ in range(2000):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        assert decode(bytes(bad)) is None
    assert all(decode(good[:cut]) is None for cut in range(len(good)))


def test_endless_noise_is_not_hoarded() -> None:
    decoder = Decoder()
    for _ in range(100):
        decoder.feed(b"\x01" * 10_000)
    assert decoder.feed(b"\0" + encode(FRAMES[1])) == [FRAMES[1]]
