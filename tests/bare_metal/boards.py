# SPDX-License-Identifier: Apache-2.0
"""Boards that QEMU emulates: how C is built for them without an operating system, and run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

BARE_METAL = Path(__file__).parent
WARNINGS = ("-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g1")

HOST_PORT = BARE_METAL / "port_host.c"
# What the ports say with an exit status.
PORT_STATUS = {5: "input too short", 6: "cannot write", 7: "out of memory", 8: "a CPU fault"}

_ARM = "arm-none-eabi-gcc"
_RISCV = "riscv64-unknown-elf-gcc"


@dataclass(frozen=True)
class Memory:
    """Where a program lies, (address, bytes) each. What ``data`` leaves is the heap. Nothing is
    mapped behind the end of ``data``: to read there is a fault."""

    vectors: tuple[int, int]
    code: tuple[int, int]
    data: tuple[int, int]


@dataclass(frozen=True)
class Board:
    """``emulator`` is QEMU's program and machine."""

    emulator: tuple[str, ...]
    memory: Memory
    compiler: str
    flags: tuple[str, ...]


def _cortex(cpu: str, machine: str, memory: Memory, *flags: str) -> Board:
    emulator = ("qemu-system-arm", "-machine", machine)
    return Board(emulator, memory, _ARM, (f"-mcpu={cpu}", "-mthumb", *flags))


# MPS2: ZBT SSRAM at 0, where the CPU starts, and 16 MiB of PSRAM.
_MPS2 = Memory((0, 0x400), (0x400, 0x3FFC00), (0x21000000, 0x1000000))
_MPS2_M7 = Memory(_MPS2.vectors, _MPS2.code, (0x60000000, 0x1000000))
# With TrustZone: secure aliases of SSRAM1; the PSRAM has none.
_MPS2_SECURE = Memory((0x10000000, 0x400), (0x10000400, 0x3FFC00), (0x80000000, 0x1000000))
# MPS3, SSE-300: ITCM, where the CPU starts; SSRAM, and the internal SRAM.
_MPS3 = Memory((0, 0x400), (0x01000000, 0x200000), (0x21000000, 0x400000))
# RISC-V "virt" with its DRAM, which begins at 2 GiB.
_VIRT = Memory((0x80000000, 0x400), (0x80000400, 0x7FFC00), (0x80800000, 0x800000))

# By CPU. A Cortex-M33 has DSP unless told otherwise, a Cortex-M55 has MVE with floating point.
BOARDS = {
    "cortex-m3": _cortex("cortex-m3", "mps2-an385", _MPS2),
    "cortex-m4": _cortex("cortex-m4", "mps2-an386", _MPS2),
    "cortex-m7": _cortex("cortex-m7", "mps2-an500", _MPS2_M7),
    "cortex-m33": _cortex("cortex-m33", "mps2-an505", _MPS2_SECURE, "-mfloat-abi=soft"),
    "cortex-m55": _cortex("cortex-m55", "mps3-an547", _MPS3, "-mfloat-abi=hard"),
    "rv32imc": Board(
        ("qemu-system-riscv32", "-machine", "virt", "-m", "16M", "-bios", "none"),
        _VIRT,
        _RISCV,
        ("-march=rv32imc", "-mabi=ilp32", "-ffreestanding", f"-I{BARE_METAL / 'freestanding'}"),
    ),
}


def require(*programs: str) -> None:
    """Skip the test if one of them is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def compile_c(compiler: str, *arguments: str | Path) -> None:
    """Run a C compiler; the test fails with what it says if it fails."""
    require(compiler)
    done = subprocess.run(
        [compiler, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False
    )
    # Generated lines are long: the beginning of each says enough.
    said = "\n".join(line[:200] for line in done.stderr.splitlines()[:40])
    assert done.returncode == 0, said


def build(cpu: str, target: Path, arguments: Iterable[str | Path]) -> None:
    """An ELF for the board with this CPU from the ``arguments`` of its compiler: C files, objects
    and flags."""
    board = BOARDS[cpu]
    freestanding = [BARE_METAL / "freestanding" / "string.c"] if board.compiler == _RISCV else []
    compile_c(
        board.compiler,
        *board.flags,
        f"-I{BARE_METAL}",
        *arguments,
        BARE_METAL / "port_board.c",
        *freestanding,
        "-nostdlib" if freestanding else "-nostartfiles",
        *_places(board.memory),
        "-T",
        BARE_METAL / "board.ld",
        "-Wl,--no-warn-rwx-segments",
        *(["-lgcc"] if freestanding else ["-lm"]),
        "-o",
        target,
    )


def _places(memory: Memory) -> list[str]:
    places = {"vectors": memory.vectors, "code": memory.code, "data": memory.data}
    return [
        f"-Wl,--defsym={name}_{what}={figure:#x}"
        for name, place in places.items()
        for what, figure in zip(("origin", "length"), place, strict=True)
    ]


def command(cpu: str, executable: Path) -> tuple[str, ...]:
    """Runs a program on the emulated board; files and its exit status go by semihosting."""
    emulator = BOARDS[cpu].emulator
    require(emulator[0])
    return (
        *emulator,
        *("-nographic", "-monitor", "none", "-serial", "none"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-kernel", str(executable)),
    )
