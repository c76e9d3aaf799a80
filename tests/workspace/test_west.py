# SPDX-License-Identifier: Apache-2.0
"""Argument lists for west: what is passed on, and that nothing else is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from west_utvm.workspace import west

WEST = [sys.executable, "-m", "west"]


def test_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRA_ZEPHYR_MODULES", "/my/own;/other")
    found = west.build(
        Path("/src"), Path("/b"), "mps2/an385", modules=[Path("/m/kws")], cmake=["-DA=b c"]
    )
    assert found == [
        *WEST,
        "build",
        "--board=mps2/an385",
        "--build-dir=/b",
        "--pristine=auto",
        "--no-sysbuild",
        "/src",
        "--",
        "-DEXTRA_ZEPHYR_MODULES=/m/kws;/my/own;/other",
        "-DA=b c",
    ]


def test_flash_passes_on_what_is_given_and_only_that() -> None:
    bare = west.flash(Path("/b"), runner=None, domain=None, dev_id=None, rest=[])
    assert bare == [*WEST, "flash", "--build-dir=/b", "--skip-rebuild"]
    full = west.flash(Path("/b"), runner="jlink", domain="app", dev_id="0068", rest=["--erase"])
    assert full == [*bare, "--runner=jlink", "--domain=app", "--dev-id=0068", "--erase"]


def test_run_target() -> None:
    options = ["--build-dir=/b", "--pristine=never", "--no-sysbuild", "--target=run"]
    assert west.run_target(Path("/b")) == [*WEST, "build", *options]
