# SPDX-License-Identifier: Apache-2.0
"""A workspace around a real Zephyr."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support import DIGITS, US, Workspace, make_workspace


def _zephyr() -> Path:
    configured = os.environ.get("ZEPHYR_BASE")
    base = Path(configured) if configured else Path.home() / "zephyrproject" / "zephyr"
    if not (base / "VERSION").is_file():
        pytest.skip(f"NO ZEPHYR: neither ZEPHYR_BASE nor {base} holds one, nothing of it is tested")
    return base.resolve()


@pytest.fixture(scope="session")
def zephyr_base() -> Path:
    return _zephyr()


@pytest.fixture(scope="session")
def zephyr_workspace(zephyr_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with Zephyr, CMSIS and us, and the digits sample compiled in it."""
    for tool in ("cmake", "ninja", "dtc"):
        if shutil.which(tool) is None:
            pytest.skip(f"Zephyr builds need {tool}")
    projects = [("zephyr", zephyr_base, "scripts/west-commands.yml"), US]
    for module in ("modules/hal/cmsis", "modules/hal/cmsis_6"):
        folder = zephyr_base.parent / module
        if folder.is_dir():
            projects.append((module, folder, ""))
    ready = make_workspace(tmp_path_factory.mktemp("zephyr") / "ws", projects)
    ready.ok("config", "zephyr.base", "zephyr")
    ready.ok("utvm-compile", DIGITS / "digits.tar", "-n", "digits")
    return ready


@pytest.fixture(scope="session")
def old_boards(zephyr_base: Path) -> bool:
    """Whether boards are named as before Zephyr 3.7 (hardware model 1)."""
    return not (zephyr_base / "boards" / "native" / "native_sim").is_dir()
