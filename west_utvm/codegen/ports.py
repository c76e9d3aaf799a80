# SPDX-License-Identifier: Apache-2.0
"""Inputs and outputs in C: their fields and macros, and ``tvmgen_<model>.h``.

The header is the C interface that TVM's ahead-of-time executor wrote for microTVM
(src/target/source/interface_c.cc, TVM 0.11 to 0.18), with the quantization in addition.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from west_utvm.codegen import text
from west_utvm.lowering.program import Value
from west_utvm.mlf.ports import c_identifier
from west_utvm.module.names import is_keyword

# Names that <stdint.h> and <string.h> define, or GCC itself before any of them.
_MACRO = re.compile(
    r"NULL|EOF|assert|errno|linux|unix|i386|(U?INT|SIZE|PTRDIFF|SIG_ATOMIC|WCHAR|WINT)[A-Z0-9_]+"
)

_HEADER = """\
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TVMGEN_{upper}_H_
#define TVMGEN_{upper}_H_
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{macros}
/*!
 * \\brief Input tensor pointers for TVM module "{name}"
 */
struct tvmgen_{name}_inputs {{
{inputs}}};

/*!
 * \\brief Output tensor pointers for TVM module "{name}"
 */
struct tvmgen_{name}_outputs {{
{outputs}}};

{run}
/*!
 * \\brief Workspace size for TVM module "{name}"
 */
#define TVMGEN_{upper}_WORKSPACE_SIZE {workspace}

#ifdef __cplusplus
}}
#endif

#endif /* TVMGEN_{upper}_H_ */
"""

_RUN = """\
/*!
 * \\brief entrypoint function for TVM module "{name}"
 * \\param inputs Input tensors for the module
 * \\param outputs Output tensors for the module
 * \\return 0
 */
int32_t tvmgen_{name}_run(
  struct tvmgen_{name}_inputs* inputs,
  struct tvmgen_{name}_outputs* outputs
);
"""

_MACROS = """\
/*!
 * \\brief {kind} tensor {c_name} of TVM module "{name}": {dtype} {shape}
 *
 * In the model it is "{title}". Its size is in bytes{meaning}.
 */
#define TVMGEN_{macro}_SIZE {size}
"""

_MEANING = "; what it stands for is\n * SCALE * (value - ZERO_POINT)"

_QUANTIZATION = """\
#define TVMGEN_{macro}_SCALE {scale}
#define TVMGEN_{macro}_ZERO_POINT ({zero_point})
"""


@dataclass(frozen=True)
class CPort:
    """An input or output and the name of its field."""

    value: Value
    c_name: str


def c_ports(
    inputs: Sequence[Value], outputs: Sequence[Value]
) -> tuple[tuple[CPort, ...], tuple[CPort, ...]]:
    """Names for C, each different from the others in upper case too, as macros have them."""
    taken = {"WORKSPACE", "SRAM_WORKSPACE_POOL"}
    ports = [CPort(value, _c_name(value.name, taken)) for value in (*inputs, *outputs)]
    return tuple(ports[: len(inputs)]), tuple(ports[len(inputs) :])


def _c_name(name: str, taken: set[str]) -> str:
    base = c_identifier(name)
    if not base or not base[0].isalpha() or is_keyword(base) or _MACRO.fullmatch(base):
        base = f"v{base}"
    base, c_name, number = base[:200], base[:200], 1
    while c_name.upper() in taken:
        number += 1
        c_name = f"{base}_{number}"
    taken.add(c_name.upper())
    return c_name


def header(
    name: str,
    inputs: Sequence[CPort],
    outputs: Sequence[CPort],
    workspace_size: int,
    run: str = "",
) -> str:
    """``tvmgen_<name>.h``; the workspace in bytes. ``run`` are the declarations of an entry point
    that takes other arguments than the structs of inputs and outputs."""
    macros = [_macros(name, "Input", port) for port in inputs]
    macros += [_macros(name, "Output", port) for port in outputs]
    return _HEADER.format(
        name=name,
        upper=name.upper(),
        macros="".join(macros),
        inputs="".join(f"  void* {port.c_name};\n" for port in inputs),
        outputs="".join(f"  void* {port.c_name};\n" for port in outputs),
        workspace=workspace_size,
        run=run or _RUN.format(name=name),
    )


def _macros(name: str, kind: str, port: CPort) -> str:
    value, macro = port.value, f"{name.upper()}_{port.c_name.upper()}"
    macros = _MACROS.format(
        kind=kind,
        name=name,
        c_name=port.c_name,
        macro=macro,
        title=text.comment(value.name),
        meaning=_MEANING if value.scales else "",
        dtype=value.dtype,
        shape=text.shape(value.shape),
        size=value.size,
    )
    if not value.scales:
        return macros
    return macros + _QUANTIZATION.format(
        macro=macro, scale=_decimal(value.scale), zero_point=value.zero_point
    )


def _decimal(value: float) -> str:
    """Nine digits tell any float32 from its neighbours."""
    digits = f"{value:.9g}"
    return f"{digits}f" if any(c in digits for c in ".e") else f"{digits}.0f"
