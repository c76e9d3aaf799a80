# SPDX-License-Identifier: Apache-2.0
"""Damaged, hostile and merely odd .onnx files: one line of reason or a correct compile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from west_utvm.errors import UtvmError

from .bad_models import (
    REAL_FLIPS,
    SAMPLES,
    Verdict,
    check_flipped,
    check_verdicts,
    compile_all,
    flipped,
)
from .conftest import NAME, Build, Execute
from .host import build_host, check
from .onnx_graph import Net, Ref
from .onnx_models import cases
from .onnx_reference import run, signature, why_not
from .reference import samples
from .test_bad_models import NAMES

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
CASES = {case.id: case for case in cases()}
SMALL = CASES["conv-s2-uint8"]
CHAIN = CASES["chain-residual-uint8"]
DIGITS = Path(__file__).parents[2] / "samples" / "digits" / "digits.onnx"


def _compile_all(models: list[tuple[str, bytes]], folder: Path) -> dict[str, Verdict]:
    return compile_all(models, folder, ".onnx")


def test_empty_and_garbage(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    models = [
        ("empty", b""),
        ("text", b"hello, world\n" * 20),
        ("zeros", bytes(4096)),
        ("ones", b"\xff" * 4096),
        ("version only", b"\x08\x08"),
        ("version and noise", b"\x08\x08\x12" + random.bytes(2000)),
        ("noise", random.bytes(5000)),
        ("groups", b"\x0b" * 5000),
    ]
    verdicts = _compile_all(models, tmp_path)
    check_verdicts(verdicts)
    assert {verdict.kind for verdict in verdicts.values()} == {"refused"}


def test_truncated(tmp_path: Path) -> None:
    model = SMALL.build()
    lengths = [*range(1, 64, 5), *range(64, len(model), 31), len(model) - 1]
    check_verdicts(_compile_all([(f"{n} bytes", model[:n]) for n in lengths], tmp_path))


def test_flipped_bytes(tmp_path: Path) -> None:
    def differs(model: bytes, files: dict[str, str], wanted: list[list[str]]) -> bool:
        if not _says_its_shape(model):
            return False
        program = build_host(files, NAME, signature(model), tmp_path / "flipped", sanitize=False)
        results = program.run(samples(model, SAMPLES))
        return any(
            _is_far(value, known)
            for got, want in zip(results, wanted, strict=True)
            for value, known in zip(got.outputs, want, strict=True)
        )

    check_flipped(SMALL.build(), tmp_path, differs, ".onnx")


def _is_far(value: NDArray[Any], wanted: str) -> bool:
    """By more than a quantum: a flip may have left what the reference computes in float."""
    known = np.frombuffer(bytes.fromhex(wanted), value.dtype).reshape(value.shape)
    return bool(np.abs(value.astype(int) - known.astype(int)).max() > 1)


def _says_its_shape(model: bytes) -> bool:
    [output] = onnx.ModelProto.FromString(model).graph.output
    dims = output.type.tensor_type.shape.dim
    return bool(dims) and all(dim.dim_value > 0 for dim in dims)


@pytest.mark.parametrize("model", [CHAIN.build, DIGITS.read_bytes], ids=["chain", "digits"])
def test_flipped_bytes_of_larger_models(model: Callable[[], bytes], tmp_path: Path) -> None:
    check_verdicts(_compile_all(list(flipped(model(), REAL_FLIPS, 3)), tmp_path))


# Models that are well-formed and that the compiler must refuse: what the message must name.


def _changed(change: Callable[[Any], None], model: bytes | None = None) -> bytes:
    proto = onnx.ModelProto.FromString(SMALL.build() if model is None else model)
    change(proto)
    return bytes(proto.SerializeToString())


def _dynamic(proto: Any) -> None:
    dims = proto.graph.input[0].type.tensor_type.shape.dim
    dims[2].Clear()
    dims[2].dim_param = "height"


def _no_shape(proto: Any) -> None:
    proto.graph.input[0].type.tensor_type.ClearField("shape")


def _old_opset(proto: Any) -> None:
    proto.opset_import[0].version = 11


def _new_opset(proto: Any) -> None:
    proto.opset_import[0].version = 99


def _unknown(proto: Any) -> None:
    _first(proto, "Conv").op_type = "Convolute"


def _foreign(proto: Any) -> None:
    _first(proto, "Conv").domain = "com.example"


def _first(proto: Any, op: str) -> Any:
    return next(node for node in proto.graph.node if node.op_type == op)


def _external(proto: Any) -> None:
    tensor = max(proto.graph.initializer, key=lambda item: len(item.raw_data))
    onnx.external_data_helper.set_external_data(tensor, location="../../etc/passwd")
    tensor.ClearField("raw_data")


def _short_data(proto: Any) -> None:
    tensor = max(proto.graph.initializer, key=lambda item: len(item.raw_data))
    tensor.raw_data = tensor.raw_data[:-1]


def _huge(proto: Any) -> None:
    for dim in proto.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = 1 << 20


def _other_output(proto: Any) -> None:
    proto.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 3


def _negative(proto: Any) -> None:
    proto.graph.input[0].type.tensor_type.shape.dim[2].dim_value = -4


def _asymmetric(proto: Any) -> None:
    """Weights with a zero point, and values on either side of what int8 could shift."""
    conv = _first(proto, "Conv")
    made = next(node for node in proto.graph.node if conv.input[1] in node.output)
    for item in proto.graph.initializer:
        if item.name == made.input[2]:
            zero = np.full(tuple(item.dims), 9, np.int8)
            item.CopyFrom(numpy_helper.from_array(zero, item.name))


def _int16(proto: Any) -> None:
    quantize = _first(proto, "QuantizeLinear")
    for item in proto.graph.initializer:
        if item.name == quantize.input[2]:
            item.CopyFrom(numpy_helper.from_array(np.array(3, np.int16), item.name))
    proto.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT16
    proto.opset_import[0].version = 21


def _nan_scale(proto: Any) -> None:
    quantize = _first(proto, "QuantizeLinear")
    for item in proto.graph.initializer:
        if item.name == quantize.input[1]:
            item.CopyFrom(numpy_helper.from_array(np.array(np.nan, np.float32), item.name))


def _cycle(proto: Any) -> None:
    quantize = _first(proto, "QuantizeLinear")
    quantize.input[0] = quantize.output[0]


def _twice(proto: Any) -> None:
    proto.graph.node.append(proto.graph.node[-1])


def _no_operators(proto: Any) -> None:
    del proto.graph.node[:]


def _control_flow(proto: Any) -> None:
    branch = helper.make_graph([], "branch", [], [])
    node = helper.make_node("If", ["x0"], ["y"], name="whether", then_branch=branch)
    proto.graph.node.insert(0, node)


def _bad_weights(proto: Any) -> None:
    for item in proto.graph.initializer:
        if len(item.dims) == 4:
            data = numpy_helper.to_array(item)[:, :2]
            item.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(data), item.name))


def _endless_scale(proto: Any) -> None:
    """Weights whose products with the largest sums are beyond float32."""
    node = next(node for node in proto.graph.node if node.op_type == "DequantizeLinear")
    for tensor in proto.graph.initializer:
        if tensor.name == node.input[1]:
            scales = np.full_like(numpy_helper.to_array(tensor), 3e38)
            tensor.CopyFrom(numpy_helper.from_array(scales, tensor.name))


REFUSED: dict[str, tuple[Callable[[Any], None], str]] = {
    "dynamic": (_dynamic, "height"),
    "no-shape": (_no_shape, "shape"),
    "old-opset": (_old_opset, "opset 11"),
    "new-opset": (_new_opset, "opset 99"),
    "unknown": (_unknown, "Convolute"),
    "foreign": (_foreign, "com.example"),
    "external": (_external, "another file"),
    "short-data": (_short_data, ""),
    "huge": (_huge, "shape"),
    "negative": (_negative, "shape"),
    "other-output": (_other_output, "3x8x5x4"),
    "asymmetric": (_asymmetric, "symmetric"),
    "int16": (_int16, "int16"),
    "nan-scale": (_nan_scale, "quantization"),
    "endless-scale": (_endless_scale, "quantize again"),
    "cycle": (_cycle, ""),
    "written-twice": (_twice, "twice"),
    "no-operators": (_no_operators, "no operators"),
    "control-flow": (_control_flow, "whether"),
    "bad-weights": (_bad_weights, "Conv"),
}


@pytest.mark.parametrize(("change", "named"), REFUSED.values(), ids=REFUSED)
def test_refused(change: Callable[[Any], None], named: str, build: Build) -> None:
    with pytest.raises(UtvmError) as refusal:
        build(_changed(change))
    message = str(refusal.value)
    assert named.lower() in message.lower()
    assert "model.onnx" in message
    assert len(message) < 500 and "\n" not in message


def test_rounding_has_no_meaning(build: Build) -> None:
    with pytest.raises(UtvmError, match="--rounding has no meaning"):
        build(SMALL.build(), "litert")


def test_known_by_its_content(tmp_path: Path) -> None:
    from west_utvm.importer.formats import is_model_file

    path = tmp_path / "model"
    path.write_bytes(SMALL.build())
    assert is_model_file(path)
    path.write_bytes(b"\x1f\x8b\x08" + bytes(100))
    assert not is_model_file(path)


# Odd, and right.


def _right(model: bytes, execute: Execute) -> None:
    inputs = samples(model, 5)
    for got, want in zip(execute(model, inputs), run(model, inputs), strict=True):
        check(got.outputs, want.outputs)


def _two_inputs(first: str, second: str, result: str) -> bytes:
    net = Net(5, "uint8")
    left, right = net.input((1, 6)), net.input((1, 6))
    model = net.finish(net.op("Add", [left, right], (1, 6), 0.1, 3))
    names = {left.name: first, right.name: second}

    def rename(proto: Any) -> None:
        names[proto.graph.output[0].name] = result
        for item in (*proto.graph.input, *proto.graph.output):
            item.name = names[item.name]
        for node in proto.graph.node:
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]

    return _changed(rename, model)


@pytest.mark.parametrize(
    "name", [name for name in NAMES.values() if name], ids=[key for key in NAMES if NAMES[key]]
)
def test_odd_names(name: str, execute: Execute) -> None:
    _right(_two_inputs(name, "b", name + "!"), execute)


@pytest.mark.parametrize(
    "names", [("a b", "a/b", "a_b"), ("a", "A", "x"), ("y:int8", "y", "y:int8:last")]
)
def test_names_that_are_alike(names: tuple[str, str, str], execute: Execute) -> None:
    _right(_two_inputs(*names), execute)


@pytest.mark.parametrize("names", [("x", "x", "y"), ("x", "y", "x"), ("", "y", "z")])
def test_names_that_are_one(names: tuple[str, str, str], build: Build) -> None:
    with pytest.raises(UtvmError):
        build(_two_inputs(*names))


def _batch(proto: Any) -> None:
    for item in (proto.graph.input[0], proto.graph.output[0]):
        item.type.tensor_type.shape.dim[0].dim_param = "batch"


def test_a_named_batch_is_one(execute: Execute, tmp_path: Path) -> None:
    from west_utvm.compiler import compile_model

    model = _changed(_batch)
    _right(model, execute)
    path = tmp_path / "model.onnx"
    path.write_bytes(model)
    assert "batch 'batch' is 1" in compile_model(path, name=NAME).notes[0]


def _outputs_of_all_kinds() -> bytes:
    """One result read on, one given in two orders."""
    net = Net(6, "uint8")
    source = net.input((1, 3, 4, 5))
    kept = net.op("Add", [source, source], source.shape, 0.2, 5)
    [turned] = net.add("Transpose", [kept.name], perm=[0, 2, 3, 1])
    more = net.op("Sigmoid", [kept], source.shape, 1 / 256, -128)
    return net.finish(kept, Ref(turned, (1, 4, 5, 3), 0.2, 5), more)


def test_outputs_of_all_kinds(execute: Execute) -> None:
    _right(_outputs_of_all_kinds(), execute)


def test_same_bytes_again(build: Build) -> None:
    """The output is a function of the model: nothing of the clock, the path or hashes."""
    first, second = (build(CHAIN.build(), sanitize=False).executable.parent for _ in range(2))
    texts = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.[ch]")}
        for folder in (first, second)
    ]
    assert texts[0] == texts[1]
