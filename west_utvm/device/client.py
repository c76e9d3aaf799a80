# SPDX-License-Identifier: Apache-2.0
"""The host's side of the runner's protocol: one model on one board, one request at a time."""

from __future__ import annotations

import random
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from west_utvm.device.protocol import REPLY, VERSION, Decoder, Frame, Status, Type, encode
from west_utvm.device.transport import Transport
from west_utvm.errors import UtvmError

_HELLO = struct.Struct("<HIIBB32s")
_RESULT = struct.Struct("<iQQ")
_STATS = struct.Struct("<II")
_WRITE = struct.Struct("<BI")
_READ = struct.Struct("<BIH")

_QUIET = 0.05  # seconds without a byte after which no late answer is to be expected

_REFUSALS = {
    Status.BAD_VERSION: f"it does not speak version {VERSION} of the protocol",
    Status.UNKNOWN_TYPE: "it does not know the request",
    Status.BAD_LENGTH: "the request's length is wrong",
    Status.BAD_INDEX: "the model has no such tensor",
    Status.OUT_OF_RANGE: "the tensor is smaller",
}


@dataclass(frozen=True)
class DeviceInfo:
    """What the board says of itself. All sizes are in bytes."""

    name: str
    digest: bytes
    input_sizes: tuple[int, ...]
    output_sizes: tuple[int, ...]
    workspace_size: int
    max_chunk: int
    clock_hz: int
    """Frequency of the counter behind ``RunResult.cycles``; 0: its time is not real."""


@dataclass(frozen=True)
class RunResult:
    """``code`` is what the model returned, 0 for success.

    ``cycles`` are of the board's cycle counter, not always the CPU's clock;
    ``nanoseconds`` is None where the board has no clock that tells real time.
    """

    code: int
    cycles: int
    nanoseconds: int | None


@dataclass(frozen=True)
class StackStats:
    """Stack of the thread that runs the model, in bytes; both 0 when unknown."""

    size: int
    used: int


class Client:
    """Requests to the runner on a board, each repeated until answered, at most ``retries`` times.

    ``timeout`` is in seconds and for one attempt at one request; ``run_timeout`` is for a
    whole inference. ``on_text`` gets what the board prints besides, in pieces of any length.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout: float = 1.0,
        retries: int = 5,
        run_timeout: float = 60.0,
        on_text: Callable[[str], None] | None = None,
    ) -> None:
        self.repeated = 0
        """How many requests went unanswered and were sent again since the session began."""
        self._transport = transport
        self._timeout = timeout
        self._retries = retries
        self._run_timeout = run_timeout
        self._on_text = on_text
        self._decoder = Decoder()
        self._frames: deque[Frame] = deque()
        self._session = 0
        self._seq = 0
        self._unsettled = False
        self._info: DeviceInfo | None = None

    @property
    def info(self) -> DeviceInfo:
        """What ``hello`` found."""
        if self._info is None:
            raise UtvmError("no session with the board", hint="greet it first")
        return self._info

    def hello(self, expected_digest: bytes, *, wait: float = 10.0) -> DeviceInfo:
        """Begin a session with the model of that digest, within ``wait`` seconds of now.

        The board may still be booting: what it prints meanwhile is text, and each
        announcement of it is answered at once.
        """
        self._info = None
        self._session = random.SystemRandom().randrange(1, 1 << 32)
        payload = self._greet(time.monotonic() + wait)
        info = _parse_hello(payload)
        if info.digest != expected_digest:
            raise UtvmError(
                "the board runs another model",
                where=info.name,
                hint="flash again, or check that this is the right board",
            )
        self.repeated = 0
        self._info = info
        return info

    def write(self, index: int, data: bytes) -> None:
        """Set input ``index``; ``data`` must have exactly its size."""
        size = _size(self.info.input_sizes, index, "input")
        if len(data) != size:
            raise UtvmError(f"{len(data)} bytes for an input of {size}", where=f"input {index}")
        for offset, length in self._chunks(size):
            part = data[offset : offset + length]
            self._request(Type.WRITE, _WRITE.pack(index, offset) + part, reply_size=0)

    def read(self, index: int, size: int) -> bytes:
        """Output ``index``, which must have exactly ``size`` bytes."""
        actual = _size(self.info.output_sizes, index, "output")
        if size != actual:
            raise UtvmError(f"{size} bytes of an output of {actual}", where=f"output {index}")
        return b"".join(
            self._request(Type.READ, _READ.pack(index, offset, length), reply_size=length)
            for offset, length in self._chunks(size)
        )

    def stats(self) -> StackStats:
        return StackStats(*_STATS.unpack(self._request(Type.STATS, b"", reply_size=_STATS.size)))

    def run(self) -> RunResult:
        """One inference on the inputs as they stand."""
        deadline = time.monotonic() + self._run_timeout
        request = self._next_request(Type.RUN, b"")
        reply = self._attempt(request, (Type.RUN | REPLY, Type.RESULT))
        if reply.kind != Type.RESULT:
            self._payload(reply, 0)
            reply = self._await_result(request, deadline)
        code, cycles, nanoseconds = _RESULT.unpack(self._payload(reply, _RESULT.size))
        return RunResult(code, cycles, nanoseconds if self.info.clock_hz else None)

    def infer(self, inputs: Sequence[bytes]) -> tuple[list[bytes], RunResult]:
        """All outputs for ``inputs``. UtvmError when the model returns an error code."""
        info = self.info
        if len(inputs) != len(info.input_sizes):
            raise UtvmError(f"{len(inputs)} inputs for a model with {len(info.input_sizes)}")
        for index, data in enumerate(inputs):
            self.write(index, data)
        result = self.run()
        if result.code != 0:
            raise UtvmError(f"the model returned error {result.code}", where=info.name)
        return [self.read(i, size) for i, size in enumerate(info.output_sizes)], result

    def _chunks(self, size: int) -> list[tuple[int, int]]:
        step = self.info.max_chunk
        return [(offset, min(step, size - offset)) for offset in range(0, size, step)]

    def _await_result(self, request: Frame, deadline: float) -> Frame:
        """Ask for the result ever more rarely: it may have been lost, or the board reset."""
        patience = self._timeout
        while (now := time.monotonic()) < deadline:
            answers = (Type.RUN | REPLY, Type.RESULT)
            reply = self._receive(request, answers, min(now + patience, deadline))
            if reply is not None and reply.kind == Type.RESULT:
                return reply
            if reply is not None:
                self._payload(reply, 0)
            self._send(request, again=True)
            patience *= 2
        raise UtvmError(
            f"the model did not finish within {self._run_timeout:g} s",
            hint="allow it more time, or look for a hang or a fault on the board",
        )

    def _greet(self, deadline: float) -> bytes:
        request = self._next_request(Type.HELLO, b"")
        answers = (Type.HELLO | REPLY, Type.BOOT)
        while time.monotonic() < deadline:
            self._send(request, again=True)
            attempt = min(time.monotonic() + self._timeout, deadline)
            reply = self._receive(request, answers, attempt)
            if reply is not None and reply.kind != Type.BOOT:
                return self._payload(reply)
        raise UtvmError(
            "no answer from the runner on the board",
            hint="check the port and its speed, and that the board was flashed with the runner",
        )

    def _request(self, kind: Type, payload: bytes, *, reply_size: int) -> bytes:
        request = self._next_request(kind, payload)
        return self._payload(self._attempt(request, (kind | REPLY,)), reply_size)

    def _next_request(self, kind: Type, payload: bytes) -> Frame:
        if self._unsettled:
            self._settle()
        self._seq = (self._seq + 1) & 0xFFFF
        return Frame(kind, self._seq, self._session, payload)

    def _settle(self) -> None:
        """Let late answers to repeated requests pass: the board queues but one request."""
        deadline = time.monotonic() + self._timeout
        while self._listen(_QUIET) and time.monotonic() < deadline:
            pass
        self._unsettled = False

    def _attempt(self, request: Frame, answers: Sequence[int]) -> Frame:
        for attempt in range(self._retries + 1):
            self._send(request, again=attempt > 0)
            reply = self._receive(request, answers, time.monotonic() + self._timeout)
            if reply is not None:
                self.repeated += attempt
                return reply
        raise UtvmError(
            f"no answer from the board to {self._retries + 1} requests",
            hint="the line is bad, or the board hangs",
        )

    def _send(self, request: Frame, *, again: bool) -> None:
        self._unsettled |= again
        self._transport.write(encode(request))

    def _receive(self, request: Frame, answers: Sequence[int], deadline: float) -> Frame | None:
        """The first answer to ``request``, or None at the deadline. Late answers are dropped."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame.kind == Type.BOOT:
                    if Type.BOOT in answers:
                        return frame
                    raise _was_reset()
                if frame.kind in answers and _answers(frame, request):
                    return frame
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return None
            self._listen(remaining)

    def _listen(self, timeout: float) -> bool:
        data = self._transport.read(timeout)
        for item in self._decoder.feed(data):
            if isinstance(item, Frame):
                self._frames.append(item)
            elif self._on_text is not None:
                self._on_text(item)
        return bool(data)

    def _payload(self, reply: Frame, size: int | None = None) -> bytes:
        """The payload after an OK status; of ``size`` bytes, if given."""
        status, payload = reply.payload[:1], reply.payload[1:]
        if status == bytes([Status.NO_SESSION]):
            raise _was_reset()
        if status != bytes([Status.OK]):
            raise _refused(status)
        if size is not None and len(payload) != size:
            raise UtvmError(f"the board answered with {len(payload)} bytes instead of {size}")
        return payload


def _answers(frame: Frame, request: Frame) -> bool:
    return (frame.session, frame.seq) == (request.session, request.seq)


def _was_reset() -> UtvmError:
    return UtvmError(
        "the board was reset in the middle of the session",
        hint="a fault, a watchdog, its power or its reset button",
    )


def _refused(status: bytes) -> UtvmError:
    code = int.from_bytes(status, "little")
    reason = _REFUSALS[Status(code)] if code in _REFUSALS else f"status {code}"
    return UtvmError(f"the board refused a request: {reason}", hint="flash again")


def _size(sizes: Sequence[int], index: int, kind: str) -> int:
    if not 0 <= index < len(sizes):
        raise UtvmError(f"the model has {len(sizes)} {kind}s", where=f"{kind} {index}")
    return sizes[index]


def _parse_hello(payload: bytes) -> DeviceInfo:
    malformed = UtvmError("the board's greeting is malformed", hint="flash again")
    if len(payload) < _HELLO.size:
        raise malformed
    chunk, clock_hz, workspace, num_inputs, num_outputs, digest = _HELLO.unpack_from(payload)
    count = num_inputs + num_outputs
    name = payload[_HELLO.size + 4 * count :]
    if chunk == 0 or len(payload) < _HELLO.size + 4 * count:
        raise malformed
    sizes = struct.unpack_from(f"<{count}I", payload, _HELLO.size)
    return DeviceInfo(
        name=name.decode("utf-8", "replace"),
        digest=digest,
        input_sizes=sizes[:num_inputs],
        output_sizes=sizes[num_inputs:],
        workspace_size=workspace,
        max_chunk=chunk,
        clock_hz=clock_hz,
    )
