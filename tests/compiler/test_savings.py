# SPDX-License-Identifier: Apache-2.0
"""What is folded, reordered or overlapped: the same integers as without, and what it gains."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from west_utvm.errors import UtvmError
from west_utvm.planning.arrange import SAVINGS

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
)
from .tflite_options import VALID

Model = Callable[[Graph], bytes]
Compile = Callable[..., Any]
BORDERS = ((0, 0), (1, 2), (0, 1), (0, 0))


@pytest.fixture
def compile_(tmp_path: Path) -> Compile:
    from west_utvm.compiler import compile_model

    def compiled(model: bytes, **options: Any) -> Any:
        path = tmp_path / "model.tflite"
        path.write_bytes(model)
        return compile_model(path, name=NAME, **options)

    return compiled


def image(graph: Graph, zero: int = 3, channels: int = 4) -> Ref:
    return graph.input((1, 7, 6, channels), Quant(0.05, zero))


def add_pad(graph: Graph, source: Ref, borders: Any = BORDERS) -> Ref:
    shape = [size + sum(ends) for size, ends in zip(source.shape, borders, strict=True)]
    inputs = [source, graph.integers(borders)]
    return graph.op(Code.PAD, inputs, shape, source.quant, schema.PadOptionsT())


def add_relu(graph: Graph, source: Ref, code: int = Code.RELU) -> Ref:
    return graph.op(code, [source], source.shape, source.quant)


def add_transpose(graph: Graph, source: Ref, axes: tuple[int, ...]) -> Ref:
    shape = [source.shape[axis] for axis in axes]
    inputs = [source, graph.integers(axes)]
    return graph.op(Code.TRANSPOSE, inputs, shape, source.quant, schema.TransposeOptionsT())


def pad_conv(graph: Graph) -> bytes:
    padded = add_pad(graph, image(graph))
    return graph.finish(add_conv2d(graph, padded, 5, stride=(2, 2), padding=VALID))


def pad_depthwise(graph: Graph) -> bytes:
    """Also where the convolution has padding of its own, and an activation follows."""
    padded = add_pad(graph, image(graph), ((0, 0), (1, 0), (1, 1), (0, 0)))
    return graph.finish(add_relu(graph, add_depthwise(graph, padded)))


def pad_max_pool(graph: Graph) -> bytes:
    padded = add_pad(graph, image(graph, zero=-128))
    return graph.finish(add_pool(graph, padded, Code.MAX_POOL_2D, (3, 3), (1, 1)))


def pad_two_readers(graph: Graph) -> bytes:
    padded = add_pad(graph, image(graph))
    first, second = (add_conv2d(graph, padded, 4, padding=VALID) for _ in range(2))
    return graph.finish(add_binary(graph, Code.ADD, first, second))


def pad_read_otherwise(graph: Graph) -> bytes:
    """Another reader needs the padded image as it is."""
    padded = add_pad(graph, image(graph))
    conv = add_conv2d(graph, padded, 4)
    return graph.finish(add_binary(graph, Code.ADD, conv, padded))


def pad_average_pool(graph: Graph) -> bytes:
    """An average counts padding that an operator before it wrote."""
    padded = add_pad(graph, image(graph))
    return graph.finish(add_pool(graph, padded, Code.AVERAGE_POOL_2D, (3, 3), (1, 1)))


def pad_zero_max_pool(graph: Graph) -> bytes:
    """What is padded with may be the largest there is."""
    padded = add_pad(graph, image(graph))
    return graph.finish(add_pool(graph, padded, Code.MAX_POOL_2D, (3, 3), (1, 1)))


def pad_wide(graph: Graph) -> bytes:
    """More than a window: some windows would see nothing but padding."""
    padded = add_pad(graph, image(graph), ((0, 0), (4, 3), (0, 0), (0, 0)))
    return graph.finish(add_conv2d(graph, padded, 4, padding=VALID))


def pad_channels(graph: Graph) -> bytes:
    padded = add_pad(graph, image(graph), ((0, 0), (0, 0), (0, 0), (1, 1)))
    return graph.finish(add_conv2d(graph, padded, 4, padding=VALID))


def relu_after_all(graph: Graph) -> bytes:
    """One activation after another, too."""
    conv = add_relu(graph, add_conv2d(graph, image(graph), 4))
    both = add_relu(graph, add_binary(graph, Code.ADD, conv, conv))
    dense = add_fully_connected(graph, add_reshape(graph, both, (1, 168), (1, 168)), 9)
    return graph.finish(add_relu(graph, add_relu(graph, dense), Code.RELU6))


def relu_of_a_second_reader(graph: Graph) -> bytes:
    conv = add_conv2d(graph, image(graph), 4)
    return graph.finish(add_binary(graph, Code.ADD, add_relu(graph, conv), conv))


def relu_of_an_output(graph: Graph) -> bytes:
    conv = add_conv2d(graph, image(graph), 4)
    return graph.finish(conv, add_relu(graph, conv))


def relu_of_a_pad(graph: Graph) -> bytes:
    """What pads has no clamp."""
    return graph.finish(add_relu(graph, add_pad(graph, image(graph))))


def copies(graph: Graph) -> bytes:
    """A transposition of axes of one, and a quantization to the same."""
    source = graph.input((1, 1, 6, 4), Quant(0.05, 3))
    moved = add_transpose(graph, add_conv2d(graph, source, 4), (0, 2, 1, 3))
    same = graph.op(Code.QUANTIZE, [moved], moved.shape, moved.quant, schema.QuantizeOptionsT())
    return graph.finish(add_conv2d(graph, same, 3, kernel=(1, 1)))


def true_transpose(graph: Graph) -> bytes:
    moved = add_transpose(graph, add_conv2d(graph, image(graph), 4), (0, 2, 1, 3))
    return graph.finish(add_conv2d(graph, moved, 3, kernel=(1, 1)))


def branches(graph: Graph) -> bytes:
    """In the model's order all branches' large middles live together."""
    source = image(graph)
    wide = [add_conv2d(graph, source, 32, kernel=(1, 1)) for _ in range(3)]
    narrow = [add_conv2d(graph, one, 2, kernel=(1, 1)) for one in wide]
    first = add_binary(graph, Code.ADD, narrow[0], narrow[1])
    return graph.finish(add_binary(graph, Code.ADD, first, narrow[2]))


# What is to be gone from each model, by its kind, and what saves it.
FOLDED: dict[Model, tuple[str, str]] = {
    pad_conv: ("pad", "fold-pad"),
    pad_depthwise: ("pad", "fold-pad"),
    pad_max_pool: ("pad", "fold-pad"),
    pad_two_readers: ("pad", "fold-pad"),
    relu_after_all: ("unary", "fold-activation"),
    copies: ("transpose", "fold-copy"),
}
# And what is to stay.
KEPT: dict[Model, str] = {
    pad_read_otherwise: "pad",
    pad_average_pool: "pad",
    pad_zero_max_pool: "pad",
    pad_wide: "pad",
    pad_channels: "pad",
    relu_of_a_second_reader: "unary",
    relu_of_an_output: "unary",
    relu_of_a_pad: "unary",
    true_transpose: "transpose",
}
ALL = (*FOLDED, *KEPT, branches)


def name(model: Model) -> str:
    return model.__name__


def kinds(compiled: Any) -> list[str]:
    return [operator.kind for operator in compiled.program.operators]


@pytest.mark.parametrize("model", ALL, ids=name)
def test_bit_exact(model: Model, compile_: Compile, tmp_path: Path) -> None:
    data = model(Graph(seed=7))
    inputs = samples(data, 8)
    # Channels that are left out are in the reference's results.
    files = compile_(data, without=["fold-channels"]).files
    program = build_host(files, NAME, signature(data), tmp_path / "build", "-DUTVM_TRACE")
    wanted = run(data, inputs, "tflm", written=True)
    for got, want in zip(program.run(inputs), wanted, strict=True):
        for index, written in enumerate(got.written):
            if written:
                check(written, want.written[index], f"operator {index}: ")
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("model", FOLDED, ids=name)
def test_folded(model: Model, compile_: Compile) -> None:
    data = model(Graph(seed=7))
    kind, saving = FOLDED[model]
    assert kind not in kinds(compile_(data))
    assert kind in kinds(compile_(data, without=[saving]))


@pytest.mark.parametrize("model", KEPT, ids=name)
def test_not_folded(model: Model, compile_: Compile) -> None:
    assert KEPT[model] in kinds(compile_(model(Graph(seed=7))))


def test_two_activations_are_one_clamp(compile_: Compile) -> None:
    compiled = compile_(relu_after_all(Graph(seed=7)))
    assert kinds(compiled) == ["conv2d", "add", "reshape", "fully_connected"]
    dense = compiled.program.operators[-1]
    assert dense.attributes.clamp.low == dense.outputs[0].zero_point


def test_order_of_branches(compile_: Compile) -> None:
    data = branches(Graph(seed=7))
    compiled, given = compile_(data), compile_(data, without=["reorder"])
    [gain] = [gain.bytes for gain in compiled.gains if gain.saving == "reorder"]
    assert gain == given.workspace_size - compiled.workspace_size > 32 * 42 / 2
    assert kinds(given) != kinds(compiled) or given.program.operators != compiled.program.operators


def test_gains_are_what_is_lost_without(compile_: Compile) -> None:
    for model in (pad_conv, relu_after_all, copies, branches):
        data = model(Graph(seed=7))
        compiled = compile_(data, io_in_workspace=True)
        assert [gain.saving for gain in compiled.gains] == list(SAVINGS)
        for gain in compiled.gains:
            without = compile_(data, io_in_workspace=True, without=[gain.saving])
            assert without.workspace_size == compiled.workspace_size + gain.bytes
            assert gain.saving not in [other.saving for other in without.gains]


def test_every_choice_is_right(compile_: Compile, tmp_path: Path) -> None:
    """Whatever is left out, the integers are the same."""
    data = pad_depthwise(Graph(seed=7))
    inputs = samples(data, 3)
    wanted = run(data, inputs, "tflm")
    for count in (1, len(SAVINGS) - 1, len(SAVINGS)):
        for number, without in enumerate(combinations(SAVINGS, count)):
            compiled = compile_(data, without=without)
            folder = tmp_path / f"{count}-{number}"
            program = build_host(compiled.files, NAME, signature(data), folder, sanitize=False)
            for got, want in zip(program.run(inputs), wanted, strict=True):
                check(got.outputs, want.outputs, f"without {without}: ")


def test_no_such_saving(compile_: Compile) -> None:
    with pytest.raises(UtvmError, match=r"no saving 'magic'.*known are fold-pad"):
        compile_(pad_conv(Graph(seed=7)), without=["magic"])


def test_the_record_says_so(compile_: Compile) -> None:
    compiled = compile_(pad_conv(Graph(seed=7)), io_in_workspace=True, without=["reorder"])
    record = compiled.model.entry["west_utvm"]["compiler"]
    assert record["options"]["io_in_workspace"] == "yes"
    assert record["options"]["without"] == "reorder"
    assert dict(record["gains"])["fold-pad"] > 0
    assert [port["place"]["buffer"] for port in record["inputs"]] == ["workspace"]
    assert record["workspace"]["size"] == compiled.workspace_size
