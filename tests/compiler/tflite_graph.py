# SPDX-License-Identifier: Apache-2.0
"""Writes TFLite flatbuffers: tensors, operators and one subgraph, with nothing decided for you."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

__all__ = ["Array", "Code", "Graph", "Quant", "Ref", "schema"]

Array = NDArray[Any]
Code = schema.BuiltinOperator
TYPES = {
    "float16": schema.TensorType.FLOAT16,
    "float32": schema.TensorType.FLOAT32,
    "int32": schema.TensorType.INT32,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
    "int64": schema.TensorType.INT64,
}
# The version a converter writes for int8: run-times may refuse an older one.
VERSIONS = {Code.CONV_2D: 3, Code.DEPTHWISE_CONV_2D: 3, Code.FULLY_CONNECTED: 4}
VERSION_1 = {
    Code.CEIL, Code.ELU, Code.EXPAND_DIMS, Code.FLOOR, Code.HARD_SWISH, Code.NEG, Code.POW,
    Code.PRELU, Code.QUANTIZE, Code.RESHAPE, Code.ROUND, Code.SHAPE, Code.SQUARE, Code.SQUEEZE,
}  # fmt: skip


@dataclass(frozen=True)
class Quant:
    """real = scale * (q - zero); more than one scale: one for each index along ``axis``."""

    scale: float | tuple[float, ...]
    zero: int = 0
    axis: int = 0

    @property
    def scales(self) -> Array:
        return np.atleast_1d(np.asarray(self.scale, np.float32))

    def packed(self) -> Any:
        scales = self.scales
        zeros = np.full(len(scales), self.zero, np.int64)
        return schema.QuantizationParametersT(
            scale=scales, zeroPoint=zeros, quantizedDimension=self.axis
        )


@dataclass(frozen=True)
class Ref:
    """A tensor of the graph being built."""

    index: int
    shape: tuple[int, ...]
    quant: Quant | None


@dataclass
class Graph:
    """One subgraph; :meth:`finish` gives the file's bytes. The same calls give the same bytes."""

    seed: int = 0
    tensors: list[Any] = field(default_factory=list)
    operators: list[Any] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    _codes: list[int] = field(default_factory=list)
    # TFLite: buffer 0 is the empty one that tensors without data share.
    _buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)

    def tensor(
        self,
        shape: Sequence[int],
        quant: Quant | None,
        dtype: str = "int8",
        name: str | None = None,
        data: Array | None = None,
    ) -> Ref:
        buffer = 0
        if data is not None:
            buffer = len(self._buffers)
            raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self._buffers.append(schema.BufferT(data=raw))
        index = len(self.tensors)
        self.tensors.append(
            schema.TensorT(
                shape=np.asarray(shape, np.int32),
                type=TYPES[dtype],
                buffer=buffer,
                name=f"tensor_{index}" if name is None else name,
                quantization=quant.packed() if quant else None,
            )
        )
        return Ref(index, tuple(shape), quant)

    def input(
        self,
        shape: Sequence[int],
        quant: Quant | None,
        dtype: str = "int8",
        name: str | None = None,
    ) -> Ref:
        ref = self.tensor(shape, quant, dtype, name or f"input_{len(self.inputs)}")
        self.inputs.append(ref.index)
        return ref

    def constant(self, data: Array, quant: Quant | None = None) -> Ref:
        return self.tensor(data.shape, quant, str(data.dtype), data=data)

    def integers(self, values: Sequence[Any]) -> Ref:
        """A constant of int32: axes, paddings, shapes."""
        return self.constant(np.asarray(values, np.int32))

    def add_operator(
        self, code: int, inputs: Sequence[Ref | None], outputs: Sequence[Ref], options: Any = None
    ) -> None:
        if code not in self._codes:
            self._codes.append(code)
        kind = type(options).__name__.removesuffix("T") if options is not None else "NONE"
        self.operators.append(
            schema.OperatorT(
                opcodeIndex=self._codes.index(code),
                inputs=np.asarray([-1 if ref is None else ref.index for ref in inputs], np.int32),
                outputs=np.asarray([ref.index for ref in outputs], np.int32),
                builtinOptionsType=getattr(schema.BuiltinOptions, kind),
                builtinOptions=options,
            )
        )

    def op(
        self,
        code: int,
        inputs: Sequence[Ref | None],
        shape: Sequence[int],
        quant: Quant | None,
        options: Any = None,
        dtype: str = "int8",
    ) -> Ref:
        """An operator with one output."""
        output = self.tensor(shape, quant, dtype)
        self.add_operator(code, inputs, [output], options)
        return output

    def finish(self, *outputs: Ref) -> bytes:
        subgraph = schema.SubGraphT(
            tensors=self.tensors,
            inputs=np.asarray(self.inputs, np.int32),
            outputs=np.asarray([ref.index for ref in outputs], np.int32),
            operators=self.operators,
            name="main",
        )
        model = schema.ModelT(
            version=3,
            operatorCodes=[_operator_code(code) for code in self._codes],
            subgraphs=[subgraph],
            description="west-utvm test",
            buffers=self._buffers,
        )
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def _operator_code(code: int) -> Any:
    version = VERSIONS.get(code, 1 if code in VERSION_1 else 2)
    # 127 in the old one-byte field says: see the new field (schema.fbs, OperatorCode).
    return schema.OperatorCodeT(
        deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version
    )
