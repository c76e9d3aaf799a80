# SPDX-License-Identifier: Apache-2.0
"""``west utvm-project``: a whole application around models, copied from a template."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from west_utvm.commands.board import target_of
from west_utvm.commands.common import UtvmCommand
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm import project as projects


class Project(UtvmCommand):
    NAME = "utvm-project"
    HELP = "make an application of your own around models"
    DESCRIPTION = """\
Copy a template application into DIR, with the models' modules in DIR/modules. The result is
yours: edit it, keep it under version control, build it by west build, run it by west utvm-run.

In a project that exists, the models given are added or replaced. Its other files stay as they
are, and a module that was edited by hand is not replaced."""
    EXAMPLES = """\
  west utvm-project app -m kws.tflite                       models by file, under their own
  west utvm-project app -m kws=one.tar -m vww=two.tar       names or under others
  west utvm-project app -m kws -b mps2/an385                one that utvm-compile has compiled
  west utvm-project app -m kws.tar --type shell             utvm list, run, bench on the console
  west utvm-project app -m kws.tar --type standalone --input yes.npz
  west utvm-project app -m kws.tar --template-project ~/our_template
  west build -b mps2/an385 app                              build it
  west utvm-run app                                         or build and run it"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="the project's folder")
        parser.add_argument(
            "-m",
            "--model",
            action="append",
            required=True,
            metavar="MODEL",
            help="FILE, NAME=FILE, or NAME of a compiled model; may be repeated",
        )
        parser.add_argument(
            "-b", "--board", help="board target, or 'host'; recorded, so utvm-run needs no -b"
        )
        parser.add_argument(
            "--type",
            choices=("runner", "standalone", "shell"),
            help="runner: tensors over the console UART (default); standalone: one run on a "
            "compiled-in sample; shell: Zephyr shell commands",
        )
        parser.add_argument(
            "--input",
            action="append",
            default=[],
            metavar="[NAME=]NPZ",
            help="sample to compile in, the file's first; default: zeros",
        )
        parser.add_argument(
            "--template-project", type=Path, metavar="PATH", help="template to copy; default: ours"
        )

    def execute(self, args: argparse.Namespace, rest: list[str]) -> None:
        from west_utvm import project as projects
        from west_utvm.workspace.modules_dir import modules_dir

        target = cache(lambda: target_of(self, args.board))
        modules = modules_dir(self.topdir_path(), self.option("modules-dir"))
        request = projects.Request(
            sources=[projects.parse_source(spec, modules, target) for spec in args.model],
            board=args.board,
            kind=args.type,
            template=args.template_project,
            samples=_samples(args.input),
        )
        self._report(projects.write_project(args.folder.absolute(), request))

    def _report(self, made: projects.Project) -> None:
        self.step(f"wrote {made.folder}")
        self.inf(f"type      {made.kind}")
        self.inf(f"models    {', '.join(made.models)}")
        [(kind, value)] = made.template.items()
        self.inf(f"template  {kind} {value}")
        if made.board == "host":
            self.inf("build it by west utvm-run")
        else:
            self.inf(f"build it by west build -b {made.board or 'BOARD'} {made.folder}")


def _samples(specs: list[str]) -> dict[str, Path]:
    samples: dict[str, Path] = {}
    for spec in specs:
        name, separator, path = spec.partition("=")
        if not separator or Path(spec).exists():
            name, path = "", spec
        if name in samples or (samples and "" in (name, *samples)):
            raise UtvmError("--input is given twice for a model", where=spec)
        samples[name] = Path(path)
    return samples
