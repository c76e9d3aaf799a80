# SPDX-License-Identifier: Apache-2.0
"""TVM's C of a lowered PrimFunc, made the body of a function of ours."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tvm
from tvm import tirx
from tvm.ir import PointerType, PrimType

# Bytes; the planner aligns scratch as a whole, and every array in it the same.
_ALIGNMENT = 16
_COLUMNS = 100
_SIZES = {"float": 4, "int32_t": 4, "int8_t": 1, "uint8_t": 1, "bool": 1, "int64_t": 8}
_FIGURE = re.compile(r"\d\.\d{6}e[+-]\d+")
_PROTOTYPE = re.compile(r"^TVM_DLL ((?!void main\().*\));", re.MULTILINE)
_ARRAY = re.compile(r"(\s*)(\w+) (\w+)\[(\d+)\];")


@dataclass(frozen=True)
class Body:
    """Lines of C, the bytes of scratch that it wants, and the prototypes of what it calls."""

    text: str
    scratch: int
    prototypes: tuple[str, ...]


def body(function: Any, names: Sequence[str]) -> Body:
    """``names`` are those of the parameters in C."""
    source = _source(function, names)
    text = _exact("\n".join(_lines(source)), _figures(function))
    written, scratch = [], 0
    for line in _scalars(text).splitlines():
        array = _ARRAY.fullmatch(line)
        if array:
            indent, kind, name, count = array.groups()
            place = f"(void *)((uint8_t *)scratch + {scratch})"
            line = f"{indent}{kind} *const {name} = {place};"
            scratch += -(-int(count) * _SIZES[kind] // _ALIGNMENT) * _ALIGNMENT
        written += _wrapped(_tabs(line))
    prototypes = tuple(f"{found};" for found in _PROTOTYPE.findall(source))
    return Body("".join(f"{line}\n" for line in written), scratch, prototypes)


def _scalars(text: str) -> str:
    """Arrays of one element as the variables that they are."""
    for name in re.findall(r"\w+ (\w+_ptr)\[1\];", text):
        plain = name.removesuffix("_ptr")
        plain = name if re.search(rf"\b{plain}\b", text) else plain
        text = re.sub(rf"\b{name}\[[01]\]", plain, text)
    return text


def _source(function: Any, names: Sequence[str]) -> str:
    """All that TVM writes: prototypes of functions, then the function ``main``."""
    parameters, declared = [], []
    for name, buffer in zip(names, function.params, strict=True):
        pointer = tirx.Var(name, PointerType(PrimType(buffer.dtype)))
        parameters.append(pointer)
        declared.append(tirx.DeclBuffer(buffer, data=pointer))
    stmt = tirx.SeqStmt([*declared, function.body])
    plain = tirx.PrimFunc(parameters, stmt, PrimType("void"), function.attrs)
    build = tvm.get_global_func("target.build.c")
    text: str = build(tvm.IRModule({"main": plain}), tvm.target.Target("c")).inspect_source()
    return text


def _lines(source: str) -> list[str]:
    """What is between the braces of the function."""
    lines = source.splitlines()
    start = next(i for i, line in enumerate(lines) if line.endswith("{") and " main(" in line)
    return lines[start + 1 : lines.index("}", start)]


def _figures(function: Any) -> dict[str, str]:
    """Float constants by how TVM prints them, which is to seven digits: as they are."""
    nodes = json.loads(tvm.ir.save_json(function))["nodes"]
    values = [node["data"]["value"] for node in nodes if node["type"] == "ir.FloatImm"]
    return {f"{value:.6e}": _figure(value) for value in map(abs, values) if math.isfinite(value)}


def _figure(value: float) -> str:
    """The shortest decimal that is this float32 and no other."""
    digits = str(np.float32(value))
    return digits if "." in digits or "e" in digits else f"{digits}.0"


def _exact(text: str, figures: dict[str, str]) -> str:
    text = _FIGURE.sub(lambda found: figures.get(found[0], found[0]), text)
    # Macros for these are in math.h, if a C library's has them.
    text = re.sub(r"\binff\b", "__builtin_inff()", text)
    return re.sub(r"\bnanf\b", '__builtin_nanf("")', text)


def _wrapped(line: str) -> list[str]:
    """A line of C in as many of 100 columns as it takes; none has a text or a comment."""
    indent = line[: len(line) - len(line.lstrip("\t"))]
    rows = [indent]
    for word in line.split():
        longer = f"{rows[-1]} {word}" if rows[-1].strip() else f"{rows[-1]}{word}"
        if len(longer.expandtabs(8)) > _COLUMNS and rows[-1].strip():
            rows.append(f"{indent}    {word}")
        else:
            rows[-1] = longer
    return rows


def _tabs(line: str) -> str:
    plain = line.lstrip(" ")
    return "\t" * (1 + (len(line) - len(plain) - 2) // 2) + plain
