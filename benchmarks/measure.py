# SPDX-License-Identifier: Apache-2.0
"""Builds, runs, checks and counts one model on one CPU."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.disassembly import disassemble
from benchmarks.machines import Machine
from benchmarks.models import Expected, check, sources_of
from benchmarks.profile import profile
from benchmarks.records import Layer, Record
from benchmarks.rig import EMPTY, Result, build, execute
from benchmarks.sizes import Sizes, sizes
from benchmarks.trace import trace
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm.compiler import Compiled

ICOUNT = ("-icount", "shift=0")
# Intervals between the calls that main.c's trace_cost() makes.
_TRACE_INTERVALS = 63
# main.c's function around an inference; instructions that reading the clock twice may take.
_ENTRY = "infer"
_CLOCK_READ = 50
_LOOPS = 12


@dataclass(frozen=True)
class Case:
    """A compiled model for a machine; ``opt`` such as ``-O2``; ``layers``: count each operator;
    ``cycles``: trace, too."""

    model: str
    compiled: Compiled
    expected: Expected
    machine: Machine
    opt: str
    optimize: str
    layers: bool
    cycles: bool

    @property
    def title(self) -> str:
        return f"{self.model} {self.machine.cpu} {self.opt}"


def empty_rig(machine: Machine, opt: str, folder: Path) -> Sizes:
    """Of the rig with no inference in it."""
    return sizes(build(EMPTY, machine, opt, folder))


def measure(case: Case, rig: Sizes, folder: Path) -> Record:
    """``rig`` is the same rig with no inference in it. UtvmError if a build, a run or the check
    of its outputs fails."""
    sources = sources_of(case.compiled)
    elf = build(sources, case.machine, case.opt, folder)
    result = _run(case, elf)
    size = sizes(elf)
    workspace = case.compiled.workspace_size
    ports = () if sources.pooled else (*sources.inputs, *sources.outputs)
    io = sum(port.size for port in ports)
    record = Record(
        model=case.model,
        cpu=case.machine.cpu,
        opt=case.opt,
        optimize=case.optimize,
        instructions=round(result.ticks * case.machine.tick),
        resolution=case.machine.tick,
        flash=size.flash - rig.flash,
        workspace=workspace,
        io=io,
        stack=result.stack,
        other_static_ram=size.ram - workspace - io,
        checked_against=case.expected.by,
        layers=_layers(case, folder / "traced") if case.layers else (),
    )
    return _with_profile(case, record, folder / "profiled") if case.cycles else record


def _run(case: Case, elf: Path) -> Result:
    sources = sources_of(case.compiled)
    command = case.machine.command(elf, *ICOUNT)
    result = execute(command, elf.parent, case.expected.data, sources)
    check(case.compiled, case.expected, result.outputs)
    return result


def _layers(case: Case, folder: Path) -> tuple[Layer, ...]:
    entries = max(_TRACE_INTERVALS, len(case.compiled.program.operators)) + 1
    flags = ("-DUTVM_TRACE", f"-DTRACE_ENTRIES={entries}U")
    elf = build(sources_of(case.compiled), case.machine, case.opt, folder, *flags)
    return layers_of(_run(case, elf), case.compiled, case.machine.tick)


def layers_of(result: Result, compiled: Compiled, tick: float) -> tuple[Layer, ...]:
    """From one mark to the next, less what a mark costs."""
    cost = result.trace_ticks / _TRACE_INTERVALS
    pairs = zip(compiled.program.operators, compiled.planned.emitted, strict=True)
    known = {op.number: (op.kind, emitted.label or emitted.kernel) for op, emitted in pairs}
    return tuple(
        Layer(
            mark.number,
            *known.get(mark.number, ("operator", "")),
            max(0, round((mark.ticks - before.ticks - cost) * tick)),
        )
        for before, mark in pairwise(result.marks)
    )


def _with_profile(case: Case, record: Record, folder: Path) -> Record:
    """The record with cycles and loops; UtvmError unless clock and trace count the same."""
    elf = build(sources_of(case.compiled), case.machine, case.opt, folder, "-DWARM_ONLY")
    code = disassemble(elf, case.machine.tools)
    entry = min(at for at, instruction in code.items() if instruction.function == _ENTRY)
    found = profile(trace(case.machine.command(elf), folder, entry, case.expected.data), code)
    if abs(found.instructions - record.instructions) > record.resolution + _CLOCK_READ:
        counts = f"the trace has {found.instructions}, the clock {record.instructions}"
        raise UtvmError(f"{counts} instructions", where=case.title)
    cycles = found.cycles if case.machine.has_cycles else 0
    return replace(record, cycles=cycles, loops=found.loops[:_LOOPS])
