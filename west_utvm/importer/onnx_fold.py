# SPDX-License-Identifier: Apache-2.0
"""What of an ONNX graph is known when it is compiled: shapes, and all that depends on constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from west_utvm.importer.onnx_graph import DEQUANTIZE, QUANTIZE, Array, Graph, Node, Quant, renamed

# Larger ones are no figures of shapes, nor weights of a microcontroller.
_MAX_ELEMENTS = 1 << 24
_FOLDED = frozenset(
    """Add Cast Concat ConstantOfShape Div Expand Flatten Floor Gather Mul Neg Range ReduceProd
    Reshape Slice Squeeze Sub Transpose Unsqueeze""".split()
)
_NOTHING = ("Identity", "Dropout")


def fold_constants(graph: Graph) -> None:
    """Leave out what computes constants, and what computes nothing."""
    same: dict[str, str] = {}
    kept = []
    for node in graph.nodes:
        node.inputs = renamed(node.inputs, same)
        data = [graph.constants.get(name) for name in node.inputs]
        if node.op in _NOTHING and node.outputs[0] not in graph.outputs:
            same[node.outputs[0]] = node.inputs[0]
        elif node.op == "Shape":
            graph.constants[node.outputs[0]] = _shape(graph, node)
        elif node.op in _FOLDED and all(item is not None for item in data):
            graph.constants[node.outputs[0]] = _evaluated(graph, node, data)
        elif node.op == QUANTIZE and data[0] is not None:
            graph.constants[node.outputs[0]] = quantized(data[0], graph.quant(node))
        else:
            kept.append(node)
    graph.nodes = kept


def _shape(graph: Graph, node: Node) -> Array:
    shape = graph.shapes[node.inputs[0]]
    bounds = (node.attributes.get(name) for name in ("start", "end"))
    return np.array(shape[slice(*bounds)], np.int64)


def _evaluated(graph: Graph, node: Node, data: Sequence[Array | None]) -> Array:
    if math.prod(graph.shapes[node.outputs[0]]) > _MAX_ELEMENTS or len(node.outputs) != 1:
        raise graph.refuse(node, "computes a constant that is too large")
    given = helper.make_node(node.op, node.inputs, node.outputs, **_plain(node))
    try:
        evaluator = ReferenceEvaluator(given, opsets={"": graph.opset})
        [result] = evaluator.run(None, dict(zip(node.inputs, data, strict=True)))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise graph.refuse(node, f"cannot be computed ({reason})") from None
    return np.asarray(result)


def _plain(node: Node) -> dict[str, Any]:
    return {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
    }


def along(quant: Quant, rank: int) -> tuple[Array, Array]:
    """Scale and zero point in a shape that broadcasts to a tensor's."""
    if not quant.scale.ndim:
        return quant.scale, quant.zero_point
    shape = [1] * rank
    shape[quant.axis] = -1
    return quant.scale.reshape(shape), np.broadcast_to(
        quant.zero_point.reshape(-1), quant.scale.shape
    ).reshape(shape)


def quantized(data: Array, quant: Quant) -> Array:
    """As QuantizeLinear has it: float32 division, halves to even, saturated. NaN is what ONNX
    Runtime makes of it."""
    scale, zero = along(quant, data.ndim)
    limits = np.iinfo(quant.zero_point.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(data / scale).astype(np.float64) + zero
    whole = np.nan_to_num(whole, nan=limits.min, posinf=limits.max, neginf=limits.min)
    return np.clip(whole, limits.min, limits.max).astype(quant.zero_point.dtype)


def dequantized(data: Array, quant: Quant) -> Array:
    """As DequantizeLinear has it."""
    scale, zero = along(quant, data.ndim)
    return (data.astype(np.int64) - zero).astype(np.float32) * scale


def fold_dequantized(graph: Graph, wanted: frozenset[int]) -> None:
    """Constants that are stored quantized and used in float, but for the nodes ``wanted``."""
    folded = []
    for node in graph.nodes:
        data = graph.constants.get(node.inputs[0]) if node.op == DEQUANTIZE else None
        if data is not None and id(node) not in wanted:
            graph.constants[node.outputs[0]] = dequantized(data, graph.quant(node))
            folded.append(node)
    graph.forget(folded)
