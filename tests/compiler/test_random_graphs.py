# SPDX-License-Identifier: Apache-2.0
"""Random small models: whatever is folded, reordered or overlapped, the bits are right."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from west_utvm.planning import places, planner

from .conftest import NAME
from .host import build_host, check
from .reference import run, samples, signature
from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_models import (
    add_binary,
    add_conv2d,
    add_depthwise,
    add_fully_connected,
    add_pool,
    add_reshape,
    add_softmax,
)
from .tflite_options import SAME, VALID


def random_model(seed: int) -> bytes:
    """Up to a dozen operators, each of tensors that came before, most often of the latest."""
    chance, graph = random.Random(seed), Graph(seed=seed)
    images = [graph.input((1, 6, 5, 4), Quant(0.05, chance.choice([-128, 3])))]
    for _ in range(chance.randint(5, 11)):
        source = images[-1] if chance.random() < 0.6 else chance.choice(images)
        images.append(chance.choice(_STEPS)(graph, source, images, chance))
    outputs = [images[-1]]
    if chance.random() < 0.4:
        outputs.append(images[chance.randrange(1, len(images))])
    if chance.random() < 0.5:
        outputs[0] = _classified(graph, images[-1])
    return graph.finish(*dict.fromkeys(outputs))


def _classified(graph: Graph, source: Ref) -> Ref:
    size = int(np.prod(source.shape))
    flat = add_reshape(graph, source, (1, size), (1, size))
    return add_softmax(graph, add_fully_connected(graph, flat, 7))


def _conv(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    window = chance.choice([(1, 1), (3, 3), (2, 3)])
    stride = chance.choice([(1, 1), (1, 1), (2, 2)])
    return add_conv2d(graph, source, chance.choice([1, 4, 8]), window, stride, padding=SAME)


def _depthwise(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    return add_depthwise(graph, source, chance.choice([1, 1, 2]))


def _binary(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    others = [other for other in images if other.shape == source.shape]
    return add_binary(graph, chance.choice([Code.ADD, Code.MUL]), source, chance.choice(others))


def _pad(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    borders = [(0, 0), (1, chance.randint(0, 1)), (chance.randint(0, 1), 1), (0, 0)]
    shape = [size + sum(ends) for size, ends in zip(source.shape, borders, strict=True)]
    inputs = [source, graph.integers(borders)]
    padded = graph.op(Code.PAD, inputs, shape, source.quant, schema.PadOptionsT())
    if chance.random() < 0.3:
        return padded
    if chance.random() < 0.4:
        return add_pool(graph, padded, Code.MAX_POOL_2D, (2, 2), (1, 1))
    return add_conv2d(graph, padded, 4, (2, 2), padding=VALID)


def _relu(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    code = chance.choice([Code.RELU, Code.RELU6])
    return graph.op(code, [source], source.shape, source.quant)


def _pool(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    code = chance.choice([Code.MAX_POOL_2D, Code.AVERAGE_POOL_2D])
    return add_pool(graph, source, code, (2, 2), (1, 1), SAME)


def _concatenation(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    """Of the same twice: an input of another scale would have to be rescaled."""
    axis = chance.choice([1, 3])
    shape = list(source.shape)
    shape[axis] *= 2
    options = schema.ConcatenationOptionsT(axis=axis)
    return graph.op(Code.CONCATENATION, [source, source], shape, source.quant, options)


def _transpose(graph: Graph, source: Ref, images: list[Ref], chance: random.Random) -> Ref:
    axes = chance.choice([(0, 2, 1, 3), (0, 3, 1, 2)])
    shape = [source.shape[axis] for axis in axes]
    inputs = [source, graph.integers(axes)]
    return graph.op(Code.TRANSPOSE, inputs, shape, source.quant, schema.TransposeOptionsT())


_STEPS = (
    _conv,
    _conv,
    _depthwise,
    _binary,
    _binary,
    _pad,
    _relu,
    _pool,
    _concatenation,
    _transpose,
)


@pytest.mark.parametrize("seed", range(16))
def test_bit_exact(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of them with buffers at any address, and inputs and outputs in the workspace."""
    from west_utvm.compiler import compile_model

    def tight(*args: Any, **options: Any) -> planner.Plan:
        return planner.plan(*args, **{**options, "alignment": 1})

    if seed % 4 > 1:
        monkeypatch.setattr(places, "plan", tight)
    model = random_model(seed)
    (tmp_path / "model.tflite").write_bytes(model)
    compiled = compile_model(tmp_path / "model.tflite", name=NAME, io_in_workspace=bool(seed % 2))
    inputs = samples(model, 6)
    program = build_host(compiled.files, NAME, signature(model), tmp_path / "build", "-DUTVM_TRACE")
    wanted = run(model, inputs, "tflm", written=True)
    for got, want in zip(program.run(inputs), wanted, strict=True):
        for index, written in enumerate(got.written):
            if written:
                check(written, want.written[index], f"operator {index}: ")
        check(got.outputs, want.outputs)
