# SPDX-License-Identifier: Apache-2.0
"""Projects of every type, with two models each, by plain ``west build`` on emulated boards."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support import DIGITS, ROOT, Workspace, toolchain
from west_utvm.device.process import Process, ProcessTransport
from west_utvm.device.pty import PtyTransport
from west_utvm.device.transport import Transport
from west_utvm.workspace import west

pytestmark = pytest.mark.zephyr

BOARDS = {"mps2/an385": "mps2_an385", "native_sim/native/64": "native_posix_64"}
MODELS = (
    "-m",
    f"digits={DIGITS / 'digits.tar'}",
    "-m",
    f"two={ROOT / 'tests' / 'data' / 'mlf' / 'two_io.tar'}",
)
# What the first image of input.npz gives; two has an input of zeros.
SCORES = "scores: int8[10] -120 -126 -126 -125 -126 -114 89 -126 ..., top-1 6 (89)"
ZEROS = "StatefulPartitionedCall:1: int32[3] 0 0 0, top-1 0 (0)"
PROMPT = r"uart:~\$ "
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, old_boards: bool) -> str:
    return BOARDS[request.param] if old_boards else str(request.param)


def build(workspace: Workspace, project: Path, board: str, *args: str) -> Path:
    build_dir = project / "out"
    env = toolchain(board)
    workspace.ok("build", "-b", board, "-d", build_dir, project, *args, env=env)
    return build_dir


def read_until(line: Transport | Process, wanted: str, seconds: float = 60) -> str:
    """What comes, without colours, until ``wanted``, a regular expression, matches its end."""
    text = ""
    deadline = time.monotonic() + seconds
    while not re.search(rf"{wanted}\Z", shown := _COLOURS.sub("", text), re.DOTALL):
        assert time.monotonic() < deadline, text
        text += line.read(1.0).decode(errors="replace")
    return shown.replace("\r", "")


def test_runner(zephyr_workspace: Workspace, board: str) -> None:
    """Each of the two models, beside the modules that the user names in the environment."""
    ws = zephyr_workspace
    project = ws.topdir / f"runner_{board.replace('/', '_')}"
    ws.ok("utvm-project", project, *MODELS, "-b", board)
    if not (ws.topdir / "third").exists():
        ws.ok("utvm-compile", DIGITS / "digits.tar", "-n", "third", "-d", ws.topdir / "third")
    env = {**toolchain(board), "EXTRA_ZEPHYR_MODULES": str(ws.topdir / "third")}
    expected = DIGITS / "expected.npz"
    args = ("-i", DIGITS / "input.npz", "--verify", expected, "--atol", "6")
    assert "405 of 2000 elements differ" in ws.ok("utvm-run", project, *args, env=env)
    names = (next(project.glob("build/*/Kconfig/Kconfig.modules"))).read_text()
    assert "third" in names and "digits" in names and "two" in names
    ws.ok("utvm-run", project, "--model", "two", env=env)


def test_standalone(zephyr_workspace: Workspace, board: str) -> None:
    ws = zephyr_workspace
    project = ws.topdir / f"standalone_{board.replace('/', '_')}"
    sample = f"digits={DIGITS / 'input.npz'}"
    args = ("--type", "standalone", "--input", sample)
    ws.ok("utvm-project", project, *MODELS, *args)
    build_dir = build(ws, project, board)
    with closing(_start(ws, build_dir, board)) as process:
        said = read_until(process, "done\r?\n")
    assert f"  {SCORES}\n" in said and f"  {ZEROS}\n" in said
    timed = "time unknown" if board.startswith("native") else r"\d+\.\d{3} us \(\d+ cycles\)"
    assert re.search(rf"^digits: {timed}", said, re.MULTILINE), said


def _start(workspace: Workspace, build_dir: Path, board: str) -> Process:
    if board.startswith("native"):
        return Process([str(build_dir / "zephyr" / "zephyr.exe")])
    return Process(west.run_target(build_dir), cwd=workspace.topdir)


def _shell_line(workspace: Workspace, build_dir: Path, board: str) -> Transport:
    if board.startswith("native"):
        return PtyTransport.spawn([str(build_dir / "zephyr" / "zephyr.exe")])
    return ProcessTransport(west.run_target(build_dir), mux=True, cwd=workspace.topdir)


def test_shell(zephyr_workspace: Workspace, board: str) -> None:
    ws = zephyr_workspace
    project = ws.topdir / f"shell_{board.replace('/', '_')}"
    args = ("--type", "shell", "--input", f"digits={DIGITS / 'input.npz'}", "-b", board)
    ws.ok("utvm-project", project, *MODELS, *args)
    build_dir = build(ws, project, board)
    with _shell_line(ws, build_dir, board) as line:
        line.write(b"\r")
        read_until(line, PROMPT)
        say = _speaker(line)
        assert "digits\ntwo\n" in say("utvm list")
        assert "input     image: int8[64], 64 bytes\n" in say("utvm info digits")
        assert SCORES in say("utvm run digits") and ZEROS in say("utvm run two")
        timed = "time unknown" if board.startswith("native") else r"\d+\.\d{3} us"
        said = say("utvm bench digits 10")
        assert len(re.findall(rf"^(?:min|median|max) *: {timed}", said, re.MULTILINE)) == 3, said
        assert "no model 'no'; utvm list shows them" in say("utvm info no")
        for runs in ("0", "-1", "101", "ten"):
            assert "give a number of runs from 1 to 100" in say(f"utvm bench two {runs}")


def _speaker(line: Transport) -> Callable[[str], str]:
    def say(command: str) -> str:
        line.write(f"{command}\r".encode())
        return read_until(line, f"{command}.*{PROMPT}")

    return say


def test_models_come_and_go_as_the_user_edits(
    zephyr_workspace: Workspace, old_boards: bool
) -> None:
    """A module that is added or removed, and one that prj.conf leaves out."""
    board = "native_posix_64" if old_boards else "native_sim/native/64"
    ws = zephyr_workspace
    project = ws.topdir / "edited"
    ws.ok("utvm-project", project, *MODELS, "--type", "standalone")
    build_dir = build(ws, project, board, "--cmake-only")
    models = build_dir / "utvm" / "utvm_models.inc"
    assert models.read_text() == "MODEL(digits)\nMODEL(two)\n"
    (project / "modules" / "two").rename(project / "modules" / "two_moved_away")
    (project / "modules" / "two_moved_away" / "metadata.json").unlink()
    ws.ok("build", "-d", build_dir, "--cmake-only", env=toolchain(board))
    assert models.read_text() == "MODEL(digits)\n"
    ws.ok("utvm-compile", DIGITS / "digits.tar", "-n", "a", "-d", project / "modules" / "a")
    with (project / "prj.conf").open("a") as conf:
        conf.write("CONFIG_UTVM_DIGITS=n\n")
    ws.ok("build", "-d", build_dir, "--cmake-only", env=toolchain(board))
    assert models.read_text() == "MODEL(a)\n"
