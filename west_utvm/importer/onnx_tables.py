# SPDX-License-Identifier: Apache-2.0
"""Functions of one quantized value, however many operators they are made of, as tables of 256.

Exporters write activations such as x * sigmoid(x) or x * relu6(x + 3) / 6 as several operators in
float between one dequantize and one quantize. What that gives for each of 256 values is known when
the model is compiled: it is evaluated by onnx itself, in single precision.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from west_utvm.importer.onnx_fold import dequantized, quantized
from west_utvm.importer.onnx_graph import (
    DEQUANTIZE,
    QUANTIZE,
    Array,
    Graph,
    Node,
    producers,
    users,
)

_FUNCTIONS = frozenset(
    """Abs Add Ceil Celu Clip Cos Div Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu Log
    Max Min Mish Mul Neg Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt
    Sub Tanh ThresholdedRelu""".split()
)
# These alone have kernels of their own, or tables that the kernels make.
_ALONE = frozenset("Clip HardSwish LeakyRelu Relu Sigmoid Tanh Add Mul Sub".split())
_MOST = 64


def tabulate(graph: Graph) -> None:
    """dequantize, functions of one element, quantize -> ``Table``"""
    made, read = producers(graph), users(graph)
    for node in [node for node in graph.nodes if node.op == QUANTIZE]:
        inner = _functions(graph, node, made, read)
        if not inner or (len(inner) == 1 and inner[0].op in _ALONE):
            continue
        if not all(_has_one_shape(graph, item, inner[-1]) for item in inner):
            continue
        [before, *_] = [made[name] for item in inner for name in item.inputs if _is_end(made, name)]
        given, result = graph.quant(before), graph.quant(node)
        values = dequantized(np.arange(-128, 128).astype(np.int8), given)
        real = _evaluated(graph, inner, made, values, node.inputs[0])
        if real is None or given.dtype != "int8" or result.dtype != "int8":
            continue
        table = tuple(map(int, quantized(real, result)))
        new = inner[-1].like("Table", before.inputs[:1], node.outputs, table=table)
        new.attributes |= {"given": given, "result": result}
        graph.nodes[graph.nodes.index(node)] = new


def _functions(
    graph: Graph, node: Node, made: Mapping[str, Node], read: Mapping[str, list[Node]]
) -> list[Node]:
    """The functions between, in order; empty if there is anything else."""
    found: list[Node] = []
    sources: set[str] = set()
    waiting = [node.inputs[0]]
    while waiting:
        name = waiting.pop()
        before = made.get(name)
        if name in graph.constants and graph.constants[name].size == 1:
            continue
        if _is_end(made, name):
            sources.add(made[name].inputs[0])
        elif before is None or before.op not in _FUNCTIONS or len(found) == _MOST:
            return []
        elif not any(before is item for item in found):
            found.append(before)
            waiting += filter(None, before.inputs)
    inside = {id(item) for item in (*found, node)}
    outputs = [name for item in found for name in item.outputs]
    closed = all(id(user) in inside for name in outputs for user in read.get(name, []))
    if len(sources) != 1 or not closed or set(outputs) & set(graph.outputs):
        return []
    if sources & set(graph.constants) or not _single_scales(graph, found, made):
        return []
    return sorted(found, key=lambda item: graph.nodes.index(item))


def _is_end(made: Mapping[str, Node], name: str) -> bool:
    return name in made and made[name].op == DEQUANTIZE


def _single_scales(graph: Graph, found: list[Node], made: Mapping[str, Node]) -> bool:
    """Whether all that is dequantized is so by the same parameters."""
    ends = [made[name] for item in found for name in item.inputs if _is_end(made, name)]
    quants = [graph.quant(end) for end in ends]
    return bool(quants) and all(not q.scale.ndim and q.same(quants[0]) for q in quants)


def _has_one_shape(graph: Graph, node: Node, last: Node) -> bool:
    return graph.shapes[node.outputs[0]] == graph.shapes[last.outputs[0]]


def _evaluated(
    graph: Graph, inner: list[Node], made: Mapping[str, Node], values: Array, result: str
) -> Array | None:
    """What the functions give for these values; None if onnx cannot say."""
    ends = {name for item in inner for name in item.inputs if _is_end(made, name)}
    nodes = [
        helper.make_node(item.op, item.inputs, item.outputs, **item.attributes) for item in inner
    ]
    known = {name for item in inner for name in item.inputs if name in graph.constants}
    proto = helper.make_graph(
        nodes,
        "functions",
        [helper.make_tensor_value_info(name, 1, [256]) for name in sorted(ends)],
        [helper.make_tensor_value_info(result, 1, [256])],
        [numpy_helper.from_array(graph.constants[n].reshape(()), n) for n in sorted(known)],
    )
    opsets = [helper.make_opsetid("", graph.opset)]
    try:
        with np.errstate(all="ignore"):
            evaluator = ReferenceEvaluator(helper.make_model(proto, opset_imports=opsets))
            [real] = evaluator.run(None, dict.fromkeys(ends, values))
    except Exception:
        return None
    return np.asarray(real, np.float32) if np.shape(real) == values.shape else None
