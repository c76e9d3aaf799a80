# SPDX-License-Identifier: Apache-2.0
"""``west utvm-size``: flash and RAM of a build, against budgets."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from west_utvm.commands.common import UtvmCommand
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from west_utvm.elf import Budget, Memory, SizeReport, Violation

    Renderer = Callable[[SizeReport, Sequence[Violation]], str]

# Option, and the memory it bounds.
_BUDGETS: dict[str, Memory] = {"max-flash": "flash", "max-ram": "ram"}


class Size(UtvmCommand):
    NAME = "utvm-size"
    HELP = "flash and RAM of a build: by region, by model, against budgets"
    DESCRIPTION = """\
Show what a built firmware takes: by section and memory region, and each model's own share
of it (code, weights, workspace). With a budget, exit with 1 if the firmware exceeds it and
name what takes most.

Figures come from the ELF file: initialised data counts in flash and in RAM."""
    EXAMPLES = """\
  west utvm-size                                 the build folder west would use
  west utvm-size build/app --max-flash 250K      fail if it needs more flash than that
  west utvm-size build/app --max-ram 80%         or more than a share of the board's RAM
  west utvm-size --json build/app                for scripts
  west config utvm.max-flash 250K                a budget for every utvm command here"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "build_dir",
            nargs="?",
            type=Path,
            metavar="BUILD_DIR",
            help="build folder, or an ELF file",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
        add_budget_arguments(parser)

    def execute(self, args: argparse.Namespace, rest: list[str]) -> None:
        from west_utvm.workspace.find_build import find_build_dir

        target = args.build_dir or find_build_dir(self.zephyr_base())
        print_sizes(self, target, args, _as_json if args.json else _as_table)


def add_budget_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "budgets", "bytes, or with K, M or %%; also from west config utvm.max-flash, utvm.max-ram"
    )
    group.add_argument("--max-flash", metavar="SIZE", help="exit with 1 if flash use exceeds this")
    group.add_argument("--max-ram", metavar="SIZE", help="exit with 1 if RAM use exceeds this")


def print_sizes(
    command: UtvmCommand, target: Path, args: argparse.Namespace, render: Renderer
) -> None:
    """Measure and print ``target``, a build folder or an ELF; UtvmError if it exceeds a budget."""
    from west_utvm import elf

    budgets = read_budgets(command, args)
    report = elf.measure(_elf_of(target))
    violations = elf.check(report, budgets)
    command.inf(render(report, violations))
    if violations:
        raise UtvmError("; ".join(map(elf.describe, violations)), where=report.elf.name)


def as_summary(report: SizeReport, violations: Sequence[Violation]) -> str:
    from west_utvm.elf.report import to_summary

    return to_summary(report)


def _as_table(report: SizeReport, violations: Sequence[Violation]) -> str:
    from west_utvm.elf.report import to_table

    return to_table(report)


def _as_json(report: SizeReport, violations: Sequence[Violation]) -> str:
    from west_utvm.elf.report import to_json

    return json.dumps(to_json(report, violations), indent=2)


def read_budgets(command: UtvmCommand, args: argparse.Namespace) -> dict[Memory, Budget]:
    """Budgets from the options, else from the workspace's configuration."""
    from west_utvm import elf

    texts = {
        option: getattr(args, option.replace("-", "_")) or command.option(option)
        for option in _BUDGETS
    }
    return {
        _BUDGETS[option]: elf.parse_budget(text)
        for option, text in texts.items()
        if text is not None
    }


def _elf_of(target: Path) -> Path:
    from west_utvm.runner.build import host_executable
    from west_utvm.workspace.build_dir import read_build_dir

    if target.is_file():
        return target
    if host_executable(target).is_file():
        return host_executable(target)
    return read_build_dir(target).elf
