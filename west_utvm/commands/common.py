# SPDX-License-Identifier: Apache-2.0
"""What the commands share: one-line errors, the workspace, and one seam for processes."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from west.commands import WestCommand

from west_utvm.errors import UtvmError


class UtvmCommand(WestCommand):
    """A command that raises UtvmError for whatever the user can act on."""

    NAME: ClassVar[str]
    HELP: ClassVar[str]
    DESCRIPTION: ClassVar[str]
    EXAMPLES: ClassVar[str]
    TAKES_REST: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(
            self.NAME, self.HELP, self.DESCRIPTION, accepts_unknown_args=self.TAKES_REST
        )

    @abstractmethod
    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...

    @abstractmethod
    def execute(self, args: argparse.Namespace, rest: list[str]) -> None: ...

    def do_add_parser(self, parser_adder: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = parser_adder.add_parser(
            self.name,
            help=self.help,
            description=self.description,
            epilog=f"examples:\n{self.EXAMPLES}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_arguments(parser)
        return parser

    def do_run(self, args: argparse.Namespace, unknown: list[str]) -> None:
        try:
            self.execute(args, unknown)
        except UtvmError as error:
            self.die(str(error), exit_code=error.exit_code)

    def topdir_path(self) -> Path:
        if not self.topdir:
            hint = "run this inside one: west init, or west init -l"
            raise UtvmError("no west workspace", where=Path.cwd(), hint=hint)
        return Path(self.topdir)

    def option(self, name: str) -> str | None:
        """``west config utvm.<name>``."""
        value: str | None = self.config.get(f"utvm.{name}") if self.has_config else None
        return value

    def zephyr_base(self) -> Path:
        # West sets it before a command runs, from the environment, its option or the manifest.
        base = os.environ.get("ZEPHYR_BASE", "")
        if not base or not (Path(base) / "VERSION").is_file():
            hint = "add zephyr to the manifest and run west update, or use -b host"
            raise UtvmError("no Zephyr in this workspace", where=self.topdir, hint=hint)
        return Path(base)

    def step(self, what: str) -> None:
        self.inf(f"-- west {self.name}: {what}", colorize=True)

    def quiet(self, args: Sequence[str]) -> bool:
        """Run a process whose output matters to nobody; whether it succeeded."""
        self.dbg("running", shlex.join(args))
        done = subprocess.run(
            args, check=False, cwd=self.topdir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return done.returncode == 0

    def call(self, args: Sequence[str]) -> None:
        """Run a process with our terminal; UtvmError if it fails. Every call goes through here."""
        self.dbg("running", shlex.join(args))
        try:
            code = subprocess.run(args, check=False, cwd=self.topdir).returncode
        except OSError as error:
            raise UtvmError(f"cannot be started ({error.strerror})", where=args[0]) from None
        if code:
            shown = " ".join(["west", args[3]] if args[1:3] == ["-m", "west"] else args[:2])
            raise UtvmError(f"{shown} failed (exit code {code})", hint="its messages above say why")
