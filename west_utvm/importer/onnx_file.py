# SPDX-License-Identifier: Apache-2.0
"""An .onnx file, read and checked before TVM sees it.

A file is untrusted. Sizes, dtypes, names and operators are checked here, then onnx's own checker
and its shape inference have their say: what TVM is given has fixed shapes throughout.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from west_utvm.errors import UtvmError
from west_utvm.importer.onnx_fold import fold_constants
from west_utvm.importer.onnx_graph import Graph, Node, ordered, short
from west_utvm.importer.onnx_qlinear import expand_qlinear

FIRST_OPSET = 13
MAX_NODES = 20_000
MAX_RANK = 8
MAX_ELEMENTS = (1 << 31) - 1

_DAMAGED = "the file is damaged, or was written by a newer exporter"
_FIXED = "export it with a fixed input shape"
_CONTRIB = "com.microsoft"
_DOMAINS = ("", "ai.onnx", _CONTRIB)
# Of inputs, outputs and constants.
_DTYPES = ("float32", "int8", "uint8", "int32", "int64", "bool")


def read_graph(path: Path, data: bytes) -> Graph:
    """Read and check a model; UtvmError names the file, and the operator or tensor at fault."""
    try:
        model = onnx.ModelProto.FromString(data)
        opset = _opset(path, model)
        graph = _read(path, model.graph, opset)
        expand_qlinear(graph)
        ordered(graph)
        _infer(graph, model)
        _check_outputs(graph, model.graph.output)
        fold_constants(graph)
        return graph
    except UtvmError:
        raise
    except Exception as error:  # protobuf and onnx have a dozen kinds
        what = f"is no whole ONNX model ({_first_line(error)})"
        raise UtvmError(what, where=path, hint=_DAMAGED) from None


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:160]


def _opset(path: Path, model: Any) -> int:
    if not model.graph.node:
        raise UtvmError("has no operators", where=path, hint=_DAMAGED)
    if model.functions or model.graph.sparse_initializer:
        what = "has functions or sparse tensors, which are not supported"
        raise UtvmError(what, where=path, hint="export it without them")
    versions = {entry.domain: entry.version for entry in model.opset_import}
    opset = int(versions.get("", versions.get("ai.onnx", 0)))
    newest = onnx.defs.onnx_opset_version()
    if not FIRST_OPSET <= opset <= newest:
        what = f"has opset {opset}, and {FIRST_OPSET} to {newest} are supported"
        hint = "convert it by onnx.version_converter, or export it again"
        raise UtvmError(what, where=path, hint=hint)
    return opset


def _read(path: Path, given: Any, opset: int) -> Graph:
    if len(given.node) > MAX_NODES or len(given.initializer) > MAX_NODES:
        raise UtvmError(f"has {len(given.node)} operators", where=path, hint=_DAMAGED)
    constants = {item.name: _constant(path, item) for item in given.initializer}
    if len(constants) != len(given.initializer):
        raise UtvmError("has two constants of one name", where=path, hint=_DAMAGED)
    graph = Graph(path, opset, [], constants, [], [])
    for item in given.input:
        if item.name not in constants:
            graph.inputs.append(item.name)
            graph.shapes[item.name], graph.dtypes[item.name] = _port(graph, "input", item)
    for item in given.output:
        graph.outputs.append(item.name)
        where = f"{path}: output '{short(item.name)}'"
        graph.dtypes[item.name] = _dtype(where, item.type.tensor_type.elem_type)
    graph.nodes = [_node(graph, number, node) for number, node in enumerate(given.node)]
    _constant_nodes(graph)
    _check_names(graph)
    for name, data in constants.items():
        graph.shapes[name], graph.dtypes[name] = data.shape, str(data.dtype)
    return graph


def _constant(path: Path, given: Any) -> Any:
    where = f"{path}: constant '{short(given.name)}'"
    if given.data_location == onnx.TensorProto.EXTERNAL or given.external_data:
        hint = "save it with its weights inside: onnx.save(onnx.load(path), path)"
        raise UtvmError("keeps its data in another file", where=where, hint=hint)
    _check_shape(where, given.dims)
    try:
        data = numpy_helper.to_array(given)
    except Exception as error:
        what = f"does not hold what its shape says ({_first_line(error)})"
        raise UtvmError(what, where=where, hint=_DAMAGED) from None
    if str(data.dtype) == "float64":
        data = data.astype(np.float32)
    if str(data.dtype) not in _DTYPES:
        what = f"is {data.dtype}, which is not supported"
        raise UtvmError(what, where=where, hint="quantize to 8 bits, or export it in float32")
    return data


def _check_shape(where: str, dims: Sequence[int]) -> None:
    negative = any(dim < 0 for dim in dims)
    if len(dims) > MAX_RANK or negative or math.prod(dims) > MAX_ELEMENTS:
        shown = "x".join(map(str, dims[:MAX_RANK]))
        raise UtvmError(f"has the unsupported shape {shown}", where=where, hint=_DAMAGED)


def _port(graph: Graph, kind: str, given: Any) -> tuple[tuple[int, ...], str]:
    """Shape and dtype. A first dimension with a name is a batch, of one."""
    where = f"{graph.path}: {kind} '{short(given.name)}'"
    if not given.type.HasField("tensor_type"):
        raise UtvmError("is no tensor", where=where, hint="export it without sequences")
    tensor = given.type.tensor_type
    if not tensor.HasField("shape"):
        raise UtvmError("has no shape", where=where, hint=_FIXED)
    shape = []
    for axis, dim in enumerate(tensor.shape.dim):
        size = dim.dim_value if dim.HasField("dim_value") else 0
        if size <= 0 and axis == 0 and dim.dim_param:
            graph.notes.append(f"{kind} '{given.name}': its batch '{short(dim.dim_param)}' is 1")
            size = 1
        if size <= 0:
            shown = f" (dimension {axis} is '{short(dim.dim_param)}')" if dim.dim_param else ""
            what = f"has a shape that is not known before it runs{shown}"
            raise UtvmError(what, where=where, hint=_FIXED)
        shape.append(size)
    _check_shape(where, shape)
    return tuple(shape), _dtype(where, tensor.elem_type)


def _dtype(where: str, number: int) -> str:
    try:
        dtype = str(helper.tensor_dtype_to_np_dtype(number))
    except Exception:
        dtype = f"type {number}"
    if dtype not in _DTYPES:
        hint = "quantize to 8 bits, or export it in float32"
        raise UtvmError(f"is {dtype}, which is not supported", where=where, hint=hint)
    return dtype


def _node(graph: Graph, number: int, given: Any) -> Node:
    name = given.name or next(iter(given.output), "")
    node = Node(given.op_type, list(given.input), list(given.output), number, given.op_type, name)
    if given.domain not in _DOMAINS:
        what = f"is of the domain '{short(given.domain)}', which is not supported"
        raise graph.refuse(node, what, "export it with ONNX's own operators")
    for attribute in given.attribute:
        if attribute.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS):
            raise graph.refuse(node, "is control flow, which is not supported", "unroll it")
        if attribute.ref_attr_name:
            raise graph.refuse(node, "is a part of a function", _DAMAGED)
        value = helper.get_attribute_value(attribute)
        if value is None:
            raise graph.refuse(node, "has an option of no type", _DAMAGED)
        if attribute.type == onnx.AttributeProto.TENSOR:
            value = _constant(graph.path, value)
        if not isinstance(value, list) or value:  # an empty list says nothing
            node.attributes[attribute.name] = value
    if given.domain == _CONTRIB and given.op_type not in _KNOWN_CONTRIB:
        raise graph.refuse(node, "is not supported", "export it with ONNX's own operators")
    return node


_KNOWN_CONTRIB = frozenset(
    """QLinearAdd QLinearAveragePool QLinearConcat QLinearGlobalAveragePool QLinearLeakyRelu
    QLinearMul QLinearSigmoid QLinearSoftmax QGemm QuantizeLinear DequantizeLinear""".split()
)


def _constant_nodes(graph: Graph) -> None:
    """Constants that are written as operators."""
    found = [node for node in graph.nodes if node.op == "Constant"]
    for node in found:
        values = list(node.attributes.items())
        if len(values) != 1 or len(node.outputs) != 1:
            raise graph.refuse(node, "is not supported", _DAMAGED)
        [(name, value)] = values
        if isinstance(value, bytes | str) or name in ("value_string", "value_strings"):
            raise graph.refuse(node, "is text, which is not supported")
        dtype = {"value_float": "float32", "value_floats": "float32"}.get(name, "int64")
        data = value if isinstance(value, np.ndarray) else np.array(value, dtype)
        if node.outputs[0] in graph.constants:
            raise graph.refuse(node, f"computes '{short(node.outputs[0])}' twice", _DAMAGED)
        graph.constants[node.outputs[0]] = data
    graph.forget(found)


def _check_names(graph: Graph) -> None:
    """Every tensor is an input, a constant or the result of one operator."""
    known = {*graph.inputs, *graph.constants, ""}
    if len(set(graph.inputs)) != len(graph.inputs) or "" in graph.inputs:
        raise UtvmError("has two inputs of one name, or of none", where=graph.path, hint=_DAMAGED)
    if len(set(graph.outputs)) != len(graph.outputs) or not graph.outputs:
        raise UtvmError("has two outputs of one name, or none", where=graph.path, hint=_DAMAGED)
    for node in graph.nodes:
        for name in node.inputs:
            if name not in known:
                raise graph.refuse(node, f"reads '{short(name)}', which is not computed", _DAMAGED)
        for name in node.outputs:
            if name and name in known:
                raise graph.refuse(node, f"computes '{short(name)}' twice", _DAMAGED)
            known.add(name)
    for name in graph.outputs:
        if name not in known or not name or name in graph.constants or name in graph.inputs:
            what = f"output '{short(name)}' is not computed by an operator"
            raise UtvmError(what, where=graph.path, hint=_DAMAGED)


def _infer(graph: Graph, model: Any) -> None:
    """Shapes and dtypes of all tensors, by onnx."""
    inferred = onnx.shape_inference.infer_shapes(
        to_proto(graph, model.ir_version), check_type=True, strict_mode=True, data_prop=True
    )
    known = {item.name: item for item in (*inferred.graph.value_info, *inferred.graph.output)}
    for node in graph.nodes:
        for name in filter(None, node.outputs):
            _take_type(graph, node, name, known.get(name))
    onnx.checker.check_model(to_proto(graph, model.ir_version))


def _check_outputs(graph: Graph, given: Sequence[Any]) -> None:
    """What a model says of its outputs is so, wherever it says something."""
    for item in given:
        dims = [dim.dim_value for dim in item.type.tensor_type.shape.dim]
        shape = graph.shapes[item.name]
        differ = any(d > 0 and d != size for d, size in zip(dims, shape, strict=False))
        if dims and (len(dims) != len(shape) or differ):
            shown, wanted = ("x".join(map(str, sizes)) for sizes in (shape, dims))
            what = f"is {shown} by what computes it, and {wanted} by what the model says"
            where = f"{graph.path}: output '{short(item.name)}'"
            raise UtvmError(what, where=where, hint=_DAMAGED)


def _take_type(graph: Graph, node: Node, name: str, given: Any) -> None:
    where = graph.where(node)
    tensor = given.type.tensor_type if given is not None else None
    if tensor is None or not tensor.HasField("shape"):
        raise UtvmError("has a shape that is not known before it runs", where=where, hint=_FIXED)
    dims = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in tensor.shape.dim]
    if any(dim <= 0 for dim in dims) and not _may_be_empty(tensor):
        raise UtvmError("has a shape that is not known before it runs", where=where, hint=_FIXED)
    _check_shape(where, dims)
    graph.shapes[name], graph.dtypes[name] = tuple(dims), _dtype(where, tensor.elem_type)


def _may_be_empty(tensor: Any) -> bool:
    """Figures of shapes may be none."""
    known = all(dim.HasField("dim_value") for dim in tensor.shape.dim)
    return known and tensor.elem_type == onnx.TensorProto.INT64


def to_proto(graph: Graph, ir_version: int) -> Any:
    """The graph as a model of ONNX's own operators, for onnx's checks."""
    nodes = [
        helper.make_node(node.op, node.inputs, node.outputs, name=str(i), **_attributes(node))
        for i, node in enumerate(graph.nodes)
    ]
    inputs = [_value_info(graph, name, graph.shapes[name]) for name in graph.inputs]
    outputs = [_value_info(graph, name, graph.shapes.get(name)) for name in graph.outputs]
    constants = [numpy_helper.from_array(data, name) for name, data in graph.constants.items()]
    proto = helper.make_graph(nodes, "graph", inputs, outputs, constants)
    opsets = [helper.make_opsetid("", graph.opset)]
    return helper.make_model(proto, opset_imports=opsets, ir_version=max(ir_version, 4))


def _value_info(graph: Graph, name: str, shape: tuple[int, ...] | None) -> Any:
    dtype = helper.np_dtype_to_tensor_dtype(np.dtype(graph.dtypes[name]))
    return helper.make_tensor_value_info(name, dtype, shape)


def _attributes(node: Node) -> dict[str, Any]:
    return {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
    }
