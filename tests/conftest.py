# SPDX-License-Identifier: Apache-2.0
"""Workspaces and material that tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compiled_models import Compile, compiler
from tests.support import DIGITS, ROOT, US, Workspace, make_workspace

SHARED = ROOT.parent / "shared"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace without Zephyr: enough for the board ``host``."""
    monkeypatch.delenv("ZEPHYR_BASE", raising=False)
    return make_workspace(tmp_path / "ws", [US])


@pytest.fixture(scope="session")
def host_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The digits sample compiled and built for ``host``, for tests that only run it."""
    ready = make_workspace(tmp_path_factory.mktemp("host") / "ws", [US])
    ready.ok("utvm-compile", DIGITS / "digits.tar", "-n", "digits", "-b", "host")
    ready.ok("utvm-run", "digits")
    return ready


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real models and archives that is kept beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: no real archives to test with")
    return SHARED


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Models by their names in tests/compiled_models.py, compiled."""
    pytest.importorskip("tvm")
    return compiler(tmp_path_factory.mktemp("models"))
