# SPDX-License-Identifier: Apache-2.0
"""Where inputs and outputs lie that share the workspace pools of the caller.

With ``--pass-config tir.usmp.use_workspace_io=1`` the planner gives each input and output a
place in a pool, and TVM writes a function that returns the places
(``GenerateIOWorkspaceMapFunction``, src/target/source/source_module.cc). They are read from
its source, as a descriptor of the model is constant.
"""

from __future__ import annotations

import re

from west_utvm.errors import UtvmError
from west_utvm.mlf import Model
from west_utvm.mlf.archive import DAMAGED
from west_utvm.tensor import DTYPE_SIZES

# As TVM writes it, but for blanks, and as our own compiler does.
_PLACE = re.compile(
    r"^\t{1,2}\.(\w+) = &\(\(uint8_t ?\*\)workspace_pools->(\w+)\)\[(\d{1,10})\],$",
    re.MULTILINE | re.ASCII,
)


def places(model: Model, where: object) -> dict[str, tuple[str, int]]:
    """The pool and the offset in bytes of each input and output by its C name.

    {} where they are the caller's own. UtvmError unless each lies inside its pool.
    """
    if model.header is None or not model.header.has_io_pools:
        return {}
    found = {
        name: (pool, int(offset))
        for text in model.sources.values()
        for name, pool, offset in _PLACE.findall(text)
    }
    for port in (*model.inputs, *model.outputs):
        pool, offset = found.get(port.c_name, ("", 0))
        end = offset + port.tensor.size
        if end > model.pools.get(pool, 0) or offset % DTYPE_SIZES[port.tensor.dtype]:
            what = f"'{port.c_name}' has no place in a workspace pool, or one that does not fit"
            raise UtvmError(what, where=where, hint=DAMAGED)
    return found
