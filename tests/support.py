# SPDX-License-Identifier: Apache-2.0
"""Real workspaces to run the commands in, and what tests of several folders need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DIGITS = ROOT / "samples" / "digits"


@dataclass(frozen=True)
class Workspace:
    """A west workspace in a temporary folder, with this repository as one of its projects."""

    topdir: Path

    def west(
        self, *args: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(args),
            cwd=cwd or self.topdir,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def start(self, *args: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
        """Run west without waiting for it."""
        return subprocess.Popen(
            self._command(args),
            cwd=self.topdir,
            env=self._environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @staticmethod
    def _command(args: Sequence[str | Path]) -> list[str]:
        return [sys.executable, "-m", "west", *map(str, args)]

    @staticmethod
    def _environment(more: dict[str, str] | None) -> dict[str, str]:
        # The workspace has its own Zephyr, if any: a link to the one that ZEPHYR_BASE names.
        base = {name: value for name, value in os.environ.items() if name != "ZEPHYR_BASE"}
        return base | {"PYTHONUNBUFFERED": "1"} | (more or {})

    def ok(self, *args: str | Path, env: dict[str, str] | None = None) -> str:
        """Run west, which must succeed; what it printed."""
        done = self.west(*args, env=env)
        assert done.returncode == 0, f"west {args}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def error(self, *args: str | Path) -> str:
        """Run west, which must fail with one line and no traceback; that line."""
        done = self.west(*args)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        lines = [line for line in done.stderr.splitlines() if "FATAL ERROR" in line]
        assert len(lines) == 1, done.stderr
        return lines[0].removeprefix("FATAL ERROR: ")

    @property
    def modules(self) -> Path:
        return self.topdir / "modules" / "utvm"


def make_workspace(topdir: Path, projects: Sequence[tuple[str, Path, str]]) -> Workspace:
    """``projects``: name in the workspace, the folder it is a link to, its west commands."""
    (topdir / ".west").mkdir(parents=True)
    (topdir / "manifest").mkdir()
    lines = ["manifest:", "  projects:"]
    for name, folder, commands in projects:
        (topdir / name).parent.mkdir(parents=True, exist_ok=True)
        (topdir / name).symlink_to(folder)
        lines += [f"    - name: {Path(name).name}", f"      path: {name}"]
        lines += ["      url: https://example.invalid/x", "      revision: main"]
        lines += [f"      west-commands: {commands}"] if commands else []
    lines += ["  self:", "    path: manifest", ""]
    (topdir / "manifest" / "west.yml").write_text("\n".join(lines))
    (topdir / ".west" / "config").write_text("[manifest]\npath = manifest\nfile = west.yml\n")
    return Workspace(topdir)


US = ("west-utvm", ROOT, "west-commands.yml")


def toolchain(board: str) -> dict[str, str]:
    """The environment to build ``board`` in; the user's own toolchain is left alone."""
    if "ZEPHYR_TOOLCHAIN_VARIANT" in os.environ and not board.startswith("native"):
        return {}
    if board.startswith("native"):
        return {"ZEPHYR_TOOLCHAIN_VARIANT": "host"}
    compiler = shutil.which("arm-none-eabi-gcc")
    if compiler is None:
        pytest.skip("NO CROSS COMPILER: arm-none-eabi-gcc is not installed")
    if shutil.which("qemu-system-arm") is None:
        pytest.skip("NO EMULATOR: qemu-system-arm is not installed")
    prefix = str(Path(compiler).parent.parent)
    return {"ZEPHYR_TOOLCHAIN_VARIANT": "gnuarmemb", "GNUARMEMB_TOOLCHAIN_PATH": prefix}


def ends(pid: int, seconds: float = 10.0) -> bool:
    """Whether process ``pid`` ends in time: a signal sent to it takes effect in its own time.

    A zombie has ended: only whoever adopted it has not asked for its exit code yet.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return True
        if status.rpartition(")")[2].split()[0] in "ZX":
            return True
        time.sleep(0.02)
    return False
