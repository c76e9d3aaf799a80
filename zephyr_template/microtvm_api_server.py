# SPDX-License-Identifier: Apache-2.0
"""Project API server: lets a client such as ``tvmc micro`` make, build, flash and talk to projects.

    python microtvm_api_server.py --read-fd N --write-fd N [--debug]

The Project API, protocol version 1, is JSON-RPC 2.0 with one request or reply a line. In the
template this server makes projects; in a project it builds it, by west or for the board "host" by
CMake alone, flashes it, and carries bytes to and from its console UART. What goes over that line
is the runner's protocol (PROTOCOL.md), or whatever the project's type prints and reads.

It needs the standard library only, west for Zephyr's boards and pyserial for real ones; to make
projects it needs the package ``west_utvm`` that its template is part of.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import json
import logging
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
HOST = "host"

PROTOCOL_VERSION = 1
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
# All of the Project API's own errors; a client tells them apart by their messages.
SERVER_ERROR = -32000
TRANSPORT_CLOSED = "TransportClosedError"
IO_TIMEOUT = "IoTimeoutError"

MAX_LINE = 4 << 20
MAX_READ = 1 << 20
MAX_UNREAD = 16 << 20
TICK = 0.1  # seconds between two looks whether the client is still there
GRACE = 3.0  # seconds between asking a process to end and ending it
TAIL_LINES = 4

_LOG = logging.getLogger("microtvm_api_server")


class ApiError(Exception):
    """An error reply: ``message`` is one line, ``detail`` says more where that must be a name."""

    def __init__(self, message: str, *, code: int = SERVER_ERROR, detail: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = " ".join(message.split())
        self.detail = detail

    def to_json(self) -> dict[str, Any]:
        data = {"detail": self.detail} if self.detail else None
        return {"code": self.code, "message": self.message, "data": data}


class ClientGoneError(Exception):
    """Nobody is left to reply to."""


# --- Options ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """``required`` and ``optional`` name the methods that look at it; others ignore it."""

    name: str
    type: str
    help: str
    required: tuple[str, ...] | None = None
    optional: tuple[str, ...] | None = None
    choices: tuple[str, ...] | None = None
    default: Any = None

    def parse(self, value: Any) -> Any:
        """``value`` as the option's type; command-line clients send any type as a string."""
        parsed = _PARSERS[self.type](value)
        if parsed is None or (self.choices and parsed not in self.choices):
            wanted = f"one of {', '.join(self.choices)}" if self.choices else f"of type {self.type}"
            raise _invalid_params(f"option '{self.name}' must be {wanted}, not {_shown(value)}")
        return parsed


def _parse_bool(value: Any) -> bool | None:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return value if isinstance(value, bool) else words.get(str(value).lower())


def _parse_int(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _parse_str(value: Any) -> str | None:
    return value if isinstance(value, str) and value and "\0" not in value else None


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "bool": _parse_bool,
    "int": _parse_int,
    "str": _parse_str,
}

_AFTER = ("build", "flash", "open_transport")
OPTIONS = (
    Option(
        "board",
        "str",
        'Board target of Zephyr, or "host" for a program of this computer.',
        required=("generate_project",),
        optional=_AFTER,
    ),
    Option(
        "project_type",
        "str",
        "runner serves tensors over the console UART, standalone runs once, shell has commands.",
        optional=("generate_project",),
        choices=("runner", "standalone", "shell"),
        default="runner",
    ),
    Option(
        "model_name",
        "str",
        "Renames the model; without it the name in its archive stays.",
        optional=("generate_project",),
    ),
    Option(
        "verbose",
        "bool",
        "Show what builds and flash runners print.",
        optional=("generate_project", "build", "flash"),
        default=False,
    ),
    Option(
        "zephyr_base",
        "str",
        "Folder of Zephyr, for a project outside of its west workspace.",
        optional=_AFTER,
    ),
    Option("flash_runner", "str", "Runner of west flash.", optional=("flash",)),
    Option(
        "serial_number",
        "str",
        "Serial number of the board, where several are connected.",
        optional=("flash", "open_transport"),
    ),
    Option(
        "port",
        "str",
        "Serial port of a real board; without it, the only one on USB.",
        optional=("open_transport",),
    ),
    Option(
        "baudrate",
        "int",
        "Speed of the console UART in bit/s.",
        optional=("open_transport",),
        default=115200,
    ),
)


def parse_options(given: Mapping[str, Any], method: str) -> dict[str, Any]:
    """Every option's value, the default where none (or null) is given."""
    known = {option.name: option for option in OPTIONS}
    for name in given.keys() - known.keys():
        raise _invalid_params(f"unknown option {_shown(name)}; there are {', '.join(known)}")
    values = {}
    for option in OPTIONS:
        value = given.get(option.name)
        if value is None and method in (option.required or ()):
            raise _invalid_params(f"option '{option.name}' is required")
        values[option.name] = option.default if value is None else option.parse(value)
    return values


# --- Parameters ---------------------------------------------------------------------------------


def _invalid_params(message: str) -> ApiError:
    return ApiError(message, code=INVALID_PARAMS)


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("a string")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object")
    return value


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_READ:
        raise ValueError(f"a number from 0 to {MAX_READ}")
    return value


def _timeout(value: Any) -> float | None:
    if value is None:
        return None
    if not _is_number(value) or not 0 <= value <= 1e9:
        raise ValueError("a number of seconds, or null to wait without limit")
    return float(value)


def _base85(value: Any) -> bytes:
    try:
        return base64.b85decode(_text(value))
    except ValueError:
        raise ValueError("bytes in base85") from None


def parse_params(params: Any, wanted: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    if not isinstance(params, dict):
        raise _invalid_params("'params' must be an object")
    for name in wanted.keys() - params.keys():
        raise _invalid_params(f"parameter '{name}' is missing")
    for name in params.keys() - wanted.keys():
        raise _invalid_params(f"unknown parameter {_shown(name)}")
    parsed = {}
    for name, parse in wanted.items():
        try:
            parsed[name] = parse(params[name])
        except ValueError as error:
            raise _invalid_params(f"parameter '{name}' must be {error}") from None
    return parsed


# --- Processes and lines ------------------------------------------------------------------------


class Incoming:
    """Bytes that a thread takes from ``read``, which returns ``b""`` at the end.

    Whoever writes them waits while ``MAX_UNREAD`` are unread, or loses the oldest.
    """

    def __init__(self, read: Callable[[], bytes], *, lose_oldest: bool = False) -> None:
        self.ended = False
        self._data = bytearray()
        self._changed = threading.Condition()
        self._lose_oldest = lose_oldest
        threading.Thread(target=self._collect, args=[read], daemon=True).start()

    def _collect(self, read: Callable[[], bytes]) -> None:
        with suppress(OSError, ValueError):
            while data := read():
                with self._changed:
                    self._data += data
                    if self._lose_oldest:
                        del self._data[:-MAX_UNREAD]
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: len(self._data) <= MAX_UNREAD)
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def wait(self, count: int, seconds: float) -> bool:
        """Whether ``count`` bytes are there, or no more will come, within ``seconds``."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.ended or len(self._data) >= count, timeout=seconds
            )

    def take(self, count: int) -> bytes | None:
        """The next ``count`` bytes, or None while there are fewer."""
        with self._changed:
            if len(self._data) < count:
                return None
            taken = bytes(self._data[:count])
            del self._data[:count]
            self._changed.notify_all()
            return taken

    def take_all(self) -> bytes:
        with self._changed:
            taken = bytes(self._data)
            self._data.clear()
            self._changed.notify_all()
            return taken


class Child:
    """A process in a group of its own, which ends as a whole: west starts others."""

    def __init__(
        self, command: list[str], env: Mapping[str, str], *, lose_oldest: bool = False
    ) -> None:
        _LOG.debug("starting %s", command)
        try:
            self._popen = subprocess.Popen(
                command,
                cwd=HERE,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise ApiError(f"{command[0]} cannot be started: {error.strerror}") from None
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self.stdin = self._popen.stdin.fileno()
        stdout = self._popen.stdout.fileno()
        self.output = Incoming(lambda: os.read(stdout, 65536), lose_oldest=lose_oldest)

    def wait(self) -> int:
        return self._popen.wait()

    def end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._popen.wait(GRACE)
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


@dataclass
class Line:
    """A line to the board: where bytes come from, where they go, and what ends with it.

    ``mux``: the other end is a multiplexed character device of QEMU, where byte 0x01 is an escape
    and stands for itself when sent twice.
    """

    incoming: Incoming
    write_fd: int
    close: Callable[[], None]
    mux: bool = False


def process_line(command: list[str], env: Mapping[str, str], *, mux: bool = False) -> Line:
    """A process whose standard input and output are the line."""
    child = Child(command, env)
    os.set_blocking(child.stdin, False)
    return Line(child.output, child.stdin, child.end, mux=mux)


_PTY = re.compile(rb"connected to pseudotty: (\S+)\s")


def pty_line(command: list[str], env: Mapping[str, str]) -> Line:
    """A native simulator, which names the pseudo-terminal that its UART is on."""
    child = Child(command, env, lose_oldest=True)
    fds: list[int] = []
    try:
        path = _announced_pty(child)
        fds.append(os.open(path, os.O_RDWR | os.O_NOCTTY))
        tty.setraw(fds[0])
        fds.append(os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
    except BaseException:
        child.end()
        _close_all(fds)
        raise
    incoming = Incoming(lambda: os.read(fds[0], 65536))

    def close() -> None:
        child.end()
        incoming.wait(MAX_UNREAD + 1, GRACE)
        _close_all(fds)

    return Line(incoming, fds[1], close)


def _announced_pty(child: Child) -> str:
    said = b""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not child.output.ended:
        child.output.wait(1, TICK)
        said += child.output.take_all()
        if found := _PTY.search(said):
            return found[1].decode()
    raise ApiError(TRANSPORT_CLOSED, detail=f"no pseudo-terminal was named: {_last_lines(said)}")


def serial_line(port: str, baudrate: int) -> Line:
    import serial

    try:
        device = serial.Serial(port, baudrate, timeout=TICK, exclusive=True)
    except (OSError, ValueError) as error:
        raise ApiError(f"{port} cannot be opened: {error}") from None
    closed = threading.Event()

    def read() -> bytes:
        data = b""
        while not data and not closed.is_set():
            data = device.read(max(1, device.in_waiting))
        return data

    incoming = Incoming(read)

    def close() -> None:
        closed.set()
        incoming.wait(MAX_UNREAD + 1, GRACE)
        device.close()

    return Line(incoming, device.fileno(), close)


def find_port(serial_number: str | None) -> str:
    from serial.tools import list_ports

    ports = [port for port in list_ports.comports() if port.vid is not None]
    if serial_number:
        wanted = serial_number.lstrip("0").lower()
        ports = [p for p in ports if (p.serial_number or "").lstrip("0").lower() == wanted]
    if len(ports) == 1:
        return str(ports[0].device)
    names = ", ".join(port.device for port in ports) or "none"
    raise ApiError(f"not one serial port on USB but {names}; give option 'port'")


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        with suppress(OSError):
            os.close(fd)


def _last_lines(output: bytes) -> str:
    lines = (line.strip() for line in output.decode("utf-8", "replace").splitlines())
    return " | ".join([line for line in lines if line][-TAIL_LINES:])


# --- The build ----------------------------------------------------------------------------------


def _west() -> list[str]:
    """West of this Python, else the one on PATH: clients live in environments of their own."""
    if importlib.util.find_spec("west") is not None:
        return [sys.executable, "-m", "west"]
    found = shutil.which("west")
    if found is None:
        raise ApiError("west is not installed; pip install west, or give board 'host'")
    return [found]


@dataclass(frozen=True)
class Build:
    """The project's build for one board, in the folder that ``west utvm-run`` uses too."""

    board: str

    @property
    def folder(self) -> Path:
        return HERE / "build" / re.sub(r"[^A-Za-z0-9_.-]", "_", self.board)

    def commands(self) -> list[list[str]]:
        folder = str(self.folder)
        if self.board == HOST:
            configure = ["cmake", "-S", str(HERE / "host"), "-B", folder, "-GNinja"]
            return [configure, ["cmake", "--build", folder]]
        options = [f"--board={self.board}", f"--build-dir={folder}", "--pristine=auto"]
        return [[*_west(), "build", *options, "--no-sysbuild", str(HERE)]]

    def flash_command(self, runner: str | None, serial_number: str | None) -> list[str] | None:
        """None where there is nothing to flash."""
        if self.board == HOST or self._is_native() or self._is_qemu():
            return None
        command = [*_west(), "flash", f"--build-dir={self.folder}", "--skip-rebuild"]
        command += [f"--runner={runner}"] if runner else []
        return command + ([f"--dev-id={serial_number}"] if serial_number else [])

    def open(self, options: Mapping[str, Any], env: Mapping[str, str]) -> Line:
        if self.board == HOST:
            return process_line([str(self.folder / "utvm_runner")], env)
        if self._is_native():
            return pty_line([str(self.folder / "zephyr" / "zephyr.exe")], env)
        if self._is_qemu():
            options_kept = [f"--build-dir={self.folder}", "--pristine=never", "--no-sysbuild"]
            return process_line([*_west(), "build", *options_kept, "--target=run"], env, mux=True)
        if importlib.util.find_spec("serial") is None:
            raise ApiError("pyserial is not installed; pip install pyserial")
        port = options["port"] or find_port(options["serial_number"])
        return serial_line(port, options["baudrate"])

    def check_done(self) -> None:
        done = "utvm_runner" if self.board == HOST else "zephyr/.config"
        if not (self.folder / done).is_file():
            raise ApiError(f"not built for board {self.board}; call build first")

    def _config(self) -> str:
        return (self.folder / "zephyr" / ".config").read_text(errors="replace")

    def _is_native(self) -> bool:
        return "\nCONFIG_ARCH_POSIX=y\n" in self._config()

    def _is_qemu(self) -> bool:
        return "\nCONFIG_QEMU_TARGET=y\n" in self._config()


# --- The server ---------------------------------------------------------------------------------


class Client:
    """The two ends of the connection: requests in, replies out."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._data = bytearray()
        self._poll = select.poll()
        # No events: what is always reported is that the other end of a pipe was closed.
        self._poll.register(write_fd, 0)

    def check(self) -> None:
        """ClientGoneError if nobody can read a reply any more."""
        if self._poll.poll(0):
            raise ClientGoneError

    def read_line(self) -> bytes | None:
        """The next line, None at the end; ApiError for one that is too long, which is dropped."""
        searched = 0
        too_long = False
        while (end := self._data.find(b"\n", searched)) < 0:
            if len(self._data) > MAX_LINE:
                too_long = True
                self._data.clear()
            searched = len(self._data)
            data = os.read(self._read_fd, 65536)
            if not data:
                return None
            self._data += data
        line = bytes(self._data[:end])
        del self._data[: end + 1]
        if too_long or len(line) > MAX_LINE:
            raise ApiError(f"a line exceeds {MAX_LINE} bytes", code=INVALID_REQUEST)
        return line

    def write(self, reply: Mapping[str, Any]) -> None:
        data = json.dumps(reply).encode() + b"\n"
        _LOG.debug("reply %s", data[:200])
        try:
            while data:
                data = data[os.write(self._write_fd, data) :]
        except OSError:
            raise ClientGoneError from None


class Server:
    """Answers requests, one after the other."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._line: Line | None = None
        self._methods: dict[str, tuple[Callable[..., Any], Mapping[str, Callable[[Any], Any]]]] = {
            "server_info_query": (self.server_info_query, {"tvm_version": _text}),
            "generate_project": (
                self.generate_project,
                {
                    "model_library_format_path": _text,
                    "standalone_crt_dir": _text,
                    "project_dir": _text,
                    "options": _object,
                },
            ),
            "build": (self.build, {"options": _object}),
            "flash": (self.flash, {"options": _object}),
            "open_transport": (self.open_transport, {"options": _object}),
            "close_transport": (self.close_transport, {}),
            "read_transport": (self.read_transport, {"n": _count, "timeout_sec": _timeout}),
            "write_transport": (
                self.write_transport,
                {"data": _base85, "timeout_sec": _timeout},
            ),
        }

    def serve(self) -> None:
        """Until the client ends the connection."""
        try:
            while self._serve_one():
                pass
        except ClientGoneError:
            _LOG.debug("the client is gone")
        finally:
            self.close_transport()

    def _serve_one(self) -> bool:
        request_id: Any = None
        try:
            line = self._client.read_line()
            if line is None:
                return False
            _LOG.debug("request %s", line[:200])
            request = _parse_request(line)
            request_id = request.get("id")
            reply: dict[str, Any] = {"result": self._call(request)}
            if "id" not in request:  # a notification
                return True
        except ApiError as error:
            reply = {"error": error.to_json()}
        self._client.write({"jsonrpc": "2.0", "id": request_id, **reply})
        return True

    def _call(self, request: Mapping[str, Any]) -> Any:
        name = request["method"]
        if name not in self._methods:
            raise ApiError(f"no method {_shown(name)}", code=METHOD_NOT_FOUND)
        method, wanted = self._methods[name]
        params = parse_params(request.get("params", {}), wanted)
        if "options" in params:
            params["options"] = parse_options(params["options"], name)
        try:
            return method(**params)
        except OSError as error:
            raise ApiError(f"{error.filename or name}: {error.strerror or error}") from None
        except (ApiError, ClientGoneError):
            raise
        except Exception as error:
            _LOG.exception("in %s", name)
            what = f"{name} failed: {type(error).__name__}: {error}"
            raise ApiError(what, code=INTERNAL_ERROR) from None

    def server_info_query(self, tvm_version: str) -> dict[str, Any]:
        return {
            "protocol_version": PROTOCOL_VERSION,
            "platform_name": "zephyr",
            "is_template": _record() is None,
            # Projects hold the model as a Zephyr module and not its archive.
            "model_library_format_path": None,
            "project_options": [asdict(option) for option in OPTIONS],
        }

    def generate_project(
        self,
        model_library_format_path: str,
        standalone_crt_dir: str,
        project_dir: str,
        options: Mapping[str, Any],
    ) -> None:
        """What ``west utvm-project`` does. TVM's C runtime is not needed."""
        if _record() is not None:
            raise ApiError("this is a project; ask the server in the template for another one")
        sys.path.insert(0, str(HERE.parent))
        try:
            from west_utvm import project
            from west_utvm.errors import UtvmError
        except ImportError as error:
            what = f"projects are made in a checkout of west-utvm only: {error}"
            raise ApiError(what) from None
        finally:
            del sys.path[0]
        folder = Path(project_dir).absolute()
        if folder.exists():
            raise ApiError(f"{folder}: exists")
        try:
            source = project.archive_source(Path(model_library_format_path), options["model_name"])
            request = project.Request(
                sources=[source],
                board=options["board"],
                kind=options["project_type"],
                template=HERE,
            )
            project.write_project(folder, request)
        except UtvmError as error:
            raise ApiError(str(error)) from None

    def build(self, options: Mapping[str, Any]) -> None:
        for command in _build(options).commands():
            self._run(command, options)

    def flash(self, options: Mapping[str, Any]) -> None:
        build = _build(options)
        build.check_done()
        command = build.flash_command(options["flash_runner"], options["serial_number"])
        if command:
            self._run(command, options)

    def open_transport(self, options: Mapping[str, Any]) -> dict[str, Any]:
        if self._line is not None:
            raise ApiError("the transport is open already; call close_transport first")
        build = _build(options)
        build.check_done()
        self._line = build.open(options, _environment(options))
        timeouts = {
            "session_start_retry_timeout_sec": 2.0,
            "session_start_timeout_sec": 30.0,
            "session_established_timeout_sec": 60.0,
        }
        return {"timeouts": timeouts}

    def close_transport(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def read_transport(self, n: int, timeout_sec: float | None) -> dict[str, str]:
        """Exactly ``n`` bytes. After a time-out, those that came wait for the next request."""
        incoming = self._opened().incoming
        deadline = _deadline(timeout_sec)
        while (data := incoming.take(n)) is None:
            if incoming.ended:
                raise ApiError(TRANSPORT_CLOSED, detail="the other end is gone")
            if time.monotonic() >= deadline:
                raise ApiError(IO_TIMEOUT, detail=f"{n} bytes did not come in time")
            self._client.check()
            incoming.wait(n, min(TICK, max(deadline - time.monotonic(), 0)))
        return {"data": base64.b85encode(data).decode()}

    def write_transport(self, data: bytes, timeout_sec: float | None) -> None:
        line = self._opened()
        deadline = _deadline(timeout_sec)
        rest = data.replace(b"\x01", b"\x01\x01") if line.mux else data
        while rest:
            if line.incoming.ended:
                raise ApiError(TRANSPORT_CLOSED, detail="the other end is gone")
            seconds = min(TICK, max(deadline - time.monotonic(), 0))
            if select.select([], [line.write_fd], [], seconds)[1]:
                rest = rest[_write_some(line.write_fd, rest) :]
            elif time.monotonic() >= deadline:
                raise ApiError(IO_TIMEOUT, detail=f"{len(rest)} bytes were not taken in time")
            self._client.check()

    def _opened(self) -> Line:
        if self._line is None:
            raise ApiError(TRANSPORT_CLOSED, detail="call open_transport first")
        return self._line

    def _run(self, command: list[str], options: Mapping[str, Any]) -> None:
        """Run a process to its end, or until the client is gone."""
        child = Child(command, _environment(options))
        tail = b""
        try:
            ended = False
            while not ended:
                self._client.check()
                child.output.wait(1, TICK)
                ended = child.output.ended
                output = child.output.take_all()
                tail = (tail + output)[-4096:]
                if options["verbose"]:
                    sys.stderr.write(output.decode("utf-8", "replace"))
            code = child.wait()
        finally:
            child.end()
        if code:
            shown = " ".join(Path(command[0]).name if i == 0 else c for i, c in enumerate(command))
            raise ApiError(f"{shown} failed (exit code {code}): {_last_lines(tail)}")


def _parse_request(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ApiError("the line is not JSON", code=PARSE_ERROR) from None
    if not isinstance(request, dict) or request.get("jsonrpc") != "2.0":
        raise ApiError("not a request of JSON-RPC 2.0", code=INVALID_REQUEST)
    if not isinstance(request.get("method"), str):
        raise ApiError("'method' must be a string", code=INVALID_REQUEST)
    request_id = request.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, (int, str, type(None))):
        raise ApiError("'id' must be an integer or a string", code=INVALID_REQUEST)
    return request


def _no_number(text: str) -> NoReturn:
    """JSON has no number for NaN and Infinity, which Python reads."""
    raise ValueError(text)


def _record() -> dict[str, Any] | None:
    """``project.json``, or None in the template."""
    try:
        record = json.loads((HERE / "project.json").read_bytes())
    except FileNotFoundError:
        return None
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise ApiError("project.json is not a record of west utvm-project")
    return record


def _build(options: Mapping[str, Any]) -> Build:
    record = _record()
    if record is None:
        raise ApiError("this is a template; call generate_project, then ask the project's server")
    board = options["board"] or record.get("board")
    if not isinstance(board, str) or not board:
        raise ApiError("no board is recorded in this project; give option 'board'")
    return Build(board)


def _environment(options: Mapping[str, Any]) -> dict[str, str]:
    base = {"ZEPHYR_BASE": options["zephyr_base"]} if options["zephyr_base"] else {}
    return {**os.environ, **base}


def _deadline(timeout: float | None) -> float:
    return math.inf if timeout is None else time.monotonic() + timeout


def _write_some(fd: int, data: bytes) -> int:
    try:
        return os.write(fd, data[:4096])
    except BlockingIOError:
        return 0
    except OSError:
        raise ApiError(TRANSPORT_CLOSED, detail="the other end is gone") from None


def _stop(number: int, frame: object) -> NoReturn:
    sys.exit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(description="Project API server of this project")
    parser.add_argument("--read-fd", type=int, required=True, help="where requests come in")
    parser.add_argument("--write-fd", type=int, required=True, help="where replies go")
    parser.add_argument("--debug", action="store_true", help="log requests and replies to stderr")
    args = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if args.debug else logging.ERROR, stream=sys.stderr)
    # Otherwise what was started for a transport would outlive us.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        Server(Client(args.read_fd, args.write_fd)).serve()
    except OSError as error:
        print(f"microtvm_api_server: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
