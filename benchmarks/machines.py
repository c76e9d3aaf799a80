# SPDX-License-Identifier: Apache-2.0
"""The CPUs: the board that QEMU has with each, its memories, and the flags of its compiler."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from west_utvm.errors import UtvmError

RIG = Path(__file__).parent / "rig"
# newlib-nano; nothing of the system below it.
_NEWLIB = ("--specs=nano.specs", "--specs=nosys.specs")


@dataclass(frozen=True)
class Memory:
    """A region of the linker; both figures in bytes."""

    origin: int
    length: int


@dataclass(frozen=True)
class Machine:
    """``cpu`` is GCC's name; ``memories`` are for vectors, flash and RAM.

    ``tick`` are the instructions of a tick of the rig's clock: with -icount shift=0 QEMU counts
    an instruction as 1 ns, and the clock counts ``tick`` ns.
    """

    cpu: str
    board: str
    emulator: str
    tools: str
    flags: tuple[str, ...]
    memories: tuple[Memory, Memory, Memory]
    tick: float
    port: str = "arm.c"

    @property
    def short(self) -> str:
        return self.cpu.removeprefix("cortex-")

    @property
    def has_cycles(self) -> bool:
        """Whether benchmarks/cycles.py is about this CPU."""
        return self.cpu == "cortex-m4"

    @property
    def compiler(self) -> str:
        return f"{self.tools}gcc"

    def missing(self) -> str:
        """The first program that is not installed, or nothing."""
        programs = (self.compiler, self.emulator)
        return next((program for program in programs if shutil.which(program) is None), "")

    def command(self, elf: Path, *more: str) -> list[str]:
        """QEMU, one instruction a virtual nanosecond."""
        firmware = ("-bios", "none") if self.port == "riscv.c" else ()
        semihosting = ("-semihosting-config", "enable=on,target=native")
        quiet = ("-display", "none", "-monitor", "none", "-serial", "none")
        board = ("-machine", self.board, *firmware)
        return [self.emulator, *board, *quiet, *semihosting, "-kernel", str(elf), *more]


def _regions(vectors: int, flash: int, ram: int, length: int) -> tuple[Memory, Memory, Memory]:
    """256 bytes for vectors, ``length`` for the others."""
    return Memory(vectors, 0x100), Memory(flash, length - (flash & 0xFFFF)), Memory(ram, length)


def _arm(
    cpu: str,
    board: str,
    flags: tuple[str, ...],
    memories: tuple[Memory, Memory, Memory],
    tick: float,
) -> Machine:
    return Machine(
        cpu=cpu,
        board=board,
        emulator="qemu-system-arm",
        tools="arm-none-eabi-",
        flags=(f"-mcpu={cpu}", "-mthumb", *flags, *_NEWLIB),
        memories=memories,
        tick=tick,
    )


_HARD = "-mfloat-abi=hard"
_MPS2 = _regions(0x0, 0x100, 0x20000000, 4 << 20)
_MPS2_SECURE = _regions(0x10000000, 0x10000100, 0x38000000, 4 << 20)
# Vectors in the tightly coupled memory, which is too small for the rest.
_MPS3 = _regions(0x0, 0x01000000, 0x21000000, 2 << 20)
# SysTick runs at the CPU's clock, hw/arm/mps2.c and mps2-tz.c: 25 MHz; 20 MHz; 32 MHz.
MACHINES = (
    _arm("cortex-m3", "mps2-an385", (), _MPS2, 40),
    _arm("cortex-m4", "mps2-an386", (_HARD, "-mfpu=fpv4-sp-d16"), _MPS2, 40),
    _arm("cortex-m33", "mps2-an505", (_HARD, "-mfpu=fpv5-sp-d16"), _MPS2_SECURE, 50),
    _arm("cortex-m55", "mps3-an547", (_HARD,), _MPS3, 31.25),
    Machine(
        cpu="rv32imc",
        board="virt",
        emulator="qemu-system-riscv32",
        tools="riscv64-unknown-elf-",
        flags=("-march=rv32imc_zicsr", "-mabi=ilp32", "--specs=picolibc.specs"),
        memories=_regions(0x80000000, 0x80000100, 0x81000000, 16 << 20),
        tick=1,
        port="riscv.c",
    ),
)


def machines(names: Sequence[str]) -> list[Machine]:
    """By their names, ``cortex-m4`` or ``m4``, in the table's order; all if none is named."""
    known = {name: machine for machine in MACHINES for name in (machine.cpu, machine.short)}
    for name in names:
        if name not in known:
            listed = ", ".join(machine.cpu for machine in MACHINES)
            raise UtvmError("is no CPU of the benchmarks", where=name, hint=f"there are {listed}")
    wanted = {known[name].cpu for name in names}
    return [machine for machine in MACHINES if not names or machine.cpu in wanted]
