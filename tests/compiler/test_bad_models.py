# SPDX-License-Identifier: Apache-2.0
"""Damaged, hostile and merely odd files: one line of reason or a correct compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from west_utvm.errors import UtvmError

from . import float_models
from .bad_models import (
    REAL_FLIPS,
    SAMPLES,
    SMALL_FLIPS,
    check_flipped,
    check_verdicts,
    compile_all,
    flipped,
)
from .conftest import INT8_MODELS, NAME, Build, Execute
from .host import build_host, check
from .reference import run, samples, signature
from .tflite_graph import Code, Graph, Quant, Ref, schema
from .tflite_models import add_conv2d, add_fully_connected, cases
from .tflite_options import RELU

SMALL_FLOAT = next(case for case in float_models.cases() if case.id == "chain-classifier")
SMALL = next(case for case in cases() if case.id == "chain-conv-pool-dense")


def test_empty_and_garbage(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    models = [
        ("empty", b""),
        ("text", b"hello, world\n" * 20),
        ("zeros", bytes(4096)),
        ("ones", b"\xff" * 4096),
        ("identifier only", b"\x08\0\0\0TFL3"),
        ("identifier and noise", b"\x1c\0\0\0TFL3" + random.bytes(2000)),
        ("wrong identifier", SMALL.build().replace(b"TFL3", b"TFL2", 1)),
        ("noise", random.bytes(5000)),
    ]
    verdicts = compile_all(models, tmp_path)
    check_verdicts(verdicts)
    assert {verdict.kind for verdict in verdicts.values()} == {"refused"}


def test_truncated(tmp_path: Path) -> None:
    model = SMALL.build()
    lengths = [*range(1, 64, 3), *range(64, len(model), 41), len(model) - 1]
    check_verdicts(compile_all([(f"{n} bytes", model[:n]) for n in lengths], tmp_path))


def test_flipped_bytes_of_floats(tmp_path: Path) -> None:
    check_verdicts(compile_all(list(flipped(SMALL_FLOAT.build(), SMALL_FLIPS, 4)), tmp_path))


def test_flipped_bytes(tmp_path: Path) -> None:
    def differs(model: bytes, files: dict[str, str], wanted: list[list[str]]) -> bool:
        program = build_host(files, NAME, signature(model), tmp_path / "flipped", sanitize=False)
        results = program.run(samples(model, SAMPLES))
        return [[value.tobytes().hex() for value in one.outputs] for one in results] != wanted

    check_flipped(SMALL.build(), tmp_path, differs)


@pytest.mark.parametrize("name", (*INT8_MODELS, "pretrainedResnet"))
def test_flipped_bytes_of_real_models(name: str, mlperf_tiny: Path, tmp_path: Path) -> None:
    model = (mlperf_tiny / f"{name}.tflite").read_bytes()
    check_verdicts(compile_all(list(flipped(model, REAL_FLIPS, 3)), tmp_path))


# Models that are well-formed and that the compiler must refuse: what the message must name.


def _float16() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), None, "float16")
    return graph.finish(graph.op(Code.TANH, [source], (1, 8), None, dtype="float16"))


def _mixed() -> bytes:
    """float32 in, int8 out, and it is no conversion."""
    graph = Graph()
    source = graph.input((1, 8), None, "float32")
    return graph.finish(graph.op(Code.TANH, [source], (1, 8), Quant(1 / 128)))


def _dynamic_float() -> bytes:
    graph = Graph()
    source = graph.input((1, 1, 1, 3), None, "float32", name="photo")
    graph.tensors[0].shapeSignature = np.array([1, -1, -1, 3], np.int32)
    return graph.finish(graph.op(Code.TANH, [source], source.shape, None, dtype="float32"))


def _float_weights_computed() -> bytes:
    """A product of two activations, called a fully connected layer."""
    graph = Graph()
    source = graph.input((4, 4), None, "float32")
    options = schema.FullyConnectedOptionsT()
    return graph.finish(
        graph.op(Code.FULLY_CONNECTED, [source, source], (4, 4), None, options, "float32")
    )


def _float_shapes_disagree() -> bytes:
    graph = Graph()
    left, right = (graph.input((1, size), None, "float32") for size in (8, 9))
    options = schema.AddOptionsT()
    return graph.finish(graph.op(Code.ADD, [left, right], (1, 8), None, options, "float32"))


def _hybrid() -> bytes:
    """Float activations, int8 weights: dynamic-range quantization."""
    graph = Graph()
    source = graph.input((1, 8), None, "float32")
    weights = graph.constant(np.ones((4, 8), np.int8), Quant(0.1))
    options = schema.FullyConnectedOptionsT()
    inputs = [source, weights]
    return graph.finish(
        graph.op(Code.FULLY_CONNECTED, inputs, (1, 4), None, options, dtype="float32")
    )


def _dynamic() -> bytes:
    """Height and width known only when it runs."""
    graph = Graph()
    source = graph.input((1, 1, 1, 3), Quant(0.1), name="photo")
    graph.tensors[0].shapeSignature = np.array([1, -1, -1, 3], np.int32)
    return graph.finish(add_conv2d(graph, source, 4))


def _negative_shape() -> bytes:
    graph = Graph()
    source = graph.input((1, -1, 4), Quant(0.1), name="photo")
    return graph.finish(graph.op(Code.RELU, [source], (1, -1, 4), source.quant))


def _unsupported() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(0.1))
    return graph.finish(graph.op(Code.CUMSUM, [source], (1, 8), source.quant))


def _custom() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(0.1))
    return graph.finish(graph.op(Code.CUSTOM, [source], (1, 8), source.quant))


def _too_large() -> bytes:
    """Tensors whose sizes do not fit 32 bits, in a file of a few hundred bytes."""
    graph = Graph()
    source = graph.input((65536, 65536, 4), Quant(0.1), name="huge")
    return graph.finish(graph.op(Code.RELU, [source], source.shape, source.quant))


def _int16() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(0.001), "int16")
    return graph.finish(graph.op(Code.TANH, [source], (1, 8), Quant(1 / 32768), dtype="int16"))


def _no_operators() -> bytes:
    graph = Graph()
    return graph.finish(graph.input((1, 8), Quant(0.1)))


def _missing_weights() -> bytes:
    """Weights that are no constant: the tensor has no buffer."""
    graph = Graph()
    source = graph.input((1, 8), Quant(0.1))
    weights = graph.tensor((4, 8), Quant(0.1))
    options = schema.FullyConnectedOptionsT()
    inputs = [source, weights]
    return graph.finish(graph.op(Code.FULLY_CONNECTED, inputs, (1, 4), Quant(1.0), options))


def _cycle() -> bytes:
    """Two operators that each wait for the other."""
    graph = Graph()
    quant = Quant(0.1)
    source = graph.input((1, 8), quant)
    first, second = graph.tensor((1, 8), quant), graph.tensor((1, 8), quant)
    options = schema.AddOptionsT()
    graph.add_operator(Code.ADD, [source, second], [first], options)
    graph.add_operator(Code.ADD, [source, first], [second], options)
    return graph.finish(second)


def _written_twice() -> bytes:
    graph = Graph()
    quant = Quant(0.1)
    source = graph.input((1, 8), quant)
    target = graph.tensor((1, 8), quant)
    graph.add_operator(Code.RELU, [source], [target])
    graph.add_operator(Code.RELU, [source], [target])
    return graph.finish(target)


def _shapes_disagree() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(0.1))
    return graph.finish(graph.op(Code.RELU, [source], (1, 9), source.quant))


def _zero_scale() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(0.1))
    return graph.finish(graph.op(Code.QUANTIZE, [source], (1, 8), Quant(0.0)))


def _scale_not_a_number() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(float("nan")))
    return graph.finish(add_fully_connected(graph, Ref(source.index, (1, 8), Quant(0.1)), 4))


def _zero_point_out_of_range() -> bytes:
    graph = Graph()
    source = graph.input((1, 8), Quant(0.1, 4000))
    return graph.finish(add_fully_connected(graph, source, 4))


def _same_output_twice() -> bytes:
    graph = Graph(8)
    result = add_fully_connected(graph, graph.input((1, 6), Quant(0.05, 2)), 4)
    return graph.finish(result, result)


def _input_is_output() -> bytes:
    graph = Graph(9)
    source = graph.input((1, 6), Quant(0.05, 2))
    return graph.finish(add_fully_connected(graph, source, 4), source)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "float16": (_float16, "float16"),
    "mixed": (_mixed, "TANH"),
    "dynamic-float": (_dynamic_float, "photo"),
    "float-weights-computed": (_float_weights_computed, "FULLY_CONNECTED"),
    "float-shapes-disagree": (_float_shapes_disagree, "ADD"),
    "hybrid": (_hybrid, "float"),
    "dynamic": (_dynamic, "photo"),
    "negative-shape": (_negative_shape, "photo"),
    "unsupported": (_unsupported, "CUMSUM"),
    "custom": (_custom, "CUSTOM"),
    "too-large": (_too_large, "huge"),
    "int16": (_int16, "int16"),
    "missing-weights": (_missing_weights, "FULLY_CONNECTED"),
    "cycle": (_cycle, ""),
    "written-twice": (_written_twice, ""),
    "shapes-disagree": (_shapes_disagree, "RELU"),
    "zero-scale": (_zero_scale, ""),
    "scale-not-a-number": (_scale_not_a_number, ""),
    "zero-point-out-of-range": (_zero_point_out_of_range, ""),
    "no-operators": (_no_operators, ""),
    "same-output-twice": (_same_output_twice, "outputs"),
    "input-is-output": (_input_is_output, "input_0"),
}


@pytest.mark.parametrize(("build_model", "named"), REFUSED.values(), ids=REFUSED)
def test_refused(build_model: Callable[[], bytes], named: str, build: Build) -> None:
    with pytest.raises(UtvmError) as refusal:
        build(build_model())
    message = str(refusal.value)
    assert named.lower() in message.lower()
    assert "model.tflite" in message
    assert len(message) < 500


# Odd, and right.

NAMES = {
    "spaces": "serving default:0 (in)",
    "slashes": "model/conv2d/BiasAdd;model/re\\lu",
    "quotes": 'it\'s "quoted"',
    "comment": "*/ int x; /* // ??/",
    "format": "%s%n %d \\n {0}",
    "newline": "two\nlines\r\nand\ta tab",
    "unicode": "größe/测试/🙂/\u202e",
    "keyword": "int",
    "macro": "NULL",
    "digit": "3d",
    "empty": "",
    "long": "x" * 3000,
    "reserved": "_Static_assert",
    "own": "tvmgen_net_run",
}


def _two_inputs(first: str, second: str, result: str) -> bytes:
    graph = Graph(5)
    left = graph.input((1, 6), Quant(0.05, 3), name=first)
    right = graph.input((1, 6), Quant(0.03, -4), name=second)
    for index, name in enumerate((first, second)):
        graph.tensors[index].name = name
    graph.op(Code.SUB, [left, right], (1, 6), Quant(0.08, 2), schema.SubOptionsT())
    graph.tensors[2].name = result
    return graph.finish(Ref(2, (1, 6), None))


def _right(model: bytes, execute: Execute) -> None:
    inputs = samples(model, 5)
    wanted = run(model, inputs, "tflm")
    for got, want in zip(execute(model, inputs), wanted, strict=True):
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_odd_names(name: str, execute: Execute) -> None:
    _right(_two_inputs(name, "b", name + "!"), execute)


def test_bytes_that_are_no_utf8(execute: Execute) -> None:
    model = _two_inputs("namename", "b", "c")
    _right(model.replace(b"namename", b"\xff\xfe\x80\xc3(\xf0\x9f!"), execute)


@pytest.mark.parametrize(
    "names",
    [("x", "x", "x"), ("a b", "a/b", "a_b"), ("a", "A", "a"), ("", "", "")],
    ids=["all-equal", "equal-as-identifiers", "case", "all-empty"],
)
def test_names_that_collide(names: tuple[str, str, str], execute: Execute) -> None:
    _right(_two_inputs(*names), execute)


def _batch_signature() -> bytes:
    """The batch is open, as Keras models have it: taken as the 1 that the file says."""
    graph = Graph(6)
    source = graph.input((1, 4, 4, 3), Quant(0.05, 2))
    graph.tensors[0].shapeSignature = np.array([-1, 4, 4, 3], np.int32)
    maps = add_conv2d(graph, source, 5, activation=RELU)
    graph.tensors[maps.index].shapeSignature = np.array([-1, 4, 4, 5], np.int32)
    return graph.finish(maps)


def _unused_parts() -> bytes:
    """An input, a constant and an operator that nothing reads."""
    graph = Graph(7)
    source, _ = graph.input((1, 6), Quant(0.05, 2)), graph.input((1, 3), Quant(0.05))
    graph.integers([1, 2, 3])
    graph.op(Code.RELU, [source], (1, 6), source.quant)
    return graph.finish(add_fully_connected(graph, source, 4))


def _many_operators() -> bytes:
    graph = Graph(10)
    value = graph.input((1, 12), Quant(0.05, 2))
    for _ in range(60):
        value = add_fully_connected(graph, value, 12, RELU)
    return graph.finish(value)


ODD = {
    "batch-signature": _batch_signature,
    "unused-parts": _unused_parts,
    "many-operators": _many_operators,
}


@pytest.mark.parametrize("build_model", ODD.values(), ids=ODD)
def test_odd_but_right(build_model: Callable[[], bytes], execute: Execute) -> None:
    _right(build_model(), execute)


def test_same_bytes_again(build: Build) -> None:
    """The output is a function of the model: nothing of the clock, the path or hashes."""
    first, second = (build(SMALL.build(), sanitize=False).executable.parent for _ in range(2))
    texts = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.[ch]")}
        for folder in (first, second)
    ]
    assert texts[0] == texts[1]
