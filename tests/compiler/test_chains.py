# SPDX-License-Identifier: Apache-2.0
"""Operators that take turns on rows of an image: the same integers in a smaller workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import NAME
from .host import build_host, check
from .reference import ROUNDINGS, Rounding, run, samples, signature
from .tflite_graph import Code, Graph, Quant, Ref
from .tflite_models import add_binary, add_conv2d, add_depthwise, add_pool
from .tflite_options import RELU6, SAME, VALID

Model = Callable[[Graph], bytes]


def _image(graph: Graph, *shape: int) -> Ref:
    return graph.input((1, *shape), Quant(0.05, 3))


def _widened(graph: Graph, source: Ref, **how: Any) -> Ref:
    """An inverted bottleneck, as MobileNetV2 has it."""
    wide = add_conv2d(graph, source, 24, (1, 1), activation=RELU6)
    deep = add_depthwise(graph, wide, activation=RELU6, **how)
    return add_conv2d(graph, deep, source.shape[3], (1, 1))


def inverted_bottleneck(graph: Graph) -> bytes:
    return graph.finish(_widened(graph, _image(graph, 16, 12, 4), stride=(2, 2)))


def inverted_residual(graph: Graph) -> bytes:
    source = _image(graph, 16, 12, 4)
    return graph.finish(add_binary(graph, Code.ADD, source, _widened(graph, source)))


def odd_height(graph: Graph) -> bytes:
    return graph.finish(_widened(graph, _image(graph, 17, 9, 4), kernel=(5, 5)))


def dilated(graph: Graph) -> bytes:
    return graph.finish(_widened(graph, _image(graph, 20, 16, 4), dilation=(2, 2), padding=VALID))


def residual(graph: Graph) -> bytes:
    source = _image(graph, 32, 16, 8)
    inner = add_conv2d(graph, add_conv2d(graph, source, 8), 8)
    return graph.finish(add_binary(graph, Code.ADD, source, inner))


def convolution_and_pool(graph: Graph) -> bytes:
    maps = add_conv2d(graph, _image(graph, 20, 20, 1), 16, (5, 5), padding=VALID)
    return graph.finish(add_pool(graph, maps, Code.MAX_POOL_2D, (2, 2), (2, 2)))


def padded_pool(graph: Graph) -> bytes:
    maps = add_conv2d(graph, _image(graph, 15, 15, 2), 16)
    return graph.finish(add_pool(graph, maps, Code.MAX_POOL_2D, (3, 3), (2, 2), SAME))


def mean_pool(graph: Graph) -> bytes:
    maps = add_conv2d(graph, _image(graph, 16, 16, 2), 16)
    return graph.finish(add_pool(graph, maps, Code.AVERAGE_POOL_2D, (2, 2), (2, 2)))


MODELS: dict[Model, int] = {
    inverted_bottleneck: 3,
    inverted_residual: 4,
    odd_height: 3,
    dilated: 3,
    residual: 3,
    convolution_and_pool: 2,
    padded_pool: 2,
    mean_pool: 2,
}


@pytest.mark.parametrize("target", ["c", "c -mcpu=cortex-m4", "c -mcpu=cortex-m55"])
@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.__name__))
def test_same_integers_in_less_memory(
    model: Model, rounding: Rounding, target: str, tmp_path: Path
) -> None:
    from west_utvm.compiler import compile_model

    data = model(Graph(seed=11))
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    options: dict[str, Any] = {"rounding": rounding, "target": target, "io_in_workspace": True}
    compiled = compile_model(path, name=NAME, **options)
    plain = compile_model(path, name=NAME, without=["chain-rows"], **options)
    assert [operator.kind for operator in compiled.program.operators].count("chain") == 1
    assert compiled.workspace_size < plain.workspace_size * 0.8
    assert (compiled.macs, compiled.constants) == (plain.macs, plain.constants)
    inputs = samples(data, 6)
    program = build_host(compiled.files, NAME, signature(data), tmp_path / "build")
    for got, want in zip(program.run(inputs), run(data, inputs, rounding), strict=True):
        check(got.outputs, want.outputs)


# What is needed as a whole, or would be no smaller.


def two_readers(graph: Graph) -> bytes:
    wide = add_conv2d(graph, _image(graph, 16, 12, 4), 24, (1, 1))
    deep = add_depthwise(graph, wide)
    return graph.finish(
        add_conv2d(graph, deep, 4, (1, 1)), add_conv2d(graph, deep, 3, (1, 1)), wide
    )


def output_between(graph: Graph) -> bytes:
    wide = add_conv2d(graph, _image(graph, 16, 12, 4), 24, (1, 1))
    return graph.finish(wide, add_depthwise(graph, wide))


def padded_mean(graph: Graph) -> bytes:
    maps = add_conv2d(graph, _image(graph, 15, 15, 2), 16)
    return graph.finish(add_pool(graph, maps, Code.AVERAGE_POOL_2D, (3, 3), (2, 2), SAME))


def two_images(graph: Graph) -> bytes:
    maps = add_conv2d(graph, graph.input((2, 20, 20, 1), Quant(0.05, 3)), 16)
    return graph.finish(add_pool(graph, maps, Code.MAX_POOL_2D, (2, 2), (2, 2)))


@pytest.mark.parametrize("model", [two_readers, output_between, padded_mean, two_images])
def test_what_is_needed_as_a_whole(model: Model, tmp_path: Path) -> None:
    from west_utvm.compiler import compile_model

    path = tmp_path / "model.tflite"
    path.write_bytes(model(Graph(seed=11)))
    compiled = compile_model(path, name=NAME, io_in_workspace=True)
    assert "chain" not in [operator.kind for operator in compiled.program.operators]
