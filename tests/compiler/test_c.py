# SPDX-License-Identifier: Apache-2.0
"""The C itself: portable, without warnings, without a library, and content with any address."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ..bare_metal.boards import BARE_METAL, WARNINGS
from . import float_models, onnx_models
from .conftest import NAME, Build
from .host import check
from .reference import ROUNDINGS, Rounding, run, samples
from .tflite_models import cases

CASES: dict[str, Any] = {
    **{case.id: case for case in cases()},
    **{f"float-{case.id}": case for case in float_models.cases()},
    **{case.id: case for case in onnx_models.cases()},
}
PARTS = (
    "conv_2d-s2-same-odd", "depthwise_conv_2d-c3-m2", "fully_connected-batch4", "add-rows",
    "mul-relu", "average_pool_2d-3x3-s2-same", "max_pool_2d-relu", "softmax-4d", "mean-image",
    "concatenation-channels", "strided_slice-steps", "transpose-nchw", "pad-image",
    "chain-conv-pool-dense", "chain-float-ends",
)  # fmt: skip
FLOAT_PARTS = (
    "float-conv_2d-s2-same-odd", "float-depthwise_conv_2d-s2-relu6", "float-max_pool_2d-relu",
    "float-average_pool_2d-3x3-s2-same", "float-softmax-4d", "float-tanh-image",
    "float-leaky_relu-image", "float-concatenation-rows", "float-pad-image", "float-split-three",
    "float-mean-channels", "float-hard_swish-image", "float-chain-residual",
    "float-chain-classifier", "float-chain-two-outputs",
)  # fmt: skip
ONNX_PARTS = (
    "conv-3x3-5to17-qdq", "depthwise-5-x2-s1-uint8", "gemm-17to5-rows-qdq", "add-channels-qdq",
    "mul-constant-uint8", "sub-qdq", "average-pool-counted-qdq", "global-average-pool-qdq",
    "softmax-channels-qdq", "function-silu-qdq", "concat-rescaled-qdq", "resize-corners-uint8",
    "chain-residual-uint8",
)  # fmt: skip
# Their inputs or outputs have elements of more than a byte.
ALIGNED = {"chain-float-ends"}
M55 = "c -mcpu=cortex-m55"
# Those with kernels of their own for it.
HELIUM_PARTS = (
    "conv_2d-s2-same-odd", "conv_2d-enlarging", "depthwise_conv_2d-c5-d2", "depthwise_conv_2d-c64",
    "fully_connected-64to10", "add-relu", "average_pool_2d-3x3-s2-same", "chain-separable",
    "mul-rows", "max_pool_2d-relu", "mean-image", "logistic-usual",
)  # fmt: skip
# Each is a compiler and its options; those for RISC-V come without a library.
COMPILERS = {
    "gcc-O3": ("gcc", "-O3"),
    "clang": ("clang", "-O2"),
    "clang-riscv32": (
        "clang",
        "-O2",
        "--target=riscv32-unknown-elf",
        "-march=rv32imac",
        "-nostdinc",
    ),
    "riscv-gcc": (
        "riscv64-unknown-elf-gcc",
        "-O2",
        "-march=rv32imc",
        "-mabi=ilp32",
        f"-isystem{BARE_METAL / 'freestanding'}",
    ),
    "arm-gcc-m0": ("arm-none-eabi-gcc", "-Os", "-mcpu=cortex-m0", "-mthumb"),
    "arm-gcc-m55": ("arm-none-eabi-gcc", "-O2", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
    # Integer vectors alone; and registers as short as they get.
    "arm-gcc-m55-nofp": ("arm-none-eabi-gcc", "-O0", "-mcpu=cortex-m55+nofp", "-mthumb"),
    "clang-m55": (
        "clang",
        "-O2",
        "--target=arm-none-eabi",
        "-mcpu=cortex-m55",
        "-mthumb",
        "-nostdinc",
    ),
}
HEADERS = {"stdint.h", "stddef.h", "stdbool.h", "string.h", "limits.h", f"tvmgen_{NAME}.h"}
# Of the compiler, and only where it compiles for a CPU with vectors.
HEADERS |= {"arm_mve.h"}
# What a freestanding compiler may call by itself.
CALLS = {"memcpy", "memset", "memmove", "memcmp"}


MATHEMATICS = {"expf", "tanhf"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for each of the models and roundings, with ``include`` and ``src``."""
    from west_utvm.compiler import compile_model

    folder = tmp_path_factory.mktemp("sources")
    wanted: list[tuple[str, str, Rounding | None]] = [
        (part, "c", rounding) for part in (*PARTS, *FLOAT_PARTS) for rounding in ROUNDINGS
    ]
    wanted += [(part, M55, rounding) for part in HELIUM_PARTS for rounding in ROUNDINGS]
    wanted += [(part, "c", None) for part in ONNX_PARTS]
    for part, target, rounding in wanted:
        model = folder / ("model.tflite" if rounding else "model.onnx")
        model.write_bytes(CASES[part].build())
        compiled = compile_model(model, name=NAME, rounding=rounding, target=target)
        name = f"{'m55-' if target == M55 else ''}{part}-{rounding or 'ort'}"
        for relative, text in compiled.files.items():
            path = folder / name / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return folder


def _once(sources: Path) -> list[Path]:
    """The C of each model, in one mode."""
    return sorted([*sources.glob("*-tflm/src/*.c"), *sources.glob("*-ort/src/*.c")])


@pytest.mark.parametrize("compiler", COMPILERS.values(), ids=COMPILERS)
def test_no_warning(compiler: tuple[str, ...], sources: Path, tmp_path: Path) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    for source in sorted(sources.glob("*/src/*.c")):
        include = source.parents[1] / "include"
        options = [*WARNINGS, "-Wvla", "-Wshadow", "-Wundef", "-ffreestanding"]
        more = [f"-isystem{path}" for path in _freestanding()] if "-nostdinc" in compiler else []
        command = [*compiler, *options, *more, f"-I{include}", "-c", str(source), "-o", "x.o"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{source.parts[-3]}: {done.stderr[:2000]}"


def _freestanding() -> list[Path]:
    command = ["clang", "-print-resource-dir"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [Path(done.stdout.strip()) / "include", BARE_METAL / "freestanding"]


def test_style(sources: Path) -> None:
    """Zephyr's, as far as it can be said in a line: tabs, 100 columns, nothing at a line's end."""
    for source in sorted(sources.glob("*/src/*.c")):
        text = source.read_text()
        assert text.endswith("}\n") and "\n\n\n" not in text, source.parts[-3]
        for line in text.splitlines():
            assert len(line.expandtabs(8)) <= 100 and line == line.rstrip(), line
            # Eight spaces are a tab; fewer align what is continued.
            assert re.match(r"\t* {0,7}\S|$", line), line


def test_headers(sources: Path) -> None:
    files = [path for path in sources.glob("*/*/*") if path.suffix in (".c", ".h")]
    included = {name for path in files for name in _included(path)}
    own = {path.name for path in files}
    assert included <= HEADERS | own
    assert f"tvmgen_{NAME}.h" in included


def _included(path: Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s*[<"]([^">]+)', path.read_text(), re.M)


def test_calls_nothing(sources: Path, tmp_path: Path) -> None:
    """No heap, no mathematics, nothing of a C library; each file defines all it needs itself.
    Models of float operators may call exponentials."""
    for source in _once(sources):
        include = source.parents[1] / "include"
        command = ["gcc", "-O1", "-ffreestanding", f"-I{include}", "-c", str(source), "-o", "x.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
        listed = subprocess.run(
            ["nm", "-u", "x.o"], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        wanted = set(re.findall(r"U (\w+)", listed.stdout))
        outside = {name for name in wanted - CALLS if not name.startswith(f"tvmgen_{NAME}")}
        part = source.parts[-3].removesuffix("-tflm").removesuffix("-ort")
        allowed = {"_GLOBAL_OFFSET_TABLE_"} | (MATHEMATICS if part in FLOAT_PARTS else set())
        assert not outside - allowed, part


def test_symbols_carry_the_name(sources: Path, tmp_path: Path) -> None:
    """Two models in one firmware must not collide."""
    for source in _once(sources):
        include = source.parents[1] / "include"
        command = ["gcc", "-O1", f"-I{include}", "-c", str(source), "-o", "x.o"]
        subprocess.run(command, cwd=tmp_path, check=True)
        listed = subprocess.run(
            ["nm", "-g", "--defined-only", "x.o"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        names = re.findall(r"[0-9a-f]+ \w (\w+)", listed.stdout)
        assert all(name.startswith(f"tvmgen_{NAME}") for name in names), names


@pytest.mark.parametrize("part", [part for part in PARTS if part not in ALIGNED])
def test_any_address(part: str, build: Build) -> None:
    """int8 has no alignment: inputs and outputs may lie at odd addresses."""
    model = CASES[part].build()
    inputs = samples(model, 2)
    program = build(model, "tflm", "-DMISALIGNED")
    for got, want in zip(program.run(inputs), run(model, inputs, "tflm"), strict=True):
        check(got.outputs, want.outputs)
