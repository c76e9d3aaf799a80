# SPDX-License-Identifier: Apache-2.0
"""Shapes from the Relay text that an archive carries: ``src/<module>.relay``.

The metadata tells a tensor's size but not its shape; the text form of Relay does, for the
inputs always, for the output only where the exporter printed inferred types.
"""

from __future__ import annotations

import re

Shape = tuple[int, ...]
TensorType = tuple[Shape, str]

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_TENSOR = r"Tensor\[\(([\d, ]*)\), (\w+)\]"
# An attribute such as output_tensor_names=["Identity"] may precede the closing parenthesis.
_MAIN = re.compile(r"^def @main\s*\(.*$", re.MULTILINE)
# Parameters beyond this length are weights' types in a file made to exhaust us.
_MAX_LINE = 1 << 20


def input_types(text: str) -> dict[str, TensorType]:
    """Types of ``@main``'s parameters by name, the weights among them; {} if there are none."""
    found = re.findall(rf"%([\w.]+): {_TENSOR}", _signature(text))
    return {name: (_shape(dims), dtype) for name, dims, dtype in found}


def output_types(text: str) -> list[TensorType]:
    """Types of ``@main``'s results in order; [] where the text does not tell."""
    result = _signature(text).rpartition("->")[2] if "->" in _signature(text) else ""
    return [(_shape(dims), dtype) for dims, dtype in re.findall(_TENSOR, result)]


def _signature(text: str) -> str:
    match = _MAIN.search(text)
    return _COMMENT.sub("", match[0][:_MAX_LINE]) if match else ""


def _shape(dims: str) -> Shape:
    return tuple(int(dim) for dim in dims.split(",") if dim.strip())
