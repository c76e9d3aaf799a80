# SPDX-License-Identifier: Apache-2.0
"""C that is generated beside a model's own sources: its descriptor and its arena."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from west_utvm.mlf import Model, Port
from west_utvm.module.io_pools import places

TEMPLATES = Path(__file__).parent / "templates"
# Of buffers, of pools that the caller brings, and of each block of the arena, in bytes. It is
# what tvmc assumes unless told otherwise.
ALIGNMENT = 16

_DESCRIPTOR = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model {name} as the runner sees it. Buffers and descriptor are linked only where
 * utvm_model_{name} is referred to.
 */
#include <tvmgen_{name}.h>
#include <utvm/model.h>
#include "utvm_workspace.h"

{buffers}
static const struct utvm_tensor inputs[] = {{
{inputs}}};

static const struct utvm_tensor outputs[] = {{
{outputs}}};

static int32_t run(void)
{{
{structs}
	return tvmgen_{name}_run({arguments});
}}

const struct utvm_model utvm_model_{name} = {{
	.name = "{name}",
	.digest = {{
{digest}	}},
	.workspace_size = {workspace_size}U,
	.num_inputs = {num_inputs},
	.num_outputs = {num_outputs},
	.inputs = inputs,
	.outputs = outputs,
	.run = run,
}};
"""


def descriptor(model: Model, name: str, digest: bytes, pool_numbers: Iterator[int]) -> str:
    """The source of ``utvm_model_<name>`` with the model's static input and output buffers."""
    in_pools = places(model, name)
    buffers = [] if in_pools else list(_buffers(model))
    buffers += [
        f"UTVM_WORKSPACE(pool_{pool}, {size}, {ALIGNMENT}, {next(pool_numbers)});\n"
        for pool, size in model.pools.items()
    ]
    structs = list(_structs(model, name))
    return _DESCRIPTOR.format(
        name=name,
        buffers="".join(buffers),
        inputs=_tensors("input", model.inputs, in_pools),
        outputs=_tensors("output", model.outputs, in_pools),
        structs="".join(text for _, text in structs),
        arguments=", ".join(argument for argument, _ in structs),
        digest=_bytes(digest),
        workspace_size=model.workspace_size,
        num_inputs=len(model.inputs),
        num_outputs=len(model.outputs),
    )


def arena(name: str, size: int, pool_numbers: Iterator[int]) -> str:
    """The source of the stack allocator over ``size`` bytes of workspace."""
    text = (TEMPLATES / "workspace.c").read_text()
    rounded = max(size + ALIGNMENT - 1, ALIGNMENT) // ALIGNMENT * ALIGNMENT
    text = text.replace("@MODEL@", name).replace("@SIZE@", str(rounded))
    return text.replace("@INDEX@", str(next(pool_numbers)))


def c_string(text: str) -> str:
    """``text`` as a C string literal; anything but plain ASCII as octal escapes of its UTF-8."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\?')
    return '"' + "".join(chr(b) if b in plain else f"\\{b:03o}" for b in text.encode()) + '"'


def _structs(model: Model, name: str) -> Iterator[tuple[str, str]]:
    """The arguments of tvmgen_<name>_run(), in calling order, and their declarations.

    Device contexts are null: a model that needs one is for an application that has its driver,
    and calls the model itself.
    """
    if not (model.header and model.header.has_io_pools):
        for short, kind, ports in (("in", "input", model.inputs), ("out", "output", model.outputs)):
            fields = "".join(f"\t\t.{port.c_name} = {kind}_{i},\n" for i, port in enumerate(ports))
            yield f"&{short}", _struct(name, f"{kind}s", short, fields)
    if model.pools:
        fields = "".join(f"\t\t.{pool} = pool_{pool},\n" for pool in model.pools)
        yield "&pools", _struct(name, "workspace_pools", "pools", fields)
    if model.header and model.header.has_devices:
        yield "&devices", f"\tstruct tvmgen_{name}_devices devices = {{0}};\n"


def _struct(name: str, kind: str, variable: str, fields: str) -> str:
    return f"\tstruct tvmgen_{name}_{kind} {variable} = {{\n{fields}\t}};\n"


def _buffers(model: Model) -> Iterator[str]:
    for kind, ports in (("input", model.inputs), ("output", model.outputs)):
        yield from (_buffer(kind, i, port) for i, port in enumerate(ports))


def _buffer(kind: str, index: int, port: Port) -> str:
    declaration = f"static uint8_t {kind}_{index}[{port.tensor.size}]"
    return f"{declaration} __attribute__((aligned({ALIGNMENT})));\n"


def _tensors(kind: str, ports: Sequence[Port], in_pools: Mapping[str, tuple[str, int]]) -> str:
    return "".join(
        f"\t{{\n\t\t.name = {c_string(port.tensor.name)},\n"
        f'\t\t.dtype = "{port.tensor.dtype}",\n'
        f"{_data(f'{kind}_{index}', port, in_pools)}\t}},\n"
        for index, port in enumerate(ports)
    )


def _data(buffer: str, port: Port, in_pools: Mapping[str, tuple[str, int]]) -> str:
    if port.c_name not in in_pools:
        return f"\t\t.data = {buffer},\n\t\t.size = sizeof({buffer}),\n"
    pool, offset = in_pools[port.c_name]
    return f"\t\t.data = &pool_{pool}[{offset}],\n\t\t.size = {port.tensor.size},\n"


def _bytes(data: bytes) -> str:
    rows = [data[i : i + 8] for i in range(0, len(data), 8)]
    return "".join("\t\t" + " ".join(f"0x{b:02x}," for b in row) + "\n" for row in rows)
