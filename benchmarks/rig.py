# SPDX-License-Identifier: Apache-2.0
"""Builds a model's C with the rig, for an emulated machine or this computer, and runs it."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machines import RIG, Machine
from benchmarks.tools import run
from west_utvm.errors import UtvmError

NAME = "net"
_POOL = f"TVMGEN_{NAME.upper()}_SRAM_WORKSPACE_POOL_SIZE"
_COMMON = ("-std=gnu11", "-ffunction-sections", "-fdata-sections")
# What the rig says with its exit status.
_STATUS = {
    3: "the model returned an error",
    5: "the rig's input is too short",
    6: "the rig could not write its output",
    7: "more operators than the rig has room to trace",
    8: "the CPU faulted",
    9: "the stack overflowed",
}


@dataclass(frozen=True)
class Port:
    """An input or output: its member in C, its size in bytes."""

    member: str
    size: int


@dataclass(frozen=True)
class Sources:
    """C text by path, as the compiler gives it, and the ports in the structs' order."""

    files: Mapping[str, str]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @property
    def pooled(self) -> bool:
        """Whether inputs and outputs are in the workspace, which then is the rig's."""
        return _POOL in self.files[f"include/tvmgen_{NAME}.h"]


@dataclass(frozen=True)
class Mark:
    """The clock, in ticks, after operator ``number`` of the model's file; -1: before the first."""

    number: int
    ticks: int


@dataclass(frozen=True)
class Result:
    """Of a run: bytes of stack, ticks of the warm inference, ticks of 63 traces, marks, outputs."""

    stack: int
    ticks: int
    trace_ticks: int
    marks: tuple[Mark, ...]
    outputs: tuple[bytes, ...]


_STUB_H = """\
#include <stdint.h>
struct tvmgen_net_inputs { void *in; };
struct tvmgen_net_outputs { void *out; };
int32_t tvmgen_net_run(struct tvmgen_net_inputs *inputs, struct tvmgen_net_outputs *outputs);
"""
_STUB_C = """\
#include "tvmgen_net.h"
int32_t tvmgen_net_run(struct tvmgen_net_inputs *inputs, struct tvmgen_net_outputs *outputs)
{
	(void)inputs;
	(void)outputs;
	return 0;
}
"""
# The rig with no inference in it: what it takes is not the model's.
EMPTY = Sources(
    {"include/tvmgen_net.h": _STUB_H, "src/net_lib0.c": _STUB_C},
    (Port("in", 4),),
    (Port("out", 4),),
)


def build(sources: Sources, machine: Machine, opt: str, folder: Path, *flags: str) -> Path:
    """The executable of ``sources`` for ``machine`` with ``-O…`` and more flags."""
    written = _write(sources, folder)
    _memory(machine, folder / "memory.ld")
    elf = folder / "model.elf"
    rig = [RIG / name for name in ("main.c", "semihost.c", machine.port)]
    link = ("-nostartfiles", "-T", RIG / "rig.ld", "-L", folder, "-Wl,--gc-sections")
    quiet = ("-Wl,--no-warn-rwx-segments",)
    options = (*machine.flags, opt, *_COMMON, *_includes(folder), *flags)
    command = (machine.compiler, *options, *written, *rig, *link, *quiet, "-lm", "-o", elf)
    run(command, folder)
    return elf


def build_host(sources: Sources, folder: Path) -> Path:
    """The same for this computer."""
    written = _write(sources, folder)
    program = folder / "model"
    rig = [RIG / name for name in ("main.c", "host.c")]
    run(("gcc", "-O1", *_COMMON, *_includes(folder), *written, *rig, "-lm", "-o", program), folder)
    return program


def execute(command: Sequence[str | Path], folder: Path, data: bytes, sources: Sources) -> Result:
    """Run the rig in ``folder``; ``data`` are the bytes of all inputs, one after the other."""
    (folder / "input.bin").write_bytes(data + data)
    output = folder / "output.bin"
    output.unlink(missing_ok=True)
    try:
        run(command, folder)
    except UtvmError as error:
        status = error.what.partition("exit status ")[2].partition(" ")[0]
        reason = _STATUS.get(int(status)) if status.isdigit() else None
        raise UtvmError(reason or error.what, where=error.where) from None
    return parse(output.read_bytes(), sources.outputs)


def parse(stream: bytes, outputs: Sequence[Port]) -> Result:
    """What ``report()`` of rig/main.c wrote."""
    stack, low, high, cost, count = struct.unpack_from("<5I", stream)
    offset = 20
    marks = []
    for _ in range(count):
        number, mark_low, mark_high = struct.unpack_from("<iII", stream, offset)
        marks.append(Mark(number, mark_low | mark_high << 32))
        offset += 12
    found = []
    for port in outputs:
        found.append(stream[offset : offset + port.size])
        offset += port.size
    if offset != len(stream):
        raise UtvmError(f"{len(stream)} bytes of output, not {offset}", where="the rig")
    return Result(stack, low | high << 32, cost, tuple(marks), tuple(found))


def _write(sources: Sources, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for relative, text in sources.files.items():
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "model.h").write_text(_model_header(sources))
    return [folder / relative for relative in sorted(sources.files) if relative.endswith(".c")]


def _model_header(sources: Sources) -> str:
    lines = [f'#include "tvmgen_{NAME}.h"', f"#define MODEL_RUN tvmgen_{NAME}_run"]
    for kind, ports in (("inputs", sources.inputs), ("outputs", sources.outputs)):
        rows = " ".join(f"X({port.member}, {port.size}U)" for port in ports)
        lines.append(f"#define MODEL_{kind.upper()}(X) {rows}")
        lines.append(f"#define MODEL_STRUCT_{kind.upper()} tvmgen_{NAME}_{kind}")
        lines.append(f"#define MODEL_MAP_{kind.upper()} tvmgen_{NAME}_map_{kind}")
    if sources.pooled:
        lines.append(f"#define MODEL_STRUCT_POOLS tvmgen_{NAME}_workspace_pools")
        lines.append(f"#define MODEL_POOL_SIZE {_POOL}")
    return "\n".join([*lines, ""])


def _memory(machine: Machine, path: Path) -> None:
    regions = zip(("vectors (rx)", "flash (rx)", "ram (rwx)"), machine.memories, strict=True)
    rows = [f"\t{name} : ORIGIN = {m.origin:#x}, LENGTH = {m.length}\n" for name, m in regions]
    path.write_text("MEMORY {\n" + "".join(rows) + "}\n")


def _includes(folder: Path) -> tuple[str | Path, ...]:
    return ("-I", folder, "-I", folder / "include", "-I", RIG)
