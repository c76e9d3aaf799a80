# SPDX-License-Identifier: Apache-2.0
"""``west utvm-compile``: model or Model Library Format archive -> Zephyr module."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from west_utvm.commands.board import target_of
from west_utvm.commands.common import UtvmCommand
from west_utvm.commands.size import add_budget_arguments, as_summary, print_sizes
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm.mlf import Model
    from west_utvm.module import GeneratedModule, Written
    from west_utvm.report import Summary


class Compile(UtvmCommand):
    NAME = "utvm-compile"
    HELP = "turn a model into a Zephyr module"
    DESCRIPTION = """\
Compile a .tflite or .onnx model to C and write a Zephyr module of it; or write one
of a Model Library Format archive, as `tvmc compile -f mlf` of TVM before 0.19 wrote it:
ahead-of-time executor with the C or the packed interface, or graph executor, in C.

An application uses it by CONFIG_UTVM_<NAME>=y in prj.conf, #include <tvmgen_<name>.h>
and a call of tvmgen_<name>_run(); west utvm-run builds one that talks over serial."""
    EXAMPLES = """\
  west utvm-compile kws.tflite -n kws                       module "kws" in the workspace
  west utvm-compile kws.tflite -n kws -b mps2/an521/cpu0    the same, for a board
  west utvm-compile kws.tflite --target "c -mcpu=cortex-m4"   for a CPU, of any board
  west utvm-compile kws.tflite -n kws --rounding litert     as LiteRT computes, to the last bit
  west utvm-compile digits.onnx -n digits                   as ONNX Runtime computes
  west utvm-compile kws.tflite -n kws -f mlf -o kws.tar     an archive alone
  west utvm-compile kws.tflite --report kws.html            with a page on where bytes and time go
  west utvm-compile module.tar -n kws -d app/modules/kws    in a folder of your own
  west utvm-compile several.tar --module kws                one of several in an archive
  west config utvm.modules-dir app/modules                  where modules go by default"""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "model",
            type=Path,
            metavar="MODEL",
            help=".tflite, .onnx, .pt2 (with PyTorch installed), or MLF archive (.tar, .tar.gz)",
        )
        parser.add_argument("--module", metavar="NAME", help="which of several in an archive")
        parser.add_argument("-n", "--name", help="the model's name; default: the file's own")
        parser.add_argument(
            "--rounding",
            choices=("tflm", "litert"),
            help="whose integers a .tflite gives: TensorFlow Lite Micro's (default) or LiteRT's",
        )
        parser.add_argument(
            "--target", help="TVM target string; default: C for the CPU of the board"
        )
        parser.add_argument(
            "--optimize",
            choices=("speed", "size", "balanced"),
            help="the model's C in an application that is built for size: -O3, -O2 (balanced, the "
            "default), or as the application (size)",
        )
        parser.add_argument(
            "--io-in-workspace",
            action="store_true",
            help="inputs and outputs in the workspace, which the application brings",
        )
        parser.add_argument(
            "--without",
            metavar="SAVING,...",
            help="leave out what saves memory or time: fold-pad, fold-activation, fold-copy, "
            "fold-channels, reorder, overlap, chain-rows",
        )
        parser.add_argument(
            "-f", "--format", choices=("module", "mlf"), default="module", help="what to write"
        )
        parser.add_argument("-o", "--output", type=Path, help="the archive, with -f mlf")
        parser.add_argument(
            "--report", type=Path, metavar="FILE", help="write a page (HTML) on the compiled model"
        )
        parser.add_argument(
            "--layers", action="store_true", help="print a row for each operator, not each kernel"
        )
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
        from west_utvm.importer.formats import is_model_file

        if (args.format == "mlf") != (args.output is not None):
            raise UtvmError("-f mlf and -o FILE go together")
        self._check_places(args)
        read = self._compile if is_model_file(args.model) else self._archive
        model = read(args)
        summary = self._summarize(args, model)
        if args.output:
            self._write_archive(args, model)
        else:
            self._write_module(args, model, summary)
        if args.report and summary:
            self._write_page(args, summary)

    def _write_module(
        self, args: argparse.Namespace, model: Model, summary: Summary | None
    ) -> None:
        from west_utvm import module
        from west_utvm.workspace.modules_dir import check_no_clash, modules_dir

        name = module.module_name(model, args.name)
        default = modules_dir(self.topdir_path(), self.option("modules-dir")) / name
        folder = args.module_dir.absolute() if args.module_dir else default
        check_no_clash(name, folder)
        written = module.write_module(model, name, folder, board=args.board, force=args.force)
        self._report(written, summary)
        self._rebuild(written.module, args)

    def _compile(self, args: argparse.Namespace) -> Model:
        if args.module:
            raise UtvmError("is no archive: --module has no meaning", where=args.model)
        from west_utvm import compiler
        from west_utvm.module.names import check_name, name_from_file

        name = name_from_file(args.model) if args.name is None else check_name(args.name)
        compiled = compiler.compile_model(
            args.model,
            name=name,
            rounding=args.rounding,
            target=args.target or target_of(self, args.board),
            optimize=args.optimize or "balanced",
            io_in_workspace=args.io_in_workspace,
            without=args.without.split(",") if args.without else (),
            progress=self.step,
        )
        for note in compiled.notes:
            self.inf(note)
        return compiled.model

    def _archive(self, args: argparse.Namespace) -> Model:
        from west_utvm import module

        given = {"--rounding": args.rounding, "--target": args.target, "-f mlf": args.output}
        given["--optimize"] = args.optimize
        given |= {"--io-in-workspace": args.io_in_workspace, "--without": args.without}
        if useless := [option for option, value in given.items() if value]:
            hint = "give the .tflite or .onnx file that it was made from"
            what = f"is no model that is compiled here: {useless[0]} has no meaning"
            raise UtvmError(what, where=args.model, hint=hint)
        return module.load_model(args.model, args.module)

    def _check_places(self, args: argparse.Namespace) -> None:
        """Files that cannot be written are better known before the work than after it."""
        from west_utvm.files import check_place

        for option, path in (("-o", args.output), ("--report", args.report)):
            if path is not None:
                check_place(path, f"give another file with {option}", not_over=args.model)
        if args.report and args.output and args.report.resolve() == args.output.resolve():
            raise UtvmError("-o and --report name the same file", where=args.report)

    def _summarize(self, args: argparse.Namespace, model: Model) -> Summary | None:
        """Print the record that our compiler left in a model; archives of tvmc have none."""
        from west_utvm import report

        summary = report.read_summary(model.metadata.model_name, model.entry)
        if summary:
            self.inf("\n".join(report.table(summary, layers=args.layers)))
        elif args.report or args.layers:
            what = "has no record of our compiler: --report and --layers have nothing to show"
            raise UtvmError(what, where=args.model, hint="give the model that it was made from")
        return summary

    def _write_page(self, args: argparse.Namespace, summary: Summary) -> None:
        from west_utvm import report
        from west_utvm.files import write_file

        page = report.page(summary).encode()
        write_file(args.report, page, "give another file with --report")
        self.step(f"wrote {args.report}")

    def _write_archive(self, args: argparse.Namespace, model: Model) -> None:
        from west_utvm.mlf import write_archive

        write_archive(model, args.output)
        self.step(f"wrote {args.output}")

    def _report(self, written: Written, summary: Summary | None) -> None:
        compiled = written.module
        verb = "wrote" if written.changed else "already up to date:"
        self.step(f"{verb} {compiled.folder}")
        for kind, tensors in (("input", compiled.inputs), ("output", compiled.outputs)):
            for tensor in tensors:
                shape = "x".join(map(str, tensor.shape))
                self.inf(f"{kind:9} {tensor.name}: {tensor.dtype} {shape}, {tensor.size} bytes")
        if summary is None:
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
