# SPDX-License-Identifier: Apache-2.0
"""What ``west utvm-compile`` says of a model: on the terminal, as a page, and where it cannot."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.support import DIGITS, Workspace

pytestmark = pytest.mark.usefixtures("tvm")
MODEL = DIGITS / "digits.tflite"
ARCHIVE = DIGITS / "digits.tar"  # of tvmc


@pytest.fixture
def tvm() -> None:
    pytest.importorskip("tvm")


def rows(said: str, head: str) -> list[str]:
    """The lines of a table from its head to its end."""
    lines = said.splitlines()
    [first] = [i for i, line in enumerate(lines) if line.split()[:2] == head.split()]
    return lines[first + 1 : lines.index("", first)]


def test_a_table_by_kernel_or_by_operator(workspace: Workspace) -> None:
    said = workspace.ok("utvm-compile", MODEL)
    kernels = rows(said, "Kernel Operators")
    assert kernels[0].startswith("conv2d ") and kernels[-1].startswith("total ")
    for stage in ("loading TVM", "importing digits.tflite", "planning memory", "writing C"):
        assert f"-- west utvm-compile: {stage}" in said
    said = workspace.ok("utvm-compile", MODEL, "--layers")
    operators = rows(said, "# Operator")
    assert len(operators) == sum(int(row.split()[-4]) for row in kernels[:-1]) + 1


def test_a_page_from_the_model_and_from_its_archive(workspace: Workspace, tmp_path: Path) -> None:
    one, two, tar = (tmp_path / name for name in ("one.html", "two.html", "digits.tar"))
    said = workspace.ok("utvm-compile", MODEL, "-f", "mlf", "-o", tar, "--report", one)
    assert f"wrote {one}" in said and not workspace.modules.exists()
    said = workspace.ok("utvm-compile", tar, "--report", two)
    assert rows(said, "Kernel Operators")
    assert one.read_bytes() == two.read_bytes()
    assert one.read_text().startswith("<!DOCTYPE html>")
    assert str(tmp_path) not in one.read_text()
    # Again, over what is there.
    workspace.ok("utvm-compile", MODEL, "--report", one)
    assert one.read_bytes() == two.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "digits.tar",
        "one.html",
        "two.html",
        "ws",
    ]


def test_there_is_no_page_of_an_archive_of_tvmc(workspace: Workspace, tmp_path: Path) -> None:
    error = workspace.error("utvm-compile", ARCHIVE, "--report", tmp_path / "x.html")
    assert "has no record of our compiler" in error
    assert not (tmp_path / "x.html").exists() and not workspace.modules.exists()


@pytest.mark.parametrize("option", ["-o", "--report"])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("missing/x", "cannot be written (no such folder)"),
        ("folder", "is a folder"),
        ("model.tflite", "is the file that is read"),
        ("link.tflite", "is the file that is read"),
        ("model.tflite/x", "cannot be written"),
        ("n" * 300, "cannot be written (File name too long)"),
    ],
)
def test_places_that_nothing_can_be_written_to(
    option: str, place: str, reason: str, workspace: Workspace, tmp_path: Path
) -> None:
    """Said before anything is done, and nothing is left half written."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "model.tflite").write_bytes(MODEL.read_bytes())
    (tmp_path / "link.tflite").symlink_to("model.tflite")
    before = sorted(tmp_path.rglob("*"))
    form = ["-f", "mlf"] if option == "-o" else []
    model = tmp_path / "model.tflite"
    done = workspace.west("utvm-compile", model, *form, option, tmp_path / place)
    assert done.returncode == 1 and "loading TVM" not in done.stdout
    [line] = [line for line in done.stderr.splitlines() if "FATAL" in line]
    assert reason in line and f"give another file with {option}" in line
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "model.tflite").read_bytes() == MODEL.read_bytes()


def test_one_file_is_not_two(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "x"
    error = workspace.error("utvm-compile", MODEL, "-f", "mlf", "-o", path, "--report", path)
    assert "-o and --report name the same file" in error and not path.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    error = workspace.error("utvm-compile", MODEL, "--report", tmp_path / "mine" / "x.html")
    assert "cannot be written (no permission)" in error


def test_a_device_is_written_to_and_stays_one(workspace: Workspace) -> None:
    workspace.ok("utvm-compile", MODEL, "--report", "/dev/null")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("package", ["tvm", "tflite"])
def test_a_package_that_is_not_installed(
    package: str, workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / package).mkdir()
    text = f"raise ModuleNotFoundError('none here', name='{package}')\n"
    (tmp_path / package / "__init__.py").write_text(text)
    done = workspace.west("utvm-compile", MODEL, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"compiling a model needs '{package}'; pip install -r " in done.stderr
