# SPDX-License-Identifier: Apache-2.0
"""C text from figures and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from west_utvm.kernels import Field
from west_utvm.kernels.nest import real
from west_utvm.lowering.program import Array

_WIDTH = 96
_COLUMNS = 100
_KERNELS = Path(__file__).parents[1] / "kernels" / "c"
_C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int32": "int32_t", "float32": "float"}


def comment(name: str) -> str:
    """A name from the model as it may stand in a comment, whatever is in it.

    Nor may it look like a symbol of another model or a call, which is what C text of unknown
    origin is searched for.
    """
    plain = "".join(c if " " <= c <= "~" and c not in '\\?"()' else "_" for c in name)
    plain = plain.replace("*/", "*_").replace("/*", "_*").replace("tvmgen_", "tvmgen.")
    return plain if len(plain) <= 160 else plain[:157] + "..."


def c_type(dtype: str) -> str:
    return _C_TYPES[dtype]


def shape(dims: tuple[int, ...]) -> str:
    return "x".join(map(str, dims)) or "scalar"


def array(name: str, data: Array) -> str:
    """The definition of a constant array."""
    kind = c_type(str(data.dtype))
    rows = "".join(f"\t{row}\n" for row in _wrapped(_elements(data.reshape(-1))))
    return f"static const {kind} {name}[{data.size}] = {{\n{rows}}};\n"


def _elements(data: Array) -> Iterator[str]:
    if data.dtype == np.float32:
        return (f"{real(float(item))}," for item in data)
    return (f"{int(item)}," for item in data)


def _wrapped(items: Iterator[str]) -> Iterator[str]:
    line = ""
    for item in items:
        if line and len(line) + 1 + len(item) > _WIDTH - 8:
            yield line
            line = item
        else:
            line = f"{line} {item}" if line else item
    if line:
        yield line


def listed(opening: str, items: Sequence[str], closing: str, indent: str = "") -> str:
    """``opening(items)closing``, in as many lines of 100 columns as it takes."""
    whole = f"{indent}{opening}({', '.join(items)}){closing}"
    if len(whole.expandtabs(8)) <= _COLUMNS:
        return whole
    rows = [f"{indent}{opening}("]
    for number, item in enumerate(items):
        piece = item + ("," if number + 1 < len(items) else f"){closing}")
        if number and len(f"{rows[-1]} {piece}".expandtabs(8)) > _COLUMNS:
            rows.append(f"{indent}\t\t{piece}")
        else:
            rows[-1] += f" {piece}" if number else piece
    return "\n".join(rows)


def initializer(fields: Mapping[str, Field], indent: str) -> str:
    """The members of a struct, a line each."""
    return "".join(f"{indent}.{name} = {_value(field)},\n" for name, field in fields.items())


def _value(field: Field) -> str:
    if isinstance(field, Mapping):
        return "{" + ", ".join(f".{name} = {_value(item)}" for name, item in field.items()) + "}"
    if isinstance(field, tuple):
        return "{" + ", ".join(map(str, field)) + "}"
    return real(field) if isinstance(field, float) else str(field)


def kernel(header: str) -> str:
    """A file of the kernel library."""
    return (_KERNELS / header).read_text()
