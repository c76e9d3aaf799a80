# SPDX-License-Identifier: Apache-2.0
"""Writes quantized ONNX models in the form that quantizers give them: dequantize, operator,
quantize; and turns that into QLinear operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .tflite_graph import Array

CONTRIB = "com.microsoft"


@dataclass(frozen=True)
class Ref:
    """A quantized tensor: real = scale * (q - zero)."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero: int


class Net:
    """A model being built. ``dtype`` is that of activations."""

    def __init__(self, seed: int, dtype: str = "int8", opset: int = 17) -> None:
        self.random = np.random.default_rng(seed)
        self.dtype = np.dtype(dtype)
        self.opset = opset
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.inputs: list[Ref] = []
        self._real: dict[str, str] = {}

    def zero(self, low: int = -60, high: int = 60) -> int:
        """A zero point, in the terms of int8."""
        return int(self.random.integers(low, high))

    def name(self, base: str) -> str:
        return f"{base}{len(self.nodes) + len(self.constants) + len(self.inputs)}"

    def constant(self, data: Any, base: str = "c") -> str:
        name = self.name(base)
        self.constants[name] = np.asarray(data)
        return name

    def add(self, op: str, inputs: Sequence[str], count: int = 1, **attributes: Any) -> list[str]:
        outputs = [self.name("t") + (f"_{i}" if count > 1 else "") for i in range(count)]
        name = self.name("node")
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=name, **attributes))
        return outputs

    def input(
        self, shape: Sequence[int], scale: float | None = None, zero: int | None = None
    ) -> Ref:
        chosen = scale or float(np.float32(self.random.uniform(0.01, 0.1)))
        ref = Ref(self.name("x"), tuple(shape), chosen, self.zero() if zero is None else zero)
        self.inputs.append(ref)
        return ref

    def parameters(self, scale: float, zero: int) -> list[str]:
        point = zero + 128 if self.dtype == np.uint8 else zero
        return [self.constant(np.float32(scale), "s"), self.constant(self.dtype.type(point), "z")]

    def real(self, ref: Ref) -> str:
        """The tensor after its dequantize; there is one for all its users."""
        if ref.name not in self._real:
            inputs = [ref.name, *self.parameters(ref.scale, ref.zero)]
            [self._real[ref.name]] = self.add("DequantizeLinear", inputs)
        return self._real[ref.name]

    def weights(self, data: Array, scale: Any, axis: int = 0, dtype: str = "int8") -> str:
        """A constant after its dequantize."""
        scales = np.asarray(scale, np.float32)
        stored = self.constant(data, "w")
        zeros = np.zeros(scales.shape, data.dtype)
        inputs = [stored, self.constant(scales, "s"), self.constant(zeros, "z")]
        more = {"axis": axis} if scales.ndim else {}
        return self.add("DequantizeLinear", inputs, **more)[0]

    def quantize(self, real: str, shape: Sequence[int], scale: float, zero: int) -> Ref:
        [name] = self.add("QuantizeLinear", [real, *self.parameters(scale, zero)])
        return Ref(name, tuple(shape), scale, zero)

    def op(
        self,
        op: str,
        inputs: Sequence[Ref | str],
        shape: Sequence[int],
        scale: float,
        zero: int,
        relu: str = "",
        **attributes: Any,
    ) -> Ref:
        """An operator between dequantize and quantize; names in ``inputs`` are constants."""
        names = [item if isinstance(item, str) else self.real(item) for item in inputs]
        [result] = self.add(op, names, **attributes)
        if relu == "Relu":
            [result] = self.add("Relu", [result])
        elif relu == "Clip":
            bounds = [self.constant(np.float32(bound)) for bound in (0, 6)]
            [result] = self.add("Clip", [result, *bounds])
        return self.quantize(result, shape, scale, zero)

    def finish(self, *outputs: Ref) -> bytes:
        kind = helper.np_dtype_to_tensor_dtype(self.dtype)
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info(r.name, kind, r.shape) for r in self.inputs],
            [helper.make_tensor_value_info(r.name, kind, r.shape) for r in outputs],
            [numpy_helper.from_array(data, name) for name, data in self.constants.items()],
        )
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
        return bytes(model.SerializeToString())


# Operators that have a form on quantized tensors: its name, its domain, and what its inputs are.
QLINEAR: Mapping[str, tuple[str, str]] = {
    "Add": ("QLinearAdd", CONTRIB),
    "AveragePool": ("QLinearAveragePool", CONTRIB),
    "Concat": ("QLinearConcat", CONTRIB),
    "Conv": ("QLinearConv", ""),
    "Gemm": ("QGemm", CONTRIB),
    "GlobalAveragePool": ("QLinearGlobalAveragePool", CONTRIB),
    "LeakyRelu": ("QLinearLeakyRelu", CONTRIB),
    "MatMul": ("QLinearMatMul", ""),
    "Mul": ("QLinearMul", CONTRIB),
    "Sigmoid": ("QLinearSigmoid", CONTRIB),
    "Softmax": ("QLinearSoftmax", CONTRIB),
}


def as_qlinear(model: bytes) -> bytes:
    """The same model with QLinear operators; what has no such form stays as it is."""
    proto = onnx.ModelProto.FromString(model)
    made = {name: node for node in proto.graph.node for name in node.output}
    readers: dict[str, list[Any]] = {}
    for node in proto.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    nodes = []
    for node in proto.graph.node:
        [after] = readers.get(node.output[0], [None])[:1] if len(node.output) == 1 else [None]
        if node.op_type in QLINEAR and after is not None and after.op_type == "QuantizeLinear":
            nodes.append(_qlinear(node, [made.get(name) for name in node.input], after))
        elif node.op_type != "QuantizeLinear" or made[node.input[0]].op_type not in QLINEAR:
            nodes.append(node)
    del proto.graph.node[:]
    proto.graph.node.extend(_needed(nodes, {item.name for item in proto.graph.output}))
    return bytes(proto.SerializeToString())


def _qlinear(node: Any, before: Sequence[Any], after: Any) -> Any:
    op, domain = QLINEAR[node.op_type]
    given = [list(item.input) for item in before]
    result = list(after.input[1:])
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    if node.op_type == "Concat":
        inputs = result + [name for item in given for name in item]
    elif node.op_type == "Conv":
        inputs = [*given[0], *given[1], *result, *(item[0] for item in given[2:])]
    elif node.op_type == "Gemm":
        bias = given[2][0] if len(given) > 2 else ""
        inputs = [*given[0], *given[1], bias, *result]
    else:
        inputs = [name for item in given for name in item] + result
    if node.op_type == "Softmax":
        attributes["opset"] = 13
    return helper.make_node(
        op, inputs, list(after.output), name=node.name, domain=domain, **attributes
    )


def _needed(nodes: Sequence[Any], wanted: set[str]) -> list[Any]:
    kept = []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            kept.append(node)
    return kept[::-1]


def as_float(model: bytes) -> bytes:
    """The model before it was quantized: float32 throughout."""
    proto = onnx.ModelProto.FromString(model)
    constants = {item.name: numpy_helper.to_array(item) for item in proto.graph.initializer}
    same: dict[str, str] = {}
    nodes = []
    for node in proto.graph.node:
        node.input[:] = [same.get(name, name) for name in node.input]
        if node.op_type not in ("QuantizeLinear", "DequantizeLinear"):
            nodes.append(node)
        elif node.input[0] in constants:
            constants[node.output[0]] = _real(node, constants)
        else:
            same[node.output[0]] = node.input[0]
    for node in nodes:
        node.output[:] = [_end(proto, same, name) for name in node.output]
        node.input[:] = [_end(proto, same, name) for name in node.input]
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    del proto.graph.initializer[:]
    read = {name for node in nodes for name in node.input}
    proto.graph.initializer.extend(
        numpy_helper.from_array(data, name) for name, data in constants.items() if name in read
    )
    for item in (*proto.graph.input, *proto.graph.output):
        item.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    return bytes(proto.SerializeToString())


def _real(node: Any, constants: Mapping[str, Array]) -> Array:
    data, scale, zero = (constants[name] for name in node.input)
    axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
    shape = [-1 if i == axis and scale.ndim else 1 for i in range(data.ndim)]
    wide = data.astype(np.int32) - zero.astype(np.int32).reshape(shape)
    return np.asarray(wide.astype(np.float32) * scale.reshape(shape))


def _end(proto: Any, same: Mapping[str, str], name: str) -> str:
    """The name of the model's output that a tensor is, or its own."""
    ends = {same[item.name]: item.name for item in proto.graph.output if item.name in same}
    return str(ends.get(name, name))
