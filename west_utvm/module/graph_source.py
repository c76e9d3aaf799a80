# SPDX-License-Identifier: Apache-2.0
"""A graph as C: one static sequence of calls over tensors that are known at compile time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from west_utvm.mlf import Port
from west_utvm.mlf.graph import Call, Graph
from west_utvm.mlf.params import Parameter
from west_utvm.module.c_data import constant
from west_utvm.module.graph_memory import Kind, Layout, Place
from west_utvm.module.operators import Operator
from west_utvm.planning import ALIGNMENT

_HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TVM module "{module}": the calls that the graph executor would make, in its order.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <tvm/runtime/c_backend_api.h>
#include <tvmgen_{module}.h>
"""

# Operators take pointers to what is not const.
_MACROS = """\
#define TENSOR(memory, dims, count, type, num_bits)                                               \\
	{{                                                                                         \\
		.data = (void *)(memory), .device = {{kDLCPU, 0}}, .ndim = (count),                  \\
		.dtype = {{(type), (num_bits), 1}}, .shape = (int64_t *)(dims),                      \\
	}}
#define ARG(tensor) {{.v_handle = (void *)&(tensor)}}
#define CALL(function, args, count)                                                               \\
	function((void *)(args), (void *)type_ids, (count), &ret, (void *)&ret_type, NULL)

/* All arguments are DLTensors: kTVMDLTensorHandle of TVM's C runtime. */
static const int32_t type_ids[] = {{{type_ids}}};
"""

_RUN = """\
int32_t tvmgen_{module}_run(struct tvmgen_{module}_inputs *inputs,
			    struct tvmgen_{module}_outputs *outputs)
{{
{locals}
	(void)inputs;
{calls}{copies}	return 0;
}}
"""

_STATUS = """\
	TVMValue ret = {0};
	int32_t ret_type = 0;
	int32_t status;
"""

# In the form of tvmc's own pools, of which the writer makes UTVM_WORKSPACE.
_WORKSPACE = """\
__attribute__((section(".bss.noinit.tvm"), aligned({alignment})))
static uint8_t workspace[{size}];
"""

# TVM frees in the reverse order of allocation.
_ALLOCATOR = """\
/* What is left to the operator that runs, which allocates and frees like a stack. */
static uint8_t *scratch;
static size_t scratch_size;

void *TVMBackendAllocWorkspace(int device_type, int device_id, uint64_t nbytes,
			       int dtype_code_hint, int dtype_bits_hint)
{{
	uint8_t *block = scratch;
	size_t size;

	(void)device_type;
	(void)device_id;
	(void)dtype_code_hint;
	(void)dtype_bits_hint;
	if (nbytes > scratch_size) {{
		return NULL;
	}}
	size = ((size_t)nbytes + {alignment}U - 1U) & ~(size_t)({alignment}U - 1U);
	scratch += size;
	scratch_size -= size;
	return block;
}}

int TVMBackendFreeWorkspace(int device_type, int device_id, void *ptr)
{{
	(void)device_type;
	(void)device_id;
	scratch_size += (size_t)(scratch - (uint8_t *)ptr);
	scratch = ptr;
	return 0;
}}
"""

_SCRATCH = """\
	scratch = &workspace[{at}];
	scratch_size = {size};
"""

_CALL = """\
	status = CALL({function}, args_{number}, {count});
	if (status != 0) {{
		return status;
	}}
"""

_CODES = {"bool": "kDLUInt", "int": "kDLInt", "uint": "kDLUInt", "float": "kDLFloat"}
_TENSOR_HANDLE = 7


# An entry, and whether it is seen flat.
View = tuple[int, bool]


@dataclass(frozen=True)
class Source:
    """All that the C source of a graph is made of; ``parameters`` are by entry. ``allocates``
    is whether a function of the archive calls TVMBackendAllocWorkspace."""

    module: str
    graph: Graph
    layout: Layout
    inputs: Mapping[int, Port]
    outputs: Sequence[Port]
    parameters: Mapping[int, tuple[str, Parameter]]
    operators: Mapping[str, Operator]
    allocates: bool

    def text(self) -> str:
        calls = {n: call for n, call in enumerate(self.graph.calls) if not call.is_alias}
        views = sorted({view for call in calls.values() for view in _views(call)})
        shapes = {dims: i for i, dims in enumerate(sorted({self._dims(v) for v in views} - {()}))}
        on_stack = [n for n, call in calls.items() if any(map(self._is_io, _views(call)))]
        static = [n for n in calls if n not in on_stack]
        sections = [
            _HEAD.format(module=self.module),
            self._macros(calls.values()),
            "".join(
                self.operators[f].prototype for f in sorted({c.function for c in calls.values()})
            ),
            self._workspace(),
            _ALLOCATOR.format(alignment=ALIGNMENT) if self.allocates else "",
            *self._parameters(calls.values()),
            "".join(_shape(dims, i) for dims, i in shapes.items()),
            "".join(self._tensor(view, shapes) for view in views if not self._is_io(view)),
            "".join(_arguments(n, calls[n], "static const") for n in static),
            self._run(calls, [v for v in views if self._is_io(v)], shapes, on_stack),
        ]
        return "\n".join(section for section in sections if section)

    def _run(
        self,
        calls: Mapping[int, Call],
        views: Sequence[View],
        shapes: Mapping[tuple[int, ...], int],
        on_stack: Sequence[int],
    ) -> str:
        """The entry function: only what has to do with inputs and outputs is built at run time."""
        parts = [self._tensor(view, shapes) for view in views]
        parts += [_arguments(n, calls[n], "\tconst") for n in on_stack]
        return _RUN.format(
            module=self.module,
            locals="".join(parts) + (_STATUS if calls else ""),
            calls="".join(self._call(n, call) for n, call in calls.items()),
            copies="".join(self._copies()),
        )

    def _macros(self, calls: Collection[Call]) -> str:
        most = max((len(_views(call)) for call in calls), default=0)
        type_ids = ", ".join([str(_TENSOR_HANDLE)] * most)
        return _MACROS.format(type_ids=type_ids) if calls else ""

    def _workspace(self) -> str:
        size = self.layout.workspace_size
        return _WORKSPACE.format(alignment=ALIGNMENT, size=size) if size else ""

    def _is_io(self, view: View) -> bool:
        return self.layout.places[view[0]].kind in (Kind.INPUT, Kind.OUTPUT)

    def _dims(self, view: View) -> tuple[int, ...]:
        number, flatten = view
        entry = self.graph.entries[number]
        return (entry.elements,) if flatten else entry.shape

    def _parameters(self, calls: Collection[Call]) -> Iterator[str]:
        """Those that something reads. What a parameter is called goes into a comment alone."""
        places = [self.layout.places[entry] for call in calls for entry in call.inputs]
        places += [place for _, place in self.layout.copies]
        used = {place.at for place in places if place.kind is Kind.PARAMETER}
        for entry in sorted(used):
            name, parameter = self.parameters[entry]
            array = constant(f"parameter_{entry}", parameter.dtype, parameter.data, ALIGNMENT)
            yield f"/* {name}: {parameter.dtype} {list(parameter.shape)} */\n{array}"

    def _tensor(self, view: View, shapes: Mapping[tuple[int, ...], int]) -> str:
        entry, _ = view
        dtype, dims = self.graph.entries[entry].dtype, self._dims(view)
        code = _CODES[dtype.rstrip("0123456789")]
        bits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz") or "1"
        shape = f"shape_{shapes[dims]}" if dims else "NULL"
        how = "\tconst" if self._is_io(view) else "static const"
        memory = self._memory(self.layout.places[entry])
        fields = f"{memory}, {shape}, {len(dims)}, {code}, {bits}"
        return f"{how} DLTensor {_name(view)} = TENSOR({fields});\n"

    def _memory(self, place: Place) -> str:
        if place.kind is Kind.WORKSPACE:
            return f"&workspace[{place.at}]"
        if place.kind is Kind.PARAMETER:
            return f"parameter_{place.at}"
        if place.kind is Kind.INPUT:
            return f"inputs->{self.inputs[place.at].c_name}"
        return f"outputs->{self.outputs[place.at].c_name}"

    def _call(self, number: int, call: Call) -> str:
        text = _CALL.format(function=call.function, number=number, count=len(_views(call)))
        if number not in self.layout.scratch:
            return text
        at, size = self.layout.scratch[number], self.operators[call.function].need
        return _SCRATCH.format(at=at, size=size) + text

    def _copies(self) -> Iterator[str]:
        for number, place in self.layout.copies:
            port = self.outputs[number]
            target, size = f"outputs->{port.c_name}", port.tensor.size
            yield f"\t(void)memcpy({target}, {self._memory(place)}, {size});\n"


def _views(call: Call) -> list[View]:
    """What a call is given, in order."""
    return [(entry, call.flatten) for entry in (*call.inputs, *call.outputs)]


def _name(view: View) -> str:
    entry, flatten = view
    return f"tensor_{entry}_flat" if flatten else f"tensor_{entry}"


def _shape(dims: tuple[int, ...], number: int) -> str:
    return f"static const int64_t shape_{number}[] = {{{', '.join(map(str, dims))}}};\n"


def _arguments(number: int, call: Call, how: str) -> str:
    handles = ", ".join(f"ARG({_name(view)})" for view in _views(call))
    return f"{how} TVMValue args_{number}[] = {{{handles}}};\n"
