# SPDX-License-Identifier: Apache-2.0
"""A board on a serial port."""

from __future__ import annotations

import contextlib
import errno
import os
import time

import serial

from west_utvm.device.transport import Transport
from west_utvm.errors import UtvmError

# Seconds. A read returns with the first byte; this only bounds how late a time-out is
# noticed. Fixed, because pyserial configures the port anew on each change.
_TICK = 0.05
_WRITE_TIMEOUT = 10.0

_HINTS = {
    errno.ENOENT: "is the board plugged in?",
    errno.EACCES: "you may not use it; on Linux, join the group that owns it (dialout, uucp)",
    errno.EAGAIN: "another program uses it: close that terminal",
    errno.EBUSY: "another program uses it: close that terminal",
}


class SerialTransport(Transport):
    """``baudrate`` is that of the board's console, in bit/s."""

    def __init__(self, port: str, baudrate: int = 115200) -> None:
        self._port = port
        try:
            self._serial = serial.Serial(
                port, baudrate, timeout=_TICK, write_timeout=_WRITE_TIMEOUT, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise _cannot_open(port, error) from error

    def read(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        try:
            data: bytes = self._serial.read(max(1, self._serial.in_waiting))
            while not data and time.monotonic() < deadline:
                data = self._serial.read(max(1, self._serial.in_waiting))
        except (OSError, TypeError) as error:
            raise self._gone() from error
        return data

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException as error:
            raise UtvmError("takes no more data", where=self._port) from error
        except OSError as error:
            raise self._gone() from error

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._serial.close()

    def _gone(self) -> UtvmError:
        return UtvmError("the port is gone", where=self._port, hint="was the board unplugged?")


def _cannot_open(port: str, error: OSError | ValueError) -> UtvmError:
    number = getattr(error, "errno", None)
    reason = os.strerror(number) if number else str(error)
    return UtvmError(f"cannot be opened: {reason}", where=port, hint=_HINTS.get(number or 0, ""))
