# SPDX-License-Identifier: Apache-2.0
"""ONNX models, bit for bit as ONNX Runtime computes them; ``onnx_models`` says where it may not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from west_utvm.compiler import compile_model
from west_utvm.lowering.program import Program

from .conftest import NAME, ROOT, Execute
from .host import check
from .onnx_graph import Net, as_float
from .onnx_models import Case, cases
from .onnx_reference import run, signature, why_not
from .reference import Run, samples
from .tflite_graph import Array

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
CASES = {case.id: case for case in cases()}
DIGITS = ROOT / "samples" / "digits"
# Models that are float32 throughout.
FLOAT = (
    "conv-3x3-3to8-qdq",
    "conv-same-upper-qdq",
    "conv-2-groups-qdq",
    "conv-1d-qdq",
    "depthwise-5-x2-s1-qdq",
    "gemm-17to5-rows-qdq",
    "matmul-rank-3-qdq",
    "average-pool-counted-qdq",
    "max-pool-padded-qdq",
    "hard-swish-qdq",
    "pad-value-qdq",
    "split-qdq",
    "resize-2x-qdq",
    "chain-residual-qdq",
)
ON_CORTEX_M = (
    "conv-3x3-5to17-qdq",
    "conv-3x3-8to64-qlinear",
    "conv-4-groups-8-qdq",
    "depthwise-17-x1-s1-uint8",
    "gemm-64to10-qdq",
    "add-ties-qlinear",
    "mul-same-qlinear",
    "average-pool-2x2-qdq",
    "global-average-pool-uint8",
    "softmax-10-qlinear",
    "sub-qdq",
    "chain-residual-uint8",
)


def compare(case: Case, results: Sequence[Run], wanted: Sequence[Run]) -> None:
    for number, (got, want) in enumerate(zip(results, wanted, strict=True)):
        if not case.tolerance:
            check(got.outputs, want.outputs, f"sample {number}, ")
            continue
        for a, b in zip(got.outputs, want.outputs, strict=True):
            off = np.abs(a.astype(np.int32) - b.astype(np.int32))
            assert a.dtype == b.dtype and off.max() <= case.tolerance
            assert np.count_nonzero(off) <= 0.02 * off.size + 1


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bit_exact(case: Case, execute: Execute) -> None:
    model = case.build()
    inputs = samples(model, 20)
    results = execute(model, inputs)
    if case.exact_in_integers:
        for number, (got, want) in enumerate(
            zip(results, run(model, inputs, int8=True), strict=True)
        ):
            check(got.outputs, want.outputs, f"sample {number}, ")
    if case.family != "chain" or not case.exact_in_integers:
        compare(case, results, run(model, inputs))


# Kernels for any CPU, with Arm's DSP extension, with Helium.
TARGETS = {"cortex-m3": "c", "cortex-m4": "c -mcpu=cortex-m4", "cortex-m55": "c -mcpu=cortex-m55"}


@pytest.mark.parametrize("id_", ON_CORTEX_M)
@pytest.mark.parametrize("cpu", TARGETS)
def test_bit_exact_on_cortex_m(id_: str, cpu: str, execute: Execute) -> None:
    case = CASES[id_]
    model = case.build()
    inputs = samples(model, 4)
    compare(case, execute(model, inputs, cpu=cpu, target=TARGETS[cpu]), run(model, inputs))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_case_can_tell_right_from_wrong(case: Case) -> None:
    """Most outputs are inside the range, and samples differ."""
    model = case.build()
    results = run(model, samples(model, 12))[4:]
    outputs = [np.concatenate([value.ravel() for value in one.outputs]) for one in results]
    everything = np.concatenate(outputs)
    limits = np.iinfo(everything.dtype)
    inside = np.mean((everything > limits.min) & (everything < limits.max))
    assert inside > (0.05 if case.family in ("softmax", "unary", "chain", "move") else 0.25)
    assert len({value.tobytes() for value in outputs}) > len(outputs) // 2


def _program(model: bytes, folder: Path) -> Program:
    path = folder / "model.onnx"
    path.write_bytes(model)
    return compile_model(path, name=NAME).program


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_nothing_is_computed_in_float(case: Case, tmp_path: Path) -> None:
    program = _program(case.build(), tmp_path)
    assert program.in_float() == []
    assert {value.dtype for op in program.operators for value in op.outputs} <= {"int8", "uint8"}


# How many transpositions are left, by case: those that the model's interface asks for.
TRANSPOSITIONS = {
    "conv-3x3-1to5-qdq": 1,
    "conv-3x3-5to17-qdq": 2,
    "conv-3x3-17to1-qdq": 1,
    "depthwise-3-x1-s1-qdq": 2,
    "max-pool-2x2-qdq": 2,
    "global-average-pool-qdq": 0,
    "reduce-mean-qdq": 0,
    "softmax-channels-qdq": 2,
    "add-same-qdq": 0,
    "chain-flatten-gemm-qdq": 1,
    "chain-residual-qdq": 1,
    "chain-residual-uint8": 1,
}


@pytest.mark.parametrize(("id_", "count"), TRANSPOSITIONS.items(), ids=TRANSPOSITIONS)
def test_transpositions_that_are_left(id_: str, count: int, tmp_path: Path) -> None:
    program = _program(CASES[id_].build(), tmp_path)
    assert [op.kind for op in program.operators].count("transpose") == count


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("op", ["Add", "Mul", "Sub"])
def test_every_pair_of_inputs(op: str, dtype: str, execute: Execute) -> None:
    """All 65,536, for scales at random and for scales that make ties."""
    values = np.arange(np.iinfo(dtype).min, np.iinfo(dtype).max + 1).astype(dtype)
    shape = (256, 256)
    pair = [np.ascontiguousarray(grid) for grid in np.meshgrid(values, values, indexing="ij")]
    for seed in range(6):
        net = Net(seed, dtype)
        a = net.input(shape)
        b = net.input(shape, a.scale if seed % 2 else None)
        scale = a.scale * (2 if seed % 3 else 1.5) * (80 * b.scale if op == "Mul" else 1)
        model = net.finish(net.op(op, [a, b], shape, float(np.float32(scale)), net.zero()))
        [got], [want] = execute(model, [pair]), run(model, [pair])
        check(got.outputs, want.outputs, f"seed {seed}, ")


def test_without_optimizations(execute: Execute) -> None:
    """ONNX Runtime then computes all in float: one operator is off by one at most."""
    for id_ in ("conv-3x3-5to17-uint8", "gemm-64to10-qdq", "add-same-uint8", "softmax-10-qdq"):
        model = CASES[id_].build()
        inputs = samples(model, 20)
        wanted = run(model, inputs, optimize=False)
        for got, want in zip(execute(model, inputs), wanted, strict=True):
            off = got.outputs[0].astype(np.int32) - want.outputs[0].astype(np.int32)
            assert np.abs(off).max() <= 1


def _images() -> list[list[Array]]:
    """As digits.onnx has them: float32 from 0 to 1, NCHW."""
    images = np.load(DIGITS / "input.npz")["image"].astype(np.float32)
    real = ((images + 128) / np.float32(255)).reshape(-1, 1, 1, 8, 8)
    return [[image] for image in real]


def test_digits(execute: Execute) -> None:
    model = (DIGITS / "digits.onnx").read_bytes()
    images = _images()
    results = execute(model, images)
    for number, (got, want) in enumerate(zip(results, run(model, images, int8=True), strict=True)):
        check(got.outputs, want.outputs, f"image {number}, ")
    for got, want in zip(results, run(model, images), strict=True):
        # By default, ONNX Runtime computes the convolutions of this model in float.
        assert np.abs(got.outputs[0] - want.outputs[0]).max() < 2.5 / 255
    labels = np.load(DIGITS / "labels.npz")["labels"]
    found = [int(one.outputs[0].argmax()) for one in results]
    assert np.count_nonzero(np.array(found) == labels) == 199


class _Calibration(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, model: bytes) -> None:
        [tensor] = signature(model).inputs
        self._samples = iter([{tensor.name: one[0]} for one in samples(model, 20)])

    def get_next(self) -> dict[str, Array] | None:
        return next(self._samples, None)


@pytest.mark.parametrize("per_channel", [False, True], ids=["tensor", "channel"])
@pytest.mark.parametrize("activations", ["QInt8", "QUInt8"])
@pytest.mark.parametrize("kind", ["QDQ", "QOperator"])
def test_quantized_by_onnxruntime(
    kind: str, activations: str, per_channel: bool, tmp_path: Path, execute: Execute
) -> None:
    """Its own quantizer, on a residual network of float32."""
    real = as_float(CASES["chain-residual-qdq"].build())
    plain, prepared, path = (tmp_path / f"{name}.onnx" for name in ("real", "prepared", "int8"))
    plain.write_bytes(real)
    quant_pre_process(plain, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        path,
        _Calibration(real),
        quant_format=QuantFormat[kind],
        activation_type=QuantType[activations],
        weight_type=QuantType.QInt8,
        per_channel=per_channel,
    )
    model = path.read_bytes()
    assert _program(model, tmp_path).in_float() == []
    inputs = samples(model, 20)
    results = execute(model, inputs)
    for got, want in zip(results, run(model, inputs, int8=True), strict=True):
        check(got.outputs, want.outputs)


@pytest.mark.parametrize("opset", [13, 18, 19, 21, 23, onnx.defs.onnx_opset_version()])
def test_opsets(opset: int, tmp_path: Path) -> None:
    """What changed between them is where an operator's parameters are."""
    for id_ in ("chain-residual-qdq", "pad-value-uint8", "resize-2x-qdq", "split-qdq"):
        proto = onnx.ModelProto.FromString(CASES[id_].build())
        proto.opset_import[0].version = opset
        assert _program(proto.SerializeToString(), tmp_path).in_float() == []


@pytest.mark.parametrize("id_", FLOAT)
def test_float(id_: str, execute: Execute) -> None:
    model = as_float(CASES[id_].build())
    inputs = samples(model, 5)
    for got, want in zip(execute(model, inputs), run(model, inputs), strict=True):
        for a, b in zip(got.outputs, want.outputs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
