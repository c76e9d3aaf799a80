# SPDX-License-Identifier: Apache-2.0
"""The client against the real runner, over a pipe."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.device.handmade_model import (
    BIG_SIZE,
    DIGEST,
    FAIL,
    PRINT,
    SPIN,
    check,
    infer_and_check,
    inputs,
    random_big,
)
from tests.device.lines import DeadLine, DeafLine
from west_utvm.device.client import Client
from west_utvm.device.process import ProcessTransport
from west_utvm.device.protocol import REPLY, Decoder, Frame, Status, Type, encode
from west_utvm.errors import UtvmError

CHUNK = 512  # of the host build

# What makes life hard for COBS: zeros, none, blocks of exactly 254, and everything.
PATTERNS = {
    "zeros": bytes(BIG_SIZE),
    "no zero": b"\xff" * BIG_SIZE,
    "ones": b"\x01" * BIG_SIZE,
    "blocks": ((b"\x55" * 254 + b"\0") * 8)[:BIG_SIZE],
    "all": (bytes(range(256)) * 8)[:BIG_SIZE],
    "random": random_big(0),
}


def test_hello_tells_what_the_board_runs(client: Client) -> None:
    info = client.info
    assert (info.name, info.digest, info.workspace_size) == ("handmade", DIGEST, 123456)
    assert (info.input_sizes, info.output_sizes) == ((BIG_SIZE, 8), (16, BIG_SIZE))
    assert info.max_chunk == CHUNK
    assert info.clock_hz > 0


@pytest.mark.parametrize("big", PATTERNS.values(), ids=PATTERNS.keys())
def test_tensors_arrive_whole(client: Client, big: bytes) -> None:
    outputs, result = client.infer(inputs(big, argument=-7))
    assert check(outputs, big, -7) == 1
    assert result.code == 0
    assert result.nanoseconds is not None and result.nanoseconds > 0


def test_a_hundred_inferences_need_no_repetition(client: Client) -> None:
    assert [infer_and_check(client, i)[0] for i in range(100)] == list(range(1, 101))
    assert client.repeated == 0


def test_a_lost_answer_never_makes_the_model_run_twice(line: ProcessTransport) -> None:
    client = Client(DeafLine(line), timeout=0.05)
    client.hello(DIGEST)
    assert [infer_and_check(client, i)[0] for i in range(2)] == [1, 2]
    assert client.repeated > 20


def test_a_long_run_outlasts_the_request_timeout(line: ProcessTransport) -> None:
    client = Client(line, timeout=0.05, retries=2)
    client.hello(DIGEST)
    outputs, result = client.infer(inputs(PATTERNS["all"], SPIN, 500_000))
    assert check(outputs, PATTERNS["all"], 500_000) == 1
    assert result.nanoseconds is not None and result.nanoseconds > 0.1e9
    assert infer_and_check(client, 1)[0] == 2


def test_a_run_without_end_is_given_up(line: ProcessTransport) -> None:
    client = Client(line, timeout=0.1, run_timeout=0.5)
    client.hello(DIGEST)
    with pytest.raises(UtvmError, match=r"did not finish within 0\.5 s"):
        client.infer(inputs(PATTERNS["all"], SPIN, 2_000_000_000))


def test_the_models_error_code_is_reported(client: Client) -> None:
    with pytest.raises(UtvmError, match="handmade: the model returned error -12"):
        client.infer(inputs(PATTERNS["all"], FAIL, -12))


def test_text_of_the_board_is_kept(line: ProcessTransport) -> None:
    text: list[str] = []
    client = Client(line, on_text=text.append)
    client.hello(DIGEST)
    for _ in range(3):
        outputs, _result = client.infer(inputs(PATTERNS["random"], PRINT))
        check(outputs, PATTERNS["random"])
    assert "".join(text) == "a line from the model\n" * 3
    assert client.repeated == 0


def test_another_model_is_refused(line: ProcessTransport) -> None:
    client = Client(line)
    with pytest.raises(UtvmError, match="handmade: the board runs another model; flash again"):
        client.hello(bytes(32))
    with pytest.raises(UtvmError, match="no session"):
        client.run()


def test_sizes_and_indices_are_checked_before_sending(client: Client) -> None:
    for attempt, complaint in (
        (lambda: client.write(0, b"x"), "input 0: 1 bytes for an input of 1999"),
        (lambda: client.write(2, b""), "input 2: the model has 2 inputs"),
        (lambda: client.read(0, 17), "output 0: 17 bytes of an output of 16"),
        (lambda: client.read(-1, 16), "output -1: the model has 2 outputs"),
        (lambda: client.infer([]), "0 inputs for a model with 2"),
    ):
        with pytest.raises(UtvmError, match=complaint):
            attempt()


def test_a_dead_line_is_given_up() -> None:
    with pytest.raises(UtvmError, match="no answer from the runner"):
        Client(DeadLine(), timeout=0.1).hello(DIGEST, wait=0.3)


def _part(index: int, offset: int, rest: bytes = b"") -> bytes:
    return struct.pack("<BI", index, offset) + rest


@pytest.mark.parametrize(
    ("kind", "payload", "status"),
    [
        (Type.WRITE, _part(2, 0, b"x"), Status.BAD_INDEX),
        (Type.WRITE, _part(0, BIG_SIZE), Status.OK),
        (Type.WRITE, _part(0, BIG_SIZE + 1), Status.OUT_OF_RANGE),
        (Type.WRITE, _part(0, BIG_SIZE, b"x"), Status.OUT_OF_RANGE),
        (Type.WRITE, _part(1, 0xFFFFFFFF, b"xx"), Status.OUT_OF_RANGE),
        (Type.WRITE, b"\0\0\0\0", Status.BAD_LENGTH),
        (Type.READ, _part(1, 0, struct.pack("<H", CHUNK + 1)), Status.BAD_LENGTH),
        (Type.READ, _part(0, 16, struct.pack("<H", 1)), Status.OUT_OF_RANGE),
        (Type.READ, _part(0, 0), Status.BAD_LENGTH),
        (Type.RUN, b"x", Status.BAD_LENGTH),
        (0x06, b"", Status.UNKNOWN_TYPE),
    ],
)
def test_the_board_checks_what_it_is_asked(
    line: ProcessTransport, kind: int, payload: bytes, status: Status
) -> None:
    line.write(encode(Frame(Type.HELLO, 1, 99)) + encode(Frame(kind, 2, 99, payload)))
    assert _answer_to(line, 2) == Frame(kind | REPLY, 2, 99, bytes([status]))


def test_a_board_announces_itself_until_spoken_to(runner: Path) -> None:
    decoder = Decoder()
    with ProcessTransport([str(runner)]) as line:
        heard: list[Frame | str] = []
        while len(heard) < 2:
            heard += decoder.feed(line.read(5.0))
        assert heard == [Frame(Type.BOOT, 0, 0)] * 2
        line.write(encode(Frame(Type.RUN, 7, 123)))
        assert _answer_to(line, 7).payload == b"\x04"
        assert line.read(0.6) == b""


def _answer_to(line: ProcessTransport, seq: int) -> Frame:
    decoder = Decoder()
    while data := line.read(5.0):
        for item in decoder.feed(data):
            if isinstance(item, Frame) and item.seq == seq:
                return item
    raise AssertionError("no answer")
