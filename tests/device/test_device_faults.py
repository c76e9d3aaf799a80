# SPDX-License-Identifier: Apache-2.0
"""Resets, noise and garbage: right results or one UtvmError, never a hang."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device.handmade_model import BIG_SIZE, DIE, DIGEST, SPIN, infer_and_check, inputs
from tests.device.lines import NoisyLine, ResettableLine
from west_utvm.device.client import Client
from west_utvm.device.process import ProcessTransport
from west_utvm.device.protocol import DELIMITER, Decoder, Frame, Status, Type, encode
from west_utvm.errors import UtvmError

RESET = "the board was reset in the middle of the session"
NUM_FUZZ = 100_000


@pytest.fixture
def resettable(runner: Path) -> Iterator[ResettableLine]:
    with ResettableLine(runner) as line:
        yield line


@pytest.mark.parametrize("lose_announcement", [False, True])
def test_a_reset_between_inferences_is_noticed(
    resettable: ResettableLine, lose_announcement: bool
) -> None:
    client = Client(resettable)
    client.hello(DIGEST)
    infer_and_check(client, 1)
    resettable.reset(lose_announcement=lose_announcement)
    with pytest.raises(UtvmError, match=RESET):
        infer_and_check(client, 2)
    client.hello(DIGEST)
    assert infer_and_check(client, 3)[0] == 1


def test_a_reset_during_a_run_is_noticed(resettable: ResettableLine) -> None:
    client = Client(resettable, timeout=0.1)
    client.hello(DIGEST)
    resettable.reset_in(0.5)
    begin = time.monotonic()
    with pytest.raises(UtvmError, match=RESET):
        client.infer(inputs(bytes(BIG_SIZE), SPIN, 2_000_000_000))
    assert time.monotonic() - begin < 5.0


def test_a_runner_that_ends_is_noticed(client: Client) -> None:
    with pytest.raises(UtvmError, match="utvm_runner: ended with exit code 3"):
        client.infer(inputs(bytes(BIG_SIZE), DIE))


@pytest.mark.parametrize("seed", range(2))
def test_noise_costs_repetitions_only(line: ProcessTransport, seed: int) -> None:
    noisy = NoisyLine(line, seed, 2e-4)
    client = Client(noisy, timeout=0.05, retries=20)
    client.hello(DIGEST)
    assert [infer_and_check(client, i)[0] for i in range(8)] == list(range(1, 9))
    assert noisy.faults > 10
    assert client.repeated > 3


@pytest.mark.parametrize("seed", range(3))
def test_heavy_noise_never_gives_a_wrong_result(line: ProcessTransport, seed: int) -> None:
    noisy = NoisyLine(line, seed, 4e-3)
    client = Client(noisy, timeout=0.02, retries=6, run_timeout=1.0)
    outcomes = set()
    for i in range(5):
        try:
            client.hello(DIGEST, wait=2.0)
            infer_and_check(client, i)
            outcomes.add("right")
        except UtvmError:
            outcomes.add("error")
    assert noisy.faults > 100
    assert "error" in outcomes


def _fuzz_frames(seed: int, count: int) -> Iterator[bytes]:
    """Everything that can come over a line, from plain noise to valid nonsense."""
    chance = random.Random(seed)

    def requested() -> bytes:
        sizes = (0, 1, 4, 5, 7, 8, 16, 517, chance.randrange(600))
        payload = bytearray(chance.randbytes(chance.choice(sizes)))
        if len(payload) >= 5 and chance.random() < 0.8:
            offset = chance.choice((0, 1, 8, 9, 1487, 1998, 1999, 2000, 0xFFFFFFFF))
            payload[:5] = bytes([chance.randrange(3)]) + offset.to_bytes(4, "little")
        if len(payload) >= 7 and chance.random() < 0.8:
            payload[5:7] = chance.choice((0, 1, 16, 511, 512, 513, 0xFFFF)).to_bytes(2, "little")
        kind = chance.choice((*range(7), chance.randrange(256)))
        session = chance.choice((1, 1, 1, 1, 2, 0, chance.getrandbits(32)))
        version = 1 if chance.random() < 0.97 else chance.randrange(256)
        return encode(Frame(kind, chance.getrandbits(16), session, bytes(payload), version))

    def truncated() -> bytes:
        return requested()[: chance.randrange(1, 12)] + DELIMITER

    def flipped() -> bytes:
        frame = bytearray(requested())
        frame[chance.randrange(len(frame))] ^= 1 << chance.randrange(8)
        return bytes(frame)

    def noise() -> bytes:
        return chance.randbytes(chance.randrange(80))

    def codes() -> bytes:
        return noise().replace(DELIMITER, b"\x01") + DELIMITER

    def oversized() -> bytes:
        return encode(Frame(Type.WRITE, 1, 1, bytes(chance.choice((518, 522, 523, 5000)))))

    makers = (requested, requested, requested, truncated, flipped, noise, codes, oversized)
    weights = (20, 20, 20, 10, 10, 10, 9, 1)
    for maker in chance.choices(makers, weights, k=count):
        yield maker()


def test_the_board_survives_any_bytes(line: ProcessTransport) -> None:
    line.write(b"".join(_fuzz_frames(1, NUM_FUZZ)) + DELIMITER)
    decoder = Decoder()
    seen: dict[Status, int] = {}
    while data := line.read(2.0):
        for item in decoder.feed(data):
            if isinstance(item, Frame) and item.payload:
                status = Status(item.payload[0])
                seen[status] = seen.get(status, 0) + 1
    assert decoder.damaged == 0
    assert set(seen) == set(Status)
    assert min(seen.values()) > 100

    client = Client(line)
    client.hello(DIGEST)
    runs = [infer_and_check(client, i)[0] for i in range(3)]
    assert runs == list(range(runs[0], runs[0] + 3))
    assert client.repeated == 0


def test_the_runner_ends_with_its_input(runner: Path) -> None:
    requests = b"".join(_fuzz_frames(2, 1000))
    done = subprocess.run([str(runner)], input=requests, capture_output=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, b"")
