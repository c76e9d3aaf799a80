# SPDX-License-Identifier: Apache-2.0
"""The bundled sample on emulated boards, through west's own build: right, and what it takes."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.onnx_digits import write_samples
from tests.support import DIGITS, Workspace, toolchain
from west_utvm.elf import measure
from west_utvm.module import read_module
from west_utvm.runner.build import runner_dir

pytestmark = pytest.mark.zephyr

# By hardware model 2, and as they were called before Zephyr 3.7.
BOARDS = {
    "mps2/an385": "mps2_an385",
    "mps2/an521/cpu0": "mps2_an521",
    "mps3/an547": "mps3_an547",
    "native_sim/native/64": "native_posix_64",
}
# Zephyr has the first core of mps2/an521 without its DSP instructions.
TARGETS = {
    "mps2/an385": "c -mcpu=cortex-m3",
    "mps2/an521/cpu0": "c -mcpu=cortex-m33+nodsp",
    "mps3/an547": "c -mcpu=cortex-m55",
    "native_sim/native/64": "c",
}


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest, old_boards: bool) -> str:
    return BOARDS[request.param] if old_boards else str(request.param)


@pytest.fixture
def run(zephyr_workspace: Workspace, board: str) -> Callable[..., str]:
    """``west utvm-run digits`` on the board, with more arguments."""

    def call(*args: str | Path) -> str:
        return zephyr_workspace.ok("utvm-run", "digits", "-b", board, *args, env=toolchain(board))

    return call


def test_the_test_set_is_right_on_the_board(
    run: Callable[..., str], host_workspace: Workspace, tmp_path: Path
) -> None:
    """All samples, bit for bit what the same C code computes on this computer."""
    host_workspace.ok("utvm-run", "digits", "-i", DIGITS / "input.npz", "-o", tmp_path / "host.npz")
    said = run("-i", DIGITS / "input.npz", "--verify", tmp_path / "host.npz")
    assert "scores: agrees, 0 of 2000 elements differ" in said


def test_a_compiled_tflite_model_is_right_to_the_last_bit(
    zephyr_workspace: Workspace, board: str
) -> None:
    """By today's TVM: the bits of tflite-micro, on every board, with the kernels for its CPU."""
    pytest.importorskip("tvm")
    model = (DIGITS / "digits.tflite", "-n", "exact", "-b", board)
    zephyr_workspace.ok("utvm-compile", *model, env=toolchain(board))
    document = json.loads((zephyr_workspace.modules / "exact" / "metadata.json").read_text())
    assert document["modules"]["exact"]["target"] == [TARGETS[_modern(board)]]
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz")
    said = zephyr_workspace.ok("utvm-run", "exact", *args, env=toolchain(board))
    assert "scores: agrees, 0 of 2000 elements differ" in said
    assert _last_level(zephyr_workspace, "exact", board) == "-O2"


def test_a_compiled_onnx_model_is_right_to_the_last_bit(
    zephyr_workspace: Workspace, board: str, tmp_path: Path
) -> None:
    pytest.importorskip("tvm")
    inputs, wanted = write_samples(tmp_path, 50)
    model = (DIGITS / "digits.onnx", "-n", "onnxed", "-b", board)
    zephyr_workspace.ok("utvm-compile", *model, env=toolchain(board))
    args = ("-i", inputs, "--verify", wanted)
    said = zephyr_workspace.ok("utvm-run", "onnxed", *args, env=toolchain(board))
    assert "scores: agrees, 0 of 500 elements differ" in said


def test_inputs_and_outputs_in_the_workspace(zephyr_workspace: Workspace, board: str) -> None:
    pytest.importorskip("tvm")
    model = (DIGITS / "digits.tflite", "-n", "pools", "-b", board, "--io-in-workspace")
    zephyr_workspace.ok("utvm-compile", *model, env=toolchain(board))
    args = ("-i", DIGITS / "input.npz", "--verify", DIGITS / "expected.npz")
    said = zephyr_workspace.ok("utvm-run", "pools", *args, env=toolchain(board))
    assert "scores: agrees, 0 of 2000 elements differ" in said


def _last_level(workspace: Workspace, name: str, board: str) -> str:
    """How a model's C is optimized in an application that is built for size."""
    build = runner_dir(workspace.topdir, read_module(workspace.modules / name), board)
    commands = json.loads((build / "compile_commands.json").read_text())
    [command] = [c["command"] for c in commands if c["file"].endswith(f"{name}_lib0.c")]
    assert "-Os" in command
    return str(re.findall(r" (-O\S*)", command)[-1])


def _modern(board: str) -> str:
    return next(name for name, old in BOARDS.items() if board in (name, old))


def test_the_board_tells_its_time(run: Callable[..., str], board: str) -> None:
    said = run("--repeat", "5")
    if board.startswith("native"):
        assert "this board's clock does not tell real time" in said
        return
    found = re.search(r"min / median / max of 5 runs: (\S+) / (\S+) / (\S+) µs \((\S+)", said)
    assert found, said
    low, middle, high = (float(figure.replace(",", "")) for figure in found.groups()[:3])
    assert 0 < low <= middle <= high
    assert "QEMU's clock is virtual: 128 ns per instruction" in said


def test_sizes_are_those_of_binutils(
    run: Callable[..., str], zephyr_workspace: Workspace, board: str
) -> None:
    run()
    module = read_module(zephyr_workspace.modules / "digits")
    zephyr = runner_dir(zephyr_workspace.topdir, module, board) / "zephyr"
    native = board.startswith("native")
    elf = zephyr / ("zephyr.exe" if native else "zephyr.elf")
    tool = "size" if native else "arm-none-eabi-size"
    line = subprocess.run([tool, elf], capture_output=True, text=True, check=True).stdout
    text, data, bss = (int(figure) for figure in line.splitlines()[1].split()[:3])
    measured = measure(elf).image.berkeley()
    assert (measured.text, measured.data, measured.bss) == (text, data, bss)
    if not native:
        _check_memory_table(zephyr_workspace, elf, board)


def _check_memory_table(workspace: Workspace, elf: Path, board: str) -> None:
    """Against what the linker prints of each memory region at the end of a build."""
    elf.unlink()
    said = workspace.ok("build", "-d", elf.parents[1], env=toolchain(board))
    printed = re.findall(r"^ +(\w+): +(\d+) (\w?)B ", said, re.MULTILINE)
    units = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    assert printed, said
    used = {usage.region.name: usage.used for usage in measure(elf).usage.regions}
    assert used == {name: int(count) * units[unit] for name, count, unit in printed}
