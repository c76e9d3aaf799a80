# SPDX-License-Identifier: Apache-2.0
"""A model that calls CMSIS-NN, built with Zephyr's, where a workspace has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.archives import archive, pack, unpack
from tests.cmsis_nn import with_cmsis_nn
from tests.support import DIGITS, US, Workspace, make_workspace, toolchain

pytestmark = pytest.mark.zephyr

BOARD = "mps2/an385"


def workspace_with(topdir: Path, zephyr_base: Path, modules: Sequence[str]) -> Workspace:
    """A workspace of Zephyr, us, the model as ``pooled``, and ``modules`` by their paths."""
    projects = [("zephyr", zephyr_base, "scripts/west-commands.yml"), US]
    for name in modules:
        folder = zephyr_base.parent / name
        if not folder.is_dir():
            pytest.skip(f"{folder} is absent: no CMSIS-NN to build with")
        projects.append((name, folder, ""))
    ready = make_workspace(topdir / "ws", projects)
    ready.ok("config", "zephyr.base", "zephyr")
    model = pack(with_cmsis_nn(unpack(archive("digits"))), topdir / "model.tar")
    ready.ok("utvm-compile", model, "-n", "pooled")
    return ready


@pytest.fixture
def zephyr(zephyr_base: Path, old_boards: bool) -> Path:
    if old_boards:
        pytest.skip("Zephyr before 3.5 has an older CMSIS-NN than TVM wrote calls of")
    return zephyr_base


def test_model_that_calls_cmsis_nn(zephyr: Path, host_workspace: Workspace, tmp_path: Path) -> None:
    modules = ("modules/hal/cmsis", "modules/lib/cmsis-nn", "modules/lib/cmsis-dsp")
    ready = workspace_with(tmp_path, zephyr, modules)
    inputs = DIGITS / "input.npz"
    host_workspace.ok("utvm-run", "digits", "-i", inputs, "-o", tmp_path / "host.npz")
    arguments = ("pooled", "-b", BOARD, "-i", inputs, "--verify", tmp_path / "host.npz")
    said = ready.ok("utvm-run", *arguments, env=toolchain(BOARD))
    assert "scores: agrees, 0 of 2000 elements differ" in said


def test_workspace_without_cmsis_nn(zephyr: Path, tmp_path: Path) -> None:
    ready = workspace_with(tmp_path, zephyr, ["modules/hal/cmsis"])
    done = ready.west("utvm-run", "pooled", "-b", BOARD, env=toolchain(BOARD))
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "Model pooled calls CMSIS-NN, and CONFIG_CMSIS_NN is off." in said
    assert "have the modules cmsis-nn and cmsis-dsp: add them to west.yml" in said
