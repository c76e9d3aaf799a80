# SPDX-License-Identifier: Apache-2.0
"""Products with constant weights, and biases, in the form that the lowering takes."""

from __future__ import annotations

import numpy as np

from west_utvm.importer.onnx_fold import dequantized
from west_utvm.importer.onnx_graph import (
    DEQUANTIZE,
    Array,
    Graph,
    Node,
    producers,
    users,
)

# A bias whose scale differs by less is in the scale of the sums.
_CLOSE = 1e-4
_INT32 = np.iinfo(np.int32)


def dense_layers(graph: Graph) -> None:
    """Gemm and MatMul by constant weights become ``Dense``: weights OI, and a bias or none."""
    for node in list(graph.nodes):
        if node.op == "MatMul":
            _matmul(graph, node)
        elif node.op == "Gemm":
            _gemm(graph, node)


def _weights(graph: Graph, node: Node) -> tuple[Array, Node | None] | None:
    """The matrix, and the dequantize that it goes through; None if it is not constant."""
    made = producers(graph).get(node.inputs[1])
    source = node.inputs[1]
    if made is not None and made.op == DEQUANTIZE:
        source = made.inputs[0]
    data = graph.constants.get(source)
    return None if data is None or data.ndim != 2 else (data, made)


def _matmul(graph: Graph, node: Node) -> None:
    found = _weights(graph, node)
    if found is None or len(graph.shapes[node.inputs[0]]) < 2:
        return
    bias = _added(graph, node)
    _dense(graph, node, *found, transposed=False, factor=1.0)
    if bias:
        node.inputs.append(bias)


def _gemm(graph: Graph, node: Node) -> None:
    found = _weights(graph, node)
    if found is None:
        return
    attributes = dict(node.attributes)
    if attributes.get("transA"):
        shape = graph.shapes[node.inputs[0]]
        turned = graph.fresh(f"{node.inputs[0]}:turned", shape[::-1], "float32")
        graph.nodes.append(node.like("Transpose", [node.inputs[0]], [turned], perm=(1, 0)))
        node.inputs[0] = turned
    bias = node.input(2)
    factor = float(attributes.get("alpha", 1.0))
    _dense(graph, node, *found, transposed=bool(attributes.get("transB")), factor=factor)
    if bias:
        node.inputs.append(_bias(graph, node, bias, float(attributes.get("beta", 1.0))))


def _dense(
    graph: Graph, node: Node, data: Array, made: Node | None, *, transposed: bool, factor: float
) -> None:
    name = node.inputs[1]
    ordered = np.ascontiguousarray(data if transposed else data.T)
    if made is None:
        stored = graph.constant(f"{name}:rows", (ordered * np.float32(factor)).astype(np.float32))
    else:
        quant = graph.quant(made)
        if quant.scale.ndim and quant.axis != (0 if transposed else 1):
            raise graph.refuse(node, "has weights that are quantized by another axis")
        if factor <= 0:
            raise graph.refuse(node, f"has the unsupported option alpha {factor:g}")
        weights = graph.constant(f"{name}:rows", ordered)
        scale = made.inputs[1]
        if factor != 1:
            scaled = (quant.scale * np.float32(factor)).astype(np.float32)
            scale = graph.constant(f"{name}:scale", scaled)
        stored = graph.fresh(f"{name}:real", ordered.shape[::-1], "float32")
        inputs = [weights, scale, *made.inputs[2:]]
        graph.nodes.append(made.like(DEQUANTIZE, inputs, [stored], axis=0, transposed=True))
    node.op, node.attributes = "Dense", {}
    node.inputs = [node.inputs[0], stored]


def _constant(graph: Graph, name: str) -> Array | None:
    """A constant in real numbers."""
    made = producers(graph).get(name)
    if made is not None and made.op == DEQUANTIZE and made.inputs[0] in graph.constants:
        return dequantized(graph.constants[made.inputs[0]], graph.quant(made))
    return graph.constants.get(name)


def _bias(graph: Graph, node: Node, name: str, beta: float) -> str:
    """A bias for each output, of one dimension."""
    channels = graph.shapes[node.outputs[0]][-1]
    shape = graph.shapes[name]
    if shape == (channels,) and beta == 1:
        return name
    data = _constant(graph, name)
    if (
        data is None
        or data.size not in (1, channels)
        or data.shape[-1:] not in ((), (channels,), (1,))
    ):
        raise graph.refuse(node, "has a bias that is not constant, or not one for each output")
    whole = np.broadcast_to(data.reshape(-1), (channels,)) * np.float32(beta)
    return graph.constant(f"{name}:bias", whole.astype(np.float32))


def _added(graph: Graph, node: Node) -> str:
    """The constant that is added to a product and to nothing else: it becomes the bias."""
    read = users(graph)
    name = node.outputs[0]
    [add, *others] = read.get(name, [node])
    if others or add.op != "Add" or name in graph.outputs:
        return ""
    other = add.inputs[1] if add.inputs[0] == name else add.inputs[0]
    channels = graph.shapes[name][-1]
    if other == name or _constant(graph, other) is None:
        return ""
    shape = graph.shapes[other]
    if shape[-1:] != (channels,) or any(dim != 1 for dim in shape[:-1]):
        return ""
    graph.forget([add])
    node.outputs = list(add.outputs)
    if len(shape) == 1:
        return other
    data = _constant(graph, other)
    assert data is not None
    return graph.constant(f"{other}:bias", data.reshape(-1))


def quantize_biases(graph: Graph) -> None:
    """Biases of quantized products are int32 in the scale of the sums, weights symmetric."""
    made = producers(graph)
    for node in list(graph.nodes):
        if node.op not in ("ConvLast", "Dense"):
            continue
        source, weights = (made.get(name) for name in node.inputs[:2])
        if source is None or weights is None or {source.op, weights.op} != {DEQUANTIZE}:
            continue
        _check_symmetric(graph, node, weights)
        if not node.input(2):
            continue
        scale = graph.quant(source).scale * np.atleast_1d(graph.quant(weights).scale)
        node.inputs[2] = _in_scale(graph, node, node.inputs[2], scale.astype(np.float32))


def _check_symmetric(graph: Graph, node: Node, weights: Node) -> None:
    if np.any(graph.quant(weights).zero_point):
        what = "has weights with a zero point, which is not supported"
        raise graph.refuse(node, what, "quantize weights to int8, symmetrically")


def _in_scale(graph: Graph, node: Node, name: str, scale: Array) -> str:
    made = producers(graph).get(name)
    data: Array | None = None
    if made is not None and made.op == DEQUANTIZE:
        given, quant = graph.constants.get(made.inputs[0]), graph.quant(made)
        ratio = np.atleast_1d(quant.scale) / scale
        close = bool(np.all(np.abs(ratio - 1) < _CLOSE))
        if given is not None and given.dtype == np.int32 and close and not quant.zero_point.any():
            data = given
    if data is None:
        data = _requantized(graph, node, name, scale)
    if data.ndim != 1:
        raise graph.refuse(node, "has a bias of more than one dimension")
    stored = graph.constant(f"{name}:int32", data)
    scales = graph.constant(f"{name}:scale", scale if scale.size > 1 else scale.reshape(()))
    zero = graph.constant(
        f"{name}:zero_point", np.zeros(scale.shape if scale.size > 1 else (), np.int32)
    )
    result = graph.fresh(f"{name}:bias", data.shape, "float32")
    graph.nodes.append(node.like(DEQUANTIZE, [stored, scales, zero], [result], axis=0))
    return result


def _requantized(graph: Graph, node: Node, name: str, scale: Array) -> Array:
    real = _constant(graph, name)
    if real is None:
        raise graph.refuse(node, "has a bias that is not constant")
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(real / scale).astype(np.float64)
    if not np.all(np.isfinite(whole)) or np.abs(whole).max(initial=0) > _INT32.max:
        raise graph.refuse(node, "has a bias that 32 bits do not hold", "make it smaller")
    return whole.astype(np.int32)
