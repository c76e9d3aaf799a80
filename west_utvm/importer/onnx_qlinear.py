# SPDX-License-Identifier: Apache-2.0
"""Operators on quantized tensors as dequantize, operator, quantize: one form for all models.

ONNX has QLinearConv and QLinearMatMul; the others are ONNX Runtime's (domain com.microsoft).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from west_utvm.importer.onnx_graph import DEQUANTIZE, QUANTIZE, Graph, Node

_Expansion = Callable[[Graph, Node], list[Node]]


def expand_qlinear(graph: Graph) -> None:
    nodes = []
    for node in graph.nodes:
        expansion = _EXPANSIONS.get(node.op)
        nodes += [node] if expansion is None else expansion(graph, node)
    graph.nodes = nodes


class _Builder:
    """The nodes that one is expanded to."""

    def __init__(self, graph: Graph, node: Node) -> None:
        self.graph = graph
        self.node = node
        self.nodes: list[Node] = []

    def tensor(self, part: str) -> str:
        return self.graph.fresh(f"{self.node.outputs[0]}:{part}", (), "float32")

    def dequantized(self, part: str, given: Sequence[str], axis: int = 0) -> str:
        """``given``: the tensor, its scale and its zero point."""
        if not given[0]:
            return ""
        result = self.tensor(part)
        scale = self.graph.constants.get(given[1])
        channels = scale is not None and scale.ndim == 1 and scale.size > 1
        attributes = {"axis": axis} if channels else {}
        self._flatten(given[1:])
        self.nodes.append(self.node.like(DEQUANTIZE, _trimmed(given), [result], **attributes))
        return result

    def _flatten(self, names: Sequence[str]) -> None:
        """One scale in an array of one is one scale."""
        for name in names:
            data = self.graph.constants.get(name)
            if data is not None and data.shape == (1,):
                self.graph.constants[name] = data.reshape(())

    def quantized(self, op: str, inputs: Sequence[str], to: Sequence[str]) -> list[Node]:
        """``op`` and the quantize of its result, by ``to``: a scale and a zero point."""
        attributes = {
            name: value for name, value in self.node.attributes.items() if name not in _OWN
        }
        result = self.tensor("real")
        self.nodes.append(self.node.like(op, _trimmed(inputs), [result], **attributes))
        self._flatten(to)
        names = _trimmed([result, *to])
        self.nodes.append(self.node.like(QUANTIZE, names, self.node.outputs))
        return self.nodes


# Attributes that the operator in float has not.
_OWN = frozenset(("channels_last", "opset"))


def _trimmed(names: Sequence[str]) -> list[str]:
    """Without what is left out at the end."""
    kept = list(names)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _inputs(graph: Graph, node: Node, least: int, most: int) -> list[str]:
    if not least <= len(node.inputs) <= most or len(node.outputs) != 1:
        raise graph.refuse(node, f"has {len(node.inputs)} inputs", "the file is damaged")
    if node.attributes.get("channels_last"):
        raise graph.refuse(node, "has channels last, which is not supported")
    return [*node.inputs, *[""] * (most - len(node.inputs))]


def _bias_scale(graph: Graph, node: Node, scales: Sequence[str]) -> str:
    """That of the sums: the product of input and weight scale."""
    found = [graph.constants.get(name) for name in scales]
    if any(data is None or data.dtype != np.float32 for data in found):
        what = "has a scale or zero point that is not constant"
        raise graph.refuse(node, what, "quantize it statically")
    product = np.asarray(found[0]).reshape(-1)[:1] * np.asarray(found[1]).reshape(-1)
    return graph.constant(f"{node.outputs[0]}:bias_scale", product.astype(np.float32))


def _conv(graph: Graph, node: Node) -> list[Node]:
    x, xs, xz, w, ws, wz, ys, yz, bias = _inputs(graph, node, 8, 9)
    build = _Builder(graph, node)
    inputs = [build.dequantized("x", (x, xs, xz)), build.dequantized("w", (w, ws, wz))]
    if bias:
        scale = _bias_scale(graph, node, (xs, ws))
        inputs.append(build.dequantized("b", (bias, scale, "")))
    return build.quantized("Conv", inputs, (ys, yz))


def _matmul(graph: Graph, node: Node) -> list[Node]:
    x, xs, xz, w, ws, wz, ys, yz = _inputs(graph, node, 8, 8)
    build = _Builder(graph, node)
    inputs = [build.dequantized("x", (x, xs, xz)), build.dequantized("w", (w, ws, wz), axis=1)]
    return build.quantized("MatMul", inputs, (ys, yz))


def _gemm(graph: Graph, node: Node) -> list[Node]:
    x, xs, xz, w, ws, wz, bias, ys, yz = _inputs(graph, node, 6, 9)
    if not ys:
        raise graph.refuse(node, "has a result in float, which is not supported")
    axis = 0 if node.attributes.get("transB") else 1
    build = _Builder(graph, node)
    inputs = [
        build.dequantized("x", (x, xs, xz)),
        build.dequantized("w", (w, ws, wz), axis=axis),
    ]
    if bias:
        scale = _bias_scale(graph, node, (xs, ws))
        inputs.append(build.dequantized("b", (bias, scale, "")))
    return build.quantized("Gemm", inputs, (ys, yz))


def _binary(op: str) -> _Expansion:
    def expand(graph: Graph, node: Node) -> list[Node]:
        a, sa, za, b, sb, zb, ys, yz = _inputs(graph, node, 7, 8)
        build = _Builder(graph, node)
        inputs = [build.dequantized("a", (a, sa, za)), build.dequantized("b", (b, sb, zb))]
        return build.quantized(op, inputs, (ys, yz))

    return expand


def _unary(op: str) -> _Expansion:
    def expand(graph: Graph, node: Node) -> list[Node]:
        x, xs, xz, ys, yz = _inputs(graph, node, 4, 5)
        if node.attributes.get("opset", 13) < 13:
            raise graph.refuse(node, "is that of an opset before 13", "quantize it again")
        build = _Builder(graph, node)
        return build.quantized(op, [build.dequantized("x", (x, xs, xz))], (ys, yz))

    return expand


def _concat(graph: Graph, node: Node) -> list[Node]:
    ys, yz, *given = _inputs(graph, node, 5, max(5, len(node.inputs)))
    if len(given) % 3:
        raise graph.refuse(node, f"has {len(node.inputs)} inputs", "the file is damaged")
    build = _Builder(graph, node)
    inputs = [build.dequantized(f"x{i}", given[i : i + 3]) for i in range(0, len(given), 3)]
    return build.quantized("Concat", inputs, (ys, yz))


_EXPANSIONS: Mapping[str, _Expansion] = {
    "QGemm": _gemm,
    "QLinearAdd": _binary("Add"),
    "QLinearAveragePool": _unary("AveragePool"),
    "QLinearConcat": _concat,
    "QLinearConv": _conv,
    "QLinearGlobalAveragePool": _unary("GlobalAveragePool"),
    "QLinearLeakyRelu": _unary("LeakyRelu"),
    "QLinearMatMul": _matmul,
    "QLinearMul": _binary("Mul"),
    "QLinearSigmoid": _unary("Sigmoid"),
    "QLinearSoftmax": _unary("Softmax"),
}
