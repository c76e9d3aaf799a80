# SPDX-License-Identifier: Apache-2.0
"""The C interface header ``tvmgen_<module>.h`` that TVM's ahead-of-time executor wrote.

Its structs give the C names of inputs, outputs and workspace pools, in calling order, and
its macros their sizes. The form is that of TVM's ``InterfaceCNode``
(src/target/source/interface_c.cc), v0.8 to v0.18. The workspace's size is there since v0.9,
those of inputs and outputs since v0.11. TVM writes the module's name in lower case here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from west_utvm.errors import UtvmError
from west_utvm.mlf.archive import DAMAGED


@dataclass(frozen=True)
class Header:
    """``sizes`` maps a macro's middle part (``INPUT_1``, ``SRAM_WORKSPACE_POOL``) to bytes."""

    module: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    pools: tuple[str, ...]
    has_devices: bool
    has_io_pools: bool
    has_constant_pools: bool
    sizes: dict[str, int]

    @property
    def workspace_size(self) -> int | None:
        return self.sizes.get("WORKSPACE")

    def tensor_size(self, c_name: str) -> int | None:
        return self.sizes.get(c_name.upper())

    def pool_size(self, c_name: str) -> int:
        """0 where the header does not tell, as of a pool of constants."""
        return self.sizes.get(f"{c_name.upper()}_WORKSPACE_POOL", 0)


def parse_header(text: str, module: str, where: str) -> Header:
    """Read the header of ``module``; UtvmError if it is not of TVM's form."""
    fields = {kind: _struct(text, module, kind) for kind in ("inputs", "outputs")}
    for kind, names in fields.items():
        if names is None:
            what = f"has no 'struct tvmgen_{module}_{kind}'"
            raise UtvmError(what, where=where, hint=DAMAGED)
    if not re.search(rf"\bint32_t\s+tvmgen_{module}_run\s*\(", text):
        raise UtvmError(f"does not declare tvmgen_{module}_run", where=where, hint=DAMAGED)
    return Header(
        module=module,
        inputs=fields["inputs"] or (),
        outputs=fields["outputs"] or (),
        pools=_struct(text, module, "workspace_pools") or (),
        has_devices=_struct(text, module, "devices") is not None,
        has_io_pools=f"tvmgen_{module}_map_inputs" in text,
        has_constant_pools="_CONSTANT_POOL_DATA" in text,
        sizes=_sizes(text, module),
    )


def _struct(text: str, module: str, kind: str) -> tuple[str, ...] | None:
    match = re.search(rf"struct\s+tvmgen_{module}_{kind}\s*\{{([^}}]*)\}}", text)
    if match is None:
        return None
    return tuple(re.findall(r"void\s*\*\s*([A-Za-z_]\w*)\s*;", match[1], re.ASCII))


def _sizes(text: str, module: str) -> dict[str, int]:
    pattern = rf"#define\s+TVMGEN_{module.upper()}_(\w+)_SIZE\s+(\d{{1,10}})\b"
    return {name: int(size) for name, size in re.findall(pattern, text, re.ASCII)}
