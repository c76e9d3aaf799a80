# SPDX-License-Identifier: Apache-2.0
"""The C interface that tvmc writes for ahead-of-time models, written for others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from west_utvm.errors import UtvmError
from west_utvm.mlf import Port
from west_utvm.mlf.archive import DAMAGED
from west_utvm.mlf.header import Header, parse_header
from west_utvm.mlf.ports import c_identifier
from west_utvm.module.names import KEYWORDS
from west_utvm.tensor import Tensor

_HEADER = """\
#ifndef TVMGEN_{upper}_H_
#define TVMGEN_{upper}_H_
#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

{sizes}/*!
 * \\brief Input tensor pointers for TVM module "{lower}"
 */
struct tvmgen_{lower}_inputs {{
{inputs}}};

/*!
 * \\brief Output tensor pointers for TVM module "{lower}"
 */
struct tvmgen_{lower}_outputs {{
{outputs}}};

/*!
 * \\brief entrypoint function for TVM module "{lower}"
 * \\param inputs Input tensors for the module
 * \\param outputs Output tensors for the module
 */
int32_t tvmgen_{lower}_run(
  struct tvmgen_{lower}_inputs* inputs,
  struct tvmgen_{lower}_outputs* outputs
);
/*!
 * \\brief Workspace size for TVM module "{lower}"
 */
#define TVMGEN_{upper}_WORKSPACE_SIZE {workspace_size}

#ifdef __cplusplus
}}
#endif

#endif // TVMGEN_{upper}_H_
"""

_SIZE = """\
/*!
 * \\brief {kind} tensor {name} size (in bytes) for TVM module "{lower}"
 */
#define TVMGEN_{upper}_{macro}_SIZE {size}
"""


def name_ports(
    inputs: Sequence[Tensor], outputs: Sequence[Tensor]
) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    """C names for tensors: TVM's own, changed only where they would not compile.

    A size macro has the name in upper case, so names are unlike each other in that, too.
    """
    taken = {"WORKSPACE"}
    ports = [Port(tensor, _free_name(tensor.name, taken)) for tensor in (*inputs, *outputs)]
    return tuple(ports[: len(inputs)]), tuple(ports[len(inputs) :])


def synthesise(
    module: str, inputs: Sequence[Port], outputs: Sequence[Port], workspace_size: int, path: Path
) -> tuple[Header, str]:
    """``tvmgen_<module>.h`` in tvmc's form, read back and as text; ``workspace_size`` in bytes.

    UtvmError, of the archive ``path``, if C cannot have identifiers of the module's name.
    """
    if not re.fullmatch(r"[A-Za-z_]\w*", module, re.ASCII):
        raise UtvmError(f"calls its module '{module}', no C identifier", where=path, hint=DAMAGED)
    # TVM writes the name in lower case here, and as it was given in the sources.
    names = {"lower": module.lower(), "upper": module.upper()}
    text = _HEADER.format(
        **names,
        sizes="".join([*_sizes("Input", inputs, names), *_sizes("Output", outputs, names)]),
        inputs=_fields(inputs),
        outputs=_fields(outputs),
        workspace_size=workspace_size,
    )
    return parse_header(text, names["lower"], str(path)), text


def _free_name(name: str, taken: set[str]) -> str:
    c_name = c_identifier(name)
    if not re.match("[A-Za-z_]", c_name):
        c_name = f"v{c_name}"
    while c_name in KEYWORDS or c_name == "default" or c_name.upper() in taken:
        c_name += "_"
    taken.add(c_name.upper())
    return c_name


def _sizes(kind: str, ports: Sequence[Port], names: dict[str, str]) -> Iterator[str]:
    for port in ports:
        macro, size = port.c_name.upper(), port.tensor.size
        yield _SIZE.format(kind=kind, name=port.c_name, macro=macro, size=size, **names)


def _fields(ports: Sequence[Port]) -> str:
    return "".join(f"  void* {port.c_name};\n" for port in ports)
