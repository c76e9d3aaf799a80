# SPDX-License-Identifier: Apache-2.0
"""C text from figures and names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from west_utvm.kernels import Field
from west_utvm.kernels.nest import real
from west_utvm.lowering.program import Array

_WIDTH = 100  # Zephyr's, with tabs of 8 columns.
_TAB = 8
_KERNELS = Path(__file__).parents[1] / "kernels" / "c"
_C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "float32": "float",
}


def comment(name: str) -> str:
    """A name from the model as it may stand in a comment, whatever is in it.

    Nor may it look like a symbol of another model or a call, which is what C text of unknown
    origin is searched for.
    """
    plain = "".join(c if " " <= c <= "~" and c not in '\\?"()' else "_" for c in name)
    plain = plain.replace("*/", "*_").replace("/*", "_*").replace("tvmgen_", "tvmgen.")
    return plain if len(plain) <= 160 else plain[:157] + "..."


def comment_lines(plain: str) -> str:
    """Text that may stand in a comment as its lines, broken between its parts where it has some."""
    rest, room, lines = plain, _WIDTH - len(" * "), []
    while len(rest) > room:
        cut = max(rest.rfind(mark, 0, room) for mark in (";", "/", ", ")) + 1 or room
        lines.append(rest[:cut])
        rest = rest[cut:].lstrip()
    return "".join(f" * {line}\n" for line in [*lines, rest])


def call(opening: str, arguments: Sequence[str], closing: str) -> str:
    """``opening(arguments)closing``, continued below the first argument where a line is full."""
    lines, column = [f"{opening}("], len(opening.expandtabs(_TAB)) + 1
    indent = "\t" * (column // _TAB) + " " * (column % _TAB)
    for number, argument in enumerate(arguments):
        last = number == len(arguments) - 1
        piece = f"{argument}){closing}" if last else f"{argument},"
        line = f"{lines[-1]} {piece}" if number else f"{lines[-1]}{piece}"
        if number and len(line.expandtabs(_TAB)) > _WIDTH:
            lines.append(f"{indent}{piece}")
        else:
            lines[-1] = line
    return "\n".join(lines)


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
        if line and len(line) + 1 + len(item) > _WIDTH - _TAB:
            yield line
            line = item
        else:
            line = f"{line} {item}" if line else item
    if line:
        yield line


def initializer(fields: Mapping[str, Field], indent: str) -> str:
    """The members of a struct, a line each; those of a struct in it too where it is long."""
    return "".join(_member(name, field, indent) for name, field in fields.items())


def _member(name: str, field: Field, indent: str) -> str:
    line = f"{indent}.{name} = {_value(field)},\n"
    if isinstance(field, Mapping) and len(line.expandtabs(_TAB)) > _WIDTH:
        return f"{indent}.{name} = {{\n" + initializer(field, indent + "\t") + f"{indent}}},\n"
    return line


def _value(field: Field) -> str:
    if isinstance(field, Mapping):
        return "{" + ", ".join(f".{name} = {_value(item)}" for name, item in field.items()) + "}"
    if isinstance(field, tuple):
        return "{" + ", ".join(map(str, field)) + "}"
    return real(field) if isinstance(field, float) else str(field)


def kernel(header: str) -> str:
    """A file of the kernel library."""
    return (_KERNELS / header).read_text()
