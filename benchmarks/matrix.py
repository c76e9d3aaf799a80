# SPDX-License-Identifier: Apache-2.0
"""Every wanted case, several at a time."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.machines import Machine, machines
from benchmarks.measure import Case, empty_rig, measure
from benchmarks.models import Expected, compile_for, expected, find_models
from benchmarks.records import Record
from benchmarks.tools import run
from west_utvm.errors import UtvmError

if TYPE_CHECKING:
    from west_utvm.kernels.options import Optimize


@dataclass(frozen=True)
class Wanted:
    """Names of models and CPUs: none means all. ``work`` keeps the builds."""

    models: Sequence[str] = ()
    cpus: Sequence[str] = ()
    opts: Sequence[str] = ("-Os", "-O2", "-O3")
    optimize: Optimize = "balanced"
    io_in_workspace: bool = False
    without: Sequence[str] = ()
    layers: bool = False
    cycles: bool = False
    work: Path | None = None
    jobs: int = 1


@dataclass
class Found:
    records: list[Record] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    tools: dict[str, str] = field(default_factory=dict)


def run_matrix(wanted: Wanted) -> Found:
    """Measure all; what fails is said on standard error and in ``failures``."""
    found = Found()
    usable = _usable(machines(wanted.cpus))
    found.tools = {name: _version(name) for m in usable for name in (m.compiler, m.emulator)}
    cases = list(_cases(wanted, usable, found))
    with _folder(wanted.work) as work, ThreadPoolExecutor(max(1, wanted.jobs)) as pool:
        keys = sorted({(case.machine.cpu, case.opt) for case in cases})
        by_cpu = {machine.cpu: machine for machine in usable}
        rigs = {
            key: empty_rig(by_cpu[key[0]], key[1], work / f"empty-{key[0]}{key[1]}") for key in keys
        }

        def one(case: Case) -> Record | UtvmError:
            folder = work / f"{case.model}-{case.machine.cpu}{case.opt}"
            try:
                record = measure(case, rigs[case.machine.cpu, case.opt], folder)
            except UtvmError as error:
                return UtvmError(f"{case.title}: {error}")
            say(f"{case.title}: {record.instructions:,} instructions")
            return record

        for result in pool.map(one, cases):
            if isinstance(result, UtvmError):
                _fail(found, str(result))
            else:
                found.records.append(result)
    return found


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _fail(found: Found, line: str) -> None:
    say(f"FAILED {line}")
    found.failures.append(line)


def _usable(wanted: Sequence[Machine]) -> list[Machine]:
    usable = []
    for machine in wanted:
        missing = machine.missing()
        if missing:
            say(f"{machine.cpu} is skipped: {missing} is not installed")
        else:
            usable.append(machine)
    if not usable:
        raise UtvmError("no CPU can be emulated", hint="install the programs named above")
    return usable


def _cases(wanted: Wanted, usable: Sequence[Machine], found: Found) -> Iterator[Case]:
    for path in find_models(wanted.models):
        reference: Expected | None = None
        for machine in usable:
            try:
                compiled = compile_for(
                    path,
                    machine,
                    wanted.optimize,
                    io_in_workspace=wanted.io_in_workspace,
                    without=wanted.without,
                )
                reference = reference or expected(path, compiled)
            except UtvmError as error:
                if wanted.models:
                    _fail(found, f"{path.stem} {machine.cpu}: {error}")
                else:
                    say(f"{path.stem} is skipped: {error.what}")
                break
            for opt in wanted.opts:
                yield Case(
                    model=path.stem,
                    compiled=compiled,
                    expected=reference,
                    machine=machine,
                    opt=opt,
                    optimize=wanted.optimize,
                    layers=wanted.layers,
                    cycles=wanted.cycles,
                )


@contextmanager
def _folder(work: Path | None) -> Iterator[Path]:
    if work is not None:
        work.mkdir(parents=True, exist_ok=True)
        yield work.resolve()
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _version(program: str) -> str:
    lines = run([program, "--version"], Path.cwd()).splitlines()
    return lines[0] if lines else ""
