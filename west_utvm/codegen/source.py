# SPDX-License-Identifier: Apache-2.0
"""The one C file of a model: constants, a function for each operator, and the entry point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from west_utvm.codegen import text
from west_utvm.codegen.ports import CPort
from west_utvm.kernels import Emitted, emit
from west_utvm.lowering.program import Operator, Value
from west_utvm.planning.places import Buffer, Place, PlannedProgram
from west_utvm.planning.planner import ALIGNMENT

_FILE = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model {name}: {operators} operators, {macs} multiply-accumulates, {constants} bytes of constants,
 * {workspace} bytes of workspace; rounding as in {rounding}. Written by west utvm-compile.
 */
#include <stdint.h>
#include <string.h>
#include "tvmgen_{name}.h"

{kernels}
#if defined(UTVM_TRACE)
/* Called after each operator, with its place in the model's file. */
void utvm_trace(int op_index, const void *data, uint32_t size);
#define UTVM_TRACE_OPERATOR(op_index, data, size) utvm_trace(op_index, data, size)
#else
#define UTVM_TRACE_OPERATOR(op_index, data, size) ((void)0)
#endif
{memory}
{functions}
int32_t tvmgen_{name}_run(struct tvmgen_{name}_inputs *inputs,
			  struct tvmgen_{name}_outputs *outputs)
{{
{pointers}
{calls}	return 0;
}}
"""

_MEMORY = """
__attribute__((section(".bss.noinit.tvm"), aligned({alignment})))
static uint8_t tvmgen_{name}_workspace[{size}];
"""


@dataclass(frozen=True)
class Source:
    """``emitted`` are in the order of the program's operators; those of shared places have no
    function. ``constants`` in bytes."""

    text: str
    emitted: tuple[Emitted | None, ...]
    constants: int


def write_source(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> Source:
    """The same text for the same program, whatever the day and the machine."""
    operators = planned.program.operators
    emitted = tuple(
        None if planned.is_alias(op) else emit(op, planned.program.rounding) for op in operators
    )
    functions = [
        _function(_symbol(i, op), op, c)
        for i, (op, c) in enumerate(zip(operators, emitted, strict=True))
        if c is not None
    ]
    kernels = _unique(header for c in emitted if c for header in c.headers)
    constants = sum(_constant_bytes(op, c) for op, c in zip(operators, emitted, strict=True) if c)
    size = planned.plan.size
    written = _FILE.format(
        name=name,
        operators=len(operators),
        macs=sum(c.macs for c in emitted if c),
        constants=constants,
        workspace=size,
        rounding=_REFERENCES[planned.program.rounding],
        kernels="\n".join(map(text.kernel, kernels)),
        memory=_MEMORY.format(alignment=ALIGNMENT, name=name, size=size) if size else "",
        functions="\n".join(functions),
        pointers=_pointers(planned, name, inputs, outputs),
        calls="".join(_call(planned, i, op) for i, op in enumerate(operators)),
    )
    return Source(written, emitted, constants)


_REFERENCES = {"tflm": "TensorFlow Lite Micro", "litert": "LiteRT"}


def _unique(items: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(items))


def _symbol(number: int, operator: Operator) -> str:
    return f"op{number:02}_{operator.kind}"


def _function(symbol: str, operator: Operator, emitted: Emitted) -> str:
    """The constants of an operator and its function."""
    arrays = [
        text.array(f"{symbol}_{name}", data) + "\n" for name, data in emitted.constants.items()
    ]
    arrays += [
        text.array(f"{symbol}_input{i}", value.data) + "\n"
        for i, value in _constant_inputs(operator)
        if value.data is not None
    ]
    return "".join(arrays) + _comment(operator, emitted) + _definition(symbol, operator, emitted)


def _activations(operator: Operator) -> list[Value]:
    """The inputs that an operator's function takes: all but weights and bias."""
    weighted = operator.kind in ("conv2d", "depthwise_conv2d", "fully_connected")
    return list(operator.inputs[:1] if weighted else operator.inputs)


def _constant_inputs(operator: Operator) -> list[tuple[int, Value]]:
    values = enumerate(_activations(operator))
    return [(i, value) for i, value in values if value.data is not None]


def _comment(operator: Operator, emitted: Emitted) -> str:
    shapes = ", ".join(text.shape(value.shape) for value in _activations(operator))
    window = operator.inputs[1].shape if len(_activations(operator)) < len(operator.inputs) else ()
    weights = f", weights {text.shape(window)}" if window else ""
    macs = f", {emitted.macs} MACs" if emitted.macs else ""
    return (
        f"/*\n * {text.comment(operator.name)}\n"
        f" * {text.comment(operator.source)}: {shapes} -> "
        f"{text.shape(operator.outputs[0].shape)}{weights}{macs}\n */\n"
    )


def _definition(symbol: str, operator: Operator, emitted: Emitted) -> str:
    names = _input_names(operator)
    parameters = ", ".join([f"const int8_t *{name}" for name in names] + ["int8_t *output"])
    opening = f"static void {symbol}({parameters})\n{{\n"
    if emitted.body:
        return f"{opening}{emitted.body}}}\n"
    constants = [f"{symbol}_{name}" for name in emitted.constants]
    arguments = ", ".join(["&parameters", *names, *constants, "output"])
    fields = text.initializer(emitted.fields, "\t\t")
    struct = f"\tstatic const struct utvm_{emitted.struct} parameters = {{\n{fields}\t}};\n\n"
    return f"{opening}{struct}\tutvm_{emitted.kernel}({arguments});\n}}\n"


def _input_names(operator: Operator) -> list[str]:
    count = len(_activations(operator))
    return ["input"] if count == 1 else [f"input{i}" for i in range(count)]


def _pointers(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> str:
    lines = [
        f"\tconst int8_t *const in{i} = inputs->{port.c_name};\n" for i, port in enumerate(inputs)
    ]
    lines += [
        f"\tint8_t *const out{i} = outputs->{port.c_name};\n" for i, port in enumerate(outputs)
    ]
    if planned.plan.size:
        lines.append(f"\tint8_t *const workspace = (int8_t *)tvmgen_{name}_workspace;\n")
    used = {place.number for place in planned.places.values() if place.buffer is Buffer.INPUT}
    unread = set(range(len(inputs))) - _read(planned) & used
    lines += [f"\t(void)in{i};\n" for i in sorted(unread)]
    return "".join(lines)


def _read(planned: PlannedProgram) -> set[int]:
    places = (
        planned.place(value) for op in planned.program.operators for value in _activations(op)
    )
    return {place.number for place in places if place.buffer is Buffer.INPUT}


def _call(planned: PlannedProgram, number: int, operator: Operator) -> str:
    symbol = _symbol(number, operator)
    output = operator.outputs[0]
    result = _pointer(planned.place(output))
    trace = f"\tUTVM_TRACE_OPERATOR({operator.number}, {result}, {output.size});\n"
    if operator.number < 0:
        trace = ""
    if planned.is_alias(operator):
        return f"\t/* {symbol}: its result is where its input is. */\n{trace}"
    arguments = [
        f"{symbol}_input{i}" if value.data is not None else _pointer(planned.place(value))
        for i, value in enumerate(_activations(operator))
    ]
    return f"\t{symbol}({', '.join([*arguments, result])});\n{trace}"


def _pointer(place: Place) -> str:
    if place.buffer is Buffer.WORKSPACE:
        return f"workspace + {place.number}" if place.number else "workspace"
    return f"{'in' if place.buffer is Buffer.INPUT else 'out'}{place.number}"


def _constant_bytes(operator: Operator, emitted: Emitted) -> int:
    inputs = [value.data for _, value in _constant_inputs(operator)]
    arrays = (*emitted.constants.values(), *(data for data in inputs if data is not None))
    return sum(data.nbytes for data in arrays)
