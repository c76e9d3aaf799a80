# SPDX-License-Identifier: Apache-2.0
"""A .tflite file, read and checked before TVM sees it.

A file is untrusted: TVM's front end asserts, or crashes the process, on what its own exporter
would not write. Everything that the rest relies on is checked here, in terms of the file:
indices, shapes, sizes of constants, quantization and the options of operators.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import tflite

from west_utvm.errors import UtvmError
from west_utvm.importer.model import TensorInfo
from west_utvm.importer.tflite_options import OPTIONS, check_options
from west_utvm.importer.tflite_shapes import Integers, constant_of, shape_of

MAX_ELEMENTS = (1 << 31) - 1
MAX_RANK = 8
# Enough for any microcontroller; more is made to exhaust us.
MAX_TENSORS = 20_000

_DAMAGED = "the file is damaged, or was written by a newer converter"
_INT8 = "convert the model again with full-integer int8 quantization, inputs and outputs too"
_DTYPES = {
    value: name.lower() for name, value in vars(tflite.TensorType).items() if type(value) is int
}
_OPERATORS = {
    value: name for name, value in vars(tflite.BuiltinOperator).items() if type(value) is int
}


@dataclass(frozen=True)
class FileTensor:
    """``data`` is what the file holds for a constant, else None. ``halved`` tensors are constants
    that the file holds in float16: an operator of their own makes float32 of them."""

    info: TensorInfo
    data: bytes | None
    halved: bool = False

    @property
    def is_constant(self) -> bool:
        return self.halved or self.data is not None


@dataclass(frozen=True)
class FileOperator:
    """``inputs`` and ``outputs`` are numbers of tensors, -1 for an input that is left out."""

    number: int
    code: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any]

    @property
    def source(self) -> str:
        return f"operator {self.number} ({self.code})"


@dataclass(frozen=True)
class File:
    """``model`` is the flatbuffer itself, for TVM."""

    model: Any
    tensors: tuple[FileTensor, ...]
    operators: tuple[FileOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_file(path: Path, data: bytes) -> File:
    """Read and check a model; UtvmError names the file and the operator or tensor at fault."""
    try:
        model = tflite.Model.GetRootAsModel(data, 0)
        return _read(path, model)
    except UtvmError:
        raise
    except Exception as error:  # flatbuffers raises struct.error, IndexError, ValueError, ...
        what = f"is no whole TFLite model ({type(error).__name__})"
        raise UtvmError(what, where=path, hint=_DAMAGED) from None


def _read(path: Path, model: Any) -> File:
    count = model.SubgraphsLength()
    if count != 1:
        what = f"has {count} subgraphs, and one is supported"
        raise UtvmError(what, where=path, hint="export it without control flow")
    graph = model.Subgraphs(0)
    if not 0 < graph.TensorsLength() <= MAX_TENSORS:
        raise UtvmError(f"has {graph.TensorsLength()} tensors", where=path, hint=_DAMAGED)
    if not 0 < graph.OperatorsLength() <= MAX_TENSORS:
        raise UtvmError(f"has {graph.OperatorsLength()} operators", where=path, hint=_DAMAGED)
    tensors = tuple(_tensor(path, model, graph, i) for i in range(graph.TensorsLength()))
    tensors = _with_halves(model, graph, tensors)
    tensors, operators = _operators(path, model, graph, tensors)
    inputs = _indices(path, graph.InputsAsNumpy(), tensors)
    outputs = _indices(path, graph.OutputsAsNumpy(), tensors)
    _check_order(path, tensors, operators, inputs, outputs)
    _check_ports(path, tensors, inputs, outputs)
    for index in inputs:
        _check_fixed(f"{path}: input '{tensors[index].info.name}'", graph.Tensors(index))
    return File(model, tensors, operators, inputs, outputs)


def _with_halves(model: Any, graph: Any, tensors: tuple[FileTensor, ...]) -> tuple[FileTensor, ...]:
    """The tensors, those known that come from constants of float16."""
    halved = set()
    for i in range(graph.OperatorsLength()):
        given = graph.Operators(i)
        if _code(model, given) == "DEQUANTIZE" and given.InputsLength() == 1:
            source = given.Inputs(0)
            if 0 <= source < len(tensors) and tensors[source].info.dtype == "float16":
                halved |= {given.Outputs(0)} if tensors[source].data is not None else set()
    return tuple(replace(one, halved=i in halved) for i, one in enumerate(tensors))


def _tensor(path: Path, model: Any, graph: Any, index: int) -> FileTensor:
    tensor = graph.Tensors(index)
    name = (tensor.Name() or b"").decode("utf-8", errors="replace") or f"tensor_{index}"
    where = f"{path}: tensor {index} '{name}'"
    shape = tuple(int(dim) for dim in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    dtype = _DTYPES.get(tensor.Type(), f"type {tensor.Type()}")
    data = _constant(model, tensor)
    if len(shape) > MAX_RANK or any(dim < 0 for dim in shape) or math.prod(shape) > MAX_ELEMENTS:
        shown = "x".join(map(str, shape[:MAX_RANK]))
        raise UtvmError(f"has the unsupported shape {shown}", where=where, hint=_DAMAGED)
    if data is not None:
        _check_data(where, shape, dtype, data)
    scales, zero_point = _quantization(where, tensor.Quantization(), dtype)
    return FileTensor(TensorInfo(name, shape, dtype, scales, zero_point), data)


def _constant(model: Any, tensor: Any) -> bytes | None:
    if not 0 <= tensor.Buffer() < model.BuffersLength():
        raise IndexError(tensor.Buffer())
    buffer = model.Buffers(tensor.Buffer())
    if buffer.Offset() or buffer.Size():
        raise UtvmError(
            "keeps weights outside the flatbuffer, which is not supported",
            hint="convert it to a file smaller than 2 GB",
        )
    return buffer.DataAsNumpy().tobytes() if buffer.DataLength() else None


def _check_data(where: str, shape: Sequence[int], dtype: str, data: bytes) -> None:
    if dtype not in ("int8", "int32", "float32", "int64", "uint8", "int16", "float16"):
        return
    expected = math.prod(shape) * np.dtype(dtype).itemsize
    if len(data) != expected:
        what = f"holds {len(data)} bytes where its shape takes {expected}"
        raise UtvmError(what, where=where, hint=_DAMAGED)


def _quantization(where: str, given: Any, dtype: str) -> tuple[tuple[float, ...], int]:
    """Scales and zero point. Those of a constant's channels are zero, as TFLite's quantization
    specification has it."""
    if given is None or not given.ScaleLength() or dtype not in ("int8", "int32"):
        return (), 0
    scales = tuple(float(scale) for scale in given.ScaleAsNumpy())
    points = [int(p) for p in given.ZeroPointAsNumpy()] if given.ZeroPointLength() else []
    # Zero stands for no quantization in what some exporters write.
    if scales == (0.0,):
        return (), 0
    if len(points) not in (1, len(scales)) or not all(0 < s < math.inf for s in scales):
        raise UtvmError("has no valid quantization", where=where, hint=_DAMAGED)
    if len(scales) > 1 and any(points):
        what = "is quantized by channel with a zero point, which is not supported"
        raise UtvmError(what, where=where, hint=_INT8)
    if not -128 <= points[0] <= 127:
        raise UtvmError(f"has the zero point {points[0]}", where=where, hint=_DAMAGED)
    return scales, points[0]


def _operators(
    path: Path, model: Any, graph: Any, given: Sequence[FileTensor]
) -> tuple[tuple[FileTensor, ...], tuple[FileOperator, ...]]:
    """Operators that compute on data, and tensors with what follows from shapes alone."""
    tensors, operators = list(given), []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = _code(model, operator)
        inputs = _indices(path, operator.InputsAsNumpy(), tensors, optional=True)
        outputs = _indices(path, operator.OutputsAsNumpy(), tensors)
        if inputs and inputs[0] >= 0 and len(outputs) == 1:
            read = [tensors[i] if i >= 0 else None for i in inputs]
            before = tensors[outputs[0]]
            tensors[outputs[0]] = _from_shapes(code, operator, read, before)
            if tensors[outputs[0]].data is not before.data:
                continue
        made = _operator(path, model, graph, number, tensors)
        if code == "TRANSPOSE_CONV" and given[inputs[0]].data is None:
            made.options["computed_shape"] = True
        operators.append(made)
    return tuple(tensors), tuple(operators)


def _from_shapes(
    code: str, operator: Any, inputs: Sequence[FileTensor | None], output: FileTensor
) -> FileTensor:
    """The output with its value, if it is a shape, or with a shape that the file leaves open."""
    constants = [_integers(tensor) for tensor in inputs]
    shapes = [() if tensor is None else tensor.info.shape for tensor in inputs]
    if output.info.dtype == "int32" and output.data is None:
        value = constant_of(code, operator, shapes[0], constants)
        known = value is not None and value.shape == output.info.shape
        return replace(output, data=value.tobytes()) if known and value is not None else output
    shape = shape_of(code, shapes, output.info.shape, constants)
    return replace(output, info=replace(output.info, shape=shape))


def _integers(tensor: FileTensor | None) -> Integers | None:
    if tensor is None or tensor.data is None or tensor.info.dtype != "int32":
        return None
    return np.frombuffer(tensor.data, np.int32).reshape(tensor.info.shape)


def _operator(
    path: Path, model: Any, graph: Any, number: int, tensors: Sequence[FileTensor]
) -> FileOperator:
    given = graph.Operators(number)
    code = _code(model, given)
    inputs = _indices(path, given.InputsAsNumpy(), tensors, optional=True)
    outputs = _indices(path, given.OutputsAsNumpy(), tensors)
    name = tensors[outputs[0]].info.name if outputs else ""
    where = f"{path}: operator {number} ({code}), '{name}'"
    if code not in OPTIONS or not inputs or not outputs:
        hint = "replace it in the model, or compute it in the application"
        raise UtvmError("is not supported", where=where, hint=hint)
    operator = FileOperator(number, code, inputs, outputs, check_options(code, given, where))
    _check_dtypes(where, operator, tensors)
    if code in _CHECKS:
        _CHECKS[code](where, operator, tensors)
    return operator


def _code(model: Any, operator: Any) -> str:
    """The operator's name. Codes up to 127 may be in either of two fields: the larger counts.
    ``BuiltinCode()`` of the package hides the one from us where both have such a code."""
    if not 0 <= operator.OpcodeIndex() < model.OperatorCodesLength():
        raise IndexError(operator.OpcodeIndex())
    given = model.OperatorCodes(operator.OpcodeIndex())
    table = given._tab
    field = table.Offset(10)  # builtin_code, the fourth field of OperatorCode
    newer = table.Get(flatbuffers.number_types.Int32Flags, table.Pos + field) if field else 0
    code = max(newer, given.DeprecatedBuiltinCode())
    if code == tflite.BuiltinOperator.CUSTOM:
        return (given.CustomCode() or b"custom").decode("utf-8", errors="replace")
    return str(_OPERATORS.get(code, f"code {code}"))


def _indices(
    path: Path, given: Any, tensors: Sequence[FileTensor], *, optional: bool = False
) -> tuple[int, ...]:
    # flatbuffers gives 0 in place of an array that is absent.
    indices = tuple(int(i) for i in given) if isinstance(given, np.ndarray) else ()
    low = -1 if optional else 0
    for index in indices:
        if not low <= index < len(tensors):
            raise UtvmError(f"refers to tensor {index}", where=path, hint=_DAMAGED)
    return indices


def _check_order(
    path: Path,
    tensors: Sequence[FileTensor],
    operators: Sequence[FileOperator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> None:
    """Every tensor is an input, a constant or the result of one earlier operator."""
    known = set(inputs) | {i for i, tensor in enumerate(tensors) if tensor.data is not None}
    for operator in operators:
        for index in operator.inputs:
            if index >= 0 and index not in known:
                _never(path, tensors[index].info.name)
        for index in operator.outputs:
            if index in known:
                what = f"computes '{tensors[index].info.name}' twice"
                raise UtvmError(what, where=f"{path}: {operator.source}", hint=_DAMAGED)
            known.add(index)
    for index in outputs:
        if index not in known:
            _never(path, tensors[index].info.name)


def _never(path: Path, name: str) -> None:
    what = f"tensor '{name}' is used and never computed"
    raise UtvmError(what, where=path, hint=_DAMAGED)


def _check_ports(
    path: Path, tensors: Sequence[FileTensor], inputs: Sequence[int], outputs: Sequence[int]
) -> None:
    for kind, indices in (("input", inputs), ("output", outputs)):
        if not 0 < len(indices) < 256 or len(set(indices)) != len(indices):
            what = f"has {len(indices)} {kind}s, some of them twice or too many"
            raise UtvmError(what, where=path, hint="export a model with 1 to 255 different ones")
        for index in indices:
            info, data = tensors[index].info, tensors[index].data
            where = f"{path}: {kind} '{info.name}'"
            if info.dtype not in ("int8", "float32"):
                what = f"is {info.dtype} and neither int8 nor float32"
                raise UtvmError(what, where=where, hint=_INT8)
            if not info.shape or 0 in info.shape:
                what = "has a shape that is not known before it runs"
                raise UtvmError(what, where=where, hint="export it with a fixed input shape")
            if data is not None or index in (inputs if kind == "output" else ()):
                what = "is a constant, or an input and an output at once"
                raise UtvmError(what, where=where, hint="export the model without it")


def _check_fixed(where: str, tensor: Any) -> None:
    """Only the first axis may be open, as Keras has it of the batch: it is what the shape says."""
    signature = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else ()
    if any(dim < 0 for dim in signature[1:]):
        what = "has a shape that is not known before it runs"
        raise UtvmError(what, where=where, hint="export it with a fixed input shape")


def _check_dtypes(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    """Operators compute on int8, or all of their tensors are float32; what is else is a constant
    that goes with one."""
    data = _DATA.get(operator.code, 0)
    if not _has(operator, data):
        raise UtvmError("has no input", where=where, hint=_DAMAGED)
    first = tensors[operator.inputs[data]].info
    weights = tensors[operator.inputs[1]].info if _has(operator, 1) else None
    if first.dtype == "float32" and weights is not None and weights.dtype == "int8":
        what = "is hybrid: its weights are int8 and its input is float32"
        raise UtvmError(what, where=where, hint=_INT8)
    infos = (first, *(tensors[i].info for i in operator.outputs))
    if first.dtype == "float16" and tensors[operator.outputs[0]].halved:
        return
    if all(info.dtype == "float32" for info in infos):
        _check_float(where, operator, tensors)
        infos = ()
    for info in infos:
        _check_known(where, info)
        if info.dtype == "float32" and info is _float_end(operator, tensors):
            continue
        if info.dtype != "int8":
            raise UtvmError(f"computes on {info.dtype} and not int8", where=where, hint=_INT8)
        if len(info.scales) != 1:
            what = (
                f"'{info.name}' has no quantization"
                if not info.scales
                else (f"'{info.name}' is quantized by channel")
            )
            raise UtvmError(what, where=where, hint=_INT8)


def _check_known(where: str, info: TensorInfo) -> None:
    if 0 in info.shape:
        what = f"'{info.name}' has a shape that is not known before it runs"
        raise UtvmError(what, where=where, hint="export it with a fixed input shape")


def _check_float(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    """Of an operator on float32: other inputs are that too, or constants such as axes."""
    for tensor in (tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0):
        info = tensor.info
        _check_known(where, info)
        if info.dtype != "float32" and (info.dtype != "int32" or tensor.data is None):
            what = f"is float32, and '{info.name}' is {info.dtype}"
            raise UtvmError(what, where=where, hint=_INT8)


# Which input an operator computes on, where it is not the first: that is an axis or a shape.
_DATA = {"SPLIT": 1, "TRANSPOSE_CONV": 2}


def _float_end(operator: FileOperator, tensors: Sequence[FileTensor]) -> TensorInfo | None:
    """The tensor of a conversion that may be float32."""
    ends = {"QUANTIZE": operator.inputs, "DEQUANTIZE": operator.outputs}
    return tensors[ends[operator.code][0]].info if operator.code in ends else None


def _has(operator: FileOperator, position: int) -> bool:
    return len(operator.inputs) > position and operator.inputs[position] >= 0


def _check_weights(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    """Convolutions and fully connected layers: ranks, and constants of the expected dtypes:
    float32 throughout, or int8 with a bias of int32."""
    rank, axis, depth = _WEIGHTS[operator.code]
    if not _has(operator, 1) or len(operator.inputs) > 3:
        raise UtvmError("has no weights", where=where, hint=_DAMAGED)
    weights = tensors[operator.inputs[1]]
    info = weights.info
    kind = tensors[operator.inputs[0]].info.dtype
    if not weights.is_constant or info.dtype != kind:
        what = f"has weights that are not constant {kind}"
        raise UtvmError(what, where=where, hint=_INT8)
    scaled = len(info.scales) if kind == "int8" else 1
    if len(info.shape) != rank or not scaled or info.zero_point or 0 in info.shape:
        what = "has weights of an unexpected shape or quantization"
        raise UtvmError(what, where=where, hint=_DAMAGED)
    if scaled not in (1, info.shape[axis]):
        raise UtvmError("has another number of scales than channels", where=where, hint=_DAMAGED)
    shape = tensors[operator.inputs[0]].info.shape
    if len(shape) != rank and rank == 4:
        raise UtvmError(f"has an input of rank {len(shape)}", where=where, hint=_DAMAGED)
    if not depth(shape, info.shape, operator.options):
        raise UtvmError("has weights that do not suit its input", where=where, hint=_DAMAGED)
    if _has(operator, 2):
        bias = tensors[operator.inputs[2]]
        expected = "int32" if kind == "int8" else kind
        if not bias.is_constant or bias.info.dtype != expected:
            what = f"has a bias that is not constant {expected}"
            raise UtvmError(what, where=where, hint=_INT8)
        if bias.info.shape != (info.shape[axis],):
            raise UtvmError("has a bias of an unexpected shape", where=where, hint=_DAMAGED)


def _conv_depth(shape: Sequence[int], weights: Sequence[int], options: dict[str, Any]) -> bool:
    return shape[3] % weights[3] == 0 and weights[0] % (shape[3] // weights[3]) == 0


def _depthwise_depth(shape: Sequence[int], weights: Sequence[int], options: dict[str, Any]) -> bool:
    return weights[0] == 1 and weights[3] == shape[3] * options["depth_multiplier"]


def _dense_depth(shape: Sequence[int], weights: Sequence[int], options: dict[str, Any]) -> bool:
    return bool(shape) and math.prod(shape) % weights[1] == 0


# Rank of the weights, their axis of output channels, and whether they suit the input's shape.
_WEIGHTS: dict[str, tuple[int, int, Callable[..., bool]]] = {
    "CONV_2D": (4, 0, _conv_depth),
    "DEPTHWISE_CONV_2D": (4, 3, _depthwise_depth),
    "FULLY_CONNECTED": (2, 0, _dense_depth),
}


def _check_rank_4(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    rank = len(tensors[operator.inputs[0]].info.shape)
    if rank != 4:
        raise UtvmError(f"has an input of rank {rank}", where=where, hint=_DAMAGED)


def _check_all_alike(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    kind = tensors[operator.inputs[0]].info.dtype
    for index in operator.inputs:
        if index < 0 or tensors[index].info.dtype != kind:
            raise UtvmError(f"has an input that is not {kind}", where=where, hint=_INT8)
        if kind == "int8" and len(tensors[index].info.scales) != 1:
            raise UtvmError("has an input with no quantization", where=where, hint=_INT8)


def _check_split(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    axis, data = tensors[operator.inputs[0]], tensors[operator.inputs[1]]
    if axis.data is None or axis.info.dtype != "int32" or len(axis.data) != 4:
        raise UtvmError("has an axis that is not an int32 constant", where=where, hint=_DAMAGED)
    rank = len(data.info.shape)
    if not -rank <= int.from_bytes(axis.data, "little", signed=True) < rank:
        raise UtvmError("has an axis that its input has not", where=where, hint=_DAMAGED)


def _check_quantized(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    """Inputs are quantized, or int32 constants such as a shape or a bias; so are float32 ones."""
    for index in operator.inputs:
        if index < 0:
            continue
        info, data = tensors[index].info, tensors[index].data
        if info.dtype == "int8" and info.scales:
            continue
        if info.dtype != "float32" and (info.dtype != "int32" or data is None):
            what = f"'{info.name}' is no constant, and neither int8 nor float32"
            raise UtvmError(what, where=where, hint="export it with fixed shapes")


def _check_one_input(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    if len(operator.inputs) != 1:
        raise UtvmError(f"has {len(operator.inputs)} inputs", where=where, hint=_DAMAGED)


def _check_constants(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    """Inputs after the first, such as a shape or axes, are int32 constants."""
    for index in operator.inputs[1:]:
        if index >= 0 and (tensors[index].data is None or tensors[index].info.dtype != "int32"):
            what = f"'{tensors[index].info.name}' is not an int32 constant"
            raise UtvmError(what, where=where, hint="export it with fixed shapes")


def _check_bilinear(where: str, operator: FileOperator, tensors: Sequence[FileTensor]) -> None:
    _check_rank_4(where, operator, tensors)
    _check_constants(where, operator, tensors)
    if operator.options["align_corners"] and operator.options["half_pixel_centers"]:
        what = "has align_corners and half_pixel_centers, of which there is to be one"
        raise UtvmError(what, where=where, hint="convert the model again with one of them")


_CHECKS: dict[str, Callable[[str, FileOperator, Sequence[FileTensor]], None]] = {
    **{code: _check_quantized for code, table in OPTIONS.items() if table is None},
    "DEQUANTIZE": _check_one_input,
    **dict.fromkeys(("DIV", "L2_NORMALIZATION", "TRANSPOSE_CONV"), _check_quantized),
    **dict.fromkeys(_WEIGHTS, _check_weights),
    **dict.fromkeys(("AVERAGE_POOL_2D", "MAX_POOL_2D"), _check_rank_4),
    **dict.fromkeys(("ADD", "SUB", "MUL", "CONCATENATION"), _check_all_alike),
    "RESIZE_BILINEAR": _check_bilinear,
    "SPLIT": _check_split,
    **dict.fromkeys(
        (
            "RESIZE_NEAREST_NEIGHBOR",
            "SLICE",
            "RESHAPE",
            "MEAN",
            "SUM",
            "PAD",
            "TRANSPOSE",
            "STRIDED_SLICE",
            "EXPAND_DIMS",
            "BATCH_TO_SPACE_ND",
            "BROADCAST_TO",
            "GATHER",
            "MIRROR_PAD",
            "REVERSE_V2",
            "SPACE_TO_BATCH_ND",
            "SPLIT_V",
            "TILE",
        ),
        _check_constants,
    ),
}
