# SPDX-License-Identifier: Apache-2.0
"""Constant arrays as C text: exact, the same for every byte order, and written fast."""

from __future__ import annotations

import math
import sys
from array import array
from typing import Any

# The type of an element, its code in Python's array module, and how many go into a row.
_FORMS = {
    "bool": ("uint8_t", "B", 16),
    "int8": ("int8_t", "b", 16),
    "uint8": ("uint8_t", "B", 16),
    "int16": ("int16_t", "h", 12),
    "uint16": ("uint16_t", "H", 12),
    # TVM's C code has no type for halves: it passes their bits.
    "float16": ("uint16_t", "H", 12),
    "int32": ("int32_t", "i", 8),
    "uint32": ("uint32_t", "I", 8),
    "float32": ("float", "f", 4),
    "int64": ("int64_t", "q", 4),
    "uint64": ("uint64_t", "Q", 4),
    "float64": ("double", "d", 3),
}
# The one integer whose absolute value has no type of its own.
_INT64_MIN = str(-(1 << 63))


def constant(name: str, dtype: str, data: bytes, alignment: int) -> str:
    """``static const <type> name[]`` of the little-endian elements in ``data``."""
    c_type, code, per_row = _FORMS[dtype]
    values: array[Any] = array(code, data)
    if sys.byteorder == "big":
        values.byteswap()
    to_text = _floats if code in "fd" else _integers
    rows = (to_text(values[at : at + per_row], code) for at in range(0, len(values), per_row))
    text = ",\n\t".join(rows)
    attribute = f"__attribute__((aligned({alignment})))"
    return f"static const {c_type} {name}[{len(values)}] {attribute} = {{\n\t{text},\n}};\n"


def _integers(values: array[Any], code: str) -> str:
    text = str(values.tolist())[1:-1]
    if code == "Q":
        return text.replace(",", "U,") + "U"
    return text.replace(_INT64_MIN, "INT64_MIN") if code == "q" else text


def _floats(values: array[Any], code: str) -> str:
    suffix = "f" if code == "f" else ""
    return ", ".join(_float(value, suffix) for value in values)


def _float(value: float, suffix: str) -> str:
    if math.isfinite(value):
        return f"{value.hex()}{suffix}"
    return f"{_sign(value)}__builtin_{'nan' if math.isnan(value) else 'inf'}{suffix}" + (
        '("")' if math.isnan(value) else "()"
    )


def _sign(value: float) -> str:
    return "-" if math.copysign(1, value) < 0 else ""
