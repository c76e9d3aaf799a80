# SPDX-License-Identifier: Apache-2.0
"""``west utvm-size`` on builds and ELF files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import Workspace


@pytest.fixture
def elf(host_workspace: Workspace) -> Path:
    return host_workspace.topdir / "build" / "utvm" / "digits" / "host" / "utvm_runner"


def test_a_table_with_the_model_s_share(host_workspace: Workspace, elf: Path) -> None:
    for target in (elf, elf.parent):
        said = host_workspace.ok("utvm-size", target)
        assert "\nModel " in said and "\ndigits " in said and "\ntotal " in said


def test_json_is_nothing_but_json(host_workspace: Workspace, elf: Path) -> None:
    report = json.loads(host_workspace.ok("utvm-size", elf, "--json"))
    assert report["elf"] == "utvm_runner" and report["violations"] == []
    [model] = report["models"]
    assert model["name"] == "digits" and model["weights"] > 10_000


def test_a_budget_that_is_kept(host_workspace: Workspace, elf: Path) -> None:
    host_workspace.ok("utvm-size", elf, "--max-flash", "1M", "--max-ram", "64K")


def test_a_budget_that_is_exceeded(host_workspace: Workspace, elf: Path) -> None:
    error = host_workspace.error("utvm-size", elf, "--max-flash", "10K", "--max-ram", "1K")
    assert error.startswith("utvm_runner: flash is over budget: ")
    assert "of 10,240 bytes" in error and "largest: model digits " in error
    assert "RAM is over budget" in error
    done = host_workspace.west("utvm-size", str(elf), "--max-flash", "10K", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["violations"][0]["memory"] == "flash"


@pytest.mark.parametrize(
    ("args", "complaint"),
    [
        (("nonesuch",), "nonesuch: is not a build folder; build the application first"),
        (("--max-flash", "lots", "."), "'lots' is not a budget"),
        (("--max-flash", "80%"), "a budget of 80% needs the size of a memory"),
        ((), "no Zephyr in this workspace"),
    ],
)
def test_what_cannot_be_measured(
    host_workspace: Workspace, elf: Path, args: tuple[str, ...], complaint: str
) -> None:
    if args == ("--max-flash", "80%"):
        args = (*args, str(elf))
    assert complaint in host_workspace.error("utvm-size", *args)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not an ELF",
        lambda data: data[:100],
        lambda data: data[:0x28] + bytes(8) + data[0x30:],  # e_shoff: no sections
    ],
)
def test_files_that_are_no_executables(
    host_workspace: Workspace, elf: Path, tmp_path: Path, damage: object
) -> None:
    broken = tmp_path / "broken.elf"
    assert callable(damage)
    broken.write_bytes(damage(elf.read_bytes()))
    assert host_workspace.error("utvm-size", broken).startswith(str(broken))


def test_a_stripped_executable_has_sizes_and_no_shares(
    host_workspace: Workspace, elf: Path, tmp_path: Path
) -> None:
    stripped = tmp_path / "stripped"
    shutil.copy(elf, stripped)
    subprocess.run(["strip", stripped], check=True)
    said = host_workspace.ok("utvm-size", stripped)
    assert "shares are not known: the file has no symbol table" in said and "\ntotal " in said
