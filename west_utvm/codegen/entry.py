# SPDX-License-Identifier: Apache-2.0
"""The model's entry point in C: where its tensors are, and the calls of its operators."""

from __future__ import annotations

from collections.abc import Sequence

from west_utvm.codegen import text
from west_utvm.codegen.io_pools import POOL, mapping_functions
from west_utvm.codegen.operators import activations, symbol
from west_utvm.codegen.ports import CPort
from west_utvm.lowering.program import Operator
from west_utvm.planning.places import Buffer, Place, PlannedProgram

_ENTRY = """\
int32_t tvmgen_{name}_run({parameters})
{{
{pointers}
{calls}	return 0;
}}
"""
_PARAMETERS = """\
struct tvmgen_{name}_inputs *inputs,
			  struct tvmgen_{name}_outputs *outputs"""
_POOLS = "struct tvmgen_{name}_workspace_pools *workspace_pools"


def entry_point(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> str:
    """``tvmgen_<name>_run``, and what tells where inputs and outputs are, if in the workspace."""
    operators = planned.program.operators
    in_pools = planned.io_in_workspace
    entry = _ENTRY.format(
        name=name,
        parameters=(_POOLS if in_pools else _PARAMETERS).format(name=name),
        pointers=_pool(planned) if in_pools else _pointers(planned, name, inputs, outputs),
        calls="".join(_call(planned, i, op) for i, op in enumerate(operators)),
    )
    if not in_pools:
        return entry
    return f"{mapping_functions(planned, name, inputs, outputs)}\n{entry}"


def _pool(planned: PlannedProgram) -> str:
    line = f"\tint8_t *const workspace = workspace_pools->{POOL};\n"
    used = not all(map(planned.is_alias, planned.program.operators))
    return line if used else f"{line}\n\t(void)workspace;\n"


def _pointers(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> str:
    lines = [
        f"\tconst {text.c_type(port.value.dtype)} *const in{i} = inputs->{port.c_name};\n"
        for i, port in enumerate(inputs)
    ]
    lines += [
        f"\t{text.c_type(port.value.dtype)} *const out{i} = outputs->{port.c_name};\n"
        for i, port in enumerate(outputs)
    ]
    if planned.plan.size:
        lines.append(f"\tint8_t *const workspace = (int8_t *)tvmgen_{name}_workspace;\n")
    used = {place.number for place in planned.places.values() if place.buffer is Buffer.INPUT}
    unread = set(range(len(inputs))) - _read(planned) & used
    lines += [f"\t(void)in{i};\n" for i in sorted(unread)]
    return "".join(lines)


def _read(planned: PlannedProgram) -> set[int]:
    places = (planned.place(value) for op in planned.program.operators for value in activations(op))
    return {place.number for place in places if place.buffer is Buffer.INPUT}


def _call(planned: PlannedProgram, number: int, operator: Operator) -> str:
    function = symbol(number, operator)
    output = operator.outputs[0]
    result = _pointer(planned.place(output), output.dtype)
    trace = f"\tUTVM_TRACE_OPERATOR({operator.number}, {result}, {output.size});\n"
    if operator.number < 0:
        trace = ""
    if planned.is_alias(operator):
        return f"\t/* {function}: its result is where its input is. */\n{trace}"
    arguments = [
        f"{function}_input{i}"
        if value.data is not None
        else _pointer(planned.place(value), value.dtype)
        for i, value in enumerate(activations(operator))
    ]
    scratch = planned.scratch[number]
    if scratch is not None:
        arguments.append(_pointer(Place(Buffer.WORKSPACE, scratch), "int8"))
    return text.call(f"\t{function}", [*arguments, result], ";\n") + trace


def _pointer(place: Place, dtype: str) -> str:
    """An expression of the type that values of this dtype have."""
    if place.buffer is Buffer.WORKSPACE:
        whole = f"workspace + {place.number}" if place.number else "workspace"
        if dtype == "int8":
            return whole
        return f"(void *)({whole})" if place.number else f"(void *){whole}"
    return f"{'in' if place.buffer is Buffer.INPUT else 'out'}{place.number}"
