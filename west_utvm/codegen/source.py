# SPDX-License-Identifier: Apache-2.0
"""The one C file of a model: constants, a function for each operator, and the entry point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from west_utvm.codegen import text
from west_utvm.codegen.entry import entry_point
from west_utvm.codegen.io_pools import declarations
from west_utvm.codegen.operators import constant_bytes, operator_function
from west_utvm.codegen.ports import CPort, c_ports, header
from west_utvm.lowering.program import REFERENCES
from west_utvm.planning.places import PlannedProgram
from west_utvm.planning.planner import ALIGNMENT

_FILE = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model {name}: {operators} operators, {macs} multiply-accumulates, {constants} bytes of constants,
 * {workspace} bytes of workspace; rounding as in {rounding}. Written by west utvm-compile.
 */
{libraries}#include "tvmgen_{name}.h"
{prototypes}{kernels}
#if defined(UTVM_TRACE)
/* Called after each operator, with its place in the model's file. */
void utvm_trace(int op_index, const void *data, uint32_t size);
#define UTVM_TRACE_OPERATOR(op_index, data, size) utvm_trace(op_index, data, size)
#else
#define UTVM_TRACE_OPERATOR(op_index, data, size) ((void)0)
#endif
{memory}
{functions}
{entry}"""

_MEMORY = """
__attribute__((section(".bss.noinit.tvm"), aligned({alignment})))
static uint8_t tvmgen_{name}_workspace[{size}];
"""


@dataclass(frozen=True)
class Source:
    """``macs`` are multiply-accumulates of one inference, ``constants`` bytes."""

    text: str
    macs: int
    constants: int


def _source(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> Source:
    """The same text for the same program, whatever the day and the machine."""
    operators = planned.program.operators
    computed = [
        (i, op, c)
        for i, (op, c) in enumerate(zip(operators, planned.emitted, strict=True))
        if not planned.is_alias(op)
    ]
    kernels = _unique(header for _, _, c in computed for header in c.headers)
    constants = sum(constant_bytes(op, c) for _, op, c in computed)
    macs = sum(c.macs for _, _, c in computed)
    size = planned.plan.size
    libraries = {"stdint.h", "string.h"}.union(*(c.libraries for _, _, c in computed))
    called = sorted({found for _, _, c in computed for found in c.prototypes})
    prototypes = "".join(f"{prototype}\n" for prototype in called)
    written = _FILE.format(
        name=name,
        operators=len(operators),
        macs=macs,
        constants=constants,
        workspace=size,
        rounding=REFERENCES[planned.program.rounding],
        libraries="".join(f"#include <{header}>\n" for header in sorted(libraries)),
        prototypes=f"\n{prototypes}" if prototypes else "",
        kernels="".join(f"\n{text.kernel(header)}" for header in kernels),
        memory=_memory(planned, name),
        functions="\n".join(operator_function(i, op, c) for i, op, c in computed),
        entry=entry_point(planned, name, inputs, outputs),
    )
    return Source(written, macs, constants)


def _header(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> str:
    size = planned.plan.size
    run = declarations(name, size) if planned.io_in_workspace else ""
    return header(name, inputs, outputs, size, run)


def _memory(planned: PlannedProgram, name: str) -> str:
    """The workspace, unless it is the caller's."""
    if not planned.plan.size or planned.io_in_workspace:
        return ""
    return _MEMORY.format(alignment=ALIGNMENT, name=name, size=planned.plan.size)


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


@dataclass(frozen=True)
class Written:
    """A model's C: its source and its header, and how they call inputs and outputs."""

    source: Source
    header: str
    inputs: tuple[CPort, ...]
    outputs: tuple[CPort, ...]

    def files(self, name: str) -> dict[str, str]:
        """By their paths."""
        return {f"include/tvmgen_{name}.h": self.header, f"src/{name}_lib0.c": self.source.text}


def write_c(planned: PlannedProgram, name: str) -> Written:
    """All C of a model; ``name`` is a C identifier."""
    inputs, outputs = c_ports(planned.program.inputs, planned.program.outputs)
    source = _source(planned, name, inputs, outputs)
    return Written(source, _header(planned, name, inputs, outputs), inputs, outputs)
