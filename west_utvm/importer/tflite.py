# SPDX-License-Identifier: Apache-2.0
"""TFLite -> Relax, by ``tvm.relax.frontend.tflite``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from tvm import relax
from tvm.relax.frontend.tflite import from_tflite
from tvm.relax.frontend.tflite.tflite_frontend import OperatorConverter

from west_utvm.errors import UtvmError
from west_utvm.importer.blocks import batch_to_space, space_to_batch
from west_utvm.importer.gather import backwards, gather, mirrored
from west_utvm.importer.model import Imported, Origin, TensorInfo
from west_utvm.importer.tflite_file import File, FileOperator, read_file
from west_utvm.importer.tflite_options import MARKS, option

# Operators that only move bytes, and so need no dequantize around them. TVM's front end refuses
# them on quantized tensors to be safe for itself; the lowering takes them as they are.
_MOVES = frozenset(
    """
    BATCH_TO_SPACE_ND BROADCAST_TO DEPTH_TO_SPACE EXPAND_DIMS GATHER MIRROR_PAD PACK PAD PADV2
    RESIZE_NEAREST_NEIGHBOR REVERSE_V2 SHAPE SLICE SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V
    SQUEEZE STRIDED_SLICE TILE TRANSPOSE UNPACK
    """.split()
)

# Operators that it takes on float32 only: for those, what is quantized is dequantized before and
# quantized again after.
_REAL = frozenset(
    """
    BATCH_MATMUL ELU GELU L2_NORMALIZATION PRELU SIGN SQUARE
    """.split()
)


def import_tflite(path: Path, data: bytes) -> Imported:
    """Read the model ``data`` of the file at ``path``; UtvmError says what is not supported."""
    file = read_file(path, data)
    origins: dict[str, Origin] = {}

    def converter(*args: Any) -> _Converter:
        return _Converter(file, origins, path, *args)

    try:
        module = from_tflite(_Renamed(file), op_converter=converter)
    except UtvmError:
        raise
    except Exception as error:  # as below, but for the model as a whole
        raise _refusal(error, path) from None
    return Imported(
        module=module,
        inputs=tuple(file.tensors[i].info for i in file.inputs),
        outputs=tuple(file.tensors[i].info for i in file.outputs),
        origins=origins,
    )


def _refusal(error: Exception, where: object) -> UtvmError:
    reason = str(error).strip().splitlines() or [type(error).__name__]
    return UtvmError(f"is refused by TVM's front end ({reason[-1][:200]})", where=where)


class _Converter(OperatorConverter):  # type: ignore[misc]
    """TVM's converter, with each operator's result in a variable that its origin is known of."""

    _SUPPORTED_QUANTIZED_OPS = OperatorConverter._SUPPORTED_QUANTIZED_OPS | _MOVES | _REAL

    def __init__(self, file: File, origins: dict[str, Origin], path: Path, *args: Any) -> None:
        super().__init__(*args)
        self.file = file
        self.origins = origins
        self.path = path
        # Whether the operator at hand is to see float32 alone, and what the lowering is told of it.
        self.real = False
        self.marks: dict[str, Any] = {}

    def convert_op_to_relax(self) -> None:
        for operator in self.file.operators:
            name = self.file.tensors[operator.outputs[0]].info.name
            where = f"{self.path}: {operator.source}, '{name}'"
            given = self.subgraph.Operators(operator.number)
            self.real = operator.code in _REAL
            self.marks = {}
            try:
                result = self.bb.normalize(self.convert_map[operator.code](op=given))
            except Exception as error:  # assertions, OpNotImplemented, TVM's own errors, ...
                raise _refusal(error, where) from None
            self._keep_all(operator, result)
            self.real = False

    def _keep_all(self, operator: FileOperator, result: Any) -> None:
        if len(operator.outputs) == 1:
            self._keep(operator, operator.outputs[0], result)
            return
        fields = self.bb.emit(result)
        for position, index in enumerate(operator.outputs):
            self._keep(operator, index, self.bb.normalize(fields[position]))

    def _keep(self, operator: FileOperator, index: int, result: Any) -> None:
        info = self.file.tensors[index].info
        if self.real and info.scales:
            figures = (relax.const(value) for value in _quantization(info))
            result = relax.op.quantize(self.bb.normalize(result), *figures, axis=0)
            result = self.bb.normalize(result)
        given = tuple(int(dim) for dim in result.ty.shape)
        # The file's shape is the one that counts: TVM keeps dimensions that TFLite drops.
        if given != info.shape and math.prod(given) == math.prod(info.shape):
            result = relax.op.reshape(result, info.shape)
        variable = self.bb.emit(result, _variable(index))
        options = MARKS.get(operator.code, {}) | self.marks | operator.options
        self.origins[variable.name] = Origin(operator.number, operator.source, info, options)
        self.exp_tab.set_expr(_variable(index), variable)

    def get_expr(self, input_tensor_idx: int) -> Any:
        expression = super().get_expr(input_tensor_idx)
        return self._real(expression, input_tensor_idx)

    def get_tensor_expr(self, tensor: Any, is_sparse: bool = False) -> Any:
        if self.has_expr(tensor.tensor_idx):
            return self.get_expr(tensor.tensor_idx)
        real, self.real = self.real, False
        expression = super().get_tensor_expr(tensor, is_sparse)
        self.real = real
        return self._real(expression, tensor.tensor_idx)

    def get_tensor_value(self, tensor: Any, is_sparse: bool = False) -> Any:
        """With what was computed from shapes."""
        found = self.file.tensors[tensor.tensor_idx]
        if found.data is None or tensor.buffer.DataLength():
            return super().get_tensor_value(tensor, is_sparse)
        return np.frombuffer(found.data, found.info.dtype).reshape(found.info.shape)

    def convert_expand_dims(self, op: Any) -> Any:
        """TVM's own passes ``expand_dims`` an argument that it has not."""
        source, _ = self.get_input_tensors(op)
        [output] = self.get_output_tensors(op)
        if source.qnn_params and not self.has_same_qnn_params(source, output):
            raise ValueError("input and output have different quantizations")
        shape = self.file.tensors[output.tensor_idx].info.shape
        return relax.op.reshape(self.get_tensor_expr(source), shape)

    def convert_space_to_batch_nd(self, op: Any) -> Any:
        source, block, padding = self.get_input_tensors(op)
        # TFLite pads with the zero point of the output (reference/space_to_batch_nd.h); its
        # version for microcontrollers otherwise, which the lowering sees to.
        zero = self.file.tensors[source.tensor_idx].info.zero_point
        return space_to_batch(
            self.get_tensor_expr(source),
            _integers(self.get_tensor_value(block)),
            self.get_tensor_value(padding).tolist(),
            zero,
        )

    def convert_batch_to_space_nd(self, op: Any) -> Any:
        source, block, crops = self.get_input_tensors(op)
        return batch_to_space(
            self.get_tensor_expr(source),
            _integers(self.get_tensor_value(block)),
            self.get_tensor_value(crops).tolist(),
        )

    def convert_gelu(self, op: Any) -> Any:
        """TVM's own does not look at the option ``approximate``."""
        if not option(op, "GeluOptions", "Approximate"):
            return super().convert_gelu(op)
        self.marks = {"function": "gelu_tanh"}
        [source] = self.get_input_tensors(op)
        return relax.op.nn.gelu_tanh(self.get_expr(source.tensor_idx))

    def convert_batch_matmul(self, op: Any) -> Any:
        """TVM's own takes no constants, and no batches that are broadcast."""
        adjoints = [bool(option(op, "BatchMatMulOptions", name)) for name in ("AdjX", "AdjY")]
        self.marks = {"function": "batch_matmul", "adjoints": tuple(adjoints)}
        factors = []
        for tensor, turned in zip(self.get_input_tensors(op), adjoints, strict=True):
            factor = self.get_tensor_expr(tensor)
            *axes, row, column = range(len(self._shape(tensor)))
            order = [*axes, column, row]
            factors.append(
                self.bb.normalize(relax.op.permute_dims(factor, order)) if turned else factor
            )
        return relax.op.matmul(*factors)

    def convert_tile(self, op: Any) -> Any:
        """Along one axis, as upsampling is written, a concatenation."""
        source, multiples = self.get_input_tensors(op)
        counts = _integers(self.get_tensor_value(multiples))
        axes = [axis for axis, count in enumerate(counts) if count != 1]
        if len(axes) != 1 or counts[axes[0]] < 1:
            return super().convert_tile(op) if self._float(source) else self._tiled(source, counts)
        parts = [self.get_tensor_expr(source)] * counts[axes[0]]
        return relax.op.concat(relax.Tuple(parts), axes[0])

    def _tiled(self, source: Any, counts: list[int]) -> Any:
        sizes = self._shape(source)
        places = [list(range(size)) * count for size, count in zip(sizes, counts, strict=True)]
        return gather(self.get_tensor_expr(source), dict(enumerate(places)))

    def convert_broadcast_to(self, op: Any) -> Any:
        source, shape = self.get_input_tensors(op)
        if self._float(source):
            return super().convert_broadcast_to(op)
        wanted = _integers(self.get_tensor_value(shape))
        sizes = (1,) * (len(wanted) - len(self._shape(source))) + self._shape(source)
        zeros = {
            axis: [0] * count
            for axis, (size, count) in enumerate(zip(sizes, wanted, strict=True))
            if size != count
        }
        whole = self.bb.normalize(relax.op.reshape(self.get_tensor_expr(source), sizes))
        return gather(whole, zeros)

    def convert_mirror_pad(self, op: Any) -> Any:
        """TVM's own does not know of ``SYMMETRIC``, which repeats the border."""
        source, padding = self.get_input_tensors(op)
        again = option(op, "MirrorPadOptions", "Mode") == tflite.MirrorPadMode.SYMMETRIC
        pairs = self.get_tensor_value(padding).tolist()
        places = {
            axis: mirrored(size, before, after, again)
            for axis, (size, (before, after)) in enumerate(
                zip(self._shape(source), pairs, strict=True)
            )
        }
        return gather(self.get_tensor_expr(source), places)

    def convert_gather(self, op: Any) -> Any:
        source, indices = self.get_input_tensors(op)
        if option(op, "GatherOptions", "BatchDims"):
            raise ValueError("batch_dims are not supported")
        axis = (option(op, "GatherOptions", "Axis") or 0) % len(self._shape(source))
        places = _integers(self.get_tensor_value(indices).reshape(-1))
        return gather(self.get_tensor_expr(source), {axis: places})

    def convert_reverse_v2(self, op: Any) -> Any:
        """TVM's own takes one axis, and gives no integer form."""
        source, axes = self.get_input_tensors(op)
        return backwards(
            self.get_tensor_expr(source), _integers(self.get_tensor_value(axes).reshape(-1))
        )

    def convert_unpack(self, op: Any) -> Any:
        """A split; each part gets its shape where it is kept."""
        [source] = self.get_input_tensors(op)
        data, count = self.get_tensor_expr(source), option(op, "UnpackOptions", "Num")
        if count == 1:
            return data
        return relax.op.split(data, count, option(op, "UnpackOptions", "Axis"))

    def _shape(self, tensor: Any) -> tuple[int, ...]:
        info: TensorInfo = self.file.tensors[tensor.tensor_idx].info
        return info.shape

    def _float(self, tensor: Any) -> bool:
        return bool(self.file.tensors[tensor.tensor_idx].info.dtype == "float32")

    def get_tensor_type_str(self, tensor_type: int) -> str:
        """Constants beside a tensor are to be of this dtype."""
        real = self.real and tensor_type == tflite.TensorType.INT8
        return "float32" if real else str(super().get_tensor_type_str(tensor_type))

    def _real(self, expression: Any, index: int) -> Any:
        info = self.file.tensors[index].info
        if not self.real or info.dtype != "int8":
            return expression
        figures = (relax.const(value) for value in _quantization(info))
        return self.bb.normalize(relax.op.dequantize(expression, *figures, axis=0))

    def get_tensors(self, indices: Any) -> list[Any]:
        tensors: list[Any] = super().get_tensors(indices)
        for tensor in tensors:
            if self.real:
                tensor.qnn_params = None
            # A single scale has no axis; converters write whatever they have there.
            if tensor.qnn_params and tensor.qnn_params["scale"].value.numpy().ndim == 0:
                tensor.qnn_params["axis"] = 0
        return tensors

    def convert_qnn_fused_activation_function(
        self, expr: Any, fused_activation_fn: int, scale: Any, zero_point: Any, dtype: str
    ) -> Any:
        """Bounds as TFLite has them: float32 division, halves away from zero. TVM's are of
        double precision, with halves to even."""
        low, high = _ACTIVATIONS[fused_activation_fn]
        if low is None:
            return expr
        quantized = [
            None
            if bound is None
            else int(zero_point) + _round(np.float32(bound) / np.float32(scale))
            for bound in (low, high)
        ]
        least = max(-128, quantized[0] if quantized[0] is not None else -128)
        most = min(127, quantized[1] if quantized[1] is not None else 127)
        return relax.op.clip(expr, min=float(least), max=float(most))


_ACTIVATIONS: Mapping[int, tuple[float | None, float | None]] = {
    tflite.ActivationFunctionType.NONE: (None, None),
    tflite.ActivationFunctionType.RELU: (0.0, None),
    tflite.ActivationFunctionType.RELU6: (0.0, 6.0),
    tflite.ActivationFunctionType.RELU_N1_TO_1: (-1.0, 1.0),
}


def _round(value: np.float32) -> int:
    return int(np.floor(np.abs(value) + np.float32(0.5)) * np.sign(value))


def _quantization(info: TensorInfo) -> tuple[np.float32, np.int8]:
    """Scale and zero point of a tensor that has one of each."""
    [scale] = info.scales
    return np.float32(scale), np.int8(info.zero_point)


def _integers(values: Any) -> list[int]:
    return [int(value) for value in values]


def _variable(index: int) -> str:
    return f"t{index}"


class _Renamed(tflite.Model):  # type: ignore[misc]
    """The model with its tensors called by their numbers.

    TVM tells tensors apart by their names, and a file may give one name to several, or none.
    """

    def __init__(self, file: File) -> None:
        self._tab = file.model._tab
        self.file = file

    def Subgraphs(self, j: int) -> Any:  # noqa: N802
        return _RenamedGraph(super().Subgraphs(j), self.file)


class _RenamedGraph(tflite.SubGraph):  # type: ignore[misc]
    def __init__(self, graph: Any, file: File) -> None:
        self._tab = graph._tab
        self.file = file

    def Tensors(self, j: int) -> Any:  # noqa: N802
        return _RenamedTensor(super().Tensors(j), int(j), self.file.tensors[int(j)].info.shape)


class _RenamedTensor(tflite.Tensor):  # type: ignore[misc]
    """With the shape that it turned out to have."""

    def __init__(self, tensor: Any, index: int, shape: tuple[int, ...]) -> None:
        self._tab = tensor._tab
        self.index = index
        self.shape = shape

    def ShapeAsNumpy(self) -> Any:  # noqa: N802
        return np.array(self.shape, np.int32) if self.shape else super().ShapeAsNumpy()

    def ShapeLength(self) -> int:  # noqa: N802
        return len(self.shape)

    def Shape(self, j: int) -> int:  # noqa: N802
        return self.shape[j]

    def Name(self) -> bytes:  # noqa: N802
        return _variable(self.index).encode()
