# SPDX-License-Identifier: Apache-2.0
"""ONNX -> Relax, by ``tvm.relax.frontend.onnx``."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tvm import relax
from tvm.relax.frontend.onnx.onnx_frontend import ONNXGraphImporter, onnx_input

from west_utvm.errors import UtvmError
from west_utvm.importer.model import Imported, Origin, TensorInfo
from west_utvm.importer.onnx_dense import dense_layers, quantize_biases
from west_utvm.importer.onnx_file import read_graph
from west_utvm.importer.onnx_fold import fold_dequantized
from west_utvm.importer.onnx_graph import DEQUANTIZE, QUANTIZE, Graph, Node, Quant, ordered
from west_utvm.importer.onnx_int8 import SHIFT, to_int8
from west_utvm.importer.onnx_layout import channels_last
from west_utvm.importer.onnx_moves import move_to_int8
from west_utvm.importer.onnx_regions import Regions, find_regions, quantizations
from west_utvm.importer.onnx_tables import tabulate


def import_onnx(path: Path, data: bytes) -> Imported:
    """Read the model ``data`` of the file at ``path``; UtvmError says what is not supported."""
    graph = read_graph(path, data)
    try:
        _rewrite(graph)
        regions = find_regions(graph)
        fold_dequantized(graph, regions.weights)
        ordered(graph)
    except UtvmError:
        raise
    except Exception as error:  # what the checks of onnx let pass
        what = f"is no whole ONNX model ({type(error).__name__})"
        raise UtvmError(what, where=path, hint="the file is damaged") from None
    importer = _Importer(graph, regions)
    module = importer.build()
    return Imported(
        module=module,
        inputs=tuple(importer.info(name) for name in graph.inputs),
        outputs=tuple(importer.info(name) for name in graph.outputs),
        origins=importer.origins,
        notes=tuple(graph.notes),
    )


def _rewrite(graph: Graph) -> None:
    to_int8(graph)
    dense_layers(graph)
    channels_last(graph)
    move_to_int8(graph)
    tabulate(graph)
    quantize_biases(graph)
    ordered(graph)
    for node in graph.nodes:
        if node.op in (QUANTIZE, DEQUANTIZE):
            _spell_out(graph, node)


def _spell_out(graph: Graph, node: Node) -> None:
    """Every quantization has one zero point, and says it."""
    quant = graph.quant(node)
    if quant.zero_point.ndim and (quant.zero_point != quant.zero).any():
        raise graph.refuse(node, "has zero points by channel", "quantize weights symmetrically")
    dtype = quant.zero_point.dtype
    scale = graph.constant(f"{node.outputs[0]}:scale", quant.scale)
    zero = graph.constant(f"{node.outputs[0]}:zero_point", np.array(quant.zero, dtype))
    node.inputs = [node.inputs[0], scale, zero]


class _Importer(ONNXGraphImporter):  # type: ignore[misc]
    """TVM's importer, on our nodes, with results in variables that their origin is known of.

    Variables are called by numbers: a file may give any names.
    """

    def __init__(self, graph: Graph, regions: Regions) -> None:
        super().__init__({}, {}, sanitize=False)
        self.given = graph
        self.regions = regions
        self.quants: Mapping[str, Quant] = quantizations(graph)
        self.origins: dict[str, Origin] = {}
        self.opset = graph.opset

    def build(self) -> Any:
        for name in self.given.inputs:
            variable = f"in{len(self._inputs)}"
            shape, dtype = self.given.shapes[name], self.given.dtypes[name]
            self._nodes[name] = self._inputs[name] = self._new_var(variable, shape, dtype)
        for name, data in self.given.constants.items():
            self._nodes[name] = relax.const(data)
        with self.bb.function("main", params=list(self._inputs.values())):
            with self.bb.dataflow():
                for node in self.given.nodes:
                    self._convert(node)
                results = [self._nodes[name] for name in self.given.outputs]
                output = self.bb.emit_output(
                    results[0] if len(results) == 1 else relax.Tuple(results)
                )
            self.bb.emit_func_output(output)
        return self.bb.get()

    def _convert(self, node: Node) -> None:
        inputs = onnx_input([self._nodes[name] if name else None for name in node.inputs])
        try:
            result = self._expression(node, inputs)
            results = self._results(node, result)
        except Exception as error:  # assertions, TVM's own errors, ...
            lines = str(error).strip().splitlines() or [type(error).__name__]
            what = f"is refused by TVM's front end ({lines[-1][:200]})"
            raise self.given.refuse(node, what) from None
        for name, expression in zip(node.outputs, results, strict=False):
            if name:
                self._keep(node, name, expression)

    def _expression(self, node: Node, inputs: Any) -> Any:
        own = _OWN.get(node.op)
        if own is not None:
            return self.bb.normalize(own(node, inputs))
        attributes = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in node.attributes.items()
        }
        attributes["tvm_custom"] = {"name": node.name, "num_outputs": len(node.outputs)}
        said = io.StringIO()
        with contextlib.redirect_stdout(said), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._convert_operator(node.op, inputs, attributes, self.opset)

    def _results(self, node: Node, result: Any) -> list[Any]:
        if isinstance(result, relax.Tuple):
            return list(result.fields)
        if isinstance(result.ty, relax.TupleType):
            fields = self.bb.emit(result)
            return [self.bb.normalize(fields[i]) for i in range(len(node.outputs))]
        return [result]

    def _keep(self, node: Node, name: str, expression: Any) -> None:
        shape = self.given.shapes[name]
        if tuple(int(dim) for dim in expression.ty.shape) != shape:
            what = f"has the shape {expression.ty.shape} in TVM and {shape} in ONNX"
            raise self.given.refuse(node, what)
        variable = self.bb.emit(expression, f"t{len(self._nodes)}")
        self._nodes[name] = variable
        if name in self.regions.inside:
            return
        origin = self.regions.origin(node)
        options: dict[str, Any] = {}
        if name in self.given.shifted:
            options["offset"] = SHIFT
        for option in ("rows", "columns"):
            if option in node.attributes:
                options[option] = node.attributes[option]
        self.origins[variable.name] = Origin(origin.number, origin.source, self.info(name), options)

    def info(self, name: str) -> TensorInfo:
        quant = self.quants.get(name)
        shape, dtype = self.given.shapes[name], self.given.dtypes[name]
        title = self.given.titles.get(name, name)
        if quant is None:
            return TensorInfo(title, shape, dtype)
        return TensorInfo(title, shape, dtype, quant.scales, quant.zero)


def _quantize(node: Node, inputs: Any) -> Any:
    zero = inputs[2]
    return relax.op.quantize(inputs[0], inputs[1], zero, axis=-1, out_dtype=str(zero.ty.dtype))


def _dequantize(node: Node, inputs: Any) -> Any:
    rank = len(inputs[0].ty.shape)
    axis = int(node.attributes.get("axis", 1)) % max(rank, 1)
    axis = axis if len(inputs[1].ty.shape) else 0
    data = inputs[0]
    if node.attributes.get("transposed"):
        data, axis = relax.op.permute_dims(data, (1, 0)), 1 - axis
    return relax.op.dequantize(data, inputs[1], inputs[2], axis=axis, out_dtype="float32")


def _conv(node: Node, inputs: Any) -> Any:
    at = node.attributes
    result = relax.op.nn.conv2d(
        inputs[0],
        inputs[1],
        strides=at["strides"],
        padding=at["pads"],
        dilation=at["dilations"],
        groups=at["group"],
        data_layout="NHWC",
        kernel_layout="HWOI" if at["depthwise"] else "HWIO",
    )
    return result if inputs[2] is None else relax.op.add(result, inputs[2])


def _pool(operator: Callable[..., Any]) -> Callable[[Node, Any], Any]:
    def convert(node: Node, inputs: Any) -> Any:
        at = node.attributes
        return operator(
            inputs[0],
            pool_size=at["kernel_shape"],
            strides=at["strides"],
            padding=at["pads"],
            ceil_mode=bool(at["ceil_mode"]),
            layout="NHWC",
        )

    return convert


def _dense(node: Node, inputs: Any) -> Any:
    """Weights OI; those that are quantized are transposed before their dequantize."""
    weights = inputs[1]
    if not isinstance(weights, relax.Var):
        weights = relax.op.permute_dims(weights, (1, 0))
    result = relax.op.matmul(inputs[0], weights)
    return result if inputs[2] is None else relax.op.add(result, inputs[2])


def _clip(node: Node, inputs: Any) -> Any:
    low, high = (
        default if given is None else float(given.value.numpy())
        for given, default in (
            (inputs[1], -3.4028234663852886e38),
            (inputs[2], 3.4028234663852886e38),
        )
    )
    return relax.op.clip(inputs[0], low, high)


def _hard_swish(node: Node, inputs: Any) -> Any:
    gate = relax.op.clip(relax.op.add(inputs[0], relax.const(3.0, "float32")), 0.0, 6.0)
    product = relax.op.multiply(inputs[0], gate)
    return relax.op.divide(product, relax.const(6.0, "float32"))


def _pad(node: Node, inputs: Any) -> Any:
    widths = [
        w
        for pair in zip(node.attributes["before"], node.attributes["after"], strict=True)
        for w in pair
    ]
    return relax.op.nn.pad(inputs[0], widths, pad_value=node.attributes["value"])


def _resize(node: Node, inputs: Any) -> Any:
    size = (len(node.attributes["rows"]), len(node.attributes["columns"]))
    return relax.op.image.resize2d(inputs[0], size=size, layout="NHWC", method="nearest_neighbor")


def _batch_norm(node: Node, inputs: Any) -> Any:
    """A factor and a summand for each channel."""
    gain, offset, mean, variance = (given.value.numpy() for given in inputs[1:5])
    factor = gain / np.sqrt(variance + np.float32(node.attributes.get("epsilon", 1e-5)))
    shape = (-1, *[1] * (len(inputs[0].ty.shape) - 2))
    factors, summands = (
        relax.const(figures.reshape(shape).astype(np.float32))
        for figures in (factor, offset - mean * factor)
    )
    return relax.op.add(relax.op.multiply(inputs[0], factors), summands)


def _table(node: Node, inputs: Any) -> Any:
    place = relax.op.add(relax.op.astype(inputs[0], "int32"), relax.const(128, "int32"))
    return relax.op.take(relax.const(np.array(node.attributes["table"], np.int8)), place, axis=0)


_OWN: Mapping[str, Callable[[Node, Any], Any]] = {
    QUANTIZE: _quantize,
    DEQUANTIZE: _dequantize,
    "AveragePoolLast": _pool(relax.op.nn.avg_pool2d),
    "BatchNormalization": _batch_norm,
    "Clip": _clip,
    "ConvLast": _conv,
    "Dense": _dense,
    "HardSwish": _hard_swish,
    "MaxPoolLast": _pool(relax.op.nn.max_pool2d),
    "PadConstant": _pad,
    "ResizeLast": _resize,
    "Table": _table,
}
