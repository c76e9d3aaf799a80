# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks``: every model x CPU x optimisation, beside the peers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import table
from benchmarks.matrix import Wanted, run_matrix
from benchmarks.peers import load_peers
from benchmarks.plots import write_plots
from benchmarks.records import Record, load, to_json
from benchmarks.targets import targets
from west_utvm.errors import UtvmError

OPTS = ("-Os", "-O2", "-O3")


def main(arguments: Sequence[str]) -> int:
    """The process's exit status: 1 if a measurement failed."""
    try:
        return _run(_parser().parse_args(_joined(arguments)))
    except UtvmError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1


def _joined(arguments: Sequence[str]) -> list[str]:
    """``--opt -O2,-O3`` as ``--opt=-O2,-O3``: argparse takes no value that begins with a dash."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--opt":
            joined[-1] = f"--opt={argument}"
        else:
            joined.append(argument)
    return joined


def _list(text: str) -> list[str]:
    return [item for item in text.split(",") if item]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Compile models for every CPU, run them under QEMU, and print instructions, "
        "flash and RAM beside those of others. Lists are separated by commas.",
    )
    add = parser.add_argument
    add("--models", type=_list, default=[], help="names of MLPerf Tiny's models, or files")
    add("--cpus", type=_list, default=[], help="m3, m4, m33, m55, rv32imc")
    add("--opt", type=_list, default=list(OPTS), help="the C compiler's: -Os, -O2, -O3")
    add("--optimize", choices=("speed", "size", "balanced"), default="balanced")
    add("--io-in-workspace", action="store_true", help="inputs and outputs in the workspace")
    add("--without", type=_list, default=[], help="savings of memory to leave out")
    add("--layers", action="store_true", help="count each operator, too")
    add(
        "--cycles",
        action="store_true",
        help="trace an inference: exact count, estimated cycles (m4), hottest loops; slow",
    )
    add("--targets", action="store_true", help="say which targets are met")
    add("--json", "--save", type=Path, metavar="FILE", help="write the figures")
    add("--against", type=Path, metavar="FILE", help="compare with figures that --save wrote")
    add("--plots", type=Path, metavar="DIR", help="write plots as SVG")
    add("--work", type=Path, metavar="DIR", help="keep the builds here")
    add("-j", "--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    return parser


def _run(args: argparse.Namespace) -> int:
    wanted = Wanted(
        models=args.models,
        cpus=args.cpus,
        opts=[opt if opt.startswith("-") else f"-{opt}" for opt in args.opt],
        optimize=args.optimize,
        io_in_workspace=args.io_in_workspace,
        without=args.without,
        layers=args.layers or args.plots is not None,
        cycles=args.cycles,
        work=args.work,
        jobs=args.jobs,
    )
    found = run_matrix(wanted)
    peers = load_peers()
    print(table.table(found.records, peers))
    _print_more(args, found.records)
    if args.json:
        args.json.write_text(to_json(found.records, found.tools))
    if args.plots:
        opt = "-O2" if "-O2" in wanted.opts else wanted.opts[0]
        write_plots(found.records, peers, args.plots, opt)
    return 1 if found.failures else 0


def _print_more(args: argparse.Namespace, records: Sequence[Record]) -> None:
    if args.layers:
        print("\n".join(table.layers(record) for record in records))
    if args.cycles:
        print("\n".join(table.loops(record) for record in records))
    if args.against:
        print(table.against(records, load(args.against)))
    if args.targets:
        print(targets(records, load_peers()))
