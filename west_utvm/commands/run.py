# SPDX-License-Identifier: Apache-2.0
"""``west utvm-run``: build, size check, flash or emulate, infer, verify."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from west_utvm.commands.board import check_board
from west_utvm.commands.common import UtvmCommand
from west_utvm.commands.size import add_budget_arguments, as_summary, print_sizes, read_budgets
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from collections.abc import Callable

    from west_utvm.device.transport import Transport
    from west_utvm.module import GeneratedModule
    from west_utvm.runner.build import Application
    from west_utvm.runner.inference import Outcome
    from west_utvm.runner.tensors import Array, Samples

_HOST = "host"


class Run(UtvmCommand):
    NAME = "utvm-run"
    HELP = "build, flash and run a model: tensors in, tensors out"
    DESCRIPTION = """\
Build the runner application with a model (west build), flash it (west flash) or start the
board's emulator, send input tensors over its console UART and fetch the outputs.

Arrays of an npz file are named after the model's inputs and hold one sample or N of them.
Inputs that are not given are filled. What follows -- goes to west flash."""
    EXAMPLES = """\
  west utvm-run kws -b mps2/an521/cpu0 -i yes.npz --print-top 3
  west utvm-run kws -b host -i in.npz -o out.npz          on this computer, without Zephyr
  west utvm-run app                                       a project of west utvm-project
  west utvm-run kws -i in.npz --verify expected.npz       exit with 1 if an output differs
  west utvm-run kws -b nucleo_f746zg --repeat 10 --port /dev/ttyACM0
  west utvm-run kws -b nrf5340dk/nrf5340/cpuapp -r jlink -- --erase
  west utvm-run kws -b mps2/an385 -D CONFIG_SPEED_OPTIMIZATIONS=y"""
    TAKES_REST = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "model", metavar="NAME|DIR", help="a compiled model, its folder, or a project's"
        )
        parser.add_argument(
            "--model", dest="served", help="which model of a project; default: the first"
        )
        _add_build_arguments(parser.add_argument_group("building and flashing"))
        _add_tensor_arguments(parser.add_argument_group("tensors"))
        _add_device_arguments(parser.add_argument_group("the device"))
        add_budget_arguments(parser)

    def execute(self, args: argparse.Namespace, rest: list[str]) -> None:
        # Otherwise a time limit of CI would end us and leave the emulator running.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        application = self._application(args)
        module = application.module
        flash_args = _after_dashes(rest)
        # Whatever can be wrong with the request is said before anything is built.
        samples, expected = _load(module, args)
        board = self._board(args, application)
        build_dir = self._build(args, application, board)
        with self._open(args, board, build_dir, flash_args) as transport:
            outcome = self._infer(args, transport, module, samples)
        self._report_time(outcome, board, build_dir)
        self._report_outputs(args, outcome, samples, expected)

    def _application(self, args: argparse.Namespace) -> Application:
        from west_utvm.project import is_project, read_project
        from west_utvm.runner.build import Application, template_around
        from west_utvm.workspace.modules_dir import find_module, modules_dir

        modules = modules_dir(self.topdir_path(), self.option("modules-dir"))
        folder = Path(args.model).resolve()
        if (modules / args.model / "metadata.json").exists() or not is_project(folder):
            if args.served:
                raise UtvmError("--model is for a project, and this is none", where=args.model)
            return template_around(find_module(args.model, modules))
        project = read_project(folder)
        project.check_served()
        module = project.module(args.served)
        return Application(folder, module, project.board, finds_module=True)

    def _board(self, args: argparse.Namespace, application: Application) -> str:
        configured = self.config.get("build.board") if self.has_config else None
        board = args.board or application.board or configured
        if not board:
            hint = "give -b BOARD here or to utvm-compile; -b host needs no Zephyr"
            raise UtvmError("no board", where=application.module.name, hint=hint)
        if board != _HOST:
            self.zephyr_base()
        return str(board)

    def _build(self, args: argparse.Namespace, application: Application, board: str) -> Path:
        from west_utvm.runner.build import build_commands

        build_dir: Path = args.build_dir or application.build_dir(self.topdir_path(), board)
        read_budgets(self, args)
        self.step(f"building {application.module.name} for {board} in {build_dir}")
        try:
            for command in build_commands(application, board, build_dir.absolute(), args.define):
                self.call(command)
        except UtvmError:
            check_board(self, board)
            raise
        print_sizes(self, build_dir, args, as_summary)
        return build_dir

    def _open(
        self, args: argparse.Namespace, board: str, build_dir: Path, flash_args: list[str]
    ) -> Transport:
        from west_utvm.device.process import ProcessTransport
        from west_utvm.runner.build import host_executable
        from west_utvm.runner.launch import Line, Place, open_line, runs_on
        from west_utvm.workspace import west
        from west_utvm.workspace.build_dir import RunsOn, read_build_dir

        if board == _HOST:
            return ProcessTransport([str(host_executable(build_dir))])
        build = read_build_dir(build_dir)
        line = Line(port=args.port, baud=args.baud, dev_id=args.dev_id)
        where = runs_on(build, line)
        if where is RunsOn.HARDWARE and not args.no_flash:
            self.step(f"flashing {board}")
            self.call(
                west.flash(
                    build_dir,
                    runner=args.runner,
                    domain=args.domain,
                    dev_id=args.dev_id,
                    rest=flash_args,
                )
            )
        self.step(f"running on {where.value}")
        return open_line(build, line, Place(self.topdir_path(), self.zephyr_base()))

    def _infer(
        self,
        args: argparse.Namespace,
        transport: Transport,
        module: GeneratedModule,
        samples: Samples,
    ) -> Outcome:
        from west_utvm.runner.inference import Settings, infer

        settings = Settings(
            repeat=args.repeat,
            timeout=args.timeout,
            on_text=lambda text: self.dbg(text, end=""),
            on_progress=_progress(samples.count),
        )
        return infer(transport, module, samples, settings)

    def _report_time(self, outcome: Outcome, board: str, build_dir: Path) -> None:
        from west_utvm.runner import timing
        from west_utvm.workspace.build_dir import read_build_dir

        self.inf(timing.describe(outcome.results, outcome.info.clock_hz))
        if board != _HOST and (note := read_build_dir(build_dir).clock_note):
            self.inf(f"  ({note})")
        if outcome.stack.size:
            self.inf(f"stack: {outcome.stack.used} of {outcome.stack.size} bytes used")
        if outcome.repeated:
            self.wrn(f"{outcome.repeated} requests had to be sent again: the line is noisy")

    def _report_outputs(
        self,
        args: argparse.Namespace,
        outcome: Outcome,
        samples: Samples,
        expected: dict[str, Array],
    ) -> None:
        from west_utvm.runner import compare
        from west_utvm.runner.tensors import save_npz

        if args.output:
            save_npz(args.output, outcome.outputs)
            self.inf(f"outputs: {args.output}")
        if args.print_top:
            for line in compare.top(outcome.outputs, args.print_top, batched=samples.batched):
                self.inf(line)
        if args.verify:
            comparisons = compare.compare(
                outcome.outputs, expected, str(args.verify), atol=args.atol
            )
            for comparison in comparisons:
                self.inf(str(comparison))
            if not all(comparison.agrees for comparison in comparisons):
                raise UtvmError("outputs differ from what is expected", where=args.verify)


def _add_build_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-b", "--board", help="board target, or 'host'; default: what utvm-compile was given"
    )
    group.add_argument(
        "-d", "--build-dir", type=Path, help="default: build/utvm/NAME/BOARD in the workspace"
    )
    group.add_argument(
        "-D",
        "--define",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="definition for CMake, such as CONFIG_FPU=y",
    )
    group.add_argument("-r", "--runner", help="flash runner, as for west flash")
    group.add_argument("--domain", help="sysbuild domain to flash, as for west flash")
    group.add_argument("--dev-id", help="serial number of the board, where several are connected")
    group.add_argument(
        "--no-flash", action="store_true", help="the board has this firmware already"
    )


def _add_tensor_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-i", "--inputs", type=Path, metavar="NPZ", help="input tensors")
    group.add_argument("-o", "--output", type=Path, metavar="NPZ", help="write the outputs here")
    group.add_argument(
        "--fill-mode",
        choices=("zeros", "ones", "random"),
        default="random",
        help="what inputs hold that -i does not give (default: %(default)s)",
    )
    group.add_argument("--seed", type=_at_least(0), default=0, help="of --fill-mode random")
    group.add_argument(
        "--print-top", type=_at_least(1), metavar="N", help="print each output's N largest elements"
    )
    group.add_argument(
        "--verify", type=Path, metavar="NPZ", help="exit with 1 unless the outputs equal these"
    )
    group.add_argument(
        "--atol", type=float, default=0.0, help="difference that --verify allows (default: 0)"
    )


def _add_device_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--repeat",
        type=_at_least(1),
        default=1,
        metavar="N",
        help="run each sample N times and print min, median and max time",
    )
    group.add_argument(
        "--port", help="serial port of a real board; default: found by the board's USB ids"
    )
    group.add_argument("--baud", type=_at_least(1), help="default: current-speed in devicetree")
    group.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for one inference (default: %(default)s)",
    )


def _at_least(least: int) -> type[int]:
    def parse(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    parse.__name__ = "number"
    return parse  # type: ignore[return-value]  # argparse takes any callable


def _after_dashes(rest: list[str]) -> list[str]:
    """What follows ``--``; an option that nobody knows is no argument for west flash."""
    if rest and "--" not in sys.argv:
        raise UtvmError(f"unknown argument {rest[0]}", hint="west utvm-run -h lists them all")
    return rest[1:] if rest[:1] == ["--"] else rest


def _load(module: GeneratedModule, args: argparse.Namespace) -> tuple[Samples, dict[str, Array]]:
    from west_utvm.runner.tensors import load_npz, make_samples

    given = load_npz(args.inputs) if args.inputs else {}
    expected = load_npz(args.verify) if args.verify else {}
    samples = make_samples(
        module.inputs, given, str(args.inputs), fill=args.fill_mode, seed=args.seed
    )
    return samples, expected


def _progress(total: int) -> Callable[[int], None] | None:
    """A counter on the terminal; nothing where the output is a file or a log."""
    if total == 1 or not sys.stderr.isatty():
        return None

    def show(done: int) -> None:
        end = "\n" if done == total else ""
        print(f"\rsample {done} of {total}", end=end, file=sys.stderr, flush=True)

    return show
