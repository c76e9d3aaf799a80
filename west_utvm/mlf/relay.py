# SPDX-License-Identifier: Apache-2.0
"""Shapes from the Relay text that an archive carries: ``src/<module>.relay``.

The metadata tells a tensor's size but not its shape; the text form of Relay does, for the
inputs always, for the output only where the exporter printed inferred types.
"""

from __future__ import annotations

import json
import re

Shape = tuple[int, ...]
TensorType = tuple[Shape, str]

_MAIN = re.compile(r"^def @main\s*\(.*$", re.MULTILINE)
_TENSOR = r"Tensor\[\(((?:\d{1,9}, ){0,15}\d{0,9}),?\), (\w{1,16})\]"
# Relay prints a name as it is, whatever it is made of. One that begins with no letter gets a v
# in front (RelayTextPrinter::AllocVar, src/relay/printer/relay_text_printer.cc).
_PARAMETER = re.compile(rf"%([^%]+): {_TENSOR}", re.ASCII)
_RESULT = re.compile(_TENSOR, re.ASCII)
# An attribute of the function, a list of strings.
_OUTPUT_NAMES = re.compile(r'output_tensor_names=(\[(?:"(?:[^"\\]|\\.)*"(?:, )?)*\])')
# Parameters beyond this length are weights' types in a file made to exhaust us.
_MAX_LINE = 1 << 20


def input_types(text: str) -> dict[str, TensorType]:
    """Types of ``@main``'s parameters by name, the weights among them; {} if there are none."""
    found = _PARAMETER.findall(_signature(text))
    return {name: (_shape(dims), dtype) for name, dims, dtype in found}


def output_types(text: str) -> list[TensorType]:
    """Types of ``@main``'s results in order; [] where the text does not tell."""
    _, arrow, result = _signature(text).rpartition("->")
    return [(_shape(dims), dtype) for dims, dtype in _RESULT.findall(result)] if arrow else []


def output_names(text: str) -> list[str]:
    """Names of ``@main``'s results in order, as the model's format had them; [] if untold."""
    match = _OUTPUT_NAMES.search(_signature(text))
    try:
        return [str(name) for name in json.loads(match[1])] if match else []
    except ValueError:
        return []


def _signature(text: str) -> str:
    match = _MAIN.search(text)
    return match[0][:_MAX_LINE] if match else ""


def _shape(dims: str) -> Shape:
    return tuple(int(dim) for dim in dims.split(", ") if dim)
