# SPDX-License-Identifier: Apache-2.0
"""What the compiler's tests share: real models, and one call from model to results."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from .host import Program, build_arm, build_host
from .reference import Rounding, Run, is_onnx, signature
from .tflite_graph import Array

ROOT = Path(__file__).parents[2]
INT8_MODELS = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8")
# The name that every model is compiled under.
NAME = "net"

Build = Callable[..., Program]
Execute = Callable[..., list[Run]]


@pytest.fixture(scope="session")
def mlperf_tiny() -> Path:
    """The folder of MLPerf Tiny's models; UTVM_SHARED names the folder above it."""
    shared = Path(os.environ.get("UTVM_SHARED", ROOT.parent / "shared"))
    folder = shared / "models" / "mlperf-tiny"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent: no real models to test with")
    return folder


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Compile a model and build it for this machine, or for a Cortex-M if ``cpu`` is given.

    ``target`` is what kernels are made for, which need not be where they run.
    """

    def model_to_program(
        model: bytes,
        rounding: Rounding | None = None,
        *flags: str,
        cpu: str = "",
        sanitize: bool = True,
        target: str = "c",
        without: Sequence[str] = (),
    ) -> Program:
        from west_utvm.compiler import compile_model

        path = tmp_path / ("model.onnx" if is_onnx(model) else "model.tflite")
        path.write_bytes(model)
        files = compile_model(
            path, name=NAME, rounding=rounding, target=target, without=without
        ).files
        folder = tmp_path / f"build{len(list(tmp_path.iterdir()))}"
        if cpu:
            return build_arm(files, NAME, signature(model), folder, *flags, cpu=cpu)
        return build_host(files, NAME, signature(model), folder, *flags, sanitize=sanitize)

    return model_to_program


@pytest.fixture
def execute(build: Build) -> Execute:
    """Compile, build and run at once; arguments as for ``build``."""

    def results(
        model: bytes,
        inputs: Sequence[Sequence[Array]],
        rounding: Rounding | None = None,
        *flags: str,
        cpu: str = "",
        target: str = "c",
    ) -> list[Run]:
        return build(model, rounding, *flags, cpu=cpu, target=target).run(inputs)

    return results
