# SPDX-License-Identifier: Apache-2.0
"""Each kind of line with the real runner at its other end, and when that end goes away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device.handmade_model import DIGEST, infer_and_check
from tests.support import ends
from west_utvm.device.client import Client
from west_utvm.device.process import ProcessTransport
from west_utvm.device.pty import PtyTransport
from west_utvm.device.serial_port import SerialTransport
from west_utvm.device.transport import Transport
from west_utvm.errors import UtvmError

# A simulator: names the pseudo-terminal that its UART is on, as native_sim does.
SIMULATOR = """
import os, subprocess, sys, tty
master, slave = os.openpty()
tty.setraw(slave)
print("uart connected to pseudotty:", os.ttyname(slave), flush=True)
print("noise " * 100_000, flush=True)
sys.exit(subprocess.run([sys.argv[1]], stdin=master, stdout=master).returncode + 5)
"""


class Cable:
    """A pseudo-terminal with a runner at the far end, and a plug to pull."""

    def __init__(self, runner: Path) -> None:
        self._master, slave = os.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self._runner = subprocess.Popen([runner], stdin=self._master, stdout=self._master)
        self._slave = slave

    def unplug(self) -> None:
        self._runner.kill()
        self._runner.wait()
        os.close(self._master)
        os.close(self._slave)


@pytest.fixture
def cable(runner: Path) -> Iterator[Cable]:
    cable = Cable(runner)
    yield cable
    cable._runner.kill()
    cable._runner.wait()


@pytest.mark.parametrize("kind", [PtyTransport, SerialTransport])
def test_a_board_on_a_terminal_works_until_unplugged(
    cable: Cable, kind: type[PtyTransport | SerialTransport]
) -> None:
    with kind(cable.path) as line:
        client = Client(line)
        client.hello(DIGEST)
        assert [infer_and_check(client, i)[0] for i in range(5)] == [1, 2, 3, 4, 5]
        assert client.repeated == 0
        cable.unplug()
        with pytest.raises(UtvmError, match=f"{cable.path}: .* gone"):
            infer_and_check(client, 6)


def test_a_busy_port_is_reported(cable: Cable) -> None:
    with (
        SerialTransport(cable.path),
        pytest.raises(UtvmError, match=r"cannot be opened: .*another program uses it"),
    ):
        SerialTransport(cable.path)


@pytest.mark.parametrize("kind", [PtyTransport, SerialTransport])
def test_a_missing_port_is_reported(kind: type[PtyTransport | SerialTransport]) -> None:
    with pytest.raises(UtvmError, match="/dev/no-such-port: cannot be opened: No such file"):
        kind("/dev/no-such-port")


def test_a_simulator_is_found_by_what_it_prints(runner: Path) -> None:
    with PtyTransport.spawn([sys.executable, "-c", SIMULATOR, str(runner)]) as line:
        client = Client(line)
        client.hello(DIGEST)
        assert infer_and_check(client, 1)[0] == 1


def test_a_simulator_that_names_no_terminal_is_reported() -> None:
    with pytest.raises(UtvmError, match=r"ended with exit code 1: first \| second"):
        PtyTransport.spawn(["sh", "-c", "echo first; echo second; exit 1"])
    with pytest.raises(UtvmError, match="named no pseudo-terminal"):
        PtyTransport.spawn(["sleep", "60"], wait=0.2)


def test_a_multiplexed_line_escapes_control_a() -> None:
    with ProcessTransport(["cat"], mux=True) as line:
        line.write(b"\x00\x01\x02\x01\x01")
        assert _read_all(line) == b"\x00\x01\x01\x02\x01\x01\x01\x01"


def test_the_last_words_of_a_process_are_told() -> None:
    script = r"printf '\0\001frame\0'; echo one; echo two; echo three; echo four; exit 7"
    with ProcessTransport(["sh", "-c", script]) as line:
        with pytest.raises(UtvmError) as caught:
            _read_all(line)
        assert str(caught.value) == "sh: ended with exit code 7: two | three | four"
        with pytest.raises(UtvmError, match="ended with exit code 7"):
            line.write(b"x")


def test_a_missing_program_is_reported() -> None:
    with pytest.raises(UtvmError, match="no-such-program: cannot be started"):
        ProcessTransport(["no-such-program"])


def test_closing_ends_the_whole_group() -> None:
    line = ProcessTransport(["sh", "-c", "sleep 1000 & echo $!; wait"])
    grandchild = int(line.read(5.0))
    line.close()
    line.close()
    assert ends(grandchild)


def _read_all(line: Transport) -> bytes:
    received = b""
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline:
        data = line.read(0.3)
        if not data and received:
            break
        received += data
    return received
