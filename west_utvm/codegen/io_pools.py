# SPDX-License-Identifier: Apache-2.0
"""The C interface of a model whose inputs and outputs are in the workspace.

It is that of TVM's ahead-of-time executor with ``tir.usmp.use_workspace_io`` and one workspace
pool, ``sram`` (src/target/source/interface_c.cc and source_module.cc, TVM 0.11 to 0.18): the
caller brings the pool, aligned to 16 bytes, and asks where in it inputs and outputs are. An input
is to be written before every run, as its bytes are used for other tensors once it is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from west_utvm.codegen.ports import CPort
from west_utvm.planning.places import PlannedProgram

POOL = "sram"

_DECLARATIONS = """\
/*!
 * \\brief Workspace pool pointers for TVM module "{name}"
 *
 * The pool is aligned to 16 bytes and has TVMGEN_{upper}_SRAM_WORKSPACE_POOL_SIZE.
 */
struct tvmgen_{name}_workspace_pools {{
  void* {pool};
}};

/*!
 * \\brief Maps I/O inside the workspace pools for TVM module "{name}"
 *
 * An input is to be written before every run: its bytes are used again once it is read.
 * \\param workspace_pools Workspace memory pool struct for the module
 * \\return I/O tensor struct for the module
 */
struct tvmgen_{name}_inputs tvmgen_{name}_map_inputs(
  struct tvmgen_{name}_workspace_pools* workspace_pools
);

/*!
 * \\brief Maps I/O inside the workspace pools for TVM module "{name}"
 * \\param workspace_pools Workspace memory pool struct for the module
 * \\return I/O tensor struct for the module
 */
struct tvmgen_{name}_outputs tvmgen_{name}_map_outputs(
  struct tvmgen_{name}_workspace_pools* workspace_pools
);

/*!
 * \\brief entrypoint function for TVM module "{name}"
 * \\param workspace_pools Workspace memory pool pointers for the module
 * \\return 0
 */
int32_t tvmgen_{name}_run(
  struct tvmgen_{name}_workspace_pools* workspace_pools
);

/*!
 * \\brief {pool} size for TVM module "{name}"
 */
#define TVMGEN_{upper}_SRAM_WORKSPACE_POOL_SIZE {size}
"""

_MAP = """\
struct tvmgen_{name}_{side}
tvmgen_{name}_map_{side}(struct tvmgen_{name}_workspace_pools *workspace_pools)
{{
	const struct tvmgen_{name}_{side} tensors = {{
{fields}	}};

	return tensors;
}}
"""
_FIELD = "\t\t.{name} = &((uint8_t *)workspace_pools->{pool})[{offset}],\n"


def declarations(name: str, size: int) -> str:
    """For the header, behind the structs of inputs and outputs; ``size`` in bytes."""
    return _DECLARATIONS.format(name=name, upper=name.upper(), pool=POOL, size=size)


def mapping_functions(
    planned: PlannedProgram, name: str, inputs: Sequence[CPort], outputs: Sequence[CPort]
) -> str:
    """``tvmgen_<name>_map_inputs`` and ``tvmgen_<name>_map_outputs``."""
    return "\n".join(
        _MAP.format(
            name=name,
            side=side,
            fields="".join(
                _FIELD.format(name=port.c_name, pool=POOL, offset=planned.place(port.value).number)
                for port in ports
            ),
        )
        for side, ports in (("inputs", inputs), ("outputs", outputs))
    )
