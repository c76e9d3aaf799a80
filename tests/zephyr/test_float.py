# SPDX-License-Identifier: Apache-2.0
"""A float32 model with an exponential in it, which Zephyr's own C library does not have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiler import float_models
from tests.compiler.reference import run, samples, signature
from tests.support import Workspace, toolchain
from tests.zephyr.npz import save_columns

pytestmark = pytest.mark.zephyr

BOARDS = {"mps2/an385": "mps2_an385", "native_sim/native/64": "native_posix_64"}


@pytest.mark.parametrize("board", BOARDS)
def test_float_model(
    board: str, zephyr_workspace: Workspace, old_boards: bool, tmp_path: Path
) -> None:
    case = next(case for case in float_models.cases() if case.id == "chain-classifier")
    model = case.build()
    path, what, inputs = tmp_path / "soft.tflite", signature(model), samples(model, 4)
    path.write_bytes(model)
    wanted = [result.outputs for result in run(model, inputs, "litert")]
    save_columns(tmp_path / "in.npz", [tensor.name for tensor in what.inputs], inputs)
    save_columns(tmp_path / "out.npz", [tensor.name for tensor in what.outputs], wanted)
    real = BOARDS[board] if old_boards else board
    environment = toolchain(real)
    zephyr_workspace.ok("utvm-compile", path, "-b", real, env=environment)
    files = ("-i", tmp_path / "in.npz", "--verify", tmp_path / "out.npz", "--atol", "1e-5")
    assert ": agrees, " in zephyr_workspace.ok("utvm-run", "soft", *files, env=environment)
