# SPDX-License-Identifier: Apache-2.0
"""The two texts that are searched, not parsed: Relay and the C header."""

from __future__ import annotations

import time

import pytest

from west_utvm.mlf.header import parse_header
from west_utvm.mlf.ports import c_identifier
from west_utvm.mlf.relay import TensorType, input_types, output_types

INT8, FLOAT = "int8", "float32"


@pytest.mark.parametrize(
    ("line", "inputs", "outputs"),
    [
        ("(%a: Tensor[(1, 2), int8]) {", {"a": ((1, 2), INT8)}, []),
        (
            "(%a: Tensor[(3), int8]) -> Tensor[(3,), float32] {",
            {"a": ((3,), INT8)},
            [((3,), FLOAT)],
        ),
        ("(%a: Tensor[(), int8]) {", {"a": ((), INT8)}, []),
        ("(%a/b.c:0: Tensor[(1), int8]) {", {"a/b.c:0": ((1,), INT8)}, []),
        ("(%größe μ: Tensor[(1), int8]) {", {"größe μ": ((1,), INT8)}, []),
        (
            "(%a: Tensor[(1), int8] /* ty=Tensor[(9), int8] span=x:0 */, %b: Tensor[(2), int8]) {",
            {"a": ((1,), INT8), "b": ((2,), INT8)},
            [],
        ),
        (
            '(%a: Tensor[(1), int8], output_tensor_names=["x -> Tensor"]) '
            "-> (Tensor[(1), int8], Tensor[(2), float32]) {",
            {"a": ((1,), INT8)},
            [((1,), INT8), ((2,), FLOAT)],
        ),
        ("(%a: Tensor[(?, 2), int8]) {", {}, []),
        ("(%a: Tensor[(" + "9" * 5000 + "), int8]) {", {}, []),
        ("(%a: Tensor[(" + "9, " * 50 + "9), int8]) {", {}, []),
        ("(%a: int8) {", {}, []),
    ],
)
def test_relay(line: str, inputs: dict[str, TensorType], outputs: list[TensorType]) -> None:
    text = f"#[version = 0.0.5]\ndef @main{line}\n  %0 = f(%a: Tensor[(7), int8]);\n}}\n"
    assert input_types(text) == inputs
    assert output_types(text) == outputs


@pytest.mark.parametrize(
    "piece", ["/*", "%a", "%a: Tensor[(", "->", "(9, 9", ": Tensor[(1), int8]"]
)
def test_relay_made_to_hang(piece: str) -> None:
    start = time.monotonic()
    text = f"def @main({piece * (1 << 18)}"
    input_types(text), output_types(text)
    assert time.monotonic() - start < 2


HEADER = """
#define TVMGEN_KWS_A_B_SIZE 16
#define TVMGEN_KWS_WORKSPACE_SIZE 96
#define TVMGEN_KWS_SRAM_WORKSPACE_POOL_SIZE 64
#define TVMGEN_KWS_DTCM_WORKSPACE_POOL_SIZE 32
struct tvmgen_kws_inputs {
  void* a_b;
  void *c ;
};
struct tvmgen_kws_outputs {  void*Identity;  };
struct tvmgen_kws_workspace_pools {
  void* sram;
  void* dtcm;
};
int32_t tvmgen_kws_run (struct tvmgen_kws_inputs* inputs);
"""


def test_header_has_identifiers_only() -> None:
    text = HEADER.replace("void* a_b;", "void* größe;\n  void* 2b;\n  void* a[2];\n  int d;")
    assert parse_header(text, "kws", "x.h").inputs == ("c",)


def test_header() -> None:
    header = parse_header(HEADER, "kws", "x.h")
    assert (header.inputs, header.outputs) == (("a_b", "c"), ("Identity",))
    assert [header.pool_size(pool) for pool in header.pools] == [64, 32]
    assert (header.tensor_size("a_b"), header.tensor_size("c")) == (16, None)
    assert header.workspace_size == 96
    assert not (header.has_devices or header.has_io_pools or header.has_constant_pools)


@pytest.mark.parametrize("piece", ["#define TVMGEN_KWS_", "void* ", "struct tvmgen_kws_inputs {"])
def test_header_made_to_hang(piece: str) -> None:
    start = time.monotonic()
    parse_header(HEADER + piece * (1 << 16), "kws", "x.h")
    assert time.monotonic() - start < 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("serving_default_x:0", "serving_default_x_0"),
        ("a/b.c", "a_b_c"),
        ("größe", "gr____e"),  # a byte of UTF-8, not a character, becomes an underscore
        ("a\n;\"'b", "a____b"),
    ],
)
def test_names_as_tvm_makes_them(name: str, expected: str) -> None:
    assert c_identifier(name) == expected
