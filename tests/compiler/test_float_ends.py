# SPDX-License-Identifier: Apache-2.0
"""float32 in front of and behind a quantized model: conversions to the last bit, at every edge."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from .conftest import Execute
from .host import check
from .reference import ROUNDINGS, Rounding, run
from .tflite_graph import Array, Code, Graph, Quant, schema

QUANTS = {
    "usual": Quant(0.03, 4),
    "image": Quant(1 / 255, -128),
    "power-of-two": Quant(0.125, -3),
    "tiny": Quant(3.1e-7, 127),
    "large": Quant(1234.5, 0),
    "third": Quant(1 / 3, -77),
}
COUNT = 4096


def _quantize(quant: Quant) -> bytes:
    graph = Graph()
    source = graph.input((1, COUNT), None, "float32", "real")
    options = schema.QuantizeOptionsT()
    return graph.finish(graph.op(Code.QUANTIZE, [source], source.shape, quant, options))


def _dequantize(quant: Quant) -> bytes:
    graph = Graph()
    source = graph.input((1, 256), quant, name="small")
    options = schema.DequantizeOptionsT()
    return graph.finish(graph.op(Code.DEQUANTIZE, [source], source.shape, None, options, "float32"))


def _edges(quant: Quant) -> Array:
    """Half-way points between integers with their neighbours in float32, and random values."""
    scale = quant.scales[0]
    halves = (np.arange(-260, 260, dtype=np.float32) + np.float32(0.5)) * scale
    beside = [np.nextafter(halves, np.float32(sign * np.inf)) for sign in (-1, 1)]
    few = np.array([0.0, -0.0, 1e-45, -1e-45, 1e6 * scale, -1e6 * scale], np.float32)
    random = np.random.default_rng(3)
    rest = COUNT - 3 * halves.size - few.size
    spread = (random.uniform(-140, 140, rest) * scale).astype(np.float32)
    return np.concatenate([halves, *beside, few, spread]).reshape(1, COUNT)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("quant", QUANTS.values(), ids=QUANTS)
def test_quantize(quant: Quant, rounding: Rounding, execute: Execute) -> None:
    model, inputs = _quantize(quant), [[_edges(quant)]]
    [got], [want] = execute(model, inputs, rounding), run(model, inputs, rounding)
    check(got.outputs, want.outputs)


def test_references_disagree_on_halves() -> None:
    quant = Quant(0.125, -3)
    model, inputs = _quantize(quant), [[_edges(quant)]]
    [micro], [lite] = run(model, inputs, "tflm"), run(model, inputs, "litert")
    assert (micro.outputs[0] != lite.outputs[0]).any()


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("quant", QUANTS.values(), ids=QUANTS)
def test_dequantize(quant: Quant, rounding: Rounding, execute: Execute) -> None:
    model = _dequantize(quant)
    inputs = [[np.arange(-128, 128, dtype=np.int8).reshape(1, 256)]]
    [got], [want] = execute(model, inputs, rounding), run(model, inputs, rounding)
    check(got.outputs, want.outputs)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_what_is_no_number(rounding: Rounding, execute: Execute) -> None:
    """Beyond the range it saturates, NaN is as 0 is; UBSan sees no cast that is undefined."""
    values = np.zeros((1, COUNT), np.float32)
    odd = [np.nan, -np.nan, np.inf, -np.inf, 3e38, -3e38]
    values[0, : len(odd)] = odd
    [result] = execute(_quantize(Quant(0.03, 4)), [[values]], rounding)
    assert result.outputs[0][0, :7].tolist() == [4, 4, 127, -128, 127, -128, 4]


def test_on_cortex_m(execute: Execute) -> None:
    model, inputs = _quantize(QUANTS["third"]), [[_edges(QUANTS["third"])]]
    [want] = run(model, inputs, "tflm")
    for cpu in ("cortex-m3", "cortex-m4"):
        [got] = execute(model, inputs, cpu=cpu)
        check(got.outputs, want.outputs)


def test_header(tmp_path: Path) -> None:
    """A quantization only where there is one."""
    from west_utvm.compiler import compile_model

    path = tmp_path / "model.tflite"
    path.write_bytes(_quantize(Quant(0.25, 4)))
    compiled = compile_model(path, name="net")
    header = compiled.files["include/tvmgen_net.h"]
    macros = re.findall(r"#define TVMGEN_NET_(\w+) (\S+)", header)
    assert dict(macros) == {
        "REAL_SIZE": str(4 * COUNT),
        "TENSOR_1_SIZE": str(COUNT),
        "TENSOR_1_SCALE": "0.25f",
        "TENSOR_1_ZERO_POINT": "(4)",
        "WORKSPACE_SIZE": "0",
    }
    record = compiled.model.entry["west_utvm"]["compiler"]
    assert "scale" not in record["inputs"][0] and record["outputs"][0]["scale"] == 0.25
    assert compiled.model.inputs[0].tensor.dtype == "float32"
