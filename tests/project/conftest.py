# SPDX-License-Identifier: Apache-2.0
"""Projects that tests only read or run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import DIGITS, ROOT, US, Workspace, make_workspace

TWO_IO = ROOT / "tests" / "data" / "mlf" / "two_io.tar"


@pytest.fixture(scope="session")
def project_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a project ``app`` for ``host``, of the models digits and two."""
    ready = make_workspace(tmp_path_factory.mktemp("project") / "ws", [US])
    models = ("-m", f"digits={DIGITS / 'digits.tar'}", "-m", f"two={TWO_IO}")
    ready.ok("utvm-project", "app", *models, "-b", "host")
    return ready


@pytest.fixture(scope="session")
def project(project_workspace: Workspace) -> Path:
    return project_workspace.topdir / "app"
