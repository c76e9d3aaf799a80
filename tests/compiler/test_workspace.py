# SPDX-License-Identifier: Apache-2.0
"""Memory in the C: outputs that run over inputs, and models whose ends are in their workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from west_utvm.planning import places, planner
from west_utvm.planning.tenants import tenants

from .conftest import INT8_MODELS, NAME
from .host import Program, build_arm, build_host, check
from .reference import ROUNDINGS, Rounding, run, samples, signature
from .test_models import MAY_VANISH
from .test_operators import NO_REFERENCE, NOT_YET
from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_models import Case, add_binary, add_conv2d, add_reshape, cases

CASES = {
    case.id: case
    for case in cases()
    if (case.id, "tflm") not in NO_REFERENCE and not {case.id, case.family} & NOT_YET.keys()
}
# Bytes of workspace with inputs and outputs in it, for any CPU, for M4 and for M55, whose kernels
# take scratch. TensorFlow Lite Micro's arenas are 2,580, 22,820, 54,996 and 100,708.
MOST = {
    "ad01_int8": (768, 768, 768),
    "kws_ref_model": (12_000, 12_000, 12_000),
    "pretrainedResnet_quant": (26_000, 26_000, 27_000),
    "vww_96_int8": (29_000, 29_000, 29_000),
}
Compile = Callable[..., Any]


@pytest.fixture
def compile_(tmp_path: Path) -> Compile:
    from west_utvm.compiler import compile_model

    def compiled(model: bytes, rounding: Rounding = "tflm", **options: Any) -> Any:
        path = tmp_path / "model.tflite"
        path.write_bytes(model)
        return compile_model(path, name=NAME, rounding=rounding, **options)

    return compiled


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers at any address, so that overlaps are used to their last byte."""

    def plan(*args: Any, **options: Any) -> planner.Plan:
        return planner.plan(*args, **{**options, "alignment": 1})

    monkeypatch.setattr(places, "plan", plan)


def built(compiled: Any, model: bytes, folder: Path, *flags: str) -> Program:
    return build_host(compiled.files, NAME, signature(model), folder, *flags)


# Kernels for other CPUs run here too, though without their instructions.
TARGETS = ("c", "c -mcpu=cortex-m4", "c -mcpu=cortex-m55")
WEIGHTED = ("conv_2d", "depthwise_conv_2d", "fully_connected", "average_pool_2d", "add")


@pytest.mark.parametrize(
    ("target", "case"),
    [
        pytest.param(target, case, id=f"{target.split('-')[-1]}-{case.id}")
        for target in TARGETS
        for case in CASES.values()
        if target == "c" or case.family in WEIGHTED
    ],
)
def test_operator_over_its_own_input(
    target: str, case: Case, compile_: Compile, tight: None, tmp_path: Path
) -> None:
    """Input and output are both in the workspace, as close as the kernel allows it."""
    model = case.build()
    inputs = samples(model, 10)
    compiled = compile_(model, io_in_workspace=True, target=target)
    got = built(compiled, model, tmp_path / "build").run(inputs)
    for number, (one, want) in enumerate(zip(got, run(model, inputs, "tflm"), strict=True)):
        check(one.outputs, want.outputs, f"sample {number}, ")


def test_most_operators_run_over_their_inputs(compile_: Compile, tight: None) -> None:
    """Else the test above would show nothing."""
    shared = 0
    for case in CASES.values():
        compiled = compile_(case.build(), io_in_workspace=True)
        program = compiled.program
        ends = sum(value.size for value in (*program.inputs, *program.outputs))
        shared += len(program.operators) == 1 and compiled.workspace_size < ends
    assert shared > len(CASES) / 2


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("name", INT8_MODELS)
def test_model_in_its_workspace(
    name: str, rounding: Rounding, mlperf_tiny: Path, compile_: Compile, tmp_path: Path
) -> None:
    """Every operator's output is right when it is written, whatever it is written over."""
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    inputs = samples(model, 2)
    # Channels that are left out are in the results of the reference, and all of each result.
    without = ["fold-channels", "chain-rows"]
    compiled = compile_(model, rounding, io_in_workspace=True, without=without)
    wanted = run(model, inputs, rounding, written=True)
    operators = signature(model).operators
    program = built(compiled, model, tmp_path / "build", "-DUTVM_TRACE")
    for got, want in zip(program.run(inputs), wanted, strict=True):
        for index, operator in enumerate(operators):
            if got.written[index] or operator not in MAY_VANISH:
                check(got.written[index], want.written[index], f"operator {index}: ")
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("name", ["kws_ref_model", "vww_96_int8"])
@pytest.mark.parametrize("cpu", ["cortex-m4", "cortex-m55"])
def test_model_in_its_workspace_on_its_cpu(
    name: str, cpu: str, mlperf_tiny: Path, compile_: Compile, tmp_path: Path
) -> None:
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    inputs = samples(model, 1)
    compiled = compile_(model, io_in_workspace=True, target=f"c -mcpu={cpu}")
    program = build_arm(compiled.files, NAME, signature(model), tmp_path / "build", cpu=cpu)
    for got, want in zip(program.run(inputs), run(model, inputs, "tflm"), strict=True):
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", INT8_MODELS)
def test_smallest_workspace_is_proven(
    name: str, target: str, mlperf_tiny: Path, compile_: Compile
) -> None:
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    compiled = compile_(model, io_in_workspace=True, target=target)
    assert compiled.planned.plan.proven
    assert compiled.workspace_size <= MOST[name][TARGETS.index(target)]


@pytest.mark.parametrize("in_workspace", [False, True])
@pytest.mark.parametrize("name", [*INT8_MODELS, "pretrainedResnet"])
def test_without_overlaps_as_much_as_lives_at_once(
    name: str, in_workspace: bool, mlperf_tiny: Path, compile_: Compile
) -> None:
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    compiled = compile_(model, io_in_workspace=in_workspace, without=["overlap"])
    assert compiled.workspace_size == compiled.planned.plan.lower_bound
    live = [
        sum(block.size for block in tenants(compiled.planned) if block.first <= step <= block.last)
        for step in range(len(compiled.program.operators))
    ]
    assert max(live) <= compiled.workspace_size < max(live) + 16 * 4


def image(graph: Graph) -> Ref:
    return graph.input((1, 6, 6, 4), Quant(0.05, 3))


def reshape_alone(graph: Graph) -> bytes:
    """The output is the input under another shape."""
    return graph.finish(add_reshape(graph, image(graph), (1, 144), (1, 144)))


def output_that_is_read_again(graph: Graph) -> bytes:
    first = add_conv2d(graph, image(graph), 4)
    second = add_conv2d(graph, first, 4)
    return graph.finish(first, add_binary(graph, Code.ADD, first, second))


def input_that_is_read_again(graph: Graph) -> bytes:
    source = image(graph)
    other = graph.input((1, 6, 6, 4), Quant(0.03, -8))
    inner = add_binary(graph, Code.MUL, add_conv2d(graph, source, 4), other)
    return graph.finish(add_binary(graph, Code.ADD, inner, source))


def unread_input(graph: Graph) -> bytes:
    source = image(graph)
    graph.input((1, 3), Quant(0.1, 0))
    return graph.finish(add_conv2d(graph, source, 3))


def same_twice(graph: Graph) -> bytes:
    """What is copied second is not to be overwritten by what is copied first."""
    inner = add_conv2d(graph, image(graph), 4)
    options = schema.ConcatenationOptionsT(axis=3)
    both = graph.op(Code.CONCATENATION, [inner, inner], (1, 6, 6, 8), inner.quant, options)
    doubled = add_binary(graph, Code.ADD, both, both)
    return graph.finish(add_conv2d(graph, doubled, 2, kernel=(1, 1)))


SHAPES = (
    reshape_alone,
    output_that_is_read_again,
    input_that_is_read_again,
    unread_input,
    same_twice,
)


@pytest.mark.parametrize("in_workspace", [False, True])
@pytest.mark.parametrize("model", SHAPES, ids=lambda shape: shape.__name__)
def test_lifetimes(
    model: Callable[[Graph], bytes],
    in_workspace: bool,
    compile_: Compile,
    tight: None,
    tmp_path: Path,
) -> None:
    """The harness fails a model that writes to its caller's inputs."""
    data = model(Graph(seed=5))
    inputs = samples(data, 10)
    compiled = compile_(data, io_in_workspace=in_workspace)
    got = built(compiled, data, tmp_path / "build").run(inputs)
    for one, want in zip(got, run(data, inputs, "tflm"), strict=True):
        check(one.outputs, want.outputs)
