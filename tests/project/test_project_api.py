# SPDX-License-Identifier: Apache-2.0
"""The Project API server of a project and of the template, by a client of our own over pipes."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support import DIGITS, ROOT, ends
from west_utvm.device.client import Client
from west_utvm.device.transport import Transport
from west_utvm.module import read_module

TEMPLATE = ROOT / "zephyr_template"
SERVER = "microtvm_api_server.py"
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, INVALID_PARAMS = -32700, -32600, -32601, -32602
SERVER_ERROR = -32000


class Api:
    """A server in a process of its own and both pipes to it."""

    def __init__(
        self,
        folder: Path,
        stderr: IO[bytes] | None = None,
        env: dict[str, str] | None = None,
        site: bool = False,
    ) -> None:
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        fds = ("--read-fd", str(requests), "--write-fd", str(replies))
        # Unless told otherwise with the standard library alone: -S hides all packages.
        command = [sys.executable, *([] if site else ["-S"]), str(folder / SERVER), *fds]
        self.process = subprocess.Popen(
            command, cwd=folder, pass_fds=(requests, replies), stderr=stderr, env=env
        )
        os.close(requests)
        os.close(replies)
        self._data = b""
        self._id = 0

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.requests, data) :]

    def receive(self, seconds: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while b"\n" not in self._data:
            ready = select.select([self.replies], [], [], deadline - time.monotonic())[0]
            assert ready, "no reply"
            data = os.read(self.replies, 65536)
            assert data, "the server is gone"
            self._data += data
        line, self._data = self._data.split(b"\n", 1)
        reply: dict[str, Any] = json.loads(line)
        assert reply["jsonrpc"] == "2.0"
        return reply

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        self.send(json.dumps(request).encode() + b"\n")
        reply = self.receive()
        assert reply["id"] == self._id
        return reply

    def ok(self, method: str, **params: Any) -> Any:
        reply = self.call(method, **params)
        assert "error" not in reply, reply
        return reply["result"]

    def error(self, method: str, **params: Any) -> tuple[int, str]:
        error = self.call(method, **params)["error"]
        assert "\n" not in error["message"]
        return error["code"], error["message"]

    def close(self) -> None:
        for fd in (self.requests, self.replies):
            os.close(fd)
        self.requests = self.replies = -1


@pytest.fixture
def start() -> Iterator[Callable[[Path], Api]]:
    started: list[Api] = []

    def begin(folder: Path) -> Api:
        started.append(Api(folder))
        return started[-1]

    yield begin
    for api in started:
        if api.requests >= 0:
            api.close()
        assert api.process.wait(10) == 0


@pytest.fixture
def template(start: Callable[[Path], Api]) -> Api:
    return start(TEMPLATE)


@pytest.fixture
def server(start: Callable[[Path], Api], project: Path) -> Api:
    return start(project)


class ApiLine(Transport):
    """The transport of the Project API, as our own protocol's client wants it."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def read(self, timeout: float) -> bytes:
        reply = self._api.call("read_transport", n=1, timeout_sec=timeout)
        if "error" in reply:
            assert reply["error"]["message"] == "IoTimeoutError"
            return b""
        return base64.b85decode(reply["result"]["data"])

    def write(self, data: bytes) -> None:
        encoded = base64.b85encode(data).decode()
        self._api.ok("write_transport", data=encoded, timeout_sec=5)

    def close(self) -> None:
        self._api.ok("close_transport")


def child_of(process: subprocess.Popen[bytes]) -> int:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    [child] = path.read_text().split()
    return int(child)


def test_the_template_and_a_project_tell_themselves_apart(template: Api, server: Api) -> None:
    info = template.ok("server_info_query", tvm_version="0.16.0")
    assert info["protocol_version"] == 1 and info["is_template"] is True
    keys = {"name", "choices", "default", "type", "required", "optional", "help"}
    assert all(option.keys() == keys for option in info["project_options"])
    assert server.ok("server_info_query", tvm_version="0.8")["is_template"] is False


def test_a_project_is_what_west_utvm_project_makes(
    template: Api, project: Path, tmp_path: Path
) -> None:
    options = {"board": "host", "model_name": "digits", "project_type": None, "verbose": "false"}
    arguments = {
        "model_library_format_path": str(DIGITS / "digits.tar"),
        "standalone_crt_dir": "/nonexistent",
        "project_dir": str(tmp_path / "made"),
        "options": options,
    }
    assert template.ok("generate_project", **arguments) is None
    for path in (p for p in project.rglob("*") if p.is_file()):
        name = path.relative_to(project)
        if name.parts[0] != "build" and name.parts[:2] != ("modules", "two"):
            same = (tmp_path / "made" / name).read_bytes() == path.read_bytes()
            assert same == (name.name != "project.json"), name
    code, message = template.error("generate_project", **arguments)
    assert code == SERVER_ERROR and message == f"{tmp_path / 'made'}: exists"
    arguments["project_dir"] = str(tmp_path / "other")
    damaged = arguments | {"model_library_format_path": str(DIGITS / "input.npz")}
    code, message = template.error("generate_project", **damaged)
    assert code == SERVER_ERROR and "input.npz: " in message
    assert template.error("generate_project", **arguments | {"options": {}}) == (
        INVALID_PARAMS,
        "option 'board' is required",
    )
    assert not (tmp_path / "other").exists()


def test_an_inference_through_the_transport(server: Api, project: Path) -> None:
    import numpy as np

    server.ok("build", options={"verbose": False})
    server.ok("flash", options={})
    timeouts = server.ok("open_transport", options={})["timeouts"]
    assert all(isinstance(timeouts[name], float) for name in timeouts) and len(timeouts) == 3
    module = read_module(project / "modules" / "digits")
    client = Client(ApiLine(server))
    assert client.hello(module.digest).name == "digits"
    image = np.load(DIGITS / "input.npz")["image"][0]
    [scores], result = client.infer([image.tobytes()])
    assert result.code == 0 and np.frombuffer(scores, np.int8).argmax() == 6
    assert server.error("open_transport", options={})[0] == SERVER_ERROR
    server.ok("close_transport")
    server.ok("close_transport")
    assert server.error("read_transport", n=1, timeout_sec=0)[1] == "TransportClosedError"


def test_bytes_that_came_before_a_time_out_are_kept(server: Api) -> None:
    server.ok("build", options={})
    server.ok("open_transport", options={})
    # The runner announces itself at once: a frame of 15 bytes.
    first = server.ok("read_transport", n=1, timeout_sec=5)["data"]
    assert base64.b85decode(first) == b"\0"
    assert server.error("read_transport", n=1000, timeout_sec=0.3)[1] == "IoTimeoutError"
    again = base64.b85decode(server.ok("read_transport", n=14, timeout_sec=None)["data"])
    assert len(again) == 14 and again[-1] == 0
    assert server.ok("read_transport", n=0, timeout_sec=0) == {"data": ""}


def test_a_runner_that_ends_closes_the_transport(server: Api) -> None:
    server.ok("build", options={})
    server.ok("open_transport", options={})
    os.kill(child_of(server.process), 9)
    assert server.error("read_transport", n=100000, timeout_sec=None)[1] == "TransportClosedError"
    args = {"data": base64.b85encode(b"x").decode(), "timeout_sec": None}
    assert server.error("write_transport", **args)[1] == "TransportClosedError"


def test_a_client_that_disappears_takes_the_runner_with_it(
    server: Api, start: Callable[[Path], Api], project: Path
) -> None:
    """Whether the server waits for a request, or for bytes that never come."""
    for request in (b"", _request("read_transport", n=100000, timeout_sec=None)):
        api = start(project)
        api.ok("build", options={})
        api.ok("open_transport", options={})
        runner = child_of(api.process)
        api.send(request)
        api.close()
        assert api.process.wait(10) == 0
        assert ends(runner)


def test_a_client_that_disappears_ends_the_build(
    start: Callable[[Path], Api], project: Path, tmp_path: Path
) -> None:
    slow = shutil.copytree(project, tmp_path / "slow", ignore=shutil.ignore_patterns("build"))
    wait = 'execute_process(COMMAND sleep 60)\nmessage(FATAL_ERROR "not ended")\n'
    (slow / "host" / "CMakeLists.txt").write_text(wait)
    api = start(slow)
    api.send(_request("build", options={}))
    deadline = time.monotonic() + 10
    children = Path(f"/proc/{api.process.pid}/task/{api.process.pid}/children")
    while not children.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    cmake = child_of(api.process)
    api.close()
    assert api.process.wait(20) == 0
    assert ends(cmake)


def test_a_terminated_server_takes_the_runner_with_it(project: Path) -> None:
    api = Api(project)
    api.ok("build", options={})
    api.ok("open_transport", options={})
    runner = child_of(api.process)
    api.process.terminate()
    assert api.process.wait(10) == 143
    assert ends(runner)
    api.close()


def test_a_build_that_fails_says_why_in_one_line(
    start: Callable[[Path], Api], project: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(project, tmp_path / "broken", ignore=shutil.ignore_patterns("build"))
    (broken / "host" / "CMakeLists.txt").write_text('message(FATAL_ERROR "no such thing")\n')
    code, message = start(broken).error("build", options={})
    assert code == SERVER_ERROR and message.startswith("cmake -S ") and "no such thing" in message


def built_for_a_real_board(project: Path, folder: Path, board: str) -> Path:
    """A copy of ``project`` with what of a build for ``board`` the server looks at."""
    copy = shutil.copytree(project, folder, ignore=shutil.ignore_patterns("build"))
    config = copy / "build" / board.replace("/", "_") / "zephyr" / ".config"
    config.parent.mkdir(parents=True)
    config.write_text('CONFIG_BOARD="x"\n# CONFIG_ARCH_POSIX is not set\n')
    return Path(copy)


def test_west_is_called_for_real_boards(project: Path, tmp_path: Path) -> None:
    """With a stand-in for west on PATH, for there is none in the server's Python."""
    west = tmp_path / "bin" / "west"
    west.parent.mkdir()
    west.write_text('#!/bin/sh\nprintf "%s\\n" "$ZEPHYR_BASE" "$@" >>calls.txt\n')
    west.chmod(0o755)
    copy = built_for_a_real_board(project, tmp_path / "copy", "nrf5340dk/nrf5340/cpuapp")
    path = f"{west.parent}{os.pathsep}{os.environ['PATH']}"
    api = Api(copy, env={"PATH": path, "ZEPHYR_BASE": "/theirs"})
    options = {"board": "nrf5340dk/nrf5340/cpuapp", "serial_number": "000123", "verbose": "no"}
    api.ok("build", options=options)
    api.ok("flash", options={**options, "flash_runner": "jlink", "zephyr_base": "/z"})
    build_dir = f"--build-dir={copy}/build/nrf5340dk_nrf5340_cpuapp"
    build = ["build", f"--board={options['board']}", build_dir, "--pristine=auto"]
    flash = ["flash", build_dir, "--skip-rebuild", "--runner=jlink", "--dev-id=000123"]
    said = ["/theirs", *build, "--no-sysbuild", str(copy), "/z", *flash]
    assert (copy / "calls.txt").read_text().splitlines() == said
    code, message = api.error("open_transport", options=options)
    assert code == SERVER_ERROR and message == "pyserial is not installed; pip install pyserial"
    api.close()
    assert api.process.wait(10) == 0


def test_a_serial_port(project: Path, tmp_path: Path) -> None:
    board, port = os.openpty()
    api = Api(built_for_a_real_board(project, tmp_path / "copy", "x"), site=True)
    api.ok("open_transport", options={"board": "x", "port": os.ttyname(port), "baudrate": "9600"})
    data = bytes(range(256))
    api.ok("write_transport", data=base64.b85encode(data).decode(), timeout_sec=5)
    received = b""
    while len(received) < len(data):
        received += os.read(board, 1000)
    assert received == data
    os.write(board, data)
    reply = api.ok("read_transport", n=256, timeout_sec=5)
    assert base64.b85decode(reply["data"]) == data
    assert api.error("read_transport", n=1, timeout_sec=0)[1] == "IoTimeoutError"
    os.close(board)
    os.close(port)
    assert api.error("read_transport", n=1, timeout_sec=None)[1] == "TransportClosedError"
    code, message = api.error("open_transport", options={"board": "x", "port": "/dev/nonesuch"})
    assert code == SERVER_ERROR and "is open already" in message
    api.ok("close_transport")
    code, message = api.error("open_transport", options={"board": "x", "port": "/dev/nonesuch"})
    assert code == SERVER_ERROR and message.startswith("/dev/nonesuch cannot be opened: ")
    api.close()
    assert api.process.wait(10) == 0


def _request(method: str, **params: Any) -> bytes:
    request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return json.dumps(request).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", PARSE_ERROR),
        (b"", PARSE_ERROR),
        (b"\xff\xfe", PARSE_ERROR),
        (b"[" * 100_000, PARSE_ERROR),
        (b'{"jsonrpc": "2.0", "method": "close_transport", "id": NaN}', PARSE_ERROR),
        (b"7", INVALID_REQUEST),
        (b"[]", INVALID_REQUEST),
        (b'{"method": "close_transport", "id": 1}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "id": 1}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": 3, "id": 1}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "close_transport", "id": {}}', INVALID_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "nonesuch", "id": 1}', NO_METHOD),
        (b'{"jsonrpc": "2.0", "method": "__init__", "id": 1}', NO_METHOD),
        (b'{"jsonrpc": "2.0", "method": "build", "id": 1, "params": []}', INVALID_PARAMS),
        (b'{"jsonrpc": "2.0", "method": "build", "id": 1}', INVALID_PARAMS),
        (b"x" * 10_000_000, INVALID_REQUEST),
    ],
    ids=lambda value: str(value)[:70],
)
def test_lines_that_are_no_request_get_one_error_each(
    template: Api, line: bytes, code: int
) -> None:
    template.send(line + b"\n")
    assert template.receive()["error"]["code"] == code
    assert template.ok("close_transport") is None


def test_a_notification_gets_no_reply(template: Api) -> None:
    template.send(b'{"jsonrpc": "2.0", "method": "close_transport"}\n')
    assert template.ok("close_transport") is None


@pytest.mark.parametrize(
    ("method", "params", "complaint"),
    [
        ("build", {"options": 3}, "parameter 'options' must be an object"),
        ("build", {"options": {}, "x": 1}, 'unknown parameter "x"'),
        ("build", {"options": {"bord": "host"}}, 'unknown option "bord"; there are board, '),
        ("build", {"options": {"board": 3}}, "option 'board' must be of type str, not 3"),
        ("build", {"options": {"board": ""}}, "option 'board' must be of type str, not \"\""),
        ("build", {"options": {"verbose": "maybe"}}, 'must be of type bool, not "maybe"'),
        ("build", {"options": {"verbose": 0.5}}, "option 'verbose' must be of type bool"),
        ("open_transport", {"options": {"baudrate": "9k"}}, 'must be of type int, not "9k"'),
        ("open_transport", {"options": {"baudrate": True}}, "must be of type int, not true"),
        ("open_transport", {"options": {"project_type": "x"}}, "must be one of runner, standalone"),
        ("server_info_query", {}, "parameter 'tvm_version' is missing"),
        ("server_info_query", {"tvm_version": 16}, "parameter 'tvm_version' must be a string"),
        ("read_transport", {"n": -1, "timeout_sec": 1}, "parameter 'n' must be a number from 0"),
        ("read_transport", {"n": 1 << 40, "timeout_sec": 1}, "must be a number from 0 to 1048576"),
        ("read_transport", {"n": True, "timeout_sec": 1}, "parameter 'n' must be a number from"),
        ("read_transport", {"n": 1, "timeout_sec": -1}, "parameter 'timeout_sec' must be a number"),
        ("read_transport", {"n": 1, "timeout_sec": "1"}, "parameter 'timeout_sec' must be a"),
        ("write_transport", {"data": '"', "timeout_sec": 1}, "'data' must be bytes in base85"),
        ("write_transport", {"data": [1], "timeout_sec": 1}, "'data' must be bytes in base85"),
    ],
)
def test_parameters_and_options_are_typed(
    server: Api, method: str, params: dict[str, Any], complaint: str
) -> None:
    code, message = server.error(method, **params)
    assert code == INVALID_PARAMS and complaint in message


@pytest.mark.parametrize("false", [False, "false", "False", "0", 0, None])
def test_false_is_false(project: Path, tmp_path: Path, false: object) -> None:
    said = tmp_path / "stderr"
    with said.open("wb") as stderr:
        api = Api(project, stderr)
        api.ok("build", options={"verbose": false})
        assert said.read_text() == ""
        api.ok("build", options={"verbose": "true"})
        assert "ninja" in said.read_text()
        api.close()
        assert api.process.wait(10) == 0


def test_calls_out_of_order(
    template: Api, start: Callable[[Path], Api], project: Path, tmp_path: Path
) -> None:
    for method in ("build", "flash", "open_transport"):
        code, message = template.error(method, options={"board": "host"})
        assert code == SERVER_ERROR and message.startswith("this is a template; call generate_")
    fresh = shutil.copytree(project, tmp_path / "fresh", ignore=shutil.ignore_patterns("build"))
    server = start(fresh)
    for method in ("flash", "open_transport"):
        said = (SERVER_ERROR, "not built for board host; call build first")
        assert server.error(method, options={}) == said
    for method, params in (("read", {"n": 1}), ("write", {"data": "VE"})):
        said = server.error(f"{method}_transport", **params, timeout_sec=None)
        assert said == (SERVER_ERROR, "TransportClosedError")
    made = {"model_library_format_path": "x", "standalone_crt_dir": "x", "project_dir": "x"}
    code, message = server.error("generate_project", **made, options={"board": "host"})
    assert code == SERVER_ERROR and message.startswith("this is a project; ask the server in")


def test_descriptors_that_are_not_open(project: Path) -> None:
    command = [sys.executable, str(project / SERVER), "--read-fd", "90", "--write-fd", "91"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
