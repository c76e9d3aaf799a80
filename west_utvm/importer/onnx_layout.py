# SPDX-License-Identifier: Apache-2.0
"""Operators on images: NHWC between two transpositions, with all their parameters spelled out.

ONNX has NCHW. Transpositions that meet cancel each other when the program is lowered. Those that
work along one line are on images of one row here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from west_utvm.importer.onnx_graph import DEQUANTIZE, Array, Graph, Node, producers, reshaped
from west_utvm.importer.onnx_moves import MOVES

TO_LAST = (0, 2, 3, 1)
_LARGE = 1 << 15


def channels_last(graph: Graph) -> None:
    """Of quantized images; TVM has loops for float ones as they are."""
    made = producers(graph)
    wanted = {id(node) for node in graph.nodes if _quantized(graph, node, made)}
    for node in list(graph.nodes):
        rewrite = _REWRITES.get(node.op)
        if rewrite is not None and (id(node) in wanted or node.op == "Pad"):
            rewrite(graph, node)
        elif "auto_pad" in node.attributes and node.op in ("Conv", "AveragePool", "MaxPool"):
            shape = graph.shapes[node.inputs[1]] if node.op == "Conv" else ()
            node.attributes |= _window(graph, node, _kernel(node, shape[2:]))


def _quantized(graph: Graph, node: Node, made: Mapping[str, Node]) -> bool:
    """Whether its input is int8, or was that and was only moved or bounded."""
    name = node.inputs[0] if node.inputs else ""
    while name in made and graph.dtypes[name] == "float32":
        before = made[name]
        if before.op == DEQUANTIZE:
            return True
        if before.op not in MOVES and before.op not in ("Relu", "Clip"):
            return False
        name = before.inputs[0]
    return graph.dtypes.get(name) == "int8"


def _conv(graph: Graph, node: Node) -> None:
    rank = _image(graph, node)
    weights = _Weights.of(graph, node)
    groups = int(node.attributes.get("group", 1))
    channels = graph.shapes[node.inputs[0]][1]
    if groups < 1 or channels % groups or weights.shape[0] % groups:
        raise graph.refuse(node, f"has {groups} groups for {channels} channels")
    if len(weights.shape) != rank or weights.shape[1] * groups != channels:
        raise graph.refuse(node, "has weights that do not suit its input")
    node.attributes |= _window(graph, node, weights.shape[2:])
    if rank == 3:
        _one_row(graph, node)
        weights.one_row()
    weights.store(node, depthwise=1 < groups == channels)
    node.attributes["group"] = groups
    _last(graph, node, "ConvLast")


@dataclass
class _Weights:
    """Those of a convolution, OIHW: a constant, and the dequantize that it goes through, if any."""

    graph: Graph
    name: str
    node: Node | None
    data: Array

    @classmethod
    def of(cls, graph: Graph, node: Node) -> _Weights:
        name = node.input(1)
        made = producers(graph).get(name)
        quantized = made is not None and made.op == DEQUANTIZE
        source = made.inputs[0] if made is not None and quantized else name
        if source not in graph.constants:
            raise graph.refuse(node, "has weights that are not constant")
        weights = cls(graph, name, made if quantized else None, graph.constants[source])
        if weights.node is not None and graph.quant(weights.node).axis and weights.scale().ndim:
            raise graph.refuse(node, "has weights that are quantized by another axis")
        return weights

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    def scale(self) -> Array:
        assert self.node is not None
        return self.graph.quant(self.node).scale

    def one_row(self) -> None:
        self.data = self.data[:, :, np.newaxis]

    def store(self, node: Node, *, depthwise: bool) -> None:
        """As HWIO, or HWO1 for depthwise ones, for ``node``."""
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        data = np.ascontiguousarray(self.data.transpose(order))
        stored = self.graph.constant(f"{self.name}:last", data)
        if self.node is not None:
            result = self.graph.fresh(f"{self.name}:real", data.shape, "float32")
            axis = 2 if depthwise else 3
            inputs = [stored, *self.node.inputs[1:]]
            self.graph.nodes.append(self.node.like(DEQUANTIZE, inputs, [result], axis=axis))
            stored = result
        node.attributes["depthwise"] = depthwise
        node.inputs = [node.inputs[0], stored, *node.inputs[2:]]


def _pool(graph: Graph, node: Node) -> None:
    rank = _image(graph, node)
    if len([name for name in node.outputs if name]) > 1:
        raise graph.refuse(node, "gives indices, which is not supported")
    node.outputs = node.outputs[:1]
    kernel = _integers(graph, node, "kernel_shape", rank - 2, ())
    if any(size != 1 for size in node.attributes.get("dilations", [])):
        raise graph.refuse(node, "has a dilation, which is not supported")
    node.attributes |= _window(graph, node, kernel)
    node.attributes["ceil_mode"] = int(node.attributes.get("ceil_mode", 0))
    if rank == 3:
        _one_row(graph, node)
    pads = node.attributes["pads"]
    if node.op == "AveragePool" and node.attributes.pop("count_include_pad", 0) and any(pads):
        if node.attributes["ceil_mode"]:
            raise graph.refuse(node, "counts padding and rounds up, which is not supported")
        _pad_before(graph, node, pads)
    _last(graph, node, f"{node.op}Last")


def _pad_before(graph: Graph, node: Node, pads: Sequence[int]) -> None:
    """Padding that counts is an operator of its own."""
    source = node.inputs[0]
    batch, channels, height, width = graph.shapes[source]
    shape = (batch, channels, height + pads[0] + pads[2], width + pads[1] + pads[3])
    padded = graph.fresh(f"{node.outputs[0]}:padded", shape, "float32")
    widths = {"before": (0, 0, *pads[:2]), "after": (0, 0, *pads[2:]), "value": 0.0}
    graph.nodes.append(node.like("PadConstant", [source], [padded], **widths))
    node.inputs[0] = padded
    node.attributes["pads"] = (0, 0, 0, 0)


def _global_max(graph: Graph, node: Node) -> None:
    _image(graph, node)
    node.op = "MaxPool"
    node.attributes["kernel_shape"] = list(graph.shapes[node.inputs[0]][2:])
    _pool(graph, node)


def _resize(graph: Graph, node: Node) -> None:
    mode = bytes(node.attributes.get("mode", b"nearest")).decode()
    if _image(graph, node) != 4 or mode != "nearest" or node.attributes.get("antialias"):
        raise graph.refuse(node, f"resizes by '{mode}'", "only nearest neighbours are supported")
    before, after = graph.shapes[node.inputs[0]], graph.shapes[node.outputs[0]]
    if before[:2] != after[:2]:
        raise graph.refuse(node, "resizes more than images")
    scales = graph.constants.get(node.input(2)) if node.input(2) else None
    if scales is None or not scales.size:
        scales = np.array(after, np.float32) / np.array(before, np.float32)
    if scales.size != len(before):
        raise graph.refuse(node, "resizes some axes only, which is not supported")
    rows, columns = (
        tuple(_nearest(graph, node, before[a], after[a], float(scales[a]))) for a in (2, 3)
    )
    node.attributes |= {"rows": rows, "columns": columns}
    node.inputs = node.inputs[:1]
    _last(graph, node, "ResizeLast")


def _nearest(graph: Graph, node: Node, size: int, count: int, scale: float) -> list[int]:
    """The element of the input for each of the output, in ONNX's terms (its Resize operator)."""
    name = bytes(node.attributes.get("coordinate_transformation_mode", b"half_pixel")).decode()
    rounding = bytes(node.attributes.get("nearest_mode", b"round_prefer_floor")).decode()
    if name not in _COORDINATES or rounding not in _NEAREST:
        raise graph.refuse(node, f"resizes by '{name}' and '{rounding}'")
    single = np.float32
    exact = (float(_COORDINATES[name](single(i), single(scale), size, count)) for i in range(count))
    return [max(0, min(_NEAREST[rounding](x), size - 1)) for x in exact]


_COORDINATES: Mapping[str, Callable[[Any, Any, int, int], Any]] = {
    "half_pixel": lambda i, scale, size, count: (i + np.float32(0.5)) / scale - np.float32(0.5),
    "pytorch_half_pixel": lambda i, scale, size, count: (
        (i + np.float32(0.5)) / scale - np.float32(0.5) if count > 1 else 0.0
    ),
    "asymmetric": lambda i, scale, size, count: i / scale,
    "align_corners": lambda i, scale, size, count: (
        i * np.float32(size - 1) / np.float32(count - 1) if count > 1 else 0.0
    ),
}
_NEAREST: Mapping[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: math.floor(x + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}


def _softmax(graph: Graph, node: Node) -> None:
    """Over the last axis."""
    rank = len(graph.shapes[node.inputs[0]])
    axis = int(node.attributes.get("axis", -1)) % rank
    node.attributes["axis"] = rank - 1
    if axis != rank - 1:
        order = [*(a for a in range(rank) if a != axis), axis]
        _between(graph, node, order)


def _pad(graph: Graph, node: Node) -> None:
    mode = bytes(node.attributes.get("mode", b"constant")).decode()
    pads, value, axes = (
        graph.constants.get(node.input(i)) if node.input(i) else None for i in (1, 2, 3)
    )
    shape = graph.shapes[node.inputs[0]]
    if mode != "constant" or pads is None or (node.input(2) and value is None):
        raise graph.refuse(node, f"pads by '{mode}'", "only padding by constants is supported")
    chosen = range(len(shape)) if axes is None else [int(a) % len(shape) for a in axes]
    if pads.size != 2 * len(chosen) or pads.min(initial=0) < 0:
        raise graph.refuse(node, "has negative pads, or another number than axes")
    widths = np.zeros((2, len(shape)), np.int64)
    widths[:, list(chosen)] = pads.reshape(2, -1)
    fill = 0 if value is None else value.reshape(-1)[0].item()
    if node.inputs[0] in graph.shifted:
        fill = int(fill) - 128
    node.op, node.inputs = "PadConstant", node.inputs[:1]
    before, after = (tuple(map(int, row)) for row in widths)
    node.attributes = {"before": before, "after": after, "value": fill}


def _image(graph: Graph, node: Node) -> int:
    """The rank of the input: 4, or 3 for lines."""
    rank = len(graph.shapes[node.inputs[0]])
    if rank not in (3, 4):
        what = f"has an input of {rank} dimensions, and 3 and 4 are supported"
        raise graph.refuse(node, what)
    return rank


def _kernel(node: Node, default: Sequence[int]) -> tuple[int, ...]:
    return tuple(node.attributes.get("kernel_shape", default))


def _integers(
    graph: Graph, node: Node, name: str, count: int, default: Sequence[int]
) -> tuple[int, ...]:
    given = tuple(node.attributes.get(name, default))
    if len(given) != count or not all(0 <= item < _LARGE for item in given):
        raise graph.refuse(node, f"has the unsupported option {name} {list(given)}")
    return given


def _window(graph: Graph, node: Node, kernel: Sequence[int]) -> dict[str, Any]:
    """Every parameter of a window, along as many axes as it has."""
    count = len(kernel)
    strides = _integers(graph, node, "strides", count, (1,) * count)
    dilations = _integers(graph, node, "dilations", count, (1,) * count)
    given = tuple(node.attributes.get("kernel_shape", kernel))
    if given != tuple(kernel) or not all((*kernel, *strides, *dilations)):
        raise graph.refuse(node, "has a window that does not suit its weights")
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    pads = _pads(graph, node, spans, strides)
    return {"kernel_shape": given, "strides": strides, "dilations": dilations, "pads": pads}


def _pads(
    graph: Graph, node: Node, spans: Sequence[int], strides: Sequence[int]
) -> tuple[int, ...]:
    mode = bytes(node.attributes.pop("auto_pad", b"NOTSET")).decode()
    count = len(spans)
    if mode in ("NOTSET", "VALID"):
        default = (0,) * (2 * count)
        return _integers(graph, node, "pads", 2 * count, default) if mode == "NOTSET" else default
    sizes = graph.shapes[node.inputs[0]][2:]
    totals = [
        max(0, (math.ceil(size / stride) - 1) * stride + span - size)
        for size, stride, span in zip(sizes, strides, spans, strict=True)
    ]
    lower = [total // 2 if mode == "SAME_UPPER" else total - total // 2 for total in totals]
    return (*lower, *(total - low for total, low in zip(totals, lower, strict=True)))


def _one_row(graph: Graph, node: Node) -> None:
    """From a line to an image of one row and back."""
    for name, neutral in (("kernel_shape", 1), ("strides", 1), ("dilations", 1)):
        node.attributes[name] = (neutral, *node.attributes[name])
    begin, end = node.attributes["pads"]
    node.attributes["pads"] = (0, begin, 0, end)
    for names, position in ((node.inputs, 0), (node.outputs, 0)):
        line = names[position]
        batch, channels, size = graph.shapes[line]
        image = graph.fresh(f"{line}:image", (batch, channels, 1, size), graph.dtypes[line])
        graph.shifted |= {image} if line in graph.shifted else set()
        names[position] = image
        ends = (line, image) if names is node.inputs else (image, line)
        shape = graph.constant(f"{image}:shape", np.array(graph.shapes[ends[1]], np.int64))
        graph.nodes.append(node.like("Reshape", [ends[0], shape], [ends[1]]))


def _last(graph: Graph, node: Node, op: str) -> None:
    node.op = op
    if not any(node is other for other in graph.nodes):
        graph.nodes.append(node)
    _between(graph, node, TO_LAST)


def _between(graph: Graph, node: Node, order: Sequence[int]) -> None:
    """Transpose the input by ``order``, and the output back."""
    back = [list(order).index(axis) for axis in range(len(order))]
    source, target = node.inputs[0], node.outputs[0]
    dtype = graph.dtypes[source]
    inner = [
        graph.fresh(f"{name}:last", reshaped(graph.shapes[name], order), dtype)
        for name in (source, target)
    ]
    graph.shifted |= set(inner) if source in graph.shifted else set()
    node.inputs = [inner[0], *node.inputs[1:]]
    node.outputs = [inner[1]]
    graph.nodes += [
        node.like("Transpose", [source], [inner[0]], perm=tuple(order)),
        node.like("Transpose", [inner[1]], [target], perm=tuple(back)),
    ]


_REWRITES: Mapping[str, Callable[[Graph, Node], None]] = {
    "AveragePool": _pool,
    "Conv": _conv,
    "GlobalMaxPool": _global_max,
    "MaxPool": _pool,
    "Pad": _pad,
    "Resize": _resize,
    "Softmax": _softmax,
}
