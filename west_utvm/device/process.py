# SPDX-License-Identifier: Apache-2.0
"""A runner that is a process of this machine: an emulator, or the host build."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from west_utvm.device.transport import Transport
from west_utvm.errors import UtvmError

_GRACE = 3.0  # seconds between asking a process to end and ending it
_TAIL = 4096  # bytes of output kept to tell why a process ended
_TAIL_LINES = 3


class Process:
    """A child in a process group of its own, whose output is read as fast as it comes.

    ``west build -t run`` is a chain of processes: only the group as a whole can be ended.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = Path(argv[0]).name
        self._output: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._tail = b""
        self._ended = False
        try:
            self._popen = subprocess.Popen(
                list(argv),
                cwd=cwd,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise UtvmError(f"cannot be started: {error.strerror}", where=argv[0]) from error
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._stdin = self._popen.stdin
        self._reader = threading.Thread(target=self._drain, args=[self._popen.stdout], daemon=True)
        self._reader.start()

    def read(self, timeout: float) -> bytes:
        """Output since the last call, ``b""`` on time-out. UtvmError when it has ended."""
        if self._ended:
            raise self.end_error()
        try:
            data = self._output.get(timeout=max(timeout, 0.0))
        except queue.Empty:
            return b""
        if not data:
            self._ended = True
            raise self.end_error()
        # An emulated UART writes byte by byte: take what has gathered at once.
        with contextlib.suppress(queue.Empty):
            while more := self._output.get_nowait():
                data += more
            self._ended = True
        return data

    def write(self, data: bytes) -> None:
        try:
            self._stdin.write(data)
        except (OSError, ValueError) as error:
            raise self.end_error() from error

    def end_error(self) -> UtvmError:
        """How the process ended, with its last words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE)
        self._reader.join(_GRACE)
        code = self._popen.returncode
        how = "closed its output" if code is None else f"ended with exit code {code}"
        words = _last_lines(self._tail)
        return UtvmError(how + (f": {words}" if words else ""), where=self.name)

    def close(self) -> None:
        """End the whole group."""
        self._end_group(force=False)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_GRACE)
        self._end_group(force=True)
        self._popen.wait()
        self._reader.join(_GRACE)
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _end_group(self, *, force: bool) -> None:
        if sys.platform == "win32":
            self._popen.kill()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL if force else signal.SIGTERM)

    def _drain(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while data := stream.read(65536):
                self._tail = (self._tail + data)[-_TAIL:]
                self._output.put(data)
        self._output.put(b"")


class ProcessTransport(Transport):
    """A process whose standard input and output are the line.

    ``mux``: the other end is a multiplexed character device of QEMU, where byte 0x01
    (Ctrl-A) is an escape and stands for itself when sent twice.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        mux: bool = False,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._mux = mux
        self._process = Process(argv, cwd=cwd, env=env)

    def read(self, timeout: float) -> bytes:
        return self._process.read(timeout)

    def write(self, data: bytes) -> None:
        self._process.write(data.replace(b"\x01", b"\x01\x01") if self._mux else data)

    def close(self) -> None:
        self._process.close()


def _last_lines(tail: bytes) -> str:
    """The last lines of text between the frames in ``tail``."""
    pieces = (piece.decode("utf-8", "replace") for piece in tail.split(b"\0"))
    lines = [line.strip() for piece in pieces for line in piece.splitlines()]
    return " | ".join([line for line in lines if line.isprintable() and line][-_TAIL_LINES:])
