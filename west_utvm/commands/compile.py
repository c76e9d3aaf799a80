# SPDX-License-Identifier: Apache-2.0
"""``west utvm-compile``: Model Library Format archive -> Zephyr module."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from west_utvm.commands.common import UtvmCommand
from west_utvm.commands.size import add_budget_arguments, as_summary, print_sizes

if TYPE_CHECKING:
    from west_utvm.module import GeneratedModule, Written


class Compile(UtvmCommand):
    NAME = "utvm-compile"
    HELP = "turn a compiled model into a Zephyr module"
    DESCRIPTION = """\
Write a Zephyr module for the model of a Model Library Format archive, as
`tvmc compile -f mlf` of TVM before 0.19 wrote it: ahead-of-time executor with the C or
the packed interface, or graph executor, in C.

An application uses it by CONFIG_UTVM_<NAME>=y in prj.conf, #include <tvmgen_<name>.h>
and a call of tvmgen_<name>_run(); west utvm-run builds one that talks over serial."""
    EXAMPLES = """\
  west utvm-compile module.tar -n kws                       module "kws" in the workspace
  west utvm-compile module.tar -n kws -b mps2/an521/cpu0    the same, for a board
  west utvm-compile module.tar -n kws -d app/modules/kws    in a folder of your own
  west utvm-compile several.tar --module kws                one of several in an archive
  west config utvm.modules-dir app/modules                  where modules go by default"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "archive", type=Path, metavar="MODEL", help="MLF archive (.tar, .tar.gz) or its folder"
        )
        parser.add_argument("--module", metavar="NAME", help="which of several in the archive")
        parser.add_argument("-n", "--name", help="the model's name; default: the archive's own")
        parser.add_argument(
            "-b", "--board", help="board target, or 'host'; recorded, so utvm-run needs no -b"
        )
        parser.add_argument(
            "-d", "--module-dir", type=Path, help="folder to write; default: modules/utvm/NAME"
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="replace a module that was edited by hand or that holds another model",
        )
        add_budget_arguments(parser)

    def execute(self, args: argparse.Namespace, rest: list[str]) -> None:
        from west_utvm import module
        from west_utvm.workspace.modules_dir import check_no_clash, modules_dir

        model = module.load_model(args.archive, args.module)
        name = module.module_name(model, args.name)
        default = modules_dir(self.topdir_path(), self.option("modules-dir")) / name
        folder = args.module_dir.absolute() if args.module_dir else default
        check_no_clash(name, folder)
        written = module.write_module(model, name, folder, board=args.board, force=args.force)
        self._report(written)
        self._rebuild(written.module, args)

    def _report(self, written: Written) -> None:
        compiled = written.module
        verb = "wrote" if written.changed else "already up to date:"
        self.step(f"{verb} {compiled.folder}")
        for kind, tensors in (("input", compiled.inputs), ("output", compiled.outputs)):
            for tensor in tensors:
                shape = "x".join(map(str, tensor.shape))
                self.inf(f"{kind:9} {tensor.name}: {tensor.dtype} {shape}, {tensor.size} bytes")
        self.inf(f"workspace {compiled.workspace_size} bytes")
        if compiled.graph:
            planned = compiled.graph["planned_bytes"]
            executor = compiled.graph["storage_bytes_of_graph_executor"]
            self.inf(f"RAM       {planned} bytes; TVM's graph executor would take {executor}")
        self.inf(f"use it by CONFIG_UTVM_{compiled.name.upper()}=y and <tvmgen_{compiled.name}.h>")

    def _rebuild(self, compiled: GeneratedModule, args: argparse.Namespace) -> None:
        """Where a runner was built before, say at once what the new model takes."""
        from west_utvm.runner.build import rebuild_command, runner_dir

        if args.board is None:
            return
        build_dir = runner_dir(self.topdir_path(), compiled, args.board)
        if (build_dir / "CMakeCache.txt").is_file():
            self.step(f"building {build_dir} again for its sizes")
            self.call(rebuild_command(args.board, build_dir))
            print_sizes(self, build_dir, args, as_summary)
