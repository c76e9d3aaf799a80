# SPDX-License-Identifier: Apache-2.0
"""The two run-times that say which integers are right: tflite-micro and LiteRT."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

import numpy as np

from .tflite_graph import Array, schema

Rounding: TypeAlias = Literal["tflm", "litert", "ort"]
ROUNDINGS: tuple[Rounding, ...] = ("tflm", "litert")
_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.INT64: np.int64,
}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a model file, by its number in the subgraph."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Signature:
    """What goes in, what comes out, and what each operator writes, in the file's order."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    written: list[list[Tensor]]
    operators: list[str]


@dataclass(frozen=True)
class Run:
    """One sample: outputs in order, and every operator's outputs (empty: not asked for)."""

    outputs: list[Array]
    written: list[list[Array]]


@cache
def _operator_names() -> dict[int, str]:
    kinds = vars(schema.BuiltinOperator)
    return {value: name for name, value in kinds.items() if isinstance(value, int)}


def is_onnx(model: bytes) -> bool:
    return model[4:8] != b"TFL3"


def signature(model: bytes) -> Signature:
    if is_onnx(model):
        from . import onnx_reference

        return onnx_reference.signature(model)
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    main = graph.subgraphs[0]

    def tensor(index: int) -> Tensor:
        found = main.tensors[index]
        shape = () if found.shape is None else tuple(int(size) for size in found.shape)
        name = (
            found.name.decode(errors="replace")
            if isinstance(found.name, bytes)
            else str(found.name)
        )
        return Tensor(int(index), name, shape, np.dtype(_TYPES[found.type]))

    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in graph.operatorCodes]
    return Signature(
        [tensor(index) for index in main.inputs],
        [tensor(index) for index in main.outputs],
        [[tensor(index) for index in op.outputs] for op in main.operators],
        [_operator_names()[codes[op.opcodeIndex]] for op in main.operators],
    )


def samples(model: bytes, number: int, seed: int = 0) -> list[list[Array]]:
    """Inputs: every value lowest, every value highest, two ramps, then random ones.

    Integers are random over their full range, floats normal with a deviation of 2.
    """
    random = np.random.default_rng(seed)
    inputs = signature(model).inputs
    edges = [_edges(tensor) for tensor in inputs]
    found = [list(row) for row in zip(*edges, strict=True)]
    found += [[_random(tensor, random) for tensor in inputs] for _ in range(number)]
    return found


def _edges(tensor: Tensor) -> list[Array]:
    shape, size = tensor.shape, int(np.prod(tensor.shape))
    if tensor.dtype.kind == "f":
        ramp = np.linspace(-4, 4, size, dtype=np.float32).reshape(shape)
        return [np.full(shape, -9, np.float32), np.full(shape, 9, np.float32), ramp, -ramp]
    low, high = np.iinfo(tensor.dtype).min, np.iinfo(tensor.dtype).max
    ramp = (low + np.arange(size) % (high - low + 1)).astype(tensor.dtype).reshape(shape)
    ends = [np.full(shape, end, tensor.dtype) for end in (low, high)]
    return [*ends, ramp, ramp.reshape(-1)[::-1].reshape(shape)]


def _random(tensor: Tensor, random: np.random.Generator) -> Array:
    if tensor.dtype.kind == "f":
        return random.normal(0, 2, tensor.shape).astype(np.float32)
    limits = np.iinfo(tensor.dtype)
    return random.integers(limits.min, limits.max + 1, tensor.shape).astype(tensor.dtype)


def run(
    model: bytes, inputs: Sequence[Sequence[Array]], rounding: Rounding, *, written: bool = False
) -> list[Run]:
    """What the reference of this rounding mode computes for each sample."""
    runner = {"tflm": _run_tflm, "litert": _run_litert}[rounding]
    return runner(model, inputs, written)


def _run_tflm(model: bytes, inputs: Sequence[Sequence[Array]], written: bool) -> list[Run]:
    from tflite_micro.python.tflite_micro import runtime

    # SPACE_TO_BATCH_ND pads with what its arena held before. So large a piece of memory the C
    # library takes from the system, which clears it, as a device's static memory is cleared.
    arena_size = 10 * len(model) + (40 << 20)
    kinds = runtime.InterpreterConfig
    what = signature(model)
    interpreter = runtime.Interpreter.from_bytes(
        model,
        arena_size=arena_size,
        intrepreter_config=kinds.kPreserveAllTensors if written else kinds.kAllocationRecording,
    )
    found = []
    for sample in inputs:
        for index, value in enumerate(sample):
            interpreter.set_input(value, index)
        interpreter.invoke()
        outputs = [np.array(interpreter.get_output(i)) for i in range(len(what.outputs))]
        traces = [
            [np.array(interpreter.GetTensor(tensor.index, 0)["tensor_data"]) for tensor in row]
            for row in (what.written if written else [])
        ]
        found.append(Run(outputs, traces))
    return found


def _run_litert(model: bytes, inputs: Sequence[Sequence[Array]], written: bool) -> list[Run]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from ai_edge_litert.interpreter import Interpreter

    what = signature(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interpreter = Interpreter(
            model_content=model, num_threads=1, experimental_preserve_all_tensors=written
        )
    interpreter.allocate_tensors()
    found = []
    for sample in inputs:
        for tensor, value in zip(what.inputs, sample, strict=True):
            interpreter.set_tensor(tensor.index, value)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(tensor.index) for tensor in what.outputs]
        traces = [
            [interpreter.get_tensor(tensor.index) for tensor in row]
            for row in (what.written if written else [])
        ]
        found.append(Run(outputs, traces))
    return found
