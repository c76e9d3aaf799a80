# SPDX-License-Identifier: Apache-2.0
"""The host runner with the handmade module, built once with each compiler, with sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.device import handmade_model
from west_utvm.device.client import Client
from west_utvm.device.process import ProcessTransport

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


def _build(folder: Path, compiler: str) -> Path:
    module = folder / "module"
    shutil.copytree(HERE / "handmade", module)
    (module / "include/utvm").mkdir(parents=True)
    shutil.copy(ROOT / "west_utvm/module/templates/model.h", module / "include/utvm")
    build = folder / "build"
    configure = ["cmake", "-S", str(ROOT / "zephyr_template/host"), "-B", str(build)]
    options = {
        "CMAKE_C_COMPILER": compiler,
        "CMAKE_C_FLAGS": "-Werror",
        "UTVM_MODULE_DIR": module,
        "UTVM_MODEL": "handmade",
        "UTVM_SANITIZE": "ON",
    }
    for command in (
        [*configure, *(f"-D{name}={value}" for name, value in options.items())],
        ["cmake", "--build", str(build), "--parallel", "2"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    return build / "utvm_runner"


@pytest.fixture(scope="session", params=["gcc", "clang"])
def runner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner's executable."""
    if shutil.which(request.param) is None:
        pytest.skip(f"no {request.param}")
    return _build(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture
def line(runner: Path) -> Iterator[ProcessTransport]:
    with ProcessTransport([str(runner)]) as transport:
        yield transport


@pytest.fixture
def client(line: ProcessTransport) -> Client:
    client = Client(line)
    client.hello(handmade_model.DIGEST)
    return client
