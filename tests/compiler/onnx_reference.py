# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime says which integers are right for ONNX models: its CPU provider, one thread.

On x86-64, that is: on Arm it adds in another way. And on a CPU with VNNI: without that, its sums of
uint8 x int8 saturate at 16 bits, two products at a time.
"""

from __future__ import annotations

import platform
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import onnx
from onnx import helper

from .onnx_graph import Net
from .reference import Run, Signature, Tensor
from .tflite_graph import Array


def signature(model: bytes) -> Signature:
    """Symbolic batches are 1, as the compiler has them. Operators are not traced."""
    graph = onnx.ModelProto.FromString(model).graph
    constants = {item.name for item in graph.initializer}
    inputs = [item for item in graph.input if item.name not in constants]
    return Signature(
        [_tensor(i, item) for i, item in enumerate(inputs)],
        [_tensor(i, item) for i, item in enumerate(graph.output)],
        [],
        [],
    )


def _tensor(index: int, given: Any) -> Tensor:
    kind = given.type.tensor_type
    shape = tuple(dim.dim_value or 1 for dim in kind.shape.dim)
    return Tensor(
        index, given.name, shape, np.dtype(helper.tensor_dtype_to_np_dtype(kind.elem_type))
    )


@cache
def why_not() -> str:
    """Why ONNX Runtime is no reference on this machine; empty if it is one."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return f"onnxruntime computes otherwise on {platform.machine()}"
    net = Net(0, "uint8")
    source = net.input((1, 64), 1.0, -128)
    weights = net.weights(np.full((64, 1), 127, np.int8), 1.0)
    result = net.op("MatMul", [source, weights], (1, 1), 64 * 127.0, -128)
    [one] = run(net.finish(result), [[np.full((1, 64), 255, np.uint8)]])
    exact = int(one.outputs[0].item()) == 255
    return "" if exact else "onnxruntime's sums saturate on a CPU without VNNI"


def session(model: bytes, *, optimize: bool = True, int8: bool = False, dump: str = "") -> Any:
    """With the default graph optimizations or none; the optimized model goes to ``dump``.

    ``int8``: QDQ of int8 is computed by integer kernels, which on x86 is left to uint8 by default.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    if int8:
        options.add_session_config_entry("session.qdqisint8allowed", "1")
    if dump:
        options.optimized_model_filepath = dump
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(
    model: bytes,
    inputs: Sequence[Sequence[Array]],
    *,
    optimize: bool = True,
    int8: bool = False,
) -> list[Run]:
    """What ONNX Runtime computes for each sample."""
    names = [tensor.name for tensor in signature(model).inputs]
    running = session(model, optimize=optimize, int8=int8)
    return [
        Run([np.asarray(out) for out in running.run(None, dict(zip(names, one, strict=True)))], [])
        for one in inputs
    ]
