# SPDX-License-Identifier: Apache-2.0
"""The Project API by TVM's own client, of the years when TVM had one."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.support import DIGITS, ROOT, US, make_workspace, toolchain

pytestmark = pytest.mark.slow

# TVM 0.16.dev0; its client needs none of what the wheel depends on.
WHEEL = "hhb-tvm==3.2.3"
SCRIPT = Path(__file__).with_name("tvm_client.py")


def _python310() -> str:
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.10.*/bin/python3.10"))
    candidates = (os.environ.get("PYTHON310"), *map(str, pyenv), shutil.which("python3.10"))
    for python in filter(None, candidates):
        if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
            return python
    pytest.skip("NO PYTHON 3.10 (PYTHON310, pyenv, PATH): TVM's own client cannot be installed")


@pytest.fixture(scope="module")
def tvm_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with TVM's client and nothing else: no west, no numpy, no package of ours."""
    ready = os.environ.get("TVM_PYTHON")
    if ready:
        return Path(ready)
    venv = tmp_path_factory.mktemp("tvm") / "venv"
    python = venv / "bin" / "python"
    subprocess.run([_python310(), "-m", "venv", venv], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", WHEEL]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{WHEEL} CANNOT BE INSTALLED: {done.stderr.strip().splitlines()[-1]}")
    return python


def _drive(python: Path, project: Path, options: Mapping[str, str], env: dict[str, str]) -> str:
    """One inference through TVM's client; the transcript."""
    image = np.load(DIGITS / "input.npz")["image"][0].tobytes()
    arguments = [ROOT / "zephyr_template", DIGITS / "digits.tar", project, json.dumps(options)]
    command = [str(python), str(SCRIPT), *map(str, arguments), base64.b64encode(image).decode()]
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "hello: digits\n" in done.stdout
    assert "scores: [-120, -126, -126, -125, -126, -114, 89, -126, -123, -127]" in done.stdout
    if folder := os.environ.get("TRANSCRIPTS"):
        (Path(folder) / f"{options['board']}.txt".replace("/", "_")).write_text(done.stdout)
    return str(done.stdout)


def test_tvm_s_client_on_this_computer(tvm_python: Path, tmp_path: Path) -> None:
    options = {"board": "host", "model_name": "digits", "verbose": "false"}
    said = _drive(tvm_python, tmp_path / "project", options, {})
    assert '"protocol_version": 1' in said


@pytest.mark.zephyr
@pytest.mark.parametrize("native", [True, False], ids=["native", "qemu"])
def test_tvm_s_client_on_zephyr(tvm_python: Path, tmp_path: Path, native: bool) -> None:
    base = Path(os.environ.get("ZEPHYR_BASE") or Path.home() / "zephyrproject" / "zephyr")
    if not (base / "VERSION").is_file():
        pytest.skip("NO ZEPHYR: neither ZEPHYR_BASE nor ~/zephyrproject/zephyr holds one")
    old = not (base / "boards" / "native" / "native_sim").is_dir()
    names = ("native_posix_64", "mps2_an385") if old else ("native_sim/native/64", "mps2/an385")
    board = names[0] if native else names[1]
    projects: list[tuple[str, Path, str]] = [
        ("zephyr", base.resolve(), "scripts/west-commands.yml"),
        US,
    ]
    cmsis = base.resolve().parent / "modules" / "hal" / "cmsis"
    projects += [("modules/hal/cmsis", cmsis, "")] if cmsis.is_dir() else []
    workspace = make_workspace(tmp_path / "ws", projects)
    workspace.ok("config", "zephyr.base", "zephyr")
    options = {"board": board, "model_name": "digits"}
    _drive(tvm_python, workspace.topdir / "project", options, toolchain(board))
