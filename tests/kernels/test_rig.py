# SPDX-License-Identifier: Apache-2.0
"""The rig notices what kernels may do wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from .cases import COUNTS, FAMILIES
from .rig import HOST, Item, items, run, spoiled
from .test_headers import HEADERS

CPUS = (HOST, "cortex-m4", "cortex-m55", "rv32imc")
COPY = "\tmemcpy(output, input, {size});\n"
# By what a kernel does that it must not: the C, behind a right copy of the input.
WRONG = {
    "writes before its output": "\toutput[-1] = (int8_t)~output[-1];\n",
    "writes behind its output": "\toutput[{size}] = (int8_t)~output[{size}];\n",
    "writes to its input": "\t((int8_t *)(uintptr_t)input)[0] = (int8_t)~input[0];\n",
    "writes behind its scratch": "\t((uint8_t *)scratch)[20] ^= 1U;\n",
    "reads behind its input": "\t(void)*(const volatile int8_t *)(input + {size});\n",
    "expects its output to be zero": "\toutput[0] = (int8_t)(output[0] + before);\n",
    "expects aligned addresses": "\toutput[0] ^= (int8_t)((uintptr_t)input % 4U);\n",
}


def wrong(what: str) -> Item:
    """A copy that is right but for one thing."""
    item = next(i for i in items("moves", ["portable"]) if i.case.operator.kind == "reshape")
    size = item.case.operator.outputs[0].size
    body = (
        "\tconst int8_t before = output[0];\n\n\t(void)before;\n\t(void)scratch;\n"
        + COPY
        + WRONG[what]
    )
    emitted = replace(item.emitted, body=body.format(size=size), scratch=20)
    return replace(item, emitted=emitted)


@pytest.mark.parametrize("cpu", CPUS)
def test_a_wrong_last_byte(cpu: str, tmp_path: Path) -> None:
    first, second, *_ = items("elementwise", ["portable"])
    [failure] = run([first, spoiled(second)], cpu, tmp_path)
    last = second.case.operator.outputs[0].elements - 1
    assert failure.startswith(f"{second.name}, sample 3, odd addresses: output[{last}] is ")


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_kernel(what: str, cpu: str, tmp_path: Path) -> None:
    item = wrong(what)
    failures = run([item], cpu, tmp_path)
    assert failures and failures[0].startswith(item.name), failures


@pytest.mark.parametrize("cpu", CPUS)
def test_an_overlap_that_is_too_large(cpu: str, tmp_path: Path) -> None:
    every = items("pointwise", ["portable"])
    item = next(i for i in every if i.case.operator.kind == "unary" and i.case.given[0].size > 9)
    assert item.emitted.overlap == 0
    [failure] = run([replace(item, emitted=replace(item.emitted, overlap=-1))], cpu, tmp_path)
    assert failure.startswith(f"{item.name}, sample 0, input 0 overlaps: output[1] is ")


@pytest.mark.parametrize("cpu", (HOST, "cortex-m4"))
def test_an_overlap_by_whole_pixels_that_is_too_large(cpu: str, tmp_path: Path) -> None:
    every = items("depthwise_conv2d", ["dsp"])
    item = next(i for i in every if (i.emitted.overlap_aligned or (-1, 0))[0] > 0)
    assert item.emitted.overlap_aligned
    distance, channels = item.emitted.overlap_aligned
    less = replace(item.emitted, overlap_aligned=(distance - channels, channels))
    failures = run([replace(item, emitted=less)], cpu, tmp_path)
    assert failures
    assert all("input 0 overlaps by whole pixels: output[" in failure for failure in failures)


def test_every_kernel_has_cases() -> None:
    from west_utvm.kernels import registry

    # Loops are C that TVM made of a model's float operators: tests of models have them. Chains
    # have the kernels of their links.
    assert {*COUNTS, "loops"} == {row.kind for row in registry._KERNELS} | {"chain"}
    assert sorted(COUNTS) == sorted(kind for kinds in FAMILIES.values() for kind in kinds)


def test_every_header_has_cases() -> None:
    """The kernels of every packing are among those that the cases get."""
    every = (item for family in FAMILIES for item in items(family, ("portable", "dsp", "mve")))
    used = {header for item in every for header in item.emitted.headers}
    assert used == {path.name for path in HEADERS}


@pytest.mark.parametrize("family", FAMILIES)
def test_results_are_within_their_range(family: str) -> None:
    """Else clamps hide what is wrong: of random inputs, in most cases many a result is inside."""
    inside = []
    for item in items(family, ["portable"]):
        results = item.wanted[0]
        inside.append(np.mean((results > -128) & (results < 127)) > 0.2)
    assert np.mean(inside) > 0.6
