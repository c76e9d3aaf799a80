# SPDX-License-Identifier: Apache-2.0
"""uint8 as int8: values and zero points are 128 less throughout, but for the model's own ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from west_utvm.importer.onnx_graph import (
    DEQUANTIZE,
    QUANTIZE,
    Graph,
    Node,
    Quant,
    producers,
    renamed,
    users,
)
from west_utvm.importer.onnx_moves import MOVES

SHIFT = 128


def to_int8(graph: Graph) -> None:
    conversions = [node for node in graph.nodes if node.op in (QUANTIZE, DEQUANTIZE)]
    quants = {id(node): graph.quant(node) for node in conversions}
    constant = [node for node in conversions if node.inputs[0] in graph.constants]
    for node in constant:
        _constant(graph, node, quants[id(node)])
    _check(graph)
    _ends(graph, quants)
    ended = {id(node) for node in constant}
    for node in conversions:
        quant = quants[id(node)]
        if quant.dtype == "uint8" and id(node) not in ended:
            _retype(graph, node, quant)


def _constant(graph: Graph, node: Node, quant: Quant) -> None:
    """Symmetric if its values allow: they are weights, most often."""
    if quant.dtype != "uint8":
        return
    data = graph.constants[node.inputs[0]].astype(np.int32)
    zero = quant.zero_point.astype(np.int32)
    wide = (
        zero
        if not zero.ndim
        else zero.reshape([-1 if i == quant.axis else 1 for i in range(data.ndim)])
    )
    centered, target = data - wide, np.zeros_like(zero)
    if centered.min(initial=0) < -128 or centered.max(initial=0) > 127:
        centered, target = data - SHIFT, zero - SHIFT
    shifted = graph.constant(f"{node.inputs[0]}:int8", centered.astype(np.int8))
    point = graph.constant(f"{node.outputs[0]}:zero_point", target.astype(np.int8))
    node.inputs = [shifted, node.inputs[1], point]


def _check(graph: Graph) -> None:
    """Nothing but moves, quantize and dequantize is done to uint8."""
    for node in graph.nodes:
        eight = [name for name in node.inputs[:1] if graph.dtypes.get(name) == "uint8"]
        if eight and node.op not in MOVES and node.op not in (DEQUANTIZE, QUANTIZE):
            raise graph.refuse(node, "computes on uint8", "quantize it with QuantizeLinear")


def _retype(graph: Graph, node: Node, quant: Quant) -> None:
    zero = (quant.zero_point.astype(np.int32) - SHIFT).astype(np.int8)
    node.inputs = [*node.inputs[:2], graph.constant(f"{node.outputs[0]}:zero_point", zero)]
    node.attributes.pop("output_dtype", None)


def _ends(graph: Graph, quants: Mapping[int, Quant]) -> None:
    """Conversions at inputs and outputs; the tensors between them are int8 from here on."""
    known = _quantizations(graph, quants)
    made, read = producers(graph), users(graph)
    given = {name for name in graph.inputs if graph.dtypes[name] == "uint8"}
    for name, dtype in list(graph.dtypes.items()):
        if dtype == "uint8" and name not in given and name not in graph.constants:
            graph.dtypes[name] = "int8"
            graph.shifted.add(name)
    for name in given:
        if name not in known:
            continue  # nobody reads it as a quantized tensor
        inner = graph.fresh(f"{name}:int8", graph.shapes[name], "int8")
        graph.shifted.add(inner)
        for node in read[name]:
            node.inputs = renamed(node.inputs, {name: inner})
        _conversion(graph, read[name][0], name, inner, known[name], SHIFT)
    for name in graph.outputs:
        if name in graph.shifted:
            inner = graph.fresh(f"{name}:int8", graph.shapes[name], "int8")
            graph.dtypes[name] = "uint8"
            graph.shifted = graph.shifted - {name} | {inner}
            made[name].outputs = renamed(made[name].outputs, {name: inner})
            for node in read.get(name, []):
                node.inputs = renamed(node.inputs, {name: inner})
            if name not in known:
                raise graph.refuse(made[name], "has no known quantization")
            _conversion(graph, made[name], inner, name, known[name], -SHIFT)


def _conversion(
    graph: Graph, origin: Node, source: str, target: str, quant: Quant, less: int
) -> None:
    """Dequantize and quantize by the same scale; ``quant`` is the uint8 one."""
    scale = graph.constant(f"{target}:scale", quant.scale)
    point = graph.constant(f"{target}:uint8", quant.zero_point)
    shifted = (quant.zero_point.astype(np.int32) - SHIFT).astype(np.int8)
    other = graph.constant(f"{target}:int8_zero", shifted)
    real = graph.fresh(f"{target}:real", graph.shapes[source], "float32")
    first, second = (point, other) if less > 0 else (other, point)
    graph.nodes += [
        origin.like(DEQUANTIZE, [source, scale, first], [real]),
        origin.like(QUANTIZE, [real, scale, second], [target]),
    ]


def _quantizations(graph: Graph, quants: Mapping[int, Quant]) -> dict[str, Quant]:
    """Of quantized tensors, moved ones too."""
    known: dict[str, Quant] = {}
    for node in graph.nodes:
        if node.op == DEQUANTIZE:
            known[node.inputs[0]] = quants[id(node)]
        elif node.op == QUANTIZE:
            known[node.outputs[0]] = quants[id(node)]
    moves = [node for node in graph.nodes if node.op in MOVES]
    for node in moves:
        if node.inputs[0] in known:
            known |= {name: known[node.inputs[0]] for name in node.outputs if name not in known}
    for node in reversed(moves):
        if node.outputs[0] in known:
            known.setdefault(node.inputs[0], known[node.outputs[0]])
    return known
