# SPDX-License-Identifier: Apache-2.0
"""Channels that are constant or unused are left out, and the results stay the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import NAME
from .host import build_host, check
from .reference import ROUNDINGS, Rounding, run, samples, signature
from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_models import (
    add_binary,
    add_conv2d,
    add_depthwise,
    add_fully_connected,
    add_pool,
    add_reshape,
)
from .tflite_options import RELU, VALID

SAVING = "fold-channels"
# Output channels without weights, by operator.
Killed = Mapping[int, Sequence[int]]


def image(graph: Graph) -> Ref:
    return graph.input((1, 7, 6, 3), Quant(0.05, 3))


def separable(graph: Graph, activation: int = RELU) -> bytes:
    """Convolution, depthwise, pointwise, general, mean and fully connected."""
    first = add_conv2d(graph, image(graph), 16, (3, 3), activation=activation)
    middle = add_depthwise(graph, first, activation=activation)
    point = add_conv2d(graph, middle, 12, (1, 1), activation=activation)
    last = add_conv2d(graph, point, 8, (3, 3), activation=activation)
    pool = add_pool(graph, last, Code.AVERAGE_POOL_2D, (7, 6), (1, 1))
    return graph.finish(add_fully_connected(graph, add_reshape(graph, pool, (1, 8), (1, -1)), 5))


def linear(graph: Graph) -> bytes:
    """Constants are not the zero point: behind a border they are none."""
    return separable(graph, activation=0)


def residual(graph: Graph) -> bytes:
    """Who adds needs every channel."""
    first = add_conv2d(graph, image(graph), 8, (3, 3), activation=RELU)
    second = add_conv2d(graph, first, 8, (3, 3), activation=RELU)
    total = add_binary(graph, Code.ADD, first, second)
    return graph.finish(add_conv2d(graph, total, 4, (1, 1)))


def two_readers(graph: Graph) -> bytes:
    first = add_conv2d(graph, image(graph), 12, (3, 3), activation=RELU)
    left = add_conv2d(graph, first, 4, (3, 3), padding=VALID)
    pooled = add_pool(graph, first, Code.MAX_POOL_2D, (2, 2), (2, 2))
    return graph.finish(left, add_conv2d(graph, pooled, 5, (1, 1)))


def as_output(graph: Graph) -> bytes:
    """A value that the caller sees keeps its shape."""
    first = add_conv2d(graph, image(graph), 8, (3, 3), activation=RELU)
    return graph.finish(first, add_conv2d(graph, first, 4, (1, 1)))


def without_weights(model: bytes, killed: Killed) -> bytes:
    """The model with zeros for the weights of some output channels."""
    found = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    graph = found.subgraphs[0]
    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in found.operatorCodes]
    for number, channels in killed.items():
        operator = graph.operators[number]
        tensor = graph.tensors[operator.inputs[1]]
        buffer = found.buffers[tensor.buffer]
        weights = np.array(buffer.data, np.uint8).view(np.int8).reshape(tensor.shape).copy()
        if codes[operator.opcodeIndex] == Code.DEPTHWISE_CONV_2D:
            weights[..., list(channels)] = 0
        else:
            weights[list(channels)] = 0
        buffer.data = weights.reshape(-1).view(np.uint8)
    return _packed(found)


def _packed(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


MODELS: Mapping[str, tuple[Callable[[Graph], bytes], Killed, bool]] = {
    "first": (separable, {0: (0, 3, 5, 6, 7, 8, 9)}, True),
    "depthwise": (separable, {1: (1, 2, 3, 4, 5, 6, 15)}, True),
    "all of one": (separable, {2: range(12)}, True),
    "most": (separable, {0: range(10), 1: range(2, 12), 2: range(9), 3: range(6)}, True),
    "one": (separable, {0: (2,)}, False),
    "nothing": (separable, {}, False),
    "linear": (linear, {0: range(6), 1: range(3, 9), 2: range(8)}, True),
    "residual": (residual, {0: range(5), 1: range(6)}, False),
    "two readers": (two_readers, {0: range(1, 10)}, True),
    "output": (as_output, {0: range(6)}, False),
}


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("target", ["c", "c -mcpu=cortex-m4"])
@pytest.mark.parametrize("name", MODELS)
def test_the_same_results(name: str, target: str, rounding: Rounding, tmp_path: Path) -> None:
    from west_utvm.compiler import compile_model

    builder, killed, is_smaller = MODELS[name]
    model = without_weights(builder(Graph(seed=11)), killed)
    (tmp_path / "model.tflite").write_bytes(model)
    how: dict[str, Any] = {"name": NAME, "rounding": rounding, "target": target}
    compiled = compile_model(tmp_path / "model.tflite", **how)
    whole = compile_model(tmp_path / "model.tflite", without=[SAVING], **how)
    assert (compiled.macs < whole.macs) == is_smaller
    inputs = samples(model, 8)
    program = build_host(compiled.files, NAME, signature(model), tmp_path / "build")
    for got, want in zip(program.run(inputs), run(model, inputs, rounding), strict=True):
        check(got.outputs, want.outputs)


def test_what_is_kept(tmp_path: Path) -> None:
    """As many channels as kernels take at a time: seven are gone, and nine would be left."""
    from west_utvm.compiler import compile_model

    model = without_weights(separable(Graph(seed=11)), {0: (0, 3, 5, 6, 7, 8, 9)})
    (tmp_path / "model.tflite").write_bytes(model)
    compiled = compile_model(tmp_path / "model.tflite", name=NAME)
    shapes = {op.kind: op.outputs[0].shape for op in reversed(compiled.program.operators)}
    assert shapes["depthwise_conv2d"] == (1, 7, 6, 12)


def test_constants_of_borders_stay(tmp_path: Path) -> None:
    """A padded window sees the zero point beside the constant."""
    from west_utvm.compiler import compile_model

    model = without_weights(linear(Graph(seed=11)), {2: range(8)})
    (tmp_path / "model.tflite").write_bytes(model)
    compiled = compile_model(tmp_path / "model.tflite", name=NAME)
    point = compiled.program.operators[2].outputs[0]
    assert point.shape[-1] == 12


@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_a_pooling_of_another_scale(ratio: float, tmp_path: Path) -> None:
    """ONNX Runtime's average has a scale of its own: a constant is another one behind it."""
    from west_utvm.compiler import compile_model

    from . import onnx_reference
    from .onnx_graph import Net
    from .onnx_models import conv_op

    net = Net(5)
    maps = conv_op(net, net.input((1, 6, 8, 8)), 12, (3, 3), pads=[1, 1, 1, 1])
    [weights] = (data for data in net.constants.values() if data.ndim == 4)
    weights[:8] = 0
    how: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    pooled = net.op("AveragePool", [maps], (1, 12, 4, 4), maps.scale * ratio, maps.zero, **how)
    model = net.finish(conv_op(net, pooled, 8, (1, 1)))
    (tmp_path / "model.onnx").write_bytes(model)
    compiled = compile_model(tmp_path / "model.onnx", name=NAME)
    inputs = samples(model, 4)
    program = build_host(compiled.files, NAME, signature(model), tmp_path / "build")
    wanted = onnx_reference.run(model, inputs, int8=True)
    for got, want in zip(program.run(inputs), wanted, strict=True):
        check(got.outputs, want.outputs)
