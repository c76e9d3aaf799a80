# SPDX-License-Identifier: Apache-2.0
"""Operators on int8 that have no integer form here: computed in float32, and the compiler says so.

LiteRT has integer kernels for some, which round in places of their own: within one quantum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import Execute
from .reference import ROUNDINGS, run, samples
from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_models import add_conv2d

SHAPE = (1, 6, 5, 3)
IN, OUT = Quant(0.05, 3), Quant(0.04, -5)


def _unary(graph: Graph, code: int, target: Quant = OUT, options: Any = None) -> Ref:
    return graph.op(code, [graph.input(SHAPE, IN)], SHAPE, target, options)


CASES: dict[str, Callable[[Graph], Ref]] = {
    "L2_NORMALIZATION": partial(
        _unary, code=Code.L2_NORMALIZATION, target=Quant(1 / 128), options=schema.L2NormOptionsT()
    ),
    "LOG_SOFTMAX": partial(_unary, code=Code.LOG_SOFTMAX, target=Quant(16 / 256, 127)),
}


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("name", CASES)
def test_within_a_quantum(name: str, rounding: Any, execute: Execute) -> None:
    graph = Graph(4)
    model = graph.finish(CASES[name](graph))
    inputs = samples(model, 10)
    wanted = run(model, inputs, "litert")
    for got, want in zip(execute(model, inputs, rounding), wanted, strict=True):
        mine, theirs = (one.outputs[0].astype(int) for one in (got, want))
        assert np.abs(mine - theirs).max() <= 1
    assert len(np.unique(mine)) > 2


def _between_convolutions() -> bytes:
    """Two operators without an integer form, one after the other, and neighbours that have one."""
    graph = Graph(11)
    maps = add_conv2d(graph, graph.input((1, 5, 5, 3), Quant(0.02, -10)), 4)
    for _ in range(2):
        maps = graph.op(Code.LOG_SOFTMAX, [maps], maps.shape, Quant(16 / 256, 127))
    return graph.finish(add_conv2d(graph, maps, 4))


def test_it_is_said(tmp_path: Path) -> None:
    from west_utvm.compiler import compile_model

    path = tmp_path / "model.tflite"
    path.write_bytes(_between_convolutions())
    compiled = compile_model(path, name="net")
    said = ["operator 1 (LOG_SOFTMAX), 'tensor_4'", "operator 2 (LOG_SOFTMAX), 'tensor_5'"]
    assert compiled.program.in_float() == said
    assert compiled.model.entry["west_utvm"]["compiler"]["float"] == said


def test_between_integer_operators(execute: Execute) -> None:
    """Their results are int8, as the trace shows: what is between is an operator's own affair."""
    model = _between_convolutions()
    inputs = samples(model, 10)
    wanted = run(model, inputs, "litert", written=True)
    got = execute(model, inputs, "litert", "-DUTVM_TRACE")
    for mine, theirs in zip(got, wanted, strict=True):
        for number, distance in ((0, 0), (1, 1)):
            values = (one.written[number][0].astype(int) for one in (mine, theirs))
            assert abs(next(values) - next(values)).max() <= distance
        assert [len(row) for row in mine.written] == [1, 1, 1, 1]
