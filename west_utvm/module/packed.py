# SPDX-License-Identifier: Apache-2.0
"""Ahead-of-time executor with the packed interface: a C interface around it.

Such an archive has no header. Its entry function takes ``TVMValue`` arguments, handles of
``DLTensor``, and calls the main function, adding the model's own constants and workspace.
``--executor-aot-unpacked-api`` says whether main and the operators take TVMValue too
(``GenerateEntrypointForPackedAPI`` and ``...UnpackedAPI``, src/target/source/source_module.cc).

The entry is renamed ``tvmgen_<module>_run_packed`` and one of the C interface's form, which
we write, calls it. The tensors it hands over have constant shapes and live on the stack,
where they cost no RAM between two runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.mlf import Model, Port
from west_utvm.mlf.archive import DAMAGED
from west_utvm.mlf.header import Header
from west_utvm.mlf.metadata import TensorSize
from west_utvm.mlf.ports import c_identifier, input_ports, output_ports
from west_utvm.mlf.relay import input_types
from west_utvm.module.interface import name_ports, synthesise
from west_utvm.module.rewrite import workspace_bytes
from west_utvm.tensor import DTYPE_SIZES

_USE_C = "export with `--executor-aot-interface-api=c --executor-aot-unpacked-api=1`"

_ENTRY = r"\bint32_t (tvmgen_(?i:{module})_run)\((?:TVMValue|void)\* args,[^();]{{0,400}}\) \{{\n"
_DEFINITION = r"\bint32_t {function}\(([^();]*)\) \{{\n"
_CALL = re.compile(r"\breturn (tvmgen_\w+)\((.*)\);", re.ASCII)
_TAKEN = re.compile(r"\(\(TVMValue\*\)args\)\[(\d{1,3})\]")
_PASSED = re.compile(r"^tensors\[\d{1,3}\] = ", re.MULTILINE)
_UNPACKED = re.compile(r"void\* (\w+) = \(\(\(TVMValue\*\)args\)\[(\d{1,3})\]\.v_handle\);")

# int32_t is long on some 32-bit targets, and then int * is another type.
_SIGNATURE = re.compile(
    r"\((TVMValue|void)\* args, (?:int|void)\* type_code, int num_args, "
    r"(TVMValue|void)\* out_value, (?:int|void)\* out_type_code, void\* resource_handle\)"
)
_RETURN_CODE = re.compile(r"^(\s*)int (ret_type_code\w*;)$", re.MULTILINE)
_POOL_TENSOR = re.compile(r"^\.data = &(\w+)$", re.MULTILINE)
_POOL_ARGUMENT = re.compile(r"(?<=,)&(\w+)(?=,|$)")
# A null pointer, read out of an uint64_t, which strict aliasing does not allow.
_PUNNED = re.compile(r"\(\*\(void\* \*\)\(&\((\w+)\)\)\)")

_DTYPES = {"bool": "kDLUInt", "int": "kDLInt", "uint": "kDLUInt", "float": "kDLFloat"}

_GLUE = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C interface of TVM module "{module}", around the packed one that it was compiled with.
 */
#include <stddef.h>
#include <tvm/runtime/c_runtime_api.h>
#include <tvmgen_{module}.h>

/* kTVMDLTensorHandle of TVM's C runtime. */
#define TENSOR_HANDLE 7

int32_t {entry}_packed(void *args, int32_t *type_codes, int32_t num_args, void *out_value,
	int32_t *out_type_code, void *resource_handle);

{shapes}
int32_t tvmgen_{module}_run(struct tvmgen_{module}_inputs *inputs,
	struct tvmgen_{module}_outputs *outputs)
{{
	DLTensor tensors[] = {{
{tensors}	}};
	TVMValue args[] = {{
{arguments}	}};
	/* The main function looks at those of the model's constants and workspace too. */
	int32_t type_codes[] = {{
{codes}	}};
	TVMValue out_value;
	int32_t out_type_code;

	return {entry}_packed(args, type_codes, {count}, &out_value, &out_type_code, NULL);
}}
"""


@dataclass(frozen=True)
class _Entry:
    """``arguments`` are the C names of all that the main function takes, in order, of which the
    first ``count`` are what the entry function takes."""

    function: str
    arguments: tuple[str, ...]
    count: int


def adapt_packed(model: Model, path: Path) -> Model:
    """``model`` with a C interface; UtvmError where the archive is not of TVM's form."""
    entry = _entry(model, path)
    names = _names(model, entry, path)
    inputs, outputs = name_ports(
        [port.tensor for port in input_ports(model.metadata, names, model.relay, path)],
        [port.tensor for port in output_ports(model.metadata, names, model.relay, path)],
    )
    workspace = model.workspace_size or sum(map(workspace_bytes, model.sources.values()))
    header, text = synthesise(names.module, inputs, outputs, workspace, path)
    glue = _glue(header.module, entry, inputs, outputs)
    sources = {name: _rewritten(text, entry) for name, text in model.sources.items()}
    file_name = f"{header.module}_packed.c"
    if file_name in sources:
        raise UtvmError(f"holds a {file_name} already", where=path, hint=DAMAGED)
    return replace(
        model,
        header=header,
        header_text=text,
        inputs=inputs,
        outputs=outputs,
        sources={**sources, file_name: glue},
    )


def _entry(model: Model, path: Path) -> _Entry:
    pattern = _ENTRY.format(module=re.escape(model.metadata.model_name))
    function, body = _function(pattern, model, path, "entry function of the packed interface")
    call = _CALL.search(body)
    if call is None:
        raise UtvmError(f"{function} calls no main function", where=path, hint=DAMAGED)
    pattern = _DEFINITION.format(function=call[1])
    arguments = tuple(_arguments(*_function(pattern, model, path, f"definition of {call[1]}")))
    count, passed = _counts(call[2], body, len(arguments))
    if passed != len(arguments):
        # TVM leaves out pools that the caller is to give, and devices: what it wrote is broken.
        what = f"passes {passed} of the {len(arguments)} arguments of {call[1]}"
        raise UtvmError(what, where=path, hint=f"pools and devices need the C interface: {_USE_C}")
    return _Entry(function, arguments, count)


def _function(pattern: str, model: Model, path: Path, what: str) -> tuple[str, str]:
    """The group of ``pattern``, which matches a function's head, and the function's body."""
    for text in model.sources.values():
        if match := re.search(pattern, text, re.ASCII):
            return match[1], text[match.end() :].partition("\n}\n")[0]
    raise UtvmError(f"has no {what} in its sources", where=path, hint=_USE_C)


def _counts(call: str, body: str, main: int) -> tuple[int, int]:
    """How many arguments the entry takes, and how many it passes to a main that takes ``main``."""
    if call.startswith("args,"):  # TVM 0.8 passes its own arguments on
        return main, main
    taken = len(set(_TAKEN.findall(body)))
    return taken, len(_PASSED.findall(body)) or len(call.split(","))


def _arguments(parameters: str, body: str) -> Iterator[str]:
    """C names of main's arguments: parameters of their own, or taken from an array of TVMValue."""
    if "arg_type_ids" in parameters:
        yield from (name for name, _ in sorted(_UNPACKED.findall(body), key=lambda m: int(m[1])))
        return
    for parameter in parameters.split(","):
        yield parameter.split("*")[-1].strip().removesuffix("_buffer_var")


def _names(model: Model, entry: _Entry, path: Path) -> Header:
    """The names of inputs and outputs in calling order, as the C code has them."""
    names = entry.arguments[: entry.count]
    known = _input_names(model)
    if len(known) == 1 and len(names) == 2:  # there is but one order
        names = (known[0], names[1])
    inputs = tuple(takewhile(known.__contains__, names))
    outputs = _output_names(model, names[len(inputs) :])
    if not _agree(model.metadata.outputs, outputs):
        what = f"does not tell which of {', '.join(names)} are its inputs and outputs"
        raise UtvmError(what, where=path, hint=_USE_C)
    return Header(
        module=model.metadata.model_name,
        inputs=inputs,
        outputs=outputs,
        pools=(),
        has_devices=False,
        has_io_pools=False,
        has_constant_pools=False,
        sizes={},
    )


def _input_names(model: Model) -> list[str]:
    """C names; an older archive tells them in its Relay text alone, among those of weights."""
    if model.metadata.inputs is not None:
        return [c_identifier(size.name) for size in model.metadata.inputs]
    printed = [c_identifier(name) for name in input_types(model.relay)]
    return [*printed, *(name.removeprefix("v") for name in printed)]


def _output_names(model: Model, found: tuple[str, ...]) -> tuple[str, ...]:
    """Outputs without a name are ``output<n>`` in the metadata and may be other in C."""
    stated = [c_identifier(size.name) for size in model.metadata.outputs or ()]
    numbered = all(re.fullmatch(r"output\d{0,3}", name, re.ASCII) for name in stated)
    if len(stated) == len(found) and (numbered or len(found) == 1):
        return tuple(sorted(stated, key=lambda name: (len(name), name)))
    return found


def _agree(stated: tuple[TensorSize, ...] | None, names: tuple[str, ...]) -> bool:
    return stated is None or sorted(c_identifier(s.name) for s in stated) == sorted(names)


def _rewritten(text: str, entry: _Entry) -> str:
    """``text`` without the pointers to other types, which GCC 14 takes for errors."""
    text = re.sub(rf"\b{entry.function}\b", f"{entry.function}_packed", text, flags=re.ASCII)
    text = _SIGNATURE.sub(
        "(void* args, int32_t* type_code, int32_t num_args, "
        "void* out_value, int32_t* out_type_code, void* resource_handle)",
        text,
    )
    text = text.replace("(int*) stack_tcode", "(int32_t*) stack_tcode")
    text = _RETURN_CODE.sub(r"\1int32_t \2", text)
    text = _POOL_TENSOR.sub(r".data = (void*)&\1", text)
    text = _PUNNED.sub(r"(uintptr_t)\1", text)
    return _CALL.sub(_with_casts, text)


def _with_casts(call: re.Match[str]) -> str:
    arguments = _POOL_ARGUMENT.sub(r"(uint8_t*)&\1", call[2])
    return f"return {call[1]}({arguments});"


def _glue(module: str, entry: _Entry, inputs: Sequence[Port], outputs: Sequence[Port]) -> str:
    fields = [("inputs", port) for port in inputs] + [("outputs", port) for port in outputs]
    numbered = list(enumerate(fields))
    return _GLUE.format(
        module=module,
        entry=entry.function,
        shapes="".join(_shape(i, port) for i, (_, port) in numbered),
        tensors="".join(_tensor(i, kind, port) for i, (kind, port) in numbered),
        arguments="".join(f"\t\t{{.v_handle = &tensors[{i}]}},\n" for i, _ in numbered),
        codes="\t\tTENSOR_HANDLE,\n" * len(entry.arguments),
        count=len(fields),
    )


def _shape(index: int, port: Port) -> str:
    # An array has an element at least, as a scalar's shape has none.
    dims = ", ".join(map(str, port.tensor.shape or (1,)))
    return f"static const int64_t shape_{index}[] = {{{dims}}};\n"


def _tensor(index: int, kind: str, port: Port) -> str:
    dtype = port.tensor.dtype
    bits = 1 if dtype == "bool" else 8 * DTYPE_SIZES[dtype]
    return (
        f"\t\t{{\n\t\t\t.data = {kind}->{port.c_name},\n"
        f"\t\t\t.device = {{.device_type = kDLCPU}},\n"
        f"\t\t\t.ndim = {len(port.tensor.shape)},\n"
        f"\t\t\t.dtype = {{.code = {_DTYPES[dtype.rstrip('0123456789')]}, "
        f".bits = {bits}, .lanes = 1}},\n"
        f"\t\t\t.shape = (int64_t *)shape_{index},\n\t\t}},\n"
    )
