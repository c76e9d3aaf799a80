# SPDX-License-Identifier: Apache-2.0
"""Lines to a runner that misbehave in one way each."""

from __future__ import annotations

import random
import time
from pathlib import Path

from west_utvm.device.process import ProcessTransport
from west_utvm.device.transport import Transport


class NoisyLine(Transport):
    """Drops, corrupts or doubles a byte with probability ``rate`` each, in both directions."""

    def __init__(self, inner: Transport, seed: int, rate: float) -> None:
        self._inner = inner
        self._random = random.Random(seed)
        self._rate = rate
        self.faults = 0

    def read(self, timeout: float) -> bytes:
        return self._disturb(self._inner.read(timeout))

    def write(self, data: bytes) -> None:
        self._inner.write(self._disturb(data))

    def close(self) -> None:
        self._inner.close()

    def _disturb(self, data: bytes) -> bytes:
        return b"".join(map(self._disturb_byte, data))

    def _disturb_byte(self, byte: int) -> bytes:
        fault = int(self._random.random() / self._rate)
        if fault > 2:
            return bytes([byte])
        self.faults += 1
        return (b"", bytes([self._random.randrange(256)]), bytes([byte, byte]))[fault]


class DeafLine(Transport):
    """Loses every answer until the request is repeated."""

    def __init__(self, inner: Transport) -> None:
        self._inner = inner
        self._last = b""
        self._deaf = False

    def read(self, timeout: float) -> bytes:
        data = self._inner.read(timeout)
        return b"" if self._deaf else data

    def write(self, data: bytes) -> None:
        self._deaf = data != self._last
        self._last = data
        self._inner.write(data)

    def close(self) -> None:
        self._inner.close()


class ResettableLine(Transport):
    """A runner that can be killed and started anew, as a board's reset button does."""

    def __init__(self, runner: Path) -> None:
        self._argv = [str(runner)]
        self._inner = ProcessTransport(self._argv)
        self._reset_at = float("inf")

    def reset(self, *, lose_announcement: bool = False) -> None:
        self._inner.close()
        self._inner = ProcessTransport(self._argv)
        if lose_announcement:
            assert self._inner.read(10.0)

    def reset_in(self, seconds: float) -> None:
        self._reset_at = time.monotonic() + seconds

    def read(self, timeout: float) -> bytes:
        if time.monotonic() >= self._reset_at:
            self._reset_at = float("inf")
            self.reset()
        return self._inner.read(timeout)

    def write(self, data: bytes) -> None:
        self._inner.write(data)

    def close(self) -> None:
        self._inner.close()


class DeadLine(Transport):
    """Nobody is at the other end."""

    def read(self, timeout: float) -> bytes:
        time.sleep(timeout)
        return b""

    def write(self, data: bytes) -> None:
        pass

    def close(self) -> None:
        pass
