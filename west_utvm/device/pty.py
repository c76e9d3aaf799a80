# SPDX-License-Identifier: Apache-2.0
"""A runner behind a pseudo-terminal: native_sim, or an emulator with its console on one."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import time
import tty
from collections.abc import Sequence

from west_utvm.device.process import Process
from west_utvm.device.transport import Transport
from west_utvm.errors import UtvmError

_ANNOUNCEMENT = re.compile(rb"connected to pseudotty: (\S+)\s")
_WRITE_TIMEOUT = 10.0  # seconds


class PtyTransport(Transport):
    """The pseudo-terminal at ``path``, raw. ``process``, if given, is ended with it."""

    def __init__(self, path: str, *, process: Process | None = None) -> None:
        self._path = path
        self._process = process
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            tty.setraw(self._fd)
        except OSError as error:
            self.close()
            raise UtvmError(f"cannot be opened: {error.strerror}", where=path) from error

    @classmethod
    def spawn(cls, argv: Sequence[str], *, wait: float = 10.0) -> PtyTransport:
        """Start a native_sim or native_posix executable and open the UART it names.

        ``wait`` is in seconds. ``west build -t run`` does as well as the executable.
        """
        process = Process(argv)
        try:
            path = _announced_path(process, time.monotonic() + wait)
        except BaseException:
            process.close()
            raise
        return cls(path, process=process)

    def read(self, timeout: float) -> bytes:
        self._watch()
        if not select.select([self._fd], [], [], max(timeout, 0.0))[0]:
            return b""
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone() from error
        if not data:
            raise self._gone()
        return data

    def write(self, data: bytes) -> None:
        deadline = time.monotonic() + _WRITE_TIMEOUT
        while data:
            remaining = max(deadline - time.monotonic(), 0.0)
            if not select.select([], [self._fd], [], remaining)[1]:
                raise UtvmError("the other end takes no more data", where=self._path)
            try:
                data = data[os.write(self._fd, data) :]
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EINTR):
                    raise self._gone() from error

    def close(self) -> None:
        if self._fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self._fd)
            self._fd = -1
        if self._process is not None:
            self._process.close()

    def _watch(self) -> None:
        """Take what the process prints elsewhere, and notice its end."""
        while self._process is not None and self._process.read(0.0):
            pass

    def _gone(self) -> UtvmError:
        if self._process is not None:
            return self._process.end_error()
        return UtvmError("the other end is gone", where=self._path)


def _announced_path(process: Process, deadline: float) -> str:
    output = b""
    while time.monotonic() < deadline:
        output += process.read(deadline - time.monotonic())
        if found := _ANNOUNCEMENT.search(output):
            return found[1].decode()
    raise UtvmError("named no pseudo-terminal of its UART", where=process.name)
