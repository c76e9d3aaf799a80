# SPDX-License-Identifier: Apache-2.0
"""An application of the user's own, with two models, by plain ``west build``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support import DIGITS, Workspace, make_workspace, toolchain
from west_utvm.device.process import ProcessTransport
from west_utvm.elf import measure
from west_utvm.workspace import west

pytestmark = pytest.mark.zephyr

MAIN = """\
#include <stdio.h>
#include <string.h>
#include <tvmgen_default.h>
#include <tvmgen_second.h>

static int8_t image[TVMGEN_DEFAULT_IMAGE_SIZE];
static int8_t scores[2][TVMGEN_DEFAULT_SCORES_SIZE];

int main(void)
{
	struct tvmgen_default_inputs inputs = { .image = image };
	struct tvmgen_default_outputs outputs = { .scores = scores[0] };
	struct tvmgen_second_inputs second_inputs = { .image = image };
	struct tvmgen_second_outputs second_outputs = { .scores = scores[1] };

	memset(image, 7, sizeof(image));
	int32_t code = tvmgen_default_run(&inputs, &outputs);
	int32_t second_code = tvmgen_second_run(&second_inputs, &second_outputs);

	printf("codes %d %d, same %d, first score %d\\n", (int)code, (int)second_code,
	       memcmp(scores[0], scores[1], sizeof(scores[0])) == 0, scores[0][0]);
	return 0;
}
"""

CMAKE = """\
cmake_minimum_required(VERSION 3.20.0)
find_package(Zephyr REQUIRED HINTS $ENV{ZEPHYR_BASE})
project(app LANGUAGES C)
target_sources(app PRIVATE main.c)
"""

CONF = """\
CONFIG_UTVM_DEFAULT=y
CONFIG_UTVM_SECOND=y
CONFIG_MAIN_STACK_SIZE=4096
"""


def _write_application(folder: Path, extra_conf: str = "") -> Path:
    folder.mkdir()
    (folder / "main.c").write_text(MAIN)
    (folder / "CMakeLists.txt").write_text(CMAKE)
    (folder / "prj.conf").write_text(CONF + extra_conf)
    return folder


def _output(workspace: Workspace, build_dir: Path) -> str:
    """What the firmware prints in its emulator, up to the line that ``main`` ends with."""
    text = ""
    deadline = time.monotonic() + 60
    with ProcessTransport(west.run_target(build_dir), mux=True, cwd=workspace.topdir) as line:
        while "first score" not in text or not text.endswith("\n"):
            assert time.monotonic() < deadline, text
            text += line.read(1.0).decode()
    return text


@pytest.fixture(scope="module")
def board(old_boards: bool) -> str:
    return "mps2_an385" if old_boards else "mps2/an385"


@pytest.fixture(scope="module")
def two_models(zephyr_workspace: Workspace) -> Workspace:
    zephyr_workspace.ok("utvm-compile", DIGITS / "digits.tar")
    zephyr_workspace.ok("utvm-compile", DIGITS / "digits.tar", "-n", "second")
    return zephyr_workspace


def test_two_models_in_one_application(two_models: Workspace, board: str, tmp_path: Path) -> None:
    application = _write_application(tmp_path / "app")
    build_dir = tmp_path / "build"
    two_models.ok("build", "-b", board, "-d", build_dir, application, env=toolchain(board))
    assert "codes 0 0, same 1, first score " in _output(two_models, build_dir)
    shares = measure(build_dir / "zephyr" / "zephyr.elf").shares
    assert shares is not None
    assert [share.name for share in shares.models] == ["default", "second"]
    assert all(share.workspace >= 7712 for share in shares.models)


def test_two_models_share_one_workspace(two_models: Workspace, board: str, tmp_path: Path) -> None:
    application = _write_application(tmp_path / "app", "CONFIG_UTVM_SHARED_WORKSPACE=y\n")
    build_dir = tmp_path / "build"
    two_models.ok("build", "-b", board, "-d", build_dir, application, env=toolchain(board))
    assert "codes 0 0, same 1, first score " in _output(two_models, build_dir)
    shares = measure(build_dir / "zephyr" / "zephyr.elf").shares
    assert shares is not None and shares.shared_workspace == 7712
    assert all(share.workspace == 0 for share in shares.models)


def test_generated_modules_alone_without_us_in_the_manifest(
    two_models: Workspace, zephyr_base: Path, board: str, tmp_path: Path
) -> None:
    """EXTRA_ZEPHYR_MODULES with the generated folders is enough."""
    cmsis = zephyr_base.parent / "modules" / "hal" / "cmsis"
    projects = [("zephyr", zephyr_base, "scripts/west-commands.yml"), ("hal/cmsis", cmsis, "")]
    without_us = make_workspace(tmp_path / "ws", projects)
    without_us.ok("config", "zephyr.base", "zephyr")
    application = _write_application(tmp_path / "app")
    modules = ";".join(str(two_models.modules / name) for name in ("default", "second"))
    build_dir = tmp_path / "build"
    extra = f"-DEXTRA_ZEPHYR_MODULES={modules}"
    without_us.ok(
        "build", "-b", board, "-d", build_dir, application, "--", extra, env=toolchain(board)
    )
    assert "codes 0 0, same 1, first score " in _output(without_us, build_dir)


def test_modules_folder_of_the_configuration(
    zephyr_base: Path, board: str, tmp_path: Path, zephyr_workspace: Workspace
) -> None:
    """``west config utvm.modules-dir`` is where the build looks as well."""
    zephyr_workspace.ok("config", "utvm.modules-dir", "elsewhere/models")
    try:
        for name in ("default", "second"):
            zephyr_workspace.ok("utvm-compile", DIGITS / "digits.tar", "-n", name)
        assert (zephyr_workspace.topdir / "elsewhere/models/second/Kconfig").is_file()
        application = _write_application(tmp_path / "app")
        args = ("build", "--cmake-only", "-b", board, "-d", tmp_path / "build", application)
        zephyr_workspace.ok(*args, env=toolchain(board))
    finally:
        zephyr_workspace.ok("config", "-d", "utvm.modules-dir")
    config = (tmp_path / "build" / "zephyr" / ".config").read_text()
    assert "CONFIG_UTVM_SECOND=y" in config


def test_an_unknown_board_is_named(zephyr_workspace: Workspace, board: str) -> None:
    done = zephyr_workspace.west("utvm-run", "digits", "-b", "mps22/an385", env=toolchain(board))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("FATAL ERROR: this Zephyr has no board 'mps22'; west boards lists them")
