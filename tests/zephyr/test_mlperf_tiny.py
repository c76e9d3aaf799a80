# SPDX-License-Identifier: Apache-2.0
"""Real models through west's own build, on emulated boards: the references' bits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler.conftest import mlperf_tiny  # noqa: F401
from tests.compiler.reference import Rounding, run, samples, signature
from tests.support import Workspace, toolchain
from tests.zephyr.npz import save_columns

pytestmark = pytest.mark.zephyr

BOARDS = {"mps2/an385": "mps2_an385", "mps3/an547": "mps3_an547"}


@pytest.mark.parametrize(
    ("name", "board", "rounding"),
    [
        ("kws_ref_model", "mps2/an385", "tflm"),
        ("kws_ref_model", "mps2/an385", "litert"),
        ("kws_ref_model", "mps3/an547", "tflm"),
        ("ad01_int8", "mps3/an547", "litert"),
    ],
)
def test_bit_exact(
    name: str,
    board: str,
    rounding: Rounding,
    mlperf_tiny: Path,  # noqa: F811
    zephyr_workspace: Workspace,
    old_boards: bool,
    tmp_path: Path,
) -> None:
    path = mlperf_tiny / f"{name}.tflite"
    model = path.read_bytes()
    what = signature(model)
    inputs = samples(model, 12)
    wanted = run(model, inputs, rounding)
    save_columns(tmp_path / "in.npz", [tensor.name for tensor in what.inputs], inputs)
    save_columns(
        tmp_path / "out.npz", [tensor.name for tensor in what.outputs], [r.outputs for r in wanted]
    )
    real = BOARDS[board] if old_boards else board
    environment = toolchain(real)
    options = ("-n", "real", "-b", real, "--rounding", rounding, "--force")
    zephyr_workspace.ok("utvm-compile", path, *options, env=environment)
    files = ("-i", tmp_path / "in.npz", "--verify", tmp_path / "out.npz")
    said = zephyr_workspace.ok("utvm-run", "real", *files, env=environment)
    assert "agrees, 0 of " in said and "differs" not in said
