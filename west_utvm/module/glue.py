# SPDX-License-Identifier: Apache-2.0
"""C that is generated beside a model's own sources: its descriptor and its arena."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from west_utvm.mlf import Model, Port

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
	struct tvmgen_{name}_inputs in = {{
{input_fields}	}};
	struct tvmgen_{name}_outputs out = {{
{output_fields}	}};
{pools}
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
    pools = model.header.pools if model.header else ()
    sizes = {pool: model.header.pool_size(pool) for pool in pools} if model.header else {}
    buffers = [_buffer("input", i, port) for i, port in enumerate(model.inputs)]
    buffers += [_buffer("output", i, port) for i, port in enumerate(model.outputs)]
    buffers += [
        f"UTVM_WORKSPACE(pool_{pool}, {sizes[pool]}, {ALIGNMENT}, {next(pool_numbers)});\n"
        for pool in pools
    ]
    return _DESCRIPTOR.format(
        name=name,
        buffers="".join(buffers),
        inputs=_tensors("input", model.inputs),
        outputs=_tensors("output", model.outputs),
        input_fields=_fields("input", model.inputs),
        output_fields=_fields("output", model.outputs),
        pools=_pool_struct(name, pools),
        arguments="&in, &out, &pools" if pools else "&in, &out",
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


def _buffer(kind: str, index: int, port: Port) -> str:
    declaration = f"static uint8_t {kind}_{index}[{port.tensor.size}]"
    return f"{declaration} __attribute__((aligned({ALIGNMENT})));\n"


def _tensors(kind: str, ports: Sequence[Port]) -> str:
    return "".join(
        f"\t{{\n\t\t.name = {c_string(port.tensor.name)},\n"
        f'\t\t.dtype = "{port.tensor.dtype}",\n'
        f"\t\t.data = {kind}_{index},\n\t\t.size = sizeof({kind}_{index}),\n\t}},\n"
        for index, port in enumerate(ports)
    )


def _fields(kind: str, ports: Sequence[Port]) -> str:
    return "".join(f"\t\t.{port.c_name} = {kind}_{i},\n" for i, port in enumerate(ports))


def _pool_struct(name: str, pools: Sequence[str]) -> str:
    if not pools:
        return ""
    fields = "".join(f"\t\t.{pool} = pool_{pool},\n" for pool in pools)
    return f"\tstruct tvmgen_{name}_workspace_pools pools = {{\n{fields}\t}};\n"


def _bytes(data: bytes) -> str:
    rows = [data[i : i + 8] for i in range(0, len(data), 8)]
    return "".join("\t\t" + " ".join(f"0x{b:02x}," for b in row) + "\n" for row in rows)
